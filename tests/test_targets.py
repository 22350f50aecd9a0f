"""Weights, blends, negative prompts and diverse pictures, from the text to the target."""

import dataclasses

import pytest
import torch
from conftest import NAMED, TINY, TinyClip

from clipavatar import telling
from clipavatar.chibi.labels import SIZES, VALUES
from clipavatar.chibi.sample import SAMPLING, SHAPES, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.latents import sample_noise
from clipavatar.models import Generator
from clipavatar.pipeline import AvatarPipeline
from clipavatar.targets import find_target, steer
from clipavatar.telling import tell
from clipavatar.understanding import understand


def direction(text, negative=""):
    return find_target(TinyClip(), text, "chibi", negative).direction


def drawn(text, seed, row=0, **options):
    """The attributes of the figure that a candidate of `seed` becomes."""
    said = understand(text).attributes
    known = {name: value for name, value in said.items() if name in SAMPLING}
    noise = steer(sample_noise(row + 1, NOISE_SIZE, seed), text, seed, **options)
    return figure(known, noise[row].numpy()).attributes


class TestWeights:
    def test_plain_words_have_no_emphasis(self):
        assert not find_target(TinyClip(), "girl, pink hair", "chibi").emphasis.any()
        assert torch.equal(direction("(girl, pink hair:2)"), direction("girl, pink hair"))

    def test_weight_0_is_the_text_without_the_words(self):
        assert torch.equal(direction("girl, (pink hair:0)"), direction("girl"))
        with_it, without = direction("girl, pink hair"), direction("girl")
        nearer = direction("girl, (pink hair:0.2)")
        assert nearer @ without > with_it @ without

    def test_the_more_weight_the_farther_from_the_text_without_the_words(self):
        without = direction("girl")
        texts = [f"girl, (pink hair:{weight})" for weight in (0.2, 0.6, 1.4, 2, 3)]
        closeness = [float(direction(text) @ without) for text in texts]
        assert closeness == sorted(closeness, reverse=True)

    def test_they_reach_the_picture(self, named):
        plain = named.generate("girl, pink hair, hat", size=32)
        strong = named.generate("girl, pink hair, (hat:2.5)", size=32)
        assert plain.image.tobytes() != strong.image.tobytes()
        assert strong.text == "girl, pink hair, (hat:2.5)"
        assert not any("(" in prompt for prompt in strong.prompts)


class TestLanguages:
    def test_a_clip_that_knows_english_alone_is_asked_in_english_and_in_the_users_words(self):
        clip = TinyClip()
        clip.language = "en"
        prompts = find_target(clip, "银发猫耳女孩", "chibi").prompts
        assert prompts[-1] == "银发猫耳女孩"
        assert all(prompt.isascii() for prompt in prompts[:-1])
        assert "silver" in prompts[0]

    def test_a_bilingual_one_is_asked_in_the_users_language(self):
        assert "银" in find_target(TinyClip(), "银发猫耳女孩", "chibi").prompts[0]


class TestBlends:
    def test_shares_move_the_target(self):
        girl, boy = direction("girl"), direction("boy")
        closeness = [direction(f"girl | boy:{share}") @ boy for share in (0, 0.5, 1, 2, 20)]
        assert closeness == sorted(closeness)
        assert torch.allclose(direction("girl | boy:0"), girl)

    def test_the_background_of_any_of_them(self, pipeline):
        assert pipeline.settings("girl | boy, pink background")["background"] == "pink"

    def test_they_reach_the_picture(self, named):
        avatars = [named.generate(text, size=32) for text in ("girl", "girl | boy", "boy")]
        assert len({avatar.image.tobytes() for avatar in avatars}) == 3
        assert len(avatars[1].prompts) == len(avatars[0].prompts) + len(avatars[2].prompts)


class TestNegative:
    def test_moves_the_target_away(self):
        hat = direction("hat")
        assert direction("girl", "hat") @ hat < direction("girl") @ hat
        assert torch.equal(direction("girl", " "), direction("girl"))

    @pytest.mark.parametrize("negative", ["glasses", "眼镜", "(glasses:1.3), blurry"])
    def test_glasses_are_never_chosen(self, negative):
        some = {drawn("girl", seed)["glasses"] for seed in range(60)}
        none = {drawn("girl", seed, negative=negative)["glasses"] for seed in range(60)}
        assert len(some) > 1
        assert none == {"none"}

    @pytest.mark.parametrize("said", ["star eyes", "爱心眼", "winking", "sleepy"])
    def test_sunglasses_come_before_telling_eyes_only_where_asked_for(self, said):
        assert "sunglasses" in {drawn("girl, smiling", seed)["glasses"] for seed in range(60)}
        chosen = {drawn(f"girl, {said}", seed)["glasses"] for seed in range(60)}
        assert chosen >= {"none", "round glasses"}
        assert "sunglasses" not in chosen
        assert drawn(f"girl, {said}, sunglasses", 0)["glasses"] == "sunglasses"

    def test_another_colour_is_chosen_instead(self):
        text, negative = "girl", "black hair, brown hair, blonde hair"
        unwanted = {"black", "brown", "blonde"}
        for seed in range(100):
            with_it, without = drawn(text, seed), drawn(text, seed, negative=negative)
            assert without.get("hair_colour") not in unwanted
            if with_it.get("hair_colour") not in unwanted:
                assert without == with_it

    def test_what_the_text_says_itself_wins(self):
        assert drawn("girl with glasses", 3, negative="glasses")["glasses"] != "none"
        assert torch.equal(
            direction("girl with glasses", "glasses"), direction("girl with glasses")
        )

    def test_it_is_part_of_the_settings(self, named):
        avatar = named.generate("girl", negative="{hat|bow}", size=32)
        assert avatar.settings["negative"] in ("hat", "bow")
        assert "negative" not in named.generate("girl", size=32).settings
        with pytest.raises(ValueError, match="no word"):
            named.generate("girl", negative="!!")


@pytest.mark.parametrize("name", ["accent", "hair_tone", "clothes_tone"])
def test_all_candidates_of_a_seed_wear_the_same_colours_in_shapes_of_their_own(name):
    noise = sample_noise(8, NOISE_SIZE, 3)
    rows = steer(noise, "girl with a flower", 3)
    entry, other = SHAPES[name], SHAPES["chin"]
    assert noise[:, entry].unique().numel() == rows[:, other].unique().numel() == 8
    assert (rows[:, entry] == noise[0, entry]).all()


class TestDiverse:
    @pytest.mark.parametrize("name", ["hair_colour", "eye_colour", "clothes", "clothes_colour"])
    @pytest.mark.parametrize("first", [0, 7, 2**62])
    def test_no_value_comes_twice_while_there_are_others(self, name, first):
        text = "smiling boy with short hair"
        values = [
            drawn(text, first + i, diverse=True).get(name) for i in range(len(SAMPLING[name]))
        ]
        assert len(set(values)) >= len(SAMPLING[name]) - 1  # one may be hidden, or not for a boy
        assert len(set(values[:6])) == 6

    def test_what_is_said_stays_and_rare_things_stay_rare(self):
        made = [drawn("pink hair", seed, diverse=True) for seed in range(100)]
        assert {one["hair_colour"] for one in made if "hair_colour" in one} == {"pink"}
        for value, weight in SAMPLING["glasses"].items():
            count = sum(one["glasses"] == value for one in made)
            assert abs(count - 100 * weight) <= 4, value

    def test_every_candidate_of_a_picture_agrees(self):
        rows = [drawn("girl", 5, row, diverse=True) for row in range(4)]
        assert rows[0] == rows[1] == rows[2] == rows[3]

    def test_a_picture_alone_is_the_picture_in_the_batch(self, named):
        batch = list(named.generate_batch(["girl"], seed=3, n=3, size=32, diverse=True))
        alone = named.generate("girl", seed=5, size=32, diverse=True)
        assert alone.image.tobytes() == batch[2].image.tobytes()
        assert alone.settings["diverse"] is True

    def test_nothing_unwanted_is_given_a_turn(self):
        colours = [drawn("boy", s, diverse=True, negative="black hair") for s in range(30)]
        assert "black" not in {one.get("hair_colour") for one in colours}


def test_choices_are_made_by_the_seed_and_written_into_the_picture(named):
    made = [named.generate("{girl|boy}, __hair_colour__ hair", s, size=32).text for s in range(9)]
    assert len(set(made)) > 3
    assert not any("{" in text or "__" in text for text in made)
    again = named.generate(made[4], 4, size=32)
    choice = named.generate("{girl|boy}, __hair_colour__ hair", 4, size=32)
    assert again.image.tobytes() == choice.image.tobytes()


class TestTold:
    """How much of each value the generator is told, so that it need not read it off the words."""

    def told(self, text):
        """attribute -> value -> how much, of a picture that a seed makes of a text."""
        noise = steer(sample_noise(1, NOISE_SIZE, 1), text, 1)
        target = find_target(TinyClip(), text, "chibi")
        told = tell(TinyClip(), text, noise, *target[1:]).numbers[0].split(SIZES)
        return {
            name: {
                value: much for value, much in zip(VALUES[name], each.tolist(), strict=True) if much
            }
            for name, each in zip(VALUES, told, strict=True)
        }

    def test_what_the_text_says_and_what_its_seed_chooses(self):
        text = "girl, grey sailor uniform, no hat"
        told, chosen = self.told(text), drawn(text, 1)
        assert told["character"] == {"girl": 1}
        assert (told["clothes"], told["clothes_colour"]) == ({"sailor uniform": 1}, {"grey": 1})
        assert told["head"] == {"none": 1}
        for name, value in chosen.items():
            left_out = value == "none" and name != "head"  # captions do not say what is not there
            assert told[name] == ({} if left_out else {value: 1})

    def test_a_weight_is_how_much(self):
        told = self.told("girl, (pink hair:0.5), [blush], (twin tails:2), (glasses:0)")
        assert told["hair_colour"] == {"pink": pytest.approx(0.5)}
        assert told["face"] == {"blush": pytest.approx(1 / 1.1)}
        assert 1.2 < told["hair"]["twin tails"] < 1.5
        assert told["character"] == {"girl": 1}
        assert told["glasses"] == self.told("girl, pink hair, blush, twin tails")["glasses"]
        assert self.told("(girl, pink hair:2)") == self.told("girl, pink hair")

    def test_more_weight_is_more_and_stays_small(self):
        much = [self.told(f"girl, (blush:{w})")["face"]["blush"] for w in (0.25, 0.9, 1, 1.3, 3)]
        assert much == sorted(much)
        assert much[2] == 1
        assert much[-1] < 1.6  # at 3 pictures break

    def test_of_two_parts_that_a_value_needs_both_weights_count(self):
        told = self.told("girl, (heart:0.5) (eyes:0.8)")  # neither is an expression
        assert told["expression"] == {"heart eyes": pytest.approx(0.4)}

    def test_of_what_is_drawn_whole_there_is_no_half(self):
        assert self.told("girl, (beanie:0.5), (no glasses:0.6)")["head"] == {"beanie": 1}
        assert self.told("girl, (twin tails:0.4)")["hair"] == self.told("girl")["hair"]
        assert self.told("girl, (sunglasses:0.5)")["glasses"] == {"sunglasses": 1}

    def test_of_a_blend_colours_and_faces_mix_and_hats_do_not(self):
        told = self.told("girl, pink hair, beanie | boy, blue hair, crown:0.5 | glasses:0.5")
        assert told["hair_colour"] == {"pink": pytest.approx(0.75), "blue": pytest.approx(0.25)}
        assert told["character"] == {"girl": pytest.approx(0.75), "boy": pytest.approx(0.25)}
        assert told["head"] == {"beanie": 1}
        assert told["glasses"] == {"round glasses": 1}
        assert self.told("girl, beanie | girl, crown:2")["head"] == {"crown": 1}

    @pytest.mark.parametrize(
        "worn", [("crown", "beanie"), ("beanie", "crown"), ("crown", "no hat")]
    )
    def test_of_equals_the_first_is_worn(self, worn):
        one, other = worn
        assert self.told(f"girl, {one} | girl, {other}")["head"] == {one: 1}

    def test_a_weight_counts_on_every_side_of_a_blend_and_on_nothing_else(self):
        told = self.told("girl, (freckles:0.5) | boy, blue hair")
        assert told["face"] == {"freckles": pytest.approx(0.5)}  # which the boy borrows
        assert told["hair_colour"] == {"blue": 1}

    def test_what_one_side_of_a_blend_hides_the_other_tells_alone(self):
        told = self.told("girl, blue eyes, sunglasses | girl, blue eyes, round glasses")
        assert told["eye_colour"] == {"blue": 1}
        assert self.told("girl, bob | cat")["hair"] == {"bob": 1}

    def test_a_generator_is_told_only_what_it_would_read(self, named):
        settings = named.settings("girl")
        assert named.latent(settings, named.target(settings)).told is None
        model = Generator(dataclasses.replace(NAMED, reads=tuple(SIZES)))
        pipeline = AvatarPipeline(TinyClip(), model, name="reads")
        latent = pipeline.latent(settings, pipeline.target(settings))
        assert latent.told.shape == (settings["candidates"], sum(SIZES))
        for other in (
            dataclasses.replace(NAMED, reads=(3, 2)),
            dataclasses.replace(TINY, reads=tuple(SIZES)),
        ):
            pipeline = AvatarPipeline(TinyClip(), Generator(other), name="other")
            assert pipeline.latent(settings, pipeline.target(settings)).told is None


def test_rows_that_choose_alike_are_told_once(named, monkeypatch):
    told = []
    monkeypatch.setattr(telling, "figure", lambda *asked: told.append(1) or figure(*asked))
    settings = named.settings("girl, bob", candidates=8)
    latent = named.latent(settings, named.target(settings))
    assert len(told) == 1
    mixed = torch.randn(5, NOISE_SIZE, generator=torch.Generator().manual_seed(0))
    together = named.tell("girl, bob", mixed, named.target(settings)).words
    for row in range(5):
        alone = named.tell("girl, bob", mixed[[row]], named.target(settings)).words
        torch.testing.assert_close(together[[row]], alone)
    assert latent.words.unique(dim=0).shape[0] == 1
