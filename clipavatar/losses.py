"""Losses: pure functions from tensors to a scalar. Logits are high for real."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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


# --- adversarial losses, to choose from by name


class Adversarial(NamedTuple):
    """What the two sides minimise: each part takes logits (B,), high for real, to a scalar."""

    real: Callable[[Tensor], Tensor]  # the discriminator, on real pictures with their own text
    fake: Callable[[Tensor], Tensor]  # the discriminator, on made or mismatched pictures
    generator: Callable[[Tensor], Tensor]  # the generator, on what it made


def _softplus_of_minus(logits: Tensor) -> Tensor:
    return F.softplus(-logits).mean()


def _softplus(logits: Tensor) -> Tensor:
    return F.softplus(logits).mean()


def _minus_mean(logits: Tensor) -> Tensor:
    return -logits.mean()


ADVERSARIAL: dict[str, Adversarial] = {
    # Goodfellow et al., "Generative Adversarial Nets", 2014: log(1 - D) for the generator, and the
    # same paper's cure for its vanishing gradient, -log D
    "minimax": Adversarial(_softplus_of_minus, _softplus, lambda logits: -_softplus(logits)),
    "non-saturating": Adversarial(_softplus_of_minus, _softplus, _softplus_of_minus),
    # Lim & Ye, "Geometric GAN", 2017: nothing to gain beyond a margin of 1
    "hinge": Adversarial(
        lambda logits: F.relu(1 - logits).mean(),
        lambda logits: F.relu(1 + logits).mean(),
        _minus_mean,
    ),
    # Mao et al., "Least Squares Generative Adversarial Networks", 2017, with a = 0, b = c = 1
    "least-squares": Adversarial(
        lambda logits: 0.5 * (logits - 1).square().mean(),
        lambda logits: 0.5 * logits.square().mean(),
        lambda logits: 0.5 * (logits - 1).square().mean(),
    ),
    # Arjovsky et al., "Wasserstein GAN", 2017; needs `gradient_penalty`
    "wasserstein": Adversarial(_minus_mean, lambda logits: logits.mean(), _minus_mean),
}


def adversarial(name: str) -> Adversarial:
    """The loss of that name. Raises ValueError naming the known ones."""
    if name not in ADVERSARIAL:
        raise ValueError(f"unknown adversarial loss {name!r} (known: {', '.join(ADVERSARIAL)})")
    return ADVERSARIAL[name]


def matching_aware(
    loss: Adversarial, fake_logits: Tensor, mismatched_logits: Tensor, weight: float
) -> Tensor:
    """What the discriminator must call low: fakes, and real pictures with another's text.

    Reed et al., "Generative Adversarial Text to Image Synthesis", 2016. Logits (B,) and (M,), the
    latter at `weight`; M may be 0.
    """
    fake = loss.fake(fake_logits)
    return fake + weight * loss.fake(mismatched_logits) if len(mismatched_logits) else fake


# --- penalties


def r2_penalty(fake_images: Tensor, fake_logits: Tensor) -> Tensor:
    """`r1_penalty` at made pictures: half the squared gradient of D, mean over the batch.

    Mescheder et al., 2018. `fake_images` (B, C, R, R) must be detached from the generator and
    require grad.
    """
    return r1_penalty(fake_images, fake_logits)


def gradient_penalty(
    logits_of: Callable[[Tensor], Tensor],
    real_images: Tensor,
    fake_images: Tensor,
    draw: torch.Generator,
) -> Tensor:
    """(|gradient of D| - 1) squared, on random points between real and made pictures.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017. Pictures (B, C, R, R);
    `logits_of` maps such to logits (B,), the text already given; `draw` is a CPU generator.
    """
    share = torch.rand(len(real_images), 1, 1, 1, generator=draw).to(real_images.device)
    between = torch.lerp(real_images.detach(), fake_images.detach(), share).requires_grad_()
    (gradient,) = torch.autograd.grad(logits_of(between).sum(), between, create_graph=True)
    length: Tensor = gradient.flatten(1).norm(dim=1)
    return (length - 1).square().mean()


def mode_seeking(
    one_image: Tensor, other_image: Tensor, one_noise: Tensor, other_noise: Tensor
) -> Tensor:
    """Distance of two noises over that of their pictures at the same text: low for variety.

    Mao et al., "Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis", 2019,
    their 1 / (ratio + 1e-5). Pictures (B, C, R, R), noises (B, Z); mean absolute distances.
    """
    pictures = (one_image - other_image).abs().mean()
    noises = (one_noise - other_noise).abs().mean()
    return 1 / (pictures / noises + 1e-5)
