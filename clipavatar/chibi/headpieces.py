"""Ears, ribbons, flowers and other small things worn on the head: SVG in head coordinates."""

from __future__ import annotations

from clipavatar.chibi import hair
from clipavatar.chibi.animals import PINK, ear_inside
from clipavatar.chibi.ink import filled, flat, mirrored, stroke
from clipavatar.chibi.palette import ACCENTS, Tones, accent
from clipavatar.chibi.sample import ANIMALS, Figure

GOLD = Tones("#ffcf4a", "#eb9d25", "#fff3b0", "#8a5410")


def _lean(figure: Figure) -> float:
    return 4 * figure.shapes["strand_a"]


def _headband(figure: Figure) -> str:
    """What holds up ears where there is no hair."""
    if figure.attributes["character"] in ANIMALS or figure.attributes["hair"] == "bald":
        arc = "M-68 -34C-62 -68 -36 -85 0 -85S62 -68 68 -34"
        c = accent(figure)
        return stroke(arc, c.line, 12) + stroke(arc, c.base, 7)
    return ""


def _ear_tones(figure: Figure) -> Tones:
    """Of the hair; on a headband, the headband's."""
    return accent(figure) if _headband(figure) else hair.tones(figure)


def cat_ears(figure: Figure) -> str:
    """In hair colour, pink inside, with a tuft at the foot."""
    tones, lean = _ear_tones(figure), _lean(figure)
    return _headband(figure) + mirrored(
        flat(f"M14 -70Q34 -104 {58 + lean:.1f} -117Q74 -90 70 -36Q42 -58 14 -70Z", tones.base)
        + flat(
            f"M30 -75Q42 -96 {56 + lean:.1f} -104Q66 -86 64 -54Q48 -66 30 -75Z", ear_inside(figure)
        )
        + flat(
            "M27 -70Q36 -76 40 -86Q44 -78 49 -73Q54 -78 56 -84Q60 -70 62 -52Q44 -60 27 -70Z",
            tones.light,
        )
        + stroke(f"M14 -70Q34 -104 {58 + lean:.1f} -117Q74 -90 70 -36", tones.line, 3.4)
    )


def fox_ears(figure: Figure) -> str:
    """Taller than a cat's and cupped: dark tips, a shaded rim, and white fur welling out."""
    tones, tip = _ear_tones(figure), 60 + _lean(figure)
    rim = f"M8 -70C10 -92 30 -112 {tip:.1f} -120C{tip + 18:.1f} -100 88 -64 74 -28"
    return _headband(figure) + mirrored(
        flat(f"{rim}Q44 -56 8 -70Z", tones.base)
        + flat(
            f"M{tip:.1f} -120C{tip + 18:.1f} -100 88 -64 74 -28L66 -40Q78 -74 {tip:.1f} -120Z",
            tones.shade,
        )
        + flat(
            f"M27 -103Q40 -114 {tip:.1f} -120C{tip + 11:.1f} -108 78 -92 80 -78Q70 -90 61 -84Q52 -100 27 -103Z",
            "#322838",
        )
        + flat(
            "M22 -70Q24 -88 42 -100Q43 -92 50 -90Q57 -94 62 -90Q60 -83 68 -76Q64 -70 72 -58Q64 -58 66 -40Q46 -60 22 -70Z",
            "#fffaf3",
        )
        + flat("M38 -71Q38 -84 48 -93Q56 -80 57 -58Q48 -66 38 -71Z", "#f3b9b4")
        + stroke(rim, tones.line, 3.4)
    )


def rabbit_ears(figure: Figure) -> str:
    """Long and white, pink inside; the right one folded over."""
    lean, line = _lean(figure), "#7a6678"
    straight = filled(
        "M3 -52C-10 -88 -6 -126 11 -126C29 -126 42 -92 35 -52Z", "#fffbfd", line, 3.4
    ) + flat("M11 -58C-1 -90 1 -115 11 -115C22 -115 33 -90 28 -58Z", PINK)
    folded = (
        filled(
            "M-22 -52C-33 -92 -22 -123 4 -119L16 -104C14 -92 13 -80 12 -52Z", "#fffbfd", line, 3.4
        )
        + flat("M-14 -58C-22 -90 -13 -109 3 -109C7 -96 6 -80 5 -58Z", PINK)
        + filled(
            "M-9 -113C8 -128 34 -118 44 -88Q51 -66 42 -58C25 -60 6 -84 -9 -113Z",
            "#fffbfd",
            line,
            3.4,
        )
    )
    return (
        _headband(figure)
        + f'<g transform="rotate({-22 + lean:.1f} -30 -60) translate(-46 0)">{straight}</g>'
        + f'<g transform="rotate({8 + lean:.1f} 30 -60) translate(35 0)">{folded}</g>'
        + _fluff(figure, -30)
        + _fluff(figure, 30)
    )


def _fluff(figure: Figure, x: float) -> str:
    """Hair, or white fluff on a headband, around the foot of a rabbit's ear."""
    tones = _ear_tones(figure)
    path = f"M{x - 24} -47Q{x - 18} -61 {x - 4} -57Q{x} -66 {x + 9} -63Q{x + 20} -59 {x + 24} -46"
    return flat(f"{path}Q{x} -40 {x - 24} -47Z", tones.base) + stroke(path, tones.line, 2.6)


def bow(figure: Figure) -> str:
    """A big bow of ribbon on the left."""
    c, turn = accent(figure), -20 + 6 * figure.shapes["strand_b"]
    wing = (
        filled("M2 0C10 -26 38 -38 47 -27C53 -17 53 12 48 22C40 33 12 24 2 0Z", c.base, c.line, 3.4)
        + flat("M8 4C14 20 36 28 46 20C50 10 50 4 50 0C40 14 22 14 8 4Z", c.shade)
        + flat("M16 -12C24 -24 36 -29 41 -24C36 -22 26 -18 16 -12Z", c.light)
        + stroke("M13 -2Q22 -9 32 -12M13 3Q22 5 30 5", c.line, 2.2)
    )
    ends = filled("M2 4Q18 20 20 42L10 36L4 44Q0 22 -4 8Z", c.shade, c.line, 3)
    return (
        f'<g transform="translate(-40 -77) rotate({turn:.1f})">{mirrored(ends)}{mirrored(wing)}'
        + filled("M-9 -10Q0 -14 9 -10Q13 0 9 10Q0 14 -9 10Q-13 0 -9 -10Z", c.base, c.line, 3.2)
        + flat("M-5 -7Q0 -9 4 -7Q2 -3 -5 -2Z", c.light)
        + "</g>"
    )


def hairband(figure: Figure) -> str:
    """A wide striped band from ear to ear."""
    c = accent(figure)
    return (
        filled(
            "M-76 -14C-79 -64 -48 -93 0 -93C48 -93 79 -64 76 -14Q67 -10 60 -17C60 -50 38 -66 0 -66"
            "C-38 -66 -60 -50 -60 -17Q-67 -10 -76 -14Z",
            c.base,
            c.line,
            3.4,
        )
        + stroke("M-67.5 -20C-69 -57 -43 -79.5 0 -79.5S69 -57 67.5 -20", "#fffaf3", 9)
        + stroke("M-70 -38C-62 -70 -40 -87 -8 -89", c.light, 3)
    )


def flower(figure: Figure) -> str:
    """One large blossom on the right, over the temple, on two leaves."""
    c, turn = accent(figure), 20 * figure.shapes["strand_b"]
    petal = filled(
        "M0 -4C-22 -14 -19 -37 -5 -35Q-1 -34 0 -30Q1 -34 5 -35C19 -37 22 -14 0 -4Z",
        c.light,
        c.line,
        3,
    )
    petal += flat("M0 -6C-9 -12 -8 -21 0 -20C8 -21 9 -12 0 -6Z", c.base)
    petals = "".join(f'<g transform="rotate({72 * i})">{petal}</g>' for i in range(5))
    leaf = filled("M0 0Q20 -18 48 -6Q34 18 0 0Z", "#5fc06c", "#1f5f3c", 3) + stroke(
        "M10 -2Q24 -6 38 -5", "#1f5f3c", 2
    )
    return (
        '<g transform="translate(55 -52)">'
        f'<g transform="rotate(40)">{leaf}</g><g transform="rotate(-150)">{leaf}</g>'
        f'<g transform="rotate({turn:.1f})">{petals}</g>'
        f'<circle r="9.5" fill="{GOLD.base if c != ACCENTS[2] else "#ff8f3c"}" stroke="{GOLD.line}" stroke-width="2.8"/>'
        '<path d="M-4 -3q2 -3 5 -2" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></g>'
    )


def headphones(figure: Figure) -> str:
    """A band over the head and big cups at the ears."""
    c = accent(figure)
    band = "M-76 0C-84 -66 -50 -99 0 -99S84 -66 76 0"
    cup = (
        filled(
            "M62 -22Q74 -30 84 -22Q94 2 84 28Q74 36 62 28Q57 2 62 -22Z", "#3d3849", "#1b1723", 3.2
        )
        + filled("M74 -19Q92 -23 97 -8Q100 3 97 14Q92 29 74 25Q80 3 74 -19Z", c.base, c.line, 3.2)
        + flat("M84 -15Q91 -15 93 -6Q94 0 93 4Q89 -6 84 -15Z", c.light)
    )
    return (
        stroke(band, "#1b1723", 14)
        + stroke(band, "#4b4558", 8)
        + stroke("M-58 -66C-44 -88 -24 -97 0 -97S44 -88 58 -66", c.base, 4.5)
        + mirrored(cup)
    )


def _ring(figure: Figure, sweep: int) -> str:
    y = -103 + 2 * figure.shapes["strand_b"]
    path = f"M-47 {y:.1f}A47 12 0 0 {sweep} 47 {y:.1f}"
    glow = f'<g opacity=".35">{stroke(path, "#ffe680", 19)}</g>'
    return (
        glow
        + stroke(path, "#bd7b12", 13)
        + stroke(path, "#ffd23f", 8.6)
        + stroke(path, "#fff7c4", 3)
    )


def halo_behind(figure: Figure) -> str:
    """The far half of a ring of light."""
    return _ring(figure, 1)


def halo_before(figure: Figure) -> str:
    """Its near half."""
    return _ring(figure, 0)


def horns(figure: Figure) -> str:
    """Two curved horns, dark red, ringed."""
    out = 4 * figure.shapes["strand_a"]
    tip = 66 + out
    return mirrored(
        filled(
            f"M18 -74C22 -98 40 -108 {tip:.1f} -117C{tip + 6:.1f} -98 64 -70 50 -58Q30 -62 18 -74Z",
            "#a8203a",
            "#470a1c",
            3.4,
        )
        + flat(
            f"M34 -64C54 -76 62 -96 {tip:.1f} -116C{tip + 5:.1f} -98 64 -70 50 -58Q42 -60 34 -64Z",
            "#771329",
        )
        + flat("M24 -78C28 -94 38 -103 50 -110C40 -98 34 -88 31 -76Z", "#e0566a")
        + stroke(
            "M21 -85Q40 -84 56 -66M29 -98Q48 -98 63 -78M42 -108Q56 -108 68 -94", "#470a1c", 2.4
        )
    )
