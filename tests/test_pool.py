"""Pictures and captions in a device's memory: the same data as from disk, at the speed of a GPU."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clipavatar.chibi.dataset import cached, load_chunk
from clipavatar.chibi.labels import UNSAID, labels_of, values_of
from clipavatar.chibi.sample import figure
from clipavatar.clip import load_clip
from clipavatar.config import (
    Config,
    DataConfig,
    GeneratorConfig,
    OftenConfig,
    SourceConfig,
    TrainConfig,
)
from clipavatar.training.feeds import check_feed
from clipavatar.training.pool import CAPTIONS, Pool

COUNT = 12


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", COUNT // 2)
        place = cached(tmp_path_factory.mktemp("cache"), 16, 0)
    tokenizer, device = load_clip().tokenizer, torch.device("cpu")
    made = Pool(place, COUNT, COUNT // 2, tokenizer, device, full=1.0, marks=True, workers=1)
    yield made
    made.close()


def test_it_begins_with_a_part_and_the_rest_joins(pool: Pool) -> None:
    for step in range(2000):
        data = pool.batch(4, 0, step)
        if pool.ready == COUNT:
            break
    else:
        pytest.fail("the second half never came")
    assert data.images.shape == (4, 4, 16, 16)
    assert data.marks.shape == (4, 1, 16, 16)
    assert data.tokens.shape == data.wrong_tokens.shape == (4, 64)
    again = pool.batch(4, 0, 7)
    assert all(torch.equal(again.tokens, each.tokens) for each in (pool.batch(4, 0, 7),))
    assert not torch.equal(again.images, pool.batch(4, 0, 8).images)
    halves = [pool.batch(4, 0, 7, part, 2).images for part in range(2)]
    assert torch.equal(torch.cat(halves), again.images)


def test_noise_and_what_is_said_name_the_picture_and_wrong_captions_do_not(pool: Pool) -> None:
    data = pool.batch(8, 0, 1)
    for row in range(8):
        said = values_of(data.said[row].numpy())
        drawn = figure(said, data.noise[row].numpy()).attributes
        assert labels_of(drawn) == data.labels[row].tolist()
    known = data.negatives_said != UNSAID
    assert ((data.negatives_said != data.labels) & known).any(dim=1).all()
    assert not torch.equal(data.tokens, data.wrong_tokens)


def test_captions_are_cut_by_the_tokenizer_of_the_clip(pool: Pool) -> None:
    end = int(load_clip().tokenizer(["girl"]).max())
    assert (pool.batch(8, 0, 2).tokens == end).sum(dim=1).tolist() == [1] * 8
    first = load_chunk(pool.place, 0)
    assert pool._rows["tokens"].shape[:2] == (COUNT, CAPTIONS)
    assert np.array_equal(pool._rows["labels"][: COUNT // 2].numpy(), first.labels)


def test_without_a_folder_the_same_drawings_go_straight_into_memory(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", COUNT // 2)
        place = cached(None, 16, 0)
    how = (load_clip().tokenizer, torch.device("cpu"))
    other = Pool(place, COUNT // 2, COUNT // 2, *how, full=1.0, marks=True, workers=1)
    other.close()
    assert other._rows.keys() == pool._rows.keys()
    for name, row in other._rows.items():
        assert torch.equal(row, pool._rows[name][: COUNT // 2]), name
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="nothing is kept"):
        place.file(0, ".npy")


def test_it_is_for_our_own_drawings_and_a_clip_that_stays(tmp_path: Path) -> None:
    drawn = Config(
        data=DataConfig(pool=8),
        generator=GeneratorConfig(embedding_size=256),
        train=TrainConfig(clip_learning_rate=1e-5),
    )
    with pytest.raises(ValueError, match="pool needs clip_learning_rate = 0"):
        check_feed(drawn, 256)
    own = replace(drawn, data=DataConfig(sources=(SourceConfig(str(tmp_path)),), pool=8))
    with pytest.raises(ValueError, match=r"data\.pool is for our own drawings"):
        check_feed(own, 256)


def test_what_is_to_be_seen_often_is_of_our_own_drawings_and_known(tmp_path: Path) -> None:
    def asked(*often: OftenConfig, **data: Any) -> Config:
        generator = GeneratorConfig(embedding_size=256)
        return Config(data=DataConfig(often=often, **data), generator=generator)

    with pytest.raises(ValueError, match="unknown head 'tiara'"):
        check_feed(asked(OftenConfig(("head=tiara",), 2.0)), 256)
    with pytest.raises(ValueError, match=r"data\.often: times must be above 0, not 0\.0"):
        check_feed(asked(OftenConfig(("head=bow",), 0.0)), 256)
    with pytest.raises(ValueError, match=r"data\.often is for our own drawings"):
        check_feed(asked(OftenConfig(), sources=(SourceConfig(str(tmp_path)),)), 256)


def test_a_pool_shows_often_what_it_is_told_to(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", COUNT)
        place = cached(None, 16, 0)
    first = values_of(place.pictures(0).labels[0])
    often = [OftenConfig((f"clothes={first['clothes']}",), 1e6)]
    how = (load_clip().tokenizer, torch.device("cpu"))
    pool = Pool(place, COUNT, COUNT, *how, full=1.0, marks=False, workers=1, often=often)
    pool.close()
    labels = pool.batch(16, 0, 0).labels.numpy()
    assert all(values_of(row)["clothes"] == first["clothes"] for row in labels)
