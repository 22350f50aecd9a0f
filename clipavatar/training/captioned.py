"""Captioned pictures as training batches. Batch `step` is a pure function of seed and step.

So a resumed run sees exactly the data that it would have seen, with no state to keep, and several
processes share the batch that one would have had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.draws import Draws
from clipavatar.images import to_float
from clipavatar.training.batches import share

CYCLE = 1000  # rows in which every source has exactly its share
ATTEMPTS = 100  # pictures that may be unreadable one after the other
ROW, ORDER, EPOCH = 1, 2, 3  # ends of the keys of random streams; never 0, which numpy ignores


@dataclass(frozen=True)
class CaptionedBatch:
    """`images` (B, C, R, R) in [-1, 1], `captions` B strings or None where a picture has none,

    `index` (B,) which pictures they are, counted through all sources; `groups` (B,) equal for
    pictures of the same first caption: what is said of one is true of the other.
    """

    images: Tensor
    captions: list[str | None]
    index: Tensor
    groups: Tensor
    mirrored: Tensor


class Source(Protocol):
    """Pictures of one size, in any order, with captions."""

    def __len__(self) -> int: ...

    def picture(self, index: int) -> NDArray[np.uint8]:
        """(R, R, C), premultiplied where C is 4. Raises ValueError, OSError if it is unreadable."""

    def caption(self, index: int, rng: np.random.Generator) -> str | None:
        """One of its captions."""

    def says(self, index: int) -> str | None:
        """The first of its captions; None where it has none of its own."""


@dataclass(frozen=True)
class Mixture:
    """Sources, each giving its share of `weights` of the rows of every batch.

    Within a source no picture comes again before all have come. `flip` mirrors half of the rows;
    `jitter` changes brightness, contrast and saturation by up to that share.
    """

    sources: Sequence[Source]
    weights: Sequence[float]
    seed: int = 0
    flip: bool = False
    jitter: float = 0.0
    unreadable: set[str] = field(default_factory=set, compare=False)  # met on the way, with reasons

    def __post_init__(self) -> None:
        if not self.sources or len(self.sources) != len(self.weights):
            raise ValueError(
                f"data needs sources and a weight for each, not {len(self.sources)} with "
                f"{len(self.weights)} weights"
            )
        for weight in self.weights:
            if not 0 < weight < float("inf"):
                raise ValueError(f"the weight of a source must be above 0, not {weight}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must lie in 0 to 1, not {self.jitter}")

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def batch(self, size: int, step: int, part: int = 0, parts: int = 1) -> CaptionedBatch:
        """Part number `part` of `parts` of batch number `step`, which has `size` rows in all.

        Raises ValueError where they do not come out even or too much is unreadable.
        """
        count = share(size, parts)
        first = step * size + part * count
        rows = [self._row(place) for place in range(first, first + count)]
        images, captions, index, groups, mirrored = zip(*rows, strict=True)
        together = torch.stack(images).contiguous(memory_format=torch.channels_last)
        numbers = map(torch.tensor, (index, groups, mirrored))
        return CaptionedBatch(together, list(captions), *numbers)

    def _row(self, place: int) -> tuple[Tensor, str | None, int, int, bool]:
        """Row `place` of the endless stream of rows: picture, caption, index, group, mirrored."""
        which, turn = self._share(place)
        source = self.sources[which]
        pixels, index = self._readable(source, self._order(which, turn))
        rng = np.random.default_rng([self.seed, place, ROW])
        caption = source.caption(index, rng)
        mirrored = self.flip and bool(rng.random() < 0.5)
        if mirrored:
            pixels = pixels[:, ::-1]
        image = to_float(np.array(pixels))
        if self.jitter:
            image = jitter(image, rng.uniform(-self.jitter, self.jitter, 3))
        number = index + sum(map(len, self.sources[:which]))
        group = _group(source.says(index) or f"picture {number}")
        return image, caption, number, group, mirrored

    def _share(self, place: int) -> tuple[int, int]:
        """Which source row `place` comes from, and how many rows came from it before."""
        cycle, row = divmod(place, CYCLE)
        labels = _cycle(tuple(self.weights), self.seed, cycle)
        which = int(labels[row])
        in_a_cycle, before = (labels == which).sum(), (labels[:row] == which).sum()
        return which, int(cycle * in_a_cycle + before)

    def _order(self, which: int, turn: int) -> int:
        """The picture that a source gives as number `turn`."""
        count = len(self.sources[which])
        epoch, place = divmod(turn, count)
        return int(_shuffled(count, self.seed, which, epoch)[place])

    def _readable(self, source: Source, index: int) -> tuple[NDArray[np.uint8], int]:
        """Picture `index` of a source, or the next one that can be read."""
        problem: Exception | None = None
        attempts = min(ATTEMPTS, len(source))
        for attempt in range(attempts):
            candidate = (index + attempt) % len(source)
            try:
                return source.picture(candidate), candidate
            except (ValueError, OSError) as error:
                problem = error
                self.unreadable.add(str(error))
        raise ValueError(f"{attempts} pictures in a row can not be read; the last: {problem}")


@lru_cache(maxsize=16)
def _cycle(weights: tuple[float, ...], seed: int, cycle: int) -> NDArray[np.int64]:
    """The source of each of CYCLE rows, every one at least once, shuffled."""
    shares = np.maximum(1, np.floor(CYCLE * np.array(weights) / sum(weights))).astype(np.int64)
    shares[int(shares.argmax())] += CYCLE - int(shares.sum())
    labels = np.repeat(np.arange(len(weights)), shares)
    return np.random.default_rng([seed, cycle, ORDER]).permutation(labels)


@lru_cache(maxsize=16)
def _shuffled(count: int, seed: int, which: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, which, epoch, EPOCH]).permutation(count)


def _group(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def jitter(image: Tensor, change: NDArray[np.float64]) -> Tensor:
    """Brightness, contrast and saturation of (C, R, R) in [-1, 1] times 1 + `change` (3,).

    Premultiplied colours stay within their alpha.
    """
    brightness, contrast, saturation = (1 + change).tolist()
    unit = (image + 1) / 2
    colour, alpha = unit[:3], unit[3:]
    cover = alpha if len(alpha) else torch.ones_like(colour[:1])
    colour = colour * brightness
    mean = colour.sum() / (3 * cover.sum().clamp(min=1)) * cover
    colour = mean + (colour - mean) * contrast
    grey = (colour * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0, keepdim=True)
    colour = grey + (colour - grey) * saturation
    colour = torch.minimum(colour.clamp(min=0), cover)
    return torch.cat((colour, alpha)) * 2 - 1


# --- pictures without captions


def pseudo_text(embeddings: Tensor, level: float, draws: Draws) -> Tensor:
    """CLIP embeddings of pictures (B, E), unit vectors -> what their texts might embed as.

    Each is moved by `level` in a random direction and brought back to length 1, so the cosine with
    the picture is at least sqrt(1 - level^2). LAFITE's fixed perturbation (Zhou et al., "Towards
    Language-Free Training for Text-to-Image Generation", 2022, equation 4; level 0.1 to 0.3 there).
    """
    noise = draws.randn(*embeddings.shape).to(embeddings)
    direction = torch.nn.functional.normalize(noise, dim=1)
    return torch.nn.functional.normalize(embeddings + level * direction, dim=1)


def with_pseudo_text(
    text: Tensor,
    captions: Sequence[str | None],
    images: Tensor,
    encode_image: Callable[[Tensor], Tensor],
    level: float,
    draws: Draws,
) -> Tensor:
    """Text embeddings (B, E); those of pictures without caption (None or "") from the picture.

    `images` (B, 3, R, R) in [-1, 1]; `encode_image` takes such to unit vectors (B, E). The noise of
    row i does not depend on which rows have captions.
    """
    missing = torch.tensor([not caption for caption in captions])
    if not missing.any():
        return text
    where = missing.to(images.device)
    embeddings = torch.zeros_like(text)
    embeddings[where] = encode_image(images[where]).to(text)
    return torch.where(where[:, None], pseudo_text(embeddings, level, draws), text)
