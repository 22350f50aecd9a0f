"""`clipavatar evaluate --data`: a person's own folder, read as training reads it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TinyClip
from PIL import Image

from clipavatar.cli import main
from clipavatar.decode import Shape
from clipavatar.images import to_uint8
from clipavatar.metrics.captioned import load_captioned
from clipavatar.metrics.figures import measure_folder
from clipavatar.metrics.painting import Painter
from clipavatar.metrics.report import number
from clipavatar.metrics.results import Pair
from clipavatar.metrics.texts import Case, literal
from clipavatar.syntax import parse
from clipavatar.training.gallery import load_gallery
from clipavatar.variants import resolve

SHAPE = Shape(16)


def folder_of(place: Path, count: int) -> Path:
    place.mkdir(exist_ok=True)
    for index in range(count):
        Image.new("RGBA", (40, 30), (20 * index, 99, 50, 128)).save(place / f"{index}.png")
        (place / f"{index}.txt").write_text(f"girl number {index}")
    return place


def test_captions_stand_in_metadata_or_beside_the_picture(tmp_path):
    folder_of(tmp_path, 9)
    texts, pixels, notes = load_captioned(tmp_path, 100, SHAPE)
    assert {case.text for case in texts} == {f"girl number {index}" for index in range(9)}
    assert [case.seed for case in texts] == list(range(9))
    assert pixels.shape == (9, 16, 16, 3)
    assert notes == []
    rows = [{"file_name": f"{i}.png", "text": ["女孩", "a girl"]} for i in range(9)]
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    texts, _, _ = load_captioned(tmp_path, 100, SHAPE)
    assert [(case.text, case.language) for case in texts] == [("女孩", "zh")] * 9


def test_pictures_and_captions_are_those_that_training_sees(tmp_path):
    """Rotated by EXIF, of odd kinds, transparent; metadata below, with a BOM and odd line ends."""
    folder = folder_of(tmp_path / "data", 4)
    turned = Image.new("RGB", (40, 20), "red")
    turned.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    (folder / "below").mkdir()
    turned.save(folder / "below" / "a.jpg", exif=exif)
    for name in ("b.gif", "c.tif", "d.ppm", "e.bmp"):
        turned.save(folder / "below" / name)
    rows = [{"file_name": f"{n}", "text": f"a\u2028{n}"} for n in ("a.jpg", "b.gif", "c.tif")]
    rows += [{"file_name": n, "caption": n} for n in ("d.ppm", "e.bmp")]
    lines = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "below" / "metadata.jsonl").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    for channels in (3, 4):
        shape = Shape(16, channels)
        texts, pixels, notes = load_captioned(folder, 100, shape)
        gallery, _ = load_gallery(folder, shape, tmp_path / "cache", workers=1)
        trained = {gallery.says(row): gallery.picture(row) for row in range(len(gallery))}
        assert notes == []
        assert {case.text for case in texts} == trained.keys()
        assert "a a.jpg" in trained
        for case, picture in zip(texts, pixels, strict=True):
            assert np.array_equal(picture, trained[case.text])


def test_what_cannot_be_used_is_left_out_and_named(tmp_path):
    folder_of(tmp_path, 12)
    (tmp_path / "1.png").write_bytes(b"not a picture")
    (tmp_path / "2.png").write_bytes((tmp_path / "3.png").read_bytes()[:60])
    (tmp_path / "4.txt").unlink()
    (tmp_path / "5.txt").write_text("12345")
    texts, pixels, notes = load_captioned(tmp_path, 100, SHAPE)
    assert len(texts) == len(pixels) == 8
    together = " ".join(notes)
    assert all(f"{index}.png" in together for index in (1, 2, 4, 5))
    assert "1 left out, no kind of picture that we read: 1.png" in together
    assert "1 left out, there is no caption: 4.png" in together
    assert "1 left out, no caption can be asked for: 5.png" in together


def test_a_caption_that_cannot_be_asked_for_gives_way_to_the_next(tmp_path):
    folder_of(tmp_path, 8)
    (tmp_path / "3.txt").write_text("???\na fox\n")
    texts, _, notes = load_captioned(tmp_path, 100, SHAPE)
    assert "a fox" in {case.text for case in texts}
    assert notes == []


def test_a_part_of_a_folder_is_taken_from_all_of_it_and_always_the_same(tmp_path):
    for kind in "abc":
        folder_of(tmp_path / kind, 10)
        for index in range(10):
            (tmp_path / kind / f"{index}.txt").write_text(f"{kind} {index}")
    texts, pixels, _ = load_captioned(tmp_path, 12, SHAPE)
    assert len(texts) == len(pixels) == 12
    assert {case.text[0] for case in texts} == set("abc")
    again, same, _ = load_captioned(tmp_path, 12, SHAPE)
    assert again == texts
    assert torch.equal(pixels, same)


def test_too_few_pictures_are_told_in_one_line_with_the_reason(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load_captioned(tmp_path / "none", 9, SHAPE)
    with pytest.raises(ValueError, match="0 captioned pictures, 8 are the least") as error:
        load_captioned(tmp_path, 9, SHAPE)
    assert "\n" not in str(error.value)
    folder_of(tmp_path, 8)
    (tmp_path / "0.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"7 captioned .* that we read: 0\.png"):
        load_captioned(tmp_path, 9, SHAPE)


@pytest.mark.parametrize(
    "text",
    [
        "a {red|blue} apple",
        "__init__ file, __hair__",
        "a cat (left:1.3) [dog]",
        "one | two:0.5",
        r"a \ back\slash \(",
        "一只（猫｜狗）｛红｜蓝",
        "${name} {unclosed | brace",
    ],
)
def test_brackets_and_underscores_of_a_caption_mean_themselves(text):
    blend = parse(resolve(literal(text), seed=3))
    assert [(prompt.text, prompt.parts) for prompt in blend] == [
        (text.replace("｛", "{").replace("｝", "}"), ())
    ]


def captioned_folder(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for index, text in enumerate(["a girl", "猫耳 男孩", "red {hair", "a __fox__", "a bear"] * 3):
        bytes_ = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(bytes_).save(place / f"{index:02d}.png")
        (place / f"{index:02d}.txt").write_text(text, encoding="utf-8")
    return place


def test_a_folder_of_ones_own_has_no_accuracy_but_all_else(cli_pipeline, tmp_path, capsys):
    folder, sheet = captioned_folder(tmp_path / "data"), tmp_path / "sheet.png"
    (folder / "broken.png").write_bytes(b"")
    assert main(["evaluate", "--data", str(folder), "--sheet", str(sheet)]) == 0
    text = capsys.readouterr().out
    assert "pictures: 15, captions drawn: 7" in text
    assert "| R-precision image to text, % zh |" in text
    assert "| spread of one caption over that of several |" in text
    assert "| distance to training pictures |" in text
    assert "| distance to training pictures, nearest 5 % |" in text
    assert "1 left out, there is no caption: broken.png" in text
    assert "accuracy" not in text
    assert sheet.exists()


def test_a_generator_that_ignores_its_noise_is_seen_in_the_spread_of_one_caption():
    def painter(noise: float) -> Painter:
        def paint(case: Case) -> torch.Tensor:
            sources = [torch.Generator().manual_seed(n) for n in (len(case.text), case.seed)]
            words, chance = (torch.rand(3, 16, 16, generator=source) for source in sources)
            return 1.6 * torch.lerp(words, chance, noise) - 0.8

        return paint

    def measured(texts: list[str], noise: float) -> Pair:
        asked = [Case(text, "en", {}, seed) for seed, text in enumerate(texts)]
        true = torch.stack([to_uint8(painter(0.5)(case)) for case in asked])
        made = measure_folder(painter(noise), TinyClip(), asked, true)
        return made.figures["spread of one caption over that of several"]

    captions = ["girl" + " and girl" * count for count in range(9)]
    ignoring, alike, random = (measured(captions * 4, noise) for noise in (0, 0.5, 1))
    assert ignoring.model == pytest.approx(0, abs=1e-3)
    assert 0.3 < ignoring.true < 0.9
    assert alike.model == pytest.approx(alike.true, abs=0.2)
    assert random.model == pytest.approx(1, abs=0.2)
    assert math.isnan(measured(captions[:1] * 8, 1).model)  # no other caption to compare with
    assert number(measured(captions, 1).true) == "-"  # no caption has two pictures


def test_figures_that_cannot_be_written_are_printed_first(
    cli_pipeline, tmp_path, capsys, monkeypatch
):
    def full(path: str) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr("clipavatar.metrics.evaluate.replacing", full)
    folder = captioned_folder(tmp_path / "data")
    assert main(["evaluate", "--data", str(folder), "--json", str(tmp_path / "a.json")]) == 2
    printed = capsys.readouterr()
    assert "| Frechet distance |" in printed.out
    assert "a.json: No space left on device" in printed.err
    assert printed.err.strip().splitlines()[-1].startswith("clipavatar: error: ")


@pytest.mark.parametrize("option", ["--json", "--sheet"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_drawn(
    cli_pipeline, tmp_path, capsys, option
):
    (tmp_path / "file").write_text("")
    for place, words in (
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "file", "exists already; --force replaces it"),
        (tmp_path / "file" / "below", "file"),
        (Path("/proc/nowhere/figures"), "/proc/nowhere"),
    ):
        assert main(["evaluate", option, str(place)]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert cli_pipeline.asked == []
    both = str(tmp_path / "new")
    assert main(["evaluate", "--json", both, "--sheet", both]) == 2
    assert "cannot both be" in capsys.readouterr().err
