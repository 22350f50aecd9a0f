"""Tied hair: tails, buns and braids."""

from __future__ import annotations

from clipavatar.chibi.hair_shine import stray_hairs
from clipavatar.chibi.hair_strokes import (
    FRONT,
    SIDES,
    filled,
    gloss,
    lock,
    ribbon,
    shadow,
    strands,
    tie,
    tip_tones,
    wisp,
)
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure


def _nape(figure: Figure, colours: Tones) -> str:
    """Combed up: little shows beside the neck."""
    v = 2 * figure.shapes["hair_volume"]
    return filled(
        f"M{-70 - v:.1f} -20C{-74 - v:.1f} 10 -66 30 -50 46H50C66 30 {74 + v:.1f} 10 {70 + v:.1f} -20Z",
        colours,
    )


def _side_wisps(figure: Figure, colours: Tones, length: float) -> str:
    """A thin loose lock before each ear."""
    y = length + 5 * figure.shapes["strand_b"]
    return "".join(
        lock(
            f"{s * 52} -12C{s * 60} -40 {s * 68} -30 {s * 69} 2",
            f"Q{s * 70} {y * 0.6:.1f} {s * 57} {y:.1f}Q{s * 62} {y * 0.45:.1f} {s * 52} -12",
            colours,
            2.6,
        )
        for s in SIDES
    )


def twin_back(figure: Figure, colours: Tones) -> str:
    """Two high tails that swing out to the sides."""
    a, b = 4 * figure.shapes["strand_a"], 2 * figure.shapes["strand_b"]
    y = 88 + 10 * figure.shapes["hair_length"]
    drawn = _nape(figure, colours)
    for s in SIDES:
        drawn += (
            filled(
                f"M{s * 52} -62C{s * 70} -96 {s * (101 + b):.1f} -88 {s * (104 + b):.1f} -26"
                f"C{s * (106 + b):.1f} 10 {s * (106 + b):.1f} 44 {s * (102 + a):.1f} {y - 18:.1f}"
                f"L{s * (96 + a):.1f} {y - 24:.1f}Q{s * (94 + a):.1f} {y - 8:.1f} {s * (81 + a):.1f} {y:.1f}"
                f"C{s * (86 + a):.1f} {y * 0.55:.1f} {s * 77} 14 {s * 62} -26Z",
                colours,
                FRONT,
            )
            + shadow(
                f"M{s * 54} -58Q{s * 74} -74 {s * 84} -58Q{s * 72} -56 {s * 74} -34Q{s * 72} -20 {s * 78} -4"
                f"L{s * 62} -26Z",
                colours,
            )
            + strands(
                colours,
                wisp(s * 74, -58, s * 100, -30, s * (98 + a * 0.6), 46, 2),
                wisp(s * 70, -40, s * 90, -8, s * (89 + a * 0.7), 56, 1.4),
            )
        )
    return drawn + gloss(
        colours, wisp(-84, -70, -100, -54, -99, -16, 4), wisp(88, -66, 96, -52, 97, -28, 2.6)
    )


def twin_front(figure: Figure, colours: Tones) -> str:
    ties = "".join(tie(s * 64, -48, s * -24, figure, 13, 15) for s in SIDES)
    return stray_hairs(figure, colours) + _side_wisps(figure, colours, 36) + ties


def ponytail_back(figure: Figure, colours: Tones) -> str:
    """One high tail: up from the crown, over and down on the right."""
    a = 4 * figure.shapes["strand_a"]
    y = 88 + 10 * figure.shapes["hair_length"]
    return (
        _nape(figure, colours)
        + filled(
            f"M2 -82C-4 -124 52 -132 80 -102C102 -78 107 -20 {103 + a:.1f} 30"
            f"Q{103 + a:.1f} 56 {96 + a:.1f} {y - 18:.1f}L{91 + a:.1f} {y - 26:.1f}"
            f"Q{88 + a:.1f} {y - 8:.1f} {73 + a:.1f} {y:.1f}C{84 + a:.1f} 46 86 -10 72 -44"
            "C66 -62 48 -76 30 -76Z",
            colours,
            FRONT,
        )
        + shadow("M4 -84Q10 -108 34 -104Q24 -94 36 -82Q56 -70 66 -54L30 -70Z", colours)
        + strands(
            colours,
            wisp(26, -96, 85, -104, 94 + a, 20, 2.2),
            wisp(34, -84, 80, -76, 88 + a, 44, 1.6),
        )
        + gloss(colours, wisp(40, -112, 80, -108, 91, -58, 4))
        + tie(16, -88, -62, figure, 14, 17)
    )


def ponytail_front(figure: Figure, colours: Tones) -> str:
    return stray_hairs(figure, colours) + _side_wisps(figure, colours, 34)


def side_back(figure: Figure, colours: Tones) -> str:
    """All hair drawn to the left, where the tail is tied."""
    v = 2 * figure.shapes["hair_volume"]
    return filled(
        f"M{-68 - v:.1f} -30C{-86 - v:.1f} 0 -86 40 -64 64L-30 58Q40 58 54 44C66 30 {74 + v:.1f} 10 "
        f"{70 + v:.1f} -20Z",
        colours,
    )


def side_front(figure: Figure, colours: Tones) -> str:
    """A low tail over one shoulder, below a big bow."""
    v, a = 2 * figure.shapes["hair_volume"], 3 * figure.shapes["strand_a"]
    y = 108 + 6 * figure.shapes["hair_length"]
    y_loose = 36 + 4 * figure.shapes["strand_b"]
    tail = (
        f"M-76 44C{-106 - v:.1f} 56 {-106 - v + a:.1f} 84 {-88 + a:.1f} {y - 12:.1f}L{-83 + a:.1f} {y - 17:.1f}"
        f"Q{-74 + a:.1f} {y - 4:.1f} {-54 + a:.1f} {y:.1f}C{-42 + a:.1f} 92 -34 64 -54 44Z"
    )
    return (
        stray_hairs(figure, colours)
        + lock(
            "52 -12C60 -40 69 -30 70 2",
            f"Q72 22 58 {y_loose:.1f}Q63 16 52 -12",
            colours,
            2.6,
        )
        + filled(tail, colours, FRONT)
        + shadow("M-74 48L-84 54Q-80 68 -72 72Q-52 76 -45 66L-54 44Z", colours, 0.24)
        + strands(
            colours,
            wisp(-76, 62, -86, 82, -76 + a, y - 16, 1.8),
            wisp(-62, 62, -60, 84, -64 + a, y - 8, 1.6),
        )
        + gloss(colours, wisp(-85, 70, -88, 78, -85 + a, 88, 2.2))
        + lock(
            f"-52 -12C-58 -40 {-70 - v:.1f} -40 {-73 - v:.1f} 4",
            f"C{-80 - v:.1f} 26 -82 42 -72 56L-56 52C-66 34 -60 14 -52 -12",
            colours,
        )
        + strands(colours, wisp(-62, -4, -74, 20, -66, 44, 1.5))
        + gloss(colours, wisp(-68, 0, -76, 14, -74, 28, 2))
        + ribbon(-66, 50, 10, figure)
    )


def buns_back(figure: Figure, colours: Tones) -> str:
    return _nape(figure, colours)


def buns_front(figure: Figure, colours: Tones) -> str:
    """Two balls on top, wound of the ends: so they have the second colour."""
    r = 26 + 2 * figure.shapes["hair_volume"]
    x0, y = 54 + 2 * figure.shapes["strand_a"], -84.0
    ball = tip_tones(figure) or colours
    drawn = stray_hairs(figure, colours) + _side_wisps(figure, colours, 32)
    for s in SIDES:
        x = s * x0
        drawn += (
            f'<circle cx="{x:.1f}" cy="{y}" r="{r:.1f}" fill="{ball.base}" '
            f'stroke="{colours.line}" stroke-width="3.2"/>'
            + shadow(
                f"M{x + 17:.1f} {y - 17}A{r - 2:.1f} {r - 2:.1f} 0 0 1 {x - 17:.1f} {y + 17}"
                f"Q{x + 16:.1f} {y + 14} {x + 17:.1f} {y - 17}Z",
                colours,
            )
            + strands(
                colours,
                wisp(x - 17, y + 10, x - 12, y - 20, x + 12, y - 14, 1.8),
                wisp(x + 12, y - 14, x + 24, y + 4, x + 2, y + 8, 1.6),
                wisp(x + 2, y + 8, x - 12, y + 2, x - 2, y - 5, 1.4),
            )
            + gloss(ball, wisp(x - 18, y - 4, x - 16, y - 17, x - 4, y - 20, 3))
            + tie(s * (x0 - 11), y + 21, s * -62, figure, 9, 17)
        )
    return drawn


def braids_back(figure: Figure, colours: Tones) -> str:
    v = 2 * figure.shapes["hair_volume"]
    return filled(
        f"M{-70 - v:.1f} -20C{-84 - v:.1f} 10 -76 36 -56 50H56C76 36 {84 + v:.1f} 10 {70 + v:.1f} -20Z",
        colours,
    )


def _plait(x: float, y: float, step: float, wide: float, i: int, colours: Tones) -> str:
    """One turn of a plait: a leaf from one side, the left and the right by turns, to the middle."""
    t = 1 if i % 2 else -1
    return filled(
        f"M{x + t * wide * 0.2:.1f} {y - step * 0.5:.1f}C{x + t * wide:.1f} {y - step * 0.5:.1f} "
        f"{x + t * wide * 1.4:.1f} {y + step * 0.3:.1f} {x + t * wide * 0.7:.1f} {y + step * 0.75:.1f}"
        f"Q{x + t * wide * 0.2:.1f} {y + step * 1.1:.1f} {x - t * wide * 0.35:.1f} {y + step * 1.3:.1f}"
        f"C{x - t * wide * 0.5:.1f} {y + step * 0.6:.1f} {x - t * wide * 0.3:.1f} {y:.1f} {x + t * wide * 0.2:.1f} {y - step * 0.5:.1f}Z",
        colours,
        FRONT,
        2.6,
    )


def braids_front(figure: Figure, colours: Tones) -> str:
    """Two plaited ropes over the shoulders, each with a tie and a tuft."""
    v, a = 2 * figure.shapes["hair_volume"], 2 * figure.shapes["strand_a"]
    lobes = 3
    step = 15 + 0.8 * figure.shapes["hair_length"]
    drawn = stray_hairs(figure, colours)
    for s in SIDES:
        x, y = 70 + v * 0.5, 42.0
        end = y + step * lobes
        drawn += filled(
            f"M{s * (x - 8 + a):.1f} {end - 2:.1f}C{s * (x - 18 + a):.1f} {end + 12:.1f} {s * (x - 10 + a):.1f} {end + 16:.1f} "
            f"{s * (x - 8 + a):.1f} {end + 24:.1f}Q{s * (x + a):.1f} {end + 16:.1f} {s * (x + 4 + a):.1f} {end + 25:.1f}"
            f"C{s * (x + 10 + a):.1f} {end + 16:.1f} {s * (x + 12 + a):.1f} {end + 8:.1f} {s * (x + 7 + a):.1f} {end - 2:.1f}Z",
            colours,
            FRONT,
            2.8,
        )
        for i in reversed(range(2 * lobes)):
            drawn += _plait(
                s * (x + a * i / 10), y + step * (i - 1) / 2, step, 18 - 0.6 * i, i, colours
            )
        drawn += tie(s * (x + a), end, 90, figure, 11, 13)
        drawn += lock(
            f"{s * 52} -12C{s * 58} -40 {s * (70 + v):.1f} -40 {s * (73 + v):.1f} 4",
            f"C{s * (84 + v):.1f} 18 {s * (87 + v):.1f} 30 {s * (83 + v):.1f} 40Q{s * 70} 48 {s * 57} 38"
            f"C{s * 63} 24 {s * 60} 10 {s * 52} -12",
            colours,
        ) + strands(colours, wisp(s * 64, -4, s * 76, 18, s * 68, 40, 1.5))
    return drawn + gloss(colours, wisp(-68, 0, -77, 14, -75, 28, 2.2))
