"""The texts that a model is measured on: fixed lists, with what each of them says."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clipavatar.chibi.caption import caption, full_subset, random_subset
from clipavatar.chibi.labels import labels_of
from clipavatar.chibi.split import held_out_pairs
from clipavatar.chibi.stream import figure_of
from clipavatar.metrics.attributes import visible

STREAM = 10**6  # of the figures that are described; no training uses it
FIRST = {"full": 100_000}  # figure of a set, else 0: realism joins "words" and "full"
SETS = {
    "words": "partial texts, in words that training uses",
    "full": "texts that say everything there is",
    "combinations": "partial texts with two things that training never shows together",
    "wordings": "partial texts in words and a sentence that training never uses",
}


@dataclass(frozen=True)
class Case:
    """One text to draw: what it says (attribute -> value), in which language, and the seed."""

    text: str
    language: str
    said: dict[str, str]
    seed: int


def cases(kind: str, language: str, count: int, first: int = 0) -> list[Case]:
    """`count` texts of a set of SETS, from number `first` on.

    In both languages they say the same things of the same figures; the seed is the figure's number.
    """
    made = []
    first += FIRST.get(kind, 0)
    for index in range(first, first + count):
        attributes = figure_of(STREAM, index, kind == "combinations").attributes
        rng = np.random.default_rng([STREAM, index, 1 + list(SETS).index(kind)])
        if kind == "full":
            said = full_subset(attributes, rng)
        else:
            pairs = held_out_pairs(attributes)
            always = [name for name, _ in pairs[0]] if pairs else []
            said = random_subset(attributes, rng, always)
        wording = "held-out" if kind == "wordings" else "training"
        made.append(Case(caption(said, language, rng, wording), language, said, index))
    return made


def wanted(asked: list[Case]) -> Tensor:
    """The labels (N, A) of what the texts say and a picture of it can show."""
    return visible(torch.tensor([labels_of(case.said) for case in asked]))


def literal(text: str) -> str:
    """`text` so that the prompt engine takes every character of it for itself.

    A caption that somebody wrote may hold "(left)", "__init__" or "{a|b}" and mean no syntax.
    """
    return _SYNTAX.sub(r"\\\1", text.translate(_FULL_WIDTH))


_SYNTAX = re.compile(r"([\\()\[\]{}|_（）｜])")
_FULL_WIDTH = str.maketrans("｛｝", "{}")  # which have no escape
