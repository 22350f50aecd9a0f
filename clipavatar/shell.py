"""`clipavatar shell`: type what to draw, see the file saved and its score."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipavatar.backgrounds import check_background
from clipavatar.batch import save_texts
from clipavatar.config import check_range
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
:help  :quit         Ctrl-C stops the picture or the line, Ctrl-D ends"""


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
        elif command in (":style", ":background", ":negative", ":diverse"):
            self.set(command[1:], value)
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
        if name == "style":
            expand("girl", style=value or "chibi")
            self.options[name] = value or "chibi"
        elif name == "background":
            self.options[name] = check_background(value) if value else None
        elif name == "negative":
            self.options[name] = value
        else:
            self.options[name] = not self.options.get(name)
        print(f"{name}: {self.options[name] or 'as the text says'}")


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
