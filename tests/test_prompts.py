"""What the prompt engine promises: it understands what is said, and writes what is asked."""

import random
import time
import tomllib
from pathlib import Path

import pytest

from clipavatar import lexicon
from clipavatar.prompts import check_text, describe, expand, load_lexicon, templates, understand

FOLDER = Path(__file__).parent.parent / "prompts"
LANGUAGES = ("en", "zh")


def said(row: str) -> dict[str, str]:
    """ "hair=bob, head=bow" as a dict."""
    return dict(pair.split("=") for pair in row.split(", ")) if row else {}


ENGLISH = [
    ("cute girl, twin tails", "character=girl, hair=twin tails"),
    ("boy", "character=boy"),
    ("a boy with glasses", "character=boy, glasses=glasses"),
    ("boy, blonde", "character=boy, hair_colour=blonde"),
    ("boy, pink", "character=boy, hair_colour=pink"),
    ("long pink hair", "hair=long hair, hair_colour=pink"),
    ("short curly red hair", "hair=curly hair, hair_colour=red"),
    ("spiky black hair", "hair=spiky hair, hair_colour=black"),
    ("long ponytail", "hair=ponytail"),
    ("pink twin tails and blue eyes", "hair=twin tails, hair_colour=pink, eye_colour=blue"),
    ("blue-eyed girl", "character=girl, eye_colour=blue"),
    ("silver-haired boy", "character=boy, hair_colour=silver"),
    ("short-haired girl", "character=girl, hair=short hair"),
    ("her eyes are green", "character=girl, eye_colour=green"),
    ("hair is pink, eyes are blue", "hair_colour=pink, eye_colour=blue"),
    ("hair pink eyes blue", "hair_colour=pink, eye_colour=blue"),
    ("white hair", "hair_colour=silver"),
    ("redhead girl", "character=girl, hair_colour=red"),
    ("amber eyes", "eye_colour=golden"),
    ("a red hoodie", "clothes=hoodie, clothes_colour=red"),
    ("girl in red", "character=girl, clothes_colour=red"),
    ("wearing a white t-shirt", "clothes=T-shirt, clothes_colour=white"),
    ("blue sailor uniform", "clothes=sailor uniform, clothes_colour=blue"),
    ("pink background", "background=pink"),
    ("on a yellow background", "background=yellow"),
    ("background: blue", "background=blue"),
    ("girl on the beach", "character=girl, background=beach"),
    ("under a starry night sky", "background=starry night"),
    ("cherry blossoms", "background=cherry blossom"),
    ("transparent background", "background=transparent"),
    ("no glasses", "glasses=none"),
    ("without any glasses", "glasses=none"),
    ("without a bow", "head=none"),
    ("no cat ears but a bow", "head=bow"),
    ("no glasses or bow", "glasses=none, head=none"),
    ("not smiling", ""),
    ("no pink hair", ""),
    ("not black hair but pink hair", "hair_colour=pink"),
    ("smiling girl with tan skin", "character=girl, expression=smiling, skin=tan"),
    ("dark-skinned boy with dark hair", "character=boy, hair_colour=black, skin=dark"),
    ("winking catgirl", "head=cat ears, expression=winking"),
    ("bunny ears", "head=rabbit ears"),
    ("GIRL, HOODIE", "character=girl, clothes=hoodie"),
    ("girls with hoodies", "character=girl, clothes=hoodie"),
    ("pink fluffyy hair", "hair_colour=pink"),
    ("pink bow", "head=bow"),
    ("red hat", ""),
    ("a red dress", "clothes_colour=red"),
]

CHINESE = [
    (
        "双马尾 粉色头发 戴眼镜 的女孩",
        "character=girl, hair=twin tails, hair_colour=pink, glasses=glasses",
    ),
    ("银发 猫耳 女孩", "character=girl, hair_colour=silver, head=cat ears"),
    ("粉发", "hair_colour=pink"),
    ("粉色 元气 女孩", "character=girl, hair_colour=pink"),
    ("粉毛萌妹", "character=girl, hair_colour=pink"),
    ("银色短发", "hair=short hair, hair_colour=silver"),
    ("粉色双马尾蓝眼睛", "hair=twin tails, hair_colour=pink, eye_colour=blue"),
    ("蓝瞳", "eye_colour=blue"),
    ("金发碧眼的少女", "character=girl, hair_colour=blonde, eye_colour=blue"),
    ("头发粉色 眼睛蓝色", "hair_colour=pink, eye_colour=blue"),
    ("头发是粉色的，眼睛是绿色的", "hair_colour=pink, eye_colour=green"),
    ("长长的棕色头发", "hair=long hair, hair_colour=brown"),
    ("正太，刺猬头", "character=boy, hair=spiky hair"),
    ("红色卫衣", "clothes=hoodie, clothes_colour=red"),
    ("穿着白T恤的男孩", "character=boy, clothes=T-shirt, clothes_colour=white"),
    ("穿红色衣服", "clothes_colour=red"),
    ("蓝色水手服", "clothes=sailor uniform, clothes_colour=blue"),
    ("粉色背景", "background=pink"),
    ("背景为蓝色", "background=blue"),
    ("星空背景", "background=starry night"),
    ("透明背景", "background=transparent"),
    ("不戴眼镜", "glasses=none"),
    ("没有猫耳", "head=none"),
    ("不要蝴蝶结", "head=none"),
    ("小麦色皮肤", "skin=tan"),
    ("白皙皮肤的男生", "character=boy, skin=light"),
    ("不开心的女生", "character=girl, expression=sad"),
    ("雙馬尾、藍色眼睛、戴眼鏡", "hair=twin tails, eye_colour=blue, glasses=glasses"),
    ("金髮，貓耳，水手服", "hair_colour=blonde, head=cat ears, clothes=sailor uniform"),
]

MIXED = [
    ("Q版 boy", "character=boy"),
    ("Ｑ版　ｇｉｒｌ，微笑", "character=girl, expression=smiling"),
    ("cute 女孩 with 猫耳", "character=girl, head=cat ears"),
    ("pink双马尾", "hair=twin tails, hair_colour=pink"),
    ("粉色 hoodie", "clothes=hoodie, clothes_colour=pink"),
    ("boy戴眼镜", "character=boy, glasses=glasses"),
    ("JK少女 blue eyes", "character=girl, eye_colour=blue, clothes=sailor uniform"),
]


@pytest.mark.parametrize(("text", "row"), ENGLISH + CHINESE + MIXED)
def test_a_text_means_the_attributes_it_names(text: str, row: str) -> None:
    assert understand(text).attributes == said(row)


def random_attributes(rng: random.Random, share: float) -> dict[str, str]:
    values = {name: list(words) for name, words in load_lexicon().attributes.items()}
    return {name: rng.choice(values[name]) for name in values if rng.random() < share}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_described_is_understood(language: str) -> None:
    rng = random.Random(0)
    for number in range(300):
        attributes = random_attributes(rng, 1.0 if number % 2 else 0.5)
        for template in templates(language):
            style = rng.choice(["chibi", "plain"])
            text = describe(attributes, language, template, rng.choice, style)
            heard = understand(text)
            assert heard.attributes == attributes, text
            assert (heard.unknown, heard.conflicts) == ((), ()), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_written_form_is_understood_in_its_sentence(language: str) -> None:
    for attribute, values in load_lexicon().attributes.items():
        for value, words in values.items():
            assert words.written(language), (attribute, value)
            for form in words.written(language):

                def pick(options: list[str], form: str = form) -> str:
                    return next((option for option in options if form in option), options[0])

                text = describe({attribute: value}, language, 0, pick)  # type: ignore[arg-type]
                assert form in text
                assert understand(text).attributes == {attribute: value}, text


@pytest.mark.parametrize(
    "text", ["bored", "address", "blackboard", "tired", "elbow", "黑板", "红帽", "面粉", "发光"]
)
def test_a_word_inside_another_is_not_heard(text: str) -> None:
    assert understand(text).attributes == {}
    assert understand(text).unknown == (text,)


def test_unknown_words_are_reported_and_small_words_are_not() -> None:
    assert understand("a cute chibi girl with a wand and 可爱的 头像").unknown == ("wand",)
    assert understand("一个可爱的Q版女孩，拿着魔杖").unknown == ("拿", "魔杖")
    assert understand("拿魔杖的女孩").unknown == ("拿魔杖",)
    assert understand("red hat").unknown == ("red", "hat")
    assert understand("orange hoodie").unknown == ("orange",)
    assert understand("a red dress").unknown == ("dress",)


def test_the_last_of_two_values_wins_and_says_so() -> None:
    heard = understand("ponytail, twin tails")
    assert heard.attributes == {"hair": "twin tails"}
    (line,) = heard.conflicts
    assert "'twin tails' is used" in line
    assert understand("long hair in a ponytail").conflicts == ()


def test_the_language_is_chinese_where_a_chinese_character_stands() -> None:
    assert understand("Q版 boy").language == "zh"
    assert understand("boy").language == "en"


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
    ],
)
def test_a_description_reads_as_one_would_say_it(row: str, language: str, text: str) -> None:
    assert describe(said(row), language) == text


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
    with pytest.raises(ValueError, match="beard"):
        describe({"beard": "long"}, "en")
    with pytest.raises(ValueError, match="mohawk"):
        describe({"hair": "mohawk"}, "en")


def test_a_wrong_key_in_the_lexicon_is_refused_by_name() -> None:
    data = tomllib.loads((FOLDER / "lexicon.toml").read_text(encoding="utf-8"))
    data["attribute"]["hair"]["bob"]["fr"] = ["carré"]
    with pytest.raises(ValueError, match=r"attribute\.hair\.bob: unknown key 'fr'"):
        lexicon.read_lexicon(data)


def test_the_lexicon_has_five_hundred_forms() -> None:
    data = tomllib.loads((FOLDER / "lexicon.toml").read_text(encoding="utf-8"))
    tables = [*data["colour"].values(), *data["noun"].values()]
    tables += [table for values in data["attribute"].values() for table in values.values()]
    forms = [form for table in tables for x in table.values() if isinstance(x, list) for form in x]
    assert len(forms) >= 500


@pytest.mark.parametrize(
    "text", ["", "🙂", "a" * 5000, "no", "不", "red red red", "的的的", "İ ﷺ é"]
)
def test_no_text_whatever_is_a_traceback(text: str) -> None:
    understand(text)


def test_any_mixture_of_known_words_is_understood_without_an_error() -> None:
    rng, forms = random.Random(2), list(lexicon.form_index())
    for _ in range(2000):
        understand(rng.choice(["", " ", ", "]).join(rng.choices(forms, k=rng.randrange(1, 9))))


def test_understanding_takes_less_than_two_milliseconds() -> None:
    text = "cute girl with pink twin tails and blue eyes, wearing a red hoodie, 粉色背景"
    understand(text)
    start = time.process_time()
    for _ in range(100):
        understand(text)
    assert (time.process_time() - start) / 100 < 0.002
