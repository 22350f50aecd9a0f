"""What a search wants CLIP to see, how near a picture is to it, and who judges that honestly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from clipavatar.images import over, to_float, to_uint8
from clipavatar.spaces import CHUNK
from clipavatar.views import HELD_OUT, Views, draw_views, see

TEMPERATURE = 0.03  # of the rivals, in cosines: one that is 0.1 farther than the text is beaten
JUDGED = 32  # held-out views that decide
PLAIN = 0.5  # in [-1, 1]: a light grey that neither white clothes nor black hair drown in


class Verdict(NamedTuple):
    """What a judge says of N faces in V views."""

    near: Tensor  # (N, V): how near to the goal
    lost: Tensor  # (N, A): what the rivals of each attribute win, see `lost`; A may be 0


Judge = Callable[[Tensor], Verdict]  # of faces (N, C, R, R)


class ImageEncoder(Protocol):
    """What this module needs of a CLIP."""

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, R, R) in [-1, 1] -> (B, E), unit length, differentiable."""


class Reader(Protocol):
    """A CLIP with a probe."""

    def read(self, images: Tensor) -> Tensor:
        """(B, 3, R, R) in [-1, 1] -> logits (B, names)."""


class Goal(NamedTuple):
    """What CLIP shall see."""

    target: Tensor  # (E,), unit length: the text
    towards: Tensor  # (E,), unit length: where a picture is moved, target or near it
    rivals: tuple[Tensor, ...]  # for each attribute (K, E): from the text to its near misses


def goal_of(target: Tensor, towards: Tensor | None = None, rivals: Sequence[Tensor] = ()) -> Goal:
    """A goal (E,); by default pictures are moved towards the target itself and have no rivals."""
    return Goal(target, target if towards is None else towards, tuple(rivals))


def spherical_distance(one: Tensor, other: Tensor) -> Tensor:
    """Unit vectors (..., E) -> (...,): twice the square of half the angle, in [0, pi**2 / 2]."""
    half: Tensor = (one - other).norm(dim=-1) / 2
    return half.clamp(max=1 - 1e-6).arcsin().square() * 2


def closeness(seen: Tensor, towards: Tensor, rivals: Sequence[Tensor], weight: float) -> Tensor:
    """Unit vectors (N, V, E), (E,), and (K, E) of each attribute -> (N, V), at most 0.

    Minus the spherical distance, minus `weight` for what the rivals win: the mean over the
    attributes, however many values each has, plus the worst of them. A cosine alone rewards
    whatever all texts have in common.
    """
    near = -spherical_distance(seen, towards)
    if not rivals:
        return near
    won = lost(seen, rivals)
    return near - weight * (won.mean(dim=0) + won.amax(dim=0))


def lost(seen: Tensor, rivals: Sequence[Tensor]) -> Tensor:
    """Unit vectors (N, V, E), rivals (K, E) of A attributes -> (A, N, V): the cross entropy of

    picking the text among them. It is near 0, and pulls at nothing, where the text is picked.
    """
    if not rivals:
        return seen.new_zeros(0, *seen.shape[:2])
    leads = [F.pad(seen @ away.T / TEMPERATURE, (1, 0)) for away in rivals]
    return torch.stack([lead.logsumexp(dim=-1) for lead in leads])


def cosine(embeddings: Tensor, target: Tensor) -> Tensor:
    """Unit vectors (B, E) and (E,) -> cosines (B,) in [-1, 1]."""
    return embeddings @ target


def score(clip: ImageEncoder, faces: Tensor, target: Tensor) -> Tensor:
    """Faces (N, C, R, R) over plain light grey -> their cosines (N,) to the target (E,)."""
    return cosine(seen(clip, faces), target)


def seen(clip: ImageEncoder, faces: Tensor) -> Tensor:
    """Faces (N, C, R, R) over plain light grey -> (N, E), unit length."""
    return torch.cat([clip.encode_image(some) for some in on_plain(faces)])


def on_plain(faces: Tensor) -> Iterator[Tensor]:
    """Faces (N, C, R, R) over plain light grey, (B, 3, R, R) in [-1, 1], CHUNK at once."""
    plain = torch.full((1, 3, 1, 1), PLAIN, device=faces.device)
    for some in torch.split(faces, CHUNK):
        yield over(some, plain).clamp(-1, 1)


@torch.no_grad()
def losses(clip: ImageEncoder, rivals: Sequence[Tensor], faces: Tensor) -> Tensor:
    """What each attribute of faces (N, C, R, R) loses to its rivals, (N, A) float64; see `lost`."""
    embeddings = seen(clip, faces)[:, None].cpu().double()  # next to nothing counts as well
    return lost(embeddings, [each.cpu().double() for each in rivals])[..., 0].T


@torch.no_grad()
def probe_losses(clip: Reader, places: Sequence[Sequence[int]], faces: Tensor) -> Tensor:
    """The same by the CLIP's probe. `places` of A attributes: of what is said, then of its rivals

    among the probe's names.
    """
    read = torch.cat([clip.read(some) for some in on_plain(faces)]).cpu().double()  # (N, names)
    each = [read[:, list(some)] for some in places]
    return torch.stack([logits.logsumexp(dim=1) - logits[:, 0] for logits in each], dim=1)


def held_out_judge(
    clip: ImageEncoder, goal: Goal, seed: int, weight: float, count: int = JUDGED
) -> Judge:
    """A judge of the pictures as a file holds them (8 bits) in `count` views of its own.

    The same views for every picture, stronger than those of the search, mirrored and softened too:
    what fools CLIP pixel by pixel does not survive them. With another CLIP and its own goal it is
    independent of the search.
    """
    random = torch.Generator().manual_seed(seed ^ 0x5EED)
    parts = [draw_views(min(CHUNK, count - i), random, HELD_OUT) for i in range(0, count, CHUNK)]

    def look(face: Tensor, views: Views) -> Tensor:
        alike = face.expand(len(views.tint), -1, -1, -1)
        return clip.encode_image(see(alike, views.to(face.device)))

    @torch.no_grad()
    def judge(faces: Tensor) -> Verdict:
        rounded = to_float(to_uint8(faces))
        seen = torch.stack([torch.cat([look(face, views) for views in parts]) for face in rounded])
        near = closeness(seen, goal.target, goal.rivals, weight)
        return Verdict(near, lost(seen, goal.rivals).mean(dim=2).T)

    return judge
