"""Steps of neurons that touch only elements of their own index become one pass: the same bits."""

import re

import numpy as np
import pytest

from spikesim import CurrentLIF, Network, Neuron, TwoCompartment
from spikesim.kernels.machine import compiling, cpu
from spikesim.kernels.machine.joining import joined
from spikesim.kernels.machine.program import Program
from spikesim.math import normal

N = 37  # not a multiple of what a processor computes at once


def charge(i, t, s, p):
    s.v[i] += p.gain * s.x[i]


def fire(i, t, s, p):
    fires = s.v[i] > p.threshold
    s.spike[i] = 1 if fires else 0
    s.v[i] = 0.0 if fires else s.v[i]


def adapt(i, t, s, p):
    s.x[i] = 0.9 * s.x[i] + 0.1 * s.v[i] - (0.2 if s.spike[i] > 0 else 0.0)


def look_left(i, t, s, p):
    s.x[i] = s.x[i] + 0.1 * s.v[i - 1 if i > 0 else 0]


def ask(i, t, s, p):
    s.x[i] = mean(s, i)


def mean(s, i):
    return 0.5 * (s.x[i] + s.v[i])


def draw(i, t, s, p):
    s.x[i] += 0.1 * normal(s, i)


def repeat(i, t, s, p):
    for _ in range(2):
        s.x[i] = 0.9 * s.x[i]


def decide(i, t, s, p):
    if s.v[i] > 0.5:
        s.x[i] = half(s.x[i])


def half(x):
    return 0.5 * x


def shift(i, t, s, p):
    i = max(i - 1, 0)
    s.x[i] = 0.5


def follow(i, t, s, p):
    s.x[i] = 0.9 * s.x[i] + 0.1 * s.seen[i]


def network(*steps, backend="cpu", dtype="float32", shared=None, **given):
    neuron = Neuron(steps, {"v": 0.0, "x": 0.5}, {"gain": 0.3, "threshold": 1.0})
    net = Network(dt=1.0, seed=3, dtype=dtype, backend=backend)
    cells = net.add_population("cells", N, neuron, **given)
    cells.x[:] = np.random.default_rng(1).normal(0.5, 0.4, N)
    if shared is not None:
        cells.shared["seen"] = shared(cells)
    return net, cells


def passes(net):
    return [phase.body.__name__ for phase in joined(net.phases())]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gain", [0.3, list(np.linspace(0.1, 0.5, N))], ids=["alike", "each"])
@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_joined_steps_have_the_bits_of_plain_python(backend, gain, dtype):
    states = []
    for each in ("python", backend):
        net, cells = network(charge, fire, adapt, backend=each, dtype=dtype, gain=gain)
        spikes = net.record_spikes(cells)
        net.run(12.0)
        assert spikes.t.size > 5
        states.append((cells.v.tobytes(), cells.x.tobytes(), spikes.i.tobytes()))
    assert states[0] == states[1]


@pytest.mark.parametrize("gain", [0.3, list(np.linspace(0.1, 0.5, N))], ids=["alike", "each"])
def test_steps_that_touch_only_their_own_elements_are_one_pass(gain):
    assert passes(network(charge, fire, adapt, gain=gain)[0]) == ["charge", "collect"]


@pytest.mark.parametrize("kind", [CurrentLIF, TwoCompartment], ids=lambda kind: kind.name)
def test_the_steps_of_published_neurons_are_one_pass(kind):
    net = Network()
    net.add_population("cells", 5, kind)
    assert len(net.phases()) > 3
    assert len(joined(net.phases())) == 2


@pytest.mark.parametrize("step", [look_left, ask, draw, repeat, decide, shift])
def test_a_step_that_may_do_more_stays_a_pass_of_its_own(step):
    names = passes(network(charge, step, adapt)[0])
    assert names[-4:] == ["charge", step.__name__, "adapt", "collect"]


def test_what_is_joined_follows_from_the_code_at_the_time_of_the_run(monkeypatch):
    net, _ = network(charge, adapt)
    assert passes(net) == ["charge", "collect"]
    monkeypatch.setattr(adapt, "__code__", look_left.__code__)
    assert passes(net) == ["charge", "adapt", "collect"]


def test_steps_whose_arrays_overlap_are_not_joined():
    net, _ = network(charge, follow, shared=lambda cells: cells.v[::-1])
    assert passes(net) == ["charge", "follow", "collect"]
    assert passes(network(charge, follow, shared=lambda cells: cells.v)[0]) == ["charge", "collect"]


def test_steps_are_parted_when_an_array_is_replaced_by_one_that_overlaps():
    states = []
    for backend in ("python", "cpu"):
        net, cells = network(
            charge, follow, backend=backend, shared=lambda cells: np.ones(N, np.float32)
        )
        net.run(2.0)
        cells.shared["seen"] = cells.v[::-1].copy()
        net.run(2.0)
        cells.shared["seen"] = cells.x[::-1]
        net.run(3.0)
        states.append((cells.v.tobytes(), cells.x.tobytes()))
    assert states[0] == states[1]


def test_a_joined_loop_works_on_four_vectors_at_once():
    net = Network()
    net.add_population("cells", 5, CurrentLIF)
    program = Program(net.phases(), "float32", cpu)
    (job,) = (job for job in program._run._parts if job.name == "step_driven")
    text = str(compiling.optimised(job)[0])
    widths = [int(width) for width in re.findall(r"store <(\d+) x float>", text)]
    assert widths
    assert int(re.findall(r"add nuw i64 %index, (\d+)", text)[0]) == 4 * widths[0]
