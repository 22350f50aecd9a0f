"""What CLIP's image tower is given, and a ResNet tower made ready to see and not to learn."""

from __future__ import annotations

import copy
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# --- pictures


def fit(pixels: Tensor, size: tuple[int, int], how: dict[str, Any]) -> Tensor:
    """Resize pixels (B, 3, H, W) in [0, 1] to `size` the way open_clip's transform does."""
    old = new = (pixels.shape[-2], pixels.shape[-1])
    if old == size:
        return pixels
    if how["resize_mode"] == "squash":
        new = size
    elif how["resize_mode"] == "shortest":  # and the middle cut out; 1e-6 heals 63.999...
        scale = max(size[0] / old[0], size[1] / old[1])
        new = (int(old[0] * scale + 1e-6), int(old[1] * scale + 1e-6))
    else:
        raise ValueError(f"this CLIP's resize_mode {how['resize_mode']!r} is not supported")
    kernel = "bilinear" if how["interpolation"] == "bilinear" else "bicubic"
    pixels = _resized(pixels, new, kernel)
    top, left = round((new[0] - size[0]) / 2), round((new[1] - size[1]) / 2)
    # bicubic overshoots; a picture's bytes can not
    return pixels[..., top : top + size[0], left : left + size[1]].clamp(0, 1)


def _resized(pixels: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """(B, 3, H, W) -> (B, 3, *size), antialiased.

    On a CPU as two products of matrices, for a third of the time. Elsewhere not: a GPU may be set
    to multiply with fewer bits than a picture has.
    """
    if pixels.device.type != "cpu" or pixels.dtype != torch.float32:
        return F.interpolate(pixels, size, mode=kernel, align_corners=False, antialias=True)
    down, right = (_line(*sides, kernel) for sides in zip(pixels.shape[-2:], size, strict=True))
    with torch.autocast("cpu", enabled=False):
        return down @ pixels @ right.T


@lru_cache(maxsize=32)
def _line(old: int, new: int, kernel: str) -> Tensor:
    """(new, old): what each pixel of a resized line takes of the old ones."""
    every, tall = torch.eye(old)[None, None], (new, old)
    return F.interpolate(every, tall, mode=kernel, align_corners=False, antialias=True)[0, 0]


# --- a tower of open_clip's ModifiedResNet


def folded(tower: Any) -> nn.Module:
    """A frozen copy in eval mode whose batch norms are a part of the convolutions before them."""
    tower = copy.deepcopy(tower).eval().requires_grad_(False)
    for block in list(tower.modules()):
        names = list(block._modules)
        for before, name in pairwise(names):
            conv, norm = getattr(block, before), getattr(block, name)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(block, before, fuse_conv_bn_eval(conv, norm))
                setattr(block, name, nn.Identity())
    tower.attnpool = _Pool(tower.attnpool)
    return tower.to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


class _Pool(nn.Module):
    """An AttentionPool2d that computes what leaves it: what the mean of all places looks at."""

    def __init__(self, pool: Any):
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, E)."""
        pool, heads = self.pool, self.pool.num_heads
        places = x.flatten(2).transpose(1, 2)  # (B, H W, C)
        mean = places.mean(dim=1, keepdim=True)
        seen = torch.cat((mean, places), dim=1) + pool.positional_embedding
        asked = pool.q_proj(seen[:, :1])  # (B, 1, C)
        split = [
            rows.unflatten(-1, (heads, -1)).transpose(1, 2)
            for rows in (asked, pool.k_proj(seen), pool.v_proj(seen))
        ]
        found = F.scaled_dot_product_attention(*split)  # (B, heads, 1, C / heads)
        return pool.c_proj(found.transpose(1, 2).flatten(1))  # type: ignore[no-any-return]
