"""The pen strokes that all hair is drawn with: outlined shapes, tapered strands, light, shadow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clipavatar.chibi.palette import TIPS, Tones, accent, shifted
from clipavatar.chibi.sample import Figure

FRONT, BEHIND, RIM = "url(#hair)", "url(#hairback)", "url(#hairrim)"
SIDES = (-1, 1)


def filled(path: str, colours: Tones, fill: str = BEHIND, width: float = 3.2) -> str:
    return (
        f'<path d="{path}" fill="{fill}" stroke="{colours.line}" stroke-width="{width}" '
        'stroke-linejoin="round"/>'
    )


def lock(top: str, sides: str, colours: Tones, width: float = 2.8) -> str:
    """A lock that grows out of the hair above: no line runs along its top.

    `top` leads from inside to outside ("x y" and a curve ending in "x y"), `sides` back again.
    """
    outside = " ".join(top.replace("C", " ").replace("Q", " ").split()[-2:])
    return (
        f'<path d="M{top}{sides}Z" fill="{FRONT}"/><path d="M{outside}{sides}" fill="none" '
        f'stroke="{colours.line}" stroke-width="{width}" stroke-linejoin="round" '
        'stroke-linecap="round"/>'
    )


def wisp(x0: float, y0: float, cx: float, cy: float, x1: float, y1: float, width: float) -> str:
    """A curve over (cx, cy) that swells to `width` in the middle and tapers at both ends."""
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    nx, ny = -(y1 - y0) / length * width, (x1 - x0) / length * width
    return (
        f"M{x0:.1f} {y0:.1f}Q{cx + nx:.1f} {cy + ny:.1f} {x1:.1f} {y1:.1f}"
        f"Q{cx - nx:.1f} {cy - ny:.1f} {x0:.1f} {y0:.1f}Z"
    )


def strands(colours: Tones, *wisps: str) -> str:
    return f'<path d="{"".join(wisps)}" fill="{colours.line}" fill-opacity=".55"/>'


def gloss(colours: Tones, *wisps: str) -> str:
    return f'<path d="{"".join(wisps)}" fill="{colours.light}" fill-opacity=".85"/>'


def shadow(path: str, colours: Tones, opacity: float = 0.2) -> str:
    """A flat darker area: right on any colour, so also on that of the tips."""
    return f'<path d="{path}" fill="{colours.line}" fill-opacity="{opacity}"/>'


def curls(points: Sequence[tuple[float, float, float]], colours: Tones, fill: str = FRONT) -> str:
    """Round curls (x, y, radius): first all outlines, then all fills, so that they join."""

    def circles(grow: float) -> str:
        return "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r + grow:.1f}"/>' for x, y, r in points
        )

    return f'<g fill="{colours.line}">{circles(1.6)}</g><g fill="{fill}">{circles(-1.6)}</g>'


def swirls(points: Sequence[tuple[float, float, float]], colours: Tones) -> str:
    """The lines inside curls."""
    path = "".join(
        f"M{x - 0.5 * r:.1f} {y + 0.35 * r:.1f}a{0.6 * r:.1f} {0.6 * r:.1f} 0 0 0 {r:.1f} {-0.3 * r:.1f}"
        for x, y, r in points
    )
    return (
        f'<path d="{path}" fill="none" stroke="{colours.line}" stroke-width="2.2" '
        'stroke-linecap="round" stroke-opacity=".6"/>'
    )


def tip_tones(figure: Figure) -> Tones | None:
    """Colours of the ends, where they have their own; darker on hair of the same colour."""
    name = figure.attributes.get("hair_tips", "none")
    ends = TIPS.get(name)
    same = name == figure.attributes.get("hair_colour")
    return shifted(ends, 0.0, -0.13) if ends and same and name != "white" else ends


def tie(
    x: float, y: float, turn: float, figure: Figure, length: float = 10, width: float = 14
) -> str:
    """A scrunchie of `width` around hair that runs along the direction `turn` (degrees)."""
    colours = accent(figure)
    return (
        f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})" stroke="{colours.line}">'
        f'<rect x="{-length / 2}" y="{-width}" width="{length}" height="{2 * width}" '
        f'rx="{length / 2}" fill="{colours.base}" stroke-width="2.6"/>'
        f'<path d="M0 {-0.6 * width:.1f}V{-0.1 * width:.1f}" stroke="{colours.light}" '
        'stroke-width="3" stroke-linecap="round"/></g>'
    )


def ribbon(x: float, y: float, turn: float, figure: Figure) -> str:
    """A big bow with two tails."""
    colours = accent(figure)
    return (
        f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})" fill="{colours.base}" '
        f'stroke="{colours.line}" stroke-width="2.6" stroke-linejoin="round">'
        f'<path d="M-3 2L-15 24L-6 21L-1 26L3 4ZM3 2L15 22L6 20L2 25L-2 4Z" fill="{colours.shade}"/>'
        '<path d="M0 0C-6 -15 -23 -19 -25 -10C-26 -3 -25 5 -22 10C-17 14 -6 10 0 0Z"/>'
        '<path d="M0 0C6 -15 23 -19 25 -10C26 -3 25 5 22 10C17 14 6 10 0 0Z"/>'
        f'<path d="M-20 -9Q-15 -11 -11 -7M12 -9Q16 -11 20 -8" fill="none" stroke="{colours.light}" '
        'stroke-linecap="round"/>'
        f'<rect x="-6" y="-7" width="12" height="14" rx="5" fill="{colours.light}"/></g>'
    )
