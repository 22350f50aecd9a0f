"""Goals and the search, with tiny parts."""

import dataclasses
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from conftest import TINY, TinyClip, TinyGenerator

from clipavatar import goals, latents
from clipavatar.choosing import choose
from clipavatar.contest import MISSED
from clipavatar.goals import JUDGED, Verdict, closeness, goal_of, held_out_judge, spherical_distance
from clipavatar.images import over, to_float, to_uint8
from clipavatar.latents import Search, ramp, search
from clipavatar.models import Generator
from clipavatar.spaces import CHUNK, Latent, draw, make_space
from clipavatar.views import Spoiling

SIZES = (TINY.noise_size, TINY.embedding_size)
STILL = Spoiling(0, 0, 0, 0, 0, 0)
SPACES = ["noise", "words", "stress", "noise+stress", "noise+words"]


class CalmClip(TinyClip):
    """To which a mirrored picture is the same, as it nearly is to a trained one."""

    def encode_image(self, images):
        return super().encode_image((images + images.flip(3)) / 2)


CLIP, DRAWS = CalmClip(), TinyGenerator()


def start(count=2, seed=0):
    noise = latents.sample_noise(count, TINY.noise_size, seed)
    words = CLIP.encode_text([f"girl {i}" for i in range(count)])
    return Latent(noise, words)


def says(near):
    """The verdict of a judge who knows no attributes."""
    return Verdict(near, near[:, :0])


def after_the_first(before, after):
    """A judge to whom all pictures but the first are nearer; what the attributes lose."""
    asked = []

    def judge(faces):
        asked.append(faces)
        near = torch.full((len(faces), 4), float(len(asked) > 1))
        lost = torch.tensor([before if len(asked) == 1 else after])
        return Verdict(near, lost.expand(len(faces), -1))

    return judge


def made(name="noise+words", latent=None, how=None, clip=CLIP, judge=None, **more):
    """A search from `latent` for the text "boy"."""
    latent, how = latent or start(), how or Search(steps=12)
    target, others = CLIP.encode_text(["boy"])[0], CLIP.encode_text(["bow", "bot", "girl"])
    goal = goal_of(target, rivals=[others[:2] - target, others[2:] - target])
    judge = judge or held_out_judge(clip, goal, 0, how.rivals)
    around = partial(make_space, name, DRAWS, directions=target - others[:2])
    return search(DRAWS, clip, goal, latent, around, judge, how, **more)


class Metered(CalmClip):
    """Counts the pictures that it is shown and the calls, of which number `stop` is Ctrl-C."""

    def __init__(self, stop=0):
        super().__init__()
        self.seen = self.largest = self.calls = 0
        self.stop, self.brightest = stop, 0.0

    def encode_image(self, images):
        self.calls += 1
        if self.calls == self.stop:
            raise KeyboardInterrupt
        self.seen, self.largest = self.seen + len(images), max(self.largest, len(images))
        self.brightest = max(self.brightest, float(images.detach().abs().max()))
        return super().encode_image(images)


def test_any_number_of_faces_is_scored_a_few_at_once_and_in_range():
    clip, faces = Metered(), torch.rand(20, 4, 16, 16) * 2 - 1  # colour beyond its alpha, too
    scores = goals.score(clip, faces, CLIP.encode_text(["boy"])[0])
    assert scores.shape == (20,)
    assert (clip.seen, clip.largest) == (20, 8)
    assert clip.brightest <= 1


class TestGoals:
    def test_spherical_distance_is_twice_the_squared_half_angle(self):
        right, up = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
        assert spherical_distance(right, right) == 0
        assert float(spherical_distance(right, up)) == pytest.approx(2 * (math.pi / 4) ** 2)
        assert float(spherical_distance(right, -right)) == pytest.approx(math.pi**2 / 2, abs=0.01)
        same = right.clone().requires_grad_()
        assert torch.autograd.grad(spherical_distance(same, right), same)[0].isfinite().all()

    def test_a_rival_that_is_nearer_counts_against_a_picture(self):
        target, rival = F.normalize(torch.randn(2, 8), dim=1)
        none, near = [], [(rival - target)[None]]
        between = F.normalize(target + rival, dim=0)[None, None]
        assert closeness(between, target, near, 1.0) < closeness(between, target, none, 1.0)
        assert closeness(between, target, near, 0.0) == closeness(between, target, none, 1.0)
        beyond = F.normalize(target - 0.5 * rival, dim=0)[None, None]
        assert closeness(beyond, target, near, 5.0) > closeness(between, target, near, 5.0)

    def test_every_attribute_counts_once_however_many_values_it_has(self):
        seen = target = torch.eye(4)[0]
        drawn, beaten = torch.eye(4)[1:2], -5 * torch.eye(4)[:1]  # as near as the text; far away
        for rivals in ([drawn, beaten], [drawn, beaten.expand(12, -1)]):
            made = closeness(seen[None, None], target, rivals, 0.5)
            expected = -0.5 * (math.log(2) / 2 + math.log(2))  # the mean, and the worst of them
            assert float(made) == pytest.approx(expected, abs=1e-5)

    def test_what_is_won_already_pulls_no_more(self):
        seen = torch.eye(4)[0].clone().requires_grad_()
        won = [(torch.eye(4)[1] - torch.eye(4)[0])[None]]  # a whole cosine farther than the text
        lost = closeness(seen[None, None], torch.eye(4)[0], won, 1.0)
        assert torch.autograd.grad(lost.sum(), seen)[0].abs().max() < 1e-3

    def test_the_judge_shows_every_picture_in_the_same_views(self):
        judge = held_out_judge(CLIP, goal_of(CLIP.encode_text(["boy"])[0]), 3, 0.5)
        faces = draw(DRAWS, start()).detach()
        scores = judge(faces).near
        assert scores.shape == (2, JUDGED)
        torch.testing.assert_close(judge(faces[1:]).near[0], scores[1])
        torch.testing.assert_close(judge(faces.flip(0)).near.flip(0), scores)
        exact = to_float(to_uint8(faces))
        assert torch.equal(judge(exact).near, judge(exact + 1e-3).near)  # the same bytes in a file


def test_a_picture_loses_what_a_rival_wins_and_nothing_where_nothing_is_said():
    faces = draw(DRAWS, start()).detach()
    seen = goals.seen(CLIP, faces)
    torch.testing.assert_close(
        seen, CLIP.encode_image(over(faces, torch.tensor(goals.PLAIN)).clamp(-1, 1))
    )
    nearer, farther = 0.2 * seen[:1], -0.2 * seen[:1]  # rivals: ways from the text to another value
    lost = goals.losses(CLIP, [farther, nearer, farther.expand(3, -1)], faces)
    assert lost.shape == (2, 3)
    assert (lost[0] > MISSED).tolist() == [False, True, False]
    even = goals.losses(CLIP, [0 * nearer], faces)  # as likely as its one rival
    torch.testing.assert_close(even, torch.full((2, 1), MISSED).double())
    assert goals.losses(CLIP, [], faces).shape == (2, 0)


def missing(*places, of=3):
    """Losses (1, A) of a picture that misses what is at these places."""
    lost = torch.full((1, of), 0.01)
    lost[:, list(places)] = 2.0
    return lost


class TestSearch:
    @pytest.mark.parametrize("name", SPACES)
    def test_it_is_never_worse_by_the_judge_or_the_plain_score(self, name):
        found = made(name)
        assert found.after >= found.before
        target = CLIP.encode_text(["boy"])[0]
        ends = [goals.score(CLIP, draw(DRAWS, way), target) for way in (start(), found.latent)]
        assert ends[1] >= ends[0][0]
        assert found.optimised or name == "stress"  # two numbers are not always enough

    def test_a_start_that_is_better_as_it_is_wins_without_a_step(self):
        better = made().latent
        both = Latent(*(torch.cat(pair) for pair in zip(start(1)[:2], better[:2], strict=True)))
        found = made(latent=both, how=Search(steps=1, learning_rate=1e-9))
        assert found.optimised
        assert torch.allclose(found.latent.noise, better.noise, atol=1e-5)
        assert found.after > found.before
        assert len(found.way) >= 1

    def test_one_seed_gives_one_result(self):
        first, again, other = made(seed=1), made(seed=1), made(seed=2)
        assert torch.equal(first.latent.noise, again.latent.noise)
        assert torch.equal(first.latent.words, again.latent.words)
        assert not torch.equal(first.latent.noise, other.latent.noise)

    def test_what_the_judge_does_not_like_is_not_taken(self):
        seen = []

        def judge(faces):
            seen.append(len(faces))
            return says(torch.full((len(faces), 4), 1.0 if len(seen) == 1 else 0.5))

        found = made(judge=judge)
        assert (found.optimised, found.before, found.after) == (False, 1.0, 1.0)
        for kept, first in zip(found.latent[:2], start()[:2], strict=True):
            assert torch.equal(kept, first[:1])

    def test_a_gain_within_its_own_error_is_not_taken(self):
        asked = []

        def judge(faces):
            asked.append(faces)
            return says(torch.tensor([[0.0, 0] if len(asked) == 1 else [9.0, -8]]))

        assert not made(judge=judge).optimised

    def test_what_one_attribute_pays_for_is_not_taken(self):
        assert made(judge=after_the_first([0.1, 3.0, 0.1], [0.1, 0.0, 0.1])).optimised
        assert made(judge=after_the_first([0.1, 3.0, 0.1], [0.1, 0.0, 0.2])).optimised
        assert not made(judge=after_the_first([0.1, 3.0, 0.1], [0.1, 0.0, 0.4])).optimised

    def test_what_wins_back_next_to_nothing_is_not_taken(self):
        assert made(judge=after_the_first([0.1, 3.0], [0.1, 2.7])).optimised
        assert not made(judge=after_the_first([0.1, 3.0], [0.1, 2.9])).optimised
        assert not made(judge=after_the_first([0.1, 3.0], [0.2, 2.75])).optimised  # 0.15 in all

    def test_with_nothing_missing_it_takes_no_step(self):
        found = made(lacks=lambda faces: missing())
        assert (found.steps, found.optimised, found.nothing_missing) == (0, False, True)
        assert torch.equal(found.latent.noise, start().noise[:1])
        assert found.before == found.after
        assert len(found.way) == 1

    def test_it_ends_as_soon_as_the_best_lacks_nothing(self):
        asked = []

        def lacks(faces):
            asked.append(faces)
            return [missing(0, 1), missing(0, 1), missing(1), missing()][len(asked) - 1]

        found = made(how=Search(steps=50, checks=25), lacks=lacks)
        assert found.optimised
        assert not found.nothing_missing  # in the first start
        assert 0 < found.steps < 50
        torch.testing.assert_close(draw(DRAWS, found.latent), asked[-1])
        assert len(asked) == 4  # the first start, the other, and two moments on the way

    @pytest.mark.parametrize(
        ("lost", "taken"),
        [
            (missing(0), True),
            (missing(1), True),
            (missing(0, 1), False),
            (missing(0) + torch.tensor([0, 0.4, 0]), True),
            (missing(0) + torch.tensor([0, 0.6, 0]), False),  # there by a hair
            (missing(2), False),
            (missing(0) + torch.tensor([0, 0, 0.02]), True),
            (missing(0) + torch.tensor([0, 0, 0.1]), False),  # which was surely there, and is less
            (missing(0) + torch.tensor([0.2, 0, 0]), False),  # and so does what was missing
        ],
    )
    def test_what_mends_nothing_or_spoils_another_thing_is_not_taken(self, lost, taken):
        asked = []

        def lacks(faces):
            asked.append(faces)
            return missing(0, 1) if len(asked) == 1 else lost

        found = made(how=Search(steps=50, checks=25), lacks=lacks)
        assert (found.optimised, found.steps) == (taken, 50)

    def test_what_mends_all_but_is_farther_by_the_judge_is_not_taken(self):
        asked, judged = [], []

        def lacks(faces):
            asked.append(faces)
            return missing(0) if len(asked) == 1 else missing()

        def judge(faces):
            judged.append(faces)
            return says(torch.full((len(faces), 4), -float(len(judged))))

        assert not made(how=Search(steps=10), lacks=lacks, judge=judge).optimised

    def test_who_cannot_win_is_not_judged(self):
        asked, judged = [], []

        def lacks(faces):  # both starts miss two things, then one is there, ever less surely
            asked.append(faces)
            doubt = torch.tensor([0.01 * len(asked), 0, 0])
            return missing(0, 1) if len(asked) <= 2 else missing(0) + doubt

        def judge(faces):
            judged.append(faces)
            return says(torch.full((len(faces), 4), float(len(judged))))

        found = made(how=Search(steps=10), lacks=lacks, judge=judge)
        assert (found.optimised, len(asked) > 3, len(judged)) == (True, True, 2)

    @pytest.mark.parametrize("seconds", [700, 2000])
    def test_it_ends_within_its_time_and_looks_as_often_as_in_so_many_steps(self, seconds):
        clip, asked = Metered(), []  # a picture seen takes a second
        judge = held_out_judge(clip, goal_of(CLIP.encode_text(["boy"])[0]), 0, 0.5)

        def counted(faces):
            asked.append(len(faces))
            return judge(faces)

        how = Search(steps=10_000, seconds=seconds)
        found = made(clip=clip, judge=counted, how=how, clock=lambda: float(clip.seen))
        assert 20 < found.steps < 1000
        assert 0.7 * seconds < clip.seen <= seconds + 8  # a step: two views
        assert asked[0] == 1
        assert 5 <= len(asked[1:]) <= 7
        assert found.optimised
        assert 5 < len(found.way) <= latents.FRAMES + 1

    @pytest.mark.parametrize("seconds", [-1, 0, 20])
    def test_without_any_time_the_start_stays(self, seconds):
        clip = Metered()
        how = Search(steps=500, seconds=seconds)
        found = made(clip=clip, how=how, clock=lambda: float(clip.seen))
        assert (found.steps, found.optimised) == (0, False)

    def test_ctrl_c_at_any_moment_leaves_nothing_worse(self):
        whole = Metered()
        best = made(clip=whole, how=Search(steps=3))
        gained = []
        first = JUDGED // CHUNK + 1  # calls of the first look
        for call in range(first + 1, whole.calls + 1):
            found = made(clip=Metered(call), how=Search(steps=3))
            assert found.interrupted
            assert found.after >= found.before
            gained.append(found.optimised)
        assert best.optimised
        assert gained[0] < any(gained)

    def test_ctrl_c_gives_the_best_so_far(self):
        found = made(clip=Metered(16), how=Search(steps=30))
        assert found.interrupted
        assert 0 < found.steps < 30
        assert found.optimised
        assert found.after > found.before

    def test_the_way_runs_from_the_start_to_the_result(self):
        found = made(how=Search(steps=90))
        assert 2 <= len(found.way) <= 62
        torch.testing.assert_close(found.way[-1].noise, found.latent.noise)
        firsts = start().noise
        assert min((found.way[0].noise - row).abs().max() for row in firsts) < 1e-6

    def test_what_is_held_changes_less(self):
        before = draw(DRAWS, start(1)).detach()

        def distance(faces):
            return (faces - before).abs().mean(dim=(1, 2, 3))

        free = made(latent=start(1), how=Search(steps=30))
        held = made(latent=start(1), how=Search(steps=30, hold=5.0), hold=distance)
        moved = [distance(draw(DRAWS, found.latent)).item() for found in (free, held)]
        assert moved[1] < 0.5 * moved[0]

    def test_memory_does_not_grow_with_the_views(self):
        clip = Metered()
        made(clip=clip, how=Search(steps=2, views=40))
        assert clip.largest <= 8

    def test_the_rate_goes_up_and_down(self):
        rates = [ramp(step / 60) for step in range(60)]
        assert max(rates) == pytest.approx(1)
        assert 0 < rates[0] < 0.2
        assert rates[-1] < 0.01
        assert rates[3] < rates[6] == rates[20] > rates[45]


def test_the_chosen_face_is_the_best_of_all_chunks_and_drawn_as_alone():
    torch.manual_seed(3)
    config = dataclasses.replace(TINY, resolution=32, detail=8)
    towards = F.normalize(torch.randn(TINY.embedding_size), dim=0)
    for generator in (Generator(config).eval(), Generator(TINY).eval(), TinyGenerator()):
        smaller = (16,) if getattr(generator.config, "detail", 0) else ()
        latent = start(2 * CHUNK + 3)
        with torch.no_grad():
            choice = choose(generator, CLIP, latent, towards)
            scores = goals.score(CLIP, draw(generator, latent, *smaller), towards)
            best = latent.rows(scores.argmax()[None])
            assert torch.allclose(choice.scores, scores, atol=1e-6)
            assert torch.equal(choice.latent.noise, best.noise)
            assert torch.allclose(choice.face, draw(generator, best), atol=1e-5)
