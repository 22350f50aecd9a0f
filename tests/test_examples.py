"""Every example runs as it is, with the shipped model, in an empty folder."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipavatar import cli, prompt_files
from clipavatar.checkpoint import ASSETS
from clipavatar.chibi.sample import SAMPLING

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
    assert len(list(tmp_path.glob("*.png"))) == 9
    lines = prompt_files.read_lines(prompts, lambda words: {"words": words})
    assert lines[2].options["words"] == ["--background=starry night"]


def test_train_tiny_ends_in_a_model_that_draws(tmp_path, monkeypatch):
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "tiny_clip.json", tmp_path / "examples")
    config = (EXAMPLES / "train_tiny.toml").read_text(encoding="utf-8")
    config = re.sub(r"^(minutes|checkpoint_every_minutes) = .*$", r"\1 = 0.02", config, flags=re.M)
    config = re.sub(r"^(unseen|pictures) = .*$", r"\1 = 200", config, flags=re.M)
    (tmp_path / "tiny.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 200)  # one: drawn in this process
    monkeypatch.setattr("clipavatar.training.align.CAPTIONS", 200)
    monkeypatch.setattr("clipavatar.chibi.dataset.pixels", lambda figure, size: blank(size))
    assert cli.main(["train-clip", "tiny.toml"]) == 0
    assert cli.main(["train", "tiny.toml"]) == 0
    model = ["--model", "runs/tiny/generator.safetensors", "--clip", "runs/tiny-clip/clip"]
    assert cli.main(["generate", "girl", "-o", "girl.png", "--size", "32", *model]) == 0
    assert (tmp_path / "girl.png").is_file()


def test_the_sheets_of_the_art_show_every_value(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("art", EXAMPLES / "readme_pictures.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = []

    def render(figure, size):
        drawn.append(figure.attributes)
        return Image.fromarray(blank(size))

    monkeypatch.setattr(script, "render", render)
    script.art_sheets(tmp_path / "art")
    names = {path.name for path in (tmp_path / "art").iterdir()}
    assert names == {"values.png", "figures.png", "expressions.png", "sizes.png"}
    values = [(name, value) for name, table in SAMPLING.items() for value in table]
    assert all(figure[n] == v for figure, (n, v) in zip(drawn, values, strict=False))


def blank(size):
    """In place of a real drawing, which would make this test a minute long."""
    return np.zeros((size, size, 4), np.uint8)


@pytest.mark.parametrize("made", [{}, {"before": "anything"}])
def test_readme_figures_fills_its_tables_whatever_stands_in_them(made):
    spec = importlib.util.spec_from_file_location("figures", EXAMPLES / "readme_figures.py")
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    entropy = {"unsaid entropy": {"hair": {"model": 3.5, "true": 3.6}}}
    text = f"above\n\n<!-- unsaid -->\n\n{made.get('before', '')}\n\n<!-- end -->\n\nbelow\n"
    for start in (text, text.replace("\n\n\n\n", "\n\n")):
        filled = figures.fill(start, entropy, {"unsaid": figures.unsaid})
        assert "| hair | 3.50 | 3.60 |\n\n<!-- end -->\n\nbelow" in filled
        assert "anything" not in filled
    for path in (EXAMPLES.parent / "README.md", ASSETS / "MODEL_CARD.md"):
        for table in re.findall(
            r"<!-- [\w-]+ -->\n(.*?)<!-- end -->", path.read_text("utf-8"), re.S
        ):
            assert "\n|---|" in table
