"""Which training pictures a picture could be a copy of. No torch: processes start in a moment."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from clipavatar.chibi.labels import labels_of
from clipavatar.chibi.stream import figure_of
from clipavatar.config import SourceConfig
from clipavatar.processes import spread

TRAINING_SEED = 0  # of the stream that the shipped model was trained on, and how many of its first
TRAINING_COUNT = SourceConfig().pictures  # pictures are looked through: those that it saw most
STOCK = 1000  # training pictures that every picture is compared with, whatever they show
MATCHES = 3  # further ones for each picture: those that show most of what it shows
CHUNK = 1000  # figures that a process names at a time

Labels = NDArray[np.int8]


def training_labels(count: int = TRAINING_COUNT, workers: int = 0) -> Labels:
    """What the first `count` training pictures show (N, A), without drawing them.

    Half a millisecond each.
    """
    workers = workers or (os.cpu_count() or 1 if count > 2 * CHUNK else 1)
    starts = range(0, count, CHUNK)
    parts = tqdm(
        spread(_labels, starts, workers), "naming training pictures", len(starts), leave=False
    )
    return np.concatenate(list(parts))[:count]


def _labels(start: int) -> Labels:
    figures = (figure_of(TRAINING_SEED, index) for index in range(start, start + CHUNK))
    return np.array([labels_of(figure.attributes) for figure in figures], np.int8)


def suspects(shown: Labels, known: Labels) -> Sequence[int]:
    """Places in the training stream, rising: the first STOCK, and for each picture its MATCHES.

    `shown` (N, A) is what the pictures show, `known` (M, A) what the training pictures do. A copy
    of a training picture shows all that it shows, so its original is among them, unless there are
    more than MATCHES as alike: the first ones count.
    """
    places = set(range(min(STOCK, len(known))))
    columns = np.ascontiguousarray(known.T)
    for row in shown:
        alike = (columns == row[:, None]).sum(axis=0, dtype=np.int8)
        places.update(np.argsort(-alike, kind="stable")[:MATCHES].tolist())
    return sorted(places)
