"""Draws every picture of README.md, or sheets to judge a model by.

    python examples/readme_pictures.py                                # strip.png, art.png
    python examples/readme_pictures.py --sheets sheets                # of the shipped model
    python examples/readme_pictures.py --sheets sheets --model runs/generator
    python examples/readme_pictures.py --art art                      # of the drawings, no model

strip.png comes from the shipped model; art.png, what it learned from, from the renderer (train
extra). The sheets: 6 prompts by 16 seeds, every value by its English and its Chinese word, one seed
through all expressions, and 16 partial prompts. Of the drawings: every value of every attribute,
64 figures of a stream, a few people in every expression, and one at three sizes.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from clipavatar import AvatarPipeline
from clipavatar.chibi.draw import render
from clipavatar.chibi.sample import SAMPLING, figure
from clipavatar.chibi.stream import figure_of
from clipavatar.config import NOISE_SIZE
from clipavatar.images import contact_sheet, has_chinese
from clipavatar.prompts import describe

HERE = Path(__file__).parent
STRIP = {  # prompt -> seed
    "cute girl, twin tails": 0,
    "Q版 boy": 1,
    "银发 猫耳 女孩": 2,
    "man with a beard, suit and tie": 3,
    "winking woman, pink wavy hair, kimono": 4,
    "戴墨镜的熊猫": 5,
    "laughing boy, orange spiky hair": 6,
    "angry girl, red ponytail, hoodie": 7,
    "狐狸 巫师帽": 8,
    "crying boy, blue curly hair, glasses": 9,
    "双马尾 粉色头发 戴眼镜 的女孩": 10,
    "grey-haired woman, crown, green dress": 11,
    "害羞的女孩 水手服 蝴蝶结": 12,
    "bald man, moustache, smug": 13,
    "brown bear with headphones, blue scarf": 14,
    "汉服 女孩 黑色长发 樱花": 15,
}
SEEDS = [
    "cute girl, twin tails",
    "Q版 boy",
    "a cat",
    "man with a beard, suit",
    "银发 猫耳 女孩",
    "woman, brown skin, red dress",
]
PEOPLE = ["girl, pink bob, blue dress", "man, short black hair, suit", "white cat"]
PARTIAL = [
    *("girl", "boy", "woman", "man", "dog", "熊猫", "glasses", "戴帽子", "angry", "红头发"),
    *("kimono", "freckles", "twin tails", "蓝眼睛", "crown", "cute"),
]


PLAIN = {  # on whom the drawings show their values
    **{"character": "girl", "hair": "ponytail", "fringe": "side-swept", "hair_colour": "brown"},
    **{"eye_colour": "blue", "expression": "smiling", "skin": "light", "clothes": "T-shirt"},
    **dict.fromkeys(("hair_tips", "glasses", "head", "face", "earrings"), "none"),
    "clothes_colour": "red",
}
MODELS = [  # of every expression
    PLAIN,
    {**PLAIN, "character": "man", "hair": "short hair", "skin": "dark", "face": "beard"},
    {**PLAIN, "character": "woman", "hair": "wavy hair", "hair_colour": "pink", "skin": "tan"},
    {**PLAIN, "character": "boy", "hair": "spiky hair", "hair_colour": "blonde", "skin": "brown"},
    {"character": "cat", "hair_colour": "white", "eye_colour": "green", "head": "none"},
]


def strip(pipeline: AvatarPipeline) -> Image.Image:
    """One avatar for each prompt, with its prompt below."""
    avatars = [pipeline.generate(prompt, seed, size=200) for prompt, seed in STRIP.items()]
    return contact_sheet([avatar.image for avatar in avatars], columns=8, labels=list(STRIP))


def art() -> Image.Image:
    """The first forty figures of a training stream."""
    return contact_sheet([render(figure_of(3, index), 128) for index in range(40)], columns=10)


def words(language: str) -> dict[str, str]:
    """A prompt of each value, in its usual words -> a label."""
    made = {}
    for name, values in SAMPLING.items():
        for value in values:
            if value != "none":
                person = {} if name == "character" else {"character": "girl"}
                clothes = {"clothes": "T-shirt"} if name == "clothes_colour" else {}
                prompt = describe({**person, **clothes, name: value}, language, "portrait")
                made[prompt] = f"{name[:6]}: {value}"
    return made


def sheets(pipeline: AvatarPipeline, folder: Path) -> None:
    """Contact sheets to look at, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    small = {"size": 96}
    jobs: dict[str, tuple[int, list[tuple[str, int]], list[str] | None]] = {
        "seeds": (16, [(prompt, seed) for prompt in SEEDS for seed in range(16)], None),
        "partial": (16, [(prompt, seed) for seed in (1, 2) for prompt in PARTIAL], PARTIAL * 2),
        "expressions": (
            len(SAMPLING["expression"]),
            [(f"{one}, {face}", 4) for one in PEOPLE for face in SAMPLING["expression"]],
            list(SAMPLING["expression"]) * len(PEOPLE),
        ),
    }
    for language in ("en", "zh"):
        made = words(language)
        jobs[f"values-{language}"] = (14, [(prompt, 11) for prompt in made], list(made.values()))
    for name, (columns, asked, labels) in jobs.items():
        bar = tqdm(asked, desc=name)
        images = [pipeline.generate(prompt, seed, **small).image for prompt, seed in bar]
        contact_sheet(images, columns=columns, labels=labels).save(folder / f"{name}.png")


def art_sheets(folder: Path) -> None:
    """Contact sheets of the renderer, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    usual = np.zeros(NOISE_SIZE, np.float32)
    names = [(name, value) for name, values in SAMPLING.items() for value in values]
    values = [render(figure({**PLAIN, name: value}, usual), 128) for name, value in names]
    labels = [f"{name}: {value}".replace("_", " ") for name, value in names]
    faces = list(SAMPLING["expression"])
    people = [figure({**one, "expression": face}, usual) for one in MODELS for face in faces]
    sizes = [render(figure_of(3, 0), size).resize((512, 512), 0) for size in (64, 128, 512)]
    for name, made in {
        "values": contact_sheet(values, columns=11, labels=labels),
        "figures": contact_sheet([render(figure_of(3, index), 128) for index in range(64)]),
        "expressions": contact_sheet(
            [render(one, 128) for one in people], columns=len(faces), labels=faces * len(MODELS)
        ),
        "sizes": contact_sheet(sizes, columns=3, labels=["64 px", "128 px", "512 px"]),
    }.items():
        made.save(folder / f"{name}.png")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheets", type=Path, help="folder for the sheets; README's are left")
    parser.add_argument("--art", type=Path, help="folder for sheets of the drawings themselves")
    parser.add_argument("--model", default="", help="another than the shipped one")
    args = parser.parse_args()
    if args.art:
        art_sheets(args.art)
        return
    if not has_chinese():
        parser.error("no font here has Chinese characters for the labels: install Noto Sans CJK")
    pipeline = AvatarPipeline.from_pretrained(args.model)
    if args.sheets:
        sheets(pipeline, args.sheets)
        return
    strip(pipeline).save(HERE / "strip.png")
    art().quantize(256).save(HERE / "art.png")


if __name__ == "__main__":
    main()
