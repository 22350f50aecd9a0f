"""One function from (said attributes, noise) to a fully determined figure.

The noise vector holds NOISE_SIZE standard normal numbers:

    0..15   CHOOSERS: entry i decides, through the inverse distribution of SAMPLING, the i-th
            attribute wherever the caption leaves it unsaid (and is ignored where it is said)
    16..47  SHAPES: continuous variation by name, clipped at two standard deviations to [-1, 1]

Entries without a name are reserved, so that new parts do not move the old ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipavatar.config import NOISE_SIZE

# THE sampling table: how often each value is drawn where a caption does not say. Every attribute
# is drawn on its own, so any skin, hair, clothes and expression occurs with any character.
SAMPLING: dict[str, dict[str, float]] = {
    "character": {"girl": 0.5, "boy": 0.5},
    "hair": {
        "short hair": 0.16,
        "spiky hair": 0.12,
        "curly hair": 0.12,
        "bob": 0.12,
        "long hair": 0.12,
        "ponytail": 0.12,
        "twin tails": 0.12,
        "buns": 0.12,
    },
    "hair_colour": {
        "black": 0.1,
        "brown": 0.1,
        "red": 0.1,
        "orange": 0.1,
        "blonde": 0.1,
        "green": 0.1,
        "blue": 0.1,
        "purple": 0.1,
        "pink": 0.1,
        "silver": 0.1,
    },
    "eye_colour": {
        "brown": 1 / 6,
        "red": 1 / 6,
        "golden": 1 / 6,
        "green": 1 / 6,
        "blue": 1 / 6,
        "purple": 1 / 6,
    },
    "expression": {
        "smiling": 0.22,
        "laughing": 0.13,
        "winking": 0.13,
        "neutral": 0.13,
        "surprised": 0.13,
        "sad": 0.13,
        "angry": 0.13,
    },
    "skin": {"light": 0.25, "tan": 0.25, "brown": 0.25, "dark": 0.25},
    "glasses": {"none": 0.75, "glasses": 0.25},
    "head": {"none": 0.55, "cat ears": 0.15, "rabbit ears": 0.15, "bow": 0.15},
    "clothes": {"T-shirt": 1 / 3, "hoodie": 1 / 3, "sailor uniform": 1 / 3},
    "clothes_colour": {
        "white": 1 / 8,
        "black": 1 / 8,
        "blue": 1 / 8,
        "green": 1 / 8,
        "yellow": 1 / 8,
        "red": 1 / 8,
        "pink": 1 / 8,
        "purple": 1 / 8,
    },
}

CHOOSERS: dict[str, int] = {name: i for i, name in enumerate(SAMPLING)}
_FIRST_SHAPE = 16
SHAPES: dict[str, int] = {
    name: _FIRST_SHAPE + i
    for i, name in enumerate(
        (
            "head_width",
            "chin",
            "eye_size",
            "eye_distance",
            "eye_height",
            "gaze_x",
            "gaze_y",
            "tilt",
            "sway",
            "fringe_sweep",
            "fringe_length",
            "hair_volume",
            "hair_length",
            "strand_a",
            "strand_b",
            "mouth_width",
            "mouth_height",
            "brow_height",
            "blush",
            "hair_tone",
            "clothes_tone",
            "accent",
        )
    )
}


@dataclass(frozen=True)
class Figure:
    """Everything the drawing needs: a value for every attribute, a number in [-1, 1] per shape."""

    attributes: dict[str, str]
    shapes: dict[str, float]


def figure(said: Mapping[str, str], noise: NDArray[np.float32]) -> Figure:
    """The one figure that `said` (any subset of the attributes) and `noise` (Z,) name together.

    Raises ValueError for an attribute, a value or a noise length that does not exist.
    """
    if noise.shape != (NOISE_SIZE,):
        raise ValueError(f"noise must have shape ({NOISE_SIZE},), got {noise.shape}")
    for name, value in said.items():
        if name not in SAMPLING:
            raise ValueError(f"unknown attribute {name!r}; known are {', '.join(SAMPLING)}")
        if value not in SAMPLING[name]:
            known = ", ".join(SAMPLING[name])
            raise ValueError(f"unknown {name} {value!r}; known are {known}")
    attributes = {
        name: said.get(name) or _choose(table, float(noise[CHOOSERS[name]]))
        for name, table in SAMPLING.items()
    }
    shapes = {name: max(-1.0, min(1.0, float(noise[i]) / 2)) for name, i in SHAPES.items()}
    return Figure(attributes, shapes)


def _choose(table: Mapping[str, float], z: float) -> str:
    """Inverse distribution: the value at which the cumulated weights pass Phi(z)."""
    position = 0.5 * (1 + math.erf(z / math.sqrt(2))) * sum(table.values())
    for value, weight in table.items():
        position -= weight
        if position < 0:
            return value
    return value
