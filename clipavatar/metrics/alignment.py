"""Do pictures and texts belong together? Pure functions over unit embeddings, and zero-shot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.caption import caption
from clipavatar.chibi.labels import SIZES, UNSAID, VALUES
from clipavatar.metrics.judging import PART, plain
from clipavatar.prompts import LANGUAGES

CHOICES = 100  # the right text and 99 others
WORDINGS = 12  # of each value in each language, for zero-shot accuracy


@torch.no_grad()
def embed(clip: Any, pixels: Tensor) -> Tensor:
    """Bytes (N, R, R, C) -> unit vectors (N, E) of a CLIP, on the CPU."""
    device = getattr(clip, "mean", torch.empty(0)).device
    parts = torch.split(pixels, PART)
    return torch.cat([clip.encode_image(plain(part).to(device)).cpu() for part in parts])


@torch.no_grad()
def embed_texts(clip: Any, texts: Sequence[str]) -> Tensor:
    """N texts -> unit vectors (N, E) on the CPU."""
    parts = [list(texts[i : i + PART]) for i in range(0, len(texts), PART)]
    return torch.cat([clip.encode_text(part).cpu() for part in parts])


def clip_score(images: Tensor, texts: Tensor) -> float:
    """Mean cosine of pictures and their own texts, (N, E) each (Hessel et al. 2021, unscaled)."""
    return float((images * texts).sum(dim=1).mean())


def recall_at_1(queries: Tensor, stock: Tensor, names: Sequence[str]) -> float:
    """In %: how often the nearest of the stock (N, E) is the query's own row, or one so named."""
    found = (queries @ stock.T).argmax(dim=1).tolist()
    right = [names[row] == names[index] for row, index in enumerate(found)]
    return float(np.mean(right) * 100)


def r_precision(queries: Tensor, stock: Tensor, names: Sequence[str]) -> float:
    """In %: how often a query's own row of the stock beats 99 random others (Xu et al. 2018).

    Rows of the same name are never among the others; fewer than 99 are taken where there are
    fewer. The draw is the same every time.
    """
    cosines = (queries @ stock.T).numpy()
    rng = np.random.default_rng(0)
    labels = np.unique(names, return_inverse=True)[1]
    right = []
    for row, mine in enumerate(labels):
        others = np.flatnonzero(labels != mine)
        others = rng.permutation(others)[: CHOICES - 1]
        right.append(bool((cosines[row, row] > cosines[row, others]).all()))
    return float(np.mean(right) * 100)


def value_captions(language: str, rng: np.random.Generator, wording: str = "any") -> list[str]:
    """One caption for each value alone, of all attributes in turn, worded by `rng`; see caption."""
    pairs = [(name, value) for name, values in VALUES.items() for value in values]
    return [caption({name: value}, language, rng, wording) for name, value in pairs]


@torch.no_grad()
def value_texts(clip: Any, seed: int = 0, wording: str = "any") -> Tensor:
    """What names one value alone: unit vectors (languages, WORDINGS, V, E) on the CPU.

    The V values are those of all attributes in turn, the languages in the order of LANGUAGES, the
    wordings drawn by `seed`, see `caption`.
    """
    made = []
    for language in LANGUAGES:
        for number in range(WORDINGS):
            rng = np.random.default_rng([seed, number, 5])
            made.append(embed_texts(clip, value_captions(language, rng, wording)))
    stacked = torch.stack(made)
    return stacked.reshape(len(LANGUAGES), WORDINGS, *stacked.shape[1:])


def zero_shot(
    clip: Any, embeddings: Tensor, labels: Tensor, wording: str = "training"
) -> dict[str, float]:
    """Zero-shot accuracy in % per attribute and language ("hair zh") of a CLIP's image embeddings.

    Each picture (N, E) takes the value that is nearest, in the mean of its wordings as in Radford
    et al. 2021, section 3.1.4; labels (N, A), UNSAID left out. `wording` as `caption` has it: with
    "held-out" the values are named by words that our own CLIP never learned, where there are any.
    """
    figures = {}
    texts = F.normalize(value_texts(clip, wording=wording).mean(dim=1), dim=-1)  # (languages, V, E)
    for language, values in zip(LANGUAGES, texts, strict=True):
        cosines = (embeddings @ values.T).split(SIZES, dim=1)
        for name, near, wanted in zip(VALUES, cosines, labels.T, strict=True):
            right, counted = near.argmax(dim=1) == wanted, wanted != UNSAID
            if counted.any():
                figures[f"{name} {language}"] = 100 * right[counted].float().mean().item()
    return figures
