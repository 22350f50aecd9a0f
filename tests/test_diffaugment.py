"""DiffAugment: seeded, differentiable, kind to alpha; and the random crops for CLIP."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from clipavatar.draws import Draws
from clipavatar.training.diffaugment import (
    POLICIES,
    colour,
    cutout,
    diffaugment,
    random_crops,
    translation,
)


def seeded(seed: int = 0) -> Draws:
    return Draws(seed)


def rgba(count: int = 3, size: int = 16) -> Tensor:
    alpha = seeded(1).rand(count, 1, size, size)
    return torch.cat((seeded(2).rand(count, 3, size, size) * alpha, alpha), 1) * 2 - 1


@pytest.mark.parametrize("channels", [3, 4])
def test_the_same_seed_changes_the_same_way_and_gradients_pass(channels: int) -> None:
    images = rgba()[:, :channels].requires_grad_()
    made = diffaugment(images, tuple(POLICIES), seeded(5))
    assert made.shape == images.shape
    assert torch.equal(made, diffaugment(images, tuple(POLICIES), seeded(5)))
    assert not torch.equal(made, diffaugment(images, tuple(POLICIES), seeded(6)))
    (gradient,) = torch.autograd.grad(made.square().sum(), images)
    assert gradient.flatten(1).abs().sum(dim=1).min() > 0


def test_no_policy_is_no_change_and_an_unknown_one_is_named() -> None:
    images = rgba()
    assert torch.equal(diffaugment(images, (), seeded()), images)
    with pytest.raises(ValueError, match=r"unknown augmentation 'blur' \(known: colour, "):
        diffaugment(images, ("blur",), seeded())


def test_colour_leaves_alpha_and_what_is_invisible() -> None:
    images = rgba()
    images[:, :, :4] = -1
    made = colour(images, seeded())
    assert torch.equal(made[:, 3], images[:, 3])
    assert torch.allclose(made[:, :, :4], torch.tensor(-1.0), atol=1e-6)
    assert not torch.allclose(made[:, :3, 4:], images[:, :3, 4:], atol=0.01)


def test_colour_of_a_grey_picture_only_moves_its_brightness() -> None:
    made = colour(torch.zeros(8, 3, 4, 4), seeded())
    assert torch.allclose(made, made[:, :1, :1, :1].expand_as(made), atol=1e-6)
    assert made.abs().max() <= 0.5 + 1e-6
    assert len(made[:, 0, 0, 0].unique()) == 8


@pytest.mark.parametrize(("channels", "empty"), [(3, 0.0), (4, -1.0)])
def test_translation_moves_whole_pixels_and_uncovers_emptiness(channels: int, empty: float) -> None:
    images = torch.full((64, channels, 16, 16), empty)
    images[:, :, 8, 8] = 1
    made = translation(images, seeded())
    assert (made == 1).sum() == 64 * channels
    places = (made[:, 0] == 1).nonzero()[:, 1:]
    assert places.min() == 6  # by up to an eighth either way
    assert places.max() == 10
    whole = translation(torch.ones(64, channels, 16, 16), seeded())
    assert whole.min() == empty
    assert whole.min(dim=1).values.flatten(1).eq(1).sum(dim=1).min() == 14 * 14


def test_cutout_empties_a_square_of_half_the_side() -> None:
    made = cutout(torch.ones(64, 4, 16, 16), seeded())
    holes = (made[:, 0] == -1).flatten(1).sum(dim=1)
    assert holes.max() == 64
    assert holes.min() >= 4 * 4  # in a corner
    assert torch.equal(made[:, 0], made[:, 3])


def test_random_crops_come_in_order_and_show_a_part() -> None:
    images = torch.stack([torch.full((3, 8, 8), value) for value in (-0.5, 0.5)])
    made = random_crops(images, 3, 0.5, seeded())
    assert made.shape == (6, 3, 8, 8)
    assert torch.allclose(made, images.repeat(3, 1, 1, 1), atol=1e-6)
    assert torch.allclose(random_crops(images, 1, 1.0, seeded()), images, atol=1e-6)
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    width = random_crops(ramp, 50, 0.5, seeded())
    spread = width[..., -1].mean(dim=(1, 2)) - width[..., 0].mean(dim=(1, 2))
    assert 0.9 < spread.min() < 1.2
    assert 1.7 < spread.max() <= 2.0
