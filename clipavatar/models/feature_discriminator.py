"""A discriminator on the features of a frozen CLIP: it learns what matters from few pictures."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from clipavatar.config import FeatureDiscriminatorConfig
from clipavatar.images import over


class FeatureDiscriminator(nn.Module):
    """Judges the CLIP embeddings of a picture and of its four quarters, with a head for either.

    After Sauer et al., "Projected GANs Converge Faster", 2021 (a frozen network's features in place
    of pixels) and "StyleGAN-T", 2023 (CLIP's, spectral norm, projection on the text). The quarters
    show detail that one embedding of the whole forgets. Gradients reach the pictures through
    `encode_image`, whose own weights must be frozen; they are no part of this module.
    """

    def __init__(
        self,
        encode_image: Callable[[Tensor], Tensor],
        config: FeatureDiscriminatorConfig = FeatureDiscriminatorConfig(),  # noqa: B008 (frozen)
    ):
        """`encode_image` maps (B, 3, R, R) in [-1, 1] to unit vectors (B, E), differentiable."""
        super().__init__()
        self.config = config
        self.encode_image = encode_image
        self.dense = nn.ModuleList()
        self.logit = nn.ModuleList()
        for _ in range(2):  # for the whole, and for a quarter
            self.dense.append(spectral_norm(nn.Linear(config.embedding_size, config.hidden)))
            self.logit.append(spectral_norm(nn.Linear(config.hidden, 1)))
        self.project = nn.Linear(config.embedding_size, config.hidden)

    def forward(self, images: Tensor, text: Tensor, background: float = 0.5) -> Tensor:
        """Images (B, C, R, R) in [-1, 1], text (B, E) unit vectors -> logits (B,).

        Transparent pictures are seen over a plain grey of `background` in [-1, 1].
        """
        plain = torch.full((1, 3, 1, 1), background, device=images.device, dtype=images.dtype)
        whole = over(images, plain)
        half = whole.shape[-1] // 2
        quarters = [
            whole[..., top : top + half, left : left + half]
            for top in (0, half)
            for left in (0, half)
        ]
        direction = self.project(text * self.config.embedding_size**0.5)
        logits = [self._judge(0, whole, direction)]
        logits += [self._judge(1, quarter, direction) / 4 for quarter in quarters]
        return torch.stack(logits).sum(dim=0)

    def _judge(self, head: int, pixels: Tensor, direction: Tensor) -> Tensor:
        features = self.encode_image(pixels) * self.config.embedding_size**0.5
        x = F.leaky_relu(self.dense[head](features), 0.2)
        projected: Tensor = (x * direction).sum(dim=1) / self.config.hidden**0.5
        return self.logit[head](x).squeeze(1) + projected  # type: ignore[no-any-return]
