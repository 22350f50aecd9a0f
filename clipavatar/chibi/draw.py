"""A figure as SVG and as pixels: layers from back to front."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clipavatar.chibi import animals, clothes, eyes, face, hair, headwear, marks
from clipavatar.chibi.palette import skin_tones
from clipavatar.chibi.sample import ANIMALS, Figure


def svg(figure: Figure) -> str:
    """The whole drawing, 256 x 256 units, transparent around the figure."""
    shapes, animal = figure.shapes, figure.attributes["character"] in ANIMALS
    tilt, sway = 3.2 * shapes["tilt"], 2.0 * shapes["sway"]
    adult = figure.attributes["character"] in ("woman", "man")
    height, scale = (127, 0.95) if adult else (139, 1.04)
    place = f'<g transform="translate({128 + sway:.2f} {height}) rotate({tilt:.2f} 0 60) scale({scale})">'
    skull = animals.head(figure) if animal else face.head(figure) + _fringe_shadow(figure)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">'
        f"<defs>{_gradients(figure)}</defs>"
        f"{place}{headwear.behind(figure)}{'' if animal else hair.back(figure)}</g>"
        f"{clothes.body(figure)}"
        f"{place}{skull}{marks.under(figure)}"
        f"{animals.mouth(figure) if animal else face.mouth(figure)}"
        f"{eyes.eyes(figure)}{marks.over(figure)}{eyes.brows(figure)}"
        f"{'' if animal else _over_brows(figure)}{marks.glasses(figure)}{marks.earrings(figure)}"
        f"{headwear.before(figure)}{eyes.signs(figure)}</g></svg>"
    )


def _fringe_shadow(figure: Figure) -> str:
    """What the hair over the forehead throws on the face."""
    outline = hair.cap(figure)
    return (
        f'<path d="{outline}" transform="translate(0 7)" fill="{skin_tones(figure).shade}" '
        'fill-opacity=".75" clip-path="url(#facearea)"/>'
        if outline
        else ""
    )


def _over_brows(figure: Figure) -> str:
    """The hair over the forehead, through which the brows are seen, as in comics."""
    return f'{hair.front(figure)}<g opacity=".5">{eyes.brows(figure)}</g>'


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
    skin = skin_tones(figure)

    def vertical(name: str, top: str, bottom: str, start: float = 0, stop: float = 1) -> str:
        return (
            f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="{start}" '
            f'stop-color="{top}"/><stop offset="{stop}" stop-color="{bottom}"/></linearGradient>'
        )

    return (
        vertical("skin", skin.base, skin.shade, 0.72, 1.25)
        + hair.gradients(figure)
        + clothes.gradients(figure)
        + eyes.gradients(figure)
        + ("" if figure.attributes["character"] in ANIMALS else _face_area(figure))
    )


def _face_area(figure: Figure) -> str:
    return f'<clipPath id="facearea"><path d="{face.outline(figure)}"/></clipPath>'
