"""Signals in time, and the frame of models that they drive."""

import numpy as np
import pytest

from spikesim import InputError, Network, SimulationError
from spikesim.learning.signals import KEPT, SignalModel, correlation, rms, rms_over_time, sinusoids


def follow(_, t, s, p):
    """y is the sum of all x until now, unless it is given."""
    now = t % s.x.shape[0]
    s.sum[0] += s.x[now]
    s.y[now] = s.given[now, 0] if s.is_given[0] == 1 else s.sum[0]


class Summing(SignalModel):
    def __init__(self):
        super().__init__(Network(1.0, 0, "float64", "python"), ("x", "y"))
        state = {**self.signals, "sum": np.zeros(1), **self._replaceable("y", 1, np.float64, 0.0)}
        self.network.add_phase(follow, state=state)

    def run(self, x, given=None):
        return self._drive({"x": np.asarray(x)}, ["y"], given)["y"]


def test_a_model_gets_one_value_in_each_step_however_many_there_are():
    x = np.random.default_rng(1).normal(size=2 * KEPT + 7)
    net = Summing()
    course = np.concatenate([net.run(x[:5]), net.run(x[5:])])
    np.testing.assert_allclose(course, np.cumsum(x), rtol=1e-9)


def test_what_is_given_stands_for_what_cells_do_in_that_run_only():
    net = Summing()
    assert net.run([1.0, 2.0], {"y": [[7.0], [8.0]]}).tolist() == [7.0, 8.0]
    assert net.run([3.0]).tolist() == [6.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0], "given is a list|given is \\[1.0\\]"),
        ({"z": [[1.0]]}, "z"),
        ({"y": [1.0]}, "given\\['y'\\] has shape"),
        ({"y": [[-1.0]]}, "given\\['y'\\]"),
        ({"y": [[np.nan]]}, "given\\['y'\\]"),
    ],
)
def test_what_cannot_be_given_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Summing().run([1.0], given)


def test_a_saved_model_goes_on(tmp_path):
    net, again = Summing(), Summing()
    net.run([1.0, 2.0])
    net.save(tmp_path / "net.h5")
    assert again.restore(tmp_path / "net.h5").run([3.0]).tolist() == [6.0]


def test_the_root_of_a_mean_square_does_not_overflow():
    assert rms(np.array([3.0, -4.0])) == pytest.approx(np.sqrt(12.5))
    assert rms(np.array([1e200, 1e200])) == pytest.approx(1e200)


def test_what_does_not_vary_correlates_with_nothing():
    assert correlation(np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 9.0])) == pytest.approx(1.0)
    assert np.isnan(correlation(np.arange(3.0), np.ones(3)))


def test_what_diverges_has_an_infinite_rms_from_then_on():
    def run(x):
        if x[0] > 2.0:
            raise SimulationError("y is not finite.")
        return 2.0 * x

    assert rms_over_time(run, np.arange(1.0, 5.0), 4).tolist() == [2.0, 4.0, np.inf, np.inf]


def test_sinusoids_have_unit_power_at_their_frequencies_only():
    x = sinusoids(100.0, low=1.0, high=4.0, seed=2, n=3)  # 1, 2 and 4 Hz
    power = np.abs(np.fft.rfft(x)) ** 2 / (x.size**2 / 4.0)
    np.testing.assert_allclose(power[[100, 200, 400]], 2.0 / 3.0, rtol=1e-9)
    assert power.sum() == pytest.approx(2.0)
