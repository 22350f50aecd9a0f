"""`clipavatar train-probe`: a linear probe of a CLIP's image embeddings (Alain & Bengio 2017).

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

from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.chibi.labels import PLACES, SIZES
from clipavatar.clip import Clip, load_clip, save_clip
from clipavatar.config import Config
from clipavatar.goals import seen
from clipavatar.images import to_float
from clipavatar.metrics.attributes import attribute_loss, overall, visible

ROUNDS = 150  # of L-BFGS, at most
PART = 100  # pictures seen at once


def train_probe(config: Config, resume: bool = False) -> Path:
    """Fit a probe as `config.probe` says; returns a folder with its CLIP and the probe in it.

    Says on stderr how often it is right in unseen pictures. There is nothing to `resume`: what was
    drawn is there already, and the rest takes half a minute. Raises OSError, ValueError.
    """
    options = config.probe
    output = Path(options.output)
    clip = load_clip(options.clip)
    folder = output.parent / "cache"
    load = partial(load_pictures, size=options.resolution, folder=folder, held_out=None)
    learned = embedded(clip, load(options.pictures, seed=options.seed))
    unseen, labels = embedded(clip, load(options.unseen, seed=options.seed + 1))
    rows = fit_probe(*learned, options.decay)
    logits = torch.split(unseen @ rows.T, SIZES, dim=1)
    read = torch.stack([each.argmax(dim=1) for each in logits], dim=1)
    right = overall(read, labels)
    print(f"right in {right.percent:.2f} % of {right.of:,} unseen attributes", file=sys.stderr)
    clip.probe = {f"{name}={value}": rows[place] for (name, value), place in PLACES.items()}
    save_clip(clip, output / "clip", half=True)
    return output / "clip"


@torch.no_grad()
def embedded(clip: Clip, pictures: Pictures) -> tuple[Tensor, Tensor]:
    """N pictures -> their unit embeddings (N, E), and labels of what can be seen (N, A)."""
    parts = np.array_split(np.arange(len(pictures)), max(1, len(pictures) // PART))
    faces = (to_float(torch.from_numpy(pictures.pixels(part))) for part in parts)
    labels = visible(torch.from_numpy(pictures.labels))
    return torch.cat([seen(clip, each) for each in faces]), labels


def fit_probe(embeddings: Tensor, labels: Tensor, decay: float) -> Tensor:
    """Unit vectors (N, E), labels (N, A) -> (values, E): rows whose products are logits.

    Without biases: what all embeddings have in common does for them. Convex, and so of no seed.
    """
    rows = torch.zeros(sum(SIZES), embeddings.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [rows], max_iter=ROUNDS, history_size=20, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        optimiser.zero_grad()
        logits = torch.split(embeddings @ rows.T, SIZES, dim=1)
        wrong = attribute_loss(logits, labels) + decay * rows.square().sum()
        wrong.backward()  # type: ignore[no-untyped-call]
        return wrong.item()

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return rows.detach()
