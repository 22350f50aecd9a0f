"""Which picture of a search is the best: what it misses of the text, and what the judge says."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from clipavatar.goals import Goal, ImageEncoder, Judge, Verdict, score
from clipavatar.spaces import Generator, Latent, draw

MISSED = math.log(2)  # what an attribute loses that CLIP does not see: its rivals are likelier
SEEN = 0.5  # what one loses at most that was missed and is there now: not by a hair
SURE = 0.1  # what one loses at most that CLIP sees beyond doubt
LEFT = 0.6  # of the lead over its rivals that a thing had which was seen
SPARED = 0.15  # more than this no other attribute may lose, whatever the others win
NEEDED = 0.2  # of what all of them lose a picture must win back where nobody says what it lacks
Hold = Callable[[Tensor], Tensor]  # faces (N, C, R, R) -> (N,): how far from what shall stay
Losses = Callable[[Tensor], Tensor]  # faces (N, C, R, R) -> (N, A): see `goals.losses`


class Contest:
    """The best of the pictures that it has looked at, to begin with a first latent's.

    A picture must be better than the first in the judge's views by more than their standard error,
    and no worse in the plain cosine. With `lacks` it must also miss fewer things than the first:
    what loses more than MISSED and, of what was missed, more than SEEN. LEFT of the lead of what
    was seen must be left, for sunglasses of which one lens is gone are still seen; what was missed
    may lose SPARED. The one wins that misses fewest, of these the first that shows the others
    beyond doubt.
    Without, all attributes together must win back NEEDED, none may lose more than SPARED, and the
    nearest wins.
    """

    def __init__(
        self,
        generator: Generator,
        clip: ImageEncoder,
        goal: Goal,
        first: Latent,
        face: Tensor,
        judge: Judge,
        lacks: Losses | None = None,
        hold: Hold | None = None,
    ) -> None:
        """`face` (1, C, R, R) is the first latent's picture."""
        self.generator, self.clip, self.goal = generator, clip, goal
        self.judge, self.lacks, self.hold = judge, lacks, hold
        self.first = self.latent = first
        self.step = self.looked = 0
        self.lost = self._lost(face)[0]  # (A,)
        self.missed = self.lost > MISSED  # (A,)
        self.rank = (int(self.missed.sum()), math.inf)
        if self.done:
            return  # nobody has to judge
        self.before = self._judged(face)
        self.score = self.score_before = float(self.before.near.mean())
        self.plain = self.plain_before = float(score(clip, face, goal.target)[0])
        if lacks is None:
            self.rank = self._rank(self.lost, self.score)

    @property
    def done(self) -> bool:
        """The best picture misses nothing."""
        return self.lacks is not None and self.rank[0] == 0

    def look(self, step: int, latent: Latent) -> None:
        """Let the pictures of a latent of N compete."""
        faces = draw(self.generator, latent)
        lost = self._lost(faces)
        rows = self._mended(lost).nonzero().flatten().tolist()
        for row in sorted(rows, key=lambda row: self._rank(lost[row])):  # ties stay in their order
            if self._rank(lost[row]) >= self.rank:
                break  # nor are the others better, whatever the judge says
            face = faces[row : row + 1]
            judged, plain = self._judged(face), float(score(self.clip, face, self.goal.target)[0])
            near = float(judged.near.mean())
            rank = self._rank(lost[row], near)
            if rank < self.rank and plain >= self.plain_before and self._better(judged):
                self.rank, self.score, self.plain = rank, near, plain
                self.step, self.latent = step, latent.rows(slice(row, row + 1))
        self.looked = step  # last: a look that Ctrl-C ended is taken again

    def _lost(self, faces: Tensor) -> Tensor:
        """(N, A); A is 0 where nobody says what pictures lack."""
        return faces.new_zeros(len(faces), 0) if self.lacks is None else self.lacks(faces)

    def _judged(self, faces: Tensor) -> Verdict:
        """Of faces (N, C, R, R), less what they changed of what shall stay."""
        seen = self.judge(faces)
        kept = 0 if self.hold is None else self.hold(faces)[:, None]
        return seen._replace(near=seen.near - kept)

    def _mended(self, lost: Tensor) -> Tensor:
        """Losses (N, A) -> (N,): whether a picture misses fewer things and spoils none."""
        if self.lacks is None:
            return torch.ones(len(lost), dtype=torch.bool, device=lost.device)
        weaker = lead(lost) < LEFT * lead(self.lost)
        spoilt = torch.where(self.missed, lost - self.lost > SPARED, weaker)
        return (self._missing(lost) < self.missed.sum()) & ~spoilt.any(dim=1)

    def _missing(self, lost: Tensor) -> Tensor:
        """Losses (..., A) -> (...,): how many things these pictures miss."""
        return ((lost > MISSED) | self.missed & (lost > SEEN)).sum(dim=-1)

    def _better(self, after: Verdict) -> bool:
        """Whether a face, N = 1, is nearer than the first one by more than the standard error of

        the views. Where nobody says what it lacks, none of the attributes may pay for it: laughing
        eyes are seen best without the sunglasses.
        """
        gain = (after.near - self.before.near)[0]  # (V,)
        error = gain.std(unbiased=False) / len(gain) ** 0.5
        if gain.mean() <= error:
            return False
        worse = (after.lost - self.before.lost)[0]  # (A,)
        if self.lacks is not None or not len(worse):
            return True
        return bool((worse <= SPARED).all()) and float(worse.sum()) <= -NEEDED

    def _rank(self, lost: Tensor, near: float = math.inf) -> tuple[int, float]:
        """The lower the better, of a picture's losses (A,) and its mean in the judge's views.

        Without `lacks` the views alone decide, before which any picture may be the best.
        """
        if self.lacks is None:
            return 0, -near
        return int(self._missing(lost)), max(SURE, float(lost[self.missed].max()))


def lead(lost: Tensor) -> Tensor:
    """Losses -> the logarithm of the odds against all rivals together: 0 at MISSED."""
    return -lost.clamp(min=1e-14).expm1().log()
