"""DiffAugment: random changes to what the discriminator sees, real and made alike.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020. A discriminator
that never sees a picture twice the same can not learn a small data set by heart; as the changes
are differentiable, the generator learns through them and does not learn to draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.draws import Draws


def diffaugment(images: Tensor, policies: Sequence[str], draws: Draws) -> Tensor:
    """(B, C, R, R) in [-1, 1] -> the same shape, each picture changed in its own way.

    `policies` are names of POLICIES, done in this order. Colours may
    leave [-1, 1]; alpha keeps its value. Raises ValueError for an unknown name.
    """
    check_policies(policies)
    for name in policies:
        images = POLICIES[name](images, draws)
    return images


def check_policies(policies: Sequence[str]) -> None:
    """Raises ValueError naming the known policies unless all of `policies` are among them."""
    for name in policies:
        if name not in POLICIES:
            raise ValueError(f"unknown augmentation {name!r} (known: {', '.join(POLICIES)})")


def colour(images: Tensor, draws: Draws) -> Tensor:
    """Brightness by up to a quarter of the range, saturation times 0 to 2, contrast 0.5 to 1.5.

    Premultiplied colour is moved by as much as its alpha lets shine, and stays invisible where the
    picture is transparent.
    """
    colours, alpha = (images[:, :3] + 1) / 2, (images[:, 3:] + 1) / 2  # in [0, 1]
    cover = alpha if images.shape[1] == 4 else torch.ones_like(colours[:, :1])
    brightness, saturation, contrast = draws.rand(len(images), 3, 1, 1, 1).to(images).unbind(dim=1)
    colours = colours + (brightness - 0.5) / 2 * cover
    grey = colours.mean(dim=1, keepdim=True)
    colours = grey + (colours - grey) * saturation * 2
    total = cover.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    mean = colours.sum(dim=(1, 2, 3), keepdim=True) / (3 * total) * cover
    colours = mean + (colours - mean) * (contrast + 0.5)
    return torch.cat((colours, alpha), dim=1) * 2 - 1


def translation(images: Tensor, draws: Draws) -> Tensor:
    """Moved by up to an eighth of the side, both ways; what is uncovered is empty."""
    count, _, _, resolution = images.shape
    most = resolution // 8
    down, across = draws.randint(-most, most + 1, count, 2, 1).to(images.device).unbind(dim=1)
    place = torch.arange(resolution, device=images.device)
    padded = F.pad(images, (1, 1, 1, 1), value=_empty(images))
    y = (place + down + 1).clamp(0, resolution + 1)  # (B, R)
    x = (place + across + 1).clamp(0, resolution + 1)
    row = torch.arange(count, device=images.device)[:, None, None]
    return padded[row, :, y[:, :, None], x[:, None, :]].movedim(-1, 1)


def cutout(images: Tensor, draws: Draws) -> Tensor:
    """A square of half the side emptied, its centre anywhere in the picture."""
    count, _, _, resolution = images.shape
    centre = draws.randint(0, resolution, count, 2, 1).to(images.device).movedim(1, 0)
    place = torch.arange(resolution, device=images.device)
    low, high = centre - resolution // 4, centre + resolution // 4
    inside = (place >= low) & (place < high)  # (2, B, R): rows, columns
    hole = (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
    return images.masked_fill(hole, _empty(images))


def random_crops(images: Tensor, count: int, smallest: float, draws: Draws) -> Tensor:
    """`count` random squares of each picture (B, C, R, R), enlarged to R: (count * B, C, R, R).

    Sides run from `smallest` to 1 of the picture's; the result holds crop 0 of all pictures, then
    crop 1 of all, so a text (B, E) goes with it as text.repeat(count, 1). For a CLIP loss that no
    single view satisfies (FuseDream, Liu et al., 2021). Differentiable.
    """
    rows = count * len(images)
    drawn = draws.rand(len(images), count, 3).transpose(0, 1).reshape(rows, 3)
    side = smallest + (1 - smallest) * drawn[:, 0]
    centre = (drawn[:, 1:] * 2 - 1) * (1 - side[:, None])
    affine = torch.zeros(rows, 2, 3)
    affine[:, 0, 0], affine[:, 1, 1], affine[:, :, 2] = side, side, centre
    shape = [rows, *images.shape[1:]]
    grid = F.affine_grid(affine, shape, align_corners=False).to(images)
    return F.grid_sample(
        images.repeat(count, 1, 1, 1), grid, padding_mode="border", align_corners=False
    )


def _empty(images: Tensor) -> float:
    """Transparent for RGBA, mid-grey for RGB as in the paper."""
    return -1.0 if images.shape[1] == 4 else 0.0


POLICIES: dict[str, Callable[[Tensor, Draws], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}
