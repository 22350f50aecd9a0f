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
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from clipavatar import __version__
from clipavatar.config import CANDIDATES, SEARCH_STEPS

if TYPE_CHECKING:
    from clipavatar.pipeline import AvatarPipeline

PICTURE = (  # pipeline.Options
    *("size", "mode", "steps", "candidates", "style", "background", "negative", "diverse"),
    *("wildcards", "time_budget", "start_from", "keep", "judge"),
)


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
    choosing = Parser(add_help=False)
    add_choice_options(choosing)

    add = commands.add_parser
    made = add("generate", parents=[drawing, choosing], help="draw avatars")
    made.add_argument("texts", nargs="+", metavar="TEXT", help="what to draw; quote each text")
    made.add_argument("-o", "--output", default=".", metavar="PATH_OR_DIR", help="default: here")
    made.add_argument("--trace", default="", metavar="GIF", help="the way of --mode optimize")
    made.set_defaults(run=run_generate)

    made = add("shell", parents=[drawing], help="type prompts, see pictures saved")
    made.add_argument("-o", "--output", default=".", metavar="DIR", help="default: here")
    add_wildcards(made)
    made.set_defaults(run=run_shell)

    made = add("batch", parents=[drawing, choosing], help="draw a file of prompts, one a line")
    made.add_argument("file", help="text, .csv or .jsonl; a line may end in options: --seed 3")
    made.add_argument("-o", "--output", required=True, metavar="DIR")
    made.add_argument("--resume", action="store_true", help="skip the pictures that are there")
    made.set_defaults(run=run_batch)

    made = add("expand", parents=[choosing], help="what the prompt engine makes of a text")
    made.add_argument("text", metavar="TEXT")
    made.add_argument("--style", default="chibi", metavar="NAME")
    made.add_argument("--negative", default="", metavar="TEXT")
    made.add_argument("--seed", type=int, default=0, metavar="S", help="makes {a|b} choices (0)")
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(run=run_expand)

    made = add("render", help="draw the captioned chibi data set")
    made.add_argument("-o", "--output", required=True, metavar="DIR")
    made.add_argument("-n", type=int, required=True, metavar="N", help="how many pictures")
    made.add_argument("--size", type=int, default=128, metavar="R", help="pixels (128)")
    made.add_argument("--seed", type=int, default=0, metavar="S")
    made.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    made.add_argument("--sheet", default="", metavar="FILE", help="also a contact sheet")
    made.add_argument(
        "--shards", type=int, default=0, metavar="SIZE", help="WebDataset shards of SIZE pictures"
    )
    made.add_argument("--split", default="training", help="training (default) or held-out")
    made.set_defaults(run=run_render)

    made = add("evaluate", help="how good a model is: accuracy, diversity, realism and more")
    made.add_argument("-n", type=int, default=250, metavar="N", help="texts a set, language (250)")
    made.add_argument("--model", default="", help="folder, .safetensors file or hub id")
    made.add_argument("--clip", default="", metavar="NAME[:PRETRAINED]", help="another CLIP")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    faces = f"faces CLIP chooses from ({CANDIDATES})"
    made.add_argument("--candidates", type=int, default=CANDIDATES, metavar="N", help=faces)
    made.add_argument("--data", default="", metavar="DIR", help="on your own captioned pictures")
    made.add_argument("--judge", default="", metavar="FILE", help="another judge")
    made.add_argument(
        "--clip-score", default="", metavar="CLIP", help="measure with this CLIP, not the model's"
    )
    made.add_argument("--inception", action="store_true", help="FID too, by torch-fidelity")
    made.add_argument("--json", default="", metavar="FILE", help="the figures for programs")
    made.add_argument("--sheet", default="", metavar="FILE", help="bars and wrong ones as a PNG")
    made.add_argument("--force", action="store_true", help="replace files that exist")
    made.set_defaults(run=run_evaluate)

    for name, text in (
        ("train-clip", "train the small CLIP"),
        ("train-probe", "teach a CLIP to name the attributes it sees, for mode optimize"),
        ("train", "train the generator"),
        ("train-upscaler", "train the upscaler"),
        ("train-judge", "train the classifier that measures the others"),
    ):
        made = add(name, help=text)
        made.add_argument("config", metavar="CONFIG", help="a TOML file")
        made.add_argument("--resume", action="store_true", help="go on where it stopped")
        if name == "train":
            made.add_argument("--minutes", type=float, metavar="M", help="instead of the config's")
            made.add_argument(
                "--dry-run", action="store_true", help="look at the data and say what it will take"
            )
        made.set_defaults(run=run_training)
    return parser


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """The options of one picture; a line of a batch file takes the same."""
    parser.add_argument("-n", type=int, default=1, metavar="N", help="pictures a text, seeds S, ..")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="first seed (0)")
    parser.add_argument("--size", type=int, default=512, help="side in pixels (512)")
    parser.add_argument("--mode", default="sample", help="sample (default) or optimize")
    steps = f"of optimize, at most ({SEARCH_STEPS})"
    parser.add_argument("--steps", type=int, default=SEARCH_STEPS, metavar="N", help=steps)
    parser.add_argument("--time-budget", type=float, metavar="S", help="seconds of optimize")
    parser.add_argument("--judge", default="", metavar="CLIP", help="picks optimize's result")
    parser.add_argument("--start-from", default="", metavar="PNG", help="go on from an avatar")
    parser.add_argument("--keep", default="", metavar="PARTS", help='of it: "hair, face", "all"')
    faces = f"faces CLIP chooses from ({CANDIDATES})"
    parser.add_argument("--candidates", type=int, default=CANDIDATES, metavar="N", help=faces)
    parser.add_argument("--style", default="chibi", metavar="NAME", help="prompt style (chibi)")
    parser.add_argument(
        "--background", metavar="COLOUR|SCENE|transparent", help="default: as the text says"
    )
    parser.add_argument("--negative", default="", metavar="TEXT", help="what to keep away from")
    parser.add_argument(
        "--diverse", action="store_true", help="what is left unsaid differs from seed to seed"
    )


def add_wildcards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wildcards", default="", metavar="DIR", help="files for __name__, before the shipped ones"
    )


def add_choice_options(parser: argparse.ArgumentParser) -> None:
    """How {a|b} and __wildcard__ are chosen."""
    add_wildcards(parser)
    parser.add_argument(
        "--combinatorial", action="store_true", help="every text that the choices allow"
    )
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help="of --combinatorial, a text (100)"
    )


def load_pipeline(args: argparse.Namespace) -> AvatarPipeline:
    """The pipeline that --model, --clip and --device ask for."""
    from clipavatar.pipeline import AvatarPipeline

    return AvatarPipeline.from_pretrained(args.model, args.clip, args.device)


def picture_options(args: argparse.Namespace) -> dict[str, Any]:
    """The parsed options that `AvatarPipeline.generate` takes."""
    return {name: getattr(args, name) for name in PICTURE}


def combinatorial_limit(args: argparse.Namespace) -> int:
    """How many texts --combinatorial may list; 0: the seed chooses one. Raises ValueError."""
    from clipavatar.config import check_range

    check_range("limit", args.limit, 1, 1_000_000)
    return args.limit if args.combinatorial else 0


def run_generate(args: argparse.Namespace) -> None:
    from clipavatar.batch import save_texts
    from clipavatar.variants import every_text

    texts, limit = list(args.texts), combinatorial_limit(args)
    if limit:
        listed = [every_text(text, args.wildcards, limit) for text in texts]
        texts = [text for found, _ in listed for text in found]
        left_out = sum(count - len(found) for found, count in listed if count > limit)
        if left_out:
            print(f"clipavatar: {left_out:,} more texts than --limit", file=sys.stderr)
    pipeline, options = load_pipeline(args), picture_options(args)
    asked = (args.seed, args.n, options, args.force, args.trace)
    save_texts(pipeline, texts, args.output, *asked)


def run_shell(args: argparse.Namespace) -> None:
    from clipavatar.shell import run_shell

    pipeline, options = load_pipeline(args), picture_options(args)
    run_shell(pipeline, args.output, args.seed, args.n, options, args.force)


def run_batch(args: argparse.Namespace) -> int:
    from clipavatar.batch import run_batch
    from clipavatar.processes import processes
    from clipavatar.prompt_files import read_lines

    lines = read_lines(args.file, lambda words: parse_line_options(words, args))
    complain = partial(print, f"clipavatar: error: {args.file}", file=sys.stderr)
    limit = combinatorial_limit(args)
    with processes() as ours:
        ways = (args.resume, args.force, complain, limit, ours)
        failed = run_batch(load_pipeline(args), lines, args.output, *ways)
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
    from clipavatar.explain import explain, table

    choices = (args.wildcards, combinatorial_limit(args))
    found = explain(args.text, args.style, args.seed, args.negative, *choices)
    print(json.dumps(found, ensure_ascii=False, indent=2) if args.json else table(found))


def run_evaluate(args: argparse.Namespace) -> None:
    from clipavatar.metrics.evaluate import evaluate

    figures = evaluate(
        lambda: load_pipeline(args),
        args.n,
        args.candidates,
        data=args.data,
        judge=args.judge,
        clip_score=args.clip_score,
        inception=args.inception,
        json_file=args.json,
        sheet=args.sheet,
        force=args.force,
    )
    print(figures)


def run_render(args: argparse.Namespace) -> None:
    from clipavatar.chibi.export import render_dataset

    render_dataset(
        args.output,
        args.n,
        args.size,
        args.seed,
        args.workers,
        args.sheet,
        args.shards,
        args.split,
    )


def run_training(args: argparse.Namespace) -> None:
    from clipavatar.config import load_config

    config = load_config(args.config)  # before torch is imported: a bad file is told at once
    from clipavatar import training

    if args.command == "train" and args.minutes is not None:
        config = replace(config, train=replace(config.train, minutes=args.minutes, steps=0))
    if args.command == "train" and args.dry_run:
        print(training.dry_run(config))
    else:
        getattr(training, args.command.replace("-", "_"))(config, resume=args.resume)
