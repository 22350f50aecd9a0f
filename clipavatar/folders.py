"""Captioned pictures in folders: metadata.jsonl, as in Hugging Face's imagefolder, or .txt files.

What can not be used is a problem with a name and a reason, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

ENDINGS = frozenset(("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm"))
CAPTION_KEYS = ("text", "caption", "prompt")  # of a row of metadata; the first that is there
METADATA = "metadata.jsonl"


@dataclass(frozen=True, slots=True)
class Item:
    """A picture that was found: bytes `offset` to `offset + size` of `file`, and what it shows.

    `name` is how a person finds it. No captions: none were given.
    """

    name: str
    file: str
    offset: int
    size: int
    captions: tuple[str, ...] = ()

    def read(self) -> bytes:
        """The picture's bytes, fewer where the file is cut off. Raises OSError."""
        with open(self.file, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class Found:
    """The pictures of one source in a fixed order, and `problems`: (name, reason) of the rest."""

    items: list[Item]
    problems: list[tuple[str, str]]


def find_in_folder(folder: Path) -> Found:
    """The picture files in `folder` and below, sorted by name, with their captions.

    Those are what a metadata.jsonl above them says (`file_name` and one of CAPTION_KEYS, a string
    or a list of them), else the lines of NAME.txt beside NAME.png, a caption each.
    """
    found = Found([], [])
    files = sorted(p for p in folder.rglob("*") if not hidden(p.relative_to(folder)))
    rows: dict[Path, tuple[str, ...]] = {}
    for file in files:
        if file.name == METADATA:
            for line, row in _rows(file, found):
                _add(rows, file, line, row, folder, found)
    for file in files:
        if file.suffix[1:].lower() not in ENDINGS or not file.is_file():
            continue
        name = file.relative_to(folder).as_posix()
        captions = rows.pop(file, ()) or _sidecar(file.with_suffix(".txt"), found)
        found.items.append(Item(name, str(file), 0, file.stat().st_size, captions))
    for file in rows:
        reason = "is no kind of picture we read" if file.exists() else "does not exist"
        found.problems.append((str(file.relative_to(folder)), f"named in {METADATA}, {reason}"))
    return found


def captions_of(value: Any) -> tuple[str, ...]:
    """The captions in a row of metadata: of the first of CAPTION_KEYS that holds any.

    Raises ValueError where such a key holds something else than text.
    """
    for key in CAPTION_KEYS:
        given = value.get(key)
        texts = [given] if isinstance(given, str) else given or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{key!r} holds neither a text nor a list of texts")
        if captions := _clean(texts):
            return captions
    return ()


def captions_in(data: bytes) -> tuple[str, ...]:
    """The captions in a text file, one a line. Raises ValueError unless it is UTF-8."""
    try:
        return _clean(data.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError:
        raise ValueError("the captions are not UTF-8") from None


def _clean(texts: list[str]) -> tuple[str, ...]:
    whole = (text.encode("utf-8", "replace").decode() for text in texts)  # no half characters
    return tuple(dict.fromkeys(short for text in whole if (short := " ".join(text.split()))))


def _rows(file: Path, found: Found) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and JSON object of every line of a metadata file."""
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except ValueError:
            row = None
        if isinstance(row, dict) and isinstance(row.get("file_name"), str):
            yield number, row
        else:
            found.problems.append((f"{file.name} line {number}", "no JSON with a 'file_name'"))


def _add(
    rows: dict[Path, tuple[str, ...]],
    file: Path,
    number: int,
    row: dict[str, Any],
    folder: Path,
    found: Found,
) -> None:
    """Note in `rows` the captions of one line, a second line of a picture adding to the first."""
    where = f"{file.name} line {number}"
    picture = file.parent / row["file_name"]
    if ".." in picture.parts or not picture.is_relative_to(folder):
        found.problems.append((where, f"{row['file_name']} lies outside the folder"))
        return
    try:
        captions = captions_of(row)
    except ValueError as error:
        found.problems.append((where, str(error)))
        captions = ()
    rows[picture] = tuple(dict.fromkeys((*rows.get(picture, ()), *captions)))


def _sidecar(file: Path, found: Found) -> tuple[str, ...]:
    if not file.is_file():
        return ()
    try:
        return captions_in(file.read_bytes())
    except ValueError as error:
        found.problems.append((file.name, str(error)))
        return ()


def hidden(path: PurePath) -> bool:
    """Whether a path, relative to its folder or shard, lies in or is something hidden."""
    return any(part.startswith(".") for part in path.parts)
