"""The hair of people: its colours, the layer behind head and body, and the one in front.

Coordinates are the head's: temples at +-63, chin at 62. The styles are in hairstyles.py.
"""

from __future__ import annotations

from clipavatar.chibi.hair_strokes import tip_tones
from clipavatar.chibi.hairstyles import HAIRSTYLES, Hairstyle
from clipavatar.chibi.palette import HAIR, Tones, shifted
from clipavatar.chibi.sample import Figure


def tones(figure: Figure) -> Tones:
    """Hair colours of a figure, a little lighter or darker from one to the next."""
    tone = 0.02 * figure.shapes["hair_tone"]
    return shifted(HAIR[figure.attributes.get("hair_colour", "brown")], 0.0, tone)


def back(figure: Figure) -> str:
    return _style(figure).back(figure, tones(figure))


def front(figure: Figure) -> str:
    return _style(figure).front(figure, tones(figure))


def cap(figure: Figure) -> str:
    """Outline of skull hair and fringe as one closed path; empty where there is none."""
    return _style(figure).outline(figure)


def gradients(figure: Figure) -> str:
    """The fills "hair", "hairback" and "hairrim", with the second colour at the ends, if any."""
    style, colours, ends = _style(figure), tones(figure), tip_tones(figure)
    shaded = Tones(colours.shade, colours.shade, colours.shade, colours.line)
    shaded_ends = ends and Tones(ends.shade, ends.shade, ends.base, ends.line)
    return (
        _downwards("hair", colours, ends, style.ends[0])
        + _downwards("hairback", shaded, shaded_ends, style.ends[1])
        + (_outwards(colours, ends, style.rim) if style.rim else "")
    )


def _style(figure: Figure) -> Hairstyle:
    """Animals have none, but their gradients are asked for all the same."""
    return HAIRSTYLES[figure.attributes.get("hair", "bald")]


_TOP, _HEIGHT = -90.0, 240.0


def _downwards(name: str, colours: Tones, ends: Tones | None, border: float) -> str:
    """From crown to ends; the colour changes around the height `border`."""

    def stop(y: float, colour: str) -> str:
        return f'<stop offset="{(y - _TOP) / _HEIGHT:.3f}" stop-color="{colour}"/>'

    if ends is None:
        stops = stop(-20, colours.base) + stop(130, colours.shade)
    else:
        stops = (
            stop(border - 22, colours.base)
            + stop(border - 5, colours.shade)
            + stop(border + 4, ends.base)
            + stop(border + 60, ends.shade)
        )
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="0" y1="{_TOP}" x2="0" '
        f'y2="{_TOP + _HEIGHT}">{stops}</linearGradient>'
    )


def _outwards(colours: Tones, ends: Tones | None, rim: float) -> str:
    """From the skull to tips on all sides; the colour changes around the radius `rim`."""
    last = ends or colours
    return (
        '<radialGradient id="hairrim" gradientUnits="userSpaceOnUse" cx="0" cy="-6" r="120">'
        f'<stop offset="{(rim - 6) / 120:.3f}" stop-color="{colours.base}"/>'
        f'<stop offset="{(rim + 3) / 120:.3f}" stop-color="{last.base}"/></radialGradient>'
    )
