"""The judge: what its file says of it, what it is shown, and how well the shipped one sees."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.checkpoint import ASSETS, save_model
from clipavatar.chibi.dataset import art_version
from clipavatar.chibi.draw import pixels
from clipavatar.chibi.labels import SIZES, UNSAID, VALUES, labels_of
from clipavatar.chibi.stream import drawn_of
from clipavatar.clip import load_clip
from clipavatar.config import JudgeConfig
from clipavatar.draws import Draws
from clipavatar.images import resize, to_float, to_uint8
from clipavatar.metrics.alignment import embed
from clipavatar.metrics.attributes import accuracy, visible
from clipavatar.metrics.distances import frechet_distance, kernel_distance
from clipavatar.metrics.figures import features
from clipavatar.metrics.judging import foreign_art, judge_metadata, load_judge, readings
from clipavatar.models import Judge
from clipavatar.training.judge import judge_views

SHIPPED = ASSETS / "judge.safetensors"
OWN_SEED, COUNT = 777, 150  # a stream that no training uses
FINEST = ("hair_tips", "expression", "face")  # a few pixels decide
ACCURACIES = {"unseen": dict.fromkeys(VALUES, 99.0), "softened": dict.fromkeys(VALUES, 98.0)}


def saved(folder: Path, metadata: dict[str, str], sides: tuple[int, ...] = SIZES) -> Path:
    with torch.random.fork_rng():
        judge = Judge(JudgeConfig(16, (4, 4), 8, sides))
    return save_model(judge, folder / "judge.safetensors", metadata)


def test_a_judge_says_how_good_it_is(tmp_path):
    _, trust = load_judge(saved(tmp_path, judge_metadata(ACCURACIES, "12345678")))
    assert trust == ACCURACIES


def test_a_judge_of_other_words_is_refused_though_there_are_as_many(tmp_path):
    metadata = judge_metadata(ACCURACIES, art_version())
    metadata["names"] = metadata["names"].replace("twin tails", "triplet tails")
    for path in (saved(tmp_path, metadata), saved(tmp_path, {}, (2, 3))):
        with pytest.raises(ValueError, match="judges another vocabulary: train it anew") as error:
            load_judge(path)
        assert "\n" not in str(error.value)


def test_a_judge_that_learned_from_other_drawings_is_told_apart(tmp_path):
    assert foreign_art(saved(tmp_path, judge_metadata(ACCURACIES, art_version()))) == ""
    other = foreign_art(saved(tmp_path, judge_metadata(ACCURACIES, "12345678")))
    assert "another version of the art (12345678, now " in other
    assert "\n" not in other
    first = saved(tmp_path, {"accuracy": json.dumps(ACCURACIES)})  # as the first judges were
    load_judge(first)
    assert "one it does not name" in foreign_art(first)


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


# --------------------------------------------------------------------- what ships, on true pictures


@pytest.fixture(scope="module")
def renders() -> tuple[Tensor, Tensor]:
    """Pictures (N, 128, 128, 4) that nothing was trained on, and what they show (N, A)."""
    figures = [drawn_of(OWN_SEED, index, held_out=None).figure for index in range(COUNT)]
    labels = torch.tensor([labels_of(figure.attributes) for figure in figures])
    return torch.from_numpy(np.stack([pixels(figure, 128) for figure in figures])), labels


def test_the_shipped_judge_sees_as_well_as_its_file_says(renders):
    assert SHIPPED.stat().st_size <= 2e6
    judge, trust = load_judge(SHIPPED)
    said = visible(renders[1])
    for kind, softened in (("unseen", False), ("softened", True)):
        found, claimed = accuracy(readings(judge, renders[0], softened), said), trust[kind]
        counts = np.array([share.of for share in found.values()])
        gap = np.array([share.percent - claimed[name] for name, share in found.items()])
        assert abs(np.average(gap, weights=counts)) < 4
        assert gap.min() > -16, dict(zip(found, gap, strict=True))
        assert (said != UNSAID).sum() == counts.sum()


def test_the_shipped_judge_learned_from_the_art_that_is_drawn_today():
    assert foreign_art(SHIPPED) == ""


def test_the_shipped_judge_can_be_trusted_with_every_attribute():
    _, trust = load_judge(SHIPPED)
    assert trust.keys() == {"unseen", "softened"}
    for claimed in trust.values():
        assert claimed.keys() == VALUES.keys()
        for name, percent in claimed.items():
            assert percent >= (97 if name in FINEST else 99), name


def test_distances_of_the_shipped_clip_see_blur(renders):
    clip = load_clip("")
    drawn = to_uint8(resize(to_float(renders[0]), 64))
    sharp, other = torch.split(drawn, COUNT // 2)
    real = features(embed(clip, other))

    def blurred(factor: int) -> Tensor:
        small = F.avg_pool2d(to_float(sharp), factor)
        return to_uint8(F.interpolate(small, 64, mode="bilinear"))

    made = [features(embed(clip, each)) for each in (sharp, blurred(2), blurred(4))]
    floor, soft, softer = (frechet_distance(each, real) for each in made)
    assert soft > 1.1 * floor
    assert softer > 1.5 * floor
    floor, soft, softer = (kernel_distance(each, real) for each in made)
    assert abs(floor) < 0.05 < soft < softer
