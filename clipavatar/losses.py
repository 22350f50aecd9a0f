"""Losses: pure functions from tensors to a scalar. Logits are high for real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

NEAR = 0.03  # distance of two colours below which either may stand for the other
PAINTED = 0.02  # what a flat colour may be further off than what is painted
LEAST = 0.002  # share of a picture (33 pixels of 128 px) below which a colour weighs no more


def r1_penalty(real_images: Tensor, real_logits: Tensor) -> Tensor:
    """Half the squared gradient of D at real pictures, mean over the batch.

    Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018.
    `real_images` (B, C, R, R) must require grad and `real_logits` (B,) come from them.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return 0.5 * gradient.square().sum(dim=(1, 2, 3)).mean()


def pixel_loss(
    made: Tensor, wanted: Tensor, weight: float | Tensor = 1.0, square: float = 0.0
) -> Tensor:
    """Mean absolute difference of pictures (B, C, R, R); `weight` a number, (R, R), (B, 1, R, R).

    With `square` times the squared difference: then a small thing in a wrong colour pulls harder
    than many lines that are a little off.
    """
    error = (made - wanted).abs()
    return ((error + square * error.square()) * weight).mean()


def gradient_loss(made: Tensor, wanted: Tensor, weight: float | Tensor = 1.0) -> Tensor:
    """Mean absolute difference of the pictures' own differences, across and down: sharp edges."""
    error = made - wanted
    across, down = error.diff(dim=-1).abs(), error.diff(dim=-2).abs()
    if isinstance(weight, Tensor):
        return (across * weight[..., 1:]).mean() + (down * weight[..., 1:, :]).mean()
    return weight * (across.mean() + down.mean())


def feature_matching(made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """How far a discriminator's features of pictures are from those of the true ones.

    Both are one (B, F, R, R) a level, each as a share of the true picture's mean size there. Where
    a thin line is a pixel off, the pixels had rather there were none; wider features do not.
    Wang et al., "High-Resolution Image Synthesis with Conditional GANs", 2018.
    """
    each = [((x - y).abs(), y.abs()) for x, y in zip(made, wanted, strict=True)]
    shares = [off.flatten(1).mean(dim=1) / size.flatten(1).mean(dim=1) for off, size in each]
    return torch.stack(shares).mean()


def mask_loss(
    painted: Tensor,
    masks: Tensor,
    colours: Tensor,
    wanted: Tensor,
    weight: float | Tensor = 1.0,
) -> Tensor:
    """Cross entropy of masks with where in `wanted` (B, C, R, R) each colour lies.

    The first three are those of models.palette.Layers.
    A pixel is of the colour that is nearest to it, several near ones share it, and what is painted
    counts as one more colour. Where pictures have alpha, what is not opaque is no flat colour's.
    A colour weighs as the root of its area in the picture, so that a jewel is not lost in a crown.
    """
    with torch.no_grad():
        seen = wanted[:, :3].flatten(2)  # (B, 3, R R)
        squares = seen.square().sum(dim=1, keepdim=True) - 2 * colours @ seen
        squares = squares + colours.square().sum(dim=2, keepdim=True)
        far = (squares / 3).clamp(min=1e-4).sqrt().view(len(wanted), -1, *wanted.shape[2:])
        if wanted.shape[1] == 4:
            far = far + 2 * (wanted[:, 3:] < 0.98)
        off = (wanted - painted).square().mean(dim=1, keepdim=True).sqrt()
        goal = (torch.cat((off + PAINTED, far), dim=1) / -NEAR).softmax(dim=1)
        areas = goal.mean(dim=(2, 3), keepdim=True)
        rare = areas.clamp(min=LEAST).rsqrt()
        goal = goal * rare / (areas * rare).sum(dim=1, keepdim=True)
    entropy = -(goal * masks.log_softmax(dim=1)).sum(dim=1, keepdim=True)
    return (entropy * weight).mean()


def focus(resolution: int, strength: float) -> Tensor:
    """Weights (R, R): 1, and up to 1 + `strength` around the face, a little below the middle.

    Eyes and mouth are a tenth of an avatar's pixels and most of what people look at.
    """
    place = (torch.arange(resolution) + 0.5) / resolution
    across = torch.exp(-((place - 0.5) ** 2) / (2 * 0.16**2))
    down = torch.exp(-((place - 0.62) ** 2) / (2 * 0.12**2))
    return 1 + strength * down[:, None] * across[None, :]


def clip_contrastive(
    image: Tensor, text: Tensor, temperature: float, own: Tensor, true: Tensor | None = None
) -> Tensor:
    """InfoNCE from pictures to texts: each picture must pick its own text among all of them.

    `image` (B, E) and `text` (T, E) unit vectors; `own` (B,) says which text is a picture's own.
    What `true` (B, T, bool) marks besides is left out: those texts would be right as well. As in
    LAFITE (Zhou et al., 2022).
    """
    logits = image @ text.T / temperature
    if true is not None:
        mine = F.one_hot(own, len(text)).bool()
        logits = logits.masked_fill(true & ~mine, float("-inf"))
    return F.cross_entropy(logits, own)


# --- adversarial losses, to choose from by name


class Adversarial(NamedTuple):
    """What the two sides minimise: each part takes logits, high for real, to a loss for each."""

    real: Callable[[Tensor], Tensor]  # the discriminator, on real pictures with their own text
    fake: Callable[[Tensor], Tensor]  # the discriminator, on made or mismatched pictures
    generator: Callable[[Tensor], Tensor]  # the generator, on what it made


def _softplus_of_minus(logits: Tensor) -> Tensor:
    return F.softplus(-logits)


def _half_square_from_one(logits: Tensor) -> Tensor:
    return 0.5 * (logits - 1).square()


ADVERSARIAL: dict[str, Adversarial] = {
    # Goodfellow et al., "Generative Adversarial Nets", 2014: log(1 - D) for the generator, and the
    # same paper's cure for its vanishing gradient, -log D
    "minimax": Adversarial(_softplus_of_minus, F.softplus, lambda logits: -F.softplus(logits)),
    "non-saturating": Adversarial(_softplus_of_minus, F.softplus, _softplus_of_minus),
    # Lim & Ye, "Geometric GAN", 2017: nothing to gain beyond a margin of 1
    "hinge": Adversarial(lambda x: F.relu(1 - x), lambda x: F.relu(1 + x), torch.neg),
    # Mao et al., "Least Squares Generative Adversarial Networks", 2017, with a = 0, b = c = 1
    "least-squares": Adversarial(
        _half_square_from_one, lambda x: 0.5 * x.square(), _half_square_from_one
    ),
    # Arjovsky et al., "Wasserstein GAN", 2017; needs `gradient_penalty`
    "wasserstein": Adversarial(torch.neg, torch.positive, torch.neg),
}


def adversarial(name: str) -> Adversarial:
    """The loss of that name. Raises ValueError naming the known ones."""
    if name not in ADVERSARIAL:
        raise ValueError(f"unknown adversarial loss {name!r} (known: {', '.join(ADVERSARIAL)})")
    return ADVERSARIAL[name]


def matching_aware(
    loss: Adversarial, fake_logits: Tensor, mismatched_logits: Tensor, weight: Tensor
) -> Tensor:
    """What the discriminator must call low: fakes, and real pictures with another's text.

    Reed et al., "Generative Adversarial Text to Image Synthesis", 2016. Logits (B,) both; `weight`
    (B,) is 0 where the other's text is true as well.
    """
    return loss.fake(fake_logits).mean() + (weight * loss.fake(mismatched_logits)).mean()


# --- penalties


def r2_penalty(fake_images: Tensor, fake_logits: Tensor) -> Tensor:
    """`r1_penalty` at made pictures: half the squared gradient of D, mean over the batch.

    Mescheder et al., 2018. `fake_images` (B, C, R, R) must be detached from the generator and
    require grad.
    """
    return r1_penalty(fake_images, fake_logits)


def between(real_images: Tensor, fake_images: Tensor, share: Tensor) -> Tensor:
    """Points between real and made pictures (B, C, R, R), `share` (B,) of the way; for
    `gradient_penalty`."""
    share = share.to(real_images.device)[:, None, None, None]
    return torch.lerp(real_images.detach(), fake_images.detach(), share).requires_grad_()


def gradient_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """(|gradient of D| - 1) squared, mean over the batch, at pictures `between` real and made.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017. `images` (B, C, R, R) must
    require grad and `logits` (B,) come from them.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    length: Tensor = gradient.flatten(1).norm(dim=1)
    return (length - 1).square().mean()


def mode_seeking(
    one_image: Tensor, other_image: Tensor, one_noise: Tensor, other_noise: Tensor
) -> Tensor:
    """Distance of two noises over that of their pictures at the same text: low for variety.

    Mao et al., "Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis", 2019,
    their 1 / (ratio + 1e-5) for each row. Pictures (B, C, R, R), noises (B, Z); mean absolute
    distances.
    """
    pictures = (one_image - other_image).abs().flatten(1).mean(dim=1)
    noises = (one_noise - other_noise).abs().mean(dim=1)
    return (noises / (pictures + 1e-5 * noises + 1e-8)).mean()
