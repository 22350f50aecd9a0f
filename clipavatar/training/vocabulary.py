"""Train the byte-pair vocabulary that our CLIP's tokenizer reads."""

from __future__ import annotations

import gzip
import heapq
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from clipavatar.clip import byte_words

FIXED = 256 + 256 + 2  # bytes, bytes that end a word, start and end of text
LARGEST = 49408  # open_clip reads no merge beyond
END = "</w>"
# A run of Chinese is one word to open_clip. Without a limit whole captions would become tokens
# that no other caption shares; three characters hold 双马尾, and 粉色头发 stays 粉色 + 头发.
LONGEST_ASCII, LONGEST_OTHER = 12, 9  # bytes of a token

Pair = tuple[str, str]


def train_vocabulary(captions: Iterable[str], size: int, path: str | Path) -> int:
    """Learn BPE merges from `captions` and write them to `path` (.txt.gz) for open_clip.

    The words are exactly the ones open_clip's SimpleTokenizer cuts, so every merge can be used.
    The characters become tokens first, most frequent first, so that no token ends inside a Chinese
    character; each takes two or three merges, and all of them at most two thirds of the room. Then
    pairs are merged as in https://arxiv.org/abs/1508.07909. Same captions, same bytes on disk.
    `size` counts all tokens, the 514 fixed ones included; few captions may not fill it. Returns
    the size reached. Raises ValueError for a bad size.
    """
    if not FIXED < size <= LARGEST:
        raise ValueError(f"vocabulary size must lie in {FIXED + 1} to {LARGEST}, not {size}")
    words: Counter[tuple[str, ...]] = Counter()
    for caption, count in Counter(captions).items():
        for *start, last in byte_words(caption):
            words[(*start, last + END)] += count
    budget = size - FIXED
    merges = _character_merges(words)[: budget * 2 // 3]  # rare characters never crowd out words
    merges += _word_merges(words, budget - len(merges))
    # No newline at the end: open_clip would read an empty merge there.
    lines = ["#version: clipavatar byte-pair merges", *(" ".join(pair) for pair in merges)]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    os.replace(draft, path)
    return FIXED + len(merges)


def _character_merges(words: Counter[tuple[str, ...]]) -> list[Pair]:
    """The merges that build every character of several bytes, inside a word and at its end."""
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character.removesuffix(END)] += count
    merges: dict[Pair, None] = {}
    for character, _ in sorted(characters.items(), key=lambda item: (-item[1], item[0])):
        for index in range(1, len(character)):
            merges[character[:index], character[index]] = None
        if len(character) > 1:
            merges[character[:-1], character[-1] + END] = None
    return list(merges)


def _word_merges(words: Counter[tuple[str, ...]], budget: int) -> list[Pair]:
    """Up to `budget` merges of the most frequent neighbours; a tie goes to the first in order."""
    texts, counts = [list(word) for word in words], list(words.values())
    totals: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)  # which texts hold a pair
    for index, text in enumerate(texts):
        for pair in pairwise(text):
            totals[pair] += counts[index]
            places[pair].add(index)
    heap = [(-total, pair) for pair, total in totals.items() if _allowed(pair)]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while heap and len(merges) < budget:
        negative, best = heapq.heappop(heap)
        if -negative != totals[best]:  # its count fell since
            if totals[best] > 1:
                heapq.heappush(heap, (-totals[best], best))
            continue
        if -negative < 2:
            break
        merges.append(best)
        grown: set[Pair] = set()
        for index in places.pop(best):
            before, after = texts[index], _merge(texts[index], best)
            texts[index] = after
            for pair in pairwise(before):
                totals[pair] -= counts[index]
            for pair in pairwise(after):
                totals[pair] += counts[index]
                places[pair].add(index)
                grown.add(pair)
        for pair in grown:
            if "".join(best) in pair and _allowed(pair):
                heapq.heappush(heap, (-totals[pair], pair))
    return merges


def _merge(text: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for symbol in text:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def _allowed(pair: Pair) -> bool:
    token = "".join(pair).removesuffix(END)
    return len(token) <= (LONGEST_ASCII if token.isascii() else LONGEST_OTHER)
