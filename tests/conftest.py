"""A pipeline of tiny parts that draw something in a millisecond, for every test that needs one."""

from __future__ import annotations

import dataclasses
import gzip
import inspect
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two of pytest's processes share two cores

import pytest
import torch
import torch.nn.functional as F
from own_runs import tiny_place
from pictures import encoded, plain, write
from torch import Tensor, nn

from clipavatar import refine
from clipavatar.config import NOISE_SIZE, GeneratorConfig, UpscalerConfig
from clipavatar.latents import Found
from clipavatar.pipeline import AvatarPipeline

TINY = GeneratorConfig(
    resolution=16, noise_size=12, embedding_size=8, style_size=8, channels=(8, 8, 8)
)
NAMED = dataclasses.replace(TINY, noise_size=NOISE_SIZE, noise_names="chibi")


class TinyClip:
    """Embeds texts by their bytes and pictures by fixed random weights."""

    name = "tiny"
    embedding_size = TINY.embedding_size

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(0)
        self.letters = torch.randn(256, self.embedding_size, generator=random)
        self.pixels = torch.randn(3 * 8 * 8, self.embedding_size, generator=random)
        self.texts_encoded = 0

    def encode_text(self, prompts: list[str]) -> Tensor:
        self.texts_encoded += len(prompts)
        rows = [self.letters[list(prompt.encode())].mean(dim=0) for prompt in prompts]
        return F.normalize(torch.stack(rows), dim=-1)

    def encode_image(self, images: Tensor) -> Tensor:
        small = F.interpolate(images, (8, 8), mode="bilinear", antialias=True)
        return F.normalize(small.flatten(1) @ self.pixels, dim=-1)


class TinyGenerator(nn.Module):
    """A linear map from (noise, target) to RGBA whose colour never exceeds its alpha."""

    def __init__(self, config: GeneratorConfig = TINY) -> None:
        super().__init__()
        self.config = config
        side = config.resolution // 4
        wide = config.noise_size + config.embedding_size
        random = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(wide, 4 * side * side, generator=random) / 2)

    def forward(self, noise: Tensor, target: Tensor) -> Tensor:
        target = target.expand(len(noise), -1)
        side = self.config.resolution // 4
        cells = (torch.cat((noise, 4 * target), dim=1) @ self.weight).reshape(-1, 4, side, side)
        colour, alpha = torch.sigmoid(F.interpolate(cells, scale_factor=4.0)).split((3, 1), dim=1)
        channels = torch.cat((colour * alpha, alpha), dim=1)[:, : self.config.image_channels]
        return channels * 2 - 1


class TinyUpscaler(nn.Module):
    """Nearest neighbour."""

    config = UpscalerConfig(factor=4)

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, scale_factor=4.0)


@pytest.fixture
def pipeline() -> AvatarPipeline:
    """A working pipeline of dummies; its own for every test."""
    return AvatarPipeline(TinyClip(), TinyGenerator(), TinyUpscaler(), name="tiny")


@pytest.fixture
def cli_pipeline(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Makes the command line use the dummies; `.asked` lists what it wanted to load."""
    asked: list[tuple[str, ...]] = []

    def load(path: str | Path = "", clip: str = "", device: str = "auto") -> AvatarPipeline:
        asked.append((str(path), clip, device))
        return AvatarPipeline(TinyClip(), TinyGenerator(), TinyUpscaler(), name="tiny")

    monkeypatch.setattr(AvatarPipeline, "from_pretrained", load)
    return SimpleNamespace(asked=asked)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the real classes in their smallest form and random weights."""
    from clipavatar import clip as clips
    from clipavatar import models
    from clipavatar.checkpoint import save_model

    if not hasattr(models, "Generator") or not hasattr(models, "Upscaler"):
        pytest.skip("the models are not written yet")
    folder = tmp_path_factory.mktemp("model")
    vocabulary = folder / "vocabulary.txt.gz"
    with gzip.open(vocabulary, "wt", encoding="utf-8") as file:
        file.write("#version: 0.2\ng i\nr l</w>\n")
    tower = {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8}
    words = {"context_length": 32, "width": 16, "heads": 2, "layers": 1}
    architecture = {"embed_dim": TINY.embedding_size, "vision_cfg": tower, "text_cfg": words}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clips.save_clip(clips.create_clip(vocabulary, architecture), folder / "clip")
        save_model(models.Generator(TINY), folder / "generator.safetensors", half=True)
        upscaler = models.Upscaler(UpscalerConfig(width=4, depth=1))
        save_model(upscaler, folder / "upscaler.safetensors", half=True)
    return folder


@pytest.fixture
def named() -> AvatarPipeline:
    """A pipeline whose noise has the names of the chibi figure."""
    return AvatarPipeline(TinyClip(), TinyGenerator(NAMED), TinyUpscaler(), name="named")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each search was given, by the names of its parameters, and what it `found`."""
    asked: list[dict[str, Any]] = []
    search = refine.search

    def listening(*how: Any, **more: Any) -> Found:
        given = inspect.signature(search).bind(*how, **more).arguments
        asked.append(given | {"found": search(*how, **more)})
        return asked[-1]["found"]

    monkeypatch.setattr(refine, "search", listening)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six good pictures (two the same, one small), two bad ones; four with captions."""
    place = tmp_path / "pictures"
    for i in range(5):
        image = plain((40 * i, 0, 0), (16 + i, 20))
        write(place, **{f"p{i}__png": encoded(image), f"p{i}__txt": ["girl", "女孩", "é"][i % 3]})
    (place / "p4.txt").unlink()
    write(place, small__png=encoded(plain((0, 0, 0), (4, 5))))  # as p0 when enlarged
    write(place, broken__png=b"junk", empty__jpg=b"")
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and a tiny CLIP."""
    return tiny_place(tmp_path_factory.mktemp("own"))
