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
from safetensors.torch import save_file
from torch import Tensor, nn

from clipavatar.chibi.caption import caption, random_subset
from clipavatar.chibi.dataset import UNSAID, Pictures, load_pictures
from clipavatar.clip import Clip, contrastive_loss, create_clip, save_clip
from clipavatar.config import ClipTrainConfig, Config
from clipavatar.draws import Draws
from clipavatar.files import replacing
from clipavatar.metrics.alignment import embed, value_texts, zero_shot
from clipavatar.metrics.attributes import visible
from clipavatar.prompts import LANGUAGES
from clipavatar.training.batches import Batch, augment, batch, prefetch
from clipavatar.training.devices import make_accelerator, share_statistics
from clipavatar.training.feeds import ours
from clipavatar.training.finetune import FROM_NOTHING, finetune_clip
from clipavatar.training.progress import Progress
from clipavatar.training.states import States
from clipavatar.training.values import SIZES, attributes_loss
from clipavatar.training.vocabulary import train_vocabulary

CAPTIONS = 10_000  # of each language that the vocabulary is learned from


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

    `shared` reads both embeddings, which lines their directions up; `text` and `image` read one
    of them alone. Without these two, an attribute that
    neither side shows yet stays unseen by both: the shared map has nothing to pull on.
    """

    def __init__(self, clip: Clip):
        super().__init__()
        self.clip = clip
        values = sum(SIZES)
        self.shared = Heads(clip.embedding_size, values)
        self.text = Heads(clip.embedding_size, values + len(SIZES))  # and one more each: unsaid
        self.image = Heads(clip.embedding_size, values)

    def forward(self, tokens: Tensor, images: Tensor | None = None) -> tuple[Any, ...]:
        """Tokens (2B, L): B captions, then B wrong ones; images (B, 3, R, R) or None.

        Without images: the logits of all captions (a list, one entry for each head that reads
        them), and of what each of them leaves unsaid. With images, and then the text tower is
        locked: embeddings of pictures, captions and wrong ones, temperature, logits of pictures.
        """
        if images is None:
            texts = self.clip.encode_tokens(tokens)
            own, unsaid = self.text(texts).split((sum(SIZES), len(SIZES)), dim=1)
            return [self.shared(texts), own], unsaid
        with torch.no_grad():
            text, wrong = self.clip.encode_tokens(tokens).chunk(2)
        image = self.clip.encode_image(images)
        scale = self.clip.scale
        return image, text, wrong, scale, [self.shared(image), self.image(image)]


def train_clip(config: Config, resume: bool = False) -> Path:
    """Train CLIP as `config.clip` says and write it to its output folder; returns that folder.

    On our drawings, text first and with labels; on a person's own pictures, or on from another
    CLIP, see finetune.py. With `resume` goes on from the last state. Raises OSError, ValueError.
    """
    from accelerate.utils import set_seed

    options = config.clip
    if not ours(config.data) or options.start:
        return finetune_clip(config, resume)
    output = Path(options.output)
    accelerator = make_accelerator(config.train.precision)
    set_seed(options.seed)
    cache, vocabulary = output.parent / "cache", output / "vocabulary.txt.gz"
    with accelerator.main_process_first():  # one draws, the others find it
        pictures = load_pictures(config.data.sources[0].pictures, 64, options.seed, cache)
        unseen = load_pictures(options.unseen, 64, options.seed + 1, cache)
        fresh = not resume and accelerator.is_main_process
        if fresh or not vocabulary.exists():
            captions = _all_captions(pictures, options.seed)
            train_vocabulary(captions, options.vocabulary_size, vocabulary)
    progress = Progress(options.minutes, output, options.steps, accelerator)  # drawing is over
    architecture = (
        json.loads(Path(options.architecture).read_text()) if options.architecture else None
    )
    clip = create_clip(vocabulary, architecture)
    pair: Any = share_statistics(Pair(clip), accelerator)
    full_rate = options.learning_rate or FROM_NOTHING
    optimizer = torch.optim.AdamW(pair.parameters(), full_rate, weight_decay=0.02)
    states = States(output, 1)
    if fresh:
        states.clear()
    if resume and (state := states.newest()):
        pair.load_state_dict(state["pair"])
        optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])
    rank, world = accelerator.process_index, accelerator.num_processes
    spread, optimizer = accelerator.prepare(pair, optimizer)
    contrast, device = contrastive_loss(rank, world), accelerator.device
    short: Tensor | None = None  # made once the text tower is locked

    def make(step: int) -> tuple[Batch, Tensor]:
        size = options.batch_size
        data = batch(pictures, size, options.seed, step, negatives=True, part=rank, parts=world)
        return data, clip.tokenize(data.captions + data.negatives)

    for data, tokens in prefetch(make, progress.step, device.type != "cpu"):
        pair.train()
        first = progress.fraction < options.text_first
        for group in optimizer.param_groups:
            group["lr"] = full_rate * _schedule(options, progress)
        if first:
            figures = _text_losses(spread, data, tokens.to(device))
        else:
            views = augment(data.images, Draws(options.seed, progress.step, part=rank, parts=world))
            if short is None:
                texts = value_texts(clip, options.seed, "training")
                short = texts.flatten(0, 1).to(device)
            values = short[progress.step % len(short)]
            arguments = (data, tokens.to(device), views.to(device), values)
            figures = _image_losses(spread, contrast, *arguments)
        weights = {"contrast": options.contrast_weight, "negative": options.negative_weight}
        loss = sum(weights.get(k, options.attribute_weight) * v for k, v in figures.items())
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(pair.parameters(), 5.0)
        if not first:  # what texts have learned stays as it is
            pair.shared.requires_grad_(False)
        optimizer.step()
        clip.limit_scale()
        progress.advance(options.batch_size, **figures)
        if progress.every("checkpoint", options.checkpoint_every_minutes) or progress.done:
            if accelerator.is_main_process:
                state = {"pair": pair.state_dict(), "optimizer": optimizer.state_dict()}
                states.save(progress.step, state | {"progress": progress.state()})
            progress.record(**_zero_shot(clip, unseen))
        if progress.done:
            break
    if accelerator.is_main_process:
        save_clip(clip.cpu(), output / "clip", half=True)
        with replacing(output / "reader.safetensors") as part:  # for the generator: see its `reads`
            save_file(pair.text.linear.state_dict(), part)
    accelerator.wait_for_everyone()
    return output / "clip"


def _text_losses(pair: Any, data: Batch, tokens: Tensor) -> dict[str, Tensor]:
    """Every caption, right or wrong, names its attributes and what it leaves unsaid."""
    logits, unsaid_logits = pair(tokens)
    said = torch.cat((data.said, data.negatives_said)).to(tokens.device)
    unsaid = F.binary_cross_entropy_with_logits(unsaid_logits, (said == UNSAID).float())
    return {"text": attributes_loss(logits, said), "unsaid": unsaid}


def _image_losses(
    pair: Any, contrast: Any, data: Batch, tokens: Tensor, views: Tensor, values: Tensor
) -> dict[str, Tensor]:
    """A picture finds its caption among the batch's and beside a wrong one, and is named.

    By heads, and by `values` (V, E), the embeddings of captions that name one value each: a full
    caption is found by what is easiest to see of it, and little of that is in "a boy".
    """
    image, text, wrong, scale, logits = pair(tokens, views)
    negative = F.softplus(scale * (image * (wrong - text)).sum(dim=1)).mean()
    shown = visible(data.labels).to(tokens.device)
    return {
        "contrast": contrast(image, text, scale),
        "negative": negative,
        "short": attributes_loss([scale * image @ values.T], shown),
        "image": attributes_loss(logits, shown),
    }


def _schedule(options: ClipTrainConfig, progress: Progress) -> float:
    """In each of the two phases a cosine down to a fiftieth; 200 steps of warm-up before all."""
    fraction, first = progress.fraction, options.text_first
    part = fraction / first if fraction < first else (fraction - first) / max(1e-6, 1 - first)
    return min(1.0, (progress.step + 1) / 200) * (0.02 + 0.98 * math.cos(part * math.pi / 2))


def _all_captions(pictures: Pictures, seed: int) -> list[str]:
    """CAPTIONS of each language, for the vocabulary."""
    rng = np.random.default_rng([seed, 7])
    made = []
    for i in range(CAPTIONS):
        attributes = pictures.attributes(i % len(pictures))
        for language in LANGUAGES:
            made.append(caption(random_subset(attributes, rng), language, rng, "training"))
    return made


@torch.no_grad()
def _zero_shot(clip: Clip, pictures: Pictures, count: int = 1000) -> dict[str, float]:
    """Zero-shot accuracy in % per attribute and language, on the first `count` pictures."""
    clip.eval()
    index = np.arange(min(count, len(pictures)))
    embeddings = embed(clip, torch.from_numpy(pictures.pixels(index)))
    return zero_shot(clip, embeddings, visible(torch.from_numpy(pictures.labels[index])))
