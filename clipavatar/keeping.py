"""Going on from a saved avatar: which of it, what of it is kept, and what another text changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar import __version__
from clipavatar.chibi.sample import CHOOSERS, SAMPLING, figure
from clipavatar.chibi.stream import aimed
from clipavatar.contest import Hold
from clipavatar.images import read_settings
from clipavatar.spaces import Latent
from clipavatar.syntax import attributes, parse

FACE = ("eye_colour", "expression", "skin", "glasses", "face", "earrings")
KEPT: dict[str, tuple[str, ...]] = {  # what --keep may name, and the attributes it means
    "hair": ("hair", "fringe", "hair_colour", "hair_tips"),
    "face": FACE,
    "eyes": ("eye_colour",),
    "expression": ("expression",),
    "skin": ("skin",),
    "glasses": ("glasses",),
    "earrings": ("earrings",),
    "head": ("head",),
    "clothes": ("clothes", "clothes_colour"),
    "character": ("character",),
    "all": tuple(SAMPLING),
}
PLACES = ("hair", "face", "eyes", "glasses", "earrings", "head", "clothes")  # of a text's own words
ALIASES = {
    **{"头发": "hair", "发型": "hair", "头髮": "hair", "脸": "face", "脸部": "face"},
    **{"眼睛": "eyes", "表情": "expression", "肤色": "skin", "皮肤": "skin", "眼镜": "glasses"},
    **{"耳环": "earrings", "耳饰": "earrings", "耳坠": "earrings"},
    **{"头饰": "head", "帽子": "head", "hat": "head", "衣服": "clothes", "服装": "clothes"},
    **{"角色": "character", "人物": "character", "全部": "all", "其他": "all", "rest": "all"},
}


def check_keep(keep: str) -> tuple[str, ...]:
    """The names in "hair, face" or 「头发、脸」. Raises ValueError for one that is not in KEPT."""
    words = [w.strip().lower() for w in keep.translate(str.maketrans("，、;；", ",,,,")).split(",")]
    names = [ALIASES.get(word, word) for word in words if word]
    for name in names:
        if name not in KEPT:
            raise ValueError(f"cannot keep {name!r}; choose from {', '.join(KEPT)}")
    return tuple(dict.fromkeys(names))


def hold_of(face: Tensor, text: str, keep: str) -> Hold | None:
    """How far pictures are from `face` (1, C, R, R) in the places of `keep`; None: nowhere.

    A place where the text says anything is the text's.
    """
    said = attributes(parse(text))[0]
    names = [n for n in check_keep(keep) if n == "all" or not any(a in said for a in KEPT[n])]
    if not names:
        return None
    size = face.shape[-1]
    mask = torch.stack([_place(name, size) for name in names]).amax(dim=0)
    for name in PLACES:
        if any(attribute in said for attribute in KEPT[name]):
            mask = mask * (1 - _place(name, size))
    if not mask.any():
        return None
    mask = (mask / mask.mean()).to(face.device)

    def hold(faces: Tensor) -> Tensor:
        distance: Tensor = ((faces - face).abs() * mask).mean(dim=(1, 2, 3))
        return distance

    return hold


def _place(name: str, resolution: int) -> Tensor:
    """Where on a picture that is: (R, R) of 0 and 1. The head of an avatar is always there."""
    line = (torch.arange(resolution) + 0.5) / resolution
    down, across = line[:, None], (line - 0.5)[None, :]
    face = ((across / 0.24) ** 2 + ((down - 0.62) / 0.2) ** 2 < 1).expand(resolution, -1)
    eyes = ((across.abs() < 0.24) & ((down - 0.58).abs() < 0.1)).expand(resolution, -1)
    ears = ((across.abs() - 0.275).abs() < 0.075) & ((down - 0.68).abs() < 0.1)
    places = {
        "face": face | ears,
        "earrings": ears,
        "hair": (down < 0.8) & ~face,
        "head": (down < 0.3).expand(resolution, resolution),
        "eyes": eyes,
        "glasses": eyes,
        "clothes": (down > 0.8).expand(resolution, resolution),
    }
    whole = torch.ones(resolution, resolution, dtype=torch.bool)
    inside = face if name in ("expression", "skin") else places.get(name, whole)
    return inside.float()


def keep_choices(
    noise: Tensor, before: str, text: str, keep: Sequence[str], seed: int = 0
) -> Tensor:
    """Noise (1, Z) that drew `before`, so changed that with `text` it chooses what `keep` names.

    What the text says itself stays the text's, and what has no place beside it is not kept.
    """
    row = noise[0].cpu().numpy().copy()
    drawn = figure(_said(before), row).attributes
    said = _said(text)
    named = {attribute for name in keep for attribute in KEPT[name]}
    wanted = [name for name in SAMPLING if name in named & drawn.keys() - said.keys()]
    if not wanted:
        return noise
    now = drawn if "character" in wanted else figure(said, row).attributes
    for name in wanted:
        if figure(said, row).attributes.get(name) == drawn[name]:
            continue
        try:
            turned = aimed(
                said,
                {"character": now["character"], name: drawn[name]},
                row,
                np.random.default_rng(seed),
            )
        except ValueError:  # no noise chooses it beside this text: a beard on a girl
            continue
        row[CHOOSERS[name]] = turned[CHOOSERS[name]]
    return torch.from_numpy(row)[None].to(noise.device)


def _said(text: str) -> dict[str, str]:
    """What the first prompt of a text says."""
    return {n: v for n, v in attributes(parse(text))[0].items() if n in SAMPLING}


def ask_anew(latent: Latent, before: Latent, after: Latent) -> Latent:
    """A latent that was asked for as `before`, asked for as `after`: other words, other numbers.

    What a search added to the words stays. Nothing changes, to the last bit, where both are the
    same; so a picture of the time before anything was told is drawn as it was, until its text
    changes.
    """
    told = before.told is None or after.told is None or torch.equal(before.told, after.told)
    if told and torch.equal(before.words, after.words):
        return latent
    moved = F.normalize(latent.words + after.words - before.words, dim=1)
    return latent._replace(words=moved, told=after.told)


def read_start(path: str | Path, model: str) -> dict[str, Any]:
    """The settings of a saved avatar to go on from, and the "digest" of its file.

    Raises OSError, or ValueError if it holds none, another model drew it, or it must be drawn from
    its seed again and another version may draw somebody else.
    """
    saved = read_settings(path)
    missing = {"text", "seed", "candidates", "style", "model"} - saved.keys()
    if missing:
        raise ValueError(f"{path} does not say its {', '.join(sorted(missing))}")
    if saved["model"] != model:
        raise ValueError(f"{path} was drawn by the model {saved['model']!r}, not by {model!r}")
    if "latent" not in saved and saved.get("version") != __version__:
        version = saved.get("version", "unknown")
        raise ValueError(f"{path} holds no latent; only version {version} can draw it again")
    return {**saved, "digest": hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}
