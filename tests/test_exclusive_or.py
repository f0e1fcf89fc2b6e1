"""The network that learns exclusive-or: its teacher, its history, files, and rates at full size."""

import numpy as np
import pytest

from spikesim import FileError, InputError
from spikesim.models.burst.spiking.exclusive_or import PATTERNS, ExclusiveOrNetwork
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters
from spikesim.models.burst.spiking.exclusive_or_simulation import POPULATIONS, teaching_current

SMALL = {"n": 6, "duration": 20.0, "alpha": 15.0, "seed": 3, "backend": "python"}


def assert_same(one, other):
    for key, values in one.history.items():
        if key != "seconds":
            assert np.array_equal(values, other.history[key], equal_nan=True), key
    for name, weights in one.W.items():
        assert np.array_equal(weights, other.W[name])


def test_the_teacher_pushes_harder_the_further_the_rate_is_off():
    rates = np.array([2.0, 3.0, 4.0, 6.0, 8.9, 9.0, 10.0, 12.0])
    on = teaching_current(rates, 1, Parameters())
    off = teaching_current(rates, 0, Parameters())
    assert on == pytest.approx([1000.0, 1000.0, 500.0, 250.0, 1000.0 / 6.9, 0.0, 0.0, 0.0])
    assert off == pytest.approx([0.0, 0.0, -1000 / 6, -250.0, -1000 / 1.1, -1000, -1000, -1000])


def test_the_history_has_an_entry_before_learning_and_one_per_epoch():
    net = ExclusiveOrNetwork(**SMALL)
    history = net.fit(2)
    assert history["epoch"] == [0, 1, 2]
    assert all(len(values) == 3 for values in history.values())
    assert np.shape(history["output_rate"]) == (3, len(PATTERNS))
    assert net.time == pytest.approx(0.045 + 3 * 4 * 0.02)


def test_the_cost_is_the_cross_entropy_of_the_estimated_rates():
    net = ExclusiveOrNetwork(**SMALL)
    history = net.fit(1)
    on = np.clip((np.array(history["output_estimate"][1]) - 2.0) / 8.0, 0.01, 0.99)
    expected = -np.log([1 - on[0], on[1], on[2], 1 - on[3]]).sum()
    assert history["cost"][1] == pytest.approx(expected)


def test_the_comparison_says_which_patterns_are_on_the_right_side():
    net = ExclusiveOrNetwork(**SMALL)
    with pytest.raises(InputError, match="call fit first"):
        net.comparisons()
    net.fit(2)
    net.history["output_rate"] = [[9.0] * 4, [4.0, 7.0, 5.0, 3.0], [4.0, 7.0, 5.8, 3.0]]
    net.history["cost"] = [3.0, 1.0, 1.5]
    rows = net.comparisons()
    assert [round(row.ours, 2) for row in rows] == [4.0, 7.0, 5.4, 3.0, 1.25]
    assert [row.holds for row in rows] == [True, True, False, True, True]


def test_a_loaded_network_goes_on_as_the_saved_one(tmp_path):
    whole = ExclusiveOrNetwork(**SMALL)
    whole.fit(3)
    first = ExclusiveOrNetwork(**SMALL)
    first.fit(1, checkpoint=tmp_path / "net.h5")
    again = ExclusiveOrNetwork.load(tmp_path / "net.h5", backend="python")
    assert [type(epoch) for epoch in again.history["epoch"]] == [int, int]
    again.fit(2)
    assert again.epoch == 3
    assert_same(whole, again)


def test_an_interrupted_epoch_is_finished_first(tmp_path):
    whole = ExclusiveOrNetwork(**SMALL)
    whole.fit(2)
    net = ExclusiveOrNetwork(**SMALL)

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.fit(2, progress=interrupt)
    assert (net.epoch, net.example) == (0, 2)
    net.save(tmp_path / "net.h5")
    again = ExclusiveOrNetwork.load(tmp_path / "net.h5", backend="python")
    again.fit(2)
    assert_same(whole, again)


def test_compiled_and_plain_networks_learn_the_same():
    plain = ExclusiveOrNetwork(**SMALL)
    compiled = ExclusiveOrNetwork(**{**SMALL, "backend": "cpu"})
    plain.fit(1)
    compiled.fit(1)
    assert_same(plain, compiled)


def test_evaluating_and_recording_leave_the_network_as_it_was():
    net, other = ExclusiveOrNetwork(**SMALL), ExclusiveOrNetwork(**SMALL)
    net.fit(1)
    other.fit(1)
    assert net.evaluate().shape == (4,)
    assert set(net.record(1, teach=True).spikes) == set(POPULATIONS)
    net.fit(1)
    other.fit(1)
    assert_same(net, other)


def test_a_recording_has_the_rates_of_the_example():
    net = ExclusiveOrNetwork(**{**SMALL, "duration": 100.0})
    recording = net.record(3)
    middle, rate, probability = recording.rates("input_1", bin=50.0)
    assert middle.tolist() == [25.0, 75.0]
    times, neurons = recording.events["input_1"]
    assert rate.mean() == pytest.approx(len(times) / 6 / 0.1)
    assert ((times >= 0.0) & (times < 100.0)).all()
    assert neurons.max() < 6
    bursts = len(recording.bursts["input_1"][0])
    assert np.nansum(probability * rate) * 6 * 0.05 == pytest.approx(bursts)


def test_without_a_teacher_the_dendrites_get_no_more_than_their_constant_current():
    net = ExclusiveOrNetwork(**SMALL, teacher=False)
    simulation = net.training
    simulation.teach(1)
    assert (simulation.cells.I_d[simulation.where["output"]] == 400.0).all()
    assert simulation.rule.is_on


def test_symmetric_feedback_treats_hidden_populations_alike():
    p = ExclusiveOrNetwork(**SMALL, feedback="symmetric").parameters
    assert (p.w_exc_hidden_2, p.w_inh_hidden_2) == (p.w_exc_hidden_1, p.w_inh_hidden_1)
    assert p.I_d_hidden_2 == 0.0
    assert p.eta_output == Parameters().eta_output / 2


def test_rates_before_learning_and_what_the_teacher_does_are_the_authors():
    """Rates within 5 percent of the authors' program; burst probabilities within 3 points."""
    net = ExclusiveOrNetwork(seed=1)
    history = net.fit(1)
    before = {key: values[0] for key, values in history.items()}
    assert before["input_1_rate"] == pytest.approx([2.02, 8.36, 2.06, 8.36], rel=0.05)
    assert before["hidden_1_rate"] == pytest.approx([2.82, 4.42, 4.32, 5.02], rel=0.05)
    assert before["hidden_2_rate"] == pytest.approx([2.82, 4.38, 4.28, 4.98], rel=0.05)
    assert before["output_rate"] == pytest.approx([3.74, 4.69, 4.65, 5.01], rel=0.05)
    probabilities = {
        "input_1": [0.11, 0.11, 0.11, 0.11],
        "hidden_1": [0.249, 0.293, 0.299, 0.315],
        "hidden_2": [0.290, 0.258, 0.254, 0.240],
        "output": [0.400, 0.408, 0.412, 0.407],
    }
    for name, expected in probabilities.items():
        assert before[f"{name}_burst_probability"] == pytest.approx(expected, abs=0.03)
    taught = np.array(history["output_taught_burst_probability"][1])
    change = taught - history["output_burst_probability"][1]
    assert (change[[1, 2]] >= 0.25).all()
    assert (change[[0, 3]] <= -0.10).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"prediction": 1.0}, "prediction is 1.0"),
        ({"e_max": 1.0}, "e_max is 1.0"),
        ({"feedback": "random"}, "feedback is 'random'"),
        ({"w_exc": 2.0}, "w_exc is 2.0"),
        ({"etta": 1.0}, "Unknown parameter 'etta'"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"teacher": "yes"}, "teacher is 'yes'"),
    ],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        ExclusiveOrNetwork(**{**SMALL, **change})


def test_every_declared_bound_is_refused_by_its_name():
    for name, declared in Parameters.declarations().items():
        for value in declared.impossible():
            with pytest.raises(InputError, match=rf"^{name}\b"):
                ExclusiveOrNetwork(**{**SMALL, name: value})


def test_every_parameter_says_what_it_is():
    declarations = Parameters.declarations()
    assert not [name for name, declared in declarations.items() if not declared.about]


def test_a_file_of_another_kind_is_refused(tmp_path):
    from spikesim import Network

    Network(backend="python").save(tmp_path / "net.h5")
    with pytest.raises(FileError, match="exclusive_or"):
        ExclusiveOrNetwork.load(tmp_path / "net.h5")
