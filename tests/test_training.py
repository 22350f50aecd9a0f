"""Training, in its smallest form: it runs, learns, resumes, and its weights load again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from clipavatar import losses
from clipavatar.checkpoint import load_model
from clipavatar.chibi.colours import COUNT, palette
from clipavatar.chibi.labels import PLACES, SIZES, UNSAID, labels_of
from clipavatar.chibi.sample import SAMPLING
from clipavatar.chibi.stream import drawn_of, figure_of
from clipavatar.clip import load_clip
from clipavatar.config import (
    ClipTrainConfig,
    Config,
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    JudgeTrainConfig,
    ProbeTrainConfig,
    SourceConfig,
    TrainConfig,
    UpscalerConfig,
    UpscalerTrainConfig,
    load_config,
)
from clipavatar.metrics.alignment import WORDINGS, value_texts
from clipavatar.metrics.judging import foreign_art, load_judge
from clipavatar.models import Generator
from clipavatar.probe import Probe
from clipavatar.training import (
    align,
    train,
    train_clip,
    train_judge,
    train_probe,
    train_upscaler,
)
from clipavatar.training.loop import Run
from clipavatar.training.palette import train_palette
from clipavatar.training.probe import never_shown, shown
from clipavatar.training.states import States
from clipavatar.training.values import values_loss

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "patch_size": 16, "width": 16, "layers": 2, "head_width": 8},
    "text_cfg": {"context_length": 48, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("runs")
    architecture = folder / "tiny.json"
    architecture.write_text(json.dumps(TINY))
    return Config(
        data=DataConfig(sources=(SourceConfig(pictures=8),)),
        generator=GeneratorConfig(
            resolution=16,
            embedding_size=16,
            style_size=16,
            channels=(16, 8, 8),
            reads=tuple(SIZES),
        ),
        discriminator=DiscriminatorConfig(resolution=16, embedding_size=16, channels=(8, 8, 8)),
        upscaler=UpscalerConfig(width=4, depth=1, factor=2),
        clip=ClipTrainConfig(
            output=str(folder / "clip"),
            architecture=str(architecture),
            unseen=8,
            minutes=0.02,
            batch_size=4,
            vocabulary_size=600,
        ),
        train=TrainConfig(
            output=str(folder / "generator"),
            clip=str(folder / "clip" / "clip"),
            reader=str(folder / "clip" / "reader.safetensors"),
            minutes=0.04,
            batch_size=4,
            warm_up_batch_size=4,
            checkpoint_every_minutes=0.01,
        ),
        train_upscaler=UpscalerTrainConfig(
            output=str(folder / "upscaler"), pictures=8, minutes=0.01, batch_size=2
        ),
        judge=JudgeTrainConfig(
            output=str(folder / "judge"), pictures=8, unseen=8, minutes=0.01, batch_size=4
        ),
        probe=ProbeTrainConfig(
            output=str(folder / "probe"),
            clip=str(folder / "clip" / "clip"),
            resolution=16,
            pictures=40,
            unseen=40,
            epochs=1,
            batch_size=20,
        ),
    )


@pytest.fixture(scope="module", autouse=True)
def _small_chunks() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipavatar.chibi.dataset.CHUNK", 8)
        patch.setattr("clipavatar.training.align.CAPTIONS", 50)
        yield


@pytest.fixture(scope="module")
def clip_folder(config: Config) -> Path:
    return train_clip(config)


def test_train_clip_writes_a_folder_that_loads(clip_folder: Path, config: Config) -> None:
    clip = load_clip(str(clip_folder))
    assert clip.encode_text(["双马尾 女孩", "boy"]).shape == (2, 16)
    last = (Path(config.clip.output) / "log.jsonl").read_text().splitlines()[-1]
    assert {"hair en", "hair zh"} <= set(json.loads(last))


def test_train_probe_writes_the_clip_with_a_name_for_every_value(
    clip_folder: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = load_clip(str(train_probe(config)))
    assert clip.probe is not None
    assert clip.probe.names == tuple(f"{name}={value}" for name, value in PLACES)
    assert "unseen of pairs never shown" in capsys.readouterr().err
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    assert clip.read(images).shape == (2, sum(SIZES))
    before = load_clip(str(clip_folder)).encode_image(images)
    torch.testing.assert_close(clip.encode_image(images), before)


def test_a_probe_learns_nothing_from_combinations_that_are_held_out(
    clip_folder: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Tensor] = []

    def fit(probe: Probe, maps: Tensor, labels: Tensor, options: ProbeTrainConfig) -> None:
        learned.append(labels)

    monkeypatch.setattr("clipavatar.training.probe.fit_probe", fit)
    train_probe(config)
    assert len(learned[0]) == 40
    assert not (never_shown(learned[0]) & shown(learned[0])).any()


def test_at_last_captions_of_single_values_move_and_a_resumed_run_ends_the_same(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five steps: one of texts, one of pictures, three of words, the last but one cut off."""
    phases = {"steps": 5, "text_first": 0.2, "values_last": 0.6, "checkpoint_every_minutes": 0.0}

    def run(name: str, resume: bool = False) -> dict:
        output = str(tmp_path / name / "clip")
        train_clip(replace(config, clip=replace(config.clip, output=output, **phases)), resume)
        return States(Path(output), 1).newest()

    whole = run("whole")
    learned, held = whole["pair"], whole["held"]
    moved = {key for key in held if not torch.equal(held[key], learned[f"clip.{key}"])}
    assert any(key.startswith("model.transformer") for key in moved)
    assert not any("visual" in key or "logit_scale" in key for key in moved)

    losses = align._value_losses
    taken = []

    def cut_off(*args: Any) -> dict:
        taken.append(args)
        if len(taken) == 2:
            raise KeyboardInterrupt
        return losses(*args)

    monkeypatch.setattr(align, "_value_losses", cut_off)
    with pytest.raises(KeyboardInterrupt):
        run("resumed")
    monkeypatch.setattr(align, "_value_losses", losses)
    resumed = run("resumed", resume=True)
    for key, value in whole["pair"].items():
        assert torch.equal(value, resumed["pair"][key]), key


def test_our_own_clip_goes_on_with_its_image_tower_alone(
    clip_folder: Path, config: Config, tmp_path: Path
) -> None:
    how = {"start": str(clip_folder), "steps": 2, "text_first": 0.0, "values_last": 0.0}
    options = replace(config.clip, output=str(tmp_path / "clip"), **how)
    after = load_clip(str(train_clip(replace(config, clip=options))))
    before = load_clip(str(clip_folder))
    texts, picture = ["双马尾 女孩", "boy"], torch.rand(1, 3, 64, 64)
    assert torch.equal(before.encode_text(texts), after.encode_text(texts))
    assert not torch.allclose(before.encode_image(picture), after.encode_image(picture))
    assert not (tmp_path / "clip" / "reader.safetensors").exists()


def test_a_generator_starts_from_another_of_its_shape(
    clip_folder: Path, config: Config, tmp_path: Path
) -> None:
    options = replace(config.train, output=str(tmp_path / "first"), steps=1)
    first = train(replace(config, train=options))
    again = replace(options, output=str(tmp_path / "again"), start=str(first), reader="")
    run = Run(replace(config, train=again))
    for kind in ("generator", "discriminator"):
        before = load_model(kind, first.with_name(f"{kind}.safetensors")).state_dict()
        for key, value in run.parts[kind].state_dict().items():
            assert torch.equal(before[key], value), key
    assert not run.parts["generator"].reader.weight.requires_grad
    wider = replace(config, generator=replace(config.generator, style_size=8), train=again)
    with pytest.raises(ValueError, match="has another shape than the generator to train"):
        Run(wider)


def test_phases_that_take_more_than_all_the_time_are_refused_in_one_line(config: Config) -> None:
    with pytest.raises(ValueError, match=r"text_first and clip\.values_last must not be more"):
        train_clip(replace(config, clip=replace(config.clip, text_first=0.95)))


def test_train_makes_a_generator_that_loads_and_a_preview(
    clip_folder: Path, config: Config
) -> None:
    generator = load_model("generator", train(config))
    assert generator.config == config.generator
    assert list(Path(config.train.output).glob("preview-*.png"))


def newest(config: Config) -> dict:
    return States(Path(config.train.output), 1).newest()["progress"]


def test_a_stopped_run_goes_on_where_it_was(clip_folder: Path, config: Config) -> None:
    train(config)
    before = newest(config)
    longer = replace(config, train=replace(config.train, minutes=config.train.minutes * 2))
    train(longer, resume=True)
    after = newest(config)
    assert after["step"] > before["step"]
    assert after["pictures"] > before["pictures"]
    assert after["elapsed"] > before["elapsed"]


def test_a_clip_of_another_size_is_refused_in_one_line(clip_folder: Path, config: Config) -> None:
    wrong = replace(config, generator=replace(config.generator, embedding_size=7, reads=()))
    with pytest.raises(
        ValueError, match=r"CLIP gives 16 numbers, the network.s embedding_size is 7"
    ):
        train(wrong)


@pytest.fixture
def flat(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same with a palette, which is learned in a moment."""
    for name, value in (("FIGURES", 60), ("STEPS", 200), ("BATCH", 32)):
        monkeypatch.setattr(f"clipavatar.training.palette.{name}", value)
    shape = replace(config.generator, detail=8, channels=(16, 8), palette=COUNT, noise_steps=4)
    return replace(
        config, generator=shape, train=replace(config.train, output=str(tmp_path / "flat"), steps=4)
    )


def test_a_palette_is_learned_before_any_picture_and_stays(
    clip_folder: Path, flat: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, mask_loss = list[float](), losses.mask_loss

    def counted(*given: Any, **more: Any) -> torch.Tensor:
        loss = mask_loss(*given, **more)
        lost.append(float(loss.detach()))
        return loss

    monkeypatch.setattr(losses, "mask_loss", counted)
    run = Run(flat)
    before = {k: v.clone() for k, v in run.parts["generator"].palette.state_dict().items()}
    masks = run.parts["generator"].to_masks.weight.clone()
    path = run.train(False)
    run.accelerator.end_training()
    after = run.parts["generator"]
    assert all(torch.equal(v, before[k]) for k, v in after.palette.state_dict().items())
    assert not torch.equal(after.to_masks.weight, masks)
    assert load_model("generator", path).config.palette == COUNT
    assert len(lost) == 4  # supervised and adversarial


def test_a_palette_learns_the_colours_of_figures(flat: Config) -> None:
    torch.manual_seed(0)
    generator = Generator(flat.generator)
    labels = torch.tensor([labels_of(figure_of(0, i).attributes) for i in range(20)])
    noise = torch.from_numpy(np.stack([drawn_of(0, i).noise for i in range(20)]))
    wanted = torch.from_numpy(np.stack([palette(figure_of(0, i)) for i in range(20)]))

    def off() -> float:
        with torch.no_grad():
            made = generator.colours(noise, generator.labelled(labels).float())
        return float((made - wanted).abs().mean())

    before = off()
    assert train_palette(generator, 0) < 0.2
    assert off() < 0.2 < before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"palette": 3}, f"generator.palette is 3, but the art has {COUNT} flat colours"),
        (
            {"palette": COUNT, "detail": 0, "channels": (16, 8, 8)},
            "generator.palette needs generator.reads and generator.detail",
        ),
    ],
)
def test_a_palette_that_does_not_fit_is_refused_in_one_line(
    clip_folder: Path, flat: Config, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train(replace(flat, generator=replace(flat.generator, **change)))


def test_reading_without_a_reader_is_refused_in_one_line(clip_folder: Path, config: Config) -> None:
    wrong = replace(config, train=replace(config.train, reader=""))
    with pytest.raises(ValueError, match=r"generator\.reads needs train\.reader"):
        train(wrong)


def test_upscaler_and_judge_are_written_and_load(config: Config) -> None:
    assert load_model("upscaler", train_upscaler(config)).config == config.upscaler
    path = train_judge(config)
    judge, trust = load_judge(path)
    assert sum(judge.config.values) == sum(len(table) for table in SAMPLING.values())
    assert set(trust) == {"unseen", "softened"}
    assert foreign_art(path) == ""
    wider = replace(config.judge, start=str(path), hidden=config.judge.hidden + 1)
    with pytest.raises(ValueError, match="has another shape than the judge to train"):
        train_judge(replace(config, judge=wider))
    still = replace(config.judge, start=str(path), learning_rate=0.0, average=0.0)
    again = load_model("judge", train_judge(replace(config, judge=still))).state_dict()
    for name, weight in judge.named_parameters():  # half: as precise as a file is
        assert torch.allclose(weight, again[name], atol=1e-3), name


def test_a_picture_is_drawn_to_the_captions_of_its_own_values(clip_folder: Path) -> None:
    clip = load_clip(clip_folder)
    texts = value_texts(clip)
    assert texts.shape == (2, WORDINGS, sum(SIZES), clip.embedding_size)
    assert not torch.equal(texts[0], texts[1])  # English and Chinese
    values = torch.eye(sum(SIZES))  # as if each value had a direction of its own
    labels = torch.zeros(2, len(SIZES), dtype=torch.long)
    first = torch.tensor([sum(SIZES[:column]) for column in range(len(SIZES))])
    shown = values[first].sum(dim=0).expand(2, -1)  # the first value of every attribute
    assert values_loss(shown, values, torch.tensor(100.0), labels) < 1e-6
    wrong = labels.clone()
    wrong[0, 0] = 1
    expected = 100 / labels.numel()  # one logit of 0 beside one of 100, among all rows and columns
    found = values_loss(shown, values, torch.tensor(100.0), wrong).item()
    assert found == pytest.approx(expected, rel=1e-4)
    wrong[0, 0] = UNSAID
    assert values_loss(shown, values, torch.tensor(100.0), wrong) < 1e-6


EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_the_example_configs_are_valid(path: Path) -> None:
    load_config(path)
