"""A folder of one's own captioned pictures, found and decoded as training does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clipavatar.decode import Shape, decode
from clipavatar.folders import find_in_folder
from clipavatar.metrics.texts import Case, literal
from clipavatar.prompts import check_text, understand

FEWEST = 8  # pictures: two halves of fewer say nothing
NAMED = 5  # examples given of each kind of trouble


def load_captioned(
    folder: str | Path, count: int, shape: Shape
) -> tuple[list[Case], Tensor, list[str]]:
    """`count` pictures with captions: what they say, bytes (N, R, R, C), and notes.

    They are drawn from the whole folder and all below it, always the same ones. Where a picture
    has several captions the first one counts that has a word in it. What is unreadable or has no
    caption is left out, and the notes name it. Raises FileNotFoundError, or ValueError in one line
    where too few are left.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}")
    found = find_in_folder(folder)
    asked: list[Case] = []
    pictures, problems = [], list(found.problems)
    for place in np.random.default_rng(0).permutation(len(found.items)).tolist():
        item = found.items[place]
        if len(asked) == count:
            break
        try:
            text = _usable(item.captions)
            pictures.append(decode(item.read(), shape).pixels)
            asked.append(Case(text, understand(text).language, {}, len(asked)))
        except (ValueError, OSError) as error:
            problems.append((item.name, str(error)))
    notes = [f"{folder}: {line}" for line in left_out(problems)]
    if len(asked) < FEWEST:
        raise ValueError(
            f"{folder} holds {len(asked)} captioned pictures, {FEWEST} are the least; captions "
            "stand in metadata.jsonl (file_name, text) or in NAME.txt beside NAME.png"
            + "".join(f"; {line}" for line in left_out(problems))
        )
    return asked, torch.from_numpy(np.stack(pictures)), notes


def _usable(captions: Sequence[str]) -> str:
    """The first that can be asked for. Raises ValueError where there is none."""
    for caption in captions:
        try:
            check_text(literal(caption))
        except ValueError:
            continue
        return caption
    raise ValueError("no caption can be asked for" if captions else "there is no caption")


def left_out(problems: Sequence[tuple[str, str]]) -> list[str]:
    """(name, reason) of each as a line a reason, the most frequent first."""
    lines = []
    for reason, count in Counter(reason for _, reason in problems).most_common():
        names = [name for name, why in problems if why == reason][:NAMED]
        more = f" and {count - NAMED} more" if count > NAMED else ""
        lines.append(f"{count} left out, {reason}: {', '.join(names)}{more}")
    return lines
