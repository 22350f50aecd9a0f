"""Heads of animals in the same style: SVG in head coordinates; eyes and brows are those of all.

Adding one is one entry in DRAWN (and, for its nose, one in snouts.NOSES).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from clipavatar.chibi import snouts
from clipavatar.chibi.ink import blend, filled, flat, mirrored, stroke
from clipavatar.chibi.palette import Tones, skin_tones
from clipavatar.chibi.sample import Figure

Curve = tuple[float, float, float, float]  # a control point and an end point
Part = Callable[[Figure, Tones], str]

PINK = "#ffa3b8"
EAR_INSIDE = {"pink": "#e85c8c"}  # by the colour of the fur or hair, where PINK would not show
DARK = "#3a3444"  # a panda's patches, the tips of a fox's ears


class Animal(NamedTuple):
    """How one kind is drawn: ears, the right half of the outline from the crown down, the fur."""

    ears: Part
    outline: Sequence[Curve]
    markings: Part
    crown: float = -68  # height of the skull
    hanging: bool = False  # whether the ears lie in front of the head
    through_hats: bool = False  # whether they are shown over a hat, which would hide them


def head(figure: Figure) -> str:
    """Ears, head, markings, cheeks and muzzle."""
    fur, animal = skin_tones(figure), DRAWN[figure.attributes["character"]]
    outline = _both_halves(figure, animal)
    ears = animal.ears(figure, fur)
    return (
        ("" if animal.hanging else ears)
        + _tuft(figure, fur, animal.crown)
        + flat(outline, "url(#skin)")
        + _light(fur, animal.crown)
        + animal.markings(figure, fur)
        + _cheeks(figure)
        + snouts.muzzle(figure, fur)
        + stroke(outline, fur.line, 3.2)
        + (ears if animal.hanging else "")
    )


def ears_over_hat(figure: Figure) -> str:
    """The ears once more, of those that come through a hat."""
    animal = DRAWN[figure.attributes["character"]]
    return animal.ears(figure, skin_tones(figure)) if animal.through_hats else ""


def ear_inside(figure: Figure) -> str:
    """The skin inside an ear."""
    return EAR_INSIDE.get(figure.attributes.get("hair_colour", ""), PINK)


def mouth(figure: Figure) -> str:
    """Nose and mouth of each expression."""
    return snouts.mouth(figure, skin_tones(figure))


def _shaped(figure: Figure, x: float, y: float) -> str:
    """A point of an outline as this one's head has it: a little wider, the chin lower."""
    lower = max(0.0, y - 20) / 42
    wide = 1 + 0.035 * figure.shapes["head_width"]
    return f"{x * wide:.1f} {y + 2.5 * figure.shapes['chin'] * lower:.1f}"


def _both_halves(figure: Figure, animal: Animal) -> str:
    """The closed outline: down the right half, up its mirror image."""

    def at(x: float, y: float) -> str:
        return _shaped(figure, x, y)

    path, start = f"M0 {animal.crown}", (0.0, animal.crown)
    starts = [start, *((x, y) for _, _, x, y in animal.outline)]
    for cx, cy, x, y in animal.outline:
        path += f"Q{at(cx, cy)} {at(x, y)}"
    for (cx, cy, _, _), (x, y) in zip(reversed(animal.outline), reversed(starts[:-1]), strict=True):
        path += f"Q{at(-cx, cy)} {at(-x, y)}"
    return path + "Z"


def _tuft(figure: Figure, fur: Tones, crown: float) -> str:
    """Three strands that stand up on the crown."""
    a, b = 3 * figure.shapes["strand_a"], 2.5 * figure.shapes["strand_b"]
    return filled(
        f"M-17 {crown + 8}Q-17 {crown - 4} {-11 + a:.1f} {crown - 8 + b:.1f}Q-8 {crown - 5} -6 {crown - 2}"
        f"Q-5 {crown - 10} {2 + a:.1f} {crown - 15 - b:.1f}Q4 {crown - 8} 6 {crown - 3}"
        f"Q9 {crown - 6} {14 + a:.1f} {crown - 8 + b:.1f}Q16 {crown} 17 {crown + 8}Z",
        fur.base,
        fur.line,
        2.8,
    )


def _light(fur: Tones, crown: float) -> str:
    """Light from the upper left on the forehead."""
    return flat(
        f"M-52 -24Q-50 {crown + 18} -20 {crown + 9}Q-36 {crown + 22} -42 -22Q-46 -15 -52 -24Z",
        fur.light,
        0.75,
    )


def _cheeks(figure: Figure) -> str:
    strong = 0.5 + 0.15 * figure.shapes["blush"]
    return mirrored(
        f'<ellipse cx="53" cy="31" rx="11" ry="7" fill="#ff7f8c" opacity="{strong:.2f}"/>'
    )


def _cat_ears(figure: Figure, fur: Tones) -> str:
    lean = 4 * figure.shapes["accent"]
    return mirrored(
        filled(f"M12 -58Q32 -100 {57 + lean:.1f} -117Q75 -80 72 -18Z", fur.base, fur.line)
        + flat(f"M28 -60Q40 -88 {56 + lean:.1f} -103Q66 -76 65 -40Z", ear_inside(figure))
        + flat("M26 -56Q36 -66 40 -78Q43 -68 48 -62Q52 -68 54 -76Q56 -60 58 -46Z", fur.light)
    )


def _dog_ears(figure: Figure, fur: Tones) -> str:
    swing = 4 * figure.shapes["accent"]
    return mirrored(
        filled(
            f"M34 -62Q62 -80 80 -46Q98 -8 {92 + swing:.1f} 28Q{86 + swing:.1f} 46 "
            f"{70 + swing:.1f} 36Q58 26 58 -8Q56 -32 34 -62Z",
            fur.shade,
            fur.line,
        )
        + flat(
            f"M62 -58Q76 -48 82 -26Q88 0 {86 + swing:.1f} 22Q78 0 73 -24Q70 -44 62 -58Z",
            fur.base,
            0.75,
        )
    )


def _rabbit_ears(figure: Figure, fur: Tones) -> str:
    lean = 5 * figure.shapes["accent"]
    return "".join(
        f'<g transform="rotate({16 * side + lean:.1f} {24 * side} -50)'
        + (' translate(-48 0)">' if side < 0 else '">')
        + filled("M5 -44C-3 -84 5 -121 24 -121C43 -121 51 -84 43 -44Z", fur.base, fur.line)
        + flat("M14 -50C8 -82 12 -110 24 -110C36 -110 40 -82 34 -50Z", ear_inside(figure))
        + "</g>"
        for side in (-1, 1)
    )


def _bear_ears(figure: Figure, fur: Tones) -> str:
    return _round_ears(figure, fur.base, blend(snouts.pale(fur), PINK, 0.45), fur.line)


def _panda_ears(figure: Figure, fur: Tones) -> str:
    return _round_ears(figure, DARK, "#625970", "#1f1a27")


def _round_ears(figure: Figure, outer: str, inner: str, line: str) -> str:
    r = 25 + 1.5 * figure.shapes["accent"]
    return mirrored(
        f'<circle cx="56" cy="-56" r="{r:.1f}" fill="{outer}" stroke="{line}" stroke-width="3.2"/>'
        f'<circle cx="55" cy="-53" r="{r * 0.58:.1f}" fill="{inner}"/>'
    )


def _fox_ears(figure: Figure, fur: Tones) -> str:
    lean = 4 * figure.shapes["accent"]
    tip = 68 + lean
    return mirrored(
        filled(f"M8 -54Q24 -100 {tip:.1f} -117Q90 -68 76 -10Z", fur.base, fur.line)
        + flat(
            f"M26 -86Q40 -106 {tip - 1:.1f} -116Q80 -94 81 -76Q66 -96 54 -90Q40 -98 26 -86Z", DARK
        )
        + flat(
            "M24 -50Q30 -74 42 -86Q42 -78 48 -74Q54 -82 60 -88Q60 -78 66 -74Q70 -60 68 -26Z",
            "#fffaf3",
        )
        + stroke(f"M13 -64Q30 -102 {tip:.1f} -117Q88 -74 79 -26", fur.line, 3.2)
    )


def _tabby(figure: Figure, fur: Tones) -> str:
    """Stripes of the forehead and the cheeks, and whiskers."""
    a, b = 3 * figure.shapes["strand_a"], 3 * figure.shapes["strand_b"]
    stripe = blend(fur.shade, fur.line, 0.3)
    return flat(
        f"M-5 -67Q0 -69 5 -67Q4 {-44 + a:.1f} 0 {-34 + a:.1f}Q-4 {-44 + a:.1f} -5 -67Z"
        f"M-23 -64Q-18 -67 -13 -66Q-12 -50 {-13 + b:.1f} -42Q-20 -50 -23 -64Z"
        f"M23 -64Q18 -67 13 -66Q12 -50 {13 + b:.1f} -42Q20 -50 23 -64Z"
        "M70 -6Q60 -6 53 2Q62 3 71 3ZM-70 -6Q-60 -6 -53 2Q-62 3 -71 3Z",
        stripe,
    ) + mirrored(stroke("M62 26L93 19M62 34L95 35M60 41L90 50", fur.line, 2.4))


def _blaze(figure: Figure, fur: Tones) -> str:
    """A patch around one eye and a pale stripe up the forehead."""
    grown = 2.5 * figure.shapes["accent"]
    pale = snouts.pale(fur)
    return (
        f'<ellipse cx="33" cy="4" rx="{22 + grown:.1f}" ry="{29 + grown:.1f}" fill="{fur.shade}" '
        'transform="rotate(12 33 4)"/>'
        + flat("M-11 40Q-4 -10 -12 -52Q0 -66 12 -52Q4 -10 11 40Z", pale)
    )


def _blossom(figure: Figure, fur: Tones) -> str:
    """A pale heart on the forehead of a rabbit."""
    high = 3 * figure.shapes["strand_a"]
    return flat(
        f"M0 -26Q-13 {-40 - high:.1f} -6 -48Q0 -52 0 -44Q0 -52 6 -48Q13 {-40 - high:.1f} 0 -26Z",
        snouts.pale(fur),
        0.8,
    )


def _eye_patches(figure: Figure, fur: Tones) -> str:
    turn = 24 + 5 * figure.shapes["accent"]
    return mirrored(
        f'<ellipse cx="34" cy="12" rx="23" ry="29" fill="{DARK}" '
        f'transform="rotate({turn:.1f} 34 12)"/>'
    )


def _mask(figure: Figure, fur: Tones) -> str:
    """The white lower face of a fox, up to the eyes, and the dark nose line between."""

    def at(x: float, y: float) -> str:
        return _shaped(figure, x, y)

    side = f"M{at(97, 29)}" + "".join(
        f"Q{at(cx, cy)} {at(x, y)}" for cx, cy, x, y in DRAWN["fox"].outline[3:]
    )
    return mirrored(
        flat(f"{side}L-1 {at(0, 60).split()[1]}L-1 30Q8 14 22 8Q60 -4 {at(97, 29)}Z", "#fffaf3")
    )


def _plain(figure: Figure, fur: Tones) -> str:
    return ""


_CAT = (
    (42, -68, 60, -36), (71, -14, 70, 6), (76, 14, 86, 18), (80, 24, 75, 28),
    (79, 35, 84, 40), (74, 43, 66, 46), (44, 62, 0, 62),
)  # fmt: skip
_DOG = (
    (46, -70, 60, -38), (68, -14, 68, 16), (69, 30, 76, 38), (68, 42, 63, 43),
    (63, 50, 66, 55), (56, 56, 48, 57), (28, 66, 0, 66),
)  # fmt: skip
_RABBIT = (
    (44, -57, 60, -32), (72, -14, 76, 8), (78, 18, 83, 23), (81, 28, 79, 32),
    (79, 38, 82, 42), (75, 46, 68, 48), (46, 63, 0, 63),
)  # fmt: skip
_BEAR = (
    (50, -70, 68, -36), (79, -12, 80, 14), (80, 22, 85, 28), (81, 32, 78, 34),
    (77, 40, 79, 45), (72, 47, 67, 48), (44, 64, 0, 64),
)  # fmt: skip
_FOX = (
    (38, -64, 56, -38), (68, -18, 71, 0), (80, 18, 97, 29), (88, 33, 82, 34),
    (82, 40, 86, 46), (74, 47, 66, 47), (36, 56, 0, 67),
)  # fmt: skip

DRAWN: dict[str, Animal] = {
    "cat": Animal(_cat_ears, _CAT, _tabby),
    "dog": Animal(_dog_ears, _DOG, _blaze, -70, hanging=True),
    "rabbit": Animal(_rabbit_ears, _RABBIT, _blossom, -57, through_hats=True),
    "bear": Animal(_bear_ears, _BEAR, _plain, -70, through_hats=True),
    "panda": Animal(_panda_ears, _BEAR, _eye_patches, -70, through_hats=True),
    "fox": Animal(_fox_ears, _FOX, _mask, -64),
}
