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


def _evenly(*values: str, **others: float) -> dict[str, float]:
    """Each of `others` with its weight, and what is left shared by `values`."""
    rest = (1 - sum(others.values())) / len(values)
    return others | dict.fromkeys(values, rest)


# THE sampling table: how often each value is drawn where a caption does not say. Every attribute
# is drawn on its own, so any skin, hair, clothes and expression occurs with any character; what
# little depends on something else is written in HIDES, FUR and ASKED_FOR below.
SAMPLING: dict[str, dict[str, float]] = {
    "character": {
        "girl": 0.26,
        "boy": 0.26,
        "woman": 0.13,
        "man": 0.13,
        **dict.fromkeys(("cat", "dog", "rabbit", "bear", "panda", "fox"), 0.22 / 6),
    },
    "hair": _evenly(
        "twin tails",
        "ponytail",
        "side ponytail",
        "bob",
        "long hair",
        "wavy hair",
        "short hair",
        "spiky hair",
        "buns",
        "braids",
        "curly hair",
        "hime cut",
        "messy hair",
        bald=0.02,
    ),
    "fringe": _evenly("blunt", "side-swept", "parted", none=0.2),
    "hair_colour": _evenly(
        "black",
        "brown",
        "red",
        "orange",
        "blonde",
        "green",
        "teal",
        "blue",
        "purple",
        "pink",
        "silver",
        "white",
    ),
    "hair_tips": _evenly("white", "pink", "blue", "purple", "red", none=0.85),
    "eye_colour": _evenly(
        "black", "brown", "red", "golden", "green", "blue", "purple", "pink", "grey"
    ),
    "expression": _evenly(
        "laughing",
        "neutral",
        "sad",
        "crying",
        "angry",
        "surprised",
        "winking",
        "shy",
        "sleepy",
        "smug",
        "heart eyes",
        "star eyes",
        smiling=0.2,
    ),
    "skin": _evenly("pale", "light", "tan", "brown", "dark"),
    "glasses": _evenly("round glasses", "square glasses", "sunglasses", none=0.76),
    "head": _evenly(
        "cat ears",
        "rabbit ears",
        "fox ears",
        "bow",
        "hairband",
        "beanie",
        "cap",
        "witch hat",
        "crown",
        "flower",
        "headphones",
        "halo",
        "horns",
        none=0.4,
    ),
    "face": _evenly("freckles", "blush", "beard", "moustache", "plaster", "mask", none=0.7),
    "earrings": {"none": 0.85, "earrings": 0.15},
    "clothes": _evenly(
        "T-shirt",
        "hoodie",
        "sailor uniform",
        "blazer",
        "dress",
        "kimono",
        "hanfu",
        "suit",
        "dungarees",
        "scarf",
    ),
    "clothes_colour": _evenly(
        "white",
        "black",
        "grey",
        "brown",
        "red",
        "orange",
        "yellow",
        "green",
        "blue",
        "purple",
        "pink",
    ),
}
PEOPLE = ("girl", "boy", "woman", "man")
ANIMALS = ("cat", "dog", "rabbit", "bear", "panda", "fox")

# What a value leaves no place for: a figure that has the first lacks the attributes after it.
# Nothing is hidden from what a caption says: the noise does not choose a value that would do so.
HIDES: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        ("character", animal): ("hair", "fringe", "hair_tips", "skin", "face", "earrings")
        for animal in ANIMALS
    },
    ("character", "panda"): (
        *("hair", "fringe", "hair_tips", "skin", "face", "earrings"),
        "hair_colour",
    ),
    ("hair", "bald"): ("fringe", "hair_colour", "hair_tips"),
    ("hair", "hime cut"): ("fringe",),
    ("expression", "laughing"): ("eye_colour",),
    ("expression", "heart eyes"): ("eye_colour",),
    ("expression", "star eyes"): ("eye_colour",),
    ("glasses", "sunglasses"): ("eye_colour",),
}
# What cannot be seen although it is drawn: where the attributes on the left have these values, the
# named values of the attribute on the right all look the same. The comic signs around the head
# still tell the other expressions.
_MASK = ("smiling", "neutral")
_BOTH = (*_MASK, "laughing", "sad", "winking", "shy", "smug")
UNSEEN: tuple[tuple[Mapping[str, str], str, tuple[str, ...]], ...] = (
    ({"face": "mask"}, "expression", _MASK),
    ({"face": "mask", "glasses": "sunglasses"}, "expression", _BOTH),
)
# The hair colour of an animal is its fur's; these are the usual ones where none is said.
FUR: dict[str, dict[str, float]] = {
    "cat": {"orange": 0.3, "black": 0.2, "white": 0.2, "silver": 0.2, "brown": 0.1},
    "dog": {"brown": 0.4, "blonde": 0.3, "white": 0.15, "black": 0.15},
    "rabbit": {"white": 0.4, "brown": 0.2, "silver": 0.2, "pink": 0.2},
    "bear": {"brown": 0.7, "black": 0.1, "white": 0.2},
    "fox": {"orange": 0.7, "red": 0.1, "white": 0.1, "silver": 0.1},
}
# Drawn on anyone who asks; where nothing is said, on these characters only.
ASKED_FOR: dict[tuple[str, str], tuple[str, ...]] = {
    ("face", "beard"): ("man",),
    ("face", "moustache"): ("man",),
    ("head", "cat ears"): PEOPLE,
    ("head", "rabbit ears"): PEOPLE,
    ("head", "fox ears"): PEOPLE,
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
            "body_tilt",
            "body_width",
            "fold",
        )
    )
}


@dataclass(frozen=True)
class Figure:
    """Everything the drawing needs: the attributes it has, and a number in [-1, 1] per shape.

    An attribute that something else leaves no place for (HIDES) is not in `attributes`.
    """

    attributes: dict[str, str]
    shapes: dict[str, float]


def check_attributes(said: Mapping[str, str]) -> None:
    """Raises ValueError, naming the known ones, for an attribute or a value not in SAMPLING."""
    for name, value in said.items():
        if name not in SAMPLING:
            raise ValueError(f"unknown attribute {name!r}; known are {', '.join(SAMPLING)}")
        if value not in SAMPLING[name]:
            known = ", ".join(SAMPLING[name])
            raise ValueError(f"unknown {name} {value!r}; known are {known}")


def unseen(attributes: Mapping[str, str]) -> set[str]:
    """The attributes whose value cannot be seen beside the others (UNSEEN)."""
    return {
        name
        for covers, name, values in UNSEEN
        if covers.items() <= attributes.items() and attributes.get(name) in values
    }


def figure(said: Mapping[str, str], noise: NDArray[np.float32]) -> Figure:
    """The one figure that `said` (any subset of the attributes) and `noise` (Z,) name together.

    Raises ValueError for an attribute, a value or a noise length that does not exist.
    """
    if noise.shape != (NOISE_SIZE,):
        raise ValueError(f"noise must have shape ({NOISE_SIZE},), got {noise.shape}")
    check_attributes(said)
    attributes: dict[str, str] = {}
    hidden: set[str] = set()
    for name in SAMPLING:
        if name not in hidden:
            table = _table(name, attributes, said)
            value = said.get(name) or _choose(table, float(noise[CHOOSERS[name]]))
            attributes[name] = value
            hidden.update(HIDES.get((name, value), ()))
    attributes = {name: value for name, value in attributes.items() if name not in hidden}
    shapes = {name: max(-1.0, min(1.0, float(noise[i]) / 2)) for name, i in SHAPES.items()}
    return Figure(attributes, shapes)


def _table(name: str, chosen: Mapping[str, str], said: Mapping[str, str]) -> dict[str, float]:
    """The weights of an unsaid attribute's values, given what is chosen before it."""
    character = chosen.get("character", "")
    if name == "hair_colour" and character in FUR:
        return FUR[character]

    def allowed(value: str) -> bool:
        asked = ASKED_FOR.get((name, value))
        hidden = HIDES.get((name, value), ())
        if name == "character" and value in ANIMALS and "hair_colour" in said:
            return False  # "pink hair" speaks of a person
        return not any(other in said for other in hidden) and (not asked or character in asked)

    return {value: weight for value, weight in SAMPLING[name].items() if allowed(value)}


def _choose(table: Mapping[str, float], z: float) -> str:
    """Inverse distribution: the value at which the cumulated weights pass Phi(z)."""
    position = 0.5 * (1 + math.erf(z / math.sqrt(2))) * sum(table.values())
    for value, weight in table.items():
        position -= weight
        if position < 0:
            return value
    return value
