"""Pictures to measure: a model's own, and the true ones that its texts could mean.

All come as bytes, (N, R, R, C) uint8; RGBA is premultiplied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from clipavatar.chibi.draw import pixels
from clipavatar.chibi.sample import figure
from clipavatar.chibi.stream import figure_of
from clipavatar.config import NOISE_SIZE
from clipavatar.images import to_uint8
from clipavatar.metrics.copies import TRAINING_SEED
from clipavatar.metrics.texts import Case, literal
from clipavatar.processes import spread

Painter = Callable[[Case], Tensor]  # -> (C, R, R) in [-1, 1]


def painter(pipeline: Any, candidates: int) -> Painter:
    """Draws a case as `pipeline.generate` does, up to its last step: the size and background.

    The text goes the whole way through the prompt engine, CLIP and the choice among `candidates`;
    brackets and the like in it mean themselves.
    """

    @torch.no_grad()
    def paint(case: Case) -> Tensor:
        settings = pipeline.settings(literal(case.text), case.seed, candidates=candidates)
        target = pipeline.target(settings)
        latent = pipeline.latent(settings, target)
        face: Tensor = pipeline.choose(latent, target.direction).face[0]
        return face.cpu()

    return paint


def painted(paint: Painter, asked: Sequence[Case], title: str) -> Tensor:
    """The picture of each case."""
    drawn = tqdm(asked, title, unit="", leave=False)
    return torch.stack([to_uint8(paint(case)) for case in drawn])


def true_pictures(asked: Sequence[Case], size: int, turn: int, workers: int = 0) -> Tensor:
    """A perfect model's picture of each case: what is unsaid comes from the noise of `turn`."""
    work = partial(_draw_true, size=size, turn=turn)
    return _drawn(work, asked, workers, "drawing true pictures")


def training_pictures(places: Sequence[int], size: int, workers: int = 0) -> Tensor:
    """These pictures of the stream that the shipped model was trained on."""
    work = partial(_draw_training, size=size)
    return _drawn(work, places, workers, "drawing training pictures")


def _drawn(work: Callable[[Any], Any], items: Sequence[Any], workers: int, title: str) -> Tensor:
    workers = workers or (os.cpu_count() or 1 if len(items) > 100 else 1)
    made = tqdm(spread(work, items, workers, 16), title, len(items), unit="", leave=False)
    return torch.from_numpy(np.stack(list(made)))


def _draw_true(case: Case, size: int, turn: int) -> NDArray[np.uint8]:
    return pixels(figure(case.said, true_noise(case.seed, turn)), size)


def _draw_training(index: int, size: int) -> NDArray[np.uint8]:
    return pixels(figure_of(TRAINING_SEED, index), size)


def true_noise(seed: int, turn: int) -> NDArray[np.float32]:
    """The noise (Z,) of the true picture number `turn` of a case with this seed."""
    rng = np.random.default_rng([seed, turn, 3])
    return rng.standard_normal(NOISE_SIZE, dtype=np.float32)
