"""mode="optimize": what a search is given for a text, what it keeps, and where it goes on from."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar import __version__
from clipavatar.chibi.sample import CHOOSERS, HIDES, SAMPLING, figure
from clipavatar.chibi.stream import aimed
from clipavatar.clip import load_clip
from clipavatar.goals import ImageEncoder, goal_of, held_out_judge
from clipavatar.images import read_settings
from clipavatar.latents import Found, Hold, Search, search
from clipavatar.prompts import describe, understand
from clipavatar.spaces import Generator, Latent, draw, make_space
from clipavatar.syntax import Prompt, attributes, parse
from clipavatar.targets import CHUNK, COLOURS, TextEncoder, _language, find_target

SPACE = "noise+volume"
SCORED = 24  # candidates that a search begins with, at least; sample mode's come first
FINALISTS = 2  # starts that are moved together
NAMINGS = 3  # sentences that name a value alone
FRESH = 0xF2E5  # turns a seed into that of the views for the second look
OWN_WORDS_STYLE = "words"  # of prompts/templates.toml: the text as it stands


class Encoder(TextEncoder, ImageEncoder, Protocol):
    """A CLIP."""


def refining(time_budget: float | None, judge: str) -> dict[str, Any]:
    """The settings of a search beside its steps. Raises ValueError."""
    made: dict[str, Any] = {}
    if time_budget is not None:
        if isinstance(time_budget, bool) or not 0 < time_budget < 1e6:
            raise ValueError(f"time_budget must be a number of seconds, not {time_budget!r}")
        made["time_budget"] = float(time_budget)
    return made | ({"judge": judge} if judge else {})


def finalists(scores: Tensor, sampled: int) -> Tensor:
    """Of N candidates' scores (N,) the rows that are moved: first what sample mode picks, the best

    of `sampled`, then the best of all others.
    """
    first = scores[:sampled].argmax()
    order = scores.argsort(descending=True, stable=True)
    return torch.cat((first[None], order[order != first]))[:FINALISTS]


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
) -> Found:
    """Move N starts, the best first, towards `target` (E,) as an avatar's settings ask for it.

    `named`: the noise's entries have the names of chibi/sample.py. Those that choose attributes
    stay then: their choices are in the words already; and those that choose colours do: they are
    the seed's. `second` is another CLIP, which decides in
    place of the first one's held-out views. The time that may be taken counts from `begun`, a
    reading of time.monotonic; None: from now. See `search`.
    """
    begun = time.monotonic() if begun is None else begun
    text, style, seed = settings["text"], settings["style"], settings["seed"]
    how = how or Search(settings["steps"], settings.get("time_budget", math.inf))
    rivals, loud = value_rivals(clip, text, style), said_values(generator, text, style)
    misses = [] if loud and "stress" not in space else near_misses(clip, text, style)
    towards = F.normalize(target + start.words, dim=1)  # the text, and what the noise adds to it
    goal = goal_of(target, towards, rivals)
    stress = torch.stack([-away.mean(dim=0) for away in misses]) if misses else None
    stays = {*CHOOSERS.values(), *COLOURS} if named else set()
    free = [i for i in range(start.noise.shape[1]) if i not in stays]
    judging, judged = clip, goal
    if second is not None:
        theirs = find_target(second, text, style, settings.get("negative", "")).direction
        judging, judged = second, goal_of(theirs, rivals=value_rivals(second, text, style))
    judge = held_out_judge(judging, judged, seed, how.rivals)
    second_look = held_out_judge(judging, judged, seed ^ FRESH, how.rivals)
    with torch.no_grad():
        hold = _hold(draw(generator, start.rows(slice(0, 1))), text, settings.get("keep", ""))
    where = make_space(space, generator, start, free, stress, loud)
    how = replace(how, seconds=how.seconds - (time.monotonic() - begun))
    return search(generator, clip, goal, where, judge, second_look, how, hold, seed)


def said_values(generator: Generator, text: str, style: str = "") -> list[int]:
    """Places of what `text` says among the values that the generator reads; see `near_misses`.

    Nothing where it reads none, or others than those of the sampling table.
    """
    sizes = [len(table) for table in SAMPLING.values()]
    config = getattr(generator, "config", None)
    if list(getattr(config, "reads", ())) != sizes:
        return []
    said, others = _alternatives(text, style)
    first = dict(zip(SAMPLING, accumulate(sizes, initial=0), strict=False))
    return [first[name] + list(SAMPLING[name]).index(said[name]) for name in others]


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
        named, known = _named(clip, name, language), list(SAMPLING[name])
        found.append(
            named[[known.index(value) for value in values]] - named[known.index(said[name])]
        )
    return found


_heard: WeakKeyDictionary[Any, dict[tuple[str, str], Tensor]] = WeakKeyDictionary()  # by CLIP


@torch.no_grad()
def _named(clip: TextEncoder, name: str, language: str) -> Tensor:
    """What names each value of an attribute alone: unit vectors (K, E), kept while the CLIP is."""
    heard = _heard.setdefault(clip, {})
    if (name, language) not in heard:
        values, sentences = SAMPLING[name], range(NAMINGS)
        texts = [describe({name: value}, language, s) for value in values for s in sentences]
        encoded = _encoded(clip, texts).reshape(len(values), NAMINGS, -1)
        heard[name, language] = F.normalize(encoded.mean(dim=1), dim=-1)
    return heard[name, language]


def _alternatives(text: str, style: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What `text` says, and for each attribute what it could say instead. See `near_misses`."""
    blend = parse(text)
    if len(blend) > 1 or style == OWN_WORDS_STYLE:
        return {}, {}
    said = {name: value for name, value in attributes(blend)[0].items() if name in SAMPLING}
    others = {n: [v for v in SAMPLING[n] if _fits(n, v, said)] for n in _firm(blend[0], said)}
    return said, {name: values for name, values in others.items() if values}


def _written(clip: TextEncoder, text: str) -> str:
    """The language of the descriptions that this CLIP is to read."""
    return _language(clip) or understand(parse(text)[0].text).language


def _encoded(clip: TextEncoder, texts: list[str]) -> Tensor:
    """(P, E), CHUNK texts at once."""
    return torch.cat([clip.encode_text(texts[i : i + CHUNK]) for i in range(0, len(texts), CHUNK)])


def _firm(prompt: Prompt, said: Mapping[str, str]) -> list[str]:
    """The attributes that no weight below 1 weakens: the text says them without that part, too."""
    rests = [part.rest for part in prompt.parts if part.weight < 1 and part.rest]
    left = [understand(rest).attributes for rest in rests]
    return [name for name, value in said.items() if all(r.get(name) == value for r in left)]


def _fits(name: str, value: str, said: Mapping[str, str]) -> bool:
    """Another value, which leaves room for everything else that is said."""
    return value != said[name] and not any(n in said for n in HIDES.get((name, value), ()))


# ------------------------------------------------------------------------------------ what is kept

FACE = ("eye_colour", "expression", "skin", "glasses", "face", "earrings")
KEPT: dict[str, tuple[str, ...]] = {  # what --keep may name, and the attributes it means
    "hair": ("hair", "fringe", "hair_colour", "hair_tips"),
    "face": FACE,
    "eyes": ("eye_colour",),
    "expression": ("expression",),
    "skin": ("skin",),
    "glasses": ("glasses",),
    "earrings": ("earrings",),
    "head": ("head",),
    "clothes": ("clothes", "clothes_colour"),
    "character": ("character",),
    "all": tuple(SAMPLING),
}
PLACES = ("hair", "face", "eyes", "glasses", "earrings", "head", "clothes")  # of a text's own words
ALIASES = {
    **{"头发": "hair", "发型": "hair", "头髮": "hair", "脸": "face", "脸部": "face"},
    **{"眼睛": "eyes", "表情": "expression", "肤色": "skin", "皮肤": "skin", "眼镜": "glasses"},
    **{"耳环": "earrings", "耳饰": "earrings", "耳坠": "earrings"},
    **{"头饰": "head", "帽子": "head", "hat": "head", "衣服": "clothes", "服装": "clothes"},
    **{"角色": "character", "人物": "character", "全部": "all", "其他": "all", "rest": "all"},
}


def check_keep(keep: str) -> tuple[str, ...]:
    """The names in "hair, face" or 「头发、脸」. Raises ValueError for one that is not in KEPT."""
    words = [w.strip().lower() for w in keep.translate(str.maketrans("，、;；", ",,,,")).split(",")]
    names = [ALIASES.get(word, word) for word in words if word]
    for name in names:
        if name not in KEPT:
            raise ValueError(f"cannot keep {name!r}; choose from {', '.join(KEPT)}")
    return tuple(dict.fromkeys(names))


def _hold(face: Tensor, text: str, keep: str) -> Hold | None:
    """How far pictures are from `face` (1, C, R, R) in the places of `keep`; None: nowhere.

    A place where the text says anything is the text's.
    """
    said = attributes(parse(text))[0]
    names = [n for n in check_keep(keep) if n == "all" or not any(a in said for a in KEPT[n])]
    if not names:
        return None
    size = face.shape[-1]
    mask = torch.stack([_place(name, size) for name in names]).amax(dim=0)
    for name in PLACES:
        if any(attribute in said for attribute in KEPT[name]):
            mask = mask * (1 - _place(name, size))
    if not mask.any():
        return None
    mask = (mask / mask.mean()).to(face.device)

    def hold(faces: Tensor) -> Tensor:
        distance: Tensor = ((faces - face).abs() * mask).mean(dim=(1, 2, 3))
        return distance

    return hold


def _place(name: str, resolution: int) -> Tensor:
    """Where on a picture that is: (R, R) of 0 and 1. The head of an avatar is always there."""
    line = (torch.arange(resolution) + 0.5) / resolution
    down, across = line[:, None], (line - 0.5)[None, :]
    face = ((across / 0.24) ** 2 + ((down - 0.62) / 0.2) ** 2 < 1).expand(resolution, -1)
    eyes = ((across.abs() < 0.24) & ((down - 0.58).abs() < 0.1)).expand(resolution, -1)
    ears = ((across.abs() - 0.275).abs() < 0.075) & ((down - 0.68).abs() < 0.1)
    places = {
        "face": face | ears,
        "earrings": ears,
        "hair": (down < 0.8) & ~face,
        "head": (down < 0.3).expand(resolution, resolution),
        "eyes": eyes,
        "glasses": eyes,
        "clothes": (down > 0.8).expand(resolution, resolution),
    }
    whole = torch.ones(resolution, resolution, dtype=torch.bool)
    inside = face if name in ("expression", "skin") else places.get(name, whole)
    return inside.float()


def keep_choices(
    noise: Tensor, before: str, text: str, keep: Sequence[str], seed: int = 0
) -> Tensor:
    """Noise (1, Z) that drew `before`, so changed that with `text` it chooses what `keep` names.

    What the text says itself stays the text's, and what has no place beside it is not kept.
    """
    row = noise[0].cpu().numpy().copy()
    drawn = figure(_said(before), row).attributes
    said = _said(text)
    named = {attribute for name in keep for attribute in KEPT[name]}
    wanted = [name for name in SAMPLING if name in named & drawn.keys() - said.keys()]
    if not wanted:
        return noise
    now = drawn if "character" in wanted else figure(said, row).attributes
    for name in wanted:
        if figure(said, row).attributes.get(name) == drawn[name]:
            continue
        try:
            turned = aimed(
                said,
                {"character": now["character"], name: drawn[name]},
                row,
                np.random.default_rng(seed),
            )
        except ValueError:  # no noise chooses it beside this text: a beard on a girl
            continue
        row[CHOOSERS[name]] = turned[CHOOSERS[name]]
    return torch.from_numpy(row)[None].to(noise.device)


def _said(text: str) -> dict[str, str]:
    """What the first prompt of a text says."""
    return {n: v for n, v in attributes(parse(text))[0].items() if n in SAMPLING}


def move_words(latent: Latent, before: Tensor, after: Tensor) -> Latent:
    """A latent whose words were completed as `before` (N, E), for the ones completed as `after`.

    What a search added to them stays. Nothing changes, to the last bit, where both are the same.
    """
    if torch.equal(before, after):
        return latent
    return latent._replace(words=F.normalize(latent.words + after - before, dim=1))


def read_start(path: str | Path, model: str) -> dict[str, Any]:
    """The settings of a saved avatar to go on from, and the "digest" of its file.

    Raises OSError, or ValueError if it holds none, another model drew it, or it must be drawn from
    its seed again and another version may draw somebody else.
    """
    saved = read_settings(path)
    missing = {"text", "seed", "candidates", "style", "model"} - saved.keys()
    if missing:
        raise ValueError(f"{path} does not say its {', '.join(sorted(missing))}")
    if saved["model"] != model:
        raise ValueError(f"{path} was drawn by the model {saved['model']!r}, not by {model!r}")
    if "latent" not in saved and saved.get("version") != __version__:
        version = saved.get("version", "unknown")
        raise ValueError(f"{path} holds no latent; only version {version} can draw it again")
    return {**saved, "digest": hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}
