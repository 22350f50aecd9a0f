"""CLIP: preprocessing like open_clip's own, loading and saving, clear errors, the vocabulary."""

import copy
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from clipavatar.clip import (
    CONFIG_FILE,
    PROBE_FILE,
    WEIGHTS_FILE,
    Clip,
    create_clip,
    load_clip,
    save_clip,
)
from clipavatar.probe import Probe
from clipavatar.training.vocabulary import train_vocabulary

open_clip = pytest.importorskip("open_clip")

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "width": 32, "heads": 2, "layers": 1},
}
CAPTIONS = [
    "a cute chibi girl, twin tails, pink hair",
    "a boy with glasses on a blue background",
    "银发 猫耳 女孩",
    "双马尾，粉色头发，戴眼镜的女孩",
    "粉色头发的男孩，蓝色背景",
] * 3


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "bpe.txt.gz"
    train_vocabulary(CAPTIONS, 700, path)
    return path


@pytest.fixture(scope="module")
def tiny(vocabulary):
    torch.manual_seed(0)
    return create_clip(vocabulary, TINY).eval()


@pytest.fixture
def folder(tiny, tmp_path):
    save_clip(tiny, tmp_path / "clip")
    return tmp_path / "clip"


def picture(width, height):
    image = Image.effect_noise((width, height), 60).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.2, height * 0.1, width * 0.9, height * 0.8), "#ff9acb", "#203050", 5)
    draw.rectangle((width * 0.4, height * 0.5, width * 0.6, height * 0.9), "white")
    return image


def tensor(image):
    """PIL -> (1, 3, H, W) in [-1, 1], written out here so that it is not the code under test."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.mark.parametrize("size", [(32, 32), (200, 200), (201, 120), (90, 333), (20, 20)])
@pytest.mark.parametrize("mean_and_std", ["openai", "ours"])
@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
def test_preprocessing_is_open_clips_own(tiny, size, mean_and_std, resize_mode):
    how = open_clip.transform.PreprocessCfg(size=32, resize_mode=resize_mode)
    if mean_and_std == "ours":
        how.mean = how.std = (0.5, 0.5, 0.5)
    model = copy.deepcopy(tiny.model)
    model.visual.preprocess_cfg = vars(how)
    clip = Clip(model, tiny.tokenizer, tiny.config, "tiny")
    image = picture(*size)
    expected = open_clip.transform.image_transform_v2(how, is_train=False)(image)[None]
    difference = (clip.preprocess(tensor(image)) - expected).abs()
    assert difference.shape == (1, 3, 32, 32)
    difference = difference * torch.tensor(how.std).reshape(3, 1, 1) * 255  # in bytes
    # PIL rounds, and cuts off what bicubic overshoots at hard edges, between its two passes.
    assert difference.mean() < 0.5
    assert difference.max() < (0.51 if size == (32, 32) else 24)


def test_vit_b_32_is_normalised_as_open_clip_says(tmp_path):
    if os.environ.get("CLIPAVATAR_SLOW") != "1":
        pytest.skip("600 MB of random weights; set CLIPAVATAR_SLOW=1")
    from safetensors.torch import save_file

    model, _, transform = open_clip.create_model_and_transforms("ViT-B-32")
    save_file(model.state_dict(), tmp_path / "vit.safetensors")
    clip, image = load_clip(f"ViT-B-32:{tmp_path / 'vit.safetensors'}"), picture(300, 300)
    with torch.no_grad():
        expected = model.eval().encode_image(transform(image)[None], normalize=True)
        words = model.encode_text(open_clip.get_tokenizer("ViT-B-32")(["a girl"]), normalize=True)
        assert torch.cosine_similarity(clip.encode_image(tensor(image)), expected) > 0.999
        torch.testing.assert_close(clip.encode_text(["a girl"]), words)


def test_embeddings_are_unit_vectors_and_differentiable(tiny):
    images = (torch.rand(3, 3, 48, 48) * 2 - 1).requires_grad_()
    embeddings = tiny.encode_image(images)
    assert embeddings.shape == (3, tiny.embedding_size) == (3, 16)
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(3))
    embeddings[:, 0].sum().backward()
    assert images.grad.abs().amax(dim=(1, 2, 3)).min() > 0
    text = tiny.encode_text(["猫耳", "a girl"])
    torch.testing.assert_close(text.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(tiny.encode_text("猫耳"), text[:1])
    assert tiny.logit_scale.exp().item() == pytest.approx(1 / 0.07, rel=1e-4)


def test_a_folded_tower_sees_the_same_and_training_unfolds_it(vocabulary):
    clip = create_clip(vocabulary)
    images = (torch.rand(3, 3, 64, 64) * 2 - 1).requires_grad_()
    for _ in range(3):
        clip.encode_image(images.detach())  # the batch norms' means and variances
    before = clip.eval().encode_image(images)
    (slope,) = torch.autograd.grad(before[:, 0].sum(), images)
    clip.fold()
    after = clip.encode_image(images)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        torch.autograd.grad(after[:, 0].sum(), images)[0], slope, atol=1e-5, rtol=1e-3
    )
    assert clip.folded is not None
    assert clip.train().folded is None


def test_long_text_is_cut_short(tiny):
    tokens = tiny.tokenize(["粉色头发 " * 200, ""])
    assert tokens.shape == (2, 16)
    assert tokens[0, -1] == tokens.max()  # the end of text survives
    assert tiny.encode_tokens(tokens).isfinite().all()


def test_our_architecture_is_small(vocabulary):
    clip = create_clip(vocabulary)
    assert clip.training
    assert clip.embedding_size == 256
    assert clip.image_size == (128, 128)
    assert sum(p.numel() for p in clip.parameters()) < 6e6
    loss = (clip.encode_image(torch.randn(4, 3, 64, 64)) * clip.encode_text(CAPTIONS[:4])).sum()
    loss.backward()
    assert all(p.grad is not None for n, p in clip.named_parameters() if "logit_scale" not in n)


def test_it_tells_in_which_language_it_wants_to_be_asked(tiny):
    assert tiny.language is None  # a vocabulary of its own: the user's
    text = tiny.config["text_cfg"]
    for name, language in (("", "en"), ("roberta-base", "en"), ("xlm-roberta-base", None)):
        config = {**tiny.config, "text_cfg": {**text, "tokenizer_kwargs": {}}}
        config["text_cfg"]["hf_tokenizer_name"] = name
        assert Clip(tiny.model, tiny.tokenizer, config, "other").language == language


def test_folder_round_trip(tiny, folder):
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    loaded = load_clip(str(folder))
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert loaded.tokenize(CAPTIONS).equal(tiny.tokenize(CAPTIONS))
    torch.testing.assert_close(loaded.encode_image(images), tiny.encode_image(images))
    torch.testing.assert_close(loaded.encode_text(CAPTIONS), tiny.encode_text(CAPTIONS))
    save_clip(loaded, folder)  # over itself
    torch.testing.assert_close(load_clip(f"local-dir:{folder}").mean, tiny.mean)
    assert not list(folder.parent.glob(".*"))


def test_half_precision_is_for_the_disk_only(tiny, folder, tmp_path):
    save_clip(tiny, tmp_path / "half", half=True)
    sizes = [(path / WEIGHTS_FILE).stat().st_size for path in (tmp_path / "half", folder)]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = load_clip(str(tmp_path / "half"))
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    cosine = (loaded.encode_text(CAPTIONS) * tiny.encode_text(CAPTIONS)).sum(-1)
    assert cosine.min() > 0.9999


@pytest.mark.parametrize("layers", [2, [1, 1, 1, 1]])
def test_a_probe_stays_with_its_clip_until_that_learns(vocabulary, tmp_path, layers):
    tower = {"image_size": 32, "layers": layers, "width": 8, "head_width": 8}
    tower |= {"patch_size": 8} if layers == 2 else {}
    clip = create_clip(vocabulary, TINY | {"vision_cfg": tower}).eval()
    assert clip.probe is None
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    with pytest.raises(ValueError, match="has no probe: clipavatar train-probe fits one"):
        clip.read(images)
    clip.probe = Probe(["hair=buns", "hair=bald"], clip.see_maps(images).shape[1:], rank=4)
    save_clip(clip, tmp_path / "probed", half=True)
    again = load_clip(str(tmp_path / "probed"))
    assert again.probe.names == ("hair=buns", "hair=bald")
    torch.testing.assert_close(again.read(images), clip.read(images), atol=0.01, rtol=0)
    before = again.read(images)
    again.fold()
    torch.testing.assert_close(again.read(images), before, atol=1e-4, rtol=1e-4)
    assert again.eval().probe
    assert not again.train().probe
    save_clip(again, tmp_path / "probed")  # over the weights before
    assert not load_clip(str(tmp_path / "probed")).probe
    save_clip(clip, tmp_path / "probed")
    file = tmp_path / "probed" / PROBE_FILE
    file.write_bytes(file.read_bytes()[:100])
    check_error(str(tmp_path / "probed"), ValueError, "linear probe", PROBE_FILE)
    save_file({"hair=buns": torch.randn(16)}, file)  # as it was once
    check_error(str(tmp_path / "probed"), ValueError, "of another version")
    clip.probe = Probe(["hair=buns"], (3, 2, 2), rank=4)
    save_clip(clip, tmp_path / "other")
    with pytest.raises(ValueError, match="linear probe is of another CLIP"):
        load_clip(str(tmp_path / "other")).read(images)
    (tmp_path / "other" / WEIGHTS_FILE).unlink()
    check_error(str(tmp_path / "other"), FileNotFoundError, WEIGHTS_FILE)


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_name_and_file(tmp_path, kind):
    """A model that open_clip itself made and wrote, with its own vocabulary, mean and std."""
    (tmp_path / "tiny-open.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-open.json")
    model, _, transform = open_clip.create_model_and_transforms("tiny-open")
    path = tmp_path / f"weights.{kind}"
    if kind == "pt":
        torch.save({"state_dict": model.state_dict()}, path)
    else:
        from safetensors.torch import save_file

        save_file(model.state_dict(), path)
    clip, image = load_clip(f"tiny-open:{path}"), picture(32, 32)
    words = open_clip.get_tokenizer("tiny-open")(["a girl"])
    expected = model.eval().encode_image(transform(image)[None], normalize=True)
    torch.testing.assert_close(clip.encode_image(tensor(image)), expected)
    torch.testing.assert_close(clip.encode_text(["a girl"]), model.encode_text(words, True))
    save_clip(clip, tmp_path / "folder")
    again = load_clip(str(tmp_path / "folder"))
    torch.testing.assert_close(again.encode_image(tensor(image)), expected)
    torch.testing.assert_close(again.encode_text(["a girl"]), clip.encode_text(["a girl"]))


def check_error(spec, kind, *words):
    with pytest.raises(kind) as caught:
        load_clip(spec)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert len(message) < 400 or "one of" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ("ViT-B-33:openai", ValueError, ["ViT-B-33", "ViT-B-32"]),
        ("ViT-B-32:laion9", ValueError, ["laion9", "laion2b_s34b_b79k"]),
        ("ViT-B-32", ValueError, ["random", "ViT-B-32:PRETRAINED", "laion2b_s34b_b79k"]),
        ("ViT-B/32", ValueError, ["random"]),
        ("ViT-B-32:no/such.safetensors", FileNotFoundError, ["no/such.safetensors"]),
        ("no/such/folder", FileNotFoundError, ["no/such/folder"]),
    ],
)
def test_bad_names(spec, kind, words):
    check_error(spec, kind, *words)


@pytest.mark.parametrize("spec", ["hf-hub:clipavatar/nothing-here", "ViT-B-32:laion2b_s34b_b79k"])
def test_no_network(spec, monkeypatch, tmp_path, capfd):
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    check_error(spec, FileNotFoundError, spec)
    assert capfd.readouterr().err == ""


def test_broken_folders(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    check_error(str(tmp_path / "empty"), FileNotFoundError, CONFIG_FILE)
    good = (folder / CONFIG_FILE).read_text()
    for bad in ("{", "[]", '{"model_cfg": {"embed_dim": 4}}', good.replace("heads", "haeds")):
        (folder / CONFIG_FILE).write_text(bad)
        check_error(str(folder), ValueError, "haeds" if "haeds" in bad else CONFIG_FILE)
    (folder / CONFIG_FILE).write_text(good.replace('"embed_dim": 16', '"embed_dim": 64'))
    check_error(str(folder), ValueError, "size mismatch")
    (folder / CONFIG_FILE).write_text(good)
    vocabulary = folder / "bpe_simple_vocab.txt.gz"
    saved = vocabulary.read_bytes()
    for bad_bytes in (b"not gzip", saved[:40]):
        vocabulary.write_bytes(bad_bytes)
        check_error(str(folder), ValueError, vocabulary.name)
    vocabulary.unlink()
    check_error(str(folder), FileNotFoundError, vocabulary.name)
    vocabulary.write_bytes(saved)
    weights = folder / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:1000])
    check_error(str(folder), ValueError, "clip")
    weights.unlink()
    check_error(str(folder), FileNotFoundError, WEIGHTS_FILE)


def test_pickled_code_is_refused(tiny, tmp_path):
    torch.save({"state_dict": os.system}, tmp_path / "evil.pt")
    check_error(f"{tiny.name}:{tmp_path / 'evil.pt'}", ValueError, "evil.pt", "Weights only")


def test_bad_architecture_and_vocabulary(vocabulary, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such vocabulary"):
        create_clip(tmp_path / "none.txt.gz")
    with pytest.raises(ValueError, match="'vision_cfg' is missing"):
        create_clip(vocabulary, {"embed_dim": 4})
    wrong = {**TINY, "vision_cfg": {"timm_model_name": "no_such_network", "image_size": 64}}
    with pytest.raises(ValueError, match="no_such_network"):
        create_clip(vocabulary, wrong)


@pytest.mark.parametrize(
    "text", ["银发猫耳女孩", "twin tails, pink hair", "q版 boy 戴眼镜", "龘靐 xyz"]
)
def test_vocabulary_round_trip(tiny, text):
    ids = tiny.tokenizer.encode(text)
    assert tiny.tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")


def test_tokens_are_whole_characters(tiny):
    pieces = [
        tiny.tokenizer.decode([i]).strip() for i in tiny.tokenizer.encode("蓝色头发的猫耳男孩")
    ]
    assert "".join(pieces) == "蓝色头发的猫耳男孩"
    assert all(len(piece) <= 3 for piece in pieces)
    assert len(tiny.tokenizer.encode("background")) == 1


def test_vocabulary_is_deterministic_and_sized(tmp_path):
    sizes = [train_vocabulary(iter(CAPTIONS), 600, tmp_path / f"{i}.txt.gz") for i in range(2)]
    assert sizes == [600, 600]
    assert (tmp_path / "0.txt.gz").read_bytes() == (tmp_path / "1.txt.gz").read_bytes()
    tokenizer = open_clip.SimpleTokenizer(str(tmp_path / "0.txt.gz"))
    assert max(tokenizer.encoder.values()) == 599
    with pytest.raises(ValueError, match="vocabulary size"):
        train_vocabulary(CAPTIONS, 500, tmp_path / "small.txt.gz")
