"""The art as training data: streams of figures drawn once and kept as arrays on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from clipavatar.chibi.draw import pixels, svg
from clipavatar.chibi.labels import VALUES, labels_of, values_of
from clipavatar.chibi.sample import SAMPLING
from clipavatar.chibi.split import HELD_OUT
from clipavatar.chibi.stream import Drawn, drawn_of, figure_of
from clipavatar.config import NOISE_SIZE
from clipavatar.files import replacing
from clipavatar.processes import spread

__all__ = ["Drawn", "Pictures", "drawn_of", "figure_of", "load_pictures"]

CHUNK = 1000  # pictures in one cache file
SMALL = dict.fromkeys(("face", "earrings", "glasses"), "none")
PLAIN = {**SMALL, "hair_tips": "none", "expression": "neutral"}
MARKS = ((2, PLAIN), (3, SMALL))  # what a changed pixel counts; the smallest things count more
NOT_NEUTRAL = "smiling"  # what a neutral face is told from
MARKED = 24  # of 255: what a pixel must change to count as changed
_RULES = (MARKS, NOT_NEUTRAL, MARKED)
_MARKS = "-marks-" + hashlib.sha256(repr(_RULES).encode()).hexdigest()[:6]  # of files


@dataclass(frozen=True)
class Pictures:
    """Drawn figures: `pixels` (B, R, R, 4) premultiplied uint8 and what made them.

    `noise` (N, Z); `labels` (N, A), indices into the values of SAMPLING, one column per attribute,
    UNSAID where the figure lacks it; `forced` (N, A), true where every caption must say it.
    `marks`, where asked for: (B, R, R) uint8 chunks, 2 where the picture is another than it would
    be without the things that PLAIN lists (a neutral face: with a smile), 3 without those of SMALL,
    0 elsewhere.
    """

    chunks: list[NDArray[np.uint8]]
    noise: NDArray[np.float32]
    labels: NDArray[np.int64]
    forced: NDArray[np.bool_]
    marks: list[NDArray[np.uint8]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.noise)

    def pixels(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) indices -> (B, R, R, 4)."""
        return np.stack([self.chunks[i // CHUNK][i % CHUNK] for i in index])

    def marked(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) indices -> (B, R, R); (B, 0, 0) where marks were not asked for."""
        if not self.marks:
            return np.zeros((len(index), 0, 0), np.uint8)
        return np.stack([self.marks[i // CHUNK][i % CHUNK] for i in index])

    def attributes(self, index: int) -> dict[str, str]:
        return values_of(self.labels[index])

    def always(self, index: int) -> list[str]:
        """The names of the forced attributes."""
        return [name for name, forced in zip(VALUES, self.forced[index], strict=True) if forced]


@dataclass(frozen=True)
class Place:
    """Where a stream is kept in files of `chunk` pictures of `size` px; `held_out` as drawn_of.

    Without a folder nothing is kept.
    """

    folder: Path | None
    size: int
    seed: int
    held_out: bool | None
    chunk: int

    def pictures(self, start: int, marks: bool = False) -> Pictures:
        """The chunk that begins at `start`, drawn as far as it is not there yet."""
        if self.folder is None:
            made = _drawn_chunk(start, self)
            return replace(made, marks=[_marks(made.chunks[0], start, self)] if marks else [])
        if not (self.folder / f"{start:07d}.npy").exists():
            _draw_chunk(start, self)
        if marks and not (self.folder / f"{start:07d}{_MARKS}.npy").exists():
            _mark_chunk(start, self)
        return load_chunk(self, start, marks)

    def file(self, start: int, ending: str) -> Path:
        """Raises ValueError without a folder."""
        if self.folder is None:
            raise ValueError("nothing is kept of this stream")
        return self.folder / f"{start:07d}{ending}"


def cached(cache: str | Path | None, size: int, seed: int, held_out: bool | None = False) -> Place:
    """The place in a cache that is keyed by all of this, the drawing code and the stream's rules.

    None: nothing is kept.
    """
    if cache is None:
        return Place(None, size, seed, held_out, CHUNK)
    kind = {False: "", True: "-held-out", None: "-any"}[held_out]
    folder = Path(cache) / f"chibi-{size}-{seed}{kind}-{art_version()}"
    return Place(folder, size, seed, held_out, CHUNK)


def load_pictures(
    count: int,
    size: int,
    seed: int,
    folder: str | Path,
    workers: int = 2,
    held_out: bool | None = False,
    marks: bool = False,
) -> Pictures:
    """Draw `count` pictures of `size` px, or take them from the cache in `folder`.

    A stopped call goes on where it was.
    """
    place = cached(folder, size, seed, held_out)
    starts = range(0, count, CHUNK)
    for ending, draw in (("", _draw_chunk), (_MARKS, _mark_chunk))[: 1 + marks]:
        todo = [s for s in starts if not place.file(s, f"{ending}.npy").exists()]
        done = spread(partial(draw, place=place), todo, workers)
        for _ in tqdm(
            done, "marking" if ending else "rendering", len(todo), unit="k", disable=not todo
        ):
            pass
    chunks = [load_chunk(place, start, marks) for start in starts]
    noise, labels, forced = (
        np.concatenate([getattr(chunk, name) for chunk in chunks])[:count]
        for name in ("noise", "labels", "forced")
    )
    pixels = [chunk.chunks[0] for chunk in chunks]
    return Pictures(pixels, noise, labels, forced, [m for chunk in chunks for m in chunk.marks])


def load_chunk(place: Place, start: int, marks: bool = False) -> Pictures:
    """A chunk that is there already, read from the disk as its pictures are asked for."""

    def read(ending: str) -> NDArray[np.uint8]:
        return np.load(place.file(start, f"{ending}.npy"), mmap_mode="r")  # type: ignore[no-any-return]

    with np.load(place.file(start, ".npz")) as part:
        noise, labels, forced = (part[name] for name in ("noise", "labels", "forced"))
    marked = [read(_MARKS)] if marks else []
    return Pictures([read("")], noise, labels.astype(np.int64), forced, marked)


def _drawn_chunk(start: int, place: Place) -> Pictures:
    """The pictures themselves, in memory."""
    drawn = [drawn_of(place.seed, start + i, place.held_out) for i in range(place.chunk)]
    return Pictures(
        [np.stack([pixels(one.figure, place.size) for one in drawn])],
        np.stack([one.noise for one in drawn]),
        np.array([labels_of(one.figure.attributes) for one in drawn]),
        np.array([[name in one.forced for name in SAMPLING] for one in drawn]),
    )


def _draw_chunk(start: int, place: Place) -> None:
    """Write START.npz (what made the pictures) and then START.npy (the pixels): the chunk is done."""
    made = _drawn_chunk(start, place)
    labels = made.labels.astype(np.int8)
    with replacing(place.file(start, ".npz")) as part, part.open("wb") as file:
        np.savez(file, noise=made.noise, labels=labels, forced=made.forced)
    with replacing(place.file(start, ".npy")) as part, part.open("wb") as file:
        np.save(file, made.chunks[0])


def _mark_chunk(start: int, place: Place) -> None:
    """Write the marks of START.npy."""
    marks = _marks(load_chunk(place, start).chunks[0], start, place)
    with replacing(place.file(start, f"{_MARKS}.npy")) as part, part.open("wb") as file:
        np.save(file, marks)


def _marks(made: NDArray[np.uint8], start: int, place: Place) -> NDArray[np.uint8]:
    """Where pictures (B, R, R, 4) show one of the small things: (B, R, R)."""
    marks = np.zeros(made.shape[:3], np.uint8)
    for i in range(place.chunk):
        figure = drawn_of(place.seed, start + i, place.held_out).figure
        for weight, without in MARKS:
            plain = {name: without.get(name, v) for name, v in figure.attributes.items()}
            if "expression" in without and figure.attributes.get("expression") == "neutral":
                plain["expression"] = NOT_NEUTRAL
            if plain != figure.attributes:
                other = pixels(replace(figure, attributes=plain), place.size)
                change = np.abs(made[i].astype(np.int16) - other).max(axis=-1)
                marks[i][change >= MARKED] = weight
    return marks


def art_version() -> str:
    """Eight hex digits that change when the drawings or the streams do.

    A digest of NOISE_SIZE, the tables, the held-out pairs and two hundred figures of a stream as
    SVG: a change that shows in none of them goes unnoticed.
    """
    digest = hashlib.sha256(repr((NOISE_SIZE, SAMPLING, HELD_OUT)).encode())
    for index in range(200):
        one = drawn_of(0, index)
        digest.update(repr(one.forced).encode() + svg(one.figure).encode())
    return digest.hexdigest()[:8]
