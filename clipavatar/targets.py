"""Where a text stands in CLIP's space, and what the noise may choose where it says nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from math import gcd
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.sample import CHOOSERS, SAMPLING, SHAPES, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.latents import mean_direction
from clipavatar.prompts import check_text, describe, expand, templates, understand
from clipavatar.syntax import Prompt, attributes, parse

CHUNK = 8  # texts encoded at once: a constant, so that no float depends on how many are asked
NEGATIVE_SHARE = 0.5  # of the negative prompt's direction, which is taken away from the target
TOLD_BY_EYES = ("laughing", "winking", "surprised", "sleepy", "heart eyes", "star eyes")
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: its multiples fill a circle evenly
CLAUSES = re.compile(r"[,，、;；。]")
SPREAD = 9973  # times enlarged, the stretch of an unwanted value falls evenly on all of them
CHOICES = list(CHOOSERS.values())  # entries of the noise that choose attributes, and nothing else
COLOURS = [SHAPES[name] for name in ("accent", "hair_tone", "clothes_tone")]  # entries, too
TURNS = 64  # tries to find a figure without what the negative prompt names


class TextEncoder(Protocol):
    """What this module needs of a CLIP."""

    def encode_text(self, prompts: list[str]) -> Tensor:
        """P texts -> (P, E), unit length."""


class Target(NamedTuple):
    """What CLIP is asked for."""

    prompts: tuple[str, ...]  # P sentences, those of a weight's comparison not among them
    direction: Tensor  # (E,), unit length
    emphasis: Tensor  # (E,): what weights and the negative prompt added to it; zeros without


def find_target(clip: TextEncoder, text: str, style: str, negative: str = "") -> Target:
    """The direction of `text` (its choices made): its prompts' mean, and from there

    for each weighted part     (weight - 1) * (with the part - without it), so that weight 0 is the
                               text without the part, and 2 goes as far again beyond it
    for the negative prompt    NEGATIVE_SHARE * (a picture of nothing - the negative prompt)

    Differences of two texts, because what all texts have in common would else drown the words.
    Raises ValueError for a text, style or negative prompt that cannot be used.
    """
    blend = parse(check_text(text))
    prompts = [expand(prompt.text, style, language_of(clip)) for prompt in blend]
    wholes = [_direction(clip, written) for written in prompts]
    plain = torch.stack([p.share * whole for p, whole in zip(blend, wholes, strict=True)]).sum(0)
    emphasis = torch.zeros_like(plain)
    for prompt, whole in zip(blend, wholes, strict=True):
        emphasis += prompt.share * _weighted(clip, prompt, whole, style)
    if negative.strip():
        emphasis -= NEGATIVE_SHARE * _away(clip, attributes(blend), negative, style)
    direction = F.normalize(plain + emphasis, dim=-1)
    return Target(tuple(p for written in prompts for p in written), direction, emphasis)


def language_of(clip: TextEncoder) -> str | None:
    """What its prompts are written in; None: in the language of the text."""
    return getattr(clip, "language", None)


def _direction(clip: TextEncoder, prompts: list[str]) -> Tensor:
    return mean_direction(clip.encode_text(prompts))


def _weighted(clip: TextEncoder, prompt: Prompt, whole: Tensor, style: str) -> Tensor:
    """(E,): what the weights of one prompt add to `whole` (E,), its direction."""
    added = torch.zeros_like(whole)
    for part in prompt.parts:
        if part.rest:  # a weight on all there is changes nothing, there is nothing to compare with
            rest = expand(part.rest, style, language_of(clip))
            added += (part.weight - 1) * (whole - _direction(clip, rest))
    return added


def _away(clip: TextEncoder, said: list[dict[str, str]], negative: str, style: str) -> Tensor:
    """(E,): from a picture of nothing to the negative prompt. What the text says itself wins: that
    is left out of the negative prompt, and of its own words nothing is kept then.
    """
    directions = []
    for prompt in parse(check_text(negative)):
        known = understand(prompt.text)
        named = {k: v for k, v in known.attributes.items() if k != "background"}
        left = {k: v for k, v in named.items() if all(own.get(k) != v for own in said)}
        if named and not left:
            continue
        language = language_of(clip) or known.language
        names = templates(language)[:3]
        prompts = [describe(left, language, name, style=style) for name in names]
        prompts += [prompt.text] if left == named else []
        nothing = [describe({}, language, name, style=style) for name in names]
        direction = _direction(clip, prompts) - _direction(clip, nothing)
        directions.append(prompt.share * direction)
    return torch.stack(directions).sum(dim=0) if directions else torch.zeros(())


def drawable(said: Mapping[str, str]) -> dict[str, str]:
    """What of it is drawn: all but the background."""
    return {name: value for name, value in said.items() if name in SAMPLING}


# ------------------------------------------------------------------------- what the noise chooses


def steer(noise: Tensor, text: str, seed: int, negative: str = "", diverse: bool = False) -> Tensor:
    """`noise` (N, Z) of one seed with the entries moved that choose what `text` leaves unsaid.

    All rows choose as the first does, colours as well: CLIP shall pick the best drawing of the
    seed's person, not another person, so that one seed through many expressions stays who it is.
    With `diverse`, consecutive seeds choose in turn: any run of as many seeds as an attribute has
    values holds each value once; the character, and what may be "none" (glasses, a hat), keep their
    usual frequencies, spread evenly. Nothing is chosen that `negative` names: of what may be
    "none", no kind at all; and no sunglasses before eyes that tell a said expression. All else
    stays with the noise.
    """
    known: dict[str, str] = {}
    for said in attributes(parse(text)):
        known = drawable(said) | known
    unwanted = _unwanted(negative)
    if known.get("expression") in TOLD_BY_EYES:
        unwanted["glasses"] = unwanted.get("glasses", frozenset()) | {"sunglasses"}
    rows = noise.cpu().numpy().copy()
    rows[:, CHOICES + COLOURS] = rows[0, CHOICES + COLOURS]
    if diverse:
        for name, entry in _in_turn(known, unwanted, seed).items():
            rows[:, CHOOSERS[name]] = entry
    for row in rows if unwanted else ():
        _avoid(row, known, unwanted)
    return torch.from_numpy(rows).to(noise.device)


def _unwanted(negative: str) -> dict[str, frozenset[str]]:
    """attribute -> the values that the noise must not choose, those of every clause."""
    unwanted: dict[str, frozenset[str]] = {}
    prompts = parse(negative) if negative.strip() else ()
    for clause in [clause for prompt in prompts for clause in CLAUSES.split(prompt.text)]:
        for name, value in drawable(understand(clause).attributes).items():
            kinds = {v for v in SAMPLING[name] if v != "none"}
            every = "none" in SAMPLING[name] and value != "none"
            unwanted[name] = unwanted.get(name, frozenset()) | (kinds if every else {value})
    return unwanted


def _avoid(
    row: NDArray[np.float32], known: Mapping[str, str], unwanted: Mapping[str, Collection[str]]
) -> None:
    """Turn the entries of `row` (Z,) that chose something unwanted, until they no longer do."""
    for _ in range(TURNS):
        drawn = figure(known, row).attributes
        wrong = [n for n, values in unwanted.items() if n not in known and drawn.get(n) in values]
        if not wrong:
            return
        for name in wrong:
            position = NormalDist().cdf(float(row[CHOOSERS[name]])) * SPREAD + GOLDEN / 2**64
            row[CHOOSERS[name]] = _entry(position % 1)


def _in_turn(
    known: Mapping[str, str], unwanted: Mapping[str, frozenset[str]], seed: int
) -> dict[str, float]:
    """attribute -> the entry that gives the picture of `seed` its turn's value."""
    entries = {}
    for name in SAMPLING:
        if name in known:
            continue
        chance = random.Random(name)
        start = int(chance.random() * 2**64)
        positions = _places(name, tuple(known.items()), unwanted.get(name, frozenset()))
        if "none" in SAMPLING[name] or name == "character" or not positions:
            entries[name] = _entry((start + seed * GOLDEN) % 2**64 / 2**64)
        else:
            count = len(positions)
            step = next(
                s for s in range(max(1, round(count * 0.382)), count + 2) if gcd(s, count) == 1
            )
            entries[name] = _entry(positions[(start + seed * step) % count])
    return entries


@lru_cache(maxsize=10_000)
def _places(
    name: str, known: tuple[tuple[str, str], ...], unwanted: frozenset[str]
) -> tuple[float, ...]:
    """Where each value lies in [0, 1] that the noise can give `name` beside what is known."""
    said, row = dict(known), np.zeros(NOISE_SIZE, dtype=np.float32)
    found: dict[str, list[float]] = {}
    for place in (np.arange(400) + 0.5) / 400:
        row[CHOOSERS[name]] = _entry(float(place))
        found.setdefault(figure(said, row).attributes.get(name, ""), []).append(float(place))
    middles = {value: places[len(places) // 2] for value, places in found.items()}
    return tuple(middles[v] for v in SAMPLING[name] if v in middles and v not in unwanted)


def _entry(place: float) -> float:
    """The standard normal number below which the share `place` of all lies."""
    return NormalDist().inv_cdf(min(max(place, 1e-6), 1 - 1e-6))
