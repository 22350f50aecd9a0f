"""What people type, and what nobody would: understood, or refused in one line."""

import random
import tomllib
from pathlib import Path

import pytest
from words import said

from clipavatar import lexicon
from clipavatar.prompts import check_text, expand, understand

TABLE = tomllib.loads((Path(__file__).parent / "prompt_table.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_what_people_type_is_understood(language: str) -> None:
    rows = TABLE[language] + TABLE[language + "_nasty"]
    assert len(rows) == 150
    right, wrong = 0, []
    for text, row in rows:
        if row == "error":
            with pytest.raises(ValueError, match=r"^the text "):
                check_text(text)
            continue
        expected, heard = said(row), understand(text).attributes
        names = expected | heard
        misses = [name for name in names if expected.get(name) != heard.get(name)]
        right += len(names) - len(misses)
        wrong += [f"{text!r}: {name}={heard.get(name)}" for name in misses]
    share = right / (right + len(wrong))
    print(f"{language}: {share:.1%} of {right + len(wrong)} attributes are right")
    assert share >= 0.97, "\n".join(wrong)


def refusal(text: str) -> str:
    """Why expand() refuses `text`; "" if it does not. Anything but a ValueError is an error."""
    try:
        assert expand(text)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("language", ["english_nasty", "chinese_nasty"])
def test_a_nasty_text_is_expanded_or_refused_in_one_line(language: str) -> None:
    assert len(TABLE[language]) == 30
    for text, row in [*TABLE[language], ["girl " * 1000, "error"]]:
        assert refusal(text).startswith("the text ") == (row == "error"), text
        assert "\n" not in refusal(text)


def test_garbage_is_expanded_or_refused_whatever_it_is() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    words = hypothesis.strategies.sampled_from(sorted(lexicon.form_index()))
    pieces = hypothesis.strategies.one_of(words, hypothesis.strategies.text(max_size=9))

    @hypothesis.settings(max_examples=300, deadline=None, database=None)
    @hypothesis.given(hypothesis.strategies.lists(pieces, max_size=9))
    def check(parts: list[str]) -> None:
        for joint in ("", " "):
            understand(joint.join(parts))
            assert "\n" not in refusal(joint.join(parts))

    check()


def test_random_characters_never_raise_anything_but_a_value_error() -> None:
    rng = random.Random(4)
    ranges = [(0, 0x7F), (0x80, 0x24F), (0x2000, 0x206F), (0x3000, 0x303F), (0x4E00, 0x9FFF)]
    ranges += [(0xFE00, 0xFFEF), (0x1F300, 0x1FAFF), (0xD800, 0xDFFF)]
    for _ in range(1000):
        text = "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randrange(40)))
        assert "\n" not in refusal(text)


@pytest.mark.parametrize(
    "text", ["", "🙂", "a" * 5000, "no", "不", "red red red", "的的的", "İ ﷺ é"]
)
def test_no_text_whatever_is_a_traceback(text: str) -> None:
    understand(text)


def test_any_mixture_of_known_words_is_understood_without_an_error() -> None:
    rng, forms = random.Random(2), list(lexicon.form_index())
    for _ in range(2000):
        understand(rng.choice(["", " ", ", "]).join(rng.choices(forms, k=rng.randrange(1, 9))))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("狐狸男孩，红色卫衣", "character=boy, head=fox ears, clothes=hoodie, clothes_colour=red"),
        ("兔耳少女 双马尾", "character=girl, head=rabbit ears, hair=twin tails"),
        ("小猫男孩", "character=boy, head=cat ears"),
        ("kitsune boy", "character=boy, head=fox ears"),
        ("一只狐狸", "character=fox"),
    ],
)
def test_an_animal_child_is_a_child_with_its_ears(text: str, row: str) -> None:
    assert understand(text).attributes == said(row)
