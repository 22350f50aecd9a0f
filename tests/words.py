"""What several tests of words share."""

import random

import numpy as np

from clipavatar.chibi.sample import figure
from clipavatar.config import NOISE_SIZE
from clipavatar.prompts import load_lexicon

LANGUAGES = ("en", "zh")


def said(row: str) -> dict[str, str]:
    """ "hair=bob, head=bow" as a dict."""
    return dict(pair.split("=") for pair in row.split(", ")) if row else {}


def random_attributes(rng: random.Random, share: float) -> dict[str, str]:
    """Some of the attributes of a random figure, and at times a background."""
    noise = np.array([rng.gauss(0, 1) for _ in range(NOISE_SIZE)], np.float32)
    attributes = figure({}, noise).attributes
    if rng.random() < 0.3:
        attributes["background"] = rng.choice(list(load_lexicon().attributes["background"]))
    return {name: attributes[name] for name in attributes if rng.random() < share}
