"""One process, or those of `accelerate launch`, which share a batch between them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

LONGEST_WAIT = timedelta(days=7)  # for a process whose share takes longer than the others'


@dataclass(frozen=True)
class Processes:
    """Which of how many we are; accelerate is asked only if there are several."""

    rank: int = 0
    count: int = 1
    state: Any = None

    def wait(self) -> None:
        """Until all have come this far."""
        if self.state is not None:
            self.state.wait_for_everyone()

    def total(self, number: int) -> int:
        """The sum of every process's `number`."""
        if self.state is None:
            return number
        from accelerate.utils import gather_object

        return sum(gather_object([number]))


@contextmanager
def processes() -> Iterator[Processes]:
    """The processes of `accelerate launch`, told by its environment variables; else just us."""
    if int(os.environ.get("WORLD_SIZE") or 1) < 2:
        yield Processes()
        return
    from accelerate import PartialState

    state = PartialState(timeout=LONGEST_WAIT)
    try:
        yield Processes(state.process_index, state.num_processes, state)
    finally:
        state.destroy_process_group()
