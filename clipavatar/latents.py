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
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from clipavatar.config import SEARCH_STEPS
from clipavatar.goals import Goal, ImageEncoder, Judge, Verdict, closeness, lost
from clipavatar.images import over
from clipavatar.spaces import CHUNK, Generator, Latent, Space, draw
from clipavatar.views import draw_views, see

PLAIN = 0.5  # in [-1, 1]: a light grey that neither white clothes nor black hair drown in
FRAMES = 40  # of the way there, at most
SPARED = 0.15  # more than this no attribute may lose to its rivals, whatever the others win
NEEDED = 0.2  # of what all of them lose a picture must win back where nobody says what it lacks
MISSED = 1.0  # what an attribute loses that CLIP does not see
MENDED = 1  # so many of those that are missed must be seen then, or it is not worth a change
Clock = Callable[[], float]
Hold = Callable[[Tensor], Tensor]  # faces (N, C, R, R) -> (N,): how far from what shall stay
Lacks = Callable[[Tensor], Collection[int]]  # of a face (1, C, R, R): which attributes are missed


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


def cosine(embeddings: Tensor, target: Tensor) -> Tensor:
    """Unit vectors (B, E) and (E,) -> cosines (B,) in [-1, 1]."""
    return embeddings @ target


def score(clip: ImageEncoder, faces: Tensor, target: Tensor) -> Tensor:
    """Faces (N, C, R, R) over plain light grey -> their cosines (N,) to the target (E,)."""
    return cosine(_seen(clip, faces), target)


def _seen(clip: ImageEncoder, faces: Tensor) -> Tensor:
    """Faces (N, C, R, R) over plain light grey -> (N, E), unit length."""
    plain = torch.full((1, 3, 1, 1), PLAIN, device=faces.device)
    seen = [clip.encode_image(over(some, plain).clamp(-1, 1)) for some in torch.split(faces, CHUNK)]
    return torch.cat(seen)


@torch.no_grad()
def missed(clip: ImageEncoder, rivals: Sequence[Tensor], face: Tensor) -> list[int]:
    """Which attributes of a face (1, C, R, R) lose more to their rivals than MISSED."""
    won = lost(_seen(clip, face)[:, None], rivals)  # (A, 1, 1)
    return [i for i, loss in enumerate(won.flatten().tolist()) if loss > MISSED]


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
    lacks: Lacks | None = None,
    seed: int = 0,
    clock: Clock = time.monotonic,
    face: Tensor | None = None,
) -> Found:
    """Move the best of N starts in the space `around` it to the goal; the judge picks the result.

    Every start and every picture of every check competes: it must be better than the first start in
    the judge's views by more than their standard error, in all attributes together by NEEDED, in
    none worse by more than SPARED, and no worse in the plain cosine; if none is, the first start
    stays. With `lacks` it must lack MENDED fewer than the first start, and nothing else, in place
    of NEEDED; and all ends as soon as the best picture, the first start to begin with, lacks
    nothing. Ctrl-C ends it with the best so far. Of `how.seconds` as much is kept as the last look
    takes. `face` (1, C, R, R) is the first start's picture, where it has been drawn already.
    """
    random = torch.Generator().manual_seed(seed)
    begun, first, others = clock(), starts.rows(slice(0, 1)), starts.rows(slice(1, None))
    face = draw(generator, first) if face is None else face
    lacked = None if lacks is None else set(lacks(face))
    if lacked is not None and not lacked:
        return Found(first, False, 0.0, 0.0, 0, False, [first], nothing_missing=True)
    best = _Best(generator, clip, goal, first, face, judge, hold, lacks, lacked, how)
    look = clock() - begun  # at one

    def share(step: int) -> float:
        return max(step / how.steps, (clock() - begun) / max(how.seconds - look, 1e-9))

    way, step, interrupted = list[tuple[int, Latent]](), 0, False
    with tqdm(total=how.steps, unit="step", delay=2, disable=None, leave=False) as bar:
        try:
            if len(others.noise) and not best.done and how.seconds > look * (len(others.noise) + 2):
                best.look(0, others)  # after one look, and before the last
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
    return best.found(step, interrupted, way)


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


class _Best:
    """The best point so far, to begin with a first one and its faces (1, C, R, R); `done`: it

    lacks nothing.
    """

    def __init__(
        self,
        generator: Generator,
        clip: ImageEncoder,
        goal: Goal,
        first: Latent,
        faces: Tensor,
        judge: Judge,
        hold: Hold | None,
        lacks: Lacks | None,
        lacked: set[int] | None,
        how: Search,
    ) -> None:
        self.generator, self.clip, self.goal = generator, clip, goal
        self.judge, self.hold, self.how = judge, hold, how
        self.lacks, self.lacked = lacks, lacked or set()
        self.first = self.latent = first
        self.before = self._judged(faces)
        self.plain = self.plain_before = float(score(clip, faces, goal.target)[0])
        self.score = float(self.before.near.mean())
        self.step = self.looked = 0
        self.done = False

    def _judged(self, faces: Tensor) -> Verdict:
        """Of faces (N, C, R, R), less what they changed of what shall stay."""
        seen = self.judge(faces)
        kept = 0 if self.hold is None else self.how.hold * self.hold(faces)[:, None]
        return seen._replace(near=seen.near - kept)

    def look(self, step: int, latent: Latent) -> None:
        """Let the pictures of a latent of N compete."""
        faces = draw(self.generator, latent)
        judged, plain = self._judged(faces), score(self.clip, faces, self.goal.target)
        means = judged.near.mean(dim=1)
        better = (means > self.score) & self._better(judged) & (plain >= self.plain_before)
        lacking = dict[int, set[int]]()
        if self.lacks is not None:
            for row in better.nonzero().flatten().tolist():
                lacking[row] = set(self.lacks(faces[row : row + 1]))
                mended = len(self.lacked) - len(lacking[row])
                better[row] = lacking[row] <= self.lacked and mended >= MENDED
        if better.any():
            row = int(means.masked_fill(~better, -math.inf).argmax())
            self.step, self.latent = step, latent.rows(slice(row, row + 1))
            self.score, self.plain = float(means[row]), float(plain[row])
            self.done = row in lacking and not lacking[row]
        self.looked = step  # last: a look that Ctrl-C ended is taken again

    def _better(self, after: Verdict) -> Tensor:
        """Of N faces (N,): whether they are nearer than the first one by more than the standard

        error of the views, and none of the attributes pays for it: laughing eyes are seen best
        without the sunglasses.
        """
        gain = after.near - self.before.near
        error = gain.std(dim=1, unbiased=False) / gain.shape[1] ** 0.5
        worse = after.lost - self.before.lost  # (N, A)
        fair = (worse <= SPARED).all(dim=1)
        if worse.shape[1]:
            fair &= worse.sum(dim=1) <= (-NEEDED if self.lacks is None else 0)
        better: Tensor = (gain.mean(dim=1) > error) & fair
        return better

    def found(self, steps: int, interrupted: bool, way: list[tuple[int, Latent]]) -> Found:
        before = float(self.before.near.mean())
        if self.latent is self.first:
            same = (self.first, False, before, before)
            return Found(*same, steps, interrupted, [self.first])
        ways = [self.first, *(at for step, at in way if step < self.step), self.latent]
        return Found(self.latent, True, before, self.score, steps, interrupted, ways)
