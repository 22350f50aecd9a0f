"""What training is fed: batches of our drawings, the marks of small things, views; and its mean."""

import pytest
import torch

from clipavatar.chibi.dataset import PLAIN, Pictures, load_pictures
from clipavatar.draws import Draws
from clipavatar.training.batches import augment, batch
from clipavatar.training.ema import Average
from clipavatar.training.steps import fits


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", 8)
        return load_pictures(8, 16, 0, tmp_path_factory.mktemp("cache"))


def test_a_batch_depends_on_its_number_alone(pictures: Pictures) -> None:
    one, two = batch(pictures, 4, 0, 9), batch(pictures, 4, 0, 9)
    assert torch.equal(one.images, two.images)
    assert one.captions == two.captions
    assert one.captions != batch(pictures, 4, 0, 10).captions


def test_marks_show_where_small_things_are(
    pictures: Pictures, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert batch(pictures, 4, seed=0, step=0).marks.numel() == 0
    marked = load_pictures(8, 16, 0, tmp_path_factory.mktemp("marked"), marks=True)
    data = batch(marked, 8, seed=0, step=0)
    assert data.marks.shape == (8, 1, 16, 16)
    assert 0 < (data.marks > 0).float().mean() < 0.5
    for index, marks in enumerate(marked.marks[0]):
        attributes = marked.attributes(index)
        said = any(attributes.get(name, value) != value for name, value in PLAIN.items())
        assert not marks.any() or said or attributes.get("expression") == "neutral"


def test_augmented_pictures_are_rgb_in_range(pictures: Pictures) -> None:
    for seed in range(4):
        views = augment(batch(pictures, 4, 0, 0).images, Draws(seed))
        assert views.shape == (4, 3, 16, 16)
        assert views.min() >= -1.01
        assert views.max() <= 1.01


def test_a_text_fits_its_own_picture(pictures: Pictures) -> None:
    data = batch(pictures, 8, 0, 0)
    assert fits(data.labels, data.said).all()


def test_an_average_moves_halfway_in_its_half_life() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = Average(model, half_life=10)
    torch.nn.init.ones_(model.weight)
    average.update(model, pictures=10)
    assert average.model.weight.item() == pytest.approx(0.5)
