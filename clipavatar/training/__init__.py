"""Everything that makes weights; needs the `train` extra."""

from clipavatar.training.align import train_clip
from clipavatar.training.judge import train_judge
from clipavatar.training.loop import train
from clipavatar.training.probe import train_probe
from clipavatar.training.setup import dry_run
from clipavatar.training.sharpen import train_upscaler

__all__ = ["dry_run", "train", "train_clip", "train_judge", "train_probe", "train_upscaler"]
