"""Where a search moves, and the views that it is shown, with tiny parts."""

import dataclasses
import math

import pytest
import torch
from conftest import TINY, TinyClip, TinyGenerator

from clipavatar import latents
from clipavatar.models import Generator
from clipavatar.spaces import LOUDER, REACH, Latent, draw, make_space, pack, turned_up, unpack
from clipavatar.views import HELD_OUT, OPTIMISED, Spoiling, Views, draw_views, see

SIZES = (TINY.noise_size, TINY.embedding_size)
STILL = Spoiling(0, 0, 0, 0, 0, 0)
SPACES = ["noise", "words", "stress", "noise+stress", "noise+words"]


CLIP, DRAWS = TinyClip(), TinyGenerator()


def start(count=2, seed=0):
    noise = latents.sample_noise(count, TINY.noise_size, seed)
    words = CLIP.encode_text([f"girl {i}" for i in range(count)])
    return Latent(noise, words)


class TestViews:
    def test_a_view_that_spoils_nothing_shows_the_picture(self):
        faces = torch.rand(2, 3, 16, 16) * 2 - 1
        views = draw_views(2, torch.Generator(), STILL)
        assert torch.allclose(see(faces, views), faces, atol=1e-5)

    def test_one_seed_gives_the_same_views(self):
        first, again, other = (
            draw_views(3, torch.Generator().manual_seed(seed), OPTIMISED) for seed in (1, 1, 2)
        )
        for field in dataclasses.fields(Views):
            assert torch.equal(getattr(first, field.name), getattr(again, field.name))
        assert not torch.equal(first.behind, other.behind)

    @pytest.mark.parametrize("channels", [3, 4])
    def test_they_stay_in_range_and_carry_gradient(self, channels):
        faces = (torch.rand(8, channels, 16, 16) * 2 - 1) * 0.5
        faces.requires_grad_()
        seen = see(faces, draw_views(8, torch.Generator().manual_seed(0), HELD_OUT))
        assert seen.shape == (8, 3, 16, 16)
        assert seen.abs().max() <= 1
        (gradient,) = torch.autograd.grad(seen.sum(), faces)
        assert gradient.abs().amax(dim=(1, 2, 3)).min() > 0

    def test_nothing_is_drawn_where_all_is_transparent(self):
        seen = see(torch.full((4, 4, 8, 8), -1.0), draw_views(4, torch.Generator(), STILL))
        assert torch.allclose(seen[:, :, 0].mean(-1), seen[:, :, 0, 0], atol=1e-5)

    def test_the_hole_hides_and_the_mirror_turns(self):
        views = draw_views(1, torch.Generator(), STILL)
        hole = dataclasses.replace(views, hole=torch.tensor([[[-0.5, -0.5], [0.5, 0.5]]]))
        faces = torch.rand(1, 3, 8, 8)
        seen = see(faces, hole)
        assert torch.allclose(seen[..., 4:], faces[..., 4:], atol=1e-5)
        behind = views.behind[0, :, 0, 0]
        assert torch.allclose(seen[0, :, 0, 0], behind, atol=1e-5)
        turned = draw_views(1, torch.Generator(), dataclasses.replace(STILL, mirrored=1.0))
        assert torch.allclose(see(faces, turned), faces.flip(3), atol=1e-5)


class TestSpaces:
    @pytest.mark.parametrize("name", SPACES)
    def test_they_start_where_they_are_told(self, name):
        latent = start()
        space = make_space(name, DRAWS, latent, directions=torch.randn(3, TINY.embedding_size))
        for there, here in zip(space.at(space.start)[:2], latent[:2], strict=True):
            torch.testing.assert_close(there, here)
        assert space.stray(space.start).shape == (2,)

    @pytest.mark.parametrize("name", [*SPACES, "style", "noise+words+style"])
    def test_the_gradient_reaches_every_number_of_a_point(self, name):
        torch.manual_seed(0)
        model = Generator(TINY).eval()
        space = make_space(name, model, start(), directions=torch.randn(3, TINY.embedding_size))
        points = space.start.clone().requires_grad_()
        pictures = draw(model, space.at(points)) * torch.randn(2, 4, 16, 16)
        (gradient,) = torch.autograd.grad(pictures.sum(), points)
        assert gradient.abs().min() > 0

    def test_only_the_free_entries_of_the_noise_move(self):
        latent = start()
        space = make_space("noise", DRAWS, latent, free=[3, 5])
        moved = space.at(space.start + 1).noise - latent.noise
        assert moved.nonzero()[:, 1].tolist() == [3, 5, 3, 5]

    def test_no_point_goes_too_far_out(self):
        latent = start()
        latent.noise[0] /= 2
        latent.noise[1] *= 3  # farther out than allowed from the start
        space = make_space("noise+words", DRAWS, latent)
        noise, words = space.split(space.bounded(space.start + 100))
        lengths = noise.square().mean(dim=1).sqrt()
        assert lengths[0] == pytest.approx(REACH, rel=1e-5)
        assert lengths[1] == pytest.approx(float(latent.noise[1].square().mean().sqrt()), rel=1e-5)
        assert words.square().mean(dim=1).sqrt().tolist() == pytest.approx([REACH] * 2, rel=1e-5)
        near = space.start * 0.5
        assert torch.equal(space.bounded(near), near)

    def test_style_starts_at_the_same_picture_and_leaves_no_hook_behind(self):
        torch.manual_seed(0)
        model = Generator(TINY).eval()
        latent = start()
        space = make_space("style", model, latent)
        torch.testing.assert_close(draw(model, space.at(space.start)), draw(model, latent))
        moved = draw(model, space.at(space.start + 1))
        assert (moved - draw(model, latent)).abs().max() > 1e-4
        assert not model.mapping._forward_hooks

    def test_volume_makes_what_is_said_louder_and_nothing_else(self):
        torch.manual_seed(0)
        model = Generator(dataclasses.replace(TINY, reads=(3, 2))).eval()
        latent, heard = start(), []
        handle = model.mapping.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
        space = make_space("volume", model, latent, values=[1, 4])
        torch.testing.assert_close(draw(model, space.at(space.start)), draw(model, latent))
        louder = space.at(space.start + torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
        draw(model, louder)
        handle.remove()
        (plain, loud), first = heard[1:], TINY.noise_size + TINY.embedding_size
        words, changed = plain[:, first : first + 5], loud[:, first : first + 5]
        torch.testing.assert_close(changed[0, 1], words[0, 1] * math.exp(2 * LOUDER))
        changed[0, 1] = words[0, 1]
        torch.testing.assert_close(changed, words)
        assert not model.voice._forward_hooks
        further = make_space("volume", model, louder, values=[0])
        torch.testing.assert_close(further.at(further.start).volume, louder.volume)

    def test_what_is_told_takes_the_place_of_what_is_read_as_in_training(self):
        torch.manual_seed(0)
        model, latent = Generator(dataclasses.replace(TINY, reads=(3, 2))).eval(), start()
        labels = torch.tensor([[2, -1], [0, 1]])
        told = latent._replace(told=model.labelled(labels).float())
        made = draw(model, told)
        torch.testing.assert_close(made, model(latent.noise, latent.words, said=labels))
        assert (made - draw(model, latent)).abs().max() > 1e-4
        louder = told._replace(volume=torch.full((2, 5), 2.0))
        twice = latent._replace(told=2 * told.told)
        torch.testing.assert_close(draw(model, louder), draw(model, twice))
        assert not model.voice._forward_hooks
        with pytest.raises(ValueError, match="this generator has no voice"):
            draw(DRAWS, told)

    def test_style_is_measured_by_what_is_told(self):
        torch.manual_seed(0)
        model, latent = Generator(dataclasses.replace(TINY, reads=(3, 2))).eval(), start()
        told = latent._replace(told=torch.tensor([[1.0, 0, 0, 0, 1]]).expand(2, -1))
        near, far = (
            make_space("style", model, one).start.square().mean()
            for one in (told, told._replace(told=told.told * torch.tensor([[8.0], [-6.0]])))
        )
        assert near < 3 < far  # standard deviations of pictures of what is told on the mean

    def test_turned_up_is_each_value_and_all_of_them_louder_beside_the_same_as_it_was(self):
        model, latent = Generator(dataclasses.replace(TINY, reads=(3, 2))), start(1)
        rows = turned_up(model, latent, [1, 4], [1.5, 2], [1, 0.5])
        assert len(rows.noise) == len(rows.words) == len(rows.volume) == 1 + 3 * 2 * 2
        first = [[1.5 if i in loud else 1.0 for i in range(5)] for loud in ((), (1,), (4,), (1, 4))]
        assert torch.equal(rows.volume[:4], torch.tensor(first))
        assert rows.volume[4].tolist() == [0.5, 1.5, 0.5, 0.5, 0.5]
        assert rows.volume[-1].tolist() == [0.5, 2, 0.5, 0.5, 2]
        torch.testing.assert_close(draw(model, rows)[:1], draw(model, latent))
        louder = turned_up(model, rows.rows(slice(1, 2)), [1], [2])
        assert torch.equal(louder.volume[:, 1], torch.tensor([1.5, 3]))
        assert turned_up(DRAWS, latent, [], [2]) is latent  # which reads nothing

    def test_volume_of_nothing_is_stress(self):
        ways = torch.randn(3, TINY.embedding_size)
        for name in ("volume", "stress"):
            space = make_space(name, DRAWS, start(), directions=ways)
            assert space.start.shape == (2, 3)

    def test_what_there_is_not_is_one_line(self):
        with pytest.raises(ValueError, match="this generator has no mapping"):
            make_space("style", DRAWS, start())
        with pytest.raises(ValueError, match="unknown space 'mood'; join any of noise, words"):
            make_space("noise+mood", DRAWS, start())

    def test_a_latent_survives_as_text_to_the_last_bit(self):
        latent = Latent(*start(1)[:2], torch.randn(1, 5), torch.rand(1, 7), torch.rand(1, 7))
        again = unpack(pack(latent), *SIZES, 7)
        assert all(torch.equal(a, b) for a, b in zip(latent, again, strict=True))
        assert unpack(pack(start(1)), *SIZES)[2:] == (None, None, None)
        for bad in ({"noise": "?"}, {"noise": "AAA="}, {"mood": "AAAA"}, {"noise": 3}, "", []):
            with pytest.raises(ValueError, match="damaged"):
                unpack(bad, *SIZES)
        for values in (0, 8):  # more is told, or less
            with pytest.raises(ValueError, match="damaged"):
                unpack(pack(latent), *SIZES, values)
        with pytest.raises(ValueError, match="damaged"):
            unpack(pack(latent), 48, 256)
