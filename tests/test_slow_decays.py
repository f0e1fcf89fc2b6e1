"""Every filter of float32 networks changes as fast as it should, however slow it is.

Each is compared with a closed form, or a naive recursion in float64, over decades of its time
constant: what it has changed by after some steps is right to 0.1 %.
"""

import math

import cuda_networks
import numpy as np
import pytest

from spikesim import (
    DoubleExponential,
    InputError,
    Network,
    Neuron,
    PairSTDP,
    ShortTermPlasticity,
    neurons,
    patterns,
)
from spikesim.kernels import plasticity
from spikesim.models.burst import spiking
from spikesim.models.burst.spiking import BurstPlasticity
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sonata import read_traces

DT = 0.1
STEPS = 300
SPANS = [1.0, 7.0, 300.0, 4000.0, 4096.0, 4097.0, 8192.0, 8193.0, 1e5, 1e6, 1e8]
"""Time constants, in steps."""


def decayed(steps, span):
    return math.exp(-steps / span)


def euler(steps, span):
    return (1.0 - 1.0 / span) ** steps


def alpha(steps, span):
    """What is left after a spike of an alpha function that is 1 at its peak."""
    return steps / span * math.exp(1.0 - steps / span)


# Neuron: parameter: (variable, where it starts, where it goes, what is left of the way), and
# parameters that keep the rest of the neuron still.
QUIET_ADEX = {"V_T": 50.0, "V_peak": 60.0, "E_L": -70.0, "a": 0.0}
QUIET_CELL = {"a_d": 0.0, "b_s": 0.0}
QUIET = {
    "AdEx": QUIET_ADEX,
    "Izhikevich": {"b": 0.0, "d": 0.0},
    "Pyramidal": {**QUIET_CELL, "g_s": 0.0, "g_d": 0.0, "zeta": 0.0},
    "BurstPoisson": QUIET_CELL,
}
CURRENTS = {
    "tau": ("v", -51.0, -60.0, decayed),
    "tau_exc": ("I_exc", 1.0, 0.0, decayed),
    "tau_inh": ("I_inh", -1.0, 0.0, decayed),
}
CONDUCTANCES = {
    "tau": ("v", -51.0, -60.0, decayed),
    "tau_exc": ("g_exc", 1.0, 0.0, decayed),
    "tau_inh": ("g_inh", 1.0, 0.0, decayed),
}
COMPARTMENTS = {
    "tau_exc": ("g_exc_s", 1.0, 0.0, decayed),
    "tau_inh": ("g_inh_d", 1.0, 0.0, decayed),
    "tau_theta": ("theta", -40.0, -50.0, euler),
    "tau_s": ("V_s", -60.0, -70.0, euler),
    "tau_ws": ("w_s", 1.0, 0.0, decayed),
    "tau_d": ("V_d", -60.0, -70.0, euler),
    "tau_wd": ("w_d", 1.0, 0.0, euler),
}
FILTERS = {
    "LIF": {
        "tau": ("v", -51.0, -65.0, decayed),
        "tau_synapse": ("drive", 1.0, 0.0, decayed),
    },
    "CurrentLIF": CURRENTS,
    "AlphaCurrentLIF": {
        **CURRENTS,
        "tau_exc": ("rise_exc", 1.0, 0.0, decayed),
        "tau_inh": ("rise_inh", -1.0, 0.0, decayed),
    },
    "ConductanceLIF": CONDUCTANCES,
    "AlphaConductanceLIF": {
        **CONDUCTANCES,
        "tau_exc": ("rise_exc", 1.0, 0.0, decayed),
        "tau_inh": ("rise_inh", 1.0, 0.0, decayed),
    },
    "DeltaLIF": {"tau": ("v", 15.0, 0.0, decayed)},
    "AdEx": {
        "tau_w": ("w", 10.0, 0.0, euler),
        "tau_exc": ("g_exc", 1.0, 0.0, decayed),
        "tau_inh": ("g_inh", 1.0, 0.0, decayed),
        "C / g_L": ("v", -60.0, -70.0, euler),
    },
    "Izhikevich": {
        "tau_synapse": ("drive", 1.0, 0.0, decayed),
        "1 / a": ("u", -14.0, 0.0, lambda steps, span: (1 - 1 / span + 0.5 / span**2) ** steps),
    },
    "Pyramidal": COMPARTMENTS,
    "BurstPoisson": COMPARTMENTS,
}
KINDS = {
    name: kind
    for module in (neurons, spiking)
    for name, kind in vars(module).items()
    if isinstance(kind, Neuron)
}
CASES = [(name, parameter) for name, filters in FILTERS.items() for parameter in filters]


def test_every_time_constant_of_every_neuron_is_among_these():
    have = {(n, p) for n, kind in KINDS.items() for p in kind.parameters if p.startswith("tau")}
    assert have <= set(CASES)


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_what_a_neuron_filters_changes_as_fast_as_it_should(name, parameter):
    variable, start, end, left = FILTERS[name][parameter]
    net = Network(dt=DT, backend="python")
    cells = []
    for k, span in enumerate(SPANS):
        given = dict(QUIET.get(name, {}))
        if parameter == "C / g_L":
            given["C"] = 30.0 * span * DT
        elif parameter == "1 / a":
            given["a"] = 1.0 / (span * DT)
        else:
            given[parameter] = span * DT
        cells.append(net.add_population(f"cells_{k}", 1, KINDS[name], **given))
        cells[-1].state[variable][:] = start
    net.run_steps(STEPS)
    for each, span in zip(cells, SPANS, strict=True):
        change = float(each.state[variable][0]) - start
        assert change == pytest.approx((end - start) * (1.0 - left(STEPS, span)), rel=1e-3), span


def test_float64_begins_where_float32_loses_digits():
    net = Network(dt=DT, backend="python")
    quick = net.add_population("quick", 1, neurons.CurrentLIF, tau=4096 * DT)
    slow = net.add_population("slow", 1, neurons.CurrentLIF, tau=4097 * DT)
    assert (quick.v.dtype, slow.v.dtype) == ("float32", "float64")
    assert (quick.dtype, slow.dtype) == ("float32", "float64")


def test_a_neuron_of_ones_own_says_what_its_time_constants_are():
    def leak(i, t, s, p):
        s.v[i] = s.v[i] - p.rate * p.dt * s.v[i]

    def times(parameters):
        return [1.0 / parameters["rate"]]

    kind = Neuron([leak], {"v": 20.0}, {"rate": 1e-6}, time_constants=times)
    net = Network(dt=DT, backend="python")
    cells = net.add_population("cells", 1, kind)
    net.run_steps(STEPS)
    assert cells.v[0] - 20.0 == pytest.approx(20.0 * math.expm1(-STEPS * DT * 1e-6), rel=1e-3)


@pytest.mark.parametrize("tau", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("kind", [neurons.CurrentLIF, neurons.AlphaCurrentLIF, neurons.DeltaLIF])
def test_a_slow_membrane_comes_to_the_voltage_that_its_input_holds(kind, tau):
    net = Network(dt=1.0, backend="python")
    voltages = {"E_L": -60.0, "V_reset": -60.0, "threshold": -50.0}
    cells = net.add_population("cells", 1, kind, tau=tau, I=9.0, **voltages)
    cells.v[:] = -51.0 - 9.0 * math.exp(-8.0)  # after 8 time constants
    net.run_steps(STEPS)
    assert float(cells.v[0]) + 60.0 == pytest.approx(9.0 * -math.expm1(-8.0 - STEPS / tau), 1e-3)


# ------------------------------------------------------------------------------ traces, kernels


@pytest.mark.parametrize("span", SPANS)
def test_a_trace_decays_and_adds_up(span):
    net = Network(dt=DT, backend="python")
    once = net.add_trace(net.add_spike_trains("once", 1, [0.0], [0]), span * DT)
    every = net.add_spike_trains("every", 1, [0.0], [0], period=DT)
    always = net.add_trace(every, span * DT)
    many = span / 3.0  # close to where the spikes hold it
    always[:] = many
    net.run_steps(STEPS + 1)
    # The spike of step 0, with which it is 1, comes before the first decay.
    assert float(once[0]) - 1.0 == pytest.approx(math.expm1(-STEPS / span), rel=1e-3)
    expected = many
    for _ in range(STEPS + 1):
        expected = math.exp(-1.0 / span) * expected + 1.0
    assert float(always[0]) - many == pytest.approx(expected - many, rel=1e-3)


KERNELS = [
    (rise, decay)
    for rise in (1.0, 30.0, 5000.0, 9000.0, 1e6)
    for decay in (rise * 1.001, rise * 1.3, rise * 30.0, rise * 1e4)
]


def stay(i, t, s, p):
    s.spike[i] = 0


@pytest.mark.parametrize("memory", [None, 500])
def test_kernels_have_their_course(memory):
    net = Network(dt=DT, backend="python")
    source = net.add_spike_trains("source", 1, [0.0], [0])
    cells = []
    for k, (rise, decay) in enumerate(KERNELS):
        cells.append(net.add_population(f"cells_{k}", 1, Neuron([stay], {"x": 0.0})))
        kernel = DoubleExponential(rise * DT, decay * DT, memory)
        net.connect(source, cells[-1], target="x", weight=1.0, kernel=kernel)
    net.run_steps(STEPS + 1)
    for each, (rise, decay) in zip(cells, KERNELS, strict=True):
        late = math.exp(-STEPS / decay) * -math.expm1(-STEPS * (1.0 / rise - 1.0 / decay))
        expected = late / ((decay - rise) * DT)
        assert float(each.x[0]) == pytest.approx(expected, rel=1e-3, abs=1e-10), (rise, decay)
        assert each.x.dtype == np.float32


# ----------------------------------------------------------- float64 variables in a float32 network


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_all_backends_give_the_same_bits(backend):
    expected, found = (cuda_networks.slow(each) for each in ("python", backend))
    for net in (expected, found):
        net.run(30.0)
    for owner, arrays in expected.arrays().items():
        for name, array in arrays.items():
            assert found.arrays()[owner][name].dtype == array.dtype
            assert found.arrays()[owner][name].tobytes() == array.tobytes(), (owner, name)
    for ours, theirs in zip(found.recordings[1:], expected.recordings[1:], strict=True):
        assert ours.v.dtype == np.float64
        assert ours.v.tobytes() == theirs.v.tobytes()


def test_a_slow_network_goes_on_from_its_file(tmp_path):
    whole = cuda_networks.slow("python")
    whole.run(20.0)
    half = cuda_networks.slow("python")
    half.run(10.0)
    half.save(tmp_path / "net.h5")
    other = cuda_networks.slow("python").restore(tmp_path / "net.h5")
    other.run(10.0)
    assert cuda_networks.everything(other).tobytes() == cuda_networks.everything(whole).tobytes()


def test_a_recording_to_a_file_takes_slow_variables(tmp_path):
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 2, neurons.CurrentLIF, tau=1e6, I=9.0)
    recording = net.record(cells, "v", path=tmp_path / "v.h5")
    net.run(5.0)
    recording.close()
    values = np.asarray(read_traces(tmp_path / "v.h5")["cells"].data)
    assert values[-1].ravel() == pytest.approx(cells.v, rel=1e-6)


# ------------------------------------------------------------------------------------ per spike

TAUS = [10.0, 1e3, 3e4, 4e4, 1e6, 1e9, 1e12]  # ms
INTERVAL = 8.0  # ms, between spikes


def jump(net, step):
    """Go to a step in which something happens: nothing does before."""
    net.set_state({**net.state(), "step": step})


@pytest.mark.parametrize("tau_F", TAUS)
@pytest.mark.parametrize("tau_D", TAUS)
def test_resources_and_their_use_recover(tau_D, tau_F):
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 1, np.arange(100) * INTERVAL, np.zeros(100, int))
    cells = net.add_population("cells", 1, Neuron([stay], {"x": 0.0}))
    short = ShortTermPlasticity(0.1, tau_D, tau_F, f=0.0)
    synapses = net.connect(source, cells, target="x", weight=1.0, short_term=short)
    synapses.x[:], synapses.u[:] = 0.25, 0.9  # as a spike has left them
    x, u, arrived = 0.25, 0.9, 0.0
    for k in range(100):
        elapsed = 1.0 if k == 0 else INTERVAL
        x = 1.0 + (x - 1.0) * math.exp(-elapsed / tau_D)
        u = 0.1 + (u - 0.1) * math.exp(-elapsed / tau_F)
        arrived += x * u
        x -= u * x
    net.run_steps(100 * int(INTERVAL))
    assert float(synapses.x[0]) == pytest.approx(x, rel=1e-3)
    assert float(synapses.u[0]) - 0.1 == pytest.approx(u - 0.1, rel=1e-3, abs=1e-7)
    assert float(cells.x[0]) == pytest.approx(arrived, rel=1e-3)


def test_resources_recover_over_long_silences():
    for tau in TAUS:
        net = Network(dt=1.0, backend="python")
        last = round(tau)
        source = net.add_spike_trains("source", 1, [0.0, float(last)], [0, 0])
        cells = net.add_population("cells", 1, Neuron([stay], {"x": 0.0}))
        short = ShortTermPlasticity(0.5, tau_D=tau, tau_F=tau, f=0.2)
        synapses = net.connect(source, cells, target="x", weight=1.0, short_term=short)
        net.run_steps(3)
        jump(net, last)
        net.run_steps(3)
        x, u = 1.0 - 0.5 * math.exp(-1.0), 0.5 + 0.1 * math.exp(-1.0)
        assert float(cells.x[0]) == pytest.approx(0.5 + x * u, rel=1e-3)
        assert float(synapses.x[0]) == pytest.approx(x - u * x, rel=1e-3)


def fire_at(i, t, s, p):
    s.spike[i] = 1 if t == p.at else 0


def plastic_pair(arrivals, fires, rule, sparse):
    """One synapse whose spikes arrive at, and whose neuron fires in, the given steps of 1 ms."""
    net = Network(dt=1.0, backend="python")
    jump(net, max(min(int(arrivals[0]), fires) - 2, 0))
    times = np.asarray(arrivals, float) - 1.0
    pre = net.add_spike_trains("pre", 1, times, np.zeros(len(times), int))
    kind = Neuron([fire_at], {"x": 0.0}, {"at": 0})
    post = net.add_population("post", 1, kind, at=fires)
    form = {"probability": 1.0} if sparse else {}
    synapses = net.connect(pre, post, target="x", weight=0.5, plasticity=rule, **form)
    return net, synapses


def weight_of(synapses):
    return float(synapses.weight[0] if synapses.W is None else synapses.W[0, 0])


@pytest.mark.parametrize("tau", [1e2, 1e4, 1e6, 1e9, 1e12, 1e15])
@pytest.mark.parametrize("share", [1e-6, 0.1, 3.0])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_pair_of_spikes_changes_a_weight_by_its_distance(tau, share, sparse):
    rule = PairSTDP(tau, tau, A_plus=0.4, A_minus=0.4)
    apart, first = max(round(share * tau), 1), round(6.0 * tau)
    period = round(8.0 * tau)  # when the unit of traces changes
    for sign in (1.0, -1.0):
        arrives, fires = (first, first + apart) if sign > 0.0 else (first + apart, first)
        net, synapses = plastic_pair([arrives], fires, rule, sparse)
        net.run_steps(6)
        for step in sorted((period - 2, first + apart - 2)):
            if net.step < step < first + apart:
                jump(net, step)
                net.run_steps(5)
        expected = sign * 0.4 * math.exp(-apart / tau)
        assert weight_of(synapses) - 0.5 == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("tau", [1e3, 3e4, 4e4, 1e6, 1e9])
def test_pairs_of_many_spikes_add_up(tau):
    arrivals = 1 + np.arange(1000) * int(INTERVAL)
    fires = int(arrivals[-1]) + 5
    net, synapses = plastic_pair(arrivals, fires, PairSTDP(tau, tau, A_plus=4e-4), sparse=False)
    net.run_steps(fires + 1)
    expected = 4e-4 * sum(math.exp((step - fires) / tau) for step in arrivals.tolist())
    assert weight_of(synapses) - 0.5 == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("tau", [10.0, 1e4, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("earlier", [1, 1000])
def test_silence_ends_an_event_when_it_should(tau, earlier):
    """After many spikes it takes longer: until their trace is below exp(-1)."""
    spikes = np.arange(earlier) * INTERVAL
    trace = sum(math.exp((t - spikes[-1]) / tau) for t in spikes)
    silence = tau * (1.0 + math.log(trace))
    for factor, begins in ((0.999, False), (1.001, True)):
        net = Network(dt=0.01, backend="python")
        late = spikes[-1] + factor * silence
        times = [*spikes, late]
        cells = net.add_spike_trains("cells", 1, times, np.zeros(len(times), int))
        events = net.record_spikes(net.add_events("events", cells, tau=tau))
        for time in times:
            jump(net, round(time / 0.01))
            net.run_steps(2)
        assert (round(late, 1) in np.round(events.t, 1)) == begins


@pytest.mark.parametrize("tau", [100.0, 3e4, 4e4, 1e6, 1e9])
def test_averages_and_traces_of_burst_plasticity(tau):
    """1000 events of the neuron and 500 bursts, then one of its synapse, then one more event."""
    net = Network(dt=1.0, backend="python")
    times = np.arange(1000) * INTERVAL
    zeros = np.zeros(1000, int)
    events = net.add_spike_trains("events", 1, [*times, 8001.0], [*zeros, 0])
    bursts = net.add_spike_trains("bursts", 1, times[::2], zeros[::2])
    pre = net.add_spike_trains("pre", 1, times + 1.0, zeros)
    cells = net.add_population("cells", 1, Neuron([stay], {"x": 0.0}))
    synapses = net.connect(pre, cells, target="x", weight=0.5, probability=1.0)
    rule = BurstPlasticity(
        net,
        cells,
        events,
        bursts,
        [synapses],
        eta=1e-4,
        tau_pre=tau,
        alpha=tau,
        tau_rate=tau,
        rate=1.0,
        least=0.0,
        most=math.inf,
    )
    rule.is_on = False
    net.run_steps(8000)
    left = np.exp((times - 7999.0) / tau)
    assert rule.event_rate[0] == pytest.approx(left.sum() * 1000.0 / tau, rel=1e-3)
    probability = left[::2].sum() / left.sum()
    assert rule.burst_probability[0] == pytest.approx(probability, rel=1e-3)
    rule.is_on = True
    net.run_steps(3)
    trace = np.exp((times + 1.0 - 8001.0) / tau).sum()
    change = -1e-4 * probability * trace
    assert float(synapses.weight[0]) - 0.5 == pytest.approx(change, rel=1e-3)


@pytest.mark.parametrize("tau", [3e4, 4e4, 1e6, 1e9])
def test_long_averages_take_up_single_events(tau):
    """They hold as many as come in a time constant, of which 1000 may be a small part."""
    net = Network(dt=1.0, backend="python")
    events = net.add_spike_trains("events", 1, np.arange(1000) * INTERVAL, np.zeros(1000, int))
    never = net.add_spike_trains("never", 1, [], [])
    cells = net.add_population("cells", 1, Neuron([stay], {"x": 0.0}))
    rule = BurstPlasticity(net, cells, events, never, [], eta=1e-4, alpha=tau)
    rule.assume(60.0, 0.0)
    net.run_steps(8000)
    left = np.exp((np.arange(1000) * INTERVAL - 7999.0) / tau).sum() * 1000.0 / tau
    change = left + 60.0 * math.expm1(-7999.0 / tau)
    assert rule.event_rate[0] - 60.0 == pytest.approx(change, rel=1e-3)


@pytest.mark.parametrize("tau", [1e6, 1e9, 1e12])
def test_long_traces_of_pairs_take_up_single_spikes(tau):
    arrivals = 9 + np.arange(100) * int(INTERVAL)
    net, synapses = plastic_pair(arrivals, 1000, PairSTDP(tau, tau), sparse=False)
    jump(net, 1)  # in step 0 the unit changes
    trace = synapses.arrays()["trace_x"]
    trace[:] = 1e8
    net.run_steps(1000)
    units = np.exp(arrivals / tau).sum()  # of exp(-t / tau)
    assert float(trace[0]) - 1e8 == pytest.approx(units, rel=1e-3)


def fire_regularly(i, t, s, p):
    s.spike[i] = 1 if t % 8 == 0 and t < 8000 else 0


@pytest.mark.parametrize("tau", [1e4, 3e4, 4e4, 1e6, 1e9])
def test_a_rate_below_its_least_strengthens(tau):
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 1, Neuron([fire_regularly], {"x": 0.0}))
    pre = net.add_spike_trains("pre", 1, [8000.0], [0])
    never = net.add_spike_trains("never", 1, [], [])
    synapses = net.connect(pre, cells, target="x", weight=0.5, probability=1.0)
    falls = -math.expm1(-7999.0 / tau) * 75.0  # about, from 200 to 125 Hz
    some = {"eta": 0.2 / falls, "tau_rate": tau, "rate": 200.0, "least": 200.0}
    BurstPlasticity(net, cells, never, never, [synapses], **some)
    net.run_steps(8001)
    came = np.exp((np.arange(1000) * INTERVAL - 8000.0) / tau).sum() * 1000.0 / tau
    rate = 200.0 * math.exp(-8000.0 / tau) + came
    if tau > 3e4:  # in float32 a rate that has hardly changed is right, but not its change
        assert float(synapses.weight[0]) - 0.5 == pytest.approx(0.2 / falls * (200.0 - rate), 1e-3)
    else:
        found = 200.0 - (float(synapses.weight[0]) - 0.5) / (0.2 / falls)
        assert found == pytest.approx(rate, rel=1e-3)


# ------------------------------------------------------------------------- rules, published models


@pytest.mark.parametrize("span", [1e2, 1e5, 1e7])
def test_a_rule_of_ones_own_computes_in_float64_if_it_says_so(span):
    net = Network(dt=DT, backend="python")
    state = {"eligibility": np.ones((1, 1)), "pre": np.zeros(1), "post": np.zeros(1)}
    params = {"decay": math.exp(-1.0 / span)}
    net.add_phase(
        plasticity.eligibility, plasticity.presynaptic, state=state, params=params, dtype="float64"
    )
    net.run_steps(STEPS)
    change = float(state["eligibility"][0, 0]) - 1.0
    assert change == pytest.approx(math.expm1(-STEPS / span), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "longest"),
    [("tau_mem", 409.6), ("tau_syn", 819.2), ("tau_rise", 819.2), ("tau_decay", 819.2),
     ("tau_het", 819.2)],
)  # fmt: skip
def test_superspike_refuses_what_its_type_is_too_coarse_for(name, longest):
    more = {"tau_decay": 1e4} if name == "tau_rise" else {}
    with pytest.raises(InputError, match=rf"{name} is 1000 ms; .* at most {longest:g} ms.*float64"):
        SuperSpikeNetwork((2, 1), **{"tau_decay": 20.0, **more, name: 1000.0})
    made = SuperSpikeNetwork((2, 1), dtype="float64", **{**more, name: 1000.0})
    assert getattr(made.parameters, name) == 1000.0


def test_segregated_dendrites_refuse_conductances_that_float32_is_too_coarse_for():
    small = {"g_L": 1e-5, "g_B": 1e-5}
    text = r"1 / \(g_L \+ g_B \+ g_A\) is 50000 ms; .*at most 8192 ms"
    with pytest.raises(InputError, match=text):
        SegregatedDendriteNetwork((2, 2, 2), **small)
    assert SegregatedDendriteNetwork((2, 2, 2), dtype="float64", **small).dtype == "float64"


@pytest.mark.parametrize("tau", [100.0, 10_000.0, 1e6])
def test_the_average_of_the_cost_decays_as_it_should(tau):
    """After one error early on: its filter has long decayed when the first block ends."""
    stimulus = patterns.from_trains([[]], duration=400.0)
    target = patterns.from_trains([[2.0]], duration=400.0)
    filters = {"tau_rise": 1.0, "tau_decay": 2.0, "delay": 1.0}
    net = SuperSpikeNetwork((1, 1), backend="python", dt=0.5, tau_avg=tau, **filters)
    net.fit(stimulus, target, blocks=2, block=100.0, burn_in=0.0, learning_rate=0.0)
    early, late = (
        cost * -math.expm1(-time / tau)
        for cost, time in zip(net.history["cost"], (100.0, 200.0), strict=True)
    )
    assert late / early - 1.0 == pytest.approx(math.expm1(-100.0 / tau), rel=1e-3)
