"""Attribute accuracy: does the picture show what the text said? Pure functions over labels.

Labels are whole numbers (N, A): which of an attribute's values in SAMPLING, or UNSAID.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.labels import UNSAID, VALUES
from clipavatar.chibi.sample import HIDES, UNSEEN

RESAMPLES = 2000  # of the bootstrap
COLUMNS = {name: column for column, name in enumerate(VALUES)}


class Share(NamedTuple):
    """An accuracy in %, the bootstrap 95 % interval around it, and of how many."""

    percent: float
    low: float
    high: float
    of: int


def visible(labels: Tensor) -> Tensor:
    """Labels (N, A) with UNSAID where a picture that has them cannot show it (UNSEEN)."""
    labels = labels.clone()
    for covers, name, values in UNSEEN:
        covered = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
        for other, value in covers.items():
            covered &= labels[:, COLUMNS[other]] == VALUES[other].index(value)
        column = labels[:, COLUMNS[name]]
        places = [VALUES[name].index(value) for value in values]
        alike = torch.tensor(places, device=labels.device)
        column[covered & torch.isin(column, alike)] = UNSAID
    return labels


def present(read: Tensor) -> Tensor:
    """What a judge read (N, A), with UNSAID for what its other readings leave no place for.

    A judge names a hairstyle for a cat as well: it has to name something. As in `sample.figure`,
    the attributes come in turn, and what is hidden already hides nothing: a cat is never bald.
    """
    made = read.clone()
    for (name, value), hidden in sorted(HIDES.items(), key=lambda item: COLUMNS[item[0][0]]):
        rows = made[:, COLUMNS[name]] == VALUES[name].index(value)
        for other in hidden:
            made[rows, COLUMNS[other]] = UNSAID
    return made


def attribute_loss(
    logits: Sequence[Tensor], labels: Tensor, weights: Sequence[float] | None = None
) -> Tensor:
    """Mean cross entropy over the attributes that have labels; a scalar.

    logits (B, values) for each attribute, labels (B, A), `weights` of the attributes: all equal.
    """
    weighted = zip(logits, labels.T, weights or [1.0] * len(logits), strict=True)
    counted = [(x, y, w) for x, y, w in weighted if (y != UNSAID).any()]
    losses = [w * F.cross_entropy(x, y, ignore_index=UNSAID) for x, y, w in counted]
    return torch.stack(losses).sum() / sum(w for _, _, w in counted)


def accuracy(read: Tensor, labels: Tensor) -> dict[str, Share]:
    """Per attribute that is said at all: the share of labels (N, A) that were read so."""
    made = {}
    for name, column in COLUMNS.items():
        if (labels[:, column] != UNSAID).any():
            made[name] = overall(read[:, column, None], labels[:, column, None])
    return made


def overall(read: Tensor, labels: Tensor, groups: Sequence[int] | None = None) -> Share:
    """The share of all that is said in labels (N, A) that was read so.

    Pictures, not single words, are drawn anew for the interval (Efron 1979): the words of one
    picture stand or fall together, and so do all pictures of one of the N `groups`, where there
    are any. NaN where nothing is said.
    """
    said = labels != UNSAID
    rows = np.unique(range(len(labels)) if groups is None else groups, return_inverse=True)[1]
    right, counts = (
        np.bincount(rows, each.sum(dim=1).numpy().astype(float))
        for each in ((read == labels) & said, said)
    )
    right, counts = right[counts > 0], counts[counts > 0]
    if not len(counts):
        return Share(float("nan"), float("nan"), float("nan"), 0)
    drawn = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    shares = 100 * right[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = (float(edge) for edge in np.quantile(shares, (0.025, 0.975)))
    return Share(float(100 * right.sum() / counts.sum()), low, high, int(counts.sum()))


def by_value(
    read: Tensor, labels: Tensor, name: str, groups: Sequence[int] | None = None
) -> dict[str, Share]:
    """The overall share where each value of attribute `name` is said: is it fair to all of them?

    `groups` (N,) as in `overall`.
    """
    column, group = labels[:, COLUMNS[name]], np.array(groups or range(len(labels)))
    rows = {value: column == label for label, value in enumerate(VALUES[name])}
    return {
        value: overall(read[its], labels[its], group[its.numpy()].tolist())
        for value, its in rows.items()
        if its.any()
    }
