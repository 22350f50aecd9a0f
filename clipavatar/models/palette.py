"""Flat colours: which there are, and how they are laid over what convolutions paint."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Layers(NamedTuple):
    """What a picture with flat colours is put together from."""

    painted: Tensor  # (N, C, R, R), what convolutions make of it
    masks: Tensor  # (N, 1 + K, R, R), logits; of what is painted, then of each flat colour
    colours: Tensor  # (N, K, 3)

    def flattened(self) -> Tensor:
        """(N, C, R, R); what is flat is opaque, where pictures have alpha."""
        shares = self.masks.movedim(1, -1).softmax(dim=-1)  # as they lie on a CPU
        alpha = self.painted.shape[1] - 3
        colours = F.pad(self.colours, (0, alpha), value=1.0)
        colours = F.pad(colours, (0, 0, 1, 0))  # (N, 1 + K, C): what is painted adds nothing here
        flat = (shares.flatten(1, 2) @ colours).view(*shares.shape[:3], -1)
        return torch.addcmul(flat.movedim(-1, 1), shares[..., :1].movedim(-1, 1), self.painted)

    def doubled(self, edges: Tensor) -> Tensor:
        """(N, C, 2 R, 2 R): the masks are enlarged smoothly, then moved by `edges`, logits."""
        masks = F.interpolate(self.masks, scale_factor=2.0, mode="bilinear") + edges
        return Layers(
            F.interpolate(self.painted, scale_factor=2.0), masks, self.colours
        ).flattened()


class Palette(nn.Module):
    """(noise, steps, words) -> the K colours of a picture, learned from the colours themselves."""

    def __init__(self, inputs: int, colours: int, hidden: int = 128):
        super().__init__()
        self.straight = nn.Linear(inputs, 3 * colours)  # most depend on one value or number
        self.curved = nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 3 * colours)
        )
        nn.init.zeros_(self.straight.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, I) -> (N, K, 3), in [-1, 1] or a little beyond."""
        return (self.straight(inputs) + self.curved(inputs)).unflatten(1, (-1, 3))  # type: ignore[no-any-return]
