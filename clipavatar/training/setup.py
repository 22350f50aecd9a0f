"""What a training run is made of, checked; and the run that only looks."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from clipavatar import losses, models
from clipavatar.clip import Clip, load_clip
from clipavatar.config import Config, DcganConfig, StyleGeneratorConfig, TrainConfig
from clipavatar.training.batches import share
from clipavatar.training.diffaugment import check_policies
from clipavatar.training.feeds import check_feed, load_feed
from clipavatar.training.report import cost, found, matrix_rate
from clipavatar.training.steps import Nets

PRECISIONS = ("no", "bf16")


def check_config(config: Config) -> None:
    """Raises ValueError for what a look at the config shows to be wrong."""
    options = config.train
    losses.adversarial(options.adversarial)
    check_policies(options.diffaugment)
    if options.precision not in PRECISIONS:
        raise ValueError(f"precision must be no or bf16, not {options.precision!r}")
    for size in (options.warm_up_batch_size, options.batch_size):
        share(size, options.accumulate)
    if config.feature_discriminator and (options.r1_gamma or options.gradient_penalty):
        raise ValueError(
            "feature_discriminator needs train.r1_gamma = 0 and no gradient_penalty: "
            "its spectral norm takes their place"
        )


def make_accelerator(options: TrainConfig) -> Any:
    """Raises ValueError for a precision or a tracker that is not there."""
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.tracking import get_available_trackers

    if options.track and options.track not in map(str, get_available_trackers()):
        raise ValueError(f"track: no tracker {options.track!r} is installed; see accelerate's")
    kwargs = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    accelerator = Accelerator(
        kwargs_handlers=kwargs,
        mixed_precision=options.precision,
        log_with=options.track or None,
        project_dir=options.output,
    )
    if options.track:
        accelerator.init_trackers("clipavatar", dataclasses.asdict(options) | {"diffaugment": ""})
    return accelerator


def make_networks(config: Config, clip: Clip) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that `config` describes, not trained."""
    network = config.network
    if isinstance(network, StyleGeneratorConfig):
        generator: nn.Module = models.StyleGenerator(network)
    elif isinstance(network, DcganConfig):
        generator = models.Dcgan(network)
    else:
        generator = models.Generator(network)
        if network.reads:
            if not config.train.reader:
                raise ValueError("generator.reads needs train.reader, which train-clip writes")
            generator.reader.load_state_dict(load_file(config.train.reader))
            generator.reader.requires_grad_(False)
    if config.feature_discriminator:
        discriminator: nn.Module = models.FeatureDiscriminator(
            clip.encode_image, config.feature_discriminator
        )
    else:
        discriminator = models.Discriminator(config.discriminator)
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
    return Nets(**made, clip=clip, accelerator=accelerator, variety=variety), parts


def dry_run(config: Config) -> str:
    """What `train` would do, for a person: what was found in the data, and what it will take.

    Pictures are decoded into the cache, for else nobody knows which of them can be; nothing else is
    written and nothing is trained. Raises as `train`.
    """
    options = config.train
    check_config(config)
    clip = load_clip(options.clip if Path(options.clip).exists() else "")
    check_feed(config, clip.embedding_size)
    feed = load_feed(config, Path(options.output).parent / "cache")
    generator, discriminator = make_networks(config, clip)
    network, text = config.network, torch.randn(2, clip.embedding_size)
    pictures = torch.randn(2, network.image_channels, network.resolution, network.resolution)
    made = cost(generator, torch.randn(2, network.noise_size), text)
    judged = cost(discriminator, pictures, text)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = options.batch_size // options.accumulate
    return found(feed.reports, feed.count, made, judged, size, options.minutes, matrix_rate(device))
