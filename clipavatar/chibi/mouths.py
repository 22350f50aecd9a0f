"""The mouth of each expression: SVG in head coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clipavatar.chibi.palette import skin_tones
from clipavatar.chibi.sample import Figure

_INSIDE, _TONGUE, _TEETH = "#8a1f38", "#ff8796", "#fffdf8"
_LIPS = {
    "pale": ("#e2365d", "#ff8fa6"),
    "light": ("#dd2f52", "#ff8a9c"),
    "tan": ("#cf2446", "#f77b8c"),
    "brown": ("#c81f48", "#f2728a"),
    "dark": ("#dd3358", "#ff91a4"),
}


_TINT = {"tan": "#cf7a62", "brown": "#c4614f", "dark": "#b9574d"}  # of lips, below a dark line


class Pen(NamedTuple):
    """How a face draws its mouth: in its own line, on women with coloured lips."""

    y: float
    k: float  # width
    line: str
    width: float
    lips: tuple[str, str] | None  # colour and light
    tint: str = ""  # what a line needs below it to show on darker skin

    def stroke(self, path: str) -> str:
        """A closed mouth; `path` runs from corner to corner."""
        under = (
            f'<path d="{path}" fill="none" stroke="{self.lips[0]}" stroke-width="6" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
            if self.lips
            else self._tinted(path)
        )
        colour = "#7c1030" if self.lips else self.line
        return (
            f'{under}<path d="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="{1.8 if self.lips else self.width}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def bow(self, half: float, corner: float, middle: float) -> str:
        """A closed mouth from corners at height `corner` through `middle` (relative to y)."""
        a, c, m = half * self.k, self.y + corner, self.y + middle
        line = f"M{-a:.1f} {c:.1f}Q0 {2 * m - c:.1f} {a:.1f} {c:.1f}"
        if not self.lips:
            return self.stroke(line)
        colour, light = self.lips
        top, low = 2 * m - c - 7.5, 2 * m - c + 13
        return (
            f'<path d="M{-a - 1:.1f} {c:.1f}Q{-a * 0.55:.1f} {m - 5:.1f} {-a * 0.25:.1f} {m - 5.6:.1f}'
            f"Q0 {m - 3:.1f} {a * 0.25:.1f} {m - 5.6:.1f}Q{a * 0.55:.1f} {m - 5:.1f} {a + 1:.1f} {c:.1f}"
            f'Q0 {max(low, top + 12):.1f} {-a - 1:.1f} {c:.1f}Z" fill="{colour}"/>'
            f'<path d="{line}" fill="none" stroke="#7c1030" stroke-width="2" stroke-linecap="round"/>'
            f'<path d="M{-a * 0.3:.1f} {m + 3.6:.1f}q{a * 0.25:.1f} 1.6 {a * 0.5:.1f} 0" fill="none" '
            f'stroke="{light}" stroke-width="2" stroke-linecap="round"/>'
        )

    def opened(self, path: str, inside: str = "", fill: str = _INSIDE) -> str:
        """An open mouth, with what is to be seen in it."""
        width, colour = (5.4, self.lips[0]) if self.lips else (self.width - 0.4, self.line)
        return (
            f'{self._tinted(path)}<path d="{path}" fill="{fill}"/>{inside}<path d="{path}" fill="none" '
            f'stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'
        )

    def _tinted(self, path: str) -> str:
        """The lips around a line."""
        if not self.tint:
            return ""
        return (
            f'<path d="{path}" fill="none" stroke="{self.tint}" stroke-width="{self.width + 4.4}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def tongue(self, x: float, y: float, rx: float, ry: float) -> str:
        return (
            f'<ellipse cx="{x * self.k:.1f}" cy="{self.y + y:.1f}" rx="{rx * self.k:.1f}" '
            f'ry="{ry}" fill="{_TONGUE}"/>'
        )

    def at(self, *points: float) -> tuple[float, ...]:
        """x and y in turn, as widths and heights of this mouth."""
        return tuple(round(self.y + p if i % 2 else p * self.k, 1) for i, p in enumerate(points))


def mouth(figure: Figure, y: float) -> str:
    """The mouth of the figure's expression, its middle at height `y`."""
    character, s = figure.attributes["character"], figure.shapes
    pen = Pen(
        y + 1.2 * s["mouth_height"],
        {"man": 1.2, "boy": 1.1}.get(character, 1.0) + 0.1 * s["mouth_width"],
        skin_tones(figure).line,
        {"man": 4.2, "boy": 3.8}.get(character, 3.2),
        _LIPS[figure.attributes["skin"]] if character == "woman" else None,
        "" if character == "woman" else _TINT.get(figure.attributes["skin"], ""),
    )
    return MOUTHS[figure.attributes["expression"]](pen)


def _smiling(pen: Pen) -> str:
    return pen.bow(17, -7, 5.5)


def _neutral(pen: Pen) -> str:
    return pen.bow(11, 1, 1)


def _sad(pen: Pen) -> str:
    return pen.bow(12.5, 6.5, -2)


def _laughing(pen: Pen) -> str:
    x0, y0, x1, y1, x2, y2, x3, y3 = pen.at(-18, -7, 0, -4, 16, 14, 0, 14)
    teeth = f'<path d="M{x0 + 3} {y0 + 1}Q0 {y1 + 2} {-x0 - 3} {y0 + 1}L{-x0 - 6} {y0 + 5.5}Q0 {y1 + 5} {x0 + 6} {y0 + 5.5}Z" fill="{_TEETH}"/>'
    return pen.opened(
        f"M{x0} {y0}Q{x1} {y1} {-x0} {y0}Q{x2} {y2} {x3} {y3}Q{-x2} {y2} {x0} {y0}Z",
        pen.tongue(0, 10, 8, 3.8) + teeth,
    )


def _joyful(pen: Pen) -> str:
    """Open in delight, narrower and rounder than in laughter."""
    x0, y0, x1, y1, x3, y3 = pen.at(-12.5, -5, 12, 13, 0, 12.5)
    return pen.opened(
        f"M{x0} {y0}Q0 {y0 + 3:.1f} {-x0} {y0}Q{x1} {y1} {x3} {y3}Q{-x1} {y1} {x0} {y0}Z",
        pen.tongue(0, 8.6, 6.4, 3.6),
    )


def _crying(pen: Pen) -> str:
    """Wailing: wide below, with a trembling lower edge."""
    x, top, y = 14.5 * pen.k, pen.y - 6.5, pen.y + 8.5
    q = x / 2
    return pen.opened(
        f"M{-x:.1f} {y:.1f}Q{-x * 0.95:.1f} {top:.1f} 0 {top:.1f}Q{x * 0.95:.1f} {top:.1f} {x:.1f} {y:.1f}"
        f"q{-q / 2:.1f} 4 {-q:.1f} 0q{-q / 2:.1f} -4.5 {-q:.1f} 0q{-q / 2:.1f} 4.5 {-q:.1f} 0"
        f"q{-q / 2:.1f} -4 {-q:.1f} 0Z",
        pen.tongue(0, 4.6, 6.5, 3),
    )


def _angry(pen: Pen) -> str:
    """Gritted teeth between corners drawn down."""
    x, y = 14 * pen.k, pen.y
    shape = (
        f"M{-x:.1f} {y + 8:.1f}Q{-x * 0.9:.1f} {y - 4:.1f} 0 {y - 4.5:.1f}Q{x * 0.9:.1f} {y - 4:.1f} "
        f"{x:.1f} {y + 8:.1f}Q0 {y + 3.5:.1f} {-x:.1f} {y + 8:.1f}Z"
    )
    gaps = (
        f'<path d="M{-x * 0.42:.1f} {y - 4:.1f}V{y + 6:.1f}M0 {y - 4:.1f}V{y + 6:.1f}'
        f'M{x * 0.42:.1f} {y - 4:.1f}V{y + 6:.1f}" stroke="#8d7d86" stroke-width="1.8"/>'
    )
    return pen.opened(shape, gaps, _TEETH)


def _surprised(pen: Pen) -> str:
    rx, y = 8.2 * pen.k, pen.y + 3
    return pen.opened(
        f"M{-rx:.1f} {y:.1f}a{rx:.1f} 10 0 1 1 {2 * rx:.1f} 0a{rx:.1f} 10 0 1 1 {-2 * rx:.1f} 0Z",
        pen.tongue(0, 9, 5, 3),
    )


def _winking(pen: Pen) -> str:
    """A grin to one side, the tongue out."""
    x, y = 13 * pen.k, pen.y
    tongue = (
        f'<path d="M{x * 0.02:.1f} {y + 3:.1f}Q{x * 0.1:.1f} {y + 15:.1f} {x * 0.5:.1f} {y + 12.5:.1f}'
        f'Q{x * 0.86:.1f} {y + 10:.1f} {x * 0.72:.1f} {y:.1f}Z" fill="{_TONGUE}" '
        f'stroke="{pen.line}" stroke-width="2.4" stroke-linejoin="round"/>'
        f'<path d="M{x * 0.4:.1f} {y + 4:.1f}l{x * 0.06:.1f} 4" stroke="#d9506c" stroke-width="1.8" '
        'stroke-linecap="round"/>'
    )
    return tongue + pen.stroke(
        f"M{-x:.1f} {y - 2:.1f}Q{x * 0.1:.1f} {y + 9:.1f} {x:.1f} {y - 4:.1f}"
    )


def _shy(pen: Pen) -> str:
    x, y = 9 * pen.k, pen.y + 1
    q = x / 2
    return pen.stroke(
        f"M{-x:.1f} {y:.1f}q{q / 2:.1f} -5.5 {q:.1f} 0q{q / 2:.1f} 5.5 {q:.1f} 0"
        f"q{q / 2:.1f} -5.5 {q:.1f} 0q{q / 2:.1f} 5.5 {q:.1f} 0"
    )


def _sleepy(pen: Pen) -> str:
    """A small yawn with a drop at its corner."""
    rx, y = 6.4 * pen.k, pen.y + 1.5
    return (
        pen.opened(
            f"M{-rx:.1f} {y:.1f}Q{-rx:.1f} {y - 6:.1f} 0 {y - 6:.1f}Q{rx:.1f} {y - 6:.1f} {rx:.1f} {y:.1f}"
            f"Q{rx:.1f} {y + 6:.1f} 0 {y + 6:.1f}Q{-rx:.1f} {y + 6:.1f} {-rx:.1f} {y:.1f}Z"
        )
        + f'<path d="M{rx + 1:.1f} {y:.1f}q7 9 1.5 12q-7 1 -5.5 -6Z" fill="#a9e2ff" '
        'stroke="#3d8fd0" stroke-width="1.8" stroke-linejoin="round"/>'
    )


def _smug(pen: Pen) -> str:
    """The double bow of a cat, one corner far up, and a fang."""
    x, y = 15 * pen.k, pen.y
    path = (
        f"M{-x * 0.8:.1f} {y - 1:.1f}Q{-x * 0.6:.1f} {y + 6:.1f} {-x * 0.3:.1f} {y + 5:.1f}"
        f"Q{-x * 0.05:.1f} {y + 4.5:.1f} 0 {y:.1f}Q{x * 0.12:.1f} {y + 5:.1f} {x * 0.5:.1f} {y + 3.5:.1f}"
        f"Q{x * 1.0:.1f} {y + 1:.1f} {x * 1.25:.1f} {y - 12:.1f}"
    )
    fang = (
        ""
        if pen.lips
        else (
            f'<path d="M{x * 0.28:.1f} {y + 4:.1f}l3 6l4 -6.6Z" fill="{_TEETH}" stroke="{pen.line}" '
            'stroke-width="1.6" stroke-linejoin="round"/>'
        )
    )
    return fang + pen.stroke(path)


MOUTHS: dict[str, Callable[[Pen], str]] = {
    "smiling": _smiling,
    "laughing": _laughing,
    "neutral": _neutral,
    "sad": _sad,
    "crying": _crying,
    "angry": _angry,
    "surprised": _surprised,
    "winking": _winking,
    "shy": _shy,
    "sleepy": _sleepy,
    "smug": _smug,
    "heart eyes": _joyful,
    "star eyes": _joyful,
}
