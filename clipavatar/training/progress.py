"""How far a run is: time spent, steps, running means of its losses, on screen and in a file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm


class Progress:
    """Counts a run of `minutes`, time before a resume included; logs to `output`/log.jsonl."""

    def __init__(self, minutes: float, output: Path):
        self.minutes = minutes
        self.output = output
        output.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.pictures = 0
        self._spent = 0.0  # minutes before this process
        self._start = time.monotonic()
        self._last: dict[str, float] = {}
        self._means: dict[str, float] = {}
        form = "{l_bar}{bar}| {n:.1f}/{total:.1f} min [{remaining} left{postfix}]"
        self._bar = tqdm(total=minutes, bar_format=form, mininterval=5)

    @property
    def elapsed(self) -> float:
        """Minutes, of all processes that worked on the run."""
        return self._spent + (time.monotonic() - self._start) / 60

    @property
    def fraction(self) -> float:
        return min(1.0, self.elapsed / self.minutes)

    @property
    def done(self) -> bool:
        return self.fraction >= 1

    def advance(self, pictures: int, **losses: Tensor | float) -> None:
        """One step is done. Every 50 steps the running means are shown and logged."""
        self.step += 1
        self.pictures += pictures
        for name, loss in losses.items():
            value = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
            mean = self._means.get(name, value)
            self._means[name] = 0.98 * mean + 0.02 * value
        if self.step % 50 == 0:
            self.record(**self._means)

    def record(self, **figures: float) -> None:
        """Append a line to the log and show the figures."""
        line: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.elapsed, 2),
            "pictures": self.pictures,
        }
        line |= {name: round(float(value), 4) for name, value in figures.items()}
        with (self.output / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._bar.n = min(self.elapsed, self.minutes)
        self._bar.set_postfix_str(" ".join(f"{k} {v:.3f}" for k, v in list(figures.items())[:6]))

    def every(self, name: str, minutes: float) -> bool:
        """True about once in `minutes` for each `name`."""
        now = self.elapsed
        if now - self._last.setdefault(name, self._spent) < minutes:
            return False
        self._last[name] = now
        return True

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "pictures": self.pictures, "elapsed": self.elapsed}

    def restore(self, state: dict[str, Any]) -> None:
        self.step, self.pictures = state["step"], state["pictures"]
        self._spent, self._start = state["elapsed"], time.monotonic()
