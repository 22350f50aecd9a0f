"""The pictures that a config names, mixed as it says: a person's own, and our own drawings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from clipavatar.chibi.caption import caption, full_subset, random_subset
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.config import DataConfig
from clipavatar.decode import Shape
from clipavatar.prompts import LANGUAGES
from clipavatar.training.captioned import Mixture, Source
from clipavatar.training.gallery import load_gallery
from clipavatar.training.report import Report

CHIBI = "chibi"


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

    def says(self, index: int) -> None:
        """Nothing: two drawings are hardly ever of one caption."""


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
