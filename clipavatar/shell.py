"""`clipavatar shell`: type what to draw, see the file saved and its score."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipavatar.avatars import MODES
from clipavatar.backgrounds import check_background
from clipavatar.batch import save_texts
from clipavatar.config import SEARCH_STEPS, check_range
from clipavatar.keeping import check_keep, read_start
from clipavatar.prompts import expand

if TYPE_CHECKING:
    from clipavatar.pipeline import AvatarPipeline

HELP = """\
anything else        is drawn, in Chinese or English: 双马尾 粉色头发 的女孩
:again               the last text once more, with the next seeds
:seed 3              the seed of the next picture
:n 4                 how many pictures a text, with seeds one after the other
:style plain         a style of prompts/templates.toml; without a name: chibi
:background beach    a colour, a scene or transparent; without a name: as the text says
:negative glasses    what to keep away from; without words: nothing
:diverse             what is left unsaid differs from seed to seed; again: it no longer does
:mode optimize       move the best face towards the text; without a name: sample
:steps 120           of that; without a number: 24
:from girl.png       go on from a saved avatar, which keeps what :keep says; without: from seeds
:keep hair, face     of it: parts, or all; without: what the text says nothing of may change
:help  :quit         Ctrl-C stops the picture or the line, Ctrl-D ends"""


def check_style(name: str) -> str:
    """The style, or the usual one for ""."""
    expand("girl", style=name or "chibi")
    return name or "chibi"


def check_mode(name: str) -> str:
    if name not in ("", *MODES):
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {name!r}")
    return name or "sample"


def check_steps(value: str) -> int:
    if value and not value.isdecimal():
        raise ValueError(f":steps needs a whole number, not {value!r}")
    steps = int(value or SEARCH_STEPS)
    check_range("steps", steps, 1, 10_000)
    return steps


CHECKS: dict[str, Callable[[str], Any]] = {  # option -> what it takes from a typed value
    "style": check_style,
    "background": lambda value: check_background(value) if value else None,
    "negative": str,
    "mode": check_mode,
    "steps": check_steps,
    "keep": lambda value: ", ".join(check_keep(value)),
}
OPTIONS = {":from": "start_from", ":diverse": "diverse", **{f":{name}": name for name in CHECKS}}
USUAL = {"background": "as the text says", "diverse": "no"}  # told where an option is empty


@dataclass
class Shell:
    """What the commands set."""

    pipeline: AvatarPipeline
    output: str | Path
    seed: int
    n: int
    options: dict[str, Any]
    force: bool = False
    last: str = ""

    def obey(self, line: str) -> bool:
        """Do what one line says; false if it says to stop. Raises ValueError, OSError."""
        command, _, value = line.partition(" ")
        value = value.strip()
        if command in (":quit", ":q", ":exit"):
            return False
        if command == ":help":
            print(HELP)
        elif command == ":again":
            if not self.last:
                raise ValueError("nothing has been drawn yet")
            self.seed += self.n
            self.draw(self.last)
        elif command in (":seed", ":n"):
            if not value.isdecimal():
                raise ValueError(f"{command} needs a whole number, not {value!r}")
            highest = 2**63 - 1 if command == ":seed" else 1_000_000
            check_range(command[1:], int(value), 0 if command == ":seed" else 1, highest)
            setattr(self, command[1:], int(value))
        elif command in OPTIONS:
            self.set(OPTIONS[command], value)
        elif line.startswith(":") and line[1:2].isalpha():
            raise ValueError(f"{command} is no command; :help lists them")
        elif line:
            self.draw(line)
        return True

    def draw(self, text: str) -> None:
        self.last = text
        save_texts(self.pipeline, [text], self.output, self.seed, self.n, self.options, self.force)

    def set(self, name: str, value: str) -> None:
        """An option for the pictures to come, checked now. Raises ValueError."""
        if name == "diverse":
            self.options[name] = not self.options.get(name)
        elif name == "start_from":
            if value:
                read_start(value, self.pipeline.name)
            self.options[name] = value
        else:
            self.options[name] = CHECKS[name](value)
        print(f"{name}: {self.options[name] or USUAL.get(name, 'none')}")


def run_shell(
    pipeline: AvatarPipeline,
    output: str | Path,
    seed: int,
    n: int,
    options: dict[str, Any],
    force: bool = False,
) -> None:
    """Read lines until they end. A mistake is one line on stderr; Ctrl-C drops what is going on."""
    shell = Shell(pipeline, output, seed, n, dict(options), force)
    asks = sys.stdin.isatty()
    if asks:
        with suppress(ImportError):  # Windows
            import readline  # noqa: F401  # its import gives input() a history
        print("Say what to draw, in English or Chinese; :help lists the commands.")
    while True:
        try:
            if not shell.obey(input("> " if asks else "").strip()):
                return
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
        except (ValueError, OSError) as error:
            print(f"clipavatar: error: {error}", file=sys.stderr, flush=True)
