"""A person's own pictures, a tiny CLIP of their captions, and the smallest run on them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from clipavatar.clip import create_clip, save_clip
from clipavatar.config import (
    Config,
    DataConfig,
    DcganConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    SourceConfig,
    StyleGeneratorConfig,
    TrainConfig,
)
from clipavatar.training.vocabulary import train_vocabulary

E = 16
TINY_CLIP = {
    "embed_dim": E,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 16, "width": 16, "heads": 2, "layers": 1},
}
COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 60, 220)}


def paint(folder: Path, count: int) -> Path:
    """Squares on white that their captions name; one in five says nothing."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    for i in range(count):
        name = list(COLOURS)[i % 3]
        pixels = np.full((10, 10 + i % 3, 3), 255, np.uint8)
        pixels[2:8, 2:8] = np.clip(np.array(COLOURS[name]) + rng.integers(-20, 20), 0, 255)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        rows.append({"file_name": f"{i}.png", "text": "" if i % 5 == 4 else f"a {name} square"})
    lines = "\n".join(map(json.dumps, rows))
    (folder / "metadata.jsonl").write_text(lines, encoding="utf-8")
    return folder


def tiny_place(folder: Path) -> Path:
    """A folder with pictures and a tiny CLIP."""
    paint(folder / "pictures", 24)
    vocabulary = folder / "words.txt.gz"
    train_vocabulary([f"a {colour} square" for colour in COLOURS], 520, vocabulary)
    torch.manual_seed(0)
    save_clip(create_clip(vocabulary, TINY_CLIP), folder / "clip")
    return folder


def config_of(place: Path, output: Path, **options: Any) -> Config:
    """Eight steps, the warm-up's border in the middle, at 8 px."""
    shape: dict[str, Any] = {"resolution": 8, "embedding_size": E, "image_channels": 3}
    return Config(
        data=DataConfig(sources=(SourceConfig(str(place / "pictures")),), flip=True, jitter=0.1),
        generator=GeneratorConfig(**shape, style_size=8, noise_size=6, channels=(8, 6)),
        discriminator=DiscriminatorConfig(**shape, channels=(6, 8)),
        train=TrainConfig(
            **{
                "output": str(output),
                "clip": str(place / "clip"),
                "steps": 8,
                "warm_up": 0.5,
                "warm_up_batch_size": 8,
                "batch_size": 8,
                "r1_every": 2,
                "ramp": 0.0,
                "focus": 0.0,
                "checkpoint_every_minutes": 0.0,
                "diffaugment": ("colour", "translation"),
                **options,
            }
        ),
    )


NETWORKS = {
    "generator": {},
    "style_generator": {
        "style_generator": StyleGeneratorConfig(8, 6, E, 8, 2, (8, 6), 3, mixing=0.5)
    },
    "dcgan": {"dcgan": DcganConfig(8, 6, E, (8, 6), 3)},
}


def log_of(config: Config) -> list[dict[str, Any]]:
    lines = (Path(config.train.output) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def toml(config: Config) -> str:
    """A config file of the tables that these tests set."""

    def text(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {text(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(map(text, value)) + "]"
        return json.dumps(value)

    tables = ("data", "generator", "discriminator", "train")
    return "\n".join(
        f"[{name}]\n"
        + "\n".join(f"{k} = {text(v)}" for k, v in asdict(getattr(config, name)).items())
        for name in tables
    )


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal to the bit, but for the clock and what it decides: how often

    a best one was looked for."""
    if isinstance(one, dict):
        keys = set(one) | set(other)
        return all(same(one.get(k), other.get(k)) for k in keys - {"elapsed", "best"})
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
