"""A picture of any kind becomes the pixels it shows, or one line that says why not."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import BLUE, RED, encoded, plain
from PIL import Image

from clipavatar.decode import Shape, decode


def colours(data: bytes, **shape: object) -> np.ndarray:
    made = decode(data, Shape(4, **shape))  # type: ignore[arg-type]
    assert made.pixels.shape == (4, 4, made.pixels.shape[-1])
    assert made.pixels.dtype == np.uint8
    return made.pixels


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "YCbCr", "HSV", "RGBA", "RGBX"])
def test_every_mode_becomes_the_colour_it_shows(mode: str) -> None:
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF", "HSV": "PNG", "RGBX": "TIFF"}.get(mode, "PNG")
    image = plain().convert(mode)
    if mode == "HSV":  # no file holds it
        image = image.convert("RGB")
    assert np.abs(colours(encoded(image, kind))[0, 0].astype(int) - RED).max() <= 2


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16", "I", "F"])
def test_greys_of_every_depth_are_scaled_and_not_clipped(mode: str) -> None:
    half = {"1": 1, "I;16": 32768, "I": 32768, "F": 0.5}.get(mode, 128)
    image = Image.new("LA", (8, 8), (128, 255)) if mode == "LA" else Image.new(mode, (8, 8), half)
    grey = colours(encoded(image, "TIFF" if mode in "IF" else "PNG"))
    assert grey.shape[-1] == 3
    wanted = 255 if mode == "1" else 128
    assert np.abs(grey.astype(int) - wanted).max() <= 1


def test_alpha_is_premultiplied_or_laid_over_the_background() -> None:
    data = encoded(plain((255, 0, 0, 51)))  # a fifth of red
    assert colours(data, channels=4)[0, 0].tolist() == [51, 0, 0, 51]
    assert colours(data)[0, 0].tolist() == [255, 204, 204]
    assert colours(data, background="black")[0, 0].tolist() == [51, 0, 0]
    assert colours(encoded(plain()), channels=4)[0, 0].tolist() == [255, 0, 0, 255]
    hidden = encoded(plain((0, 255, 0, 0)))  # the green of what is transparent never shows
    assert not colours(hidden, channels=4).any()
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *RED])
    assert not colours(encoded(palette, transparency=1), channels=4).any()


def test_the_middle_is_kept_or_all_of_it_between_bars() -> None:
    image = Image.new("RGB", (24, 8), BLUE)
    image.paste(RED, (8, 0, 16, 8))
    data = encoded(image)
    assert (colours(data)[0, 1:3] == RED).all()
    padded = decode(data, Shape(12, crop="pad")).pixels
    assert (padded[:4] == 255).all()
    assert (padded[8:] == 255).all()
    assert padded[5, 0].tolist() == list(BLUE)
    assert padded[5, 6].tolist() == list(RED)
    assert not decode(data, Shape(12, 4, "pad")).pixels[:4].any()  # transparent bars
    thin = decode(encoded(plain(size=(300, 1))), Shape(8, crop="pad")).pixels
    assert (thin == RED).all(axis=-1).sum() == 8


def test_exif_turns_it_and_an_animation_gives_its_first_frame() -> None:
    image = Image.new("RGB", (16, 32), BLUE)
    image.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise
    made = decode(encoded(image, exif=exif), Shape(8))
    assert (made.width, made.height) == (32, 16)
    assert made.pixels[4, -1].tolist() == list(RED)
    assert made.pixels[4, 0].tolist() == list(BLUE)
    first, second = plain(), plain(BLUE)
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(first, kind, save_all=True, append_images=[second], duration=100)
        assert np.abs(colours(data)[0, 0].astype(int) - RED).max() <= 3


def test_a_large_jpeg_is_read_small_and_keeps_its_size_in_the_report() -> None:
    made = decode(encoded(plain(size=(400, 300)), "JPEG"), Shape(8))
    assert (made.width, made.height) == (400, 300)
    assert np.abs(made.pixels.astype(int) - RED).max() <= 3


def test_what_is_no_whole_picture_says_so_in_one_line() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            decode(encoded(image, kind)[:-2000], Shape(8))
    for data in (b"", b"hello", encoded(image)[:20], encoded(image, "EPS")):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            decode(data, Shape(8))


def test_a_shape_that_can_not_be_is_refused() -> None:
    for options in ({"crop": "left"}, {"channels": 2}, {"background": "no colour"}):
        with pytest.raises(ValueError, match=r"crop|channels|colo"):
            Shape(8, **options)  # type: ignore[arg-type]
