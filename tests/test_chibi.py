"""The art: any (attributes, noise) is one picture, and every attribute and every shape shows.

When the drawings change on purpose, `python tests/test_chibi.py` prints the new GOLDEN.
"""

import hashlib

import numpy as np
import pytest

from clipavatar.chibi.colours import COUNT, SQUARE, UNUSED, WORN, colours, palette
from clipavatar.chibi.dataset import art_version
from clipavatar.chibi.draw import pixels, svg
from clipavatar.chibi.sample import (
    ANIMALS,
    ASKED_FOR,
    CHOOSERS,
    HIDES,
    SAMPLING,
    SHAPES,
    Figure,
    figure,
)
from clipavatar.chibi.stream import drawn_of, figure_of
from clipavatar.chibi.tailoring import CREAM
from clipavatar.config import NOISE_SIZE

PLAIN = {"character": "girl", "hair": "bob", "expression": "smiling", "glasses": "none"}
GOLDEN = {
    "girl": "b5d106bd5138e1c5",
    "man": "cfdbfa77d9dc947c",
    "fox": "d2a63150ea6f60d0",
    "girl, 64 px": "40ace3a3b9650d69",
    "art": "2280263b",
}


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(NOISE_SIZE, dtype=np.float32)


def golden() -> dict[str, str]:
    """The first digits of the digests of three drawings and of one's pixels; the art's version."""

    def drawn(character: str) -> Figure:
        return figure({"character": character, "head": "bow"}, noise(7))

    made = {character: svg(drawn(character)).encode() for character in ("girl", "man", "fox")}
    made["girl, 64 px"] = pixels(drawn("girl"), 64).tobytes()
    digests = {name: hashlib.sha256(data).hexdigest()[:16] for name, data in made.items()}
    return digests | {"art": art_version()}


def test_every_value_of_every_attribute_changes_the_picture() -> None:
    for name, table in SAMPLING.items():
        drawn = {value: svg(figure({**PLAIN, name: value}, noise())) for value in table}
        same = [value for value in drawn if list(drawn.values()).count(drawn[value]) > 1]
        assert not same, (name, same)


def test_every_shape_entry_of_the_noise_changes_some_picture() -> None:
    def shows(entry: int) -> bool:
        for index in range(200):
            drawn = drawn_of(3, index)
            before, after = drawn.noise.copy(), drawn.noise.copy()
            before[entry], after[entry] = -1, 1
            if svg(figure(drawn.forced, before)) != svg(figure(drawn.forced, after)):
                return True
        return False

    assert [name for name, entry in SHAPES.items() if not shows(entry)] == []


def test_what_is_said_does_not_depend_on_its_chooser() -> None:
    for name, entry in CHOOSERS.items():
        value = next(iter(SAMPLING[name]))
        moved = noise(4).copy()
        moved[entry] += 3
        assert figure({name: value}, noise(4)) == figure({name: value}, moved)


def test_what_is_unsaid_follows_the_sampling_table() -> None:
    drawn = [figure({}, noise(i)).attributes for i in range(1500)]
    people = [row for row in drawn if row["character"] not in ANIMALS]
    for name, table in SAMPLING.items():
        rows = [row for row in (drawn if name == "character" else people) if name in row]
        rows = [row for row in rows if (name, row[name]) not in ASKED_FOR]
        total = sum(weight for value, weight in table.items() if (name, value) not in ASKED_FOR)
        for value, weight in table.items():
            if (name, value) not in ASKED_FOR:
                share = np.mean([row[name] == value for row in rows])
                assert abs(share - weight / total) < 0.045, (name, value, share)


def test_a_figure_lacks_what_its_values_hide_and_has_all_else() -> None:
    for index in range(300):
        attributes = figure_of(6, index).attributes
        hidden = {name for item in attributes.items() for name in HIDES.get(item, ())}
        assert set(attributes) == set(SAMPLING) - hidden


def test_the_noise_hides_nothing_that_is_said() -> None:
    for index in range(300):
        name = list(SAMPLING)[index % len(SAMPLING)]
        value = list(SAMPLING[name])[index % len(SAMPLING[name])]
        assert figure({name: value}, noise(index)).attributes[name] == value


def test_the_figure_is_transparent_around_and_fills_the_frame() -> None:
    for index in range(40):
        alpha = pixels(figure_of(5, index), 64)[..., 3]
        assert alpha[0, 0] == 0
        assert alpha[0, -1] == 0
        assert alpha[:, 32].max() == 255
        rows, columns = np.nonzero(alpha > 128)
        assert rows.min() <= 16
        assert rows.max() == 63
        assert columns.max() - columns.min() >= 34


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


def test_the_same_attributes_and_noise_draw_the_same_pixels() -> None:
    said = {"hair": "twin tails", "character": "girl"}
    assert (pixels(figure(said, noise(7)), 64) == pixels(figure(said, noise(7)), 64)).all()


def test_the_drawings_are_those_we_know() -> None:
    assert golden() == GOLDEN, "if that is meant: python tests/test_chibi.py prints the new GOLDEN"


def test_the_colours_that_have_names_are_most_of_what_is_drawn() -> None:
    near, count = 0.0, 0
    for index in range(40):
        one = figure_of(7, index)
        assert list(colours(one)) == list(colours(figure_of(7, 0)))
        picture = pixels(one, 128).reshape(-1, 4)
        seen = picture[picture[:, 3] == 255][:, None, :3] / 127.5 - 1
        far = np.abs(seen - palette(one)).mean(axis=2).min(axis=1)
        near, count = near + float((far < 0.06).sum()), count + len(far)
    assert near / count > 0.6
    assert palette(one).shape == (COUNT, 3)


def test_the_colours_of_what_is_worn_are_where_it_is_worn_and_nowhere_else() -> None:
    for attribute, values in WORN.items():
        for value, own in values.items():
            some = [figure({attribute: value, "character": "girl"}, noise(i)) for i in range(4)]
            drawn = np.concatenate([pixels(one, 160).reshape(-1, 4)[:, :3] for one in some])
            for colour in own:
                wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
                near = (np.abs(drawn.astype(int) - wanted) <= 4).all(axis=1)
                assert near.sum() >= 4, (attribute, value, colour)
    bare = figure(dict.fromkeys(("head", "glasses", "face", "earrings"), "none"), noise())
    worn = [c for name, c in colours(bare).items() if name.split(",")[0] in ("head", "glasses")]
    assert set(worn) == {UNUSED}


def test_square_frames_are_light_on_dark_skin_and_their_colours_say_so() -> None:
    for skin, frame in (("pale", SQUARE[False]), ("dark", SQUARE[True])):
        one = figure({"skin": skin, "glasses": "square glasses", "character": "boy"}, noise())
        assert (colours(one)["glasses, 1"], colours(one)["glasses, 2"]) == frame


def test_a_hanfu_has_bands_and_a_scarf_a_coat_of_their_own_colour_and_white_stays_white() -> None:
    seen = {
        worn: colours(figure({"clothes": worn, "clothes_colour": "grey"}, noise()))
        for worn in ("T-shirt", "hanfu", "scarf")
    }
    assert len({made["bands or coat"] for made in seen.values()}) == 3
    assert {made["white of cloth"] for made in seen.values()} == {CREAM.base}
    assert seen["T-shirt"]["bands or coat"] == CREAM.base  # nothing has two colours of its own


def test_animals_have_colours_of_muzzle_and_lips_and_people_have_none() -> None:
    for kind in ("cat", "dog", "rabbit", "bear", "panda", "fox", "girl"):
        made = colours(figure({"character": kind}, noise()))
        assert ({made["muzzle"], made["lips of animals"]} == {UNUSED}) == (kind == "girl")


if __name__ == "__main__":
    print("GOLDEN =", golden())
