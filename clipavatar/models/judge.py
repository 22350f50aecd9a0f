"""The judge: a small classifier that names every attribute of a picture, for figures only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clipavatar.config import JudgeConfig
from clipavatar.images import resize


class Judge(nn.Module):
    """Strided convolutions with batch norm, then one linear layer for all attributes.

    It takes no part in training a generator or CLIP, nor in choosing among candidates.
    """

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        before = 3
        for level in range(4):  # 64 -> 32 -> 16 -> 8 -> 4 px
            after = config.width * 2 ** min(level, 2)
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.Conv2d(after, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
            before = after
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Linear(before * 16, 256), nn.ReLU(), nn.Dropout(0.1))
        self.names = nn.Linear(256, sum(config.values))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """RGB (B, 3, H, W) in [-1, 1] -> per attribute the logits (B, values)."""
        x = self.features(resize(images, self.config.resolution))
        return torch.split(self.names(self.dense(x.flatten(1))), list(self.config.values), dim=1)
