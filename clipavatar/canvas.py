"""What a background is drawn on, and the shapes that several have.

Gradients are computed at the asked size; shapes are drawn as masks two to four times larger and
shrunk, which makes smooth edges cheaply. All coordinates are fractions of the side, x to the right
and y down; angles are radians.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

Point = tuple[float, float]
Shape = list[Point]


def ramp(mask: np.ndarray[Any, np.dtype[np.uint8]], colours: Sequence[str]) -> Image.Image:
    """Paint a mask (H, W) of 0..255 with colours evenly spaced over that range: RGB."""
    stops = np.array([ImageColor.getrgb(colour) for colour in colours], dtype=np.float32)
    where = np.linspace(0, len(stops) - 1, 256)
    table = [np.interp(where, np.arange(len(stops)), channel) for channel in stops.T]
    palette = np.rint(table).astype(np.uint8).T.tobytes()
    image = Image.frombytes("P", mask.shape[::-1], mask.tobytes())
    image.putpalette(palette)
    return image.convert("RGB")


class Scene:
    """A square RGB picture that shapes are laid on, one layer after the other."""

    def __init__(self, size: int, chance: random.Random) -> None:
        self.size = size
        self.chance = chance
        self.zoom = 4 if size <= 256 else 2 if size <= 2048 else 1
        self.picture = Image.new("RGB", (size, size))

    def sky(self, *colours: str) -> None:
        """Fill everything with a gradient from the top down."""
        column = np.linspace(0, 255, self.size).astype(np.uint8)[:, None]
        self.picture = ramp(column, colours).resize((self.size, self.size))

    def rings(self, centre: Point, inner: float, outer: float, *colours: str) -> None:
        """Fill everything with a gradient around `centre`, between two radii."""
        line = (np.arange(self.size, dtype=np.float32) + 0.5) / self.size
        radius = np.hypot(line[None, :] - centre[0], line[:, None] - centre[1])
        mask = np.clip((radius - inner) / (outer - inner), 0, 1) * 255
        self.picture = ramp(mask.astype(np.uint8), colours)

    def lay(self, colour: str, *shapes: Shape, opacity: float = 1.0, blur: float = 0.0) -> None:
        """Lay filled polygons of one colour on the picture; `blur` is a radius."""
        ink, fill = ImageColor.getrgb(colour), round(255 * opacity)
        if blur:
            mask = _fill(shapes, (0, 0, 128, 128), 128, fill)
            mask = mask.filter(ImageFilter.GaussianBlur(blur * 128))
            mask = mask.resize((self.size, self.size), Image.Resampling.BICUBIC)
            self.picture.paste(ink, (0, 0), mask)
        elif shapes:
            box = _bounds(shapes, self.size)
            large = [edge * self.zoom for edge in box]
            mask = _fill(shapes, large, self.size * self.zoom, fill)
            self.picture.paste(ink, box[:2], mask.reduce(self.zoom) if self.zoom > 1 else mask)

    def scatter(self, count: int, apart: float, inside: Callable[[Point], bool]) -> list[Point]:
        """Up to `count` random points where `inside` allows, at least `apart` from each other."""
        found: list[Point] = []
        for _ in range(count * 30):
            point = (self.chance.random(), self.chance.random())
            if inside(point) and all(math.dist(point, other) >= apart for other in found):
                found.append(point)
            if len(found) == count:
                break
        return found

    def turn(self) -> float:
        """A random angle."""
        return self.chance.uniform(0, math.tau)


def _bounds(shapes: Sequence[Shape], size: int) -> tuple[int, int, int, int]:
    """The pixels that shapes touch: left, top, right, bottom, within the picture."""
    xs = [x for shape in shapes for x, _ in shape]
    ys = [y for shape in shapes for _, y in shape]
    left, top = (min(max(math.floor(min(v) * size) - 1, 0), size - 1) for v in (xs, ys))
    right, bottom = (min(math.ceil(max(v) * size) + 1, size) for v in (xs, ys))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _fill(shapes: Sequence[Shape], box: Sequence[int], side: int, fill: int) -> Image.Image:
    """The part `box` of an L mask of `side` x `side` pixels, with the shapes filled."""
    left, top, right, bottom = box
    mask = Image.new("L", (right - left, bottom - top))
    draw = ImageDraw.Draw(mask)
    for shape in shapes:
        draw.polygon([(x * side - 0.5 - left, y * side - 0.5 - top) for x, y in shape], fill)
    return mask


def off_centre(point: Point) -> bool:
    """Outside the ellipse that the head fills."""
    return math.hypot((point[0] - 0.5) / 0.33, (point[1] - 0.5) / 0.40) > 1


# --- shapes


def place(outline: Sequence[Point], centre: Point, size: float, turn: float = 0.0) -> Shape:
    """Scale, turn and move an outline drawn around (0, 0)."""
    c, s = size * math.cos(turn), size * math.sin(turn)
    return [(centre[0] + x * c - y * s, centre[1] + x * s + y * c) for x, y in outline]


def polar(radius: Callable[[float], float], steps: int = 48) -> Shape:
    """A closed outline around (0, 0) from its radius at each angle."""
    angles = [index * math.tau / steps for index in range(steps)]
    return [(radius(a) * math.cos(a), radius(a) * math.sin(a)) for a in angles]


def _heart(t: float) -> Point:
    y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
    return (math.sin(t) ** 3, -y / 16)


def _petal(t: float) -> Point:  # t from -1 to 1 around the outline; its notched tip at 0
    notch = 0.2 * math.exp(-((t / 0.13) ** 2))
    return (1 - abs(t) ** 1.5 - notch, 0.4 * math.sin(math.pi * math.copysign(abs(t) ** 0.75, t)))


DISC = polar(lambda _: 1.0)
SPARKLE = polar(lambda a: 1 / (1 + 6 * abs(math.sin(2 * a)) ** 0.8), 64)
HEART = [_heart(index * math.tau / 48) for index in range(48)]
PETAL = [_petal(index / 20 - 1) for index in range(41)]  # its foot at (0, 0), its tip at (1, 0)


def blossom(centre: Point, size: float, turn: float) -> list[Shape]:
    """Five petals around a centre."""
    return [place(PETAL, centre, size, turn + k * math.tau / 5) for k in range(5)]


def hill(height: float, swell: float, waves: float, phase: float) -> Shape:
    """The ground below a wavy line at about `height`."""
    steps = [k / 60 for k in range(61)]
    line = [(x, height - swell * math.sin(waves * math.tau * x + phase)) for x in steps]
    return [*line, (1.0, 1.0), (0.0, 1.0)]


def cloud(centre: Point, width: float) -> list[Shape]:
    """A puffy cloud with a flat foot."""
    puffs = ((-0.3, 0.02, 0.13), (-0.08, -0.06, 0.2), (0.16, -0.02, 0.17), (0.34, 0.05, 0.1))
    foot = 0.13
    shapes = [[(x * r + dx, min(y * r + dy, foot)) for x, y in DISC] for dx, dy, r in puffs]
    shapes.append([(-0.36, 0.0), (0.38, 0.0), (0.38, foot), (-0.36, foot)])
    return [place(shape, centre, width) for shape in shapes]
