"""Long runs: steps beyond 32 bits, the size of files of spikes, and awkward kernel caches."""

import os

import numpy as np
import pytest

from spikesim import LIF, InputError, Network, PairSTDP, Poisson, ShortTermPlasticity
from tests.reliability import concurrency

DT = 0.125  # ms; a power of two, so that times of shifted steps are shifted exactly
EDGES = {"31 bits": 2**31, "32 bits": 2**32, "40 bits": 2**40}
# neurons, Hz, s: a chunk that is hardly used, a few chunks, many
SIZES = [(1, 5.0, 2), (64, 40.0, 20), (100, 10.0, 60), (1000, 3.0, 100), (1025, 50.0, 40)]


def deterministic(first, backend):
    """A network without chance whose rings and periods all have powers of two as lengths."""
    net = Network(dt=DT, seed=1, backend=backend)
    net.set_state({**net.state(), "step": first})
    chance = np.random.default_rng(1)
    busy = np.repeat(chance.random(16) < 0.4, 32)[:, None]  # silence in between, or no events
    steps, ids = np.nonzero((chance.random((512, 12)) < 0.1) & busy)
    source = net.add_spike_trains("source", 12, steps * DT, ids, period=512 * DT)
    once = net.add_spike_trains("once", 12, (first + steps) * DT, ids)
    cells = net.add_population("cells", 9, LIF)
    released = net.add_population("released", 9, LIF)
    net.connect(source, cells, target="drive", weight=30.0, delay=3 * DT)
    net.connect(once, cells, target="drive", weight=30.0, delay=7 * DT)
    net.connect(
        source,
        released,
        target="drive",
        weight=40.0,
        probability=0.8,
        delay=lambda chance, size: DT * chance.integers(1, 8, size),
        short_term=ShortTermPlasticity(U=0.5, tau_D=20.0, tau_F=50.0),
        name="short_term",
    )
    net.connect(
        source,
        cells,
        target="drive",
        weight=np.full((12, 9), 10.0),
        delay=DT,
        plasticity=PairSTDP(tau_plus=16.0, tau_minus=16.0, A_plus=0.02, A_minus=0.021, w_max=30.0),
        name="learned",
    )
    bursts = net.add_bursts("bursts", released, tau=8.0)
    events = net.add_events("events", released, tau=8.0)
    recordings = [net.record_spikes(p) for p in (once, cells, released, bursts, events)]
    return net, recordings, net.record(released, "v", every=4 * DT)


def outcome(first, steps, backend):
    """All that a run leaves, with steps counted from `first`."""
    net, recordings, trace = deterministic(first, backend)
    net.run_steps(steps)
    assert net.step == first + steps
    found = {"W": net.projections["learned"].W.copy(), "v": trace.v, "v_t": trace.t - first * DT}
    for recording in recordings:
        found[f"{recording.name} steps"] = recording.steps - first
        found[f"{recording.name} t"] = recording.t - first * DT
        found[f"{recording.name} i"] = recording.i
    return found


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name


@pytest.fixture(scope="module")
def from_zero():
    found = outcome(0, 4096, "cpu")
    names = "once", "cells", "released", "events", "bursts"
    assert all(found[f"{name} i"].size > 50 for name in names)
    assert np.unique(found["W"]).size > 10
    return found


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_a_run_across_an_edge_is_that_from_zero_shifted(edge, from_zero):
    assert_same(outcome(edge - 2048, 4096, "cpu"), from_zero)


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_backends_give_the_same_bits_across_an_edge(edge):
    assert_same(outcome(edge - 5, 300, "python"), outcome(edge - 5, 300, "cpu"))


@pytest.mark.parametrize("first", EDGES.values(), ids=EDGES)
def test_samples_may_begin_at_any_step(first):
    net = Network(dt=DT, seed=1, backend="python")
    cells = net.add_population("cells", 2, LIF)
    net.set_state({**net.state(), "step": first})
    samples = net.record(cells, "v")
    net.run_steps(3)
    assert (samples.t / DT - first).tolist() == [0.0, 1.0, 2.0]


def draws(first, backend):
    net = Network(dt=DT, seed=1, backend=backend)
    net.set_state({**net.state(), "step": first})
    source = net.add_population("source", 40, Poisson)
    source.rate[:] = 500.0
    cells = net.add_population("cells", 7, LIF)
    images = net.add_images("images", np.eye(3, 5), rate=900.0, duration=4 * DT)
    net.connect(source, cells, target="drive", weight=1.0, delay=DT, probability=0.5)
    net.connect(images, cells, target="drive", weight=5.0, delay=DT, probability=0.5)
    net.add_background(cells, "drive", rate=2000.0, weight=2.0)
    spikes, trace = net.record_spikes(source), net.record(cells, "v")
    net.run_steps(12)
    return {"steps": spikes.steps - first, "i": spikes.i, "v": trace.v}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_draws_are_the_same_on_backends_and_others_than_2_to_the_32_steps_ago(edge):
    there = draws(edge - 5, "cpu")
    assert_same(draws(edge - 5, "python"), there)
    assert set(there["steps"]) <= set(range(12))
    assert there["i"].size > 10
    before = draws(edge - 5 - 2**32, "cpu") if edge > 2**32 else draws(edge - 5 + 2**32, "cpu")
    assert before["v"].tobytes() != there["v"].tobytes()


CACHED = """
import numpy as np
from spikesim.kernels import cpu
from spikesim.kernels.machine.program import Phase, Program, once
def grow(i, t, s, p):
    s.y[0] = 2.0 * s.y[0]
y = np.ones(1, np.float32)
Program([Phase(grow, once, {"y": y})], "float32", cpu)(0, 3)
print(y[0])
"""


@pytest.mark.skipif(os.name != "posix", reason="homes are found in another way")
@pytest.mark.parametrize(
    "case", ["at once", "no home", "read-only home", "read-only cache", "damaged"]
)
def test_a_program_runs_with_an_awkward_cache(tmp_path, monkeypatch, case):
    monkeypatch.setattr(concurrency, "PROGRAM", CACHED)
    assert concurrency.CASES[case](tmp_path) == {"8.0"}


@pytest.mark.parametrize(("n", "rate", "seconds"), SIZES)
def test_the_size_of_a_file_is_predicted_within_a_tenth(tmp_path, n, rate, seconds):
    net = Network(dt=1.0, seed=1)
    source = net.add_population("source", n, Poisson)
    source.rate[:] = rate
    path = tmp_path / "spikes.h5"
    spikes = net.record_spikes(source, path=path)
    net.run(1000.0 * seconds)
    spikes.close()
    predicted = spikes.predicted_bytes(rate, 1000.0 * seconds)
    assert abs(path.stat().st_size / predicted - 1.0) < 0.1


@pytest.mark.parametrize(("n", "seconds"), [(1, 0.01), (7, 3), (300, 20), (2000, 4)])
def test_the_size_of_a_file_of_samples_is_predicted_within_a_tenth(tmp_path, n, seconds):
    net = Network(dt=1.0, seed=1)
    cells = net.add_population("cells", n, LIF)
    path = tmp_path / "states.h5"
    samples = net.record(cells, ["v", "drive"], every=2.0, path=path)
    net.run(1000.0 * seconds)
    samples.close()
    assert abs(path.stat().st_size / samples.predicted_bytes(1000.0 * seconds) - 1.0) < 0.1


def test_a_prediction_without_spikes_is_about_an_empty_file(tmp_path):
    net = Network(seed=1, backend="python")
    spikes = net.record_spikes(net.add_population("cells", 5, LIF), path=tmp_path / "spikes.h5")
    spikes.close()
    size = (tmp_path / "spikes.h5").stat().st_size
    assert 0.5 * size < spikes.predicted_bytes(0.0, 1e6) < 2.0 * size
    for rate, duration in ((-1.0, 1.0), (1.0, -1.0), (float("inf"), 1.0)):
        with pytest.raises(InputError):
            spikes.predicted_bytes(rate, duration)
