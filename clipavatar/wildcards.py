"""The files behind __name__: those of prompts/wildcards, and a folder of the user's own."""

from functools import cache, lru_cache
from importlib import resources
from pathlib import Path


def wildcard_files(wildcards: str | Path = "") -> dict[str, Path]:
    """Name -> file of every wildcard, the user's before ours. ValueError: no such folder."""
    if wildcards and not Path(wildcards).is_dir():
        raise ValueError(f"there is no folder of wildcards called {str(wildcards)!r}")
    return _shipped() | (_listed(Path(wildcards)) if wildcards else {})


@cache
def _shipped() -> dict[str, Path]:
    packed = Path(str(resources.files("clipavatar"))) / "_prompts"  # in the installed wheel
    ours = packed if packed.is_dir() else Path(__file__).parent.parent / "prompts"
    return _listed(ours / "wildcards")


def _listed(folder: Path) -> dict[str, Path]:
    files = {f.relative_to(folder).with_suffix(""): f for f in folder.rglob("*.txt")}
    return {name.as_posix(): files[name] for name in sorted(files)}


@lru_cache(maxsize=1000)
def wildcard_lines(path: Path, changed: int) -> tuple[tuple[int, str], ...]:
    """(line number, text) of a file, without comments; `changed` is its time of change."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    kept = [(i, line.strip()) for i, line in enumerate(lines, 1)]
    return tuple((i, line) for i, line in kept if line and not line.startswith("#"))
