"""What is worn on the head: SVG in head coordinates, behind or in front of the hair.

Adding one is one entry in WORN. All is drawn for hair whose crown is at y = -87 and whose temples
are at x = +-69; `_seated` moves it onto larger hair, a bald head or an animal's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clipavatar.chibi import animals, hats
from clipavatar.chibi.headpieces import (
    bow,
    cat_ears,
    flower,
    fox_ears,
    hairband,
    halo_before,
    halo_behind,
    headphones,
    horns,
    rabbit_ears,
)
from clipavatar.chibi.sample import ANIMALS, Figure

Part = Callable[[Figure], str]


class Worn(NamedTuple):
    """The two layers of an item, and how it sits."""

    behind: Part
    before: Part
    floats: bool = False  # stays where it is whatever the head
    covers: bool = False  # a hat over the crown: some animals' ears come through it


def behind(figure: Figure) -> str:
    """The layer behind hair and head."""
    worn = WORN[figure.attributes["head"]]
    return _seated(figure, worn, worn.behind(figure))


def before(figure: Figure) -> str:
    """The layer over the hair."""
    worn = WORN[figure.attributes["head"]]
    drawn = _seated(figure, worn, worn.before(figure))
    if worn.covers and figure.attributes["character"] in ANIMALS:
        return drawn + animals.ears_over_hat(figure)
    return drawn


# Width of an item and how far it moves down, where the crown is not that of plain hair.
SEATS = {"bald": (0.92, 13.0), "curly hair": (1.09, -1.0), "spiky hair": (1.06, -1.0)}
ANIMAL_SEAT = (0.98, 15.0)


def _seated(figure: Figure, worn: Worn, drawn: str) -> str:
    """Moved and widened to fit what is below it."""
    if figure.attributes["character"] in ANIMALS:
        wide, down = ANIMAL_SEAT
    else:
        wide, down = SEATS.get(figure.attributes["hair"], (1.0, 0.0))
    if not drawn or worn.floats or (wide, down) == (1.0, 0.0):
        return drawn
    return f'<g transform="translate(0 {down}) scale({wide} 1)">{drawn}</g>'


def _nothing(figure: Figure) -> str:
    return ""


WORN: dict[str, Worn] = {
    "none": Worn(_nothing, _nothing),
    "cat ears": Worn(_nothing, cat_ears),
    "rabbit ears": Worn(_nothing, rabbit_ears),
    "fox ears": Worn(_nothing, fox_ears),
    "bow": Worn(_nothing, bow),
    "hairband": Worn(_nothing, hairband),
    "beanie": Worn(_nothing, hats.beanie, covers=True),
    "cap": Worn(_nothing, hats.cap, covers=True),
    "witch hat": Worn(hats.witch_brim, hats.witch_hat, covers=True),
    "crown": Worn(_nothing, hats.crown),
    "flower": Worn(_nothing, flower),
    "headphones": Worn(_nothing, headphones),
    "halo": Worn(halo_behind, halo_before, floats=True),
    "horns": Worn(_nothing, horns),
}
