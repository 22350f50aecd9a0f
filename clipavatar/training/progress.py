"""How far a run is: time spent, steps, running means of its losses, on screen and in a file."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

LOGGED = 50  # steps between two lines of the log


class Progress:
    """Counts a run of `minutes`, time before a resume included; logs to `output`/log.jsonl.

    With `steps` a run has that many steps, however long they take. `accelerator`: of several
    processes all follow the clock of the first, which alone shows and writes the mean of all.
    """

    def __init__(self, minutes: float, output: Path, steps: int = 0, accelerator: Any = None):
        self.minutes = minutes
        self.steps = steps
        self.output = output
        output.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.pictures = 0
        self.means: dict[str, Tensor] = {}
        self._accelerator = accelerator
        self._shows = accelerator is None or accelerator.is_main_process
        self._spent = 0.0  # minutes before this process
        self._start = time.monotonic()
        self._now = 0.0
        self._before = 0  # pictures before this process
        self._last: dict[str, float] = {}
        form = "{l_bar}{bar}| {n:.1f}/{total:.1f} min [{remaining} left{postfix}]"
        if steps:
            form = "{l_bar}{bar}| {n:.0f}/{total:.0f} steps [{remaining} left{postfix}]"
        total = steps or minutes
        self._bar = tqdm(total=total, bar_format=form, mininterval=5, disable=not self._shows)

    @property
    def elapsed(self) -> float:
        """Minutes, of all processes that worked on the run, up to the last step."""
        return self._now if self._several else self._clock()

    @property
    def _several(self) -> bool:
        return self._accelerator is not None and self._accelerator.num_processes > 1

    def _clock(self) -> float:
        return self._spent + (time.monotonic() - self._start) / 60

    @property
    def fraction(self) -> float:
        return min(1.0, self.step / self.steps if self.steps else self.elapsed / self.minutes)

    @property
    def done(self) -> bool:
        return self.fraction >= 1

    def advance(self, pictures: int, **losses: Tensor | float) -> None:
        """One step is done. Every LOGGED steps the running means are shown and logged."""
        self.step += 1
        self.pictures += pictures
        for name, loss in losses.items():
            value = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))
            self.means[name] = torch.lerp(self.means.get(name, value), value, 0.02)
        if self._several:
            self._now = float(self._first(torch.tensor(self._clock(), dtype=torch.float64)))
        if self.step % LOGGED == 0:
            self.record(**self.figures())

    def _first(self, number: Tensor) -> Tensor:
        """What the first of several processes has."""
        from accelerate.utils import broadcast

        there: Tensor = broadcast(number.to(self._accelerator.device))
        return there

    def figures(self) -> dict[str, float]:
        """The running means, over all processes; waits for a GPU."""
        if self._several:
            reduce = self._accelerator.reduce
            return {k: float(reduce(v, reduction="mean")) for k, v in self.means.items()}
        return {name: float(mean) for name, mean in self.means.items()}

    def broken(self) -> bool:
        """Whether a loss was not a number since the run or its last good state began."""
        return not all(map(math.isfinite, self.figures().values()))

    def record(self, **figures: float) -> None:
        """Append a line to the log and show the figures."""
        if not self._shows:
            return
        line: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.elapsed, 2),
            "pictures": self.pictures,
        }
        seconds = time.monotonic() - self._start
        rate = (self.pictures - self._before) / max(seconds, 1e-6)
        line["pictures a second"] = round(rate, 1)
        line |= {name: round(float(value), 4) for name, value in figures.items()}
        try:
            with (self.output / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:  # a full disk is no reason to lose the run
            self.say(f"step {self.step}: no line in the log: {error}")
        if self._accelerator is not None:
            self._accelerator.log(line, step=self.step)
        self._bar.n = min(self.step if self.steps else self.elapsed, self._bar.total or 0)
        shown = " ".join(f"{name} {value:.3f}" for name, value in list(figures.items())[:6])
        self._bar.set_postfix_str(f"{rate:.0f} pictures/s {shown}")

    def say(self, line: str) -> None:
        """A line for the person who is watching, above the bar."""
        if self._shows:
            self._bar.write(line, file=sys.stderr)

    def every(self, name: str, minutes: float) -> bool:
        """True about once in `minutes` for each `name`."""
        now = self.elapsed
        if now - self._last.setdefault(name, self._spent) < minutes:
            return False
        self._last[name] = now
        return True

    def state(self) -> dict[str, Any]:
        """To go on from: with the running means, so that not even the log differs."""
        return {
            "step": self.step,
            "pictures": self.pictures,
            "elapsed": self.elapsed,
            "means": {name: mean.cpu() for name, mean in self.means.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        device = "cpu" if self._accelerator is None else self._accelerator.device
        self.step, self.pictures = state["step"], state["pictures"]
        self.means = {name: mean.to(device) for name, mean in state.get("means", {}).items()}
        self._spent, self._start = state["elapsed"], time.monotonic()
        self._now, self._before = self._spent, self.pictures
        done = self.step if self.steps else self._spent
        self._bar.initial = self._bar.n = min(done, self._bar.total)  # for the time left
