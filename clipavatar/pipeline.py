"""Text -> Avatar: everything between a trained model and its user. Inference only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from PIL import Image
from torch import Tensor, nn

from clipavatar import __version__
from clipavatar.backgrounds import background as draw_background
from clipavatar.backgrounds import check_background, choose
from clipavatar.checkpoint import ASSETS, find_generator, load_model
from clipavatar.config import GeneratorConfig, check_range
from clipavatar.images import finish, save_png
from clipavatar.latents import optimize, sample_noise, score
from clipavatar.prompts import check_text
from clipavatar.syntax import attributes, parse
from clipavatar.targets import CHUNK, complete, find_target, steer
from clipavatar.variants import resolve

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from clipavatar.clip import Clip

MODES = ("sample", "optimize")
FINALISTS = 2  # candidates that mode="optimize" works on


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


@dataclass(frozen=True)
class Avatar:
    """A finished picture and what it took to make it.

    `image` is RGBA where the background is transparent, otherwise RGB. `score` is the CLIP cosine
    of the face to the text. `settings` is what is written into the PNG.
    """

    image: Image.Image
    text: str
    seed: int
    score: float
    prompts: tuple[str, ...]
    settings: dict[str, Any]

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


class AvatarPipeline:
    """A CLIP, a generator and, where there is one, an upscaler, on one device."""

    def __init__(
        self,
        clip: Clip,
        generator: nn.Module,
        upscaler: nn.Module | None = None,
        device: str | torch.device = "cpu",
        name: str = "unnamed",
    ) -> None:
        """`name` says in every picture's settings which model drew it.

        Raises ValueError if the generator was trained with a CLIP of another embedding size.
        """
        config: Any = generator.config
        if config.embedding_size != clip.embedding_size:
            raise ValueError(
                f"the generator was trained with a CLIP of {config.embedding_size} numbers "
                f"a text, but {clip.name} has {clip.embedding_size}"
            )
        self.config: GeneratorConfig = config
        self.clip = clip
        self.device = torch.device(device)
        self.generator = _ready(generator, self.device)
        theirs: Any = upscaler.config if upscaler else None
        fits = upscaler and theirs.image_channels == config.image_channels
        self.upscaler = _ready(upscaler, self.device) if upscaler and fits else None
        self.name = name
        self._target = lru_cache(maxsize=1024)(partial(find_target, clip))

    @classmethod
    def from_pretrained(
        cls, path: str | Path = "", clip: str = "", device: str = "auto"
    ) -> AvatarPipeline:
        """Load a model: a folder, a generator's .safetensors, a hub id; empty is the one we ship.

        A folder holds generator.safetensors and may hold upscaler.safetensors and clip/; what it
        lacks is taken from the shipped model. `clip` takes its CLIP's place (NAME[:PRETRAINED],
        hub id or folder). `device` is auto, cpu, cuda, cuda:1, mps. Raises FileNotFoundError or
        ValueError in one line.
        """
        from clipavatar.clip import load_clip

        where = find_device(device)
        generator_file = find_generator(str(path))
        folder = generator_file.parent
        generator = load_model("generator", generator_file)
        upscaler = next(
            (f for d in (folder, ASSETS) if (f := d / "upscaler.safetensors").is_file()), None
        )
        beside = str(folder / "clip") if folder != ASSETS and (folder / "clip").is_dir() else ""
        digest = hashlib.sha256(generator_file.read_bytes()).hexdigest()[:12]
        return cls(
            load_clip(clip or beside, device=str(where)),
            generator,
            load_model("upscaler", upscaler) if upscaler else None,
            where,
            name=f"{Path(path).name or 'default'} {digest}",
        )

    @torch.no_grad()
    def generate(self, text: str, seed: int = 0, **options: Unpack[Options]) -> Avatar:
        """Draw one avatar: the same text, options, seed and version give the same pixels.

        text        what to draw, in Chinese or English
        seed        0 .. 2**63 - 1
        size        side in pixels, 16 .. 4096 (512)
        candidates  how many faces CLIP chooses from, 1 .. 256 (8)
        mode        "sample", or "optimize", which also moves the best faces' noise towards the text
        steps       of mode "optimize", 1 .. 10000 (60)
        style       a style of prompts/templates.toml ("chibi")
        background  a name of `backgrounds.names()`, a CSS colour or "transparent"; None takes what
                    the text says, or a pastel that depends on the seed

        Raises ValueError in one line for anything out of range.
        """
        settings = self.settings(text, seed, **options)
        text, negative = settings["text"], settings.get("negative", "")
        prompts, target, emphasis = self._target(text, settings["style"], negative)  # P, (E,), (E,)
        noise = sample_noise(settings["candidates"], self.config.noise_size, seed)  # (N, Z)
        if self.config.noise_names == "chibi":
            noise = steer(noise, text, seed, negative, "diverse" in settings)
        noise = noise.to(self.device)
        wanted = self.complete(text, noise, target, emphasis)  # (N, E): with what the seed decides
        faces = self.draw(noise, wanted)  # (N, C, R, R) in [-1, 1]
        scores = score(self.clip, faces, target)  # (N,)
        if settings["mode"] == "optimize":
            best_few = scores.topk(min(FINALISTS, len(noise))).indices
            noise, wanted = noise[best_few], wanted[best_few]
            noise, scores = optimize(
                lambda moving, _: self.generator(moving, wanted),
                self.clip,
                target,
                noise,
                settings["steps"],
                seed,
            )
            faces = self.draw(noise, wanted)
        best = int(scores.argmax())
        image = self.finish(faces[best], settings["size"], settings["background"], seed)
        closeness = round(float(scores[best]), 4)
        settings |= {"prompts": list(prompts), "score": closeness}
        return Avatar(image, text, seed, closeness, prompts, settings)

    def generate_batch(
        self, texts: Iterable[str], seed: int = 0, n: int = 1, **options: Unpack[Options]
    ) -> Iterator[Avatar]:
        """Each text with seeds `seed`, `seed + 1`, ... `seed + n - 1`; one Avatar at a time.

        Every avatar equals the one `generate` draws alone; no place in a batch changes a pixel.
        """
        check_range("n", n, 1, 1_000_000)
        for text in texts:
            for offset in range(n):
                yield self.generate(text, seed + offset, **options)

    def settings(
        self,
        text: str,
        seed: int = 0,
        size: int = 512,
        candidates: int = 8,
        mode: str = "sample",
        steps: int = 60,
        style: str = "chibi",
        background: str | None = None,
        negative: str = "",
        diverse: bool = False,
        wildcards: str = "",
    ) -> dict[str, Any]:
        """Everything that decides the picture, checked and complete; see `generate`."""
        check_range("seed", seed, 0, 2**63 - 1)
        text = resolve(text, seed, wildcards)
        said = attributes(parse(check_text(text)))[0]
        negative = check_text(resolve(negative, seed, wildcards)) if negative.strip() else ""
        check_range("size", size, 16, 4096)
        check_range("candidates", candidates, 1, 256)
        check_range("steps", steps, 1, 10_000)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        if self.config.image_channels == 3:
            if background is not None:
                raise ValueError(f"model {self.name} draws its own background")
        elif background is None:
            background = said.get("background") or choose(seed, text)
        made = {"text": text, "seed": seed, "size": size, "mode": mode, "candidates": candidates}
        if mode == "optimize":
            made["steps"] = steps
        behind = check_background(background) if background is not None else "in the model"
        made |= {"style": style, "background": behind}
        made |= ({"negative": negative} if negative else {}) | (
            {"diverse": True} if diverse else {}
        )
        made |= {"model": self.name, "clip": _shared_name(self.clip.name)}
        return made | {"version": __version__}

    def complete(
        self, text: str, noise: Tensor, target: Tensor, emphasis: Tensor | None = None
    ) -> Tensor:
        """Targets (N, E): what `text` says, and what each row of noise (N, Z) adds to it."""
        if self.config.noise_names != "chibi":
            return target.expand(len(noise), -1)
        return complete(self.clip, text, noise, target, emphasis)

    def draw(self, noise: Tensor, targets: Tensor) -> Tensor:
        """Noise (N, Z) and targets (N, E) -> faces (N, C, R, R) in [-1, 1]."""
        parts = zip(torch.split(noise, CHUNK), torch.split(targets, CHUNK), strict=True)
        return torch.cat([self.generator(*part) for part in parts])

    def finish(self, face: Tensor, size: int, background: str, seed: int = 0) -> Image.Image:
        """A face (C, R, R) in [-1, 1] -> a picture of `size` pixels on its background.

        RGBA if the background is "transparent" and the model draws alpha, otherwise RGB.
        """
        if self.upscaler and size > face.shape[-1]:
            face = self.upscaler(face[None])[0]
        behind = draw_background(background, size, seed) if face.shape[0] == 4 else None
        return finish(face, size, behind)


def _ready(model: nn.Module, device: torch.device) -> nn.Module:
    model = model.to(device).eval().requires_grad_(False)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _shared_name(name: str) -> str:
    """A CLIP's name without the folders of the machine it was loaded on."""
    return Path(name).name if Path(name).is_dir() else name


def find_device(name: str) -> torch.device:
    """auto: cuda, else mps, else cpu. Raises ValueError for a device this machine lacks."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, here in present.items() if here))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"unknown device {name!r}; choose auto, cpu, cuda or mps") from None
    if not present.get(device.type):
        raise ValueError(f"device {name!r} is not available on this machine")
    return device


@lru_cache(maxsize=1)
def default_pipeline() -> AvatarPipeline:
    """The shipped model, loaded once."""
    return AvatarPipeline.from_pretrained()


def generate(text: str, seed: int = 0, **options: Unpack[Options]) -> Avatar:
    """Draw one avatar with the shipped model; options as in `AvatarPipeline.generate`."""
    return default_pipeline().generate(text, seed, **options)


def generate_batch(
    texts: Iterable[str], seed: int = 0, n: int = 1, **options: Unpack[Options]
) -> Iterator[Avatar]:
    """Draw each text `n` times with the shipped model; see `AvatarPipeline.generate_batch`."""
    return default_pipeline().generate_batch(texts, seed, n, **options)
