import json
import os
import re
import subprocess
import sys

import pytest

from clipavatar import batch, cli
from clipavatar.images import read_settings


def run(capsys, *argv):
    """Exit code, stdout and stderr of a command run in this process."""
    try:
        code = cli.main(list(argv))
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def assert_one_line_error(result, says):
    code, _, err = result
    assert code == 2
    assert err.count("\n") == 1, err
    assert err.startswith("clipavatar: error: ")
    assert says in err


@pytest.mark.usefixtures("cli_pipeline")
class TestGenerate:
    def test_saves_and_says_so(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        code, out, err = run(
            capsys, "generate", "cute girl, twin tails", "双马尾 女孩!", "--size", "32"
        )
        assert (code, err) == (0, "")
        names = ["cute-girl-twin-tails-0.png", "双马尾-女孩-0.png"]
        assert sorted(file.name for file in tmp_path.iterdir()) == names
        assert [line.split()[:2] for line in out.splitlines()] == [["saved", n] for n in names]

    def test_seeds_folder_and_file(self, capsys, tmp_path):
        size = ("--size", "32")
        run(capsys, "generate", "girl", "-n", "2", "--seed", "5", "-o", str(tmp_path / "a"), *size)
        assert sorted(f.name for f in (tmp_path / "a").iterdir()) == ["girl-5.png", "girl-6.png"]
        run(capsys, "generate", "girl", "-o", str(tmp_path / "b" / "me.png"), *size)
        assert read_settings(tmp_path / "b" / "me.png")["seed"] == 0
        result = run(capsys, "generate", "girl", "-n", "2", "-o", str(tmp_path / "me.png"))
        assert_one_line_error(result, "one file for 2 pictures")

    def test_twice_is_no_error_and_nothing_is_lost(self, capsys, tmp_path):
        again = ["generate", "girl", "-o", str(tmp_path), "--size", "32"]
        run(capsys, *again)
        before = (tmp_path / "girl-0.png").read_bytes()
        code, out, _ = run(capsys, *again)
        assert code == 0
        assert out.startswith("kept")
        again[-1] = "48"
        assert_one_line_error(run(capsys, *again), "--force")
        assert (tmp_path / "girl-0.png").read_bytes() == before
        assert run(capsys, *again, "--force")[0] == 0
        assert read_settings(tmp_path / "girl-0.png")["size"] == 48

    def test_a_file_of_somebody_elses_is_safe(self, capsys, tmp_path):
        (tmp_path / "girl-0.png").write_bytes(b"my holiday")
        assert_one_line_error(run(capsys, "generate", "girl", "-o", str(tmp_path)), "exists")
        assert (tmp_path / "girl-0.png").read_bytes() == b"my holiday"

    @pytest.mark.parametrize(
        ("argv", "says"),
        [
            ([""], "empty"),
            (["x" * 10_000], "10,000 characters"),
            (["🎉"], "no word"),
            (["girl", "--size", "0"], "size must be"),
            (["girl", "--size", "100000"], "size must be"),
            (["girl", "--size", "big"], "invalid int"),
            (["girl", "--seed", "-1"], "seed must be"),
            (["girl", "-n", "0"], "n must be"),
            (["girl", "--mode", "dream"], "mode must be"),
            (["girl", "--style", "cubist"], "unknown style"),
            (["girl", "--background", "blurple"], "unknown background"),
            (["girl", "--nonsense"], "--nonsense"),
            ([], "TEXT"),
        ],
    )
    def test_bad_input_is_one_line(self, capsys, tmp_path, monkeypatch, argv, says):
        monkeypatch.chdir(tmp_path)
        assert_one_line_error(run(capsys, "generate", *argv), says)
        assert not list(tmp_path.iterdir())

    def test_an_unwritable_folder(self, capsys, tmp_path):
        (tmp_path / "file").write_text("in the way")
        result = run(
            capsys, "generate", "girl", "--size", "32", "-o", str(tmp_path / "file" / "sub")
        )
        assert_one_line_error(result, "file")


def test_the_model_options_arrive(capsys, cli_pipeline, tmp_path):
    argv = ["--model", "m", "--clip", "ViT-B-32:x", "--device", "cuda", "--size", "32"]
    run(capsys, "generate", "girl", "-o", str(tmp_path), *argv)
    assert cli_pipeline.asked == [("m", "ViT-B-32:x", "cuda")]


def test_bad_models_are_one_line(capsys, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not a model")
    for path, says in ((bad, "not a readable"), (tmp_path / "no.safetensors", "no model file")):
        result = run(capsys, "generate", "girl", "--model", str(path), "-o", str(tmp_path))
        assert_one_line_error(result, says)
    assert_one_line_error(run(capsys, "generate", "girl", "--device", "tpu!"), "unknown device")


def test_debug_shows_the_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("CLIPAVATAR_DEBUG", "1")
    with pytest.raises(FileNotFoundError):
        cli.main(["batch", str(tmp_path / "none.txt"), "-o", str(tmp_path)])


def test_ctrl_c_and_surprises(capsys, monkeypatch):
    def raising(error):
        def load(_):
            raise error

        return load

    monkeypatch.setattr(cli, "load_pipeline", raising(KeyboardInterrupt()))
    assert run(capsys, "generate", "girl") == (130, "", "")
    monkeypatch.setattr(cli, "load_pipeline", raising(RuntimeError("out of\nmemory")))
    assert_one_line_error(run(capsys, "generate", "girl"), "RuntimeError: out of memory")
    monkeypatch.setattr(cli, "load_pipeline", raising(ModuleNotFoundError("x", name="accelerate")))
    assert_one_line_error(run(capsys, "generate", "girl"), "clipavatar[train]")


@pytest.mark.usefixtures("cli_pipeline")
class TestBatch:
    def write(self, tmp_path, text, encoding="utf-8"):
        (tmp_path / "p.txt").write_bytes(text.encode(encoding))
        return ["batch", str(tmp_path / "p.txt"), "-o", str(tmp_path / "out"), "--size", "32"]

    def manifest(self, tmp_path):
        lines = (tmp_path / "out" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def test_comments_options_and_bom(self, capsys, tmp_path):
        argv = self.write(
            tmp_path,
            "# heroes\n\n银发 猫耳 女孩\r\nboy's hat -- blue --seed 3 --size 48 -n 2\n",
            encoding="utf-8-sig",
        )
        assert run(capsys, *argv)[0] == 0
        made = self.manifest(tmp_path)
        names = [
            "0001-银发-猫耳-女孩.png",
            "0002-boy-s-hat-blue-1.png",
            "0002-boy-s-hat-blue-2.png",
        ]
        assert [record["file"] for record in made] == names
        assert [record["line"] for record in made] == [3, 4, 4]
        assert [(record["seed"], record["size"]) for record in made] == [(0, 32), (3, 48), (4, 48)]
        assert made[1]["text"] == "boy's hat -- blue"
        for record in made:
            settings = read_settings(tmp_path / "out" / record["file"])
            assert record == {"file": record["file"], "line": record["line"], **settings}

    def test_bad_lines_are_told_and_the_rest_goes_on(self, capsys, tmp_path):
        text = "girl --colour red\nboy\n😀\ngirl --size 5\ncat --seed\nquote --style 'x\n"
        code, _, err = run(capsys, *self.write(tmp_path, text))
        assert code == 2
        assert [record["file"] for record in self.manifest(tmp_path)] == ["0002-boy.png"]
        found = [line for line in err.splitlines() if line.startswith("clipavatar: error:")]
        assert [int(re.search(r"line (\d+):", line)[1]) for line in found] == [1, 3, 4, 5, 6]

    def test_resume(self, capsys, tmp_path, monkeypatch):
        argv = self.write(tmp_path, "girl\nboy\ncat\n")
        drawn = []
        real = batch.save_avatar

        def save(pipeline, path, *args):
            if len(drawn) == 2:
                drawn.append("stop")
                raise KeyboardInterrupt
            made = real(pipeline, path, *args)
            drawn.append((path.name, made[1]))
            return made

        monkeypatch.setattr(batch, "save_avatar", save)
        assert run(capsys, *argv)[0] == 130
        with (tmp_path / "out" / "manifest.jsonl").open("a") as file:
            file.write('{"file": "cut o')
        assert_one_line_error(run(capsys, *argv), "--resume")
        drawn.clear()
        drawn.append("")
        monkeypatch.setattr(batch, "save_avatar", real)
        assert run(capsys, *argv, "--resume")[0] == 0
        lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
        assert [json.loads(line)["file"] for line in (*lines[:2], lines[3])] == [
            "0001-girl.png",
            "0002-boy.png",
            "0003-cat.png",
        ]

    def test_force_starts_over(self, capsys, tmp_path):
        argv = self.write(tmp_path, "girl\n")
        run(capsys, *argv)
        assert run(capsys, *argv, "--force", "--seed", "2")[0] == 0
        assert [record["seed"] for record in self.manifest(tmp_path)] == [2]

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"# nothing\n\n", "holds no prompts"), (b"\xff\xfe\x00", "not UTF-8"), (None, "p.txt")],
    )
    def test_bad_files(self, capsys, tmp_path, content, says):
        argv = self.write(tmp_path, "")
        (tmp_path / "p.txt").unlink() if content is None else (tmp_path / "p.txt").write_bytes(
            content
        )
        assert_one_line_error(run(capsys, *argv), says)
        assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("cli_pipeline")
def test_shell(capsys, monkeypatch, tmp_path):
    typed = iter(
        ["girl", "", ":seed 7", ":n 2", "双马尾", "🎉", ":dance", ":seed x", ":quit", "never"]
    )
    monkeypatch.setattr("builtins.input", lambda _: next(typed))
    code, out, err = run(capsys, "shell", "-o", str(tmp_path), "--size", "32")
    assert code == 0
    assert len(out.splitlines()) == 3
    names = ["girl-0.png", "双马尾-7.png", "双马尾-8.png"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert [line.split(":")[1] for line in err.splitlines()] == [" error"] * 3
    assert next(typed) == "never"


@pytest.mark.usefixtures("cli_pipeline")
@pytest.mark.parametrize("stop", [EOFError, KeyboardInterrupt])
def test_shell_ends_quietly(capsys, monkeypatch, stop):
    def leave(_):
        raise stop

    monkeypatch.setattr("builtins.input", leave)
    assert run(capsys, "shell") == (0, "\n", "")


def test_expand(capsys):
    code, out, _ = run(capsys, "expand", "银发 女孩 with a dragon")
    assert code == 0
    assert "hair_colour: silver" in out
    assert "dragon" in out
    code, out, _ = run(capsys, "expand", "cute girl, twin tails", "--json")
    said = json.loads(out)
    assert said["attributes"]["character"] == "girl"
    assert said["prompts"]
    assert_one_line_error(run(capsys, "expand", " "), "empty")


@pytest.mark.parametrize("command", ["train", "train-clip", "train-upscaler", "train-judge"])
def test_training_configs_are_read_strictly(capsys, tmp_path, command):
    path = tmp_path / "c.toml"
    assert_one_line_error(run(capsys, command, str(path)), "c.toml")
    path.write_text("[train]\nspeed = 3\n")
    assert_one_line_error(run(capsys, command, str(path)), "unknown key 'speed'")


def test_slugs_are_short_and_safe():
    assert batch.slug("../../etc/passwd\x00 ?*") == "etc-passwd"
    assert batch.slug("！？…") == "avatar"
    assert len(batch.slug("双马尾" * 100).encode()) <= 100


def test_a_real_folder_in_a_real_process(tiny_model, tmp_path):
    argv = ["generate", "双马尾 女孩", "--model", str(tiny_model), "--size", "32"]
    done = subprocess.run(
        [sys.executable, "-m", "clipavatar", *argv],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("saved 双马尾-女孩-0.png  seed 0  score ")
    settings = read_settings(tmp_path / "双马尾-女孩-0.png")
    assert settings["clip"] == "clip"
    assert str(tiny_model.parent) not in json.dumps(settings)


def test_module_and_version():
    for argv in (["--version"], ["--help"], ["generate", "--help"], ["no-such-command"]):
        done = subprocess.run(
            [sys.executable, "-m", "clipavatar", *argv], capture_output=True, text=True
        )
        if argv[0] == "no-such-command":
            assert done.returncode == 2
            assert done.stderr.count("\n") == 1
        else:
            assert done.returncode == 0
            assert "clipavatar" in done.stdout
            assert not done.stderr
