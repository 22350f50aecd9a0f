"""Several sources of pictures become batches, the same after a resume; configs and the dry run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import encoded, plain, write_tar

from clipavatar.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    SourceConfig,
    from_dict,
)
from clipavatar.decode import Shape
from clipavatar.draws import Draws
from clipavatar.models import Discriminator, Generator
from clipavatar.training.captioned import CYCLE, Mixture, jitter, pseudo_text, with_pseudo_text
from clipavatar.training.feeds import mixed_batch
from clipavatar.training.gallery import load_gallery
from clipavatar.training.report import cost, found, language, matrix_rate
from clipavatar.training.sources import load_data
from clipavatar.training.steps import fits

# --- batches


class Numbers:
    """A source whose picture i is flat in colour `start + i` and says so."""

    def __init__(self, count: int, start: int = 0, broken: tuple[int, ...] = ()) -> None:
        self.count, self.start, self.broken = count, start, broken

    def __len__(self) -> int:
        return self.count

    def picture(self, index: int) -> np.ndarray:
        if index in self.broken:
            raise ValueError(f"picture {index} is cut off")
        pixels = np.full((4, 4, 3), self.start + index, np.uint8)
        pixels[:, 0] = 255  # a left edge, to see a flip
        return pixels

    def caption(self, index: int, rng: np.random.Generator) -> str | None:
        return f"{self.start + index} {rng.integers(3)}" if index % 2 else None

    def says(self, index: int) -> str | None:
        return f"{self.start + index} 0" if index % 2 else None


def test_a_batch_is_a_function_of_seed_and_step_alone() -> None:
    def mixture(seed: int) -> Mixture:
        return Mixture([Numbers(7), Numbers(5, 100)], [1, 3], seed, flip=True, jitter=0.2)

    one = mixture(0)
    for step in (0, 1, 5):
        one.batch(8, step)
    later = one.batch(8, 5)
    same, other = mixture(0).batch(8, 5), mixture(1).batch(8, 5)
    assert later.images.shape == (8, 3, 4, 4)
    assert later.images.min() >= -1
    assert later.images.max() <= 1
    assert torch.equal(later.images, same.images)
    assert later.captions == same.captions
    assert torch.equal(later.index, same.index)
    assert not torch.equal(later.index, other.index) or later.captions != other.captions


def test_processes_share_the_batch_that_one_would_have_had() -> None:
    mixture = Mixture([Numbers(7), Numbers(5, 100)], [1, 1], flip=True, jitter=0.5)
    whole = mixture.batch(8, 3)
    parts = [mixture.batch(8, 3, rank, 2) for rank in range(2)]
    assert torch.equal(whole.images, torch.cat([part.images for part in parts]))
    assert whole.captions == parts[0].captions + parts[1].captions
    with pytest.raises(ValueError, match="8 pictures can not be shared by 3"):
        mixture.batch(8, 0, 0, 3)


def test_picture_caption_and_index_belong_together() -> None:
    data = Mixture([Numbers(7), Numbers(5, 100)], [1, 1]).batch(64, 0)
    for image, caption, index in zip(data.images, data.captions, data.index.tolist(), strict=True):
        number = index if index < 7 else index - 7 + 100
        assert (image[0, 0, -1] + 1).item() * 127.5 == pytest.approx(number, abs=1e-3)
        odd = (index if index < 7 else index - 7) % 2
        assert (caption is not None) == bool(odd)
        assert caption is None or caption.startswith(f"{number} ")


def test_sources_give_their_shares_and_every_picture_comes_in_turn() -> None:
    mixture = Mixture([Numbers(50), Numbers(10, 100)], [1, 4])
    index = torch.cat([mixture.batch(50, step).index for step in range(CYCLE // 50)])
    counts = torch.bincount(index, minlength=60)
    assert counts[:50].tolist() == [4] * 50  # 200 of 1000 rows
    assert counts[50:].tolist() == [80] * 10
    rare = Mixture([Numbers(3), Numbers(3)], [1, 1e6])
    assert sum((rare.batch(100, step).index < 3).sum() for step in range(10)) == 1


def test_flip_mirrors_about_half_and_nothing_else() -> None:
    source = Numbers(1)
    images = Mixture([source], [1], flip=True).batch(200, 0).images
    left = (images[:, 0, 0, 0] == 1).sum().item()
    assert 70 < left < 130
    assert ((images[:, 0, 0, -1] == 1).sum() == 200 - left).item()
    assert (Mixture([source], [1]).batch(50, 0).images[:, 0, 0, 0] == 1).all()


def test_unreadable_pictures_are_passed_over_until_there_are_too_many() -> None:
    data = Mixture([Numbers(4, broken=(1, 2))], [1]).batch(40, 0)
    assert set(data.index.tolist()) == {0, 3}
    with pytest.raises(ValueError, match="4 pictures in a row can not be read; the last: picture"):
        Mixture([Numbers(4, broken=(0, 1, 2, 3))], [1]).batch(1, 0)


def test_bad_mixtures_are_refused() -> None:
    for weights in ([], [1, 1], [0], [-1], [float("nan")]):
        with pytest.raises(ValueError, match="weight"):
            Mixture([Numbers(2)], weights)
    with pytest.raises(ValueError, match="jitter"):
        Mixture([Numbers(2)], [1], jitter=2)


def test_jitter_by_hand() -> None:
    grey = torch.zeros(3, 2, 2)  # 0.5 of [0, 1]
    brighter = jitter(grey, np.array([0.5, 0.0, 0.0]))
    assert torch.allclose(brighter, torch.full((3, 2, 2), 0.5))
    assert torch.allclose(jitter(grey, np.array([0.0, 0.9, 0.9])), grey, atol=1e-6)
    clear = torch.full((4, 2, 2), -1.0)
    assert torch.equal(jitter(clear, np.array([1.0, 1.0, 1.0])), clear)
    veil = torch.cat((torch.full((3, 2, 2), -0.6), torch.full((1, 2, 2), -0.5)))
    made = jitter(veil, np.array([1.0, 0.3, 0.3]))
    assert (made[:3] <= made[3:] + 1e-6).all()
    assert torch.equal(made[3], veil[3])


# --- pictures without captions


def unit(*shape: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(9)
    return torch.nn.functional.normalize(torch.randn(*shape, generator=draw), dim=-1)


def test_pseudo_text_is_near_its_picture_and_seeded() -> None:
    embeddings = unit(200, 16)
    made = pseudo_text(embeddings, 0.3, Draws(1))
    assert torch.allclose(made.norm(dim=1), torch.ones(200), atol=1e-5)
    cosine = (made * embeddings).sum(dim=1)
    assert cosine.min() >= (1 - 0.3**2) ** 0.5 - 1e-5
    assert cosine.mean() < 0.99
    assert torch.equal(made, pseudo_text(embeddings, 0.3, Draws(1)))
    assert torch.allclose(pseudo_text(embeddings, 0.0, Draws(0)), embeddings, atol=1e-6)


def test_only_missing_captions_are_made_up() -> None:
    text, images = unit(3, 8), torch.zeros(3, 3, 4, 4)
    images[1] = 1

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        assert len(pictures) == 1
        assert (pictures == 1).all()
        return unit(9, 8)[8:]

    draw = Draws(0)
    made = with_pseudo_text(text, ["a", None, "b"], images, encode, 0.0, draw)
    assert torch.equal(made[[0, 2]], text[[0, 2]])
    assert torch.allclose(made[1], unit(9, 8)[8], atol=1e-6)
    assert with_pseudo_text(text, ["a", "b", "c"], images, encode, 0.1, draw) is text


# --- configs and the dry run


def test_a_config_names_the_sources_and_a_bad_key_is_named(tmp_path: Path, folder: Path) -> None:
    shard = write_tar(tmp_path / "s" / "0.tar", [("0.png", encoded(plain()))])
    table = {
        "sources": [{"path": str(folder), "weight": 3}, {"path": str(shard)}],
        "crop": "pad",
        "workers": 1,
    }
    config = from_dict(DataConfig, table)
    assert config.sources == (SourceConfig(str(folder), 3.0), SourceConfig(str(shard)))
    mixture, reports = load_data(config, 8, 4, 0, tmp_path / "cache")
    assert [report.used for report in reports] == [6, 1]
    assert len(mixture) == 7
    data = mixture.batch(4, 0)
    assert data.images.shape == (4, 4, 8, 8)
    assert (data.images[:, :3] <= data.images[:, 3:]).all()  # premultiplied
    with pytest.raises(ValueError, match="unknown key 'wieght'"):
        from_dict(DataConfig, {"sources": [{"path": "x", "wieght": 3}]})


def test_a_batch_for_the_steps_of_training_knows_what_fits_and_keeps_the_noise() -> None:
    mixture = Mixture([Numbers(7), Numbers(5, 100)], [1, 1])
    data, later = mixed_batch(mixture, 24, 0, 6), mixed_batch(mixture, 24, 1, 6)
    index, next_index = mixture.batch(24, 0).index, mixture.batch(24, 1).index
    assert data.noise.shape == (24, 6)
    for i in range(24):
        for j in range(24):
            same = bool(index[i] == index[j])
            assert fits(data.labels[i], data.said[j]).item() == same
            if index[i] == next_index[j]:
                assert torch.equal(data.noise[i], later.noise[j])
    parts = [mixed_batch(mixture, 24, 0, 6, rank, 2) for rank in range(2)]
    assert torch.equal(data.noise, torch.cat([part.noise for part in parts]))


def test_our_own_drawings_are_a_source_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 4)
    monkeypatch.setattr("clipavatar.chibi.dataset.art_version", lambda: "test")
    config = DataConfig(sources=(SourceConfig("chibi", pictures=4),))
    clear, reports = load_data(config, 16, 4, 0, tmp_path)
    opaque, _ = load_data(config, 16, 3, 0, tmp_path)
    assert not reports
    one, other = clear.batch(4, 0), opaque.batch(4, 0)
    assert one.images.shape == (4, 4, 16, 16)
    assert one.captions == other.captions
    assert all(one.captions)
    seen = one.images[:, :3] + (1 - one.images[:, 3:])  # over white
    assert torch.allclose(seen, other.images, atol=0.01)


def test_a_dry_run_says_what_it_takes_and_warns_of_few_pictures(
    folder: Path, tmp_path: Path
) -> None:
    _, report = load_gallery(folder, Shape(8), tmp_path / "cache", workers=1)
    sizes = GeneratorConfig(
        resolution=8, noise_size=4, embedding_size=4, style_size=4, channels=(4, 4)
    )
    made = Generator(sizes)
    generator = cost(made, torch.randn(2, 4), torch.randn(2, 4))
    one = cost(made, torch.randn(1, 4), torch.randn(1, 4))
    assert generator.parameters == sum(p.numel() for p in made.parameters())
    assert generator.operations == one.operations > 2 * 9 * 4 * 4 * 64
    assert 4 * 64 * 4 < generator.kept < 100_000
    critic = Discriminator(DiscriminatorConfig(resolution=8, embedding_size=4, channels=(4, 4)))
    text = found(
        [report],
        report.used,
        generator,
        cost(critic, torch.randn(2, 4, 8, 8), torch.randn(2, 4)),
        batch_size=4,
        length=(30, 0),
        rate=1e9,
    )
    for part in ("6 used", "parameters", "memory", "30 minutes", "warning: 6 pictures are few"):
        assert part in text
    assert "-" not in text.split("memory")[1].split("B")[0]


def test_the_rate_of_this_machine_is_positive() -> None:
    assert matrix_rate(side=64) > 1e6


def test_captions_are_told_apart_by_their_script() -> None:
    assert language("Q版 girl") == "Chinese"
    assert language("GIRL") == "English"
    assert language("девочка") == "other"
