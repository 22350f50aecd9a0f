"""Neck, shoulders and clothes: SVG in picture coordinates (256 x 256, shoulders at the bottom)."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi.palette import CLOTHES, SKIN, Tones, shifted
from clipavatar.chibi.sample import Figure


def tones(figure: Figure) -> Tones:
    tone = 0.02 * figure.shapes["clothes_tone"]
    return shifted(CLOTHES[figure.attributes["clothes_colour"]], 0.0, tone)


def body(figure: Figure) -> str:
    """Neck with the head's shadow, then the garment."""
    skin = SKIN[figure.attributes["skin"]]
    neck = 15 if figure.attributes["character"] == "girl" else 19
    return (
        f'<path d="M{128 - neck} 180h{2 * neck}v26q{-neck} 18 {-2 * neck} 0Z" fill="{skin.base}" '
        f'stroke="{skin.line}" stroke-width="3"/>'
        f'<path d="M{128 - neck + 1} 182h{2 * neck - 2}v18q{-neck + 1} 10 {-2 * neck + 2} 0Z" '
        f'fill="{skin.shade}"/>' + GARMENTS[figure.attributes["clothes"]](figure, tones(figure))
    )


def _torso(figure: Figure, colours: Tones, neckline: str) -> str:
    """Shoulders and chest; `neckline` runs from the right side of the neck to the left."""
    w = 62 if figure.attributes["character"] == "girl" else 70
    return (
        f'<path d="M{128 - w} 262C{128 - w} 222 {128 - w * 0.72:.1f} 210 104 204{neckline}'
        f'C{128 + w * 0.72:.1f} 210 {128 + w} 222 {128 + w} 262Z" fill="url(#cloth)" '
        f'stroke="{colours.line}" stroke-width="3.2" stroke-linejoin="round"/>'
        f'<path d="M{128 - w + 19} 258q-1 -16 3 -24M{128 + w - 19} 258q1 -16 -3 -24" fill="none" '
        f'stroke="{colours.line}" stroke-width="2.2" stroke-linecap="round" opacity=".7"/>'
    )


def _t_shirt(figure: Figure, colours: Tones) -> str:
    mark = colours.line if figure.attributes["clothes_colour"] in ("white", "yellow") else "#fffaf0"
    return (
        _torso(figure, colours, "Q128 232 152 204")
        + f'<path d="M101 206Q128 240 155 206" fill="none" stroke="{colours.shade}" '
        'stroke-width="5"/>'
        f'<path d="M128 233l4.2 8.3 9.2 1.3 -6.6 6.4 1.6 9.1 -8.4 -4.3 -8.4 4.3 1.6 -9.1 -6.6 -6.4 '
        f'9.2 -1.3Z" fill="{mark}" opacity=".92"/>'
    )


def _hoodie(figure: Figure, colours: Tones) -> str:
    cord = "#fffaf0" if figure.attributes["clothes_colour"] != "white" else colours.line
    return (
        _torso(figure, colours, "Q128 224 152 204")
        + f'<path d="M128 236Q84 226 74 200Q88 186 106 196Q118 214 128 216Q138 214 150 196'
        f'Q168 186 182 200Q172 226 128 236Z" fill="{colours.shade}" stroke="{colours.line}" '
        'stroke-width="3.2" stroke-linejoin="round"/>'
        f'<path d="M128 229Q96 220 84 202M128 229Q160 220 172 202" fill="none" '
        f'stroke="{colours.base}" stroke-width="7" stroke-linecap="round"/>'
        f'<path d="M117 232q-3 10 -1 20M139 232q3 10 1 20" fill="none" stroke="{cord}" '
        'stroke-width="3.4" stroke-linecap="round"/>'
    )


def _sailor_uniform(figure: Figure, colours: Tones) -> str:
    colour = figure.attributes["clothes_colour"]
    collar, stripe = ("#2f4479", "#ffffff") if colour == "white" else ("#fdfcff", colours.base)
    scarf = "#ffb62e" if colour in ("red", "pink") else "#e8364f"
    edge = "#1c2747" if colour == "white" else colours.line
    return (
        _torso(figure, colours, "L128 240L152 204")
        + f'<path d="M102 199Q84 204 74 222Q96 236 128 246Q160 236 182 222Q172 204 154 199L128 236Z" '
        f'fill="{collar}" stroke="{edge}" stroke-width="2.8" stroke-linejoin="round"/>'
        f'<path d="M83 220Q102 231 128 239Q154 231 173 220" fill="none" stroke="{stripe}" '
        'stroke-width="3.4"/>'
        f'<path d="M128 240l-17 -6 -2 17 19 -4 19 4 -2 -17Z" fill="{scarf}" stroke="#7d1428" '
        'stroke-width="2.4" stroke-linejoin="round"/>'
        f'<circle cx="128" cy="241.500" r="4.600" fill="{scarf}" stroke="#7d1428" stroke-width="2.2"/>'
    )


GARMENTS: dict[str, Callable[[Figure, Tones], str]] = {
    "T-shirt": _t_shirt,
    "hoodie": _hoodie,
    "sailor uniform": _sailor_uniform,
}
