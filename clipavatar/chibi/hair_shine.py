"""What lies on the hair of the skull: strand lines that follow the fringe, and the light."""

from __future__ import annotations

from clipavatar.chibi.hair_strokes import filled, gloss, wisp
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure

Wisp = tuple[float, float, float, float, float, float, float]  # the arguments of wisp()


def stray_hairs(figure: Figure, colours: Tones) -> str:
    """A thin hair that stands a little off the crown."""
    a, b = 5 * figure.shapes["strand_a"], 4 * figure.shapes["strand_b"]
    return filled(
        wisp(2, -86, 26 + a, -97 + b, 42 + a, -84, 1.1),
        colours,
        colours.line,
        1,
    )


def straight_strands(figure: Figure) -> list[Wisp]:
    a, b = 4 * figure.shapes["strand_a"], 4 * figure.shapes["strand_b"]
    return [
        (-20 + a, -20, -20 + a, -44, -7, -66, 1.6),
        (18 + b, -22, 20 + b, -46, 9, -68, 1.3),
        (36 + b, -22, 40, -42, 30, -58, 1.0),
        (-40 + a, -22, -42, -38, -36, -50, 1.0),
    ]


def swept_strands(figure: Figure) -> list[Wisp]:
    part = -36 + 4 * figure.shapes["fringe_sweep"]
    a = 4 * figure.shapes["strand_a"]
    return [
        (part, -57, part + 4, -72, part + 16, -81, 1.6),
        (part + 5, -56, 16 + a, -50, 36, -18, 1.6),
        (part + 12, -62, 34 + a, -58, 50, -16, 1.3),
        (part - 3, -55, -52, -44, -58, -10, 1.2),
    ]


def parted_strands(figure: Figure) -> list[Wisp]:
    part = 5 * figure.shapes["fringe_sweep"]
    a = 4 * figure.shapes["strand_a"]
    drawn: list[Wisp] = [(part, -62, part - 1, -74, part + 2, -84, 2.0)]
    for s in (-1, 1):
        drawn += [
            (part + s * 4, -66, s * 32 + a, -58, s * 44, -22, 1.6),
            (part + s * 10, -73, s * 48 + a, -62, s * 57, -14, 1.2),
        ]
    return drawn


def combed_strands(figure: Figure) -> list[Wisp]:
    a = 3 * figure.shapes["strand_a"]
    return [
        (0, -48, 2 + a, -62, 0, -76, 1.5),
        (-22, -50, -20 + a, -64, -10, -78, 1.4),
        (22, -50, 22 + a, -64, 12, -78, 1.4),
        (-43, -40, -44, -56, -28, -72, 1.3),
        (43, -40, 46, -56, 30, -72, 1.3),
    ]


def ring(figure: Figure, colours: Tones) -> str:
    """The band of light over the crown: smooth above, broken below as by strands."""
    x = 4 * figure.shapes["fringe_sweep"]
    return gloss(
        colours,
        f"M{-55 + x:.1f} -36C-50 -56 -34 -68 {-10 + x:.1f} -70L{-13 + x:.1f} -61L{-19 + x:.1f} -58"
        f"L{-24 + x:.1f} -63L{-28 + x:.1f} -53L{-35 + x:.1f} -57L{-38 + x:.1f} -46L{-46 + x:.1f} -48Z",
        f"M{-3 + x:.1f} -70.5Q14 -71 {28 + x:.1f} -64L{22 + x:.1f} -59L{17 + x:.1f} -63"
        f"L{12 + x:.1f} -56L{6 + x:.1f} -64L{1 + x:.1f} -61Z",
        f"M{34 + x:.1f} -60Q40 -56 {43 + x:.1f} -51L{38 + x:.1f} -53Z",
    )


def parted_ring(figure: Figure, colours: Tones) -> str:
    """The same, open at the parting."""
    x = 5 * figure.shapes["fringe_sweep"]
    return gloss(
        colours,
        f"M-57 -34C-52 -54 -38 -66 {-12 + x:.1f} -73L{-20 + x:.1f} -62L-27 -62L-30 -53L-36 -57L-39 -46"
        "L-47 -48Z",
        f"M{12 + x:.1f} -73Q26 -70 37 -61L32 -57L27 -61L23 -55L{18 + x:.1f} -64Z",
    )


def combed_ring(figure: Figure, colours: Tones) -> str:
    """The same, higher: the hairline leaves less room."""
    x = 4 * figure.shapes["fringe_sweep"]
    return gloss(
        colours,
        f"M-58 -32C-54 -54 -40 -70 {-10 + x:.1f} -75L{-14 + x:.1f} -66L-21 -64L-26 -68L-31 -59L-37 -61"
        "L-42 -51L-48 -52Z",
        f"M{-2 + x:.1f} -75.5Q14 -76 {28 + x:.1f} -69L{22 + x:.1f} -64L16 -68L{11 + x:.1f} -63L5 -69Z",
    )
