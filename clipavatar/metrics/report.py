"""An evaluation in words: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from clipavatar.chibi.labels import VALUES
from clipavatar.metrics.attributes import Share
from clipavatar.metrics.results import UNSEEN_WORDS, Evaluation, Pair
from clipavatar.metrics.texts import SETS
from clipavatar.prompts import LANGUAGES

Trust = Mapping[str, Mapping[str, float]]  # the judge's own accuracy: of what, per attribute
TRUST = {"unseen": "renders", "softened": "soft ones"}


def as_markdown(made: Evaluation, trust: Trust, about: Mapping[str, str]) -> str:
    """All figures as Markdown tables."""
    parts = [", ".join(f"{name}: {value}" for name, value in about.items())]
    if made.shares:
        parts += [_accuracies(made, trust), _fairness(made)]
    rows = [[name, number(pair.model), number(pair.true)] for name, pair in made.figures.items()]
    parts.append(_table(["figure", "model", "true pictures"], rows))
    if made.unsaid:
        heads, *rows = entropies(made)
        parts.append(_table(heads, rows))
    if made.zero_shot:
        columns = [language + words for words in ("", UNSEEN_WORDS) for language in LANGUAGES]
        rows = [
            [name.replace("_", " "), *(_percent(made.zero_shot, name, k) for k in columns)]
            for name in VALUES
        ]
        parts.append(_table(["zero-shot accuracy of the CLIP, %", *columns], rows))
    return "\n\n".join([*parts, *made.notes])


def _accuracies(made: Evaluation, trust: Trust) -> str:
    """Per attribute and set, in %, beside what the judge reads in true pictures."""
    columns = [(kind, language) for kind in SETS for language in LANGUAGES]
    heads = [f"{kind} {language}" for kind, language in columns]
    every = [made.shares[kind][language] for kind, language in columns]
    rows = [
        [
            name.replace("_", " "),
            *(f"{shares[name].percent:.1f}" if name in shares else "-" for shares in every),
            *own_accuracies(made, trust, name),
        ]
        for name in VALUES
    ]
    every += list(made.truth.values())
    intervals = [_with_interval(shares["all"]) for shares in every]
    rows.append(["**all**", *intervals, *("" for _ in TRUST)])
    return _table(["accuracy, %", *heads, *own_heads(made)], rows)


def own_heads(made: Evaluation) -> list[str]:
    """What `own_accuracies` are of."""
    return [
        *(f"true pictures of {kind}" for kind in made.truth),
        *(f"judge on {words}" for words in TRUST.values()),
    ]


def own_accuracies(made: Evaluation, trust: Trust, name: str) -> list[str]:
    """How far the judge can be trusted with an attribute, or "all", in %.

    On true pictures of the same texts, of what these say; and, as its file has it, on true pictures
    of any figure, of everything there is, where most is absent ("no glasses") and easy to see.
    """
    told = [shares[name].percent if name in shares else None for shares in made.truth.values()]
    told += [trust.get(kind, {}).get(name) for kind in TRUST]
    return ["-" if percent is None else f"{percent:.1f}" for percent in told]


def entropies(made: Evaluation) -> list[list[str]]:
    """How varied what no text says is, as rows under their heads."""
    rows = [
        [name.replace("_", " "), f"{pair.model:.2f}", f"{pair.true:.2f}"]
        for name, pair in made.unsaid.items()
    ]
    return [["entropy of what is unsaid, bits", "model", "table"], *rows]


def _fairness(made: Evaluation) -> str:
    rows = [
        [f"{name}: {value}", _with_interval(share), str(share.of)]
        for name, values in made.fairness.items()
        for value, share in values.items()
    ]
    return _table(["accuracy of everything said, %", "", "of"], rows)


def _with_interval(share: Share) -> str:
    return f"{share.percent:.1f} ({share.low:.1f} to {share.high:.1f})"


def _percent(figures: Mapping[str, float], name: str, language: str) -> str:
    value = figures.get(f"{name} {language}")
    return "-" if value is None else f"{value:.1f}"


def number(value: float) -> str:
    """Three decimals for the small, one for the large, "-" for what has no value."""
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(made: Evaluation, trust: Trust, about: Mapping[str, str]) -> str:
    """Everything but the pictures; what is not a number is null."""
    content = {
        "about": dict(about),
        "judge": {kind: dict(shares) for kind, shares in trust.items()},
        "accuracy": made.shares,
        "accuracy of true pictures": made.truth,
        "fairness": made.fairness,
        "figures": made.figures,
        "unsaid entropy": made.unsaid,
        "zero-shot": made.zero_shot,
        "wrong": [{"text": w.case.text, "mistakes": w.mistakes} for w in made.wrong],
        "notes": made.notes,
    }
    return json.dumps(_plain(content), ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    """Named tuples as objects, NaN and infinity as null."""
    if isinstance(value, Share | Pair):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
