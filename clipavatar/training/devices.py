"""The processes and devices of a run, by accelerate."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from clipavatar.processes import LONGEST_WAIT

PRECISIONS = ("no", "bf16")


def make_accelerator(precision: str = "no", track: str = "", output: str = "") -> Any:
    """One for every command that trains: the first in a process decides for all.

    Processes wait as long as it takes for one that draws or decodes the pictures. `track` logs to a
    tracker of accelerate's in the folder `output`. Raises ValueError for an unknown `precision` or
    a tracker that is not installed.
    """
    from accelerate import (
        Accelerator,
        DistributedDataParallelKwargs,
        InitProcessGroupKwargs,
    )

    check_devices(precision, track)
    accelerator = Accelerator(
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=LONGEST_WAIT),
        ],
        mixed_precision=precision,
        log_with=track or None,
        project_dir=output or None,
    )
    if accelerator.device.type == "cuda":  # sizes stay the same, so trying kernels pays
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    if track:
        accelerator.init_trackers("clipavatar")
    return accelerator


def check_devices(precision: str, track: str) -> None:
    """Raises ValueError for an unknown `precision` or a tracker that is not installed."""
    from accelerate.tracking import get_available_trackers

    if precision not in PRECISIONS:
        raise ValueError(f"precision must be {' or '.join(PRECISIONS)}, not {precision!r}")
    if track and track not in map(str, get_available_trackers()):
        raise ValueError(f"track: no tracker {track!r} is installed; see accelerate's")


def share_statistics(model: nn.Module, accelerator: Any) -> nn.Module:
    """Batch norms that see the batch of all GPUs; torch has none for several CPU processes."""
    if accelerator.device.type != "cuda" or accelerator.num_processes == 1:
        return model
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    return convert(model)  # type: ignore[no-any-return]
