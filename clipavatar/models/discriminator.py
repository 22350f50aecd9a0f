"""The discriminator: picture and text embedding in, one logit out; high for real and matching."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import DiscriminatorConfig

GROUP = 4  # pictures, one after the other in a batch, that are compared with each other
TINY = 1e-8  # of a variance


def group_size(count: int) -> int:
    """GROUP, or all of them where `count` is no multiple of it."""
    return GROUP if count % GROUP == 0 else count


class Discriminator(nn.Module):
    """Strided convolutions, then a logit of its own plus a projection on the text.

    Projection: Miyato & Koyama, "cGANs with Projection Discriminator", 2018. The spread of each
    GROUP of pictures is one more channel at 4 px, as in Karras et al., "Progressive Growing of
    GANs", 2017; groups, so that several processes share a batch without a difference.
    """

    def __init__(self, config: DiscriminatorConfig = DiscriminatorConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        if 4 * 2 ** (len(config.channels) - 1) != config.resolution:
            raise ValueError(f"{len(config.channels)} channels do not reach {config.resolution} px")
        layers: list[nn.Module] = [
            nn.Conv2d(config.image_channels, config.channels[0], 3, padding=1)
        ]
        for before, after in zip(config.channels, config.channels[1:], strict=False):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(before, after, 4, stride=2, padding=1)]
        self.features = nn.Sequential(*layers, nn.LeakyReLU(0.2))
        last = config.channels[-1]
        self.join = nn.Conv2d(last + 1, last, 3, padding=1)
        self.dense = nn.Linear(last * 16, last)
        self.logit = nn.Linear(last, 1)
        self.project = nn.Linear(config.embedding_size, last)

    def levels(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, R, R) in [-1, 1] -> the features of each level, (B, F, R, R) to 4 px."""
        found, x = [], images
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return found

    def forward(self, images: Tensor, text: Tensor) -> Tensor:
        """Images (B, C, R, R) in [-1, 1], text (B, E) unit vectors -> logits (B,)."""
        x = self.features(images)
        groups = x.unflatten(0, (-1, group_size(len(x))))
        # at a spread of 0 the root has no slope, and R1 wants that of the slope
        spread = (groups.float().var(dim=1, unbiased=False) + TINY).sqrt()
        spread = spread.mean(dim=(1, 2, 3)).to(x)  # (groups,)
        spread = spread.repeat_interleave(groups.shape[1])[:, None, None, None]
        spread = spread.expand(-1, 1, *x.shape[2:])
        x = F.leaky_relu(self.join(torch.cat((x, spread), dim=1)), 0.2)
        x = F.leaky_relu(self.dense(x.flatten(1)), 0.2)
        direction = self.project(text * self.config.embedding_size**0.5)
        projected: Tensor = (x * direction).sum(dim=1) / x.shape[1] ** 0.5
        return self.logit(x).squeeze(1) + projected  # type: ignore[no-any-return]
