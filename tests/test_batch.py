"""Prompt files and the pictures made of them."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

import pytest
from test_cli import assert_one_line_error, run

from clipavatar import batch, cli, prompt_files
from clipavatar.images import read_settings
from clipavatar.processes import Processes

TESTS = Path(__file__).parent
PROMPTS = 250


def write(tmp_path, content, name="p.txt", encoding="utf-8"):
    """The command that draws a file of `content`."""
    data = content if isinstance(content, bytes) else content.encode(encoding)
    (tmp_path / name).write_bytes(data)
    return ["batch", str(tmp_path / name), "-o", str(tmp_path / "out"), "--size", "32"]


def manifest(folder):
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def lines_of(tmp_path, content, name="p.txt"):
    write(tmp_path, content, name)
    return prompt_files.read_lines(tmp_path / name, lambda words: {"words": words})


def interrupt(*_):
    raise KeyboardInterrupt


def told(err):
    """The line numbers that stderr complains of."""
    found = [line for line in err.splitlines() if line.startswith("clipavatar: error:")]
    return [int(re.search(r"line (\d+):", line)[1]) for line in found]


@pytest.mark.usefixtures("cli_pipeline")
class TestText:
    def test_comments_options_and_names(self, capsys, tmp_path):
        text = "# heroes\n\n银发 猫耳 女孩\r\nboy's hat -- blue --seed 3 --size 48 -n 2\n"
        assert run(capsys, *write(tmp_path, text))[0] == 0
        made = manifest(tmp_path / "out")
        assert [record["file"] for record in made] == [
            "0001-银发-猫耳-女孩.png",
            "0002-boy-s-hat-blue-1.png",
            "0002-boy-s-hat-blue-2.png",
        ]
        assert [record["line"] for record in made] == [3, 4, 4]
        assert [(record["seed"], record["size"]) for record in made] == [(0, 32), (3, 48), (4, 48)]
        assert made[1]["prompt"] == made[1]["text"] == "boy's hat -- blue"
        for record in made:
            settings = read_settings(tmp_path / "out" / record["file"])
            own = {name: record[name] for name in ("file", "line", "prompt")}
            assert len(settings.pop("latent")) == 2  # noise and words: long, and for machines
            assert record == own | settings

    def test_the_form_of_the_web_ui(self, capsys, tmp_path):
        text = (
            '--prompt "a girl, \\(hat\\)" --negative_prompt "glasses, beard" --seed 3 --n_iter 2\n'
            "--prompt it's a boy --width 48 --height 48 --sampler_name Euler a --cfg_scale 7\n"
            "--prompt girl --n_iter 2 --batch_size 2\n"
        )
        code, _, err = run(capsys, *write(tmp_path, text))
        made = manifest(tmp_path / "out")
        assert code == 0
        assert [record["seed"] for record in made] == [3, 4, 0, 0, 1, 2, 3]
        assert made[0]["prompt"] == "a girl, \\(hat\\)"
        assert made[0]["negative"] == "glasses, beard"
        assert (made[2]["prompt"], made[2]["size"]) == ("it's a boy", 48)
        assert told(err) == [2, 2]
        assert "--sampler_name means nothing here" in err

    def test_bad_lines_are_told_and_the_rest_goes_on(self, capsys, tmp_path):
        text = (
            "girl --colour red\nboy\n😀\ngirl --size 5\ncat --seed\nquote --style 'x\n"
            "girl --prompt boy\n--width 48 --height 64 --prompt girl\n--seed 3\n{a|b\ngirl -n 0\n"
        )
        code, _, err = run(capsys, *write(tmp_path, text))
        assert code == 2
        assert [record["file"] for record in manifest(tmp_path / "out")] == ["0002-boy.png"]
        assert told(err) == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        assert "Traceback" not in err

    def test_choices_by_the_seed_and_all_of_them(self, capsys, tmp_path):
        argv = write(tmp_path, "{pink|blue} hair girl -n 3\nboy\n")
        assert run(capsys, *argv)[0] == 0
        made = manifest(tmp_path / "out")
        assert {record["text"] for record in made[:3]} <= {"pink hair girl", "blue hair girl"}
        assert {record["prompt"] for record in made[:3]} == {"{pink|blue} hair girl"}
        argv[3] = str(tmp_path / "all")
        assert run(capsys, *argv, "--combinatorial")[0] == 0
        made = manifest(tmp_path / "all")
        assert [record["file"] for record in made[:6]] == [
            f"0001-pink-blue-hair-girl-{i}.png" for i in range(1, 7)
        ]
        assert [record["text"][:4] for record in made[:6]] == ["pink"] * 3 + ["blue"] * 3


@pytest.mark.usefixtures("cli_pipeline")
class TestTables:
    def test_csv(self, capsys, tmp_path):
        text = 'Prompt,seed,n,diverse,Negative\n"a girl, ""happy""",3,,,\n,1\n\n'
        text += '"two\nlines",,2,true,hat\n'
        code, _, err = run(capsys, *write(tmp_path, text, "p.csv", "utf-8-sig"))
        made = manifest(tmp_path / "out")
        assert code == 2
        assert told(err) == [3]
        assert [record["line"] for record in made] == [2, 5, 5]
        assert [record["seed"] for record in made] == [3, 0, 1]
        assert made[0]["prompt"] == 'a girl, "happy"'
        assert (made[1]["diverse"], made[1]["negative"]) == (True, "hat")

    def test_jsonl(self, capsys, tmp_path):
        rows = ['{"prompt": "女孩", "seed": 4, "background": null}', '"boy"', "", "[1]", "{oops"]
        rows += [
            '{"text": "girl", "diverse": true}',
            '{"prompt": 3}',
            '{"prompt": "x", "size": []}',
        ]
        rows += ["[" * 100_000]
        code, _, err = run(capsys, *write(tmp_path, "\n".join(rows), "p.jsonl"))
        made = manifest(tmp_path / "out")
        assert code == 2
        assert told(err) == [4, 5, 7, 8, 9]
        assert [(r["text"], r["seed"], "diverse" in r) for r in made] == [
            ("女孩", 4, False),
            ("boy", 0, False),
            ("girl", 0, True),
        ]

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("p.csv", "a,b\n1,2\n", 'no column is called "prompt"'),
            ("p.csv", "prompt,colour\ngirl,red\n", "line 1: unknown column 'colour'"),
            ("p.csv", 'prompt\n"girl\n', "p.csv line"),
            ("p.csv", "", "holds no prompts"),
            ("p.txt", b"# nothing\n\n", "holds no prompts"),
            ("p.txt", b"\xff\xfe\x00", "is not UTF-8"),
            ("p.txt", b"girl\0\n", "is not UTF-8"),
            ("p.txt", b"caf\xe9\n", "is not UTF-8"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_one_line(self, capsys, tmp_path, name, content, says):
        assert_one_line_error(run(capsys, *write(tmp_path, content, name)), says)
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_not_there(self, capsys, tmp_path):
        assert_one_line_error(run(capsys, "batch", "none.txt", "-o", str(tmp_path)), "none.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_encodings(tmp_path, encoding):
    (line,) = lines_of(tmp_path, "双马尾的女孩，生气\r\n".encode(encoding))
    assert line.text == "双马尾的女孩，生气"


def test_the_options_of_a_line_are_those_of_the_command():
    parser = ArgumentParser(add_help=False)
    cli.add_picture_options(parser)
    assert set(prompt_files.OPTIONS) == set(vars(parser.parse_args([])))


def test_garbage_is_never_more_than_a_bad_line(tmp_path):
    chance = random.Random(0)
    marks = ["--prompt", "--seed", "-n", "--", '"', "'", "\\", " ", "=", "3", "女孩", ",", "{", "]"]
    for _ in range(300):
        rows = ["".join(chance.choices(marks, k=chance.randrange(1, 12))) for _ in range(3)]
        for name in ("p.txt", "p.csv", "p.jsonl"):
            try:
                for line in lines_of(tmp_path, "\n".join(["prompt,seed", *rows]), name):
                    assert "\n" not in line.error
            except ValueError:
                continue


@pytest.mark.usefixtures("cli_pipeline")
class TestResume:
    def test_a_batch_is_not_drawn_over_by_accident(self, capsys, tmp_path):
        argv = write(tmp_path, "girl\n")
        run(capsys, *argv)
        assert_one_line_error(run(capsys, *argv), "--resume")
        assert run(capsys, *argv, "--force", "--seed", "2")[0] == 0
        assert [record["seed"] for record in manifest(tmp_path / "out")] == [2]
        code, _, err = run(capsys, *argv, "--resume")
        assert code == 2
        assert "is another picture" in err

    def test_what_a_stop_can_leave_behind_is_put_right(self, capsys, tmp_path):
        argv = write(tmp_path, "girl\nboy\ncat\ndog\n")
        run(capsys, *argv)
        whole = contents(tmp_path / "out")
        out = tmp_path / "out"
        lines = (out / "manifest.jsonl").read_bytes().splitlines(keepends=True)
        (out / "manifest.jsonl").write_bytes(lines[0] + lines[1][:30])  # killed while recording
        (out / "0003-cat.png").unlink()
        (out / ".0003-cat.png.4711.part").write_bytes(b"half")
        (out / "manifest-2-of-2.jsonl").write_bytes(lines[3])
        assert run(capsys, *argv, "--resume")[0] == 0
        assert contents(out) == whole

    def test_what_ctrl_c_left_half_searched_is_drawn_again(self, capsys, tmp_path, monkeypatch):
        argv = [*write(tmp_path, "girl\nboy\n"), "--mode", "optimize", "--steps", "3"]
        assert run(capsys, *argv)[0] == 0
        whole = contents(tmp_path / "out")
        argv[3] = str(tmp_path / "stopped")
        with monkeypatch.context() as patch:
            patch.setattr("clipavatar.refine.near_misses", interrupt)
            assert run(capsys, *argv)[0] == 130
        (half,) = (tmp_path / "stopped").glob("*.png")
        assert read_settings(half)["interrupted"] is True
        assert run(capsys, *argv, "--resume")[0] == 0
        assert contents(tmp_path / "stopped") == whole

    def test_pictures_that_are_there_are_not_drawn_again(self, capsys, tmp_path):
        argv = write(tmp_path, "girl\nboy\n")
        run(capsys, *argv)
        before = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "out").glob("*.png")}
        assert run(capsys, *argv, "--resume")[0] == 0
        assert {f.name: f.stat().st_mtime_ns for f in (tmp_path / "out").glob("*.png")} == before


def test_several_processes_make_what_one_makes(pipeline, tmp_path):
    lines = lines_of(tmp_path, "".join(f"girl {i}\n" for i in range(7)) + "😀\n")
    lines = [prompt_files.Line(x.number, x.index, x.text, {"size": 32}) for x in lines]
    assert batch.run_batch(pipeline, lines, tmp_path / "one", report=lambda _: None) == 1
    failed = [
        batch.run_batch(
            pipeline,
            lines,
            tmp_path / "many",
            resume=True,
            report=lambda _: None,
            processes=Processes(rank, 3),
        )
        for rank in (1, 2, 0)
    ]
    assert sum(failed) == 1
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


TINY_BATCH = """
import sys, time
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from conftest import TinyClip, TinyGenerator, TinyUpscaler
from clipavatar import cli
from clipavatar.pipeline import AvatarPipeline

def load(path="", clip="", device="auto"):
    return AvatarPipeline(TinyClip(), TinyGenerator(), TinyUpscaler(), name="tiny")

AvatarPipeline.from_pretrained = load
print("ready", flush=True)
raise SystemExit(cli.main(sys.argv[2:]))
"""


def started(tmp_path, *argv):
    script = tmp_path / "tiny_batch.py"
    script.write_text(TINY_BATCH)
    command = [sys.executable, str(script), str(TESTS), *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, text=True, **pipes)
    assert process.stdout.readline() == "ready\n"
    return process


def test_killed_at_random_moments_and_resumed_equals_never_killed(tmp_path):
    """Five kills; with 1,000 prompts it passes as well and takes 40 seconds."""
    text = "".join(f"girl {i} {{pink|blue}} hair --seed {i}\n" for i in range(PROMPTS))
    argv = [*write(tmp_path, text), "--size", "16", "--candidates", "1"]
    start = time.monotonic()
    process = started(tmp_path, *argv)
    assert process.wait() == 0
    process.stdout.close()
    took = time.monotonic() - start
    argv[3] = str(tmp_path / "killed")
    chance = random.Random(0)
    kills = 0
    while kills < 5:
        process = started(tmp_path, *argv, "--resume")
        try:
            process.wait(took * chance.uniform(0.02, 0.3))
        except subprocess.TimeoutExpired:
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()
        process.stdout.close()
        kills += 1
    process = started(tmp_path, *argv, "--resume")
    assert process.wait() == 0
    process.stdout.close()
    assert len(manifest(tmp_path / "killed")) == PROMPTS
    assert contents(tmp_path / "killed") == contents(tmp_path / "out")


def test_accelerate_launch_shares_a_batch(tiny_model, tmp_path):
    pytest.importorskip("accelerate")
    text = "".join(f"girl {i}\n" for i in range(5)) + "{oops|\n"
    argv = [*write(tmp_path, text), "--model", str(tiny_model), "--candidates", "2"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", "-m", "clipavatar"]
    for before in ([sys.executable, "-m", "clipavatar"], launch):
        argv[3] = str(tmp_path / ("many" if before is launch else "one"))
        done = subprocess.run([*before, *argv], env=environment, capture_output=True, text=True)
        assert done.returncode != 0  # the last line is bad
        assert "line 6: the '{' at character 1" in done.stderr
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    assert len(manifest(tmp_path / "many")) == 5
