import json
import os
import re
import subprocess
import sys

import pytest

from clipavatar import batch, cli, explain
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

    def test_every_text_of_the_choices(self, capsys, tmp_path):
        argv = ["generate", "{pink|blue} hair {girl|boy}", "-o", str(tmp_path), "--size", "32"]
        assert run(capsys, *argv, "--combinatorial", "--limit", "3")[0] == 0
        names = ["blue-hair-girl-0.png", "pink-hair-boy-0.png", "pink-hair-girl-0.png"]
        assert sorted(file.name for file in tmp_path.iterdir()) == names
        assert "1 more text" in run(capsys, *argv, "--combinatorial", "--limit", "3")[2]

    def test_wildcards_of_ones_own(self, capsys, tmp_path):
        (tmp_path / "who.txt").write_text("# who\nqueen\n", encoding="utf-8")
        argv = ["generate", "a __who__", "-o", str(tmp_path / "out"), "--size", "32"]
        assert_one_line_error(run(capsys, *argv), "unknown wildcard __who__ at character 3")
        assert run(capsys, *argv, "--wildcards", str(tmp_path))[0] == 0
        assert read_settings(tmp_path / "out" / "a-who-0.png")["text"] == "a queen"

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
            (["girl", "--negative", "🎉"], "no word"),
            (["{girl|boy"], "'{' at character 1 is never closed"),
            (["girl | boy:0 | cat:0", "--limit", "0"], "limit must be"),
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


def typing(monkeypatch, *lines):
    """Makes input() return `lines`, or raise those that are exceptions; then the input ends."""
    waiting = iter([*lines, EOFError])

    def answer(_):
        line = next(waiting)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", answer)
    return waiting


@pytest.mark.usefixtures("cli_pipeline")
class TestShell:
    def test_draws_lines_and_obeys_commands(self, capsys, monkeypatch, tmp_path):
        lines = [
            "girl",
            "",
            ":seed 7",
            ":n 2",
            "双马尾",
            "🎉",
            ":dance",
            ":seed x",
            ":quit",
            "never",
        ]
        waiting = typing(monkeypatch, *lines)
        code, out, err = run(capsys, "shell", "-o", str(tmp_path), "--size", "32")
        assert code == 0
        assert len(out.splitlines()) == 3
        names = ["girl-0.png", "双马尾-7.png", "双马尾-8.png"]
        assert sorted(file.name for file in tmp_path.iterdir()) == names
        assert [line.split(":")[1] for line in err.splitlines()] == [" error"] * 3
        assert next(waiting) == "never"

    def test_again_style_background_negative_diverse_and_help(self, capsys, monkeypatch, tmp_path):
        lines = [":again", "girl", ":again", ":style plain", ":background beach", ":negative hat"]
        lines += [":diverse", "boy", ":style cubist", ":background", ":help", ":3 girl"]
        typing(monkeypatch, *lines)
        code, out, err = run(capsys, "shell", "-o", str(tmp_path), "--size", "32")
        assert code == 0
        names = ["3-girl-1.png", "boy-1.png", "girl-0.png", "girl-1.png"]
        assert sorted(file.name for file in tmp_path.iterdir()) == names
        made = read_settings(tmp_path / "boy-1.png")
        assert made["style"] == "plain"
        assert (made["background"], made["negative"], made["diverse"]) == ("beach", "hat", True)
        assert "negative" not in read_settings(tmp_path / "girl-1.png")
        assert "nothing has been drawn" in err
        assert "unknown style 'cubist'" in err
        assert ":again" in out

    def test_the_search_and_going_on_from_a_saved_avatar_are_commands_too(
        self, capsys, monkeypatch, tmp_path
    ):
        lines = [":mode optimize", ":steps 2", "girl", ":mode", f":from {tmp_path / 'girl-0.png'}"]
        lines += [":keep hair", ":seed 1", "boy", ":mode fast", ":steps x", ":keep nose", ":from"]
        typing(monkeypatch, *lines, ":from nothing.png")
        code, _, err = run(capsys, "shell", "-o", str(tmp_path), "--size", "32")
        assert code == 0
        girl, boy = (read_settings(tmp_path / name) for name in ("girl-0.png", "boy-1.png"))
        assert (girl["mode"], girl["steps"]) == ("optimize", 2)
        assert (boy["mode"], boy["keep"]) == ("sample", "hair")
        assert "start_from" in boy
        assert len(err.splitlines()) == 4

    def test_ctrl_c_drops_the_line_or_the_picture_and_the_end_ends(
        self, capsys, monkeypatch, tmp_path
    ):
        typing(monkeypatch, KeyboardInterrupt, "girl", KeyboardInterrupt, "boy")
        real = batch.save_avatar

        def save(pipeline, path, text, *rest):
            if text == "girl":
                raise KeyboardInterrupt
            return real(pipeline, path, text, *rest)

        monkeypatch.setattr(batch, "save_avatar", save)
        code, out, err = run(capsys, "shell", "-o", str(tmp_path), "--size", "32")
        assert (code, err) == (0, "")
        assert [file.name for file in tmp_path.iterdir()] == ["boy-0.png"]
        assert out.startswith("\n\n\nsaved")


class TestExpand:
    def test_shows_what_was_understood_as_aligned_columns(self, capsys):
        code, out, _ = run(
            capsys, "expand", "(银发:1.3) 女孩 with a dragon", "--negative", "glasses"
        )
        assert code == 0
        lines = [re.split(r"  +", line) for line in out.splitlines()]
        assert ["", "hair_colour", "silver"] in lines
        assert ["weights", "银发", "1.3"] in lines
        assert ["unknown", "dragon"] in lines
        assert ["conflicts", "none"] in lines
        assert "negative" in [line[0] for line in lines]
        columns = {line.index("银发") for line in out.splitlines() if line.startswith("weights")}
        assert columns == {line.index("character") for line in out.splitlines()[1:2]}

    def test_chinese_takes_two_columns(self):
        assert explain.width("银发 a") == 6
        found = {"language": "zh", "attributes": {}, "weights": [], "unknown": [], "conflicts": []}
        found["weights"] = [{"text": "银发", "weight": 2}, {"text": "hat!", "weight": 3}]
        rows = explain.table({**found, "prompts": []}).splitlines()
        assert [row for row in rows if row.endswith(("2", "3"))] == [
            "weights     银发  2",
            "            hat!  3",
        ]

    def test_json(self, capsys):
        code, out, _ = run(capsys, "expand", "cute girl, twin tails | boy:0.5", "--json")
        said = json.loads(out)
        assert code == 0
        assert said["attributes"]["character"] == "girl"
        assert said["prompts"]
        assert [one["share"] for one in said["blend"]] == [0.6667, 0.3333]
        assert said["blend"][1]["attributes"] == {"character": "boy", "hair": "twin tails"}

    def test_choices_are_counted_and_listed(self, capsys):
        argv = ["expand", "{pink|blue} hair {girl|boy}", "--json", "--seed", "3"]
        said = json.loads(run(capsys, *argv)[1])
        assert said["choices"] == 4
        assert said["made"] in said["texts" if "texts" in said else "made"]
        said = json.loads(run(capsys, *argv, "--combinatorial", "--limit", "3")[1])
        assert said["texts"] == ["pink hair girl", "pink hair boy", "blue hair girl"]
        out = run(capsys, *argv[:2], "--combinatorial")[1]
        assert "blue hair boy" in out

    @pytest.mark.parametrize(
        ("argv", "says"),
        [
            ([" "], "empty"),
            (["{a|b"], "never closed"),
            (["__nothing__"], "unknown wildcard __nothing__"),
            (["girl", "--negative", "!"], "no word"),
            (["girl", "--wildcards", "nowhere"], ""),
            (["__hair__", "--wildcards", "nowhere"], "no folder of wildcards"),
            (["girl", "--limit", "0"], "limit must be"),
        ],
    )
    def test_bad_input_is_one_line(self, capsys, argv, says):
        result = run(capsys, "expand", *argv)
        assert_one_line_error(result, says) if says else None


@pytest.mark.parametrize(
    "command", ["train", "train-clip", "train-probe", "train-upscaler", "train-judge"]
)
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
