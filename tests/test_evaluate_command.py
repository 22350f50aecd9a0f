"""`clipavatar evaluate`, the command: what it prints and writes, and what it refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipavatar.checkpoint import save_model
from clipavatar.chibi.labels import SIZES, VALUES
from clipavatar.cli import main
from clipavatar.config import JudgeConfig
from clipavatar.metrics import figures as subject
from clipavatar.metrics.attributes import Share
from clipavatar.metrics.texts import SETS
from clipavatar.models import Judge


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    shape = JudgeConfig(16, (4, 4), 8, tuple(SIZES))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own = {"unseen": dict.fromkeys(VALUES, 99.0), "softened": dict.fromkeys(VALUES, 98.0)}
        extra = {"accuracy": json.dumps(own)}
        return save_model(Judge(shape), tmp_path / "judge.safetensors", extra)


def test_the_command_prints_the_same_figures_twice(
    cli_pipeline, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    small = torch.randint(256, (9, 16, 16, 4), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(subject, "training_labels", lambda: np.zeros((9, len(VALUES)), np.int8))
    monkeypatch.setattr(subject, "training_pictures", lambda places, _: small[places].byte())
    monkeypatch.setattr(subject, "TEXTS", 2)
    monkeypatch.setattr(subject, "SEEDS", 4)
    monkeypatch.setattr("clipavatar.metrics.copies.STOCK", 4)
    command = ["evaluate", "-n", "8", "--candidates", "2", "--judge", str(judge), "--inception"]
    outputs = []
    for run in "ab":
        files = [tmp_path / f"{run}.json", tmp_path / f"{run}.png"]
        assert main([*command, "--json", str(files[0]), "--sheet", str(files[1])]) == 0
        outputs.append((capsys.readouterr().out, *(file.read_bytes() for file in files)))
    assert outputs[0] == outputs[1]
    text, content, _ = outputs[0]
    assert "| hair colour |" in text
    assert "| Frechet distance |" in text
    assert "FID and Inception Score need: pip install torch-fidelity" in text
    found = json.loads(content)
    assert found["judge"]["unseen"]["hair"] == 99
    assert set(found["accuracy of true pictures"]) == set(subject.REALISM)
    assert set(found["accuracy of true pictures"]["full"]["hair"]) == {*Share._fields}
    assert "texts of each set and language: 8" in text
    assert "| true pictures of words | true pictures of full | judge on renders |" in text
    assert any("another version of the art" in note for note in found["notes"])
    assert set(found["accuracy"]) == set(SETS)
    assert set(found["accuracy"]["words"]["zh"]["all"]) == {"percent", "low", "high", "of"}
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.width == 1400
    assert main([*command, "--json", str(tmp_path / "a.json")]) == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-n", "3"], "count must be a whole number from 8 to 2000"),
        (["-n", "2001"], "count must be a whole number from 8 to 2000, not 2001"),
        (["--candidates", "0"], "candidates must be"),
        (["--judge", "nowhere.safetensors"], "no model file at nowhere.safetensors"),
        (["--data", "nowhere"], "no such folder: nowhere"),
        (["--data", "nowhere", "--clip-score", "./nowhere"], "no such CLIP folder"),
    ],
)
def test_bad_input_is_one_line(
    cli_pipeline, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["evaluate", *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_missing_renderer_is_told_before_anything_is_drawn(
    cli_pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert main(["evaluate"]) == 2
    assert capsys.readouterr().err == (
        'clipavatar: error: this needs resvg_py: pip install "clipavatar[train]"\n'
    )
    assert not cli_pipeline.asked
