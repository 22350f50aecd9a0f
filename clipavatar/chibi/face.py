"""Head, ears, nose, cheeks and mouth of people: SVG in head coordinates (chin down)."""

from __future__ import annotations

from typing import NamedTuple

from clipavatar.chibi import mouths
from clipavatar.chibi.palette import Tones, blush_colour, skin_tones
from clipavatar.chibi.sample import Figure


class Build(NamedTuple):
    """The bones of a face. `cheek` and `jaw` pull the outline from the temple to the corner of
    the jaw, `low` and `tip` from there to the chin; all are points of the right half."""

    width: float  # half width at the temples
    chin: float
    cheek: tuple[float, float]
    jaw: tuple[float, float]
    corner: tuple[float, float]
    low: tuple[float, float]
    tip: float  # half width over which the chin is flat
    mouth: float  # height of the mouth
    nose: str
    blush: float
    blush_at: tuple[float, float]
    ear: float  # size


_SMALL_NOSE = "M-2.6 28.5q2.6 2.6 5.2 0"
BUILDS = {
    "girl": Build(
        *(63, 62, (66, 20), (61, 42), (39, 52.5), (24, 59.5), 4, 43.5),
        nose=_SMALL_NOSE,
        blush=0.5,
        blush_at=(42.5, 33.5),
        ear=0.9,
    ),
    "boy": Build(
        *(63.5, 63, (64, 18), (61, 37), (49, 48), (38, 58), 14, 45.5),
        nose="M-3 27Q-5.5 32 0 32.5",
        blush=0.22,
        blush_at=(43, 36.5),
        ear=1.12,
    ),
    "woman": Build(
        *(61, 73, (61, 14), (55, 35), (38, 53), (22, 69), 6, 52),
        nose="M2.5 17Q4.5 26 5.5 31M-4.5 35.5q4 3 8 0",
        blush=0.34,
        blush_at=(36, 35),
        ear=0.85,
    ),
    "man": Build(
        *(63, 71, (64, 14), (64, 34), (57.5, 48), (49, 65), 23, 52.5),
        nose="M-4 5Q-4 22 -8.5 31.5Q-5 37 4.5 34.5",
        blush=0.0,
        blush_at=(41, 38),
        ear=1.15,
    ),
}


def head(figure: Figure) -> str:
    """Ears and the face itself: light from the upper left, shade along the right of the jaw."""
    skin, build = skin_tones(figure), BUILDS[figure.attributes["character"]]
    return (
        _ears(figure, build, skin)
        + f'<path d="{outline(figure)}" fill="url(#skin)"/>'
        + _shade(figure, build, skin)
        + f'<path d="{outline(figure)}" fill="none" stroke="{skin.line}" stroke-width="3.2"/>'
        + _cheeks(figure, build)
        + _nose(figure, build, skin)
    )


def mouth(figure: Figure) -> str:
    """The mouth of the expression at this face's height."""
    return mouths.mouth(figure, BUILDS[figure.attributes["character"]].mouth)


def outline(figure: Figure) -> str:
    """The closed outline of the face."""
    b = BUILDS[figure.attributes["character"]]
    return (
        f"M{-_width(figure, b):.1f} -8C{-_width(figure, b):.1f} -52 {-b.width * 0.6:.1f} -72 0 -72"
        f"C{b.width * 0.6:.1f} -72 {_width(figure, b):.1f} -52 {_width(figure, b):.1f} -8"
        f"{jaw_line(figure, 1)}H{-b.tip}{jaw_line(figure, -1)}Z"
    )


def jaw_line(figure: Figure, side: int, out: float = 0.0) -> str:
    """Path commands down the right of the jaw (side 1, from the temple) or up the left (-1).

    `out` widens the line, for what grows on the jaw.
    """
    b = BUILDS[figure.attributes["character"]]
    d = 1.6 * figure.shapes["head_width"] + out
    chin = b.chin + 1.6 * figure.shapes["chin"] + out
    temple = f"{side * (_width(figure, b) + out):.1f} -8"
    cheek = f"{side * (b.cheek[0] + d):.1f} {b.cheek[1]}"
    jaw = f"{side * (b.jaw[0] + d):.1f} {b.jaw[1]}"
    corner = f"{side * (b.corner[0] + d):.1f} {b.corner[1] + out:.1f}"
    low = f"{side * (b.low[0] + d):.1f} {b.low[1] + out:.1f}"
    flat = f"{side * (b.tip + 10):.1f} {chin:.1f}"
    tip = f"{side * b.tip:.1f} {chin:.1f}"
    if side > 0:
        return f"C{cheek} {jaw} {corner}C{low} {flat} {tip}"
    return f"C{flat} {low} {corner}C{jaw} {cheek} {temple}"


def _width(figure: Figure, build: Build) -> float:
    return build.width + 1.6 * figure.shapes["head_width"]


def _shade(figure: Figure, build: Build, skin: Tones) -> str:
    """A crescent of shade along the right of the jaw; the bones of a man's cheeks; a light."""
    w, (x, y) = _width(figure, build), build.corner
    bones = (
        "M-57 30Q-45 33 -39 44Q-46 38 -57 36ZM57 30Q45 33 39 44Q46 38 57 36Z"
        if figure.attributes["character"] == "man"
        else ""
    )
    return (
        f'<path d="M{w:.1f} -8{jaw_line(figure, 1)}H{-build.tip}'
        f"Q{x * 0.5:.1f} {build.chin - 3:.1f} {x - 6:.1f} {y - 6:.1f}"
        f'Q{w - 5:.1f} 22 {w:.1f} -8Z{bones}" fill="{skin.shade}" opacity=".7"/>'
        f'<path d="M-50 -30Q-42 -54 -20 -60Q-34 -48 -40 -28Q-44 -20 -50 -30Z" '
        f'fill="{skin.light}"/>'
    )


def _ears(figure: Figure, build: Build, skin: Tones) -> str:
    drawn = ""
    for side in (-1, 1):
        x = _width(figure, build) - 3
        drawn += (
            f'<g transform="translate({side * x:.1f} 12) scale({side * build.ear:.2f} {build.ear})">'
            f'<path d="M0 -11C6 -19 14 -14 14 -2C14 11 7 16 0 12Z" fill="{skin.base}" '
            f'stroke="{skin.line}" stroke-width="3"/>'
            f'<path d="M4 -6Q11 -8 8 2Q7 5 3 6Z" fill="{skin.shade}"/></g>'
        )
    return drawn


def _cheeks(figure: Figure, build: Build) -> str:
    """The usual blush; shy faces and marks bring a stronger one of their own."""
    glad = figure.attributes["expression"] in ("smiling", "laughing", "winking")
    opacity = build.blush + 0.1 * figure.shapes["blush"] + (0.14 if glad else 0.0)
    x, y = build.blush_at
    return "".join(
        f'<ellipse cx="{side * x}" cy="{y}" rx="11" ry="6.4" fill="{blush_colour(figure)}" '
        f'opacity="{max(0.0, opacity):.2f}"/>'
        for side in (-1, 1)
    )


def _nose(figure: Figure, build: Build, skin: Tones) -> str:
    shadow = (
        f'<path d="M-1 6Q3 20 9 30Q7 37 -7 33Q0 31 -1 6Z" fill="{skin.shade}"/>'
        if figure.attributes["character"] == "man"
        else ""
    )
    return (
        f'{shadow}<path d="{build.nose}" fill="none" stroke="{skin.line}" stroke-width="2.5" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )
