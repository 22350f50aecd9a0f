"""Pictures into files: names, prompt files, the manifest; nothing drawn twice, nothing lost."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipavatar.images import read_settings

if TYPE_CHECKING:
    from clipavatar.pipeline import AvatarPipeline

MANIFEST = "manifest.jsonl"
OPTIONS_START = re.compile(r"\s(?=--[a-z]|-n\s)")
ParseOptions = Callable[[list[str]], dict[str, Any]]


def slug(text: str, longest: int = 100) -> str:
    """A readable file name of at most `longest` bytes; letters and digits of any script stay.

    >>> slug("Cute girl, 双马尾!")
    'cute-girl-双马尾'
    """
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text).lower()).strip("-")
    return words.encode()[:longest].decode(errors="ignore").strip("-") or "avatar"


def save_avatar(
    pipeline: AvatarPipeline,
    path: Path,
    text: str,
    seed: int,
    options: dict[str, Any],
    force: bool = False,
) -> tuple[dict[str, Any], bool]:
    """Draw one avatar into `path`; returns its settings and whether it had to be drawn.

    A file that already holds this very picture is left as it is. Raises FileExistsError when it
    holds anything else and `force` is false, and what `AvatarPipeline.generate` raises.
    """
    asked = pipeline.settings(text, seed, **options)
    if path.exists() and not force:
        try:
            saved = read_settings(path)
        except (OSError, ValueError):  # a picture of somebody else's
            saved = {}
        if any(key not in saved or saved[key] != value for key, value in asked.items()):
            raise FileExistsError(
                f"{path} exists and is another picture; --force replaces it, -o writes elsewhere"
            )
        return saved, False
    avatar = pipeline.generate(text, seed, **options)
    avatar.save(path, force)
    return avatar.settings, True


def save_texts(
    pipeline: AvatarPipeline,
    texts: Sequence[str],
    output: str | Path,
    seed: int,
    n: int,
    options: dict[str, Any],
    force: bool = False,
) -> None:
    """Draw each text with seeds `seed` .. `seed + n - 1` and print one line a picture.

    `output` is a folder for files named by text and seed, or the .png path of the only picture.
    Raises ValueError if it names one file for several pictures.
    """
    output = Path(output)
    one_file = output.suffix.lower() == ".png" and not output.is_dir()
    if n < 1:
        raise ValueError(f"n must be a whole number from 1, not {n}")
    if one_file and len(texts) * n > 1:
        raise ValueError(f"{output} is one file for {len(texts) * n} pictures; give a folder")
    for text in texts:
        for number in range(seed, seed + n):
            path = output if one_file else output / f"{slug(text)}-{number}.png"
            start = time.perf_counter()
            made, drawn = save_avatar(pipeline, path, text, number, options, force)
            took = f"{(time.perf_counter() - start) * 1000:.0f} ms" if drawn else "already there"
            word = "saved" if drawn else "kept"
            print(f"{word} {path}  seed {number}  score {made['score']:.2f}  {took}", flush=True)


def run_shell(
    pipeline: AvatarPipeline,
    output: str | Path,
    seed: int,
    n: int,
    options: dict[str, Any],
    force: bool = False,
) -> None:
    """Read texts from stdin until it ends; `:seed N`, `:n N` and `:quit` are the commands."""
    asks = sys.stdin.isatty()
    if asks:
        print("Say what to draw, in English or Chinese. :seed N  :n N  :quit")
    while True:
        try:
            line = input("> " if asks else "").strip()
            command, _, value = line.partition(" ")
            if command in (":quit", ":q", ":exit"):
                return
            if command in (":seed", ":n") and value.strip().isdecimal():
                seed, n = (int(value), n) if command == ":seed" else (seed, int(value))
            elif line.startswith(":"):
                raise ValueError(f"{line!r} is not :seed N, :n N or :quit")
            elif line:
                save_texts(pipeline, [line], output, seed, n, options, force)
        except (EOFError, KeyboardInterrupt):
            print()
            return
        except (ValueError, OSError) as error:
            print(f"clipavatar: error: {error}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Line:
    """One line of a prompt file: what to draw, or what is wrong with it."""

    number: int  # in the file, from 1
    index: int  # among the prompts, from 1: it opens the file name
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def read_lines(path: str | Path, parse_options: ParseOptions) -> list[Line]:
    """Read a prompt file: UTF-8, one prompt a line, `#` comments, options at a line's end.

    `parse_options` turns the words after the prompt into options and raises ValueError for what it
    does not know, which ends up in that line's `error`. Raises OSError, or ValueError for a file
    that is not UTF-8 or holds no prompt.
    """
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    lines: list[Line] = []
    for number, line in enumerate(content.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        text, *rest = OPTIONS_START.split(" " + line, maxsplit=1)
        index = len(lines) + 1
        try:
            options = parse_options(shlex.split(rest[0]) if rest else [])
            lines.append(Line(number, index, text.strip(), options))
        except ValueError as error:
            lines.append(Line(number, index, text.strip(), error=str(error)))
    if not lines:
        raise ValueError(f"{path} holds no prompts")
    return lines


def run_batch(
    pipeline: AvatarPipeline,
    lines: Sequence[Line],
    output: str | Path,
    resume: bool = False,
    force: bool = False,
    report: Callable[[str], None] = print,
) -> int:
    """Draw every line into `output` as 0001-text.png; returns how many lines failed.

    A bad line is told to `report` with its number, and the rest goes on. Every picture gets a line
    of JSON in manifest.jsonl: "file", "line" and its settings. Raises FileExistsError if there is
    a manifest and neither `resume` (keep what is there) nor `force` (draw it all again).
    """
    from tqdm import tqdm

    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    manifest = output / MANIFEST
    if manifest.exists() and not (resume or force):
        raise FileExistsError(
            f"{output} holds a batch already; --resume goes on with it, --force draws it again"
        )
    if force:
        manifest.unlink(missing_ok=True)
    recorded = _recorded(manifest)
    failed = 0
    with (
        manifest.open("a", encoding="utf-8") as records,
        tqdm(lines, file=sys.stderr, unit="line", disable=None) as progress,
    ):
        for line in progress:
            try:
                if line.error:
                    raise ValueError(line.error)
                options = dict(line.options)
                seed, n = options.pop("seed", 0), options.pop("n", 1)
                if n < 1:
                    raise ValueError(f"n must be a whole number from 1, not {n}")
                for copy in range(n):
                    end = f"-{copy + 1}" if n > 1 else ""
                    path = output / f"{line.index:04}-{slug(line.text)}{end}.png"
                    made, _ = save_avatar(pipeline, path, line.text, seed + copy, options, force)
                    if path.name not in recorded:
                        record = {"file": path.name, "line": line.number, **made}
                        records.write(json.dumps(record, ensure_ascii=False) + "\n")
                        records.flush()
            except (ValueError, OSError) as error:
                failed += 1
                progress.clear()
                report(f"line {line.number}: {error}")
    return failed


def _recorded(manifest: Path) -> set[str]:
    """The files a manifest names; a last line that was cut off is ended, not trusted."""
    if not manifest.exists():
        return set()
    content = manifest.read_text(encoding="utf-8", errors="replace")
    if content and not content.endswith("\n"):
        with manifest.open("a", encoding="utf-8") as records:
            records.write("\n")
    found = set()
    for line in content.splitlines():
        try:
            found.add(json.loads(line)["file"])
        except (ValueError, KeyError, TypeError):
            continue
    return found
