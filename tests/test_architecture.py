"""The arrows of the package run one way; see the layout in README.md."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clipavatar

PACKAGE = Path(clipavatar.__file__).parent
LAYERS = [  # from the top; a module imports only what stands below it, never its own row
    {"__init__", "__main__"},
    {"cli"},
    {"shell"},
    {"batch"},
    {"training", "pipeline"},
    {"metrics", "refine"},
    {"telling"},
    {"choosing", "keeping", "targets"},
    {"avatars", "checkpoint", "latents"},
    {"contest"},
    {"goals"},
    {"chibi", "clip", "losses", "models", "spaces", "views"},
    {"tower", "probe", "images", "backgrounds", "devices", "explain", "trace"},
    {
        "config",
        "decode",
        "draws",
        "prompts",
        "files",
        "folders",
        "scenes",
        "syntax",
        "variants",
        "processes",
        "prompt_files",
    },
    {"canvas", "understanding", "wildcards"},
    {"binding"},
    {"lexicon"},
]
HEIGHT = {name: -row for row, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """The part of the package a file belongs to: its folder or its own name."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """The parts of the package that a file imports, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write imports in full, not relative"
            modules = [node.module]
            if node.module == "clipavatar":
                modules = [f"clipavatar.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            top, _, rest = module.partition(".")
            if top == "clipavatar" and rest and rest != "__version__":
                found.add(rest.split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    here = part(path)
    assert here in HEIGHT, f"give {here} a row in LAYERS"
    for there in imported(path) - {here}:
        assert there in HEIGHT, f"{path.name} imports clipavatar.{there}: give it a row in LAYERS"
        assert HEIGHT[there] < HEIGHT[here], f"wrong arrow: {here} must not import {there}"


def test_only_clip_imports_open_clip():
    guilty = [
        str(path.relative_to(PACKAGE))
        for path in FILES
        if re.search(r"^\s*(import|from) open_clip\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert guilty == ["clip.py"]


JUDGE = re.compile(  # the classifier of figures, not the second CLIP that refine.py calls a judge
    r"metrics\.judging|models\.judge|judge\.safetensors|load_model\(.judge|\"judge\": JudgeConfig"
    r"|^from clipavatar\.models import [^\n]*\bJudge\b",
    re.MULTILINE,
)


def test_the_judge_takes_no_part_in_what_it_judges():
    named = {path for path in FILES if JUDGE.search(path.read_text("utf-8"))}
    allowed = {PACKAGE / "training" / "judge.py", PACKAGE / "checkpoint.py"}
    folders = {PACKAGE / "metrics", PACKAGE / "models"}
    guilty = [path for path in named - allowed if path.parent not in folders]
    assert guilty == [], "only figures may use the judge: what is trained on it has learned it"
    assert allowed <= named


def test_no_module_hides_a_function_of_the_package():
    for name in clipavatar.__all__:
        assert not (PACKAGE / f"{name}.py").exists()
        assert not (PACKAGE / name).exists()


HEAVY = {"torch", "open_clip", "numpy", "PIL", "timm", "safetensors"}


@pytest.mark.parametrize(
    "code",
    [
        "import clipavatar; clipavatar.__version__; dir(clipavatar)",
        "import clipavatar; clipavatar.expand('girl')",
        "from clipavatar.cli import main; main(['--help'])",
        "from clipavatar.cli import main; main(['train', '--help'])",
        "from clipavatar.cli import main; main(['expand', 'girl'])",
    ],
)
def test_light_things_import_nothing_heavy(code):
    report = (
        "import atexit, sys\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('HEAVY', sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", report + code], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "HEAVY []"


def test_the_version_is_written_twice_and_agrees():
    import tomllib

    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == clipavatar.__version__
