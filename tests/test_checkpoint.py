import pickle
from collections import OrderedDict

import pytest
import torch
from conftest import TINY, TinyGenerator
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from clipavatar import checkpoint, models
from clipavatar.config import JudgeConfig


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch):
    monkeypatch.setattr(models, "Generator", TinyGenerator, raising=False)


JUDGE = JudgeConfig()


class OneMatrix(nn.Linear):
    """Rows of very different sizes, one of them zeros."""

    def __init__(self, config=JUDGE):
        super().__init__(30, 5)
        self.config = config
        with torch.no_grad():
            self.weight *= torch.tensor([1e-4, 1.0, 300.0, 0.0, 1e-2])[:, None]


@pytest.mark.parametrize("half", [False, True])
def test_round_trip(tmp_path, half):
    model = TinyGenerator()
    path = checkpoint.save_model(model, tmp_path / "g.safetensors", {"steps": "9"}, half=half)
    loaded = checkpoint.load_model("generator", path)
    assert loaded.config == TINY
    assert not loaded.training
    assert loaded.weight.dtype == torch.float32
    assert torch.allclose(loaded.weight, model.weight, atol=1e-2 if half else 0, rtol=0)
    metadata = checkpoint.read_metadata(path)
    assert (metadata["kind"], metadata["steps"]) == ("generator", "9")


def test_half_is_half_the_size(tmp_path):
    model = TinyGenerator()
    full = checkpoint.save_model(model, tmp_path / "full.safetensors").stat().st_size
    assert checkpoint.save_model(model, tmp_path / "half", half=True).stat().st_size < 0.65 * full


def test_large_matrices_take_a_byte_a_number_and_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGE", 100)
    monkeypatch.setattr(models, "Judge", OneMatrix, raising=False)
    model = OneMatrix()
    path = checkpoint.save_model(model, tmp_path / "one", half=True)
    with safe_open(path, "pt") as file:
        kinds = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    others = {"bias": torch.float16, "weight.scale_of_rows": torch.float32}
    assert kinds == {"weight": torch.int8, **others}
    loaded = checkpoint.load_model("judge", path)
    off = (loaded.weight - model.weight).abs().amax(dim=1)
    assert (off <= model.weight.abs().amax(dim=1) / 127 * 0.501).all()
    assert loaded.weight[3].eq(0).all()
    again = checkpoint.load_model("judge", checkpoint.save_model(loaded, path, half=True))
    assert torch.allclose(again.weight, loaded.weight, rtol=1e-3, atol=0)


def corrupt(path):
    path.write_bytes(path.read_bytes()[:-40])


def noise(path):
    path.write_bytes(b"\xff" * 1000)


def empty(path):
    path.write_bytes(b"")


def pickled(path):
    path.write_bytes(pickle.dumps({"weight": 1}))


def foreign(path):
    save_file({"weight": torch.zeros(2)}, path)


def other_kind(path):
    save_file({}, path, {"format": checkpoint.FORMAT, "kind": "upscaler", "config": "{}"})


def other_config(path):
    config = '{"resolution": 16, "colour": 3}'
    save_file({}, path, {"format": checkpoint.FORMAT, "kind": "generator", "config": config})


def other_weights(path):
    save_file(
        {"weight": torch.zeros(3)},
        path,
        {"format": checkpoint.FORMAT, "kind": "generator", "config": '{"resolution": 16}'},
    )


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (corrupt, "not a readable safetensors file"),
        (noise, "not a readable safetensors file"),
        (empty, "not a readable safetensors file"),
        (pickled, "not a readable safetensors file"),
        (foreign, "no config in it"),
        (other_kind, "kind 'upscaler', not 'generator'"),
        (other_config, "unknown key 'colour'"),
        (other_weights, "does not fit"),
    ],
)
def test_bad_files_get_one_clear_line(tmp_path, spoil, says):
    path = checkpoint.save_model(TinyGenerator(), tmp_path / "g.safetensors")
    spoil(path)
    with pytest.raises(ValueError, match=says) as caught:
        checkpoint.load_model("generator", path)
    assert "g.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file at"):
        checkpoint.load_model("generator", tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match="no training state"):
        checkpoint.load_state(tmp_path / "none.pt")


def test_only_our_models_are_saved(tmp_path):
    model = torch.nn.Linear(1, 1)
    model.config = {}
    with pytest.raises(ValueError, match="cannot save a Linear"):
        checkpoint.save_model(model, tmp_path / "a")
    assert not list(tmp_path.iterdir())


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


def test_training_state(tmp_path, capsys):
    path = tmp_path / "state.pt"
    state = {"step": 3, "weights": OrderedDict(a=torch.ones(2)), "seen": [1, 2.5, "x"]}
    checkpoint.save_state(path, state)
    loaded = checkpoint.load_state(path)
    assert loaded["step"] == 3
    assert torch.equal(loaded["weights"]["a"], torch.ones(2))
    torch.save({"bad": Evil()}, path)
    with pytest.raises(ValueError, match="not a readable training state"):
        checkpoint.load_state(path)
    path.write_bytes(b"junk")
    with pytest.raises(ValueError, match="not a readable training state"):
        checkpoint.load_state(path)
    assert "code ran" not in capsys.readouterr().out


def test_find_generator(tmp_path, monkeypatch):
    path = checkpoint.save_model(TinyGenerator(), tmp_path / "generator.safetensors")
    assert checkpoint.find_generator(str(tmp_path)) == path
    assert checkpoint.find_generator(str(path)) == path
    with pytest.raises(FileNotFoundError, match="no model file at"):
        checkpoint.find_generator(str(tmp_path / "other.safetensors"))

    def offline(*_, **__):
        raise OSError("the network is down\nand more")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(FileNotFoundError, match=r"someone/model is neither.*network is down$"):
        checkpoint.find_generator("someone/model")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    assert checkpoint.find_generator("someone/model") == path
