"""The hairstyles: each a layer behind head and body, and one in front of the face.

Adding one is one entry in HAIRSTYLES.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clipavatar.chibi import hair_long as long
from clipavatar.chibi import hair_short as short
from clipavatar.chibi import hair_tied as tied
from clipavatar.chibi.hair_fringe import Cap, draw_cap, outline
from clipavatar.chibi.palette import Tones
from clipavatar.chibi.sample import Figure

Draw = Callable[[Figure, Tones], str]


class Hairstyle(NamedTuple):
    """Two layers, figure and tones -> SVG, and where a second colour of the ends begins."""

    back: Draw
    front: Draw
    outline: Callable[[Figure], str]  # of what throws a shadow on the forehead
    ends: tuple[float, float]  # y of the border, in front and behind
    rim: float = 0.0  # its radius, for tips that point to all sides


def _capped(
    cap: Cap, back: Draw, front: Draw, ends: tuple[float, float], rim: float = 0.0
) -> Hairstyle:
    """A style with hair on the skull; `front` is what it adds before that."""
    return Hairstyle(
        back,
        lambda figure, colours: draw_cap(figure, cap, colours) + front(figure, colours),
        lambda figure: outline(figure, cap),
        ends,
        rim,
    )


_SMOOTH = Cap(locks=6, notch=6)
_UP = Cap(drop=10, locks=5, notch=8)  # tied hair: the ears are free

HAIRSTYLES: dict[str, Hairstyle] = {
    "twin tails": _capped(_UP, tied.twin_back, tied.twin_front, (40, 40)),
    "ponytail": _capped(_UP, tied.ponytail_back, tied.ponytail_front, (34, 34)),
    "side ponytail": _capped(_UP, tied.side_back, tied.side_front, (66, 48)),
    "bob": _capped(
        Cap(width=81, height=88, drop=30, locks=7, notch=5),
        short.bob_back,
        short.bob_front,
        (26, 26),
    ),
    "long hair": _capped(_SMOOTH, long.long_back, long.long_front, (44, 50)),
    "wavy hair": _capped(_SMOOTH, long.wavy_back, long.wavy_front, (46, 48)),
    "short hair": _capped(Cap(66, 82, 4, 5, 9, 0.5), short.short_back, short.short_front, (-32, 8)),
    "spiky hair": _capped(
        Cap(locks=4, notch=16, rough=1, drop=14, outlined=False),
        short.spiky_back,
        short.spiky_front,
        (-24, 30),
        88,
    ),
    "buns": _capped(_UP, tied.buns_back, tied.buns_front, (-26, 30)),
    "braids": _capped(_SMOOTH, tied.braids_back, tied.braids_front, (54, 48)),
    "curly hair": Hairstyle(short.curly_back, short.curly_front, short.curly_outline, (26, 26)),
    "hime cut": _capped(Cap(width=71), long.hime_back, long.hime_front, (14, 50)),
    "messy hair": _capped(
        Cap(locks=6, notch=12, rough=1, drop=16, outlined=False),
        short.messy_back,
        short.messy_front,
        (-24, 30),
        88,
    ),
    "bald": Hairstyle(short.nothing, short.bald_front, lambda figure: "", (0, 0)),
}
