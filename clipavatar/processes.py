"""Processes of ours that share work, or those of `accelerate launch`, which share a batch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.pool import Pool
from typing import Any, TypeVar

T = TypeVar("T")
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


def start_workers(count: int) -> Pool:
    """`count` processes that work for this one and end with it, however it ends.

    Ctrl-C is for this process alone, which ends the others.
    """
    return multiprocessing.get_context("spawn").Pool(count, _follow, (os.getpid(),))


def _follow(parent: int) -> None:
    """The first thing that a worker does: one whose parent was killed would work on for nobody."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def spread(
    work: Callable[[int], T], items: Sequence[int], count: int, chunk: int = 1
) -> Iterator[T]:
    """work(item) for each item in order, by `count` processes; with one, in this process."""
    if count <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    with start_workers(min(count, len(items))) as pool:
        yield from pool.imap(work, items, chunksize=chunk)
