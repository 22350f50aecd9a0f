"""A plain DCGAN generator, the text embedding beside the noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clipavatar.config import DcganConfig, check_levels
from clipavatar.draws import Draws


class Dcgan(nn.Module):
    """Fractionally strided convolutions with batch norm and ReLU, tanh at the end.

    Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks", 2016; conditional by concatenation as in Reed et al., 2016. A layer that
    makes a picture stands at every size, so that training may stop at a smaller one. In eval mode
    batch norm uses its running figures: a picture does not depend on its neighbours.
    """

    def __init__(self, config: DcganConfig = DcganConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        check_levels(config.resolution, config.channels)
        before = config.noise_size + config.embedding_size
        self.blocks = nn.ModuleList()
        self.to_image = nn.ModuleList()
        for level, channels in enumerate(config.channels):
            stride, padding = (2, 1) if level else (1, 0)  # 1 px -> 4 px, then twice as large
            grow = nn.ConvTranspose2d(before, channels, 4, stride, padding, bias=False)
            nn.init.normal_(grow.weight, std=0.02)  # the paper's
            self.blocks.append(nn.Sequential(grow, nn.BatchNorm2d(channels), nn.ReLU()))
            self.to_image.append(nn.Conv2d(channels, config.image_channels, 3, padding=1))
            before = channels

    def forward(
        self,
        noise: Tensor,
        target: Tensor,
        resolution: int | None = None,
        said: Tensor | None = None,
        draws: Draws | None = None,
    ) -> Tensor:
        """Noise (N, Z) standard normal, target (E,) or (N, E) unit -> (N, C, R, R) in [-1, 1].

        `resolution` smaller than R gives the picture of that level. `said` and `draws` are for the
        other networks. Raises ValueError for a resolution that is no level.
        """
        wanted = resolution or self.config.resolution
        if target.dim() == 1:
            target = target.expand(len(noise), -1)
        x = torch.cat((noise, target * self.config.embedding_size**0.5), dim=1)[:, :, None, None]
        for block, to_image in zip(self.blocks, self.to_image, strict=True):
            x = block(x)
            if x.shape[-1] == wanted:
                return torch.tanh(to_image(x))
        raise ValueError(f"no level of {wanted} px in a {self.config.resolution} px generator")
