"""Training runs: exact resume, shared batches, what goes wrong on the way, a person's own data."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from clipavatar import cli
from clipavatar.checkpoint import load_model
from clipavatar.clip import create_clip, load_clip, save_clip
from clipavatar.config import (
    ClipTrainConfig,
    Config,
    DataConfig,
    DcganConfig,
    DiscriminatorConfig,
    FeatureDiscriminatorConfig,
    GeneratorConfig,
    SourceConfig,
    StyleGeneratorConfig,
    TrainConfig,
    from_dict,
)
from clipavatar.losses import ADVERSARIAL
from clipavatar.pipeline import AvatarPipeline
from clipavatar.training import loop, train, train_clip
from clipavatar.training.contrast import PATIENCE, JointClip
from clipavatar.training.devices import make_accelerator
from clipavatar.training.feeds import mixed_batch
from clipavatar.training.progress import Progress
from clipavatar.training.sources import load_data
from clipavatar.training.states import States
from clipavatar.training.vocabulary import train_vocabulary

E = 16
TINY_CLIP = {
    "embed_dim": E,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 16, "width": 16, "heads": 2, "layers": 1},
}
COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 60, 220)}


def paint(folder: Path, count: int) -> Path:
    """Squares on white that their captions name; one in five says nothing."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    for i in range(count):
        name = list(COLOURS)[i % 3]
        pixels = np.full((10, 10 + i % 3, 3), 255, np.uint8)
        pixels[2:8, 2:8] = np.clip(np.array(COLOURS[name]) + rng.integers(-20, 20), 0, 255)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        rows.append({"file_name": f"{i}.png", "text": "" if i % 5 == 4 else f"a {name} square"})
    lines = "\n".join(map(json.dumps, rows))
    (folder / "metadata.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and a tiny CLIP."""
    folder = tmp_path_factory.mktemp("own")
    paint(folder / "pictures", 24)
    vocabulary = folder / "words.txt.gz"
    train_vocabulary([f"a {colour} square" for colour in COLOURS], 520, vocabulary)
    torch.manual_seed(0)
    save_clip(create_clip(vocabulary, TINY_CLIP), folder / "clip")
    return folder


def config_of(place: Path, output: Path, **options: Any) -> Config:
    """Eight steps, the warm-up's border in the middle, at 8 px."""
    shape: dict[str, Any] = {"resolution": 8, "embedding_size": E, "image_channels": 3}
    return Config(
        data=DataConfig(sources=(SourceConfig(str(place / "pictures")),), flip=True, jitter=0.1),
        generator=GeneratorConfig(**shape, style_size=8, noise_size=6, channels=(8, 6)),
        discriminator=DiscriminatorConfig(**shape, channels=(6, 8)),
        train=TrainConfig(
            **{
                "output": str(output),
                "clip": str(place / "clip"),
                "steps": 8,
                "warm_up": 0.5,
                "warm_up_batch_size": 8,
                "batch_size": 8,
                "r1_every": 2,
                "ramp": 0.0,
                "focus": 0.0,
                "checkpoint_every_minutes": 0.0,
                "diffaugment": ("colour", "translation"),
                **options,
            }
        ),
    )


NETWORKS = {
    "generator": {},
    "style_generator": {
        "style_generator": StyleGeneratorConfig(8, 6, E, 8, 2, (8, 6), 3, mixing=0.5)
    },
    "dcgan": {"dcgan": DcganConfig(8, 6, E, (8, 6), 3)},
}


def log_of(config: Config) -> list[dict[str, Any]]:
    lines = (Path(config.train.output) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal to the bit, but for the clock and what it decides: how often

    a best one was looked for."""
    if isinstance(one, dict):
        keys = set(one) | set(other)
        return all(same(one.get(k), other.get(k)) for k in keys - {"elapsed", "best"})
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


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


def test_parts_of_a_batch_add_up_to_the_whole_step(place: Path, tmp_path: Path) -> None:
    made = []
    for parts in (1, 2):
        config = config_of(place, tmp_path / str(parts), accumulate=parts, mode_seeking=0.1)
        train(config)
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


def toml(config: Config) -> str:
    """A config file of the tables that these tests set."""

    def text(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {text(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(map(text, value)) + "]"
        return json.dumps(value)

    tables = ("data", "generator", "discriminator", "train")
    return "\n".join(
        f"[{name}]\n"
        + "\n".join(f"{k} = {text(v)}" for k, v in asdict(getattr(config, name)).items())
        for name in tables
    )


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
