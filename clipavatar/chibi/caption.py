"""Captions of a figure: English and Chinese, full and partial, in every template and word."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np

from clipavatar.chibi.sample import HIDES, SAMPLING
from clipavatar.chibi.split import held_out_pairs, held_out_template, held_out_wording
from clipavatar.prompts import describe, templates

WORDINGS = ("training", "held-out", "any")


def caption(
    attributes: Mapping[str, str],
    language: str,
    rng: np.random.Generator,
    wording: str = "any",
) -> str:
    """One caption of exactly these attributes ("en" or "zh"), template and words chosen by `rng`.

    `wording` "training" leaves out what split.py holds out, "held-out" takes a held-out form of
    every value that has one, and the held-out template half of the time.
    """
    names = _templates(language, wording)
    template = names[int(rng.integers(len(names)))]
    if wording == "held-out" and rng.random() < 0.5:
        template = held_out_template(language)

    key = rng.bytes(16)

    def choose(forms: Sequence[str]) -> str:
        """The usual word half of the time, else any, in whatever order describe() asks."""
        forms = _wordings(tuple(forms), wording)
        if len(forms) == 1:
            return forms[0]
        digest = hashlib.blake2b(forms[0].encode(), digest_size=8, key=key).digest()
        draw = int.from_bytes(digest, "little") / 2**64
        if wording != "held-out":
            draw = max(0.0, 2 * draw - 1)
        return forms[int(draw * len(forms))]

    return describe(attributes, language, template, choose)


@lru_cache
def _templates(language: str, wording: str) -> tuple[str, ...]:
    if wording not in WORDINGS:
        raise ValueError(f"unknown wording {wording!r} (known: {', '.join(WORDINGS)})")
    left_out = held_out_template(language) if wording == "training" else ""
    return tuple(name for name in templates(language) if name != left_out)


@lru_cache(20_000)
def _wordings(forms: tuple[str, ...], wording: str) -> tuple[str, ...]:
    """Those of the possible `forms` that this kind of caption may use; the usual one is first."""
    held = tuple(form for form in forms[1:] if held_out_wording(form))
    if wording == "training":
        return tuple(form for form in forms if form not in held)
    return held if wording == "held-out" and held else forms


def random_subset(
    attributes: Mapping[str, str], rng: np.random.Generator, always: Collection[str] = ()
) -> dict[str, str]:
    """Some of the attributes: what people type. Absent things ("no glasses") are said rarely.

    Those named in `always` are said whatever the chance. An animal is named where its colour is:
    the colour alone speaks of a person.
    """
    keep = rng.uniform(0.05, 1.0)
    draws = rng.random(len(attributes) + 1)
    said = {
        name: value
        for (name, value), draw in zip(attributes.items(), draws, strict=False)
        if name in always or draw < (keep * 0.3 if value == "none" else keep)
    }
    if "character" in attributes and "character" not in said:
        animal = ("character", attributes["character"]) in HIDES
        if draws[-1] < 0.7 or (animal and "hair_colour" in said):
            said = {"character": attributes["character"], **said}
    if not said:
        name = list(attributes)[rng.integers(len(attributes))]
        said = random_subset(attributes, rng, always=(name,))
    return said


def full_subset(
    attributes: Mapping[str, str], rng: np.random.Generator, always: Collection[str] = ()
) -> dict[str, str]:
    """Everything that is there, and of the absent things ("no glasses") few but `always`."""
    draws = rng.random(len(attributes))
    return {
        name: value
        for (name, value), draw in zip(attributes.items(), draws, strict=True)
        if value != "none" or name in always or draw < 0.2
    }


def hard_negative(attributes: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    """The same attributes, one of them changed to another value that leaves room for the others.

    What it changes to makes no pair that is held out: no text of training may say one.
    """
    names = list(attributes)
    for name in rng.permutation(names):
        values = [
            value
            for value in SAMPLING[name]
            if value != attributes[name]
            and not any(other in attributes for other in HIDES.get((name, value), ()))
            and not any(
                (name, value) in pair for pair in held_out_pairs({**attributes, name: value})
            )
        ]
        if values:
            return {**attributes, str(name): values[int(rng.integers(len(values)))]}
    raise ValueError(f"nothing to change in {dict(attributes)}")
