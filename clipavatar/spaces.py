"""Where a search may move: the noise, the words and their volume, the style; alone or together.

A point is a row of numbers (D,) whose origin is the mean latent and whose unit is one standard
deviation of real-looking pictures, whatever it stands for. So one pull towards the origin and one
bound do for every space, and for any generator of (noise, words).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Generator = Callable[..., Tensor]  # noise (N, Z), words (N, E) -> (N, C, R, R)
Made = TypeVar("Made")
CHUNK = 8  # pictures drawn at once
REACH = 1.2  # root mean square that no part of a point exceeds, unless it started farther out
BALL = 0.4  # of "words": one standard deviation, as a distance from the completed target
STRESS = 0.7  # of "stress": one standard deviation, as a share of the way from what is not said
LOUDER = 0.3  # of "volume": one standard deviation, as the logarithm of a factor
STYLES = 32  # pictures whose styles say what is usual


class Latent(NamedTuple):
    """What N pictures are drawn from."""

    noise: Tensor  # (N, Z)
    words: Tensor  # (N, E), unit length
    style: Tensor | None = None  # (N, S): added to what the generator's mapping network says
    volume: Tensor | None = None  # (N, values): times what the generator is told or reads
    told: Tensor | None = None  # (N, values): in place of what it would read off the words

    def rows(self, rows: slice | Tensor) -> Latent:
        return Latent(*(None if part is None else part[rows] for part in self))  # type: ignore[arg-type]

    def chunks(self) -> list[Latent]:
        """As many at once as are drawn at once."""
        return [self.rows(slice(i, i + CHUNK)) for i in range(0, len(self.noise), CHUNK)]

    def to(self, device: torch.device) -> Latent:
        return Latent(*(None if row is None else row.to(device) for row in self))  # type: ignore[arg-type]


def draw(generator: Generator, latent: Latent, *resolution: int) -> Tensor:
    """Latent of N -> faces (N, C, R, R) in [-1, 1], CHUNK at once; differentiable.

    `resolution`, where given: a smaller one that the generator has. ValueError for a style, a
    volume or something told where it has nothing of the kind.
    """
    made = [drawn(generator, part, generator, *resolution) for part in latent.chunks()]
    return torch.cat(made) if len(made) > 1 else made[0]


def drawn(generator: Generator, latent: Latent, how: Callable[..., Made], *more: int) -> Made:
    """What a function of the generator, or itself, makes of a latent's noise and words."""
    style, volume, told = latent.style, latent.volume, latent.told
    with ExitStack() as stack:
        if style is not None:
            stack.enter_context(_hooked(generator, "mapping", lambda said: said + style))
        if told is not None:
            stack.enter_context(_hooked(generator, "voice", lambda _: told))
        if volume is not None:
            stack.enter_context(_hooked(generator, "voice", lambda words: words * volume))
        return how(latent.noise, latent.words, *more)


@contextmanager
def _hooked(generator: Generator, name: str, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, `change` is applied to what a part of the generator gives."""
    part = getattr(generator, name, None)
    if not isinstance(part, nn.Module):
        raise ValueError(f"this generator has no {name} that could be changed")
    handle = part.register_forward_hook(lambda _module, _inputs, given: change(given))
    try:
        yield
    finally:
        handle.remove()


def _styles(generator: Generator, latent: Latent) -> Tensor:
    """(N, S): what the mapping network says."""
    seen: list[Tensor] = []

    def look(style: Tensor) -> Tensor:
        seen.append(style)
        return style

    with torch.no_grad(), _hooked(generator, "mapping", look):
        draw(generator, latent._replace(style=None))
    return torch.cat(seen)


# ----------------------------------------------------------------------------------- on the disk


def pack(latent: Latent) -> dict[str, str]:
    """A latent of one picture as text: little-endian floats in base64, every bit of them."""
    return {
        name: base64.b64encode(row[0].cpu().numpy().astype("<f4").tobytes()).decode()
        for name, row in latent._asdict().items()
        if row is not None
    }


def unpack(
    packed: Mapping[str, str], noise_size: int, embedding_size: int, values: int = 0
) -> Latent:
    """What `pack` wrote, N = 1, on the CPU. Raises ValueError if it is anything else."""
    try:
        rows = {
            name: np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
            for name, text in packed.items()
        }
        latent = Latent(**{name: torch.from_numpy(row)[None] for name, row in rows.items()})
        if (latent.noise.shape[1], latent.words.shape[1]) != (noise_size, embedding_size):
            raise ValueError("another generator's sizes")
        if any(row is not None and row.shape[1] != values for row in (latent.volume, latent.told)):
            raise ValueError("another generator's values")
        return latent
    except (TypeError, AttributeError, ValueError, binascii.Error):
        raise ValueError("the latent in this picture is damaged") from None


# ---------------------------------------------------------------------------------------- spaces


class Part(NamedTuple):
    """One thing that moves."""

    start: Tensor  # (N, D)
    place: Callable[[Latent, Tensor], Latent]  # puts points (N, D) into a latent


@dataclass(frozen=True)
class Space:
    """Points (N, D) around the latent they start from; parts lie side by side."""

    latent: Latent
    parts: tuple[Part, ...]

    @property
    def start(self) -> Tensor:
        """(N, D)."""
        return torch.cat([part.start for part in self.parts], dim=1)

    def split(self, points: Tensor) -> tuple[Tensor, ...]:
        """Points (N, D) -> one (N, D') for each part."""
        return torch.split(points, [part.start.shape[1] for part in self.parts], dim=1)

    def at(self, points: Tensor) -> Latent:
        """Points (N, D) -> the latent they stand for; differentiable."""
        latent = self.latent
        for part, own in zip(self.parts, self.split(points), strict=True):
            latent = part.place(latent, own)
        return latent

    def stray(self, points: Tensor) -> Tensor:
        """Points (N, D) -> (N,): mean squares, summed over the parts; 0 is the mean latent."""
        return torch.stack([own.square().mean(dim=1) for own in self.split(points)]).sum(dim=0)

    def bounded(self, points: Tensor) -> Tensor:
        """Points (N, D), each part drawn back to REACH, or to as far out as it started."""
        kept = []
        for part, own in zip(self.parts, self.split(points), strict=True):
            most = _length(part.start).clamp(min=REACH)
            kept.append(own * (most / _length(own).clamp(min=1e-12)).clamp(max=1))
        return torch.cat(kept, dim=1)


def _length(points: Tensor) -> Tensor:
    """(N, D) -> root mean squares (N, 1)."""
    return points.square().mean(dim=1, keepdim=True).sqrt()


def make_space(
    name: str,
    generator: Generator,
    latent: Latent,
    free: Sequence[int] | None = None,
    directions: Tensor | None = None,
    values: Sequence[int] = (),
) -> Space:
    """The space of that name around a latent of N: kinds joined by "+".

    noise   the entries `free` of the noise (None: all)
    words   the embedding that the generator is given, within a ball around where it is
    stress  the same along `directions` (K, E) alone: how much each said thing is stressed. Without
            directions it is "words".
    volume  how loud each of the `values` is, places among those that the generator is told: beyond
            1 it draws more of it than it was taught to. Without any: "stress".
    style   what the mapping network makes of all

    Where a latent is told values, "words" and "stress" move only the rest of what a text says.

    Raises ValueError for another name, or where the generator has nothing of the kind.
    """
    size = latent.words.shape[1]
    every_way = BALL / size**0.5 * torch.eye(size, device=latent.words.device)
    has_directions = directions is not None and len(directions) > 0
    along = STRESS * directions if directions is not None and has_directions else every_way
    makers: dict[str, Callable[[], Part]] = {
        "noise": lambda: _noise_part(latent, free),
        "words": lambda: _words_part(latent, every_way),
        "stress": lambda: _words_part(latent, along),
        "volume": lambda: _volume_part(generator, latent, values),
        "style": lambda: _style_part(generator, latent),
    }
    kinds = ["stress" if kind == "volume" and not values else kind for kind in name.split("+")]
    for kind in kinds:
        if kind not in makers:
            known = ", ".join(makers)
            raise ValueError(f"unknown space {kind!r}; join any of {known} by +")
    return Space(latent, tuple(makers[kind]() for kind in dict.fromkeys(kinds)))


def _noise_part(latent: Latent, free: Sequence[int] | None) -> Part:
    columns = range(latent.noise.shape[1]) if free is None else free
    places = torch.tensor(list(columns), device=latent.noise.device)

    def place(latent: Latent, points: Tensor) -> Latent:
        return latent._replace(noise=latent.noise.index_copy(1, places, points))

    return Part(latent.noise[:, places], place)


def _words_part(latent: Latent, ways: Tensor) -> Part:
    """`ways` (D, E): where each number of a point leads."""

    def place(latent: Latent, points: Tensor) -> Latent:
        return latent._replace(words=F.normalize(latent.words + points @ ways, dim=1))

    return Part(latent.words.new_zeros(len(latent.words), len(ways)), place)


def turned_up(
    generator: Generator,
    latent: Latent,
    values: Sequence[int],
    factors: Sequence[float],
    others: Sequence[float] = (1.0,),
) -> Latent:
    """A latent of one, and after it the same with some of `values` told `factors` times as loud,

    and all else `others` times: each value alone and, where there are several, all of them
    together. The loudest come last. What `make_space` says of values holds.
    """
    together = [list(values)] if len(values) > 1 else []
    sets = [*([value] for value in values), *together]
    ways = [(some, f, other) for f in factors for other in others for some in sets]
    if not ways:
        return latent
    volume = _volume(generator, latent).repeat(1 + len(ways), 1)
    for row, (some, factor, other) in zip(volume[1:], ways, strict=True):
        loud = row[some] * factor
        row *= other
        row[some] = loud
    same = torch.zeros(len(volume), dtype=torch.long)
    return latent.rows(same)._replace(volume=volume)


def _volume(generator: Generator, latent: Latent) -> Tensor:
    """(N, values): of all that the generator is told or reads."""
    if latent.volume is not None:
        return latent.volume
    return latent.words.new_ones(len(latent.words), sum(generator.config.reads))  # type: ignore[attr-defined]


def _volume_part(generator: Generator, latent: Latent, values: Sequence[int]) -> Part:
    before = _volume(generator, latent)
    places = torch.tensor(list(values), device=latent.words.device)

    def place(latent: Latent, points: Tensor) -> Latent:
        louder = before[:, places] * (LOUDER * points).exp()
        return latent._replace(volume=before.index_copy(1, places, louder))

    return Part(latent.words.new_zeros(len(latent.words), len(values)), place)


def _style_part(generator: Generator, latent: Latent) -> Part:
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(STYLES, latent.noise.shape[1], generator=random).to(latent.noise.device)
    words = F.normalize(latent.words.mean(dim=0), dim=0).expand(STYLES, -1)
    said = [None if p is None else p.mean(dim=0).expand(STYLES, -1) for p in latent[3:]]
    usual = _styles(generator, Latent(noise, words, None, *said))
    mean, spread = usual.mean(dim=0), usual.std(dim=0)
    spread = spread.clamp(min=0.1 * float(spread.mean()) + 1e-6)
    before = torch.zeros(()) if latent.style is None else latent.style
    before = before.to(noise.device)
    start = (_styles(generator, latent) + before - mean) / spread

    def place(latent: Latent, points: Tensor) -> Latent:
        return latent._replace(style=before + (points - start) * spread)

    return Part(start, place)
