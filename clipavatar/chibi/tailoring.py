"""What all garments share: measures and colours of the wearer, strokes, sleeves and the torso.

Clothes are drawn in their own coordinates: origin in the pit of the neck, x to the right, y down;
children show about y = 0..50 of it, adults 0..57, and everybody's hips end at HEM.
"""

from __future__ import annotations

from dataclasses import dataclass

from clipavatar.chibi.palette import CLOTHES, Tones, shifted, skin_tones
from clipavatar.chibi.sample import ANIMALS, Figure

HEM = 84.0  # below the frame, however the body leans
BUTTON = Tones("#ffcf4a", "#d99a24", "#fff3b8", "#7a4d10")
CREAM = Tones("#fffaf0", "#e2dae6", "#ffffff", "#77708f")
NAVY = Tones("#34466f", "#222f52", "#6880b4", "#141c36")
ROSE = Tones("#ff5d73", "#cf3357", "#ffa6ae", "#7a1330")
GOLD = Tones("#ffc83f", "#e0952a", "#ffeba0", "#80500f")
SKY = Tones("#46b7ee", "#2583c4", "#a9e4ff", "#14467a")
VIOLET = Tones("#9a6bf0", "#6c42c0", "#cdb4ff", "#391f74")
ACCENT = {  # of ribbons, marks and belts: what stands out from each clothes colour
    "white": ROSE,
    "black": ROSE,
    "grey": ROSE,
    "brown": GOLD,
    "red": GOLD,
    "orange": SKY,
    "yellow": VIOLET,
    "green": GOLD,
    "blue": ROSE,
    "purple": GOLD,
    "pink": VIOLET,
}
BUILD = {  # height of the neck's pit, scale, half width of the neck, of the shoulders, their slope
    "girl": (205.0, 1.0, 14.0, 65.0, 28.0),
    "boy": (205.0, 1.0, 18.0, 70.0, 25.0),
    "woman": (193.0, 1.1, 14.0, 66.0, 29.0),
    "man": (192.0, 1.12, 19.0, 79.0, 19.0),
}


@dataclass(frozen=True)
class Cut:
    """One wearer's measures (`neck` and `width` are half widths) and colours."""

    height: float
    scale: float
    neck: float
    width: float
    slope: float
    fold: float
    furry: bool
    colour: str
    cloth: Tones
    skin: Tones
    accent: Tones


def cloth_tones(figure: Figure) -> Tones:
    """Of the garment: its colour, a little darker or lighter."""
    tone = 0.015 * figure.shapes["clothes_tone"]
    return shifted(CLOTHES[figure.attributes["clothes_colour"]], 0.0, tone)


def cut(figure: Figure) -> Cut:
    """Take the figure's measures."""
    height, scale, neck, width, slope = BUILD.get(figure.attributes["character"], BUILD["boy"])
    shapes, colour = figure.shapes, figure.attributes["clothes_colour"]
    return Cut(
        height=height,
        scale=scale,
        neck=neck,
        width=width + 4 * shapes["body_width"],
        slope=slope,
        fold=shapes["fold"],
        furry=figure.attributes["character"] in ANIMALS,
        colour=colour,
        cloth=cloth_tones(figure),
        skin=skin_tones(figure),
        accent=shifted(ACCENT[colour], 0.025 * shapes["accent"], 0.02 * shapes["accent"]),
    )


def shape(path: str, fill: str, line: str = "", width: float = 2.6, more: str = "") -> str:
    """A filled path, outlined if `line` is a colour."""
    edge = f'stroke="{line}" stroke-width="{width}" stroke-linejoin="round" ' if line else ""
    return f'<path d="{path}" fill="{fill}" {edge}{more}/>'


def stroke(path: str, colour: str, width: float = 2.2, more: str = "") -> str:
    """An open line with round ends."""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'stroke-linecap="round" stroke-linejoin="round" {more}/>'
    )


def disc(x: float, y: float, radius: float, fill: str, line: str = "", width: float = 1.8) -> str:
    edge = f' stroke="{line}" stroke-width="{width}"' if line else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"{edge}/>'


def both(part: str) -> str:
    """A part of the left side, and the same mirrored to the right."""
    return f'{part}<g transform="scale(-1 1)">{part}</g>'


def bow(y: float, half: float, colours: Tones) -> str:
    """A ribbon bow with its knot at (0, y) and wings `half` wide."""
    h = 0.62 * half
    wing = (
        f"M0 {y:.1f}C{-0.4 * half:.1f} {y - h:.1f} {-half:.1f} {y - 1.15 * h:.1f} {-half:.1f} {y - 0.5 * h:.1f}"
        f"Q{-0.86 * half:.1f} {y + 0.1 * h:.1f} {-half:.1f} {y + 0.75 * h:.1f}"
        f"C{-0.9 * half:.1f} {y + 1.2 * h:.1f} {-0.4 * half:.1f} {y + 0.8 * h:.1f} 0 {y:.1f}Z"
    )
    crease = stroke(
        f"M-3 {y:.1f}Q{-0.4 * half:.1f} {y:.1f} {-0.66 * half:.1f} {y - 0.3 * h:.1f}",
        colours.shade,
        2.2,
    )
    knot = f'<rect x="-4.6" y="{y - 5:.1f}" width="9.2" height="10" rx="3.6" fill="{colours.light}" stroke="{colours.line}" stroke-width="2.2"/>'
    return both(shape(wing, colours.base, colours.line, 2.4) + crease) + knot


def silhouette(c: Cut, neckline: str, wider: float = 0.0) -> str:
    """The outline of shoulders and chest; `neckline` goes on from (-26, -3) to (26, -3)."""
    w = c.width + wider
    return (
        f"M{-w:.1f} {HEM}C{-w:.1f} {c.slope:.1f} {-0.8 * w:.1f} 6 -26 -3{neckline}"
        f"C{0.8 * w:.1f} 6 {w:.1f} {c.slope:.1f} {w:.1f} {HEM}Z"
    )


def torso(
    c: Cut, neckline: str, inside: str = "", cloth: Tones | None = None, wider: float = 0.0
) -> str:
    """Shoulders and chest with light, shade and folds; `inside` is printed on the cloth.

    The cloth is the wearer's unless another one is given.
    """
    w = c.width + wider
    tones, fill = (cloth, cloth.base) if cloth else (c.cloth, "url(#cloth)")
    outline = silhouette(c, neckline, wider)
    f = 3 * c.fold
    side = f"M{w:.1f} {HEM}C{w:.1f} {c.slope:.1f} {0.8 * w:.1f} 6 40 0Q{w - 15:.1f} 20 {w - 13:.1f} {HEM}Z"
    light = f"M{-w + 3:.1f} {c.slope + 25:.1f}C{-w + 4:.1f} {c.slope - 1:.1f} {-0.76 * w:.1f} 9 -36 3C{-0.62 * w:.1f} 12 {-w + 12:.1f} {c.slope + 4:.1f} {-w + 3:.1f} {c.slope + 25:.1f}Z"
    arm = f"M{-w + 19:.1f} {HEM}C{-w + 17:.1f} {48 + f:.1f} {-w + 17:.1f} {40 + f:.1f} {-w + 22:.1f} {31 + f:.1f}"
    crease = f"M{-w + 21:.1f} {47 - f:.1f}q7 -1 11 -6"
    return (
        f'<clipPath id="chest"><path d="{outline}"/></clipPath>'
        + shape(outline, fill)
        + f'<g clip-path="url(#chest)">{inside}'
        + shape(light, tones.light, more='opacity=".8"')
        + shape(side, tones.shade, more='opacity=".7"')
        + f'<ellipse cx="3" cy="-7" rx="37" ry="15" fill="{tones.line}" opacity=".28"/></g>'
        + both(stroke(arm, tones.line, 2.4) + stroke(crease, tones.line, 1.9))
        + shape(outline, "none", tones.line, 3.2)
    )


def bare_arms(c: Cut, sleeve: float) -> str:
    """The wearer's arms and chest, for what has short sleeves or none: skin from `sleeve` down."""
    w = c.width - 4
    outline = f"M{-w:.1f} {HEM}C{-w:.1f} {c.slope:.1f} {-0.8 * w:.1f} 7 -24 -2L24 -2C{0.8 * w:.1f} 7 {w:.1f} {c.slope:.1f} {w:.1f} {HEM}Z"
    inner = f"M{-w + 15:.1f} {HEM}Q{-w + 14:.1f} {sleeve + 8:.1f} {-w + 17:.1f} {sleeve:.1f}"
    return shape(outline, c.skin.base, c.skin.line, 3) + both(stroke(inner, c.skin.line, 2.2))


def neck(c: Cut) -> str:
    """The neck with the head's shadow; an animal's is a ruff of fur."""
    n, skin = c.neck, c.skin
    if c.furry:
        ruff = "M-40 -16q-7 8 -6 15q5 -2 8 -2q-1 6 2 10q5 -3 8 -3q1 6 6 9q4 -4 7 -5q3 5 9 7q5 -4 8 -9q5 3 10 1q2 -5 0 -9q5 1 10 -1q-1 -9 -9 -13Z"
        return shape(ruff, skin.base, skin.line, 2.8) + shape("M-30 -16Q0 16 32 -16Z", skin.shade)
    outline = f"M{-n} -32L{-n} -8Q{-n - 2} 0 -28 4L0 34L28 4Q{n + 2} 0 {n} -8L{n} -32Z"
    shadow = f"M{-n + 1} -30L{-n + 1} -4Q2 11 {n - 1} 1L{n - 1} -30Z"
    return shape(outline, skin.base, skin.line, 3) + shape(shadow, skin.shade)
