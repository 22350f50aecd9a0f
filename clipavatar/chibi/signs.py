"""The signs of comics around a face, drawn over everything: SVG in head coordinates."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi.sample import Figure


def signs(figure: Figure) -> str:
    """Those of the expression, if it has any; clear of headwear and inside the frame."""
    draw = SIGNS.get(figure.attributes["expression"])
    return draw(figure) if draw else ""


def drop(x: float, y: float, size: float, turn: float) -> str:
    """A tear whose point is at (x, y)."""
    return (
        f'<path d="M0 0C-9 10 -7 18 0 18S9 10 0 0Z" fill="#9edcff" stroke="#2f83cc" '
        f'stroke-width="2.6" stroke-linejoin="round" '
        f'transform="translate({x:.1f} {y:.1f}) rotate({turn}) scale({size})"/>'
    )


def _vein(figure: Figure) -> str:
    path = "M57 -40q1 9 -8 9M62 -40q-1 9 8 9M57 -18q1 -8 -8 -8M62 -18q-1 -8 8 -8"
    return _haloed(path, "#e0162f", 4.2)


def _snore(figure: Figure) -> str:
    """Three letters Z, growing as they rise."""
    path = "M56 -8h9l-9 9h9M65 -27h12l-12 12h12M72 -54h17l-17 17h17"
    return _haloed(path, "#5a6fe0", 4)


def _tears(figure: Figure) -> str:
    return (
        drop(-70, 8, 0.95, 50)
        + drop(70, 8, 0.95, -50)
        + drop(-76, -14, 0.7, 70)
        + drop(76, -14, 0.7, -70)
    )


def _hearts(figure: Figure) -> str:
    return "".join(
        f'<path d="{HEART}" transform="translate({x} {y}) rotate({turn}) scale({size})" '
        'fill="#ff4f86" stroke="#fff" stroke-width="5" stroke-linejoin="round" '
        'paint-order="stroke"/>'
        for x, y, turn, size in ((68, -34, 16, 0.78), (-70, -18, -18, 0.56))
    )


def _sparkles(figure: Figure) -> str:
    return "".join(
        f'<path d="M0 -16Q2.5 -2.5 16 0Q2.5 2.5 0 16Q-2.5 2.5 -16 0Q-2.5 -2.5 0 -16Z" '
        f'transform="translate({x} {y}) scale({size})" fill="#ffe14d" stroke="#c07a00" '
        'stroke-width="2.6" stroke-linejoin="round"/>'
        for x, y, size in ((68, -30, 0.95), (-70, -14, 0.66))
    )


def _startled(figure: Figure) -> str:
    """Short strokes flying off to both sides."""
    path = "M58 -36L68 -47M65 -23L79 -29M-58 -36L-68 -47M-65 -23L-79 -29"
    return _haloed(path, "#f0932b", 4.4)


def _haloed(path: str, colour: str, width: float) -> str:
    """A line that shows on any hair: white around the colour."""
    return (
        f'<g fill="none" stroke-linecap="round" stroke-linejoin="round"><path d="{path}" '
        f'stroke="#fff" stroke-width="{width + 4}"/><path d="{path}" stroke="{colour}" '
        f'stroke-width="{width}"/></g>'
    )


HEART = "M0 15C-22 1 -16 -15 -7.5 -15Q-2 -15 0 -9Q2 -15 7.5 -15C16 -15 22 1 0 15Z"
SIGNS: dict[str, Callable[[Figure], str]] = {
    "angry": _vein,
    "sleepy": _snore,
    "crying": _tears,
    "surprised": _startled,
    "heart eyes": _hearts,
    "star eyes": _sparkles,
}
