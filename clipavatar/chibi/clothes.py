"""Neck, shoulders and clothes: SVG in picture coordinates (256 x 256, shoulders at the bottom)."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi import garments, robes
from clipavatar.chibi.sample import Figure
from clipavatar.chibi.tailoring import Cut, cloth_tones, cut, neck

GARMENTS: dict[str, Callable[[Cut], str]] = {
    "T-shirt": garments.t_shirt,
    "hoodie": garments.hoodie,
    "sailor uniform": garments.sailor_uniform,
    "blazer": garments.blazer,
    "dress": robes.dress,
    "kimono": robes.kimono,
    "hanfu": robes.hanfu,
    "suit": garments.suit,
    "dungarees": robes.dungarees,
    "scarf": robes.scarf,
}


def gradients(figure: Figure) -> str:
    """What `body` refers to, for the drawing's <defs>."""
    tones = cloth_tones(figure)
    return (
        '<linearGradient id="cloth" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset=".35" stop-color="{tones.base}"/>'
        f'<stop offset="1.3" stop-color="{tones.shade}"/></linearGradient>'
    )


def body(figure: Figure) -> str:
    """Neck with the head's shadow, then the garment; leaning and breathing with the shapes."""
    c = cut(figure)
    lean = 2.5 * figure.shapes["body_tilt"]
    return (
        f'<g transform="rotate({lean:.2f} 128 250) translate(128 {c.height}) scale({c.scale})">'
        f"{neck(c)}{GARMENTS[figure.attributes['clothes']](c)}</g>"
    )
