"""`clipavatar evaluate` from beginning to end: what to load, what to measure, what to write."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clipavatar.checkpoint import ASSETS
from clipavatar.clip import load_clip
from clipavatar.config import CANDIDATES, check_range
from clipavatar.decode import Shape
from clipavatar.files import replacing
from clipavatar.metrics.captioned import load_captioned
from clipavatar.metrics.charts import report_picture
from clipavatar.metrics.figures import measure, measure_folder
from clipavatar.metrics.judging import foreign_art, load_judge
from clipavatar.metrics.painting import painter
from clipavatar.metrics.report import Trust, as_json, as_markdown

MOST = 2000  # texts a set and language; a table of all distances grows with their square


def evaluate(
    load_pipeline: Callable[[], Any],
    count: int = 250,
    candidates: int = CANDIDATES,
    data: str = "",
    judge: str = "",
    clip_score: str = "",
    inception: bool = False,
    json_file: str = "",
    sheet: str = "",
    force: bool = False,
) -> str:
    """All figures of a model as Markdown; with `json_file` and `sheet` also as files.

    count       texts of each of the 4 sets in each of the 2 languages; of `data`, pictures
    data        a captioned folder of one's own, measured instead, without accuracies
    judge       another judge's .safetensors
    clip_score  another CLIP (a folder, NAME:PRETRAINED) to measure realism and alignment with
    inception   FID and Inception Score too, if torch-fidelity is there

    The model is loaded when everything else has been checked. Raises ValueError, OSError; where a
    file cannot be written at the end, the figures have been printed before.
    """
    check_range("count", count, 8, MOST)
    check_range("candidates", candidates, 1, 256)
    if json_file and sheet and Path(json_file).absolute() == Path(sheet).absolute():
        raise ValueError(f"the figures and the sheet cannot both be {sheet}")
    for path in filter(None, (json_file, sheet)):
        check_place(path, force)
    reader: Any = None
    trust: Trust = {}
    notes: list[str] = []
    if not data:
        importlib.import_module("resvg_py")  # true pictures are drawn last: its want is told first
        judge_file = judge or ASSETS / "judge.safetensors"
        reader, trust = load_judge(judge_file)
        notes += filter(None, [foreign_art(judge_file)])
    other = load_clip(clip_score) if clip_score else None
    pipeline = load_pipeline()
    clip, paint = other or pipeline.clip, painter(pipeline, candidates)
    if data:
        shape = Shape(pipeline.config.resolution, pipeline.config.image_channels)
        texts, pixels, trouble = load_captioned(data, count, shape)
        made = measure_folder(paint, clip, texts, pixels, inception)
        drawn = {"pictures": str(len(texts)), "captions drawn": str(len(texts) // 2)}
        notes += trouble
    else:
        made = measure(paint, reader, clip, pipeline.clip, count, inception)
        drawn = {"texts of each set and language": str(count)}
    made.notes += notes
    about = {"model": pipeline.name, "measured by": f"the CLIP {clip.name}"}
    about |= {**drawn, "candidates": str(candidates)}
    text = as_markdown(made, trust, about)
    try:
        if json_file:
            with replacing(json_file) as part:
                part.write_text(as_json(made, trust, about), encoding="utf-8")
        if sheet:
            with replacing(sheet) as part:
                report_picture(made, trust).save(part, "PNG")
    except Exception:
        print(text)  # what took minutes is not lost
        raise
    return text


def check_place(path: str | Path, force: bool) -> None:
    """Raises OSError in one line where a file cannot be written, or is there without `force`.

    Its folder is made where it is missing.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists already; --force replaces it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
