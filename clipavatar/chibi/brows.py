"""Brows: SVG in head coordinates, drawn over the fringe as in comics."""

from __future__ import annotations

from typing import NamedTuple

from clipavatar.chibi import hair
from clipavatar.chibi.palette import Tones, skin_tones
from clipavatar.chibi.sample import ANIMALS, Figure


class Brow(NamedTuple):
    """A brow at rest: place, half length, thickness, and how far its middle is arched."""

    x: float
    y: float
    half: float
    thick: float
    arch: float
    outer: float  # the outer end below the inner one


_CUTE = Brow(30, -21, 8, 3.6, 3, 1)
BROWS = {
    "girl": Brow(31, -19, 11, 2.2, 3.5, 1),
    "boy": Brow(31, -14, 14, 6, 3.5, 1.5),
    "woman": Brow(31, -13.5, 15, 2.8, 5.5, 2.5),
    "man": Brow(29.5, -8, 16, 8, 1.4, -0.5),
}


class Mood(NamedTuple):
    """What an expression does to a brow: inner and outer end (down is positive), the whole."""

    inner: float = 0.0
    outer: float = 0.0
    lift: float = 0.0
    arch: float = 0.0


_HIGH = Mood(lift=-4, arch=2)
# for each expression the left and the right brow
MOODS = {
    "smiling": (Mood(lift=-3, arch=2.5),) * 2,
    "laughing": (_HIGH,) * 2,
    "neutral": (Mood(lift=1, arch=-1.2),) * 2,
    "sad": (Mood(-9, 5, -1),) * 2,
    "crying": (Mood(-8, 4.5, 1, -1),) * 2,
    "angry": (Mood(8, -6, 5, -2),) * 2,
    "surprised": (Mood(0, 1, -8, 3),) * 2,
    "winking": (Mood(lift=-4, arch=2), Mood(1, 2, 3)),
    "shy": (Mood(-5, 3, -1),) * 2,
    "sleepy": (Mood(-1, 3, -4, 2),) * 2,
    "smug": (Mood(4, -2, 4, -2), Mood(-1, -2, -7, 4)),
    "heart eyes": (_HIGH,) * 2,
    "star eyes": (_HIGH,) * 2,
}


def brows(figure: Figure) -> str:
    """Both brows, in the tone of the hair that shows best on the skin."""
    brow, skin = BROWS.get(figure.attributes["character"], _CUTE), skin_tones(figure)
    moods = MOODS[figure.attributes["expression"]]
    path = "".join(
        _one(figure, brow, mood, side) for mood, side in zip(moods, (-1, 1), strict=True)
    )
    colour = _colour(figure, skin)
    return (
        f'<path d="{path}" fill="{colour}" stroke="{colour}" stroke-width="1.6" '
        'stroke-linejoin="round"/>'
    )


def _one(figure: Figure, brow: Brow, mood: Mood, side: int) -> str:
    """Thick at the inner end, pointed at the outer one."""
    x = brow.x + 1.5 * figure.shapes["eye_distance"]
    y = brow.y + 1.6 * figure.shapes["eye_height"] - 1.6 * figure.shapes["brow_height"] + mood.lift
    x0, x1, t = x - brow.half, x + brow.half, brow.thick / 2
    inner, outer = y + mood.inner, y + mood.outer + brow.outer
    middle = (inner + outer) / 2 - 2 * (brow.arch + mood.arch)
    return (
        f"M{side * x0:.1f} {inner - t:.1f}Q{side * x:.1f} {middle - t:.1f} {side * x1:.1f} {outer:.1f}"
        f"Q{side * x:.1f} {middle + t * 1.4:.1f} {side * x0:.1f} {inner + t:.1f}Z"
    )


def _colour(figure: Figure, skin: Tones) -> str:
    if figure.attributes["character"] in ANIMALS:
        dark = figure.attributes.get("hair_colour") == "black"
        return "#f6f0ff" if dark else skin.line
    locks = hair.tones(figure)
    return max(
        locks.line, locks.base, key=lambda colour: abs(lightness(colour) - lightness(skin.base))
    )


def lightness(colour: str) -> float:
    """Perceived lightness in [0, 255]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue
