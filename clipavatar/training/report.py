"""What was found in a person's data, and what training on it will take: for people to read."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from clipavatar.folders import Found
from clipavatar.prompts import CJK

FEW = 1000  # below this a generator learns the pictures by heart
NAMED = 5  # examples given of each kind of trouble
SHARE = 0.6  # of the matrix rate that training reaches; examples/train_benchmark.py measures it


@dataclass(frozen=True)
class Report:
    """What one source holds: counts of pictures, and (name, reason) of what is wrong.

    `sizes` is the smallest and the largest (width, height) by area, None where pictures are only
    decoded in training. `duplicates` are (name, name of the first one), pixel by pixel.
    `languages` counts captions.
    """

    path: str
    found: int
    skipped: list[tuple[str, str]]
    problems: list[tuple[str, str]]
    without_caption: int
    languages: Mapping[str, int]
    enlarged: int = 0
    duplicates: Sequence[tuple[str, str]] = ()
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    resolution: int = 0

    @property
    def used(self) -> int:
        """Pictures that are trained on."""
        return self.found - len(self.skipped)

    def lines(self) -> list[str]:
        """For a person, one fact a line."""
        captions = ", ".join(f"{count} {name}" for name, count in self.languages.items())
        lines = [
            f"{self.path}: {self.found} pictures found, {self.used} used",
            f"  captions: {captions or 'none'}; {self.without_caption} pictures without"
            + (" (they train through their CLIP embedding)" if self.without_caption else ""),
        ]
        if self.sizes:
            small, large = ("{}x{}".format(*size) for size in self.sizes)
            lines.append(f"  sizes: {small} to {large}")
            if self.enlarged:
                lines[-1] += f"; {self.enlarged} under {self.resolution} px are enlarged"
        else:
            lines.append("  too many to keep decoded: unreadable ones are passed over in training")
        if self.duplicates:
            pairs = [f"{one} is {other}" for one, other in self.duplicates]
            lines.append(f"  {len(pairs)} duplicates, kept: {_some(pairs)}")
        for title, trouble in (("skipped", self.skipped), ("problems", self.problems)):
            for reason, count in Counter(reason for _, reason in trouble).most_common():
                names = _some([name for name, why in trouble if why == reason])
                lines.append(f"  {title}: {count} because of: {reason}: {names}")
        return lines


def report_of(
    path: str, found: Found, resolution: int, note: Mapping[str, Any] | None = None
) -> Report:
    """The report of one source; `note` is what decoding every picture told (see `gallery`).

    Its "skipped" are (index, reason), its "duplicates" (index, index), "smallest" and "largest"
    (width, height), "enlarged" a count.
    """
    items, note = found.items, note or {}
    skipped = {int(index): str(reason) for index, reason in note.get("skipped", ())}
    used = [item for index, item in enumerate(items) if index not in skipped]
    sizes = (tuple(note["smallest"]), tuple(note["largest"])) if "smallest" in note else None
    return Report(
        path,
        len(items),
        [(items[index].name, reason) for index, reason in skipped.items()],
        found.problems,
        sum(not item.captions for item in used),
        dict(Counter(language(text) for item in used for text in item.captions).most_common()),
        int(note.get("enlarged", 0)),
        [(items[one].name, items[first].name) for one, first in note.get("duplicates", ())],
        sizes,
        resolution,
    )


def language(caption: str) -> str:
    """A name for the script a caption is written in: Chinese, English (Latin letters) or other."""
    if CJK.search(caption):
        return "Chinese"
    return "English" if any("a" <= letter <= "z" for letter in caption.lower()) else "other"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest


# --- what it will take


@dataclass(frozen=True)
class Cost:
    """Of one forward pass of a network for one picture: numbers, multiplications times two, bytes.

    `kept` are bytes that the backward pass needs.
    """

    parameters: int
    operations: int
    kept: int


def cost(model: nn.Module, *inputs: Tensor) -> Cost:
    """What `model` takes for `inputs`, divided by their batch size; nothing is computed."""
    shadow = copy.deepcopy(model).to("meta").train()
    kept = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal kept
        if not (tensor.is_leaf and tensor.requires_grad):  # weights are counted as such
            kept += tensor.numel() * tensor.element_size()
        return tensor

    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(pack, lambda x: x):
        shadow(*(each.to("meta") for each in inputs))
    count = len(inputs[0])
    parameters = sum(p.numel() for p in shadow.parameters())
    return Cost(parameters, counter.get_total_flops() // count, kept // count)


def matrix_rate(device: torch.device | str = "cpu", side: int = 768) -> float:
    """Operations a second of float32 matrix products on `device`, the best of three."""
    one = torch.randn(side, side, device=device)
    best = float("inf")
    for _ in range(4):  # the first one warms up
        start = time.perf_counter()
        float((one @ one)[0, 0])  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def found(
    reports: Iterable[Report],
    count: int,
    generator: Cost,
    discriminator: Cost,
    batch_size: int,
    length: tuple[float, int],
    rate: float,
) -> str:
    """The text of a dry run of `count` pictures in all.

    `rate` as of `matrix_rate`; `length` minutes and, where the run has that many, pictures.

    A step is counted as three forward passes of the generator (one, and twice that for the
    backward pass) and twelve of the discriminator (real, fake, mismatched, and through it), a CLIP
    not at all; memory as weights, gradients, Adam's two and the average, and what backward needs.
    """
    lines = [line for report in reports for line in report.lines()]
    lines.append(
        f"networks: generator {_short(generator.parameters)}, "
        f"discriminator {_short(discriminator.parameters)} parameters"
    )
    weights = 20 * generator.parameters + 16 * discriminator.parameters
    memory = weights + batch_size * (generator.kept + 3 * discriminator.kept)
    lines.append(f"memory: about {_short(memory)}B in a step of {batch_size} pictures")
    speed = SHARE * rate / (3 * generator.operations + 12 * discriminator.operations)
    minutes, pictures = length[0], speed * 60 * length[0]
    if length[1]:
        minutes, pictures = length[1] / speed / 60, length[1]
    lines.append(f"time: about {speed:.3g} pictures a second without CLIP (an estimate)")
    lines.append(
        f"  {minutes:.4g} minutes are {_short(pictures).strip()} pictures, "
        f"each of the {count} {pictures / max(1, count):.3g} times"
    )
    if count < FEW:
        lines.append(
            f"warning: {count} pictures are few: under {FEW} a generator learns them by heart and "
            "draws little else; DiffAugment and flip help, more pictures help most"
        )
    return "\n".join(lines)


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.0f} "
