"""A figure as SVG and as pixels: layers from back to front."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clipavatar.chibi import clothes, extras, face, hair
from clipavatar.chibi.palette import EYES, SKIN
from clipavatar.chibi.sample import Figure


def svg(figure: Figure) -> str:
    """The whole drawing, 256 x 256 units, transparent around the figure."""
    shapes = figure.shapes
    tilt, sway = 3.2 * shapes["tilt"], 2.0 * shapes["sway"]
    lift = 5 if figure.attributes["head"] == "rabbit ears" else 0
    place = f'<g transform="translate({128 + sway:.2f} {137 + lift}) rotate({tilt:.2f} 0 60) scale(1.07)">'
    shadow = hair.cap(figure)
    skin = SKIN[figure.attributes["skin"]]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">'
        f"<defs>{_gradients(figure)}</defs>"
        f"{place}{extras.behind(figure)}{hair.back(figure)}</g>"
        f"{clothes.body(figure)}"
        f"{place}{face.head(figure)}"
        f'<path d="{shadow}" transform="translate(0 7)" fill="{skin.shade}" opacity=".75" '
        'clip-path="url(#facearea)"/>'
        f"{face.mouth(figure)}{face.eyes(figure)}{hair.front(figure)}{face.brows(figure)}"
        f"{face.glasses(figure)}{extras.before(figure)}{face.anger_mark(figure)}</g></svg>"
    )


def render(figure: Figure, size: int) -> Image.Image:
    """Rasterise to a straight-alpha RGBA picture of `size` x `size` pixels."""
    import resvg_py  # only rendering needs it, and it comes with the train extra

    data = bytes(resvg_py.svg_to_bytes(svg_string=svg(figure), width=size, height=size))
    return Image.open(io.BytesIO(data)).convert("RGBA")


def pixels(figure: Figure, size: int) -> NDArray[np.uint8]:
    """The same as premultiplied uint8 (size, size, 4)."""
    straight = np.asarray(render(figure, size)).astype(np.uint16)
    colour = (straight[..., :3] * straight[..., 3:] + 127) // 255
    return np.concatenate([colour, straight[..., 3:]], axis=-1).astype(np.uint8)


def _gradients(figure: Figure) -> str:
    skin = SKIN[figure.attributes["skin"]]
    locks = hair.tones(figure)
    cloth = clothes.tones(figure)
    eye = EYES[figure.attributes["eye_colour"]]

    def vertical(name: str, top: str, bottom: str, start: float = 0, stop: float = 1) -> str:
        return (
            f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="{start}" '
            f'stop-color="{top}"/><stop offset="{stop}" stop-color="{bottom}"/></linearGradient>'
        )

    return (
        vertical("skin", skin.base, skin.shade, 0.72, 1.25)
        + vertical("hair", locks.base, locks.shade, 0.35, 1.1)
        + vertical("hairback", locks.shade, locks.shade)
        + vertical("cloth", cloth.base, cloth.shade, 0.25, 1.1)
        + vertical("iris", eye.shade, eye.light, 0.12, 1.05)
        + '<clipPath id="facearea"><path d="M-61 -8C-61 -50 -37 -70 0 -70S61 -50 61 -8'
        'C61 28 34 60 0 60S-61 28 -61 -8Z"/></clipPath>'
    )
