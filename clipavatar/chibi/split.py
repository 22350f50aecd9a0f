"""What training never sees: some combinations of attribute values, some wordings, one template.

Rules, not lists: a hash decides, so the split is the same everywhere and a new value or word joins
without moving the others. What is held out is for measuring, and nobody trains on it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from clipavatar.chibi.sample import HIDES, SAMPLING
from clipavatar.lexicon import load_lexicon, load_templates

Pair = tuple[tuple[str, str], tuple[str, str]]  # ((attribute, value), (attribute, value))

COMBINED = (
    ("hair", "hair_colour"),
    ("hair", "head"),
    ("character", "clothes"),
    ("expression", "eye_colour"),
    ("expression", "glasses"),
    ("clothes", "clothes_colour"),
    ("head", "hair_colour"),
    ("character", "head"),
)
PAIRS_HELD_OUT = 0.045  # share of the pairs of values of two such attributes
FORMS_HELD_OUT = 0.17  # share of the written forms of a value after its usual one
PHRASES_HELD_OUT = 0.08  # share of the other phrases: a colour with its noun, a style
SALT = "1388"  # one of few that leave the pairs people ask for most to training


def _draw(text: str) -> float:
    """A number in [0, 1) that depends on `text` alone."""
    digest = hashlib.sha256(f"{SALT}|{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


# --- combinations


def _possible(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return other[0] not in HIDES.get(one, ()) and one[0] not in HIDES.get(other, ())


def _pairs(first: str, second: str) -> list[Pair]:
    """The held-out pairs of two attributes: "none" is in no pair, no value loses over a quarter."""
    ones = [(first, value) for value in SAMPLING[first]]
    others = [(second, value) for value in SAMPLING[second]]
    pairs = [(one, other) for one in ones for other in others if _possible(one, other)]
    partners = Counter(value for pair in pairs for value in pair)
    lost: Counter[tuple[str, str]] = Counter()
    held = []
    draws = {pair: _draw("|".join(f"{name}={value}" for name, value in pair)) for pair in pairs}
    for pair in sorted(pairs, key=draws.__getitem__):
        spare = all(4 * (lost[value] + 1) <= partners[value] for value in pair)
        if draws[pair] < PAIRS_HELD_OUT and spare and "none" not in (pair[0][1], pair[1][1]):
            held.append(pair)
            lost.update(pair)
    return held


HELD_OUT: tuple[Pair, ...] = tuple(
    pair for first, second in COMBINED for pair in _pairs(first, second)
)
_SET = frozenset(HELD_OUT)


def held_out_pairs(attributes: Mapping[str, str]) -> list[Pair]:
    """The pairs of these attributes that never occur together in training."""
    return [
        pair
        for a, b in COMBINED
        if a in attributes
        and b in attributes
        and (pair := ((a, attributes[a]), (b, attributes[b]))) in _SET
    ]


# --- wording


def _contains(text: str, form: str) -> bool:
    return bool(re.search(rf"\b{re.escape(form)}\b", text) if form.isascii() else form in text)


@cache
def _forms() -> tuple[frozenset[str], frozenset[str]]:
    """All written forms of attribute values, and those of them that are held out."""
    usual: set[str] = set()
    others: set[str] = set()
    for values in load_lexicon().attributes.values():
        for words in values.values():
            for forms in (words.en, words.zh):
                usual.update(forms[:1])
                others.update(forms[1:])
    held = {form for form in others if _draw(f"form|{form}") < FORMS_HELD_OUT}
    held = {form for form in held if not any(_contains(text, form) for text in usual)}
    return frozenset(usual | others), frozenset(held)


@cache
def held_out_wording(wording: str) -> bool:
    """Whether training captions never hold this wording, be it a form or a colour with its noun.

    The first of several possible wordings is the usual one and never held out, whatever this says.
    """
    known, held = _forms()
    if wording in known:
        return wording in held
    if any(_contains(wording, form) for form in held):
        return True
    return _draw(f"phrase|{wording}") < PHRASES_HELD_OUT


@cache
def held_out_template(language: str) -> str:
    """The name of the sentence template that no training caption has; expand() does not use it."""
    known = load_templates()
    used = {name for style in known.styles.values() for name in style["templates"]}
    names = [name for name in list(known.sentences[language])[1:] if name not in used]
    return min(names, key=lambda name: _draw(f"template|{language}|{name}"))
