"""A data set that is not ours, to see that training works on anyone's: fruit, drawn by Pillow.

    python examples/fruit.py draw pictures 2000                 # RGB, mixed sizes, png, jpg, webp
    clipavatar train examples/train_fruit.toml                  # CLIP, then the generator, at 32 px
    python examples/fruit.py judge pictures runs/fruit          # does it draw what it is asked for?

A picture is one of 4 kinds of fruit in one of 5 colours on one of 4 grounds, its caption one of
three wordings. The judge is a classifier trained on the real pictures alone, its own accuracy is
that on real ones kept apart; every combination is then drawn with seeds that training has not seen.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

VALUES = {
    "fruit": {"apple": "", "pear": "", "banana": "", "cherries": ""},
    "colour": {
        "red": "#d22",
        "green": "#2a4",
        "yellow": "#ec2",
        "purple": "#83b",
        "orange": "#f80",
    },
    "ground": {"white": "#fff", "blue": "#9cf", "grey": "#999", "black": "#222"},
}
WORDINGS = (
    "a {colour} {fruit} on {ground}",
    "{ground} ground, {colour} {fruit}",
    "{fruit}, {colour}, {ground} behind",
)
SIDE, DARK = 256, "#543"


def paint(fruit: str, colour: str, ground: str, rng: random.Random) -> Image.Image:
    """One picture; size, place and proportions vary."""
    fill, behind = VALUES["colour"][colour], VALUES["ground"][ground]
    image = Image.new("RGB", (SIDE, SIDE), behind)
    pen = ImageDraw.Draw(image)
    x, y, r = 128 + rng.randint(-16, 16), 136 + rng.randint(-16, 16), rng.randint(64, 84)
    if fruit == "apple":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=DARK, width=5)
        pen.line((x, y - r, x + 10, y - r - 30), fill=DARK, width=9)
    elif fruit == "pear":
        pen.ellipse((x - r * 0.5, y - r * 1.25, x + r * 0.5, y), fill=fill)
        pen.ellipse((x - r * 0.9, y - r * 0.4, x + r * 0.9, y + r), fill=fill)
        pen.line((x, y - r * 1.2, x - 8, y - r * 1.5), fill=DARK, width=9)
    elif fruit == "banana":
        pen.chord((x - r * 1.2, y - r, x + r * 1.2, y + r), 10, 170, fill, DARK, 5)
        pen.ellipse((x - r * 0.95, y - r, x + r * 0.95, y + r * 0.45), fill=behind)
    else:
        for side in (-0.6, 0.6):
            pen.line((x + side * r, y + r * 0.3, x, y - r), fill=DARK, width=7)
            left = x + side * r - r / 2
            pen.ellipse((left, y, left + r, y + r), fill=fill)
    size, wide = rng.choice((64, 96, 160, 256)), rng.choice((1.0, 1.0, 1.25))
    whole = Image.new("RGB", (int(SIDE * wide), SIDE), behind)
    whole.paste(image, ((whole.width - SIDE) // 2, 0))
    return whole.resize((int(size * wide), size), Image.Resampling.LANCZOS)


def draw(folder: Path, count: int) -> None:
    """`count` pictures and their metadata.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(count):
        rng = random.Random(index)
        labels = {name: rng.choice(list(values)) for name, values in VALUES.items()}
        file = f"{index:05d}.{rng.choice(('png', 'jpg', 'webp'))}"
        paint(**labels, rng=rng).save(folder / file, quality=92)
        texts = [wording.format(**labels) for wording in WORDINGS]
        rows.append({"file_name": file, "text": texts, **labels})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metadata.jsonl").write_text(lines, encoding="utf-8")


def seen(image: Image.Image) -> Tensor:
    """What the classifier sees: (3, 32, 32) in [-1, 1], the middle square."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side)).resize((32, 32))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 127.5 - 1


def classifier(images: Tensor, labels: Tensor) -> nn.Module:
    """Trained on real pictures (N, 3, 32, 32) with labels (N, 3)."""
    layers: list[nn.Module] = []
    for before, after in ((3, 24), (24, 48), (48, 64)):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
    sizes = [len(values) for values in VALUES.values()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, sum(sizes)))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(12):
        for rows in torch.randperm(len(images)).split(64):
            soft = images[rows] + 0.1 * torch.randn(len(rows), 3, 32, 32)
            logits = model(soft).split(sizes, dim=1)
            loss = sum(F.cross_entropy(x, labels[rows, i]) for i, x in enumerate(logits))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """In %, for each label and for all three at once."""
    sizes = [len(values) for values in VALUES.values()]
    found = torch.stack([x.argmax(dim=1) for x in model(images).split(sizes, dim=1)], dim=1)
    right = found == labels
    each = {name: 100 * float(right[:, i].float().mean()) for i, name in enumerate(VALUES)}
    return each | {"all": 100 * float(right.all(dim=1).float().mean())}


def judge(folder: Path, model: str, seeds: int, sheet: str) -> None:
    """Print how often the pictures of a trained model are what the texts say."""
    from clipavatar.images import contact_sheet
    from clipavatar.pipeline import AvatarPipeline

    torch.manual_seed(0)
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").open(encoding="utf-8")]
    images = torch.stack([seen(Image.open(folder / row["file_name"])) for row in rows])
    places = {name: list(values) for name, values in VALUES.items()}
    labels = torch.tensor([[places[n].index(row[n]) for n in places] for row in rows])
    kept = len(rows) // 10
    network = classifier(images[kept:], labels[kept:])
    print("classifier on real ones:", accuracy(network, images[:kept], labels[:kept]))
    pipeline = AvatarPipeline.from_pretrained(model)
    made, wanted = [], []
    for number, said in enumerate(itertools.product(*places.values())):
        text = WORDINGS[number % len(WORDINGS)].format(**dict(zip(places, said, strict=True)))
        for avatar in pipeline.generate_batch([text], seed=1000, n=seeds, size=64):
            made.append(avatar.image)
            wanted.append([places[n].index(v) for n, v in zip(places, said, strict=True)])
    pictures = torch.stack([seen(image) for image in made])
    print(f"{len(made)} pictures drawn:", accuracy(network, pictures, torch.tensor(wanted)))
    if sheet:
        contact_sheet(made[::seeds], columns=10).save(sheet)


def main() -> None:
    """The two commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("draw")
    one.add_argument("folder", type=Path)
    one.add_argument("count", type=int)
    other = commands.add_parser("judge")
    other.add_argument("folder", type=Path)
    other.add_argument("model")
    other.add_argument("--seeds", type=int, default=4, help="pictures of each text (4)")
    other.add_argument("--sheet", default="", help="contact sheet, a PNG")
    args = parser.parse_args()
    if args.command == "draw":
        draw(args.folder, args.count)
    else:
        judge(args.folder, args.model, args.seeds, args.sheet)


if __name__ == "__main__":
    main()
