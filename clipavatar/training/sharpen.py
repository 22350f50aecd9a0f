"""`clipavatar train-upscaler`: pairs of a large render and itself small and softened."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar import losses
from clipavatar.checkpoint import load_state, save_model, save_state
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.config import Config, UpscalerTrainConfig
from clipavatar.images import resize, to_float
from clipavatar.models import Upscaler
from clipavatar.training.batches import prefetch
from clipavatar.training.progress import Progress

NOISE = 0.1  # at most, of a range of 2; with half of that it sharpened the generator's cracks


def train_upscaler(config: Config, resume: bool = False) -> Path:
    """Train the upscaler as `config.train_upscaler` says; returns its safetensors file.

    With `resume` goes on from the last state in the output folder. Raises OSError.
    """
    options, factor = config.train_upscaler, config.upscaler.factor
    output = Path(options.output)
    torch.manual_seed(options.seed)
    side = config.network.resolution * factor
    pictures = load_pictures(options.pictures, side, options.seed, output.parent / "cache")
    upscaler = Upscaler(config.upscaler)
    upscaler.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(upscaler.parameters(), options.learning_rate)
    progress, state_file = Progress(options.minutes, output), output / "state.pt"
    if resume and state_file.exists():
        state = load_state(state_file)
        upscaler.load_state_dict(state["upscaler"])
        optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])

    def make(step: int) -> tuple[Tensor, Tensor]:
        return _pair(pictures, options, factor, step)

    for small, large in prefetch(make, progress.step, ahead=False):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * math.cos(progress.fraction * math.pi / 2)
        made = upscaler(small)
        pixel, gradient = losses.pixel_loss(made, large), losses.gradient_loss(made, large)
        optimizer.zero_grad(set_to_none=True)
        (pixel + gradient).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress.advance(options.batch_size, pixel=pixel, gradient=gradient)
        if progress.every("checkpoint", 3) or progress.done:
            state = {"upscaler": upscaler.state_dict(), "optimizer": optimizer.state_dict()}
            save_state(state_file, state | {"progress": progress.state()})
            save_model(upscaler, output / "upscaler.safetensors", half=True)
        if progress.done:
            break
    return output / "upscaler.safetensors"


def _pair(
    pictures: Pictures, options: UpscalerTrainConfig, factor: int, step: int
) -> tuple[Tensor, Tensor]:
    """Softened crops (B, 4, crop, crop) in [-1, 1], and the true ones `factor` times larger.

    A picture that is smaller than a crop is taken whole.
    """
    rng = np.random.default_rng([options.seed, step])
    large = to_float(pictures.pixels(rng.integers(len(pictures), size=options.batch_size)))
    crop = min(options.crop, large.shape[-1] // factor)
    top, left = rng.integers(0, large.shape[-1] // factor - crop + 1, 2) * factor
    large = large[..., top : top + crop * factor, left : left + crop * factor]
    draw = torch.Generator().manual_seed(step)
    small = soften(resize(large, crop), draw)
    return small.contiguous(memory_format=torch.channels_last), large.contiguous(
        memory_format=torch.channels_last
    )


def soften(images: Tensor, draw: torch.Generator) -> Tensor:
    """What a generator does to its pictures: a blur of up to 0.8 px and blotches of noise."""
    count, channels, height, width = images.shape
    sigma = float(torch.rand((), generator=draw)) * 0.8 + 1e-3
    weights = torch.exp(-(torch.arange(-2.0, 3.0) ** 2) / (2 * sigma**2))
    kernel = (weights / weights.sum())[None, None].expand(channels, 1, -1)
    images = F.conv2d(F.pad(images, (2, 2, 0, 0), "replicate"), kernel[:, :, None], groups=channels)
    images = F.conv2d(F.pad(images, (0, 0, 2, 2), "replicate"), kernel[..., None], groups=channels)
    coarse = torch.randn(count, channels, height // 2, width // 2, generator=draw)
    noise = F.interpolate(coarse, (height, width), mode="bilinear")
    fine = torch.randn(count, channels, height, width, generator=draw)
    level = torch.rand(count, 1, 1, 1, generator=draw) * NOISE
    return (images + level * (noise + 0.8 * fine)).clamp(-1, 1)
