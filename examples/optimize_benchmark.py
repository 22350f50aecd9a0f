"""Does mode="optimize" help? On hard prompts, by the attribute judge, which takes no part in it.

    python examples/optimize_benchmark.py -n 200 --sheet pairs.png
    python examples/optimize_benchmark.py -n 60 --first 1000 noise noise+stress noise+volume \
        noise+volume,rivals=0 noise+volume,views=8,learning_rate=0.04
    python examples/optimize_benchmark.py -n 200 --first 40000 --missed

Each VARIANT is a space of clipavatar/spaces.py and, after commas, fields of latents.Search that
differ from the defaults; compare them on prompts of their own (`--first 1000`), for the best of
several owes some of its lead to the prompts that it was picked by. The prompts say four attributes
or more, two of which training never showed together, half of them in Chinese, each of a figure of
its own; with `--missed` only those are taken in whose sampled picture CLIP misses something, for in
the others a search ends before it begins. CLIP picks them, not the judge. For every variant: the
accuracy of all that is said, of sample mode and of this, the difference with its bootstrap 95 %
interval (prompts drawn anew, both modes together), how many things came right and went wrong, with
the chance that a coin would be as one-sided, the gain of each group of attributes (as --keep names
them) and the attributes that got worse, realism (Frechet distance to true pictures of the same
prompts in the judge's features, over that of sample mode), CLIP's score, and the median time with
the longest. The last row is the judge's reading of these true pictures: what is above it no mode
can be seen to reach.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from clipavatar.checkpoint import ASSETS
from clipavatar.chibi.labels import UNSAID
from clipavatar.config import SEARCH_STEPS
from clipavatar.contest import MISSED
from clipavatar.goals import score
from clipavatar.images import contact_sheet, resize, to_float, to_pil, to_uint8
from clipavatar.keeping import KEPT
from clipavatar.latents import Search
from clipavatar.metrics.alignment import embed
from clipavatar.metrics.attributes import COLUMNS
from clipavatar.metrics.distances import frechet_distance
from clipavatar.metrics.judging import load_judge, readings
from clipavatar.metrics.painting import true_pictures
from clipavatar.metrics.texts import Case, cases, wanted
from clipavatar.pipeline import AvatarPipeline
from clipavatar.refine import SPACE, lacks_of, refine
from clipavatar.refine import load_judge as load_second
from clipavatar.spaces import draw

RESAMPLES = 2000
TRUE = "true pictures"
DRAWN = (
    "| {frechet over sample:.2f} | {score:.3f} | {helped:.0f} % | {seconds:.2f} ({longest:.2f}) |"
)
LISTED = 200  # prompts that are looked at before more are drawn
GROUPS = ("character", "hair", "face", "head", "clothes")  # all attributes, by their names in KEPT


def hard_cases(count: int, first: int = 0) -> list[Case]:
    """`count` prompts, half of them Chinese, that say four attributes or more, from figure `first`.

    No two say the same: of one list of figures, English has the first half, Chinese the second.
    """
    made, english = [], count - count // 2
    for language, share in (("en", slice(english)), ("zh", slice(english, count))):
        some = cases("combinations", language, _figures(count), first)
        found = [case for case in some if len(case.said) >= 4]
        made += found[share]
    return made


def _figures(count: int) -> int:
    """So many are described that `count` of them surely say enough."""
    return 3 * count + 20


@torch.no_grad()
def missed_cases(pipeline: AvatarPipeline, count: int, first: int, candidates: int) -> list[Case]:
    """The same, of those alone in whose sampled picture CLIP misses something of what is said."""
    made: dict[str, list[Case]] = {"en": [], "zh": []}
    most = {"en": count - count // 2, "zh": count // 2}
    with tqdm(total=count, unit="missed") as bar:
        while bar.n < count:
            for case in hard_cases(LISTED, first):
                found = made[case.language]
                if len(found) < most[case.language] and _misses(pipeline, case, candidates):
                    found.append(case)
                    bar.update()
            first += _figures(LISTED)
    return made["en"] + made["zh"]


def _misses(pipeline: AvatarPipeline, case: Case, candidates: int) -> bool:
    settings = pipeline.settings(case.text, case.seed, candidates=candidates)
    target = pipeline.target(settings)
    _, _, face = pipeline.choose(pipeline.latent(settings, target), target.direction)
    lacks = lacks_of(pipeline.clip, case.text)
    return lacks is not None and bool((lacks(face) > MISSED).any())


def search_of(variant: str, steps: int) -> tuple[str, Search]:
    """SPACE[,field=value...]. Raises ValueError for an unknown field."""
    space, *changes = variant.split(",")
    kinds = {field.name: field.type for field in fields(Search)}
    values: dict[str, Any] = {"steps": steps}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in kinds:
            raise ValueError(f"{variant}: Search has {', '.join(kinds)}, not {name!r}")
        values[name] = int(value) if kinds[name] == "int" else float(value)
    return space, replace(Search(), **values)


@torch.no_grad()
def run(
    pipeline: AvatarPipeline,
    judge: Any,
    asked: Sequence[Case],
    variants: Sequence[str],
    steps: int = SEARCH_STEPS,
    candidates: int = 8,
    second: Any = None,
) -> tuple[list[dict[str, Any]], Tensor]:
    """`figures`, and the pictures of sample mode and of each variant (1 + variants, N, R, R, C)."""
    names = ["sample", *variants]
    hows = [search_of(variant, steps) for variant in variants]
    pictures: list[list[Tensor]] = [[] for _ in names]
    scores, seconds, helped = (np.zeros((len(names), len(asked))) for _ in range(3))
    for column, case in enumerate(tqdm(asked, unit="prompt")):
        begun = time.perf_counter()
        settings = pipeline.settings(
            case.text, case.seed, mode="optimize", steps=steps, candidates=candidates
        )
        target = pipeline.target(settings)
        latent = pipeline.latent(settings, target)
        _, best, sample = pipeline.choose(latent, target.direction)
        sampled = time.perf_counter() - begun
        pictures[0].append(to_uint8(sample).cpu())
        scores[0, column] = float(score(pipeline.clip, sample, target.direction))
        seconds[0, column] = sampled
        for row, (space, how) in enumerate(hows, 1):
            begun = time.perf_counter()
            start = (settings, best, target.direction, pipeline.named, second, space, how)
            found = refine(pipeline.generator, pipeline.clip, *start, face=sample)
            face = draw(pipeline.generator, found.latent) if found.optimised else sample
            seconds[row, column] = sampled + time.perf_counter() - begun
            scores[row, column] = float(score(pipeline.clip, face, target.direction))
            helped[row, column] = found.optimised
            pictures[row].append(to_uint8(face).cpu())
    drawn = torch.stack([torch.cat(each) for each in pictures])
    return figures(names, drawn, judge, asked, scores, seconds, helped), drawn


def figures(
    names: Sequence[str],
    drawn: Tensor,
    judge: Any,
    asked: Sequence[Case],
    scores: Any,
    seconds: Any,
    helped: Any,
) -> list[dict[str, Any]]:
    """One row for sample mode, for each variant, and for true pictures."""
    labels = wanted(list(asked))
    said = labels != UNSAID
    eyes = SimpleNamespace(encode_image=judge.hidden)
    true = true_pictures(list(asked), drawn.shape[2], turn=0)
    truth = embed(eyes, true).double().numpy()
    seen = [readings(judge, each) for each in (*drawn, true)]
    right = torch.stack([(each == labels) & said for each in seen])  # (M + 1, N, A)
    distances = [frechet_distance(embed(eyes, each).double().numpy(), truth) for each in drawn]
    resampled = np.random.default_rng(0).integers(len(asked), size=(RESAMPLES, len(asked)))
    counts = said.sum(dim=1).numpy()
    rows = []
    for row, name in enumerate([*names, TRUE]):
        won, lost = (int((one & ~other).sum()) for one, other in (right[[row, 0]], right[[0, row]]))
        gain = (right[row].sum(dim=1) - right[0].sum(dim=1)).numpy()
        shares = 100 * gain[resampled].sum(axis=1) / counts[resampled].sum(axis=1)
        each = {one: gained(right[row], right[0], said, [one]) for one in COLUMNS}
        groups = {name: gained(right[row], right[0], said, KEPT[name]) for name in GROUPS}
        rows.append(
            {
                "variant": name,
                "accuracy": 100 * float(right[row].sum()) / float(counts.sum()),
                "gain": 100 * float(gain.sum()) / float(counts.sum()),
                "interval": [float(edge) for edge in np.quantile(shares, (0.025, 0.975))],
                "won": won,
                "lost": lost,
                "chance": sign_test(won, lost),
                "by group": groups,
                "by attribute": each,
            }
        )
    for row, made in enumerate(rows[:-1]):
        made["frechet over sample"] = distances[row] / max(distances[0], 1e-12)
        made["score"] = float(scores[row].mean())
        made["helped"] = 100 * float(helped[row].mean())
        made["seconds"] = float(np.median(seconds[row]))
        made["longest"] = float(seconds[row].max())
    return rows


def gained(right: Tensor, before: Tensor, said: Tensor, names: Sequence[str]) -> float:
    """Points of a hundred that these attributes gained; `right`, `before` and `said` (N, A)."""
    columns = [COLUMNS[name] for name in names]
    more = int(right[:, columns].sum()) - int(before[:, columns].sum())
    return 100 * more / max(1, int(said[:, columns].sum()))


def sign_test(won: int, lost: int) -> float:
    """How often a fair coin is as one-sided as `won` against `lost`, either way; 1 for none."""
    count = won + lost
    tail = sum(math.comb(count, k) for k in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / 2**count)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| variant | accuracy | gain (95 %) | won, lost, chance | groups | worse | realism | score "
        "| helped | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["interval"]
        groups = [f"{k} {v:+.1f}" for k, v in row["by group"].items()]
        worse = [f"{k} {v:+.1f}" for k, v in row["by attribute"].items() if v < 0]
        lines.append(
            f"| {row['variant']} | {row['accuracy']:.1f} % "
            f"| {row['gain']:+.2f} ({low:+.2f} to {high:+.2f}) "
            f"| {row['won']}, {row['lost']}, {row['chance']:.3f} "
            f"| {', '.join(groups)} | {', '.join(worse) or 'none'} "
            + (DRAWN.format(**row) if "score" in row else "| | | | |")
        )
    return "\n".join(lines)


def save_sheet(drawn: Tensor, path: str, most: int = 24) -> None:
    """Prompts down, sample mode and the variants across, on white."""
    shown = [
        to_float(drawn[row, i])
        for i in range(min(most, drawn.shape[1]))
        for row in range(len(drawn))
    ]
    tiles = [to_pil(resize(one[None], 192)[0]) for one in shown]
    contact_sheet(tiles, columns=len(drawn)).save(path)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("variants", nargs="*", default=[SPACE], metavar="VARIANT")
    parser.add_argument("-n", type=int, default=200, help="prompts (200)")
    parser.add_argument("--first", type=int, default=0, help="number of the first figure (0)")
    parser.add_argument("--missed", action="store_true", help="where CLIP misses something alone")
    parser.add_argument("--steps", type=int, default=SEARCH_STEPS)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--model", default="")
    parser.add_argument("--clip", default="")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--judge", default="", help="a second CLIP that picks the results")
    parser.add_argument("--reader", default=str(ASSETS / "judge.safetensors"), metavar="FILE")
    parser.add_argument("--json", default="", metavar="FILE")
    parser.add_argument("--sheet", default="", metavar="FILE")
    args = parser.parse_args(argv)
    pipeline = AvatarPipeline.from_pretrained(args.model, args.clip, args.device)
    reader, _ = load_judge(args.reader)
    second = load_second(args.judge, str(pipeline.device))
    counts = (args.steps, args.candidates, second)
    if args.missed:
        asked = missed_cases(pipeline, args.n, args.first, args.candidates)
    else:
        asked = hard_cases(args.n, args.first)
    rows, drawn = run(pipeline, reader, asked, args.variants, *counts)
    print(table(rows))
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=2), encoding="utf-8")
    if args.sheet:
        save_sheet(drawn, args.sheet)


if __name__ == "__main__":
    main()
