"""`clipavatar train-clip`: our own small CLIP, contrastive, with attribute labels as a second eye.

Plain contrast learns what is easiest to tell a batch apart by and neglects the rest; linear heads
that name every attribute from either embedding, thrown away afterwards, keep all of it in view.
First the text tower learns alone, then, locked (Zhai et al. 2022), it teaches the image tower. Last
come the captions of single values: a full caption is found by what is easiest to see of it, and "a
boy" lies anywhere. Between what shows a boy and what does not it is put then, all else held still.
"""

from __future__ import annotations

import copy
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
from clipavatar.chibi.dataset import Pictures, cached, load_pictures
from clipavatar.chibi.labels import SIZES, UNSAID
from clipavatar.clip import Clip, contrastive_loss, create_clip, load_clip, save_clip
from clipavatar.config import ClipTrainConfig, Config
from clipavatar.draws import Draws
from clipavatar.files import replacing
from clipavatar.metrics.alignment import embed, value_captions, value_texts, zero_shot
from clipavatar.metrics.attributes import visible
from clipavatar.prompts import LANGUAGES
from clipavatar.training.batches import Batch, augment, batch, prefetch
from clipavatar.training.devices import make_accelerator, share_statistics
from clipavatar.training.feeds import ours
from clipavatar.training.finetune import FROM_NOTHING, finetune_clip
from clipavatar.training.pool import Pool
from clipavatar.training.progress import Progress
from clipavatar.training.states import States
from clipavatar.training.values import attributes_loss
from clipavatar.training.vocabulary import train_vocabulary

SIZE = 64  # of the pictures that it learns from, unless they are in the memory of a GPU
FULL = 0.25  # share of the captions that say everything
CAPTIONS = 10_000  # of each language that the vocabulary is learned from
TEXTS, PICTURES, WORDS = range(3)  # what is learned, one after the other
TUNING = 0.2  # of the learning rate, for WORDS
HELD = 4  # a caption of so many values stays where it is while those of one move
HOLD = 30.0  # how firmly: what the way from there counts, one minus the cosine


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

    def forward(
        self, tokens: Tensor, images: Tensor | None = None, values: Tensor | None = None
    ) -> tuple[Any, ...]:
        """Tokens (2B, L): B captions, then B wrong ones; images (B, 3, R, R) or None.

        Without images: the logits of all captions (a list, one entry for each head that reads
        them), and of what each of them leaves unsaid. With images, and then the text tower is
        locked: embeddings of pictures, captions and wrong ones, temperature, logits of pictures.
        With values, the tokens (V, L) of captions that name one value each, the image tower is
        locked: embeddings of pictures, all captions and values, temperature.
        """
        if images is None:
            texts = self.clip.encode_tokens(tokens)
            own, unsaid = self.text(texts).split((sum(SIZES), len(SIZES)), dim=1)
            return [self.shared(texts), own], unsaid
        if values is not None:
            with torch.no_grad():
                image, scale = self.clip.encode_image(images), self.clip.scale
            return image, self.clip.encode_tokens(tokens), self.clip.encode_tokens(values), scale
        with torch.no_grad():
            text, wrong = self.clip.encode_tokens(tokens).chunk(2)
        image = self.clip.encode_image(images)
        scale = self.clip.scale
        return image, text, wrong, scale, [self.shared(image), self.image(image)]


def train_clip(config: Config, resume: bool = False) -> Path:
    """Train CLIP as `config.clip` says and write it to its output folder; returns that folder.

    On our drawings, text first and with labels, or on from our own CLIP whose texts are learned
    (`start` with `text_first` 0); on a person's own pictures, or on from another CLIP, see
    finetune.py. With `resume` goes on from the last state. Raises OSError, ValueError.
    """
    from accelerate.utils import set_seed

    options = config.clip
    if not ours(config.data) or (options.start and options.text_first):
        return finetune_clip(config, resume)
    if options.text_first + options.values_last > 1:
        raise ValueError("clip.text_first and clip.values_last must not be more than 1 together")
    output = Path(options.output)
    accelerator = make_accelerator(config.train.precision)
    set_seed(options.seed)
    cache, vocabulary = output.parent / "cache", output / "vocabulary.txt.gz"
    first, most = config.data.pool, config.data.sources[0].pictures
    size = config.network.resolution if first else SIZE
    if first and accelerator.num_processes > 1:
        raise ValueError("data.pool is for one process")
    fresh = not resume and accelerator.is_main_process
    with accelerator.main_process_first():  # one draws, the others find it
        if not (first and options.start):  # the pool draws its own
            pictures = load_pictures(min(most, first or most), size, options.seed, cache)
        unseen = load_pictures(options.unseen, size, options.seed + 1, cache)
        if options.start:
            clip = load_clip(options.start).requires_grad_(True)
        elif fresh or not vocabulary.exists():
            captions = _all_captions(pictures, options.seed)
            train_vocabulary(captions, options.vocabulary_size, vocabulary)
    if not options.start:
        place = options.architecture
        clip = create_clip(vocabulary, json.loads(Path(place).read_text()) if place else None)
    pool: Pool | None = None
    if first:
        stream = cached(cache if config.data.pool_on_disk else None, size, options.seed)
        how = (stream, most, first, clip.tokenizer, accelerator.device)
        pool = Pool(*how, full=FULL, marks=False, workers=config.data.workers)
    progress = Progress(options.minutes, output, options.steps, accelerator)  # drawing is over
    pair: Any = share_statistics(Pair(clip), accelerator)
    full_rate = options.learning_rate or FROM_NOTHING
    optimizer = torch.optim.AdamW(pair.parameters(), full_rate, weight_decay=0.02)
    states = States(output, 1)
    held: Clip | None = None  # as it was before WORDS
    if fresh:
        states.clear()
    if resume and (state := states.newest()):
        pair.load_state_dict(state["pair"])
        optimizer.load_state_dict(state["optimizer"])
        progress.restore(state["progress"])
        if "held" in state:
            held = copy.deepcopy(clip).train().to(accelerator.device)
            held.load_state_dict(state["held"])
    weights = {
        "contrast": options.contrast_weight,
        "negative": options.negative_weight,
        "held": HOLD,
    }
    rank, world = accelerator.process_index, accelerator.num_processes
    spread, optimizer = accelerator.prepare(pair, optimizer)
    contrast, device = contrastive_loss(rank, world), accelerator.device
    short: Tensor | None = None  # made once the text tower is locked

    def make(step: int) -> tuple[Batch, Tensor]:
        place = (options.batch_size, options.seed, step)
        if pool:
            data = pool.batch(*place)
            return data, torch.cat((data.tokens, data.wrong_tokens))
        data = batch(pictures, *place, FULL, negatives=True, part=rank, parts=world)
        return data, clip.tokenize(data.captions + data.negatives)

    for data, tokens in prefetch(make, progress.step, device.type != "cpu" and not pool):
        pair.train()
        phase, done = _phase(options, progress.fraction)
        for group in optimizer.param_groups:
            group["lr"] = full_rate * _schedule(phase, done, progress.step)
        tokens = tokens.to(device)
        draws = Draws(options.seed, progress.step, part=rank, parts=world)
        if phase == TEXTS:
            figures = _text_losses(spread, data, tokens)
        elif phase == WORDS:
            clip.model.visual.eval()
            held = held or copy.deepcopy(clip).train()
            rng = np.random.default_rng([options.seed, progress.step, 9])
            named = value_captions(LANGUAGES[progress.step % len(LANGUAGES)], rng, "training")
            views, values = augment(data.images, draws), clip.tokenize(named).to(device)
            figures = _value_losses(spread, held, data, tokens, views.to(device), values)
        else:
            views = augment(data.images, draws)
            if short is None:
                texts = value_texts(clip, options.seed, "training")
                short = texts.flatten(0, 1).to(device)
            values = short[progress.step % len(short)]
            figures = _image_losses(spread, contrast, data, tokens, views.to(device), values)
        loss = sum(weights.get(k, options.attribute_weight) * v for k, v in figures.items())
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(pair.parameters(), 5.0)
        if phase != TEXTS and not options.start:  # what texts have learned stays as it is
            pair.shared.requires_grad_(False)
        optimizer.step()
        clip.limit_scale()
        progress.advance(options.batch_size, **figures)
        if progress.every("checkpoint", options.checkpoint_every_minutes) or progress.done:
            if accelerator.is_main_process:
                state = {"pair": pair.state_dict(), "optimizer": optimizer.state_dict()}
                state |= {"held": held.state_dict()} if held else {}
                states.save(progress.step, state | {"progress": progress.state()})
            progress.record(**_zero_shot(clip, unseen))
        if progress.done:
            break
    if pool:  # a generator's run may follow, with one of its own
        pool.close()
    if accelerator.is_main_process:
        save_clip(clip.cpu(), output / "clip", half=True)
        if not options.start:  # for the generator: see its `reads`
            with replacing(output / "reader.safetensors") as part:
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


def _value_losses(
    pair: Any, held: Clip, data: Batch, tokens: Tensor, views: Tensor, values: Tensor
) -> dict[str, Tensor]:
    """`values`, tokens (V, L), name the pictures and the captions; `held` keeps captions in place.

    Captions of HELD values or more, that is: the shorter ones are near those of one.
    """
    image, text, short, scale = pair(tokens, views, values)
    with torch.no_grad():
        before = held.encode_tokens(tokens)
    said = torch.cat((data.said, data.negatives_said)).to(tokens.device)
    long = ((said != UNSAID).sum(dim=1) >= HELD).float()
    shown = visible(data.labels).to(tokens.device)
    return {
        "short": attributes_loss([scale * image @ short.T], shown),
        "text": attributes_loss([scale * before @ short.T], said),
        "held": (long * (1 - (text * before).sum(dim=1))).mean(),
    }


def _phase(options: ClipTrainConfig, fraction: float) -> tuple[int, float]:
    """Which of TEXTS, PICTURES, WORDS it is, and how much of that is over, in [0, 1]."""
    ends = (0.0, options.text_first, 1 - options.values_last, 1.0)
    number = sum(min(fraction, 1 - 1e-9) >= end for end in ends[1:])
    return number, (fraction - ends[number]) / max(1e-6, ends[number + 1] - ends[number])


def _schedule(phase: int, done: float, step: int) -> float:
    """In each phase a cosine down to a fiftieth; 200 steps of warm-up before all."""
    rate = 0.02 + 0.98 * math.cos(min(1.0, done) * math.pi / 2)
    return min(1.0, (step + 1) / 200) * rate * (TUNING if phase == WORDS else 1.0)


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
