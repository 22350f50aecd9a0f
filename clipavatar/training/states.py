"""The checkpoints of a run: the last few, written so that a good one is always there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clipavatar.checkpoint import load_state, save_state


class States:
    """`keep` files state-STEP.pt in a folder."""

    def __init__(self, folder: Path, keep: int, say: Callable[[str], None] | None = None):
        """`say` tells a person, on stderr unless it is given. Raises ValueError for no `keep`."""
        if keep < 1:
            raise ValueError(f"keep must be 1 or more, not {keep}")
        self.folder = folder
        self.keep = keep
        self.say = say or (lambda line: print(line, file=sys.stderr))

    def files(self) -> list[Path]:
        """The newest first."""
        return sorted(self.folder.glob("state-*.pt"), reverse=True)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write one and then remove those beyond `keep`. A disk that refuses is told, no more:

        the run goes on, and the older checkpoints stay.
        """
        try:
            save_state(self.folder / f"state-{step:08d}.pt", state)
        except (OSError, RuntimeError) as error:  # torch's zip writer raises the latter
            self.say(f"no checkpoint of step {step}, older ones are kept: {error}")
            return
        for old in self.files()[self.keep :]:
            old.unlink(missing_ok=True)

    def newest(self) -> dict[str, Any] | None:
        """The last one that can be read; None where there is none at all.

        Raises ValueError where there are some but none is whole.
        """
        files = self.files()
        for path in files:
            try:
                return load_state(path)
            except ValueError as error:
                self.say(f"{error}; trying the one before")
        if files:
            raise ValueError(f"none of the {len(files)} checkpoints in {self.folder} can be read")
        return None

    def clear(self) -> None:
        """Remove those of an earlier run: a new one starts."""
        for path in self.files():
            os.unlink(path)
