"""The hair over the skull: crown and fringe.

Adding a fringe is one entry in FRINGES. All paths run clockwise over the crown from the left
temple to the right one, and back along the fringe.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from clipavatar.chibi import hair_shine as shine
from clipavatar.chibi.hair_strokes import FRONT, shadow, strands, wisp
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure


class Cap(NamedTuple):
    """How a hairstyle lies on the skull."""

    width: float = 69.0
    height: float = 86.0
    drop: float = 24.0  # y to which it comes down before the ears
    locks: int = 5  # tips of a blunt fringe
    notch: float = 7.0  # depth of the notches between tips
    rough: float = 0.0  # 0: soft, cut ends; 1: ragged, pointed ones
    tip: float = -19.0  # y of a blunt fringe
    outlined: bool = True  # whether a line runs over the crown; else only along the fringe


def crown(figure: Figure, cap: Cap) -> str:
    v = 2.5 * figure.shapes["hair_volume"]
    x, y = cap.width + v, cap.height + v
    return (
        f"M{-x:.1f} {cap.drop}C{-x - 6:.1f} -52 {-44 - v:.1f} {-y:.1f} 0 {-y:.1f}"
        f"C{44 + v:.1f} {-y:.1f} {x + 6:.1f} -52 {x:.1f} {cap.drop}"
    )


def fringe_of(figure: Figure) -> Fringe:
    """A hime cut lacks the attribute: it has its own fringe."""
    return FRINGES[figure.attributes.get("fringe", "cut straight")]


def outline(figure: Figure, cap: Cap) -> str:
    """Crown and fringe as one closed path."""
    return crown(figure, cap) + fringe_of(figure).edge(figure, cap) + "Z"


def draw_cap(figure: Figure, cap: Cap, colours: Tones) -> str:
    """The hair on the skull with its line, shadow, light and strands."""
    top, fringe = crown(figure, cap), fringe_of(figure)
    edge = fringe.edge(figure, cap)
    x = cap.width + 2.5 * figure.shapes["hair_volume"]
    lined = top + edge if cap.outlined else f"M{x:.1f} {cap.drop}" + edge
    side = (
        f"M38 -73C58 -62 {x + 1:.1f} -34 {x:.1f} {cap.drop}Q{x - 10:.1f} {cap.drop - 12} 55 -10"
        "C60 -34 54 -56 38 -73Z"
    )
    return (
        f'<path d="{top + edge}Z" fill="{FRONT}"/>'
        + shadow(side, colours)
        + f'<path d="{lined}" fill="none" stroke="{colours.line}" stroke-width="3.2" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        + strands(colours, *(wisp(*w) for w in fringe.strands(figure)))
        + fringe.light(figure, colours)
    )


class Fringe(NamedTuple):
    """The edge from the right temple to the left one, and what lies on the hair above it."""

    edge: Callable[[Figure, Cap], str]
    strands: Callable[[Figure], list[shine.Wisp]]
    light: Callable[[Figure, Tones], str]
    curls: tuple[tuple[float, float, float], ...] = ()  # the same edge in curls: x, y, radius


def _inner(figure: Figure) -> float:
    """Half the width of the forehead between the hair at the temples."""
    return 54 + 2.5 * figure.shapes["hair_volume"]


def _temples(figure: Figure, cap: Cap, height: float = -8.0) -> tuple[str, str]:
    """From the right temple up to the fringe, and from the fringe down to the left temple."""
    x = cap.width + 2.5 * figure.shapes["hair_volume"]
    inner = _inner(figure)
    return (
        f"Q{x - 10:.1f} {cap.drop - 10:.1f} {inner:.1f} {height:.1f}",
        f"Q{-x + 10:.1f} {cap.drop - 10:.1f} {-x:.1f} {cap.drop:.1f}",
    )


def _blunt(figure: Figure, cap: Cap) -> str:
    """Locks of one length; soft ones are cut off flat, ragged ones end in points."""
    s = figure.shapes
    start, stop = _temples(figure, cap)
    inner = _inner(figure)
    span, x = 2 * inner / cap.locks, inner
    sweep = 3 * s["fringe_sweep"] + 5 * cap.rough * s["fringe_sweep"]
    path = start
    for i in range(cap.locks):
        middle = (i + 0.5) / cap.locks * 2 - 1
        jitter = (1.2 + 3 * cap.rough) * math.sin(2.1 * i + 2 * s["strand_a"] + 1)
        y = cap.tip + 3.5 * s["fringe_length"] + 5 * middle * middle + jitter + 3 * cap.rough
        end = x - span
        flat = (1 - cap.rough) * 0.34
        tip = x - span / 2 + sweep
        high = y - cap.notch * (1 + 0.2 * s["strand_b"] * (-1) ** i) if i < cap.locks - 1 else -8.0
        path += (
            f"Q{x - span * 0.1:.1f} {y - 4:.1f} {tip + span * flat:.1f} {y:.1f}"
            f"Q{tip:.1f} {y + 2.5:.1f} {tip - span * flat:.1f} {y:.1f}"
            f"Q{end + span * 0.08:.1f} {y - 4:.1f} {end:.1f} {high:.1f}"
        )
        x = end
    return path + stop


def _swept(figure: Figure, cap: Cap) -> str:
    """From a parting high on the left, locks sweep down to the right."""
    s = figure.shapes
    start, stop = _temples(figure, cap, 4)
    inner = _inner(figure)
    part = -36 + 4 * s["fringe_sweep"]
    long = 3.5 * s["fringe_length"]
    notch = 3 + cap.notch * (0.6 + 0.5 * cap.rough)
    path = start
    tips = ((47.0, -7.0), (27.0, -17.0), (5.0, -27.0))
    for i, (x, y) in enumerate(tips):
        x, y = x + 2 * s["strand_b"] * (-1) ** i, y + long + 2 * math.sin(i + 2 * s["strand_a"])
        path += (
            f"Q{x + 4:.1f} {y - 2:.1f} {x:.1f} {y:.1f}"
            f"Q{x - 6:.1f} {y - 4:.1f} {x - 9:.1f} {y - notch:.1f}"
        )
    path += f"Q{part + 14:.1f} -36 {part:.1f} -57"
    return path + f"Q{-inner + 2:.1f} -46 {-inner:.1f} -2" + stop


def _parted(figure: Figure, cap: Cap) -> str:
    """Two curtains from a parting in the middle."""
    s = figure.shapes
    start, stop = _temples(figure, cap, 8)
    inner = _inner(figure)
    part = 5 * s["fringe_sweep"]
    y = -16 + 3.5 * s["fringe_length"]
    notch = 4 + cap.notch * (0.5 + 0.6 * cap.rough)
    x = 37 + 2 * s["strand_a"]
    return (
        start
        + f"Q{inner - 1:.1f} -6 {x + 6:.1f} {y - notch:.1f}Q{x + 3:.1f} {y - 6:.1f} {x - 2:.1f} {y:.1f}"
        f"C{x - 5:.1f} -34 {part + 14:.1f} -46 {part:.1f} -63"
        f"C{part - 14:.1f} -46 {-x + 5:.1f} -34 {-x + 2:.1f} {y:.1f}"
        f"Q{-x - 3:.1f} {y - 6:.1f} {-x - 6:.1f} {y - notch:.1f}Q{-inner + 1:.1f} -6 {-inner:.1f} 8"
        + stop
    )


def _combed_back(figure: Figure, cap: Cap) -> str:
    """A soft hairline high on the forehead."""
    s = figure.shapes
    start, stop = _temples(figure, cap, -4)
    inner = _inner(figure)
    y = -51 + 2.5 * s["fringe_length"]
    dip = 3 + 5 * cap.rough
    return (
        start
        + f"Q{inner + 1:.1f} -26 44 -40Q34 {y + 2:.1f} 20 {y:.1f}Q8 {y - 1:.1f} 0 {y + dip:.1f}"
        f"Q-8 {y - 1:.1f} -20 {y:.1f}Q-34 {y + 2:.1f} -44 -40Q{-inner - 1:.1f} -26 {-inner:.1f} -4"
        + stop
    )


def _cut_straight(figure: Figure, cap: Cap) -> str:
    """One ruler-straight line above the eyes."""
    start, stop = _temples(figure, cap)
    inner = _inner(figure)
    y = -15 + 2.5 * figure.shapes["fringe_length"]
    a = 3 * figure.shapes["strand_a"]
    return (
        start
        + f"L{inner - 1:.1f} {y + 2:.1f}L{27 + a:.1f} {y:.1f}L{25 + a:.1f} {y - 6:.1f}L{23 + a:.1f} {y:.1f}"
        f"L{-15 + a:.1f} {y:.1f}L{-17 + a:.1f} {y - 6:.1f}L{-19 + a:.1f} {y:.1f}L{-inner + 1:.1f} {y + 2:.1f}L{-inner:.1f} -8"
        + stop
    )


FRINGES: dict[str, Fringe] = {
    "blunt": Fringe(
        _blunt,
        shine.straight_strands,
        shine.ring,
        (
            (-52, -28, 14),
            (-32, -33, 15),
            (-9, -36, 16),
            (14, -36, 16),
            (36, -33, 15),
            (54, -28, 14),
        ),
    ),
    "side-swept": Fringe(
        _swept,
        shine.swept_strands,
        shine.ring,
        (
            (-58, -30, 12),
            (-30, -60, 14),
            (-12, -50, 15),
            (8, -42, 16),
            (30, -31, 16),
            (50, -17, 16),
        ),
    ),
    "parted": Fringe(
        _parted,
        shine.parted_strands,
        shine.parted_ring,
        (
            (-54, -10, 14),
            (-44, -31, 16),
            (-23, -51, 15),
            (23, -51, 15),
            (44, -31, 16),
            (54, -10, 14),
        ),
    ),
    "none": Fringe(
        _combed_back,
        shine.combed_strands,
        shine.combed_ring,
        (
            (-61, -34, 11),
            (-46, -54, 13),
            (-24, -66, 13),
            (0, -69, 13),
            (24, -66, 13),
            (46, -54, 13),
            (61, -34, 11),
        ),
    ),
    "cut straight": Fringe(_cut_straight, shine.straight_strands, shine.ring),
}
