"""SuperSpike learns what its NumPy transcription learns: every spike, weight, v and cost."""

from functools import cache
from typing import Any, NamedTuple

import naive_superspike
import numpy as np
import pytest
from naive_superspike import NaiveSuperSpike

from spikesim import patterns
from spikesim.learning import eligibility
from spikesim.models.superspike import SuperSpikeNetwork

BOUND = 0.1  # V


class Case(NamedTuple):
    """What is shown and learned. Times in ms; `options` are those of the network."""

    sizes: tuple[int, ...] = (20, 4, 2)
    loop: float = 100.0
    burn_in: float = 100.0
    block: float = 100.0
    blocks: int = 4
    rate: float = 20.0  # Hz, of inputs
    twice: bool = False  # every input spike comes twice
    learning_rate: tuple[float, ...] | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 - never written
    backend: str = "cpu"
    dtype: str = "float64"
    dt: float = 0.1


class Result(NamedTuple):
    """Of the network or its transcription; weights in V."""

    before: list[np.ndarray]
    weights: list[np.ndarray]
    v: list[np.ndarray]
    spikes: list[np.ndarray]  # (step, neuron), by layer after the input
    cost: float


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


def volts(W):
    return [np.array(w, np.float64) / 1000.0 for w in W]


def learned(case):
    """What the network comes to, and the network."""
    net = build(case)
    before = volts(net.W)
    network = net.training.network
    layers = [network.populations[layer.name] for layer in net.training.above_input]
    recordings = [network.record_spikes(layer) for layer in layers]
    net.fit(
        *stimuli(case),
        case.blocks,
        block=case.block,
        burn_in=case.burn_in,
        learning_rate=case.learning_rate,
    )
    v = [layer.v for layer in net.training.above_input if "v" in layer.arrays]
    spikes = [in_order(np.stack([r.steps, r.i], axis=1)) for r in recordings]
    return Result(before, volts(net.W), v, spikes, net.cost), net


def transcribed(case):
    """What the transcription comes to, from the same weights."""
    net = build(case)
    p = net.parameters
    delay, chunk, burn_in = (round(x / case.dt) for x in (p.delay, p.chunk, case.burn_in))
    hebbian = None
    if p.hebbian_delay is not None:
        hidden = round(p.hebbian_delay / case.dt)
        hebbian = [hidden] * (len(net.W) - 1) + [delay]
    r0 = p.eta / 1000.0
    if case.learning_rate is not None:
        starts = burn_in + np.arange(case.blocks) * round(case.block / case.dt)
        r0 = [(0, 0.0), *zip(starts.tolist(), np.array(case.learning_rate) / 1000.0, strict=True)]
    naive = NaiveSuperSpike(
        volts(net.W),
        *[(np.rint(s.times / case.dt).astype(int), s.ids) for s in stimuli(case)],
        loop=round(case.loop / case.dt),
        feedback=p.feedback,
        B=[B.T for B in net.B],
        delay=delay,
        hebbian_delay=hebbian,
        psp_cut=p.psp_cut,
        error_cut=p.error_cut,
        optimizer=p.optimizer,
        r0=r0,
        learning_from=burn_in,
        chunk=chunk,
        rho=p.rho,
        a=p.a,
        error_dependent=p.rho_error,
        partial=not p.linear,
        fixed_hidden=p.frozen,
    )
    naive.run(burn_in + round(case.blocks * case.block / case.dt))
    spikes = [in_order(naive.raster(layer)) for layer in naive.layers]
    v = naive.v[-1:] if p.frozen else naive.v
    return Result(volts(net.W), naive.w, v, spikes, naive.mean_square_error())


def in_order(spikes):
    return spikes[np.lexsort((spikes[:, 1], spikes[:, 0]))]


def distance(first, second):
    """The largest difference of two weights."""
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
    "learning rates": Case(learning_rate=(1.0, 0.0, 0.5, 2.0), options=RANDOM),
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
    """What the network of a case comes to."""
    return learned(CASES[name])[0]


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """The name of a case, what the network came to, and what it should have come to."""
    case = CASES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(naive_superspike, "DT", case.dt / 1000.0)
        patch.setattr(naive_superspike, "REFRACTORY", round(5.0 / case.dt))
        return request.param, result(request.param), transcribed(case)


def test_every_spike_of_every_layer_is_in_the_step_of_the_transcription(pair):
    _, own, right = pair
    for mine, theirs in zip(own.spikes, right.spikes, strict=True):
        assert len(theirs) >= 8
        np.testing.assert_array_equal(mine, theirs)


def test_weights_move_to_those_of_the_transcription(pair):
    name, own, right = pair
    assert distance(own.weights, right.weights) < 1e-9
    moved = [np.abs(w - b).max() for w, b in zip(own.weights, own.before, strict=True)]
    assert min(moved[-1:] if name == "frozen" else moved) > 1e-5
    assert max(np.abs(w).max() for w in own.weights) <= BOUND


def test_v_is_that_of_the_transcription(pair):
    name, own, right = pair
    for mine, theirs in zip(own.v, right.v, strict=True) if name != "plain" else ():
        assert theirs.max() > 0.0
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9 * theirs.max())


def test_the_cost_is_that_of_the_transcription(pair):
    _, own, right = pair
    assert right.cost > 0.1
    assert own.cost == pytest.approx(right.cost, rel=1e-9)


# ------------------------------------------------------------------ what makes a difference


@pytest.mark.parametrize("name", [n for n, c in OPTION_CASES.items() if c.sizes == PLAIN.sizes])
def test_an_option_changes_what_is_learned(name):
    own = result(name)
    assert distance(own.weights, result("no option").weights) > 1e-5


def test_a_frozen_hidden_layer_keeps_its_weights():
    own = result("frozen")
    np.testing.assert_array_equal(own.weights[0], own.before[0])
    assert (own.weights[1] != own.before[1]).any()


# ------------------------------------------------------------------ arithmetic and blocks


def test_in_single_precision_the_first_second_of_learning_is_the_same():
    case = Case(loop=500.0, burn_in=500.0, block=500.0, blocks=2, options=PUBLISHED)
    own, right = learned(case._replace(dtype="float32"))[0], transcribed(case)
    assert own.v[0].dtype == np.float32
    for mine, theirs in zip(own.spikes, right.spikes, strict=True):
        assert len(theirs) > 50
        np.testing.assert_array_equal(mine, theirs)
    assert distance(own.weights, right.weights) < 1e-4 * BOUND
    assert min(np.abs(w - b).max() for w, b in zip(own.weights, own.before, strict=True)) > 1e-3


DENSE = Case(rate=200.0, options={**RANDOM, "w_0": 60.0})


def test_weights_are_the_same_if_blocks_are_short_and_end_early_because_of_many_events(monkeypatch):
    default, _ = learned(DENSE)
    monkeypatch.setattr(eligibility, "EVENTS", 1)
    monkeypatch.setattr(eligibility, "BLOCK", 200)
    own, net = learned(DENSE)
    for mine, theirs in zip(own.spikes, default.spikes, strict=True):
        assert len(theirs) > 10
        np.testing.assert_array_equal(mine, theirs)
    assert distance(own.weights, default.weights) < 1e-9
    assert distance(own.weights, own.before) > 1e-3
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
