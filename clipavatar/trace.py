"""The way of a search as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from clipavatar.files import replacing

SECONDS, LAST = 3.0, 1.5  # of the whole way, and how long its end stays
LARGEST = 256  # pixels; a GIF of 512 is several megabytes


def check_trace(path: str | Path, force: bool = False) -> Path:
    """The path, if a GIF can be written there. Raises ValueError, FileExistsError.

    Asked before a search, which takes seconds.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"a trace is saved as a .gif file, not {path.suffix or 'without one'}")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists already; nothing was overwritten")
    return path


def save_trace(frames: Sequence[Image.Image], path: str | Path, force: bool = False) -> Path:
    """Write frames of one size, the last of them shown longest; returns the path.

    The file appears whole or not at all. Raises ValueError for no frames, FileExistsError, OSError.
    """
    if not frames:
        raise ValueError("a trace needs at least one picture")
    each = max(20, round(1000 * SECONDS / len(frames)) // 10 * 10)  # GIF counts hundredths
    shown = [each] * (len(frames) - 1) + [round(1000 * LAST)]
    first, *rest = frames
    encoded = io.BytesIO()
    first.save(
        encoded, "GIF", save_all=True, append_images=rest, duration=shown, loop=0, disposal=2
    )
    with replacing(path, force) as part:
        part.write_bytes(encoded.getvalue())
    return Path(path)
