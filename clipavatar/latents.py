"""The generator's noise drawn from a seed, and the search that moves a latent towards a text.

The search follows what held up in others' hands: Adam with a learning rate that ramps up and down
(StyleGAN2's projector, Karras et al. 2020), the spherical distance over augmented views (FuseDream,
Liu et al. 2021; k-diffusion), a latent kept where pictures look real (PULSE, Menon et al. 2020).
What is new: the prompt is told from its near misses, and views that took no part in the search
decide whether any of it helped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from clipavatar.config import SEARCH_STEPS
from clipavatar.contest import Contest, Hold, Losses
from clipavatar.goals import Goal, ImageEncoder, Judge, closeness
from clipavatar.spaces import CHUNK, Generator, Latent, Space, draw
from clipavatar.views import draw_views, see

FRAMES = 40  # of the way there, at most
Clock = Callable[[], float]


def sample_noise(candidates: int, noise_size: int, seed: int) -> Tensor:
    """(N, Z) standard normal numbers on the CPU; row i depends on `seed` and i alone.

    Numpy's RandomState is used because its stream is frozen across versions and platforms.
    """
    rows = [
        np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, row])))
        for row in range(candidates)
    ]
    return torch.from_numpy(np.stack([row.standard_normal(noise_size) for row in rows])).float()


def mean_direction(embeddings: Tensor) -> Tensor:
    """Unit vectors (P, E) -> their mean direction (E,), a unit vector."""
    return F.normalize(embeddings.mean(dim=0), dim=-1)


# --------------------------------------------------------------------------------------- the search


@dataclass(frozen=True)
class Search:
    """How to search; the defaults are for any prompt."""

    steps: int = SEARCH_STEPS
    seconds: float = math.inf  # at most
    views: int = 2  # of each picture in each step
    learning_rate: float = 0.05  # standard deviations a step
    rivals: float = 0.2  # weight of the near misses
    pull: float = 0.02  # weight of the way from the mean latent
    hold: float = 1.0  # weight of what shall stay as it is
    checks: int = 6  # times that the judge is asked


@dataclass(frozen=True)
class Found:
    """What a search gives back: N = 1."""

    latent: Latent
    optimised: bool  # false: nothing was better than the first start, which this is
    before: float  # mean of the first start in the views that decided; 0 where none had to
    after: float  # and of this
    steps: int  # taken
    interrupted: bool
    way: list[Latent]  # from the start to the end, at most FRAMES or so
    nothing_missing: bool = False  # in the first start, so that there was nothing to search for


@torch.no_grad()
def search(
    generator: Generator,
    clip: ImageEncoder,
    goal: Goal,
    starts: Latent,
    around: Callable[[Latent], Space],
    judge: Judge,
    how: Search = Search(),
    hold: Hold | None = None,
    lacks: Losses | None = None,
    seed: int = 0,
    clock: Clock = time.monotonic,
    face: Tensor | None = None,
) -> Found:
    """Move the best of N starts in the space `around` it to the goal; the judge picks the result.

    Every start and every picture of every check competes by the rules of `Contest`; if none is
    better, the first start stays. With `lacks` all ends as soon as the best picture, the first
    start to begin with, misses nothing. Ctrl-C ends it with the best so far. Of `how.seconds` as
    much is kept as the last look takes. `face` (1, C, R, R) is the first start's picture, where it
    has been drawn already.
    """
    random = torch.Generator().manual_seed(seed)
    begun, first, others = clock(), starts.rows(slice(0, 1)), starts.rows(slice(1, None))
    face = draw(generator, first) if face is None else face
    held = None if hold is None else lambda faces: how.hold * hold(faces)
    best = Contest(generator, clip, goal, first, face, judge, lacks, held)
    if best.done:
        return Found(first, False, 0.0, 0.0, 0, False, [first], nothing_missing=True)
    look = clock() - begun  # at one

    def share(step: int) -> float:
        return max(step / how.steps, (clock() - begun) / max(how.seconds - look, 1e-9))

    way, step, interrupted = list[tuple[int, Latent]](), 0, False
    with tqdm(total=how.steps, unit="step", delay=2, disable=None, leave=False) as bar:
        try:
            for part in others.chunks():
                if how.seconds - (clock() - begun) < look * (len(part.noise) + 1):
                    break  # the last look's time is left
                best.look(0, part)
            space = around(best.latent)
            moving = space.start.clone().requires_grad_()
            optimiser = torch.optim.Adam([moving], how.learning_rate)
            while not best.done and (done := share(step)) < 1:
                optimiser.param_groups[0]["lr"] = how.learning_rate * ramp(done)
                moving.grad = _gradient(generator, clip, goal, space, how, hold, moving, random)
                optimiser.step()
                moving.data = space.bounded(moving.data)
                step, now = step + 1, share(step + 1)
                if _passes(done, now, FRAMES):
                    way.append((step, space.at(moving.detach())))
                if _passes(done, now, how.checks):
                    best.look(step, space.at(moving.detach()))
                    bar.set_postfix_str(f"score {best.plain:.3f}", refresh=False)
                bar.update()
        except KeyboardInterrupt:
            interrupted = True
    try:
        if step > best.looked:
            best.look(step, space.at(moving.detach()))
    except KeyboardInterrupt:
        interrupted = True
    helped = best.latent is not first
    ways = [first, *(at for at_step, at in way if at_step < best.step), best.latent]
    scores = (best.score_before, best.score)
    return Found(best.latent, helped, *scores, step, interrupted, ways if helped else [first])


def _passes(before: float, now: float, parts: int) -> bool:
    """Whether one of `parts` equal parts ends between these shares of a search."""
    return int(now * parts + 1e-6) > int(before * parts + 1e-6)


def ramp(done: float) -> float:
    """The learning rate's share at `done` in [0, 1): up in the first tenth, down in the last half.

    Linear up and half a cosine down.
    """
    return min(1.0, (done + 0.01) / 0.1) * (0.5 - 0.5 * math.cos(math.pi * min(1.0, 2 - 2 * done)))


def _gradient(
    generator: Generator,
    clip: ImageEncoder,
    goal: Goal,
    space: Space,
    how: Search,
    hold: Hold | None,
    moving: Tensor,
    random: torch.Generator,
) -> Tensor:
    """(N, D), each row as if it were alone.

    The faces' own gradient is summed over the views first, CHUNK pictures at once: memory does
    not grow with their number, and the generator is gone through once. Where it has pictures of
    half the size, these move, in half the time, unless something is held, pixel by pixel.
    """
    half = hold is None and bool(getattr(getattr(generator, "config", None), "detail", 0))
    size = (generator.config.resolution // 2,) if half else ()  # type: ignore[attr-defined]
    with torch.enable_grad():
        faces = draw(generator, space.at(moving), *size)
        pixels = faces.detach().requires_grad_()
        pull = torch.zeros_like(pixels)
        at_once = max(1, CHUNK // len(pixels))
        for start in range(0, how.views, at_once):
            count = min(at_once, how.views - start)
            views = draw_views(count * len(pixels), random).to(pixels.device)
            seen = clip.encode_image(see(pixels.repeat_interleave(count, dim=0), views))
            seen = seen.reshape(len(pixels), count, -1)
            near = closeness(seen, goal.towards, goal.rivals, how.rivals)
            pull += torch.autograd.grad(-near.sum() / how.views, pixels)[0]
        if hold is not None:
            pull += torch.autograd.grad(how.hold * hold(pixels).sum(), pixels)[0]
        prior = how.pull * space.stray(moving).sum()
        (gradient,) = torch.autograd.grad((faces * pull).sum() + prior, moving)
    return gradient
