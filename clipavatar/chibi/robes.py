"""Dress, kimono, hanfu, dungarees and scarf (see tailoring)."""

from __future__ import annotations

import math
from itertools import pairwise

from clipavatar.chibi.palette import Tones
from clipavatar.chibi.tailoring import (
    BUTTON,
    CREAM,
    HEM,
    NAVY,
    ROSE,
    Cut,
    bare_arms,
    both,
    bow,
    disc,
    shape,
    stroke,
    torso,
)

CRIMSON = ROSE._replace(base="#a8243f")
JADE = Tones("#c6f0e6", "#8fd0c6", "#effffb", "#347a76")
HONEY = Tones("#ffecbc", "#e9bd6a", "#fff8e2", "#8a5f22")
OATMEAL = Tones("#e6d8c4", "#c9b498", "#f6eddf", "#7a6650")
SLATE = Tones("#65708c", "#4a536d", "#8d99b6", "#2a3044")


def beside(garment: str, c: Cut) -> Tones:
    """What is worn with it: a hanfu's bands, the coat under a scarf; else white cloth."""
    if garment == "hanfu":
        return HONEY if c.colour in ("blue", "green", "purple", "black") else JADE
    if garment == "scarf":
        return SLATE if c.colour in ("white", "yellow", "pink") else OATMEAL
    return CREAM


def dress(c: Cut) -> str:
    """Bare neck, a heart-shaped bodice with white ruffles, a bow, balloon sleeves."""
    t, w = c.cloth, c.width
    x = w - 17
    lace = CREAM if c.colour != "white" else c.accent._replace(base="#ffd3dc", line="#b2506c")
    bodice = (
        f"M{-x + 6:.1f} {HEM}L{-x + 9:.1f} 26Q-20 8 0 23Q20 8 {x - 9:.1f} 26L{x - 6:.1f} {HEM}Z"
    )
    puff = (
        f"M{-x + 14:.1f} 2C{-x - 8:.1f} -6 {-x - 30:.1f} 12 {-x - 24:.1f} 36"
        f"Q{-x - 6:.1f} 50 {-x + 14:.1f} 42C{-x + 22:.1f} 28 {-x + 22:.1f} 12 {-x + 14:.1f} 2Z"
    )
    light = f"M{-x - 20:.1f} 27C{-x - 20:.1f} 14 {-x - 8:.1f} 5 {-x + 4:.1f} 6C{-x - 4:.1f} 12 {-x - 10:.1f} 18 {-x - 11:.1f} 30Z"
    folds = f"M{-x + 8:.1f} 5Q{-x:.1f} 14 {-x - 1:.1f} 24M{-x - 8:.1f} 42Q{-x - 6:.1f} 34 {-x - 7 + 2 * c.fold:.1f} 30M{-x + 6:.1f} 43Q{-x + 7:.1f} 34 {-x + 5 + 2 * c.fold:.1f} 31"
    cuff = f"M{-x - 23:.1f} 38Q{-x - 6:.1f} 51 {-x + 13:.1f} 44"
    ruffle = _scallops(
        [(-x + 13, 14), (-24, 15), (-11, 18), (0, 25), (11, 18), (24, 15), (x - 13, 14)], lace
    )
    return (
        bare_arms(c, 44)
        + shape("M-30 0Q2 26 32 0L24 -6L-22 -6Z", c.skin.shade)
        + shape(bodice, "url(#cloth)", t.line, 3)
        + stroke(f"M-20 30Q-15 40 -17 {HEM}M20 30Q15 40 17 {HEM}", t.line, 2)
        + ruffle
        + both(shape(puff, t.base, t.line, 3.2) + shape(light, t.light) + stroke(folds, t.line, 2))
        + both(stroke(cuff, lace.line, 8) + stroke(cuff, lace.base, 4.6))
        + bow(34, 15, c.accent)
    )


def _scallops(points: list[tuple[float, float]], colours: Tones) -> str:
    """A ruffled edge: one round frill hanging between each two points."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        path += f"C{x0 - 1:.1f} {y0 + 13:.1f} {x1 + 1:.1f} {y1 + 13:.1f} {x1:.1f} {y1 + 3:.1f}"
    for x, y in points[::-1]:
        path += f"L{x:.1f} {y - 5:.1f}"
    return shape(path + "Z", colours.base, colours.line, 2.2)


def _crossed(band: str, width: float, colours: Tones) -> str:
    """A collar band: an outlined line of even width."""
    return (
        f'<path d="{band}" fill="none" stroke="{colours.line}" stroke-width="{width + 5}"/>'
        f'<path d="{band}" fill="none" stroke="{colours.base}" stroke-width="{width}"/>'
    )


def kimono(c: Cut) -> str:
    """Blossoms, a dark narrow collar crossed like a y, its white lining, and a belt."""
    t = c.cloth
    collar = t._replace(base=t.line) if c.colour != "black" else CRIMSON
    petal = CREAM.base if c.colour not in ("white", "yellow", "grey") else ROSE.base
    w, f = c.width, 3 * c.fold
    flowers = "".join(
        _blossom(x, y + f, r, petal)
        for x, y, r in (
            (-w + 17, 26, 10.0),
            (w - 20, 20, 9.0),
            (-w + 36, 12, 6.5),
            (w - 7, 46, 9.0),
            (30, 30, 7.0),
        )
    )
    bands = "".join(
        _crossed(f"M{side * 36} -9L{-side * 20} 53", 7, CREAM)
        + _crossed(f"M{side * 45} -6L{-side * 14} 60", 8.5, collar)
        for side in (-1, 1)
    )
    obi = c.accent
    return (
        torso(c, "L0 26L26 -3", flowers + bands)
        + shape(
            f"M{-w + 20:.1f} 38Q0 43 {w - 20:.1f} 38L{w - 21:.1f} {HEM}L{-w + 21:.1f} {HEM}Z",
            obi.base,
            obi.line,
            3,
        )
        + stroke(f"M{-w + 23:.1f} 48Q0 52 {w - 23:.1f} 48", obi.line, 5)
        + stroke(f"M{-w + 23:.1f} 48Q0 52 {w - 23:.1f} 48", CREAM.base, 2.6)
        + disc(0, 50, 4.6, CREAM.base, obi.line, 2.2)
    )


def _blossom(x: float, y: float, radius: float, colour: str) -> str:
    """Five round petals and a golden heart."""
    r = 0.46 * radius
    petals = "".join(
        f"M{x + 0.58 * radius * math.sin(a) - r:.1f} {y - 0.58 * radius * math.cos(a):.1f}"
        f"a{r:.1f} {r:.1f} 0 1 1 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 1 {-2 * r:.1f} 0Z"
        for a in (k * math.tau / 5 for k in range(5))
    )
    return shape(petals, colour) + disc(x, y, round(0.3 * radius, 1), BUTTON.base)


def hanfu(c: Cut) -> str:
    """Collars crossed like a y, broad and pale; wide flowing sleeves with bands; a gauze shawl."""
    t, w, s = c.cloth, c.width + 12, 4 * c.fold
    trim, cord = beside("hanfu", c), c.accent
    sleeve = (  # hangs open from the elbow, over the side of the chest
        f"M{-w + 4:.1f} {HEM}C{-w - 8:.1f} 48 {-w + 2:.1f} 20 -40 1Q{-w + 44:.1f} 14 {-w + 36:.1f} 40"
        f"Q{-w + 33:.1f} 60 {-w + 40:.1f} {HEM}Z"
    )
    fold = f"M{-w + 20:.1f} {HEM}Q{-w + 14 + s:.1f} 50 {-w + 26:.1f} 28"
    shawl = (
        f"M-37 -7C{-w + 22:.1f} 0 {-w - 4:.1f} 16 {-w - 2:.1f} 47Q{-w + 6:.1f} 54 {-w + 15:.1f} 49"
        f"C{-w + 14:.1f} 28 {-w + 32:.1f} 12 -28 6Z"
    )
    inner = "".join(_crossed(f"M{side * 31} -9L{side} 27", 6, CREAM) for side in (-1, 1))
    band = [f"M{side * 42} -8L{-side * 22} 64" for side in (-1, 1)]
    waist = f"M-46 58Q0 64 46 58L48 {HEM}H-48Z"
    ends = f"M-8 40Q{-16 + s:.1f} 56 {-13 + s:.1f} {HEM}M-4 42Q{2 + s:.1f} 58 {-1 + s:.1f} {HEM}"
    return (
        torso(c, "L0 26L26 -3", inner, wider=4)
        + shape(waist, cord.base, cord.line, 2.8)
        + both(shape(sleeve, "url(#cloth)", t.line, 3) + stroke(fold, t.shade, 3.4))
        + both(shape(shawl, trim.light, trim.line, 2.4, 'opacity=".93"'))
        + "".join(_crossed(line, 14, trim) for line in band)
        + stroke("M38 -1L-20 64", trim.shade, 2.8)
        + stroke(ends, cord.line, 7.4)
        + stroke(ends, cord.base, 4)
        + disc(-6, 40, 5.4, cord.light, cord.line, 2.4)
    )


def dungarees(c: Cut) -> str:
    """A bib with a pocket and brass buttons on straps, over a striped shirt."""
    t, w = c.cloth, c.width
    ink = {"white": "#7fb4e6", "grey": "#8d93a3"}.get(c.colour, t.base)
    shirt = CREAM._replace(line=NAVY.line) if c.colour == "black" else CREAM
    stripes = "".join(f"M-90 {y}Q0 {y - 12} 90 {y}" for y in (12, 24, 36, 48, 60))
    strap = "M-38 2Q-33 11 -32 24L-19 24Q-19 9 -24 -3Q-31 -3 -38 2Z"
    bib = f"M-38 {HEM}L-36 24Q-36 19 -31 19H31Q36 19 36 24L38 {HEM}Z"
    side = f"M-38 52Q-46 56 {-w + 17:.1f} {HEM}L-36 {HEM}Z"
    return (
        torso(c, "Q0 26 26 -3", stroke(stripes, ink, 4.5), shirt)
        + stroke("M-25 -3Q0 30 25 -3", shirt.line, 7.5)
        + stroke("M-25 -3Q0 30 25 -3", shirt.base, 3.6)
        + both(shape(side, t.shade, t.line, 2.6) + shape(strap, t.base, t.line, 2.8))
        + shape(bib, "url(#cloth)", t.line, 3.2)
        + shape("M24 20.500H31Q34.500 20.500 34.500 25L36 80H27Z", t.shade, more='opacity=".7"')
        + shape(
            f"M-16 34H16V{46 + 2 * c.fold:.1f}Q16 54 0 56Q-16 54 -16 {46 + 2 * c.fold:.1f}Z",
            t.base,
            t.line,
            2.4,
        )
        + stroke("M-29 25.500H29M-12 39.500H12", t.light, 2.2, 'stroke-dasharray="4 4"')
        + disc(-26, 24, 5.4, BUTTON.base, BUTTON.line, 2.2)
        + disc(26, 24, 5.4, BUTTON.base, BUTTON.line, 2.2)
    )


def scarf(c: Cut) -> str:
    """Two thick knitted turns up to the chin, and a tail with a fringe, over a plain coat."""
    t, f = c.cloth, 3 * c.fold
    coat, x = beside("scarf", c), 17 + f
    tail = f"M{x - 12:.1f} 14L{x - 15:.1f} 58L{x + 16:.1f} 56L{x + 12:.1f} 12Z"
    lower = "M-54 2C-58 20 -34 34 0 34S58 20 54 2C50 -6 -50 -6 -54 2Z"
    upper = "M-49 -14C-56 4 -30 17 0 17S56 4 49 -14C44 -28 -44 -28 -49 -14Z"
    knit = "".join(
        f"M{a} {9 + 0.006 * (54 * 54 - a * a) / 1.3:.1f}l{-a / 9:.1f} 9"
        for a in (-42, -25, -8, 8, 25, 42)
    )
    ribs = "".join(
        f"M{a} {-4 + 0.006 * (46 * 46 - a * a) / 1.6:.1f}l{-a / 8:.1f} 8"
        for a in (-36, -18, 0, 18, 36)
    )
    ends = "".join(f"M{x + d:.1f} 22v28" for d in (-6, 1, 8))
    return (
        torso(c, "Q0 24 26 -3", cloth=coat)
        + stroke(f"M-4 30L-4 {HEM}", coat.line, 2.4)
        + shape(tail, t.base, t.line, 3)
        + stroke(ends, t.shade, 3)
        + shape(lower, t.base, t.line, 3.2)
        + stroke(knit, t.shade, 4.2)
        + shape(upper, t.base, t.line, 3.2)
        + stroke(ribs, t.shade, 4.2)
        + stroke("M-45 -12Q-44 -2 -36 4M-49 8Q-46 17 -38 22", t.light, 4)
    )
