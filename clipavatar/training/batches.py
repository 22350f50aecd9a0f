"""Chibi pictures as training batches. Batch `step` is a pure function of the seed and `step`.

So a resumed run sees exactly the data that it would have seen, with no state to keep.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.caption import caption, full_subset, hard_negative, random_subset
from clipavatar.chibi.dataset import Pictures, labels_of
from clipavatar.chibi.stream import aimed
from clipavatar.images import over, to_float

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """`images` (B, 4, R, R) premultiplied in [-1, 1], `noise` (B, Z), `captions` B strings,

    `labels` (B, A) what is drawn, `said` (B, A) the same where the caption says it, else UNSAID.
    `negatives`, where asked for: B captions in the same languages, each wrong in one attribute,
    and `negatives_said` (B, A).
    """

    images: Tensor
    noise: Tensor
    captions: list[str]
    labels: Tensor
    said: Tensor
    negatives: list[str] = field(default_factory=list)
    negatives_said: Tensor = field(default_factory=lambda: torch.zeros(0))


def batch(
    pictures: Pictures,
    size: int,
    seed: int,
    step: int,
    full: float = 0.25,
    negatives: bool = False,
) -> Batch:
    """Batch number `step` of `size` pictures, with training captions in both languages.

    A share `full` of the captions says everything that is there. The choosers in the noise are
    drawn anew (see `aimed`): those of attributes that the caption says mean nothing, the others
    still choose what is drawn.
    """
    rng = np.random.default_rng([seed, step])
    index = rng.integers(len(pictures), size=size)
    noise = pictures.noise[index].copy()
    said, captions, texts = [], [], []
    for row, i in enumerate(index):
        attributes, always = pictures.attributes(i), pictures.always(i)
        choose = full_subset if rng.random() < full else random_subset
        subset = choose(attributes, rng, always)
        noise[row] = aimed(subset, attributes, noise[row], rng)
        language = "en" if rng.random() < 0.5 else "zh"
        captions.append(caption(subset, language, rng, "training"))
        said.append(labels_of(subset))
        texts.append((subset, language))
    wrong = [(hard_negative(s, rng), language) for s, language in texts if negatives]
    return Batch(
        to_float(pictures.pixels(index)).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(noise),
        captions,
        torch.from_numpy(pictures.labels[index]),
        torch.tensor(said),
        [caption(subset, language, rng, "training") for subset, language in wrong],
        torch.tensor([labels_of(subset) for subset, _ in wrong]),
    )


def prefetch(make: Callable[[int], T], start: int, ahead: bool) -> Iterator[T]:
    """make(start), make(start + 1), ... for ever; two of them `ahead` in a thread if that is true.

    Beside a GPU a thread hides the work; on a few CPU cores it only gets in the way of the
    network's own threads, which wait for each other spinning.
    """
    if not ahead:
        yield from map(make, itertools.count(start))
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, start), pool.submit(make, start + 1)]
        for step in itertools.count(start + 2):
            yield waiting.pop(0).result()
            waiting.append(pool.submit(make, step))


def random_backgrounds(count: int, resolution: int, generator: torch.Generator) -> Tensor:
    """Flat colours and vertical gradients (B, 3, R, R) in [-1, 1], most of them light."""
    draw = torch.rand(count, 3, 2, 1, generator=generator) * 2 - 1
    light = (torch.rand(count, 1, 1, 1, generator=generator) < 0.7).float()
    draw = draw * (1 - 0.7 * light) + 0.6 * light
    flat = (torch.rand(count, 1, 1, 1, generator=generator) < 0.5).float()
    draw = torch.cat((draw[:, :, :1], draw[:, :, 1:] * (1 - flat) + draw[:, :, :1] * flat), dim=2)
    made = F.interpolate(draw, (resolution, 1), mode="bilinear", align_corners=True)
    return made.expand(-1, -1, -1, resolution).clamp(-1, 1)


def augment(images: Tensor, generator: torch.Generator, blur: float = 0.4) -> Tensor:
    """Premultiplied RGBA (B, 4, R, R) -> RGB (B, 3, R, R) as the network's own pictures may look.

    Random backgrounds, shifts of up to R / 16, and for a share `blur` of the batches softness.
    """
    count, _, resolution, _ = images.shape
    if torch.rand((), generator=generator) < blur:
        smaller = resolution * int(torch.randint(5, 9, (), generator=generator)) // 10
        images = F.interpolate(images, (smaller, smaller), mode="bilinear", antialias=True)
        images = F.interpolate(images, (resolution, resolution), mode="bilinear")
    pad = resolution // 16
    padded = F.pad(images, (pad,) * 4, value=-1)
    top, left = torch.randint(0, 2 * pad + 1, (2,), generator=generator).tolist()
    moved = padded[..., top : top + resolution, left : left + resolution]
    backgrounds = random_backgrounds(count, resolution, generator).to(images.device)
    return over(moved, backgrounds)
