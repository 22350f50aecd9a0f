"""Faces to choose from, and CLIP's choice among them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from clipavatar.goals import ImageEncoder, score
from clipavatar.spaces import Latent, draw, drawn


class Choice(NamedTuple):
    """What CLIP makes of N faces."""

    scores: Tensor  # (N,): cosines
    latent: Latent  # of the best one
    face: Tensor  # the best one (1, C, R, R) in [-1, 1]


def choose(generator: Any, clip: ImageEncoder, latent: Latent, direction: Tensor) -> Choice:
    """The face of a latent of N that is nearest to a direction (E,); the first of equals.

    Where the generator draws its last doubling as detail, CLIP sees the pictures without it, and
    only the chosen one gets it.
    """
    made = [_choose(generator, clip, part, direction) for part in latent.chunks()]
    best = int(torch.stack([choice.scores.max() for choice in made]).argmax())
    return made[best]._replace(scores=torch.cat([choice.scores for choice in made]))


def _choose(generator: Any, clip: ImageEncoder, latent: Latent, direction: Tensor) -> Choice:
    """The same of as many as are drawn at once."""
    if not getattr(generator.config, "detail", 0):
        faces = draw(generator, latent)
        scores = score(clip, faces, direction)
        best = scores.argmax()[None]
        return Choice(scores, latent.rows(best), faces[best])
    sketch = drawn(generator, latent, generator.sketch)
    scores = score(clip, sketch.image.clamp(-1, 1), direction)
    best = scores.argmax()[None]
    return Choice(scores, latent.rows(best), generator.detailed(sketch.rows(best)))
