"""How eyes are cut in each character, and how each expression holds them: tables."""

from __future__ import annotations

from typing import NamedTuple


class Cut(NamedTuple):
    """The cut of an eye: half axes, the middle's place, and what the lids look like."""

    rx: float
    ry: float
    x: float
    y: float
    full: float  # 1 as round as can be, less: an almond
    slant: float  # how far the outer corner lies above the inner one
    iris: tuple[float, float]
    lid: float  # thickness of the upper lid's line
    wing: float = 0.0  # how far the lid's line is drawn out
    lashes: tuple[tuple[float, float, float], ...] = ()  # reach, rise, and start of each


CUTE = Cut(14.5, 17, 30.5, 8.5, 0.98, 0, (12.2, 15.4), 4.6)
CUTS = {
    "girl": Cut(
        *(15.6, 21, 30.5, 8, 1.0, 0, (12.8, 18.6), 5, 3),
        lashes=((8.5, -5.5, -5), (9.5, 1.5, 0)),
    ),
    "boy": Cut(15, 15.8, 31, 14, 0.98, 0, (11.4, 13.2), 4.4),
    "woman": Cut(
        *(17, 13.2, 30, 9.5, 0.66, 3.6, (11.4, 12.6), 5.4, 11),
        lashes=((8, -13, -8), (13, -2.5, 0)),
    ),
    "man": Cut(14.4, 11, 29.5, 13.5, 0.84, 0.8, (10, 10.8), 3.8),
}


class Look(NamedTuple):
    """How an expression holds an eye."""

    open: float = 1.0  # times the cut's height
    iris: float = 1.0
    lid: float | None = None  # fraction the upper lid covers; None: it follows the eye
    slant: float = 0.0  # of the lid: above 0 the inner end is lower
    low: float = 0.0  # fraction the lower lid covers
    gaze: tuple[float, float] = (0.0, 0.0)
    water: bool = False


LOOKS = {
    "smiling": Look(low=0.2),
    "neutral": Look(lid=0.16),
    "sad": Look(lid=0.22, slant=-7, gaze=(0, 2.4), water=True),
    "crying": Look(open=0.92, iris=0.92, lid=0.24, slant=-6, low=0.16, water=True),
    "angry": Look(lid=0.25, slant=6.5, iris=0.92),
    "surprised": Look(open=1.16, iris=0.7),
    "winking": Look(),
    "shy": Look(lid=0.17, slant=-2.5, gaze=(5, 4.2), iris=0.92),
    "sleepy": Look(lid=0.56, slant=-1.5, gaze=(0, 4)),
    "smug": Look(lid=0.42, slant=2.5, low=0.1, gaze=(3, 1)),
}
