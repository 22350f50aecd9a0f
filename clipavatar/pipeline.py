"""Text -> Avatar: everything between a trained model and its user. Inference only."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor, nn

from clipavatar import __version__
from clipavatar.avatars import MODES, Avatar, Options, shared_name
from clipavatar.backgrounds import background as draw_background
from clipavatar.backgrounds import check_background
from clipavatar.backgrounds import choose as choose_background
from clipavatar.checkpoint import ASSETS, find_generator, load_model
from clipavatar.choosing import Choice, choose
from clipavatar.config import CANDIDATES, SEARCH_STEPS, GeneratorConfig, check_range
from clipavatar.devices import find_device, fold, ready
from clipavatar.goals import score
from clipavatar.images import finish
from clipavatar.keeping import ask_anew, check_keep, keep_choices, read_start
from clipavatar.latents import sample_noise
from clipavatar.prompts import check_text
from clipavatar.refine import OWN_WORDS_STYLE, load_judge, refine, refining
from clipavatar.spaces import Latent, draw, pack, unpack
from clipavatar.syntax import attributes, parse
from clipavatar.targets import Target, find_target, steer
from clipavatar.telling import reads_values, tell
from clipavatar.trace import LARGEST
from clipavatar.variants import resolve

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from clipavatar.clip import Clip


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
        fold(clip)
        self.device = torch.device(device)
        self.generator = ready(generator, self.device)
        theirs: Any = upscaler.config if upscaler else None
        fits = upscaler and theirs.image_channels == config.image_channels
        self.upscaler = ready(upscaler, self.device) if upscaler and fits else None
        self.name = name
        self.named = config.noise_names == "chibi"  # its entries mean what chibi/sample.py says
        self.tells = self.named and reads_values(generator)
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
    def generate(
        self, text: str, seed: int = 0, trace: bool = False, **options: Unpack[Options]
    ) -> Avatar:
        """Draw one avatar: the same text, options, seed and version give the same pixels,
        but for a search with a time_budget, which goes as far as the machine is fast.

        text        what to draw, in Chinese or English
        seed        0 .. 2**63 - 1
        size        side in pixels, 16 .. 4096 (512)
        candidates  how many faces CLIP chooses from, 1 .. 256 (2)
        mode        "sample", or "optimize", which also moves the best face towards the text
        steps       of mode "optimize", 1 .. 10000 (24)
        time_budget seconds that all of it may take; None: as long as the steps do
        judge       another CLIP to pick its result; empty: held-out views for the same one
        trace       whether the avatar gets the `way` there
        start_from  a saved avatar to go on from, instead of candidates
        keep        what of it stays although the text does not say it: "hair, face", "all"
        style       a style of prompts/templates.toml ("chibi"; "words", the text as it stands, for
                    a model of a person's own pictures)
        background  a name of `backgrounds.names()`, a CSS colour or "transparent"; None takes what
                    the text says, or a pastel that depends on the seed

        Ctrl-C ends a search with the best so far, "interrupted" in the avatar's settings. Raises
        ValueError in one line for anything out of range.
        """
        begun = time.monotonic()
        settings = self.settings(text, seed, **options)
        wanted = self.target(settings)
        latent = self.latent(settings, wanted, options.get("start_from", ""))  # (N, Z), (N, E)
        scores, best, faces = self.choose(latent, wanted.direction)
        way, frames = [best], list[Image.Image]()
        face, closeness, made = faces[0], round(float(scores.max()), 4), dict[str, Any]()
        how = (settings["size"], settings["background"], seed)
        small = (min(LARGEST, settings["size"]), *how[1:])
        try:
            if settings["mode"] == "optimize":
                closeness = round(float(score(self.clip, faces, wanted.direction)), 4)
                made = {"optimised": False, "score_before": closeness}
                second = load_judge(options.get("judge", ""), str(self.device))
                asked = (settings, best, wanted.direction, self.named, second)
                found = refine(self.generator, self.clip, *asked, begun=begun, face=faces)
                made |= {"interrupted": True} if found.interrupted else {}
                made |= {"nothing_missing": True} if found.nothing_missing else {}
                if found.optimised:
                    end = draw(self.generator, found.latent)
                    reached = round(float(score(self.clip, end, wanted.direction)), 4)
                    made["optimised"], way, face, closeness = True, found.way, end[0], reached
            for one in way[:-1] if trace else ():
                frames.append(self.finish(draw(self.generator, one)[0], *small))
        except KeyboardInterrupt:
            made["interrupted"] = True
        frames += [self.finish(face, *small)] if trace else []
        made |= {"latent": pack(way[-1]), "prompts": list(wanted.prompts), "score": closeness}
        said = (settings["text"], seed, closeness, wanted.prompts)
        return Avatar(self.finish(face, *how), *said, settings | made, tuple(frames))

    def generate_batch(
        self, texts: Iterable[str], seed: int = 0, n: int = 1, **options: Unpack[Options]
    ) -> Iterator[Avatar]:
        """Each text with seeds `seed`, `seed + 1`, ... `seed + n - 1`; one Avatar at a time.

        Every avatar equals the one `generate` draws alone; no place in a batch changes a pixel.
        """
        check_range("n", n, 1, 1_000_000)
        for text in texts:
            for offset in range(n):
                avatar = self.generate(text, seed + offset, **options)
                yield avatar
                if "interrupted" in avatar.settings:
                    raise KeyboardInterrupt

    def settings(
        self,
        text: str,
        seed: int = 0,
        size: int = 512,
        candidates: int = CANDIDATES,
        mode: str = "sample",
        steps: int = SEARCH_STEPS,
        style: str = "chibi",
        background: str | None = None,
        negative: str = "",
        diverse: bool = False,
        wildcards: str = "",
        time_budget: float | None = None,
        start_from: str | Path = "",
        keep: str = "",
        judge: str = "",
    ) -> dict[str, Any]:
        """Everything that decides the picture, checked and complete; see `generate`."""
        check_range("seed", seed, 0, 2**63 - 1)
        text = resolve(text, seed, wildcards)
        said = attributes(parse(check_text(text)))[0]
        negative = check_text(resolve(negative, seed, wildcards)) if negative.strip() else ""
        check_range("size", size, 16, 4096)
        check_range("candidates", candidates, 1, 256)
        check_range("steps", steps, 1, 10_000)
        start = read_start(start_from, self.name) if start_from else {}
        if check_keep(keep) and not start:
            raise ValueError("keep needs start_from: a saved avatar to keep it of")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        if self.config.image_channels == 3:
            if background is not None:
                raise ValueError(f"model {self.name} draws its own background")
        elif background is None:
            background = said.get("background") or start.get("background")
            background = background or choose_background(seed, text)
        made = {"text": text, "seed": seed, "size": size, "mode": mode, "candidates": candidates}
        search = {"steps": steps} | refining(time_budget, shared_name(judge))
        made |= search if mode == "optimize" else {}
        made |= {"start_from": start["digest"]} if start else {}
        made |= {"keep": ", ".join(check_keep(keep))} if check_keep(keep) else {}
        behind = check_background(background) if background is not None else "in the model"
        style = OWN_WORDS_STYLE if self.config.own_words else style
        made |= {"style": style, "background": behind}
        made |= ({"negative": negative} if negative else {}) | (
            {"diverse": True} if diverse else {}
        )
        made |= {"model": self.name, "clip": shared_name(self.clip.name)}
        return made | {"version": __version__}

    def target(self, settings: Mapping[str, Any]) -> Target:
        """What CLIP is asked for."""
        return self._target(settings["text"], settings["style"], settings.get("negative", ""))

    def latent(
        self,
        settings: Mapping[str, Any],
        wanted: Target,
        start_from: str | Path = "",
    ) -> Latent:
        """What the faces CLIP chooses from are drawn from: N candidates, or one saved avatar."""
        if start_from:
            return self._go_on(settings, wanted, start_from)
        text, seed = settings["text"], settings["seed"]
        noise = sample_noise(settings["candidates"], self.config.noise_size, seed)  # (N, Z)
        if self.named:
            noise = steer(noise, text, seed, settings.get("negative", ""), "diverse" in settings)
        noise = noise.to(self.device)
        return self.tell(text, noise, wanted)

    def _go_on(self, settings: Mapping[str, Any], wanted: Target, start_from: str | Path) -> Latent:
        """N = 1: the latent of a saved avatar, changed to what is asked for now."""
        saved = read_start(start_from, self.name)
        asked = self.target(saved)
        if "latent" in saved:
            values = sum(getattr(self.config, "reads", ()))
            sizes = (self.config.noise_size, self.config.embedding_size, values)
            latent = unpack(saved["latent"], *sizes).to(self.device)
        else:
            latent = self.latent(saved, asked)
            latent = self.choose(latent, asked.direction).latent
        before = self.tell(saved["text"], latent.noise, asked)
        if self.named:
            texts = (saved["text"], settings["text"])
            noise = keep_choices(latent.noise, *texts, check_keep(settings.get("keep", "")))
            noise = steer(noise, texts[1], settings["seed"], settings.get("negative", ""))
            latent = latent._replace(noise=noise)
        after = self.tell(settings["text"], latent.noise, wanted)
        return ask_anew(latent, before, after)

    def tell(self, text: str, noise: Tensor, wanted: Target) -> Latent:
        """Noise (N, Z) with what `text` says, and what each row of it adds to that."""
        if not self.named:
            return Latent(noise, wanted.direction.expand(len(noise), -1))
        words, numbers = tell(self.clip, text, noise, *wanted[1:])
        return Latent(noise, words, told=numbers if self.tells else None)

    def choose(self, latent: Latent, direction: Tensor) -> Choice:
        """Of a latent of N the face nearest to a direction (E,); see `choosing.choose`."""
        return choose(self.generator, self.clip, latent, direction)

    def finish(self, face: Tensor, size: int, background: str, seed: int = 0) -> Image.Image:
        """A face (C, R, R) in [-1, 1] -> a picture of `size` pixels on its background.

        RGBA if the background is "transparent" and the model draws alpha, otherwise RGB.
        """
        if self.upscaler and size > face.shape[-1]:
            face = self.upscaler(face[None])[0]
        behind = draw_background(background, size, seed) if face.shape[0] == 4 else None
        return finish(face, size, behind)


@lru_cache(maxsize=1)
def default_pipeline() -> AvatarPipeline:
    """The shipped model, loaded once."""
    return AvatarPipeline.from_pretrained()


def generate(text: str, seed: int = 0, trace: bool = False, **options: Unpack[Options]) -> Avatar:
    """Draw one avatar with the shipped model; options as in `AvatarPipeline.generate`."""
    return default_pipeline().generate(text, seed, trace, **options)


def generate_batch(
    texts: Iterable[str], seed: int = 0, n: int = 1, **options: Unpack[Options]
) -> Iterator[Avatar]:
    """Draw each text `n` times with the shipped model; see `AvatarPipeline.generate_batch`."""
    return default_pipeline().generate_batch(texts, seed, n, **options)
