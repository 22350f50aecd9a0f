"""The pictures that a config names, mixed as it says: a person's own, and our own drawings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageColor
from torch import Tensor

from clipavatar.chibi.caption import caption, full_subset, random_subset
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.prompts import LANGUAGES
from clipavatar.training.batches import Batch
from clipavatar.training.captioned import Mixture, Source
from clipavatar.training.decode import Shape
from clipavatar.training.gallery import load_gallery
from clipavatar.training.report import Report

CHIBI = "chibi"
NOISE = 4  # end of the keys of the random streams of noise; captioned.py has 1 to 3


@dataclass(frozen=True)
class SourceConfig:
    """`[[data.sources]]`: a folder, a .tar shard, "shards/*.tar", or "chibi", our own renderer."""

    path: str = CHIBI
    weight: float = 1.0  # its share of every batch, over the sum of all weights
    pictures: int = 40000  # of "chibi": how many are drawn


@dataclass(frozen=True)
class DataConfig:
    """`[data]`: what a generator is trained on."""

    sources: tuple[SourceConfig, ...] = (SourceConfig(),)
    crop: str = "centre"  # "pad": the whole picture between bars
    background: str = "white"  # behind transparent pictures, where the generator draws RGB
    flip: bool = False  # mirror half of them; not where captions say left or right
    jitter: float = 0.0  # brightness, contrast, saturation by up to this share
    full_captions: float = 0.8  # of "chibi": share of the captions that say everything
    pseudo_text: float = 0.1  # noise on the embedding that stands for a missing caption
    cache_gigabytes: float = 8.0  # of decoded pictures on disk; beyond, decoded in training
    workers: int = 0  # threads that decode; 0: one per core


@dataclass(frozen=True)
class Drawings:
    """Our own drawings as `Mixture` takes them; RGB over a CSS colour where `channels` is 3."""

    pictures: Pictures
    channels: int = 4
    background: str = "white"
    full: float = 0.8

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """(R, R, C), premultiplied where C is 4."""
        pixels: NDArray[np.uint8] = self.pictures.pixels(np.array([index]))[0]
        if self.channels == 4:
            return pixels
        behind = np.array(ImageColor.getrgb(self.background)[:3], np.float32)
        made = pixels[..., :3] + behind * (1 - pixels[..., 3:].astype(np.float32) / 255)
        rounded: NDArray[np.uint8] = made.round().clip(0, 255).astype(np.uint8)
        return rounded

    def caption(self, index: int, rng: np.random.Generator) -> str | None:
        """In either language, a share `full` of them saying everything."""
        choose = full_subset if rng.random() < self.full else random_subset
        subset = choose(self.pictures.attributes(index), rng, self.pictures.always(index))
        return caption(subset, LANGUAGES[int(rng.integers(len(LANGUAGES)))], rng, "training")


def load_data(
    config: DataConfig, resolution: int, channels: int, seed: int, cache: str | Path
) -> tuple[Mixture, list[Report]]:
    """Everything that `config` names, as pictures of `resolution` px with 3 or 4 channels.

    With a report of each source that is a person's own. Raises OSError, or ValueError in one line
    for what can not be used.
    """
    shape = Shape(resolution, channels, config.crop, config.background)
    sources: list[Source] = []
    reports = []
    for source in config.sources:
        if source.path == CHIBI:
            pictures = load_pictures(source.pictures, resolution, seed, cache)
            sources.append(Drawings(pictures, channels, config.background, config.full_captions))
            continue
        gallery, report = load_gallery(
            source.path, shape, cache, config.cache_gigabytes, config.workers
        )
        sources.append(gallery)
        reports.append(report)
    weights = [source.weight for source in config.sources]
    return Mixture(sources, weights, seed, config.flip, config.jitter), reports


def batch_of(
    mixture: Mixture, size: int, step: int, noise_size: int, rank: int = 0, world: int = 1
) -> Batch:
    """Batch number `step` of a mixture, as the steps of training take it; a missing caption is "".

    A picture keeps one noise vector for the whole run, which depends on the seed and its index
    alone: a supervised warm-up then has something to tell pictures of one caption apart by, as in
    Bojanowski et al., "Optimizing the Latent Space of Generative Networks", 2018, without moving
    the vectors. The one column of `labels` and `said` is the same in rows that share a picture or
    a caption: the text of one is true of the other. Raises ValueError as `Mixture.batch`.
    """
    data = mixture.batch(size, step, rank, world)
    noise = np.stack(
        [
            np.random.default_rng([mixture.seed, index, NOISE]).standard_normal(noise_size)
            for index in data.index.tolist()
        ]
    )
    captions = [caption or "" for caption in data.captions]
    labels = _groups(data.index, captions)[:, None]
    return Batch(data.images, torch.from_numpy(noise).float(), captions, labels, labels)


def _groups(index: Tensor, captions: list[str]) -> Tensor:
    """Numbers (B,), equal in rows that one picture or one caption, or a chain of them, connects."""
    first = torch.tensor([captions.index(c) if c else row for row, c in enumerate(captions)])
    same = (index[:, None] == index) | (first[:, None] == first)  # (B, B)
    numbers = torch.arange(len(index))
    while True:
        smaller = torch.where(same, numbers, len(index)).amin(dim=1)
        if torch.equal(smaller, numbers):
            return numbers
        numbers = smaller
