"""Flat colours: which there are, and how they are laid over what convolutions paint."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Layers(NamedTuple):
    """What a picture with flat colours is put together from."""

    painted: Tensor  # (N, C, R, R), what convolutions make of it
    shares: Tensor  # (N, 1 + K, R, R), logarithms; of what is painted, then of each flat colour
    colours: Tensor  # (N, K, 3)

    def flattened(self) -> Tensor:
        """(N, C, R, R); what is flat is opaque, where pictures have alpha."""
        shares = self.shares.exp()
        colours = self.colours
        if self.painted.shape[1] == 4:
            colours = torch.cat((colours, torch.ones_like(colours[..., :1])), dim=2)
        flat = torch.einsum("nkyx,nkc->ncyx", shares[:, 1:], colours)
        return torch.addcmul(flat, shares[:, :1], self.painted)

    def rows(self, rows: slice | Tensor) -> Layers:
        return Layers(*(part[rows] for part in self))


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
