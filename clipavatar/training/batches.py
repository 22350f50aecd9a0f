"""Chibi pictures as training batches. Batch `step` is a pure function of the seed and `step`.

So a resumed run sees exactly the data that it would have seen, with no state to keep.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.caption import caption, full_subset, hard_negative, random_subset
from clipavatar.chibi.dataset import Pictures
from clipavatar.chibi.labels import UNSAID, labels_of
from clipavatar.chibi.sample import check_attributes
from clipavatar.chibi.stream import aimed
from clipavatar.config import OftenConfig
from clipavatar.draws import Draws
from clipavatar.images import over, to_float

T = TypeVar("T")
ROW = 1  # end of the keys of random streams; never 0, which numpy ignores


@dataclass(frozen=True)
class Batch:
    """`images` (B, C, R, R) in [-1, 1], `noise` (B, Z), `captions` B strings,

    `labels` (B, A) what is drawn, `said` (B, A) the same where the caption says it, else UNSAID.
    `negatives`, where asked for: B captions in the same languages, each wrong in one attribute,
    and `negatives_said` (B, A). `marks` (B, 1, R, R), 1 where small things show; or empty.
    `tokens` and `wrong_tokens` (B, L), where they are there already: in place of the strings.
    """

    images: Tensor
    noise: Tensor
    captions: list[str]
    labels: Tensor
    said: Tensor
    negatives: list[str] = field(default_factory=list)
    negatives_said: Tensor = field(default_factory=lambda: torch.zeros(0))
    marks: Tensor = field(default_factory=lambda: torch.zeros(0))
    tokens: Tensor = field(default_factory=lambda: torch.zeros(0))
    wrong_tokens: Tensor = field(default_factory=lambda: torch.zeros(0))


def batch(
    pictures: Pictures,
    size: int,
    seed: int,
    step: int,
    full: float = 0.25,
    negatives: bool = False,
    part: int = 0,
    parts: int = 1,
    odds: NDArray[np.float64] | None = None,
) -> Batch:
    """Part number `part` of `parts` of batch number `step`, which has `size` pictures in all.

    With training captions in both languages; `odds` see `pick`.
    A share `full` of the captions says everything that is there. The choosers in the noise are
    drawn anew (see `aimed`): those of attributes that the caption says mean nothing, the others
    still choose what is drawn.
    """
    count = share(size, parts)
    index, rows = [], []
    for row in range(part * count, (part + 1) * count):
        rng = np.random.default_rng([seed, step * size + row, ROW])
        index.append(int(pick(rng, len(pictures), odds)))
        rows.append(spoken(pictures, index[-1], rng, full, negatives))
    noise, captions, said, wrong, wrong_said = map(list, zip(*rows, strict=True))
    places = np.array(index)
    return Batch(
        to_float(pictures.pixels(places)).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.stack(noise)),
        captions,
        torch.from_numpy(pictures.labels[places]),
        torch.tensor(said),
        wrong if negatives else [],
        torch.tensor(wrong_said if negatives else []),
        torch.from_numpy(pictures.marked(places))[:, None].float(),
    )


def odds_of(labels: NDArray[np.int64], often: Sequence[OftenConfig]) -> NDArray[np.float64] | None:
    """How often each picture, labels (N, A), is to be seen, summed up to it (N,); None: all alike.

    Raises ValueError for an attribute or value that is not in SAMPLING.
    """
    if not often:
        return None
    times = np.full(len(labels), 0.0)
    for one in often:
        has = fits(labels, np.array(labels_of(often_said(one))))
        times[has] = np.maximum(times[has], one.times)
    times[times == 0] = 1.0
    return np.cumsum(times)


def fits(labels: Any, said: Any) -> Any:
    """Whether all that is said (..., A) is true of what is drawn, labels (..., A) -> (...) bool.

    Tensors or arrays.
    """
    return ((said == UNSAID) | (said == labels)).all(-1)


def often_said(one: OftenConfig) -> dict[str, str]:
    """The values by attribute. Raises ValueError for one that is not in SAMPLING."""
    said = {name: value for name, _, value in (each.partition("=") for each in one.values)}
    check_attributes(said)
    return said


def pick(
    rng: np.random.Generator,
    count: int,
    odds: NDArray[np.float64] | None,
    size: int | None = None,
) -> Any:
    """One of `count` pictures, or `size` of them; by `odds_of` these, if they are not all alike."""
    if odds is None:
        return rng.integers(count, size=size)
    return np.searchsorted(odds, rng.random(size) * odds[-1], side="right")


def spoken(
    pictures: Pictures, i: int, rng: np.random.Generator, full: float, negative: bool
) -> tuple[NDArray[np.float32], str, list[int], str, list[int]]:
    """Picture `i` in words: noise (Z,), caption, what it says (A,), and a wrong one of each.

    The wrong ones are empty unless `negative`.
    """
    attributes, always = pictures.attributes(i), pictures.always(i)
    choose = full_subset if rng.random() < full else random_subset
    subset = choose(attributes, rng, always)
    noise = aimed(subset, attributes, pictures.noise[i], rng)
    language = "en" if rng.random() < 0.5 else "zh"
    right = caption(subset, language, rng, "training")
    if not negative:
        return noise, right, labels_of(subset), "", []
    other = hard_negative(subset, rng)
    wrong = caption(other, language, rng, "training")
    return noise, right, labels_of(subset), wrong, labels_of(other)


def share(size: int, parts: int) -> int:
    """Rows of each part of a batch. Raises ValueError where they do not come out even."""
    if size % parts:
        raise ValueError(f"a batch of {size} pictures can not be shared by {parts}")
    return size // parts


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


def random_backgrounds(
    count: int, resolution: int, draws: Draws, device: torch.device | str = "cpu"
) -> Tensor:
    """Flat colours and vertical gradients (B, 3, R, R) in [-1, 1], most of them light."""
    draw = draws.rand(count, 3, 2, 1) * 2 - 1
    light = (draws.rand(count, 1, 1, 1) < 0.7).float()
    draw = draw * (1 - 0.7 * light) + 0.6 * light
    flat = (draws.rand(count, 1, 1, 1) < 0.5).float()
    draw = torch.cat((draw[:, :, :1], draw[:, :, 1:] * (1 - flat) + draw[:, :, :1] * flat), dim=2)
    made = F.interpolate(draw.to(device), (resolution, 1), mode="bilinear", align_corners=True)
    return made.clamp(-1, 1).expand(-1, -1, -1, resolution)


def augment(images: Tensor, draws: Draws, blur: float = 0.4) -> Tensor:
    """Premultiplied RGBA (B, 4, R, R) -> RGB (B, 3, R, R) as the network's own pictures may look.

    Random backgrounds, one shift of up to R / 16 for all, and for a share `blur` of the batches
    softness. RGB stays as opaque as it is; its edge fills what a shift uncovers.
    """
    count, channels, resolution, _ = images.shape
    if draws.one() < blur:
        smaller = resolution * (5 + int(draws.one() * 4)) // 10
        images = F.interpolate(images, (smaller, smaller), mode="bilinear", antialias=True)
        images = F.interpolate(images, (resolution, resolution), mode="bilinear")
    pad = resolution // 16
    around = {"mode": "replicate"} if channels == 3 else {"value": -1.0}
    padded = F.pad(images, (pad,) * 4, **around)  # type: ignore[arg-type]
    top, left = (int(draws.one() * (2 * pad + 1)) for _ in range(2))
    moved = padded[..., top : top + resolution, left : left + resolution]
    return over(moved, random_backgrounds(count, resolution, draws, images.device))
