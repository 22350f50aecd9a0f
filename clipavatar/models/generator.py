"""The conditional generator: noise and text embedding in, picture out."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.config import GeneratorConfig, check_levels
from clipavatar.draws import Draws
from clipavatar.models.palette import Layers, Palette

OWN_WORDS = 0.25  # scale of the embedding beside what was read off it
VALUE = 4.0  # of a value that is said
STEP = 2.0  # of the noise, above a border; below it, minus that
SHARP = 3.0  # of the reader's logits: it is to be as sure as the labels that training gives


class Sketch(NamedTuple):
    """Pictures at half the size, and what their detail is drawn from."""

    image: Tensor  # (N, C, R / 2, R / 2), not cut off at -1 and 1
    features: Tensor  # (N, F, R / 2, R / 2)
    style: Tensor  # (N, S)
    layers: Layers | None = None  # with a palette: what `image` is put together from

    def rows(self, rows: slice | Tensor) -> Sketch:
        """Some of them."""
        layers = Layers(*(part[rows] for part in self.layers)) if self.layers else None
        return Sketch(self.image[rows], self.features[rows], self.style[rows], layers)


class ModulatedConv(nn.Module):
    """3x3 convolution, then a scale and a shift per channel that the style decides (FiLM)."""

    folded: Tensor | None

    def __init__(self, inside: int, outside: int, style_size: int):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.modulation = nn.Linear(style_size, 2 * outside)
        nn.init.kaiming_normal_(self.conv.weight, a=0.2)  # keeps the size of what passes through
        nn.init.zeros_(self.modulation.bias)
        nn.init.normal_(self.modulation.weight, std=0.02)
        self.register_buffer("folded", None, persistent=False)

    def fold(self) -> None:
        """For drawing: `doubled` then costs less than half."""
        self.folded = folded(self.conv.weight.detach())

    def train(self, mode: bool = True) -> Self:
        """Nothing stays folded where weights may change."""
        self.folded = None if mode else self.folded
        return super().train(mode)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, I, H, W), (B, S) -> (B, O, H, W)."""
        return self._modulated(self.conv(x), style)

    def doubled(self, x: Tensor, style: Tensor) -> Tensor:
        """The same of x enlarged twice: (B, I, H, W), (B, S) -> (B, O, 2 H, 2 W)."""
        if self.folded is None:
            return self._modulated(self.conv(F.interpolate(x, scale_factor=2.0)), style)
        bias = self.conv.bias.repeat(4)  # type: ignore[union-attr]
        return self._modulated(interleaved(F.conv2d(x, self.folded, bias, padding=1)), style)

    def _modulated(self, x: Tensor, style: Tensor) -> Tensor:
        """Features (B, O, H, W), which are overwritten where nobody learns from them."""
        scale, shift = self.modulation(style)[:, :, None, None].chunk(2, dim=1)
        place = None if self.training or torch.is_grad_enabled() else x
        return F.leaky_relu(torch.addcmul(shift, x, 1 + scale, out=place), 0.2, inplace=True)


def folded(weight: Tensor) -> Tensor:
    """3x3 weights (O, I, 3, 3) -> (4 O, I, 2, 2), for a picture that is not yet enlarged twice.

    Of three pixels in a row of the enlarged one, two are the same: for the first of each pair the
    last two, for the second the first two. So each needs four weights instead of nine.
    """
    pairs = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]]).to(weight)
    four = torch.einsum("oiyx,aky,blx->aboikl", weight, pairs, pairs).flatten(0, 2)
    return four.contiguous(memory_format=torch.channels_last)


def interleaved(x: Tensor) -> Tensor:
    """What a `folded` convolution gave (B, 4 O, H + 1, W + 1) -> (B, O, 2 H, 2 W).

    The pixel (2 y + a, 2 x + b) is the one at (y + a, x + b) in the features of (a, b).
    """
    x = x.movedim(1, -1).contiguous()  # as it lies already on a CPU
    count, height, width, four = x.shape
    down, right, size = width * four, four, four // 4
    shape = (count, height - 1, 2, width - 1, 2, size)
    strides = (height * down, down, down + 2 * size, right, right + size, 1)
    return x.as_strided(shape, strides).flatten(3, 4).flatten(1, 2).movedim(-1, 1)


class Generator(nn.Module):
    """(noise, text embedding) -> picture.

    Both inputs enter twice: linearly into the 4 px features, which learns fastest, and through a
    mapping network into the scale and shift of every convolution, which says what depends on
    combinations (an entry of the noise counts only where the text leaves its attribute unsaid).

    With `config.reads` a linear reader, trained with the CLIP, comes first and names attributes:
    the networks then get a number per value, near 0 or 1, rather than a mixture of all of them in
    every dimension of the embedding. They learned five times as fast so.

    With `config.detail` the last doubling is drawn at half the size, as what each of the four
    pixels differs from their mean: that mean is then the picture at half the size, always, and a
    face can be chosen there for half the work. (A Haar wavelet's detail, by sub-pixel convolution.)

    With `config.palette` colours that the noise and the words decide are laid flat, each where its
    mask says, and convolutions paint only what is left: lines, eyes, edges. Convolutions that all
    materials share gave each a colour a little off, in blotches. The last doubling enlarges the
    masks smoothly, not the picture, so that the border of two colours has no steps; the mean of
    four pixels is then nearly the picture at half the size.
    """

    borders: Tensor

    def __init__(self, config: GeneratorConfig = GeneratorConfig()):  # noqa: B008 (frozen)
        super().__init__()
        self.config = config
        detail = config.detail
        check_levels(config.resolution // (2 if detail else 1), config.channels)
        values, style = sum(config.reads), config.style_size
        shares = torch.linspace(0, 1, config.noise_steps + 1)[1:-1]
        borders = torch.special.ndtri(shares)  # (S - 1,): as much noise between any two of them
        self.register_buffer("borders", borders, persistent=False)
        inputs = config.noise_size * (1 + len(borders)) + config.embedding_size + values
        if values:  # after all values, one logit for each attribute: that it is unsaid
            self.reader = nn.Linear(config.embedding_size, values + len(config.reads))
            self.voice = nn.Identity()  # what is said passes here, for whoever would make it louder
        self.mapping = nn.Sequential(
            nn.Linear(inputs, 2 * style),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * style, 2 * style),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * style, style),
            nn.LeakyReLU(0.2),
        )
        first = config.channels[0]
        self.linear = nn.Linear(inputs, first * 16)
        self.curved = nn.Linear(style, first * 16)
        self.blocks = nn.ModuleList()
        self.to_image = nn.ModuleList()  # one per size, so that training may stop at a smaller one
        before = first
        for channels in config.channels:
            pair = (
                ModulatedConv(before, channels, style),
                ModulatedConv(channels, channels, style),
            )
            self.blocks.append(nn.ModuleList(pair))
            self.to_image.append(nn.Conv2d(channels, config.image_channels, 1))
            before = channels
        if detail:
            pair = ModulatedConv(before, detail, style), ModulatedConv(detail, detail, style)
            self.detail = nn.ModuleList(pair)
            self.to_detail = nn.Conv2d(detail, 4 * config.image_channels, 3, padding=1)
        if config.palette:
            known = config.noise_size * (1 + len(borders)) + values
            self.palette = Palette(known, config.palette)
            self.to_masks = nn.Conv2d(before, 1 + config.palette, 3, padding=1)
            nn.init.normal_(self.to_masks.weight, std=0.01)
            nn.init.zeros_(self.to_masks.bias)  # type: ignore[arg-type]
            nn.init.constant_(self.to_masks.bias[:1], 2.0)  # type: ignore[index]  # at first painted
            self.to_edges = nn.ConvTranspose2d(detail, 1 + config.palette, 2, stride=2)
            nn.init.zeros_(self.to_edges.weight)
            nn.init.zeros_(self.to_edges.bias)  # type: ignore[arg-type]

    def fold(self) -> None:
        """For drawing: what depends on the weights alone is computed once. Training undoes it."""
        for block in list(self.blocks)[1:]:
            _, refine = block.children()
            refine.fold()  # type: ignore[operator]

    def condition(self, target: Tensor, said: Tensor | None = None) -> Tensor:
        """Unit vectors (N, E) -> (N, E), or with `reads` (N, E + values), of about unit variance.

        `said` (N, A), labels with -1 for what is unsaid, takes the place of what would be read.
        """
        scaled: Tensor = target * self.config.embedding_size**0.5
        if not self.config.reads:
            return scaled
        words = self._read(scaled) if said is None else self.labelled(said)
        return torch.cat((OWN_WORDS * scaled, VALUE * self.voice(words)), dim=1)

    def _steps(self, noise: Tensor) -> Tensor:
        """Noise (N, Z) -> (N, Z * (S - 1)): on which side of each border an entry lies, -2 or 2.

        A colour that one number chooses among four was never learned from the number alone. The
        art has nothing between two colours, so neither have the steps. Slopes come through the
        noise itself.
        """
        above = noise[:, :, None] > self.borders
        return torch.where(above, STEP, -STEP).to(noise).flatten(1)

    def _read(self, scaled: Tensor) -> Tensor:
        """Embeddings (N, E) -> how sure it is of each value (N, values), little where unsaid."""
        attributes = len(self.config.reads)
        logits = SHARP * self.reader(scaled)
        said = torch.split(torch.sigmoid(-logits[:, -attributes:]), 1, dim=1)
        named = torch.split(logits[:, :-attributes], list(self.config.reads), dim=1)
        words = [x.softmax(dim=1) * y for x, y in zip(named, said, strict=True)]
        return torch.cat(words, dim=1)

    def labelled(self, said: Tensor) -> Tensor:
        """Labels (N, A) -> (N, values): true for what is said."""
        columns = zip(self.config.reads, said.T, strict=True)
        return torch.cat([(y[:, None] == torch.arange(k, device=y.device)) for k, y in columns], 1)

    def forward(
        self,
        noise: Tensor,
        target: Tensor,
        resolution: int | None = None,
        said: Tensor | None = None,
        draws: Draws | None = None,
        layered: bool = False,
    ) -> Tensor | tuple[Tensor, Layers | None]:
        """Noise (N, Z) standard normal, target (E,) or (N, E) unit -> (N, C, R, R) in [-1, 1].

        In train mode a little beyond that range as well.

        `resolution` smaller than R gives the picture of that level (used while training grows, and
        with `detail` to choose by: R / 2 is what the picture is when shrunk).
        `said` (N, A): see `condition`; training knows it, and learns several times as fast by it.
        `draws` is for another network: this one has no noise of its own. `layered` gives as well
        what the picture was put together from; None without a palette, or below R / 2.
        """
        wanted = resolution or self.config.resolution
        if self.config.detail and wanted == self.config.resolution:
            sketch = self.sketch(noise, target, said)
            made = self.detailed(sketch)
        else:
            sketch = self._level(noise, target, wanted, said)
            made = self._shown(sketch.image)
        return (made, sketch.layers) if layered else made

    def sketch(self, noise: Tensor, target: Tensor, said: Tensor | None = None) -> Sketch:
        """With `detail`: the pictures before the last doubling, from the same as `forward`."""
        return self._level(noise, target, self.config.resolution // 2, said)

    def detailed(self, sketch: Sketch) -> Tensor:
        """The last doubling: (N, C, R, R), the mean of whose every four pixels is the sketch;
        nearly so where colours are laid flat.
        """
        x = sketch.features
        for conv in self.detail:
            x = conv(x, sketch.style)
        four = self.to_detail(x).unflatten(1, (-1, 4))  # (N, C, 4, R / 2, R / 2)
        four = four - four.mean(dim=2, keepdim=True)
        if sketch.layers is None:
            return self._shown(F.pixel_shuffle((sketch.image[:, :, None] + four).flatten(1, 2), 2))
        flat = sketch.layers.doubled(self.to_edges(x))
        return self._shown(flat + F.pixel_shuffle(four.flatten(1, 2), 2))

    def _level(self, noise: Tensor, target: Tensor, wanted: int, said: Tensor | None) -> Sketch:
        """All blocks up to the one of `wanted` pixels. Raises ValueError if there is none."""
        if target.dim() == 1:
            target = target.expand(len(noise), -1)
        known = self.condition(target, said)
        inputs = torch.cat((noise, known, self._steps(noise)), dim=1)
        style = self.mapping(inputs)
        x = (self.linear(inputs) + self.curved(style)).view(len(noise), -1, 4, 4)
        x = x.contiguous(memory_format=torch.channels_last)
        for level, block in enumerate(self.blocks):
            grow, refine = block.children()
            x = grow(x, style)  # before the doubling: it costs a quarter so
            x = refine.doubled(x, style) if level else refine(x, style)  # type: ignore[operator]
            if x.shape[-1] == wanted:
                break
        else:
            raise ValueError(f"no level of {wanted} px in a {self.config.resolution} px generator")
        image = self.to_image[level](x)
        if not self.config.palette or wanted != self.config.resolution // 2:
            return Sketch(image, x, style)
        words = known[:, self.config.embedding_size :] / VALUE
        layers = Layers(image, self.to_masks(x), self.colours(noise, words))
        return Sketch(layers.flattened(), x, style, layers)

    def colours(self, noise: Tensor, words: Tensor) -> Tensor:
        """Noise (N, Z) and what is said of each value (N, values) -> the palette (N, K, 3)."""
        return self.palette(torch.cat((noise, self._steps(noise) / STEP, words), dim=1))  # type: ignore[no-any-return]

    def _shown(self, image: Tensor) -> Tensor:
        """Most of a picture is exactly -1. A tanh would have to saturate to say so, and once

        saturated it never learns again.
        """
        return image if self.training else image.clamp(-1, 1)
