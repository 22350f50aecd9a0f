"""Where a text stands in CLIP's space, and what the noise may choose where it says nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from math import gcd
from statistics import NormalDist
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.labels import SIZES, labels_of
from clipavatar.chibi.sample import CHOOSERS, SAMPLING, SHAPES, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.latents import mean_direction
from clipavatar.prompts import check_text, describe, expand, templates, understand
from clipavatar.syntax import Prompt, attributes, parse

CHUNK = 8  # texts encoded at once: a constant, so that no float depends on how many are asked
OWN_WORDS = 0.25  # share of the text as it stands in a target that was completed
NEGATIVE_SHARE = 0.5  # of the negative prompt's direction, which is taken away from the target
WHOLE = ("hair", "fringe", "glasses", "head", "clothes")  # drawn whole or not at all in a blend
TOLD_BY_EYES = ("laughing", "winking", "surprised", "sleepy", "heart eyes", "star eyes")
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: its multiples fill a circle evenly
CLAUSES = re.compile(r"[,，、;；。]")
SPREAD = 9973  # times enlarged, the stretch of an unwanted value falls evenly on all of them
CHOICES = list(CHOOSERS.values())  # entries of the noise that choose attributes, and nothing else
COLOURS = [SHAPES[name] for name in ("accent", "hair_tone", "clothes_tone")]  # entries, too
LOUD = 0.4  # power of a weight above 1: at twice as loud tips reach the fringe, dark skin is black
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


class Completed(NamedTuple):
    """What N pictures shall show: what the text says, and what each row of noise adds to it."""

    words: Tensor  # (N, E), unit length
    told: Tensor  # (N, values): the same as the generator is told it, see `spaces.Latent`


def find_target(clip: TextEncoder, text: str, style: str, negative: str = "") -> Target:
    """The direction of `text` (its choices made): its prompts' mean, and from there

    for each weighted part     (weight - 1) * (with the part - without it), so that weight 0 is the
                               text without the part, and 2 goes as far again beyond it
    for the negative prompt    NEGATIVE_SHARE * (a picture of nothing - the negative prompt)

    Differences of two texts, because what all texts have in common would else drown the words.
    Raises ValueError for a text, style or negative prompt that cannot be used.
    """
    blend = parse(check_text(text))
    prompts = [expand(prompt.text, style, _language(clip)) for prompt in blend]
    wholes = [_direction(clip, written) for written in prompts]
    plain = torch.stack([p.share * whole for p, whole in zip(blend, wholes, strict=True)]).sum(0)
    emphasis = torch.zeros_like(plain)
    for prompt, whole in zip(blend, wholes, strict=True):
        emphasis += prompt.share * _weighted(clip, prompt, whole, style)
    if negative.strip():
        emphasis -= NEGATIVE_SHARE * _away(clip, attributes(blend), negative, style)
    direction = F.normalize(plain + emphasis, dim=-1)
    return Target(tuple(p for written in prompts for p in written), direction, emphasis)


def _language(clip: TextEncoder) -> str | None:
    """What its prompts are written in; None: in the language of the text."""
    return getattr(clip, "language", None)


def _direction(clip: TextEncoder, prompts: list[str]) -> Tensor:
    return mean_direction(clip.encode_text(prompts))


def _weighted(clip: TextEncoder, prompt: Prompt, whole: Tensor, style: str) -> Tensor:
    """(E,): what the weights of one prompt add to `whole` (E,), its direction."""
    added = torch.zeros_like(whole)
    for part in prompt.parts:
        if part.rest:  # a weight on all there is changes nothing, there is nothing to compare with
            rest = expand(part.rest, style, _language(clip))
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
        language = _language(clip) or known.language
        names = templates(language)[:3]
        prompts = [describe(left, language, name, style=style) for name in names]
        prompts += [prompt.text] if left == named else []
        nothing = [describe({}, language, name, style=style) for name in names]
        direction = _direction(clip, prompts) - _direction(clip, nothing)
        directions.append(prompt.share * direction)
    return torch.stack(directions).sum(dim=0) if directions else torch.zeros(())


def complete(
    clip: TextEncoder,
    text: str,
    noise: Tensor,
    target: Tensor,
    emphasis: Tensor | None = None,
) -> Completed:
    """What `text` says, and what each row of noise (N, Z) adds to it, in words and as numbers.

    Where the noise has names, its entries decide what is unsaid, in training as here. Saying it
    in words as well spares the network the border between two hairstyles, where it draws both.
    The text's own direction stays in, so that no word of it is lost.
    """
    blend = parse(text)
    wanted = OWN_WORDS * target if emphasis is None else OWN_WORDS * target + emphasis
    rows = noise.cpu().numpy()
    words = torch.zeros(len(rows), len(target), device=target.device)
    told = []
    for prompt, said in zip(blend, attributes(blend), strict=True):
        known, language = _drawable(said), _language(clip) or understand(prompt.text).language
        stories = _stories(known, rows)
        prompts = [describe(story, language) for story in stories]
        once = list(dict.fromkeys(prompts))  # one, as a rule: all rows of a seed choose alike
        parts = [once[i : i + CHUNK] for i in range(0, len(once), CHUNK)]
        encoded = torch.cat([clip.encode_text(part) for part in parts])
        words += prompt.share * encoded[[once.index(one) for one in prompts]]
        told.append(_told(stories, weights(prompt, known)))
    blended = _blended(torch.stack(told), [prompt.share for prompt in blend])
    return Completed(F.normalize(words + wanted, dim=-1), blended.to(target.device))


def _stories(known: Mapping[str, str], rows: NDArray[np.float32]) -> list[dict[str, str]]:
    """What is drawn from each row of noise (N, Z); rows that choose alike are told once."""
    keys = [choice.tobytes() for choice in rows[:, CHOICES]]
    alike = dict(zip(keys, rows, strict=True))
    told = {key: _story(known, row) for key, row in alike.items()}
    return [told[key] for key in keys]


def _story(known: Mapping[str, str], row: NDArray[np.float32]) -> dict[str, str]:
    """What is there, and what is known not to be: as full captions are in training."""
    drawn = figure(known, row).attributes
    return {name: value for name, value in drawn.items() if value != "none" or name in known}


def _told(stories: Sequence[Mapping[str, str]], weight: Mapping[str, float]) -> Tensor:
    """Stories of N pictures -> (N, values): 0, and for what is told as much as its weight says.

    The generator draws half of what is told by half: fainter freckles, shorter ears. Of more than 1
    it was never told in training, so it takes little of that; see LOUD.
    """
    labels = torch.tensor([labels_of(story) for story in stories])
    loud = [weight.get(name, 1.0) for name in SAMPLING]
    each = [
        F.one_hot(column + 1, size + 1)[:, 1:] * min(much, much**LOUD)
        for column, size, much in zip(labels.T, SIZES, loud, strict=True)
    ]
    return torch.cat(each, dim=1)


def _blended(told: Tensor, shares: Sequence[float]) -> Tensor:
    """What each of P prompts tells (P, N, values), and their shares -> (N, values).

    Colours, characters and what is on a face mix, between the prompts that tell any; of two hats
    half each is debris, so of what is in WHOLE the one with the greatest share is told, the first
    of equals.
    """
    made = []
    for name, each in zip(SAMPLING, torch.split(told, SIZES, dim=2), strict=True):
        share = each.new_tensor(shares)[:, None, None] * (each > 0).any(dim=2, keepdim=True)
        mixed = (share * each).sum(dim=0) / share.sum(dim=0).clamp(min=1e-9)
        first = F.one_hot(mixed.argmax(dim=1), mixed.shape[1])
        made.append(each.amax(dim=0) * first if name in WHOLE else mixed)
    return torch.cat(made, dim=1)


def reads_values(generator: Any) -> bool:
    """Whether it reads the values of the sampling table off the words, so that labels fit."""
    return list(getattr(getattr(generator, "config", None), "reads", ())) == SIZES


def weights(prompt: Prompt, said: Mapping[str, str]) -> dict[str, float]:
    """How strongly a text says each of the attributes: the weights of the parts, multiplied,

    without which it would not say it.
    """
    found = dict.fromkeys(said, 1.0)
    for part in prompt.parts:
        left = understand(part.rest).attributes if part.rest else said
        for name, value in said.items():
            found[name] *= part.weight if left.get(name) != value else 1
    return found


def _drawable(said: Mapping[str, str]) -> dict[str, str]:
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
        known = _drawable(said) | known
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
        for name, value in _drawable(understand(clause).attributes).items():
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
