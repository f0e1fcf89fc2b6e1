"""Synapse models against closed forms, and together with all else that acts on neurons."""

import copy
from dataclasses import replace
from math import e, exp

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import (
    NMDA,
    AdEx,
    Alpha,
    Biexponential,
    CurrentLIF,
    InputError,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    Replicas,
    ShortTermPlasticity,
    Synapse,
    Variable,
    plot,
)
from spikesim.errors import BodyError, SimulationError
from spikesim.sonata import read_traces

DT = 0.5  # ms


def hold(i, t, s, p):
    """Shows what reaches it, at a voltage that stays."""
    s.got[i] = s.I[i] + s.v[i] * 0.0
    s.spike[i] = 0


CLAMPED = Neuron([hold], {"v": -40.0, "I": 0.0, "got": 0.0})


def build(
    synapse,
    weight=3.0,
    times=(2.0,),
    kind=CLAMPED,
    target="I",
    backend="python",
    dtype="float64",
    **o,
):
    """Neurons held at a voltage, one of which gets a spike at each time, after a delay of 1 ms."""
    net = Network(dt=DT, dtype=dtype, backend=backend)
    source = net.add_spike_trains("source", 2, np.array(times), np.zeros(len(times), int))
    cells = net.add_population("cells", 2, kind)
    weights = np.array([[weight, 2.0 * weight], [7.0, 7.0]])
    o = {"delay": 1.0, "weight": weights, **o}
    made = net.connect(source, cells, target=target, synapse=synapse, **o)
    return net, made, cells


def after(net, duration=40.0):
    """The current that neurons saw in each step, and the time since the spike at 2 ms arrived."""
    recording = net.record(net.populations["cells"], "got")
    net.run(duration)
    return recording.got, recording.t - 3.0


def peaked(t, rise, decay):
    """A difference of exponentials, of which the largest value is 1."""
    fine = np.linspace(0.0, 100.0, 1_000_001)
    peak = (np.exp(-fine / decay) - np.exp(-fine / rise)).max()
    return np.where(t > 0.0, np.exp(-t / decay) - np.exp(-t / rise), 0.0) / peak


def test_an_alpha_conductance_is_exact():
    net, _, _ = build(Alpha.with_(tau=4.0, E=10.0))
    current, t = after(net)
    g = 3.0 * np.where(t > 0.0, t / 4.0, 0.0) * np.exp(1.0 - t / 4.0)
    np.testing.assert_allclose(current[0], g * 50.0, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(current[1], 2.0 * current[0], rtol=1e-12)
    assert current[0].max() == pytest.approx(150.0)


@pytest.mark.parametrize(("rise", "decay"), [(1.0, 5.0), (5.0, 1.0), (0.1, 12.0)])
def test_a_biexponential_conductance_is_exact_and_peaks_at_the_weight(rise, decay):
    net, _, _ = build(Biexponential.with_(tau_rise=rise, tau_decay=decay, E=-70.0))
    current, t = after(net)
    g = 3.0 * np.abs(peaked(t, min(rise, decay), max(rise, decay)))
    np.testing.assert_allclose(current[0], g * -30.0, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("voltage", [-80.0, -40.0, 0.0, 20.0])
def test_magnesium_blocks_nmda_receptors_as_measured(voltage):
    net, _, cells = build(NMDA.with_(tau_decay=50.0))
    cells.v = voltage
    current, t = after(net)
    unblocked = 1.0 / (1.0 + exp(-0.062 * voltage) / 3.57)
    g = 3.0 * peaked(t, 2.0, 50.0)
    np.testing.assert_allclose(current[0], -g * voltage * unblocked, rtol=1e-6, atol=1e-9)


def test_without_magnesium_there_is_no_block():
    net, made, _ = build(NMDA)
    made.synapse.Mg = 0.0
    assert made.synapse.Mg == 0.0
    current, t = after(net)
    np.testing.assert_allclose(current[0], 120.0 * peaked(t, 2.0, 100.0), rtol=1e-6, atol=1e-9)


def test_currents_of_spikes_synapses_and_stimuli_add_up():
    alpha = Alpha.with_(tau=4.0)
    net, _, cells = build(alpha, times=(2.0, 6.0))
    source = net.populations["source"]
    net.connect(source, cells, target="I", weight=1.0, delay=2.0, synapse=alpha, name="second")
    cells.I = 5.0
    net.play(cells, "I", [100.0, 200.0], dt=20.0)
    current, t = after(net)

    def g(t):
        return np.where(t > 0.0, t / 4.0 * np.exp(1.0 - t / 4.0), 0.0)

    spikes = 3.0 * (g(t) + g(t - 4.0)) + g(t - 1.0) + g(t - 5.0)
    stimulus = 5.0 + np.where(t + 3.0 < 20.0, 100.0, 200.0)
    np.testing.assert_allclose(current[0], 40.0 * spikes + stimulus, rtol=1e-9)


def test_a_synapse_reaches_a_compartment_by_the_names_that_its_neuron_has():
    def two(i, t, s, p):
        s.got[i] = s.I_dendrite[i] + 0.0 * s.v_dendrite[i] * s.v[i]
        s.spike[i] = 0

    kind = Neuron([two], {"v": -70.0, "v_dendrite": -20.0, "I_dendrite": 0.0, "got": 0.0})
    net, _, _ = build(Alpha.with_(tau=4.0, v="v_dendrite"), kind=kind, target="I_dendrite")
    current, t = after(net)
    g = 3.0 * np.where(t > 0.0, t / 4.0, 0.0) * np.exp(1.0 - t / 4.0)
    np.testing.assert_allclose(current[0], g * 20.0, rtol=1e-9, atol=1e-12)


def test_a_synapse_reaches_a_parameter_that_can_become_an_input():
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [2.0], [0])
    cells = net.add_population("cells", 2, CurrentLIF, I=[0.0, 5.0])
    net.connect(source, cells, target="I", weight=0.05, delay=1.0, synapse=Alpha.with_(tau=4.0))
    recording = net.record(cells, ["I", "v"])
    net.run(20.0)
    t = recording.t - 3.0
    g = 0.05 * np.where(t > 0.0, t / 4.0, 0.0) * np.exp(1.0 - t / 4.0)
    before = np.hstack([[[-60.0], [-60.0]], recording.v[:, :-1]])
    np.testing.assert_allclose(recording.I, [[0.0], [5.0]] - g * before, rtol=1e-9, atol=1e-12)
    assert (recording.v[:, -1] > [-60.0, -57.0]).all()


def test_delays_of_each_synapse_count():
    delays = np.array([[1.0, 4.0], [0.5, 0.5]])
    net, _, _ = build(Alpha.with_(tau=4.0), delay=delays)
    current, t = after(net)
    for j in range(2):
        late = t + 1.0 - delays[0, j]
        g = np.where(late > 0.0, late / 4.0, 0.0) * np.exp(1.0 - late / 4.0)
        np.testing.assert_allclose(current[j], (j + 1) * 120.0 * g, rtol=1e-9, atol=1e-12)


def test_short_term_plasticity_scales_what_a_spike_does():
    short = ShortTermPlasticity(U=0.5, tau_D=1e6, tau_F=1e6, f=0.0)
    net, _, _ = build(Alpha.with_(tau=0.5), times=(2.0, 22.0), short_term=short)
    current, t = after(net)
    first, second = current[0, t == 0.5], current[0, t == 20.5]
    assert first == pytest.approx(0.5 * 120.0)
    assert second == pytest.approx(0.25 * 120.0, rel=1e-4)


def leak(g, tau, dt):
    return g - g * dt / tau


def ohm(g, v):
    return -g * v


OWN = Synapse(variables={"g": 0.25}, on_spike="g", step=leak, current=ohm, parameters={"tau": 10.0})


def test_a_synapse_of_ones_own_takes_steps_as_written():
    net, made, _ = build(OWN)
    assert made.synapse.g.tolist() == [0.25, 0.25]
    current, t = after(net, 20.0)
    g, expected = 0.25, []
    for time in t:
        g += 3.0 * (time == 0.0)
        expected.append(40.0 * g)
        g -= g * DT / 10.0
    np.testing.assert_allclose(current[0], expected, rtol=1e-12)


def test_a_neuron_with_nmda_receptors_follows_its_differential_equation():
    net = Network(dt=0.01, dtype="float64", backend="cpu")
    source = net.add_spike_trains("source", 1, [1.0, 3.0, 5.0], [0, 0, 0])
    cell = net.add_population("cell", 1, AdEx)
    net.connect(
        source, cell, target="I", weight=25.0, delay=1.0, synapse=NMDA.with_(tau_decay=50.0)
    )
    recording = net.record(cell, ["v", "w"], every=1.0)
    net.run(40.0)
    p = cell.neuron.parameters

    times = np.linspace(0.0, 40.0, 4001)
    conductance = sum(25.0 * peaked(times - s, 2.0, 50.0) for s in (2.0, 4.0, 6.0))

    def change(t, y):
        v, w = y
        current = np.interp(t, times, conductance) * -v / (1.0 + exp(-0.062 * v) / 3.57)
        spiking = p["g_L"] * p["Delta_T"] * exp((v - p["V_T"]) / p["Delta_T"])
        dv = (-p["g_L"] * (v - p["E_L"]) + spiking - w + current) / p["C"]
        return [dv, (p["a"] * (v - p["E_L"]) - w) / p["tau_w"]]

    start = [recording.v[0, 0], recording.w[0, 0]]
    solved = solve_ivp(change, (0.01, 39.01), start, t_eval=recording.t + 0.01, rtol=1e-9)
    assert solved.y[0].max() > start[0] + 5.0
    np.testing.assert_allclose(recording.v[0], solved.y[0], atol=0.02)


def everything(backend, dtype="float32"):
    net = Network(dt=DT, seed=3, dtype=dtype, backend=backend)
    source = net.add_population("source", 6, Poisson)
    source.rate[:] = 200.0
    cells = net.add_population("cells", 5, AdEx)
    nmda = NMDA
    plastic = PairSTDP(A_plus=0.3, A_minus=0.2, w_max=9.0)
    net.connect(source, cells, target="I", weight=4.0, synapse=nmda, plasticity=plastic)
    spread = {"delay": np.linspace(0.5, 5.0, 10), "weight": 3.0, "indegree": 2, "name": "spread"}
    net.connect(source, cells, target="I", synapse=Alpha, **spread)
    own = OWN
    net.connect(cells, cells, target="I", weight=-1.0, probability=0.5, synapse=own)
    net.add_noise(cells, "I", sigma=50.0, tau=5.0)
    return net


def arrays(net):
    return {(o, n): a.copy() for o, held in net.arrays().items() for n, a in held.items()}


def same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert np.array_equal(first[name], second[name]), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_has_the_same_bits(dtype):
    nets = [everything(backend, dtype) for backend in ("python", "cpu", "threads:2")]
    for net in nets:
        net.run(60.0)
    assert arrays(nets[0])["cells", "spike"].shape == (5,)
    assert arrays(nets[0])["source_to_cells", "synapse_g"].min() > 0.0
    for net in nets[1:]:
        same(arrays(nets[0]), arrays(net))


def test_a_saved_copied_or_reset_network_goes_on_with_the_same_bits(tmp_path):
    net = everything("python")
    net.run(20.0)
    net.save(tmp_path / "net.h5")
    copied = copy.deepcopy(net)
    net.run(10.0)
    copied.run(10.0)
    restored = everything("python").restore(tmp_path / "net.h5")
    restored.run(10.0)
    same(arrays(net), arrays(copied))
    same(arrays(net), arrays(restored))
    net.reset()
    net.run(30.0)
    same(arrays(net), arrays(restored))


def test_replicas_are_as_each_alone():
    both = [everything("cpu"), everything("cpu")]
    Replicas(both).run(20.0)
    alone = everything("python")
    alone.run(20.0)
    for net in both:
        same(arrays(net), arrays(alone))


def test_a_state_is_refused_by_a_network_with_another_synapse():
    net, _, _ = build(Alpha)
    other, _, _ = build(Alpha.with_(tau=3.0))
    with pytest.raises(InputError, match="tau of the synapse"):
        other.set_state(net.state())


def test_variables_and_parameters_may_be_set_between_runs():
    net, made, _ = build(Alpha, times=())
    made.synapse.x = [1.0, 2.0]
    made.synapse.tau = 8.0
    net.run(8.0)
    np.testing.assert_allclose(made.synapse.g, [1.0, 2.0], rtol=1e-9)
    assert made.synapse.g[0] == pytest.approx(8.0 / 8.0 * e * exp(-1.0))
    with pytest.raises(InputError, match=r"tau is 0\.0"):
        made.synapse.tau = 0.0
    with pytest.raises(InputError, match=r"has no 'Tau'.* Did you mean 'tau'"):
        print(made.synapse.Tau)
    with pytest.raises(InputError, match=r"x has shape \(3,\)"):
        made.synapse.x = [1.0, 2.0, 3.0]


def seen_between_steps(net, made, steps):
    """The conductances at the end of each step, read from outside."""
    seen = []
    for _ in range(steps):
        net.run(DT)
        seen.append(made.synapse.g.copy())
    return np.transpose(seen)


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
def test_variables_of_a_synapse_are_recorded_for_each_neuron(backend):
    net, made, _ = build(NMDA, backend=backend, dtype="float32")
    every, some = net.record(made, ["g", "x"]), net.record(made, "g", every=1.5, neurons=[1])
    seen = seen_between_steps(net, made, 20)
    assert every.g[1].max() > every.g[0].max() > 0.0
    np.testing.assert_array_equal(every.g, seen)
    np.testing.assert_array_equal(some.g, seen[1:, ::3])
    assert every.x.shape == (2, 20)
    assert (some.neurons.tolist(), some.t[:3].tolist()) == ([1], [0.0, 1.5, 3.0])
    assert (
        repr(some)
        == "<StateRecording of g of 1 neurons of 'source_to_cells': 7 samples, 0 to 10 ms>"
    )


def test_what_is_recorded_of_a_synapse_leaves_the_bits_as_they_are():
    recorded, plain = everything("python"), everything("python")
    recorded.record(recorded.projections["source_to_cells"], ["g", "x"])
    for net in (recorded, plain):
        net.run(10.0)
    same(arrays(recorded), arrays(plain))


def test_a_recording_of_a_synapse_forgets_what_a_restored_network_has_not_done_yet(tmp_path):
    net = everything("python")
    made = net.projections["source_to_cells"]
    recording = net.record(made, "g")
    net.run(5.0)
    net.save(tmp_path / "net.h5")
    net.run(5.0)
    straight = recording.g.copy()
    net.restore(tmp_path / "net.h5")
    np.testing.assert_array_equal(recording.g, straight[:, :10])
    net.run(5.0)
    np.testing.assert_array_equal(recording.g, straight)
    other = everything("python").restore(tmp_path / "net.h5")
    later = other.record(other.projections["source_to_cells"], "g")
    other.run(5.0)
    np.testing.assert_array_equal(later.g, straight[:, 10:])


def test_variables_of_a_synapse_go_to_files_and_figures(tmp_path):
    net, made, _ = build(NMDA)
    recording = net.record(made, "g", unit="nS")
    file = net.record(made, "g", path=tmp_path / "g.h5", unit="nS")
    net.run(20.0)
    file.close()
    traces = read_traces(tmp_path / "g.h5")["source_to_cells"]
    np.testing.assert_allclose(traces.data[:, :, 0].T, recording.g, rtol=1e-6)
    assert plot.traces(recording, "g", neuron=1).get_ylabel() == "$g$ (nS)"
    assert copy.deepcopy(recording).g.shape == (2, 40)


def test_a_recorded_variable_has_the_unit_that_the_synapse_declares():
    said = replace(OWN, variables={"g": Variable(0.0, "nS", "conductance")})
    net, made, _ = build(said)
    assert net.record(made, "g").units == {"g": "nS"}


@pytest.mark.parametrize(
    ("variables", "which", "message"),
    [
        ("h", {}, "Unknown variable of 'source_to_cells' 'h'; available: weight, g, x"),
        (["weight", "g"], {}, "'weight' has a value for each synapse, and 'g' for each neuron; .*"),
        ("g", {"synapses": [0]}, r"synapses is \[0\], but g of 'source_to_cells' has neurons"),
        ("weight", {"neurons": [0]}, r"neurons is \[0\], but weight of .* has synapses"),
        ("g", {"neurons": [2]}, "neurons holds 2"),
    ],
)
def test_what_a_synapse_does_not_have_is_not_recorded(variables, which, message):
    net, made, _ = build(NMDA)
    with pytest.raises(InputError, match=message):
        net.record(made, variables, **which)


def test_a_variable_of_a_synapse_cannot_be_called_like_a_part_of_a_recording():
    with pytest.raises(InputError, match="variables has 't', which is an attribute of recordings"):
        replace(OWN, variables={"t": 0.0}, on_spike="t")


def burst(g):
    return g * g * 1e30 + 1e30


def nothing(v):
    return 0.0 * v


def test_a_variable_that_is_no_number_stops_the_run():
    own = Synapse(variables={"g": 0.0}, on_spike="g", step=burst, current=nothing)
    net, _, _ = build(own, dtype="float32")
    with pytest.raises(SimulationError, match="synapse_g of projection 'source_to_cells'"):
        net.run(20.0)


def two_of_one(g):
    return g, g


def test_a_step_that_returns_too_much_is_refused_with_its_line():
    own = Synapse(variables={"g": 0.0}, on_spike="g", step=two_of_one, current=ohm)
    net, _, _ = build(own)
    with pytest.raises(BodyError, match=r"step, two_of_one, returns .* has to return g: .*line"):
        net.run(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"on_spike": "h"}, "on_spike is 'h'; it has to be one of 'g'"),
        ({"variables": {}}, "variables is empty"),
        ({"variables": {"model": 0.0}}, "variables has 'model', which is an attribute"),
        ({"parameters": {"g": 1.0}}, "parameters has 'g', which is one of the variables"),
        ({"parameters": {"tau": -1.0}}, r"parameters\['tau'\] is -1.0"),
        ({"step": None}, "step is None; it has to be a plain function"),
        ({"constants": 3.0}, "constants is 3.0"),
        ({"reads": {"u": "v"}}, "Unknown argument in reads 'u'; available: v"),
    ],
)
def test_a_synapse_that_cannot_be_one_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(OWN, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"synapse": 3.0}, "synapse is 3.0; it has to be a Synapse"),
        ({"target": "got"}, "target is 'got', which the equations of 'cells' change"),
        (
            {"synapse": OWN.with_(v="V")},
            r"synapse reads 'V' .* for its 'v', .* Did you mean 'v'\? .*with_\(v=",
        ),
    ],
)
def test_a_synapse_that_does_not_fit_its_neurons_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        build(**{"synapse": OWN, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mg": 1.0}, "Unknown parameter 'mg'; available: tau_rise, .*, v. Did you mean 'Mg'"),
        ({"v": 3.0}, "v is 3.0; it has to be the name of a variable of the neuron"),
        ({"Mg": "much"}, "Mg is 'much'"),
    ],
)
def test_changes_of_a_synapse_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        NMDA.with_(**change)


def test_a_shipped_synapse_stays_as_it_is():
    with pytest.raises(
        InputError, match=r"Mg of NMDA cannot be set.*; NMDA\.with_\(Mg=0\.0\) is one"
    ):
        NMDA.parameters["Mg"] = 0.0
    with pytest.raises(InputError, match="g of NMDA cannot be set"):
        NMDA.variables["g"] = 1.0
    assert (NMDA.parameters["Mg"], NMDA.variables["g"].start) == (1.0, 0.0)
