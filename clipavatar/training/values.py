"""Our own drawings' labels as a teacher: each attribute's value is to be told from the others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.chibi.labels import SIZES, UNSAID
from clipavatar.metrics.attributes import attribute_loss


def attributes_loss(logits: list[Tensor], labels: Tensor) -> Tensor:
    """Sum over several readers' logits (B, sum(SIZES)) of the mean cross entropy of the attributes.

    `labels` (B, A), UNSAID left out.
    """
    losses = [attribute_loss(torch.split(each, SIZES, dim=1), labels) for each in logits]
    return torch.stack(losses).sum()


def values_loss(images: Tensor, values: Tensor, scale: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of pictures' (B, E) values of each attribute against the others'.

    `values` (V, E) from value_texts, `labels` (B, A), UNSAID counting as 0: so that parts of a
    batch have the mean of the whole.
    """
    logits = torch.split(scale * images @ values.T, SIZES, dim=1)
    losses = [
        F.cross_entropy(each, wanted, ignore_index=UNSAID, reduction="sum")
        for each, wanted in zip(logits, labels.T, strict=True)
    ]
    return torch.stack(losses).sum() / labels.numel()
