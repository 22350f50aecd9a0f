"""Attributes or a user's text -> full prompts in Chinese or English. Pure Python, no torch. All
words are in prompts/lexicon.toml and all sentences in prompts/templates.toml; nothing here knows a
language, an attribute or a style by name, except where a rule says so in its docstring. What a
caller needs of lexicon.py and understanding.py is passed on from here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from clipavatar.binding import CJK
from clipavatar.lexicon import LANGUAGES, Noun, load_lexicon, load_templates, without_noun
from clipavatar.understanding import Understanding, understand

__all__ = [
    "CJK",
    "LANGUAGES",
    "LONGEST_TEXT",
    "Choose",
    "Understanding",
    "check_text",
    "describe",
    "expand",
    "load_lexicon",
    "templates",
    "understand",
]

LONGEST_TEXT = 2000  # characters
Choose = Callable[[Sequence[str]], str]


def templates(language: str) -> tuple[str, ...]:
    """The names of a language's templates, sentences first; describe() takes name or place."""
    known, language = load_templates(), _known_language(language)
    return (*known.sentences[language], *known.keywords[language])


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
    pattern = load_templates().sentences[language].get(str(name))
    articles = pattern is not None
    pattern = pattern or load_templates().keywords[language][str(name)]
    if choose is None:
        slots = _usual_slots(tuple(attributes.items()), language, articles, style)
    else:
        slots = _slots(attributes, language, articles, choose, style)
    return _fill(pattern, slots, language)


def _first(words: Sequence[str]) -> str:
    return words[0]


def _known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r} (known: {', '.join(LANGUAGES)})")
    return language


def _style(name: str) -> dict[str, list[str]]:
    styles = load_templates().styles
    if name not in styles:
        raise ValueError(f"unknown style {name!r} (known: {', '.join(sorted(styles))})")
    return styles[name]


@lru_cache(maxsize=10_000)
def _usual_slots(
    attributes: tuple[tuple[str, str], ...], language: str, articles: bool, style: str
) -> dict[str, str]:
    """The slots in the usual words: the templates of a style, and texts alike, share them."""
    return _slots(dict(attributes), language, articles, _first, style)


def _slots(
    attributes: Mapping[str, str], language: str, articles: bool, choose: Choose, style: str
) -> dict[str, str]:
    """Slot -> phrase, "" where unsaid: the nouns, the attributes without one, the style.

    A noun of some values only (animals) fills the slot of its attribute, the character.
    """
    lexicon, joints = load_lexicon(), load_templates().joints[language]
    words = _style(style)[language]
    slots = {"style": choose(words) if words else "", "measure": joints["measure"].get("other", "")}
    slots["brief"] = slots["style"].replace(joints["linker"], "")
    for attribute in _without_noun():
        value = attributes.get(attribute)
        slots[attribute] = (
            choose(lexicon.attributes[attribute][value].written(language)) if value else ""
        )
    carriers = _carriers(attributes, choose)
    for name, noun in lexicon.nouns.items():
        slots.setdefault(name, "")
        if noun.colour not in attributes and noun.value not in attributes:
            continue
        shown = dict(attributes)
        if noun.colour and carriers[noun.colour] != name:
            shown.pop(noun.colour, None)
        if noun.values and noun.value:
            if noun.covers(attributes.get(noun.value)):
                slots[noun.value] = _phrase(noun, shown, language, choose)
                slots["measure"] = joints["measure"].get(name, "")
            continue
        phrase = _phrase(noun, shown, language, choose)
        slots[name] = _article(phrase, joints) if phrase and articles else phrase
    slots["character"] = slots["character"] or joints["nobody"]
    return slots


@cache
def _without_noun() -> tuple[str, ...]:
    """The attributes that are written by themselves."""
    lexicon = load_lexicon()
    values = {noun.value for noun in lexicon.nouns.values() if not noun.values}
    with_noun = values | {noun.colour for noun in lexicon.nouns.values()}
    return tuple(name for name in lexicon.attributes if name not in with_noun)


def _carriers(attributes: Mapping[str, str], choose: Choose) -> dict[str, str]:
    """Colour attribute -> the noun that writes it: an animal or its fur, else the first noun."""
    nouns = load_lexicon().nouns
    carriers: dict[str, str] = {}
    for name, noun in nouns.items():
        if noun.colour:
            carriers.setdefault(noun.colour, name)
            bears = noun.values and noun.covers(attributes.get(noun.value or ""))
            if bears and noun.colour in attributes:
                carriers[noun.colour] = choose([name, noun.other]) if noun.other else name
    return carriers


def _phrase(noun: Noun, attributes: Mapping[str, str], language: str, choose: Choose) -> str:
    """A noun with its colour, either alone, or "": pink twin tails, long pink hair, 粉发, a bow."""
    known, space = load_lexicon().attributes, load_templates().joints[language]["space"]
    colour, value = attributes.get(noun.colour or ""), attributes.get(noun.value or "")
    shape = choose(known[noun.value][value].written(language)) if noun.value and value else ""
    if noun.colour is None or colour is None:
        return shape
    if colour == "none":
        return choose(known[noun.colour][colour].written(language))
    return choose(_coloured(noun, shape, colour, language, space))


@cache
def _coloured(noun: Noun, shape: str, colour: str, language: str, space: str) -> tuple[str, ...]:
    """Every way to write a noun, or its `shape`, with its colour."""
    words = load_lexicon().attributes[noun.colour or ""][colour]
    names = [shape] if shape else list(noun.words.written(language))
    phrases = [f"{word}{space}{name}" for name in names for word in words.written(language)]
    prefix = without_noun(shape, noun) if shape and language == "en" else None
    if prefix:
        ending = shape[len(prefix) :]
        phrases = [f"{prefix} {word}{ending}" for word in words.written(language)]
    if language == "zh":
        phrases += [f"{word}的{name}" for name in names for word in words.zh]
        if not shape and words.zh_bound and noun.words.zh_bound:
            phrases.append(words.zh_bound[0] + noun.words.zh_bound[0])
    return tuple(phrases)


def _article(phrase: str, joints: Mapping[str, Any]) -> str:
    last = phrase.split()[-1]
    plural = last.endswith("s") and not last.endswith("ss")
    negative = phrase.startswith(("no ", "nothing "))
    bare = plural or negative or last in joints["uncountable"]
    return phrase if bare else joints["article"] + phrase


def _fill(pattern: str, slots: Mapping[str, str], language: str) -> str:
    """The template with its slots filled; templates.toml's opening comment explains the marks."""
    joints = load_templates().joints[language]

    def joined(names: Sequence[str], mark: str) -> str:
        said = [slots[name] for name in names if slots[name]]
        if mark == "&":
            head = joints["several"].join(said[:-1])
            return head + joints["last"] + said[-1] if head else "".join(said)
        return (joints["comma"] if mark == "," else mark).join(said)

    text = ""
    for optional, pieces in _pieces(pattern):
        if optional and not any(slots[name] for piece in pieces for name in piece.names):
            continue
        text += "".join(piece.text + joined(piece.names, piece.mark) for piece in pieces)
    text = re.sub(r"\ba\(n\)(?= [aeio]| u(?!ni))", "an", text).replace("a(n)", "a")
    return text.strip()


class _Piece(NamedTuple):
    """Plain text, and the {slots} that follow it with the mark between their names."""

    text: str
    names: tuple[str, ...]
    mark: str


@cache
def _pieces(pattern: str) -> list[tuple[bool, list[_Piece]]]:
    """A template as parts, each true if it stands in [brackets], and their pieces."""
    parts = []
    for part in re.findall(r"\[[^\]]*\]|[^\[\]]+", pattern):
        optional = part.startswith("[")
        pieces = []
        for text, slots in re.findall(r"([^{}]*)(?:\{([^}]*)\})?", part.strip("[]")):
            mark = "&" if "&" in slots else re.sub(r"\w+", "", slots)[:1]
            pieces.append(_Piece(text, tuple(re.findall(r"\w+", slots)), mark))
        parts.append((optional, pieces))
    return parts


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
