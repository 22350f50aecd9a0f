"""What a training run is made of, checked; and the run that only looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from clipavatar import losses, models
from clipavatar.checkpoint import start
from clipavatar.clip import Clip, load_clip
from clipavatar.config import Config, DcganConfig, StyleGeneratorConfig, TrainConfig
from clipavatar.models.discriminator import GROUP
from clipavatar.training.batches import share
from clipavatar.training.devices import check_devices
from clipavatar.training.diffaugment import check_policies
from clipavatar.training.feeds import check_feed, load_feed
from clipavatar.training.palette import train_palette
from clipavatar.training.report import cost, found, matrix_rate
from clipavatar.training.steps import Nets

CRITIC = "discriminator.safetensors"  # beside a generator: what the next run may start with
ABOVE_ZERO = (
    *("minutes", "ema_half_life", "r1_every", "batch_size", "warm_up_batch_size", "accumulate"),
    *("clip_temperature", "keep"),
)


def check_config(config: Config) -> None:
    """Raises ValueError for what a look at the config shows to be wrong."""
    options = config.train
    losses.adversarial(options.adversarial)
    check_policies(options.diffaugment)
    for name in ABOVE_ZERO:
        if not getattr(options, name) > 0:
            raise ValueError(f"train.{name} must be above 0, not {getattr(options, name)}")
    penalties = options.r1_gamma or options.r2_gamma or options.gradient_penalty
    if config.feature_discriminator and penalties:
        raise ValueError(
            "feature_discriminator needs train.r1_gamma = 0 and no other penalty: "
            "its spectral norm takes their place"
        )
    if config.feature_discriminator and options.feature_matching:
        raise ValueError("train.feature_matching needs a [discriminator] that sees pictures")
    check_devices(options.precision, options.track)
    if config.dcgan and options.accumulate > 1:
        raise ValueError("dcgan needs accumulate = 1: its batch norms see a part of the batch")
    if options.clip_learning_rate and options.accumulate > 1:
        raise ValueError("clip_learning_rate needs accumulate = 1: CLIP compares the whole batch")


def check_shares(options: TrainConfig, parts: int) -> None:
    """Raises ValueError for batches that `parts` can not share in groups of GROUP pictures."""
    for size in (options.warm_up_batch_size, options.batch_size):
        if share(size, parts) % GROUP:
            raise ValueError(
                f"a batch of {size} pictures in {parts} parts: make each a multiple of {GROUP}"
            )


def make_networks(
    config: Config, encode_image: Callable[[Tensor], Tensor]
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that `config` describes, not trained.

    `encode_image` of a CLIP that does not learn is for a discriminator on its features.
    """
    network = config.network
    if isinstance(network, StyleGeneratorConfig):
        generator: nn.Module = models.StyleGenerator(network)
    elif isinstance(network, DcganConfig):
        generator = models.Dcgan(network)
    else:
        generator = models.Generator(network)
        if network.reads and not config.train.start:
            if not config.train.reader:
                raise ValueError("generator.reads needs train.reader, which train-clip writes")
            tensors = {
                k.removeprefix("reader."): v for k, v in load_file(config.train.reader).items()
            }
            generator.reader.load_state_dict({k: tensors[k] for k in ("weight", "bias")})
        if network.palette and not config.train.start:
            train_palette(generator, config.train.seed)
    if getattr(network, "reads", ()):
        generator.reader.requires_grad_(False)
    if getattr(network, "palette", 0):
        generator.palette.requires_grad_(False)
    if config.feature_discriminator:
        discriminator: nn.Module = models.FeatureDiscriminator(
            encode_image, config.feature_discriminator
        )
    else:
        discriminator = models.Discriminator(config.discriminator)
    if config.train.start:
        start(generator, "generator", Path(config.train.start))
        critic = Path(config.train.start).with_name(CRITIC)
        if critic.is_file() and not config.feature_discriminator:
            start(discriminator, "discriminator", critic)
    for model in (generator, discriminator):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # CPU: x 3
    return generator, discriminator


def prepare(
    options: TrainConfig,
    generator: nn.Module,
    discriminator: nn.Module,
    clip: Clip,
    accelerator: Any,
) -> tuple[Nets, dict[str, Any]]:
    """Everything handed to accelerate with its optimizers, and by name what a checkpoint holds."""
    adam = partial(torch.optim.Adam, fused=accelerator.device.type in ("cpu", "cuda"))
    warm = adam(generator.parameters(), options.warm_up_learning_rate, (0.9, 0.99))
    slow = adam(generator.parameters(), options.generator_learning_rate, (0.5, 0.99))
    critic = adam(discriminator.parameters(), options.discriminator_learning_rate, (0.0, 0.99))
    parts = {
        "generator": generator,
        "discriminator": discriminator,
        "warm_optimizer": warm,
        "generator_optimizer": slow,
        "discriminator_optimizer": critic,
    }
    made = dict(zip(parts, accelerator.prepare(*parts.values()), strict=True))
    if options.compile:
        made["generator"] = torch.compile(made["generator"])
    clip, variety = clip.to(accelerator.device), options.mode_seeking > 0
    flat = bool(getattr(generator.config, "palette", 0))
    return Nets(**made, clip=clip, accelerator=accelerator, flat=flat, variety=variety), parts


def dry_run(config: Config) -> str:
    """What `train` would do, for a person: what was found in the data, and what it will take.

    Pictures are decoded into the cache, for else nobody knows which of them can be; nothing else is
    written and nothing is trained. Raises as `train`.
    """
    options, size = config.train, text_size(config)
    check_config(config)
    check_shares(options, options.accumulate)
    check_feed(config, size)
    feed = load_feed(config, Path(options.output).parent / "cache")
    network = config.network
    generator, discriminator = make_networks(config, lambda x: x.new_empty(len(x), size))
    pictures = torch.randn(2, network.image_channels, network.resolution, network.resolution)
    made = cost(generator, torch.randn(2, network.noise_size), torch.randn(2, size))
    judged = cost(discriminator, pictures, torch.randn(2, size))
    rate = matrix_rate("cuda" if torch.cuda.is_available() else "cpu")
    part = options.batch_size // options.accumulate
    length = (options.minutes, options.steps * options.batch_size)
    return found(feed.reports, feed.count, made, judged, part, length, rate)


def first_clip(config: Config) -> bool:
    """Whether the CLIP of the generator is the one of [clip], which has yet to be trained."""
    wanted = Path(config.train.clip)
    return bool(
        config.train.clip and wanted == Path(config.clip.output, "clip") and not wanted.exists()
    )


def text_size(config: Config) -> int:
    """E of the CLIP that the generator will have. Raises OSError, ValueError."""
    if not first_clip(config):
        return load_clip(config.train.clip).embedding_size
    if config.clip.architecture and not config.clip.start:
        return int(json.loads(Path(config.clip.architecture).read_text())["embed_dim"])
    return load_clip(config.clip.start).embedding_size  # "": ours, and of our size
