"""Our drawings in the memory of a device, with captions as tokens: a GPU outruns anything else.

Other processes draw and write captions; training begins when the first chunks are there, and what
comes later joins it. The disk is for the next run alone, and only where the place has a folder.
Batch `step` is a pure function of the seed, `step` and how much is there.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.dataset import Pictures, Place
from clipavatar.config import OftenConfig
from clipavatar.files import replacing
from clipavatar.images import to_float
from clipavatar.processes import start_workers
from clipavatar.training.batches import Batch, odds_of, pick, share, spoken

CAPTIONS = 4  # of each picture, with a noise vector and a wrong caption each
TEXTS, PICKS = 6, 7  # ends of the keys of random streams
KEYS = ("tokens", "noise", "said", "wrong", "wrong_said")  # of a file of captions


class Pool:
    """`batch` and `count` of up to `most` pictures; `ready` of them are there so far."""

    def __init__(
        self,
        place: Place,
        most: int,
        first: int,
        tokenizer: Any,
        device: torch.device,
        full: float,
        marks: bool,
        workers: int = 0,
        often: Sequence[OftenConfig] = (),
    ):
        """Draw as `place` says, with `workers` processes (0: one per core but one), and return when
        `first` pictures are there. A share `full` of the captions says everything; `often` see
        OftenConfig. Raises OSError, ValueError.
        """
        self.place, self.device, self.marks = place, device, marks
        self.most, self.ready = -(-most // place.chunk) * place.chunk, 0
        self._rows: dict[str, Tensor] = {}
        self._often = often
        self._odds: NDArray[np.float64] | None = None
        work = partial(_make, place=place, tokenizer=tokenizer, full=full, marks=marks)
        count = workers or max(1, (os.cpu_count() or 2) - 1)
        self._workers = start_workers(count)
        self._done = self._workers.imap(work, range(0, self.most, place.chunk))
        while self.ready < min(first, self.most):
            self._take(None)

    def batch(self, size: int, seed: int, step: int, part: int = 0, parts: int = 1) -> Batch:
        """As batches.batch, with `tokens` and `wrong_tokens` in place of captions."""
        if self.ready < self.most:
            self._take(0)
        rng = np.random.default_rng([seed, step, PICKS])
        mine = slice(part * share(size, parts), (part + 1) * share(size, parts))
        some = pick(rng, self.ready, self._odds, size)
        picks = (some[mine], rng.integers(CAPTIONS, size=size)[mine])
        index, which = (torch.from_numpy(pick).to(self.device) for pick in picks)
        rows = {name: self._rows[name][index, which] for name in KEYS}
        pixels = self._rows["pixels"][index]
        marks = self._rows["marks"][index][:, None].float() if self.marks else torch.zeros(0)
        return Batch(
            to_float(pixels).contiguous(memory_format=torch.channels_last),
            rows["noise"],
            [],
            self._rows["labels"][index].long(),
            rows["said"].long(),
            negatives_said=rows["wrong_said"].long(),
            marks=marks,
            tokens=rows["tokens"].long(),
            wrong_tokens=rows["wrong"].long(),
        )

    def close(self) -> None:
        """End the processes that draw."""
        self._workers.terminate()

    def _take(self, seconds: float | None) -> None:
        """Take over the next chunk, if it is ready within so long."""
        try:
            rows = self._done.next(seconds)
        except multiprocessing.TimeoutError:
            return
        start = self.ready
        for name, row in rows.items():
            new = torch.from_numpy(row)
            if name not in self._rows:
                shape = (self.most, *new.shape[1:])
                self._rows[name] = torch.empty(shape, dtype=new.dtype, device=self.device)
            self._rows[name][start : start + len(new)] = new
        self.ready += self.place.chunk
        if self._often:
            self._odds = odds_of(self._rows["labels"][: self.ready].cpu().numpy(), self._often)


def _make(start: int, place: Place, tokenizer: Any, full: float, marks: bool) -> dict[str, Any]:
    """A chunk's rows by name, drawn and put into words as far as they are not there yet."""
    pictures = place.pictures(start, marks)
    rows: dict[str, Any] = {"pixels": np.array(pictures.chunks[0]), "labels": pictures.labels}
    rows |= {"marks": np.array(pictures.marks[0])} if marks else {}
    if place.folder is None:
        return rows | _texts(pictures, place.seed, start, tokenizer, full)
    key = repr((CAPTIONS, full, sorted(tokenizer.encoder.items())))
    path = place.file(start, f"-texts-{hashlib.sha256(key.encode()).hexdigest()[:8]}.npz")
    if not path.exists():
        made = _texts(pictures, place.seed, start, tokenizer, full)
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, **made)
    with np.load(path) as file:
        return rows | {name: file[name] for name in KEYS}


def _texts(
    pictures: Pictures, seed: int, start: int, tokenizer: Any, full: float
) -> dict[str, Any]:
    """Of each picture CAPTIONS captions and what goes with them, (N, CAPTIONS, ...) by KEYS."""
    rng = np.random.default_rng([seed, start, TEXTS])
    repeated = [i for i in range(len(pictures)) for _ in range(CAPTIONS)]
    rows = [spoken(pictures, i, rng, full, True) for i in repeated]
    noise, captions, said, wrong, wrong_said = map(list, zip(*rows, strict=True))
    made = {
        "tokens": tokenizer(captions).numpy().astype(np.int32),
        "wrong": tokenizer(wrong).numpy().astype(np.int32),
        "noise": np.stack(noise),
        "said": np.array(said, np.int8),
        "wrong_said": np.array(wrong_said, np.int8),
    }
    return {name: rows.reshape(-1, CAPTIONS, rows.shape[-1]) for name, rows in made.items()}
