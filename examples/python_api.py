"""The Python API, one idea after another. Writes its pictures into ./avatars."""

from clipavatar import AvatarPipeline, expand, generate, generate_batch

# One avatar. The same text and seed always give the same pixels.
girl = generate("cute girl, twin tails", seed=7)
girl.save("avatars/girl.png", force=True)
print(f"seed {girl.seed}, score {girl.score:.2f}, {girl.image.size}")

# A transparent PNG for a game, and a scene behind the head.
generate("Q版 boy", background="transparent").save("avatars/boy.png", force=True)
generate("银发 猫耳 女孩", background="starry night").save("avatars/night.png", force=True)

# Many texts; each picture is the same as if it were drawn alone.
for avatar in generate_batch(["smiling boy", "sad girl"], n=2, size=128):
    avatar.save(f"avatars/{avatar.text.replace(' ', '-')}-{avatar.seed}.png", force=True)

# Slower and closer to the text: move the noise towards it.
better = generate("angry boy with glasses", mode="optimize", steps=20)
better.save("avatars/angry.png", force=True)

# What the prompt engine makes of a short text.
print(expand("Q版 boy"))

# Your own model, and any device: from_pretrained("my-model-folder", device="cuda").
pipeline = AvatarPipeline.from_pretrained(device="cpu")
print(pipeline.generate("girl in a hoodie", size=64).settings)
