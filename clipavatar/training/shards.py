"""WebDataset tar shards, read in place: a shard is a list of byte ranges, never unpacked.

So any picture of a thousand shards can be had at once, and the order of training is free.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from clipavatar.folders import ENDINGS, Found, Item, captions_in, captions_of, hidden

LARGEST_CAPTION = 1 << 20  # bytes of a text or JSON member; a larger one is no caption


def find_in_shard(shard: Path) -> Found:
    """The pictures KEY.png (jpg, webp, ...) of a tar file with KEY.json or KEY.txt, in its order.

    Captions are those of KEY.json (as in metadata.jsonl; or a list or a string), where it has none
    the lines of KEY.txt. A shard that is cut off gives what stands before the cut. Raises OSError,
    ValueError for a file that is no plain tar.
    """
    found = Found([], [])
    pictures: dict[str, tuple[str, int, int]] = {}  # key -> member's name, offset, size
    texts: dict[str, dict[str, bytes]] = {}  # key -> ending -> bytes
    with shard.open("rb") as raw:
        for name, offset, size in _members(shard, raw, found):
            folder, _, base = name.rpartition("/")
            key, _, ending = base.partition(".")
            key, ending = f"{folder}/{key}", ending.lower()
            if ending in ENDINGS:
                if key in pictures:
                    reason = f"a second picture beside {pictures[key][0]}"
                    found.problems.append((f"{shard.name}/{name}", reason))
                else:
                    pictures[key] = (name, offset, size)
            elif ending in ("txt", "json") and size <= LARGEST_CAPTION:
                raw.seek(offset)
                texts.setdefault(key, {})[ending] = raw.read(size)
    for key, (name, offset, size) in pictures.items():
        where = f"{shard.name}/{name}"
        captions: tuple[str, ...] = ()
        for ending in ("json", "txt"):
            data = texts.get(key, {}).get(ending)
            if data is None or captions:
                continue
            try:
                captions = _from_json(data) if ending == "json" else captions_in(data)
            except ValueError as error:
                found.problems.append((where, f"its .{ending}: {error}"))
        found.items.append(Item(where, str(shard), offset, size, captions))
    return found


def _members(shard: Path, raw: BinaryIO, found: Found) -> list[tuple[str, int, int]]:
    """Name, offset and size of the plain files of a tar, up to where it is cut off."""
    members = []
    try:
        with tarfile.open(fileobj=raw, mode="r:") as tar:
            for member in tar:
                if (
                    member.isreg()
                    and not member.issparse()
                    and not hidden(PurePosixPath(member.name))
                ):
                    members.append((member.name, member.offset_data, member.size))
    except tarfile.ReadError as error:
        if not members:
            raise ValueError(f"{shard} is no plain tar file ({error}); unpack it first") from None
        found.problems.append((shard.name, f"the shard is cut off ({error})"))
    return members


def _from_json(data: bytes) -> tuple[str, ...]:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        raise ValueError("no JSON") from None
    return captions_of(value if isinstance(value, dict) else {"text": value})
