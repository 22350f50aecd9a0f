"""The art: any (attributes, noise) is one picture, every attribute shows, captions say it."""

import hashlib
import json

import numpy as np
import pytest

from clipavatar.chibi.caption import caption, random_subset
from clipavatar.chibi.dataset import figure_of, load_pictures, noise_of, render_dataset
from clipavatar.chibi.draw import pixels, svg
from clipavatar.chibi.sample import CHOOSERS, SAMPLING, SHAPES, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.prompts import load_lexicon, understand


def noise(seed: int = 0) -> np.ndarray:
    return noise_of(0, seed)


def test_the_same_attributes_and_noise_draw_the_same_bytes() -> None:
    drawn = svg(figure({"hair": "twin tails", "character": "girl"}, noise(7)))
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == "77279b40070a05ac"
    again = pixels(figure({"hair": "twin tails", "character": "girl"}, noise(7)), 64)
    assert (
        again == pixels(figure({"hair": "twin tails", "character": "girl"}, noise(7)), 64)
    ).all()


def test_every_value_of_every_attribute_changes_the_picture() -> None:
    for name, table in SAMPLING.items():
        said = {"expression": "smiling"} if name == "eye_colour" else {}
        drawn = [svg(figure({**said, name: value}, noise())) for value in table]
        assert len(set(drawn)) == len(table), name


def test_every_shape_entry_of_the_noise_changes_some_picture() -> None:
    for name, entry in SHAPES.items():
        changed = False
        for hair in SAMPLING["hair"]:
            for head in SAMPLING["head"]:
                before, after = noise(3).copy(), noise(3).copy()
                before[entry], after[entry] = -1, 1
                said = {"hair": hair, "head": head}
                changed |= svg(figure(said, before)) != svg(figure(said, after))
        assert changed, name


def test_what_is_said_does_not_depend_on_its_chooser() -> None:
    for name, entry in CHOOSERS.items():
        value = next(iter(SAMPLING[name]))
        moved = noise(4).copy()
        moved[entry] += 3
        assert figure({name: value}, noise(4)) == figure({name: value}, moved)


def test_what_is_unsaid_follows_the_sampling_table() -> None:
    drawn = [figure_of(11, i).attributes for i in range(2000)]
    for name, table in SAMPLING.items():
        for value, weight in table.items():
            share = np.mean([row[name] == value for row in drawn])
            assert abs(share - weight) < 0.045, (name, value, share)


def test_the_figure_is_transparent_around_and_fills_the_frame() -> None:
    for index in range(40):
        alpha = pixels(figure_of(5, index), 64)[..., 3]
        assert alpha[0, 0] == 0
        assert alpha[0, -1] == 0
        assert alpha[:, 32].max() == 255
        rows, columns = np.nonzero(alpha > 128)
        assert rows.min() <= 16
        assert rows.max() == 63
        assert columns.max() - columns.min() >= 38


def test_colour_never_exceeds_alpha() -> None:
    made = pixels(figure_of(5, 1), 64)
    assert (made[..., :3] <= made[..., 3:]).all()


@pytest.mark.parametrize(
    ("said", "message"),
    [({"hair": "mohawk"}, "unknown hair 'mohawk'"), ({"tail": "long"}, "unknown attribute 'tail'")],
)
def test_an_unknown_value_is_refused_by_name(said: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        figure(said, noise())


def test_a_noise_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=f"shape \\({NOISE_SIZE},\\)"):
        figure({}, noise()[:-1])


def test_captions_say_exactly_the_attributes_they_were_given() -> None:
    rng = np.random.default_rng(0)
    for index in range(200):
        said = random_subset(figure_of(2, index).attributes, rng)
        for language in ("en", "zh"):
            assert understand(caption(said, language, rng)).attributes == said


def test_the_lexicon_and_the_sampling_table_know_the_same_values() -> None:
    words = load_lexicon().attributes
    for name, table in SAMPLING.items():
        assert set(table) == set(words[name]), name


def test_render_writes_an_image_folder_and_goes_on_where_it_stopped(tmp_path) -> None:
    folder = render_dataset(tmp_path / "set", 6, size=32, workers=1)
    first = (folder / "000003.png").read_bytes()
    (folder / "000003.png").unlink()
    (folder / "metadata.jsonl").unlink()
    render_dataset(folder, 6, size=32, workers=1, sheet=tmp_path / "sheet.png")
    assert (folder / "000003.png").read_bytes() == first
    assert (tmp_path / "sheet.png").exists()
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert [line["file_name"] for line in lines] == [f"{i:06d}.png" for i in range(6)]
    redrawn = figure({}, np.array(lines[2]["noise"], np.float32)).attributes
    assert redrawn == lines[2]["attributes"]
    assert len(lines[2]["text"]) == 4


def test_render_refuses_sizes_out_of_range(tmp_path) -> None:
    with pytest.raises(ValueError, match="size must be a whole number from 16 to 4096, not 0"):
        render_dataset(tmp_path, 3, size=0)


def test_the_cache_of_pictures_gives_what_was_drawn(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 4)
    pictures = load_pictures(6, 16, 9, tmp_path, workers=0)
    assert (pictures.pixels(np.array([5]))[0] == pixels(figure_of(9, 5), 16)).all()
    assert pictures.attributes(5) == figure_of(9, 5).attributes
