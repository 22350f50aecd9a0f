"""What is on the face: freckles, blush, beard, plaster, mask, earrings: SVG in head coordinates."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi import hair
from clipavatar.chibi.brows import lightness
from clipavatar.chibi.face import BUILDS, jaw_line
from clipavatar.chibi.palette import HAIR, Tones, skin_tones
from clipavatar.chibi.sample import Figure
from clipavatar.chibi.spectacles import glasses as glasses  # they are on the face as well

_BLUSH = {
    "pale": ("#ff6f91", "#ffb3c4"),
    "light": ("#ff5f78", "#ffa9b0"),
    "tan": ("#f24a5e", "#ff9a9c"),
    "brown": ("#e63a52", "#ff8f8f"),
    "dark": ("#d8324e", "#ff8088"),
}


def under(figure: Figure) -> str:
    """On the skin, below mouth and eyes."""
    draw = UNDER.get(figure.attributes.get("face", ""))
    return draw(figure) if draw else ""


def over(figure: Figure) -> str:
    """Over mouth and eyes, below the hair."""
    draw = OVER.get(figure.attributes.get("face", ""))
    return draw(figure) if draw else ""


def earrings(figure: Figure) -> str:
    """Over the hair in front of the ears: golden hoops, or gems in gold."""
    if figure.attributes.get("earrings", "none") == "none":
        return ""
    draw = _hoop if figure.shapes["accent"] < 0 else _gem
    return draw(-66) + draw(66)


def _hoop(x: float) -> str:
    return (
        f'<g fill="none"><circle cx="{x}" cy="40" r="10.5" stroke="#7a4300" stroke-width="8"/>'
        f'<circle cx="{x}" cy="40" r="10.5" stroke="#ffcf33" stroke-width="4.4"/>'
        f'<path d="M{x - 9} 36q3 -6 8 -6.5" stroke="#fff6c8" stroke-width="2" '
        'stroke-linecap="round"/></g>'
    )


def _gem(x: float) -> str:
    return (
        f'<circle cx="{x}" cy="28" r="4.6" fill="#ffcf33" stroke="#7a4300" stroke-width="2.4"/>'
        f'<path d="M{x} 31L{x + 9.5} 43L{x} 57L{x - 9.5} 43Z" fill="#27c4ee" stroke="#7a4300" '
        f'stroke-width="6" stroke-linejoin="round"/><path d="M{x} 31L{x + 9.5} 43L{x} 57L{x - 9.5} '
        f'43Z" fill="#27c4ee" stroke="#ffcf33" stroke-width="2.8" stroke-linejoin="round"/>'
        f'<path d="M{x - 1} 35L{x + 4} 42H{x - 6}Z" fill="#d6f8ff"/>'
    )


def _mouth_y(figure: Figure) -> float:
    return BUILDS[figure.attributes["character"]].mouth


def _freckles(figure: Figure) -> str:
    """Four strong dots on each cheek and two beside the nose."""
    (x, y), skin = BUILDS[figure.attributes["character"]].blush_at, skin_tones(figure)
    dots = [(-7.0, y - 9), (7.0, y - 9)]
    for side in (-1, 1):
        dots += [
            (side * (x + dx), y + dy) for dx, dy in ((-16, -2), (-10, 7.5), (-3, -2), (3.5, 7.5))
        ]
    drawn = "".join(f'<circle cx="{dx:.1f}" cy="{dy:.1f}" r="4.3"/>' for dx, dy in dots)
    dark = figure.attributes["skin"] in ("brown", "dark")
    return f'<g fill="{skin.line if dark else "#a04a24"}">{drawn}</g>'


def _blush(figure: Figure) -> str:
    colour, light = _BLUSH[figure.attributes["skin"]]
    x, y = BUILDS[figure.attributes["character"]].blush_at
    return "".join(
        f'<circle cx="{side * (x - 1.5)}" cy="{y}" r="13" fill="{colour}" opacity=".92"/>'
        f'<ellipse cx="{side * (x - 1.5) - 4.5}" cy="{y - 5}" rx="4.6" ry="3" fill="{light}"/>'
        for side in (-1, 1)
    )


def _beard_tones(figure: Figure) -> Tones:
    """Of the hair, or a warm brown; the darker ones where skin and hair are too much alike."""
    tones = hair.tones(figure) if "hair_colour" in figure.attributes else HAIR["brown"]
    skin = lightness(skin_tones(figure).base)
    choices = (tones.base, tones.shade, tones.line)
    clear = [colour for colour in choices if abs(lightness(colour) - skin) > 38]
    return tones._replace(base=(clear or choices[2:])[0])


def _beard(figure: Figure) -> str:
    """Full, from thin sideburns along the jaw and over the lip, bare around the mouth.

    Its line runs along the jaw only: towards the cheeks it ends in its own colour.
    """
    tones, y = _beard_tones(figure), _mouth_y(figure)
    b = BUILDS[figure.attributes["character"]]
    w = b.width + 1.6 * figure.shapes["head_width"]
    jaw = f"M{w:.1f} -6{jaw_line(figure, 1, 4)}H{-b.tip}{jaw_line(figure, -1, 4)}L{-w:.1f} -6"
    cheek = y - 6  # from where the beard is broad
    path = (
        f"{jaw}Q{-w + 7:.1f} {cheek - 26:.1f} {-w + 12:.1f} {cheek - 8:.1f}"
        f"Q{-w + 20:.1f} {cheek + 5:.1f} -30 {cheek + 1:.1f}Q-24 {y - 15:.1f} -11 {y - 14.5:.1f}"
        f"Q-4 {y - 14.5:.1f} 0 {y - 11.5:.1f}Q4 {y - 14.5:.1f} 11 {y - 14.5:.1f}"
        f"Q24 {y - 15:.1f} 30 {cheek + 1:.1f}Q{w - 20:.1f} {cheek + 5:.1f} {w - 12:.1f} {cheek - 8:.1f}"
        f"Q{w - 7:.1f} {cheek - 26:.1f} {w:.1f} -6Z"
        f"M-24 {y + 1:.1f}Q-21 {y + 13:.1f} 0 {y + 13:.1f}Q21 {y + 13:.1f} 24 {y + 1:.1f}"
        f"Q22 {y - 8:.1f} 8 {y - 8:.1f}Q3 {y - 8:.1f} 0 {y - 6:.1f}Q-3 {y - 8:.1f} -8 {y - 8:.1f}Q-22 {y - 8:.1f} -24 {y + 1:.1f}Z"
    )
    strands = (
        f"M{-w + 14:.1f} {y + 2:.1f}q3 7 8 10M{w - 14:.1f} {y + 2:.1f}q-3 7 -8 10"
        f"M-27 {y + 10:.1f}q4 6 9 8M27 {y + 10:.1f}q-4 6 -9 8"
    )
    return (
        f'<path d="{path}" fill="{tones.base}" fill-rule="evenodd"/>'
        f'<path d="{jaw}" fill="none" stroke="{tones.line}" stroke-width="3.2" '
        'stroke-linejoin="round"/>'
        f'<path d="{strands}" fill="none" stroke="{tones.line}" stroke-width="2.2" '
        'stroke-linecap="round" opacity=".7"/>'
    )


def _moustache(figure: Figure) -> str:
    """A handlebar, its tips curled up."""
    tones, y = _beard_tones(figure), _mouth_y(figure) - 8.5
    half = "Q{0} {1:.1f} {2} {3:.1f}Q{4} {5:.1f} {6} {7:.1f}Q{8} {9:.1f} {10} {11:.1f}Q{12} {13:.1f} 0 {14:.1f}"

    def side(s: int) -> str:
        return f"M0 {y - 3:.1f}" + half.format(
            *(s * 11, y - 9, s * 20, y - 1, s * 26, y + 4, s * 30, y - 7),
            *(s * 36, y + 9, s * 22, y + 9, s * 8, y + 9, y + 3),
        )

    return (
        f'<path d="{side(1)}Z{side(-1)}Z" fill="{tones.base}" stroke="{tones.line}" '
        'stroke-width="2.8" stroke-linejoin="round"/>'
    )


def _plaster(figure: Figure) -> str:
    """Across one cheek, with its pad."""
    x, y = BUILDS[figure.attributes["character"]].blush_at
    return (
        f'<g transform="translate({x - 5} {y + 3}) rotate(-24)" stroke="#8a5a2c" stroke-width="2.6">'
        '<rect x="-20" y="-8.5" width="40" height="17" rx="8" fill="#ffe9c4"/>'
        '<rect x="-8.5" y="-8.5" width="17" height="17" fill="#fff8ea"/>'
        '<path d="M-5 -5L5 5M5 -5L-5 5" stroke="#e0506a" stroke-width="2.8" '
        'stroke-linecap="round"/></g>'
    )


def _mask(figure: Figure) -> str:
    """Over nose and mouth, with folds, and loops to the ears."""
    b = BUILDS[figure.attributes["character"]]
    w, top, low = b.width + 1.6 * figure.shapes["head_width"], b.mouth - 14.5, b.chin - 1
    return (
        f'<path d="M-40 {top + 5}Q{-w * 0.85:.1f} {top} {-w:.1f} 8M40 {top + 5}Q{w * 0.85:.1f} {top} '
        f"{w:.1f} 8M-38 {low - 9}Q{-w * 0.9:.1f} {low - 20} {-w:.1f} 18M38 {low - 9}"
        f'Q{w * 0.9:.1f} {low - 20} {w:.1f} 18" fill="none" stroke="#5f93c4" stroke-width="2.8"/>'
        f'<path d="M-42 {top + 5}Q-22 {top + 2} 0 {top - 5}Q22 {top + 2} 42 {top + 5}'
        f"Q45 {low - 14} 36 {low - 8}Q18 {low + 1} 0 {low + 1}Q-18 {low + 1} -36 {low - 8}"
        f'Q-45 {low - 14} -42 {top + 5}Z" fill="#dff3ff" stroke="#4a80b4" stroke-width="3" '
        'stroke-linejoin="round"/>'
        f'<path d="M-37 {top + 14}Q0 {top + 8} 37 {top + 14}M-37 {top + 22}Q0 {top + 20} 37 {top + 22}" '
        'fill="none" stroke="#8dbce0" stroke-width="2.2" stroke-linecap="round"/>'
    )


UNDER: dict[str, Callable[[Figure], str]] = {
    "freckles": _freckles,
    "blush": _blush,
    "beard": _beard,
}
OVER: dict[str, Callable[[Figure], str]] = {
    "moustache": _moustache,
    "plaster": _plaster,
    "mask": _mask,
}
