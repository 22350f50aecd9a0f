"""mode="optimize" with little time, or stopped: the best so far, and nothing lost."""

import re
import time

import pytest
import torch
from conftest import TinyClip, TinyGenerator, TinyUpscaler
from test_optimize import FAST, TEXTS, pixels, sampled

from clipavatar import cli, contest, images
from clipavatar.pipeline import AvatarPipeline


def stop(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("budget", [0, -1, float("nan"), True])
def test_a_time_budget_is_a_number_of_seconds(pipeline, budget):
    with pytest.raises(ValueError, match="time_budget must be a number of seconds"):
        pipeline.generate("girl", time_budget=budget, **FAST)


def test_a_time_budget_ends_it(pipeline, searches):
    pipeline.generate("girl", **FAST)  # what is loaded once is loaded now
    begun = time.monotonic()
    avatar = pipeline.generate("girl", time_budget=0.3, **{**FAST, "steps": 10_000})
    assert time.monotonic() - begun < 3  # all steps take half a minute
    assert searches[1]["found"].steps < 1000  # of the 10,000
    assert avatar.settings["time_budget"] == 0.3


def test_the_budget_counts_from_the_first_moment(named, searches, monkeypatch):
    class Slow(TinyClip):
        def encode_text(self, prompts):
            time.sleep(0.02)
            return super().encode_text(prompts)

    monkeypatch.setattr(named, "clip", Slow())
    named.generate("girl, pink hair", time_budget=5, **{**FAST, "steps": 1})
    assert searches[0]["how"].seconds < 5 - 3 * 0.02  # the faces' words, then the near misses


@pytest.mark.parametrize("where", ["pipeline.load_judge", "refine.near_misses", "latents.Contest"])
def test_ctrl_c_before_anything_is_found_gives_the_sampled_best(named, monkeypatch, where):
    monkeypatch.setattr(f"clipavatar.{where}", stop)
    avatar = named.generate("girl", trace=True, **FAST)
    assert (avatar.settings["interrupted"], avatar.settings["optimised"]) == (True, False)
    assert pixels(avatar) == pixels(sampled(named, "girl"))
    assert len(avatar.way) == 1


def test_ctrl_c_while_the_trace_is_drawn_keeps_what_was_found(named, monkeypatch):
    whole = named.generate(TEXTS[2], trace=True, **FAST)
    drawn, finish = [], named.finish

    def stopping(face, *how):
        drawn.append(face)
        return stop() if len(drawn) == 2 else finish(face, *how)

    monkeypatch.setattr(named, "finish", stopping)
    avatar = named.generate(TEXTS[2], trace=True, **FAST)
    assert whole.settings["optimised"]
    assert avatar.settings == whole.settings | {"interrupted": True}
    assert pixels(avatar) == pixels(whole)
    assert len(whole.way) > len(avatar.way) == 2  # the first, and the end


def test_ctrl_c_saves_the_best_so_far(tmp_path, monkeypatch, capsys):
    class Interrupted(TinyClip):
        calls = 0

        def encode_image(self, images):
            self.calls += 1
            if self.calls == 12:
                raise KeyboardInterrupt
            return super().encode_image(images)

    def load(path="", clip="", device="auto"):
        return AvatarPipeline(Interrupted(), TinyGenerator(), TinyUpscaler(), name="tiny")

    monkeypatch.setattr(AvatarPipeline, "from_pretrained", load)
    asked = ["generate", "girl", "-n", "2", "-o", str(tmp_path), "--mode", "optimize"]
    assert cli.main([*asked, "--size", "32"]) == 130
    saved = list(tmp_path.glob("*.png"))
    assert len(saved) == 1  # and no next one
    assert "best so far" in capsys.readouterr().out
    settings = images.read_settings(saved[0])
    assert settings["interrupted"] is True
    assert settings["score"] >= settings["score_before"]
    monkeypatch.setattr(Interrupted, "encode_image", TinyClip.encode_image)
    assert cli.main([*asked, "--size", "32"]) == 0
    assert "already there" not in capsys.readouterr().out
    assert "interrupted" not in images.read_settings(saved[0])


@pytest.mark.parametrize(
    ("missed", "says"),
    [(1e9, ", as sampled: nothing is missing"), (-1, r" \(sampled 0\.\d\d\)")],
)
def test_the_line_of_a_picture_says_what_a_search_did(
    cli_pipeline, tmp_path, monkeypatch, capsys, missed, says
):
    monkeypatch.setattr(contest, "MISSED", missed)
    monkeypatch.setattr(contest.Contest, "_mended", lambda _, lost: torch.ones(len(lost)) > 0)
    asked = ["generate", TEXTS[0], "--seed", "2", "-o", str(tmp_path), "--size", "32"]
    for _ in ("drawn", "already there"):
        assert cli.main([*asked, "--mode", "optimize", "--steps", "8"]) == 0
        assert re.search(rf"score 0\.\d\d{says}  ", capsys.readouterr().out)
    monkeypatch.setattr(contest.Contest, "_mended", lambda _, lost: torch.zeros(len(lost)) > 0)
    assert cli.main([*asked, "--mode", "optimize", "--steps", "8", "--force"]) == 0
    found = "nothing is missing" if missed > 0 else "nothing better was found"
    assert f", as sampled: {found}  " in capsys.readouterr().out
