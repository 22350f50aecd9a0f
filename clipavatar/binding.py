"""Which noun each colour word stands beside: the pink of "pink twin tails and blue eyes" is the
hair's. Pure Python. Nothing here knows an attribute by name, except where a rule says so in its
docstring.
"""

import re
from dataclasses import dataclass

from clipavatar.lexicon import Entry

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass
class Token:
    """One known form, or one unknown word, at text[start:end]."""

    start: int
    end: int
    clause: int
    entry: Entry | None
    noun: int | None = None  # for a paint: which token it is bound to
    blocked: bool = False  # a colour that belongs to something that we cannot draw


def bind(tokens: list[Token], text: str) -> None:
    """Sets each colour's noun: cheapest pairs first, and a noun is taken once from behind."""
    pairs = []
    trailing = _trailing(tokens)
    for number, token in enumerate(tokens):
        if token.entry and token.entry.paints:
            for cost, other in _forward(tokens, number, text) + _backward(tokens, number):
                noun = noun_of(tokens[other], lent=other < number)
                fits = paint(token.entry, noun) is not None
                rank = (other < number) != (token.clause in trailing)
                pairs.append((cost, not fits, rank, other < number, number, other))
    taken: set[int] = set()
    for cost, misfit, _, behind, number, other in sorted(pairs):
        token = tokens[number]
        if token.noun is not None or token.blocked or (behind and other in taken):
            continue
        if not misfit:
            token.noun = other
            taken.add(other)
        elif (not behind or cost < 0) and not (token.entry and _own(token.entry)):
            token.blocked = True
    _bind_the_rest(tokens, taken)


def _trailing(tokens: list[Token]) -> set[int]:
    """The clauses in which each noun has its colour after it: hair pink eyes blue."""
    orders: dict[int, str] = {}
    for token in tokens:
        if token.entry and (token.entry.noun or token.entry.paints):
            letter = "N" if token.entry.noun else "C"
            orders[token.clause] = orders.get(token.clause, "") + letter
    return {clause for clause, order in orders.items() if re.fullmatch("(NC){2,}", order)}


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
        elif any(noun_of(tokens[other], lent=True) == next(iter(entry.paints)) for other in taken):
            token.blocked = True


def _own(entry: Entry) -> bool:
    """A word of one attribute, no general colour: blonde, amber, a starry night."""
    return bool(entry.paints) and not entry.general and not entry.bound


def paint(entry: Entry, noun: str | None) -> tuple[str, str] | None:
    return entry.paints.get(noun or "") or entry.paints.get(f"{noun} shape")


def noun_of(token: Token, lent: bool) -> str | None:
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
    token.blocked = blocked and not (token.entry and _own(token.entry))
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
