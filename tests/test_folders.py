"""A person's own pictures: what is found in folders and shards, reported and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import BLUE, encoded, plain, write, write_tar
from PIL import Image

from clipavatar.decode import Shape
from clipavatar.training.gallery import find, load_gallery


def captions(path: Path) -> dict[str, tuple[str, ...]]:
    return {item.name: item.captions for item in find(path).items}


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
