"""Pictures a second of a training step, and its share of what this machine's arithmetic allows.

    python examples/train_benchmark.py examples/train_default.toml

Operations of the convolutions and matrix products are counted, forward and backward, and set
against the rate of a large float32 matrix product on the same device in the same run. Data and
weights are random: nothing is read or written, and CLIP is the one that ships.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from clipavatar.clip import load_clip
from clipavatar.config import load_config
from clipavatar.training.batches import Batch
from clipavatar.training.devices import make_accelerator
from clipavatar.training.feeds import labelled
from clipavatar.training.report import matrix_rate
from clipavatar.training.setup import make_networks, prepare
from clipavatar.training.steps import Part, adversarial_step, warm_up_step
from clipavatar.training.values import SIZES


class Operations(TorchDispatchMode):
    """Counts what convolutions and matrix products take, forward and backward."""

    # FlopCounterMode keeps a book of modules too, which torch.autograd.grad in a step upsets

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


def main() -> None:
    """Print one line for each kind of step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each kind of step (20)")
    args = parser.parse_args()
    config = load_config(args.config)
    clip = load_clip("")
    size = clip.embedding_size
    tables = ("generator", "style_generator", "dcgan", "discriminator", "feature_discriminator")
    fitting = {
        name: replace(table, embedding_size=size)
        for name in tables
        if (table := getattr(config, name))
    }
    config = replace(config, **fitting)
    config = replace(config, generator=replace(config.generator, reads=()))
    options = config.train
    accelerator = make_accelerator(options.precision)
    nets, _ = prepare(options, *make_networks(config, clip.encode_image), clip, accelerator)
    device = accelerator.device
    if options.value_weight and labelled(config):
        nets.short = torch.nn.functional.normalize(torch.randn(1, sum(SIZES), size), dim=2).to(
            device
        )
    network = config.network

    def part(count: int) -> Part:
        torch.manual_seed(0)
        sides = (count, network.image_channels, network.resolution, network.resolution)
        images = torch.rand(sides, device=device) * 2 - 1
        labels = torch.zeros(count, len(SIZES), device=device, dtype=torch.long)
        labels[:, 0] = torch.arange(count) % SIZES[0]
        noise = torch.randn(count, network.noise_size, device=device)
        text = torch.nn.functional.normalize(torch.randn(count, size, device=device), dim=1)
        images = images.contiguous(memory_format=torch.channels_last)
        return Part(Batch(images, noise, [""] * count, labels, labels), text, 0, 1)

    rate = matrix_rate(device)
    print(f"matrix products: {rate / 1e9:.0f} thousand million operations a second on {device}")
    full = network.resolution
    warm, cold = part(options.warm_up_batch_size), part(options.batch_size)
    steps: dict[str, tuple[int, Callable[[], object]]] = {
        f"warm-up, {full // 2} px": (
            options.warm_up_batch_size,
            lambda: warm_up_step(nets, options, [warm], full // 2),
        ),
        f"warm-up, {full} px": (
            options.warm_up_batch_size,
            lambda: warm_up_step(nets, options, [warm], full),
        ),
        f"adversarial, {full} px": (
            options.batch_size,
            lambda: adversarial_step(nets, options, [cold]),
        ),
    }
    for name, (count, step) in steps.items():
        step()
        with Operations() as counter:
            step()
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < args.seconds:
            step()
            done += count
        if device.type == "cuda":
            torch.cuda.synchronize()
        speed = done / (time.perf_counter() - start)
        share = counter.total / count * speed / rate
        print(f"{name}: {speed:.1f} pictures a second, {share:.0%} of the matrix rate")


if __name__ == "__main__":
    main()
