"""A generator that is perfect, and five that are broken: each moves the figure that it should.

The renderer is the generator, a reader that knows what was drawn is the judge, and a CLIP that
knows it too measures the rest. So every fault is the generator's.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.draw import pixels as draw_pixels
from clipavatar.chibi.labels import UNSAID, VALUES, labels_of
from clipavatar.chibi.sample import Figure, figure
from clipavatar.clip import ARCHITECTURE, create_clip
from clipavatar.images import to_float, to_uint8
from clipavatar.metrics import figures as subject
from clipavatar.metrics.attributes import by_value
from clipavatar.metrics.figures import measure
from clipavatar.metrics.judging import plain
from clipavatar.metrics.painting import Painter, true_noise
from clipavatar.metrics.results import Evaluation
from clipavatar.metrics.texts import SETS, Case, cases
from clipavatar.prompts import LANGUAGES, understand

SIZE, COUNT = 32, 12
OWN_TURN, STOCK_TURN = 9, 7  # of noises: those of the generator, those of its training pictures
KNOWN: dict[bytes, list[int]] = {}  # picture -> what is drawn in it
SIDES = [len(values) for values in VALUES.values()]
R_PRECISION = ("image to text", "text to image")
MAP = torch.randn(sum(SIDES), 24, generator=torch.Generator().manual_seed(0))


def drawn(attributes: dict[str, str], seed: int, turn: int) -> Tensor:
    """A true picture (4, R, R), noted down for the reader."""
    made = figure(attributes, true_noise(seed, turn))
    return note(to_float(cached_pixels(made, SIZE)), made.attributes)


def note(picture: Tensor, attributes: dict[str, str]) -> Tensor:
    KNOWN[key(plain(to_uint8(picture[None]))[0])] = labels_of(attributes)
    return picture


def key(image: Tensor) -> bytes:
    return image.contiguous().numpy().tobytes()


@cache
def _drawn_once(attributes: tuple, shapes: tuple, size: int) -> np.ndarray:
    return draw_pixels(Figure(dict(attributes), dict(shapes)), size)


def cached_pixels(made: Figure, size: int) -> np.ndarray:
    pixels = _drawn_once(tuple(made.attributes.items()), tuple(made.shapes.items()), size)
    KNOWN[key(plain(torch.from_numpy(pixels)[None])[0])] = labels_of(made.attributes)
    return pixels


def read(images: Tensor) -> list[Tensor]:
    """The perfect judge: logits of what was drawn; the first value for what is not there."""
    seen = torch.tensor([KNOWN[key(image)] for image in images]).clamp(min=0)
    return [F.one_hot(row, side).float() for row, side in zip(seen.T, SIDES, strict=True)]


class KnowingClip:
    """Embeds what is drawn or said, and for pictures how sharp each quarter is."""

    name = "knowing"

    def encode_image(self, images: Tensor) -> Tensor:
        seen = torch.tensor([KNOWN[key(image)] for image in images])
        steps = (images[..., 1:, 1:] - images[..., :-1, :-1]).abs().mean(dim=1, keepdim=True)
        sharp = F.adaptive_avg_pool2d(steps, 2).flatten(1)
        return F.normalize(torch.cat((self._told(seen), 60 * sharp), dim=1), dim=1)

    def encode_text(self, texts: list[str]) -> Tensor:
        known = [understand(text).attributes for text in texts]
        said = torch.tensor([labels_of(each) for each in known])
        told = self._told(said)
        return F.normalize(torch.cat((told, torch.zeros(len(texts), 4)), dim=1), dim=1)

    def _told(self, labels: Tensor) -> Tensor:
        columns = [
            F.one_hot(row.clamp(min=0), side) * (row != UNSAID)[:, None]
            for row, side in zip(labels.T, SIDES, strict=True)
        ]
        return torch.cat(columns, dim=1).float() @ MAP


# ------------------------------------------------------------------------------ the generators


def perfect(case: Case) -> Tensor:
    return drawn(case.said, case.seed, OWN_TURN)


def shuffled() -> Painter:
    """Draws for each text what the next one says."""
    following: dict[str, Case] = {}
    for kind in SETS:
        for language in LANGUAGES:
            row = cases(kind, language, COUNT)
            following |= {a.text: b for a, b in zip(row, row[1:] + row[:1], strict=True)}

    def paint(case: Case) -> Tensor:
        return perfect(replace(case, said=following[case.text].said))

    return paint


def frozen(case: Case) -> Tensor:
    """Every hat is a crown, whatever is said."""
    return drawn({**case.said, "head": "crown"}, case.seed, OWN_TURN)


def one_picture(case: Case) -> Tensor:
    return drawn({"character": "girl"}, 0, OWN_TURN)


def copying(case: Case) -> Tensor:
    """Knows what to draw, but only as the training pictures have it."""
    return drawn(case.said, case.seed, STOCK_TURN)


def blurred(case: Case) -> Tensor:
    sharp = perfect(case)
    soft = F.avg_pool2d(sharp[None], 5, 1, 2, count_include_pad=False)[0]
    return note(soft, figure(case.said, true_noise(case.seed, OWN_TURN)).attributes)


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "TEXTS", 6)
        patch.setattr(subject, "SEEDS", 4)
        patch.setattr("clipavatar.metrics.copies.STOCK", 4)  # the rest is found by its labels
        patch.setattr(subject, "training_labels", stock_labels)
        patch.setattr(subject, "training_pictures", stock)
        patch.setattr("clipavatar.metrics.painting.pixels", cached_pixels)
        yield


@cache
def training() -> list[Case]:
    return [case for kind in subject.REALISM for case in cases(kind, "en", COUNT)]


def stock_labels() -> np.ndarray:
    figures = [figure(case.said, true_noise(case.seed, STOCK_TURN)) for case in training()]
    return np.array([labels_of(each.attributes) for each in figures], np.int8)


def stock(places: list[int], size: int) -> Tensor:
    asked = [training()[place] for place in places]
    return torch.stack([to_uint8(drawn(case.said, case.seed, STOCK_TURN)) for case in asked])


@pytest.fixture(scope="module")
def measured(_small: None) -> Callable[[Painter], Evaluation]:
    clip = KnowingClip()
    return lru_cache(lambda paint: measure(paint, read, clip, clip, COUNT))


@pytest.fixture(scope="module")
def good(measured: Callable[[Painter], Evaluation]) -> Evaluation:
    return measured(perfect)


def accuracies(made: Evaluation) -> dict[str, float]:
    """Attribute -> its lowest accuracy over all sets and languages."""
    lowest: dict[str, float] = {}
    for languages in made.shares.values():
        for shares in languages.values():
            for name, share in shares.items():
                lowest[name] = min(share.percent, lowest.get(name, 100.0))
    return lowest


def moved(made: Evaluation, good: Evaluation) -> set[str]:
    """The figures that are clearly not the perfect generator's."""
    words, names = {}, ("words", "full")
    for name, each in (("made", made), ("good", good)):
        ratio = each.figures["Frechet distance over the floor"].model
        kid = each.figures["KID x 1000"]
        right = [each.shares[kind][tongue]["all"].percent for kind in names for tongue in LANGUAGES]
        found = {
            way: min(each.figures[f"R-precision {way}, % {k}"].model for k in LANGUAGES) / 100
            for way in R_PRECISION
        }
        words[name] = {
            "accuracy": min(right) / 100,
            "realism": 1 / max(ratio, 1),
            "KID": kid.true / max(kid.model, kid.true),
            "diversity": each.figures["diversity"].model,
            "novelty": each.figures["distance to training pictures"].model,
            "recall": each.figures["recall"].model,
            **found,
        }
    return {name for name, value in words["made"].items() if value < 0.6 * words["good"][name]}


def test_the_perfect_generator_gets_what_true_pictures_get(good: Evaluation) -> None:
    assert set(accuracies(good).values()) == {100.0}
    assert good.wrong == []
    assert good.figures["Frechet distance over the floor"].model == pytest.approx(1, abs=0.35)
    assert good.figures["diversity"].model == pytest.approx(1, abs=0.15)
    assert good.figures["distance to training pictures"].model == pytest.approx(1, abs=0.35)
    for name in ("precision", "recall", "R-precision image to text, % zh", "CLIP score en"):
        assert good.figures[name].model == pytest.approx(good.figures[name].true, rel=0.25)
    for name in ("hair", "expression", "clothes", "head"):
        model, table = good.unsaid[name]
        assert model == pytest.approx(table, abs=0.7)


def test_the_judge_is_tried_on_true_pictures_of_the_very_texts(good: Evaluation) -> None:
    assert set(good.truth) == set(subject.REALISM)
    for kind, shares in good.truth.items():
        asked = {name: share.of for name, share in good.shares[kind]["en"].items()}
        assert {name: share.of for name, share in shares.items()} == asked
        assert {share.percent for share in shares.values()} == {100.0}


def test_a_judge_that_sees_one_thing_wrong_is_told_by_its_true_pictures() -> None:
    def blind(images: Tensor) -> list[Tensor]:
        return [
            logits * (name != "glasses") for name, logits in zip(VALUES, read(images), strict=True)
        ]

    clip = KnowingClip()
    made = measure(perfect, blind, clip, clip, COUNT)
    for kind in subject.REALISM:
        assert made.truth[kind]["glasses"].percent < 60
        assert made.truth[kind]["hair"].percent == 100
        assert made.truth[kind]["all"].percent < 100


def test_every_figure_counts_once_and_is_compared_with_pictures_of_other_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn_true: dict[int, list[Case]] = {}
    compared: list[int] = []
    draw_true, real = subject.true_pictures, subject.realism

    def spy(asked: list[Case], size: int, turn: int) -> Tensor:
        drawn_true.setdefault(turn, []).extend(asked)
        return draw_true(asked, size, turn)

    def watch(*sets: np.ndarray) -> dict:
        compared.extend(map(len, sets))
        assert all(len(np.unique(rows, axis=0)) == len(rows) for rows in sets)
        return real(*sets)

    def grouped(read: Tensor, said: Tensor, name: str, groups: list[int]) -> dict:
        assert len(groups) == len(read)
        assert min(groups.count(group) for group in groups) >= len(LANGUAGES)
        return by_value(read, said, name, groups)

    monkeypatch.setattr(subject, "by_value", grouped)
    monkeypatch.setattr(subject, "true_pictures", spy)
    monkeypatch.setattr(subject, "realism", watch)
    clip = KnowingClip()
    measure(perfect, read, clip, clip, COUNT)
    assert compared == [2 * COUNT] * 3
    seeds = [{case.seed for case in drawn_true[turn]} for turn in (0, 1)]
    assert [len(each) for each in seeds] == [2 * COUNT] * 2
    assert not seeds[0] & seeds[1]


def test_every_text_of_a_set_is_compared_in_one_language_by_turns() -> None:
    names = [(k, tongue, i) for k in subject.REALISM for tongue in LANGUAGES for i in range(4)]
    taken = [names[row] for row in subject.by_turns(4)]
    assert [(kind, index) for kind, _, index in taken] == [
        (kind, index) for kind in subject.REALISM for index in range(4)
    ]
    assert [tongue for _, tongue, _ in taken] == ["en", "zh"] * 4


def test_shuffled_captions_are_seen_by_accuracy_and_r_precision_alone(measured, good) -> None:
    made = measured(shuffled())
    assert moved(made, good) == {"accuracy", *R_PRECISION}
    assert len(made.wrong) > 0.8 * 8 * COUNT
    assert all(": " in line and ", drawn: " in line for line in made.wrong[0].mistakes)


def test_a_frozen_attribute_is_seen_by_its_own_accuracy_its_entropy_and_kid(measured, good) -> None:
    made = measured(frozen)
    assert moved(made, good) == {"KID"}
    lowest = accuracies(made)
    assert lowest.pop("head") < 30
    assert lowest.pop("all") > 80
    assert set(lowest.values()) == {100.0}
    assert made.unsaid["head"].model == 0
    assert made.unsaid["hair"].model == pytest.approx(good.unsaid["hair"].model, abs=0.5)


def test_one_picture_for_all_is_seen_by_all_but_novelty(measured, good) -> None:
    made = measured(one_picture)
    assert made.figures["diversity"].model == 0
    assert made.figures["recall"].model < 0.2
    seen = {"accuracy", "diversity", "recall", "realism", "KID", *R_PRECISION}
    assert moved(made, good) == seen


def test_copies_are_seen_by_their_distance_to_the_training_pictures_alone(measured, good) -> None:
    made = measured(copying)
    assert moved(made, good) == {"novelty"}
    assert made.figures["distance to training pictures"].model == pytest.approx(0, abs=1e-3)
    assert torch.equal(made.copies[0].pixels, made.copies[0].neighbour)


def test_blurred_pictures_are_seen_by_both_distances_alone(measured, good) -> None:
    made = measured(blurred)
    assert moved(made, good) == {"realism", "KID"}
    assert made.figures["precision"].model < 0.5 * good.figures["precision"].model


def test_the_second_clip_is_another_architecture_and_builds(tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocabulary.txt.gz"
    with gzip.open(vocabulary, "wt", encoding="utf-8") as file:
        file.write("#version: 0.2\ng i\nr l</w>\n")
    examples = Path(__file__).parent.parent / "examples"
    architecture = json.loads((examples / "second_clip.json").read_text())
    with torch.random.fork_rng():
        clip = create_clip(vocabulary, architecture).eval()
    assert clip.config["vision_cfg"] != ARCHITECTURE["vision_cfg"]
    with torch.no_grad():
        assert clip.encode_image(torch.zeros(2, 3, 64, 64)).shape == (2, clip.embedding_size)
