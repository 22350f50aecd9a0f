"""Losses: pure functions from tensors to a scalar. Logits are high for real."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating loss, softplus(-D(fake)) (Goodfellow et al., 2014). Logits (B,)."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, mismatched_logits: Tensor, mismatch_weight: float
) -> Tensor:
    """Softplus on real, fake, and real pictures with another's text (matching-aware).

    All logits (B,). The third term is Reed et al., "Generative Adversarial Text to Image
    Synthesis", 2016, at `mismatch_weight`.
    """
    fooled = F.softplus(fake_logits).mean() + mismatch_weight * F.softplus(mismatched_logits).mean()
    return F.softplus(-real_logits).mean() + fooled


def r1_penalty(real_images: Tensor, real_logits: Tensor) -> Tensor:
    """Half the squared gradient of D at real pictures, mean over the batch.

    Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018.
    `real_images` (B, C, R, R) must require grad and `real_logits` (B,) come from them.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return 0.5 * gradient.square().sum(dim=(1, 2, 3)).mean()


def pixel_loss(made: Tensor, wanted: Tensor, weight: float | Tensor = 1.0) -> Tensor:
    """Mean absolute difference of pictures (B, C, R, R); `weight` a number or (R, R)."""
    return ((made - wanted).abs() * weight).mean()


def gradient_loss(made: Tensor, wanted: Tensor, weight: float | Tensor = 1.0) -> Tensor:
    """Mean absolute difference of the pictures' own differences, across and down: sharp edges."""
    error = made - wanted
    across, down = error.diff(dim=-1).abs(), error.diff(dim=-2).abs()
    if isinstance(weight, Tensor):
        return (across * weight[:, 1:]).mean() + (down * weight[1:]).mean()
    return weight * (across.mean() + down.mean())


def focus(resolution: int, strength: float) -> Tensor:
    """Weights (R, R): 1, and up to 1 + `strength` around the face, a little below the middle.

    Eyes and mouth are a tenth of an avatar's pixels and most of what people look at.
    """
    place = (torch.arange(resolution) + 0.5) / resolution
    across = torch.exp(-((place - 0.5) ** 2) / (2 * 0.16**2))
    down = torch.exp(-((place - 0.62) ** 2) / (2 * 0.12**2))
    return 1 + strength * down[:, None] * across[None, :]


def clip_contrastive(
    image: Tensor, text: Tensor, temperature: float, same: Tensor | None = None
) -> Tensor:
    """InfoNCE from pictures to texts over the batch: each picture must pick its own text.

    `image` and `text` (B, E) unit vectors. Pairs marked in `same` (B, B, bool) besides the diagonal
    are left out: their texts would be right as well. As in LAFITE (Zhou et al., 2022).
    """
    logits = image @ text.T / temperature
    if same is not None:
        own = torch.eye(len(image), dtype=torch.bool, device=image.device)
        logits = logits.masked_fill(same & ~own, float("-inf"))
    return F.cross_entropy(logits, torch.arange(len(image), device=image.device))
