"""A linear probe of what a CLIP's image tower sees at each place; see training/probe.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn


class Probe(nn.Module):
    """Names what pictures show, by `names` such as "hair=buns".

    `rank` numbers are read at each place of a map of `shape` (C, h, w), and every name weighs all
    of them.
    """

    def __init__(self, names: Sequence[str], shape: Sequence[int], rank: int):
        super().__init__()
        self.names, self.shape = tuple(names), tuple(shape)
        channels, height, width = self.shape
        self.directions = nn.Conv2d(channels, rank, 1)
        self.weights = nn.Linear(rank * height * width, len(self.names))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) -> logits (B, names), for a softmax over the values of one attribute.

        Raises ValueError for maps of another shape.
        """
        if maps.shape[1:] != self.shape:
            raise ValueError("the linear probe is of another CLIP: its maps have another shape")
        return self.weights(self.directions(maps).flatten(1))  # type: ignore[no-any-return]

    def dump(self, half: bool = False) -> bytes:
        """As a safetensors file; `half` as float16."""
        tensors = {key: value.detach().cpu() for key, value in self.state_dict().items()}
        about = {"names": json.dumps(self.names), "shape": json.dumps(self.shape)}
        return save({key: t.half() if half else t for key, t in tensors.items()}, about)


def load_probe(file: Path) -> Probe:
    """What `Probe.dump` wrote, frozen. Raises OSError, ValueError or safetensors' own errors."""
    with safe_open(file, "pt") as opened:
        about, keys = opened.metadata() or {}, opened.keys()
        tensors = {key: opened.get_tensor(key).float() for key in keys}
    if not {"names", "shape"} <= about.keys():
        raise ValueError("it is of another version: clipavatar train-probe fits one anew")
    names, shape = json.loads(about["names"]), json.loads(about["shape"])
    probe = Probe(names, shape, rank=len(tensors["directions.weight"]))
    probe.load_state_dict(tensors)
    return probe.eval().requires_grad_(False)


def maps_of(tower: Any, pixels: Tensor) -> Tensor:
    """(B, 3, H, W), preprocessed -> (B, C, h, w): what the last block but one sees at each place.

    The last one, of a ResNet four stages, knows what goes together: behind sunglasses no eye winks,
    for in training none ever did. Raises ValueError for a tower without such maps.
    """
    try:
        made = tower.forward_intermediates(pixels, indices=2, intermediates_only=True)
    except (AttributeError, AssertionError):
        raise ValueError("a probe needs an image tower of two blocks or more") from None
    return made["image_intermediates"][0]  # type: ignore[no-any-return]
