"""THE convention for pictures, and the one place that converts ranges and speaks to Pillow.

A batch of pictures is a float tensor (B, C, H, W) in [-1, 1].

- C = 3 is RGB.
- C = 4 is premultiplied RGBA: with alpha and straight colour in [0, 1], the channels hold
  `2 * colour * alpha - 1` and `2 * alpha - 1`. So a transparent pixel is -1 in all four channels,
  and blurring, resizing and adding pictures is right without special cases.

Shape letters used everywhere: B batch, N candidates, P prompts, Z noise, E embedding,
R resolution (H = W = R), C channels.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageChops, ImageDraw, ImageFont, PngImagePlugin
from torch import Tensor

from clipavatar.files import replacing

SETTINGS_KEY = "clipavatar"  # the PNG text chunk that holds an avatar's settings as JSON
FONTS = (  # with Chinese glyphs, on Linux, macOS and Windows; the first one found labels sheets
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
    "simhei.ttf",
    "DejaVuSans.ttf",
)

# --- ranges


def to_float(pixels: Tensor | np.ndarray[Any, Any]) -> Tensor:
    """uint8 (B, H, W, C) -> float (B, C, H, W) in [-1, 1]; 0 is -1 and 255 is 1 exactly."""
    pixels = torch.as_tensor(pixels)
    return pixels.movedim(-1, -3).to(torch.float32) / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """(B, C, H, W) in [-1, 1] -> uint8 (B, H, W, C), clamped and rounded; undoes `to_float`."""
    pixels = (images.detach().float() + 1).mul_(127.5)
    return pixels.clamp_(0, 255).round_().to(torch.uint8).movedim(-3, -1)


def _unit(images: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (images + 1) / 2


# --- alpha


def premultiply(images: Tensor) -> Tensor:
    """Straight RGBA (B, 4, H, W) in [-1, 1] -> premultiplied RGBA in [-1, 1]."""
    colour, alpha = torch.split(_unit(images), [3, 1], dim=-3)
    return torch.cat((colour * alpha, alpha), dim=-3) * 2 - 1


def unpremultiply(images: Tensor) -> Tensor:
    """Premultiplied RGBA (B, 4, H, W) in [-1, 1] -> straight RGBA in [-1, 1].

    Colour brighter than its alpha allows is clamped. Where alpha is below half a step of 8 bits
    the pixel is invisible, its colour is noise, and it becomes transparent black.
    """
    colour, alpha = torch.split(_unit(images).clamp(0, 1), [3, 1], dim=-3)
    visible = alpha >= 0.5 / 255
    straight = (colour / alpha.clamp(min=0.5 / 255)).clamp(max=1)
    return torch.cat((straight * visible, alpha * visible), dim=-3) * 2 - 1


def over(images: Tensor, background: Tensor) -> Tensor:
    """Premultiplied RGBA (B, 4, R, R) over a background (B, 3, 1|R, 1|R): (B, 3, R, R).

    Everything in [-1, 1]; differentiable in both. RGB pictures (C = 3) come back as they are.
    The result is not clamped: it stays in range wherever colour <= alpha holds.
    """
    if images.shape[-3] == 3:
        return images
    colour, alpha = torch.split(images, [3, 1], dim=-3)
    return colour + (1 - alpha) / 2 * (background + 1)  # 2(c + (1 - a) b) - 1 in unit terms


# --- sizes


def resize(images: Tensor, size: int) -> Tensor:
    """(B, C, H, W) -> (B, C, size, size), bicubic, antialiased when it shrinks, kept in [-1, 1].

    Differentiable. Right for RGBA because the convention is premultiplied.
    """
    if images.shape[-2:] == (size, size):
        return images
    made = F.interpolate(images, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return made.clamp(-1, 1)


# --- Pillow


def from_pil(image: Image.Image) -> Tensor:
    """A Pillow picture -> (C, H, W) in [-1, 1]; C = 4, premultiplied, if it has alpha, else 3."""
    transparent = image.has_transparency_data
    pixels = to_float(np.array(image.convert("RGBA" if transparent else "RGB")))
    return premultiply(pixels) if transparent else pixels


def to_pil(image: Tensor) -> Image.Image:
    """(C, H, W) in [-1, 1] -> Pillow: C = 4 premultiplied becomes straight RGBA, C = 3 RGB."""
    straight = unpremultiply(image) if image.shape[0] == 4 else image
    return Image.fromarray(to_uint8(straight).cpu().contiguous().numpy())


def finish(image: Tensor, size: int, behind: Image.Image | None = None) -> Image.Image:
    """(C, R, R) in [-1, 1] -> `size` pixels by Lanczos, over an RGB picture of that size.

    C = 4 without `behind` gives straight RGBA. In 8 bits from start to end, for speed: within a
    step or two of `resize`, `over` and `to_pil`, and twice as fast.
    """
    pixels = to_uint8(image).cpu().contiguous().numpy()
    if image.shape[0] == 3:
        return Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)
    sides = (pixels.shape[1], pixels.shape[0])
    premultiplied = Image.frombuffer("RGBa", sides, pixels, "raw", "RGBa", 0, 1)
    premultiplied = premultiplied.resize((size, size), Image.Resampling.LANCZOS)
    if behind is None:
        return premultiplied.convert("RGBA")
    *colour, alpha = premultiplied.split()
    rest = ImageChops.invert(alpha)
    made = [
        # ringing adds no light; and so no sum is beyond 255
        ImageChops.add_modulo(ImageChops.darker(ours, alpha), ImageChops.multiply(theirs, rest))
        for ours, theirs in zip(colour, behind.split(), strict=True)
    ]
    return Image.merge("RGB", made)


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of `size` pixels, with Chinese glyphs where this machine has one."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


@lru_cache(maxsize=1)
def has_chinese() -> bool:
    """Whether the font of sheets has more than an empty box for a Chinese character."""
    chinese = font(20)
    drawn, missing = (bytes(chinese.getmask(character)) for character in ("猫", "\uffff"))
    return drawn not in (missing, bytes(chinese.getmask("狗")))


def contact_sheet(
    images: Sequence[Image.Image], columns: int = 0, labels: Sequence[str] | None = None
) -> Image.Image:
    """Pictures of one size on a white RGB sheet, row by row, `labels` of any lines under them.

    Labels that are wider than their picture are set smaller. `columns` 0 makes the sheet about
    square. Raises ValueError for no pictures.
    """
    if not images:
        raise ValueError("a contact sheet needs at least one picture")
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    width, height = images[0].size
    text = max(11, width // 14) if labels else 0
    gap = max(2, width // 32)
    lines = max((label.count("\n") + 1 for label in labels), default=0) if labels else 0
    cell_width, cell_height = width + gap, height + gap + lines * text * 3 // 2
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * cell_width + gap, rows * cell_height + gap), "white")
    draw = ImageDraw.Draw(sheet)
    for index, image in enumerate(images):
        x = gap + index % columns * cell_width
        y = gap + index // columns * cell_height
        picture = image.convert("RGBA")
        sheet.paste(picture, (x, y), picture)
        if labels and index < len(labels):
            where = (x + width // 2, y + height + text // 4)
            wide = max(draw.textlength(line, font(text)) for line in labels[index].split("\n"))
            letters = font(max(6, int(text * min(1.0, width / max(1.0, wide)))))
            draw.text(where, labels[index], "#444444", letters, anchor="ma", align="center")
    return sheet


# --- PNG files that remember how they were made


def save_png(
    image: Image.Image, path: str | Path, settings: dict[str, Any], force: bool = False
) -> Path:
    """Write a PNG with `settings` as JSON in its text chunk "clipavatar"; returns the path.

    The file appears whole or not at all, and the same arguments give the same bytes. Raises
    FileExistsError when the file exists and `force` is false, OSError when it cannot be written.
    """
    chunk = PngImagePlugin.PngInfo()
    chunk.add_itxt(SETTINGS_KEY, json.dumps(settings, ensure_ascii=False))
    encoded = io.BytesIO()
    image.save(encoded, "PNG", pnginfo=chunk, compress_level=5)
    with replacing(path, force) as part:
        part.write_bytes(encoded.getvalue())
    return Path(path)


def read_settings(path: str | Path) -> dict[str, Any]:
    """The settings that `save_png` wrote. Raises OSError, or ValueError if it holds none."""
    with Image.open(path) as image:
        image.load()  # the chunk may stand behind the pixels
        text = image.info.get(SETTINGS_KEY)
    try:
        settings = json.loads(text) if isinstance(text, str) else None
    except json.JSONDecodeError:
        settings = None
    if not isinstance(settings, dict):
        raise ValueError(f"{path} was not made by clipavatar: it holds no settings")
    return settings
