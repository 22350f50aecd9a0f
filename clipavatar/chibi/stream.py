"""The streams of figures: figure `index` of stream `seed` depends on those two numbers alone.

Some attributes of a figure are forced, to values drawn evenly, so that rare things and rare
combinations are seen (a pink fox, a bald child, a girl with a moustache); the noise decides the
rest as the sampling table has it. A caption says every forced attribute, else the same noise would
mean another picture; what more it says is up to it, see `aimed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from clipavatar.chibi.sample import CHOOSERS, HIDES, PEOPLE, SAMPLING, Figure, _table, figure
from clipavatar.chibi.split import HELD_OUT, held_out_pairs
from clipavatar.config import NOISE_SIZE

FORCED = 0.7  # at most: each figure has its own share, drawn evenly from 0 to this
ABSENT = 0.2  # how often a forced "none" stays: nobody types what is not there


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure and what made it: `figure` is figure(forced, noise)."""

    figure: Figure
    forced: dict[str, str]
    noise: NDArray[np.float32]  # (Z,)


def drawn_of(seed: int, index: int, held_out: bool | None = False) -> Drawn:
    """Figure `index` of stream `seed`: free of held-out pairs of values, or with one or more.

    `held_out` None draws either, as it comes.
    """
    attempt = 0
    while True:
        # a zero at the end would be lost: numpy pads the key of a random stream with zeros
        rng = np.random.default_rng([seed, index, attempt, 2 if held_out else 1])
        forced = _force(rng)
        if held_out:
            pair = dict(HELD_OUT[int(rng.integers(len(HELD_OUT)))])
            rest = {k: v for k, v in forced.items() if not set(HIDES.get((k, v), ())) & set(pair)}
            forced = _consistent({**rest, **pair})
        noise = rng.standard_normal(NOISE_SIZE, dtype=np.float32)
        made = figure(forced, noise)
        if held_out is None or bool(held_out_pairs(made.attributes)) == held_out:
            return Drawn(made, forced, noise)
        attempt += 1


def figure_of(seed: int, index: int, held_out: bool | None = False) -> Figure:
    """The figure alone."""
    return drawn_of(seed, index, held_out).figure


def _force(rng: np.random.Generator) -> dict[str, str]:
    """A random share of the attributes with values drawn evenly."""
    share = rng.uniform(0, FORCED)
    forced = {}
    for name, draw, place, absent in zip(_VALUES, *rng.random((3, len(_VALUES))), strict=True):
        value = _VALUES[name][int(place * len(_VALUES[name]))]
        if draw < share and (value != "none" or absent < ABSENT):
            forced[name] = value
    return _consistent(forced)


_VALUES = {name: tuple(table) for name, table in SAMPLING.items()}
_VALUES["character"] += 2 * PEOPLE  # whom people ask for most


def _consistent(said: Mapping[str, str]) -> dict[str, str]:
    """`said` in the order of SAMPLING, without what its earlier values leave no place for."""
    kept: dict[str, str] = {}
    hidden: set[str] = set()
    for name in SAMPLING:
        if name in said and name not in hidden:
            kept[name] = said[name]
            hidden.update(HIDES.get((name, said[name]), ()))
    return {name: value for name, value in kept.items() if name not in hidden}


# --- the same figure said in other words


def aimed(
    said: Mapping[str, str],
    attributes: Mapping[str, str],
    noise: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """`noise` (Z,) with its choosers drawn anew, so that with `said` it names these attributes.

    Saying more changes how the noise is read: "blue eyes" rules out a laughing face, and the
    other expressions move up. So the chooser of every unsaid attribute is drawn from the stretch
    that now means its value, and the others at random, to give nothing away. Raises ValueError
    where no noise means a value: what is forced must be said, and an animal whose colour is said.
    """
    made = noise.copy()
    normal, even = rng.standard_normal(len(CHOOSERS)), rng.random(len(CHOOSERS))
    character = attributes.get("character", "")
    for i, (name, entry) in enumerate(CHOOSERS.items()):
        if name in said or name not in attributes:
            made[entry] = normal[i]
            continue
        value = attributes[name]
        stretch = _stretches(name, character, _said_of(name, said)).get(value)
        if stretch is None:
            raise ValueError(f"{name} {value!r} must be said: the noise never chooses it here")
        low, high = stretch
        made[entry] = _NORMAL.inv_cdf(low + (high - low) * (0.001 + 0.998 * float(even[i])))
    return made


_NORMAL = NormalDist()
# What the choice of an unsaid attribute looks at: the attributes that one of its values hides.
_MATTERS = {
    name: {other for key, hidden in HIDES.items() if key[0] == name for other in hidden}
    | ({"hair_colour"} if name == "character" else set())
    for name in SAMPLING
}


def _said_of(name: str, said: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(other for other in said if other in _MATTERS[name])


@lru_cache(20_000)
def _stretches(name: str, character: str, said: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Value -> the share of the normal distribution, from and to, that chooses it."""
    chosen = {"character": character} if name != "character" else {}
    table = _table(name, chosen, dict.fromkeys(said, ""))
    total = sum(table.values())
    stretches, low = {}, 0.0
    for value, weight in table.items():
        stretches[value] = (low, low + weight / total)
        low += weight / total
    return stretches
