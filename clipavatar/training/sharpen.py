"""`clipavatar train-upscaler`: pairs of a large render and itself small, by two hands.

Either shrunk and softened; or as a generator draws that very figure, whose blotches the upscaler
then learns to take away. Such a picture is the same figure, not the same line: where the two are
apart, the pair counts little (`trust`), or lines would be learned as broad as the doubt about them.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from clipavatar import losses
from clipavatar.checkpoint import find_generator, load_model, load_state, save_model, save_state
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.clip import load_clip
from clipavatar.config import Config, UpscalerTrainConfig
from clipavatar.images import resize, to_float
from clipavatar.models import Upscaler
from clipavatar.training.batches import prefetch, spoken
from clipavatar.training.devices import check_devices
from clipavatar.training.progress import Progress

TRUST = 0.25  # of a range of 2: the difference at which a pixel counts half
AROUND = 5  # pixels, a side, over which differences are taken together
DRAWN = 50  # figures drawn at once
NOISE = 0.1  # at most, of a range of 2; with half of that it sharpened the generator's cracks


def train_upscaler(config: Config, resume: bool = False) -> Path:
    """Train the upscaler as `config.train_upscaler` says; returns its safetensors file.

    With `resume` goes on from the last state in the output folder. Raises OSError, ValueError.
    """
    options, factor = config.train_upscaler, config.upscaler.factor
    output = Path(options.output)
    check_devices(options.precision, "")
    if not 0 <= options.own <= 1:
        raise ValueError(f"train_upscaler.own must be 0 to 1, not {options.own}")
    generator = find_generator(options.generator) if options.generator else None
    torch.manual_seed(options.seed)
    side = config.network.resolution * factor
    pictures = load_pictures(options.pictures, side, options.seed, output.parent / "cache")
    drawn = _drawn(pictures, generator, config.train.clip, options.seed) if generator else None
    upscaler = Upscaler(config.upscaler)
    upscaler.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(upscaler.parameters(), options.learning_rate)
    progress, state_file = Progress(options.minutes, output), output / "state.pt"
    if resume and state_file.exists():
        state = load_state(state_file)
        upscaler.load_state_dict(state["upscaler"])
        optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])

    def make(step: int) -> tuple[Tensor, Tensor, Tensor]:
        return _pair(pictures, drawn, options, factor, step)

    for small, large, weight in prefetch(make, progress.step, ahead=False):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * math.cos(progress.fraction * math.pi / 2)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            made = upscaler(small)
        made = made.float()
        pixel = losses.pixel_loss(made, large, weight)
        gradient = losses.gradient_loss(made, large, weight)
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


@torch.no_grad()
def _drawn(pictures: Pictures, path: Path, clip_name: str, seed: int) -> Tensor:
    """How the generator draws the same figures: (N, R, R, C) uint8."""
    generator, clip = load_model("generator", path), load_clip(clip_name)
    parts = []
    for start in tqdm(range(0, len(pictures), DRAWN), "drawing", unit="batch"):
        rng = np.random.default_rng([seed, start])
        which = range(start, min(start + DRAWN, len(pictures)))
        rows = [spoken(pictures, i, rng, 1.0, False) for i in which]
        noise, captions, said, _, _ = zip(*rows, strict=True)
        text = clip.encode_text(list(captions))
        made = generator(torch.from_numpy(np.stack(noise)), text, said=torch.tensor(said))
        parts.append((127.5 * made + 127.5).round().byte().movedim(1, -1))
    return torch.cat(parts)


def _pair(
    pictures: Pictures,
    drawn: Tensor | None,
    options: UpscalerTrainConfig,
    factor: int,
    step: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Crops (B, 4, crop, crop) in [-1, 1], softened or `drawn`; the true ones `factor` times

    larger; and what each of their pixels counts. A picture that is smaller than a crop is taken
    whole.
    """
    rng = np.random.default_rng([options.seed, step])
    index = rng.integers(len(pictures), size=options.batch_size)
    large = to_float(pictures.pixels(index))
    side = large.shape[-1] // factor
    crop = min(options.crop, side)
    # even places: blocks at half the size then see every picture in the same pairs of pixels
    top, left = 2 * rng.integers(0, (side - crop) // 2 + 1, 2)
    large = _cut(large, top * factor, left * factor, crop * factor)
    draw = torch.Generator().manual_seed(step)
    true = resize(large, crop)
    small, weight = soften(true, draw), torch.ones(len(large), 1, *large.shape[2:])
    if drawn is not None:
        own = round(options.own * len(index))
        made = to_float(drawn[torch.from_numpy(index[:own])].numpy())
        small[:own] = _cut(made, top, left, crop)
        weight[:own] = trust(small[:own], true[:own], factor)
    last = torch.channels_last
    return small.contiguous(memory_format=last), large.contiguous(memory_format=last), weight


def _cut(images: Tensor, top: int, left: int, side: int) -> Tensor:
    return images[..., top : top + side, left : left + side]


def trust(made: Tensor, true: Tensor, factor: int) -> Tensor:
    """(B, C, R, R) each -> (B, 1, R * factor, R * factor): 1 where they agree, near 0 where not."""
    apart = (made - true).abs().amax(dim=1, keepdim=True)
    around = F.avg_pool2d(apart, AROUND, 1, AROUND // 2, count_include_pad=False)
    return F.interpolate(
        1 / (1 + (around / TRUST) ** 2), scale_factor=float(factor), mode="bilinear"
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
