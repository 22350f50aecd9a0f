"""A person's own pictures, decoded once and kept as pixels on disk where they fit."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from clipavatar.decode import VERSION, Decoded, Shape, decode
from clipavatar.files import replacing
from clipavatar.folders import Found, Item, find_in_folder, hidden
from clipavatar.training.report import Report, report_of
from clipavatar.training.shards import find_in_shard

CHUNK = 256  # pictures decoded at a time


@dataclass(frozen=True)
class Rows:
    """Some rows of an array that stays on disk."""

    array: NDArray[np.uint8] | Rows
    rows: list[int]

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        row: NDArray[np.uint8] = self.array[self.rows[index]]
        return row


@dataclass(frozen=True)
class Gallery:
    """Pictures with captions, as `Mixture` takes them: `pixels` (N, R, R, C), or None to decode
    each when it is asked for."""

    items: list[Item]
    shape: Shape
    pixels: NDArray[np.uint8] | Rows | None

    def __len__(self) -> int:
        return len(self.items)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """(R, R, C). Raises ValueError or OSError for one that can not be read."""
        if self.pixels is not None:
            row: NDArray[np.uint8] = self.pixels[index]
            return row
        try:
            return decode(self.items[index].read(), self.shape).pixels
        except (ValueError, OSError) as error:
            raise ValueError(f"{self.items[index].name}: {error}") from None

    def caption(self, index: int, rng: np.random.Generator) -> str | None:
        """One of its captions, None if it has none."""
        captions = self.items[index].captions
        return captions[int(rng.integers(len(captions)))] if captions else None

    def only(self, kept: list[int]) -> Gallery:
        """Those pictures alone."""
        pixels = None if self.pixels is None else Rows(self.pixels, kept)
        return Gallery([self.items[i] for i in kept], self.shape, pixels)

    def says(self, index: int) -> str | None:
        """The first of its captions, None if it has none."""
        return next(iter(self.items[index].captions), None)


def find(path: str | Path) -> Found:
    """The pictures at `path`: a folder, a tar shard, or a pattern such as "shards/*.tar".

    A folder is read with all below it, tar files in it are shards. Raises FileNotFoundError, or
    ValueError where there is no picture at all or a file that is no shard.
    """
    place = Path(path).expanduser()
    found = Found([], [])
    if place.is_dir():
        found = find_in_folder(place)
        shards = sorted(p for p in place.rglob("*.tar") if not hidden(p.relative_to(place)))
    else:
        shards = [place] if place.is_file() else sorted(map(Path, glob.glob(str(place))))
        if not shards:
            raise FileNotFoundError(f"no pictures here: {path} does not exist")
    for shard in shards:
        if shard.suffix != ".tar":
            raise ValueError(f"{shard}: pictures come from a folder or from .tar shards")
        inside = find_in_shard(shard)
        found.items.extend(inside.items)
        found.problems.extend(inside.problems)
    if not found.items:
        reason = f" ({': '.join(found.problems[0])})" if found.problems else ""
        raise ValueError(f"no pictures in {path}{reason}")
    return found


def load_gallery(
    path: str | Path, shape: Shape, cache: str | Path, gigabytes: float = 8.0, workers: int = 0
) -> tuple[Gallery, Report]:
    """The pictures at `path` that can be read, and the report of them all.

    Decoded pixels are kept in the folder `cache`, keyed by the files and the shape. Where they
    would take more than `gigabytes` or the disk's room, each picture is decoded when it is asked
    for, and the report knows no sizes. `workers` 0: a thread per core. Raises OSError, ValueError.
    """
    found = find(path)
    items, cache = found.items, Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / f"pictures-{shape.size}-{_digest(items, shape)}"
    pixels_file, note_file = place.with_suffix(".pixels"), place.with_suffix(".json")
    if not (note_file.exists() and pixels_file.exists()):
        needed = len(items) * shape.size**2 * shape.channels
        if needed > min(gigabytes * 1e9, 0.9 * shutil.disk_usage(cache).free):
            return Gallery(items, shape, None), report_of(str(path), found, shape.size)
        _build(items, shape, pixels_file, note_file, workers or os.cpu_count() or 1)
    note = json.loads(note_file.read_text(encoding="utf-8"))
    report = report_of(str(path), found, shape.size, note)
    skipped = {index for index, _ in note["skipped"]}
    kept = [item for index, item in enumerate(items) if index not in skipped]
    if not kept:
        name, reason = report.skipped[0]
        raise ValueError(f"no picture in {path} can be read; the first, {name}: {reason}")
    size = (len(kept), shape.size, shape.size, shape.channels)
    pixels = np.memmap(pixels_file, np.uint8, "r", shape=size)
    return Gallery(kept, shape, pixels), report


def _digest(items: list[Item], shape: Shape) -> str:
    """Changes with any file's place, size or time, and with all that decoding depends on."""
    digest = hashlib.sha256(repr((VERSION, shape)).encode())
    times: dict[str, int] = {}
    for item in items:
        if item.file not in times:
            times[item.file] = os.stat(item.file).st_mtime_ns
        line = (item.file, item.offset, item.size, times[item.file])
        digest.update(repr(line).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _build(
    items: list[Item], shape: Shape, pixels_file: Path, note_file: Path, workers: int
) -> None:
    """Decode all pictures: the pixels of the good ones one after the other, and what was found.

    Written, not mapped: a mapped file on a full disk would end the process without a word.
    """
    note: dict[str, Any] = {"skipped": [], "duplicates": [], "enlarged": 0}
    sizes: list[tuple[int, int]] = []
    seen: dict[bytes, int] = {}
    with replacing(pixels_file) as part, part.open("wb") as file:
        for index, made in enumerate(_decoded(items, shape, workers)):
            if isinstance(made, str):
                note["skipped"].append((index, made))
                continue
            data = made.pixels.tobytes()
            file.write(data)
            first = seen.setdefault(hashlib.sha256(data).digest()[:16], index)
            if first != index:
                note["duplicates"].append((index, first))
            sizes.append((made.width, made.height))
            note["enlarged"] += min(sizes[-1]) < shape.size
    note |= {"smallest": min(sizes, key=_area), "largest": max(sizes, key=_area)} if sizes else {}
    with replacing(note_file) as part:
        part.write_text(json.dumps(note), encoding="utf-8")


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _decoded(items: list[Item], shape: Shape, workers: int) -> Iterator[Decoded | str]:
    """Each picture, or the reason why there is none, in order; Pillow leaves Python's lock."""

    def attempt(item: Item) -> Decoded | str:
        try:
            return decode(item.read(), shape)
        except (ValueError, OSError) as error:
            return str(error)

    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(items), desc="reading pictures", unit="") as bar,
    ):
        for start in range(0, len(items), CHUNK):
            for made in pool.map(attempt, items[start : start + CHUNK]):
                bar.update()
                yield made
