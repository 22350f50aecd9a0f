"""`clipavatar train-judge`: the classifier behind `clipavatar evaluate`, on fresh renders only."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from clipavatar.checkpoint import save_model
from clipavatar.chibi.dataset import load_pictures
from clipavatar.chibi.sample import SAMPLING
from clipavatar.config import Config, JudgeConfig
from clipavatar.metrics.attributes import attribute_loss, render_accuracy, visible
from clipavatar.models import Judge
from clipavatar.training.batches import augment, batch, prefetch
from clipavatar.training.progress import Progress


def train_judge(config: Config) -> Path:
    """Train the judge as `config.judge` says; returns the path of its safetensors file.

    Raises OSError.
    """
    options = config.judge
    output = Path(options.output)
    torch.manual_seed(options.seed)
    pictures = load_pictures(options.pictures, 64, options.seed, output.parent / "cache")
    judge = Judge(JudgeConfig(values=tuple(len(table) for table in SAMPLING.values())))
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(judge.parameters(), options.learning_rate, weight_decay=0.05)
    progress = Progress(options.minutes, output)
    for data in prefetch(lambda step: batch(pictures, options.batch_size, 7, step), 0, False):
        warm = min(1.0, (progress.step + 1) / 100)
        for group in optimizer.param_groups:
            cosine = math.cos(progress.fraction * math.pi / 2) ** 2
            group["lr"] = options.learning_rate * warm * (0.01 + 0.99 * cosine)
        views = augment(data.images, torch.Generator().manual_seed(progress.step), blur=0.5)
        loss = attribute_loss(judge(views), visible(data.labels))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress.advance(options.batch_size, loss=loss)
        if progress.done:
            break
    judge.eval()
    unseen = load_pictures(options.unseen, 64, options.seed + 1, output.parent / "cache")
    progress.record(**render_accuracy(judge, unseen))
    return save_model(judge, output / "judge.safetensors", half=True)
