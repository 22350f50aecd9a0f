"""What stands behind an avatar: pastel colours, scenes, and any CSS colour; crisp at any size."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from clipavatar.canvas import Scene, ramp
from clipavatar.scenes import SCENES

PASTELS: dict[str, tuple[str, str]] = {  # behind the head, in the farthest corner
    "white": ("#ffffff", "#f1f0f5"),
    "pink": ("#ffeaf1", "#ffc9da"),
    "blue": ("#e6f4ff", "#bcdcfa"),
    "yellow": ("#fff9de", "#ffe69a"),
    "green": ("#ebf9e6", "#bfe5c0"),
    "purple": ("#f4edff", "#d7c5f5"),
}
TRANSPARENT = "transparent"


def names() -> list[str]:
    """Every name `background` knows, without the colours that Pillow knows."""
    return [*PASTELS, *SCENES, TRANSPARENT]


def choose(seed: int, text: str = "") -> str:
    """The background of a prompt that names none: a pastel that depends on seed and text alone."""
    return random.Random(f"{seed} {text}").choice([name for name in PASTELS if name != "white"])


def check_background(name: str) -> str:
    """The name as `background` wants it. Raises ValueError naming the known ones."""
    name = " ".join(name.lower().replace("_", " ").split())
    if name in names():
        return name
    try:
        if len(ImageColor.getrgb(name)) == 3:
            return name
    except ValueError:
        pass
    known = ", ".join(names())
    raise ValueError(f"unknown background {name!r}; choose {known}, a CSS colour or #rrggbb")


def background(name: str, size: int, seed: int = 0) -> Image.Image | None:
    """An opaque RGB picture of `size` x `size`, or None for "transparent".

    `name` is one of `names()`, or any colour Pillow knows ("tomato", "#ffcc00"), which is painted
    flat. `seed` moves stars, petals, hearts and flowers. Raises ValueError for an unknown name.
    """
    name = check_background(name)
    if name == TRANSPARENT:
        return None
    if name in SCENES:
        scene = Scene(size, random.Random(f"{name} {seed}"))
        SCENES[name](scene)
        return scene.picture
    if name in PASTELS:
        return ramp(_radial(size), PASTELS[name])
    return Image.new("RGB", (size, size), ImageColor.getrgb(name))


@lru_cache(maxsize=4)
def _radial(size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(size, size) from 0 a little above the centre to 255 in the farthest corner."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / size
    squared = np.square(line - 0.5)[None, :] + np.square(line - 0.45)[:, None]
    mask: np.ndarray[Any, np.dtype[np.uint8]] = (squared * (255 / squared.max())).astype(np.uint8)
    return mask
