"""The linear probe: what it learns, and what it must not."""

import torch
from torch import Tensor

from clipavatar.chibi.labels import PLACES, SIZES, UNSAID, labels_of
from clipavatar.chibi.sample import SAMPLING
from clipavatar.chibi.split import HELD_OUT
from clipavatar.config import ProbeTrainConfig
from clipavatar.probe import Probe
from clipavatar.training.probe import banded, fit_probe, named, shown


def _told(labels: Tensor) -> Tensor:
    """Maps (N, values, 2, 2) that say in their upper half what labels (N, A) say."""
    maps = torch.zeros(len(labels), sum(SIZES), 2, 2)
    maps[:, :, 0] = shown(labels)[..., None].float()
    return maps.half()


OPTIONS = ProbeTrainConfig(rank=64, epochs=40, batch_size=50, learning_rate=0.01)


def test_a_probe_finds_what_the_places_of_a_map_tell() -> None:
    torch.manual_seed(0)
    labels = torch.stack([torch.randint(size, (500,)) for size in SIZES], dim=1)
    labels[::3, 0] = UNSAID
    probe = Probe([str(pair) for pair in PLACES], (sum(SIZES), 2, 2), rank=64)
    fit_probe(probe, _told(labels), labels, OPTIONS)
    right = named(probe, _told(labels)) == labels
    assert right[labels != UNSAID].float().mean() > 0.95


def test_what_training_never_shows_beside_a_value_is_no_rival_there() -> None:
    (one, first), (other, second) = HELD_OUT[0]  # braids, and orange hair
    figures = [{one: first, other: v} for v in SAMPLING[other] if v != second] * 20
    figures += [{one: v, other: second} for v in SAMPLING[one] if v != first] * 20
    labels = torch.tensor([labels_of(each) for each in figures])
    probe = Probe([str(pair) for pair in PLACES], (sum(SIZES), 2, 2), rank=64)
    fit_probe(probe, _told(labels), labels, OPTIONS)
    both = torch.tensor([labels_of({one: first, other: second})])
    assert (named(probe, _told(both)) == both)[both != UNSAID].all()


def test_a_band_of_rows_is_hidden() -> None:
    kept = banded(torch.ones(200, 1, 8, 3), torch.Generator().manual_seed(0))[:, 0]
    assert (kept == kept[:, :, :1]).all()
    hidden = (kept[:, :, 0] == 0).sum(dim=1)
    assert hidden.unique().tolist() == [0, 1, 2, 3]
    edges = kept[:, :, 0].diff(dim=1).abs().sum(dim=1)
    assert edges.max() == 2
