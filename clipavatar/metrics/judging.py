"""The judge at work: its readings of pictures, and how far they can be trusted.

Pictures are kept as bytes, (N, R, R, C) uint8, premultiplied RGBA or RGB: thousands fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.checkpoint import load_model, read_metadata
from clipavatar.chibi.dataset import Pictures, art_version
from clipavatar.chibi.labels import SIZES, VALUES
from clipavatar.images import over, to_float
from clipavatar.metrics.attributes import Share, accuracy, overall, visible
from clipavatar.metrics.texts import Case, wanted

# RGB (B, 3, R, R) in [-1, 1] -> for each attribute the logits (B, values)
Reader = Callable[[Tensor], Sequence[Tensor]]
LIGHT = 0.7  # of the plain grey, in [-1, 1], that pictures are judged on
PART = 100  # pictures judged at once
NAMES = json.dumps(VALUES)  # every value of every attribute, in the order of the judge's answers


def load_judge(path: str | Path) -> tuple[Any, dict[str, dict[str, float]]]:
    """A judge and its own accuracy in %, "unseen" and "softened", per attribute.

    Raises FileNotFoundError, or ValueError for a judge of another vocabulary.
    """
    judge: Any = load_model("judge", path)
    metadata = read_metadata(path)
    same = judge.config.values == tuple(SIZES)
    if not same or metadata.get("names", NAMES) != NAMES:  # the first judges had no names
        raise ValueError(f"{path} judges another vocabulary: train it anew with train-judge")
    return judge, json.loads(metadata.get("accuracy", "{}"))


def judge_metadata(accuracies: Mapping[str, Mapping[str, float]], art: str) -> dict[str, str]:
    """What a judge's file says about it: its accuracies, its words, and the version of the art."""
    return {"accuracy": json.dumps(accuracies), "names": NAMES, "art": art}


def foreign_art(path: str | Path) -> str:
    """A line where a judge has learned from other drawings than today's, else "".

    Takes a third of a second: 200 figures are drawn as SVG.
    """
    learned, now = read_metadata(path).get("art", "one it does not name"), art_version()
    if learned == now:
        return ""
    return (
        f"The judge has learned another version of the art ({learned}, now {now}): "
        "train it anew with train-judge."
    )


def plain(pixels: Tensor) -> Tensor:
    """Bytes (B, R, R, C) -> RGB (B, 3, R, R) in [-1, 1] over plain light grey."""
    return over(to_float(pixels), torch.full((1, 3, 1, 1), LIGHT)).clamp(-1, 1)


def soften(images: Tensor) -> Tensor:
    """(B, C, R, R) shrunk and enlarged again: to 64 px if it is larger, else to five eighths."""
    resolution = images.shape[-1]
    small = 64 if resolution > 64 else resolution * 5 // 8
    made = F.interpolate(images, (small, small), mode="bilinear", antialias=True)
    return F.interpolate(made, (resolution, resolution), mode="bilinear")


@torch.no_grad()
def readings(judge: Reader, pixels: Tensor, softened: bool = False) -> Tensor:
    """Bytes (N, R, R, C) -> the value of each attribute that the judge sees (N, A), as labels."""
    parts = []
    for part in torch.split(pixels, PART):
        images = soften(plain(part)) if softened else plain(part)
        parts.append(torch.stack([logits.argmax(dim=1) for logits in judge(images)], dim=1))
    return torch.cat(parts)


class Drawn(NamedTuple):
    """Pictures of N texts, (N, R, R, C) uint8, what the judge read in them and what was said."""

    asked: list[Case]
    pixels: Tensor
    read: Tensor  # labels (N, A), and so are these:
    said: Tensor

    def shares(self) -> dict[str, Share]:
        """Accuracies of "all" and of each attribute that is said."""
        return {"all": overall(self.read, self.said), **accuracy(self.read, self.said)}


def judged(judge: Reader, asked: list[Case], pixels: Tensor) -> Drawn:
    """Pictures of these texts, with what the judge reads in them."""
    return Drawn(asked, pixels, readings(judge, pixels), wanted(asked))


def joined(parts: Sequence[Drawn]) -> Drawn:
    """One after the other."""
    asked, *others = zip(*parts, strict=True)
    return Drawn([case for some in asked for case in some], *map(torch.cat, others))


def render_accuracy(judge: Reader, pictures: Pictures, softened: bool = False) -> dict[str, float]:
    """The judge's own accuracy in % on true renders, per attribute: as they are, or softened."""
    pixels = torch.from_numpy(pictures.pixels(np.arange(len(pictures))))
    labels = visible(torch.from_numpy(pictures.labels))
    shares = accuracy(readings(judge, pixels, softened), labels)
    return {name: share.percent for name, share in shares.items()}
