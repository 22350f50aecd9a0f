"""The built wheel, not the checkout, works: from an empty folder and without a network."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
NO_NETWORK = """
import socket, sys

def refuse(*args, **kwargs):
    raise OSError("the network is cut")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import clipavatar
assert clipavatar.__file__.startswith(sys.argv[1]), clipavatar.__file__
from clipavatar.cli import main
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_words_weights_types_and_licence_in_thirty_megabytes(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "_prompts/lexicon.toml",
        "_prompts/templates.toml",
        "_prompts/wildcards/hair.txt",
        "assets/generator.safetensors",
        "assets/upscaler.safetensors",
        "assets/judge.safetensors",
        "assets/clip/open_clip_config.json",
        "assets/clip/open_clip_model.safetensors",
        "assets/clip/bpe_simple_vocab.txt.gz",
        "py.typed",
    ):
        assert f"clipavatar/{name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "examples/", "runs/")) for name in names)
    assert wheel.stat().st_size < 30e6


def test_the_wheel_draws_from_an_empty_folder_without_a_network(
    installed: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", NO_NETWORK, str(installed)]
    asked = ["generate", "cute girl, twin tails"]
    done = subprocess.run(
        [*command, *asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "cute-girl-twin-tails-0.png") as image:
        assert image.size == (512, 512)
