"""The generator's noise: drawing it from a seed, and moving it towards a text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.images import over

PLAIN = 0.5  # in [-1, 1]: a light grey that neither white clothes nor black hair drown in
VIEWS = 4  # augmented views of each candidate in each step
LEARNING_RATE = 0.08
PRIOR_WEIGHT = 0.1


class ImageEncoder(Protocol):
    """What this module needs of a CLIP."""

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, R, R) in [-1, 1] -> (B, E), unit length, differentiable."""


def sample_noise(candidates: int, noise_size: int, seed: int) -> Tensor:
    """(N, Z) standard normal numbers on the CPU; row i depends on `seed` and i alone.

    Numpy's RandomState is used because its stream is frozen across versions and platforms.
    """
    rows = [
        np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, row])))
        for row in range(candidates)
    ]
    return torch.from_numpy(np.stack([row.standard_normal(noise_size) for row in rows])).float()


def mean_direction(embeddings: Tensor) -> Tensor:
    """Unit vectors (P, E) -> their mean direction (E,), a unit vector."""
    return F.normalize(embeddings.mean(dim=0), dim=-1)


def cosine(embeddings: Tensor, target: Tensor) -> Tensor:
    """Unit vectors (B, E) and (E,) -> cosines (B,) in [-1, 1]."""
    return embeddings @ target


def score(clip: ImageEncoder, faces: Tensor, target: Tensor) -> Tensor:
    """Faces (N, C, R, R) over plain light grey -> their cosines (N,) to the target (E,)."""
    plain = torch.full((1, 3, 1, 1), PLAIN, device=faces.device)
    return cosine(clip.encode_image(over(faces, plain)), target)


def random_views(faces: Tensor, random: torch.Generator) -> Tensor:
    """Faces (N, C, R, R) -> (N, 3, R, R), zoomed up to 15 %, moved, on random plain backgrounds.

    Averaging over such views keeps the gradient on what is drawn rather than on single pixels.
    """
    count = len(faces)
    zoom = 1 - 0.15 * torch.rand(count, generator=random)
    shift = (torch.rand(count, 2, generator=random) - 0.5) * 0.2
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0], affine[:, 1, 1], affine[:, :, 2] = zoom, zoom, shift
    colour = torch.rand(count, 3, 1, 1, generator=random) * 2 - 1
    grid = F.affine_grid(affine, list(faces.shape), align_corners=False).to(faces.device)
    moved = F.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    return over(moved, colour.to(faces.device))


def optimize(
    generator: Callable[[Tensor, Tensor], Tensor],
    clip: ImageEncoder,
    target: Tensor,
    noise: Tensor,
    steps: int,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Move noise (N, Z) so that the faces come closer to the target (E,); returns it with scores.

    Adam on the mean cosine of random views, with a weak pull to the length that normal noise has
    (mean square 1), and a learning rate that ramps up over the first 10 % of the steps and down
    over the last half, as in StyleGAN2's projector (Karras et al. 2020). Each row of the result
    is the best of several snapshots by the plain score, its start among them: never worse.
    """
    random = torch.Generator().manual_seed(seed)
    moving = noise.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([moving], lr=LEARNING_RATE)
    with torch.no_grad():
        best, best_scores = noise.clone(), score(clip, generator(noise, target), target)
    every = max(1, steps // 6)
    for step in range(steps):
        position = (step + 0.5) / steps
        down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, 2 - 2 * position))
        ramp = min(1.0, position / 0.1) * down
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * ramp
        with torch.enable_grad():
            faces = generator(moving, target)
            views = random_views(faces.repeat(VIEWS, 1, 1, 1), random)
            closeness = cosine(clip.encode_image(views), target).mean()
            prior = (moving.square().mean(dim=1) - 1).square().mean()
            gradient = torch.autograd.grad(PRIOR_WEIGHT * prior - closeness, [moving])
        moving.grad = gradient[0] * len(noise)  # each row as if it were alone
        optimiser.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            with torch.no_grad():
                scores = score(clip, generator(moving, target), target)
                better = scores > best_scores
                best = torch.where(better[:, None], moving, best)
                best_scores = torch.where(better, scores, best_scores)
    return best.detach(), best_scores
