"""The drawn backgrounds: a new one is one function on a `Scene` and one line in `SCENES`.

A scene keeps its centre calm, because the head is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from clipavatar.canvas import (
    DISC,
    HEART,
    PETAL,
    SPARKLE,
    Point,
    Scene,
    Shape,
    blossom,
    cloud,
    hill,
    off_centre,
    place,
    polar,
)


def starry_night(scene: Scene) -> None:
    scene.sky("#171a4a", "#2b2a6e", "#4f3f93", "#8a5fb0", "#c486b8")
    scene.lay("#a08be0", place(DISC, (0.5, 0.5), 0.30), opacity=0.35, blur=0.12)
    tiny = scene.scatter(70, 0.03, lambda p: p[1] < 0.9)
    scene.lay("#dcdcff", *(place(DISC, p, scene.chance.uniform(0.0022, 0.0045)) for p in tiny))
    bright = scene.scatter(9, 0.13, lambda p: off_centre(p) and p[1] < 0.75 and not _moon(p))
    scene.lay("#ffe9b0", *(place(DISC, p, 0.018) for p in bright), opacity=0.5, blur=0.012)
    stars = [place(SPARKLE, p, scene.chance.uniform(0.018, 0.040)) for p in bright]
    scene.lay("#fff6d8", *stars)
    scene.lay("#b9a2ee", place(DISC, (0.83, 0.17), 0.13), opacity=0.55, blur=0.05)
    scene.lay("#fff1c4", _crescent((0.83, 0.17), 0.085))


def _moon(point: Point) -> bool:
    return math.dist(point, (0.83, 0.17)) < 0.16


def _crescent(centre: Point, size: float) -> Shape:
    outer = [(math.cos(a), math.sin(a)) for a in np.linspace(0.75, math.tau - 0.75, 40)]
    tip_x, tip_y = outer[0]
    inner_size = math.hypot(tip_x - 0.45, tip_y)
    start = math.atan2(tip_y, tip_x - 0.45)
    inner = [
        (0.45 + inner_size * math.cos(a), inner_size * math.sin(a))
        for a in np.linspace(math.tau - start, start, 40)
    ]
    return place([*outer, *inner], centre, size, -0.5)


def grass(scene: Scene) -> None:
    scene.sky("#a8dcff", "#c9ebff", "#eef9ff", "#f6fbe6", "#f6fbe6")
    scene.lay("#fff7cf", place(DISC, (0.14, 0.14), 0.12), opacity=0.9, blur=0.06)
    scene.lay("#ffffff", *cloud((0.80, 0.20), 0.30), *cloud((0.16, 0.33), 0.20), opacity=0.9)
    scene.lay("#cdeeb4", hill(0.66, 0.05, 0.9, 0.4))
    scene.lay("#b2e39a", hill(0.74, 0.045, 1.1, 2.6))
    scene.lay("#97d683", hill(0.84, 0.03, 1.3, 0.9))
    tufts = scene.scatter(26, 0.07, lambda p: p[1] > 0.84 and abs(p[0] - 0.5) > 0.12)
    blades = [
        [(x + d - 0.006, y), (x + 2.2 * d, y - 0.035), (x + d + 0.006, y)]
        for x, y in tufts
        for d in (-0.008, 0.0, 0.008)
    ]
    scene.lay("#7cc46e", *blades)
    flowers = scene.scatter(18, 0.075, lambda p: p[1] > 0.80 and abs(p[0] - 0.5) > 0.14)
    for index, colour in enumerate(("#ffffff", "#ffc2d6", "#ffe27a")):
        chosen = flowers[index::3]
        scene.lay(colour, *(s for p in chosen for s in blossom(p, 0.022, scene.turn())))
    scene.lay("#f7b733", *(place(DISC, p, 0.007) for p in flowers))


def cherry_blossom(scene: Scene) -> None:
    scene.sky("#ffd3e2", "#ffe3ec", "#fff1f4", "#fff3f3", "#ffe6ee")
    glow = scene.scatter(7, 0.2, off_centre)
    scene.lay("#ffffff", *(place(DISC, p, 0.07) for p in glow), opacity=0.6, blur=0.02)
    limbs = [_limb(*limb) for limb in LIMBS]
    scene.lay("#a9746e", *limbs)
    spots = [
        (x + scene.chance.uniform(-0.012, 0.012), y + scene.chance.uniform(-0.012, 0.012))
        for x, y in BLOSSOMS
    ]
    turns = [scene.turn() for _ in spots]
    sizes = [scene.chance.uniform(0.046, 0.068) for _ in spots]
    flowers = list(zip(spots, sizes, turns, strict=True))
    scene.lay("#f792b4", *(s for p, r, t in flowers[::2] for s in blossom(p, r * 1.06, t + 0.5)))
    scene.lay("#ffb6cd", *(s for p, r, t in flowers for s in blossom(p, r, t)))
    scene.lay("#ffdfe9", *(s for p, r, t in flowers for s in blossom(p, r * 0.62, t)))
    scene.lay("#e0527f", *(place(DISC, p, r * 0.15) for p, r, _ in flowers))
    drifting = scene.scatter(24, 0.1, lambda p: off_centre(p) and p[1] > 0.2)
    petals = [place(PETAL, p, scene.chance.uniform(0.028, 0.044), scene.turn()) for p in drifting]
    scene.lay("#ffb3cb", *petals[::2])
    scene.lay("#ff9dbd", *petals[1::2])


LIMBS: tuple[tuple[Point, Point, Point, float, float], ...] = (  # start, bend, end, widths
    ((1.02, 0.30), (0.86, 0.06), (0.50, 0.055), 0.016, 0.004),
    ((0.86, 0.13), (0.80, 0.17), (0.77, 0.24), 0.008, 0.003),
    ((0.97, 0.23), (0.95, 0.32), (0.92, 0.42), 0.009, 0.003),
    ((-0.02, 0.10), (0.08, 0.05), (0.24, 0.045), 0.011, 0.003),
)
BLOSSOMS: tuple[Point, ...] = (
    (0.96, 0.16), (0.87, 0.10), (0.77, 0.06), (0.90, 0.26), (0.68, 0.08), (0.77, 0.20),
    (0.58, 0.04), (0.94, 0.38), (0.98, 0.05), (0.03, 0.05), (0.12, 0.09), (0.22, 0.04),
)  # fmt: skip


def _limb(start: Point, bend: Point, end: Point, thick: float, thin: float) -> Shape:
    """A tapering branch along a quadratic curve."""
    left, right = [], []
    for k in range(21):
        t = k / 20
        x, y = (
            (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c
            for a, b, c in zip(start, bend, end, strict=True)
        )
        dx, dy = (
            2 * (1 - t) * (b - a) + 2 * t * (c - b)
            for a, b, c in zip(start, bend, end, strict=True)
        )
        width = (thick + (thin - thick) * t) / math.hypot(dx, dy)
        left.append((x - dy * width, y + dx * width))
        right.append((x + dy * width, y - dx * width))
    return [*left, *right[::-1]]


def hearts(scene: Scene) -> None:
    scene.sky("#ffe4ee", "#ffeef4", "#ffe0ec")
    scene.lay("#ffffff", place(DISC, (0.5, 0.48), 0.30), opacity=0.55, blur=0.12)
    spots = scene.scatter(60, 0.115, lambda p: True)
    for index, colour in enumerate(("#ffc4d8", "#ffd3c9", "#e9cdf7", "#ffb3cd")):
        chosen = spots[index::4]
        shapes = [
            place(HEART, p, scene.chance.uniform(0.022, 0.045), scene.chance.uniform(-0.4, 0.4))
            for p in chosen
        ]
        scene.lay(colour, *shapes)


def beach(scene: Scene) -> None:
    scene.sky("#8fd3ff", "#c2ebff", "#fff3df", "#fff3df", "#fff3df")
    scene.lay("#fff3b8", place(DISC, (0.17, 0.17), 0.14), opacity=0.8, blur=0.05)
    scene.lay("#fff0a0", place(DISC, (0.17, 0.17), 0.075))
    scene.lay("#ffffff", *cloud((0.82, 0.17), 0.28), *cloud((0.62, 0.07), 0.16), opacity=0.92)
    scene.lay("#58bfe6", [(0.0, 0.52), (1.0, 0.52), (1.0, 1.0), (0.0, 1.0)])
    scene.lay("#7fd4ea", hill(0.60, 0.006, 3, 0.0))
    scene.lay("#a5e4ea", hill(0.68, 0.008, 2.5, 1.0))
    scene.lay("#ffffff", hill(0.755, 0.016, 1.6, 0.6))
    scene.lay("#ffe9c2", hill(0.785, 0.016, 1.6, 0.75))
    scene.lay("#ffdfae", hill(0.90, 0.014, 1.1, 2.2))
    glints = scene.scatter(14, 0.07, lambda p: 0.54 < p[1] < 0.72)
    scene.lay(
        "#ffffff",
        *([(x - 0.02, y), (x, y - 0.003), (x + 0.02, y), (x, y + 0.003)] for x, y in glints),
        opacity=0.7,
    )
    shells = scene.scatter(6, 0.12, lambda p: p[1] > 0.84 and abs(p[0] - 0.5) > 0.2)
    scene.lay("#ff9f8f", *(s for p in shells[:3] for s in _starfish(p, scene.turn())))
    for shell in shells[3:]:
        turn = scene.chance.uniform(-0.6, 0.6)
        scene.lay("#fff8ee", place(SHELL, shell, 0.030, turn))
        scene.lay("#f3b6ae", *(place(groove, shell, 0.030, turn) for groove in GROOVES))


def _starfish(centre: Point, turn: float) -> list[Shape]:
    return [place(polar(lambda a: 0.72 + 0.28 * math.cos(5 * a)), centre, 0.032, turn)]


def _fan(angle: float, radius: float) -> Point:
    """A point of a scallop: angles from straight up, its hinge at (0, 0.6)."""
    return (radius * math.sin(angle), 0.6 - radius * math.cos(angle))


SHELL = [
    (-0.16, 0.72),
    *(_fan(k / 30 - 1, 1.15 + 0.07 * abs(math.sin(k / 30 * 2.5 * math.pi))) for k in range(61)),
    (0.16, 0.72),
]
GROOVES = [[(0.0, 0.6), _fan(a - 0.05, 0.98), _fan(a + 0.05, 0.98)] for a in (-0.6, -0.2, 0.2, 0.6)]


def sunset(scene: Scene) -> None:
    scene.sky("#5d4ba6", "#a85cb0", "#f27a98", "#ffa57c", "#ffd48f", "#fff0c0")
    scene.lay("#ffe9b0", place(DISC, (0.5, 0.62), 0.34), opacity=0.75, blur=0.11)
    streaks = [
        streak((x + scene.chance.uniform(-0.03, 0.03), y), width)
        for x, y, width in ((0.10, 0.30, 0.46), (0.92, 0.22, 0.52), (0.20, 0.11, 0.30))
    ]
    scene.lay("#ffb9b4", *streaks, opacity=0.55)
    low = [streak((0.88, 0.55), 0.44), streak((0.08, 0.62), 0.40), streak((0.97, 0.70), 0.34)]
    scene.lay("#fff1d0", *low, opacity=0.6)


def streak(centre: Point, width: float) -> Shape:
    """A long thin cloud with pointed ends and a bellied foot."""
    steps = [k / 30 - 1 for k in range(61)]
    upper = [(x / 2, -0.030 * (1 - x * x) * (1 + 0.5 * math.sin(7 * x))) for x in steps]
    lower = [(x / 2, 0.045 * (1 - x * x)) for x in steps]
    return place([*upper, *lower[::-1]], centre, width)


def rainbow(scene: Scene) -> None:
    bands = ("#d9c2fb", "#b9ccff", "#b3ecf5", "#c4f2c2", "#fff3ae", "#ffd3a6", "#ffb7bd")
    scene.rings((0.5, 1.02), 0.44, 1.14, "#fff8ff", *bands, "#ffd9ea")
    near = [cloud((x, 0.93), width) for x, width in ((0.06, 0.44), (0.94, 0.48))]
    scene.lay("#ffffff", *(shape for puffs in near for shape in puffs), opacity=0.95)
    scene.lay("#ffffff", [(0.0, 0.98), (1.0, 0.98), (1.0, 1.0), (0.0, 1.0)], opacity=0.95)
    glints = scene.scatter(12, 0.14, lambda p: off_centre(p) and p[1] < 0.75)
    scene.lay("#ffffff", *(place(SPARKLE, p, scene.chance.uniform(0.014, 0.03)) for p in glints))


def sky(scene: Scene) -> None:
    scene.sky("#62b4fb", "#93d0ff", "#c3e8ff", "#e6f6ff", "#fff4e4")
    scene.lay("#ffffff", place(DISC, (0.5, 0.55), 0.3), opacity=0.35, blur=0.12)
    for x, y, width in (
        (0.15, 0.20, 0.30),
        (0.87, 0.13, 0.26),
        (0.91, 0.52, 0.34),
        (0.07, 0.64, 0.30),
    ):
        spot = (x + scene.chance.uniform(-0.03, 0.03), y + scene.chance.uniform(-0.03, 0.03))
        scene.lay("#b5dcfa", *cloud((spot[0], spot[1] + 0.05 * width), width), opacity=0.8)
        scene.lay("#ffffff", *cloud(spot, width), opacity=0.95)


SCENES: dict[str, Callable[[Scene], None]] = {
    "starry night": starry_night,
    "grass": grass,
    "cherry blossom": cherry_blossom,
    "hearts": hearts,
    "beach": beach,
    "sunset": sunset,
    "rainbow": rainbow,
    "sky": sky,
}
