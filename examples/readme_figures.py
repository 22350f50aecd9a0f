"""Writes the tables of README.md and MODEL_CARD.md anew from what `clipavatar evaluate` found.

    clipavatar evaluate --json figures.json
    python examples/readme_figures.py figures.json

Tables stand between <!-- NAME --> and <!-- end -->; the text around them is written by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SETS = {
    "words": "words",
    "full": "full",
    "combinations": "held-out pairs",
    "wordings": "held-out wordings",
}
LANGUAGES = ("en", "zh")
UNSEEN_WORDS = ", unseen words"  # as in clipavatar/metrics/results.py
Rows = list[list[str]]


def table(heads: list[str], rows: Rows) -> str:
    return "\n".join(
        f"| {' | '.join(line)} |" for line in [heads, ["---"] * len(heads), *rows]
    ).replace("| --- ", "|---")


def interval(share: dict[str, float]) -> str:
    return f"{share['percent']:.1f} ({share['low']:.1f} to {share['high']:.1f})"


def accuracy(made: dict[str, Any]) -> str:
    """Per attribute, set and language, beside what the judge reads in true pictures."""
    columns = [(kind, language) for kind in SETS for language in LANGUAGES]
    truth = made["accuracy of true pictures"]
    rows = []
    for name in [*made["zero-shot names"], "all"]:
        shares = [made["accuracy"][kind][language].get(name) for kind, language in columns]
        cells = [f"{share['percent']:.1f}" if share else "-" for share in shares]
        own = [shares.get(name, {}).get("percent") for shares in truth.values()]
        own += [made["judge"].get(kind, {}).get(name) for kind in ("unseen", "softened")]
        cells += ["" if value is None else f"{value:.1f}" for value in own]
        cells = [cell and f"**{cell}**" for cell in cells] if name == "all" else cells
        rows.append(["**all**" if name == "all" else name.replace("_", " "), *cells])
    heads = [f"{SETS[kind]} {language.upper()}" for kind, language in columns]
    heads += [f"true pictures, {SETS[kind]}" for kind in truth]
    return table(["attribute, %", *heads, "judge on renders", "soft ones"], rows)


def figures(made: dict[str, Any]) -> str:
    """What is not about attributes."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"

    rows = [
        [name, number(pair["model"]), number(pair["true"])]
        for name, pair in made["figures"].items()
    ]
    return table(["figure", "model", "true pictures"], rows)


def fairness(made: dict[str, Any]) -> str:
    rows = [
        [f"{name}: {value}", interval(share), str(share["of"])]
        for name, values in made["fairness"].items()
        for value, share in values.items()
    ]
    return table(["who", "right, % (95 % interval)", "things said"], rows)


def zero_shot(made: dict[str, Any]) -> str:
    columns = [language + words for words in ("", UNSEEN_WORDS) for language in LANGUAGES]
    rows = [
        [
            name.replace("_", " "),
            *(f"{made['zero-shot'][f'{name} {column}']:.1f}" for column in columns),
        ]
        for name in made["zero-shot names"]
    ]
    heads = ["EN", "ZH", "EN, unseen words", "ZH, unseen words"]
    return table(["zero-shot accuracy of the CLIP, %", *heads], rows)


def unsaid(made: dict[str, Any]) -> str:
    """How varied what no text says is, beside the table that it is drawn from."""
    rows = [
        [name.replace("_", " "), f"{bits['model']:.2f}", f"{bits['true']:.2f}"]
        for name, bits in made["unsaid entropy"].items()
    ]
    return table(["entropy of what is unsaid, bits", "model", "sampling table"], rows)


TABLES = {
    "accuracy": accuracy,
    "figures": figures,
    "unsaid": unsaid,
    "fairness": fairness,
    "zero-shot": zero_shot,
}


def fill(text: str, made: dict[str, Any], tables: dict[str, Any]) -> str:
    """A page with each table between its marks drawn anew."""
    for name, draw in tables.items():
        mark, end = f"<!-- {name} -->\n", "\n<!-- end -->"
        if mark in text:
            before, rest = text.split(mark, 1)
            text = f"{before}{mark}\n{draw(made)}\n{end}{rest[rest.index(end) + len(end) :]}"
    return text


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", type=Path, help="what `clipavatar evaluate --json` wrote")
    path = parser.parse_args().figures
    if not path.is_file():
        parser.error(f"no such file: {path}")
    made = json.loads(path.read_text(encoding="utf-8"))
    keys = made["zero-shot"]
    made["zero-shot names"] = [key.removesuffix(" en") for key in keys if key.endswith(" en")]
    for path in (ROOT / "README.md", ROOT / "clipavatar" / "assets" / "MODEL_CARD.md"):
        path.write_text(fill(path.read_text(encoding="utf-8"), made, TABLES), encoding="utf-8")


if __name__ == "__main__":
    main()
