"""What a generator is trained on, as batches with their texts: our drawings, or a person's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clipavatar.chibi.dataset import load_pictures
from clipavatar.config import Config, DataConfig
from clipavatar.training.batches import Batch, batch
from clipavatar.training.captioned import Mixture
from clipavatar.training.report import Report
from clipavatar.training.sources import CHIBI, load_data

NOISE = 4  # end of the keys of the random streams of noise; captioned.py has 1 to 3
PREVIEW = 12345  # seed of the pictures on preview sheets


@dataclass(frozen=True)
class Feed:
    """`batch(size, step, part, parts)`, as batches.batch; `preview(size)`, the same few for all
    sheets; `count` of pictures, and a report of each source that is a person's own."""

    batch: Callable[[int, int, int, int], Batch]
    preview: Callable[[int], Batch]
    count: int
    reports: list[Report]


def ours(config: DataConfig) -> bool:
    """Whether all pictures are drawn by us: then every caption's labels are known."""
    return all(source.path == CHIBI for source in config.sources)


def load_feed(config: Config, cache: str | Path) -> Feed:
    """The pictures of `config.data` in the shape of the generator. Raises OSError, ValueError."""
    network, data, seed = config.network, config.data, config.train.seed
    if ours(data) and len(data.sources) == 1 and network.image_channels == 4 and not data.flip:
        pictures = load_pictures(data.sources[0].pictures, network.resolution, seed, cache)

        def drawn(size: int, step: int, part: int, parts: int) -> Batch:
            return batch(pictures, size, seed, step, data.full_captions, part=part, parts=parts)

        return Feed(drawn, lambda size: batch(pictures, size, PREVIEW, 0, 0.5), len(pictures), [])
    mixture, reports = load_data(data, network.resolution, network.image_channels, seed, cache)

    def mixed(size: int, step: int, part: int, parts: int) -> Batch:
        return mixed_batch(mixture, size, step, network.noise_size, part, parts)

    plain = Mixture(mixture.sources, mixture.weights, PREVIEW)
    shown = lambda size: mixed_batch(plain, size, 0, network.noise_size)  # noqa: E731
    return Feed(mixed, shown, len(mixture), reports)


def mixed_batch(
    mixture: Mixture, size: int, step: int, noise_size: int, part: int = 0, parts: int = 1
) -> Batch:
    """A part of batch number `step` of a mixture; a caption that is missing is "".

    A picture keeps one noise vector for the whole run, which depends on the seed and its index
    alone: a supervised warm-up then has something to tell pictures of one caption apart by, as in
    Bojanowski et al., "Optimizing the Latent Space of Generative Networks", 2018, without moving
    the vectors. The one column of `labels` and `said` is the picture's group (see `Mixture`): the
    text of one is true of the other. Raises ValueError as `Mixture.batch`.
    """
    data = mixture.batch(size, step, part, parts)
    streams = [np.random.default_rng([mixture.seed, i, NOISE]) for i in data.index.tolist()]
    noise = np.stack([stream.standard_normal(noise_size, np.float32) for stream in streams])
    captions = [caption or "" for caption in data.captions]
    labels = data.groups[:, None]
    return Batch(data.images, torch.from_numpy(noise), captions, labels, labels)


def check_feed(config: Config, text_size: int) -> None:
    """Raises ValueError, in one line, for a generator that does not fit its data or its CLIP."""
    network = config.network
    if network.embedding_size != text_size:
        raise ValueError(
            f"the CLIP gives {text_size} numbers, the network's embedding_size is "
            f"{network.embedding_size}; set all embedding_size keys to the former"
        )
    whole = ours(config.data)
    if getattr(network, "reads", ()) and not whole:
        raise ValueError("generator.reads needs our own drawings alone, whose labels are known")
    if network.noise_names and not whole:
        raise ValueError("noise_names: a person's own pictures know no names for the noise")
    if config.discriminator.resolution != network.resolution:
        raise ValueError(
            f"discriminator.resolution is {config.discriminator.resolution}, "
            f"the generator's {network.resolution}"
        )


def gathered(tensor: Tensor, accelerator: object) -> Tensor:
    """(B, ...) of this process -> the rows of all processes in order."""
    return accelerator.gather(tensor)  # type: ignore[attr-defined, no-any-return]
