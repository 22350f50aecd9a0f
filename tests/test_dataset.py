"""The art as data: reproducible streams, a split by rules, captions that say what is drawn."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from clipavatar.chibi import split
from clipavatar.chibi.caption import caption, full_subset, hard_negative, random_subset
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.chibi.draw import pixels
from clipavatar.chibi.labels import UNSAID, labels_of
from clipavatar.chibi.sample import HIDES, SAMPLING, check_attributes, figure
from clipavatar.chibi.split import COMBINED, HELD_OUT, held_out_pairs, held_out_wording
from clipavatar.chibi.stream import aimed, drawn_of, figure_of
from clipavatar.config import OftenConfig
from clipavatar.lexicon import load_lexicon
from clipavatar.prompts import LANGUAGES, describe, templates, understand
from clipavatar.training.batches import batch, odds_of, pick


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", 40)
        yield load_pictures(60, 16, 9, tmp_path_factory.mktemp("cache"), workers=1)


# --- streams


def test_a_figure_depends_on_its_seed_and_index_alone() -> None:
    assert drawn_of(1, 5).forced == drawn_of(1, 5).forced
    assert figure_of(1, 5) == figure_of(1, 5)
    assert figure_of(1, 5) != figure_of(1, 6)
    assert figure_of(1, 5) != figure_of(2, 5)
    assert figure_of(1, 5) != figure_of(1, 5, held_out=True)


def test_a_figure_is_what_its_forced_attributes_and_its_noise_name() -> None:
    for index in range(200):
        drawn = drawn_of(2, index)
        assert figure(drawn.forced, drawn.noise) == drawn.figure
        assert drawn.forced.items() <= drawn.figure.attributes.items()


def test_any_caption_that_says_the_forced_attributes_names_the_same_figure() -> None:
    rng = np.random.default_rng(0)
    for index in range(300):
        drawn = drawn_of(2, index, held_out=None)
        attributes = drawn.figure.attributes
        for choose in (*[random_subset] * 8, full_subset):
            said = choose(attributes, rng, drawn.forced)
            assert drawn.forced.items() <= said.items() <= attributes.items()
            assert figure(said, aimed(said, attributes, drawn.noise, rng)) == drawn.figure


def test_saying_too_little_is_refused() -> None:
    attributes = {**figure_of(0, 0).attributes, "character": "girl", "face": "moustache"}
    noise, rng = drawn_of(0, 0).noise, np.random.default_rng(0)
    with pytest.raises(ValueError, match="face 'moustache' must be said"):
        aimed({"character": "girl"}, attributes, noise, rng)


def test_every_value_is_drawn_often_enough_to_be_learned() -> None:
    rows = [figure_of(7, index).attributes for index in range(1500)]
    for name, table in SAMPLING.items():
        drawn = Counter(row.get(name) for row in rows)
        assert all(drawn[value] >= 0.01 * len(rows) for value in table), (name, drawn)


def test_short_and_long_captions_are_both_common() -> None:
    forced = [len(drawn_of(7, index).forced) for index in range(500)]
    assert np.mean(np.array(forced) <= 2) > 0.25
    assert np.mean(np.array(forced) >= 5) > 0.25


# --- the split


def test_training_never_sees_a_held_out_pair_and_the_other_stream_always_does() -> None:
    for index in range(300):
        assert held_out_pairs(figure_of(4, index).attributes) == []
        assert held_out_pairs(figure_of(4, index, held_out=True).attributes) != []


def test_a_held_out_pair_is_forced_so_that_captions_say_it() -> None:
    for index in range(100):
        assert held_out_pairs(drawn_of(4, index, held_out=True).forced) != []


def test_about_one_pair_in_25_is_held_out_and_no_value_loses_over_a_quarter() -> None:
    possible = sum(len(SAMPLING[a]) * len(SAMPLING[b]) for a, b in COMBINED)
    assert 0.03 < len(HELD_OUT) / possible < 0.05
    assert {(one[0], other[0]) for one, other in HELD_OUT} == set(COMBINED)
    lost = Counter((value, other[0]) for pair in HELD_OUT for value, other in (pair, pair[::-1]))
    for ((name, value), other), count in lost.items():
        hidden = other in HIDES.get((name, value), ())
        assert value != "none"
        assert not hidden
        assert count <= len(SAMPLING[other]) / 4


def said_by(words: str, index: int) -> list[str]:
    """Every wording that the captions of a figure choose, in both languages."""
    chosen: list[str] = []
    rng = np.random.default_rng(index)
    with pytest.MonkeyPatch.context() as patch:

        def spy(attributes, language, template, choose):
            assert words != "training" or template != split.held_out_template(language)

            def choose_and_note(forms):
                word = choose(forms)
                if word != forms[0]:
                    chosen.append(word)
                return word

            return describe(attributes, language, template, choose_and_note)

        patch.setattr("clipavatar.chibi.caption.describe", spy)
        for language in LANGUAGES:
            caption(figure_of(8, index).attributes, language, rng, words)
    return chosen


def test_training_captions_hold_no_held_out_wording_and_the_others_many() -> None:
    assert not any(held_out_wording(word) for i in range(100) for word in said_by("training", i))
    rare = [held_out_wording(word) for i in range(100) for word in said_by("held-out", i)]
    assert sum(rare) > 100


def test_the_usual_word_and_template_are_never_held_out() -> None:
    for values in load_lexicon().attributes.values():
        for words in values.values():
            assert not held_out_wording(words.en[0])
            assert not held_out_wording(words.zh[0])
    for language in LANGUAGES:
        assert split.held_out_template(language) in templates(language)[1:]


def test_about_an_eighth_of_the_other_written_forms_is_held_out() -> None:
    known = load_lexicon().attributes.values()
    for language in LANGUAGES:
        forms = {form for v in known for w in v.values() for form in w.written(language)[1:]}
        assert 0.06 < np.mean([held_out_wording(form) for form in forms]) < 0.18


# --- captions


@pytest.mark.parametrize("words", ["training", "held-out", "any"])
def test_captions_say_exactly_the_attributes_they_were_given(words: str) -> None:
    rng = np.random.default_rng(0)
    for index in range(100):
        drawn = drawn_of(2, index)
        said = random_subset(drawn.figure.attributes, rng, drawn.forced)
        for language in LANGUAGES:
            text = caption(said, language, rng, words)
            assert understand(text).attributes == said, text


def test_an_unknown_kind_of_wording_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown wording 'fancy'"):
        caption({"hair": "bob"}, "en", np.random.default_rng(0), "fancy")


def test_a_hard_negative_changes_one_attribute_and_contradicts_nothing() -> None:
    rng = np.random.default_rng(1)
    for index in range(300):
        drawn = drawn_of(2, index)
        said = random_subset(drawn.figure.attributes, rng, drawn.forced)
        wrong = hard_negative(said, rng)
        check_attributes(wrong)
        assert wrong.keys() == said.keys()
        assert sum(wrong[name] != said[name] for name in said) == 1
        assert wrong.items() <= figure(wrong, drawn.noise).attributes.items()


def test_the_lexicon_and_the_sampling_table_know_the_same_values() -> None:
    words = load_lexicon().attributes
    for name, table in SAMPLING.items():
        assert set(table) == set(words[name]), name


# --- arrays and batches


def test_the_cache_of_pictures_gives_what_was_drawn(pictures: Pictures) -> None:
    for index in (0, 45):
        drawn = drawn_of(9, index)
        assert (pictures.pixels(np.array([index]))[0] == pixels(drawn.figure, 16)).all()
        assert pictures.attributes(index) == drawn.figure.attributes
        assert pictures.always(index) == list(drawn.forced)
        assert (pictures.noise[index] == drawn.noise).all()


def test_a_second_call_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 4)
    one = load_pictures(4, 16, 9, tmp_path, workers=1, held_out=True)
    monkeypatch.setattr("clipavatar.chibi.dataset.pixels", None)
    two = load_pictures(3, 16, 9, tmp_path, workers=1, held_out=True)
    assert (two.labels == one.labels[:3]).all()
    assert held_out_pairs(two.attributes(2))


def test_a_batch_depends_on_its_number_alone(pictures: Pictures) -> None:
    one, two = batch(pictures, 4, 0, 9), batch(pictures, 4, 0, 9)
    assert torch.equal(one.images, two.images)
    assert torch.equal(one.noise, two.noise)
    assert one.captions == two.captions
    assert one.captions != batch(pictures, 4, 0, 10).captions


def test_negatives_come_when_asked_and_change_nothing_else(pictures: Pictures) -> None:
    one, two = batch(pictures, 16, 0, 3), batch(pictures, 16, 0, 3, negatives=True)
    assert one.negatives == []
    assert one.captions == two.captions
    for said, wrong in zip(two.captions, two.negatives, strict=True):
        assert understand(said).language == understand(wrong).language
        assert understand(said).attributes != understand(wrong).attributes


def test_caption_and_noise_of_a_batch_name_the_very_picture(pictures: Pictures) -> None:
    data = batch(pictures, 40, 0, 1, full=0.5)
    for row in range(40):
        said, drawn = (
            {
                name: list(table)[labels[row, column]]
                for column, (name, table) in enumerate(SAMPLING.items())
                if labels[row, column] != UNSAID
            }
            for labels in (data.said, data.labels)
        )
        assert understand(data.captions[row]).attributes == said
        assert figure(said, data.noise[row].numpy()).attributes == drawn


def test_what_is_to_be_seen_often_is_and_the_rest_stays_alike() -> None:
    labels = np.array([labels_of({"head": head}) for head in ("flower", "bow", "crown")])
    often = (OftenConfig(("head=flower",), 6.0), OftenConfig(("head=crown",), 0.5))
    odds = odds_of(labels, often)
    assert odds is not None
    assert odds.tolist() == [6.0, 7.0, 7.5]
    picks = pick(np.random.default_rng(0), 3, odds, 7500)
    assert np.bincount(picks) / 1000 == pytest.approx([6, 1, 0.5], rel=0.1)
    both = (*often, OftenConfig(("expression=sad",), 4.0))
    sad = np.array([labels_of({"head": "flower", "expression": "sad"})])
    assert odds_of(sad, both) == 6.0
    pair = (OftenConfig(("head=flower", "expression=sad"), 9.0),)
    assert odds_of(sad, pair) == 9.0
    assert odds_of(labels, pair) == pytest.approx([1, 2, 3])  # none of these is sad
    assert odds_of(labels, ()) is None
    with pytest.raises(ValueError, match="unknown head 'tiara'"):
        odds_of(labels, (OftenConfig(("head=tiara",), 2.0),))
    with pytest.raises(ValueError, match="unknown attribute 'flower'"):
        odds_of(labels, (OftenConfig(("flower",), 2.0),))


def test_batches_follow_the_odds(pictures: Pictures) -> None:
    odds = np.cumsum([1.0] + [0.0] * (len(pictures) - 1))
    data = batch(pictures, 8, 0, 0, odds=odds)
    assert (data.labels == torch.from_numpy(pictures.labels[0])).all()
