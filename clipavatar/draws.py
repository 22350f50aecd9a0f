"""Random numbers for the rows of a training batch, whoever computes them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Draws:
    """Drawn for a whole batch, of which this process, or this part of an accumulated step, has

    part number `part` of `parts`: rows get the same numbers however many share the batch. The
    numbers depend on `key` (whole numbers of 0 or more) and on the order of the calls.
    """

    def __init__(self, *key: int, part: int = 0, parts: int = 1):
        seed = np.random.SeedSequence([*key, len(key)]).generate_state(1, np.uint64)[0]
        self._random = torch.Generator().manual_seed(int(seed))
        self.part, self.parts = part, parts

    def rand(self, rows: int, *shape: int) -> Tensor:
        """Evenly in [0, 1): (rows, *shape), on the CPU as all of these."""
        return self._mine(torch.rand(rows * self.parts, *shape, generator=self._random))

    def randn(self, rows: int, *shape: int) -> Tensor:
        """Standard normal: (rows, *shape)."""
        return self._mine(torch.randn(rows * self.parts, *shape, generator=self._random))

    def randint(self, low: int, high: int, rows: int, *shape: int) -> Tensor:
        """Whole numbers from `low` to below `high`: (rows, *shape)."""
        size = (rows * self.parts, *shape)
        return self._mine(torch.randint(low, high, size, generator=self._random))

    def one(self) -> float:
        """Evenly in [0, 1): one number for the whole batch."""
        return float(torch.rand((), generator=self._random))

    def _mine(self, all_rows: Tensor) -> Tensor:
        return all_rows.chunk(self.parts)[self.part]
