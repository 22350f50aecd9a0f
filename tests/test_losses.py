"""Losses against values worked out by hand."""

import math

import pytest
import torch

from clipavatar import losses

LOG2 = math.log(2)


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


def test_with_squares_one_large_error_counts_more_than_many_small_ones() -> None:
    wanted = torch.zeros(1, 1, 4, 4)
    even, lump = wanted + 0.125, wanted.clone()
    lump[..., :1, :1] = 2  # the same mean difference in one place
    assert losses.pixel_loss(even, wanted) == losses.pixel_loss(lump, wanted)
    assert losses.pixel_loss(even, wanted, square=2.0).item() == pytest.approx(0.125 + 2 * 0.125**2)
    assert losses.pixel_loss(lump, wanted, square=2.0).item() == pytest.approx(0.125 + 2 * 4 / 16)


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


def test_each_picture_may_have_weights_of_its_own() -> None:
    wanted = torch.zeros(2, 1, 4, 4)
    made, weight = wanted.clone(), torch.ones(2, 1, 4, 4)
    made[:, :, 1, 1] = 1
    weight[1, :, 1, 1] = 7
    assert losses.pixel_loss(made, wanted, weight).item() == pytest.approx((1 + 7) / 32)
    # two differences across and two down each; the later of two pixels gives the weight
    expected = (1 + 1 + 7 + 1) / 24 * 2
    assert losses.gradient_loss(made, wanted, weight).item() == pytest.approx(expected)


def test_clip_contrast_rewards_the_own_text_and_excuses_equal_texts() -> None:
    one, two = torch.eye(2)
    image = torch.stack([one, two])
    own = torch.arange(2)
    right = losses.clip_contrastive(image, image, 1.0, own).item()
    assert right == pytest.approx(math.log(1 + math.exp(-1)))
    assert losses.clip_contrastive(image, image.flip(0), 1.0, own).item() > right
    assert losses.clip_contrastive(image, image.flip(0), 1.0, own.flip(0)).item() == right
    same_text = torch.stack([one, one])
    everywhere = torch.ones(2, 2, dtype=torch.bool)
    assert losses.clip_contrastive(image, same_text, 1.0, own, everywhere).item() == 0


def test_each_adversarial_loss_by_hand() -> None:
    logits = torch.tensor([0.0, 2.0])
    high, low = math.log(1 + math.exp(2)), math.log(1 + math.exp(-2))  # softplus of 2 and of -2
    expected = {  # of real, fake and the generator
        "minimax": ((LOG2 + low) / 2, (LOG2 + high) / 2, -(LOG2 + high) / 2),
        "non-saturating": ((LOG2 + low) / 2, (LOG2 + high) / 2, (LOG2 + low) / 2),
        "hinge": (0.5, 2.0, -1.0),
        "least-squares": (0.5, 1.0, 0.5),
        "wasserstein": (-1.0, 1.0, -1.0),
    }
    assert set(expected) == set(losses.ADVERSARIAL)
    for name, values in expected.items():
        parts = losses.adversarial(name)
        assert [part(logits).mean().item() for part in parts] == pytest.approx(list(values)), name


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_every_adversarial_loss_wants_real_high_and_fake_low(name: str) -> None:
    loss, logits = losses.adversarial(name), torch.zeros(3, requires_grad=True)
    slopes = [torch.autograd.grad(part(logits).mean(), logits)[0].sum().item() for part in loss]
    assert slopes[0] < 0
    assert slopes[1] >= 0
    assert slopes[2] < 0


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_every_adversarial_loss_trains_a_toy(name: str) -> None:
    """Points around (1, -1), as pictures of one pixel, from a net of two layers."""
    torch.manual_seed(0)
    loss, draw = losses.adversarial(name), torch.Generator().manual_seed(1)
    generator = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    critic = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    made_by = torch.optim.Adam(generator.parameters(), 5e-3, (0.0, 0.9))
    judged_by = torch.optim.Adam(critic.parameters(), 1e-2, (0.0, 0.9))
    wanted = torch.tensor([1.0, -1.0])

    def logits_of(points: torch.Tensor) -> torch.Tensor:
        return critic(points.flatten(1)).squeeze(1)

    def points() -> torch.Tensor:
        return generator(torch.randn(32, 4, generator=draw))[:, :, None, None]

    for _ in range(150):
        real = wanted + 0.3 * torch.randn(32, 2, generator=draw)
        real = real[:, :, None, None].requires_grad_()
        fake = points().detach().requires_grad_()
        real_logits, fake_logits = logits_of(real), logits_of(fake)
        judged = loss.real(real_logits).mean() + loss.fake(fake_logits).mean()
        if name == "wasserstein":
            mixed = losses.between(real, fake, torch.rand(32, generator=draw))
            judged = judged + losses.gradient_penalty(mixed, logits_of(mixed))
        else:
            judged = judged + 0.1 * losses.r1_penalty(real, real_logits)
            judged = judged + 0.1 * losses.r2_penalty(fake, fake_logits)
        judged_by.zero_grad()
        judged.backward()
        judged_by.step()
        made_by.zero_grad()
        loss.generator(logits_of(points())).mean().backward()
        made_by.step()
    with torch.no_grad():
        reached = points().mean(dim=0).flatten()
    assert (reached - wanted).abs().max() < 0.7  # from 1


def test_an_unknown_adversarial_loss_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown adversarial loss 'hing' \(known: minimax, "):
        losses.adversarial("hing")


def test_the_matching_aware_term_is_low_for_anothers_text() -> None:
    loss, fake, wrong = losses.adversarial("hinge"), torch.zeros(2) + 1, torch.tensor([3.0, 5.0])
    weight = torch.tensor([0.25, 0.25])
    assert losses.matching_aware(loss, fake, wrong, weight).item() == pytest.approx(2 + 0.25 * 5)
    true_as_well = torch.tensor([0.25, 0.0])
    assert losses.matching_aware(loss, fake, wrong, true_as_well).item() == pytest.approx(2.5)


def test_r2_penalty_equals_r1_on_what_was_made() -> None:
    images = torch.ones(2, 1, 2, 2, requires_grad=True)
    logits = (images * torch.tensor([1.0, 3.0])[:, None, None, None]).sum(dim=(1, 2, 3))
    assert losses.r2_penalty(images, logits).item() == pytest.approx(0.5 * 4 * (1 + 9) / 2)


def test_the_gradient_penalty_wants_slope_one_between_real_and_fake() -> None:
    real, fake = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)
    images = losses.between(real, fake, torch.tensor([0.25, 1.0]))
    assert torch.equal(images[:, 0, 0, 0], torch.tensor([0.25, 1.0]))
    assert (images == images[:, :, :1, :1]).all()  # one point for each picture

    def penalty(slope: float) -> float:  # the gradient's length is twice as much
        return losses.gradient_penalty(images, slope * images.sum(dim=(1, 2, 3))).item()

    assert penalty(0.5) == pytest.approx(0)
    assert penalty(2.0) == pytest.approx(9)


def test_mode_seeking_falls_as_pictures_part() -> None:
    one, other = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    noise = torch.zeros(2, 4), torch.full((2, 4), 2.0)
    assert losses.mode_seeking(one, other, *noise).item() == pytest.approx(4, rel=1e-3)
    assert losses.mode_seeking(one, 2 * other, *noise).item() == pytest.approx(2, rel=1e-3)
    assert losses.mode_seeking(one, one, *noise).item() == pytest.approx(1e5, rel=1e-3)


def test_features_want_a_line_that_is_a_pixel_off_where_pixels_want_none() -> None:
    line, moved, none = (torch.full((1, 1, 8, 8), -1.0) for _ in range(3))
    line[..., 2], moved[..., 3] = 1.0, 1.0

    def levels(image: torch.Tensor) -> list[torch.Tensor]:
        return [torch.nn.functional.avg_pool2d(image + 1, size) for size in (2, 4)]

    def off(image: torch.Tensor) -> float:
        return losses.feature_matching(levels(image), levels(line)).item()

    assert losses.pixel_loss(moved, line) > losses.pixel_loss(none, line)
    assert off(moved) == 0 == off(line)
    assert off(none) == pytest.approx(1)  # all of the line's features are missing, at every level


def test_the_masks_of_the_nearest_colour_lose_least_and_only_where_pictures_are_opaque() -> None:
    wanted = torch.full((1, 4, 2, 2), -1.0)
    wanted[0, :, 0] = torch.tensor([1.0, 0.0, 0.0, 1.0])[:, None]  # a red row above nothing
    colours = torch.tensor([[[1.0, 0.0, 0.0], [-1.0, -1.0, -1.0]]])
    painted = wanted + 0.3 * torch.tensor([1.0, 0.0])[:, None]  # wrong above, right below

    def loss(*rows: int) -> float:
        shares = torch.full((1, 3, 2, 2), 0.005)
        for down, kind in enumerate(rows):
            shares[0, kind, down] = 0.99
        return float(losses.mask_loss(painted, shares.log(), colours, wanted))

    assert min(loss(a, b) for a in range(3) for b in range(3)) == loss(1, 0) < 0.1
    assert loss(1, 2) > 1  # black as it is, what is transparent is no flat colour's


def test_a_colour_weighs_as_the_root_of_its_area() -> None:
    wanted = torch.full((1, 3, 10, 10), -1.0)
    wanted[0, 0, 0] = 1.0  # a tenth is red, the rest black
    colours = torch.tensor([[[1.0, -1.0, -1.0], [-1.0, -1.0, -1.0]]])

    def lost(kind: int) -> float:
        """By masks that are unsure where this colour is, and sure of the other."""
        shares = torch.full((1, 3, 10, 10), 1e-9)
        shares[0, 1, 0], shares[0, 2, 1:] = 1, 1
        place = slice(0, 1) if kind == 1 else slice(1, None)
        shares[0, 1:, place] = 0.5
        return float(losses.mask_loss(wanted + 1, shares.log(), colours, wanted))

    assert lost(2) / lost(1) == pytest.approx(3, rel=1e-3)  # of nine times the area
