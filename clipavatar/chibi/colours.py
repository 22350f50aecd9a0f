"""The colours that lie flat on a figure, by name: what a generator's palette learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipavatar.chibi import animals, hair
from clipavatar.chibi.hair_strokes import tip_tones
from clipavatar.chibi.ink import blend
from clipavatar.chibi.palette import accent, blush_colour, skin_tones
from clipavatar.chibi.sample import Figure, figure
from clipavatar.chibi.tailoring import CREAM, cut
from clipavatar.config import NOISE_SIZE

OTHERS = {  # that are the same on all figures, from the most pixels to the fewest
    "white of cloth": CREAM.base,
    "sunglasses": "#2b2145",
    "witch hat": "#553585",
    "mask": "#dff3ff",
    "inside of ears": animals.PINK,
    "headphones": "#3d3849",
    "horns": "#a8203a",
    "gold": "#ffcf4a",
    "lines on white": CREAM.line,
}


def colours(one: Figure) -> dict[str, str]:
    """Hex colours by name, the same names for every figure; what it lacks is white.

    Two materials share a colour where the drawing lets them (an animal's skin is its fur). Blends
    stand for what a gradient passes.
    """
    skin, locks, ends = skin_tones(one), hair.tones(one), tip_tones(one)
    clothes = cut(one)
    cloth, second = clothes.cloth, accent(one)
    return {
        "skin": skin.base,
        "skin, shade": skin.shade,
        "skin, line": skin.line,
        "skin, half shade": blend(skin.base, skin.shade, 0.5),
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
        "cloth, line": cloth.line,
        "cloth, quarter shade": blend(cloth.base, cloth.shade, 0.25),
        "cloth, half shade": blend(cloth.base, cloth.shade, 0.5),
        "ribbon on cloth": clothes.accent.base,
        "accent": second.base,
        "accent, shade": second.shade,
        "accent, light": second.light,
        "accent, line": second.line,
        **OTHERS,
    }


def palette(one: Figure) -> NDArray[np.float32]:
    """The same as numbers: (K, 3) in [-1, 1]."""
    rows = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours(one).values()]
    return np.array(rows, np.float32) / 127.5 - 1


COUNT = len(colours(figure({}, np.zeros(NOISE_SIZE, np.float32))))  # K
