"""The art as files: a Hugging Face image folder, or WebDataset shards.

A stopped call goes on where it was, and nothing is ever half written. The folder remembers in
SETTINGS what it holds, so that pictures of two kinds are never mixed.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from clipavatar.chibi.caption import caption, full_subset, hard_negative, random_subset
from clipavatar.chibi.dataset import art_version
from clipavatar.chibi.draw import render
from clipavatar.chibi.sample import SAMPLING
from clipavatar.chibi.stream import Drawn, drawn_of
from clipavatar.config import check_range
from clipavatar.files import replacing
from clipavatar.processes import spread
from clipavatar.prompts import LANGUAGES

SETTINGS = ".render.json"  # hidden: loaders of data sets pass it over
LETTERS = 28  # in a line below a picture of the sheet
SPLITS = ("training", "held-out")
Row = dict[str, Any]
Draw = Callable[..., tuple[Row, bytes]]  # `_picture` of this data set


def render_dataset(
    output: str | Path,
    count: int,
    size: int = 128,
    seed: int = 0,
    workers: int = 0,
    sheet: str | Path = "",
    shards: int = 0,
    split: str = "training",
) -> Path:
    """Write `count` captioned pictures of `size` px into the folder `output`; returns its path.

    With `shards` 0 that is a Hugging Face image folder, 000000.png and so on with metadata.jsonl
    (see `row_of`); else WebDataset shards of that many pictures, 000000.tar and so on, with
    KEY.png, KEY.json and KEY.txt (one of the captions) for each. `split` "held-out" draws only
    combinations and words that the split "training" never has. `workers` 0 takes one process per
    core. `sheet` names a contact sheet of the first 64 to write as well. Raises ValueError for a
    number out of range or a folder that holds something else, OSError.
    """
    check_range("count", count, 1, 10**7)
    check_range("size", size, 16, 4096)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("workers", workers, 0, 1024)
    check_range("shards", shards, 0, 10**6)
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r} (known: {', '.join(SPLITS)})")
    folder = Path(output)
    settings = {"size": size, "seed": seed, "split": split, "shards": shards}
    _claim(folder, settings | {"art": art_version()})
    if (folder / f"{count:06d}.png").exists():
        raise ValueError(f"{folder} holds more than {count} pictures already")
    workers = workers or os.cpu_count() or 1
    draw = partial(_picture, size=size, seed=seed, split=split)
    with tqdm(total=count, desc="rendering", unit="") as bar:
        if shards:
            work = partial(_write_shard, folder=folder, draw=draw, shards=shards, count=count)
            for done in spread(work, range(-(-count // shards)), workers):
                bar.update(done)
        else:
            write = partial(_write_picture, folder=folder, draw=draw)
            with replacing(folder / "metadata.jsonl") as part, part.open("wb") as file:
                for row in spread(write, range(count), workers, 16):
                    file.write(_json(row) + b"\n")
                    bar.update()
    if sheet:
        _write_sheet(Path(sheet), min(count, 64), draw)
    return folder


def _claim(folder: Path, settings: Row) -> None:
    """Note in the folder what it holds. Raises ValueError where that is something else."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / SETTINGS
    if not note.exists():
        if any(not path.name.startswith(".") for path in folder.iterdir()):
            raise ValueError(f"{folder} is not empty and holds no data set of ours")
        with replacing(note) as part:
            part.write_bytes(_json(settings))
        return
    known = json.loads(note.read_text(encoding="utf-8"))
    for name, value in settings.items():
        if known.get(name) != value:
            raise ValueError(
                f"{folder} holds pictures of {name} {known.get(name)}, not {value}: "
                "choose another folder"
            )


def _picture(index: int, size: int, seed: int, split: str, drawn: bool = True) -> tuple[Row, bytes]:
    """What is known of picture `index`, and its PNG (empty unless `drawn`)."""
    one = drawn_of(seed, index, split == "held-out")
    row = row_of(one, np.random.default_rng([seed, index, 0, 3]), split)
    return row, _png(render(one.figure, size)) if drawn else b""


def row_of(drawn: Drawn, rng: np.random.Generator, wording: str) -> Row:
    """The metadata of a figure.

    text        captions: in each of `languages` a full and a partial one
    negatives   each of them with one attribute wrong
    attributes  every attribute, None where the figure lacks it
    said        names of those that every caption says; the noise decides the others
    noise       (Z,) numbers, exact as float32: figure(said attributes, noise) is the figure
    """
    attributes, always = drawn.figure.attributes, drawn.forced
    text, negatives, languages = [], [], []
    for language in LANGUAGES:
        for choose in (full_subset, random_subset):
            subset = choose(attributes, rng, always)
            text.append(caption(subset, language, rng, wording))
            negatives.append(caption(hard_negative(subset, rng), language, rng, wording))
            languages.append(language)
    return {
        "text": text,
        "languages": languages,
        "negatives": negatives,
        "attributes": {name: attributes.get(name) for name in SAMPLING},
        "said": list(always),
        "noise": [float(str(z)) for z in drawn.noise],
    }


def _write_picture(index: int, folder: Path, draw: Draw) -> Row:
    """Write INDEX.png unless it is there; its line of metadata.jsonl, the file name first."""
    path = folder / f"{index:06d}.png"
    todo = not path.exists()
    row, png = draw(index, drawn=todo)
    if todo:
        with replacing(path) as part:
            part.write_bytes(png)
    return {"file_name": path.name, **row}


def _write_shard(shard: int, folder: Path, draw: Draw, shards: int, count: int) -> int:
    """Write shard number `shard` unless it is there in full; how many pictures it holds."""
    path, members = folder / f"{shard:06d}.tar", range(shard * shards, count)[:shards]
    if path.exists():
        with tarfile.open(path) as tar:
            if len(tar.getnames()) >= 3 * len(members):
                return len(members)
    with replacing(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        for index in members:
            row, png = draw(index)
            text = row["text"][index % len(row["text"])]
            for ending, data in (("png", png), ("json", _json(row)), ("txt", text.encode())):
                member = tarfile.TarInfo(f"{index:06d}.{ending}")  # with time 0 and no owner
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return len(members)


def _write_sheet(path: Path, count: int, draw: Draw) -> None:
    from clipavatar.images import contact_sheet  # which imports torch

    rows, data = zip(*map(draw, range(count)), strict=True)
    pictures = [Image.open(io.BytesIO(png)) for png in data]
    with replacing(path) as part:
        captions = ["\n".join(wrap(row["text"][0], LETTERS)) for row in rows]
        contact_sheet(pictures, labels=captions).save(part, "PNG")


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _json(value: Row) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
