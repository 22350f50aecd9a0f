"""The networks, one class a file."""

from clipavatar.models.discriminator import Discriminator
from clipavatar.models.generator import Generator
from clipavatar.models.judge import Judge
from clipavatar.models.upscaler import Upscaler

__all__ = ["Discriminator", "Generator", "Judge", "Upscaler"]
