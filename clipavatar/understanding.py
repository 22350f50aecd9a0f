"""Short Chinese or English text -> the attributes that it names. Pure Python, no torch. The text is
cut into known forms, each colour is bound to the noun that it stands beside (binding.py), negations
are followed to what they reach, and what is then said is settled to one value for each attribute; a
word that means nothing is reported as the user wrote it. Nothing here knows an attribute by name,
except where a rule says so in its docstring.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clipavatar.binding import CJK, Token, bind, noun_of, paint
from clipavatar.lexicon import Entry, form_index, form_lengths, load_lexicon, normal_form

CLAUSE_BREAK = re.compile(r"[,;.!?。、|()\n]")


@dataclass(frozen=True)
class Understanding:
    """What a text says: `attributes` are ids in the lexicon's order, `unknown` the user's words."""

    text: str
    language: str
    attributes: dict[str, str]
    unknown: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True)
class Saying:
    """One thing that a text says. A weak one is only implied: a princess has a crown."""

    attribute: str
    value: str
    weak: bool = False
    bearer: tuple[str, str] | None = None  # whose colour it is: the white of a white cat

    @property
    def strength(self) -> int:
        """0 implied, 1 yields without a word, 2 defers and says so, 3 stands."""
        words = load_lexicon().attributes[self.attribute][self.value]
        return 0 if self.weak else 1 if words.yields else 2 if words.defers else 3


def understand(text: str) -> Understanding:
    """The attributes that `text` names (any length; an empty text names none).

    A colour goes to the noun that it stands beside; one that stands alone goes to the nearest
    noun that may have it, else to the hair. Of two values of one attribute the stronger one wins,
    of two equally strong ones the last. What another value hides (lexicon.toml: `hides`) is left
    out, whichever is said first: the hider always wins. A negated value ("no bow") means "none"
    where the attribute has that value, else nothing.
    """
    shown = normal_form(text)
    plain = shown.translate(load_lexicon().traditional)
    tokens = _tokens(plain)
    bind(tokens, plain)
    negated = _negated(tokens)
    said: list[Saying] = []
    unsaid: list[str] = []
    for number in range(len(tokens)):
        for saying in _sayings(tokens, number):
            if number not in negated:
                said.append(saying)
            elif not saying.weak:
                unsaid.append(saying.attribute)
    attributes, conflicts = _settle(said, unsaid)
    attributes, hidden = _hide(attributes)
    language = "zh" if CJK.search(text) else "en"
    return Understanding(text, language, attributes, _unknown(tokens, shown), (*conflicts, *hidden))


def _tokens(text: str) -> list[Token]:
    """The longest known form at each place, the words between as unknown; glued nouns settled."""
    index, lengths = form_index(), form_lengths()
    tokens: list[Token] = []
    start = clause = 0
    while start < len(text):
        length = next(
            (
                n
                for n in lengths.get(text[start], ())
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


def _sayings(tokens: list[Token], number: int) -> list[Saying]:
    """What a token says, once bound. A noun's own colour gives way to the one bound to it."""
    token = tokens[number]
    if token.entry is None:
        return []
    entry = token.entry
    implied = [Saying(attribute, value, weak=True) for attribute, value in entry.implies.items()]
    if entry.paints and token.noun is not None:
        bearer = tokens[token.noun]
        painted = paint(entry, noun_of(bearer, lent=True))
        return [Saying(*painted, bearer=_bearer(bearer))] if painted else []
    if entry.values:
        own = _bearer(token)
        stated = [
            Saying(attribute, value, bearer=own if own and own[0] != attribute else None)
            for attribute, value in entry.values.items()
        ]
        return stated + implied
    if entry.paints and not token.blocked and not entry.bound:
        return [Saying(*next(iter(entry.paints.values())))]
    return implied


def _bearer(noun: Token) -> tuple[str, str] | None:
    """The value without which the noun's colour means nothing: "a girl with a white cat"."""
    entry = noun.entry
    known = load_lexicon().nouns.get(entry.noun or "") if entry else None
    if entry is None or known is None or known.value not in entry.values or not known.values:
        return None
    return known.value, entry.values[known.value]


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


def _settle(said: list[Saying], unsaid: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """({attribute: value} in the lexicon's order, one line for each clash)."""
    known = load_lexicon().attributes
    winners, _ = _strongest([saying for saying in said if saying.bearer is None])
    found, conflicts = _strongest(
        [
            saying
            for saying in said
            if saying.bearer is None or winners.get(saying.bearer[0]) == saying.bearer[1]
        ]
    )
    for attribute in unsaid:
        if "none" in known[attribute]:
            found.setdefault(attribute, "none")
    return {name: found[name] for name in known if name in found}, tuple(conflicts)


def _strongest(said: list[Saying]) -> tuple[dict[str, str], list[str]]:
    found: dict[str, Saying] = {}
    conflicts = []
    for new in said:
        old = found.setdefault(new.attribute, new)
        winner = new if new.strength >= old.strength else old
        weaker, stronger = sorted((old.strength, new.strength))
        if old.value != new.value and weaker and (weaker > 1 or weaker == stronger):
            name = new.attribute.replace("_", " ")
            both = f"both {old.value!r} and {new.value!r} are said"
            conflicts.append(f"{name}: {both}; {winner.value!r} is used")
        found[new.attribute] = winner
    return {name: saying.value for name, saying in found.items()}, conflicts


def _hide(attributes: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """What is left of `attributes` (in the lexicon's order), a line for each that cannot be shown.

    The hider always wins, and what is hidden hides nothing: a bald cat is a cat with fur. That
    something is absent ("no beard") shows on anyone, so it goes without a line.
    """
    known = load_lexicon().attributes
    hiders: dict[str, tuple[str, str]] = {}
    for name, value in attributes.items():
        if name not in hiders:
            for other in known[name][value].hides:
                hiders.setdefault(other, (name, value))
    lines = []
    for other, (name, value) in hiders.items():
        if attributes.get(other, "none") != "none":
            shown = f"{name.replace('_', ' ')} {value!r} leaves no place for it"
            lines.append(f"{other.replace('_', ' ')}: {attributes[other]!r} is left out; {shown}")
    return {name: value for name, value in attributes.items() if name not in hiders}, lines


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
