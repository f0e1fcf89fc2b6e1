"""SuperSpike learns what its NumPy transcription learns: every spike, weight, v and cost."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from spikesim import patterns
from spikesim.learning import eligibility
from spikesim.models.superspike import SuperSpikeNetwork
from tests.reliability import differential

BOUND = 100.0  # mV


class Case(NamedTuple):
    """What is shown and learned. Times in ms; `options` are those of the network."""

    sizes: tuple[int, ...] = (20, 4, 2)
    loop: float = 100.0
    burn_in: float = 100.0
    block: float = 100.0
    blocks: int = 4
    rate: float = 20.0  # Hz, of inputs
    twice: bool = False  # every input spike comes twice
    rates: tuple[float, ...] | None = None  # of learning, in units of eta
    options: dict[str, Any] = {}  # noqa: RUF012 - never written
    backend: str = "cpu"
    dtype: str = "float64"
    dt: float = 0.1


def stimuli(case):
    shown = patterns.poisson(case.sizes[0], case.rate, case.loop, seed=1, dt=case.dt)
    if case.twice:
        shown = shown._replace(times=np.repeat(shown.times, 2), ids=np.repeat(shown.ids, 2))
    return shown, patterns.poisson(case.sizes[-1], 30.0, case.loop, seed=2, dt=case.dt)


def build(case):
    options = {"w_0": 150.0, "chunk": 50.0, **case.options}
    return SuperSpikeNetwork(
        case.sizes, seed=3, dt=case.dt, dtype=case.dtype, backend=case.backend, **options
    )


def compared(case):
    """A network that has learned, its spikes by layer, and where it differs from the oracle."""
    net, found = build(case), differential.Case(0, "superspike", 0, plain=True)
    values = {name: getattr(net.parameters, name) for name in differential.TOLD}
    steps = tuple(round(time / case.dt) for time in (case.burn_in, case.block))
    rates = case.rates or (1.0,) * case.blocks
    spikes = differential.compare_superspike(found, net, values, stimuli(case), steps, rates)
    return net, spikes, found.differences


def distance(first, second):
    """The largest difference of two weights, in mV."""
    return max(np.abs(w - v).max() for w, v in zip(first, second, strict=True))


# ------------------------------------------------------------------ five seconds of learning

LONG: dict[str, Any] = {"loop": 500.0, "burn_in": 500.0, "block": 1000.0, "blocks": 5}
PUBLISHED: dict[str, Any] = {"w_0": 150.0, "chunk": 500.0}
LONG_CASES = {
    "no hidden layer": Case((20, 2), **LONG, options=PUBLISHED),
    "symmetric": Case(**LONG, options=PUBLISHED),
    "random": Case(**LONG, options={**PUBLISHED, "feedback": "random"}),
    "two hidden layers": Case((20, 5, 4, 2), **LONG, options=PUBLISHED),
}

# ------------------------------------------------------------------ options, for less long

RANDOM = {"feedback": "random"}
PLAIN = Case(options=RANDOM)
OPTION_CASES = {
    "rmsprop": Case(backend="python", options={**RANDOM, "optimizer": "rmsprop"}),
    "plain": Case(backend="python", options={**RANDOM, "optimizer": "plain", "eta": 20.0}),
    "regularised": Case(backend="python", options={**RANDOM, "rho": 1.0}),
    "regularised with another exponent": Case(
        backend="python", options={**RANDOM, "rho": 1.0, "a": 1}
    ),
    "regularised by the error": Case(
        backend="python", options={**RANDOM, "rho": 100.0, "rho_error": True}
    ),
    "linear": Case(backend="python", options={**RANDOM, "linear": True}),
    "frozen": Case(backend="python", options={**RANDOM, "frozen": True}),
    "no delay": Case(options={**RANDOM, "delay": 0.0}),
    "no delay and symmetric": Case(options={"delay": 0.0}),
    "another hebbian delay": Case(options={**RANDOM, "hebbian_delay": 0.5}),
    "a large cut of PSPs": Case(options={**RANDOM, "psp_cut": 0.05}),
    "a large cut of errors": Case(options={**RANDOM, "error_cut": 1e-3}),
    "learning rates": Case(rates=(1.0, 0.0, 0.5, 2.0), options=RANDOM),
    "chunks that are no whole number of blocks": Case(options={**RANDOM, "chunk": 130.0}),
    "several input spikes at once": Case(twice=True, options=RANDOM),
    "a longer step": Case(dt=0.2, options=RANDOM),
    "uniform feedback": Case(blocks=20, options={"feedback": "uniform"}),
    "two hidden layers with uniform feedback": Case(
        (20, 5, 4, 2), backend="python", options={"feedback": "uniform"}
    ),
}
CASES = {"no option": PLAIN, **LONG_CASES, **OPTION_CASES}


@cache
def result(name):
    return compared(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_every_spike_weight_and_average_is_that_of_the_transcription(name):
    net, spikes, differences = result(name)
    assert differences == []
    assert min(each.sum() for each in spikes) >= 8
    before = build(CASES[name]).W
    moved = [np.abs(w - b).max() for w, b in zip(net.W, before, strict=True)]
    assert min(moved[-1:] if name == "frozen" else moved) > 0.01
    assert max(np.abs(w).max() for w in net.W) <= BOUND
    assert net.cost > 0.1


# ------------------------------------------------------------------ what makes a difference


@pytest.mark.parametrize("name", [n for n, c in OPTION_CASES.items() if c.sizes == PLAIN.sizes])
def test_an_option_changes_what_is_learned(name):
    assert distance(result(name)[0].W, result("no option")[0].W) > 0.01


def test_a_frozen_hidden_layer_keeps_its_weights():
    net, before = result("frozen")[0], build(CASES["frozen"])
    np.testing.assert_array_equal(net.W[0], before.W[0])
    assert (net.W[1] != before.W[1]).any()


# ------------------------------------------------------------------ arithmetic and blocks


def learned(case):
    """A network that has learned, and its spikes by layer."""
    net = build(case)
    populations = net.training.network.populations
    recordings = [net.training.network.record_spikes(populations[x.name]) for x in layers_of(net)]
    net.fit(*stimuli(case), case.blocks, block=case.block, burn_in=case.burn_in)
    return net, [sorted(zip(r.steps.tolist(), r.i.tolist(), strict=True)) for r in recordings]


def layers_of(net):
    return net.training.above_input


def test_in_single_precision_the_first_second_of_learning_is_the_same():
    case = Case(loop=500.0, burn_in=500.0, block=500.0, blocks=2, options=PUBLISHED)
    (single, ours), (double, theirs) = learned(case._replace(dtype="float32")), learned(case)
    assert single.training.above_input[0].v.dtype == np.float32
    assert ours == theirs
    assert min(map(len, theirs)) > 50
    assert distance(single.W, double.W) < 1e-4 * BOUND
    assert distance(single.W, build(case).W) > 1.0


DENSE = Case(rate=200.0, options={**RANDOM, "w_0": 60.0})


def test_weights_are_the_same_if_blocks_are_short_and_end_early_because_of_many_events(monkeypatch):
    default, expected = learned(DENSE)
    monkeypatch.setattr(eligibility, "EVENTS", 1)
    monkeypatch.setattr(eligibility, "BLOCK", 200)
    net, spikes = learned(DENSE)
    assert spikes == expected
    assert min(map(len, spikes)) > 10
    assert distance(net.W, default.W) < 1e-6
    assert distance(net.W, build(DENSE).W) > 1.0
    lengths = block_lengths(net, 500)
    assert max(lengths) < 200


def test_blocks_end_when_they_are_long_if_there_are_few_events(monkeypatch):
    monkeypatch.setattr(eligibility, "BLOCK", 100)
    net = build(PLAIN._replace(backend="python"))
    net.training.loop(*stimuli(PLAIN), 0)
    assert set(block_lengths(net, 500)[1:]) == {100}  # the first ends in step 0, with a chunk


def block_lengths(net, steps):
    """The lengths of the blocks, onto the first layer, that end in the next steps."""
    network = net.training.network
    phase = next(p for p in network.phases() if p.body.__name__ == "close_step")
    lengths, length = [], int(phase.state["block"][0])
    for _ in range(steps):
        network.run_steps(1)
        length += 1
        if phase.state["block"][0] == 0:
            lengths.append(length)
            length = 0
    return lengths


def test_events_fit_into_a_block_if_all_inputs_spike_as_often_as_they_can(monkeypatch):
    monkeypatch.setattr(eligibility, "EVENTS", 1)
    times = np.repeat(np.arange(0.0, 40.0, 0.7), 4 * 20)
    ids = np.tile(np.repeat(np.arange(20), 4), len(times) // 80)
    shown = patterns.SpikePattern(times, ids, 20, 40.0)
    net = SuperSpikeNetwork((20, 1), backend="python", chunk=40.0, w_0=0.0)
    net.fit(shown, patterns.from_trains([[20.0]], 40.0), 1, block=40.0)  # or IndexError
    assert (net.W[0] != 0.0).all()
