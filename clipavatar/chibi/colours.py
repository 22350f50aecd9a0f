"""The colours that lie flat on a figure, by name: what a generator's palette learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipavatar.chibi import animals, hair, snouts
from clipavatar.chibi.hair_strokes import tip_tones
from clipavatar.chibi.ink import blend
from clipavatar.chibi.palette import accent, blush_colour, skin_tones
from clipavatar.chibi.robes import beside
from clipavatar.chibi.sample import Figure, figure
from clipavatar.chibi.spectacles import SQUARE, light_frames
from clipavatar.chibi.tailoring import BUTTON, CREAM, NAVY, ROSE, cut
from clipavatar.config import NOISE_SIZE

OTHERS = {  # that are the same on all figures, from the most pixels to the fewest
    "sunglasses": "#2b2145",
    "witch hat": "#553585",
    "mask": "#dff3ff",
    "inside of ears": animals.PINK,
    "headphones": "#3d3849",
    "horns": "#a8203a",
    "gold": "#ffcf4a",
    "line of gold": BUTTON.line,
    "navy": NAVY.base,
    "rose": ROSE.base,
    "pale rose": "#ffd3dc",
    "inside of mouths": "#8a1f38",
    "tongues": snouts.TONGUE,
    "noses of animals": snouts.BLACK,
}

# flat colours of what a figure has of an attribute, beside those above; square frames are below
WORN: dict[str, dict[str, tuple[str, ...]]] = {
    "head": {
        "witch hat": ("#20113f", "#3b2263", "#ff8a3d", "#8660c2", "#7a2c10"),
        "crown": ("#f3b134", "#8a5410", "#ff5d73", "#46b7ee", "#fff3b0"),
        "horns": ("#771329", "#470a1c", "#e0566a"),
        "halo": ("#ffd23f", "#bd7b12", "#fff7c4"),
        "headphones": ("#4b4558", "#1b1723"),
        "flower": ("#5fc06c", "#1f5f3c", "#8a5410"),
        "rabbit ears": ("#fffbfd", "#7a6678"),
        "fox ears": ("#322838", "#f3b9b4", "#fffaf3"),
        "cap": ("#fffaf3",),
        "hairband": ("#fffaf3",),
        "beanie": ("#fffaf3", "#e6dbe6"),
    },
    "glasses": {
        "sunglasses": ("#120b1f", "#9d8dce", "#f2e9ff"),
        "round glasses": ("#ffc23d", "#4a2a1c"),
    },
    "face": {
        "mask": ("#4a80b4", "#8dbce0", "#cae5f7"),
        "plaster": ("#ffe9c4", "#8a5a2c", "#e0506a"),
        "freckles": ("#a04a24",),
    },
    "expression": {
        "sleepy": ("#5a6fe0",),
        "heart eyes": ("#f5235f", "#ff4f86", "#8f0c3a"),
        "star eyes": ("#ffcb1f", "#a35a00", "#ffe14d"),
        "crying": ("#9edcff", "#2f83cc"),
        "sad": ("#9edcff", "#2f83cc"),
        "angry": ("#e0162f",),
        "surprised": ("#f0932b",),
        "laughing": ("#8a1f38", "#fffdf8"),
    },
    "earrings": {"earrings": ("#ffcf33", "#27c4ee")},
}
MARKED = {"panda": "#625970", "fox": "#fffaf3"}  # of animals without a muzzle of another colour
UNUSED = "#808080"  # near no colour of the art, so that no pixel asks for it


def _worn(one: Figure) -> dict[str, str]:
    """As many colours of each attribute of WORN as the value that has the most of them."""
    made = {}
    for attribute, values in WORN.items():
        own = values.get(one.attributes.get(attribute, ""), ())
        if attribute == "glasses" and one.attributes["glasses"] == "square glasses":
            own = SQUARE[light_frames(one)]
        for number in range(max(map(len, values.values()))):
            made[f"{attribute}, {number + 1}"] = own[number] if number < len(own) else UNUSED
    return made


def colours(one: Figure) -> dict[str, str]:
    """Hex colours by name, the same names for every figure; what it lacks is white, or UNUSED.

    Two materials share a colour where the drawing lets them (an animal's skin is its fur). Blends
    stand for what a gradient passes.
    """
    skin, locks, ends = skin_tones(one), hair.tones(one), tip_tones(one)
    clothes = cut(one)
    kind = one.attributes["character"]
    muzzle = snouts.pale(skin) if kind in snouts.MUZZLES else MARKED.get(kind, UNUSED)
    cloth, second, other = clothes.cloth, accent(one), beside(one.attributes["clothes"], clothes)
    return {
        "skin": skin.base,
        "skin, shade": skin.shade,
        "skin, line": skin.line,
        "skin, half shade": blend(skin.base, skin.shade, 0.5),
        "skin, under hair": blend(skin.base, skin.shade, 0.75),
        "skin, blush": blend(skin.base, blush_colour(one), 0.45),
        "hair": locks.base,
        "hair, shade": locks.shade,
        "hair, light": locks.light,
        "hair, line": locks.line,
        "hair, half shade": blend(locks.base, locks.shade, 0.5),
        "hair, half light": blend(locks.base, locks.light, 0.5),
        "hair tips": ends.base if ends else "#ffffff",
        "hair tips, shade": ends.shade if ends else "#ffffff",
        "cloth": cloth.base,
        "cloth, shade": cloth.shade,
        "cloth, light": cloth.light,
        "cloth, line": cloth.line,
        "cloth, quarter shade": blend(cloth.base, cloth.shade, 0.25),
        "cloth, half shade": blend(cloth.base, cloth.shade, 0.5),
        "ribbon on cloth": clothes.accent.base,
        "ribbon on cloth, shade": clothes.accent.shade,
        "accent": second.base,
        "accent, shade": second.shade,
        "accent, light": second.light,
        "accent, line": second.line,
        "white of cloth": CREAM.base,
        "white of cloth, line": CREAM.line,
        "bands or coat": other.base,  # white again on figures that have none
        "bands or coat, shade": other.shade,
        "bands or coat, line": other.line,
        "muzzle": muzzle,
        "lips of animals": blend(skin.line, snouts.BLACK, 0.55) if kind in snouts.NOSES else UNUSED,
        **OTHERS,
        **_worn(one),
    }


def palette(one: Figure) -> NDArray[np.float32]:
    """The same as numbers: (K, 3) in [-1, 1]."""
    rows = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours(one).values()]
    return np.array(rows, np.float32) / 127.5 - 1


COUNT = len(colours(figure({}, np.zeros(NOISE_SIZE, np.float32))))  # K
