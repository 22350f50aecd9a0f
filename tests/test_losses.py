"""Losses against values worked out by hand."""

import math

import pytest
import torch

from clipavatar import losses

LOG2 = math.log(2)


def test_the_generator_loss_is_log_two_where_the_discriminator_cannot_tell() -> None:
    assert losses.generator_loss(torch.zeros(4)).item() == pytest.approx(LOG2)
    assert (
        losses.generator_loss(torch.tensor([20.0])) < 1e-6 < losses.generator_loss(-torch.ones(1))
    )


def test_the_discriminator_loss_adds_real_fake_and_weighted_mismatch() -> None:
    zero = torch.zeros(2)
    assert losses.discriminator_loss(zero, zero, zero, 0.5).item() == pytest.approx(2.5 * LOG2)
    sure = losses.discriminator_loss(20 + zero, zero - 20, zero - 20, 1.0)
    assert sure.item() == pytest.approx(0, abs=1e-6)


def test_r1_is_half_the_squared_gradient_at_real_pictures() -> None:
    images = torch.ones(2, 1, 2, 2, requires_grad=True)
    logits = (3 * images).sum(dim=(1, 2, 3))  # gradient 3 at each of four pixels
    assert losses.r1_penalty(images, logits).item() == pytest.approx(0.5 * 4 * 9)


def test_pixel_and_gradient_losses_see_different_faults() -> None:
    wanted = torch.zeros(1, 1, 4, 4)
    lighter, edge = wanted + 0.5, wanted.clone()
    edge[..., 2:] = 1  # one step across, in each of four rows
    assert losses.pixel_loss(lighter, wanted).item() == pytest.approx(0.5)
    assert losses.gradient_loss(lighter, wanted).item() == 0
    assert losses.gradient_loss(edge, wanted).item() == pytest.approx(1 / 3)


def test_focus_makes_the_face_count_more_and_leaves_the_corners() -> None:
    weight = losses.focus(16, 3.0)
    assert weight.shape == (16, 16)
    assert weight.max() == weight[9, 7] > 3.8
    assert weight[0, 0].item() == pytest.approx(1.0, abs=1e-3)
    error = torch.zeros(1, 1, 16, 16)
    error[..., 9, 7] = 1
    plain, seen = losses.pixel_loss(error, 0 * error), losses.pixel_loss(error, 0 * error, weight)
    assert (seen / plain).item() == pytest.approx(weight[9, 7].item())
    assert losses.gradient_loss(error, 0 * error, weight) > losses.gradient_loss(error, 0 * error)


def test_clip_contrast_rewards_the_own_text_and_excuses_equal_texts() -> None:
    one, two = torch.eye(2)
    image = torch.stack([one, two])
    right = losses.clip_contrastive(image, image, 1.0).item()
    assert right == pytest.approx(math.log(1 + math.exp(-1)))
    assert losses.clip_contrastive(image, image.flip(0), 1.0).item() > right
    same_text = torch.stack([one, one])
    everywhere = torch.ones(2, 2, dtype=torch.bool)
    assert losses.clip_contrastive(image, same_text, 1.0, everywhere).item() == 0
