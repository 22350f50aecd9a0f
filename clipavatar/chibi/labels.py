"""Attributes as whole numbers: the place of a value in its row of the sampling table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clipavatar.chibi.sample import SAMPLING

UNSAID = -1  # label of an attribute that a figure lacks or a caption leaves out
VALUES = {name: tuple(table) for name, table in SAMPLING.items()}
SIZES = [len(values) for values in VALUES.values()]
PLACES = {  # of each value among all of them
    pair: place
    for place, pair in enumerate((name, value) for name in VALUES for value in VALUES[name])
}
_LABELS = {name: {v: i for i, v in enumerate(values)} for name, values in VALUES.items()}


def labels_of(attributes: Mapping[str, str]) -> list[int]:
    """Attribute -> value as a row of labels (A,), UNSAID where it is not there."""
    return [
        places[attributes[name]] if name in attributes else UNSAID
        for name, places in _LABELS.items()
    ]


def values_of(labels: NDArray[np.int64]) -> dict[str, str]:
    """A row of labels (A,) as attribute -> value."""
    return {
        name: values[label]
        for (name, values), label in zip(VALUES.items(), labels.tolist(), strict=True)
        if label != UNSAID
    }
