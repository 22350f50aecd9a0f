"""Augmented views: one picture as CLIP may be shown it, moved, spoilt and on other backgrounds.

What holds in many views is drawn; what holds in one alone is a pattern that only CLIP sees.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.images import over


@dataclass(frozen=True)
class Spoiling:
    """How far views may go from the picture; every number is a most, drawn evenly from 0."""

    zoom: float = 0.15  # share of the side that a crop leaves out
    shift: float = 0.1  # of the side
    colour: float = 0.08  # in [-1, 1]: each of red, green and blue; little, colours are said
    cutout: float = 0.3  # side of a hole in half of the views, as a share of the picture's
    softness: float = 0.5  # 1: shrunk to five eighths and enlarged again
    mirrored: float = 0.0  # share of the views


OPTIMISED = Spoiling()  # what a search moves by
HELD_OUT = Spoiling(zoom=0.25, shift=0.14, colour=0.12, cutout=0.4, softness=1.0, mirrored=0.5)


@dataclass(frozen=True)
class Views:
    """What `see` does to each of V pictures."""

    place: Tensor  # (V, 2, 3): an affine map
    tint: Tensor  # (V, 3, 1, 1), added
    softness: Tensor  # (V, 1, 1, 1) in [0, 1]
    hole: Tensor  # (V, 2, 2): middle and half of the sides, in [-1, 1]
    behind: Tensor  # (V, 3, 2, 1): the background's colour at the top and at the bottom

    def to(self, device: torch.device) -> Views:
        return Views(*(getattr(self, field.name).to(device) for field in fields(self)))


def draw_views(count: int, random: torch.Generator, most: Spoiling = OPTIMISED) -> Views:
    """`count` views, drawn on the CPU so that every device sees the same ones."""

    def even(*shape: int) -> Tensor:  # in [-1, 1]
        return torch.rand(count, *shape, generator=random) * 2 - 1

    zoom = 1 - most.zoom * even(1).abs()
    place = torch.eye(2, 3).repeat(count, 1, 1) * zoom[..., None]
    place[:, 0] *= torch.where(even(1) < most.mirrored * 2 - 1, -1.0, 1.0)
    place[:, :, 2] = even(2) * 2 * most.shift
    size = most.cutout * even(2).abs() * (even(1) < 0)
    hole = torch.stack((even(2), size), dim=1)
    return Views(
        place,
        even(3, 1, 1) * most.colour,
        even(1, 1, 1).abs() * most.softness,
        hole,
        _backgrounds(even(3, 2, 1), even(1, 1, 1)),
    )


def _backgrounds(colours: Tensor, plain: Tensor) -> Tensor:
    """Colours (V, 3, 2, 1), light more often than not; one colour where `plain` is below 0."""
    light = colours * 0.5 + 0.4
    return torch.where(plain < 0, light[:, :, :1], light)


def see(faces: Tensor, views: Views) -> Tensor:
    """Faces (V, C, R, R) in [-1, 1] -> one view of each, (V, 3, R, R) in [-1, 1]; differentiable.

    What moves in from beyond the border is transparent, or the border's own colour where C is 3.
    """
    channels, resolution = faces.shape[1], faces.shape[3]
    grid = F.affine_grid(views.place, list(faces.shape), align_corners=False)
    padding = "zeros" if channels == 4 else "border"
    moved = F.grid_sample(faces + 1, grid, padding_mode=padding, align_corners=False) - 1
    line = torch.linspace(0, 1, resolution, device=faces.device)[:, None]
    top, bottom = views.behind[:, :, :1], views.behind[:, :, 1:]
    behind = (top + (bottom - top) * line).expand(-1, -1, -1, resolution)
    seen = torch.where(_inside(views.hole, resolution), behind, over(moved, behind))
    return (_soften(seen, views.softness) + views.tint).clamp(-1, 1)


def _inside(hole: Tensor, resolution: int) -> Tensor:
    """Holes (V, 2, 2) -> (V, 1, R, R), true inside."""
    line = (torch.arange(resolution, device=hole.device) + 0.5) / resolution * 2 - 1
    within = (line - hole[:, 0, :, None]).abs() < hole[:, 1, :, None]  # (V, 2, R)
    return (within[:, 0, :, None] & within[:, 1, None, :])[:, None]


def _soften(images: Tensor, softness: Tensor) -> Tensor:
    resolution = images.shape[-1]
    small = max(1, resolution * 5 // 8)
    made = F.interpolate(images, (small, small), mode="bilinear", antialias=True)
    made = F.interpolate(made, (resolution, resolution), mode="bilinear")
    return images.lerp(made, softness)
