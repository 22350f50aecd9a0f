"""Draws every picture of README.md with the shipped model: `python examples/readme_pictures.py`."""

from pathlib import Path

from clipavatar import generate
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

avatars = [generate(prompt, seed=number, size=224) for number, prompt in enumerate(PROMPTS)]
sheet = contact_sheet([avatar.image for avatar in avatars], columns=4, labels=PROMPTS)
sheet.save(HERE / "strip.png")
