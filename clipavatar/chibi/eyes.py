"""Eyes: SVG in head coordinates. An eye is drawn once, its outer corner to the right; the left
one is its mirror image (but for the highlights: the light comes from one side)."""

from __future__ import annotations

from clipavatar.chibi import signs as comic
from clipavatar.chibi.brows import brows as brows  # part of what eyes offer
from clipavatar.chibi.looks import CUTE, CUTS, LOOKS, Cut, Look
from clipavatar.chibi.palette import EYES, HAIR, Tones, blush_colour, skin_tones
from clipavatar.chibi.sample import ANIMALS, Figure
from clipavatar.chibi.signs import signs as signs

_HAPPY = ("laughing",)
_SYMBOLS = ("heart eyes", "star eyes")


def eyes(figure: Figure) -> str:
    """Both eyes as the expression wants them, with tears or a shy blush; none behind sunglasses."""
    expression = figure.attributes["expression"]
    shy = _shy_cheeks(figure) if expression == "shy" else ""
    if figure.attributes["glasses"] == "sunglasses":
        return shy + _tears(figure)
    return shy + _eye(figure, -1) + _eye(figure, 1) + _tears(figure)


def eye_place(figure: Figure) -> tuple[float, float]:
    """Distance of each eye from the middle, and height."""
    cut, s = _cut(figure), figure.shapes
    return cut.x + 1.5 * s["eye_distance"], cut.y + 1.6 * s["eye_height"]


def gradients(figure: Figure) -> str:
    """The iris, dark above and glowing below, and the outline that both eyes are clipped to."""
    iris, (cut, _) = _iris(figure), _sized(figure)
    return (
        '<linearGradient id="iris" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset=".06" stop-color="{iris.shade}"/><stop offset=".5" '
        f'stop-color="{iris.base}"/><stop offset="1" stop-color="{iris.light}"/>'
        f'</linearGradient><clipPath id="eye"><path d="{_outline(cut)}"/></clipPath>'
    )


def _cut(figure: Figure) -> Cut:
    return CUTS.get(figure.attributes["character"], CUTE)


def _sized(figure: Figure) -> tuple[Cut, Look]:
    """The cut of this figure's eyes as its expression opens them."""
    cut, look = _cut(figure), LOOKS.get(figure.attributes["expression"], LOOKS["neutral"])
    size = 1 + 0.06 * figure.shapes["eye_size"]
    return cut._replace(rx=cut.rx * size, ry=cut.ry * size * look.open), look


def _iris(figure: Figure) -> Tones:
    return EYES[figure.attributes.get("eye_colour", "brown")]


def _lid_tones(figure: Figure) -> Tones:
    """Of the skin around the eyes: a panda's is black."""
    return HAIR["black"] if figure.attributes["character"] == "panda" else skin_tones(figure)


def _line(figure: Figure) -> str:
    """The colour of an eye's line where it lies on the bare skin or fur."""
    animal = figure.attributes["character"] in ANIMALS
    dark = animal and figure.attributes.get("hair_colour", "black") == "black"
    return "#f6f0ff" if dark else skin_tones(figure).line


def _outline(cut: Cut) -> str:
    x, top, low = cut.rx * cut.full, -cut.ry * 1.33, cut.ry * 1.3
    inner, outer = cut.slant * 0.5, -cut.slant * 0.5
    return (
        f"M{-cut.rx:.1f} {inner:.1f}C{-x:.1f} {top:.1f} {x:.1f} {top:.1f} {cut.rx:.1f} {outer:.1f}"
        f"C{x * 0.86:.1f} {low:.1f} {-x * 0.86:.1f} {low:.1f} {-cut.rx:.1f} {inner:.1f}Z"
    )


def _eye(figure: Figure, side: int) -> str:
    """One eye in its place: closed, a heart or star, or open."""
    expression = figure.attributes["expression"]
    x, y = eye_place(figure)
    if expression in _SYMBOLS:
        drawn = _symbol(figure, expression, side)
    elif expression in _HAPPY or (expression == "winking" and side > 0):
        drawn = _closed(figure)
    else:
        drawn = _open(figure, side)
    return f'<g transform="translate({side * x:.1f} {y:.1f}) scale({side} 1)">{drawn}</g>'


def _upper_lid(cut: Cut, look: Look) -> tuple[float, float, float, float, float]:
    """The edge of the upper lid: half width, and heights of inner end, controls, outer end."""
    if look.lid is None:
        return cut.rx, cut.slant * 0.5, -cut.ry * 1.33, -cut.ry * 1.33, -cut.slant * 0.5
    level = -cut.ry + 2 * cut.ry * look.lid
    slant = look.slant * min(1.0, cut.ry / 15)
    inner, outer = level + slant + cut.slant * 0.3, level - slant - cut.slant * 0.3
    bow = min(4.0, cut.ry * 0.3)
    return cut.rx, inner, inner * 0.7 + outer * 0.3 - bow, inner * 0.3 + outer * 0.7 - bow, outer


def _open(figure: Figure, side: int) -> str:
    """White, iris with depth, highlights, then the lids over them and the lid's line."""
    (cut, look), tones, skin = _sized(figure), _iris(figure), _lid_tones(figure)
    s = figure.shapes
    gx = side * (look.gaze[0] + 1.4 * s["gaze_x"])
    gy = 0.6 + look.gaze[1] * min(1.0, cut.ry / 15) + s["gaze_y"]
    ix, iy = cut.iris[0] * look.iris, cut.iris[1] * look.iris
    x, inner, c1, c2, outer = _upper_lid(cut, look)
    k = x * (cut.full if look.lid is None else 0.4)
    edge = f"C{-k:.1f} {c1:.1f} {k:.1f} {c2:.1f} {x:.1f} {outer:.1f}"
    start, lid = f"M{-x:.1f} {inner:.1f}", ""
    if look.lid is not None:
        lid = (
            f'<path d="{start}{edge}L{x + 4:.1f} {outer:.1f}V{-cut.ry - 4:.1f}H{-x - 4:.1f}'
            f'V{inner:.1f}Z" fill="{skin.base}"/>'
        )
    low = cut.ry - 2 * cut.ry * look.low
    rising = (
        f'<path d="M{-x - 2:.1f} {low + 6:.1f}Q0 {low - 5:.1f} {x + 2:.1f} {low + 6:.1f}'
        f'V{cut.ry + 3:.1f}H{-x - 2:.1f}Z" fill="{skin.base}"/>'
        if look.low
        else ""
    )
    water = (
        f'<path d="M{-x:.1f} {low - 2:.1f}q{x / 2:.1f} -6 {x:.1f} 0q{x / 2:.1f} 4 {x:.1f} -1'
        f'V{cut.ry:.1f}H{-x:.1f}Z" fill="#a9e2ff" opacity=".9"/>'
        if look.water
        else ""
    )
    light = -1 if side > 0 else 1  # towards the upper left of the picture
    return (
        f'<g clip-path="url(#eye)"><path d="{_outline(cut)}" fill="#fffdfb"/>'
        f'<g transform="translate({gx:.1f} {gy:.1f})">'
        f'<ellipse rx="{ix:.1f}" ry="{iy:.1f}" fill="url(#iris)" stroke="{tones.line}" '
        'stroke-width="2"/>'
        f'<ellipse cy="{-iy * 0.06:.1f}" rx="{ix * 0.34:.1f}" ry="{iy * 0.36:.1f}" '
        f'fill="{tones.line}"/>'
        f'<path d="M{-ix * 0.72:.1f} {iy * 0.42:.1f}Q0 {iy * 0.8:.1f} {ix * 0.72:.1f} '
        f"{iy * 0.42:.1f}Q{ix * 0.5:.1f} {iy * 0.94:.1f} 0 {iy * 0.94:.1f}"
        f'Q{-ix * 0.5:.1f} {iy * 0.94:.1f} {-ix * 0.72:.1f} {iy * 0.42:.1f}Z" '
        f'fill="{tones.light}"/></g>'
        f'<path d="{start}{edge}v7C{k:.1f} {c2 + 7.5:.1f} {-k:.1f} {c1 + 7.5:.1f} {-x:.1f} '
        f'{inner + 6:.1f}Z" fill="#3a2450" opacity=".25"/>'
        f"{water}"
        f'<g fill="#fff"><ellipse cx="{gx + light * ix * 0.36:.1f}" cy="{gy - iy * 0.4:.1f}" '
        f'rx="{ix * 0.32:.1f}" ry="{iy * 0.25:.1f}"/>'
        f'<circle cx="{gx - light * ix * 0.42:.1f}" cy="{gy + iy * 0.34:.1f}" r="{ix * 0.19:.1f}"/>'
        f'<circle cx="{gx + light * ix * 0.42:.1f}" cy="{gy + iy * 0.46:.1f}" r="{ix * 0.1:.1f}"/>'
        f"</g>{lid}{rising}</g>"
        f"{_lower_line(figure, cut, low, bool(look.low))}"
        f"{_shadow(figure, cut)}"
        f'<path d="{_lid_line(cut, x, k, (inner, c1, c2, outer))}" fill="{tones.line}" '
        f'stroke="{tones.line}" stroke-width="1.4" stroke-linejoin="round"/>'
    )


def _lower_line(figure: Figure, cut: Cut, low: float, raised: bool) -> str:
    half = cut.rx * (0.8 if raised or cut.wing > 5 else 0.5)
    y = low + 1.5 if raised else cut.ry - 0.4
    bow = -4.0 if raised else 2.2
    return (
        f'<path d="M{-half:.1f} {y - bow * 0.4:.1f}Q0 {y + bow * 0.6:.1f} {half:.1f} '
        f'{y - bow * 0.4 - (3 if cut.wing > 5 else 0):.1f}" fill="none" '
        f'stroke="{_line(figure)}" stroke-width="2.2" stroke-linecap="round"/>'
    )


def _lid_line(cut: Cut, x: float, k: float, lid: tuple[float, float, float, float]) -> str:
    """The upper lid's line, swelling outwards into wing and lashes."""
    inner, c1, c2, outer = lid
    t, w = cut.lid, cut.wing
    path = (
        f"M{-x - 0.6:.1f} {inner:.1f}C{-k:.1f} {c1 - t:.1f} {k:.1f} {c2 - t * 1.3:.1f} "
        f"{x + w:.1f} {outer - w * 0.62:.1f}L{x - 1.2:.1f} {outer + 2.4:.1f}"
        f"C{k * 0.94:.1f} {c2 + t * 0.3:.1f} {-k * 0.94:.1f} {c1 + t * 0.2:.1f} "
        f"{-x - 0.6:.1f} {inner:.1f}Z"
    )
    return path + "".join(
        f"M{x - 3:.1f} {outer + y - 2:.1f}Q{x + reach * 0.6:.1f} {outer + y:.1f} {x + reach:.1f} "
        f"{outer + y + rise:.1f}Q{x + reach * 0.6:.1f} {outer + y + 3.5:.1f} {x - 1:.1f} {outer + y + 3.5:.1f}Z"
        for reach, rise, y in cut.lashes
    )


def _shadow(figure: Figure, cut: Cut) -> str:
    """A woman's coloured lid with the line of its fold."""
    if figure.attributes["character"] != "woman":
        return ""
    x, y = cut.rx, -cut.ry
    return (
        f'<path d="M{-x + 3:.1f} {y + 6:.1f}Q{-x * 0.3:.1f} {y - 9:.1f} {x * 0.5:.1f} {y - 5:.1f}'
        f"L{x + 10:.1f} {y - 1:.1f}L{x:.1f} {y + 12:.1f}Q{x * 0.4:.1f} {y - 2:.1f} {-x + 3:.1f} "
        f'{y + 6:.1f}Z" fill="#b0509a" opacity=".5"/>'
        f'<path d="M{-x + 3:.1f} {y:.1f}Q{-x * 0.1:.1f} {y - 8.5:.1f} {x * 0.8:.1f} {y - 3:.1f}" '
        f'fill="none" stroke="{_line(figure)}" stroke-width="2" stroke-linecap="round"/>'
    )


def _closed(figure: Figure) -> str:
    """A happy upward arc."""
    cut, line = _cut(figure), _line(figure)
    x, rise = cut.rx, 10 + 0.45 * cut.ry
    lashes = "".join(
        f"M{x - 1.5:.1f} {6 + y * 0.8:.1f}l{reach * 0.9:.1f} {rise * 0.6 + 1:.1f}"
        for reach, rise, y in cut.lashes[:2]
    )
    return (
        f"{_shadow(figure, cut._replace(ry=6.0))}"
        f'<path d="M{-x:.1f} 7Q0 {7 - 2 * rise:.1f} {x:.1f} 7{lashes}" fill="none" stroke="{line}" '
        f'stroke-width="{cut.lid + 0.6:.1f}" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _symbol(figure: Figure, expression: str, side: int) -> str:
    """A heart or a star for an eye, rimmed with white."""
    cut = _cut(figure)
    size = 0.86 + 0.014 * cut.ry + 0.05 * figure.shapes["eye_size"]
    path, fill, light, line = (
        (comic.HEART, "#f5235f", "#ff9dbb", "#8f0c3a")
        if expression == "heart eyes"
        else (_STAR, "#ffcb1f", "#fff3a8", "#a35a00")
    )
    lashes = "".join(
        f"M{16 + dx:.1f} {y - 2:.1f}l{reach * 0.8:.1f} {rise:.1f}"
        for dx, (reach, rise, y) in zip((0, 2, 0), cut.lashes, strict=False)
    )
    return (
        f'<g transform="scale({size:.2f})" stroke-linejoin="round" stroke-linecap="round">'
        f'<path d="{path}" fill="{fill}" stroke="#fff" stroke-width="7.5"/>'
        f'<path d="{path}" fill="{fill}" stroke="{line}" stroke-width="3"/>'
        f'<ellipse cx="{-side * 6.5}" cy="-6" rx="4" ry="3" fill="{light}"/>'
        f'<path d="{lashes}" fill="none" stroke="{line}" stroke-width="3.4"/></g>'
    )


_STAR = "M0 -18L5.2 -6.6L17.4 -5.6L8 2.6L11 14.8L0 8.2L-11 14.8L-8 2.6L-17.4 -5.6L-5.2 -6.6Z"


def _tears(figure: Figure) -> str:
    """Streams down both cheeks of who cries; one tear of who is sad."""
    expression = figure.attributes["expression"]
    x, _ = eye_place(figure)
    if expression == "sad":
        return comic.drop(-x - 3, _below(figure) - 1, 0.8, 0)
    if expression != "crying":
        return ""
    top, end = _below(figure) - 4, 58
    return "".join(
        f'<g transform="translate({side * x:.1f} 0) scale({side} 1)">'
        f'<path d="M-8 {top:.1f}Q0 {top + 4:.1f} 8 {top:.1f}Q11 {end - 14} 8 {end - 4}Q3 {end + 2} '
        f'-2 {end - 2}Q-8 {end - 4} -9 {end - 12}Q-10 {top + 12:.1f} -8 {top:.1f}Z" fill="#9edcff" '
        'stroke="#2f83cc" stroke-width="2.2" stroke-linejoin="round"/>'
        f'<path d="M-2.5 {top + 8:.1f}V{end - 10}" stroke="#fff" stroke-width="3.4" '
        'stroke-linecap="round"/></g>'
        for side in (-1, 1)
    )


def _below(figure: Figure) -> float:
    """The lower edge of the eyes, or of what is before them."""
    (cut, _), (_, y) = _sized(figure), eye_place(figure)
    return y + (21 if figure.attributes["glasses"] == "sunglasses" else cut.ry)


def _shy_cheeks(figure: Figure) -> str:
    """A broad strong blush with three strokes on each cheek."""
    x, y = eye_place(figure)
    x, y = x + 4, max(y + _cut(figure).ry, _below(figure)) + 7
    colour = blush_colour(figure)
    return "".join(
        f'<ellipse cx="{side * x:.1f}" cy="{y:.1f}" rx="18" ry="9" fill="{colour}" opacity=".75"/>'
        f'<path d="M{side * x - 7:.1f} {y + 5:.1f}l5 -10m2 10l5 -10m2 10l5 -10" fill="none" '
        'stroke="#c2213f" stroke-width="2.6" stroke-linecap="round"/>'
        for side in (-1, 1)
    )
