"""What the prompt engine writes: descriptions as one would say them, templates, its refusals."""

import random

import pytest
from words import LANGUAGES, random_attributes, said

from clipavatar import lexicon
from clipavatar.prompts import check_text, describe, expand, templates


@pytest.mark.parametrize(
    ("row", "language", "text"),
    [
        ("", "en", "a cute chibi avatar"),
        ("", "zh", "一个可爱的Q版头像"),
        ("character=girl, hair=twin tails", "en", "a cute chibi girl with twin tails"),
        ("hair=twin tails, hair_colour=pink", "zh", "一个可爱的Q版头像，粉色双马尾"),
        ("hair=long hair, hair_colour=pink", "en", "a cute chibi avatar with long pink hair"),
        ("clothes_colour=red", "en", "a cute chibi avatar, wearing red clothes"),
        ("clothes_colour=red", "zh", "一个可爱的Q版头像，穿着红色衣服"),
        ("glasses=none", "en", "a cute chibi avatar with no glasses"),
        ("background=pink", "en", "a cute chibi avatar, on a pink background"),
        ("hair=bob, hair_colour=orange", "en", "a cute chibi avatar with an orange bob"),
        ("fringe=none", "en", "a cute chibi avatar with no fringe"),
        ("character=man, face=beard", "en", "a cute chibi man with a beard"),
        ("clothes=scarf, clothes_colour=red", "en", "a cute chibi avatar, wearing a red scarf"),
        ("hair_colour=black, hair_tips=pink", "zh", "一个可爱的Q版头像，黑色头发，粉色发尾"),
        (
            "character=cat, hair_colour=white, clothes=hoodie, clothes_colour=blue",
            "en",
            "a cute chibi white cat, wearing a blue hoodie",
        ),
        ("character=cat, hair_colour=white", "zh", "一只可爱的Q版白色小猫"),
        ("character=panda, head=beanie", "zh", "一只可爱的Q版熊猫，毛线帽"),
    ],
)
def test_a_description_reads_as_one_would_say_it(row: str, language: str, text: str) -> None:
    assert describe(said(row), language) == text


def test_an_animal_carries_its_colour_or_its_fur_does() -> None:
    attributes = said("character=fox, hair_colour=red, eye_colour=green")

    def fur(options: list[str]) -> str:
        return "fur" if "fur" in options else options[0]

    text = describe(attributes, "en", 0, fur)  # type: ignore[arg-type]
    assert text == "a cute chibi fox with red fur and green eyes"
    text = describe(attributes, "zh", 0, fur)  # type: ignore[arg-type]
    assert text == "一只可爱的Q版小狐狸，红色毛发，绿色眼睛"


def test_the_chinese_mood_does_not_pile_up_linkers() -> None:
    attributes = said("character=girl, expression=smiling, hair_colour=pink")
    for name in templates("zh"):
        assert describe(attributes, "zh", name).count("的") <= 2
    assert describe(attributes, "zh", "has") == "一个微笑的可爱Q版女孩，有着粉色头发"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_leaves_a_loose_end(language: str) -> None:
    rng = random.Random(1)
    for _ in range(300):
        attributes = random_attributes(rng, 0.3)
        for template in templates(language):
            text = describe(attributes, language, template, rng.choice)
            loose = ("  ", " ,", ",,", "，，", "{", "[", "(n)", "的的", "with,", "wearing,")
            assert not any(mark in text for mark in loose), text
            assert text == text.strip(" ,，、"), text
            assert not text.endswith((" with", " wearing", " on", "穿着", "有着")), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_templates_enough(language: str) -> None:
    assert len(lexicon.load_templates().sentences[language]) >= 4
    assert len(lexicon.load_templates().keywords[language]) >= 2
    assert templates("en") == templates("zh")


def test_expanding_keeps_every_word_and_leaves_the_background_out() -> None:
    expanded = expand("  cute girl with a wand, pink background ")
    assert expanded[-1] == "cute girl with a wand, pink background"
    assert len(expanded) >= 4
    assert not any("background" in prompt for prompt in expanded[:-1])
    assert expand("Q版 boy")[0] == "一个可爱的Q版男孩"
    assert expand("Q版 boy", "plain", "en")[0] == "a boy"


@pytest.mark.parametrize("text", ["", "   ", "\n", "a" * 2001, "😀😀", "123", "！？"])
def test_a_text_without_words_gets_one_clear_line(text: str) -> None:
    for function in (check_text, expand):
        with pytest.raises(ValueError, match=r"^the text ") as error:
            function(text)
        assert "\n" not in str(error.value)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="chibi, plain"):
        expand("girl", "oil painting")
    with pytest.raises(ValueError, match="en, zh"):
        describe({}, "fr")
    with pytest.raises(ValueError, match="portrait"):
        describe({}, "en", "sonnet")
    with pytest.raises(ValueError, match="portrait"):
        describe({}, "en", 99)
    with pytest.raises(ValueError, match="tail"):
        describe({"tail": "long"}, "en")
    with pytest.raises(ValueError, match="quiff"):
        describe({"hair": "quiff"}, "en")
