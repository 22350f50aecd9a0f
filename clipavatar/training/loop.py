"""`clipavatar train`: a supervised warm-up that grows, then the adversarial and CLIP losses.

One clock, minutes of work, decides the phase, so that one number sizes a run for any machine.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from clipavatar.checkpoint import load_state, save_model, save_state
from clipavatar.chibi.dataset import load_pictures
from clipavatar.clip import load_clip
from clipavatar.config import Config, TrainConfig
from clipavatar.images import contact_sheet, over, resize, to_pil
from clipavatar.models import Discriminator, Generator
from clipavatar.training.batches import Batch, batch, prefetch
from clipavatar.training.ema import Average
from clipavatar.training.progress import Progress
from clipavatar.training.steps import Nets, discriminator_step, generator_step, warm_up_step


def train(config: Config, resume: bool = False) -> Path:
    """Train a generator as `config` says; returns the path of its safetensors file.

    Every few minutes the output folder gets the state to resume from, the averaged generator and
    a preview sheet. With `resume` goes on from the last state. Raises OSError, ValueError.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.utils import set_seed

    options = config.train
    output = Path(options.output)
    accelerator = Accelerator(
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)]
    )
    set_seed(options.seed)
    clip = load_clip(options.clip)
    if clip.embedding_size != config.generator.embedding_size:
        raise ValueError(
            f"the CLIP gives {clip.embedding_size} numbers, generator.embedding_size is "
            f"{config.generator.embedding_size}; set both embedding_size keys to the former"
        )
    resolution = config.generator.resolution
    pictures = load_pictures(options.pictures, resolution, options.seed, output.parent / "cache")
    generator, discriminator = Generator(config.generator), Discriminator(config.discriminator)
    if config.generator.reads:
        if not options.reader:
            raise ValueError("generator.reads needs train.reader, the file that train-clip wrote")
        generator.reader.load_state_dict(load_file(options.reader))
        generator.reader.requires_grad_(False)
    for model in (generator, discriminator):
        model.to(memory_format=torch.channels_last)  # three times faster on a CPU
    average = Average(generator, options.ema_half_life)
    nets, models = _prepare(accelerator, options, generator, discriminator, clip)
    progress = Progress(options.minutes, output)
    state_file = output / "state.pt"
    if resume and state_file.exists():
        state = load_state(state_file)
        for name, model in models.items():
            model.load_state_dict(state[name])
        average.model.load_state_dict(state["average"])
        progress.restore(state["progress"])
    average.model.to(accelerator.device)
    rank, world = accelerator.process_index, accelerator.num_processes

    def make(step: int) -> tuple[Batch, Tensor]:
        # the phase is read from the clock two batches early, which only moves its border
        warm = progress.fraction < options.warm_up
        size = options.warm_up_batch_size if warm else options.batch_size
        place = step * world + rank
        data = batch(pictures, size, options.seed, place, options.full_captions)
        return data, clip.tokenize(data.captions)

    for data, tokens in prefetch(make, progress.step, accelerator.device.type != "cpu"):
        data = _to(data, accelerator.device)
        with torch.no_grad():
            text = clip.encode_tokens(tokens.to(accelerator.device))
        figures = _step(nets, options, data, text, progress, resolution)
        average.update(accelerator.unwrap_model(nets.generator), len(data.noise) * world)
        progress.advance(len(data.noise) * world, **figures)
        if progress.every("checkpoint", options.checkpoint_every_minutes) or progress.done:
            state = {name: model.state_dict() for name, model in models.items()}
            state |= {"average": average.model.state_dict(), "progress": progress.state()}
            if accelerator.is_main_process:
                save_state(state_file, state)
                save_model(average.model, output / "generator.safetensors", half=True)
                name = f"preview-{progress.elapsed:05.1f}.png"
                preview(
                    average.model,
                    clip,
                    pictures,
                    output / name,
                    _size(progress, options, resolution),
                )
        if progress.done:
            break
    return output / "generator.safetensors"


def _prepare(
    accelerator: Any, options: TrainConfig, generator: Any, discriminator: Any, clip: Any
) -> tuple[Nets, dict[str, Any]]:
    """Optimizers, everything handed to accelerate, and by name what a checkpoint holds."""
    adam = partial(torch.optim.Adam, fused=accelerator.device.type in ("cpu", "cuda"))
    warm = adam(generator.parameters(), options.warm_up_learning_rate, (0.9, 0.99))
    slow = adam(generator.parameters(), options.generator_learning_rate, (0.5, 0.99))
    critic = adam(discriminator.parameters(), options.discriminator_learning_rate, (0.0, 0.99))
    models = {
        "generator": generator,
        "discriminator": discriminator,
        "warm_optimizer": warm,
        "generator_optimizer": slow,
        "discriminator_optimizer": critic,
    }
    made = dict(zip(models, accelerator.prepare(*models.values()), strict=True))
    return Nets(**made, clip=clip.to(accelerator.device), accelerator=accelerator), models


def _step(
    nets: Nets, options: TrainConfig, data: Batch, text: Tensor, progress: Progress, resolution: int
) -> dict[str, Any]:
    """The step that the clock asks for."""
    done = _warmth(progress, options)
    if done < 1:
        rise = min(1.0, (progress.step + 1) / 100)
        _set_rate(nets.warm_optimizer, options.warm_up_learning_rate * rise * (1 - 0.85 * done))
        return warm_up_step(nets, options, data, text, _size(progress, options, resolution))
    left = 1 - (progress.fraction - options.warm_up) / max(1e-6, 1 - options.warm_up)
    slow = min(1.0, 0.1 + left / 0.3)  # the rates fall over the last third
    # the discriminator learns for a moment before the generator has to listen to it
    rise = min(1.0, max(0.0, (progress.fraction - options.warm_up) / options.ramp - 0.25))
    _set_rate(nets.generator_optimizer, options.generator_learning_rate * slow * max(0.05, rise))
    _set_rate(nets.discriminator_optimizer, options.discriminator_learning_rate * slow)
    draw = torch.Generator().manual_seed(progress.step)
    fake = nets.generator(data.noise, text, said=data.said.to(text.device))
    figures = discriminator_step(nets, options, data, text, fake, progress.step)
    return figures | generator_step(nets, options, data, text, fake, draw, rise)


def _warmth(progress: Progress, options: TrainConfig) -> float:
    """How much of the warm-up is over; 1 or more: all of it."""
    return progress.fraction / options.warm_up if options.warm_up > 0 else 1.0


def _size(progress: Progress, options: TrainConfig, resolution: int) -> int:
    """The size in pixels that is trained at this time."""
    low = _warmth(progress, options) < options.low_resolution
    return resolution // 2 if low else resolution


def _set_rate(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _to(data: Batch, device: torch.device) -> Batch:
    return dataclasses.replace(data, images=data.images.to(device), noise=data.noise.to(device))


@torch.no_grad()
def preview(
    generator: torch.nn.Module, clip: Any, pictures: Any, path: Path, resolution: int
) -> None:
    """Sheet of 24 pictures: in each pair of rows above the truth, below it the generator's."""
    data = batch(pictures, 24, 12345, 0, full=0.5)
    device = next(generator.parameters()).device
    text = clip.encode_text(data.captions)
    made = generator(data.noise.to(device), text, resolution=resolution).cpu()
    grey = torch.tensor([0.85, 0.8, 0.9]).reshape(1, 3, 1, 1)
    rows = []
    for start in (0, 12):
        for images in (resize(data.images, resolution), made):
            rows += [to_pil(image) for image in over(images[start : start + 12], grey).clamp(-1, 1)]
    contact_sheet([image.resize((96, 96)) for image in rows], columns=12).save(path)
