"""Hairstyles: each a back layer (behind head and body) and a front layer (cap, fringe, locks).

Adding one is one entry in HAIRSTYLES. Coordinates are the head's: temples at +-63, chin at 62.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from clipavatar.chibi.palette import HAIR, Tones, shifted
from clipavatar.chibi.sample import Figure


class Hairstyle(NamedTuple):
    """Two functions (figure, tones) -> SVG, and the fringe's numbers."""

    back: Callable[[Figure, Tones], str]
    front: Callable[[Figure, Tones], str]
    locks: int = 5  # tips of the fringe
    fringe: float = -17.0  # height of the tips
    sharp: float = 13.0  # depth of the notches between them
    outlined: bool = True  # whether a line runs over the crown; else only along the fringe


def tones(figure: Figure) -> Tones:
    """Hair colours of a figure, a little lighter or darker from one to the next."""
    tone = 0.02 * figure.shapes["hair_tone"]
    return shifted(HAIR[figure.attributes["hair_colour"]], 0.0, tone)


def back(figure: Figure) -> str:
    return HAIRSTYLES[figure.attributes["hair"]].back(figure, tones(figure))


def front(figure: Figure) -> str:
    """Cap with fringe, light band and strand lines, and what the style adds on top."""
    style = HAIRSTYLES[figure.attributes["hair"]]
    colours = tones(figure)
    crown, fringe = _crown(figure), _fringe(figure, style)
    lined = crown + fringe[1:] if style.outlined else fringe
    return (
        f'<path d="{crown + fringe[1:]}" fill="url(#hair)"/>'
        f'<path d="{lined}" fill="none" stroke="{colours.line}" stroke-width="3.2" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        + light_band(figure, colours)
        + style.front(figure, colours)
    )


def cap(figure: Figure) -> str:
    """Outline of skull hair and fringe as one closed path."""
    style = HAIRSTYLES[figure.attributes["hair"]]
    return _crown(figure) + _fringe(figure, style)[1:]


def _crown(figure: Figure) -> str:
    v = 2.5 * figure.shapes["hair_volume"]
    x, y = 69 + v, 87 + v
    return (
        f"M{-x:.1f} 24C{-x - 6:.1f} -52 {-44 - v:.1f} {-y:.1f} 0 {-y:.1f}"
        f"C{44 + v:.1f} {-y:.1f} {x + 6:.1f} -52 "
    )


def _fringe(figure: Figure, style: Hairstyle) -> str:
    """From the right temple over the tips of the locks to the left one."""
    s = figure.shapes
    temple = 69 + 2.5 * s["hair_volume"]
    length = style.fringe + 4 * s["fringe_length"]
    sweep = 10 * s["fringe_sweep"]
    n = style.locks
    span, x = 104.0 / n, 52.0
    path = f"M{temple:.1f} 24Q{temple - 12:.1f} 8 {temple - 15:.1f} -12"
    for i in range(n):
        jitter = 3 * math.sin(2.1 * i + 2 * s["strand_a"] + 1) + 2 * s["strand_b"] * (-1) ** i
        middle = (i + 0.5) / n * 2 - 1
        tip_x = x - span * 0.5 + sweep
        tip_y = length + 9 * middle * middle + jitter
        end_x = x - span
        notch_y = tip_y - style.sharp - 4 * (1 - abs(middle)) if i < n - 1 else -12.0
        path += (
            f"Q{x - span * 0.12:.1f} {tip_y - 5:.1f} {tip_x:.1f} {tip_y:.1f}"
            f"Q{tip_x - span * 0.3:.1f} {tip_y - 5:.1f} {end_x:.1f} {notch_y:.1f}"
        )
        x = end_x
    return path + f"Q{-temple + 12:.1f} 8 {-temple:.1f} 24"


def light_band(figure: Figure, colours: Tones) -> str:
    """The ring of light over the crown, broken as by strands."""
    shift = 5 * figure.shapes["fringe_sweep"]
    return (
        f'<path d="M{-50 + shift:.1f} -42Q-40 -64 {-14 + shift:.1f} -70Q{-20 + shift:.1f} -64 '
        f"{-22 + shift:.1f} -59Q-30 -60 {-34 + shift:.1f} -51Q-42 -50 {-50 + shift:.1f} -42Z"
        f"M{-4 + shift:.1f} -71Q14 -72 {26 + shift:.1f} -66Q18 -65 {17 + shift:.1f} -61"
        f'Q8 -65 {-4 + shift:.1f} -71Z" fill="{colours.light}" opacity=".8"/>'
        f'<path d="M{-18 + shift:.1f} -38Q-14 -54 -6 -62M{20 + shift:.1f} -36Q19 -50 12 -60" '
        f'fill="none" stroke="{colours.line}" stroke-width="1.6" stroke-linecap="round" '
        'opacity=".55"/>'
    )


def _filled(path: str, colours: Tones, fill: str = "url(#hairback)", width: float = 3.2) -> str:
    return (
        f'<path d="{path}" fill="{fill}" stroke="{colours.line}" stroke-width="{width}" '
        'stroke-linejoin="round"/>'
    )


def _strands(path: str, colours: Tones) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{colours.line}" stroke-width="1.8" '
        'stroke-linecap="round" opacity=".5"/>'
    )


def _gloss(path: str, colours: Tones, width: float = 5) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{colours.light}" stroke-width="{width}" '
        'stroke-linecap="round" opacity=".75"/>'
    )


def _nothing(figure: Figure, colours: Tones) -> str:
    return ""


def _side_locks(length: float) -> Callable[[Figure, Tones], str]:
    """Two locks in front of the ears, down to `length`."""

    def draw(figure: Figure, colours: Tones) -> str:
        y = length + 5 * figure.shapes["strand_b"]
        return "".join(
            _filled(
                f"M{s * 52} -14Q{s * 75} -30 {s * 73} 6Q{s * 74} {y * 0.7:.1f} {s * 60} {y:.1f}"
                f"Q{s * 62} {y * 0.5:.1f} {s * 52} -14Z",
                colours,
                "url(#hair)",
                2.8,
            )
            for s in (-1, 1)
        )

    return draw


def _short_back(figure: Figure, colours: Tones) -> str:
    v = 2.5 * figure.shapes["hair_volume"]
    return _filled(
        f"M{-72 - v:.1f} -10Q{-80 - v:.1f} 24 -66 44L-60 34L-54 50L54 50L60 34L66 44"
        f"Q{80 + v:.1f} 24 {72 + v:.1f} -10Z",
        colours,
    )


def _bob_back(figure: Figure, colours: Tones) -> str:
    v = 3 * figure.shapes["hair_volume"]
    y = 62 + 5 * figure.shapes["hair_length"]
    return _filled(
        f"M{-70 - v:.1f} -20Q{-92 - v:.1f} 30 {-78 - v:.1f} {y:.1f}Q-64 {y + 10:.1f} -40 {y:.1f}"
        f"H40Q64 {y + 10:.1f} {78 + v:.1f} {y:.1f}Q{92 + v:.1f} 30 {70 + v:.1f} -20Z",
        colours,
    )


def _bob_front(figure: Figure, colours: Tones) -> str:
    v = 3 * figure.shapes["hair_volume"]
    y = 58 + 5 * figure.shapes["hair_length"]
    return "".join(
        _filled(
            f"M{s * 53} -16Q{s * (76 + v):.1f} -34 {s * (80 + v):.1f} 14"
            f"Q{s * (86 + v):.1f} {y:.1f} {s * 47} {y + 2:.1f}Q{s * 62} {y * 0.55:.1f} {s * 53} -16Z",
            colours,
            "url(#hair)",
            2.8,
        )
        + _gloss(f"M{s * 72} 8Q{s * 75} 22 {s * 72} 34", colours, 4)
        for s in (-1, 1)
    )


def _long_back(figure: Figure, colours: Tones) -> str:
    v = 4 * figure.shapes["hair_volume"]
    a = 5 * figure.shapes["strand_a"]
    return _filled(
        f"M{-68 - v:.1f} -30C{-92 - v:.1f} 20 {-82 - a:.1f} 80 {-96 - v:.1f} 132H{96 + v:.1f}"
        f"C{82 - a:.1f} 80 {92 + v:.1f} 20 {68 + v:.1f} -30Z",
        colours,
    ) + _strands("M-74 50Q-76 90 -84 128M74 50Q76 90 84 128M-60 80L-64 128M60 80L64 128", colours)


def _ponytail_back(figure: Figure, colours: Tones) -> str:
    a = 6 * figure.shapes["strand_a"]
    length = 96 + 12 * figure.shapes["hair_length"]
    return (
        _short_back(figure, colours)
        + _filled(
            f"M34 -74C70 -106 116 -80 {109 + a:.1f} -12C{107 + a:.1f} 34 {98 + a:.1f} "
            f"{length * 0.7:.1f} {74 + a:.1f} {length:.1f}C{84 + a:.1f} 50 84 -10 48 -44Z",
            colours,
            "url(#hair)",
        )
        + _strands(f"M60 -72Q100 -50 {96 + a:.1f} 20M54 -60Q88 -30 {88 + a:.1f} 50", colours)
        + _gloss(f"M84 -76Q102 -58 {98 + a:.1f} -28", colours)
    )


def _ponytail_front(figure: Figure, colours: Tones) -> str:
    tie = _accent(figure)
    return (
        f'<ellipse cx="46" cy="-70" rx="12" ry="8" transform="rotate(40 46 -70)" fill="{tie}" '
        f'stroke="{colours.line}" stroke-width="2.6"/>' + _side_locks(30)(figure, colours)
    )


def _twin_back(figure: Figure, colours: Tones) -> str:
    a = 6 * figure.shapes["strand_a"]
    length = 84 + 14 * figure.shapes["hair_length"]
    drawn = _short_back(figure, colours)
    for s in (-1, 1):
        drawn += (
            _filled(
                f"M{s * 56} -58C{s * 92} -84 {s * (116 + a * 0.4):.1f} -48 {s * (111 + a * 0.4):.1f} 10"
                f"C{s * (111 + a * 0.4):.1f} 46 {s * (108 + a * 0.4):.1f} {length * 0.8:.1f} "
                f"{s * (90 + a):.1f} {length:.1f}C{s * (91 + a):.1f} {length * 0.6:.1f} {s * 82} 20 "
                f"{s * 62} -24Z",
                colours,
                "url(#hair)",
            )
            + _strands(
                f"M{s * 78} -52Q{s * 108} -20 {s * (104 + a * 0.6):.1f} 50"
                f"M{s * 72} -38Q{s * 94} -8 {s * (96 + a * 0.7):.1f} 58",
                colours,
            )
            + _gloss(f"M{s * 94} -54Q{s * 104} -36 {s * 105} -8", colours)
        )
    return drawn


def _twin_front(figure: Figure, colours: Tones) -> str:
    tie = _accent(figure)
    ties = "".join(
        f'<ellipse cx="{s * 66}" cy="-46" rx="9" ry="13" transform="rotate({s * -24} {s * 66} -46)" '
        f'fill="{tie}" stroke="{colours.line}" stroke-width="2.6"/>'
        for s in (-1, 1)
    )
    return ties + _side_locks(34)(figure, colours)


def _buns_back(figure: Figure, colours: Tones) -> str:
    r = 26 + 2 * figure.shapes["hair_volume"]
    a = 2 * figure.shapes["strand_a"]
    drawn = _short_back(figure, colours)
    for s in (-1, 1):
        x, y = s * (54 + a), -82
        drawn += (
            f'<circle cx="{x:.1f}" cy="{y}" r="{r:.1f}" fill="url(#hair)" '
            f'stroke="{colours.line}" stroke-width="3.2"/>'
            + _strands(f"M{x - 14:.1f} {y + 12}q4 -24 24 -18q10 8 0 18q-10 4 -12 -6", colours)
            + _gloss(f"M{x - 14:.1f} {y - 9}q6 -9 16 -8", colours)
        )
    return drawn


def _buns_front(figure: Figure, colours: Tones) -> str:
    return _side_locks(28)(figure, colours)


def _spiky_back(figure: Figure, colours: Tones) -> str:
    """Nine curved spikes, the upper ones longer, all leaning a little to one side."""
    lean = 9 + 5 * figure.shapes["strand_a"]
    long = 6 * figure.shapes["hair_volume"]
    path = "M-62 46"
    for i, (x, y, reach) in enumerate(_SPIKES):
        norm = math.hypot(x, y)
        far = 1 + (reach + long) / norm
        tip_x, tip_y = x * far + lean * (1 if y < 0 else 0.3), y * far
        if i:
            px, py, _ = _SPIKES[i - 1]
            mid = math.hypot((px + x) / 2, (py + y) / 2)
            k = 71 / mid
            notch = ((px + x) / 2 * k, (py + y) / 2 * k - 6)
            path += f"L{notch[0]:.1f} {notch[1]:.1f}"
        path += f"Q{x * 1.12:.1f} {y * 1.12:.1f} {tip_x:.1f} {tip_y:.1f}"
    return _filled(path + "L62 46Z", colours, "url(#hair)")


_SPIKES = (
    (-70, 34, 12),
    (-76, 4, 24),
    (-72, -32, 26),
    (-54, -64, 28),
    (-20, -84, 24),
    (18, -84, 26),
    (52, -66, 24),
    (72, -34, 22),
    (76, 4, 20),
    (70, 34, 10),
)


def _curls(figure: Figure, points: Sequence[tuple[float, float, float]], colours: Tones) -> str:
    """Overlapping round curls: first all outlines, then all fills, so that they join."""
    a = 1.5 * figure.shapes["strand_a"]
    ring = "".join(
        f'<circle cx="{x + a:.1f}" cy="{y:.1f}" r="{r + 1.6:.1f}"/>' for x, y, r in points
    )
    fill = "".join(
        f'<circle cx="{x + a:.1f}" cy="{y:.1f}" r="{r - 1.6:.1f}"/>' for x, y, r in points
    )
    return f'<g fill="{colours.line}">{ring}</g><g fill="{colours.base}">{fill}</g>'


def _curly_back(figure: Figure, colours: Tones) -> str:
    r = 21 + 2 * figure.shapes["hair_volume"]
    points = []
    for i in range(13):
        angle = math.pi * (1.24 - 1.48 * i / 12)
        points.append((78 * math.cos(angle), -10 - 78 * math.sin(angle), r))
    for s in (-1, 1):
        points += [(s * 66, 52, r - 1), (s * 50, 70, r - 6)]
    return _curls(figure, [*points, (0, 0, 70)], colours)


def _curly_front(figure: Figure, colours: Tones) -> str:
    sweep = 3 * figure.shapes["fringe_sweep"]
    points = [
        (x + sweep, y + 2 * figure.shapes["strand_b"] * (-1) ** i, r)
        for i, (x, y, r) in enumerate(
            (
                (-52, -26, 16),
                (-30, -39, 16),
                (-6, -44, 17),
                (18, -42, 16),
                (40, -34, 16),
                (56, -20, 14),
            )
        )
    ]
    marks = "".join(f"M{x - 7:.1f} {y + 6:.1f}a8 8 0 0 0 13 -3" for x, y, _ in points)
    return (
        _curls(figure, points, colours)
        + f'<path d="M-64 -34Q-48 -84 0 -84Q48 -84 64 -34L48 -38L20 -54L-8 -56L-34 -50Z" '
        f'fill="{colours.base}"/>' + light_band(figure, colours) + _strands(marks, colours)
    )


def _accent(figure: Figure) -> str:
    """Colour of ties and ribbons: one of a few, by the noise."""
    colours = ("#ff5d73", "#ffb62e", "#46b7ee", "#9a6bf0")
    return colours[min(3, int((figure.shapes["accent"] + 1) * 2))]


HAIRSTYLES: dict[str, Hairstyle] = {
    "short hair": Hairstyle(_short_back, _nothing, locks=6, fringe=-20),
    "bob": Hairstyle(_bob_back, _bob_front, locks=7, fringe=-15, sharp=7),
    "long hair": Hairstyle(_long_back, _side_locks(76), locks=6, fringe=-15, sharp=10),
    "ponytail": Hairstyle(_ponytail_back, _ponytail_front, locks=4, fringe=-20, sharp=16),
    "twin tails": Hairstyle(_twin_back, _twin_front, locks=5, fringe=-16),
    "buns": Hairstyle(_buns_back, _buns_front, locks=4, fringe=-20, sharp=12),
    "spiky hair": Hairstyle(_spiky_back, _nothing, locks=4, fringe=-13, sharp=22, outlined=False),
    "curly hair": Hairstyle(
        _curly_back, _curly_front, locks=6, fringe=-36, sharp=3, outlined=False
    ),
}
