"""What is worn on the head: SVG in head coordinates, behind or in front of the hair."""

from __future__ import annotations

from collections.abc import Callable

from clipavatar.chibi import hair
from clipavatar.chibi.sample import Figure


def behind(figure: Figure) -> str:
    return BEHIND.get(figure.attributes["head"], _none)(figure)


def before(figure: Figure) -> str:
    return BEFORE.get(figure.attributes["head"], _none)(figure)


def _none(figure: Figure) -> str:
    return ""


def _cat_ears(figure: Figure) -> str:
    tones = hair.tones(figure)
    return "".join(
        f'<path d="M{s * 20} -76Q{s * 40} -120 {s * 62} -124Q{s * 74} -96 {s * 68} -40Q{s * 40} -50 '
        f'{s * 20} -76Z" fill="{tones.base}" stroke="{tones.line}" stroke-width="3.2" '
        'stroke-linejoin="round"/>'
        f'<path d="M{s * 33} -79Q{s * 46} -105 {s * 58} -110Q{s * 65} -90 {s * 61} -62Q{s * 46} -64 '
        f'{s * 33} -79Z" fill="#ffa9bf"/>'
        for s in (-1, 1)
    )


def _rabbit_ears(figure: Figure) -> str:
    lean = 3 * figure.shapes["accent"]
    return "".join(
        f'<g transform="rotate({s * 13 + lean:.1f} {s * 30} -80)">'
        f'<path d="M{s * 30 - 17} -66C{s * 30 - 24} -112 {s * 30 - 14} -132 {s * 30} -132'
        f'C{s * 30 + 14} -132 {s * 30 + 24} -112 {s * 30 + 17} -66Z" fill="#fbf7fa" '
        'stroke="#6f6079" stroke-width="3.2"/>'
        f'<path d="M{s * 30 - 8} -70C{s * 30 - 13} -104 {s * 30 - 7} -121 {s * 30} -121'
        f'C{s * 30 + 7} -121 {s * 30 + 13} -104 {s * 30 + 8} -70Z" fill="#ffb3c7"/></g>'
        for s in (-1, 1)
    )


def _bow(figure: Figure) -> str:
    return (
        '<g transform="translate(-40 -76) rotate(-24)" fill="#ff4d6d" stroke="#7a1230" '
        'stroke-width="3" stroke-linejoin="round">'
        '<path d="M0 0C-8 -20 -32 -26 -36 -16C-38 -6 -38 8 -34 16C-28 24 -8 16 0 0Z"/>'
        '<path d="M0 0C8 -20 32 -26 36 -16C38 -6 38 8 34 16C28 24 8 16 0 0Z"/>'
        '<path d="M-12 -2Q-22 -6 -28 -10M12 -2Q22 -6 28 -10" fill="none" stroke-width="2"/>'
        '<rect x="-8" y="-9" width="16" height="18" rx="6" fill="#ff7a92"/></g>'
    )


BEHIND: dict[str, Callable[[Figure], str]] = {"rabbit ears": _rabbit_ears}
BEFORE: dict[str, Callable[[Figure], str]] = {"cat ears": _cat_ears, "bow": _bow}
