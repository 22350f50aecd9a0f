"""An evaluation in words: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from clipavatar.chibi.dataset import VALUES
from clipavatar.metrics.attributes import Share
from clipavatar.metrics.results import Evaluation, Pair
from clipavatar.metrics.texts import SETS
from clipavatar.prompts import LANGUAGES

Trust = Mapping[str, Mapping[str, float]]  # the judge's own accuracy: unseen, softened


def as_markdown(made: Evaluation, trust: Trust, about: Mapping[str, str]) -> str:
    """All figures as Markdown tables."""
    parts = [", ".join(f"{name}: {value}" for name, value in about.items())]
    if made.shares:
        parts += [_accuracies(made, trust), _fairness(made)]
    rows = [[name, _number(pair.model), _number(pair.true)] for name, pair in made.figures.items()]
    parts.append(_table(["figure", "model", "true pictures"], rows))
    if made.unsaid:
        rows = [
            [name.replace("_", " "), f"{pair.model:.2f}", f"{pair.true:.2f}"]
            for name, pair in made.unsaid.items()
        ]
        parts.append(_table(["entropy of what is unsaid, bits", "model", "table"], rows))
    if made.zero_shot:
        rows = [
            [name.replace("_", " "), *(_percent(made.zero_shot, name, k) for k in LANGUAGES)]
            for name in VALUES
        ]
        parts.append(_table(["zero-shot accuracy of the CLIP, %", *LANGUAGES], rows))
    return "\n\n".join([*parts, *made.notes])


def _accuracies(made: Evaluation, trust: Trust) -> str:
    """Per attribute and set, in %, beside the judge's own accuracy."""
    columns = [(kind, language) for kind in SETS for language in LANGUAGES]
    heads = [f"{kind} {language}" for kind, language in columns]
    rows = []
    for name in VALUES:
        shares = [made.shares[kind][language].get(name) for kind, language in columns]
        cells = [f"{share.percent:.1f}" if share else "-" for share in shares]
        own = [f"{trust[k][name]:.1f}" if name in trust.get(k, {}) else "-" for k in _TRUST]
        rows.append([name.replace("_", " "), *cells, *own])
    every = [made.shares[kind][language]["all"] for kind, language in columns]
    rows.append(["**all**", *(_with_interval(share) for share in every), "", ""])
    return _table(["accuracy, %", *heads, "judge on renders", "judge on soft ones"], rows)


_TRUST = ("unseen", "softened")


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


def _number(value: float) -> str:
    """Three decimals for the small, one for the large."""
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
