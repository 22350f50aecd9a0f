"""What the prompt engine makes of a text, as data and as a table. Pure Python, no torch."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from clipavatar.prompts import check_text, expand, understand
from clipavatar.syntax import attributes, parse
from clipavatar.variants import every_text, may_vary, resolve


def explain(
    text: str,
    style: str = "chibi",
    seed: int = 0,
    negative: str = "",
    wildcards: str | Path = "",
    limit: int = 0,
) -> dict[str, Any]:
    """Plain data, ready for JSON. "attributes" are those of the heaviest prompt of a blend.

    "choices" counts the texts that `text` can become, "texts" lists the first `limit` of them.
    Raises ValueError as drawing it would.
    """
    made = resolve(text, seed, wildcards)
    blend = parse(check_text(made))
    said = [understand(prompt.text) for prompt in blend]
    merged = attributes(blend)
    heaviest = max(range(len(blend)), key=lambda i: blend[i].share)
    found: dict[str, Any] = {
        "text": text,
        "language": said[heaviest].language,
        "attributes": merged[heaviest],
        "weights": [
            {"text": part.text, "weight": round(part.weight, 4)}
            for prompt in blend
            for part in prompt.parts
        ],
        "unknown": [word for one in said for word in one.unknown],
        "conflicts": [clash for one in said for clash in one.conflicts],
        "prompts": [sentence for prompt in blend for sentence in expand(prompt.text, style)],
    }
    if len(blend) > 1:
        found["blend"] = [
            {"text": prompt.text, "share": round(prompt.share, 4), "attributes": known}
            for prompt, known in zip(blend, merged, strict=True)
        ]
    if negative.strip():
        away = parse(check_text(resolve(negative, seed, wildcards)))
        named = [understand(prompt.text).attributes for prompt in away]
        found["negative"] = {name: value for one in named for name, value in one.items()}
    if may_vary(text):
        texts, count = every_text(text, wildcards, max(limit, 1))
        found |= {"made": made, "choices": count}
        found |= {"texts": texts} if limit else {}
    return found


def width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def table(found: dict[str, Any]) -> str:
    """`explain`'s answer in aligned columns."""
    rows: list[tuple[str, str, str]] = []

    def add(title: str, lines: list[tuple[str, str]]) -> None:
        for number, (name, value) in enumerate(lines or [("none", "")]):
            rows.append(("" if number else title, name, value))

    if "made" in found:
        add("text", [(found["made"], "")])
        add("choices", [(f"{found['choices']:,}" if found["choices"] < 10**9 else "over 10^9", "")])
        add("texts", [(text, "") for text in found["texts"]]) if "texts" in found else None
    add("language", [(found["language"], "")])
    add("attributes", list(found["attributes"].items()))
    weights = [(part["text"], f"{part['weight']:g}") for part in found["weights"]]
    add("weights", weights) if weights else None
    if "blend" in found:
        add("blend", [(one["text"], f"{one['share']:.0%}") for one in found["blend"]])
        for one in found["blend"]:
            differs = {
                k: v for k, v in one["attributes"].items() if found["attributes"].get(k) != v
            }
            add(f"  {one['text']}", list(differs.items())) if differs else None
    add("negative", list(found["negative"].items())) if "negative" in found else None
    add("unknown", [(word, "") for word in found["unknown"]])
    add("conflicts", [(clash, "") for clash in found["conflicts"]])
    add("prompts", [(sentence, "") for sentence in found["prompts"]])
    first = max(width(title) for title, _, _ in rows)
    second = max((width(name) for _, name, value in rows if value), default=0)
    return "\n".join(
        f"{_padded(title, first)}  {_padded(name, second) if value else name}  {value}".rstrip()
        for title, name, value in rows
    )


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
