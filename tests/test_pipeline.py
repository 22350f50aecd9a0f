import dataclasses
import json

import numpy as np
import pytest
import torch
from conftest import TINY, TinyClip, TinyGenerator, TinyUpscaler
from PIL import Image

import clipavatar
from clipavatar import images, latents
from clipavatar import pipeline as pipelines
from clipavatar.pipeline import AvatarPipeline

TEXTS = ["cute girl, twin tails", "Q版 boy", "银发 猫耳 女孩"]
RGB = dataclasses.replace(TINY, image_channels=3)


def test_an_avatar_is_what_was_asked_for(pipeline):
    avatar = pipeline.generate(TEXTS[0], seed=5, size=96, candidates=3)
    assert avatar.image.size == (96, 96)
    assert avatar.image.mode == "RGB"
    assert (avatar.text, avatar.seed) == (TEXTS[0], 5)
    assert -1 <= avatar.score <= 1
    assert len(avatar.prompts) >= 1


def test_same_text_seed_and_version_same_bytes(pipeline):
    first = pipeline.generate(TEXTS[1], seed=7).image.tobytes()
    for text in TEXTS:
        pipeline.generate(text, seed=8)
    fresh = AvatarPipeline(TinyClip(), TinyGenerator(), TinyUpscaler(), name="tiny")
    torch.manual_seed(123)
    assert fresh.generate(TEXTS[1], seed=7).image.tobytes() == first
    assert fresh.generate(TEXTS[1], seed=8).image.tobytes() != first


def test_golden_noise():
    """Frozen: a change here changes every picture of every seed."""
    noise = latents.sample_noise(3, 12, 7)
    assert noise[0, [0, 11]].tolist() == pytest.approx([0.9838023, -1.1564661], abs=1e-6)
    assert noise[2, [0, 11]].tolist() == pytest.approx([0.4503120, 0.1663397], abs=1e-6)


def test_noise_rows_depend_on_seed_and_row_alone():
    many, few = latents.sample_noise(9, 48, 2**63 - 1), latents.sample_noise(2, 48, 2**63 - 1)
    assert torch.equal(many[:2], few)
    assert len({tuple(row.tolist()) for row in many}) == 9
    assert not torch.equal(few, latents.sample_noise(2, 48, 0))
    long = latents.sample_noise(64, 48, 0)
    assert abs(long.mean()) < 0.05
    assert abs(long.std() - 1) < 0.05


def test_a_place_in_a_batch_changes_nothing(pipeline):
    batch = list(pipeline.generate_batch(TEXTS, seed=3, n=2, size=64))
    assert [(a.text, a.seed) for a in batch] == [(t, s) for t in TEXTS for s in (3, 4)]
    for avatar in batch:
        alone = pipeline.generate(avatar.text, seed=avatar.seed, size=64)
        assert alone.image.tobytes() == avatar.image.tobytes()
        assert alone.settings == avatar.settings


def test_more_candidates_never_score_lower(pipeline):
    scores = [pipeline.generate(TEXTS[0], candidates=n).score for n in (1, 4, 20)]
    assert scores == sorted(scores)


def test_optimize_beats_or_keeps_sample(pipeline):
    for text in TEXTS:
        sample = pipeline.generate(text, seed=1, candidates=4)
        better = pipeline.generate(text, seed=1, candidates=4, mode="optimize", steps=12)
        again = pipeline.generate(text, seed=1, candidates=4, mode="optimize", steps=12)
        assert better.score >= sample.score
        assert better.image.tobytes() == again.image.tobytes()
        one = pipeline.generate(text, seed=1, mode="optimize", steps=1)
        assert one.score >= pipeline.generate(text, seed=1).score


def test_transparent_avatars_have_alpha(pipeline):
    avatar = pipeline.generate("girl", background="transparent", size=64)
    assert avatar.image.mode == "RGBA"
    assert avatar.image.getextrema()[3] != (255, 255)
    said = pipeline.generate("girl, transparent background", size=64)
    assert said.image.mode == "RGBA"


def test_the_background_is_the_one_said(pipeline):
    assert pipeline.settings("girl, pink background")["background"] == "pink"
    assert pipeline.settings("girl, pink background", background="Beach")["background"] == "beach"
    assert pipeline.settings("girl", seed=1) == pipeline.settings("girl", seed=1)
    flat = pipeline.generate("girl", background="#00ff00", size=64)
    clear = pipeline.generate("girl", background="transparent", size=64).image
    green = Image.new("RGBA", (64, 64), "#00ff00")
    expected = np.array(Image.alpha_composite(green, clear).convert("RGB")).astype(int)
    assert np.abs(np.array(flat.image) - expected).max() <= 2


@pytest.mark.parametrize("size", [16, 17, 64, 200])
def test_sizes(pipeline, size):
    assert pipeline.generate("girl", size=size, candidates=1).image.size == (size, size)


def test_a_model_of_rgb_pictures_keeps_its_background():
    pipe = AvatarPipeline(TinyClip(), TinyGenerator(RGB), TinyUpscaler())
    assert pipe.upscaler is None
    avatar = pipe.generate("girl", size=40)
    assert avatar.image.mode == "RGB"
    assert avatar.settings["background"] == "in the model"
    with pytest.raises(ValueError, match="draws its own background"):
        pipe.generate("girl", background="pink")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": ""}, "empty"),
        ({"text": "x" * 10_000}, "10,000"),
        ({"text": "😀😀"}, "no word"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 2**63}, "seed must be"),
        ({"seed": 1.5}, "seed must be"),
        ({"size": 0}, "size must be a whole number from 16 to 4096, not 0"),
        ({"size": 100_000}, "size must be"),
        ({"candidates": 0}, "candidates must be"),
        ({"candidates": 257}, "candidates must be"),
        ({"steps": 0}, "steps must be"),
        ({"mode": "dream"}, "mode must be one of sample, optimize"),
        ({"style": "cubist"}, "unknown style 'cubist'"),
        ({"background": "blurple"}, "unknown background 'blurple'"),
    ],
)
def test_bad_values_get_one_clear_line(pipeline, change, says):
    with pytest.raises(ValueError, match=says) as caught:
        pipeline.generate(**{"text": "girl", **change})
    assert "\n" not in str(caught.value)


def test_texts_are_encoded_once(pipeline):
    pipeline.generate("girl")
    before = pipeline.clip.texts_encoded
    pipeline.generate("girl", seed=9)
    assert pipeline.clip.texts_encoded == before


def test_saving(pipeline, tmp_path):
    avatar = pipeline.generate(TEXTS[2], seed=4, size=32)
    path = avatar.save(tmp_path / "girl")
    assert path == tmp_path / "girl.png"
    settings = images.read_settings(path)
    assert settings == json.loads(json.dumps(avatar.settings))
    assert settings["version"] == clipavatar.__version__
    assert (settings["text"], settings["seed"], settings["model"]) == (TEXTS[2], 4, "tiny")
    with pytest.raises(FileExistsError):
        avatar.save(path)
    avatar.save(path, force=True)
    with pytest.raises(ValueError, match=r"saved as \.png"):
        avatar.save(tmp_path / "girl.jpg")


def test_a_clip_of_another_size_is_refused():
    clip = TinyClip()
    clip.embedding_size = 512
    with pytest.raises(ValueError, match=r"CLIP of 8 numbers.*tiny has 512"):
        AvatarPipeline(clip, TinyGenerator())


def test_devices():
    assert pipelines.find_device("cpu").type == "cpu"
    assert pipelines.find_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("tpu!", "xpu", "cuda:x"):
        with pytest.raises(ValueError, match=name):
            pipelines.find_device(name)


def test_module_functions_share_one_pipeline(pipeline, monkeypatch):
    monkeypatch.setattr(pipelines, "default_pipeline", lambda: pipeline)
    avatar = clipavatar.generate("girl", seed=2, size=32)
    assert isinstance(avatar, clipavatar.Avatar)
    (same,) = clipavatar.generate_batch(["girl"], seed=2, size=32)
    assert avatar.image.tobytes() == same.image.tobytes()


def test_from_pretrained_reads_a_folder(tiny_model, tmp_path):
    pipe = AvatarPipeline.from_pretrained(tiny_model, device="cpu")
    avatar = pipe.generate("girl", size=32, candidates=2, mode="optimize", steps=2)
    assert avatar.image.size == (32, 32)
    assert avatar.settings["model"].startswith(tiny_model.name)
    again = AvatarPipeline.from_pretrained(tiny_model / "generator.safetensors", device="cpu")
    assert again.upscaler is not None
    same = again.generate("girl", size=32, candidates=2, mode="optimize", steps=2)
    assert same.image.tobytes() == avatar.image.tobytes()
    with pytest.raises(FileNotFoundError, match="no model file"):
        AvatarPipeline.from_pretrained(tmp_path / "missing.safetensors")
