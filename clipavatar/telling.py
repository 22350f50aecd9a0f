"""What the generator is told: what a text says, and what the noise chooses where it says nothing.

Twice: as the words of a sentence that says all of it, in CLIP's space, and as a number for each
value, as labels were told in training. A linear reader of the words wavers where training never
showed two values together, and has no half: (pink hair:0.5) was purple.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.labels import PLACES, SIZES
from clipavatar.chibi.sample import SAMPLING, figure
from clipavatar.prompts import describe, understand
from clipavatar.syntax import attributes, parse, weights
from clipavatar.targets import CHOICES, CHUNK, TextEncoder, drawable, language_of

OWN_WORDS = 0.25  # share of the text as it stands among the words
WHOLE = ("hair", "fringe", "glasses", "head", "clothes")  # half of one is debris
HALF = 0.5  # of what is in WHOLE and said less strongly the seed chooses
LOUD = 0.4  # power of a weight above 1: training told no more than 1. 3 makes 1.55, where red tips
# reach the fringe and dark skin is nearly black; at 3 times pictures break


class Told(NamedTuple):
    """What N pictures shall show."""

    words: Tensor  # (N, E), unit length
    numbers: Tensor  # (N, values) of SAMPLING: 0, or how much of each


def reads_values(generator: Any) -> bool:
    """Whether it reads the values of SAMPLING off the words, and so can be told them instead."""
    return list(getattr(getattr(generator, "config", None), "reads", ())) == SIZES


def tell(
    clip: TextEncoder,
    text: str,
    noise: Tensor,
    target: Tensor,
    emphasis: Tensor | None = None,
) -> Told:
    """What `text` says, and what each row of noise (N, Z) adds to it.

    Where the noise has names, its entries decide what is unsaid, in training as here. Telling it
    as well spares the network the border between two hairstyles, where it draws both. The text's
    own direction, target (E,) and what weights add to it, stays in, so that no word of it is lost.
    """
    blend = parse(text)
    wanted = OWN_WORDS * target if emphasis is None else OWN_WORDS * target + emphasis
    rows = noise.cpu().numpy()
    words, numbers = torch.zeros(len(rows), len(target), device=target.device), []
    for prompt, said, weight in zip(blend, attributes(blend), weights(blend), strict=True):
        language = language_of(clip) or understand(prompt.text).language
        weak = {name for name in WHOLE if weight.get(name, 1) < HALF}
        known = {name: value for name, value in drawable(said).items() if name not in weak}
        stories = _stories(known, rows)
        prompts = [describe(story, language) for story in stories]
        once = list(dict.fromkeys(prompts))  # one, as a rule: all rows of a seed choose alike
        parts = [once[i : i + CHUNK] for i in range(0, len(once), CHUNK)]
        encoded = torch.cat([clip.encode_text(part) for part in parts])
        words += prompt.share * encoded[[once.index(one) for one in prompts]]
        numbers.append(_numbers(stories, {n: w for n, w in weight.items() if n in known}))
    blended = _blended(torch.stack(numbers), [prompt.share for prompt in blend])
    return Told(F.normalize(words + wanted, dim=-1), blended.to(target.device))


def _stories(known: Mapping[str, str], rows: NDArray[np.float32]) -> list[dict[str, str]]:
    """What is drawn from each row of noise (N, Z); rows that choose alike are looked at once."""
    keys = [choice.tobytes() for choice in rows[:, CHOICES]]
    alike = dict(zip(keys, rows, strict=True))
    stories = {key: _story(known, row) for key, row in alike.items()}
    return [stories[key] for key in keys]


def _story(known: Mapping[str, str], row: NDArray[np.float32]) -> dict[str, str]:
    """What is there, and what is known not to be: as full captions are in training."""
    drawn = figure(known, row).attributes
    return {name: value for name, value in drawn.items() if value != "none" or name in known}


def _numbers(stories: Sequence[Mapping[str, str]], weight: Mapping[str, float]) -> Tensor:
    """Stories of N pictures -> (N, values): 0, and for what is told as much as its weight says.

    The generator draws half of what is told by half: fainter freckles, paler hair.
    """
    made = torch.zeros(len(stories), len(PLACES))
    for row, story in zip(made, stories, strict=True):
        for name, value in story.items():
            much = weight.get(name, 1.0)
            row[PLACES[name, value]] = much**LOUD if much > 1 else 1 if name in WHOLE else much
    return made


def _blended(numbers: Tensor, shares: Sequence[float]) -> Tensor:
    """What each of P prompts tells (P, N, values), and their shares -> (N, values).

    Colours, characters, expressions and what is on a face mix, between the prompts that tell any;
    of what is in WHOLE the one with the greatest share is told, the first of equals.
    """
    if len(numbers) == 1:
        return numbers[0]
    made = []
    for name, each in zip(SAMPLING, torch.split(numbers, SIZES, dim=2), strict=True):
        share = each.new_tensor(shares)[:, None, None] * (each > 0).any(dim=2, keepdim=True)
        if name in WHOLE:
            share = F.one_hot(share[..., 0].argmax(dim=0), len(each)).T[..., None]  # (P, N, 1)
        made.append((share * each).sum(dim=0) / share.sum(dim=0).clamp(min=1e-9))
    return torch.cat(made, dim=1)
