"""mode="optimize": what a search is given for a text."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.labels import PLACES
from clipavatar.chibi.sample import CHOOSERS, HIDES, SAMPLING, unseen
from clipavatar.clip import load_clip
from clipavatar.contest import MISSED, Losses
from clipavatar.goals import ImageEncoder, Reader, goal_of, held_out_judge, losses, probe_losses
from clipavatar.keeping import hold_of
from clipavatar.latents import Found, Search, search
from clipavatar.prompts import describe, understand
from clipavatar.spaces import Generator, Latent, Space, draw, make_space, turned_up
from clipavatar.syntax import attributes, parse, weights
from clipavatar.targets import CHUNK, COLOURS, TextEncoder, find_target, language_of
from clipavatar.telling import reads_values

SPACE = "noise+volume"
TURNED_UP = (1.3, 1.7, 2.2, 2.8)  # times as loud a start is told what CLIP misses
TURNED_DOWN = (1.0, 0.9, 0.8)  # times as loud all else
TOGETHER = 3  # things that are turned up at once, at most
NAMINGS = 3  # sentences that name a value alone
OWN_WORDS_STYLE = "words"  # of prompts/templates.toml: the text as it stands


class Encoder(TextEncoder, ImageEncoder, Reader, Protocol):
    """A CLIP."""


def refining(time_budget: float | None, judge: str) -> dict[str, Any]:
    """The settings of a search beside its steps. Raises ValueError."""
    made: dict[str, Any] = {}
    if time_budget is not None:
        if isinstance(time_budget, bool) or not 0 < time_budget < 1e6:
            raise ValueError(f"time_budget must be a number of seconds, not {time_budget!r}")
        made["time_budget"] = float(time_budget)
    return made | ({"judge": judge} if judge else {})


def load_judge(name: str, device: str) -> Encoder | None:
    """Another CLIP, by the names that `load_clip` knows, the last one kept; None for none.

    Raises FileNotFoundError, ValueError.
    """
    return _loaded(name, device) if name else None


@lru_cache(maxsize=1)
def _loaded(name: str, device: str) -> Encoder:
    return load_clip(name, device)


def refine(
    generator: Generator,
    clip: Encoder,
    settings: Mapping[str, Any],
    start: Latent,
    target: Tensor,
    named: bool,
    second: Encoder | None = None,
    space: str = SPACE,
    how: Search | None = None,
    begun: float | None = None,
    face: Tensor | None = None,
) -> Found:
    """Move a latent of one towards `target` (E,) as an avatar's settings ask for it.

    What CLIP misses is told louder first, TURNED_UP and TURNED_DOWN; the best start is moved.

    `named`: the noise's entries have the names of chibi/sample.py. Those that choose attributes
    stay then: their choices are in the words already; and those that choose colours do: they are
    the seed's. `second` is another CLIP, which decides in place of the first one's held-out views.
    The time that may be taken counts from `begun`, a reading of time.monotonic; None: from now.
    `face` (1, C, R, R) is the start's picture, where it has been drawn already.
    It ends when the judging CLIP misses nothing, unless there is a negative prompt. See `search`.
    """
    begun = time.monotonic() if begun is None else begun
    text, style, seed = settings["text"], settings["style"], settings["seed"]
    how = how or Search(settings["steps"], settings.get("time_budget", math.inf))
    rivals, loud = value_rivals(clip, text, style), said_values(generator, text, style)
    misses = [] if loud and "stress" not in space else near_misses(clip, text, style)
    towards = F.normalize(target + start.words[0], dim=0)  # the text, and what the noise adds to it
    goal = goal_of(target, towards, rivals)
    stress = torch.stack([-away.mean(dim=0) for away in misses]) if misses else None
    stays = {*CHOOSERS.values(), *COLOURS} if named else set()
    free = [i for i in range(start.noise.shape[1]) if i not in stays]
    judging, judged = clip, goal
    if second is not None:
        theirs = find_target(second, text, style, settings.get("negative", "")).direction
        judging, judged = second, goal_of(theirs, rivals=value_rivals(second, text, style))
    judge = held_out_judge(judging, judged, seed, how.rivals)
    with torch.no_grad():
        first = draw(generator, start) if face is None else face

    lacks = lacks_of(judging, text, style)
    missed = [] if lacks is None else (lacks(first)[0] > MISSED).nonzero().flatten().tolist()
    shy = [loud[i] for i in missed if loud and _told(start, loud[i]) <= 1][:TOGETHER]
    starts = turned_up(generator, start, shy, TURNED_UP, TURNED_DOWN)

    def around(latent: Latent) -> Space:
        return make_space(space, generator, latent, free, stress, loud)

    hold = hold_of(first, text, settings.get("keep", ""))
    if settings.get("negative"):
        lacks = None  # which does not know of it
    how = replace(how, seconds=how.seconds - (time.monotonic() - begun))
    given = (starts, around, judge, how, hold, lacks, seed)
    return search(generator, clip, goal, *given, face=first)


def _told(latent: Latent, place: int) -> float:
    """How much of a value the generator is told; a weight may have made it more than 1."""
    return 1.0 if latent.told is None else float(latent.told[0, place])


def said_values(generator: Generator, text: str, style: str = "") -> list[int]:
    """Places of what `text` says among the values that the generator is told; see `near_misses`.

    Nothing where it is told none, or others than those of the sampling table.
    """
    if not reads_values(generator):
        return []
    said, others = _alternatives(text, style)
    return [PLACES[name, said[name]] for name in others]


def near_misses(clip: TextEncoder, text: str, style: str = "") -> list[Tensor]:
    """For each attribute that `text` says: from the text to the same with another value, (K, E).

    Differences of whole descriptions: what they have in common falls away. Nothing for a blend,
    which is between two values on purpose, for what a weight below 1 weakens on purpose, for the
    style of a person's own words, and nothing where no word is understood.
    """
    said, others = _alternatives(text, style)
    if not others:
        return []
    language = _written(clip, text)
    texts = [describe(said, language)]
    texts += [describe({**said, n: v}, language) for n, values in others.items() for v in values]
    whole, *rest = torch.split(_encoded(clip, texts), [1, *map(len, others.values())])
    return [other - whole for other in rest]


def value_rivals(clip: TextEncoder, text: str, style: str = "") -> list[Tensor]:
    """For each attribute that `text` says: from its value named alone to the others, (K, E).

    Of the same attributes as `near_misses`. Each value is named by NAMINGS sentences, whose mean
    counts, as in zero-shot classification: our CLIP tells pictures by these more surely than by
    whole descriptions that differ in a word.
    """
    said, others = _alternatives(text, style)
    language = _written(clip, text)
    found = []
    for name, values in others.items():
        named = _named(clip, name, language)
        found.append(torch.stack([named[value] for value in values]) - named[said[name]])
    return found


def lacks_of(clip: Encoder, text: str, style: str = "") -> Losses | None:
    """What says how much each attribute that `text` says loses in a picture; see `goals.losses`.

    The CLIP's linear probe, where it has one that knows all these values, else the texts that name
    them; None where nothing is understood.
    """
    said, others = _alternatives(text, style)
    if not others:
        return None
    names = getattr(getattr(clip, "probe", None), "names", ())
    known = {name: place for place, name in enumerate(names)}
    asked = [[f"{n}={v}" for v in (said[n], *values)] for n, values in others.items()]
    if all(value in known for values in asked for value in values):
        return partial(probe_losses, clip, [[known[value] for value in one] for one in asked])
    return partial(losses, clip, value_rivals(clip, text, style))


Heard = dict[tuple[str, str], dict[str, Tensor]]  # (attribute, language) -> value -> (E,)
_heard: WeakKeyDictionary[Any, Heard] = WeakKeyDictionary()  # by CLIP


@torch.no_grad()
def _named(clip: TextEncoder, name: str, language: str) -> dict[str, Tensor]:
    """What names each value of an attribute alone: unit vectors (E,), kept while the CLIP is."""
    heard = _heard.setdefault(clip, {})
    if (name, language) not in heard:
        values, sentences = SAMPLING[name], range(NAMINGS)
        texts = [describe({name: value}, language, s) for value in values for s in sentences]
        encoded = _encoded(clip, texts).reshape(len(values), NAMINGS, -1)
        heard[name, language] = dict(
            zip(values, F.normalize(encoded.mean(dim=1), dim=-1), strict=True)
        )
    return heard[name, language]


def _alternatives(text: str, style: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What `text` says, and for each attribute what it could say instead. See `near_misses`."""
    blend = parse(text)
    if len(blend) > 1 or style == OWN_WORDS_STYLE:
        return {}, {}
    said = {name: value for name, value in attributes(blend)[0].items() if name in SAMPLING}
    strong, hidden = weights(blend)[0], unseen(said)
    shown = [name for name in said if strong[name] >= 1 and name not in hidden]
    others = {n: [v for v in SAMPLING[n] if _fits(n, v, said)] for n in shown}
    return said, {name: values for name, values in others.items() if values}


def _written(clip: TextEncoder, text: str) -> str:
    """The language of the descriptions that this CLIP is to read."""
    return language_of(clip) or understand(parse(text)[0].text).language


def _encoded(clip: TextEncoder, texts: list[str]) -> Tensor:
    """(P, E), CHUNK texts at once."""
    return torch.cat([clip.encode_text(texts[i : i + CHUNK]) for i in range(0, len(texts), CHUNK)])


def _fits(name: str, value: str, said: Mapping[str, str]) -> bool:
    """Another value, which leaves room for everything else that is said."""
    return value != said[name] and not any(n in said for n in HIDES.get((name, value), ()))
