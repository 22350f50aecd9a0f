"""The upscaler: a small picture in, the same `factor` times larger and crisp."""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import UpscalerConfig


class Upscaler(nn.Module):
    """Residual blocks at the small size, then sub-pixel convolution on top of a bilinear guess.

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", 2016.
    """

    folded: Tensor | None

    def __init__(self, config: UpscalerConfig = UpscalerConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        w = config.width
        self.first = nn.Conv2d(config.image_channels, w, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(w, w, 3, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(w, w, 3, padding=1),
            )
            for _ in range(config.depth)
        )
        self.last = nn.Conv2d(w, config.image_channels * config.factor**2, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        self.register_buffer("folded", None, persistent=False)

    @torch.no_grad()
    def fold(self) -> None:
        """For drawing: the bilinear guess becomes a part of the last convolution."""
        factor, channels = self.config.factor, self.config.image_channels
        detail = self.last.weight.view(channels, factor, factor, -1, 3, 3).movedim(0, 2)
        guess = _bilinear(factor, channels).to(detail)
        both = torch.cat((detail, guess), dim=3).flatten(0, 2)  # (F F C, W + C, 3, 3)
        self.folded = both.contiguous(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> Self:
        """Nothing stays folded where weights may change."""
        self.folded = None if mode else self.folded
        return super().train(mode)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, R, R) in [-1, 1] -> (B, C, R * factor, R * factor) in [-1, 1]."""
        x = F.leaky_relu(self.first(images), 0.2, inplace=True)
        for block in self.blocks:
            x = F.leaky_relu(block(x).add_(x), 0.2, inplace=True)
        if self.folded is not None:
            return self._large(images, x, self.folded)
        guess = F.interpolate(
            images, scale_factor=float(self.config.factor), mode="bilinear", align_corners=False
        )
        return torch.clamp(guess + F.pixel_shuffle(self.last(x), self.config.factor), -1, 1)

    def _large(self, images: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """Small pictures (B, C, R, R) and their features (B, W, R, R) -> the large ones."""
        factor, channels = self.config.factor, self.config.image_channels
        images = images.contiguous(memory_format=torch.channels_last)
        edged = (F.pad(x, (1, 1, 1, 1)), F.pad(images, (1, 1, 1, 1), mode="replicate"))
        bias = self.last.bias.view(channels, -1).T.flatten()  # type: ignore[union-attr]
        made = F.conv2d(torch.cat(edged, dim=1), weight, bias).clamp_(-1, 1)  # (B, F F C, R, R)
        count, _, height, width = made.shape
        made = made.movedim(1, -1).reshape(count, height, width, factor, factor, channels)
        return made.movedim(3, 2).flatten(3, 4).flatten(1, 2).movedim(-1, 1)


def _bilinear(factor: int, channels: int) -> Tensor:
    """(F, F, C, C, 3, 3): for each of the pixels that one becomes, what its neighbours weigh."""
    line = F.interpolate(torch.eye(3)[None], scale_factor=float(factor), mode="linear")
    taps = line[0, :, factor : 2 * factor]  # (3, F): of the middle one of three pixels
    return torch.einsum("yi,xj,cd->ijcdyx", taps, taps, torch.eye(channels))
