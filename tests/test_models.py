"""The networks: shapes, ranges, what they listen to, and errors."""

from dataclasses import replace

import pytest
import torch

from clipavatar.config import DiscriminatorConfig, GeneratorConfig, JudgeConfig, UpscalerConfig
from clipavatar.models import Discriminator, Generator, Judge, Upscaler
from clipavatar.models.palette import Layers

GENERATOR = GeneratorConfig(
    resolution=16, noise_size=12, embedding_size=8, style_size=8, channels=(8, 8, 8)
)
DISCRIMINATOR = DiscriminatorConfig(resolution=16, embedding_size=8, channels=(4, 8, 8))


def unit(*shape: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape), dim=-1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_generator_draws_rgba_in_range_for_one_target_or_many() -> None:
    generator, noise, target = Generator(GENERATOR), torch.randn(3, 12), unit(3, 8)
    faces = generator(noise, target)
    assert faces.shape == (3, 4, 16, 16)
    assert faces.abs().max() <= 1
    assert torch.allclose(generator(noise, target[0])[0], faces[0], atol=1e-5)


def test_a_generator_listens_to_noise_and_to_text() -> None:
    generator, noise, target = Generator(GENERATOR), torch.randn(1, 12), unit(1, 8)
    face = generator(noise, target)
    assert not torch.equal(face, generator(noise + 1, target))
    assert not torch.equal(face, generator(noise, -target))


def test_noise_is_given_in_steps_as_well_and_lets_gradients_through() -> None:
    generator = Generator(replace(GENERATOR, noise_steps=4))
    noise = torch.tensor([[-1.0, -0.3, 0.3, 1.0] * 3])
    sides = generator._steps(noise).reshape(12, 3)[:4].round().tolist()  # borders at the quartiles
    assert sides == [[-2, -2, -2], [2, -2, -2], [2, 2, -2], [2, 2, 2]]
    close = generator._steps(torch.full((1, 12), 1e-3)).reshape(12, 3)[0].tolist()
    assert close == [2, 2, -2]  # nothing lies between two colours
    noise.requires_grad_()
    generator(noise, unit(1, 8)).sum().backward()
    assert noise.grad is not None
    assert noise.grad.abs().min() > 0
    assert Generator(GENERATOR)._steps(noise).shape == (1, 0)


def test_a_generator_gives_smaller_pictures_while_it_grows() -> None:
    generator = Generator(GENERATOR)
    assert generator(torch.randn(2, 12), unit(2, 8), resolution=8).shape == (2, 4, 8, 8)
    with pytest.raises(ValueError, match="no level of 5 px"):
        generator(torch.randn(2, 12), unit(2, 8), resolution=5)


def test_detail_doubles_a_picture_that_stays_its_mean() -> None:
    generator = Generator(replace(GENERATOR, resolution=32, detail=8))
    noise, target = torch.randn(2, 12), unit(2, 8)
    generator.train()  # not cut off at -1 and 1
    whole, half = generator(noise, target), generator(noise, target, 16)
    assert whole.shape == (2, 4, 32, 32)
    assert torch.allclose(torch.nn.functional.avg_pool2d(whole, 2), half, atol=1e-5)
    assert (whole - half.repeat_interleave(2, 2).repeat_interleave(2, 3)).abs().max() > 1e-3
    assert generator.eval()(noise, target).abs().max() <= 1
    with pytest.raises(ValueError, match="no level of 64 px in a 32 px generator"):
        generator(noise, target, 64)


FLAT = replace(GENERATOR, resolution=32, detail=8, noise_steps=4, reads=(3, 2), palette=4)


def test_flat_colours_cover_what_their_masks_say_and_nothing_else() -> None:
    generator = Generator(FLAT).eval()
    noise, target = torch.randn(2, 12), unit(2, 8)
    with torch.no_grad():
        generator.to_masks.weight.zero_()
        generator.to_masks.bias.copy_(torch.tensor([0.0, 0, 0, 50, 0]))
        words = generator.condition(target)[:, 8:] / 4
        colour = generator.colours(noise, words)[:, 2].clamp(-1, 1)
        covered = generator(noise, target, 16)
        generator.to_masks.bias.copy_(torch.tensor([50.0, 0, 0, 0, 0]))
        bare = generator(noise, target)
        plain = Generator(replace(FLAT, palette=0)).eval()
        names = plain.state_dict()
        plain.load_state_dict({k: v for k, v in generator.state_dict().items() if k in names})
        assert torch.allclose(bare, plain(noise, target), atol=1e-5)
    assert torch.allclose(covered[:, :3], colour[:, :, None, None].expand(2, 3, 16, 16), atol=1e-5)
    assert torch.allclose(covered[:, 3], torch.ones(2, 16, 16))


def test_a_generator_with_a_palette_gives_its_layers_where_it_has_them() -> None:
    generator = Generator(FLAT)
    noise, target = torch.randn(2, 12), unit(2, 8)
    whole, layers = generator(noise, target, layered=True)
    half, same = generator(noise, target, 16, layered=True)
    assert torch.allclose(layers.flattened(), half)
    assert layers.painted.shape == (2, 4, 16, 16)
    assert layers.masks.shape == (2, 5, 16, 16)
    assert layers.colours.shape == (2, 4, 3)
    assert all(torch.equal(a, b) for a, b in zip(layers, same, strict=True))
    assert generator(noise, target, 8, layered=True)[1] is None
    assert Generator(GENERATOR)(noise, target, layered=True)[1] is None
    sketch = generator.sketch(noise, target)
    second = generator.detailed(sketch.rows(slice(1, 2)))
    assert torch.allclose(second, whole[1:], atol=1e-5)


def test_the_border_of_two_flat_colours_has_no_steps_when_it_is_enlarged() -> None:
    def halves(size: int, slope: float) -> torch.Tensor:
        """How far each pixel lies beyond a slanting border through the middle."""
        place = (torch.arange(size) + 0.5) / size - 0.5
        return place[:, None] + slope * place[None, :]

    far = 400 * halves(16, 0.3)
    masks = torch.stack((torch.full_like(far, -1000.0), -far, far))[None]
    colours = torch.tensor([[[-1.0, 0, 0], [1, 0, 0]]])
    layers = Layers(torch.zeros(1, 3, 16, 16), masks, colours)
    inside = slice(2, -2)  # beyond the edge of the picture nothing is known of the border
    wanted = halves(32, 0.3).sign()[inside, inside]
    made = layers.doubled(torch.zeros(1, 3, 32, 32))[0, 0, inside, inside]
    stepped = torch.nn.functional.interpolate(layers.flattened(), scale_factor=2.0)
    stepped = stepped[0, 0, inside, inside]
    assert (made.sign() == wanted).all()
    assert (stepped.sign() != wanted).sum() > 5


def test_edges_move_the_masks_of_flat_colours() -> None:
    masks = torch.zeros(1, 2, 2, 2)
    layers = Layers(torch.zeros(1, 4, 2, 2), masks, torch.ones(1, 1, 3))
    edges = torch.zeros(1, 2, 4, 4)
    edges[0, 1, 0, 0], edges[0, 0, 3, 3] = 50.0, 50.0
    made = layers.doubled(edges)
    assert torch.allclose(made[0, :, 0, 0], torch.ones(4))
    assert torch.allclose(made[0, :, 3, 3], torch.zeros(4))
    assert torch.allclose(made[0, :, 1, 1], torch.full((4,), 0.5))


def test_a_folded_generator_draws_the_same_with_the_same_gradients() -> None:
    generator = Generator(replace(GENERATOR, resolution=32, detail=8)).eval()
    noise, target = torch.randn(2, 12, requires_grad=True), unit(2, 8)
    before = generator(noise, target)
    (slope,) = torch.autograd.grad(before.square().sum(), noise)
    names = set(generator.state_dict())
    generator.fold()
    assert set(generator.state_dict()) == names
    after = generator(noise, target)
    assert torch.allclose(before, after, atol=1e-5)
    assert torch.allclose(slope, torch.autograd.grad(after.square().sum(), noise)[0], rtol=1e-3)
    with torch.no_grad():
        sketch = generator.sketch(noise, target)
        assert torch.allclose(generator.detailed(sketch.rows(slice(1, 2))), before[1:], atol=1e-5)
    generator.train()
    with torch.no_grad():  # as a step of training would
        generator.blocks[1][1].conv.weight.zero_()
    assert not torch.allclose(generator.eval()(noise, target), before, atol=1e-3)


def test_channels_that_do_not_reach_the_resolution_are_refused() -> None:
    with pytest.raises(ValueError, match="resolution 32 needs 3 channels to be 16"):
        Generator(GeneratorConfig(resolution=32, channels=(8, 8, 8)))
    with pytest.raises(ValueError, match="do not reach 32 px"):
        Discriminator(DiscriminatorConfig(resolution=32, channels=(8, 8, 8)))


def test_a_penalty_on_pictures_that_are_alike_is_a_number() -> None:
    """The spread of a group that agrees to the last bit has no slope, and its root none at all."""
    discriminator = Discriminator(DISCRIMINATOR)
    same = torch.full((4, 4, 16, 16), -1.0, requires_grad=True)
    logits = discriminator(same, unit(1, 8).expand(4, -1))
    (slope,) = torch.autograd.grad(logits.sum(), same, create_graph=True)
    slope.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in discriminator.parameters())


def test_a_discriminator_gives_its_features_of_every_size() -> None:
    discriminator, images = Discriminator(DISCRIMINATOR), torch.rand(4, 4, 16, 16) * 2 - 1
    levels = discriminator.levels(images)
    assert [x.shape[-1] for x in levels] == [16, 8, 4]
    assert torch.equal(levels[-1], discriminator.features(images))


def test_a_discriminator_judges_the_pair_and_not_the_picture_alone() -> None:
    discriminator, images = Discriminator(DISCRIMINATOR), torch.rand(4, 4, 16, 16) * 2 - 1
    text = unit(4, 8)
    logits = discriminator(images, text)
    assert logits.shape == (4,)
    assert not torch.allclose(logits, discriminator(images, text.roll(1, 0)))


def test_an_untrained_upscaler_is_a_smooth_enlargement() -> None:
    upscaler = Upscaler(UpscalerConfig(width=4, depth=1))
    small = torch.zeros(1, 4, 8, 8)
    large = upscaler(small)
    assert large.shape == (1, 4, 32, 32)
    assert large.abs().max() < 0.1


@pytest.mark.parametrize("factor", [2, 4])
def test_a_folded_upscaler_gives_the_same_picture(factor: int) -> None:
    upscaler = Upscaler(UpscalerConfig(width=4, depth=1, factor=factor)).eval()
    torch.nn.init.normal_(upscaler.last.weight, std=0.1)
    torch.nn.init.normal_(upscaler.last.bias, std=0.1)
    small, names = torch.rand(2, 4, 8, 6) * 2 - 1, set(upscaler.state_dict())
    before = upscaler(small)
    upscaler.fold()
    assert set(upscaler.state_dict()) == names
    assert torch.allclose(upscaler(small), before, atol=1e-5)
    assert upscaler.train().folded is None


def test_a_generator_with_a_reader_gets_a_number_for_each_value_that_is_said() -> None:
    generator = Generator(replace(GENERATOR, reads=(2, 3)))
    assert generator(torch.randn(4, 12), unit(4, 8)).shape == (4, 4, 16, 16)
    with torch.no_grad():
        generator.reader.bias[-2:] = torch.tensor([-50.0, 50.0])  # the second one is unsaid
    words = generator.condition(unit(4, 8))[:, 8:].detach()
    assert words[:, :2].sum(dim=1) == pytest.approx([4.0] * 4)
    assert words[:, 2:].abs().max() < 1e-6


def test_labels_take_the_place_of_what_the_reader_would_read() -> None:
    generator = Generator(replace(GENERATOR, reads=(2, 3)))
    said = torch.tensor([[1, -1], [0, 2]])
    words = generator.condition(unit(2, 8), said)[:, 8:]
    assert words.tolist() == [[0, 4, 0, 0, 0], [4, 0, 0, 0, 4]]
    assert generator(torch.randn(2, 12), unit(2, 8), said=said).shape == (2, 4, 16, 16)


def test_a_judge_names_every_attribute_at_any_size() -> None:
    judge = Judge(JudgeConfig(channels=(4, 4, 4, 4), hidden=8, values=(2, 3))).eval()
    for size in (32, 64, 100):
        first, second = judge(torch.zeros(2, 3, size, size))
        assert first.shape == (2, 2)
        assert second.shape == (2, 3)


def test_a_judge_with_a_level_less_than_halvings_still_sees_every_pixel() -> None:
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(32, (4, 4), 8, (5,))).train()  # every pixel tells in the batch's mean
    images = torch.rand(2, 3, 32, 32).requires_grad_()
    judge(images)[0][:, 0].square().sum().backward()
    assert images.grad is not None
    assert (images.grad != 0).all()


@pytest.mark.parametrize("channels", [(4,), (4, 4, 4, 4), ()])
def test_a_judge_of_a_size_that_its_levels_do_not_fit_is_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="32 px needs one entry of channels for each halving"):
        Judge(JudgeConfig(32, channels, 8, (5,)))
