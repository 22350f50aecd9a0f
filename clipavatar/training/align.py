"""`clipavatar train-clip`: our own small CLIP, contrastive, with attribute labels as a second eye.

Plain contrast learns what is easiest to tell a batch apart by and neglects the rest; linear heads
that name every attribute from either embedding, thrown away afterwards, keep all of it in view.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.checkpoint import load_state, save_state
from clipavatar.chibi.caption import caption, random_subset
from clipavatar.chibi.dataset import Pictures, load_pictures
from clipavatar.chibi.sample import SAMPLING
from clipavatar.clip import Clip, contrastive_loss, create_clip, save_clip
from clipavatar.config import Config
from clipavatar.images import over
from clipavatar.metrics.attributes import UNSAID, attribute_loss, visible
from clipavatar.training.batches import Batch, augment, batch, prefetch
from clipavatar.training.progress import Progress
from clipavatar.training.vocabulary import train_vocabulary

CAPTIONS = 10_000  # of each language that the vocabulary is learned from
SIZES = [len(table) for table in SAMPLING.values()]


class Heads(nn.Module):
    """Names every attribute from an embedding or from features, one linear map for all."""

    def __init__(self, size: int, outputs: int):
        super().__init__()
        self.linear = nn.Linear(size, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, size) of any length -> logits (B, outputs)."""
        unit = F.normalize(features, dim=1) * features.shape[1] ** 0.5
        return self.linear(unit)  # type: ignore[no-any-return]


class Pair(nn.Module):
    """CLIP and heads as one module with one forward, so that accelerate can spread it.

    `shared` reads both embeddings, which lines their directions up; `text` and `image` read the
    text's embedding and the image tower's features alone. Without these two, an attribute that
    neither side shows yet stays unseen by both: the shared map has nothing to pull on.
    """

    def __init__(self, clip: Clip):
        super().__init__()
        self.clip = clip
        values = sum(SIZES)
        self.shared = Heads(clip.embedding_size, values)
        self.text = Heads(clip.embedding_size, values + len(SIZES))  # and one more each: unsaid
        self.image: Heads | None = None
        self._features: list[Tensor] = []
        trunk = getattr(clip.model.visual, "trunk", None)
        if trunk is not None:
            self.image = Heads(trunk.num_features, values)
            trunk.register_forward_hook(lambda *args: self._features.append(args[2]))

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Any, ...]:
        """Images (B, 3, R, R), tokens (B, L) -> embeddings, temperature, and logits of

        the image (a list, one entry for each head that reads it), the text (the same), unsaid.
        """
        self._features.clear()
        image, text = self.clip.encode_image(images), self.clip.encode_tokens(tokens)
        scale = self.clip.logit_scale.clamp(0, math.log(100)).exp()
        of_image = [self.shared(image)]
        if self.image is not None:
            of_image.append(self.image(self._features.pop()))
        own, unsaid = self.text(text).split((sum(SIZES), len(SIZES)), dim=1)
        return image, text, scale, of_image, [self.shared(text), own], unsaid


def attributes_loss(logits: list[Tensor], labels: Tensor) -> Tensor:
    """Sum over the heads of the mean cross entropy over the attributes, (B, sum(SIZES)) each."""
    losses = [attribute_loss(torch.split(each, SIZES, dim=1), labels) for each in logits]
    return torch.stack(losses).sum()


def train_clip(config: Config, resume: bool = False) -> Path:
    """Train CLIP as `config.clip` says and write it to its output folder; returns that folder.

    With `resume` goes on from the last state in the output folder. Raises OSError, ValueError.
    """
    from accelerate import Accelerator
    from accelerate.utils import set_seed

    options = config.clip
    output = Path(options.output)
    accelerator = Accelerator()
    set_seed(options.seed)
    pictures = load_pictures(options.pictures, 64, options.seed, output.parent / "cache")
    unseen = load_pictures(options.unseen, 64, options.seed + 1, output.parent / "cache")

    vocabulary = output / "vocabulary.txt.gz"
    if not vocabulary.exists():
        captions = _all_captions(pictures, options.seed)
        train_vocabulary(captions, options.vocabulary_size, vocabulary)
    architecture = (
        json.loads(Path(options.architecture).read_text()) if options.architecture else None
    )
    clip = create_clip(vocabulary, architecture)
    pair = Pair(clip)
    optimizer = torch.optim.AdamW(pair.parameters(), options.learning_rate, weight_decay=0.02)
    state_file = output / "state.pt"
    progress = Progress(options.minutes, output)
    if resume and state_file.exists():
        state = load_state(state_file)
        pair.load_state_dict(state["pair"])
        # optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])
    rank, world = accelerator.process_index, accelerator.num_processes
    spread, optimizer = accelerator.prepare(pair, optimizer)
    contrast = contrastive_loss(rank, world)

    def make(step: int) -> tuple[Batch, Tensor]:
        data = batch(pictures, options.batch_size, options.seed, step * world + rank)
        return data, clip.tokenize(data.captions)

    for data, tokens in prefetch(make, progress.step, accelerator.device.type != "cpu"):
        step = progress.step
        pair.train()
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * _schedule(progress.fraction, step)
        views = augment(data.images, torch.Generator().manual_seed(step))
        device = accelerator.device
        image, text, scale, image_logits, text_logits, unsaid_logits = spread(
            views.to(device), tokens.to(device)
        )
        said = data.said.to(device)
        unsaid = F.binary_cross_entropy_with_logits(unsaid_logits, (said == UNSAID).float())
        image_loss = attributes_loss(image_logits, visible(data.labels).to(device))
        text_loss = attributes_loss(text_logits, said)
        contrastive = contrast(image, text, scale)
        loss = options.contrast_weight * contrastive + options.attribute_weight * (
            image_loss + text_loss + unsaid
        )
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(pair.parameters(), 5.0)
        optimizer.step()
        progress.advance(
            options.batch_size,
            contrast=contrastive,
            image=image_loss,
            text=text_loss,
            unsaid=unsaid,
        )
        if progress.every("checkpoint", 3) or progress.done:
            state = {
                "pair": pair.state_dict(),
                "optimizer": optimizer.state_dict(),
                "progress": progress.state(),
            }
            save_state(state_file, state)
            progress.record(**zero_shot(clip, unseen))
        if progress.done:
            break
    save_clip(clip.cpu(), output / "clip", half=True)
    return output / "clip"


def _schedule(fraction: float, step: int) -> float:
    """200 steps of warm-up, then a cosine down to a fiftieth."""
    return float(min(1.0, (step + 1) / 200) * (0.02 + 0.98 * np.cos(fraction * np.pi / 2) ** 2))


def _all_captions(pictures: Pictures, seed: int) -> list[str]:
    """CAPTIONS of each language, for the vocabulary."""
    rng = np.random.default_rng([seed, 7])
    made = []
    for i in range(CAPTIONS):
        attributes = pictures.attributes(i % len(pictures))
        for language in ("en", "zh"):
            made.append(caption(random_subset(attributes, rng), language, rng))
    return made


@torch.no_grad()
def zero_shot(clip: Clip, pictures: Pictures, count: int = 1000) -> dict[str, float]:
    """Zero-shot accuracy in % per attribute and language: cosine with the caption of each value."""
    clip.eval()
    index = np.arange(min(count, len(pictures)))
    grey = torch.full((1, 3, 1, 1), 0.7)
    images = []
    for part in np.array_split(index, max(1, len(index) // 100)):
        pixels = torch.from_numpy(pictures.pixels(part)).movedim(-1, 1).float() / 127.5 - 1
        images.append(clip.encode_image(over(pixels, grey)))
    embeddings = torch.cat(images)
    labels = visible(torch.from_numpy(pictures.labels[index]))
    figures = {}
    for language in ("en", "zh"):
        for column, (name, table) in enumerate(SAMPLING.items()):
            rng = np.random.default_rng(0)
            text = clip.encode_text([caption({name: v}, language, rng) for v in table])
            right = (embeddings @ text.T).argmax(1) == labels[:, column]
            counted = labels[:, column] != UNSAID
            figures[f"{name} {language}"] = 100 * right[counted].float().mean().item()
    return figures
