"""CLIP, the text and image encoder: the only file that imports open_clip.

Any open_clip model can take the embedded one's place. Images come as floats (B, 3, H, W) in
[-1, 1]; this file alone turns that range into the one a model was trained on, once, with the
model's own mean and std.
"""

from __future__ import annotations

import copy
import difflib
import gzip
import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipavatar.probe import Probe, load_probe, maps_of
from clipavatar.tower import fit, folded

NAME = "clipavatar-64"
EMBEDDED = Path(__file__).parent / "assets" / "clip"
CONFIG_FILE, WEIGHTS_FILE = "open_clip_config.json", "open_clip_model.safetensors"
VOCABULARY_FILE = "bpe_simple_vocab.txt.gz"
PROBE_FILE = "linear_probe.safetensors"

# The pictures of 64 px are enlarged, so that the stem, which halves them twice, leaves 32 px: an
# eye is 8 px wide, and towers that halve the pictures themselves never learned its colour. The
# attention pool knows where on the face a thing is. 1.4 million parameters, 180 pictures a second
# forward and backward on two cores; after 10,000 pictures 88 % of the eye colours, where dla46_c at
# 64 px knew 19 % and a ResNet with average pooling 62 %.
ARCHITECTURE: dict[str, Any] = {
    "embed_dim": 256,
    "vision_cfg": {"image_size": 128, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64},
    "text_cfg": {"context_length": 64, "width": 128, "heads": 4, "layers": 3},
}
MULTILINGUAL = ("xlm", "mt5", "multilingual", "chinese", "gemma")  # in a tokenizer's name
LIKE_LENGTH = 32  # texts that are trained together
PREPROCESSING = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "interpolation": "bicubic"}


class Clip(nn.Module):
    """An open_clip model with its tokenizer and its own preprocessing.

    `load_clip` gives it frozen and in eval mode. Training needs `clip.train()`: with batch norm in
    eval mode a fresh image tower does not learn.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any, tokenizer: Any, config: dict[str, Any], name: str):
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.config = config  # open_clip's model_cfg: embed_dim, vision_cfg, text_cfg
        self.name = name
        self.preprocessing: dict[str, Any] = dict(self.model.visual.preprocess_cfg)
        for key in ("mean", "std"):
            values = torch.tensor(self.preprocessing[key], dtype=torch.float32).expand(3)
            self.register_buffer(key, values.reshape(1, 3, 1, 1).clone(), persistent=False)
        # three times faster for convolutions on the CPU, and nothing lost elsewhere
        self.model.visual.to(memory_format=torch.channels_last)
        self.folded: nn.Module | None = None
        self.probe: Probe | None = None

    @property
    def embedding_size(self) -> int:
        """E, the length of an embedding."""
        return int(self.config["embed_dim"])

    @property
    def language(self) -> str | None:
        """The language its prompts are to be written in: "en", or None for the user's own.

        Ours has a vocabulary of its own; of the others the multilingual ones say so in the name of
        their tokenizer. All the rest is all but blind to Chinese.
        """
        text = self.config["text_cfg"]
        own = (text.get("tokenizer_kwargs") or {}).get("bpe_path")
        name = str(text.get("hf_tokenizer_name") or "").lower()
        return None if own or any(mark in name for mark in MULTILINGUAL) else "en"

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, of what the image tower sees."""
        size = self.model.visual.image_size
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    @property
    def logit_scale(self) -> Tensor:
        """The learned temperature as open_clip stores it: logits = exp(logit_scale) * cosine."""
        return self.model.logit_scale  # type: ignore[no-any-return]

    @property
    def scale(self) -> Tensor:
        """What multiplies a cosine to make a logit."""
        return self.logit_scale.exp()

    @torch.no_grad()
    def limit_scale(self) -> None:
        """Keep it between 1 and 100 as Radford et al., 2021; after each step of a training."""
        self.logit_scale.clamp_(0, math.log(100))

    def fold(self) -> None:
        """For seeing alone: what depends on the weights of a ResNet is computed once."""
        from open_clip.modified_resnet import ModifiedResNet

        if not self.training and isinstance(self.model.visual, ModifiedResNet):
            self.folded = folded(self.model.visual)

    def train(self, mode: bool = True) -> Self:
        """Nothing that follows from the weights stays where they may change."""
        if mode:
            self.folded = self.probe = None
        return super().train(mode)

    def tokenize(self, prompts: Sequence[str]) -> Tensor:
        """P prompts -> token ids (P, L), on the CPU; a prompt longer than L is cut short."""
        return self.tokenizer(list(prompts))  # type: ignore[no-any-return]

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """Token ids (P, L) -> unit vectors (P, E)."""
        causal = isinstance(getattr(self.model, "attn_mask", None), Tensor)
        if self.training and causal and tokens.device.type == "cpu":
            return self._encode_short(tokens)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    def _encode_short(self, tokens: Tensor) -> Tensor:
        """The same without columns of padding, texts of like length together: half of the work.

        Not where pictures are made: there no float may depend on the other texts of a batch.
        """
        lengths = tokens.shape[1] - (tokens != 0).flip(1).int().argmax(dim=1)  # "!" is 0 as well
        order = lengths.argsort(stable=True)
        made = [
            self._encode_columns(tokens[rows], int(lengths[rows].max()))
            for rows in torch.split(order, LIKE_LENGTH)
        ]
        return F.normalize(torch.cat(made)[order.argsort()].float(), dim=-1)

    def _encode_columns(self, tokens: Tensor, length: int) -> Tensor:
        """Token ids (P, L), padding from column `length` on -> the text features (P, E)."""
        places = {"positional_embedding": self.model.positional_embedding[:length]}
        places["attn_mask"] = self.model.attn_mask[:length, :length]
        made = torch.func.functional_call(self.model, places, kwargs={"text": tokens[:, :length]})
        return made["text_features"] if isinstance(made, dict) else made[1]  # type: ignore[no-any-return]

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """P prompts (a lone string is one) -> unit vectors (P, E)."""
        tokens = self.tokenize([prompts] if isinstance(prompts, str) else prompts)
        return self.encode_tokens(tokens.to(self.mean.device))

    def preprocess(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] -> what the image tower takes: sized and normalised."""
        pixels = fit((images + 1) / 2, self.image_size, self.preprocessing)  # [0, 1]
        pixels = (pixels - self.mean).div_(self.std)
        return pixels.contiguous(memory_format=torch.channels_last)

    def encode_image(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1], any size -> unit vectors (B, E); differentiable."""
        tower = self.model.encode_image if self.folded is None else self.folded
        return F.normalize(tower(self.preprocess(images)).float(), dim=-1)

    def see_maps(self, images: Tensor) -> Tensor:
        """Images as for `encode_image` -> (B, C, h, w): what a probe reads.

        Raises ValueError for a tower that has no such maps.
        """
        return maps_of(self.folded or self.model.visual, self.preprocess(images))

    def read(self, images: Tensor) -> Tensor:
        """Images as for `encode_image` -> logits (B, names) by the probe.

        Raises ValueError without one, or with another CLIP's.
        """
        if self.probe is None:
            raise ValueError(f"CLIP {self.name!r} has no probe: clipavatar train-probe fits one")
        return self.probe(self.see_maps(images))  # type: ignore[no-any-return]


def create_clip(bpe_path: str | Path, architecture: dict[str, Any] | None = None) -> Clip:
    """A fresh model with random weights, in train mode, around our own vocabulary.

    `architecture` is open_clip's model_cfg (embed_dim, vision_cfg, text_cfg); None: ours. The
    vocabulary's size is filled in. Raises FileNotFoundError, or ValueError for a bad architecture.
    """
    import open_clip

    bpe_path = Path(bpe_path).resolve()
    config = copy.deepcopy(ARCHITECTURE if architecture is None else architecture)
    _check_config(config, "architecture")
    config["text_cfg"]["tokenizer_kwargs"] = {"bpe_path": str(bpe_path)}
    tokenizer = _tokenizer("", config, bpe_path)
    config["text_cfg"]["vocab_size"] = _vocabulary_size(tokenizer)
    with tempfile.TemporaryDirectory() as folder, _one_line("cannot build this CLIP"):
        registration = Path(folder) / f"{NAME}.json"
        registration.write_text(json.dumps(config))
        open_clip.add_model_config(registration)  # read at once; the file may go
        model = open_clip.create_model(NAME, force_preprocess_cfg=PREPROCESSING)
    return Clip(model, tokenizer, config, NAME)


def load_clip(spec: str = "", device: str | torch.device = "cpu") -> Clip:
    """Load a CLIP, frozen and in eval mode, float32.

    `spec` is "" (the embedded one), NAME:PRETRAINED (`ViT-B-32:laion2b_s34b_b79k`), NAME:FILE
    (weights on disk in open_clip's format), `hf-hub:org/repo`, or a folder that open_clip's own
    `local-dir:` schema reads. Raises FileNotFoundError for what is not there or can not be
    fetched, ValueError for what is wrong with it, one line each.
    """
    spec = str(spec).removeprefix("local-dir:")
    folder = Path(spec).expanduser() if spec else EMBEDDED
    if folder.is_dir() or not spec:
        return _load_folder(folder, spec or NAME).to(device)
    if spec.startswith("hf-hub:"):
        return _load(spec, None, None, spec).to(device)
    name, _, pretrained = spec.partition(":")
    return _load_named(name, pretrained, spec).to(device)


def _load_folder(folder: Path, name: str) -> Clip:
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no CLIP here: {path} does not exist")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))["model_cfg"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not open_clip's JSON with a 'model_cfg' ({error})") from None
    _check_config(config, str(path))
    files = [f for end in (".safetensors", ".bin", ".pth") for f in folder.glob(f"*{end}")]
    if all(file.name == PROBE_FILE for file in files):
        raise FileNotFoundError(f"no weights here: {folder / WEIGHTS_FILE} does not exist")
    # open_clip would look for a relative path in the current folder
    named = (config["text_cfg"].get("tokenizer_kwargs") or {}).get("bpe_path")
    vocabulary = folder / Path(named or VOCABULARY_FILE).name
    bpe = vocabulary if named or vocabulary.is_file() else None
    clip = _load(f"local-dir:{folder}", None, bpe, name)
    if (file := folder / PROBE_FILE).is_file():
        with _one_line(f"cannot read the linear probe {file}"):
            clip.probe = load_probe(file)
    return clip


def _load_named(name: str, pretrained: str, spec: str) -> Clip:
    import open_clip

    models = open_clip.list_models()
    name = name.replace("/", "-") if name.replace("/", "-") in models else name
    if name not in models:
        if not pretrained and (os.sep in spec or "/" in spec):
            raise FileNotFoundError(f"no such CLIP folder: {spec}")
        close = difflib.get_close_matches(name, models, 3, 0.4) or models[:3]
        raise ValueError(f"unknown CLIP architecture {name!r}; near it: {', '.join(close)}")
    tags = open_clip.list_pretrained_tags_by_model(name)
    choice = f"one of {', '.join(tags)}, or a weights file" if tags else "a weights file"
    if not pretrained:
        raise ValueError(f"{name!r} alone has random weights: write {name}:PRETRAINED, {choice}")
    if not (known := open_clip.get_pretrained_cfg(name, pretrained)):
        path = Path(pretrained).expanduser()
        if not path.is_file():
            if path.suffix or os.sep in pretrained or "/" in pretrained:
                raise FileNotFoundError(f"no such CLIP weights file: {pretrained}")
            raise ValueError(f"unknown weights {pretrained!r} for CLIP {name!r}: {choice}")
        # A bare file says nothing of its mean and std: take them where all tags agree.
        pretrained, known = str(path), dict(PREPROCESSING) if name == NAME else {}
        for key in ("mean", "std", "interpolation", "resize_mode"):
            values = [open_clip.get_pretrained_cfg(name, tag).get(key) for tag in tags]
            if values and values.count(values[0]) == len(values):
                known[key] = values[0]
        return _load(name, pretrained, None, spec, force_preprocess_cfg=known)
    # OpenAI's weights want QuickGELU whichever name they are asked for under
    return _load(name, pretrained, None, spec, force_quick_gelu=bool(known.get("quick_gelu")))


def _load(source: str, pretrained: str | None, bpe: Path | None, name: str, **how: Any) -> Clip:
    """Everything through open_clip's factory; `source` is what its `create_model` takes."""
    import open_clip

    with _one_line(f"cannot load CLIP {name!r}"):
        config = open_clip.get_model_config(source)
        model = open_clip.create_model(source, pretrained, require_pretrained=True, **how)
        file = (config["text_cfg"].get("tokenizer_kwargs") or {}).get("bpe_path")
        if source.startswith("hf-hub:") and file:
            fetch = open_clip.pretrained.download_pretrained_from_hf
            bpe = Path(fetch(source.removeprefix("hf-hub:"), filename=file))
    tokenizer = _tokenizer(source, config, bpe)
    have, need = config["text_cfg"].get("vocab_size", 49408), _vocabulary_size(tokenizer)
    if need > have and not config["text_cfg"].get("hf_model_name"):
        raise ValueError(f"CLIP {name!r} knows {have} tokens, its vocabulary has {need}")
    if how.get("force_quick_gelu"):
        config["quick_gelu"] = True
    if bpe is not None:
        config["text_cfg"]["tokenizer_kwargs"] = {"bpe_path": str(bpe.resolve())}
    return Clip(model, tokenizer, config, name).eval().requires_grad_(False)


def save_clip(clip: Clip, folder: str | Path, half: bool = False) -> None:
    """Write `clip` as a folder that `load_clip` and open_clip's `local-dir:` schema load.

    `half` stores the parameters as float16; they load back as float32. Every file is complete
    before it takes its name, and a folder that did not exist appears whole.
    """
    from safetensors.torch import save

    folder = Path(folder)
    config = copy.deepcopy(clip.config)
    parameters = dict(clip.model.named_parameters())
    weights = {
        key: (value.half() if half and key in parameters else value).detach().cpu().contiguous()
        for key, value in clip.model.state_dict().items()
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    draft.mkdir(exist_ok=True)
    try:
        kwargs = config["text_cfg"].get("tokenizer_kwargs") or {}
        if "bpe_path" in kwargs:
            shutil.copyfile(kwargs["bpe_path"], draft / VOCABULARY_FILE)
            kwargs["bpe_path"] = VOCABULARY_FILE
        elif hasattr(clip.tokenizer, "save_pretrained"):  # a Hugging Face tokenizer
            clip.tokenizer.save_pretrained(str(draft))
        both = {"model_cfg": config, "preprocess_cfg": clip.preprocessing}
        (draft / CONFIG_FILE).write_text(json.dumps(both, indent=2) + "\n", encoding="utf-8")
        (draft / WEIGHTS_FILE).write_bytes(save(weights))
        if clip.probe is not None:
            (draft / PROBE_FILE).write_bytes(clip.probe.dump(half))
        if folder.exists():
            (folder / PROBE_FILE).unlink(missing_ok=True)  # of the weights before
            for file in sorted(draft.iterdir()):
                os.replace(file, folder / file.name)
        else:
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def contrastive_loss(rank: int = 0, world: int = 1) -> Any:
    """open_clip's symmetric loss, over all processes: image, text (B, E), scale -> scalar."""
    from open_clip.loss import ClipLoss

    return ClipLoss(rank=rank, world_size=world, gather_with_grad=True)


def byte_words(text: str) -> list[tuple[str, ...]]:
    """Words of `text` as open_clip's tokenizer cuts them: characters, each in its byte letters."""
    from open_clip import tokenizer

    simple, letters = tokenizer._tokenizer, tokenizer.bytes_to_unicode()
    words = simple.pat.findall(simple.clean_fn(text))
    return [tuple("".join(letters[b] for b in char.encode()) for char in word) for word in words]


def _tokenizer(source: str, config: dict[str, Any], bpe: Path | None) -> Any:
    import open_clip

    if bpe is not None and not bpe.is_file():
        raise FileNotFoundError(f"no such vocabulary: {bpe}")
    how = {} if bpe is None else {"bpe_path": str(bpe)}
    with _one_line(f"cannot read the vocabulary {bpe or f'of CLIP {source!r}'}"):
        return open_clip.get_tokenizer(source, config["text_cfg"].get("context_length"), **how)


def _vocabulary_size(tokenizer: Any) -> int:
    # not `vocab_size`: two merges that spell one token leave a gap in the ids
    return 1 + int(max(getattr(tokenizer, "encoder", {"": -1}).values()))


def _check_config(config: Any, where: str) -> None:
    for key in ("embed_dim", "vision_cfg", "text_cfg"):
        if not isinstance(config, dict) or key not in config:
            raise ValueError(f"{where}: {key!r} is missing")


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    """Silence open_clip's log, and turn its many kinds of failure into one line that says `what`.

    FileNotFoundError where a file or the network is at the bottom of it, ValueError otherwise.
    """
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        kind: type[Exception] = ValueError
        while cause is not None:
            if isinstance(cause, OSError) and not isinstance(cause, gzip.BadGzipFile):
                kind = FileNotFoundError
            cause = cause.__cause__ or cause.__context__
        reason = " ".join(str(error).split()) or type(error).__name__
        raise kind(f"{what}: {reason[:240]}") from None
    finally:
        logging.disable(before)
