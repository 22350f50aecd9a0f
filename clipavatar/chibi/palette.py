"""Colours of the chibi art: for each named colour a base, a shade, a light and a line colour."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

from clipavatar.chibi.sample import Figure


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
    "teal": Tones("#3fc1c0", "#22888f", "#a4f0e6", "#0f464e"),
    "blue": Tones("#4a7fe0", "#2f55b8", "#94bfff", "#1c2c6b"),
    "purple": Tones("#8c5bd0", "#633aa3", "#c5a0f7", "#371c66"),
    "pink": Tones("#fb9dc3", "#e2699f", "#ffd3e4", "#8a2f5c"),
    "silver": Tones("#b4bccd", "#828ca6", "#e9eef8", "#434a63"),
    "white": Tones("#f8f5f8", "#d6cfdf", "#ffffff", "#7d7490"),
}
EYES = {
    "black": Tones("#2e2a38", "#121016", "#575064", "#0a080d"),
    "brown": Tones("#a75d2c", "#6d3717", "#eba961", "#3a1c0e"),
    "red": Tones("#e0182b", "#7d0616", "#ff6a4d", "#3d040c"),
    "golden": Tones("#ffc01a", "#b56c00", "#fff27a", "#4d2a00"),
    "green": Tones("#2eb052", "#0c6234", "#a4f58a", "#06301c"),
    "blue": Tones("#2688f5", "#0f3fa0", "#84e2ff", "#0a1e52"),
    "purple": Tones("#8a3fe6", "#471396", "#cf9dff", "#230950"),
    "pink": Tones("#ff6db4", "#cc2f82", "#ffd0e8", "#5c1038"),
    "grey": Tones("#a3adba", "#5d6776", "#e9f0f7", "#272d38"),
}
SKIN = {
    "pale": Tones("#fff0e8", "#f3c9bf", "#fffaf7", "#a8666a"),
    "light": Tones("#fcd7b6", "#eea98a", "#ffecd6", "#9c5340"),
    "tan": Tones("#e3ab78", "#c27d50", "#f7d2a8", "#6f3820"),
    "brown": Tones("#b67a48", "#8d5430", "#dba26c", "#401d0f"),
    "dark": Tones("#7d4b33", "#5a3020", "#ab7353", "#1d0a06"),
}
BLUSH = {
    "pale": "#ff9aa8",
    "light": "#ff8479",
    "tan": "#ee6a58",
    "brown": "#e0533f",
    "dark": "#d8493c",
}
FUR = {  # of animals, by hair colour; the others are those of HAIR
    "black": Tones("#4a4554", "#2f2b38", "#76708a", "#17141d"),
    "brown": Tones("#a86f45", "#7d4c2d", "#cf9a6b", "#44251a"),
}
CLOTHES = {
    "white": Tones("#fbfaff", "#d9d9ea", "#ffffff", "#6d6c88"),
    "black": Tones("#363543", "#22212c", "#5d5c74", "#100f17"),
    "grey": Tones("#9a9fae", "#717788", "#c3c8d3", "#383c4a"),
    "brown": Tones("#85553a", "#623c28", "#b1805d", "#341c10"),
    "orange": Tones("#ff8f35", "#d96a1c", "#ffc083", "#7a3510"),
    "blue": Tones("#3b7ade", "#2855aa", "#7db0f8", "#172d62"),
    "green": Tones("#45ad66", "#2a7f4d", "#88da9c", "#154229"),
    "yellow": Tones("#ffd84a", "#e6ad2a", "#fff0a0", "#85590f"),
    "red": Tones("#dd3338", "#a81e2e", "#ff7d75", "#5c0c1b"),
    "pink": Tones("#ff9fc4", "#e872a2", "#ffd0e2", "#8c2f5b"),
    "purple": Tones("#8b58cc", "#64399f", "#bd98f0", "#361b60"),
}


def skin_tones(figure: Figure) -> Tones:
    """Of the skin, or of an animal's fur."""
    colour = figure.attributes.get("hair_colour", "white")
    skin = figure.attributes.get("skin")
    return SKIN[skin] if skin else FUR.get(colour, HAIR[colour])


def blush_colour(figure: Figure) -> str:
    return BLUSH[figure.attributes.get("skin", "light")]


def shifted(tones: Tones, hue: float, lightness: float) -> Tones:
    """The same material turned by `hue` (fraction of the circle) and lightened (in [-1, 1])."""
    return Tones(*(_shift(colour, hue, lightness) for colour in tones))


def _shift(colour: str, hue: float, lightness: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue0, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light = max(0.0, min(1.0, light + lightness))
    rgb = colorsys.hls_to_rgb((hue0 + hue) % 1.0, light, saturation)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


TIPS = {  # of the second hair colour: more vivid than HAIR, so that it tells on its neighbours
    "white": Tones("#ffffff", "#e4e0ee", "#ffffff", "#7d7490"),
    "pink": Tones("#ff7fb6", "#ea5a9a", "#ffc4dd", "#8a2f5c"),
    "blue": Tones("#3f9bff", "#2a6fe0", "#a6d6ff", "#1c2c6b"),
    "purple": Tones("#a452ee", "#7d33c6", "#d7aeff", "#371c66"),
    "red": Tones("#f0303c", "#c01c34", "#ff8a80", "#5e1020"),
}
ACCENTS = (
    Tones("#ff5d73", "#d63257", "#ffa3b0", "#7d1636"),  # rose
    Tones("#46b7ee", "#2389c4", "#a5e2ff", "#134f7a"),  # sky
    Tones("#ffcf4a", "#e29f22", "#fff0a8", "#85520e"),  # gold
    Tones("#9a6bf0", "#6f42c4", "#cdb2ff", "#3d2080"),  # violet
)


def accent(figure: Figure) -> Tones:
    """Of ties, ribbons, hats and flowers: one of four, each as often as the others, by the noise."""
    quartile = sum(figure.shapes["accent"] > edge for edge in (-0.337, 0.0, 0.337))
    return ACCENTS[quartile]
