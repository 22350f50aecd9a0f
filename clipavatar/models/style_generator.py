"""A style-based generator: mapping network, modulated convolutions, noise in every layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import StyleGeneratorConfig, check_levels
from clipavatar.draws import Draws

LAYER_NOISE_SEED = 0x5EED  # of the noise that a finished model adds, the same in every picture


class DemodulatedConv(nn.Module):
    """Convolution whose input channels the style scales, its output brought back to unit variance.

    Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, equations 1 and 3.
    The scales are put on the activations and not on a copy of the weights for every picture: the
    same numbers from one ordinary convolution. `demodulate` false leaves equation 3 out.
    """

    def __init__(
        self, inside: int, outside: int, style_size: int, kernel: int = 3, demodulate: bool = True
    ):
        super().__init__()
        self.demodulate = demodulate
        weight = torch.randn(outside, inside, kernel, kernel)
        self.weight = nn.Parameter(weight / (inside * kernel**2) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outside, 1, 1))
        self.scale = nn.Linear(style_size, inside)
        nn.init.ones_(self.scale.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, I, H, W), (B, S) -> (B, O, H, W)."""
        scale = self.scale(style)  # (B, I)
        x = F.conv2d(x * scale[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if self.demodulate:
            variance = scale.square() @ self.weight.square().sum(dim=(2, 3)).T  # (B, O)
            x = x * torch.rsqrt(variance + 1e-8)[:, :, None, None]
        return x + self.bias


class Level(nn.Module):
    """All that happens at one size: two convolutions (one at 4 px), noise, and a picture."""

    grain: Tensor

    def __init__(self, before: int, channels: int, size: int, config: StyleGeneratorConfig):
        super().__init__()
        style = config.style_size
        self.grow = DemodulatedConv(before, channels, style) if size > 4 else None
        self.refine = DemodulatedConv(channels, channels, style)
        self.to_image = DemodulatedConv(channels, config.image_channels, style, 1, demodulate=False)
        self.strength = nn.Parameter(torch.zeros(2))  # of the noise after either convolution
        draw = torch.Generator().manual_seed(LAYER_NOISE_SEED + size)
        self.register_buffer("grain", torch.randn(2, 1, size, size, generator=draw))

    def forward(
        self, x: Tensor, image: Tensor | None, style: Tensor, draws: Draws | None
    ) -> tuple[Tensor, Tensor]:
        """Features and picture of the level before, style (B, S) -> features and picture of this.

        A picture is (B, C, H, W), or None before the first level.
        """
        grain = self.grain[:, None]  # (2, 1, 1, H, W)
        if draws is not None:
            made = draws.randn(len(x), *self.grain.shape).transpose(0, 1)
            grain = made.to(x.device, x.dtype)  # (2, B, 1, H, W)
        grain = grain * self.strength[:, None, None, None, None]
        if self.grow is not None:  # enlarged after it: it costs a quarter so
            x = F.leaky_relu(_doubled(self.grow(x, style)) + grain[0], 0.2) * 2**0.5
        x = F.leaky_relu(self.refine(x, style) + grain[1], 0.2) * 2**0.5
        made = self.to_image(x, style)
        return x, made if image is None else made + _doubled(image)


class StyleGenerator(nn.Module):
    """(noise, text embedding) -> picture, as StyleGAN2 with skip connections draws it.

    Karras et al., 2020; the text enters the mapping network beside the noise. Every level adds its
    own picture to the enlarged one of the level before, so that training may stop at any level and
    grow later (Karras et al., "Progressive Growing of GANs", 2017). The noise of the layers is
    fixed and part of the weights: one (noise, text) is one picture, whatever its place in a batch.
    Training passes `draws`, for new noise and mixed styles in every step.
    """

    def __init__(self, config: StyleGeneratorConfig = StyleGeneratorConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        check_levels(config.resolution, config.channels)
        layers: list[nn.Module] = []
        before = config.noise_size + config.embedding_size
        for _ in range(config.mapping_layers):
            layers += [nn.Linear(before, config.style_size), nn.LeakyReLU(0.2)]
            before = config.style_size
        self.mapping = nn.Sequential(*layers)
        self.start = nn.Parameter(torch.randn(1, config.channels[0], 4, 4))
        self.levels = nn.ModuleList(
            Level(config.channels[max(0, i - 1)], channels, 4 * 2**i, config)
            for i, channels in enumerate(config.channels)
        )

    def forward(
        self,
        noise: Tensor,
        target: Tensor,
        resolution: int | None = None,
        said: Tensor | None = None,
        draws: Draws | None = None,
    ) -> Tensor:
        """Noise (N, Z) standard normal, target (E,) or (N, E) unit -> (N, C, R, R) in [-1, 1].

        In train mode a little beyond that range as well. `resolution` smaller than R gives the
        picture of that level. With `draws` the layers' noise is new for every picture, and a share
        `config.mixing` of them takes the style of another noise from a random level on. `said` is
        for another network. Raises ValueError for a resolution that is no level.
        """
        wanted = resolution or self.config.resolution
        if target.dim() == 1:
            target = target.expand(len(noise), -1)
        styles = self.styles(noise, target, draws)  # (levels, N, S)
        x = self.start.expand(len(noise), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        for level, style in zip(self.levels, styles, strict=True):
            x, made = level(x, image, style, draws)
            if x.shape[-1] == wanted:
                return made if self.training else made.clamp(-1, 1)  # type: ignore[no-any-return]
            image = made
        raise ValueError(f"no level of {wanted} px in a {self.config.resolution} px generator")

    def styles(self, noise: Tensor, target: Tensor, draws: Draws | None) -> Tensor:
        """The style of each level (levels, N, S); two noises share a picture where it is mixed."""
        text = target * self.config.embedding_size**0.5
        style = self.mapping(torch.cat((noise, text), dim=1))
        count = len(self.levels)
        if draws is None or not self.config.mixing or count == 1:
            return style.expand(count, -1, -1)  # type: ignore[no-any-return]
        other_noise = draws.randn(*noise.shape).to(noise)
        other = self.mapping(torch.cat((other_noise, text), dim=1))
        mixed = draws.rand(len(noise)) < self.config.mixing
        start = draws.randint(1, count, len(noise))
        start = torch.where(mixed, start, count)  # from this level on it is the other's
        late = torch.arange(count)[:, None] >= start  # (levels, N)
        return torch.where(late[:, :, None].to(noise.device), other, style)


def _doubled(x: Tensor) -> Tensor:
    """Twice as large: bilinear, which is StyleGAN2's filter [1, 3, 3, 1]."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
