"""SuperSpike learns what its NumPy transcription learns: every spike, weight, v and cost."""

from typing import Any, NamedTuple

import naive_superspike
import numpy as np
import pytest
from naive_superspike import NaiveSuperSpike

from spikesim import patterns
from spikesim.models.superspike import SuperSpikeNetwork, simulation

BOUND = 0.1  # V
LEARNERS = ("learn_rmaxprop", "learn_rmsprop", "learn_plain")


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
    layers = net._learning.layers[1:]
    recordings = [net._learning.network.record_spikes(layer) for layer in layers]
    net.fit(
        *stimuli(case),
        case.blocks,
        block=case.block,
        burn_in=case.burn_in,
        learning_rate=case.learning_rate,
    )
    phases = net._learning.network._last
    v = [phase.state["v"] for phase in phases if phase.body.__name__ in LEARNERS]
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
    "uniform": Case(**LONG, options={**PUBLISHED, "feedback": "uniform"}),
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
    "two hidden layers with uniform feedback": Case(
        (20, 5, 4, 2), backend="python", options={"feedback": "uniform"}
    ),
}
CASES = {**LONG_CASES, **OPTION_CASES}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """The name of a case, what the network came to, and what it should have come to."""
    case = CASES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(naive_superspike, "DT", case.dt / 1000.0)
        patch.setattr(naive_superspike, "REFRACTORY", round(5.0 / case.dt))
        return request.param, learned(case)[0], transcribed(case)


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
