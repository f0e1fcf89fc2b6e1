"""Lengths of phases are drawn by a model, or given: so that runs of other programs are replayed."""

import numpy as np
import pytest

from spikesim import InputError
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork

CHANCE = np.random.default_rng(2)
IMAGES = CHANCE.random((4, 6))
LABELS = np.array([0, 2, 1, 2])
SMALL = {"seed": 1, "dtype": "float64", "backend": "python"}
PHASES = {"phase": 8, "window": 5}


def segregated(kind=SegregatedDendriteNetwork):
    return kind((6, 4, 3), **SMALL, **PHASES, eta=0.5)


def burst():
    return BurstEnsembleNetwork((6, 4, 3), **SMALL, sst="h", steps=12)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first.W, second.W, strict=True))


def test_given_lengths_are_those_of_the_trials():
    lengths = np.array([[8, 9], [12, 8], [8, 8], [10, 15]])

    class Fixed(SegregatedDendriteNetwork):
        def lengths(self, n, purpose):
            return lengths

    given, fixed = segregated(), segregated(Fixed)
    given.learn(IMAGES, LABELS, lengths)
    fixed.learn(IMAGES, LABELS)
    assert same(given, fixed)
    assert given._training.network.step == lengths.sum()


def test_lengths_that_a_model_would_draw_lead_where_drawing_leads():
    drawn, given = segregated(), segregated()
    drawn.learn(IMAGES, LABELS)
    given.learn(IMAGES, LABELS, given.lengths(4, 0))
    assert same(drawn, given)


def test_it_does_not_matter_when_a_network_at_rest_is_nudged():
    """With SST+ cells that follow events all is at rest by then: see the equations of the model."""
    early, late = burst(), burst()
    first, after = early.shortest()
    early.learn(IMAGES, LABELS, [[first, after]] * 4)
    late.learn(IMAGES, LABELS, [[first + 5, after + 3]] * 4)
    assert not same(early, burst())
    assert same(early, late)


@pytest.mark.parametrize(
    ("make", "lengths", "said"),
    [
        (segregated, [[8, 7]] * 4, r"lengths\[:, 1\] holds 7.* at least 8"),
        (segregated, [[8, 8]] * 3, "lengths has shape"),
        (segregated, [[8.5, 8]] * 4, "lengths"),
        (segregated, [[8, 10_001]] * 4, "at most 10000"),
        (burst, [[1, 9]] * 4, r"lengths\[:, 0\] holds 1.* at least 4"),
        (burst, [[9, 1]] * 4, r"lengths\[:, 1\] holds 1.* at least 2"),
    ],
)
def test_phases_in_which_a_model_cannot_learn_are_refused(make, lengths, said):
    with pytest.raises(InputError, match=said):
        make().learn(IMAGES, LABELS, lengths)
