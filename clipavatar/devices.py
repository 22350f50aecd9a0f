"""Which device there is, and a model ready to draw on it."""

from __future__ import annotations

import torch
from torch import nn


def ready(model: nn.Module, device: torch.device) -> nn.Module:
    """On the device, in eval mode, frozen, folded, and in the memory layout fast on a CPU."""
    model = model.to(device).eval().requires_grad_(False)
    fold(model)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def fold(model: object) -> None:
    """Have it compute once what depends on its weights alone, where it knows of such a thing."""
    if hasattr(model, "fold"):
        model.fold()


def find_device(name: str) -> torch.device:
    """auto: cuda, else mps, else cpu. Raises ValueError for a device this machine lacks."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, here in present.items() if here))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"unknown device {name!r}; choose auto, cpu, cuda or mps") from None
    if not present.get(device.type):
        raise ValueError(f"device {name!r} is not available on this machine")
    return device
