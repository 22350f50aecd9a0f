"""Attribute accuracy: does the picture show what the text said? By language and attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from clipavatar.checkpoint import ASSETS, load_model
from clipavatar.chibi.caption import caption, random_subset
from clipavatar.chibi.dataset import Pictures, figure_of
from clipavatar.chibi.sample import SAMPLING
from clipavatar.config import check_range
from clipavatar.images import over, to_float
from clipavatar.latents import mean_direction, sample_noise, score
from clipavatar.prompts import LANGUAGES, expand

UNSAID = -1  # label of an attribute that a caption leaves out or a picture cannot show
EXPRESSION, EYES = list(SAMPLING).index("expression"), list(SAMPLING).index("eye_colour")
CLOSED = list(SAMPLING["expression"]).index("laughing")
ALWAYS = ("character", "hair_colour")  # said in every text
LIGHT = 0.7  # of the plain grey, in [-1, 1], that pictures are judged on


def attribute_loss(logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Mean cross entropy over attributes with labels; logits (B, values) each, labels (B, A)."""
    counted = [(x, y) for x, y in zip(logits, labels.T, strict=True) if (y != UNSAID).any()]
    return torch.stack([F.cross_entropy(x, y, ignore_index=UNSAID) for x, y in counted]).mean()


def visible(labels: Tensor) -> Tensor:
    """Labels (B, A) with UNSAID where the picture cannot show it: the colour of closed eyes."""
    labels = labels.clone()
    labels[labels[:, EXPRESSION] == CLOSED, EYES] = UNSAID
    return labels


def accuracy(logits: Sequence[Tensor], labels: Tensor) -> dict[str, tuple[float, int]]:
    """Per attribute the share (in %) of labels (B, A) that the logits name, and how many count."""
    made = {}
    for name, x, y in zip(SAMPLING, logits, labels.T, strict=True):
        counted = y != UNSAID
        right = (x.argmax(dim=1) == y)[counted].float()
        made[name] = (100 * right.mean().item() if len(right) else float("nan"), len(right))
    return made


@torch.no_grad()
def render_accuracy(judge: Any, pictures: Pictures) -> dict[str, float]:
    """The judge's own accuracy in % on true renders it has not seen."""
    logits: list[list[Tensor]] = []
    for part in np.array_split(np.arange(len(pictures)), max(1, len(pictures) // 100)):
        logits.append(list(judge(over(to_float(pictures.pixels(part)), _grey()))))
    joined = [torch.cat(parts) for parts in zip(*logits, strict=True)]
    labels = visible(torch.from_numpy(pictures.labels))
    return {name: share for name, (share, _) in accuracy(joined, labels).items()}


def _grey() -> Tensor:
    return torch.full((1, 3, 1, 1), LIGHT)


@torch.no_grad()
def evaluate(
    pipeline: Any, judge: Any, language: str, count: int, candidates: int
) -> dict[str, tuple[float, int]]:
    """Per attribute the accuracy in % and on how many of `count` pictures it was said.

    Each text is a partial description in the lexicon's words (the usual word half of the time),
    always with the character and the hair colour, of a figure that no training stream holds; it
    goes the whole way through the prompt engine, CLIP and the choice among `candidates`.
    """
    logits, labels = [], []
    for index in tqdm(range(count), f"evaluating {language}", leave=False):
        attributes = figure_of(10**6, index).attributes
        rng = np.random.default_rng([10**6, index])
        said = random_subset(attributes, rng)
        said = {k: v for k, v in attributes.items() if k in said or k in ALWAYS}
        text = caption(said, language, rng)
        target = mean_direction(pipeline.clip.encode_text(expand(text)))
        noise = sample_noise(candidates, pipeline.config.noise_size, index)
        noise = noise.to(pipeline.device)
        faces = pipeline.draw(noise, pipeline.complete(text, noise, target))
        face = faces[score(pipeline.clip, faces, target).argmax()][None].cpu()
        logits.append([x.cpu() for x in judge(over(face, _grey()).clamp(-1, 1))])
        labels.append(
            [list(t).index(said[k]) if k in said else UNSAID for k, t in SAMPLING.items()]
        )
    joined = [torch.cat(parts) for parts in zip(*logits, strict=True)]
    return accuracy(joined, visible(torch.tensor(labels)))


def evaluate_languages(
    pipeline: Any, count: int, candidates: int = 8
) -> dict[str, dict[str, tuple[float, int]]]:
    """`evaluate` by the shipped judge, in English and in Chinese. Raises ValueError."""
    check_range("count", count, 1, 100_000)
    check_range("candidates", candidates, 1, 256)
    judge = load_model("judge", ASSETS / "judge.safetensors")
    return {
        language: evaluate(pipeline, judge, language, count, candidates) for language in LANGUAGES
    }


def table(figures: dict[str, dict[str, tuple[float, int]]]) -> str:
    """The figures of `evaluate_languages` as Markdown: accuracy in %, and on how many pictures."""
    lines = ["| attribute | English | Chinese |", "|---|---|---|"]
    for name in SAMPLING:
        cells = [f"{figures[k][name][0]:.1f} % of {figures[k][name][1]}" for k in LANGUAGES]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    means = []
    for language in LANGUAGES:
        shares, counts = np.array(list(figures[language].values())).T
        mean = np.average(np.nan_to_num(shares), weights=counts)
        means.append(f"**{mean:.1f} %** of {counts.sum():.0f}")
    return "\n".join([*lines, f"| **all** | {' | '.join(means)} |"])
