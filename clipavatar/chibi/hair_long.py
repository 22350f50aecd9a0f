"""Hair that hangs open below the shoulders; it runs out of the picture at the bottom."""

from __future__ import annotations

from clipavatar.chibi.hair_shine import stray_hairs
from clipavatar.chibi.hair_strokes import (
    SIDES,
    filled,
    gloss,
    lock,
    shadow,
    strands,
    wisp,
)
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure

_END = 158.0  # below the frame, also on the smaller head of a grown-up


def long_back(figure: Figure, colours: Tones) -> str:
    """Two smooth falls, a little wider at the bottom."""
    v, a = 4 * figure.shapes["hair_volume"], 4 * figure.shapes["strand_a"]
    x = 84 + v
    return (
        filled(
            f"M0 -80C{-x + 22:.1f} -84 {-x:.1f} -40 {-x + 2:.1f} 10C{-x + 4:.1f} 50 {-x - a:.1f} 100 {-x - 8:.1f} {_END}H{x + 8:.1f}"
            f"C{x - a:.1f} 100 {x - 4:.1f} 50 {x - 2:.1f} 10C{x:.1f} -40 {x - 22:.1f} -84 0 -80Z",
            colours,
        )
        + strands(
            colours,
            *(wisp(s * 72, 34, s * (76 + v), 80, s * (80 + v), 150, 1.6) for s in SIDES),
            *(wisp(s * 60, 60, s * 64, 90, s * 66, 150, 1.2) for s in SIDES),
        )
        + gloss(colours, wisp(-78, 4, -82 - v, 34, -78 - v, 62, 2.4))
    )


def long_front(figure: Figure, colours: Tones) -> str:
    """A smooth lock on each side, tapering to a point on the chest."""
    v, y = 2.5 * figure.shapes["hair_volume"], 92 + 7 * figure.shapes["hair_length"]
    b = 3 * figure.shapes["strand_b"]
    return (
        stray_hairs(figure, colours)
        + "".join(
            lock(
                f"{s * 53} -12C{s * 60} -40 {s * (70 + v):.1f} -40 {s * (72 + v):.1f} 10",
                f"C{s * (77 + v):.1f} 44 {s * (74 + b):.1f} 70 {s * (58 + b):.1f} {y:.1f}"
                f"C{s * 62} 60 {s * 62} 24 {s * 53} -12",
                colours,
            )
            + strands(colours, wisp(s * 63, -4, s * 70, 30, s * (65 + b), 66, 1.4))
            for s in SIDES
        )
        + gloss(colours, wisp(-66, 4, -72, 16, -71, 32, 2.2), wisp(60, 4, 65, 14, 66, 26, 1.6))
    )


def _wave(side: int, x: float, y: float, step: float, swing: float, count: int, lean: float) -> str:
    """S-waves downwards from (x, y), as a path that goes on from there."""
    path = f"Q{side * (x + swing):.1f} {y + step / 2:.1f} {side * (x + lean):.1f} {y + step:.1f}"
    return path + "".join(
        f"T{side * (x + lean * (i + 2)):.1f} {y + step * (i + 2):.1f}" for i in range(count - 1)
    )


def wavy_back(figure: Figure, colours: Tones) -> str:
    """Two wide falls with big waves in the outline."""
    v, a = 3 * figure.shapes["hair_volume"], 3 * figure.shapes["strand_a"]
    drawn = ""
    for s in SIDES:
        drawn += filled(
            f"M0 -80C{s * 44} -88 {s * (74 + v):.1f} -66 {s * (78 + v):.1f} -24"
            + _wave(s, 78 + v, -24, 38 + a, 22, 5, 3.5)
            + f"L0 {_END}Z",
            colours,
        ) + strands(
            colours,
            wisp(s * 80, 20, s * 64, 38, s * 78, 56, 1.6),
            wisp(s * 78, 56, s * 100, 76, s * 86, 98, 1.8),
            wisp(s * 70, 70, s * 84, 88, s * 74, 112, 1.4),
        )
    return drawn + gloss(colours, wisp(-84, -18, -95, -2, -86, 12, 2.6))


def wavy_front(figure: Figure, colours: Tones) -> str:
    """A wavy lock on each side, in front of the shoulders."""
    v, b = 2 * figure.shapes["hair_volume"], 2 * figure.shapes["strand_b"]
    y = 96 + 6 * figure.shapes["hair_length"]
    return (
        stray_hairs(figure, colours)
        + "".join(
            lock(
                f"{s * 53} -14C{s * 60} -40 {s * (70 + v):.1f} -40 {s * (71 + v):.1f} -2",
                f"Q{s * (86 + v):.1f} 14 {s * (75 + v):.1f} 32T{s * (75 + b):.1f} 64"
                f"Q{s * (84 + b):.1f} 84 {s * (60 + b):.1f} {y:.1f}"
                f"Q{s * (70 + b):.1f} 80 {s * (58 + b):.1f} 66Q{s * 46} 50 {s * 58} 34"
                f"Q{s * 68} 18 {s * 53} -14",
                colours,
            )
            + strands(
                colours,
                wisp(s * 64, -4, s * 78, 16, s * 66, 36, 1.5),
                wisp(s * 66, 36, s * 56, 50, s * 68, 68, 1.5),
            )
            for s in SIDES
        )
        + gloss(colours, wisp(-70, 2, -79, 16, -72, 28, 2.4), wisp(-64, 46, -62, 56, -68, 66, 1.8))
    )


def hime_back(figure: Figure, colours: Tones) -> str:
    """Straight as a curtain."""
    v, a = 3 * figure.shapes["hair_volume"], 2 * figure.shapes["strand_a"]
    x = 86 + v
    return filled(
        f"M0 -80C{-x + 18:.1f} -86 {-x:.1f} -40 {-x - a:.1f} {_END}H{x + a:.1f}"
        f"C{x:.1f} -40 {x - 18:.1f} -86 0 -80Z",
        colours,
    ) + strands(
        colours,
        *(wisp(s * 77, 50, s * 78, 90, s * 78, 150, 1.6) for s in SIDES),
        *(wisp(s * 67, 60, s * 67, 90, s * 67, 150, 1.3) for s in SIDES),
    )


def hime_front(figure: Figure, colours: Tones) -> str:
    """Broad cheek-length locks, cut square."""
    v, y = 2.5 * figure.shapes["hair_volume"], 44 + 4 * figure.shapes["hair_length"]
    b = 1.5 * figure.shapes["strand_b"]
    return "".join(
        lock(
            f"{s * 50} -14C{s * 58} -40 {s * (73 + v):.1f} -40 {s * (75 + v):.1f} 6",
            f"L{s * (78 + v):.1f} {y + b:.1f}L{s * 63} {y + 2:.1f}L{s * 62} {y - 6:.1f}L{s * 60} {y + 2:.1f}"
            f"L{s * 46} {y:.1f}C{s * 51} 24 {s * 52} 6 {s * 50} -14",
            colours,
            3,
        )
        + strands(colours, wisp(s * 66, -2, s * 69, 14, s * 69, 32, 1.4))
        + shadow(
            f"M{s * 46} {y:.1f}L{s * (78 + v):.1f} {y + b:.1f}L{s * (77 + v):.1f} {y - 6:.1f}"
            f"L{s * 47} {y - 6:.1f}Z",
            colours,
            0.16,
        )
        for s in SIDES
    ) + gloss(colours, wisp(-64, 0, -69, 10, -68, 24, 2.4), wisp(58, 2, 60, 10, 60, 20, 1.6))
