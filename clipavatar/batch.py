"""Pictures into files: names, the manifest; nothing drawn twice, nothing lost."""

from __future__ import annotations

import json
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipavatar.config import check_range
from clipavatar.files import replacing
from clipavatar.images import read_settings
from clipavatar.processes import Processes
from clipavatar.prompt_files import Line
from clipavatar.trace import check_trace
from clipavatar.variants import every_text

if TYPE_CHECKING:
    from clipavatar.pipeline import AvatarPipeline

MANIFEST = "manifest.jsonl"
MANIFEST_PARTS = "manifest-*-of-*.jsonl"  # one for each process of several, until the end
# what a picture's settings hold beside what was asked for
FOUND = (
    *("prompts", "score", "latent"),
    *("score_before", "optimised", "nothing_missing", "interrupted"),  # by a search
)


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
    trace: str = "",
) -> tuple[dict[str, Any], bool]:
    """Draw one avatar into `path`; returns its settings and whether it had to be drawn.

    A file that already holds this very picture is left as it is, and drawn again only for its
    trace; one that an interrupted search left behind is replaced. Raises FileExistsError when it
    holds anything else and `force` is false, what `AvatarPipeline.generate` raises, and
    KeyboardInterrupt once the best of an interrupted search is saved.
    """
    asked = pipeline.settings(text, seed, **options)
    saved: dict[str, Any] = {}
    if path.exists() and not force:
        with suppress(OSError, ValueError):  # a picture of somebody else's
            saved = read_settings(path)
        if {key: value for key, value in saved.items() if key not in FOUND} != asked:
            raise FileExistsError(
                f"{path} exists and is another picture; --force replaces it, -o writes elsewhere"
            )
    kept = bool(saved) and "interrupted" not in saved
    if kept and not trace:
        return saved, False
    avatar = pipeline.generate(text, seed, bool(trace), **options)
    stopped = "interrupted" in avatar.settings
    if kept and stopped:
        raise KeyboardInterrupt
    if not kept:
        avatar.save(path, force or bool(saved))
    if stopped:  # and no trace, which would be in the way of the one that this picture gets yet
        print(f"saved {path}, the best so far", flush=True)
        raise KeyboardInterrupt
    if trace:
        avatar.save_trace(trace, force)
    return (saved, False) if kept else (avatar.settings, True)


def save_texts(
    pipeline: AvatarPipeline,
    texts: Sequence[str],
    output: str | Path,
    seed: int,
    n: int,
    options: dict[str, Any],
    force: bool = False,
    trace: str = "",
) -> None:
    """Draw each text with seeds `seed` .. `seed + n - 1` and print one line a picture.

    `output` is a folder for files named by text and seed, or the .png path of the only picture.
    Raises ValueError if it names one file for several pictures.
    """
    output = Path(output)
    one_file = output.suffix.lower() == ".png" and not output.is_dir()
    check_range("n", n, 1, 1_000_000)
    if one_file and len(texts) * n > 1:
        raise ValueError(f"{output} is one file for {len(texts) * n} pictures; give a folder")
    if trace and len(texts) * n > 1:
        raise ValueError(f"{trace} is one file for {len(texts) * n} pictures")
    if trace:
        check_trace(trace, force)
    names: dict[str, str] = {}  # file name -> text; texts that look alike get a number
    for text in texts:
        name, number = slug(text), 1
        while names.setdefault(name, text) != text:
            number += 1
            name = f"{slug(text)}-{number}"
        for number in range(seed, seed + n):
            path = output if one_file else output / f"{name}-{number}.png"
            start = time.perf_counter()
            made, drawn = save_avatar(pipeline, path, text, number, options, force, trace)
            took = f"{(time.perf_counter() - start) * 1000:.0f} ms" if drawn else "already there"
            word = "saved" if drawn else "kept"
            print(f"{word} {path}  seed {number}  {_scored(made)}  {took}", flush=True)


def _scored(made: dict[str, Any]) -> str:
    """The score of a picture with these settings, and what a search did for it."""
    score = f"score {made['score']:.2f}"
    if "optimised" not in made:
        return score
    if made["optimised"]:
        return f"{score} (sampled {made['score_before']:.2f})"
    missing = "nothing is missing" if "nothing_missing" in made else "nothing better was found"
    return f"{score}, as sampled: {missing}"


# ------------------------------------------------------------------------------------ prompt files


@dataclass(frozen=True)
class Picture:
    """One picture of a batch."""

    file: str
    line: Line
    text: str
    seed: int
    options: dict[str, Any]


def pictures(line: Line, digits: int = 4, limit: int = 0) -> list[Picture]:
    """The pictures that a line asks for, named 0001-text.png, or 0001-text-1.png and so on.

    With a `limit`, up to so many of the texts that its choices can become; else the seed chooses.
    Raises ValueError for what is wrong with the line.
    """
    if line.error:
        raise ValueError(line.error)
    options = dict(line.options)
    seed, n = options.pop("seed", 0), options.pop("n", 1)
    check_range("n", n, 1, 1_000_000)
    wildcards = options.get("wildcards", "")
    texts = every_text(line.text, wildcards, limit)[0] if limit else [line.text]
    wanted = [(text, seed + offset) for text in texts for offset in range(n)]
    name, width = f"{line.index:0{digits}}-{slug(line.text)}", len(str(len(wanted)))
    ends = [f"-{i:0{width}}" if len(wanted) > 1 else "" for i in range(1, len(wanted) + 1)]
    return [
        Picture(f"{name}{end}.png", line, text, seed, options)
        for end, (text, seed) in zip(ends, wanted, strict=True)
    ]


def run_batch(
    pipeline: AvatarPipeline,
    lines: Sequence[Line],
    output: str | Path,
    resume: bool = False,
    force: bool = False,
    report: Callable[[str], None] = print,
    limit: int = 0,
    processes: Processes | None = None,
) -> int:
    """Draw every line into `output`; returns how many lines failed, in all `processes` together.

    A bad line is told to `report` with its number, and the rest goes on. Every picture gets a line
    of JSON in manifest.jsonl: "file", "line", "prompt" and its settings, in the order of the file
    names. Killed at any moment and resumed, it makes the files that it would have made at once.
    Raises FileExistsError if there is a manifest and neither `resume` (keep what is there) nor
    `force` (draw it all again).
    """
    from tqdm import tqdm

    output, processes = Path(output), processes or Processes()
    ours = lines[processes.rank :: processes.count]
    digits = max(4, len(str(len(lines))))
    _prepare(output, resume, force, processes)
    recorded = {record["file"] for record in _records(output)}
    part = f"manifest-{processes.rank + 1}-of-{processes.count}.jsonl"
    manifest = output / (MANIFEST if processes.count == 1 else part)
    _cut(manifest)
    failed = 0
    total = None if limit else sum(max(1, line.options.get("n", 1)) for line in ours)
    quiet = True if processes.rank else None  # one bar, and on a terminal only
    with (
        manifest.open("a", encoding="utf-8", newline="\n") as records,
        tqdm(total=total, file=sys.stderr, unit="picture", delay=2, disable=quiet) as bar,
    ):
        for line in ours:
            for note in line.notes:
                bar.clear()
                report(f"line {line.number}: {note}")
            try:
                for picture in pictures(line, digits, limit):
                    path, asked = output / picture.file, (picture.text, picture.seed)
                    made, drawn = save_avatar(pipeline, path, *asked, picture.options, force)
                    if drawn or picture.file not in recorded:
                        record = {"file": picture.file, "line": line.number, "prompt": line.text}
                        record |= {key: made[key] for key in made if key != "latent"}
                        records.write(json.dumps(record, ensure_ascii=False) + "\n")
                        records.flush()
                    bar.update()
            except (ValueError, OSError) as error:
                failed += 1
                bar.clear()
                report(f"line {line.number}: {error}")
    processes.wait()
    if processes.rank == 0:
        _merge(output)
    return processes.total(failed)


def _prepare(output: Path, resume: bool, force: bool, processes: Processes) -> None:
    """The folder, without what a killed run left half written; the first process does it."""
    old = [path for path in (output / MANIFEST, *output.glob(MANIFEST_PARTS)) if path.exists()]
    if old and not (resume or force):
        raise FileExistsError(
            f"{output} holds a batch already; --resume goes on with it, --force draws it again"
        )
    processes.wait()  # until all have looked
    output.mkdir(parents=True, exist_ok=True)
    if processes.rank == 0:
        halves = re.compile(r"\.(\d{4,}-.*|manifest\.jsonl)\.\d+\.part")
        halved = [path for path in output.glob(".*.part") if halves.fullmatch(path.name)]
        for path in [*halved, *(old if force else [])]:
            path.unlink(missing_ok=True)
    processes.wait()


def _records(output: Path) -> Iterator[dict[str, Any]]:
    """Every whole record of the manifest and its parts; a line that was cut off is no record."""
    for path in (output / MANIFEST, *sorted(output.glob(MANIFEST_PARTS))):
        if path.exists():
            for line in path.read_bytes().split(b"\n")[:-1]:
                try:
                    record = json.loads(line)
                    if isinstance(record["file"], str):
                        yield record
                except (ValueError, KeyError, TypeError):
                    continue


def _cut(manifest: Path) -> None:
    """Takes away a last line that has no end: whoever wrote it was killed."""
    if manifest.exists():
        content = manifest.read_bytes()
        with manifest.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def _merge(output: Path) -> None:
    """One manifest out of all parts, sorted by file name, in one step."""
    records = {record["file"]: record for record in _records(output)}
    lines = [json.dumps(records[file], ensure_ascii=False) + "\n" for file in sorted(records)]
    with replacing(output / MANIFEST) as part:
        part.write_text("".join(lines), encoding="utf-8", newline="\n")
    for path in output.glob(MANIFEST_PARTS):
        path.unlink()
