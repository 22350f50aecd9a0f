"""Colours of the chibi art: for each named colour a base, a shade, a light and a line colour."""

from __future__ import annotations

import colorsys
from typing import NamedTuple


class Tones(NamedTuple):
    """Four hex colours of one material, harmonised by hand."""

    base: str
    shade: str
    light: str
    line: str


HAIR = {
    "black": Tones("#3b3647", "#26222f", "#6d6684", "#15121b"),
    "brown": Tones("#8a5636", "#653a24", "#bd8659", "#3c2015"),
    "red": Tones("#d93c38", "#a52233", "#ff8270", "#5e1020"),
    "orange": Tones("#f4893a", "#cf5f26", "#ffc07a", "#7a3114"),
    "blonde": Tones("#f8d765", "#dba63c", "#fff3ae", "#8a5c1c"),
    "green": Tones("#56b869", "#2f8a58", "#a5e59b", "#17483a"),
    "blue": Tones("#4a86e0", "#2f5cb8", "#94c6ff", "#1c2f6b"),
    "purple": Tones("#8c5bd0", "#633aa3", "#c5a0f7", "#371c66"),
    "pink": Tones("#fb9dc3", "#e2699f", "#ffd3e4", "#8a2f5c"),
    "silver": Tones("#d3d9e6", "#a3acc4", "#f8fbff", "#59617c"),
}
EYES = {
    "brown": Tones("#8c5130", "#4a2416", "#d49b63", "#2a130d"),
    "red": Tones("#d8293c", "#7d0f25", "#ff8f86", "#3a0812"),
    "golden": Tones("#f0ac1c", "#99600b", "#ffe680", "#4a2c06"),
    "green": Tones("#2fa85a", "#11603c", "#96ec96", "#08301f"),
    "blue": Tones("#2f86ea", "#153f97", "#8fdcff", "#0c2050"),
    "purple": Tones("#8a48da", "#4a1c8c", "#d5a3ff", "#260c4c"),
}
SKIN = {
    "light": Tones("#ffe5d4", "#f5bfa8", "#fff4ea", "#a85f4f"),
    "tan": Tones("#f3c496", "#d99468", "#ffdfba", "#8a4a30"),
    "brown": Tones("#b97a4e", "#915435", "#d89c6c", "#562c1c"),
    "dark": Tones("#7d4a30", "#5a301f", "#a06a48", "#2f160f"),
}
BLUSH = {"light": "#ff8f94", "tan": "#f4776a", "brown": "#d8564a", "dark": "#c24840"}
CLOTHES = {
    "white": Tones("#f7f6fb", "#cfd0e2", "#ffffff", "#6d6c88"),
    "black": Tones("#3c3b48", "#26252f", "#626176", "#131219"),
    "blue": Tones("#3f7fd8", "#2a57a8", "#7fb2f5", "#18305f"),
    "green": Tones("#47a868", "#2c7a4e", "#86d499", "#164028"),
    "yellow": Tones("#f9cf45", "#dba027", "#ffe893", "#80560f"),
    "red": Tones("#df403c", "#a9252f", "#ff8278", "#5e0f1c"),
    "pink": Tones("#f88fb4", "#dc6091", "#ffc3d9", "#862c56"),
    "purple": Tones("#9062cc", "#673f9f", "#c19df0", "#38205e"),
}


def shifted(tones: Tones, hue: float, lightness: float) -> Tones:
    """The same material turned by `hue` (fraction of the circle) and lightened (in [-1, 1])."""
    return Tones(*(_shift(colour, hue, lightness) for colour in tones))


def _shift(colour: str, hue: float, lightness: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue0, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light = max(0.0, min(1.0, light + lightness))
    rgb = colorsys.hls_to_rgb((hue0 + hue) % 1.0, light, saturation)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
