"""{a|b} and __wildcard__ -> one text by the seed, or every text there is. Pure Python, no torch.

The template language of dynamic-prompts, without its variables:

    {pink|blue} hair             one of them; {0.5::pink|2::blue}: blue four times as often
    {2$$hat|bow|scarf}           two of them, joined by ", "; {2$$ and $$hat|bow}: joined by " and "
    {1-2$$...} {-2$$...} {1-$$...}   a range of how many; an end left out is 1, or all
    __hair__                     a line of wildcards/hair.txt; __hair*__: of every file so called
    \\{  \\|  \\}                   the character itself; syntax.py takes the backslash away

Full-width ｛｜｝ are read as the others.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations, pairwise
from math import prod
from pathlib import Path

from clipavatar.wildcards import wildcard_files, wildcard_lines

DEEPEST = 40  # braces and wildcards within each other
LONGEST = 20_000  # characters that the choices of one text may grow to
FULL_WIDTH = str.maketrans("｛｜｝", "{|}")
HOW_MANY = re.compile(r"\s*(\d*)(-?)(\d*)\$\$(?:([^$|{}]*)\$\$)?")
WEIGHT = re.compile(r"\s*(\d+\.?\d*|\.\d+)::")
WILDCARD = re.compile(r"(?<![A-Za-z0-9_])__([^\W_][\w/*.-]*?)__(?![A-Za-z0-9_])")


@dataclass(frozen=True)
class Choice:
    """`low` to `high` of the `options`, drawn by their `weights`, joined by `between`."""

    options: tuple["Template", ...]
    weights: tuple[float, ...]
    low: int = 1
    high: int = 1
    between: str = ", "
    count: int = 0  # how many texts it can become, order aside


@dataclass(frozen=True)
class Template:
    """Plain text and choices in turn."""

    nodes: tuple[str | Choice, ...]
    count: int


def resolve(text: str, seed: int = 0, wildcards: str | Path = "") -> str:
    """`text` with every choice made by `seed`: the same seed, text and files give the same text.

    `wildcards` is a folder whose files come before those that we ship. ValueError, in one line with
    the place, for a brace that is never closed, a bad range, an unknown or a circular wildcard.
    """
    if not may_vary(text):
        return text
    check_length(text)
    return _Draw(random.Random(f"{seed} {text}")).text(_Reader(wildcards).template(text))


def every_text(text: str, wildcards: str | Path = "", limit: int = 100) -> tuple[list[str], int]:
    """(the first `limit` texts that `text` can become, how many there are). Weights do not matter;
    of {2$$a|b} only "a, b" is listed, not "b, a". ValueError as `resolve`.
    """
    if not may_vary(text):
        return [text], 1
    check_length(text)
    template = _Reader(wildcards).template(text)
    found: dict[str, None] = {}
    for number in range(min(template.count, 20 * limit)):
        found[_numbered(template, number)] = None
        if len(found) == limit:
            break
    return list(found), template.count


def check_length(text: str) -> None:
    """Raises ValueError for a text too long to be meant."""
    if len(text) > LONGEST:
        raise ValueError(f"the text has {len(text):,} characters; {LONGEST:,} is the most")


def may_vary(text: str) -> bool:
    """Whether `text` may hold a choice; false is certain."""
    return "{" in text or "__" in text or "｛" in text


class _Reader:
    """Parses one text; each wildcard is read once however often it is named."""

    def __init__(self, wildcards: str | Path) -> None:
        self.folder = wildcards
        self.files: dict[str, Path] | None = None
        self.known: dict[str, Choice] = {}
        self.open: list[str] = []  # the wildcards that we are inside of
        self.depth = 0

    def template(self, text: str, offset: int = 0) -> Template:
        """ValueErrors name the character from `offset`, counted from 1."""
        plain = text.translate(FULL_WIDTH)
        ends = _braces(plain, offset)
        nodes: list[str | Choice] = []
        position = written = 0
        while position < len(text):
            end, found = position + 1, WILDCARD.match(plain, position)
            node: Choice | None = None
            if plain[position] == "\\":
                end += 1
            elif plain.startswith("${", position) and position + 1 in ends:
                raise ValueError(
                    f"variables are not known: '${{' at character {offset + position + 1}"
                )
            elif position in ends:
                end = ends[position] + 1
                node = self.choice(text[position + 1 : end - 1], offset + position + 1)
            elif found:
                end, node = found.end(), self.wildcard(found[1], offset + position)
            if node is not None:
                nodes += [text[written:position], node]
                written = end
            position = end
        nodes = [node for node in (*nodes, text[written:]) if node != ""]
        return Template(tuple(nodes), prod(n.count for n in nodes if isinstance(n, Choice)))

    def choice(self, text: str, offset: int) -> Choice:
        """The inside of a pair of braces."""
        if self.depth == DEEPEST:
            raise ValueError(f"more than {DEEPEST} choices within each other")
        self.depth += 1
        low = high = 1
        between, start = ", ", 0
        pieces = _options(text)
        head = HOW_MANY.match(text)
        if head and (head[1] or head[2]):
            start = head.end()
            low = int(head[1] or 1)
            high = (int(head[3]) if head[3] else 10**6) if head[2] else low
            between = ", " if head[4] is None else head[4]
            if low > high:
                raise ValueError(f"the range {low}-{high} at character {offset + 1} is upside down")
        elif "$$" in pieces[0][1] and "{" not in pieces[0][1]:
            raise ValueError(f"no number stands before the '$$' after character {offset}")
        pieces = [(start, text[start : pieces[0][0] + len(pieces[0][1])]), *pieces[1:]]
        options, weights = [], []
        for begin, piece in pieces:
            weight = WEIGHT.match(piece)
            skip = weight.end() if weight else 0
            skip += len(piece[skip:]) - len(piece[skip:].lstrip())
            weights.append(float(weight[1]) if weight else 1.0)
            options.append(self.template(piece[skip:].rstrip(), offset + begin + skip))
        if not any(weights):
            raise ValueError(f"every weight in the braces at character {offset} is 0")
        only = options[0].nodes
        if start and len(options) == 1 and len(only) == 1 and isinstance(only[0], Choice):
            options, weights = list(only[0].options), list(only[0].weights)  # {2$$__wildcard__}
        self.depth -= 1
        return _choice(options, weights, low, high, between)

    def wildcard(self, name: str, offset: int) -> Choice:
        if name in self.open:
            raise ValueError(f"the wildcard __{name}__ contains itself")
        if self.depth == DEEPEST:
            raise ValueError(f"more than {DEEPEST} choices within each other")
        if name not in self.known:
            self.files = wildcard_files(self.folder) if self.files is None else self.files
            names = [known for known in self.files if fnmatchcase(known, name)]
            if not names:
                raise ValueError(
                    f"unknown wildcard __{name}__ at character {offset + 1} "
                    f"(known: {', '.join(self.files)})"
                )
            self.open.append(name)
            self.depth += 1
            options = [option for known in names for option in self.file(self.files[known])]
            self.open.pop()
            self.depth -= 1
            if not options:
                raise ValueError(f"the wildcard __{name}__ has no lines")
            weights = [weight for weight, _ in options]
            self.known[name] = _choice([option for _, option in options], weights)
        return self.known[name]

    def file(self, path: Path) -> Iterator[tuple[float, Template]]:
        for number, line in wildcard_lines(path, path.stat().st_mtime_ns):
            weight = WEIGHT.match(line)
            try:
                option = self.template(line[weight.end() :].strip() if weight else line)
            except ValueError as error:
                raise ValueError(f"{path.name} line {number}: {error}") from None
            yield float(weight[1]) if weight else 1.0, option


def _choice(
    options: Sequence[Template],
    weights: Sequence[float],
    low: int = 1,
    high: int = 1,
    between: str = ", ",
) -> Choice:
    low, high = min(low, len(options)), min(high, len(options))
    texts = [1] + [0] * high  # of each size: the elementary symmetric polynomials of the counts
    for option in options:
        for size in range(high, 0, -1):
            texts[size] += texts[size - 1] * option.count
    return Choice(tuple(options), tuple(weights), low, high, between, sum(texts[low:]))


def _braces(text: str, offset: int) -> dict[int, int]:
    """{place of a "{": place of its "}"}. One that is never closed is plain text, as in a smiley,
    unless what follows shows that a choice was meant: ValueError.
    """
    ends: dict[int, int] = {}
    starts: list[int] = []
    for match in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if match[0] == "{":
            starts.append(match.start())
        elif match[0] == "}" and starts:
            ends[starts.pop()] = match.start()
    if starts and re.search(r"\||\$\$|::", text[starts[0] :]):
        raise ValueError(
            f"the '{{' at character {offset + starts[0] + 1} is never closed; \\{{ writes a brace"
        )
    return ends


def _options(text: str) -> list[tuple[int, str]]:
    """[(place, option)]: `text` cut at every "|" that is in no braces of its own."""
    plain = text.translate(FULL_WIDTH)
    cuts, depth = [-1], 0
    for match in re.finditer(r"\\.|[{|}]", plain, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if match[0] == "|" and depth == 0:
            cuts.append(match.start())
    cuts.append(len(text))
    return [(a + 1, text[a + 1 : b]) for a, b in pairwise(cuts)]


class _Draw:
    """One text by chance. Only Random.random is used: Python promises its stream for ever."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.left = LONGEST

    def text(self, template: Template) -> str:
        return "".join(n if isinstance(n, str) else self.some(n) for n in template.nodes)

    def some(self, choice: Choice) -> str:
        number = choice.low + int(self.chance.random() * (choice.high - choice.low + 1))
        rest = list(range(len(choice.options)))
        taken = []
        for _ in range(number):
            place = self.chance.random() * sum(choice.weights[i] for i in rest)
            for i in rest:
                place -= choice.weights[i]
                if place < 0:
                    break
            rest.remove(i)
            taken.append(self.text(choice.options[i]))
        text = choice.between.join(taken)
        self.left -= len(text) + 1
        if self.left < 0:
            raise ValueError(f"the choices grow to more than {LONGEST:,} characters")
        return text


def _numbered(template: Template, number: int) -> str:
    """Text `number` of all that there are; the last choice changes first."""
    parts: list[str] = []
    for node in reversed(template.nodes):
        if isinstance(node, str):
            parts.append(node)
        else:
            number, own = divmod(number, node.count)
            parts.append(_numbered_choice(node, own))
    return "".join(reversed(parts))


def _numbered_choice(choice: Choice, number: int) -> str:
    for size in range(choice.low, choice.high + 1):
        for options in combinations(choice.options, size):
            count = prod(option.count for option in options)
            if number < count:
                texts = []
                for option in reversed(options):
                    number, own = divmod(number, option.count)
                    texts.append(_numbered(option, own))
                return choice.between.join(reversed(texts))
            number -= count
    raise IndexError(number)
