"""How far sets of pictures are from each other: pure functions over features (N, E), float64.

Features of different sets come from the same encoder. Where two sets are said to be samples, they
must be independent: pictures of the same texts are nearer to each other than chance has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
NOTHING = 1e-3  # a distance that rounding alone may give, of features of mean square 1
ROWS = 500  # queries whose distances are held at once


def frechet_distance(one: Features, other: Features) -> float:
    """Frechet distance of the Gaussians fitted to (N, E) and (M, E) (Heusel et al. 2017), >= 0.

    |mean1 - mean2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)), by symmetric eigenvalues only. It grows as
    N gets small: compare at the same N.
    """
    shift = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(first))
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    mixed = np.linalg.eigvalsh(root @ np.atleast_2d(second) @ root)
    traces = np.trace(np.atleast_2d(first)) + np.trace(np.atleast_2d(second))
    return float(max(0.0, shift + traces - 2 * np.sqrt(np.maximum(mixed, 0)).sum()))


def kernel_distance(one: Features, other: Features) -> float:
    """KID: the unbiased squared MMD with the kernel (x.y / E + 1)^3 (Binkowski et al. 2018).

    About 0 for two independent samples of one distribution, a little below it half of the time.
    """
    size = one.shape[1]

    def kernel(x: Features, y: Features) -> Features:
        made: Features = (x @ y.T / size + 1) ** 3
        return made

    def within(x: Features) -> float:
        made = kernel(x, x)
        return float((made.sum() - np.trace(made)) / (len(x) * (len(x) - 1)))

    return within(one) + within(other) - 2 * float(kernel(one, other).mean())


def precision_recall(real: Features, made: Features, neighbours: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019), each in [0, 1].

    Precision: the share of `made` that lies in a ball around a real picture that reaches to its
    k-th neighbour. Recall: the same with the roles changed.
    """
    between = distances(real, made)

    def radii(x: Features) -> Features:
        return np.sort(distances(x, x), axis=1)[:, min(neighbours, len(x) - 1)]

    precision = (between <= radii(real)[:, None]).any(axis=0).mean()
    recall = (between <= radii(made)[None]).any(axis=1).mean()
    return float(precision), float(recall)


def distances(one: Features, other: Features) -> Features:
    """Euclidean distances (N, M)."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None]
    made: Features = np.sqrt(np.maximum(squares - 2 * one @ other.T, 0))
    return made


def spread_of(features: Features) -> float:
    """Mean distance of two different rows of (N, E)."""
    count = len(features)
    off_diagonal = ~np.eye(count, dtype=bool)
    return float(distances(features, features)[off_diagonal].mean())


def diversity(made: Features, real: Features) -> float:
    """The spread of pictures of one text over that of true pictures of it; (P, K, E) each.

    Mean over P texts of the mean distance among K pictures; 1 is as varied as the truth.
    """
    theirs = np.mean([spread_of(rows) for rows in real])
    return float(np.mean([spread_of(rows) for rows in made]) / theirs)


def spread_of_one(features: Features, names: Sequence[str]) -> float:
    """Mean distance of two of (N, E) with the same name over that of two with different names.

    0: all of one name are the same. NaN where there are no two of either kind.
    """
    between = distances(features, features)
    same = np.array(names)[:, None] == np.array(names)[None]
    other, pairs = ~same, same & ~np.eye(len(names), dtype=bool)
    if not (pairs.any() and other.any()):
        return float("nan")
    return float(between[pairs].mean() / max(between[other].mean(), NOTHING))


class Nearest(NamedTuple):
    """The nearest of a stock for each query: distances (N,) and places in the stock (N,)."""

    distance: Features
    place: NDArray[np.int64]


def nearest(queries: Features, stock: Features, itself: bool = False) -> Nearest:
    """The nearest neighbour in `stock` (M, E) of each query (N, E); `itself`: not the same row."""
    distance, place = np.empty(len(queries)), np.empty(len(queries), np.int64)
    for start in range(0, len(queries), ROWS):  # all at once would be gigabytes
        rows = np.arange(start, min(start + ROWS, len(queries)))
        between = distances(queries[rows], stock)
        if itself:
            between[np.arange(len(rows)), rows] = np.inf
        place[rows] = between.argmin(axis=1)
        distance[rows] = between[np.arange(len(rows)), place[rows]]
    return Nearest(distance, place)


def memorisation(made: Nearest, real: Nearest, share: float = 0.5) -> float:
    """How near to training pictures the made ones are, over how near unseen true ones are.

    About 1: no nearer than chance; 0: copies (after Meehan et al. 2020). Of the distances the
    median, or the quantile `share`: copies among other pictures show in a low one only.
    """
    return float(np.quantile(made.distance, share) / np.quantile(real.distance, share))


def entropy(counts: NDArray[np.int64]) -> float:
    """Entropy in bits of how often each value occurred."""
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log2(shares)).sum() + 0.0)
