"""Files of prompts -> lines: text with options (A1111's or ours), CSV, JSONL; usual encodings."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ParseOptions = Callable[[list[str]], dict[str, Any]]
Pairs = list[tuple[str, str]]

PROMPT = ("prompt", "text")
OPTIONS = (
    *("seed", "n", "size", "mode", "steps", "candidates", "style", "background"),
    *("negative", "diverse", "time_budget", "start_from", "keep", "judge"),
)
FLAGS = ("diverse",)
RENAMED = {"negative_prompt": "negative", "n_iter": "n", "width": "size", "height": "size"}
# What the web UI knows and a picture of ours does not depend on: told once a line, then left out.
MEANINGLESS = (
    *("sd_model", "outpath_samples", "outpath_grids", "prompt_for_display", "styles", "subseed"),
    *("subseed_strength", "seed_resize_from_h", "seed_resize_from_w", "sampler_index"),
    *("sampler_name", "cfg_scale", "restore_faces", "tiling", "do_not_save_samples"),
    "do_not_save_grid",
)
OPTIONS_START = re.compile(r"\s(?=--[a-z]|-n[\s\d])")
TRUE, FALSE = ("", "true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class Line:
    """One line of a prompt file: what to draw, or what is wrong with it."""

    number: int  # in the file, from 1
    index: int  # among the prompts, from 1; it starts the pictures' names
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    notes: tuple[str, ...] = ()


def read_lines(path: str | Path, parse_options: ParseOptions) -> list[Line]:
    """The prompts of a file; its ending says which kind it is.

    .csv, .tsv         a header with a column "prompt" or "text"; the others are options
    .jsonl, .ndjson    an object with "prompt" or "text" and options, or a string, on each line
    anything else      a prompt on each line, which may end in options: --seed 3 --n_iter 4; or
                       --prompt "..." --negative_prompt "..."; # starts a comment

    UTF-8, UTF-16 with a byte order mark, and GB18030. `parse_options` turns words such as
    --seed=3 into keyword options. A line's own mistake is kept in its `error`. Raises OSError, and
    ValueError if the file is no text, holds no prompts, or has no or unknown columns.
    """
    path = Path(path)
    text = decode(path.read_bytes(), path)
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        rows = _csv_rows(text, path)
    else:
        rows = _json_rows(text) if kind in (".jsonl", ".ndjson") else _text_rows(text)
    lines = [
        _line(number, index, prompt, pairs, parse_options)
        for index, (number, prompt, pairs) in enumerate(rows, 1)
    ]
    if not lines:
        raise ValueError(f"{path} holds no prompts")
    return lines


def decode(data: bytes, path: Path) -> str:
    """The text of a file. Raises ValueError if it is in no encoding that we know."""
    marked = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16"}
    marked |= {codecs.BOM_UTF16_BE: "utf-16"}
    encodings = next(([e] for mark, e in marked.items() if data.startswith(mark)), None)
    for encoding in encodings or ["utf-8", "gb18030"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise ValueError(f"{path} is not UTF-8, UTF-16 or GB18030 text")


Row = tuple[int, str, Pairs | ValueError]


def _text_rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        prompt, *rest = OPTIONS_START.split(" " + line.rstrip(), maxsplit=1)
        try:
            yield number, prompt.strip(), _pairs(_words(rest[0]) if rest else [])
        except ValueError as error:
            yield number, prompt.strip(), error


def _words(options: str) -> list[str]:
    """As a shell would part them; an apostrophe that quotes nothing is an apostrophe."""
    try:
        return shlex.split(options)
    except ValueError:
        words = shlex.shlex(options, posix=True, punctuation_chars=False)
        words.whitespace_split, words.quotes, words.commenters = True, '"', ""
        return list(words)


def _pairs(words: Iterable[str]) -> Pairs:
    """--name value more words --other=value -n 2 -> [(name, "value more words"), ...]."""
    pairs: list[tuple[str, list[str]]] = []
    for word in words:
        found = re.fullmatch(r"--([a-z]\w*(?:-\w+)*)(?:=(.*))?|-(n)=?(\d+)?", word, re.DOTALL)
        if found:
            value = found[2] if found[1] else found[4]
            name = (found[1] or found[3]).replace("-", "_")
            pairs.append((name, [] if value is None else [value]))
        elif pairs:
            pairs[-1][1].append(word)
        else:
            raise ValueError(f"{word!r} is no option")
    for name, values in pairs:
        if not values and name not in FLAGS:
            raise ValueError(f"--{name} has no value")
    return [(name, " ".join(values)) for name, values in pairs]


def _csv_rows(text: str, path: Path) -> Iterator[Row]:
    first = text.split("\n", 1)[0]
    comma = "\t" if path.suffix.lower() == ".tsv" else ";" if ";" in first > "," in first else ","
    reader = csv.reader(io.StringIO(text), delimiter=comma, strict=True)
    header: list[str] = []
    try:
        while not any(header):
            header = [name.strip().lower().lstrip("-") for name in next(reader, ["prompt"])]
        if not set(header) & set(PROMPT):
            raise ValueError('no column is called "prompt" or "text"')
        for name in header:
            if name not in PROMPT:
                _check_name(name.replace("-", "_"), "column")
        number = reader.line_num + 1
        for cells in reader:
            row = dict(zip(header, cells, strict=False))
            if any(cell.strip() for cell in cells):
                pairs: Pairs | ValueError = [
                    (name, value.strip())
                    for name, value in row.items()
                    if name not in PROMPT and value.strip()
                ]
                if len(cells) > len(header):
                    pairs = ValueError(f"{len(cells)} cells under {len(header)} columns")
                prompt = next((row[name] for name in PROMPT if row.get(name, "").strip()), "")
                yield number, prompt.strip(), pairs
            number = reader.line_num + 1
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path} line {max(reader.line_num, 1)}: {error}") from None


def _json_rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row = {"prompt": row} if isinstance(row, str) else row
            if not isinstance(row, dict):
                raise ValueError(f"an object or a string is needed, not {line.strip()[:40]}")
            prompt = next((row.pop(name) for name in PROMPT if name in row), "")
            if not isinstance(prompt, str):
                raise ValueError(f"the prompt must be a string, not {prompt!r}")
            yield number, prompt.strip(), _json_pairs(row)
        except json.JSONDecodeError as error:
            yield number, "", ValueError(f"not JSON: {error.msg} at character {error.colno}")
        except (ValueError, RecursionError) as error:
            yield number, "", ValueError(str(error))


def _json_pairs(row: dict[str, Any]) -> Pairs:
    pairs = []
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise ValueError(f"{name} must be a word or a number")
        if value is not None:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs


def _line(
    number: int, index: int, prompt: str, pairs: Pairs | ValueError, parse_options: ParseOptions
) -> Line:
    try:
        if isinstance(pairs, ValueError):
            raise pairs
        for name, value in pairs:
            if name in PROMPT and prompt:
                raise ValueError("two prompts on one line")
            prompt = value if name in PROMPT else prompt
        words, notes = _ours([pair for pair in pairs if pair[0] not in PROMPT])
        return Line(number, index, prompt, parse_options(words), notes=notes)
    except ValueError as error:
        return Line(number, index, prompt, error=str(error))


def _ours(pairs: Pairs) -> tuple[list[str], tuple[str, ...]]:
    """(our own options as words, what was left out). Raises ValueError for an unknown option."""
    found: dict[str, str] = {}
    notes = []
    for name, value in pairs:
        if name in MEANINGLESS:
            notes.append(f"--{name} means nothing here and is left out")
            continue
        if name in ("n_iter", "batch_size"):  # the web UI draws their product
            before = found.get("n", "1")
            if not (value.isdecimal() and before.isdecimal()):
                raise ValueError(f"--{name} must be a whole number, not {value!r}")
            value = str(int(value) * int(before))
        if name in ("width", "height") and found.get("size", value) != value:
            raise ValueError(f"pictures are square: not {found['size']} by {value}")
        _check_name(name)
        found["n" if name == "batch_size" else RENAMED.get(name, name)] = value
    words = []
    for name, value in found.items():
        if name not in FLAGS:
            option = f"--{name.replace('_', '-')}"
            words.append(f"-n={value}" if name == "n" else f"{option}={value}")
        elif value.lower() in TRUE:
            words.append(f"--{name}")
        elif value.lower() not in FALSE:
            raise ValueError(f"--{name} is true or false, not {value!r}")
    return words, tuple(notes)


def _check_name(name: str, what: str = "option") -> None:
    if name not in (*OPTIONS, *RENAMED, *MEANINGLESS, "batch_size"):
        shown = f"--{name}" if what == "option" else repr(name)
        raise ValueError(f"unknown {what} {shown} (known: {', '.join(OPTIONS)})")
