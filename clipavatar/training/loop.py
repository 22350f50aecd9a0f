"""`clipavatar train`: a supervised warm-up that grows, then the adversarial and CLIP losses.

One clock, minutes of work, decides the phase, so that one number sizes a run for any machine; or
a number of steps, and then a run that was stopped ends in the same weights as one that was not.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clipavatar.checkpoint import save_model
from clipavatar.clip import load_clip, save_clip
from clipavatar.config import Config, TrainConfig
from clipavatar.draws import Draws
from clipavatar.images import contact_sheet, over, resize, to_pil
from clipavatar.metrics.alignment import value_texts
from clipavatar.prompts import LANGUAGES
from clipavatar.training.align import train_clip
from clipavatar.training.batches import Batch, prefetch
from clipavatar.training.captioned import with_pseudo_text
from clipavatar.training.contrast import WATCHED, JointClip
from clipavatar.training.devices import make_accelerator, share_statistics
from clipavatar.training.ema import Average
from clipavatar.training.feeds import check_feed, labelled, load_feed
from clipavatar.training.progress import LOGGED, Progress
from clipavatar.training.setup import (
    CRITIC,
    check_config,
    check_shares,
    first_clip,
    make_networks,
    prepare,
    text_size,
)
from clipavatar.training.states import States
from clipavatar.training.steps import Part, adversarial_step, warm_up_step

ROLLBACKS = 3  # times that a run may go back because a loss was not a number
CALM = 0.5  # times the learning rates, after each
SHEET = 24  # pictures on a preview
PSEUDO = 9  # purpose of random numbers, beside those in steps.py


def train(config: Config, resume: bool = False) -> Path:
    """Train a generator as `config` says; returns the path of its safetensors file.

    Every few minutes the output folder gets the state to resume from, the averaged generator, a
    preview sheet, and best.safetensors, whose previews CLIP likes best; the folder is a model that
    AvatarPipeline.from_pretrained takes. A CLIP that [clip] describes and that is not there yet is
    trained first. With `resume` goes on from the last state. Raises OSError, or ValueError in one
    line for what can not be trained.
    """
    check_config(config)
    if first_clip(config):  # whatever can be told to be wrong is told before it
        check_feed(config, text_size(config))
        processes = make_accelerator(config.train.precision).num_processes
        check_shares(config.train, processes * config.train.accumulate)
        train_clip(config, resume)
    run = Run(config)
    try:
        return run.train(resume)
    finally:
        run.accelerator.end_training()


class Run:
    """Everything that a run holds; made by a config that fits itself, or a ValueError."""

    def __init__(self, config: Config):
        from accelerate.utils import set_seed

        options = config.train
        self.config, self.options = config, options
        self.output = Path(options.output)
        self.states = States(self.output, options.keep)
        self.accelerator = make_accelerator(options.precision, options.track, options.output)
        if config.data.pool and self.accelerator.num_processes > 1:
            raise ValueError("data.pool is for one process")
        check_shares(options, self._shares)
        set_seed(options.seed)
        self.clip = load_clip(options.clip)
        check_feed(config, self.clip.embedding_size)
        with self.accelerator.main_process_first():  # one draws or decodes, the others find it
            place = (self.clip.tokenizer, self.accelerator.device)
            self.feed = load_feed(config, self.output.parent / "cache", *place)
        self.joint = JointClip(self.clip, options, self.accelerator)
        generator, discriminator = make_networks(config, self.joint.guard.encode_image)
        generator = share_statistics(generator, self.accelerator)
        self.average = Average(generator, options.ema_half_life)
        self.average.model.to(self.accelerator.device)
        self.nets, self.parts = prepare(
            options, generator, discriminator, self.clip, self.accelerator
        )
        if options.value_weight and labelled(config) and not self.joint.learns:
            texts = value_texts(self.clip, options.seed, "training")
            if self.clip.language:
                texts = texts[[LANGUAGES.index(self.clip.language)]]
            self.nets.short = texts.flatten(0, 1).to(self.accelerator.device)
        minutes, steps = options.minutes, options.steps
        self.progress = Progress(minutes, self.output, steps, self.accelerator)
        self.states.say = self.progress.say
        for report in self.feed.reports:
            self.progress.say("\n".join(report.lines()))
        self.calm, self.best = 1.0, -1.0

    def train(self, resume: bool) -> Path:
        """The loop."""
        options, progress, accelerator = self.options, self.progress, self.accelerator
        if resume:
            self._restore(self.states.newest())
        elif accelerator.is_main_process:
            self.states.clear()
        if accelerator.is_main_process and (options.clip or (self.output / "clip").exists()):
            save_clip(self.clip, self.output / "clip")
        if progress.step == 0:  # to roll back to
            self._checkpoint()
        rollbacks = 0
        while not progress.done:
            ahead = accelerator.device.type != "cpu" and not self.config.data.pool
            for data in prefetch(self._make, progress.step, ahead):
                size = self._size()
                if len(data[0][0].noise) * self._shares != size:  # the phase has just changed
                    data = self._make(progress.step)
                figures = self._step(self._on_device(data))
                plain = accelerator.unwrap_model(self.nets.generator)
                self.average.update(getattr(plain, "_orig_mod", plain), size)
                progress.advance(size, **figures)
                if self.joint.learns and progress.step % WATCHED == 0:
                    _, frozen, live = self._show(self.feed.preview(SHEET))
                    self.joint.watch(frozen, live, progress.say)
                due = progress.every("checkpoint", options.checkpoint_every_minutes)
                due = due or progress.done
                looked = due or progress.step % LOGGED == 0
                if (looked and progress.broken()) or (due and not self._checkpoint()):
                    rollbacks += 1
                    self._roll_back(rollbacks)
                    break
                if progress.done:
                    break
        return self.output / "generator.safetensors"

    # --- data

    @property
    def _shares(self) -> int:
        """Parts of every batch: all processes', each of which computes some."""
        return int(self.accelerator.num_processes) * self.options.accumulate

    def _size(self) -> int:
        """Pictures in the batch of this moment."""
        warm = _warmth(self.progress, self.options) < 1
        return self.options.warm_up_batch_size if warm else self.options.batch_size

    def _make(self, step: int) -> list[tuple[Batch, Tensor]]:
        """This process's parts of the batch of a step, each with its tokens."""
        first = self.accelerator.process_index * self.options.accumulate
        made = []
        for part in range(first, first + self.options.accumulate):
            data = self.feed.batch(self._size(), step, part, self._shares)
            ready = data.tokens.numel() > 0
            made.append((data, data.tokens if ready else self.clip.tokenize(data.captions)))
        return made

    def _on_device(self, made: list[tuple[Batch, Tensor]]) -> list[Part]:
        """The same as the steps want them, with texts in CLIP's space."""
        device, first = self.accelerator.device, self.accelerator.process_index * len(made)
        parts = []
        for number, (data, tokens) in enumerate(made, start=first):
            data = dataclasses.replace(
                data,
                images=data.images.to(device),
                noise=data.noise.to(device),
                labels=data.labels.to(device),
                said=data.said.to(device),
                marks=data.marks.to(device),
            )
            place = (self.options.seed, self.progress.step, number, self._shares)
            with torch.no_grad():
                text = self._texts(data, tokens.to(device), place)
            parts.append(Part(data, text, *place))
        self.joint.tokens = [tokens.to(device) for _, tokens in made]
        return parts

    def _texts(self, data: Batch, tokens: Tensor, place: tuple[int, int, int, int]) -> Tensor:
        """(B, E); of pictures without a caption, from the picture."""
        text = self.clip.encode_tokens(tokens)
        seed, step, part, parts = place
        draws = Draws(seed, step, PSEUDO, part=part, parts=parts)
        seen = over(data.images, torch.full((1, 3, 1, 1), 0.8, device=tokens.device))
        level = self.config.data.pseudo_text
        return with_pseudo_text(text, data.captions, seen, self.clip.encode_image, level, draws)

    # --- a step

    def _step(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The step that the clock asks for."""
        nets, options, progress = self.nets, self.options, self.progress
        figures = self.joint.step(parts, self.calm)
        done = _warmth(progress, options)
        if done < 1:
            rise = min(1.0, (progress.step + 1) / 100)
            rate = options.warm_up_learning_rate * rise * (1 - 0.85 * done)
            _set_rate(nets.warm_optimizer, rate * self.calm)
            size = level(progress, options, self.config.network.resolution)
            return figures | warm_up_step(nets, options, parts, size)
        left = 1 - (progress.fraction - options.warm_up) / max(1e-6, 1 - options.warm_up)
        slow = min(1.0, 0.1 + left / 0.3) * self.calm  # the rates fall over the last third
        # the discriminator learns for a moment before the generator has to listen to it
        rise = (progress.fraction - options.warm_up) / max(options.ramp, 1e-6) - 0.25
        rise = min(1.0, max(0.0, rise)) if options.ramp else 1.0
        _set_rate(
            nets.generator_optimizer, options.generator_learning_rate * slow * max(0.05, rise)
        )
        _set_rate(nets.discriminator_optimizer, options.discriminator_learning_rate * slow)
        return figures | adversarial_step(nets, options, parts, rise)

    # --- checkpoints

    def _checkpoint(self) -> bool:
        """State, averaged generator, preview, and the best so far by a CLIP that stays as it is.

        False, and nothing is written, where the weights are no longer numbers.
        """
        progress, network = self.progress, self.average.model
        data = self.feed.preview(SHEET)
        made, score, _ = self._show(data)
        trained = (self.parts["generator"], self.parts["discriminator"])
        whole = all(bool(p.isfinite().all()) for part in trained for p in part.parameters())
        if not whole or not math.isfinite(score):
            return False
        better, self.best = score > self.best, max(self.best, score)
        if not self.accelerator.is_main_process:
            return True
        progress.record(score=score)
        while self.feed.unreadable:
            progress.say(f"passed over: {self.feed.unreadable.pop()}")
        state = {name: part.state_dict() for name, part in self.parts.items()}
        state |= self.joint.state() | {
            "average": network.state_dict(),
            "progress": progress.state(),
            "forces": dict(self.nets.forces),
            "calm": self.calm,
            "best": self.best,
        }
        try:
            if better:
                save_model(network, self.output / "best.safetensors", half=True)
            save_model(network, self.output / "generator.safetensors", half=True)
            if not self.config.feature_discriminator:
                save_model(self.parts["discriminator"], self.output / CRITIC, half=True)
            if self.joint.learns:
                save_clip(self.clip, self.output / "clip")
            sheet = self.output / f"preview-{progress.elapsed:05.1f}.png"
            preview_sheet(data.images, made, sheet)
        except OSError as error:  # a full disk is no reason to lose the run
            progress.say(f"step {progress.step}: {error}")
        self.states.save(progress.step, state)
        return True

    @torch.no_grad()
    def _show(self, data: Batch) -> tuple[Tensor, float, float]:
        """The averaged generator's pictures of `data`, and the mean cosine with their texts.

        That by the CLIP that stays as it is, and by the one that learns; the same in all processes.
        """
        from accelerate.utils import broadcast

        device = self.accelerator.device
        size = level(self.progress, self.options, self.config.network.resolution)
        images, scores = [], []
        grey = torch.full((1, 3, 1, 1), 0.8, device=device)
        for clip in dict.fromkeys((self.joint.guard, self.clip)):
            text = clip.encode_text(data.captions)
            seen = over(data.images.to(device), grey)
            text = with_pseudo_text(
                text, data.captions, seen, clip.encode_image, 0.0, Draws(self.options.seed)
            )
            made = self.average.model(data.noise.to(device), text, size)
            found = clip.encode_image(over(made, grey))
            images.append(made.cpu())
            scores.append(float((found * text).sum(dim=1).mean()))
        both = broadcast(torch.tensor([scores[0], scores[-1]], device=device))
        return images[-1], float(both[0]), float(both[1])

    def _restore(self, state: dict[str, Any] | None) -> None:
        """Go on from a checkpoint; None: from the beginning."""
        if state is None:
            return
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            self.average.model.load_state_dict(state["average"])
            self.joint.restore(state)
            self.progress.restore(state["progress"])
            device = self.accelerator.device
            self.nets.forces = {name: f.to(device) for name, f in state["forces"].items()}
            self.calm, self.best = state["calm"], state["best"]
        except (KeyError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{self.output}: a checkpoint of another config: {reason}") from None

    def _roll_back(self, times: int) -> None:
        """To the last checkpoint, with calmer learning rates. Raises ValueError after ROLLBACKS."""
        step, calm = self.progress.step, self.calm * CALM
        state = self.states.newest()
        if times > ROLLBACKS or state is None:
            raise ValueError(
                f"a loss was not a number by step {step}, and going back did not help: "
                "lower the learning rates or the weights of the losses"
            )
        self._restore(state)
        self.calm = calm
        back = self.progress.step
        self.progress.say(f"a loss was not a number: back to step {back}, rates x {calm:g}")


def _warmth(progress: Progress, options: TrainConfig) -> float:
    """How much of the warm-up is over; 1 or more: all of it."""
    return progress.fraction / options.warm_up if options.warm_up > 0 else 1.0


def level(progress: Progress, options: TrainConfig, resolution: int) -> int:
    """The size in pixels that is trained at this time."""
    low = _warmth(progress, options) < options.low_resolution
    return resolution // 2 if low else resolution


def _set_rate(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def preview_sheet(wanted: Tensor, made: Tensor, path: Path) -> None:
    """In each pair of rows above the truth, below it the generator's (SHEET, C, R, R)."""
    size = made.shape[-1]
    grey = torch.tensor([0.85, 0.8, 0.9]).reshape(1, 3, 1, 1)
    rows = []
    for start in range(0, SHEET, SHEET // 2):
        for images in (resize(wanted, size), made):
            rows += [
                to_pil(image)
                for image in over(images[start : start + SHEET // 2], grey).clamp(-1, 1)
            ]
    contact_sheet([image.resize((96, 96)) for image in rows], columns=SHEET // 2).save(path)
