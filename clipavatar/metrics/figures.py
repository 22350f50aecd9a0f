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

from clipavatar.chibi.dataset import UNSAID, VALUES, labels_of
from clipavatar.chibi.sample import figure
from clipavatar.metrics import alignment, distances
from clipavatar.metrics.alignment import embed
from clipavatar.metrics.attributes import COLUMNS, accuracy, by_value, overall, present, visible
from clipavatar.metrics.inception import inception_figures
from clipavatar.metrics.judging import Reader, readings
from clipavatar.metrics.painting import (
    Painter,
    painted,
    training_pictures,
    true_noise,
    true_pictures,
)
from clipavatar.metrics.results import Copy, Evaluation, Pair, Wrong
from clipavatar.metrics.texts import SETS, Case, cases, wanted
from clipavatar.prompts import LANGUAGES

REALISM = ("words", "full")  # the sets whose pictures are compared with true ones
TEXTS, SEEDS = 16, 8  # for diversity: so many texts, each with so many seeds
STOCK = 1000  # pictures of the training stream that copies are looked for in
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
    """
    made = Evaluation()
    asked: dict[str, list[Case]] = {}
    drawn: dict[str, Tensor] = {}
    seen: dict[str, Tensor] = {}
    for kind in SETS:
        for language in LANGUAGES:
            name = f"{kind} {language}"
            asked[name] = cases(kind, language, count)
            drawn[name] = painted(paint, asked[name], f"drawing {name}")
            seen[name] = readings(judge, drawn[name])
            said = wanted(asked[name])
            shares = {"all": overall(seen[name], said), **accuracy(seen[name], said)}
            made.shares.setdefault(kind, {})[language] = shares
            made.wrong += wrong_ones(drawn[name], asked[name], seen[name], said)
    every = torch.cat([wanted(some) for some in asked.values()])
    for name in ("character", "skin"):
        made.fairness[name] = by_value(torch.cat(list(seen.values())), every, name)

    chosen = [f"{kind} {language}" for kind in REALISM for language in LANGUAGES]
    texts = [case for name in chosen for case in asked[name]]
    pixels, read = (torch.cat([each[name] for name in chosen]) for each in (drawn, seen))
    size = pixels.shape[1]
    true, other = (true_pictures(texts, size, turn) for turn in (0, 1))
    model_embeddings, true_embeddings = embed(clip, pixels), embed(clip, true)
    model, truth = features(model_embeddings), features(true_embeddings)
    made.figures |= realism(model, truth, features(embed(clip, other)))
    if inception:
        add_inception(made, pixels, true, other)
    made.figures["diversity"] = Pair(variety(paint, clip, asked["words en"][:TEXTS], size), 1.0)
    stock = training_pictures(STOCK, size)
    kept = features(embed(clip, stock))
    near = distances.nearest(model, kept)
    memory = distances.memorisation(near, distances.nearest(truth, kept))
    made.figures["distance to training pictures"] = Pair(memory, 1.0)
    made.copies = closest(pixels, stock, near)
    made.unsaid = unsaid_entropy(read, texts)
    made.figures |= belonging(clip, model_embeddings, true_embeddings, texts)
    labels = visible(torch.tensor([labels_of(attributes_of(case, 0)) for case in texts]))
    seen_by_own = true_embeddings if own_clip is clip else embed(own_clip, true)
    made.zero_shot = alignment.zero_shot(own_clip, seen_by_own, labels)
    return made


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
    near = distances.nearest(model, stock)
    alone = distances.nearest(stock, stock, itself=True)
    made.figures["distance to training pictures"] = Pair(distances.memorisation(near, alone), 1.0)
    made.copies = closest(drawn, pixels, near)
    made.figures |= belonging(clip, model_embeddings, true_embeddings, asked)
    return made


def realism(
    model: distances.Features, true: distances.Features, other: distances.Features
) -> dict[str, Pair]:
    """Distances of the model's and of true pictures to other true ones, features (N, E) each."""
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


def wrong_ones(pixels: Tensor, asked: Sequence[Case], read: Tensor, said: Tensor) -> list[Wrong]:
    """The pictures that miss something said, each with lines like "hair: bob, drawn: buns"."""
    found = []
    for row, case in enumerate(asked):
        mistakes = []
        for name, column in COLUMNS.items():
            asked_for, shown = said[row, column], read[row, column]
            if asked_for not in (UNSAID, shown):
                values = VALUES[name]
                line = f"{name}: {values[asked_for]}, drawn: {values[shown]}"
                mistakes.append(line.replace("_", " "))
        if mistakes:
            found.append(Wrong(pixels[row], case, mistakes))
    return found


def closest(pixels: Tensor, stock: Tensor, near: distances.Nearest, count: int = 8) -> list[Copy]:
    """The `count` pictures that are nearest to a training picture, nearest first."""
    order = near.distance.argsort(kind="stable")[:count].tolist()
    return [Copy(pixels[i], stock[near.place[i]], float(near.distance[i])) for i in order]
