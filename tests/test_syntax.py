"""Weights, blends, choices and wildcards."""

import random

import pytest

from clipavatar.explain import explain
from clipavatar.prompts import check_text, expand
from clipavatar.syntax import attributes, parse
from clipavatar.variants import every_text, resolve
from clipavatar.wildcards import wildcard_files


def weights(text):
    """(plain text, {part: weight}) of a text that is no blend."""
    (prompt,) = parse(text)
    return prompt.text, {part.text: part.weight for part in prompt.parts}


class TestWeights:
    @pytest.mark.parametrize(
        ("text", "plain", "parts"),
        [
            ("normal text", "normal text", {}),
            ("an (important) word", "an important word", {"important": 1.1}),
            ("an [unimportant] word", "an unimportant word", {"unimportant": 0.909091}),
            ("a (hat:1.3)", "a hat", {"hat": 1.3}),
            ("a (hat : 1.3 )", "a hat", {"hat": 1.3}),
            ("a ((hat))", "a hat", {"hat": 1.21}),
            ("a [[hat]]", "a hat", {"hat": 0.826446}),
            ("a ([hat])", "a hat", {}),
            ("(a (hill:0.5), sun)", "a hill, sun", {"a": 1.1, "hill": 0.55, "sun": 1.1}),
            ("(((house:1.3)) here)", "house here", {"house": 1.573, "here": 1.1}),
            ("（粉色头发：1.3）女孩", "粉色头发女孩", {"粉色头发": 1.3}),
            ("a (hat:9)", "a hat", {"hat": 3.0}),
            ("girl, (hat:0), shoes", "girl, shoes", {}),
            ("girl, (hat:-2), shoes", "girl, shoes", {}),
            ("a (hat:1.2.3)", "a hat:1.2.3", {"hat:1.2.3": 1.1}),
        ],
    )
    def test_mean_what_they_mean_in_the_web_ui(self, text, plain, parts):
        assert weights(text) == (plain, parts)

    @pytest.mark.parametrize(
        "text",
        [
            *("girl :)", "(>_<) girl", "girl :( sad", "(((girl", "girl)))", "girl ()", "[] girl"),
            *("girl :3", "(^_^) (;_;) girl", "girl ;)", "女孩（＞＜）", "girl :]", "a\\b girl"),
            *("girl, 3:30", ":{ girl", "girl }:)", "T__T girl", "girl (: :)"),
        ],
    )
    def test_smileys_and_lone_brackets_are_plain_text(self, text):
        assert weights(resolve(text)) == (text, {})

    def test_a_backslash_writes_the_character(self):
        assert weights(r"girl \(hat\) \[a\] a\|b \{c\} \\") == (
            r"girl (hat) [a] a|b {c} " + "\\",
            {},
        )

    def test_a_part_knows_the_text_without_it(self):
        (prompt,) = parse("girl, (pink hair:1.5), (hat:0.5)")
        assert [part.rest for part in prompt.parts] == ["girl, hat", "girl, pink hair"]
        (prompt,) = parse("(a cute girl:1.5)")
        assert [part.rest for part in prompt.parts] == [""]

    def test_a_text_without_weights_is_left_as_it_is(self):
        for text in ("a  girl,, twin   tails ,", "女孩，，双马尾"):
            assert weights(text) == (text, {})

    def test_nothing_left_is_an_error(self):
        with pytest.raises(ValueError, match="no word of '\\(girl:0\\)' has a weight above 0"):
            parse("(girl:0)")


class TestBlends:
    def test_weights_are_shares(self):
        assert [(p.text, p.share) for p in parse("girl | boy:3")] == [("girl", 0.25), ("boy", 0.75)]
        assert [p.text for p in parse("girl | | (boy) |")] == ["girl", "boy"]
        assert [p.share for p in parse("女孩｜男孩：1")] == [0.5, 0.5]
        assert [p.text for p in parse("girl | boy:0")] == ["girl"]

    def test_a_smiley_is_no_weight(self):
        assert [(p.text, p.share) for p in parse("girl | boy :3")] == [
            ("girl", 0.5),
            ("boy :3", 0.5),
        ]

    def test_a_bar_in_brackets_or_after_a_backslash_parts_nothing(self):
        assert len(parse("[girl|boy] here")) == len(parse(r"girl \| boy")) == 1

    def test_all_at_nothing_is_an_error(self):
        with pytest.raises(ValueError, match="every weight of the blend is 0"):
            parse("girl:0 | boy:0")

    def test_what_one_leaves_unsaid_the_others_say(self):
        said = attributes(parse("girl | pink hair, smiling | boy, blue hair:0.5"))
        assert [one["character"] for one in said] == ["girl", "girl", "boy"]
        assert [one["hair_colour"] for one in said] == ["pink", "pink", "blue"]
        assert [one["expression"] for one in said] == ["smiling"] * 3


GOLDEN = [
    "blue hair, scarf and bow, ",
    "blue hair, bow and hat, b",
    "blue hair, bow and hat, ",
    "pink hair, bow and hat, c",
]


class TestChoices:
    def test_the_seed_chooses_and_always_the_same(self):
        """Frozen: a change here changes every picture of every text with choices."""
        text = "{pink|blue} hair, {2$$ and $$hat|bow|scarf}, {0-1$$a|b|c}"
        assert [resolve(text, seed) for seed in range(4)] == GOLDEN

    def test_every_option_comes_as_often_as_its_weight_says(self):
        made = [resolve("{3::pink|blue|0::red}", seed) for seed in range(2000)]
        assert made.count("red") == 0
        assert 0.72 < made.count("pink") / 2000 < 0.78
        made = {resolve("{2$$a|b|c}", seed) for seed in range(200)}
        assert made == {"a, b", "a, c", "b, a", "b, c", "c, a", "c, b"}

    @pytest.mark.parametrize(
        ("text", "texts"),
        [
            ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
            ("{a}", ["a"]),
            ("{a|}x", ["ax", "x"]),
            ("{0.5::a| 2::b }", ["a", "b"]),
            ("{2$$a|b|c}", ["a, b", "a, c", "b, c"]),
            ("{2$$-$$a|b}", ["a-b"]),
            ("{1-2$$ and $$a|b}", ["a", "b", "a and b"]),
            ("{-2$$a|b}", ["a", "b", "a, b"]),
            ("{1-$$a|b}", ["a", "b", "a, b"]),
            ("{9$$a|b}", ["a, b"]),
            ("{a|{b|c} d}", ["a", "b d", "c d"]),
            ("｛a｜b｝", ["a", "b"]),
            ("a | b", ["a | b"]),
            (r"\{a|b\}", [r"\{a|b\}"]),
            (r"{a\|b|c}", [r"a\|b", "c"]),
            ("{a|a}", ["a"]),
        ],
    )
    def test_every_text(self, text, texts):
        assert every_text(text)[0] == texts
        assert all(resolve(text, seed) in texts for seed in range(20)) or "$$" in text

    def test_a_limit_and_a_count(self):
        found, count = every_text("{a|b}" * 200, limit=3)
        assert (len(found), count) == (3, 2**200)
        assert found[2].endswith("aaba")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("girl {a|b", "the '{' at character 6 is never closed"),
            ("{3-1$$a|b}", "the range 3-1 at character 2 is upside down"),
            ("{x$$a|b}", r"no number stands before the '\$\$'"),
            ("{0::a}", "every weight in the braces at character 1 is 0"),
            ("a ${x=y}", r"variables are not known: '\$\{' at character 3"),
            ("{" * 60 + "}" * 60, "more than 40 choices within each other"),
            ("a{" * 20_000, "40,000 characters"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(self, text, says):
        for wrong in (resolve, every_text):
            with pytest.raises(ValueError, match=says) as caught:
                wrong(text)
            assert "\n" not in str(caught.value)


class TestWildcards:
    def write(self, folder, **files):
        for name, text in files.items():
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        return folder

    def test_lines_comments_weights_and_wildcards_within(self, tmp_path):
        self.write(tmp_path, who="# who\n\n3::{queen|king}\n__pet__\n", pet="cat\n")
        assert every_text("a __who__", tmp_path) == (["a queen", "a king", "a cat"], 3)
        made = [resolve("__who__", seed, tmp_path) for seed in range(400)]
        assert 60 < made.count("cat") < 140

    def test_folders_stars_and_several_of_one(self, tmp_path):
        (tmp_path / "hats").mkdir()
        self.write(tmp_path / "hats", warm="beanie\nbobble hat\n", cool="cap\n")
        assert every_text("__hats/*__", tmp_path)[0] == ["cap", "beanie", "bobble hat"]
        assert every_text("{2$$__hats/warm__}", tmp_path)[0] == ["beanie, bobble hat"]

    def test_a_file_of_ones_own_comes_before_ours(self, tmp_path):
        assert every_text("__character__")[1] > 1
        self.write(tmp_path, character="dragon\n")
        assert every_text("__character__", tmp_path) == (["dragon"], 1)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a __nobody__", r"unknown wildcard __nobody__ at character 3 \(known: .*character"),
            ("__me__", "me.txt line 1: the wildcard __me__ contains itself"),
            ("__bad__", "bad.txt line 2: the '{' at character 1 is never closed"),
            ("__empty__", "the wildcard __empty__ has no lines"),
            ("__boom__", "grow to more than 20,000 characters"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(self, tmp_path, text, says):
        self.write(tmp_path, me="__me__\n", bad="ok\n{a|b\n", empty="#\n", boom="__b1__ __b1__")
        for i in range(1, 20):
            self.write(tmp_path, **{f"b{i}": f"__b{i + 1}__ __b{i + 1}__\n"})
        self.write(tmp_path, b20="bang\n")
        with pytest.raises(ValueError, match=says):
            resolve(text, 0, tmp_path)

    def test_a_folder_that_is_not_there(self):
        with pytest.raises(ValueError, match="no folder of wildcards called 'nowhere'"):
            resolve("__hair__", 0, "nowhere")

    def test_every_shipped_line_is_understood(self):
        for name in wildcard_files():
            for text in every_text(f"__{name}__", limit=300)[0]:
                found = explain(text)
                assert found["attributes"], text
                assert not found["unknown"], (name, text, found["unknown"])


def test_garbage_is_never_more_than_a_value_error():
    chance = random.Random(0)
    marks = [*"()[]{}|:\\$_-*,. 3", "::", "$$", "__", "0.5", "girl", "女孩", "（", "）", "｛", "｝"]
    marks += ["__hair__", "{a|b}", "(hat:1.3)", "😀", "\n", "\0", "${", "2$$", "1-2$$", "\ud800"]
    for _ in range(6000):
        text = "".join(chance.choices(marks, k=chance.randrange(1, 25)))
        try:
            made = resolve(text, 1)
            every_text(text, limit=3)
            blend = parse(check_text(made))
            assert abs(sum(prompt.share for prompt in blend) - 1) < 1e-9
            for prompt in blend:
                assert all(0 < part.weight <= 3 for part in prompt.parts)
                expand(prompt.text)
            attributes(blend)
        except ValueError:
            continue
