"""`clipavatar evaluate`: every figure about a model, each beside what true pictures would get.

Texts, seeds and samples are fixed: the same model gives the same figures to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipavatar.chibi.labels import UNSAID, VALUES, labels_of
from clipavatar.chibi.sample import figure
from clipavatar.metrics import alignment, distances
from clipavatar.metrics.alignment import embed
from clipavatar.metrics.attributes import COLUMNS, by_value, present, visible
from clipavatar.metrics.copies import suspects, training_labels
from clipavatar.metrics.inception import inception_figures
from clipavatar.metrics.judging import Drawn, Reader, joined, judged
from clipavatar.metrics.painting import (
    Painter,
    painted,
    training_pictures,
    true_noise,
    true_pictures,
)
from clipavatar.metrics.results import UNSEEN_WORDS, Copy, Evaluation, Pair, Wrong
from clipavatar.metrics.texts import SETS, Case, cases
from clipavatar.prompts import LANGUAGES

REALISM = ("words", "full")  # the sets whose pictures are compared with true ones
TEXTS, SEEDS = 16, 8  # for diversity: so many texts, each with so many seeds
OWN_SEEDS = 4  # for each of TEXTS captions of a person's own
LOW = 0.05  # the quantile of distances in which a few copies show
TURNS = 8  # times that the sampling table chooses what the texts leave unsaid


def features(embeddings: Tensor) -> distances.Features:
    """Unit vectors (N, E) -> features (N, E) of mean square 1, as the distances want them."""
    made: distances.Features = embeddings.double().numpy() * embeddings.shape[1] ** 0.5
    return made


def measure(
    paint: Painter, judge: Reader, clip: Any, own_clip: Any, count: int, inception: bool = False
) -> Evaluation:
    """Everything about a model that draws chibi figures.

    `count` texts of each set in each language. `clip` measures realism and alignment; `own_clip`
    is the model's, for its zero-shot accuracy. `inception` asks for FID and Inception Score too.

    Pictures are compared as sets of N = 2 * `count`, all of different figures: of the sets of
    REALISM every text once, in the languages by turns. Model and truth draw these, and both are
    compared with as many true pictures of other texts, as independent of one as of the other.
    """
    made = Evaluation()
    drawn: dict[str, Drawn] = {}
    for kind in SETS:
        for language in LANGUAGES:
            asked, name = cases(kind, language, count), f"{kind} {language}"
            drawn[name] = judged(judge, asked, painted(paint, asked, f"drawing {name}"))
            made.shares.setdefault(kind, {})[language] = drawn[name].shares()
            made.wrong += wrong_ones(drawn[name])
    every = joined(list(drawn.values()))
    for name in ("character", "skin"):
        same_figure = [case.seed for case in every.asked]
        made.fairness[name] = by_value(every.read, every.said, name, same_figure)

    size = every.pixels.shape[1]
    same = [drawn[f"{kind} {LANGUAGES[0]}"].asked for kind in REALISM]  # as in other languages
    pixels = torch.split(true_pictures([*same[0], *same[1]], size, turn=0), count)
    true = [judged(judge, *each) for each in zip(same, pixels, strict=True)]
    made.truth = {kind: each.shares() for kind, each in zip(REALISM, true, strict=True)}
    others = [case for kind in REALISM for case in cases(kind, LANGUAGES[0], count, first=count)]
    other = true_pictures(others, size, turn=1)

    chosen = joined([drawn[f"{kind} {language}"] for kind in REALISM for language in LANGUAGES])
    truth, rows = joined(true), by_turns(count)
    sample = Drawn([chosen.asked[row] for row in rows], *(each[rows] for each in chosen[1:]))
    embeddings, true_embeddings = embed(clip, chosen.pixels), embed(clip, truth.pixels)
    model, real = features(embeddings[rows]), features(true_embeddings)
    made.figures |= realism(model, real, features(embed(clip, other)))
    if inception:
        add_inception(made, sample.pixels, truth.pixels, other)
    made.figures["diversity"] = Pair(variety(paint, clip, chosen.asked[:TEXTS], size), 1.0)
    shown = present(torch.cat((sample.read, truth.read))).to(torch.int8).numpy()
    stock = training_pictures(suspects(shown, training_labels()), size)
    kept = features(embed(clip, stock))
    near, chance = distances.nearest(model, kept), distances.nearest(real, kept)
    made.figures |= memory(near, chance)
    made.copies = closest(sample.pixels, stock, near)
    made.unsaid = unsaid_entropy(sample.read, sample.asked)
    their_own = torch.cat([part for part in torch.split(true_embeddings, count) for _ in LANGUAGES])
    made.figures |= belonging(clip, embeddings, their_own, chosen.asked)
    labels = visible(torch.tensor([labels_of(attributes_of(case, 0)) for case in truth.asked]))
    seen_by_own = true_embeddings if own_clip is clip else embed(own_clip, truth.pixels)
    made.zero_shot = alignment.zero_shot(own_clip, seen_by_own, labels)
    unseen = alignment.zero_shot(own_clip, seen_by_own, labels, "held-out")
    made.zero_shot |= {f"{name}{UNSEEN_WORDS}": share for name, share in unseen.items()}
    return made


def by_turns(count: int) -> list[int]:
    """Of `count` texts of each set of REALISM in each language: every text in one language."""
    return [
        (place * len(LANGUAGES) + row % len(LANGUAGES)) * count + row
        for place in range(len(REALISM))
        for row in range(count)
    ]


def measure_folder(
    paint: Painter, clip: Any, texts: Sequence[Case], pixels: Tensor, inception: bool = False
) -> Evaluation:
    """Everything that needs no labels, on captioned pictures of one's own, (N, R, R, C) uint8.

    The captions of every second picture are drawn and compared with the other pictures, as are
    their own pictures. Copies are looked for among all.
    """
    made = Evaluation()
    mine = list(range(0, len(texts) // 2 * 2, 2))
    asked = [texts[index] for index in mine]
    drawn = painted(paint, asked, "drawing your captions")
    everything = embed(clip, pixels)
    model_embeddings, true_embeddings = embed(clip, drawn), everything[mine]
    model, stock = features(model_embeddings), features(everything)
    others = stock[1::2]
    made.figures |= realism(model, stock[mine], others)
    if inception:
        add_inception(made, drawn, pixels[mine], pixels[1::2])
    ratio = distances.spread_of(model) / distances.spread_of(stock[mine])
    made.figures["spread over all captions"] = Pair(ratio, 1.0)
    names = list(dict.fromkeys(case.text for case in asked))[:TEXTS]
    again = [Case(n, "", {}, 1000 + seed) for seed, n in enumerate(names * OWN_SEEDS)]
    variants = features(embed(clip, painted(paint, again, "drawing variants")))
    made.figures["spread of one caption over that of several"] = Pair(
        distances.spread_of_one(variants, names * OWN_SEEDS),
        distances.spread_of_one(stock, [case.text for case in texts]),
    )
    near = distances.nearest(model, stock)
    alone = distances.nearest(stock, stock, itself=True)
    made.figures |= memory(near, alone)
    made.copies = closest(drawn, pixels, near)
    made.figures |= belonging(clip, model_embeddings, true_embeddings, asked)
    return made


def realism(
    model: distances.Features, true: distances.Features, other: distances.Features
) -> dict[str, Pair]:
    """Distances of the model's and of true pictures to other true ones, features (N, E) each.

    The others are a sample of their own: of other texts, not of the same texts anew.
    """
    frechet = Pair(
        distances.frechet_distance(model, other), distances.frechet_distance(true, other)
    )
    precision, recall = zip(
        *(distances.precision_recall(other, each) for each in (model, true)), strict=True
    )
    return {
        "Frechet distance": frechet,
        "Frechet distance over the floor": Pair(frechet.model / max(frechet.true, 1e-12), 1.0),
        "KID x 1000": Pair(
            *(1000 * distances.kernel_distance(each, other) for each in (model, true))
        ),
        "precision": Pair(*precision),
        "recall": Pair(*recall),
    }


def memory(near: distances.Nearest, chance: distances.Nearest) -> dict[str, Pair]:
    """How near to training pictures the model's are, over how near true unseen ones are."""
    name = "distance to training pictures"
    return {
        name: Pair(distances.memorisation(near, chance), 1.0),
        f"{name}, nearest {100 * LOW:.0f} %": Pair(distances.memorisation(near, chance, LOW), 1.0),
    }


def add_inception(made: Evaluation, model: Tensor, true: Tensor, other: Tensor) -> None:
    """FID and Inception Score, or a note why not; bytes (N, R, R, C) each."""
    try:
        for title, both in inception_figures(model, true, other).items():
            made.figures[title] = Pair(*both)
    except RuntimeError as error:
        made.notes.append(str(error))


def variety(paint: Painter, clip: Any, asked: Sequence[Case], size: int) -> float:
    """How varied the pictures of one text are, over how varied true ones are."""
    again = [replace(case, seed=1000 + seed) for case in asked for seed in range(SEEDS)]
    pictures = (painted(paint, again, "drawing variants"), true_pictures(again, size, turn=2))
    model, true = (features(embed(clip, each)) for each in pictures)
    shape = (len(asked), SEEDS, -1)
    return distances.diversity(model.reshape(shape), true.reshape(shape))


def attributes_of(case: Case, turn: int) -> dict[str, str]:
    """All attributes of the true picture number `turn` of a case."""
    return figure(case.said, true_noise(case.seed, turn)).attributes


def unsaid_entropy(read: Tensor, asked: Sequence[Case]) -> dict[str, Pair]:
    """Entropy in bits of what the judge reads where nothing was said, and of the sampling table's.

    read (N, A). The table's is the mean over several draws of as many figures for the same texts:
    entropy is underestimated from few.
    """
    shown = present(read).numpy()
    said = np.array([labels_of(case.said) for case in asked])
    table = np.array(
        [[labels_of(attributes_of(case, turn)) for case in asked] for turn in range(TURNS)]
    )
    made = {}
    for name, column in COLUMNS.items():
        rows = said[:, column] == UNSAID
        if rows.any():
            theirs = [_entropy_of(turn[rows, column]) for turn in table]
            made[name] = Pair(_entropy_of(shown[rows, column]), float(np.mean(theirs)))
    return made


def _entropy_of(labels: NDArray[np.int64]) -> float:
    return distances.entropy(np.bincount(labels[labels != UNSAID], minlength=1))


def belonging(clip: Any, model: Tensor, true: Tensor, asked: Sequence[Case]) -> dict[str, Pair]:
    """CLIP score, retrieval and R-precision per language, of embeddings (N, E)."""
    figures: dict[str, Pair] = {}
    embedded = alignment.embed_texts(clip, [case.text for case in asked])
    for language in sorted({case.language for case in asked}):
        rows = [row for row, case in enumerate(asked) if case.language == language]
        names = [asked[row].text for row in rows]
        texts, pictures = embedded[rows], (model[rows], true[rows])

        for title, found in (
            ("CLIP score", [alignment.clip_score(x, texts) for x in pictures]),
            ("R@1 image to text, %", [alignment.recall_at_1(x, texts, names) for x in pictures]),
            ("R@1 text to image, %", [alignment.recall_at_1(texts, x, names) for x in pictures]),
            (
                "R-precision image to text, %",
                [alignment.r_precision(x, texts, names) for x in pictures],
            ),
            (
                "R-precision text to image, %",
                [alignment.r_precision(texts, x, names) for x in pictures],
            ),
        ):
            figures[f"{title} {language}"] = Pair(*found)
    return figures


def wrong_ones(drawn: Drawn) -> list[Wrong]:
    """The pictures that miss something said, each with lines like "hair: bob, drawn: buns"."""
    found = []
    for row, case in enumerate(drawn.asked):
        mistakes = []
        for name, column in COLUMNS.items():
            asked_for, shown = drawn.said[row, column], drawn.read[row, column]
            if asked_for not in (UNSAID, shown):
                values = VALUES[name]
                line = f"{name}: {values[asked_for]}, drawn: {values[shown]}"
                mistakes.append(line.replace("_", " "))
        if mistakes:
            found.append(Wrong(drawn.pixels[row], case, mistakes))
    return found


def closest(pixels: Tensor, stock: Tensor, near: distances.Nearest, count: int = 8) -> list[Copy]:
    """The `count` pictures that are nearest to a training picture, nearest first."""
    order = near.distance.argsort(kind="stable")[:count].tolist()
    return [Copy(pixels[i], stock[near.place[i]], float(near.distance[i])) for i in order]
