"""Short Chinese or English text -> the attributes it names -> full prompts. Pure Python, no torch.

All words are in prompts/lexicon.toml and all sentences in prompts/templates.toml; nothing here
knows a language, an attribute or a style by name, except where a rule says so in its docstring.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
LONGEST_TEXT = 2000  # characters
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
CLAUSE_BREAK = re.compile(r"[,;.!?。、|()\n]")
Choose = Callable[[Sequence[str]], str]


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
    colour: str | None = None
    yields: bool = False

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


@dataclass(frozen=True)
class Lexicon:
    """lexicon.toml: `attributes[attribute][value]`, `nouns[name]`, and the small grammar words."""

    attributes: dict[str, dict[str, Words]]
    nouns: dict[str, Noun]
    grammar: dict[str, tuple[str, ...]]
    traditional: dict[int, int]


@dataclass(frozen=True)
class Templates:
    """templates.toml: per language the joining words and the templates, and the styles."""

    joints: dict[str, dict[str, Any]]
    sentences: dict[str, dict[str, str]]
    keywords: dict[str, dict[str, str]]
    styles: dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Understanding:
    """What a text says: `attributes` are ids in the lexicon's order, `unknown` the user's words."""

    text: str
    language: str
    attributes: dict[str, str]
    unknown: tuple[str, ...]
    conflicts: tuple[str, ...]


# ---------------------------------------------------------------------------------- loading data


@cache
def load_lexicon() -> Lexicon:
    """The words, read once. ValueError names whatever key lexicon.toml should not have."""
    return read_lexicon(tomllib.loads(_data("lexicon.toml")))


def read_lexicon(data: Mapping[str, Any]) -> Lexicon:
    """Lexicon from parsed TOML; ValueError names an unknown key or a wrong kind of value."""
    _refuse_unknown(data, {"attribute", "colour", "noun", "grammar"}, "lexicon.toml")
    colours = {name: _words(entry, f"colour.{name}") for name, entry in data["colour"].items()}
    attributes = {
        attribute: {
            value: _with_colour(_words(entry, f"attribute.{attribute}.{value}"), colours)
            for value, entry in values.items()
        }
        for attribute, values in data["attribute"].items()
    }
    nouns = {}
    for name, entry in data["noun"].items():
        lists = {key: value for key, value in entry.items() if key not in ("colour", "value")}
        nouns[name] = Noun(_words(lists, f"noun.{name}"), entry.get("colour"), entry.get("value"))
        for attribute in (nouns[name].colour, nouns[name].value):
            if attribute is not None and attribute not in attributes:
                raise ValueError(f"lexicon.toml: noun.{name} names no attribute: {attribute!r}")
    kinds = {"negations", "joins", "copulas", "fillers", "links"}
    grammar = data["grammar"]
    _refuse_unknown(grammar, kinds | {"traditional", "simplified"}, "lexicon.toml: grammar")
    traditional = str.maketrans(grammar["traditional"], grammar["simplified"])
    words = {kind: tuple(grammar[kind]) for kind in sorted(kinds)}
    return Lexicon(attributes, nouns, words, traditional)


@cache
def _templates() -> Templates:
    data = tomllib.loads(_data("templates.toml"))
    _refuse_unknown(data, {*LANGUAGES, "style"}, "templates.toml")
    joints = {"nobody", "space", "comma", "several", "last", "article", "uncountable"}
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
        if key in ("colour", "yields"):
            continue
        if not isinstance(value, list) or not all(isinstance(form, str) for form in value):
            raise ValueError(f"{where}: {key} must be a list of words, not {value!r}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return Words(**values)


def _with_colour(words: Words, colours: Mapping[str, Words]) -> Words:
    """`words` with the lists of the colour it names in front of its own."""
    if words.colour is None:
        return words
    if words.colour not in colours:
        raise ValueError(f"lexicon.toml: no [colour.{words.colour}] to take the words of")
    shared, merged = colours[words.colour], {}
    for key in (entry.name for entry in fields(Words)):
        if isinstance(getattr(words, key), tuple):
            merged[key] = tuple(dict.fromkeys(getattr(shared, key) + getattr(words, key)))
    return Words(**merged, colour=words.colour, yields=words.yields)


# ---------------------------------------------------------------------------- text -> attributes


@dataclass
class Entry:
    """Everything that one surface form can mean.

    values   attribute -> value that it names by itself
    paints   noun -> (attribute, value) that it gives to that noun
    """

    values: dict[str, str] = field(default_factory=dict)
    paints: dict[str, tuple[str, str]] = field(default_factory=dict)
    bound: bool = False  # a paint only, and only beside its noun
    general: bool = False  # a colour of many things, not blonde or starry night
    noun: str | None = None
    glued: bool = False  # a noun only right after its colour: 发 in 粉发
    near: bool = False  # takes a colour, is reported as unknown all the same
    lends: str | None = None  # "in red": the noun of a colour right after it
    grammar: str = ""


@dataclass
class Token:
    """One known form, or one unknown word, at text[start:end]."""

    start: int
    end: int
    clause: int
    entry: Entry | None
    noun: int | None = None  # for a paint: which token it is bound to
    blocked: bool = False  # a colour that belongs to something that we cannot draw


def _normal(text: str) -> str:
    """NFKC, lower case, hyphens as spaces; the same length as its simplified form."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return re.sub(r"[^\S\n]+", " ", re.sub(r"[-_\u2010-\u2015]", " ", text)).strip()


@cache
def _index() -> dict[str, Entry]:
    """Surface form (normalised) -> its meanings; ValueError where one form means two values."""
    lexicon = load_lexicon()
    index: dict[str, Entry] = {}

    def entry(form: str) -> Entry:
        return index.setdefault(_normal(form).translate(lexicon.traditional), Entry())

    def put(target: dict[str, Any], key: str, meaning: Any, form: str) -> None:
        if target.setdefault(key, meaning) != meaning:
            raise ValueError(f"lexicon.toml: {form!r} is both {target[key]!r} and {meaning!r}")

    for attribute, values in lexicon.attributes.items():
        painted = [name for name, noun in lexicon.nouns.items() if noun.colour == attribute]
        shaped = [name for name, noun in lexicon.nouns.items() if noun.value == attribute]
        for value, words in values.items():
            for form in words.forms("", "_heard"):
                for name in painted:
                    put(entry(form).paints, name, (attribute, value), form)
                    entry(form).general |= words.colour is not None
                if not painted:
                    put(entry(form).values, attribute, value, form)
                for name in shaped:
                    entry(form).noun = name
                    prefix = _without_noun(form, lexicon.nouns[name])
                    if prefix:  # the "long" of "long hair" may be parted from it: long pink hair
                        entry(prefix).paints.setdefault(name + " shape", (attribute, value))
                        entry(prefix).bound |= not entry(prefix).values
            for form in words.forms("_whole"):
                put(entry(form).values, attribute, value, form)
            for form in words.forms("_bound"):
                for name in painted or [name + " shape" for name in shaped]:
                    put(entry(form).paints, name, (attribute, value), form)
                entry(form).bound = True
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
    for form in [form for form in index if form[-1].isascii() and form[-1].isalpha()]:
        if index[form].values or index[form].noun:
            index.setdefault(form + "s", index[form])
    return index


@cache
def _longest_form() -> int:
    return max(map(len, _index()))


def _without_noun(form: str, noun: Noun) -> str | None:
    """The "long" of "long hair"; None where the form does not end in its noun."""
    for word in noun.words.en:
        if form.endswith(" " + word):
            return form[: -len(word) - 1]
    return None


def understand(text: str) -> Understanding:
    """The attributes that `text` names (any length; an empty text names none).

    A colour goes to the noun that it stands beside; one that stands alone goes to the nearest
    noun that may have it, else to the hair. Of two values of one attribute the last one wins. A
    negated value ("no bow") means "none" where the attribute has that value, else nothing.
    """
    shown = _normal(text)
    plain = shown.translate(load_lexicon().traditional)
    tokens = _tokens(plain)
    _bind(tokens, plain)
    negated = _negated(tokens)
    said: list[tuple[str, str]] = []
    unsaid: list[tuple[str, str]] = []
    for number in range(len(tokens)):
        for attribute, value in _meanings(tokens, number):
            (unsaid if number in negated else said).append((attribute, value))
    attributes, conflicts = _settle(said, [attribute for attribute, _ in unsaid])
    language = "zh" if CJK.search(text) else "en"
    return Understanding(text, language, attributes, _unknown(tokens, shown), conflicts)


def _tokens(text: str) -> list[Token]:
    """The longest known form at each place, the words between as unknown; glued nouns settled."""
    index, longest = _index(), _longest_form()
    tokens: list[Token] = []
    start = clause = 0
    while start < len(text):
        length = next(
            (
                n
                for n in range(min(longest, len(text) - start), 0, -1)
                if text[start : start + n] in index and _stands_alone(text, start, start + n)
            ),
            0,
        )
        entry = index[text[start : start + length]] if length else None
        if entry and entry.glued and not (tokens and _glues(tokens[-1], entry, start)):
            entry = None
        if not length:
            if CLAUSE_BREAK.match(text[start]):
                clause += 1
            word = re.compile(r"[^\W_]+(?:'[^\W_]+)*").match(text, start)
            if CJK.match(text[start]):
                length = 1
            elif word is None:
                start += 1
                continue
            else:
                length = len(CJK.split(word[0])[0])
        tokens.append(Token(start, start + length, clause, entry))
        start += length
    return tokens


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No ASCII word is cut in two: "red" is not in "bored", yet T恤 is in 白T恤."""

    def cuts(left: str, right: str) -> bool:
        return left.isalnum() and right.isalnum() and not (CJK.match(left) or CJK.match(right))

    return not (
        (start > 0 and cuts(text[start - 1], text[start]))
        or (end < len(text) and cuts(text[end - 1], text[end]))
    )


def _glues(before: Token, entry: Entry, start: int) -> bool:
    return before.end == start and before.entry is not None and entry.noun in before.entry.paints


def _bind(tokens: list[Token], text: str) -> None:
    """Sets each colour's noun: cheapest pairs first, and a noun is taken once from behind."""
    pairs = []
    for number, token in enumerate(tokens):
        if token.entry and token.entry.paints:
            for cost, other in _forward(tokens, number, text) + _backward(tokens, number):
                noun = _noun(tokens[other], lent=other < number)
                fits = _paint(token.entry, noun) is not None
                pairs.append((cost, not fits, other < number, number, other))
    taken: set[int] = set()
    for cost, misfit, behind, number, other in sorted(pairs):
        token = tokens[number]
        if token.noun is not None or token.blocked or (behind and other in taken):
            continue
        if not misfit:
            token.noun = other
            taken.add(other)
        elif (not behind or cost < 0) and not (token.entry and _own(token.entry)):
            token.blocked = True
    _bind_the_rest(tokens, taken)


def _bind_the_rest(tokens: list[Token], taken: set[int]) -> None:
    """A colour beside no noun: the nearest free one that may have it, else (token.noun -1) hair."""
    for number, token in enumerate(tokens):
        entry = token.entry
        if not entry or not entry.paints or token.noun is not None or token.blocked:
            continue
        if entry.bound or entry.values or _own(entry):
            token.blocked = entry.bound and not entry.values
            continue
        free = [
            other
            for other, noun in enumerate(tokens)
            if noun.entry and noun.entry.noun in entry.paints and other not in taken
        ]
        if free:
            token.noun = min(free, key=lambda other: abs(other - number))
            taken.add(token.noun)
        elif any(_noun(tokens[other], lent=True) == next(iter(entry.paints)) for other in taken):
            token.blocked = True


def _own(entry: Entry) -> bool:
    """A word of one attribute, no general colour: blonde, amber, a starry night."""
    return bool(entry.paints) and not entry.general and not entry.bound


def _paint(entry: Entry, noun: str | None) -> tuple[str, str] | None:
    return entry.paints.get(noun or "") or entry.paints.get(f"{noun} shape")


def _noun(token: Token, lent: bool) -> str | None:
    if token.entry is None:
        return None
    return token.entry.noun or (token.entry.lends if lent else None)


def _forward(tokens: list[Token], number: int, text: str) -> list[tuple[int, int]]:
    """[(cost, number of the noun)] that a colour stands before; marks one that names a stranger."""
    token, blocked = tokens[number], False
    for other in range(number + 1, len(tokens)):
        entry = tokens[other].entry
        gap = tokens[other].start - token.end
        if tokens[other].clause != token.clause:
            break
        if entry is None:
            touches = 0 if CJK.match(text[tokens[other].start]) else 1
            near = other == number + 1 and gap <= touches
            if blocked or not near:
                break
            blocked = True
        elif entry.noun:
            return [(gap, other)]
        elif not entry.paints and entry.grammar != "fillers":
            following = tokens[other + 1].entry if other + 1 < len(tokens) else None
            if entry.grammar != "links" or not (following and following.paints):
                break
    token.blocked = blocked
    return []


def _backward(tokens: list[Token], number: int) -> list[tuple[int, int]]:
    """[(cost, number of the noun)] that a colour stands after: "eyes are blue", "in red"."""
    token, link = tokens[number], 0
    for other in range(number - 1, -1, -1):
        entry = tokens[other].entry
        if entry is None or tokens[other].clause != token.clause:
            break
        gap = token.start - tokens[other].end
        if entry.noun and not entry.near:
            return [(-1 if link else gap, other)]
        if entry.lends:
            return [(gap + 2, other)]
        if entry.grammar == "copulas":
            link += 1
        elif entry.grammar not in ("fillers", "negations") and not (entry.paints and link == 0):
            break
    return []


def _meanings(tokens: list[Token], number: int) -> list[tuple[str, str]]:
    """The (attribute, value) pairs that a token says, once bound."""
    token = tokens[number]
    if token.entry is None:
        return []
    entry = token.entry
    if entry.paints and token.noun is not None:
        paint = _paint(entry, _noun(tokens[token.noun], lent=True))
        return [paint] if paint else []
    if entry.values:
        return list(entry.values.items())
    if entry.paints and not token.blocked and not entry.bound:
        return [next(iter(entry.paints.values()))]
    return []


def _negated(tokens: list[Token]) -> set[int]:
    """The tokens that a "no" reaches: the next thing said, with its colour, and on over "or"."""
    reached: set[int] = set()
    for number, token in enumerate(tokens):
        negation = token.entry is not None and token.entry.grammar == "negations"
        none = token.entry is not None and "none" in token.entry.values.values()
        reaching, last = negation, number if none else -1
        for other in range(number + 1, len(tokens)):
            entry = tokens[other].entry
            if entry is None or tokens[other].clause != token.clause:
                break
            if reaching and (entry.paints or entry.values or entry.noun):
                reached.add(other)
                last = other
                reaching = (tokens[other].noun or 0) > other  # a colour: on to its noun
            elif entry.grammar == "joins" and last == other - 1:
                reaching = True
            elif not reaching or not (entry.grammar in ("fillers", "links") or entry.lends):
                break
    return reached


def _settle(
    said: list[tuple[str, str]], unsaid: list[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """({attribute: value} in the lexicon's order, one line for each clash)."""
    known = load_lexicon().attributes
    found: dict[str, str] = {}
    conflicts = []
    for attribute, value in said:
        old = found.get(attribute, value)
        if old != value and known[attribute][value].yields and not known[attribute][old].yields:
            continue
        if old != value and known[attribute][old].yields <= known[attribute][value].yields:
            name = attribute.replace("_", " ")
            conflicts.append(f"{name}: both {old!r} and {value!r} are said; {value!r} is used")
        found[attribute] = value
    for attribute in unsaid:
        if "none" in known[attribute]:
            found.setdefault(attribute, "none")
    return {name: found[name] for name in known if name in found}, tuple(conflicts)


def _unknown(tokens: list[Token], text: str) -> tuple[str, ...]:
    """The words that mean nothing to us, as the user wrote them; Chinese neighbours joined."""
    spans: list[list[int]] = []
    for token in tokens:
        if token.entry is None or token.blocked or token.entry.near:
            joins = spans and spans[-1][1] == token.start and CJK.match(text[token.start])
            if joins and CJK.match(text[token.start - 1]):
                spans[-1][1] = token.end
            else:
                spans.append([token.start, token.end])
    return tuple(dict.fromkeys(text[start:end] for start, end in spans))


# ---------------------------------------------------------------------------- attributes -> text


def templates(language: str) -> tuple[str, ...]:
    """The names of a language's templates, sentences first; describe() takes name or place."""
    return (*_templates().sentences[_known_language(language)], *_templates().keywords[language])


def describe(
    attributes: Mapping[str, str],
    language: str,
    template: int | str = 0,
    choose: Choose | None = None,
    style: str = "chibi",
) -> str:
    """`attributes` (ids, all or some) as one sentence or list of key words; what is not there is
    not mentioned. `choose` picks each wording from the possible ones (default: the first).
    ValueError: an unknown attribute, value, language, template or style.
    """
    names = templates(language)
    name = names[template] if isinstance(template, int) and template < len(names) else template
    if name not in names:
        raise ValueError(f"unknown template {template!r} (known: {', '.join(names)})")
    known = load_lexicon().attributes
    for attribute, value in attributes.items():
        if value not in known.get(attribute, ()):
            raise ValueError(f"the lexicon has no {attribute} {value!r}")
    pattern = _templates().sentences[language].get(str(name))
    articles = pattern is not None
    pattern = pattern or _templates().keywords[language][str(name)]
    slots = _slots(attributes, language, articles, choose or _first, style)
    return _fill(pattern, slots, language)


def _first(words: Sequence[str]) -> str:
    return words[0]


def _known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r} (known: {', '.join(LANGUAGES)})")
    return language


def _style(name: str) -> dict[str, list[str]]:
    styles = _templates().styles
    if name not in styles:
        raise ValueError(f"unknown style {name!r} (known: {', '.join(sorted(styles))})")
    return styles[name]


def _slots(
    attributes: Mapping[str, str], language: str, articles: bool, choose: Choose, style: str
) -> dict[str, str]:
    """Slot -> phrase, "" where unsaid: the nouns, the attributes without one, the style."""
    lexicon, joints = load_lexicon(), _templates().joints[language]
    words = _style(style)[language]
    slots = {"style": choose(words) if words else ""}
    with_noun = {name for noun in lexicon.nouns.values() for name in (noun.colour, noun.value)}
    for attribute in lexicon.attributes.keys() - with_noun:
        value = attributes.get(attribute)
        slots[attribute] = (
            choose(lexicon.attributes[attribute][value].written(language)) if value else ""
        )
    slots["character"] = slots["character"] or joints["nobody"]
    for name, noun in lexicon.nouns.items():
        phrase = _phrase(noun, attributes, language, choose)
        slots[name] = _article(phrase, joints) if phrase and articles else phrase
    return slots


def _phrase(noun: Noun, attributes: Mapping[str, str], language: str, choose: Choose) -> str:
    """A noun with its colour, either alone, or "": pink twin tails, long pink hair, 粉发, a bow."""
    known, space = load_lexicon().attributes, _templates().joints[language]["space"]
    colour, value = attributes.get(noun.colour or ""), attributes.get(noun.value or "")
    shape = choose(known[noun.value][value].written(language)) if noun.value and value else ""
    if noun.colour is None or colour is None:
        return shape
    words = known[noun.colour][colour]
    names = [shape] if shape else list(noun.words.written(language))
    phrases = [f"{word}{space}{name}" for name in names for word in words.written(language)]
    prefix = _without_noun(shape, noun) if shape and language == "en" else None
    if prefix:
        ending = shape[len(prefix) :]
        phrases = [f"{prefix} {word}{ending}" for word in words.written(language)]
    if language == "zh":
        phrases += [f"{word}的{name}" for name in names for word in words.zh]
        if not shape and words.zh_bound and noun.words.zh_bound:
            phrases.append(words.zh_bound[0] + noun.words.zh_bound[0])
    return choose(phrases)


def _article(phrase: str, joints: Mapping[str, Any]) -> str:
    last = phrase.split()[-1]
    plural = last.endswith("s") and not last.endswith("ss")
    negative = phrase.startswith(("no ", "nothing "))
    bare = plural or negative or last in joints["uncountable"]
    return phrase if bare else joints["article"] + phrase


def _fill(pattern: str, slots: Mapping[str, str], language: str) -> str:
    """The template with its slots filled; templates.toml's opening comment explains the marks."""
    joints = _templates().joints[language]

    def fill(part: str) -> str:
        return re.sub(r"\{([^}]*)\}", lambda match: joined(match[1]), part)

    def joined(names: str) -> str:
        said = [slots[name] for name in re.findall(r"\w+", names) if slots[name]]
        separator = re.sub(r"\w+", "", names)[:1]
        if separator == "&" or "&" in names:
            head = joints["several"].join(said[:-1])
            return head + joints["last"] + said[-1] if head else "".join(said)
        return (joints["comma"] if separator == "," else separator).join(said)

    def group(match: re.Match[str]) -> str:
        names = re.findall(r"\w+", " ".join(re.findall(r"\{([^}]*)\}", match[1])))
        return fill(match[1]) if any(slots[name] for name in names) else ""

    text = fill(re.sub(r"\[([^\]]*)\]", group, pattern))
    text = re.sub(r"\ba\(n\)(?= [aeio]| u(?!ni))", "an", text).replace("a(n)", "a")
    return text.strip()


def check_text(text: str) -> str:
    """`text` stripped; ValueError, one line, if it is empty, too long or has no letter at all."""
    stripped = text.strip()
    if not stripped:
        raise ValueError("the text is empty: say what the avatar should look like")
    if len(stripped) > LONGEST_TEXT:
        raise ValueError(f"the text has {len(stripped):,} characters; {LONGEST_TEXT:,} is the most")
    if not any(character.isalpha() for character in stripped):
        raise ValueError(f"the text has no word in it: {stripped[:40]!r}")
    return stripped


def expand(text: str, style: str = "chibi", language: str | None = None) -> list[str]:
    """P full prompts for `text`: the style's templates over what it says, without the background
    (which is composed behind the figure), and the text itself, so that no word is lost.
    ValueError: an unknown style or language, or a text that check_text() refuses.
    """
    names, text = _style(style)["templates"], check_text(text)
    understanding = understand(text)
    figure = {k: v for k, v in understanding.attributes.items() if k != "background"}
    language = _known_language(language or understanding.language)
    return [*(describe(figure, language, name, style=style) for name in names), text]
