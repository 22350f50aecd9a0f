"""Short Chinese or English text -> the attributes that it names. Pure Python, no torch. The text is
cut into known forms, each colour is bound to the noun that it stands beside, negations are
followed to what they reach, and what is then said is settled to one value for each attribute; a
word that means nothing is reported as the user wrote it. Nothing here knows an attribute by name,
except where a rule says so in its docstring.
"""

import re
from dataclasses import dataclass

from clipavatar.lexicon import Entry, form_index, load_lexicon, longest_form, normal_form

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
CLAUSE_BREAK = re.compile(r"[,;.!?。、|()\n]")


@dataclass(frozen=True)
class Understanding:
    """What a text says: `attributes` are ids in the lexicon's order, `unknown` the user's words."""

    text: str
    language: str
    attributes: dict[str, str]
    unknown: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass
class Token:
    """One known form, or one unknown word, at text[start:end]."""

    start: int
    end: int
    clause: int
    entry: Entry | None
    noun: int | None = None  # for a paint: which token it is bound to
    blocked: bool = False  # a colour that belongs to something that we cannot draw


def understand(text: str) -> Understanding:
    """The attributes that `text` names (any length; an empty text names none).

    A colour goes to the noun that it stands beside; one that stands alone goes to the nearest
    noun that may have it, else to the hair. Of two values of one attribute the last one wins. A
    negated value ("no bow") means "none" where the attribute has that value, else nothing.
    """
    shown = normal_form(text)
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
    index, longest = form_index(), longest_form()
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
