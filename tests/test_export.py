"""The art as files: an image folder or shards, resumable, in the same bytes each time."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipavatar.chibi.draw import render
from clipavatar.chibi.export import render_dataset
from clipavatar.chibi.sample import figure
from clipavatar.chibi.split import held_out_pairs


def test_render_writes_an_image_folder_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "set", 6, size=32, workers=1)
    first = (folder / "000003.png").read_bytes()
    untouched = (folder / "000002.png").stat().st_mtime_ns
    (folder / "000003.png").unlink()
    (folder / "metadata.jsonl").unlink()
    render_dataset(folder, 6, size=32, workers=1, sheet=tmp_path / "sheet.png")
    assert (folder / "000003.png").read_bytes() == first
    assert (folder / "000002.png").stat().st_mtime_ns == untouched
    assert (tmp_path / "sheet.png").exists()
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert [line["file_name"] for line in lines] == [f"{i:06d}.png" for i in range(6)]
    assert all(next(iter(line)) == "file_name" for line in lines)
    assert lines[2]["languages"] == ["en", "en", "zh", "zh"]
    assert len(lines[2]["text"]) == len(lines[2]["negatives"]) == 4


def test_the_sheet_shows_whole_captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def spy(pictures: list[Image.Image], labels: list[str]) -> Image.Image:
        written.extend(labels)
        return pictures[0]

    monkeypatch.setattr("clipavatar.images.contact_sheet", spy)
    folder = render_dataset(tmp_path / "set", 4, size=16, workers=1, sheet=tmp_path / "sheet.png")
    lines = (folder / "metadata.jsonl").read_text().splitlines()
    captions = [json.loads(line)["text"][0] for line in lines]
    assert [label.replace("\n", " ") for label in written] == captions
    assert max(len(line) for label in written for line in label.split("\n")) <= 28


def test_a_line_of_metadata_draws_the_very_picture_again(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path, 4, size=32, workers=1)
    for line in (folder / "metadata.jsonl").read_text().splitlines():
        row = json.loads(line)
        said = {name: row["attributes"][name] for name in row["said"]}
        again = render(figure(said, np.array(row["noise"], np.float32)), 32)
        assert again.tobytes() == Image.open(folder / row["file_name"]).tobytes()


def test_shards_hold_the_same_pictures_in_the_same_bytes(tmp_path: Path) -> None:
    loose = render_dataset(tmp_path / "loose", 5, size=32, workers=1)
    one = render_dataset(tmp_path / "one", 5, size=32, workers=1, shards=2)
    two = render_dataset(tmp_path / "two", 5, size=32, workers=2, shards=2)
    names = [f"{i:06d}.tar" for i in range(3)]
    assert sorted(path.name for path in one.glob("*.tar")) == names
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes()
    with tarfile.open(one / names[1]) as shard:
        assert shard.getnames() == [
            f"00000{i}.{end}" for i in (2, 3) for end in ("png", "json", "txt")
        ]
        assert shard.extractfile("000003.png").read() == (loose / "000003.png").read_bytes()
        row = json.load(shard.extractfile("000003.json"))
        assert shard.extractfile("000003.txt").read().decode() in row["text"]


def test_a_complete_shard_is_not_drawn_again_and_a_longer_run_fills_the_last(
    tmp_path: Path,
) -> None:
    folder = render_dataset(tmp_path, 3, size=16, workers=1, shards=2)
    untouched = (folder / "000000.tar").stat().st_mtime_ns
    render_dataset(folder, 4, size=16, workers=1, shards=2)
    assert (folder / "000000.tar").stat().st_mtime_ns == untouched
    with tarfile.open(folder / "000001.tar") as shard:
        assert len(shard.getnames()) == 6


def test_the_held_out_split_is_another_set(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path, 3, size=16, workers=1, split="held-out")
    for line in (folder / "metadata.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert held_out_pairs({name: row["attributes"][name] for name in row["said"]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be a whole number from 16 to 4096, not 0"),
        ({"split": "test"}, r"unknown split 'test' \(known: training, held-out\)"),
        ({"shards": -1}, "shards must be a whole number from 0 to 1000000, not -1"),
    ],
)
def test_render_refuses_options_out_of_range(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render_dataset(tmp_path, 3, **options)


def test_render_never_mixes_pictures_of_two_kinds(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "set", 2, size=16, workers=1)
    with pytest.raises(ValueError, match="holds pictures of size 16, not 32"):
        render_dataset(folder, 2, size=32, workers=1)
    with pytest.raises(ValueError, match="holds more than 1 pictures"):
        render_dataset(folder, 1, size=16, workers=1)
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(ValueError, match="is not empty and holds no data set of ours"):
        render_dataset(tmp_path, 2, size=16, workers=1)
