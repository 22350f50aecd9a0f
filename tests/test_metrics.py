"""Each figure by itself, on cases whose answer can be worked out on paper."""

import math
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TINY, TinyClip, TinyGenerator
from PIL import ImageDraw

from clipavatar.chibi.labels import VALUES, labels_of
from clipavatar.chibi.stream import figure_of
from clipavatar.config import Config
from clipavatar.images import to_uint8
from clipavatar.metrics import alignment, copies, distances
from clipavatar.metrics.charts import report_picture
from clipavatar.metrics.figures import add_inception
from clipavatar.metrics.inception import inception_figures
from clipavatar.metrics.judging import plain
from clipavatar.metrics.painting import painted, painter
from clipavatar.metrics.results import Evaluation, Pair
from clipavatar.metrics.texts import cases
from clipavatar.pipeline import AvatarPipeline
from clipavatar.prompts import LANGUAGES


def labels(*figures: dict[str, str]) -> torch.Tensor:
    return torch.tensor([labels_of(figure) for figure in figures])


# -------------------------------------------------------------------------------- distances


def normal(count: int, size: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_frechet_distance_of_two_lines_of_numbers_is_the_textbook_one():
    one, other = np.array([[-1.0], [1.0]]), np.array([[1.0], [7.0]])
    spread, theirs = 2**0.5, 18**0.5
    expected = 4**2 + (spread - theirs) ** 2
    assert distances.frechet_distance(one, other) == pytest.approx(expected)


def test_frechet_distance_is_zero_to_itself_and_sees_a_shift():
    x = normal(500)
    assert distances.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert distances.frechet_distance(x, x + 3) == pytest.approx(4 * 9)
    x[:, 0] = 0  # a flat direction
    assert distances.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)


def test_kernel_distance_is_unbiased_and_sees_a_shift():
    near = [
        distances.kernel_distance(normal(60, seed=s), normal(60, seed=100 + s)) for s in range(40)
    ]
    assert abs(np.mean(near)) < 0.05
    assert min(near) < 0 < max(near)
    assert distances.kernel_distance(normal(60), normal(60, seed=1) + 1) > 1


def test_kernel_distance_of_two_points_by_hand():
    one, other = np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]])
    expected = 3**3 + 1 - 2 * 1  # (1*2+1)^3 within, (0+1)^3 within, all 1 between
    assert distances.kernel_distance(one, other) == pytest.approx(expected)


def test_precision_and_recall_take_each_fault_apart():
    real = normal(200)
    assert distances.precision_recall(real, real) == (1.0, 1.0)
    assert distances.precision_recall(real, real + 50) == (0.0, 0.0)
    precision, recall = distances.precision_recall(real, np.repeat(real[:1], 200, axis=0))
    assert precision == 1.0
    assert recall < 0.05
    precision, recall = distances.precision_recall(real, np.concatenate([real, real + 50]))
    assert precision == pytest.approx(0.5)
    assert recall == 1.0


def test_diversity_is_a_ratio_of_mean_distances():
    real = np.array([[[0.0], [2.0]], [[0.0], [4.0]]])
    assert distances.spread_of(real[0]) == 2
    assert distances.diversity(real / 2, real) == pytest.approx(0.5)
    assert distances.diversity(real * 0, real) == 0


def test_the_spread_of_one_name_over_that_of_several_by_hand():
    points = np.array([[0.0], [1], [10], [11]])
    assert distances.spread_of_one(points, list("aabb")) == pytest.approx(1 / 10)
    assert distances.spread_of_one(points, list("abab")) == pytest.approx(4 * 10 / (1 + 11 + 9 + 1))
    assert distances.spread_of_one(0 * points, list("aabb")) == 0
    assert math.isnan(distances.spread_of_one(points, list("abcd")))
    assert math.isnan(distances.spread_of_one(points, list("aaaa")))


def test_copies_are_near_and_strangers_are_not():
    stock, unseen = normal(300), normal(300, seed=1)
    far = distances.nearest(unseen, stock)
    copied = distances.nearest(stock[:100], stock)
    assert distances.memorisation(copied, far) == pytest.approx(0, abs=1e-6)
    assert copied.place.tolist() == list(range(100))
    assert distances.memorisation(distances.nearest(normal(300, seed=2), stock), far) == (
        pytest.approx(1, abs=0.15)
    )
    assert (distances.nearest(stock, stock, itself=True).distance > 0).all()


def test_a_few_copies_among_others_show_in_the_low_quantile_alone():
    stock, chance = normal(300), distances.nearest(normal(300, seed=1), normal(300))
    some = normal(300, seed=2)
    some[::12] = stock[::12]
    near = distances.nearest(some, stock)
    assert distances.memorisation(near, chance) > 0.8
    assert distances.memorisation(near, chance, 0.05) < 1e-6


def test_neighbours_are_the_same_however_many_are_looked_for_at_once(monkeypatch):
    one, other = normal(50), normal(50, seed=1)
    whole = [distances.nearest(one, other), distances.nearest(one, one, itself=True)]
    monkeypatch.setattr(distances, "ROWS", 7)
    parts = [distances.nearest(one, other), distances.nearest(one, one, itself=True)]
    for once, again in zip(whole, parts, strict=True):
        assert np.allclose(once.distance, again.distance)
        assert (once.place == again.place).all()


def test_the_original_of_a_copy_is_found_among_all_training_pictures(monkeypatch):
    known = np.random.default_rng(0).integers(0, 4, (500, len(VALUES))).astype(np.int8)
    monkeypatch.setattr(copies, "STOCK", 10)
    places = copies.suspects(known[[400, 450]], known)
    assert {400, 450, *range(10)} <= set(places)
    assert len(places) <= 10 + 2 * copies.MATCHES
    assert list(places) == sorted(places)


def test_training_labels_are_those_of_the_stream_that_training_draws(monkeypatch):
    monkeypatch.setattr(copies, "CHUNK", 3)
    known = copies.training_labels(5, workers=1)
    assert known.tolist() == [labels_of(figure_of(0, index).attributes) for index in range(5)]
    config = Config()
    assert {source.pictures for source in config.data.sources} == {copies.TRAINING_COUNT}
    assert config.train.seed == copies.TRAINING_SEED


def test_entropy_in_bits():
    assert distances.entropy(np.array([5, 5, 5, 5])) == pytest.approx(2)
    assert distances.entropy(np.array([7, 0])) == 0
    assert distances.entropy(np.array([0])) == 0


# -------------------------------------------------------------------------------- alignment


def test_retrieval_by_hand():
    texts = torch.eye(3)
    images = torch.eye(3)[[0, 2, 2]]
    names = ["a", "b", "c"]
    assert alignment.clip_score(images, texts) == pytest.approx(2 / 3)
    assert alignment.recall_at_1(images, texts, names) == pytest.approx(200 / 3)
    assert alignment.recall_at_1(images, texts, ["a", "b", "b"]) == pytest.approx(100)
    assert alignment.r_precision(images, texts, names) == pytest.approx(200 / 3)


def test_r_precision_of_chance_is_one_in_a_hundred():
    random = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 600, 8, generator=random)
    names = [str(row) for row in range(600)]
    assert alignment.r_precision(images, texts, names) < 3


def test_zero_shot_reads_a_perfect_clip():
    hair = VALUES["hair"]
    said = labels({"hair": hair[3]}, {"hair": hair[5]}, {"skin": "tan"})

    every = [(name, value) for name, values in VALUES.items() for value in values]
    read = {}  # any wording of a value -> a direction of the value's own
    for language in LANGUAGES:
        for number in range(alignment.WORDINGS):
            rng = np.random.default_rng([0, number, 5])
            read |= zip(
                alignment.value_captions(language, rng, "training"), range(len(every)), strict=True
            )

    def encode_text(texts: list[str]) -> torch.Tensor:
        return torch.eye(len(every))[[read[text] for text in texts]]

    clip = SimpleNamespace(encode_text=encode_text)
    shown = [every.index(("hair", hair[3])), every.index(("hair", hair[5])), 0]
    found = alignment.zero_shot(clip, torch.eye(len(every))[shown], said)
    assert found["hair en"] == found["hair zh"] == 100
    assert found["skin en"] == 0
    assert "clothes en" not in found


# ------------------------------------------------------------------------- inception and pictures


def test_the_sheet_has_every_figure_and_the_entropy_of_what_is_unsaid(monkeypatch):
    written, write = [], ImageDraw.ImageDraw.text

    def spy(draw, where, text, *how, **more):
        assert where[1] < draw.im.size[1]
        written.append(text)
        write(draw, where, text, *how, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    unsaid = {name: Pair(place + 0.25, place + 0.75) for place, name in enumerate(VALUES)}
    made = Evaluation({"recall": Pair(0.5, 0.875)}, unsaid=unsaid, notes=["a note"])
    report_picture(made, {})
    assert {"recall", "0.500", "0.875", "a note"} <= set(written)
    assert {"entropy of what is unsaid, bits", "hair colour", "3.25", "3.75"} <= set(written)


def test_without_torch_fidelity_fid_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    pixels = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="need: pip install torch-fidelity"):
        inception_figures(pixels, pixels, pixels)


def test_fid_and_inception_score_are_what_torch_fidelity_finds(monkeypatch):
    def calculate_metrics(input1, input2, fid, isc, **how):
        assert fid
        assert isc
        for pictures in (input1, input2):
            assert {(each.shape, each.dtype) for each in pictures} == {((3, 8, 8), torch.uint8)}
        light = float(input1[0].float().mean() - input2[0].float().mean())
        return {"frechet_inception_distance": light, "inception_score_mean": len(input1)}

    monkeypatch.setitem(
        sys.modules, "torch_fidelity", SimpleNamespace(calculate_metrics=calculate_metrics)
    )
    pixels = torch.full((3, 8, 8, 3), 50, dtype=torch.uint8)
    found = inception_figures(pixels + 30, pixels[:2] + 10, pixels)
    assert found == {"FID": [30, 10], "Inception Score": [3, 2]}
    seen_through = torch.zeros(2, 8, 8, 4, dtype=torch.uint8)
    assert inception_figures(seen_through, pixels, pixels)["FID"][0] > 100  # on plain light grey


def test_what_stops_torch_fidelity_is_one_clear_line_and_a_note(monkeypatch):
    def calculate_metrics(**_):
        raise OSError("no route\nto host")

    monkeypatch.setitem(
        sys.modules, "torch_fidelity", SimpleNamespace(calculate_metrics=calculate_metrics)
    )
    pixels, made = torch.zeros(2, 8, 8, 3, dtype=torch.uint8), Evaluation()
    line = "torch-fidelity could not measure FID and Inception Score: no route to host"
    with pytest.raises(RuntimeError, match=f"^{line}$"):
        inception_figures(pixels, pixels, pixels)
    add_inception(made, pixels, pixels, pixels)
    assert (made.notes, made.figures) == ([line], {})


def test_a_generator_without_transparency_is_measured_too():
    generator = TinyGenerator(replace(TINY, image_channels=3))
    paint = painter(AvatarPipeline(TinyClip(), generator, name="rgb"), candidates=2)
    drawn = painted(paint, cases("words", "en", 2), "drawing")
    assert drawn.shape == (2, TINY.resolution, TINY.resolution, 3)
    assert torch.equal(to_uint8(plain(drawn)), drawn)
