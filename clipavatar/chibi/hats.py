"""Hats and crowns: SVG in head coordinates."""

from __future__ import annotations

from clipavatar.chibi.headpieces import GOLD
from clipavatar.chibi.ink import filled, flat, stroke
from clipavatar.chibi.palette import accent
from clipavatar.chibi.sample import Figure

VIOLET, DUSK, LILAC, NIGHT = "#553585", "#3b2263", "#8660c2", "#20113f"


def beanie(figure: Figure) -> str:
    """Knitted, with a ribbed rim and a pompom."""
    c, side = accent(figure), 5 * figure.shapes["sway"]
    knots = "".join(
        f"M{x} {y}q4 5 8 0q4 5 8 0"
        for x, y in ((-46, -76), (-8, -84), (28, -77), (-28, -92), (10, -93), (-58, -66), (44, -66))
    )
    ribs = "".join(
        f"M{x} {-47 + x * x / 330:.1f}L{x * 0.95:.1f} {-62 + x * x / 330:.1f}"
        for x in range(-64, 65, 16)
    )
    return (
        filled("M-74 -44C-78 -84 -44 -103 0 -103S78 -84 74 -44Q0 -74 -74 -44Z", c.base, c.line, 3.4)
        + flat("M30 -100C62 -92 76 -70 74 -44Q66 -52 56 -54Q56 -82 30 -100Z", c.shade)
        + stroke(knots, c.shade, 3)
        + filled(
            "M-77 -30Q-83 -44 -75 -56Q0 -84 75 -56Q83 -44 77 -30Q0 -56 -77 -30Z",
            c.light,
            c.line,
            3.4,
        )
        + stroke(ribs, c.shade, 3.2)
        + f'<g transform="translate({side:.1f} -103)">'
        + filled(_cloud(), "#fffaf3", c.line, 3)
        + flat("M-12 8Q2 12 12 -4Q16 8 6 13Q-4 17 -12 8Z", "#e6dbe6")
        + "</g>"
    )


def _cloud() -> str:
    """A fluffy ball of eight scallops."""
    points = ((0, -15), (11, -11), (15, 0), (11, 11), (0, 15), (-11, 11), (-15, 0), (-11, -11))
    path = "M0 -15"
    for i, (x, y) in enumerate(points):
        x1, y1 = points[(i + 1) % 8]
        path += f"Q{(x + x1) * 0.84:.1f} {(y + y1) * 0.84:.1f} {x1} {y1}"
    return path + "Z"


def cap(figure: Figure) -> str:
    """A baseball cap with a star on its white front and the peak over the forehead."""
    c, turn = accent(figure), 3 * figure.shapes["sway"]
    star = "M0 -86L3.9 -77.5L13 -76.5L6.2 -70.2L8.2 -61L0 -65.7L-8.2 -61L-6.2 -70.2L-13 -76.5L-3.9 -77.5Z"
    return (
        filled("M-74 -36C-80 -82 -46 -106 0 -106S80 -82 74 -36Q0 -62 -74 -36Z", c.base, c.line, 3.4)
        + flat("M36 -101C64 -92 78 -68 74 -36Q68 -44 58 -48Q60 -80 36 -101Z", c.shade)
        + flat("M-36 -50C-38 -80 -22 -99 0 -103C22 -99 38 -80 36 -50Q0 -60 -36 -50Z", "#fffaf3")
        + stroke("M-38 -50C-40 -80 -24 -98 0 -105C24 -98 40 -80 38 -50", c.line, 2.2)
        + filled(star, c.base, c.line, 2.2)
        + f'<ellipse cx="0" cy="-106" rx="8" ry="5" fill="{c.shade}" stroke="{c.line}" stroke-width="3"/>'
        + f'<g transform="rotate({turn:.1f} 0 -45)">'
        + filled(
            "M-70 -42Q-40 -62 0 -62T70 -42Q84 -30 72 -25Q38 -36 0 -36T-72 -25Q-84 -30 -70 -42Z",
            c.shade,
            c.line,
            3.4,
        )
        + stroke("M-64 -39Q-36 -54 0 -55", c.light, 3.4)
        + "</g>"
    )


def witch_brim(figure: Figure) -> str:
    """The far side of the brim."""
    return filled("M-95 -50Q-60 -84 0 -84T95 -50Q60 -40 0 -40T-95 -50Z", DUSK, NIGHT, 3.4)


def witch_hat(figure: Figure) -> str:
    """Pointed, with a bent tip, a band and a buckle; wide brim."""
    tip = 70 + 5 * figure.shapes["sway"]
    return (
        filled(
            f"M-56 -54C-44 -84 -32 -112 0 -118C26 -121 52 -118 {tip:.1f} -98Q58 -101 42 -97Q46 -76 58 -54Q0 -72 -56 -54Z",
            VIOLET,
            NIGHT,
            3.4,
        )
        + flat("M20 -62Q28 -84 14 -104Q32 -110 42 -97Q46 -76 58 -54Q40 -60 20 -62Z", DUSK)
        + flat("M-34 -82Q-24 -108 -4 -114Q-18 -102 -23 -84Z", LILAC)
        + stroke("M42 -97Q30 -96 22 -100", NIGHT, 2.4)
        + filled(
            "M-58 -52Q-54 -66 -49 -74Q0 -92 47 -74Q52 -64 60 -52Q0 -72 -58 -52Z",
            "#ff8a3d",
            "#7a2c10",
            3,
        )
        + filled(
            "M-99 -43C-101 -54 -70 -58 -56 -58Q0 -76 58 -58C72 -58 101 -54 99 -43C95 -27 60 -46 0 -46S-95 -27 -99 -43Z",
            VIOLET,
            NIGHT,
            3.4,
        )
        + stroke("M-90 -46Q-76 -51 -54 -52Q-30 -60 -8 -61", LILAC, 3.4)
        + filled("M-14 -84Q0 -87 14 -84L15 -64Q0 -68 -15 -64Z", GOLD.base, GOLD.line, 3)
        + flat("M-7 -78Q0 -80 7 -78L7 -71Q0 -73 -7 -71Z", "#7a2c10")
    )


def crown(figure: Figure) -> str:
    """Of gold, five points with pearls, set with gems."""
    wide = 1 + 0.06 * figure.shapes["strand_a"]
    pearls = "".join(
        f'<circle cx="{x}" cy="{y}" r="5" fill="{GOLD.light}" stroke="{GOLD.line}" stroke-width="2.4"/>'
        for x, y in ((-52, -104), (-26, -112), (0, -115), (26, -112), (52, -104))
    )
    return (
        f'<g transform="scale({wide:.3f} 1)">'
        + filled(
            "M-44 -64L-52 -104L-34 -87L-26 -112L-12 -91L0 -115L12 -91L26 -112L34 -87L52 -104L44 -64Q0 -82 -44 -64Z",
            GOLD.base,
            GOLD.line,
            3.4,
        )
        + flat("M14 -88L26 -108L34 -85L51 -101L44 -66Q30 -72 14 -74Z", GOLD.shade, 0.6)
        + flat("M-42 -90L-36 -84L-37 -76L-40 -75Z", GOLD.light)
        + filled(
            "M-45 -62Q-48 -70 -46 -76Q0 -95 46 -76Q48 -70 45 -62Q0 -80 -45 -62Z",
            GOLD.base,
            GOLD.line,
            3,
        )
        + stroke("M-41 -72Q-24 -79 -10 -81", GOLD.light, 2.6)
        + filled("M0 -89L8 -80.5L0 -72L-8 -80.5Z", "#ff5d73", "#7d1636", 2.4)
        + filled("M-27 -81L-21 -75L-27 -68L-33 -73Z", "#46b7ee", "#134f7a", 2.2)
        + filled("M27 -81L33 -73L27 -68L21 -75Z", "#46b7ee", "#134f7a", 2.2)
        + pearls
        + "</g>"
    )
