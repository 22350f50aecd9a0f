"""The judge: a small classifier that names every attribute of a picture, for figures only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clipavatar.config import JudgeConfig
from clipavatar.images import resize


class Judge(nn.Module):
    """Two convolutions a level, halving the picture down to 4 px, then a head that knows places.

    The first convolution sees every pixel: an eye is 8 of them wide. The head reads all 16 places
    of the last level, for where a mark is says what it is. It takes no part in training a generator
    or CLIP, nor in choosing among candidates.
    """

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        if config.resolution != 4 * 2 ** len(config.channels):
            raise ValueError(
                f"a judge of {config.resolution} px needs one entry of channels for each halving "
                f"down to 4 px, not {len(config.channels)}"
            )
        layers: list[nn.Module] = []
        before = 3
        for after in config.channels:
            layers += [*_convolution(before, after, 1), *_convolution(after, after, 2)]
            before = after
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Linear(before * 16, config.hidden), nn.ReLU(), nn.Dropout(0.1)
        )
        self.names = nn.Linear(config.hidden, sum(config.values))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """RGB (B, 3, H, W) in [-1, 1] -> per attribute the logits (B, values)."""
        x = self.features(resize(images, self.config.resolution))
        return torch.split(self.names(self.dense(x.flatten(1))), list(self.config.values), dim=1)


def _convolution(before: int, after: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]
