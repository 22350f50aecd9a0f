"""The judge: a small classifier that names every attribute of a picture, for figures only."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import JudgeConfig
from clipavatar.images import resize


class Judge(nn.Module):
    """Two convolutions a level, halving the picture down to 4 px, then a head that knows places.

    The first convolution sees every pixel, for an eye is 8 of them wide at 64 px; where there are
    fewer levels than halvings, blocks of pixels are folded into its channels (128 px with four
    levels: 2 x 2). The head reads all 16 places of the last level, for where a mark is says what it
    is. It takes no part in training a generator or CLIP, nor in choosing among candidates.
    """

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        self.fold, rest = divmod(config.resolution, 4 * 2 ** len(config.channels))
        if rest or self.fold not in (1, 2):
            raise ValueError(
                f"a judge of {config.resolution} px needs one entry of channels for each halving "
                f"down to 4 px, or one fewer, not {len(config.channels)}"
            )
        layers: list[nn.Module] = []
        before = 3 * self.fold**2
        for after in config.channels:
            layers += [*_convolution(before, after, 1), *_convolution(after, after, 2)]
            before = after
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Linear(before * 16, config.hidden), nn.ReLU(), nn.Dropout(0.1)
        )
        self.names = nn.Linear(config.hidden, sum(config.values))

    def hidden(self, images: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in [-1, 1] -> (B, hidden), what it names things from."""
        x = F.pixel_unshuffle(resize(images, self.config.resolution), self.fold)
        hidden: Tensor = self.dense(self.features(x).flatten(1))
        return hidden

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """RGB (B, 3, H, W) in [-1, 1] -> per attribute the logits (B, values)."""
        return torch.split(self.names(self.hidden(images)), list(self.config.values), dim=1)


def _convolution(before: int, after: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]
