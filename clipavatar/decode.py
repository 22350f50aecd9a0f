"""Any picture file as square pixels of one size: the one place that crops and resizes such.

What comes out is uint8 (R, R, C), which `images.to_float` takes to [-1, 1].
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

CROPS = ("centre", "pad")
# Pillow goes by the content: with all its formats a "picture" could start Ghostscript.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
Image.init()  # before the threads: it knows only some of them without
VERSION = 1  # a cache of decoded pictures made by another version is not used


@dataclass(frozen=True)
class Shape:
    """What every picture becomes: `size` px square, `channels` 3 (RGB) or 4 (premultiplied RGBA).

    `crop` "centre" keeps the middle square, "pad" the whole picture between bars. The bars, and
    what shines through a transparent picture where `channels` is 3, are of the CSS colour
    `background`; with 4 channels the bars are transparent.
    """

    size: int
    channels: int = 3
    crop: str = "centre"
    background: str = "white"

    def __post_init__(self) -> None:
        if self.crop not in CROPS:
            raise ValueError(f"unknown crop {self.crop!r} (known: {', '.join(CROPS)})")
        if self.channels not in (3, 4):
            raise ValueError(f"pictures have 3 or 4 channels, not {self.channels}")
        ImageColor.getrgb(self.background)  # raises ValueError for what is no colour


@dataclass(frozen=True)
class Decoded:
    """`pixels` (R, R, C) uint8, and the picture's own `width` and `height`."""

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode(data: bytes, shape: Shape) -> Decoded:
    """The picture in the bytes of a file; of an animation the first frame.

    Of FORMATS, in every mode that Pillow reads, 16 bits a channel and CMYK among them, and turned
    as its EXIF says. Raises ValueError in one line for what is no whole picture.
    """
    if not data:
        raise ValueError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd EXIF and large pictures are no harm
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                image.draft(None, (2 * shape.size, 2 * shape.size))  # a large JPEG in a fraction
                image.load()
                upright = ImageOps.exif_transpose(image)
            if (width > height) != (upright.width > upright.height):
                width, height = height, width
            return Decoded(_square(_premultiplied(upright), shape), width, height)
    except Exception as error:  # Pillow raises a dozen kinds, SyntaxError and struct.error too
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        reason = "no kind of picture that we read" if "cannot identify" in text else text
        raise ValueError(reason) from None


def _premultiplied(image: Image.Image) -> Image.Image:
    """As mode RGBa where there is transparency, else RGB."""
    if image.has_transparency_data:
        return image.convert("RGBA").convert("RGBa")
    if image.mode.startswith("I") or image.mode == "F":  # Pillow itself would clip at 255
        image = _eight_bits(image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits, scaled: whole numbers as 16 bits, floats by what they reach."""
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        values = np.nan_to_num(values)
        top = 1.0 if values.max() <= 1 else max(255.0, float(values.max()))
    else:
        top = 65535.0 if image.mode != "I" or values.max() > 255 else 255.0
    return Image.fromarray((values * (255 / top)).clip(0, 255).round().astype(np.uint8))


def _square(image: Image.Image, shape: Shape) -> NDArray[np.uint8]:
    """RGBa or RGB of any size -> uint8 (R, R, C), by Lanczos, which is antialiased."""
    width, height = image.size
    size = (shape.size, shape.size)
    if shape.crop == "centre":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        return _pixels(image.resize(size, Image.Resampling.LANCZOS, box, 3.0), shape)
    scale = shape.size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    made = _pixels(image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0), shape)
    bar = (0, 0, 0, 0) if shape.channels == 4 else ImageColor.getrgb(shape.background)[:3]
    whole = np.empty((*size, shape.channels), np.uint8)
    whole[:] = bar
    left, top = (shape.size - inner[0]) // 2, (shape.size - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = made
    return whole


def _pixels(image: Image.Image, shape: Shape) -> NDArray[np.uint8]:
    """RGBa or RGB -> uint8 (H, W, C): premultiplied RGBA, or RGB over the background."""
    pixels = np.frombuffer(image.tobytes(), np.uint8)  # numpy knows no RGBa
    pixels = pixels.reshape(image.height, image.width, -1)
    if image.mode == "RGB":
        if shape.channels == 3:
            return pixels
        return np.pad(pixels, ((0, 0), (0, 0), (0, 1)), constant_values=255)
    colour, alpha = np.minimum(pixels[..., :3], pixels[..., 3:]), pixels[..., 3:]  # Lanczos rings
    if shape.channels == 4:
        return np.concatenate((colour, alpha), axis=-1)
    behind = np.array(ImageColor.getrgb(shape.background)[:3], np.float32)
    made = colour + behind * (1 - alpha.astype(np.float32) / 255)
    return made.round().astype(np.uint8)
