"""Write your own prompt here, run `python examples/type_a_prompt.py`, look at avatar.png."""

from clipavatar import generate

PROMPT = "cute girl, twin tails, pink hair, glasses"  # or: "双马尾 粉色头发 戴眼镜 的女孩"

generate(PROMPT, seed=0).save("avatar.png", force=True)
