"""Captions of a figure: English and Chinese, full and partial, in every template and word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clipavatar.prompts import describe, templates


def caption(attributes: Mapping[str, str], language: str, rng: np.random.Generator) -> str:
    """One caption of exactly these attributes ("en" or "zh"), template and words chosen by `rng`."""
    names = templates(language)
    template = names[int(rng.integers(len(names)))]

    def choose(forms: Sequence[str]) -> str:
        """The usual word half of the time, else any."""
        return forms[0] if rng.random() < 0.5 else forms[int(rng.integers(len(forms)))]

    return describe(attributes, language, template, choose)


def random_subset(attributes: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    """Some of the attributes: what people type. Absent things ("no glasses") are said rarely."""
    keep = rng.uniform(0.15, 1.0)
    said = {
        name: value
        for name, value in attributes.items()
        if rng.random() < (keep * 0.4 if value == "none" else keep)
    }
    if rng.random() < 0.7 and "character" in attributes:
        said["character"] = attributes["character"]
    if not said:
        name = list(attributes)[rng.integers(len(attributes))]
        said = {name: attributes[name]}
    return said
