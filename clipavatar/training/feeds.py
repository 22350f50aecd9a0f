"""What a generator is trained on, as batches with their texts: our drawings, or a person's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipavatar.chibi.colours import COUNT
from clipavatar.chibi.dataset import cached, load_pictures
from clipavatar.config import Config, DataConfig
from clipavatar.training.batches import Batch, batch, odds_of, often_said
from clipavatar.training.captioned import Mixture
from clipavatar.training.pool import Pool
from clipavatar.training.report import Report
from clipavatar.training.sources import CHIBI, load_data

NOISE = 4  # end of the keys of the random streams of noise; captioned.py has 1 to 3
PREVIEW = 12345  # seed of the pictures on preview sheets
FEW = 100  # pictures that the preview is taken from, where none are on disk


@dataclass(frozen=True)
class Feed:
    """`batch(size, step, part, parts)`, as batches.batch; `preview(size)`, the same few for all
    sheets; `count` of pictures, a report of each source that is a person's own, and what of them
    turned out `unreadable` in training."""

    batch: Callable[[int, int, int, int], Batch]
    preview: Callable[[int], Batch]
    count: int
    reports: list[Report]
    unreadable: set[str] = field(default_factory=set)


def ours(config: DataConfig) -> bool:
    """Whether all pictures are drawn by us: then every caption's labels are known."""
    return all(source.path == CHIBI for source in config.sources)


def load_feed(
    config: Config,
    cache: str | Path,
    tokenizer: Any = None,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> Feed:
    """The pictures of `config.data` in the shape of the generator. Raises OSError, ValueError.

    With `data.pool` on `device`, their captions cut by CLIP's `tokenizer`.
    """
    network, data, seed = config.network, config.data, config.train.seed
    if data.pool and tokenizer:
        return _pooled(config, cache, tokenizer, device)
    if labelled(config):
        pictures = load_pictures(
            data.sources[0].pictures, network.resolution, seed, cache, marks=config.train.marks > 0
        )
        odds = odds_of(pictures.labels, data.often)

        def drawn(size: int, step: int, part: int, parts: int) -> Batch:
            full = data.full_captions
            return batch(pictures, size, seed, step, full, part=part, parts=parts, odds=odds)

        return Feed(drawn, lambda size: batch(pictures, size, PREVIEW, 0, 0.5), len(pictures), [])
    mixture, reports = load_data(data, network.resolution, network.image_channels, seed, cache)

    def mixed(size: int, step: int, part: int, parts: int) -> Batch:
        return mixed_batch(mixture, size, step, network.noise_size, part, parts)

    plain = Mixture(mixture.sources, mixture.weights, PREVIEW)

    def shown(size: int) -> Batch:
        return mixed_batch(plain, size, 0, network.noise_size)

    return Feed(mixed, shown, len(mixture), reports, mixture.unreadable)


def _pooled(config: Config, cache: str | Path, tokenizer: Any, device: torch.device) -> Feed:
    data, seed, size = config.data, config.train.seed, config.network.resolution
    place = cached(cache if data.pool_on_disk else None, size, seed)
    most = data.sources[0].pictures
    how = (data.full_captions, config.train.marks > 0, data.workers, data.often)
    pool = Pool(place, most, data.pool, tokenizer, device, *how)
    few = place.pictures(0) if place.folder else replace(place, chunk=FEW).pictures(0)

    def drawn(size: int, step: int, part: int, parts: int) -> Batch:
        return pool.batch(size, seed, step, part, parts)

    return Feed(drawn, lambda size: batch(few, size, PREVIEW, 0, 0.5), pool.most, [])


def mixed_batch(
    mixture: Mixture, size: int, step: int, noise_size: int, part: int = 0, parts: int = 1
) -> Batch:
    """A part of batch number `step` of a mixture; a caption that is missing is "".

    A picture keeps one noise vector for the whole run, and its mirror image another, which depend
    on the seed and its index alone: a supervised warm-up then has something to tell pictures of one
    caption apart by, as in Bojanowski et al., "Optimizing the Latent Space of Generative Networks",
    2018, without moving the vectors. The one column of `labels` and `said` is the picture's group
    (see `Mixture`): the text of one is true of the other. Raises ValueError as `Mixture.batch`.
    """
    data = mixture.batch(size, step, part, parts)
    keys = zip(data.index.tolist(), data.mirrored.tolist(), strict=True)
    streams = [np.random.default_rng([mixture.seed, i, int(turned), NOISE]) for i, turned in keys]
    noise = np.stack([stream.standard_normal(noise_size, np.float32) for stream in streams])
    captions = [caption or "" for caption in data.captions]
    labels = data.groups[:, None]
    return Batch(data.images, torch.from_numpy(noise), captions, labels, labels)


def labelled(config: Config) -> bool:
    """Whether the feed is our drawings as they are, of whose captions all labels are known."""
    data = config.data
    plain = len(data.sources) == 1 and not data.flip and not data.jitter
    return ours(data) and plain and config.network.image_channels == 4


def check_feed(config: Config, text_size: int) -> None:
    """Raises ValueError, in one line, for networks that do not fit the data, CLIP or each other."""
    network, whole = config.network, labelled(config)
    critic = config.feature_discriminator or config.discriminator
    for name, size in (
        ("network", network.embedding_size),
        ("discriminator", critic.embedding_size),
    ):
        if size != text_size:
            raise ValueError(
                f"the CLIP gives {text_size} numbers, the {name}'s embedding_size is {size}; "
                "set all embedding_size keys to the former"
            )
    for one in config.data.often:
        often_said(one)
        if not one.times > 0:
            raise ValueError(f"data.often: times must be above 0, not {one.times}")
    if config.data.often and not whole:
        raise ValueError("data.often is for our own drawings alone, as they are")
    if config.data.pool and not whole:
        raise ValueError("data.pool is for our own drawings alone, as they are")
    if config.data.pool and config.train.clip_learning_rate:
        raise ValueError("data.pool needs clip_learning_rate = 0")
    if getattr(network, "reads", ()) and not whole:
        raise ValueError("generator.reads needs our own drawings alone, whose labels are known")
    colours = getattr(network, "palette", 0)
    if colours:
        if not (getattr(network, "reads", ()) and getattr(network, "detail", 0)):
            raise ValueError("generator.palette needs generator.reads and generator.detail")
        if colours != COUNT:
            raise ValueError(
                f"generator.palette is {colours}, but the art has {COUNT} flat colours"
            )
    if network.noise_names and not whole:
        raise ValueError("noise_names: only our own drawings alone have names for the noise")
    if config.feature_discriminator:
        return
    for key in ("resolution", "image_channels"):
        mine, theirs = getattr(config.discriminator, key), getattr(network, key)
        if mine != theirs:
            raise ValueError(f"discriminator.{key} is {mine}, the generator's {theirs}")
