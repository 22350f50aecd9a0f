"""`clipavatar train-judge`: the classifier behind `clipavatar evaluate`, on fresh renders only."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from clipavatar.checkpoint import load_state, save_model, save_state, start
from clipavatar.chibi.dataset import Pictures, art_version, load_pictures
from clipavatar.chibi.labels import SIZES
from clipavatar.chibi.sample import SAMPLING
from clipavatar.config import Config, JudgeConfig, JudgeTrainConfig
from clipavatar.draws import Draws
from clipavatar.images import over, to_float
from clipavatar.metrics.attributes import attribute_loss, visible
from clipavatar.metrics.judging import judge_metadata, render_accuracy, soften
from clipavatar.models import Judge
from clipavatar.training.batches import prefetch, random_backgrounds
from clipavatar.training.progress import Progress

HARD = ("expression", "face", "hair", "hair_colour", "hair_tips")  # what it learns last


def train_judge(config: Config, resume: bool = False) -> Path:
    """Train the judge as `config.judge` says; returns the path of its safetensors file.

    The file's metadata holds its own accuracy on unseen renders, sharp and softened, its words and
    the version of the art. With `resume` goes on from the last state in the output folder. Raises
    OSError, ValueError.
    """
    options = config.judge
    output = Path(options.output)
    torch.manual_seed(options.seed)
    values = tuple(SIZES)
    shape = JudgeConfig(options.resolution, options.channels, options.hidden, values)
    judge = Judge(shape)  # before anything is drawn: a wrong shape is told at once
    if options.start:
        start(judge, "judge", Path(options.start))
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    art = art_version()
    # of its own seeds, which no other training uses, and with every combination of attributes
    load = partial(load_pictures, size=options.resolution, folder=output.parent / "cache")
    pictures = load(options.pictures, seed=options.seed, held_out=None)
    unseen = load(options.unseen, seed=options.seed + 1, held_out=None)

    average = AveragedModel(judge, avg_fn=_averaging(options.average), use_buffers=True)
    optimizer = torch.optim.AdamW(judge.parameters(), options.learning_rate, weight_decay=0.05)
    progress = Progress(options.minutes, output)
    parts: dict[str, Any] = {"judge": judge, "average": average, "optimizer": optimizer}
    state_file = output / "state.pt"
    if resume and state_file.exists():
        state = load_state(state_file)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        progress.restore(state["progress"])

    weights = [options.hard_weight if name in HARD else 1.0 for name in SAMPLING]
    for views, labels in prefetch(
        lambda step: _batch(pictures, options, step), progress.step, ahead=False
    ):
        if progress.done:
            break
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * _schedule(progress.fraction, progress.step)
        loss = attribute_loss(judge(views), labels, weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update_parameters(judge)
        progress.advance(options.batch_size, loss=loss)
        if progress.done or progress.every("checkpoint", options.checkpoint_every_minutes):
            state = {name: part.state_dict() for name, part in parts.items()}
            save_state(state_file, {**state, "progress": progress.state()})
    best = average.module.eval()
    sharp, soft = render_accuracy(best, unseen), render_accuracy(best, unseen, softened=True)
    progress.record(**sharp, **{f"{name} softened": share for name, share in soft.items()})
    metadata = judge_metadata({"unseen": sharp, "softened": soft}, art)
    return save_model(best, output / "judge.safetensors", metadata, half=True)


def _averaging(kept: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """How far the mean weights move in a step: further at first, to leave the random start."""

    def move(mean: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        return mean + (new - mean) * max(1 - kept, 10 / (10 + int(steps)))

    return move


def _schedule(fraction: float, step: int) -> float:
    """200 steps of warm-up, then a cosine down to a hundredth."""
    return min(1.0, (step + 1) / 200) * (0.01 + 0.99 * math.cos(fraction * math.pi / 2) ** 2)


def _batch(pictures: Pictures, options: JudgeTrainConfig, step: int) -> tuple[Tensor, Tensor]:
    """Views (B, 3, R, R) in [-1, 1] and labels (B, A), a pure function of the seed and `step`."""
    index = np.random.default_rng([options.seed, step]).integers(
        len(pictures), size=options.batch_size
    )
    random = Draws(options.seed, step)
    views = judge_views(to_float(pictures.pixels(index)), random)
    labels = visible(torch.from_numpy(pictures.labels[index]))
    return views.contiguous(memory_format=torch.channels_last), labels


def judge_views(images: Tensor, random: Draws) -> Tensor:
    """Premultiplied RGBA (B, 4, R, R) -> RGB (B, 3, R, R), each picture spoilt in its own way.

    Half are softened, half of those wholly; most are shifted by up to R / 16 and zoomed by up to
    6 %; a third have the marks of JPEG and a third noise; all stand on random backgrounds.
    """
    count, _, resolution, _ = images.shape

    def some(share: float) -> Tensor:  # which rows; the others need not be computed
        return (random.rand(count) < share).nonzero()[:, 0]

    images = images.clone()
    rows = some(0.5)
    softness = (2 * random.rand(len(rows), 1, 1, 1)).clamp(max=1)
    images[rows] = images[rows].lerp(soften(images[rows]), softness)
    rows = some(0.8)
    place = torch.eye(2, 3).repeat(len(rows), 1, 1)
    place[:, :, 2] = (random.rand(len(rows), 2) - 0.5) * 0.25
    place[:, :, :2] *= 1 + (random.rand(len(rows), 1, 1) - 0.5) * 0.12
    grid = F.affine_grid(place, [len(rows), *images.shape[1:]], align_corners=False)
    moved = F.grid_sample(images[rows] + 1, grid, align_corners=False) - 1
    images[rows] = moved  # what moves in is clear
    views = over(images, random_backgrounds(count, resolution, random))
    rows = some(0.33)
    coarse = (0.02 + 0.1 * random.rand(len(rows), 1, 1, 1)) * 2
    views[rows] = _jpeg(views[rows], coarse)
    rows = some(0.33)
    views[rows] += random.randn(len(rows), *views.shape[1:]) * 0.04
    return views.clamp(-1, 1)


def _jpeg(views: Tensor, coarse: Tensor) -> Tensor:
    """What JPEG does to pictures (B, 3, R, R): the waves of 8 px blocks rounded to steps (B,1,1,1).

    R is a multiple of 8.
    """
    count, channels, resolution, _ = views.shape
    wave = torch.arange(8)
    cosine = torch.cos(math.pi / 8 * (wave[None] + 0.5) * wave[:, None]) / 2
    cosine[0] /= 2**0.5  # orthonormal: its transpose undoes it
    blocks = views.reshape(count, channels, resolution // 8, 8, resolution // 8, 8).transpose(3, 4)
    steps = coarse[..., None, None] * (1 + (wave[None] + wave[:, None]) / 4)
    waves = cosine @ blocks @ cosine.T
    rounded = cosine.T @ ((waves / steps).round() * steps) @ cosine
    return rounded.transpose(3, 4).reshape(views.shape)
