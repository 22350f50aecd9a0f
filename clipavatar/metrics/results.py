"""What an evaluation finds: figures, and the pictures worth looking at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from clipavatar.metrics.attributes import Share
from clipavatar.metrics.texts import Case

UNSEEN_WORDS = ", unseen words"  # after a zero-shot figure's name: values named by held-out words


class Pair(NamedTuple):
    """A figure of the model, and what as many true pictures of the same texts get."""

    model: float
    true: float


class Wrong(NamedTuple):
    """A picture (R, R, C) uint8 that does not show what its text says, and in what."""

    pixels: Tensor
    case: Case
    mistakes: list[str]


class Copy(NamedTuple):
    """A picture, its nearest neighbour among training pictures, and their distance."""

    pixels: Tensor
    neighbour: Tensor
    distance: float


@dataclass
class Evaluation:
    """What `measure` finds; a person's own folder has no accuracies and nothing wrong.

    Accuracies are of each attribute that is said, and of "all".
    """

    figures: dict[str, Pair] = field(default_factory=dict)
    shares: dict[str, dict[str, dict[str, Share]]] = field(default_factory=dict)  # set, language
    truth: dict[str, dict[str, Share]] = field(default_factory=dict)  # set: of true pictures
    fairness: dict[str, dict[str, Share]] = field(default_factory=dict)
    unsaid: dict[str, Pair] = field(default_factory=dict)  # entropy in bits
    zero_shot: dict[str, float] = field(default_factory=dict)  # "hair en", and with UNSEEN_WORDS
    wrong: list[Wrong] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what could not be measured, and why
