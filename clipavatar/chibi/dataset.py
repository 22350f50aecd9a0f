"""The art as data: arrays streamed into training, or an image folder on disk.

Picture `index` of stream `seed` depends on those two numbers and the drawing code alone.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from clipavatar.chibi.caption import caption, random_subset
from clipavatar.chibi.draw import pixels, render, svg
from clipavatar.chibi.sample import SAMPLING, Figure, figure
from clipavatar.config import NOISE_SIZE, check_range
from clipavatar.files import replacing

T = TypeVar("T")
CHUNK = 1000  # pictures in one cache file


@dataclass(frozen=True)
class Pictures:
    """Rendered figures: `pixels[i]` (R, R, 4) premultiplied uint8, `noise` (N, Z), `labels` (N, A).

    Labels are indices into the values of SAMPLING, one column per attribute.
    """

    chunks: list[NDArray[np.uint8]]
    noise: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.noise)

    def pixels(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) indices -> (B, R, R, 4)."""
        return np.stack([self.chunks[i // CHUNK][i % CHUNK] for i in index])

    def attributes(self, index: int) -> dict[str, str]:
        return values(self.labels[index])


def values(labels: NDArray[np.int64]) -> dict[str, str]:
    """A row of labels as attribute -> value."""
    return {name: list(table)[labels[a]] for a, (name, table) in enumerate(SAMPLING.items())}


def noise_of(seed: int, index: int) -> NDArray[np.float32]:
    """The noise vector (Z,) behind picture `index` of stream `seed`."""
    return np.random.default_rng([seed, index]).standard_normal(NOISE_SIZE, dtype=np.float32)


def figure_of(seed: int, index: int) -> Figure:
    return figure({}, noise_of(seed, index))


def load_pictures(
    count: int, size: int, seed: int, folder: str | Path, workers: int = 2
) -> Pictures:
    """Render `count` pictures of `size` px, or take them from the cache in `folder`.

    The cache is keyed by size, seed and the drawing code; a stopped call goes on where it was.
    """
    place = Path(folder) / f"chibi-{size}-{seed}-{art_version()}"
    starts = range(0, count, CHUNK)
    todo = [start for start in starts if not (place / f"{start:07d}.npy").exists()]
    work = partial(_render_chunk, size=size, seed=seed, place=place)
    for _ in tqdm(_spread(work, todo, workers), "rendering", len(todo), unit="k", disable=not todo):
        pass
    chunks = [np.load(place / f"{start:07d}.npy", mmap_mode="r") for start in starts]
    noise = np.stack([noise_of(seed, index) for index in range(count)])
    indices = {name: {v: i for i, v in enumerate(table)} for name, table in SAMPLING.items()}
    labels = np.array(
        [[indices[k][v] for k, v in figure({}, z).attributes.items()] for z in noise], np.int64
    )
    return Pictures(chunks, noise, labels)


def _spread(
    work: Callable[[int], T], items: Sequence[int], workers: int, chunk: int = 1
) -> Iterator[T]:
    """work(item) for each item in order, by `workers` processes; with one, in this process."""
    if workers <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(work, items, chunksize=chunk)


def _render_chunk(start: int, size: int, seed: int, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    made = np.stack([pixels(figure_of(seed, start + i), size) for i in range(CHUNK)])
    with replacing(place / f"{start:07d}.npy") as part, part.open("wb") as file:
        np.save(file, made)


def art_version() -> str:
    """Eight hex digits that change when the drawings do: a digest of a hundred of them as SVG."""
    digest = hashlib.sha256()
    for index in range(100):
        digest.update(svg(figure_of(0, index)).encode())
    return digest.hexdigest()[:8]


def render_dataset(
    output: str | Path,
    count: int,
    size: int = 128,
    seed: int = 0,
    workers: int = 0,
    sheet: str | Path = "",
) -> Path:
    """Write a Hugging Face image folder: PNGs and metadata.jsonl; returns its path.

    Each line of metadata.jsonl holds file_name, text (a list of captions, English and Chinese,
    full and partial), attributes and noise. `workers` 0 takes one process per core. `sheet` names
    a contact sheet of the first 64 to write as well. A stopped call goes on where it was. Raises
    ValueError for a count, size or seed out of range, OSError.
    """
    check_range("count", count, 1, 10**7)
    check_range("size", size, 16, 4096)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("workers", workers, 0, 1024)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    workers = workers or os.cpu_count() or 1
    work = partial(_write_picture, folder=folder, size=size, seed=seed)
    rows = tqdm(_spread(work, range(count), workers, 16), "rendering", count, unit="")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    with replacing(folder / "metadata.jsonl") as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if sheet:
        from clipavatar.images import contact_sheet

        shown = range(min(count, 64))
        pictures = [Image.open(folder / f"{index:06d}.png") for index in shown]
        labels = [next(captions_of(figure_of(seed, i), seed, i)) for i in shown]
        with replacing(sheet) as part:
            contact_sheet(pictures, labels=[label[:40] for label in labels]).save(part, "PNG")
    return folder


def _write_picture(index: int, folder: Path, size: int, seed: int) -> dict[str, Any]:
    name = f"{index:06d}.png"
    drawn = figure_of(seed, index)
    if not (folder / name).exists():
        with replacing(folder / name) as part:
            render(drawn, size).save(part, "PNG")
    return {
        "file_name": name,
        "text": list(captions_of(drawn, seed, index)),
        "attributes": drawn.attributes,
        "noise": [round(float(z), 6) for z in noise_of(seed, index)],
    }


def captions_of(drawn: Figure, seed: int, index: int) -> Iterator[str]:
    """A full and a partial caption in each language, the same for the same (seed, index)."""
    rng = np.random.default_rng([seed, index, 1])
    for language in ("en", "zh"):
        yield caption(drawn.attributes, language, rng)
        yield caption(random_subset(drawn.attributes, rng), language, rng)
