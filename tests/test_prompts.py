"""What the prompt engine promises: it understands what is said, and writes what is asked."""

import random
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from clipavatar import backgrounds, lexicon
from clipavatar.chibi.sample import ANIMALS, HIDES, SAMPLING, figure
from clipavatar.config import NOISE_SIZE
from clipavatar.prompts import check_text, describe, expand, load_lexicon, templates, understand

FOLDER = Path(__file__).parent.parent / "prompts"
LANGUAGES = ("en", "zh")


def said(row: str) -> dict[str, str]:
    """ "hair=bob, head=bow" as a dict."""
    return dict(pair.split("=") for pair in row.split(", ")) if row else {}


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


def random_attributes(rng: random.Random, share: float) -> dict[str, str]:
    """Some of the attributes of a random figure, and at times a background."""
    noise = np.array([rng.gauss(0, 1) for _ in range(NOISE_SIZE)], np.float32)
    attributes = figure({}, noise).attributes
    if rng.random() < 0.3:
        attributes["background"] = rng.choice(list(load_lexicon().attributes["background"]))
    return {name: attributes[name] for name in attributes if rng.random() < share}


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
