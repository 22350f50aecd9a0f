"""A training run that is stopped, killed, cut off or gone wrong goes on as if it had not been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from own_runs import NETWORKS, config_of, same, toml

from clipavatar.checkpoint import load_model
from clipavatar.training import loop, train
from clipavatar.training.progress import Progress
from clipavatar.training.states import States


class Stopped(Exception):
    pass


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """The run ends, without a word, as soon as that many steps are done."""
    advance = Progress.advance

    def until(self: Progress, pictures: int, **figures: Any) -> None:
        if self.step == steps:
            raise Stopped
        advance(self, pictures, **figures)

    patch.setattr(Progress, "advance", until)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_stopped_anywhere_and_resumed_ends_in_the_same_weights(
    network: str, place: Path, tmp_path: Path
) -> None:
    whole = replace(config_of(place, tmp_path / "whole", mode_seeking=0.1), **NETWORKS[network])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "every", lambda *_: False)  # the last checkpoint is enough
        train(whole)
    wanted = States(tmp_path / "whole", 1).newest()
    for stop in (1, 4, 7):  # in the warm-up, at its border, beyond
        output = tmp_path / f"stopped-{stop}"
        config = replace(whole, train=replace(whole.train, output=str(output)))
        with pytest.MonkeyPatch.context() as patch:
            stop_after(patch, stop)
            with pytest.raises(Stopped):
                train(config)
        train(config, resume=True)
        assert same(States(output, 1).newest(), wanted)


KILLS = 20 if os.environ.get("CLIPAVATAR_SLOW") else 2


def test_a_run_killed_again_and_again_goes_on_to_the_same_weights(
    place: Path, tmp_path: Path
) -> None:
    """CLIPAVATAR_SLOW=1: 20 kills, at random moments."""
    whole = config_of(place, tmp_path / "whole", steps=10 + 4 * KILLS, keep=2)
    train(whole)
    config = replace(whole, train=replace(whole.train, output=str(tmp_path / "killed")))
    path, states = tmp_path / "killed.toml", States(tmp_path / "killed", 2)
    path.write_text(toml(config), encoding="utf-8")
    command = [sys.executable, "-m", "clipavatar", "train", str(path), "--resume"]
    chance = random.Random(0)
    for _ in range(KILLS):
        before, deadline = states.files()[:1], time.monotonic() + 60
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while states.files()[:1] == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.3)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL  # it was killed, and had not ended
        assert states.newest()["progress"]["step"] < whole.train.steps
    train(config, resume=True)
    assert same(states.newest(), States(tmp_path / "whole", 2).newest())


def test_the_last_few_checkpoints_are_kept_and_the_best(place: Path, tmp_path: Path) -> None:
    train(config_of(place, tmp_path, keep=2))
    assert [path.name for path in States(tmp_path, 2).files()] == [
        "state-00000008.pt",
        "state-00000007.pt",
    ]
    assert load_model("generator", tmp_path / "best.safetensors").config.resolution == 8
    assert not list(tmp_path.glob(".*.part"))


def test_a_checkpoint_that_is_cut_off_gives_way_to_the_one_before(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(place, tmp_path)
    train(config)
    wanted = States(tmp_path, 1).newest()
    newest = States(tmp_path, 3).files()[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    train(config, resume=True)
    assert "trying the one before" in capsys.readouterr().err
    assert same(States(tmp_path, 1).newest(), wanted)


def test_a_full_disk_loses_no_checkpoint_that_was_good(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, calls = torch.save, []

    def full(state: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", full)
    train(config_of(place, tmp_path, keep=9))
    assert "No space left on device" in capsys.readouterr().err
    steps = [state.name for state in States(tmp_path, 9).files()]
    assert len(steps) == 8
    assert "state-00000002.pt" not in steps
    assert not list(tmp_path.glob(".*"))


def test_a_loss_that_is_no_number_sends_the_run_back_to_calmer_rates(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step, broken = loop.warm_up_step, []

    def once(nets: Any, options: Any, parts: Any, size: int) -> Any:
        figures = step(nets, options, parts, size)
        if parts[0].step == 2 and not broken:
            broken.append(True)
            for weights in nets.generator.parameters():
                weights.data.fill_(float("nan"))
            figures["pixel"] = figures["pixel"] * float("nan")
        return figures

    monkeypatch.setattr(loop, "warm_up_step", once)
    config = config_of(place, tmp_path)
    train(config)
    assert "back to step 2, rates x 0.5" in capsys.readouterr().err
    state = States(tmp_path, 1).newest()
    assert state["calm"] == 0.5
    assert all(tensor.isfinite().all() for tensor in state["generator"].values())
    monkeypatch.setattr(loop, "warm_up_step", lambda *_: {"pixel": torch.tensor(float("nan"))})
    with pytest.raises(ValueError, match="a loss was not a number by step"):
        train(config)
