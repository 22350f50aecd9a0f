"""A folder of one's own captioned pictures: metadata.jsonl, or a .txt file beside each picture."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor

from clipavatar.images import from_pil, to_uint8
from clipavatar.metrics.judging import plain
from clipavatar.metrics.texts import Case
from clipavatar.prompts import check_text, understand

CAPTION_KEYS = ("text", "caption", "prompt")  # of a row of metadata; the first that is there
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FEWEST = 8  # pictures: two halves of fewer say nothing


def load_captioned(folder: str | Path, count: int, size: int) -> tuple[list[Case], Tensor]:
    """The first `count` pictures with captions: what they say, and bytes (N, R, R, 3).

    Cut square from the middle, `size` px, transparent ones over light grey. Where a picture has
    several captions the first counts. Raises FileNotFoundError, ValueError in one line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}")
    metadata = folder / "metadata.jsonl"
    found = _of_metadata(metadata) if metadata.is_file() else _of_sidecars(folder)
    if len(found) < FEWEST:
        raise ValueError(
            f"{folder} holds {len(found)} captioned pictures, {FEWEST} are the least; captions "
            "stand in metadata.jsonl (file_name, text) or in NAME.txt beside NAME.png"
        )
    found = found[:count]
    texts = [
        Case(check_text(text), understand(text).language, {}, seed)
        for seed, (_, text) in enumerate(found)
    ]
    return texts, torch.cat([_read(path, size) for path, _ in found])


def _of_metadata(metadata: Path) -> list[tuple[Path, str]]:
    found = []
    lines = metadata.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            said = next(row[key] for key in CAPTION_KEYS if key in row)
            text = said if isinstance(said, str) else said[0]
            found.append((metadata.parent / row["file_name"], str(text)))
        except (json.JSONDecodeError, KeyError, IndexError, TypeError, StopIteration):
            raise ValueError(
                f'{metadata} line {number}: not {{"file_name": ..., "text": ...}}'
            ) from None
    return found


def _of_sidecars(folder: Path) -> list[tuple[Path, str]]:
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    captions = [(path, path.with_suffix(".txt")) for path in pictures]
    written = [(p, w.read_text(encoding="utf-8").strip()) for p, w in captions if w.is_file()]
    return [(picture, text.splitlines()[0]) for picture, text in written if text]


def _read(path: Path, size: int) -> Tensor:
    try:
        with Image.open(path) as image:
            mode = "RGBA" if image.has_transparency_data else "RGB"
            fitted = ImageOps.fit(image.convert(mode), (size, size), Image.Resampling.LANCZOS)
    except FileNotFoundError:
        raise FileNotFoundError(f"no such picture: {path}") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the picture {path}: {error}") from None
    return to_uint8(plain(to_uint8(from_pil(fitted)[None])))
