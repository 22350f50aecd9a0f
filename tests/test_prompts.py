"""What the prompt engine understands of what is said, and the lexicon it has it from."""

import random
import time
import tomllib
from pathlib import Path

import pytest
from words import LANGUAGES, random_attributes, said

from clipavatar import backgrounds, lexicon
from clipavatar.chibi.sample import ANIMALS, HIDES, SAMPLING
from clipavatar.prompts import describe, load_lexicon, templates, understand

FOLDER = Path(__file__).parent.parent / "prompts"


ENGLISH = [
    ("cute girl, twin tails", "character=girl, hair=twin tails"),
    ("boy", "character=boy"),
    ("a boy with glasses", "character=boy, glasses=round glasses"),
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
    ("white hair", "hair_colour=white"),
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
    ("winking catgirl", "character=girl, head=cat ears, expression=winking"),
    ("bunny ears", "head=rabbit ears"),
    ("GIRL, HOODIE", "character=girl, clothes=hoodie"),
    ("girls with hoodies", "character=girl, clothes=hoodie"),
    ("pink fluffyy hair", "hair_colour=pink"),
    ("pink bow", "head=bow"),
    ("red hat", "head=cap"),
    ("a red dress", "clothes=dress, clothes_colour=red"),
]

CHINESE = [
    (
        "双马尾 粉色头发 戴眼镜 的女孩",
        "character=girl, hair=twin tails, hair_colour=pink, glasses=round glasses",
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
    ("雙馬尾、藍色眼睛、戴眼鏡", "hair=twin tails, eye_colour=blue, glasses=round glasses"),
    ("金髮，貓耳，水手服", "hair_colour=blonde, head=cat ears, clothes=sailor uniform"),
]

MIXED = [
    ("Q版 boy", "character=boy"),
    ("Ｑ版　ｇｉｒｌ，微笑", "character=girl, expression=smiling"),
    ("cute 女孩 with 猫耳", "character=girl, head=cat ears"),
    ("pink双马尾", "hair=twin tails, hair_colour=pink"),
    ("粉色 hoodie", "clothes=hoodie, clothes_colour=pink"),
    ("boy戴眼镜", "character=boy, glasses=round glasses"),
    ("JK少女 blue eyes", "character=girl, eye_colour=blue, clothes=sailor uniform"),
]


@pytest.mark.parametrize(("text", "row"), ENGLISH + CHINESE + MIXED)
def test_a_text_means_the_attributes_it_names(text: str, row: str) -> None:
    assert understand(text).attributes == said(row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_described_is_understood(language: str) -> None:
    rng, names = random.Random(0), templates(language)
    for number in range(2000):
        attributes = random_attributes(rng, 1.0 if number % 3 == 0 else 0.5)
        style = rng.choice(["chibi", "plain"])
        text = describe(attributes, language, names[number % len(names)], rng.choice, style)
        heard = understand(text)
        assert heard.attributes == attributes, text
        assert (heard.unknown, heard.conflicts) == ((), ()), text


def test_the_lexicon_and_the_sampling_table_know_the_same_values() -> None:
    known = load_lexicon().attributes
    assert list(known) == [*SAMPLING, "background"]
    for attribute, values in SAMPLING.items():
        assert set(known[attribute]) == set(values), attribute
    assert set(known["background"]) == set(backgrounds.names())


def test_what_hides_what_is_the_same_in_the_lexicon_and_in_the_drawing() -> None:
    hides = {
        (attribute, value): set(words.hides)
        for attribute, values in load_lexicon().attributes.items()
        for value, words in values.items()
        if words.hides
    }
    assert hides == {pair: set(names) for pair, names in HIDES.items()}
    animals = load_lexicon().nouns["animal"].values
    assert set(animals) == set(ANIMALS)


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
    "text",
    [
        "bored",
        "address",
        "blackboard",
        "hundred",
        "elbow",
        "catalogue",
        "capital",
        "黑板",
        "热狗",
        "面粉",
        "发光",
    ],
)
def test_a_word_inside_another_is_not_heard(text: str) -> None:
    assert understand(text).attributes == {}
    assert understand(text).unknown == (text,)


def test_unknown_words_are_reported_and_small_words_are_not() -> None:
    assert understand("a cute chibi girl with a wand and 可爱的 头像").unknown == ("wand",)
    assert understand("一个可爱的Q版女孩，拿着魔杖").unknown == ("拿", "魔杖")
    assert understand("拿魔杖的女孩").unknown == ("拿魔杖",)
    assert understand("purple witch hat, bob").unknown == ("purple",)
    assert understand("golden crown, silver earrings").unknown == ()
    assert understand("gold beard, green tips").unknown == ("gold", "green")
    assert understand("a red coat").unknown == ("coat",)
    assert understand("girl with bear ears and jeans").unknown == ("bear ears", "jeans")


def test_the_last_of_two_values_wins_and_says_so() -> None:
    heard = understand("ponytail, twin tails")
    assert heard.attributes == {"hair": "twin tails"}
    (line,) = heard.conflicts
    assert "'twin tails' is used" in line
    assert understand("long hair in a ponytail").conflicts == ()
    assert understand("bald, twin tails").attributes == {"hair": "twin tails"}


@pytest.mark.parametrize(
    ("text", "row", "left_out"),
    [
        ("panda with pink hair", "character=panda", "hair colour: 'pink'"),
        ("粉色的熊猫", "character=panda", "hair colour: 'pink'"),
        ("braids on a cat", "character=cat", "hair: 'braids'"),
        ("bald with blunt bangs", "hair=bald", "fringe: 'blunt'"),
        ("blue eyes, sunglasses", "glasses=sunglasses", "eye colour: 'blue'"),
        ("laughing girl with red eyes", "character=girl, expression=laughing", "eye colour"),
    ],
)
def test_what_cannot_be_shown_is_left_out_and_named(text: str, row: str, left_out: str) -> None:
    heard = understand(text)
    assert heard.attributes == said(row)
    (line,) = heard.conflicts
    assert line.startswith(left_out)
    assert "is left out" in line


def test_no_text_names_what_the_figure_cannot_show() -> None:
    rng, forms = random.Random(3), list(lexicon.form_index())
    for _ in range(1000):
        heard = understand(", ".join(rng.choices(forms, k=8))).attributes
        for attribute, value in heard.items():
            hidden = HIDES.get((attribute, value), ())
            assert not set(hidden) & set(heard), heard


def test_what_is_absent_on_an_animal_goes_without_a_line() -> None:
    heard = understand("a cat with no beard and no earrings")
    assert (heard.attributes, heard.conflicts) == ({"character": "cat"}, ())


def test_a_person_is_drawn_and_not_their_pet() -> None:
    heard = understand("a girl with a white cat")
    assert heard.attributes == {"character": "girl"}
    (line,) = heard.conflicts
    assert "'girl' is used" in line


def test_the_language_is_chinese_where_a_chinese_character_stands() -> None:
    assert understand("Q版 boy").language == "zh"
    assert understand("boy").language == "en"


def test_a_wrong_key_in_the_lexicon_is_refused_by_name() -> None:
    data = tomllib.loads((FOLDER / "lexicon.toml").read_text(encoding="utf-8"))
    data["attribute"]["hair"]["bob"]["fr"] = ["carré"]
    with pytest.raises(ValueError, match=r"attribute\.hair\.bob: unknown key 'fr'"):
        lexicon.read_lexicon(data)


def test_the_lexicon_has_five_thousand_forms() -> None:
    data = tomllib.loads((FOLDER / "lexicon.toml").read_text(encoding="utf-8"))
    tables = [*data["colour"].values(), *data["noun"].values()]
    tables += [table for values in data["attribute"].values() for table in values.values()]
    forms = [
        form
        for table in tables
        for key, words in table.items()
        if key.startswith(LANGUAGES)
        for form in words
    ]
    assert len(forms) >= 5000


def test_understanding_takes_less_than_two_milliseconds() -> None:
    text = "cute girl with pink twin tails and blue eyes, wearing a red hoodie, 粉色背景"
    understand(text)
    start = time.process_time()
    for _ in range(100):
        understand(text)
    assert (time.process_time() - start) / 100 < 0.002


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("lexicon.toml", "zh_heard = ", "zh_herd = ", r"lexicon\.toml, line \d+: .*'zh_herd'"),
        ("lexicon.toml", "zh_heard = ", "zh_heard : ", r"lexicon\.toml: .*line \d+"),
        ("templates.toml", "nobody = ", "nobodi = ", r"templates\.toml, line \d+: .*'nobodi'"),
    ],
)
def test_a_typo_in_a_file_of_words_is_named_with_file_and_line(
    monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str, message: str
) -> None:
    text = lexicon._data(name).replace(old, new, 1)
    monkeypatch.setattr(lexicon, "_data", lambda _: text)
    read = {"lexicon.toml": lexicon.load_lexicon, "templates.toml": lexicon.load_templates}[name]
    with pytest.raises(ValueError, match=message):
        read.__wrapped__()


def test_a_word_that_is_a_hair_colour_by_itself_needs_no_noun_that_we_know() -> None:
    assert understand("blonde elf princess, green eyes").attributes["hair_colour"] == "blonde"
    assert "hair_colour" not in understand("a red dragon girl").attributes
