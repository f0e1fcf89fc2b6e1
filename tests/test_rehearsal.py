"""What users write is called in plain Python first, so that no wrong index is ever compiled."""

import numpy as np
import pytest

from spikesim import InputError, Network, Neuron
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.rehearsal import rehearse


def shift(i, t, s, p):
    s.v[i] = s.v[i + 1]


def double(i, t, s, p):
    s.x[i] = 2.0 * s.x[i]


def divide(i, t, s, p):
    s.x[i] = 1 // p.zero


def test_an_index_beyond_a_variable_is_refused_with_its_line_before_anything_runs():
    net = Network()
    cells = net.add_population("cells", 5, Neuron(steps=[shift], variables={"v": 3.0}))
    line = shift.__code__.co_firstlineno + 1
    with pytest.raises(InputError, match=rf"shift leaves its arrays: index 5 .* \(line {line} of"):
        net.run(1.0)
    assert (net.step, cells.v.tolist()) == (0, [3.0] * 5)


def test_more_indices_than_an_array_has_are_refused():
    net = Network()
    net.add_phase(double, 7, state={"x": np.ones(6, np.float32)})
    with pytest.raises(InputError, match="double leaves its arrays: index 6 is out of bounds"):
        net.run(1.0)


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_the_rehearsal_changes_nothing(backend):
    net, x = Network(dt=1.0, backend=backend), np.ones(6, np.float32)
    net.add_phase(double, 6, state={"x": x})
    net.run(3.0)
    assert x.tolist() == [8.0] * 6


def test_what_only_plain_python_minds_is_left_to_the_compiled_run():
    net = Network(dt=1.0)
    net.add_phase(divide, 1, state={"x": np.ones(1, np.int32)}, params={"zero": 0})
    net.run(1.0)
    assert net.step == 1


def test_large_arrays_are_not_looped_over_in_plain_python():
    def phase(n):
        return Phase(shift, lambda t, s, p: s.v.shape[0], {"v": np.ones(n)}, {})

    rehearse([phase(3_000_000)], "float32", 0)
    with pytest.raises(LoweringError, match="shift leaves its arrays"):
        rehearse([phase(3)], "float32", 0)


def halve_all(i, t, s, p):
    s.x[:] = s.y / 2.0


def copy_all(i, t, s, p):
    s.x[i] = s.y


def copy_row(i, t, s, p):
    s.x[:] = s.y


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("body", [halve_all, copy_all, copy_row])
def test_a_body_that_computes_with_a_whole_array_is_refused_with_its_line(body, backend):
    net = Network(dt=1.0, backend=backend)
    net.add_phase(body, 3, state={"x": np.ones(3, np.float32), "y": np.ones(3, np.float32)})
    line = body.__code__.co_firstlineno + 1
    with pytest.raises(
        InputError, match=rf"{body.__name__} computes with a whole array.*line {line} "
    ):
        net.run(1.0)
