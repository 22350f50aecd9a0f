"""A finished picture, and the options that may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from PIL import Image

from clipavatar.images import save_png
from clipavatar.trace import check_trace, save_trace

MODES = ("sample", "optimize")


class Options(TypedDict, total=False):
    """The keyword options of `generate` and `generate_batch`, but for the seed."""

    size: int
    candidates: int
    mode: str
    steps: int
    style: str
    background: str | None
    negative: str
    diverse: bool
    wildcards: str
    time_budget: float | None
    start_from: str | Path
    keep: str
    judge: str


@dataclass(frozen=True)
class Avatar:
    """A finished picture and what it took to make it.

    `image` is RGBA where the background is transparent, otherwise RGB. `score` is the CLIP cosine
    of the face to the text: of the size at which the candidates were compared (half of the
    generator's where it has that), or in mode optimize of all of it. `settings` is what is written
    into the PNG.
    """

    image: Image.Image
    text: str
    seed: int
    score: float
    prompts: tuple[str, ...]
    settings: dict[str, Any]
    way: tuple[Image.Image, ...] = ()  # of a search, where it was asked for

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write a PNG that remembers its settings; returns its path, with ".png" if it had no end.

        Raises FileExistsError if the file exists and `force` is false, ValueError for another
        ending than .png, OSError if it cannot be written.
        """
        path = Path(path)
        path = path if path.suffix else path.with_name(path.name + ".png")
        if path.suffix.lower() != ".png":
            raise ValueError(f"avatars are saved as .png files, not {path.suffix}: {path}")
        return save_png(self.image, path, self.settings, force)

    def save_trace(self, path: str | Path, force: bool = False) -> Path:
        """Write the way of the search as an animated GIF; see `trace.save_trace`."""
        return save_trace(self.way, check_trace(path, force), force)


def shared_name(name: str) -> str:
    """A CLIP's name without the folders of the machine it was loaded on."""
    return Path(name).name if Path(name).is_dir() else name
