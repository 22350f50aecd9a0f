"""The command line: each command a few lines that call one function.

Bad input is one line on stderr and exit code 2; CLIPAVATAR_DEBUG=1 shows the traceback instead.
Nothing here imports torch before a command needs it, so `--help` is instant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from clipavatar import __version__

if TYPE_CHECKING:
    from clipavatar.pipeline import AvatarPipeline

PICTURE = ("size", "mode", "steps", "candidates", "style", "background")  # pipeline.Options


class Parser(argparse.ArgumentParser):
    """An argparse parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"clipavatar: error: {message} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for bad input, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Chinese is no reason to stop
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args) or 0
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `clipavatar ... | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except Exception as error:
        if os.environ.get("CLIPAVATAR_DEBUG"):
            raise
        print(f"clipavatar: error: {one_line(error)}", file=sys.stderr)
        return 2


def one_line(error: BaseException) -> str:
    """What went wrong, in one line for a person."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, ModuleNotFoundError) and error.name in ("accelerate", "resvg_py"):
        return f'this needs {error.name}: pip install "clipavatar[train]"'
    message = " ".join(str(error).split()) or "no reason given"
    if isinstance(error, ValueError | OSError):
        return message
    return f"{type(error).__name__}: {message} (CLIPAVATAR_DEBUG=1 shows where)"


def build_parser() -> Parser:
    """All commands and their options."""
    parser = Parser(prog="clipavatar", description="Type a sentence, get a cute chibi avatar.")
    parser.add_argument("--version", action="version", version=f"clipavatar {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    drawing = Parser(add_help=False)
    add_picture_options(drawing)
    drawing.add_argument("--model", default="", help="folder, .safetensors file or hub id")
    drawing.add_argument("--clip", default="", metavar="NAME[:PRETRAINED]", help="another CLIP")
    drawing.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    drawing.add_argument("--force", action="store_true", help="replace files that exist")

    add = commands.add_parser
    made = add("generate", parents=[drawing], help="draw avatars")
    made.add_argument("texts", nargs="+", metavar="TEXT", help="what to draw; quote each text")
    made.add_argument("-o", "--output", default=".", metavar="PATH_OR_DIR", help="default: here")
    made.set_defaults(run=run_generate)

    made = add("shell", parents=[drawing], help="type prompts, see pictures saved")
    made.add_argument("-o", "--output", default=".", metavar="DIR", help="default: here")
    made.set_defaults(run=run_shell)

    made = add("batch", parents=[drawing], help="draw a file of prompts, one a line")
    made.add_argument("file", help="UTF-8 text; # comments; a line may end in options: --seed 3")
    made.add_argument("-o", "--output", required=True, metavar="DIR")
    made.add_argument("--resume", action="store_true", help="skip the pictures that are there")
    made.set_defaults(run=run_batch)

    made = add("expand", help="what the prompt engine makes of a text")
    made.add_argument("text", metavar="TEXT")
    made.add_argument("--style", default="chibi", metavar="NAME")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(run=run_expand)

    made = add("render", help="draw the captioned chibi data set")
    made.add_argument("-o", "--output", required=True, metavar="DIR")
    made.add_argument("-n", type=int, required=True, metavar="N", help="how many pictures")
    made.add_argument("--size", type=int, default=128, metavar="R", help="pixels (128)")
    made.add_argument("--seed", type=int, default=0, metavar="S")
    made.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    made.add_argument("--sheet", default="", metavar="FILE", help="also a contact sheet")
    made.set_defaults(run=run_render)

    made = add("evaluate", help="attribute accuracy of a model, in English and Chinese")
    made.add_argument("-n", type=int, default=200, metavar="N", help="pictures a language (200)")
    made.add_argument("--model", default="", help="folder, .safetensors file or hub id")
    made.add_argument("--clip", default="", metavar="NAME[:PRETRAINED]", help="another CLIP")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    made.add_argument("--candidates", type=int, default=8, metavar="N", help="as in generate (8)")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(run=run_evaluate)

    for name, run, text in (
        ("train-clip", run_train_clip, "train the small CLIP"),
        ("train", run_train, "train the generator"),
        ("train-upscaler", run_train_upscaler, "train the upscaler"),
        ("train-judge", run_train_judge, "train the classifier that measures the others"),
    ):
        made = add(name, help=text)
        made.add_argument("config", metavar="CONFIG", help="a TOML file")
        if name != "train-judge":  # which takes minutes
            made.add_argument("--resume", action="store_true", help="go on where it stopped")
        if name == "train":
            made.add_argument("--minutes", type=float, metavar="M", help="instead of the config's")
        made.set_defaults(run=run)
    return parser


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """The options of one picture; a line of a batch file takes the same."""
    parser.add_argument("-n", type=int, default=1, metavar="N", help="pictures a text, seeds S, ..")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="first seed (0)")
    parser.add_argument("--size", type=int, default=512, help="side in pixels (512)")
    parser.add_argument("--mode", default="sample", help="sample (default) or optimize")
    parser.add_argument("--steps", type=int, default=60, metavar="N", help="of optimize (60)")
    parser.add_argument(
        "--candidates", type=int, default=8, metavar="N", help="faces CLIP chooses from (8)"
    )
    parser.add_argument("--style", default="chibi", metavar="NAME", help="prompt style (chibi)")
    parser.add_argument(
        "--background", metavar="COLOUR|SCENE|transparent", help="default: as the text says"
    )


def load_pipeline(args: argparse.Namespace) -> AvatarPipeline:
    """The pipeline that --model, --clip and --device ask for."""
    from clipavatar.pipeline import AvatarPipeline

    return AvatarPipeline.from_pretrained(args.model, args.clip, args.device)


def picture_options(args: argparse.Namespace) -> dict[str, Any]:
    """The parsed options that `AvatarPipeline.generate` takes."""
    return {name: getattr(args, name) for name in PICTURE}


def run_generate(args: argparse.Namespace) -> None:
    from clipavatar.batch import save_texts

    pipeline, options = load_pipeline(args), picture_options(args)
    save_texts(pipeline, args.texts, args.output, args.seed, args.n, options, args.force)


def run_shell(args: argparse.Namespace) -> None:
    from clipavatar.batch import run_shell

    pipeline, options = load_pipeline(args), picture_options(args)
    run_shell(pipeline, args.output, args.seed, args.n, options, args.force)


def run_batch(args: argparse.Namespace) -> int:
    from clipavatar.batch import read_lines, run_batch

    lines = read_lines(args.file, lambda words: parse_line_options(words, args))
    complain = partial(print, f"clipavatar: error: {args.file}", file=sys.stderr)
    failed = run_batch(load_pipeline(args), lines, args.output, args.resume, args.force, complain)
    return 2 if failed else 0


def parse_line_options(words: list[str], defaults: argparse.Namespace) -> dict[str, Any]:
    """A batch line's own options over those of the command. Raises ValueError."""

    class LineParser(Parser):
        def error(self, message: str) -> NoReturn:
            raise ValueError(message)

    parser = LineParser(add_help=False, allow_abbrev=False)
    add_picture_options(parser)
    parser.set_defaults(**picture_options(defaults), seed=defaults.seed, n=defaults.n)
    return vars(parser.parse_args(words))


def run_expand(args: argparse.Namespace) -> None:
    from clipavatar.prompts import check_text, expand, understand

    said = understand(check_text(args.text))
    prompts = expand(args.text, args.style)
    if args.json:
        print(json.dumps({**asdict(said), "prompts": prompts}, ensure_ascii=False, indent=2))
        return
    print(f"language    {said.language}")
    for title, lines in (
        ("attributes", [f"{name}: {value}" for name, value in said.attributes.items()]),
        ("unknown", said.unknown),
        ("conflicts", said.conflicts),
        ("prompts", prompts),
    ):
        print(f"{title:<11}", "\n            ".join(lines) or "none")


def run_evaluate(args: argparse.Namespace) -> None:
    from clipavatar.metrics.attributes import evaluate_languages, table

    figures = evaluate_languages(load_pipeline(args), args.n, args.candidates)
    print(json.dumps(figures, indent=2) if args.json else table(figures))


def run_render(args: argparse.Namespace) -> None:
    from clipavatar.chibi import render_dataset

    render_dataset(args.output, args.n, args.size, args.seed, args.workers, sheet=args.sheet)


def run_train_clip(args: argparse.Namespace) -> None:
    from clipavatar.config import load_config

    config = load_config(args.config)  # before torch is imported: a bad file is told at once
    from clipavatar.training import train_clip

    train_clip(config, resume=args.resume)


def run_train(args: argparse.Namespace) -> None:
    from clipavatar.config import load_config

    config = load_config(args.config)  # before torch is imported: a bad file is told at once
    from clipavatar.training import train

    if args.minutes is not None:
        config = replace(config, train=replace(config.train, minutes=args.minutes))
    train(config, resume=args.resume)


def run_train_upscaler(args: argparse.Namespace) -> None:
    from clipavatar.config import load_config

    config = load_config(args.config)  # before torch is imported: a bad file is told at once
    from clipavatar.training import train_upscaler

    train_upscaler(config, resume=args.resume)


def run_train_judge(args: argparse.Namespace) -> None:
    from clipavatar.config import load_config

    config = load_config(args.config)  # before torch is imported: a bad file is told at once
    from clipavatar.training import train_judge

    train_judge(config)
