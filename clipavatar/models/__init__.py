"""The networks, one class a file."""

from clipavatar.models.dcgan import Dcgan
from clipavatar.models.discriminator import Discriminator
from clipavatar.models.feature_discriminator import FeatureDiscriminator
from clipavatar.models.generator import Generator
from clipavatar.models.judge import Judge
from clipavatar.models.style_generator import StyleGenerator
from clipavatar.models.upscaler import Upscaler

__all__ = [
    "Dcgan",
    "Discriminator",
    "FeatureDiscriminator",
    "Generator",
    "Judge",
    "StyleGenerator",
    "Upscaler",
]
