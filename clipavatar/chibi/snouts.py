"""Muzzle, nose and the mouth of each expression of an animal: SVG in head coordinates."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi.ink import blend, filled, flat, stroke
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure

INSIDE, TONGUE, TEETH, DROP = "#8e2338", "#ff8b9b", "#fffdf8", "#9fdcff"
BLACK = "#2c2531"
PINK = "#f0708c"


def pale(fur: Tones) -> str:
    """The light fur of a muzzle."""
    return blend(fur.light, "#fffaf0", 0.6)


def muzzle(figure: Figure, fur: Tones) -> str:
    """The pale fur around nose and mouth."""
    return MUZZLES.get(figure.attributes["character"], "").format(pale=pale(fur), shade=fur.shade)


def mouth(figure: Figure, fur: Tones) -> str:
    """Nose, mouth and, on a rabbit, two front teeth."""
    character, expression = figure.attributes["character"], figure.attributes["expression"]
    s = figure.shapes
    line = blend(fur.line, BLACK, 0.55)
    tongue = character == "dog" and expression == "smiling"
    drawn = _panting(line) if tongue else MOUTHS[expression](line)
    teeth = _TEETH if character == "rabbit" and expression in TOOTHY else ""
    return (
        f'<g transform="translate(0 {s["mouth_height"]:.2f})">{NOSES[character](line)}'
        f'<g transform="translate(0 35) scale({1.14 + 0.1 * s["mouth_width"]:.3f} 1.1)">{drawn}'
        f"{teeth and filled(teeth, TEETH, line, 1.8)}</g></g>"
    )


def _wide_nose(line: str) -> str:
    return (
        f'<ellipse cx="0" cy="25" rx="12" ry="8.5" fill="{BLACK}"/>'
        '<ellipse cx="-4" cy="21.8" rx="4" ry="2" fill="#fff" opacity=".75"/>'
    )


def _oval_nose(line: str) -> str:
    return (
        f'<ellipse cx="0" cy="26" rx="9" ry="6.2" fill="{BLACK}"/>'
        '<ellipse cx="-3" cy="23.8" rx="3" ry="1.5" fill="#fff" opacity=".75"/>'
    )


def _pointed_nose(line: str) -> str:
    return flat("M-10 22Q0 17 10 22Q9 29 0 33Q-9 29 -10 22Z", BLACK) + flat(
        "M-6 22.5Q-3 20.5 1 21Q-2 23.5 -6 22.5Z", "#fff", 0.75
    )


def _pink_nose(line: str) -> str:
    return filled("M-6.5 24Q0 21.5 6.5 24Q5 30 0 31.5Q-5 30 -6.5 24Z", PINK, line, 1.8)


NOSES: dict[str, Callable[[str], str]] = {
    "cat": _pink_nose,
    "dog": _wide_nose,
    "rabbit": _pink_nose,
    "bear": _wide_nose,
    "panda": _oval_nose,
    "fox": _pointed_nose,
}
MUZZLES = {
    "cat": '<path d="M0 30C6 22 27 26 27 41C27 55 8 60 0 60S-27 55 -27 41C-27 26 -6 22 0 30Z" fill="{pale}"/>',
    "dog": '<path d="M0 14C14 14 20 22 31 29C42 38 39 62 0 63C-39 62 -42 38 -31 29C-20 22 -14 14 0 14Z" fill="{pale}"/>'
    '<path d="M22 38v.1M28 43v.1M-22 38v.1M-28 43v.1" stroke="{shade}" stroke-width="4" stroke-linecap="round"/>',
    "rabbit": '<path d="M0 30C5 22 32 24 32 42C32 56 12 60 0 60S-32 56 -32 42C-32 24 -5 22 0 30Z" fill="{pale}"/>',
    "bear": '<ellipse cx="0" cy="38" rx="36" ry="23.5" fill="{pale}"/>',
}

# Mouths are drawn around x = 0 with the upper lip at y = 0 and some 20 units of room below.
_W = "M-17 -2Q-10 13 0 3Q10 13 17 -2"
_TEETH = "M-6.5 6Q-6.5 14 -5.5 15H5.5Q6.5 14 6.5 6ZM0 6V15"
TOOTHY = ("smiling", "neutral", "winking", "smug", "shy", "sad")


def _lip(line: str) -> str:
    """The short line from the nose down to the mouth."""
    return stroke("M0 -3V3", line, 2.4)


def _smiling(line: str) -> str:
    return _lip(line) + stroke(_W, line, 3.4)


def _panting(line: str) -> str:
    return (
        filled("M-7 6Q-8 23 0 23Q8 23 7 6Z", TONGUE, "#a8324e", 2.2)
        + stroke("M0 9v6", "#d45872", 1.8)
        + _smiling(line)
    )


def _laughing(line: str) -> str:
    return filled("M-19 -1Q-9 6 0 2Q9 6 19 -1Q19 24 0 24Q-19 24 -19 -1Z", INSIDE, line, 3) + flat(
        "M-12 16Q0 6 12 16Q8 22.5 0 22.5Q-8 22.5 -12 16Z", TONGUE
    )


def _neutral(line: str) -> str:
    return _lip(line) + stroke("M-9 6H9", line, 3.4)


def _sad(line: str) -> str:
    return stroke("M-13 15Q0 -3 13 15", line, 3.6)


def _crying(line: str) -> str:
    return filled("M-15 19Q-15 1 0 1Q15 1 15 19Q8 13 0 18Q-8 13 -15 19Z", INSIDE, line, 3) + flat(
        "M-8 14Q0 6 8 14Q4 14 0 16Q-4 14 -8 14Z", TONGUE
    )


def _angry(line: str) -> str:
    return filled("M-16 18Q-15 3 0 3Q15 3 16 18Q0 13 -16 18Z", TEETH, line, 3.2) + stroke(
        "M-15 11Q0 5 15 11M-7 5V15M0 4V14M7 5V15", line, 2
    )


def _surprised(line: str) -> str:
    return (
        f'<ellipse cx="0" cy="12" rx="8.5" ry="10.5" fill="{INSIDE}" stroke="{line}" '
        f'stroke-width="3"/><ellipse cx="0" cy="18" rx="4.6" ry="3" fill="{TONGUE}"/>'
    )


def _winking(line: str) -> str:
    return (
        filled("M1 6Q0 21 8 21Q15 20 13 4Z", TONGUE, "#a8324e", 2.2)
        + _lip(line)
        + stroke(_W, line, 3.4)
    )


def _shy(line: str) -> str:
    return stroke("M-12 8Q-9 2 -6 7T0 7T6 7T12 8", line, 3.2)


def _sleepy(line: str) -> str:
    return filled("M-7 7Q0 2 7 7Q7 15 0 15Q-7 15 -7 7Z", INSIDE, line, 2.8) + filled(
        "M7 10Q16 21 10 24Q3 24 7 10Z", DROP, "#3d8fd0", 1.8
    )


def _smug(line: str) -> str:
    return stroke("M-13 7Q-5 11 3 9Q14 6 19 -3M14 -6Q20 -6 23 -1", line, 3.6)


def _adoring(line: str) -> str:
    return filled("M-13 1Q0 5 13 1Q15 20 0 20Q-15 20 -13 1Z", INSIDE, line, 3) + flat(
        "M0 19.5Q-12 11 -6 8.5Q-1 7 0 11Q1 7 6 8.5Q12 11 0 19.5Z", TONGUE
    )


def _amazed(line: str) -> str:
    return filled("M-17 0Q0 4 17 0Q16 22 0 22Q-16 22 -17 0Z", INSIDE, line, 3) + flat(
        "M-15 2Q0 5.5 15 2Q15 8 13 9Q0 12 -13 9Q-15 8 -15 2Z", TEETH
    )


MOUTHS: dict[str, Callable[[str], str]] = {
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
    "heart eyes": _adoring,
    "star eyes": _amazed,
}
