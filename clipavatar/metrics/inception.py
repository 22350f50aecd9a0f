"""FID and Inception Score, by torch-fidelity: its Inception weights are its own download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from clipavatar.images import to_uint8
from clipavatar.metrics.judging import plain


class _Bytes(torch.utils.data.Dataset[Tensor]):
    """Pictures as torch-fidelity wants them: RGB (3, R, R) uint8."""

    def __init__(self, pixels: Tensor):
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        return to_uint8(plain(self.pixels[index][None]))[0].movedim(-1, 0)


def inception_figures(made: Tensor, true: Tensor, other: Tensor) -> dict[str, Sequence[float]]:
    """FID to `other` and Inception Score, of `made` and of `true`; bytes (N, R, R, C) each.

    Raises RuntimeError in one line where torch-fidelity or its weights are missing.
    """
    try:
        import torch_fidelity  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        raise RuntimeError("FID and Inception Score need: pip install torch-fidelity") from None
    found = []
    for pixels in (made, true):
        try:
            found.append(_calculate(torch_fidelity, pixels, other))
        except Exception as error:  # no network, a moved link, a broken download
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise RuntimeError(
                f"torch-fidelity could not measure FID and Inception Score: {reason}"
            ) from None
    names = {"FID": "frechet_inception_distance", "Inception Score": "inception_score_mean"}
    return {title: [float(each[key]) for each in found] for title, key in names.items()}


def _calculate(library: Any, pixels: Tensor, other: Tensor) -> dict[str, float]:
    made: dict[str, float] = library.calculate_metrics(
        input1=_Bytes(pixels),
        input2=_Bytes(other),
        fid=True,
        isc=True,
        cuda=torch.cuda.is_available(),
        verbose=False,
    )
    return made
