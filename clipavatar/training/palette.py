"""The generator's palette, learned from the renderer's own colours before any picture is."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import l1_loss, mse_loss
from tqdm import tqdm

from clipavatar.chibi.colours import palette
from clipavatar.chibi.labels import VALUES, labels_of
from clipavatar.chibi.sample import CHOOSERS
from clipavatar.chibi.stream import drawn_of
from clipavatar.models import Generator

FIGURES, STEPS, BATCH, RATE = 12_000, 6_000, 256, 2e-3
SQUARE = 5.0  # of the squared error beside the absolute one, which leaves rare colours as they are


def train_palette(generator: Generator, seed: int) -> float:
    """Teach it the colours of figures of which everything is said; half a minute on two cores.

    What a figure has none of, and its eyes, are left unsaid half of the time: texts do so. Returns
    the mean absolute error of the last batch, of colours in [-1, 1].
    """
    labels, noise, wanted = [], [], []
    for index in tqdm(range(FIGURES), "colours", unit="figure"):
        one = drawn_of(seed, index)
        labels.append(labels_of(one.figure.attributes))
        noise.append(one.noise)
        wanted.append(palette(one.figure))
    words = generator.labelled(torch.tensor(labels)).float()
    values = [(name, value) for name, table in VALUES.items() for value in table]
    silent = torch.tensor([value == "none" or name == "eye_colour" for name, value in values])
    shapes, colours = torch.from_numpy(np.stack(noise)), torch.from_numpy(np.stack(wanted))
    with torch.no_grad():
        generator.palette.straight.bias.copy_(colours.mean(dim=0).flatten())
    optimizer = torch.optim.Adam(generator.palette.parameters(), RATE, (0.9, 0.99))
    draws = torch.Generator().manual_seed(seed)
    for step in tqdm(range(STEPS), "palette", unit="step"):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        index = torch.randint(FIGURES, (BATCH,), generator=draws)
        given = shapes[index]
        choosers = list(CHOOSERS.values())  # they mean nothing where everything is said
        given[:, choosers] = torch.randn(BATCH, len(choosers), generator=draws)
        unsaid = silent & (torch.rand(BATCH, len(silent), generator=draws) < 0.5)
        made = generator.colours(given, words[index].masked_fill(unsaid, 0))
        off = l1_loss(made, colours[index])
        loss = off + SQUARE * mse_loss(made, colours[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(off.detach())
