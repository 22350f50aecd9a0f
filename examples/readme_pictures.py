"""Draws every picture of README.md: `python examples/readme_pictures.py`.

strip.png with the shipped model; art.png, what it learned from, with the renderer (train extra).
"""

from pathlib import Path

from PIL import Image

from clipavatar import generate
from clipavatar.chibi.draw import render
from clipavatar.chibi.stream import figure_of
from clipavatar.images import contact_sheet

HERE = Path(__file__).parent
PROMPTS = [
    "cute girl, twin tails",
    "Q版 boy",
    "银发 猫耳 女孩",
    "boy with glasses and blue hair",
    "双马尾 粉色头发 戴眼镜 的女孩",
    "laughing boy, orange spiky hair",
    "angry girl, red ponytail",
    "兔耳 紫色卷发 女孩",
]


def strip() -> Image.Image:
    """One avatar for each prompt, with its prompt below."""
    avatars = [generate(prompt, seed=number, size=224) for number, prompt in enumerate(PROMPTS)]
    return contact_sheet([avatar.image for avatar in avatars], columns=4, labels=PROMPTS)


def art() -> Image.Image:
    """The first forty figures of a training stream."""
    return contact_sheet([render(figure_of(3, index), 128) for index in range(40)], columns=10)


strip().save(HERE / "strip.png")
art().quantize(256).save(HERE / "art.png")
