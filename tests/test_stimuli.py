"""Stimuli: what neurons get in each step, beside what was set by hand, everywhere alike."""

import copy

import numpy as np
import pytest

from spikesim import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    InputError,
    Izhikevich,
    Network,
    Neuron,
    Poisson,
    Replicas,
    stimuli,
)


def take(i, t, s, p):
    s.got[i] = s.I[i]
    s.spike[i] = 1 if s.I[i] > 100.0 else 0


TAKING = Neuron([take], {"I": 0.0, "got": 0.0})
"""Shows what reached its equations."""


def network(n=3, dt=0.5, **options):
    net = Network(dt=dt, **{"backend": "python", **options})
    return net, net.add_population("cells", n, TAKING)


def received(*played, n=3, steps=8, **options):
    """What neurons get in each step, shape (steps, n), of stimuli and options of `play`."""
    net, cells = network(n, **options)
    for stimulus, given in played:
        net.play(cells, "I", stimulus, **given)
    got = net.record(cells, "got")
    net.run_steps(steps)
    return got.got.T.tolist()


def column(*played, **options):
    return [row[0] for row in received(*played, n=1, **options)]


# ---- arrays -------------------------------------------------------------------------------------


def test_a_sample_holds_for_dt_and_after_the_last_one_there_is_nothing():
    assert column(([1.0, 2.0, 3.0], {"dt": 1.0})) == [1, 1, 2, 2, 3, 3, 0, 0]


def test_a_sample_lasts_a_step_of_the_network_by_default():
    assert column(([1.0, 2.0, 3.0], {})) == [1, 2, 3, 0, 0, 0, 0, 0]


def test_the_last_sample_may_hold():
    assert column(([1.0, 2.0, 3.0], {"after": "hold"})) == [1, 2, 3, 3, 3, 3, 3, 3]


def test_all_samples_may_come_again():
    assert column(([1.0, 2.0, 3.0], {"after": "repeat"})) == [1, 2, 3, 1, 2, 3, 1, 2]


def test_a_column_is_one_neuron():
    samples = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert received((samples, {}), steps=3) == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]


def test_it_begins_when_told_to():
    assert column(([1.0, 2.0], {"begin": 1.5})) == [0, 0, 0, 1, 2, 0, 0, 0]


def test_it_begins_now_by_default():
    net, cells = network()
    net.run(2.0)
    played = net.play(cells, "I", [5.0])
    net.run(0.5)
    assert played.begin == 2.0
    assert cells.got.tolist() == [5, 5, 5]


@pytest.mark.parametrize("neurons", [[0, 2], [True, False, True]])
def test_chosen_neurons_get_it_and_no_others(neurons):
    assert received(([1.0], {"neurons": neurons}), steps=1) == [[1, 0, 1]]
    assert received(([[1.0, 2.0]], {"neurons": neurons}), steps=1) == [[1, 0, 2]]
    assert received((stimuli.step([1.0, 2.0]), {"neurons": neurons}), steps=1) == [[1, 0, 2]]


def test_columns_belong_to_chosen_neurons_in_their_order():
    assert received(([[1.0, 2.0]], {"neurons": [2, 0]}), steps=1) == [[2, 0, 1]]


# ---- steps, ramps, functions --------------------------------------------------------------------


def test_a_step_lasts_from_its_begin_to_before_its_end():
    step = stimuli.step(4.0, begin=0.5, end=2.0)
    assert column((step, {})) == [0, 4, 4, 4, 0, 0, 0, 0]


def test_a_step_without_an_end_goes_on():
    assert column((stimuli.step(4.0, begin=3.0), {})) == [0] * 6 + [4, 4]


def test_neurons_may_have_amplitudes_of_their_own():
    assert received((stimuli.step([1.0, 2.0, 4.0]), {}), steps=1) == [[1, 2, 4]]


def test_a_ramp_is_a_straight_line():
    ramp = stimuli.ramp(1.0, 3.0, begin=0.5, end=2.5)
    assert column((ramp, {})) == [0, 1, 1.5, 2, 2.5, 0, 0, 0]


def test_a_ramp_that_holds_stays_where_it_ends():
    ramp = stimuli.ramp(0.0, 2.0, end=2.0)
    assert column((ramp, {"after": "hold"})) == [0, 0.5, 1, 1.5, 2, 2, 2, 2]


def test_a_step_may_be_repeated_with_the_silence_before_it():
    pulse = stimuli.step(1.0, begin=1.0, end=1.5)
    assert column((pulse, {"after": "repeat"})) == [0, 0, 1, 0, 0, 1, 0, 0]


def test_a_function_is_computed_at_the_beginning_of_each_step():
    square = stimuli.of(lambda t: t * t, duration=2.0)
    assert column((square, {})) == [0, 0.25, 1, 2.25, 0, 0, 0, 0]


def test_a_function_may_have_a_dt_of_its_own():
    assert column((stimuli.of(lambda t: 1.0 + t, 2.0, dt=1.0), {})) == [1, 1, 2, 2, 0, 0, 0, 0]


def test_a_sine_has_its_amplitude_frequency_and_phase():
    sine = stimuli.sine(2.0, frequency=250.0, phase=0.5, begin=0.5, end=3.5)
    t = 0.5 * np.arange(8)
    expected = 2.0 * np.sin(2.0 * np.pi * 0.25 * (t - 0.5) + 0.5)
    expected[[0, 7]] = 0.0
    assert np.allclose(column((sine, {})), expected, atol=1e-6)


def test_a_sine_is_true_after_many_steps_in_float32():
    net, cells = network(n=2)
    net.play(cells, "I", stimuli.sine([1.0, 3.0], frequency=7.0))
    step = 2**40 + 12345
    net.set_state({**net.state(), "step": step})
    net.run_steps(1)
    periods = 7 * 5 * step % 10_000 / 10_000  # 0.0035 in each step of 0.5 ms, in whole numbers
    expected = np.sin(2.0 * np.pi * periods)
    assert np.allclose(cells.got, [expected, 3.0 * expected], atol=3e-5)


def test_a_ramp_is_true_after_many_steps_in_float32():
    net, cells = network(n=1, dt=1.0)
    net.play(cells, "I", stimuli.ramp(0.0, 1.0, end=2.0**30))
    net.set_state({**net.state(), "step": 2**29 + 2**5})
    net.run_steps(1)
    assert cells.got[0] == np.float32(0.5 + 2.0**-25)


# ---- what adds up, and what stays ---------------------------------------------------------------


def test_stimuli_add_up_with_what_was_set_by_hand_which_stays():
    net, cells = network()
    cells.I[:] = 10.0, 20.0, 30.0
    net.play(cells, "I", [1.0])
    net.play(cells, "I", [100.0])
    current = net.record(cells, "I")
    net.run(1.0)
    assert current.I.T.tolist() == [[111, 121, 131], [10, 20, 30]]
    assert cells.I.tolist() == [10, 20, 30]


def test_what_is_set_between_runs_counts_from_then_on():
    net, cells = network()
    net.play(cells, "I", stimuli.step(5.0))
    net.run(1.0)
    cells.I = 7.0
    net.run(0.5)
    assert cells.got.tolist() == [12, 12, 12]


def test_a_phase_may_set_what_it_is_added_to():
    net, cells = network(n=1)

    def grow(i, t, s, p):
        s.I[i] += 1.0

    net.add_phase(grow, 1, state={"I": cells.I})
    net.play(cells, "I", stimuli.step(10.0))
    got = net.record(cells, "got")
    net.run(1.5)
    assert got.got[0].tolist() == [10, 11, 12]


def test_a_stimulus_can_be_stopped_and_goes_on_in_its_time():
    net, cells = network(n=1)
    played = net.play(cells, "I", [1.0, 2.0, 3.0, 4.0])
    got = net.record(cells, "got")
    net.run(0.5)
    played.stop()
    net.run(0.5)
    assert not played.is_on
    played.is_on = True
    net.run(0.5)
    assert got.got[0].tolist() == [1, 0, 3]


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_another_stimulus_may_take_its_place(backend):
    net, cells = network(n=1, backend=backend)
    played = net.play(cells, "I", [1.0, 1.0])
    got = net.record(cells, "got")
    for other in ([2.0, 3.0], [[4.0], [5.0], [6.0]], stimuli.step(9.0, begin=1.5)):
        net.run(0.5)
        played.stimulus = other
    net.run(0.5)
    assert got.got[0].tolist() == [1, 3, 6, 9]


def test_samples_may_be_written_to_between_runs():
    net, cells = network(n=1)
    played = net.play(cells, "I", [1.0, 1.0])
    played.stimulus[:] = 8.0
    net.run(0.5)
    assert cells.got[0] == 8.0


def test_an_array_that_was_given_is_not_looked_at_again():
    net, cells = network(n=1)
    samples = np.ones(2, np.float32)
    net.play(cells, "I", samples)
    samples[:] = 8.0
    net.run(0.5)
    assert cells.got[0] == 1.0


def test_the_rate_of_a_source_may_be_played():
    net = Network(dt=0.1, seed=1, backend="python")
    source = net.add_population("source", 200, Poisson)
    net.play(source, "rate", stimuli.step(100.0, begin=50.0, end=100.0))
    spikes = net.record_spikes(source)
    net.run(150.0)
    inside = (spikes.t >= 50.0) & (spikes.t < 100.0)
    assert inside.all()
    assert abs(spikes.t.size - 1000) < 4 * np.sqrt(1000)


def test_a_current_drives_a_neuron_as_one_that_was_set_by_hand():
    def spikes(by_hand):
        net = Network(dt=0.1, backend="python")
        cells = net.add_population("cells", 2, Izhikevich)
        if by_hand:
            cells.I[:] = 5.0, 10.0
        else:
            net.play(cells, "I", stimuli.step([5.0, 10.0]))
        recorded = net.record_spikes(cells)
        net.run(100.0)
        return recorded

    expected, found = spikes(True), spikes(False)
    assert expected.t.size > 4
    assert np.array_equal(expected.t, found.t)
    assert np.array_equal(expected.i, found.i)


# ---- parameters that are inputs ------------------------------------------------------------------

LIVE = [CurrentLIF, ConductanceLIF, AlphaCurrentLIF, AlphaConductanceLIF, DeltaLIF]


def fired(neuron, stimulus, n=4, backend="python", **parameters):
    net = Network(dt=0.1, seed=1, backend=backend)
    cells = net.add_population("cells", n, neuron, **parameters)
    if stimulus is not None:
        net.play(cells, "I", stimulus)
    spikes = net.record_spikes(cells)
    net.run(60.0)
    return spikes, cells


@pytest.mark.parametrize("neuron", LIVE)
def test_a_stimulus_adds_to_a_parameter_as_if_it_had_been_given(neuron):
    currents = np.array([0.0, 12.0, 25.0, 40.0])
    expected, apart = fired(neuron, None, I=currents)
    found, cells = fired(neuron, stimuli.step(currents - 5.0), I=5.0)
    assert expected.t.size > 2
    assert np.array_equal(expected.t, found.t)
    assert np.array_equal(expected.i, found.i)
    assert np.array_equal(apart.v, cells.v)
    assert cells.I.tolist() == [5.0] * 4


def test_an_input_that_is_a_parameter_is_recorded_with_what_is_added():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, CurrentLIF, I=[1.0, 2.0])
    net.play(cells, "I", [10.0])
    current = net.record(cells, "I")
    net.run(1.0)
    assert current.I.tolist() == [[11.0, 1.0], [12.0, 2.0]]


def test_a_parameter_that_is_refused_as_an_input_stays_one():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, CurrentLIF)
    with pytest.raises(InputError, match="NaN"):
        net.play(cells, "I", [np.nan])
    assert "I" not in cells.state
    with pytest.raises(InputError, match="Unknown target variable"):
        net.play(cells, "tau", [1.0])


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_every_backend_gives_the_same_bits_of_parameters_that_are_inputs(backend):
    sine = stimuli.sine([10.0, 40.0, 60.0, 90.0], frequency=40.0)
    first, cells = fired(ConductanceLIF, sine, tau=[10.0, 15.0, 20.0, 25.0])
    second, others = fired(ConductanceLIF, sine, tau=[10.0, 15.0, 20.0, 25.0], backend=backend)
    assert first.t.size > 2
    assert np.array_equal(first.t, second.t)
    assert cells.v.tobytes() == others.v.tobytes()


# ---- the same everywhere ------------------------------------------------------------------------


def mixed(backend="python", seed=1, n=5):
    net = Network(dt=0.1, seed=seed, backend=backend)
    cells = net.add_population("cells", n, AdEx)
    cells.I[:] = np.linspace(0.0, 400.0, n)
    chance = np.random.default_rng(1)
    net.play(cells, "I", chance.normal(0.0, 300.0, (40, n)), dt=0.5, after="repeat")
    net.play(cells, "I", chance.normal(0.0, 300.0, 30), dt=0.3, neurons=slice(1, 4))
    net.play(cells, "I", [900.0, -900.0], neurons=[0, 2], after="repeat")
    net.play(cells, "I", stimuli.ramp(0.0, np.linspace(0.0, 900.0, n), end=50.0), after="hold")
    net.play(cells, "I", stimuli.sine(np.linspace(0.0, 300.0, n), frequency=77.0))
    net.record_spikes(cells)
    return net


def volts(net, parts=(60.0,)):
    for part in parts:
        net.run(part)
    return net.populations["cells"].v.tobytes()


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_every_backend_gives_the_same_bits(backend):
    assert volts(mixed()) == volts(mixed(backend))


def test_a_run_in_parts_gives_the_bits_of_one():
    assert volts(mixed()) == volts(mixed(), (10.1, 0.2, 49.7))


def test_a_restored_network_and_a_copy_go_on_with_the_same_bits(tmp_path):
    net = mixed()
    net.run(20.3)
    net.save(tmp_path / "net.h5")
    copied = copy.deepcopy(net)
    restored = mixed().restore(tmp_path / "net.h5")
    assert volts(net, [39.7]) == volts(copied, [39.7]) == volts(restored, [39.7])


def test_a_copy_has_stimuli_of_its_own():
    net, cells = network(n=1)
    net.play(cells, "I", [1.0, 2.0])
    other = copy.deepcopy(net)
    other.stimuli[0].stop()
    net.run(0.5)
    other.run(0.5)
    assert (cells.got[0], other.populations["cells"].got[0]) == (1.0, 0.0)


def test_replicas_have_stimuli_of_their_own():
    nets = [network(n=1)[0] for _ in range(2)]
    for amplitude, net in enumerate(nets, 1):
        net.play(net.populations["cells"], "I", [float(amplitude)])
    Replicas(nets, threads=1).run(0.5)
    assert [net.populations["cells"].got[0] for net in nets] == [1.0, 2.0]


def test_a_reset_begins_the_stimuli_again():
    net = mixed()
    first = volts(net)
    net.reset()
    assert volts(net) == first


def test_another_stimulus_than_the_saved_one_is_refused(tmp_path):
    def build(value):
        net, cells = network()
        net.play(cells, "I", [value])
        return net

    build(1.0).save(tmp_path / "net.h5")
    with pytest.raises(InputError, match=r"checksum of amplitudes of 'stimulus 0'"):
        build(2.0).restore(tmp_path / "net.h5")
    with pytest.raises(InputError, match=r"Only the saved one has 'stimulus 0'"):
        network()[0].restore(tmp_path / "net.h5")


# ---- refusals -----------------------------------------------------------------------------------


REFUSED = [
    ("NaN or infinite", [1.0, np.nan], {}),
    (r"shape \(2, 2\).*\(samples, 3\)", np.ones((2, 2)), {}),
    (r"shape \(0,\)", [], {}),
    ("dt is 0.7 ms; it has to be a multiple", [1.0], {"dt": 0.7}),
    ("after is 'loop'.*'repeat'", [1.0], {"after": "loop"}),
    ("begin is 0.3 ms", [1.0], {"begin": 0.3}),
    ("an element of neurons|neurons holds", [1.0], {"neurons": [3]}),
    ("none twice", [1.0], {"neurons": [1, 1]}),
    ("one or more", [1.0], {"neurons": []}),
    (r"stimuli.of\(function, duration\)", lambda t: t, {}),
    ("dt is 0.5, which is for arrays", stimuli.step(1.0), {"dt": 0.5}),
    (r"amplitude has shape \(2,\)", stimuli.step([1.0, 2.0]), {}),
    ("end is 0.7 ms", stimuli.step(1.0, end=0.7), {}),
    ("Functions of NumPy", stimuli.of(__import__("math").sin, 5.0), {}),
    ("returns an array of shape", stimuli.of(lambda t: 1.0, 5.0), {}),
    ("takes .* GB of memory", stimuli.of(lambda t: t, 1e14), {}),
    ("largest float32", stimuli.step(1e39), {}),
    ("frequency is 2000.*at most 1000", stimuli.sine(1.0, 2000.0), {}),
    (r"amplitude has shape \(2,\)", stimuli.sine([1.0, 2.0], 5.0), {}),
]


@pytest.mark.parametrize(("message", "stimulus", "options"), REFUSED)
def test_what_cannot_be_played_is_refused(message, stimulus, options):
    net, cells = network()
    with pytest.raises(InputError, match=message):
        net.play(cells, "I", stimulus, **options)
    assert not net.stimuli


def test_what_the_equations_change_is_no_input():
    net = Network(backend="python")
    cells = net.add_population("cells", 1, AdEx)
    with pytest.raises(InputError, match=r"target is 'v', which the equations.*there is I\."):
        net.play(cells, "v", [1.0])
    lif = net.add_population("lif", 1, LIF)
    with pytest.raises(InputError, match=r"target is 'drive', which the equations.*there is I\."):
        net.play(lif, "drive", [1.0])


def add(values, i):
    values[i] += 1.0


def indirect(i, t, s, p):
    kept = s.u if p.dt > 0.0 else s.w
    kept[i] = s.I[i]
    add(s.v, i)


def test_what_is_changed_under_another_name_is_no_input_either():
    net = Network(backend="python")
    kind = Neuron([indirect], dict.fromkeys("uvwI", 0.0), most_spikes=0)
    cells = net.add_population("cells", 1, kind)
    for name in "uvw":
        with pytest.raises(InputError, match="there is I"):
            net.play(cells, name, [1.0])


def test_a_function_of_time_cannot_be_called_without_an_end_for_a_ramp():
    with pytest.raises(InputError, match="a ramp has to have an end"):
        stimuli.ramp(0.0, 1.0)


def test_one_number_is_played_for_ever():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, AdEx)
    current = net.record(cells, "I")
    net.run(1.0)
    net.play(cells, "I", 15.0)
    net.run(5.0)
    assert current.I[0].tolist() == [0.0] * 2 + [15.0] * 10
