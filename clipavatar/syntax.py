"""(word:1.3), [word] and "a | b:0.5" -> plain texts with weights. Pure Python, no torch.

The emphasis of AUTOMATIC1111's web UI:

    (word)  [word]      1.1 times as strong, and 1.1 times as weak; brackets multiply
    (word:1.3)          1.3 times; weights are kept from 0 (as if it were not said) to 3
    \\(  \\)  \\[  \\]  \\|    the character itself
    a | b:0.5           one picture between both, b counting half as much as a

It differs in this: a bracket without its partner is plain text, and so are brackets around no
letter or digit, so ":)" and "(>_<)" are left alone; full-width （：）｜ are read as the others; and
[from:to:when] and [a|b] mean nothing, since a picture is not made in steps.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from clipavatar.understanding import understand

T = TypeVar("T")
STRONGER = 1.1  # what one pair of brackets multiplies by
WEIGHTS = (0.0, 3.0)  # least and most
FULL_WIDTH = str.maketrans("（）：｜", "():|")
TOKEN = re.compile(r"\\[()\[\]{}|_\\]|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|[()\[\]]")
SHARE = re.compile(r"(?<=[^\s:])[:：](\d+\.?\d*|\.\d+)\s*$")
BLANK = re.compile(r"\s+")
LONE_COMMAS = re.compile(r"\s*([,，、;；])(?:\s*[,，、;；])+")


@dataclass(frozen=True)
class Part:
    """Words with a weight other than 1, and the prompt's text without them ("" if none is left)."""

    text: str
    weight: float
    rest: str


@dataclass(frozen=True)
class Prompt:
    """One plain text of a blend; the `share`s of a blend make 1."""

    text: str
    parts: tuple[Part, ...]
    share: float


def parse(text: str) -> tuple[Prompt, ...]:
    """`text`, its choices made, as one prompt or as several to blend.

    What has weight 0 is left out. ValueError, in one line, if nothing is left.
    """
    pieces = []
    cuts = _cuts(text)
    for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        share = SHARE.search(piece) if cuts else None
        if any(character.isalpha() for character in piece):
            words = piece[: share.start()] if share else piece
            pieces.append((words, float(share[1]) if share else 1.0))
    whole = sum(share for _, share in pieces)
    if cuts and pieces and not whole:
        raise ValueError("every weight of the blend is 0")
    if not pieces:
        return (Prompt(text.strip(), (), 1.0),)
    return tuple(_prompt(words, share / whole) for words, share in pieces if share)


def attributes(blend: Sequence[Prompt]) -> list[dict[str, str]]:
    """What each prompt of a blend says, and where it says nothing, what the others say.

    So "girl | pink hair | boy:0.5" is girl and boy blended, both with pink hair. Of the others the
    one with the greater share is heard first.
    """
    return _heard([understand(prompt.text).attributes for prompt in blend], blend)


def weights(blend: Sequence[Prompt]) -> list[dict[str, float]]:
    """How strongly each prompt of a blend says its `attributes`: the weights, multiplied, of the

    parts without which it would not say it. What others say for it has the weight that they give.
    """
    own = []
    for prompt in blend:
        said = understand(prompt.text).attributes
        strong = dict.fromkeys(said, 1.0)
        for part in prompt.parts:
            left = understand(part.rest).attributes if part.rest else said
            for name, value in said.items():
                strong[name] *= part.weight if left.get(name) != value else 1
        own.append(strong)
    return _heard(own, blend)


def _heard(own: Sequence[dict[str, T]], blend: Sequence[Prompt]) -> list[dict[str, T]]:
    """What each prompt has of its own, and the rest from the others; see `attributes`."""
    order = sorted(range(len(blend)), key=lambda i: -blend[i].share)
    merged: dict[str, T] = {}
    for i in order:
        merged = own[i] | merged
    return [{**merged, **one} for one in own]


def _cuts(text: str) -> list[int]:
    """The places of every "|" that is escaped by no backslash and stands in no brackets."""
    plain = text.translate(FULL_WIDTH)
    inside = [0] * (len(text) + 1)  # how many more brackets are open from here on
    waiting: dict[str, list[int]] = {"(": [], "[": []}
    cuts = []
    for match in re.finditer(r"\\.|[()\[\]|]", plain, re.DOTALL):
        if match[0] in waiting:
            waiting[match[0]].append(match.start())
        elif match[0] in ")]" and waiting[partner := "(["[")]".index(match[0])]]:
            inside[waiting[partner].pop()] += 1
            inside[match.start()] -= 1
        elif match[0] == "|":
            cuts.append(match.start())
    depth, outside, wanted = 0, [], set(cuts)
    for place, change in enumerate(inside):
        depth += change
        if place in wanted and depth == 0:
            outside.append(place)
    return outside


@dataclass
class _Run:
    text: str
    weight: float = 1.0


def _prompt(text: str, share: float) -> Prompt:
    runs = _runs(text)
    if runs == [_Run(text)]:
        return Prompt(text.strip(), (), share)
    low, high = WEIGHTS
    for run in runs:
        run.weight = min(max(round(run.weight, 6), low), high)
    kept = [run for run in _merged(runs) if run.weight]
    plain = _tidy("".join(run.text for run in kept))
    if not any(character.isalpha() for character in plain):
        raise ValueError(f"no word of {text.strip()[:40]!r} has a weight above 0")
    parts = []
    for run in kept:
        if run.weight != 1 and any(character.isalnum() for character in run.text):
            rest = _tidy("".join(other.text for other in kept if other is not run))
            rest = rest if any(character.isalpha() for character in rest) else ""
            parts.append(Part(run.text.strip(" ,，"), run.weight, rest))
    return Prompt(plain, tuple(parts), share)


def _runs(text: str) -> list[_Run]:
    """A1111's way: a bracket multiplies everything since its partner. An opening bracket is a run
    of its own, which is emptied once it has its partner.
    """
    runs: list[_Run] = []
    waiting: dict[str, list[int]] = {"(": [], "[": []}
    plain = text.translate(FULL_WIDTH)
    done = 0
    for match in TOKEN.finditer(plain):
        runs.append(_Run(text[done : match.start()]))
        shown, done = text[match.start() : match.end()], match.end()
        mark = plain[match.end() - 1]
        if match[0].startswith("\\"):
            runs.append(_Run(shown[1:]))
        elif mark in waiting:
            waiting[mark].append(len(runs))
            runs.append(_Run(shown))
        elif not waiting[partner := "(" if mark == ")" else "["]:
            runs.append(_Run(shown))
        else:
            start = waiting[partner].pop()
            if not any(c.isalnum() for run in runs[start + 1 :] for c in run.text):
                runs.append(_Run(shown))
                continue
            factor = float(match[1]) if match[1] else STRONGER if mark == ")" else 1 / STRONGER
            runs[start].text = ""
            for run in runs[start + 1 :]:
                run.weight *= factor
    runs.append(_Run(text[done:]))
    return [run for run in runs if run.text] or [_Run(text)]


def _merged(runs: Sequence[_Run]) -> list[_Run]:
    """Neighbours of one weight as one run; what has no letter takes its neighbour's weight."""
    merged: list[_Run] = []
    for run in runs:
        if merged and merged[-1].weight == run.weight:
            merged[-1].text += run.text
        else:
            merged.append(_Run(run.text, run.weight))
    return merged


def _tidy(text: str) -> str:
    """Without the blanks and commas that stood around something left out."""
    return LONE_COMMAS.sub(r"\1", BLANK.sub(" ", text)).strip(" ,，、;；")
