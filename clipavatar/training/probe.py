"""`clipavatar train-probe`: a linear probe of a CLIP's image tower (Alain & Bengio 2017).

It names the attributes of our figures from what the CLIP sees, more surely than the CLIP's own
texts do: these were learned to be near many pictures, and "a scarf" lies beside "a hoodie".
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.chibi.labels import PLACES, SIZES, VALUES
from clipavatar.chibi.split import HELD_OUT
from clipavatar.clip import Clip, load_clip, save_clip
from clipavatar.config import Config, ProbeTrainConfig
from clipavatar.goals import on_plain
from clipavatar.images import to_float
from clipavatar.metrics.attributes import COLUMNS, attribute_loss, overall, visible
from clipavatar.probe import Probe

PART = 100  # pictures seen at once
HIDDEN = 0.5  # of a map's rows are hidden in training, at most
NEVER = -1e4  # logit of what no training picture could show


def train_probe(config: Config, resume: bool = False) -> Path:
    """Fit a probe as `config.probe` says; returns a folder with its CLIP and the probe in it.

    Says on stderr how often it is right in unseen pictures, and in those of them that show a pair
    of values which no training picture does. There is nothing to `resume`: what was drawn is there
    already, and the rest takes a few minutes. Raises OSError, ValueError.
    """
    options = config.probe
    output = Path(options.output)
    clip = load_clip(options.clip)
    blank = torch.zeros(1, 3, options.resolution, options.resolution)
    shape = clip.see_maps(blank).shape[1:]  # or a ValueError, before anything is drawn
    load = partial(load_pictures, size=options.resolution, folder=output.parent / "cache")
    pictures = load(options.pictures, seed=options.seed)
    maps, labels = mapped(clip, pictures), torch.from_numpy(pictures.labels)
    probe = Probe([f"{name}={value}" for name, value in PLACES], shape, options.rank)
    fit_probe(probe, maps, labels, options)
    unseen = load(options.unseen, seed=options.seed + 1, held_out=None)
    theirs = torch.from_numpy(unseen.labels)
    read = named(probe, mapped(clip, unseen))
    new = (never_shown(theirs) & shown(theirs)).any(dim=1)
    for of, rows in (("", new | ~new), (" of pairs never shown", new)):
        right = overall(read[rows], visible(theirs[rows]))
        print(f"right in {right.percent:.2f} % of {right.of:,} unseen{of}", file=sys.stderr)
    clip.probe = probe
    save_clip(clip, output / "clip", half=True)
    return output / "clip"


@torch.no_grad()
def mapped(clip: Clip, pictures: Pictures) -> Tensor:
    """N pictures -> their maps (N, C, h, w), float16."""
    parts = np.array_split(np.arange(len(pictures)), max(1, len(pictures) // PART))
    made: Tensor | None = None  # filled and not joined, which would take twice the memory
    for part in tqdm(parts, "seeing", delay=2, leave=False):
        faces = on_plain(to_float(torch.from_numpy(pictures.pixels(part))))
        maps = torch.cat([clip.see_maps(some) for some in faces]).half()
        made = maps.new_empty(len(pictures), *maps.shape[1:]) if made is None else made
        made[part] = maps
    if made is None:
        raise ValueError("a probe needs pictures")
    return made


def fit_probe(probe: Probe, maps: Tensor, labels: Tensor, options: ProbeTrainConfig) -> None:
    """Learn the labels (N, A) of pictures from their maps (N, C, h, w), whose scale is no matter.

    What training never shows beside another value (`split.HELD_OUT`) is no rival there: else a
    probe learns that behind sunglasses nobody winks. A random band of rows is hidden from each
    picture, so that a wink is known by its mouth, too.
    """
    random = torch.Generator().manual_seed(options.seed)
    seen, never = visible(labels), never_shown(labels)
    with torch.no_grad():
        for layer in (probe.directions, probe.weights):
            drawn = torch.randn(layer.weight.shape, generator=random)
            layer.weight.copy_(drawn / layer.weight[0].numel() ** 0.5)
            layer.bias.zero_()  # type: ignore[union-attr, operator]
        probe.directions.weight /= maps[:PART].float().std()
    optimiser = torch.optim.Adam(probe.parameters(), options.learning_rate)
    batches = -(-len(maps) // options.batch_size)
    steps = [
        rows
        for _ in range(options.epochs)
        for rows in torch.randperm(len(maps), generator=random).chunk(batches)
    ]
    for step, rows in enumerate(tqdm(steps, "fitting", delay=2, leave=False)):
        optimiser.param_groups[0]["lr"] = options.learning_rate * (1 - step / len(steps))
        logits = probe(banded(maps[rows].float(), random)).masked_fill(never[rows], NEVER)
        loss = attribute_loss(torch.split(logits, SIZES, dim=1), seen[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    probe.eval().requires_grad_(False)


def banded(maps: Tensor, random: torch.Generator) -> Tensor:
    """(B, C, h, w) with up to HIDDEN of the rows set to 0, all beside each other."""
    count, height = len(maps), maps.shape[2]
    first = (torch.rand(count, 1, generator=random) * height).long()
    last = first + (torch.rand(count, 1, generator=random) * HIDDEN * height).long()
    rows = torch.arange(height)
    return maps * ((rows < first) | (rows >= last))[:, None, :, None]


@torch.no_grad()
def named(probe: Probe, maps: Tensor) -> Tensor:
    """Maps (N, C, h, w) -> the labels (N, A) that the probe reads."""
    logits = torch.cat([probe(some.float()) for some in torch.split(maps, PART)])
    return torch.stack([each.argmax(dim=1) for each in torch.split(logits, SIZES, dim=1)], dim=1)


def shown(labels: Tensor) -> Tensor:
    """(N, A) -> (N, values): which of all values a figure has."""
    hot = [labels[:, column, None] == torch.arange(size) for column, size in enumerate(SIZES)]
    return torch.cat(hot, dim=1)


def never_shown(labels: Tensor) -> Tensor:
    """(N, A) -> (N, values): what no training picture shows beside a value of these figures."""
    never = torch.zeros(len(labels), sum(SIZES), dtype=torch.bool)
    for pair in HELD_OUT:
        for (name, value), other in (pair, pair[::-1]):
            never[labels[:, COLUMNS[name]] == VALUES[name].index(value), PLACES[other]] = True
    return never
