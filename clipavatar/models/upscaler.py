"""The upscaler: a small picture in, the same `factor` times larger and crisp."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import UpscalerConfig


class Upscaler(nn.Module):
    """Residual blocks at the small size, then sub-pixel convolution on top of a bilinear guess.

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", 2016.
    """

    def __init__(self, config: UpscalerConfig = UpscalerConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        w = config.width
        self.first = nn.Conv2d(config.image_channels, w, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(w, w, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(w, w, 3, padding=1)
            )
            for _ in range(config.depth)
        )
        self.last = nn.Conv2d(w, config.image_channels * config.factor**2, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, R, R) in [-1, 1] -> (B, C, R * factor, R * factor) in [-1, 1]."""
        x = F.leaky_relu(self.first(images), 0.2)
        for block in self.blocks:
            x = F.leaky_relu(x + block(x), 0.2)
        guess = F.interpolate(
            images, scale_factor=float(self.config.factor), mode="bilinear", align_corners=False
        )
        return torch.clamp(guess + F.pixel_shuffle(self.last(x), self.config.factor), -1, 1)
