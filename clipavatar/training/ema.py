"""A slowly moving average of a model's weights: what is shown, saved and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average whose memory of a picture halves every `half_life` pictures."""

    def __init__(self, model: nn.Module, half_life: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, model: nn.Module, pictures: int) -> None:
        """Move towards `model` as far as `pictures` more training pictures allow."""
        weight = 1 - 0.5 ** (pictures / self.half_life)
        mine: list[Tensor] = list(self.model.parameters())
        theirs = [new.to(old.device) for new, old in zip(model.parameters(), mine, strict=True)]
        torch._foreach_lerp_(mine, theirs, weight)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(new)  # batch norm's figures are means already
