"""One training step of each kind: forward, losses, backward, update; returns what to log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clipavatar import losses
from clipavatar.chibi.dataset import UNSAID
from clipavatar.clip import Clip
from clipavatar.config import TrainConfig
from clipavatar.images import resize
from clipavatar.training.batches import Batch, augment


@dataclass
class Nets:
    """What is trained, with its optimizers, and the frozen CLIP that judges."""

    generator: Any
    discriminator: Any
    warm_optimizer: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    clip: Clip
    accelerator: Any


def fits(data: Batch) -> Tensor:
    """(B, B) bool: whether everything that text j says is true of picture i."""
    said, labels = data.said[None], data.labels[:, None]
    return ((said == UNSAID) | (said == labels)).all(dim=2)


def paired_losses(options: TrainConfig, made: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel and gradient loss of made against wanted (B, C, R, R), the face counting more."""
    weight = losses.focus(made.shape[-1], options.focus).to(made.device)
    return losses.pixel_loss(made, wanted, weight), losses.gradient_loss(made, wanted, weight)


def warm_up_step(
    nets: Nets, options: TrainConfig, data: Batch, text: Tensor, resolution: int
) -> dict[str, Tensor]:
    """Supervised: the renderer knows which picture a noise vector and a caption name."""
    made = nets.generator(data.noise, text, resolution, data.said.to(text.device))
    wanted = resize(data.images, resolution)
    pixel, gradient = paired_losses(options, made, wanted)
    nets.warm_optimizer.zero_grad(set_to_none=True)
    nets.accelerator.backward(pixel + gradient)
    nets.accelerator.clip_grad_norm_(nets.generator.parameters(), 1.0)
    nets.warm_optimizer.step()
    return {"pixel": pixel, "gradient": gradient}


def discriminator_step(
    nets: Nets, options: TrainConfig, data: Batch, text: Tensor, fake: Tensor, step: int
) -> dict[str, Tensor]:
    """Real with its text is high; fakes, and real pictures with another's text, are low."""
    penalised = step % options.r1_every == 0
    real = data.images.detach().requires_grad_(penalised)
    other = torch.roll(text, 1, dims=0)
    wrong = ~torch.roll(fits(data), 1, dims=1).diagonal()  # an other's text may be true as well
    real_logits = nets.discriminator(real, text)
    mismatched = nets.discriminator(data.images, other)[wrong.to(text.device)]
    fake_logits = nets.discriminator(fake.detach(), text)
    loss = losses.discriminator_loss(
        real_logits,
        fake_logits,
        mismatched if len(mismatched) else fake_logits,
        options.mismatch_weight,
    )
    total = loss
    if penalised:
        penalty = losses.r1_penalty(real, real_logits)
        total = loss + options.r1_gamma * options.r1_every * penalty
    nets.discriminator_optimizer.zero_grad(set_to_none=True)
    nets.accelerator.backward(total)
    nets.discriminator_optimizer.step()
    return {"d": loss, "real": real_logits.mean(), "fake": fake_logits.mean()}


def generator_step(
    nets: Nets,
    options: TrainConfig,
    data: Batch,
    text: Tensor,
    fake: Tensor,
    draw: torch.Generator,
    strength: float = 1.0,
) -> dict[str, Tensor]:
    """Adversarial, CLIP contrastive and still the paired loss, in one backward pass.

    The weights are shares: each loss pulls at the pixels with that share of the force of the paired
    loss, as in VQGAN (Esser et al., 2021). With fixed weights a fresh discriminator's huge
    gradients tore a warmed-up generator apart within a hundred steps. `strength` ramps both up.
    """
    pixels = fake.detach().requires_grad_()
    nets.discriminator.requires_grad_(False)
    adversarial = losses.generator_loss(nets.discriminator(pixels, text))
    (pull_adversarial,) = torch.autograd.grad(adversarial, pixels)
    nets.discriminator.requires_grad_(True)
    views = nets.clip.encode_image(augment(pixels, draw, blur=0.0))
    contrast = losses.clip_contrastive(
        views, text, options.clip_temperature, fits(data).to(text.device)
    )
    (pull_clip,) = torch.autograd.grad(contrast, pixels)
    pixel, gradient = paired_losses(options, pixels, data.images)
    (pull,) = torch.autograd.grad(pixel + gradient, pixels)
    force = strength * pull.norm()
    total = (
        pull
        + options.adversarial_weight * force / (pull_adversarial.norm() + 1e-12) * pull_adversarial
        + options.clip_weight * force / (pull_clip.norm() + 1e-12) * pull_clip
    )
    nets.generator_optimizer.zero_grad(set_to_none=True)
    nets.accelerator.backward(fake, gradient=total)
    nets.accelerator.clip_grad_norm_(nets.generator.parameters(), 1.0)
    nets.generator_optimizer.step()
    return {"g": adversarial, "clip": contrast, "pixel": pixel, "gradient": gradient}
