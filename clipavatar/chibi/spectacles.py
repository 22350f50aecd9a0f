"""Glasses: SVG in head coordinates."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi.eyes import eye_place
from clipavatar.chibi.sample import Figure

SQUARE = ("#2b2344", "#fff6ea"), ("#fff3dc", "#4a2418")  # frame and its edge, dark and light ones


def light_frames(figure: Figure) -> bool:
    """Whether square frames are light: on dark skin they are."""
    return figure.attributes.get("skin") in ("brown", "dark")


def glasses(figure: Figure) -> str:
    """Those of the figure around its eyes."""
    draw = GLASSES.get(figure.attributes["glasses"])
    if draw is None:
        return ""
    x, y = eye_place(figure)
    return draw(figure, x, y + 2)


def _round(figure: Figure, x: float, y: float) -> str:
    """Golden wire, edged dark so that it shows on every skin."""
    r = min(25.0, x - 5)
    rims = "".join(f'<circle cx="{s * x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>' for s in (-1, 1))
    wire = (
        f"M{r - x:.1f} {y - 3:.1f}Q0 {y - 9:.1f} {x - r:.1f} {y - 3:.1f}"
        f"M{-x - r:.1f} {y - 4:.1f}l-9 -4M{x + r:.1f} {y - 4:.1f}l9 -4"
    )
    drawn = f'{rims}<path d="{wire}"/>'
    return (
        f'<g fill="#eaf7ff" fill-opacity=".13">{rims}</g>'
        '<g fill="none" stroke-linecap="round">'
        f'<g stroke="#4a2a1c" stroke-width="7">{drawn}</g>'
        f'<g stroke="#ffc23d" stroke-width="3.4">{drawn}</g></g>' + _glint(x, y, r)
    )


def _square(figure: Figure, x: float, y: float) -> str:
    """Thick frames with a strong upper bar; light ones on dark skin."""
    frame, edge = SQUARE[light_frames(figure)]
    w, top, low = min(24.0, x - 6), y - 19, y + 19
    rims = "".join(
        f'<rect x="{s * x - w:.1f}" y="{top:.1f}" width="{2 * w:.1f}" height="{low - top:.1f}" rx="4"/>'
        for s in (-1, 1)
    )
    bars = "".join(f"M{s * x - w:.1f} {top:.1f}h{2 * w:.1f}" for s in (-1, 1))
    arms = (
        f"M{w - x:.1f} {y - 9:.1f}H{x - w:.1f}M{-x - w:.1f} {top + 4:.1f}l-9 1"
        f"M{x + w:.1f} {top + 4:.1f}l9 1"
    )
    return (
        f'<g fill="#eaf7ff" fill-opacity=".13">{rims}</g><g fill="none" stroke-linejoin="round">'
        f'<g stroke="{edge}" stroke-width="8">{rims}<path d="{arms}"/></g>'
        f'<path d="{bars}" stroke="{edge}" stroke-width="10.5"/>'
        f'<g stroke="{frame}" stroke-width="5">{rims}<path d="{arms}"/></g>'
        f'<path d="{bars}" stroke="{frame}" stroke-width="7.5"/></g>' + _glint(x, y, 21)
    )


def _sun(figure: Figure, x: float, y: float) -> str:
    """Dark lenses with a slanting glint, drawn out upwards for girls and women."""
    flick = 7 if figure.attributes["character"] in ("girl", "woman") else 0
    drawn, w = "", x - 3.5
    height = 0.82 if figure.attributes["character"] in ("boy", "woman", "man") else 1.0
    for s in (-1, 1):
        drawn += (
            f'<g transform="translate({s * x:.1f} {y:.1f}) scale({s} {height})">'
            f'<path d="M{-w:.1f} -14Q0 -21 {w + flick:.1f} {-16 - flick}Q{w + 3} 14 {w * 0.55:.1f} 20'
            f'Q{-w * 0.3:.1f} 25 {-w * 0.8:.1f} 13Q{-w - 1:.1f} 2 {-w:.1f} -14Z" fill="#261c3d" '
            'stroke="#f2e9ff" stroke-width="7" stroke-linejoin="round"/>'
            f'<path d="M{-w:.1f} -14Q0 -21 {w + flick:.1f} {-16 - flick}Q{w + 3} 14 {w * 0.55:.1f} 20'
            f'Q{-w * 0.3:.1f} 25 {-w * 0.8:.1f} 13Q{-w - 1:.1f} 2 {-w:.1f} -14Z" fill="#2b2145" '
            'stroke="#120b1f" stroke-width="4" stroke-linejoin="round"/></g>'
            f'<path d="M{s * x - 4:.1f} {y - 12:.1f}h9L{s * x - 7:.1f} {y + 12:.1f}'
            f'l-6 -6ZM{s * x + 9:.1f} {y - 12:.1f}h4L{s * x - 1:.1f} {y + 13:.1f}h-4Z" fill="#b9a8f0" '
            'opacity=".8"/>'
        )
    bridge = f"M{-x + w:.1f} {y - 10:.1f}H{x - w:.1f}"
    return f'<path d="{bridge}" stroke="#120b1f" stroke-width="6"/>' + drawn


def _glint(x: float, y: float, r: float) -> str:
    path = "".join(
        f"M{s * x - r * 0.68:.1f} {y - r * 0.22:.1f}q{r * 0.1:.1f} -8 {r * 0.38:.1f} -11"
        for s in (-1, 1)
    )
    return (
        f'<path d="{path}" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round" '
        'opacity=".9"/>'
    )


GLASSES: dict[str, Callable[[Figure, float, float], str]] = {
    "round glasses": _round,
    "square glasses": _square,
    "sunglasses": _sun,
}
