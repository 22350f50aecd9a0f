"""A CLIP that learns from captioned pictures: contrast, and the guard of one that learns along."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.clip import Clip
from clipavatar.config import TrainConfig
from clipavatar.training.batches import Batch, augment, fits
from clipavatar.training.steps import VIEWS, Part

PATIENCE = 5  # times in a row that the two CLIPs may disagree
WATCHED = 500  # steps between two looks at them


class Contrast(nn.Module):
    """A CLIP as a module with one forward, so that accelerate can spread it."""

    def __init__(self, clip: Clip):
        super().__init__()
        self.clip = clip

    def forward(self, tokens: Tensor, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, L), images (B, 3, R, R) -> embeddings of both (B, E), and the scale."""
        scale = self.clip.scale
        return self.clip.encode_image(images), self.clip.encode_tokens(tokens), scale


def contrast(accelerator: Any, image: Tensor, text: Tensor, scale: Tensor, data: Batch) -> Tensor:
    """Symmetric contrast over all processes: each picture finds its caption, and the other way.

    `image`, `text` (B, E) unit vectors. Rows without a caption are left out; a picture is not torn
    from another's caption that is true of it. Every process computes the whole loss, so that their
    mean gradient is that of one process with the whole batch. 0 where nothing has a caption.
    """
    device = image.device
    kept = torch.tensor([bool(caption) for caption in data.captions], device=device).long()
    labels, said = data.labels.to(device), data.said.to(device)
    if accelerator.num_processes > 1:
        from torch.distributed.nn.functional import all_gather

        image, text = (torch.cat(all_gather(rows)) for rows in (image, text))  # type: ignore[no-untyped-call]
        labels, said, kept = (accelerator.gather(rows) for rows in (labels, said, kept))
    rows = kept.bool()
    image, text, labels, said = image[rows], text[rows], labels[rows], said[rows]
    if not len(image):
        return 0.0 * (image.sum() + text.sum() + scale)
    own = torch.arange(len(image), device=device)
    true = fits(labels[:, None], said[None]) & (own[:, None] != own)
    logits = scale * image @ text.T
    one = F.cross_entropy(logits.masked_fill(true, -math.inf), own)
    return (one + F.cross_entropy(logits.T.masked_fill(true.T, -math.inf), own)) / 2


class JointClip:
    """The CLIP of a generator's training, which may learn too.

    It learns from real pictures and captions alone, never from made ones: so the two can not agree
    on pictures that please only each other. `guard`, a copy that stays as it was, scores what is
    made, and ends the learning where it sees made pictures get worse while the learner likes them
    better.
    """

    def __init__(self, clip: Clip, options: TrainConfig, accelerator: Any):
        self.clip = clip
        self.rate = options.clip_learning_rate
        self.tokens: list[Tensor] = []  # of each part of the step
        self.guard = copy.deepcopy(clip).to(accelerator.device) if self.learns else clip
        self._scores: tuple[float, float] | None = None
        self._apart = 0  # times in a row that the two disagreed
        if self.learns:
            clip.requires_grad_(True)
            optimizer = torch.optim.AdamW(clip.parameters(), self.rate, weight_decay=0.02)
            self._plain: dict[str, Any] = {"clip": clip, "clip_optimizer": optimizer}
            self._model, self._optimizer = accelerator.prepare(Contrast(clip), optimizer)
            self._accelerator = accelerator

    @property
    def learns(self) -> bool:
        return self.rate > 0

    def step(self, parts: Sequence[Part], calm: float) -> dict[str, Tensor]:
        """One step on the real pictures of `parts` that have captions; the loss, to be logged."""
        if not self.learns or self._apart >= PATIENCE:
            return {}
        self.clip.train()
        self._optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self._accelerator.device)
        for part, tokens in zip(parts, self.tokens, strict=True):
            views = augment(part.data.images, part.draws(VIEWS + 1))
            image, text, scale = self._model(tokens, views)
            loss = contrast(self._accelerator, image, text, scale, part.data)
            self._accelerator.backward(loss)
            total += loss.detach()
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate * calm
        self._optimizer.step()
        self.clip.limit_scale()
        self.clip.eval()
        return {"joint": total}

    def watch(self, frozen: float, live: float, say: Callable[[str], None]) -> None:
        """Told every WATCHED steps how well made pictures fit their texts, by either CLIP."""
        if self.learns and self._scores:
            apart = frozen < self._scores[0] and live > self._scores[1]
            self._apart = self._apart + 1 if apart or self._apart >= PATIENCE else 0
            if apart and self._apart == PATIENCE:
                say("the CLIP likes the pictures better, a frozen copy worse: it stops learning")
        self._scores = (frozen, live)

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        if not self.learns:
            return {}
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._plain.items()}
        return state | {"clip_guard": {"apart": self._apart, "scores": self._scores}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        if self.learns:
            for name, part in self._plain.items():
                part.load_state_dict(state[name])
            self._apart = state["clip_guard"]["apart"]
            self._scores = state["clip_guard"]["scores"]
