"""The words and the templates of prompts/*.toml as frozen dataclasses, read once, and the index of
every form that a user may write with all that it can mean. Pure Python, no torch. A key that
should not be there is refused by name. Nothing here knows an attribute, a value or a style.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

LANGUAGES = ("en", "zh")
NOUN_KEYS = ("colour", "value", "values", "other")
SWITCHES = ("colour", "yields", "defers")  # the keys of Words that are no lists
INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]"


@dataclass(frozen=True)
class Words:
    """The surface forms of one value or noun; lexicon.toml's opening comment explains each list."""

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()
    en_heard: tuple[str, ...] = ()
    zh_heard: tuple[str, ...] = ()
    en_bound: tuple[str, ...] = ()
    zh_bound: tuple[str, ...] = ()
    en_whole: tuple[str, ...] = ()
    zh_whole: tuple[str, ...] = ()
    en_before: tuple[str, ...] = ()
    zh_before: tuple[str, ...] = ()
    en_near: tuple[str, ...] = ()
    zh_near: tuple[str, ...] = ()
    en_implied: tuple[str, ...] = ()
    zh_implied: tuple[str, ...] = ()
    colour: str | None = None
    hears: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    yields: bool = False
    defers: bool = False

    def written(self, language: str) -> tuple[str, ...]:
        """The forms that describe() may write in `language`, the usual one first."""
        return self.en if language == "en" else self.zh

    def forms(self, *kinds: str) -> Iterator[str]:
        """Every form of the lists `en<kind>` and `zh<kind>`; kind "" is the written one."""
        for kind in kinds:
            for language in LANGUAGES:
                yield from getattr(self, language + kind)


@dataclass(frozen=True)
class Noun:
    """What a colour word stands beside: the attribute it sets, and the one whose values it is."""

    words: Words
    colour: str | None
    value: str | None
    values: tuple[str, ...] = ()  # only these of them; none: all
    other: str | None = None  # the noun that may carry the colour instead

    def covers(self, value: str | None) -> bool:
        return value is not None and (not self.values or value in self.values)


@dataclass(frozen=True)
class Lexicon:
    """lexicon.toml: `attributes[attribute][value]`, `nouns[name]`, and the small grammar words."""

    attributes: dict[str, dict[str, Words]]
    nouns: dict[str, Noun]
    grammar: dict[str, tuple[str, ...]]
    traditional: dict[int, int]
    colours: dict[str, Words]


@dataclass(frozen=True)
class Templates:
    """templates.toml: per language the joining words and the templates, and the styles."""

    joints: dict[str, dict[str, Any]]
    sentences: dict[str, dict[str, str]]
    keywords: dict[str, dict[str, str]]
    styles: dict[str, dict[str, list[str]]]


@dataclass
class Entry:
    """Everything that one surface form can mean.

    values   attribute -> value that it names by itself
    implies  the same, giving way to any other value
    paints   noun -> (attribute, value) that it gives to that noun
    """

    values: dict[str, str] = field(default_factory=dict)
    implies: dict[str, str] = field(default_factory=dict)
    paints: dict[str, tuple[str, str]] = field(default_factory=dict)
    bound: bool = False  # a paint only, and only beside its noun
    general: bool = False  # a colour of many things, not blonde or starry night
    noun: str | None = None
    glued: bool = False  # a noun only right after its colour: 发 in 粉发
    near: bool = False  # takes a colour, is reported as unknown all the same
    lends: str | None = None  # "in red": the noun of a colour right after it
    grammar: str = ""


# ---------------------------------------------------------------------------------- loading data


@cache
def load_lexicon() -> Lexicon:
    """The words, read once. ValueError names the line and the key of what should not be there."""
    return _read("lexicon.toml", read_lexicon)


def read_lexicon(data: Mapping[str, Any]) -> Lexicon:
    """Lexicon from parsed TOML; ValueError names an unknown key or a wrong kind of value."""
    _refuse_unknown(data, {"attribute", "colour", "noun", "grammar"}, "lexicon.toml")
    colours = {name: _words(entry, f"colour.{name}") for name, entry in data["colour"].items()}
    attributes = {}
    for attribute, entries in data["attribute"].items():
        where = f"attribute.{attribute}."
        values = {value: _words(entry, where + value) for value, entry in entries.items()}
        attributes[attribute] = {value: _with_colour(value, values, colours) for value in values}
    nouns = {}
    for name, entry in data["noun"].items():
        lists = {key: value for key, value in entry.items() if key not in NOUN_KEYS}
        nouns[name] = Noun(
            _words(lists, f"noun.{name}"),
            entry.get("colour"),
            entry.get("value"),
            tuple(entry.get("values", ())),
            entry.get("other"),
        )
        for attribute in (nouns[name].colour, nouns[name].value):
            if attribute is not None and attribute not in attributes:
                raise ValueError(f"lexicon.toml: noun.{name} names no attribute: {attribute!r}")
    kinds = {"negations", "joins", "copulas", "fillers", "links"}
    grammar = data["grammar"]
    _refuse_unknown(grammar, kinds | {"traditional", "simplified"}, "lexicon.toml: grammar")
    traditional = str.maketrans(grammar["traditional"], grammar["simplified"])
    words = {kind: tuple(grammar[kind]) for kind in sorted(kinds)}
    return Lexicon(attributes, nouns, words, traditional, colours)


@cache
def load_templates() -> Templates:
    """The templates, read once. ValueError names the line and the key that should not be there."""
    return _read("templates.toml", read_templates)


def read_templates(data: Mapping[str, Any]) -> Templates:
    """Templates from parsed TOML; ValueError names an unknown key."""
    _refuse_unknown(data, {*LANGUAGES, "style"}, "templates.toml")
    joints = {"nobody", "space", "comma", "several", "last", "article", "uncountable"}
    joints |= {"measure", "linker"}
    for language in LANGUAGES:
        where = f"templates.toml: {language}"
        _refuse_unknown(data[language], joints | {"sentences", "keywords"}, where)
    for name, style in data["style"].items():
        _refuse_unknown(style, {*LANGUAGES, "templates"}, f"templates.toml: style.{name}")
    return Templates(
        joints={name: {key: data[name][key] for key in joints} for name in LANGUAGES},
        sentences={name: data[name]["sentences"] for name in LANGUAGES},
        keywords={name: data[name]["keywords"] for name in LANGUAGES},
        styles=data["style"],
    )


T = TypeVar("T")


def _read(name: str, read: Callable[[dict[str, Any]], T]) -> T:
    """A file of prompts/, parsed and read; what is wrong with it is told with its line."""
    text = _data(name)
    try:
        return read(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:  # it says the line itself
        raise ValueError(f"{name}: {error}") from None
    except ValueError as error:
        quoted = re.search(r"'([^']+)'", str(error))
        lines = enumerate(text.splitlines(), 1)
        place = next((n for n, line in lines if quoted and quoted[1] in line), None)
        where = f", line {place}" if place else ""
        raise ValueError(str(error).replace(name, name + where, 1)) from None


def _data(name: str) -> str:
    """The text of a file in prompts/: inside the installed wheel, else beside the checkout."""
    packed = resources.files("clipavatar").joinpath("_prompts", name)
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / "prompts" / name).read_text(encoding="utf-8")


def _refuse_unknown(data: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r} (known: {', '.join(sorted(known))})")


def _words(entry: Mapping[str, Any], where: str) -> Words:
    where = f"lexicon.toml: {where}"
    _refuse_unknown(entry, {known.name for known in fields(Words)}, where)
    for key, value in entry.items():
        if key in SWITCHES:
            continue
        if not isinstance(value, list) or not all(isinstance(form, str) for form in value):
            raise ValueError(f"{where}: {key} must be a list of words, not {value!r}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return Words(**values)


def _with_colour(value: str, values: Mapping[str, Words], colours: Mapping[str, Words]) -> Words:
    """The words of `value`, those of its colour in front, those of the colours it hears behind."""
    words = values[value]
    shared = [name for name in (words.colour, *words.hears) if name is not None]
    for name in shared:
        if name not in colours:
            raise ValueError(f"lexicon.toml: no [colour.{name}] to take the words of")
    claimed = {
        form
        for other, entry in values.items()
        if other != value
        for form in (*entry.forms("", "_heard", "_bound"), *_own_colour(entry, colours))
    }
    merged: dict[str, Any] = {}
    for language in LANGUAGES:
        for kind in ("", "_heard", "_bound"):
            key = language + kind
            own = list(getattr(colours[words.colour], key)) if words.colour else []
            own = [form for form in own if form not in claimed] + list(getattr(words, key))
            for name in words.hears:
                heard = [language, key] if kind == "_heard" else [key] if kind else []
                taken = [form for there in heard for form in getattr(colours[name], there)]
                own += [form for form in taken if form not in claimed]
            merged[key] = tuple(dict.fromkeys(own))
    return replace(words, **merged)


def _own_colour(words: Words, colours: Mapping[str, Words]) -> Iterator[str]:
    if words.colour is not None and words.colour in colours:
        yield from colours[words.colour].forms("", "_heard", "_bound")


# ----------------------------------------------------------------------------- form -> meanings


def normal_form(text: str) -> str:
    """NFKC, lower case, hyphens as spaces, nothing invisible; as long as its simplified form."""
    text = unicodedata.normalize("NFKC", re.sub(INVISIBLE, "", text)).lower().replace("\u2019", "'")
    return re.sub(r"[^\S\n]+", " ", re.sub(r"[-_\u2010-\u2015]", " ", text)).strip()


@cache
def form_index() -> dict[str, Entry]:
    """Surface form (normalised) -> its meanings; ValueError where one form means two values."""
    lexicon = load_lexicon()
    index: dict[str, Entry] = {}

    def entry(form: str) -> Entry:
        return index.setdefault(normal_form(form).translate(lexicon.traditional), Entry())

    for attribute, values in lexicon.attributes.items():
        for value, words in values.items():
            _index_value(entry, attribute, value, words)
    for name, noun in lexicon.nouns.items():
        for form in noun.words.forms("", "_heard", "_bound", "_near"):
            entry(form).noun = name
        for form in noun.words.forms("_bound"):
            entry(form).glued = True
        for form in noun.words.forms("_near"):
            entry(form).near = True
        for form in noun.words.forms("_before"):
            entry(form).lends = name
    for kind, forms in lexicon.grammar.items():
        for form in forms:
            entry(form).grammar = entry(form).grammar or kind
    for colour in lexicon.colours.values():
        for form in colour.forms("", "_heard"):
            entry(form).general = True
    for form in [form for form in index if form[-1].isascii() and form[-1].isalpha()]:
        if index[form].values or index[form].implies or index[form].noun:
            index.setdefault(form + "s", index[form])
    return index


def _index_value(entry: Callable[[str], Entry], attribute: str, value: str, words: Words) -> None:
    """Adds all that the words of one value can mean to their entries."""
    nouns, negations = load_lexicon().nouns, load_lexicon().grammar["negations"]
    painted = [name for name, noun in nouns.items() if noun.colour == attribute]
    if value == "none":
        painted = []
    shaped = [name for name, noun in nouns.items() if noun.value == attribute]
    shaped = [name for name in shaped if nouns[name].covers(value)]

    def put(target: dict[str, Any], key: str, meaning: Any, form: str) -> None:
        if target.setdefault(key, meaning) != meaning:
            raise ValueError(f"lexicon.toml: {form!r} is both {target[key]!r} and {meaning!r}")

    for form in words.forms("", "_heard"):
        for name in painted:
            put(entry(form).paints, name, (attribute, value), form)
        if not painted:
            put(entry(form).values, attribute, value, form)
        for name in shaped:
            entry(form).noun = name
            prefix = without_noun(form, nouns[name])
            if prefix and prefix.split()[0] not in negations:
                # the "long" of "long hair" may be parted from it: long pink hair
                entry(prefix).paints.setdefault(name + " shape", (attribute, value))
                entry(prefix).bound |= not entry(prefix).values
    for form in words.forms("_whole"):
        put(entry(form).values, attribute, value, form)
    for form in words.forms("_implied"):
        put(entry(form).implies, attribute, value, form)
    for form in words.forms("_bound"):
        for name in painted or [name + " shape" for name in shaped]:
            put(entry(form).paints, name, (attribute, value), form)
        entry(form).bound = True


@cache
def form_lengths() -> dict[str, list[int]]:
    """First character -> the lengths of the forms that begin with it, the longest first."""
    lengths: dict[str, set[int]] = {}
    for form in form_index():
        lengths.setdefault(form[0], set()).add(len(form))
    return {first: sorted(found, reverse=True) for first, found in lengths.items()}


def without_noun(form: str, noun: Noun) -> str | None:
    """The "long" of "long hair"; None where the form does not end in its noun."""
    for word in noun.words.en:
        if form.endswith(" " + word):
            return form[: -len(word) - 1]
    return None
