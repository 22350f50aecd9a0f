"""Each figure by itself, on cases whose answer can be worked out on paper."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from clipavatar.chibi.dataset import UNSAID, VALUES, labels_of
from clipavatar.chibi.split import held_out_pairs
from clipavatar.draws import Draws
from clipavatar.metrics import alignment, distances
from clipavatar.metrics.attributes import (
    COLUMNS,
    accuracy,
    attribute_loss,
    by_value,
    overall,
    present,
    visible,
)
from clipavatar.metrics.captioned import load_captioned
from clipavatar.metrics.inception import inception_figures
from clipavatar.metrics.texts import SETS, cases
from clipavatar.prompts import LANGUAGES
from clipavatar.training.judge import judge_views


def labels(*figures: dict[str, str]) -> torch.Tensor:
    return torch.tensor([labels_of(figure) for figure in figures])


# ------------------------------------------------------------------------------- attributes


def test_accuracy_counts_what_was_said_and_no_more():
    said = labels({"hair": "bob", "skin": "tan"}, {"hair": "buns"}, {"hair": "buns"})
    read = labels({"hair": "bob", "skin": "pale"}, {"hair": "bob"}, {"hair": "buns"})
    shares = accuracy(read, said)
    assert set(shares) == {"hair", "skin"}
    assert shares["hair"].percent == pytest.approx(200 / 3)
    assert shares["hair"].of == 3
    assert shares["skin"][:1] == (0.0,)
    everything = overall(read, said)
    assert everything.percent == pytest.approx(50)
    assert everything.of == 4
    assert everything.low < 50 < everything.high
    assert overall(read, said) == everything
    assert math.isnan(overall(read, torch.full_like(said, UNSAID)).percent)


def test_the_interval_is_as_wide_as_theory_says():
    said = torch.full((400, len(VALUES)), UNSAID)
    said[:, 0] = 0
    read = said.clone()
    read[:100, 0] = 1
    share = overall(read, said)
    half = 196 * (0.75 * 0.25 / 400) ** 0.5
    assert (share.low, share.high) == pytest.approx((75 - half, 75 + half), abs=0.6)


def test_what_a_mask_hides_is_not_asked_for():
    masked = {"face": "mask", "expression": "smiling"}
    both = {"face": "mask", "glasses": "sunglasses", "expression": "winking"}
    told = {"face": "mask", "glasses": "sunglasses", "expression": "crying"}
    bare = {"face": "none", "expression": "smiling"}
    column = visible(labels(masked, both, told, bare))[:, COLUMNS["expression"]].tolist()
    assert [value == UNSAID for value in column] == [True, True, False, False]


def test_a_cat_has_no_hairstyle_whatever_the_judge_says():
    read = present(
        labels({"character": "cat", "hair": "bob"}, {"character": "girl", "hair": "bob"})
    )
    assert (read[:, COLUMNS["hair"]] == UNSAID).tolist() == [True, False]


def test_shares_by_value_tell_groups_apart():
    said = labels({"skin": "dark", "hair": "bob"}, {"skin": "pale", "hair": "bob"})
    read = labels({"skin": "dark", "hair": "buns"}, {"skin": "pale", "hair": "bob"})
    shares = by_value(read, said, "skin")
    assert {name: share.percent for name, share in shares.items()} == {"dark": 50, "pale": 100}


def test_a_heavier_attribute_pulls_the_loss():
    said = torch.full((2, len(VALUES)), UNSAID)
    said[:, :2] = 0
    logits = [torch.zeros(2, len(values)) for values in VALUES.values()]
    logits[1][:, 0] = 9.0  # right already
    plain = attribute_loss(logits, said)
    weights = [3.0, *[1.0] * (len(VALUES) - 1)]
    assert plain.item() == pytest.approx(math.log(10) / 2, abs=0.01)
    assert attribute_loss(logits, said, weights).item() == pytest.approx(
        math.log(10) * 0.75, abs=0.01
    )


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
            for place, (name, value) in enumerate(every):
                read[alignment.caption({name: value}, language, rng)] = place

    def encode_text(texts: list[str]) -> torch.Tensor:
        return torch.eye(len(every))[[read[text] for text in texts]]

    clip = SimpleNamespace(encode_text=encode_text)
    shown = [every.index(("hair", hair[3])), every.index(("hair", hair[5])), 0]
    found = alignment.zero_shot(clip, torch.eye(len(every))[shown], said)
    assert found["hair en"] == found["hair zh"] == 100
    assert found["skin en"] == 0
    assert "clothes en" not in found


# ------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize("kind", SETS)
def test_the_texts_are_fixed_and_say_the_same_in_both_languages(kind):
    english, chinese = cases(kind, "en", 12), cases(kind, "zh", 12)
    assert [case.said for case in english] == [case.said for case in chinese]
    assert english == cases(kind, "en", 20)[:12]
    together = [bool(held_out_pairs(case.said)) for case in english]
    assert all(together) if kind == "combinations" else not any(together)
    assert not {case.text for case in english} & {case.text for case in chinese}


# ------------------------------------------------------------------------- a folder of one's own


def folder_of(place: Path, count: int) -> Path:
    for index in range(count):
        Image.new("RGBA", (40, 30), (20 * index, 99, 50, 128)).save(place / f"{index}.png")
    return place


def test_captions_stand_in_metadata_or_beside_the_picture(tmp_path):
    folder_of(tmp_path, 9)
    for index in range(9):
        (tmp_path / f"{index}.txt").write_text(f"girl number {index}")
    texts, pixels = load_captioned(tmp_path, 100, 16)
    assert [case.text for case in texts] == [f"girl number {index}" for index in range(9)]
    assert pixels.shape == (9, 16, 16, 3)
    rows = [{"file_name": f"{i}.png", "text": ["女孩", "a girl"]} for i in range(8)]
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    texts, pixels = load_captioned(tmp_path, 100, 16)
    assert [(case.text, case.language) for case in texts] == [("女孩", "zh")] * 8


def test_a_bad_folder_is_told_in_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load_captioned(tmp_path / "none", 9, 16)
    with pytest.raises(ValueError, match="0 captioned pictures, 8 are the least"):
        load_captioned(tmp_path, 9, 16)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}\n')
    with pytest.raises(ValueError, match="line 1: not"):
        load_captioned(tmp_path, 9, 16)
    rows = [json.dumps({"file_name": f"{i}.png", "text": "girl"}) for i in range(8)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    with pytest.raises(FileNotFoundError, match=r"no such picture: .*0\.png"):
        load_captioned(tmp_path, 9, 16)
    (tmp_path / "0.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="cannot read the picture"):
        load_captioned(tmp_path, 9, 16)


def test_without_torch_fidelity_fid_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity", None)
    pixels = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="need: pip install torch-fidelity"):
        inception_figures(pixels, pixels, pixels)


# --------------------------------------------------------------------------------- the judge


def test_views_for_the_judge_are_rgb_in_range_and_repeat():
    images = torch.full((6, 4, 16, 16), -1.0)
    images[:, :, 4:12, 4:12] = 1.0

    def views(seed: int) -> torch.Tensor:
        return judge_views(images, Draws(seed))

    assert views(0).shape == (6, 3, 16, 16)
    assert views(0).abs().max() <= 1
    assert torch.equal(views(3), views(3))
    assert not torch.equal(views(3), views(4))
    assert views(0)[:, :, 7, 7].min() > 0.6  # the figure's white middle stays white
