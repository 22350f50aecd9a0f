"""One training step of each kind: forward, losses, backward, update; returns what to log.

A batch is shared by processes, and a process may compute its share in several parts for want of
memory. Whatever joins rows of a batch (the texts a picture is compared with, another's text, the
forces, random numbers) is the whole batch's, so that the split changes nothing but the rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar import losses
from clipavatar.clip import Clip
from clipavatar.config import TrainConfig
from clipavatar.draws import Draws
from clipavatar.images import over, resize
from clipavatar.metrics.attributes import visible
from clipavatar.models.discriminator import group_size
from clipavatar.models.palette import Layers
from clipavatar.training.batches import Batch, augment, fits, random_backgrounds
from clipavatar.training.diffaugment import diffaugment, random_crops
from clipavatar.training.values import values_loss

KEPT_FORCE = 0.9  # of the running ratio of forces, in a step
SMALLEST_CROP = 0.5  # of the side, that CLIP sees
REAL, FAKE, BETWEEN, LAYERS, VIEWS = range(5)  # what random numbers are for


@dataclass
class Nets:
    """What is trained, with its optimizers, and the CLIP that judges."""

    generator: Any
    discriminator: Any
    warm_optimizer: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    clip: Clip
    accelerator: Any
    flat: bool = False  # whether the generator lays flat colours, by masks that learn
    variety: bool = False  # whether mode seeking wants two pictures of each text
    short: Tensor | None = None  # texts of one value each (K, V, E)
    forces: dict[str, Tensor] = field(default_factory=dict)  # see `generator_step`


@dataclass(frozen=True)
class Part:
    """Part number `part` of `parts` of the batch of a step, on the device, with its texts."""

    data: Batch
    text: Tensor  # (B, E)
    seed: int
    step: int
    part: int = 0
    parts: int = 1

    def draws(self, purpose: int) -> Draws:
        return Draws(self.seed, self.step, purpose, part=self.part, parts=self.parts)

    @property
    def own(self) -> Tensor:
        """(B,): which row of the whole batch each of these is."""
        first = self.part * len(self.text)
        return torch.arange(first, first + len(self.text), device=self.text.device)


def paired_losses(options: TrainConfig, made: Tensor, data: Batch) -> tuple[Tensor, Tensor]:
    """Pixel and gradient loss of made (B, C, R, R) against the pictures of `data`.

    The face counts more, and so do the marks of small things: a plaster of fifty pixels on one
    picture in twenty is never learned beside all that is wrong elsewhere.
    """
    wanted, weight = _weighted(options, made.shape[-1], data)
    pixel = losses.pixel_loss(made, wanted, weight, options.square)
    return pixel, losses.gradient_loss(made, wanted, weight)


def _weighted(options: TrainConfig, size: int, data: Batch) -> tuple[Tensor, Tensor]:
    """The pictures of `data` at this size, and what each of their pixels counts."""
    weight = losses.focus(size, options.focus).to(data.images.device)
    if data.marks.numel():
        weight = weight * (1 + options.marks * F.adaptive_avg_pool2d(data.marks, size))
    return resize(data.images, size), weight


def warm_up_step(
    nets: Nets, options: TrainConfig, parts: Sequence[Part], resolution: int
) -> dict[str, Tensor]:
    """Supervised: the renderer knows which picture a noise vector and a caption name."""
    nets.warm_optimizer.zero_grad(set_to_none=True)
    figures = []
    for part in parts:
        made: Any = _make(nets, part, resolution, nets.flat)
        layers: Layers | None = None
        if nets.flat:
            made, layers = made
        pixel, gradient = paired_losses(options, made, part.data)
        total, found = pixel + gradient, {"pixel": pixel, "gradient": gradient}
        if layers:
            found["masks"] = _mask_loss(options, layers, part.data)
            total = total + options.masks * found["masks"]
        nets.accelerator.backward(total / len(parts))
        figures.append(found)
    nets.accelerator.clip_grad_norm_(nets.generator.parameters(), 1.0)
    nets.warm_optimizer.step()
    return _means(figures)


def _mask_loss(options: TrainConfig, layers: Layers, data: Batch) -> Tensor:
    wanted, weight = _weighted(options, layers.painted.shape[-1], data)
    return losses.mask_loss(*layers, wanted=wanted, weight=weight)


def adversarial_step(
    nets: Nets, options: TrainConfig, parts: Sequence[Part], strength: float = 1.0
) -> dict[str, Tensor]:
    """The discriminator learns from the generator's pictures, then the generator from it."""
    with torch.set_grad_enabled(len(parts) == 1):  # of several, only one graph at a time
        fakes = [_layered(nets, options, part) for part in parts]
    figures = discriminator_step(nets, options, parts, [fake for fake, _ in fakes])
    made: Iterable[tuple[Tensor, Layers | None]] = fakes
    if len(parts) > 1:
        made = (_layered(nets, options, part) for part in parts)
    return figures | generator_step(nets, options, parts, made, strength)


def discriminator_step(
    nets: Nets, options: TrainConfig, parts: Sequence[Part], fakes: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Real with its text is high; fakes, and real pictures with another's text, are low."""
    nets.discriminator_optimizer.zero_grad(set_to_none=True)
    figures = []
    for part, fake in zip(parts, fakes, strict=True):
        total, found = _discriminator_losses(nets, options, part, _own(nets, fake).detach())
        nets.accelerator.backward(total / len(parts))
        figures.append(found)
    nets.discriminator_optimizer.step()
    return _means(figures)


def _discriminator_losses(
    nets: Nets, options: TrainConfig, part: Part, fake: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """What is minimised, and what is logged.

    One forward pass for all pictures: under several processes each backward pass wants just one.
    """
    kind, count = losses.adversarial(options.adversarial), len(fake)
    penalised = part.step % options.r1_every == 0
    real = part.data.images.detach().requires_grad_(penalised and options.r1_gamma > 0)
    fake = fake.requires_grad_(penalised and options.r2_gamma > 0)
    seen = diffaugment(real, options.diffaugment, part.draws(REAL))
    pictures = [seen, seen, diffaugment(fake, options.diffaugment, part.draws(FAKE))]
    texts = [part.text, _anothers(part.text), part.text]
    if options.gradient_penalty > 0:
        mixed = losses.between(real, fake, part.draws(BETWEEN).rand(count))
        pictures, texts = [*pictures, mixed], [*texts, part.text]
    logits = nets.discriminator(torch.cat(pictures), torch.cat(texts)).float().split(count)
    wrong = ~fits(part.data.labels, _anothers(part.data.said))  # another's text may be true as well
    weight = options.mismatch_weight * wrong.to(fake)
    # adding a constant to Wasserstein's critic must change nothing
    balance = 1 + weight.mean() if options.adversarial == "wasserstein" else 1.0
    low = losses.matching_aware(kind, logits[2], logits[1], weight)
    loss = balance * kind.real(logits[0]).mean() + low
    total = loss
    if real.requires_grad:
        total = total + options.r1_gamma * options.r1_every * losses.r1_penalty(real, logits[0])
    if fake.requires_grad:
        total = total + options.r2_gamma * options.r1_every * losses.r2_penalty(fake, logits[2])
    if options.gradient_penalty > 0:
        total = total + options.gradient_penalty * losses.gradient_penalty(mixed, logits[3])
    return total, {"d": loss, "real": logits[0].mean(), "fake": logits[2].mean()}


def generator_step(
    nets: Nets,
    options: TrainConfig,
    parts: Sequence[Part],
    fakes: Iterable[tuple[Tensor, Layers | None]],
    strength: float = 1.0,
) -> dict[str, Tensor]:
    """Adversarial, CLIP contrastive, mode seeking, and still the paired losses, in one backward.

    The weights are shares: each loss pulls at the pixels with that share of the force of the paired
    loss, as in VQGAN (Esser et al., 2021). With fixed weights a fresh discriminator's huge
    gradients tore a warmed-up generator apart within a hundred steps. The ratios of the forces are
    running means over the steps; in the first one nothing but the paired loss pulls. `strength`
    ramps the others up.
    """
    critic = nets.accelerator.unwrap_model(nets.discriminator)
    critic.requires_grad_(False)
    nets.generator_optimizer.zero_grad(set_to_none=True)
    texts, said = _whole(nets, parts)
    shares = {
        "g": options.adversarial_weight,
        "features": options.feature_matching,
        "clip": options.clip_weight,
        "values": options.value_weight,
        "variety": options.mode_seeking,
    }
    figures, squares = [], []
    for part, (fake, layers) in zip(parts, fakes, strict=True):
        found, pulls = _pulls(nets, options, part, fake.detach(), critic, texts, said)
        total = options.paired_weight * pulls["pixel"]
        for name, pull in pulls.items():
            if name != "pixel":
                total = total + strength * shares[name] * nets.forces.get(name, 0.0) * pull
        loss = (fake * total).sum()  # whose gradient at the pixels is `total`
        if layers:
            found["masks"] = _mask_loss(options, layers, part.data)
            loss = loss + options.masks * found["masks"]
        nets.accelerator.backward(loss / len(parts))
        figures.append(found)
        squares.append({name: pull.square().sum() for name, pull in pulls.items()})
    critic.requires_grad_(True)
    nets.accelerator.clip_grad_norm_(nets.generator.parameters(), 1.0)
    nets.generator_optimizer.step()
    _update_forces(nets, squares)
    return _means(figures)


def _pulls(
    nets: Nets,
    options: TrainConfig,
    part: Part,
    fake: Tensor,
    critic: Any,
    texts: Tensor,
    said: Tensor,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What is logged, and by name the gradient of each loss at all pixels of `fake`."""
    whole = fake.requires_grad_()
    pixels = _own(nets, whole)
    found: dict[str, Tensor] = {}
    pixel, gradient = paired_losses(options, pixels, part.data)
    wanted = {"pixel": pixel + gradient}
    if options.adversarial_weight:
        seen = diffaugment(pixels, options.diffaugment, part.draws(FAKE))
        loss = losses.adversarial(options.adversarial).generator(critic(seen, part.text).float())
        wanted["g"] = loss.mean()
    if options.feature_matching:
        with torch.no_grad():
            true = critic.levels(part.data.images)
        wanted["features"] = losses.feature_matching(critic.levels(pixels), true)
    if options.clip_weight or nets.short is not None:
        views = nets.clip.encode_image(_views(options, pixels, part))
        crops = len(views) // len(pixels)
    if options.clip_weight:
        fitting = fits(part.data.labels[:, None], said[None])  # (B, whole batch)
        wanted["clip"] = losses.clip_contrastive(
            views,
            texts,
            options.clip_temperature,
            part.own.repeat(crops),
            fitting.repeat(crops, 1),
        )
    if nets.short is not None:
        values = nets.short[part.step % len(nets.short)]
        shown = visible(part.data.labels).repeat(crops, 1)
        wanted["values"] = values_loss(views, values, nets.clip.scale, shown)
    if options.mode_seeking:
        noise = part.data.noise
        wanted["variety"] = losses.mode_seeking(pixels, whole[1::2], noise, _anothers(noise))
    pulls = {}
    for name, loss in wanted.items():
        (pulls[name],) = torch.autograd.grad(loss, whole, retain_graph=True)
        found[name] = loss.detach()
    return found | {"pixel": pixel.detach(), "gradient": gradient.detach()}, pulls


def _views(options: TrainConfig, pixels: Tensor, part: Part) -> Tensor:
    """What CLIP sees of pictures (B, C, R, R): (B * crops, 3, R, R)."""
    draws = part.draws(VIEWS)
    if not options.clip_crops:
        return augment(pixels, draws, blur=0.0)
    behind = random_backgrounds(len(pixels), pixels.shape[-1], draws, pixels.device)
    return random_crops(over(pixels, behind), options.clip_crops, SMALLEST_CROP, draws)


def _make(nets: Nets, part: Part, resolution: int | None = None, layered: bool = False) -> Any:
    """The generator's pictures for a part; for mode seeking another's noise follows each.

    `layered`: see Generator.forward.
    """
    noise, text, said = part.data.noise, part.text, part.data.said
    if nets.variety and resolution is None:
        noise = torch.stack((noise, _anothers(noise)), dim=1).flatten(0, 1)
        text, said = text.repeat_interleave(2, dim=0), said.repeat_interleave(2, dim=0)
    draws = part.draws(LAYERS)
    more = {"layered": True} if layered else {}  # which other networks do not know
    return nets.generator(noise, text, resolution, said, draws, **more)


def _layered(nets: Nets, options: TrainConfig, part: Part) -> tuple[Tensor, Layers | None]:
    """The generator's pictures, and the layers of their own noise where masks are to be learned."""
    if not (nets.flat and options.masks):
        return _make(nets, part), None
    made, layers = _make(nets, part, layered=True)
    return made, Layers(*(_own(nets, each) for each in layers))


def _own(nets: Nets, made: Tensor) -> Tensor:
    """Of what `_make` gave, the pictures of their own noise."""
    return made[::2] if nets.variety else made


def _anothers(rows: Tensor) -> Tensor:
    """Each row (B, ...) from its neighbour in its group, see models/discriminator.py."""
    groups = rows.reshape(-1, group_size(len(rows)), *rows.shape[1:])
    return groups.roll(1, dims=1).reshape(rows.shape)


def _whole(nets: Nets, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
    """Texts (T, E) and what they say (T, A) of the whole batch, in the order of its rows."""
    gather = nets.accelerator.gather
    texts = torch.cat([part.text for part in parts])
    said = torch.cat([part.data.said for part in parts])
    return gather(texts), gather(said)


def _update_forces(nets: Nets, squares: list[dict[str, Tensor]]) -> None:
    """Running means of how much stronger the paired loss pulls than each of the others."""
    reduce = nets.accelerator.reduce
    norms = {
        name: reduce(torch.stack([each[name] for each in squares]).sum()).sqrt()
        for name in squares[0]
    }
    for name, norm in norms.items():
        if name != "pixel":
            before = nets.forces.get(name, torch.zeros_like(norm))
            ratio = norms["pixel"] / norm.clamp(min=1e-30)
            mean = torch.where(before > 0, KEPT_FORCE * before + (1 - KEPT_FORCE) * ratio, ratio)
            nets.forces[name] = torch.where(norm > 0, mean, before)


def _means(figures: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {
        name: torch.stack([each[name].detach() for each in figures]).mean() for name in figures[0]
    }
