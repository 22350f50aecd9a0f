"""A person's own pictures: what is found, decoded, reported, mixed, and the same after a resume."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipavatar.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    SourceConfig,
    from_dict,
)
from clipavatar.decode import Shape, decode
from clipavatar.draws import Draws
from clipavatar.models import Discriminator, Generator
from clipavatar.training.captioned import CYCLE, Mixture, jitter, pseudo_text, with_pseudo_text
from clipavatar.training.feeds import mixed_batch
from clipavatar.training.gallery import find, load_gallery
from clipavatar.training.report import cost, found, language, matrix_rate
from clipavatar.training.sources import load_data
from clipavatar.training.steps import fits

RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(colour: tuple[int, ...] = RED, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour)


def write(folder: Path, **files: bytes | str) -> Path:
    """Files by name, "__" for a dot and "_in_" for a folder: a__png, sub_in_a__png."""
    for key, data in files.items():
        path = folder / key.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def write_tar(path: Path, members: Sequence[tuple[str, bytes | str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            data = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def captions(path: Path) -> dict[str, tuple[str, ...]]:
    return {item.name: item.captions for item in find(path).items}


# --- decoding


def colours(data: bytes, **shape: object) -> np.ndarray:
    made = decode(data, Shape(4, **shape))  # type: ignore[arg-type]
    assert made.pixels.shape == (4, 4, made.pixels.shape[-1])
    assert made.pixels.dtype == np.uint8
    return made.pixels


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "YCbCr", "HSV", "RGBA", "RGBX"])
def test_every_mode_becomes_the_colour_it_shows(mode: str) -> None:
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF", "HSV": "PNG", "RGBX": "TIFF"}.get(mode, "PNG")
    image = plain().convert(mode)
    if mode == "HSV":  # no file holds it
        image = image.convert("RGB")
    assert np.abs(colours(encoded(image, kind))[0, 0].astype(int) - RED).max() <= 2


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16", "I", "F"])
def test_greys_of_every_depth_are_scaled_and_not_clipped(mode: str) -> None:
    half = {"1": 1, "I;16": 32768, "I": 32768, "F": 0.5}.get(mode, 128)
    image = Image.new("LA", (8, 8), (128, 255)) if mode == "LA" else Image.new(mode, (8, 8), half)
    grey = colours(encoded(image, "TIFF" if mode in "IF" else "PNG"))
    assert grey.shape[-1] == 3
    wanted = 255 if mode == "1" else 128
    assert np.abs(grey.astype(int) - wanted).max() <= 1


def test_alpha_is_premultiplied_or_laid_over_the_background() -> None:
    data = encoded(plain((255, 0, 0, 51)))  # a fifth of red
    assert colours(data, channels=4)[0, 0].tolist() == [51, 0, 0, 51]
    assert colours(data)[0, 0].tolist() == [255, 204, 204]
    assert colours(data, background="black")[0, 0].tolist() == [51, 0, 0]
    assert colours(encoded(plain()), channels=4)[0, 0].tolist() == [255, 0, 0, 255]
    hidden = encoded(plain((0, 255, 0, 0)))  # the green of what is transparent never shows
    assert not colours(hidden, channels=4).any()
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *RED])
    assert not colours(encoded(palette, transparency=1), channels=4).any()


def test_the_middle_is_kept_or_all_of_it_between_bars() -> None:
    image = Image.new("RGB", (24, 8), BLUE)
    image.paste(RED, (8, 0, 16, 8))
    data = encoded(image)
    assert (colours(data)[0, 1:3] == RED).all()
    padded = decode(data, Shape(12, crop="pad")).pixels
    assert (padded[:4] == 255).all()
    assert (padded[8:] == 255).all()
    assert padded[5, 0].tolist() == list(BLUE)
    assert padded[5, 6].tolist() == list(RED)
    assert not decode(data, Shape(12, 4, "pad")).pixels[:4].any()  # transparent bars
    thin = decode(encoded(plain(size=(300, 1))), Shape(8, crop="pad")).pixels
    assert (thin == RED).all(axis=-1).sum() == 8


def test_exif_turns_it_and_an_animation_gives_its_first_frame() -> None:
    image = Image.new("RGB", (16, 32), BLUE)
    image.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise
    made = decode(encoded(image, exif=exif), Shape(8))
    assert (made.width, made.height) == (32, 16)
    assert made.pixels[4, -1].tolist() == list(RED)
    assert made.pixels[4, 0].tolist() == list(BLUE)
    first, second = plain(), plain(BLUE)
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(first, kind, save_all=True, append_images=[second], duration=100)
        assert np.abs(colours(data)[0, 0].astype(int) - RED).max() <= 3


def test_a_large_jpeg_is_read_small_and_keeps_its_size_in_the_report() -> None:
    made = decode(encoded(plain(size=(400, 300)), "JPEG"), Shape(8))
    assert (made.width, made.height) == (400, 300)
    assert np.abs(made.pixels.astype(int) - RED).max() <= 3


def test_what_is_no_whole_picture_says_so_in_one_line() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            decode(encoded(image, kind)[:-2000], Shape(8))
    for data in (b"", b"hello", encoded(image)[:20], encoded(image, "EPS")):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            decode(data, Shape(8))


def test_a_shape_that_can_not_be_is_refused() -> None:
    for options in ({"crop": "left"}, {"channels": 2}, {"background": "no colour"}):
        with pytest.raises(ValueError, match=r"crop|channels|colo"):
            Shape(8, **options)  # type: ignore[arg-type]


# --- finding


def test_metadata_sidecars_and_pictures_without_captions(tmp_path: Path) -> None:
    png = encoded(plain())
    rows = [
        {"file_name": "a.png", "text": "one"},
        {"file_name": "sub/b.png", "caption": ["one", " two\twords ", "one"]},
        {"file_name": "c.png", "prompt": "红发 女孩"},
        {"file_name": "c.png", "prompt": "red hair"},
    ]
    write(tmp_path, a__png=png, sub_in_b__png=png, c__png=png, d__png=png, e__png=png, f__PNG=png)
    write(tmp_path, metadata__jsonl="\n".join(map(json.dumps, rows)) + "\n\n")
    write(tmp_path, d__txt="\ufeffa line\n\n  another  \n", a__txt="not this", note__txt="nor this")
    assert captions(tmp_path) == {
        "a.png": ("one",),
        "c.png": ("红发 女孩", "red hair"),
        "d.png": ("a line", "another"),
        "e.png": (),
        "f.PNG": (),
        "sub/b.png": ("one", "two words"),
    }
    assert not find(tmp_path).problems


def test_metadata_in_a_subfolder_names_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path, train_in_a__png=encoded(plain()))
    write(tmp_path, train_in_metadata__jsonl='{"file_name": "a.png", "text": "here"}')
    assert captions(tmp_path) == {"train/a.png": ("here",)}


def test_what_is_wrong_is_named_and_the_rest_is_used(tmp_path: Path) -> None:
    lines = [
        '{"file_name": "gone.png", "text": "x"}',
        "not json",
        '{"text": "no file"}',
        '{"file_name": "../out.png", "text": "x"}',
        '{"file_name": "a.png", "text": 5}',
        '{"file_name": "note.txt", "text": "x"}',
    ]
    write(tmp_path, a__png=encoded(plain()), b__png=encoded(plain()), note__txt="x")
    write(tmp_path, metadata__jsonl="\n".join(lines), b__txt="caf\u00e9".encode("latin-1"))
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "c.png").write_bytes(encoded(plain()))
    source = find(tmp_path)
    assert [item.name for item in source.items] == ["a.png", "b.png"]
    told = "\n".join(f"{name}: {reason}" for name, reason in source.problems)
    for part in ("gone.png", "line 2", "line 3", "lies outside", "line 5", "note.txt", "b.txt"):
        assert part in told
    assert len(source.problems) == 7


def test_shards_give_pictures_in_place_with_their_captions(tmp_path: Path) -> None:
    png, jpg = encoded(plain()), encoded(plain(BLUE), "JPEG")
    members = [
        ("./000.png", png),
        ("./000.txt", "first\nsecond"),
        ("sub/001.jpg", jpg),
        ("sub/001.json", '{"prompt": ["from json"]}'),
        ("sub/001.txt", "not this"),
        ("002.png", png),
        ("003.cls", "7"),
        ("._000.png", b"junk of a mac"),
    ]
    write_tar(tmp_path / "00.tar", members)
    write_tar(tmp_path / "01.tar", [("000.json", '["a", "b"]'), ("000.png", jpg)])
    assert captions(tmp_path) == {
        "00.tar/./000.png": ("first", "second"),
        "00.tar/sub/001.jpg": ("from json",),
        "00.tar/002.png": (),
        "01.tar/000.png": ("a", "b"),
    }
    assert captions(tmp_path / "*.tar") == captions(tmp_path)
    assert [item.read() for item in find(tmp_path / "00.tar").items] == [png, jpg, png]


def test_a_shard_that_is_cut_off_gives_what_it_still_holds(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    png = encoded(Image.fromarray(noise))
    shard = write_tar(tmp_path / "a.tar", [(f"{i}.png", png) for i in range(3)])
    shard.write_bytes(shard.read_bytes()[: 2 * (512 + 3584) + 1500])
    gallery, report = load_gallery(shard, Shape(8), tmp_path / "cache", workers=1)
    assert len(gallery) == 2
    assert [name for name, _ in report.skipped] == ["a.tar/2.png"]
    assert "cut off" in report.problems[0][1]


def test_places_without_pictures_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no pictures here"):
        find(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no pictures in"):
        find(tmp_path)
    note = tmp_path / "note.txt"
    note.write_text("x")
    with pytest.raises(ValueError, match=r"a folder or from \.tar"):
        find(note)
    (tmp_path / "b.tar").write_bytes(b"not a tar at all" * 100)
    with pytest.raises(ValueError, match="no plain tar"):
        find(tmp_path / "b.tar")
    broken = write(tmp_path / "c", a__png=b"no picture")
    with pytest.raises(ValueError, match=r"no picture in .* a\.png: no kind of picture"):
        load_gallery(broken, Shape(8), tmp_path / "cache", workers=1)


# --- galleries, reports and the cache


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six good pictures (two the same, one small), two bad ones; four with captions."""
    place = tmp_path / "pictures"
    for i in range(5):
        image = plain((40 * i, 0, 0), (16 + i, 20))
        write(place, **{f"p{i}__png": encoded(image), f"p{i}__txt": ["girl", "女孩", "é"][i % 3]})
    (place / "p4.txt").unlink()
    write(place, small__png=encoded(plain((0, 0, 0), (4, 5))))  # as p0 when enlarged
    write(place, broken__png=b"junk", empty__jpg=b"")
    return place


def test_a_gallery_reports_what_it_found(folder: Path, tmp_path: Path) -> None:
    gallery, report = load_gallery(folder, Shape(8), tmp_path / "cache", workers=2)
    assert len(gallery) == report.used == 6
    assert report.found == 8
    assert dict(report.skipped) == {
        "broken.png": "no kind of picture that we read",
        "empty.jpg": "the file is empty",
    }
    assert report.without_caption == 2
    assert report.languages == {"English": 2, "Chinese": 1, "other": 1}
    assert report.sizes == ((4, 5), (20, 20))
    assert report.enlarged == 1
    assert report.duplicates == [("small.png", "p0.png")]
    text = "\n".join(report.lines())
    for part in ("8 pictures found, 6 used", "broken.png", "4x5 to 20x20", "small.png is p0.png"):
        assert part in text


def test_decoded_pictures_are_kept_and_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first, report = load_gallery(folder, Shape(8), cache, workers=1)
    assert first.pixels is not None
    assert sum(file.stat().st_size for file in cache.glob("*.pixels")) == 6 * 8 * 8 * 3
    with monkeypatch.context() as patch:
        patch.setattr("clipavatar.training.gallery.decode", None)  # not needed again
        again, same = load_gallery(folder, Shape(8), cache, workers=1)
    assert same == report
    assert np.array_equal(again.picture(3), first.picture(3))
    live, unknown = load_gallery(folder, Shape(8), cache / "none", gigabytes=0)
    assert live.pixels is None
    assert unknown.sizes is None
    good = [item.name for item in first.items]
    for index, item in enumerate(live.items):
        if item.name in good:
            assert np.array_equal(live.picture(index), first.picture(good.index(item.name)))
    write(folder, p1__png=encoded(plain(BLUE)))
    changed, _ = load_gallery(folder, Shape(8), cache, workers=1)
    assert not np.array_equal(changed.picture(1), first.picture(1))


def test_a_disk_that_fills_up_leaves_no_half_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clipavatar.training.gallery.json.dumps", full)
    with pytest.raises(OSError, match="No space left"):
        load_gallery(folder, Shape(8), tmp_path / "cache", workers=1)
    monkeypatch.undo()
    assert len(load_gallery(folder, Shape(8), tmp_path / "cache", workers=1)[0]) == 6


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
