"""Every tunable number, on one screen, and the strict TOML reader that fills it.

A config file holds one table per dataclass below; a key that does not exist is refused by name.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

CANDIDATES = 2  # faces CLIP chooses from; more drew no more of what is said, see the README
SEARCH_STEPS = 24  # of mode "optimize"; more found no more, see the README
NOISE_SIZE = 48  # Z: length of every noise vector; clipavatar/chibi/sample.py documents its entries


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of a generator."""

    resolution: int = 64  # R, a power of two times 4
    noise_size: int = NOISE_SIZE  # Z
    embedding_size: int = 256  # E of the CLIP it was trained with
    style_size: int = 256  # width of the mapped style vector
    channels: tuple[int, ...] = (256, 160, 96, 48, 28)  # one entry per resolution, 4 px first;
    # with `detail` up to half the resolution
    image_channels: int = 4  # 4: premultiplied RGBA, 3: RGB
    noise_names: str = ""  # "chibi": its entries mean what clipavatar/chibi/sample.py says
    own_words: bool = False  # trained on a person's own pictures: asked in no prompt templates
    noise_steps: int = 0  # so many steps, each as likely, that a noise entry is given as, besides
    reads: tuple[int, ...] = ()  # attributes it reads off the embedding: how many values each has
    detail: int = 0  # channels that draw the last doubling as differences inside each pixel
    palette: int = 0  # flat colours: 0, or with `detail` and `reads` as many as
    # clipavatar/chibi/colours.py names


@dataclass(frozen=True)
class StyleGeneratorConfig:
    """Shape of a style-based generator."""

    resolution: int = 64  # R, a power of two times 4
    noise_size: int = NOISE_SIZE  # Z
    embedding_size: int = 256  # E of the CLIP it is trained with
    style_size: int = 256  # width of the mapped style vector
    mapping_layers: int = 4
    channels: tuple[int, ...] = (256, 160, 96, 48, 28)  # one entry per resolution, 4 px first
    image_channels: int = 4  # 4: premultiplied RGBA, 3: RGB
    mixing: float = 0.0  # share of the training pictures that change style at some level
    noise_names: str = ""  # as in GeneratorConfig
    own_words: bool = False  # the same


@dataclass(frozen=True)
class DcganConfig:
    """Shape of a DCGAN generator."""

    resolution: int = 64  # R, a power of two times 4
    noise_size: int = NOISE_SIZE  # Z
    embedding_size: int = 256  # E of the CLIP it is trained with
    channels: tuple[int, ...] = (256, 128, 64, 32, 16)  # one entry per resolution, 4 px first
    image_channels: int = 4  # 4: premultiplied RGBA, 3: RGB
    noise_names: str = ""  # as in GeneratorConfig
    own_words: bool = False  # the same


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Shape of a discriminator; `channels` runs from the full resolution down to 4 px."""

    resolution: int = 64
    embedding_size: int = 256
    channels: tuple[int, ...] = (32, 64, 96, 128, 192)
    image_channels: int = 4


@dataclass(frozen=True)
class FeatureDiscriminatorConfig:
    """Shape of a discriminator on CLIP features."""

    embedding_size: int = 256  # E of the CLIP
    hidden: int = 256


@dataclass(frozen=True)
class UpscalerConfig:
    """Shape of the upscaler: `width` channels, `depth` residual blocks, `factor` times larger."""

    width: int = 40
    depth: int = 4
    factor: int = 4
    image_channels: int = 4


@dataclass(frozen=True)
class JudgeConfig:
    """Shape of the judge; `values` says how many values each attribute has."""

    resolution: int = 64
    channels: tuple[int, ...] = (24, 48, 96, 128)  # of levels that halve, down to 4 px
    hidden: int = 240
    values: tuple[int, ...] = (2,)


@dataclass(frozen=True)
class SourceConfig:
    """`[[data.sources]]`: a folder, a .tar shard, "shards/*.tar", or "chibi", our own renderer."""

    path: str = "chibi"
    weight: float = 1.0  # its share of every batch, over the sum of all weights
    pictures: int = 40000  # of "chibi": how many are drawn


@dataclass(frozen=True)
class OftenConfig:
    """`[[data.often]]`: figures of "chibi" that have all `values` are trained `times` as often.

    For what a generator still draws wrong; of several that are true of a figure the largest counts.
    """

    values: tuple[str, ...] = ("head=flower",)  # "attribute=value"
    times: float = 1.0


@dataclass(frozen=True)
class DataConfig:
    """`[data]`: what a generator is trained on."""

    sources: tuple[SourceConfig, ...] = (SourceConfig(),)
    crop: str = "centre"  # "pad": the whole picture between bars
    background: str = "white"  # behind transparent pictures, where the generator draws RGB
    flip: bool = False  # mirror half of them; not where captions say left or right
    jitter: float = 0.0  # brightness, contrast, saturation by up to this share
    full_captions: float = 0.8  # of "chibi": share of the captions that say everything
    often: tuple[OftenConfig, ...] = ()  # of "chibi": what is seen more often than it is drawn
    pool: int = 0  # of "chibi": all pictures lie in the device's memory, and training begins when
    # so many are drawn; the rest joins as it comes. For one GPU. 0: read from disk
    pool_on_disk: bool = True  # what is drawn for the pool is kept for the next run; needs 0.1 MB
    # a picture. false: the drawings go straight into training
    pseudo_text: float = 0.1  # noise on the embedding that stands for a missing caption
    cache_gigabytes: float = 8.0  # of decoded pictures on disk; beyond, decoded in training
    workers: int = 0  # threads that decode, processes that draw into the pool; 0: one per core


@dataclass(frozen=True)
class ClipTrainConfig:
    """`clipavatar train-clip`."""

    output: str = "runs/clip"
    architecture: str = ""  # JSON file with embed_dim, vision_cfg, text_cfg; empty: ours
    start: str = ""  # go on from this CLIP: NAME[:PRETRAINED], hub id, folder; empty: from nothing
    minutes: float = 20.0
    steps: int = 0  # of the whole run; 0: what `minutes` allow
    batch_size: int = 32
    learning_rate: float = 0.0  # 0: 2e-3 for one from nothing, 1e-5 for one that goes on
    text_first: float = 0.4  # fraction of the time for the text tower, which is then locked
    values_last: float = 0.1  # fraction at the end for the captions of single values
    attribute_weight: float = 1.0  # of the heads that name attributes
    contrast_weight: float = 1.0
    negative_weight: float = 0.5  # of a caption that is wrong in one attribute
    vocabulary_size: int = 4096
    unseen: int = 2000  # pictures of another seed for the zero-shot figures
    held_out: float = 0.05  # share of a person's own pictures that is kept for the figures
    checkpoint_every_minutes: float = 3.0
    seed: int = 0


@dataclass(frozen=True)
class TrainConfig:
    """`clipavatar train`; loss weights and schedule of the generator's training."""

    output: str = "runs/generator"
    start: str = ""  # a generator's .safetensors of the same shape to go on from, with the
    # discriminator.safetensors beside it, if there is one; empty: from nothing
    clip: str = ""  # NAME[:PRETRAINED], hub id or folder; empty: ours
    reader: str = ""  # file that train-clip wrote, or a generator that has one, for generator.reads
    minutes: float = 75.0
    steps: int = 0  # of the whole run; 0: what `minutes` allow. Only steps are resumed exactly
    warm_up: float = 0.5  # fraction of the time that is supervised only
    low_resolution: float = 0.4  # fraction of the warm-up at half the resolution
    warm_up_batch_size: int = 16  # of all processes together, as batch_size
    batch_size: int = 16
    accumulate: int = 1  # parts that a process's share is computed in, for want of memory
    generator_learning_rate: float = 3e-4
    discriminator_learning_rate: float = 4e-4
    warm_up_learning_rate: float = 2e-3
    focus: float = 3.0  # how much more the pixels of the face count in both
    marks: float = 6.0  # how much more pixels count that show a small thing ("chibi" alone):
    # those of hair tips and expressions twice that; of glasses, earrings, the face's things thrice
    masks: float = 0.1  # weight of the masks of flat colours, where a generator has a palette
    square: float = 1.0  # of the squared difference of pixels, beside the absolute one
    paired_weight: float = 1.0  # of the paired loss once the adversarial one is there
    adversarial: str = "non-saturating"  # a name of losses.ADVERSARIAL
    adversarial_weight: float = 0.6  # force on the pixels, as a share of the paired loss's
    feature_matching: float = 0.0  # the same, of the discriminator's features of the true picture
    mismatch_weight: float = 0.3
    clip_weight: float = 0.15  # the same
    value_weight: float = 0.15  # the same, of captions that name one value; "chibi" alone
    ramp: float = 0.05  # of the whole time; after 1/4 to 5/4 of it both have risen to that
    clip_temperature: float = 0.07
    clip_crops: int = 0  # random crops of each picture that CLIP sees; 0: one shifted view
    clip_learning_rate: float = 0.0  # above 0: CLIP learns too, and a frozen copy scores
    mode_seeking: float = 0.0  # the same share, for variety
    r1_gamma: float = 1.0
    r2_gamma: float = 0.0
    r1_every: int = 16  # steps, of R2 as well
    gradient_penalty: float = 0.0  # Gulrajani's, in every step; 10 with "wasserstein"
    diffaugment: tuple[str, ...] = ()  # "colour", "translation", "cutout"
    ema_half_life: float = 5000.0  # pictures
    checkpoint_every_minutes: float = 3.0
    keep: int = 3  # checkpoints, and the best one beside them
    precision: str = "no"  # "bf16" on a GPU
    compile: bool = False  # torch.compile, which takes minutes at the start
    track: str = ""  # a tracker of accelerate, such as "tensorboard"
    seed: int = 0


@dataclass(frozen=True)
class UpscalerTrainConfig:
    """`clipavatar train-upscaler`."""

    output: str = "runs/upscaler"
    pictures: int = 2000
    minutes: float = 12.0
    batch_size: int = 16
    crop: int = 24  # pixels of the small picture, or all of it
    learning_rate: float = 2e-3
    seed: int = 3


@dataclass(frozen=True)
class JudgeTrainConfig:
    """`clipavatar train-judge`."""

    output: str = "runs/judge"
    start: str = ""  # a judge's .safetensors of the same shape to go on from; empty: from nothing
    resolution: int = 128  # that it sees
    channels: tuple[int, ...] = (32, 48, 96, 128)  # of levels, see models.Judge
    hidden: int = 240
    pictures: int = 30000
    minutes: float = 30.0
    batch_size: int = 64
    learning_rate: float = 3e-3
    hard_weight: float = 2.0  # of the attributes that it learns last
    average: float = 0.998  # share of the averaged weights that a step keeps
    unseen: int = 2000  # pictures of another seed for its own accuracy
    checkpoint_every_minutes: float = 1.0
    seed: int = 5


@dataclass(frozen=True)
class ProbeTrainConfig:
    """`clipavatar train-probe`."""

    output: str = "runs/probe"
    clip: str = ""  # NAME[:PRETRAINED], hub id or folder; empty: ours
    resolution: int = 128  # of the pictures: the generator's
    pictures: int = 40000  # 33 kB of memory each
    unseen: int = 2000  # pictures of another seed for its accuracy
    rank: int = 32  # numbers that it reads at each place of the map
    epochs: int = 8
    batch_size: int = 250
    learning_rate: float = 2e-3
    seed: int = 21


@dataclass(frozen=True)
class Config:
    """A whole config file. Raises ValueError for two networks to train."""

    data: DataConfig = field(default_factory=DataConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    style_generator: StyleGeneratorConfig | None = None  # where there is such a table, this is the
    dcgan: DcganConfig | None = None  # network that is trained
    feature_discriminator: FeatureDiscriminatorConfig | None = None  # in place of the other
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    upscaler: UpscalerConfig = field(default_factory=UpscalerConfig)
    clip: ClipTrainConfig = field(default_factory=ClipTrainConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    train_upscaler: UpscalerTrainConfig = field(default_factory=UpscalerTrainConfig)
    judge: JudgeTrainConfig = field(default_factory=JudgeTrainConfig)
    probe: ProbeTrainConfig = field(default_factory=ProbeTrainConfig)

    def __post_init__(self) -> None:
        if self.style_generator and self.dcgan:
            raise ValueError("config: [style_generator] and [dcgan]: only one can be trained")

    @property
    def network(self) -> GeneratorConfig | StyleGeneratorConfig | DcganConfig:
        """The generator that is trained."""
        network = self.style_generator or self.dcgan or self.generator
        own = any(source.path != "chibi" for source in self.data.sources)
        return dataclasses.replace(network, own_words=True) if own else network


T = TypeVar("T")


def from_dict(kind: type[T], values: dict[str, Any], where: str = "config") -> T:
    """Build the dataclass `kind` from plain values.

    Raises ValueError, naming the key, for an unknown key or a value of the wrong type.
    """
    hints = get_type_hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        known = ", ".join(hints)
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known keys are {known}")
    made = {k: _convert(hints[k], v, f"{where}.{k}") for k, v in values.items()}
    return kind(**made)


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ValueError(f"{where}: expected a table, got {value!r}")
        return from_dict(hint, value, where)
    origin = get_origin(hint)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(get_args(hint)[0], v, where) for v in value)
    if origin in (Union, types.UnionType):
        tables = [kind for kind in get_args(hint) if dataclasses.is_dataclass(kind)]
        return _convert(tables[0], value, where) if tables else value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(hint, type) or type(value) is not hint:
        name = getattr(hint, "__name__", str(hint))
        raise ValueError(f"{where}: expected {name}, got {value!r}")
    return value


def load_config(path: str | Path) -> Config:
    """Read a TOML config. Raises FileNotFoundError, or ValueError for what is wrong in it."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    return from_dict(Config, values, Path(path).name)


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raises ValueError unless `value` is an int from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def check_levels(resolution: int, channels: tuple[int, ...]) -> None:
    """Raises ValueError unless `channels`, at 4 px, 8 px and so on, end at `resolution`."""
    levels = len(channels)
    if 4 * 2 ** (levels - 1) != resolution:
        raise ValueError(
            f"resolution {resolution} needs {levels} channels to be "
            f"{4 * 2 ** (levels - 1)}: one entry per size from 4 px on"
        )
