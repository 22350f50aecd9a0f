"""The networks one may choose: shapes, what they listen to, determinism, gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from clipavatar.config import DcganConfig, FeatureDiscriminatorConfig, StyleGeneratorConfig
from clipavatar.draws import Draws
from clipavatar.models.dcgan import Dcgan
from clipavatar.models.feature_discriminator import FeatureDiscriminator
from clipavatar.models.style_generator import DemodulatedConv, StyleGenerator

STYLE = StyleGeneratorConfig(
    resolution=16,
    noise_size=6,
    embedding_size=8,
    style_size=8,
    mapping_layers=2,
    channels=(8, 6, 4),
)
DCGAN = DcganConfig(resolution=16, noise_size=6, embedding_size=8, channels=(8, 6, 4))


def unit(*shape: int) -> Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape), dim=-1)


def seeded(seed: int) -> Draws:
    return Draws(seed)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=[(StyleGenerator, STYLE), (Dcgan, DCGAN)], ids=["style", "dcgan"])
def generator(request: pytest.FixtureRequest) -> nn.Module:
    kind, config = request.param
    return kind(config)  # type: ignore[no-any-return]


def test_a_generator_draws_in_range_for_one_target_or_many(generator: nn.Module) -> None:
    noise, target = torch.randn(3, 6), unit(3, 8)
    faces = generator.eval()(noise, target)
    assert faces.shape == (3, 4, 16, 16)
    assert faces.abs().max() <= 1
    assert torch.allclose(generator(noise, target[0])[0], faces[0], atol=1e-5)
    assert not torch.equal(faces, generator(noise + 1, target))
    assert not torch.equal(faces, generator(noise, -target))


def test_a_finished_generator_draws_the_same_in_any_place_of_a_batch(generator: nn.Module) -> None:
    noise, target = torch.randn(3, 6), unit(3, 8)
    faces = generator.eval()(noise, target)
    for order in ([2, 0, 1], [1]):
        assert torch.allclose(generator(noise[order], target[order]), faces[order], atol=1e-6)


def test_a_generator_gives_smaller_pictures_while_it_grows(generator: nn.Module) -> None:
    noise, target = torch.randn(2, 6), unit(2, 8)
    for size in (4, 8, 16):
        assert generator(noise, target, resolution=size).shape == (2, 4, size, size)
    with pytest.raises(ValueError, match="no level of 5 px in a 16 px generator"):
        generator(noise, target, resolution=5)


def test_gradients_reach_every_weight(generator: nn.Module) -> None:
    noise, target = torch.randn(4, 6, requires_grad=True), unit(4, 8)
    made = generator(noise, target)
    (made * torch.randn_like(made)).sum().backward()
    assert noise.grad is not None
    for name, weight in generator.named_parameters():
        if isinstance(generator, Dcgan) and name.startswith(("to_image.0", "to_image.1")):
            continue  # of the smaller sizes
        assert weight.grad is not None, name
        assert weight.grad.any(), name


def test_channels_that_do_not_reach_the_resolution_are_refused() -> None:
    with pytest.raises(ValueError, match="resolution 32 needs 3 channels to be 16"):
        StyleGenerator(StyleGeneratorConfig(resolution=32, channels=(8, 8, 8)))
    with pytest.raises(ValueError, match="resolution 32 needs 3 channels to be 16"):
        Dcgan(DcganConfig(resolution=32, channels=(8, 8, 8)))


def test_demodulation_gives_unit_variance_whatever_the_style() -> None:
    conv = DemodulatedConv(64, 32, 4)
    for size in (0.1, 1.0, 10.0):
        x = conv(torch.randn(4, 64, 8, 8), size * torch.randn(4, 4))
        assert x[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.15)


def test_demodulation_equals_scaled_weights_for_each_picture() -> None:
    conv, x, style = DemodulatedConv(3, 5, 4), torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    made = conv(x, style)
    for row in range(2):  # the paper's equations 1 and 3, word for word
        weight = conv.weight * conv.scale(style[row])[None, :, None, None]
        weight = weight / weight.square().sum(dim=(1, 2, 3), keepdim=True).add(1e-8).sqrt()
        wanted = torch.nn.functional.conv2d(x[row : row + 1], weight, padding=1)
        assert torch.allclose(made[row : row + 1], wanted, atol=1e-5)


def noisy() -> StyleGenerator:
    generator = StyleGenerator(STYLE)
    with torch.no_grad():
        for level in generator.levels:
            level.strength.fill_(0.5)
    return generator


def test_the_noise_of_the_layers_is_drawn_from_its_seed_and_stays_when_none_is_given() -> None:
    generator, noise, target = noisy(), torch.randn(2, 6), unit(2, 8)
    one = generator(noise, target, draws=seeded(1))
    assert torch.equal(one, generator(noise, target, draws=seeded(1)))
    assert not torch.equal(one, generator(noise, target, draws=seeded(2)))
    same = generator(noise[:1].expand(2, -1), target[:1].expand(2, -1))
    assert torch.allclose(same[0], same[1], atol=1e-6)
    with torch.no_grad():
        generator.levels[1].strength.zero_()
    assert not torch.equal(same, generator(noise[:1].expand(2, -1), target[:1].expand(2, -1)))


def test_the_fixed_noise_is_part_of_the_weights_and_the_same_in_every_model() -> None:
    first, second = StyleGenerator(STYLE), StyleGenerator(STYLE)
    names = [name for name in first.state_dict() if name.endswith("grain")]
    assert len(names) == 3
    for name in names:
        assert torch.equal(first.state_dict()[name], second.state_dict()[name])


def test_mixing_changes_the_style_of_later_levels_only() -> None:
    generator = StyleGenerator(replace(STYLE, mixing=1.0))  # in every picture
    noise, target = torch.randn(16, 6), unit(16, 8)
    plain = generator.styles(noise, target, None)
    mixed = generator.styles(noise, target, seeded(3))
    changed = (plain != mixed).any(dim=2)  # (levels, N)
    assert not changed[0].any()
    assert changed[-1].all()
    assert 0 < changed[1].float().mean() < 1
    assert torch.equal(mixed, generator.styles(noise, target, seeded(3)))


class Eye(nn.Module):
    """An encoder of pictures with weights of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 4 * 4, 8).requires_grad_(False)

    def encode(self, images: Tensor) -> Tensor:
        small = torch.nn.functional.adaptive_avg_pool2d(images, 4).flatten(1)
        return torch.nn.functional.normalize(self.linear(small), dim=1)


def test_a_discriminator_on_features_judges_the_pair_and_teaches_the_picture() -> None:
    eye = Eye()
    discriminator = FeatureDiscriminator(
        eye.encode, FeatureDiscriminatorConfig(embedding_size=8, hidden=8)
    )
    images = (torch.rand(4, 4, 16, 16) * 2 - 1).requires_grad_()
    text = unit(4, 8)
    logits = discriminator(images, text)
    assert logits.shape == (4,)
    assert not torch.allclose(logits, discriminator(images, text.roll(1, 0)))
    logits.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert all(weight.grad is not None for weight in discriminator.parameters())
    assert not any("linear" in name for name in discriminator.state_dict())  # CLIP is not in it
