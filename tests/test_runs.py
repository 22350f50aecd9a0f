"""Training runs: shared batches, losses, networks, a person's own data, what is refused."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from own_runs import NETWORKS, TINY_CLIP, E, config_of, log_of, toml

from clipavatar import cli
from clipavatar.checkpoint import load_model
from clipavatar.clip import load_clip
from clipavatar.config import (
    ClipTrainConfig,
    Config,
    DataConfig,
    FeatureDiscriminatorConfig,
    SourceConfig,
    from_dict,
)
from clipavatar.losses import ADVERSARIAL
from clipavatar.pipeline import AvatarPipeline
from clipavatar.training import train, train_clip
from clipavatar.training.contrast import PATIENCE, JointClip
from clipavatar.training.devices import make_accelerator
from clipavatar.training.feeds import mixed_batch
from clipavatar.training.sources import load_data
from clipavatar.training.states import States


def launched(config: Config, path: Path, *command: str) -> None:
    """`clipavatar train` in processes of its own."""
    path.write_text(toml(config), encoding="utf-8")
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", "clipavatar", "train", str(path)],
        env=quiet,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_parts_of_a_batch_add_up_to_the_whole_step(place: Path, tmp_path: Path) -> None:
    made = []
    for parts in (1, 2):
        shares = {"mode_seeking": 0.1, "feature_matching": 0.5}
        config = config_of(place, tmp_path / str(parts), accumulate=parts, **shares)
        train(config)
        assert "features" in States(tmp_path / str(parts), 1).newest()["forces"]
        made.append(States(tmp_path / str(parts), 1).newest()["generator"])
    for name, tensor in made[0].items():
        assert torch.allclose(tensor, made[1][name], atol=2e-4), name


def test_two_processes_have_the_losses_of_one(place: Path, tmp_path: Path) -> None:
    configs = [
        config_of(place, tmp_path / name, steps=50, checkpoint_every_minutes=1.0)
        for name in ("one", "two")
    ]
    train(configs[0])
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu"]
    command += ["--num_processes", "2", "--num_machines", "1"]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--num_cpu_threads_per_process", "1"]
    launched(configs[1], tmp_path / "two.toml", *command)
    one, two = (next(row for row in log_of(config) if "pixel" in row) for config in configs)
    assert one.keys() == two.keys()
    for name in one.keys() - {"minutes", "pictures a second"}:
        assert one[name] == pytest.approx(two[name], rel=2e-3, abs=2e-4), name


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_each_adversarial_loss_trains_alone(name: str, place: Path, tmp_path: Path) -> None:
    options = {"paired_weight": 0.0, "clip_weight": 0.0, "warm_up": 0.0, "r2_gamma": 0.1}
    if name == "wasserstein":
        options |= {"gradient_penalty": 10.0, "r1_gamma": 0.0, "r2_gamma": 0.0}
    config = config_of(place, tmp_path, adversarial=name, checkpoint_every_minutes=1.0, **options)
    generator = load_model("generator", train(config))
    assert all(tensor.isfinite().all() for tensor in generator.state_dict().values())
    assert {"g", "d"} <= set(States(tmp_path, 1).newest()["progress"]["means"])


def test_a_discriminator_may_stand_on_clip(place: Path, tmp_path: Path) -> None:
    config = config_of(place, tmp_path, r1_gamma=0.0, clip_crops=2)
    config = replace(config, feature_discriminator=FeatureDiscriminatorConfig(E, 8))
    train(config)
    with pytest.raises(ValueError, match=r"needs train\.r1_gamma = 0"):
        train(replace(config, train=replace(config.train, r1_gamma=1.0)))
    with pytest.raises(ValueError, match=r"feature_matching needs a \[discriminator\]"):
        train(replace(config, train=replace(config.train, feature_matching=1.0)))


def test_a_clip_that_learns_along_leaves_its_frozen_copy_alone(place: Path, tmp_path: Path) -> None:
    config = config_of(place, tmp_path, clip_learning_rate=1e-2)
    before = load_clip(str(place / "clip")).state_dict()
    train(config)
    after = load_clip(str(tmp_path / "clip")).state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    unchanged = load_clip(str(place / "clip")).state_dict()
    assert all(torch.equal(before[name], unchanged[name]) for name in before)


def test_a_clip_that_pleases_itself_stops_learning(place: Path) -> None:
    options = config_of(place, place, clip_learning_rate=1e-2).train
    joint, told = JointClip(load_clip(str(place / "clip")), options, make_accelerator()), []
    for score in range(2 * PATIENCE):  # it likes what is made better and better, its copy less
        joint.watch(-score, score, told.append)
    assert told == ["the CLIP likes the pictures better, a frozen copy worse: it stops learning"]
    assert joint.step([], 1.0) == {}


def test_its_temperature_stays_between_one_and_a_hundred(place: Path) -> None:
    clip = load_clip(str(place / "clip"))
    for logarithm, scale in ((9.0, 100.0), (-1.0, 1.0), (2.0, math.exp(2))):
        clip.logit_scale.data.fill_(logarithm)
        clip.limit_scale()
        assert clip.scale.item() == pytest.approx(scale)


def test_a_mirror_image_has_noise_of_its_own(place: Path, tmp_path: Path) -> None:
    config = config_of(place, tmp_path)
    data = replace(config.data, jitter=0.0)
    mixture, _ = load_data(data, 8, 3, 0, tmp_path / "cache")
    seen: dict[int, dict[bytes, bytes]] = {}
    for step in range(12):
        rows, made = mixture.batch(8, step), mixed_batch(mixture, 8, step, 6)
        for index, image, noise in zip(rows.index.tolist(), made.images, made.noise, strict=True):
            pictures = seen.setdefault(index, {})
            pixels = image.numpy().tobytes()
            assert pictures.setdefault(noise.numpy().tobytes(), pixels) == pixels
    assert max(map(len, seen.values())) == 2


def test_what_was_trained_on_own_pictures_draws(place: Path, tmp_path: Path) -> None:
    train(config_of(place, tmp_path))
    pipeline = AvatarPipeline.from_pretrained(tmp_path)
    assert pipeline.generate("a red square", size=64).image.size == (64, 64)


def test_bf16_and_a_mixture_with_our_drawings_train(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipavatar.chibi.dataset.CHUNK", 8)
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a process has one precision
    config = config_of(place, tmp_path / "run", precision="bf16", steps=4)
    sources = (*config.data.sources, SourceConfig("chibi", 3.0, pictures=8))
    config = replace(config, data=replace(config.data, sources=sources))
    generator = load_model("generator", train(config))
    AcceleratorState._reset_state()
    assert all(tensor.isfinite().all() for tensor in generator.state_dict().values())


def test_a_clip_learns_own_pictures_and_the_generator_waits_for_it(
    place: Path, tmp_path: Path
) -> None:
    architecture = tmp_path / "clip.json"
    architecture.write_text(json.dumps(TINY_CLIP))
    own = ClipTrainConfig(
        output=str(tmp_path / "clip"),
        architecture=str(architecture),
        minutes=0.03,
        batch_size=8,
        vocabulary_size=520,
        held_out=0.3,
    )
    config = config_of(place, tmp_path / "run", clip=str(tmp_path / "clip" / "clip"), steps=2)
    train(replace(config, clip=own))
    assert load_clip(str(tmp_path / "clip" / "clip")).embedding_size == E
    rows = (tmp_path / "clip" / "log.jsonl").read_text().splitlines()
    assert 0 <= json.loads(rows[-1])["found"] <= 100
    train_clip(replace(config, clip=replace(own, minutes=0.05)), resume=True)
    fine = replace(own, output=str(tmp_path / "fine"), start=str(place / "clip"))
    assert load_clip(str(train_clip(replace(config, clip=fine)))).embedding_size == E


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adversarial": "hing"}, "unknown adversarial loss 'hing'"),
        ({"diffaugment": ("blur",)}, "unknown augmentation 'blur'"),
        ({"accumulate": 3}, "a batch of 8 pictures can not be shared by 3"),
        ({"accumulate": 4}, "8 pictures in 4 parts: make each a multiple of 4"),
        ({"minutes": 0.0}, "train.minutes must be above 0, not 0"),
        ({"accumulate": 2, "clip_learning_rate": 1.0}, "needs accumulate = 1"),
        ({"keep": 0}, "train.keep must be above 0"),
        ({"precision": "fp7"}, "precision must be no or bf16, not 'fp7'"),
        ({"track": "paper"}, "track: no tracker 'paper'"),
    ],
)
def test_what_can_not_be_trained_is_told_in_one_line(
    options: dict[str, Any], message: str, place: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        train(config_of(place, tmp_path, **options))


def test_what_is_wrong_is_told_before_a_clip_is_trained_for_it(place: Path, tmp_path: Path) -> None:
    config = config_of(place, tmp_path / "run", clip=str(tmp_path / "clip" / "clip"))
    own = ClipTrainConfig(output=str(tmp_path / "clip"))  # ours has 256 numbers, not E
    with pytest.raises(ValueError, match="the CLIP gives 256 numbers"):
        train(replace(config, clip=own))
    parted = replace(config.train, accumulate=2)
    with pytest.raises(ValueError, match="dcgan needs accumulate = 1"):
        train(replace(config, train=parted, **NETWORKS["dcgan"]))
    assert not (tmp_path / "clip").exists()


def test_a_tracker_gets_the_figures(place: Path, tmp_path: Path) -> None:
    train(config_of(place, tmp_path, track="tensorboard", steps=2))
    assert list(tmp_path.rglob("events.out.tfevents*"))
    assert log_of(config_of(place, tmp_path))[-1]["pictures a second"] > 0


def test_two_networks_and_labels_that_are_not_there_are_refused(
    place: Path, tmp_path: Path
) -> None:
    config = config_of(place, tmp_path)
    with pytest.raises(ValueError, match="only one can be trained"):
        replace(config, **NETWORKS["style_generator"], **NETWORKS["dcgan"])
    with pytest.raises(ValueError, match="reads needs our own drawings"):
        train(replace(config, generator=replace(config.generator, reads=(2, 3))))
    table = {"style_generator": {"resolution": 8, "channels": [4, 4]}}
    assert from_dict(Config, table).network.channels == (4, 4)
    with pytest.raises(ValueError, match=r"style_generator: unknown key 'chanels'"):
        from_dict(Config, {"style_generator": {"chanels": [4]}})


def test_a_dry_run_tells_what_is_there_and_writes_nothing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pictures").mkdir()
    for path in (place / "pictures").iterdir():
        (tmp_path / "pictures" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pictures" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    config = replace(
        config_of(place, tmp_path / "out"),
        data=DataConfig(sources=(SourceConfig(str(tmp_path / "pictures")),)),
    )
    path = tmp_path / "own.toml"
    path.write_text(toml(config), encoding="utf-8")
    assert cli.main(["train", str(path), "--dry-run"]) == 0
    told = capsys.readouterr().out
    for words in ("25 pictures found, 24 used", "cut.png", "generator", "memory", "under 1000"):
        assert words in told
    assert not (tmp_path / "out").exists()
