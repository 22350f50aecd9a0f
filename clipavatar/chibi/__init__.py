"""Our own vector art: sample a figure, draw it, caption it."""

from clipavatar.chibi.dataset import render_dataset

__all__ = ["render_dataset"]
