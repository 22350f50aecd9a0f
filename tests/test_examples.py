"""Every example runs as it is, with the shipped model, in an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipavatar import batch, cli
from clipavatar.checkpoint import ASSETS

EXAMPLES = Path(__file__).parent.parent / "examples"
shipped = pytest.mark.skipif(
    not (ASSETS / "generator.safetensors").exists(), reason="there are no shipped weights yet"
)


def run(folder, *argv):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}

    return subprocess.run(
        [sys.executable, *map(str, argv)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@shipped
def test_type_a_prompt(tmp_path):
    done = run(tmp_path, EXAMPLES / "type_a_prompt.py")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "avatar.png").is_file()


@shipped
def test_python_api(tmp_path):
    done = run(tmp_path, EXAMPLES / "python_api.py")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "avatars").glob("*.png"))) == 8


@shipped
def test_batch(tmp_path):
    for _ in range(2):
        done = run(tmp_path, EXAMPLES / "batch.py", "6")
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "townspeople").glob("*.png"))) == 6


@pytest.mark.usefixtures("cli_pipeline")
def test_batch_prompts(tmp_path):
    prompts = EXAMPLES / "batch_prompts.txt"
    assert cli.main(["batch", str(prompts), "-o", str(tmp_path), "--size", "32"]) == 0
    assert len(list(tmp_path.glob("*.png"))) == 6
    lines = batch.read_lines(prompts, lambda words: {"words": words})
    assert lines[2].options["words"] == ["--background", "starry night"]
