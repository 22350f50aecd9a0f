"""`clipavatar evaluate` from beginning to end: what to load, what to measure, what to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clipavatar.checkpoint import ASSETS
from clipavatar.clip import load_clip
from clipavatar.config import check_range
from clipavatar.files import replacing
from clipavatar.metrics.captioned import load_captioned
from clipavatar.metrics.charts import report_picture
from clipavatar.metrics.figures import measure, measure_folder
from clipavatar.metrics.judging import load_judge
from clipavatar.metrics.painting import painter
from clipavatar.metrics.report import Trust, as_json, as_markdown


def evaluate(
    load_pipeline: Callable[[], Any],
    count: int = 250,
    candidates: int = 8,
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

    The model is loaded when everything else has been checked. Raises ValueError, OSError.
    """
    check_range("count", count, 8, 100_000)
    check_range("candidates", candidates, 1, 256)
    for path in filter(None, (json_file, sheet)):
        if Path(path).exists() and not force:
            raise FileExistsError(f"{path} exists already; --force replaces it")
    reader: Any = None
    trust: Trust = {}
    if not data:
        reader, trust = load_judge(judge or ASSETS / "judge.safetensors")
    other = load_clip(clip_score) if clip_score else None
    pipeline = load_pipeline()
    clip, paint = other or pipeline.clip, painter(pipeline, candidates)
    if data:
        texts, pixels = load_captioned(data, count, pipeline.config.resolution)
        made = measure_folder(paint, clip, texts, pixels, inception)
    else:
        made = measure(paint, reader, clip, pipeline.clip, count, inception)
    about = {
        "model": pipeline.name,
        "measured by": f"the CLIP {clip.name}",
        "texts": str(count),
        "candidates": str(candidates),
    }
    if json_file:
        with replacing(json_file) as part:
            part.write_text(as_json(made, trust, about), encoding="utf-8")
    if sheet:
        with replacing(sheet) as part:
            report_picture(made).save(part, "PNG")
    return as_markdown(made, trust, about)
