"""A model <-> one safetensors file with its config inside; and the state of a training run.

What is released is always safetensors: no code runs when a file is opened. The metadata holds
"kind" (a key of CONFIGS), "config" (the config dataclass as JSON), "format", and
whatever the caller adds (all values are strings).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from clipavatar.config import (
    DcganConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    JudgeConfig,
    StyleGeneratorConfig,
    UpscalerConfig,
    from_dict,
)
from clipavatar.files import replacing

ASSETS = Path(__file__).parent / "assets"  # the shipped model
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
FORMAT = "clipavatar 1"
CONFIGS: dict[str, type] = {
    "generator": GeneratorConfig,
    "style_generator": StyleGeneratorConfig,
    "dcgan": DcganConfig,
    "discriminator": DiscriminatorConfig,
    "upscaler": UpscalerConfig,
    "judge": JudgeConfig,
}
GENERATORS = ("generator", "style_generator", "dcgan")
LARGE = 1_000_000  # numbers in a matrix, from which on a byte is enough for each
SCALE = ".scale_of_rows"  # end of the name of what its rows are multiplied by


def save_model(
    model: nn.Module, path: str | Path, extra: Mapping[str, str] | None = None, half: bool = False
) -> Path:
    """Write a model that has one of `CONFIGS` as its `.config`; returns the path.

    `half` stores floats as 16 bits, and LARGE matrices as 8 bits with a scale for each row (less
    than half the file; loaded as 32 bits again). `extra` goes into the metadata. An existing file
    is replaced in one step. Raises OSError.
    """
    config: Any = model.config
    kinds = [kind for kind, type_ in CONFIGS.items() if isinstance(config, type_)]
    if not kinds:
        raise ValueError(f"cannot save a {type(model).__name__}: its config is {config!r}")
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        tensor = tensor.detach().cpu()
        if half and tensor.is_floating_point() and tensor.dim() == 2 and tensor.numel() >= LARGE:
            tensor, tensors[name + SCALE] = in_bytes(tensor)
        elif tensor.is_floating_point():
            tensor = tensor.to(torch.float16 if half else torch.float32)
        tensors[name] = tensor.clone(memory_format=torch.contiguous_format)
    values = json.dumps(dataclasses.asdict(config))
    metadata = {**(extra or {}), "format": FORMAT, "kind": kinds[0], "config": values}
    with replacing(path) as part:
        part.write_bytes(save(tensors, metadata))  # save_file would make it unreadable to others
    return Path(path)


def in_bytes(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix (O, I) -> (O, I) whole numbers in -127 .. 127, and a scale for each row (O,)."""
    scale = matrix.float().abs().amax(dim=1).clamp(min=1e-30) / 127
    return (matrix / scale[:, None]).round().to(torch.int8), scale


def widened(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, those of `in_bytes` as floats again."""
    made = {name: tensor for name, tensor in tensors.items() if not name.endswith(SCALE)}
    for name in tensors.keys() - made.keys():
        matrix = name.removesuffix(SCALE)
        made[matrix] = made[matrix] * tensors[name][:, None]
    return made


def read_metadata(path: str | Path) -> dict[str, str]:
    """The metadata of a safetensors file. Raises FileNotFoundError, ValueError if it is corrupt."""
    return _read(path, tensors=False)[0]


def _read(path: str | Path, tensors: bool) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"no model file at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys() if tensors else []
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file ({error})") from None


def load_model(kind: str, path: str | Path) -> nn.Module:
    """Build the model that `save_model` wrote, in 32 bits, on the CPU, in eval mode.

    `kind` is one of `CONFIGS`; "generator" takes any of GENERATORS. Raises FileNotFoundError, or
    ValueError in one line for a corrupt file, another kind of model, a file that is not ours, or
    weights that do not fit the config.
    """
    from clipavatar import models

    metadata, tensors = _read(path, tensors=True)
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by this version of clipavatar: no config in it")
    found = metadata.get("kind", "")
    if found not in (GENERATORS if kind == "generator" else (kind,)):
        raise ValueError(f"{path} is of the kind {found!r}, not {kind!r}")
    try:
        config: Any = from_dict(CONFIGS[found], json.loads(metadata["config"]), "its config")
        model: nn.Module = getattr(models, found.title().replace("_", ""))(config)
        model.load_state_dict(widened(tensors))  # copies, and so makes 32 bits of 16
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} does not fit this version of clipavatar: {reason}") from None
    return model.eval()


def start(model: nn.Module, kind: str, path: str | Path) -> None:
    """Give a model the weights of a file. Raises OSError, or ValueError for another shape."""
    before = load_model(kind, path)
    if before.config != model.config:
        raise ValueError(f"{path} has another shape than the {kind} to train")
    model.load_state_dict(before.state_dict())


def find_generator(path: str) -> Path:
    """The generator's file in a folder, at a path or on the hub. Raises FileNotFoundError."""
    place = Path(path) if path else ASSETS
    if not place.exists() and HUB_ID.fullmatch(path) and place.suffix != ".safetensors":
        import huggingface_hub

        try:
            wanted = ["*.safetensors", "clip/*"]
            place = Path(huggingface_hub.snapshot_download(path, allow_patterns=wanted))
        except Exception as error:  # offline, no such repository, a broken cache
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FileNotFoundError(
                f"{path} is neither a path here nor to be had from the Hugging Face hub: {reason}"
            ) from None
    if place.is_dir():
        place = place / "generator.safetensors"
    if not place.is_file():
        raise FileNotFoundError(f"no model file at {place}")
    return place


def save_state(path: str | Path, state: dict[str, Any]) -> None:
    """Write the state of a training run (tensors and plain values) in one step."""
    with replacing(path) as part:
        torch.save(state, part)


def load_state(path: str | Path) -> dict[str, Any]:
    """Read what `save_state` wrote, on the CPU; refuses anything that would run code.

    Raises FileNotFoundError, or ValueError for a corrupt file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no training state at {path}")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds, from zipfile's to pickle's
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not a readable training state ({reason})") from None
    return state
