"""A thousand townspeople for a game: write a prompt file, then draw it with one command.

Run it twice: with --resume the second run only looks what is missing.
"""

import itertools
import subprocess
import sys
from pathlib import Path

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
people = ("girl", "boy")
hair = ("black short hair", "brown curly hair", "blonde ponytail", "red spiky hair", "silver bob")
moods = ("smiling", "neutral", "surprised", "winking")

wanted = itertools.islice(itertools.cycle(itertools.product(people, hair, moods)), COUNT)
lines = [
    f"{mood} {person}, {style} --seed {seed} --size 128 --background transparent"
    for seed, (person, style, mood) in enumerate(wanted)
]
Path("townspeople.txt").write_text("\n".join(lines), encoding="utf-8")

command = ["batch", "townspeople.txt", "-o", "townspeople", "--resume"]
raise SystemExit(subprocess.call([sys.executable, "-m", "clipavatar", *command]))
