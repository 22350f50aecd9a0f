"""`clipavatar train-clip` on a person's own pictures: plain symmetric contrast."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clipavatar.clip import Clip, create_clip, load_clip, save_clip
from clipavatar.config import ClipTrainConfig, Config
from clipavatar.draws import Draws
from clipavatar.training.batches import Batch, augment, prefetch
from clipavatar.training.captioned import Mixture
from clipavatar.training.contrast import Contrast, contrast
from clipavatar.training.devices import make_accelerator, share_statistics
from clipavatar.training.feeds import mixed_batch
from clipavatar.training.gallery import Gallery
from clipavatar.training.progress import Progress
from clipavatar.training.sources import load_data
from clipavatar.training.states import States
from clipavatar.training.vocabulary import train_vocabulary

RESOLUTION, CHANNELS = 64, 3  # of the pictures that it sees; the CLIP sizes them itself
CAPTIONS = 10_000  # that a vocabulary is learned from
FROM_NOTHING, FINE_TUNING = 2e-3, 1e-5  # learning rates, where none is set
UNSEEN_SEED = 1  # added to the seed for the figures


def finetune_clip(config: Config, resume: bool = False) -> Path:
    """Train a CLIP on the pictures of `config.data` that have captions; returns its folder.

    From nothing with a vocabulary of their captions, or on from `config.clip.start`. A share of the
    pictures is kept apart: how many of 32 of those find their own caption is logged. Resumes as
    `train_clip`. Raises OSError, ValueError.
    """
    from accelerate.utils import set_seed

    options = config.clip
    output = Path(options.output)
    accelerator = make_accelerator(config.train.precision)
    set_seed(options.seed)
    states = States(output, 1)
    with accelerator.main_process_first():
        cache = output.parent / "cache"
        mixture, reports = load_data(config.data, RESOLUTION, CHANNELS, options.seed, cache)
        seen, unseen = _split(mixture, options)
        clip = _start(options, seen, output, fresh=not resume and accelerator.is_main_process)
    progress = Progress(options.minutes, output, options.steps, accelerator)  # decoding is over
    for report in reports:
        progress.say("\n".join(report.lines()))
    clip.requires_grad_(True).train()
    full_rate = options.learning_rate or (FINE_TUNING if options.start else FROM_NOTHING)
    optimizer = torch.optim.AdamW(clip.parameters(), full_rate, weight_decay=0.02)
    if not resume and accelerator.is_main_process:
        states.clear()
    if resume and (state := states.newest()):
        clip.load_state_dict(state["clip"])
        optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])
    shared = share_statistics(Contrast(clip), accelerator)
    model, optimizer = accelerator.prepare(shared, optimizer)
    rank, world = accelerator.process_index, accelerator.num_processes
    device = accelerator.device

    def make(step: int) -> tuple[Batch, Tensor]:
        data = mixed_batch(seen, options.batch_size, step, 1, rank, world)
        return data, clip.tokenize(data.captions)

    for data, tokens in prefetch(make, progress.step, device.type != "cpu"):
        rise = min(1.0, (progress.step + 1) / 200)
        for group in optimizer.param_groups:
            falling = 0.02 + 0.98 * math.cos(progress.fraction * math.pi / 2)
            group["lr"] = full_rate * rise * falling
        draws = Draws(options.seed, progress.step, part=rank, parts=world)
        image, text, scale = model(tokens.to(device), augment(data.images, draws).to(device))
        loss = contrast(accelerator, image, text, scale, data)
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(clip.parameters(), 5.0)
        optimizer.step()
        clip.limit_scale()
        progress.advance(options.batch_size, contrast=loss)
        if progress.done or progress.every("checkpoint", options.checkpoint_every_minutes):
            if accelerator.is_main_process:
                state = {"clip": clip.state_dict(), "optimizer": optimizer.state_dict()}
                states.save(progress.step, state | {"progress": progress.state()})
            progress.record(found=_found(clip, unseen))
        if progress.done:
            break
    if accelerator.is_main_process:
        save_clip(clip.cpu(), output / "clip", half=True)
    accelerator.wait_for_everyone()
    return output / "clip"


def _split(mixture: Mixture, options: ClipTrainConfig) -> tuple[Mixture, Mixture]:
    """Pictures with captions, to learn from and to measure by. Raises ValueError for too few."""
    learnt: list[Any] = []
    apart: list[Any] = []
    weights = []
    for source, weight in zip(mixture.sources, mixture.weights, strict=True):
        if not isinstance(source, Gallery):
            learnt.append(source)
            apart.append(source)
            weights.append(weight)
            continue
        captioned = [i for i, item in enumerate(source.items) if item.captions]
        every = max(2, round(1 / max(options.held_out, 1e-6)))
        if len(captioned) >= 2:
            learnt.append(source.only([i for n, i in enumerate(captioned) if n % every]))
            apart.append(source.only(captioned[::every]))
            weights.append(weight)
    if not learnt:
        raise ValueError("train-clip needs captions: too few of the pictures have one")
    seed = mixture.seed + UNSEEN_SEED
    return replace(mixture, sources=learnt, weights=weights), Mixture(apart, weights, seed)


def _start(options: ClipTrainConfig, seen: Mixture, output: Path, fresh: bool) -> Clip:
    """The CLIP that learning begins with; `fresh`: a vocabulary found is an older run's."""
    if options.start:
        return load_clip(options.start)
    vocabulary = output / "vocabulary.txt.gz"
    if fresh or not vocabulary.exists():
        captions = [row for row in _captions(seen) if row]
        train_vocabulary(captions, options.vocabulary_size, vocabulary)
    place = options.architecture
    return create_clip(vocabulary, json.loads(Path(place).read_text()) if place else None)


def _captions(seen: Mixture) -> list[str | None]:
    """A caption of each of up to CAPTIONS pictures."""
    rng = np.random.default_rng(seen.seed)
    share = CAPTIONS // len(seen.sources)
    return [s.caption(i, rng) for s in seen.sources for i in range(min(len(s), share))]


@torch.no_grad()
def _found(clip: Clip, unseen: Mixture, batches: int = 4, size: int = 32) -> float:
    """Share in % of unseen pictures nearest to their own caption, or one that says the same."""
    clip.eval()
    right = []
    for step in range(batches):
        data = unseen.batch(size, step)
        device = clip.mean.device
        image = clip.encode_image(data.images.to(device))
        text = clip.encode_text([caption or "" for caption in data.captions])
        best = (image @ text.T).argmax(dim=1).cpu()
        right.append((data.groups[best] == data.groups).float())
    clip.train()
    return 100 * float(torch.cat(right).mean())
