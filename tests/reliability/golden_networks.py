"""What `golden` runs of general networks: each kind of neuron, of synapses and of all that learns.

`watched` and `seen` say what is looked at; the networks stand in the order of their parts.
"""

from __future__ import annotations

import copy
import pickle
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from spikesim import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    Bernoulli,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    DoubleExponential,
    Izhikevich,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    Replicas,
    ShortTermPlasticity,
    SimulationError,
    sonata,
)
from spikesim.models.burst.spiking import PV, SOM, BurstPlasticity, BurstPoisson, Pyramidal
from spikesim.neurons import IZHIKEVICH_2003

Job = Callable[[str, str], Any]

SHORT = ShortTermPlasticity(U=0.3, tau_D=20.0, tau_F=50.0, f=0.2)
PAIRS = PairSTDP(tau_plus=3.0, tau_minus=5.0, A_plus=0.3, A_minus=0.4, w_max=4.0)
TRUNCATED = DoubleExponential(tau_rise=2.0, tau_decay=6.0, memory=9)
LASTING = DoubleExponential(tau_rise=2.0, tau_decay=6.0)
STEP = 0.5  # ms, of all that does not say otherwise


def jobs() -> dict[str, Job]:
    """All of them, by name."""
    ran = {
        "connections by matrix": by_matrix,
        "connections by rule": by_rule,
        "delays": delays,
        "kernels": kernels,
        "short-term plasticity": short_term,
        "pairs": pairs,
        "background": background,
        "sources": sources,
        "events and bursts": events,
        "traces and phases": traces,
        "slow decays": slow,
        "burst plasticity": burst_plasticity,
        "burst plasticity, constants": burst_plasticity_of_other_constants,
        "own neuron": own_neuron,
        "everything": everything,
    }
    return {
        **{f"neuron, {name}": _neuron(*given) for name, given in NEURONS.items()},
        **{f"network, {name}": _ran(build) for name, build in ran.items()},
        "network, other numbers between runs": other_numbers,
        "network, saved and restored": restored,
        "network, copied and pickled": copied,
        "network, replicas": replicas,
        "network, recorded to files": to_files,
        "network, NaN": not_a_number,
    }


# ---- what is looked at ------------------------------------------------------------------------


def watched(net: Network) -> Network:
    """Record the spikes of all populations from now on."""
    for population in list(net.populations.values()):
        net.record_spikes(population)
    return net


def names_in_hash(neuron: Neuron) -> dict[str, str]:
    """Variables, and what they were called when the hashes were made: that orders them."""
    former = {present: name for name, present in neuron.former.items()}
    return {name: former.get(name, name) for name in neuron.variables}


def seen(net: Network) -> dict[str, Any]:
    """What was recorded; all variables and synapses as they are now."""
    recordings: dict[str, Any] = {}
    for k, recording in enumerate(net.recordings):
        names = getattr(recording, "variables", ["i"])
        known = names_in_hash(net.populations[recording.name].neuron)
        parts = {known.get(name, name): getattr(recording, name) for name in names}
        recordings[f"{k:02} of {recording.name}"] = {"t": recording.t, **parts}
    return {
        "time": net.time,
        "recordings": recordings,
        "populations": {
            # Not the random numbers of the last step, which nobody has asked for.
            name: {
                names_in_hash(population.neuron).get(v, v): array
                for v, array in population.state.items()
                if v != "uniform"
            }
            for name, population in net.populations.items()
        },
        "projections": {name: _synapses(each) for name, each in net.projections.items()},
    }


def _synapses(projection: Any) -> dict[str, np.ndarray]:
    found = {"delay": np.array([projection.delay_steps])}
    if projection.W is not None:
        found["W"] = projection.W
    else:
        found |= {name: getattr(projection, name) for name in ("start", "target", "weight")}
    if projection.later is not None:
        found["later"] = projection.later
    if projection.short_term is not None:
        found |= {"x": projection.x, "u": projection.u}
    return found


def _ran(build: Callable[[Network], Any], duration: float = 40.0) -> Job:
    """Build a network, run it, and look at it and at the arrays that `build` returns."""

    def job(backend: str, dtype: str) -> Any:
        net = Network(dt=STEP, seed=2**40 + 3, dtype=dtype, backend=backend)
        arrays = build(net) or {}
        watched(net).run(duration)
        return {"arrays": arrays, **seen(net)}

    return job


# ---- neurons ----------------------------------------------------------------------------------

_LIF = {"tau": 12.0, "E_L": -62.0, "I": 11.0, "threshold": -52.0, "V_reset": -58.0}
_CURRENT = {**_LIF, "refractory": 2.0, "tau_exc": 4.0, "tau_inh": 7.0}
_CONDUCTANCE = {**_CURRENT, "E_exc": 5.0, "E_inh": -75.0}

NEURONS: dict[str, tuple[Neuron, dict[str, float], dict[str, Any]]] = {
    "LIF": (
        LIF,
        {"drive": 8.0},
        {
            "tau": 12.0,
            "tau_synapse": 4.0,
            "E_L": -60.0,
            "threshold": -48.0,
            "V_reset": -63.0,
            "refractory": 0.0,
            "I": 13.0,
        },
    ),
    "DeltaLIF": (
        DeltaLIF,
        {"v": 5.0},
        {"tau": 15.0, "E_L": -1.0, "I": 19.0, "threshold": 18.0, "V_reset": 9.0, "refractory": 1.0},
    ),
    "CurrentLIF": (CurrentLIF, {"I_exc": 30.0, "I_inh": -4.0}, _CURRENT),
    "AlphaCurrentLIF": (AlphaCurrentLIF, {"rise_exc": 30.0, "rise_inh": -4.0}, _CURRENT),
    "ConductanceLIF": (ConductanceLIF, {"g_exc": 0.7, "g_inh": 0.2}, _CONDUCTANCE),
    "AlphaConductanceLIF": (AlphaConductanceLIF, {"rise_exc": 0.7, "rise_inh": 0.2}, _CONDUCTANCE),
    "AdEx": (AdEx, {"g_exc": 30.0, "g_inh": 4.0}, {"tau_w": 20.0, "a": 2.0, "b": 60.0}),
    "AdEx, PV": (AdEx, {"g_exc": 10.0}, PV),
    "AdEx, SOM": (AdEx, {"g_exc": 5.0}, SOM),
    "Izhikevich": (Izhikevich, {"drive": 10.0}, IZHIKEVICH_2003["chattering"]),
    "Izhikevich, fast": (Izhikevich, {"drive": 10.0}, IZHIKEVICH_2003["fast spiking"]),
    "Pyramidal": (
        Pyramidal,
        {"g_exc_s": 2.0, "g_inh_s": 0.1, "g_exc_d": 0.8, "g_inh_d": 0.1},
        {"local_driving_force": 1, "g_s": 1500.0, "E_d": -40.0, "K_duration": 1.0, "tau_ws": 50.0},
    ),
    "BurstPoisson": (
        BurstPoisson,
        {"g_exc_s": 3.0, "g_inh_s": 0.1, "g_exc_d": 0.8, "g_inh_d": 0.1},
        {"E_d": -65.0, "refractory": 8.0, "second_after": 2.0, "second_within": 4.0},
    ),
    "Poisson": (Poisson, {}, {}),
    "Bernoulli": (Bernoulli, {}, {}),
}
"""The kind, what each spike adds to which of its variables, and other values of its parameters."""


def _neuron(kind: Neuron, ports: dict[str, float], parameters: dict[str, Any]) -> Job:
    """Four of a kind with its defaults and three with other parameters, all variables recorded."""

    def job(backend: str, dtype: str) -> Any:
        net = Network(dt=0.1, seed=5, dtype=dtype, backend=backend)
        source = net.add_population("source", 6, Poisson)
        source.rate[:] = 400.0
        usual = net.add_population("usual", 4, kind)
        other = net.add_population("other", 3, kind, **parameters)
        for population in (usual, other):
            for port, weight in ports.items():
                net.connect(
                    source, population, target=port, weight=weight, name=f"{population.name}_{port}"
                )
            if not ports:
                population.rate[:] = np.linspace(0.0, 5000.0, population.n)
            net.record(population, sorted(kind.variables, key=names_in_hash(kind).get), every=0.2)
        watched(net).run(25.0)
        return seen(net)

    return job


# ---- parts of networks ------------------------------------------------------------------------


def _noise(net: Network, n: int = 7, rate: float = 250.0) -> Any:
    source = net.add_population("noise", n, Poisson)
    source.rate[:] = rate
    return source


def _cells(net: Network, n: int = 9, name: str = "cells", **parameters: Any) -> Any:
    return net.add_population(name, n, CurrentLIF, **{"tau": 10.0, "refractory": 1.0, **parameters})


def _normal(chance: np.random.Generator, size: int) -> np.ndarray:
    return chance.normal(20.0, 5.0, size)


def _late(chance: np.random.Generator, size: int) -> np.ndarray:
    return chance.uniform(0.5, 5.0, size)


def by_matrix(net: Network) -> None:
    """Weights as one number, as a matrix, as a function, as a sparse one."""
    noise, cells = _noise(net), _cells(net)
    chance = np.random.default_rng(0)
    to: dict[str, Any] = {"target": "I_exc"}
    net.connect(noise, cells, **to, weight=5.0, name="one")
    net.connect(noise, cells, **to, weight=chance.normal(10.0, 5.0, (7, 9)), name="matrix")
    net.connect(noise, cells, **to, weight=_normal, name="drawn")
    some = sparse.random(7, 9, 0.4, format="csr", random_state=1)
    net.connect(noise, cells, **to, weight=20.0 * some, name="sparse", delay=1.0)
    few = sparse.random(9, 9, 0.3, format="coo", random_state=2)
    net.connect(cells, cells, target="I_inh", weight=-9.0 * few, name="recurrent")


def by_rule(net: Network) -> None:
    """All rules, with and without their options."""
    noise, cells = _noise(net), _cells(net)
    rules: dict[str, dict[str, Any]] = {
        "probability": {"probability": 0.4},
        "indegree": {"indegree": 3},
        "outdegree": {"outdegree": 4},
        "synapses": {"synapses": 20},
        "many_in": {"indegree": 9, "multapses": True},
        "many_out": {"outdegree": 11, "multapses": True},
        "drawn": {"indegree": 3, "weight": _normal},
        "given": {"outdegree": 2, "weight": np.linspace(1.0, 40.0, 14)},
    }
    for name, rule in rules.items():
        net.connect(noise, cells, target="I_exc", name=name, **{"weight": 8.0, **rule})
    to: dict[str, Any] = {"target": "I_inh", "weight": -2.0}
    net.connect(cells, cells, **to, one_to_one=True, delay=2.0, name="to_itself")
    net.connect(cells, cells, **to, probability=0.5, autapses=False, name="to_others")
    net.connect(cells, cells, **to, indegree=3, autapses=False, name="from_others")


def delays(net: Network) -> None:
    """None, some, and those of each synapse; short-term plasticity and kernels among them."""
    noise, cells = _noise(net), _cells(net)
    to: dict[str, Any] = {"target": "I_exc", "weight": 12.0}
    net.connect(noise, cells, **to, delay=0.0, name="at_once")
    net.connect(noise, cells, **to, delay=7.5, name="later", probability=0.5)
    net.connect(noise, cells, **to, delay=_late, name="drawn", indegree=3)
    each = np.linspace(0.5, 9.0, 63).reshape(7, 9)
    net.connect(noise, cells, target="I_exc", weight=np.full((7, 9), 3.0), delay=each, name="dense")
    net.connect(noise, cells, **to, delay=_late, name="short", outdegree=3, short_term=SHORT)
    filtered = _cells(net, 5, "filtered")
    to["weight"] = 80.0
    net.connect(noise, filtered, **to, delay=_late, indegree=3, kernel=TRUNCATED, name="kernel")


def kernels(net: Network) -> None:
    """Potentials that end and potentials that last, of one port and of two."""
    noise, cells, slow = _noise(net), _cells(net), _cells(net, 5, "slow")
    net.record(cells, ["v", "I_exc", "I_inh"])
    to: dict[str, Any] = {"weight": 30.0}
    net.connect(noise, cells, **to, target="I_exc", kernel=TRUNCATED)
    net.connect(noise, cells, weight=-8.0, target="I_inh", kernel=LASTING, name="inhibition")
    to["weight"] = 90.0
    net.connect(cells, slow, **to, target="I_exc", kernel=LASTING, probability=0.7, delay=0.0)
    net.connect(slow, slow, **to, target="I_exc", kernel=LASTING, delay=1.5)


def short_term(net: Network) -> None:
    """Depression and facilitation, over dense and sparse synapses."""
    noise, cells = _noise(net), _cells(net)
    to: dict[str, Any] = {"target": "I_exc", "weight": 40.0}
    net.connect(noise, cells, **to, short_term=SHORT, name="dense")
    net.connect(noise, cells, **to, short_term=SHORT._replace(tau_D=80.0), indegree=3, name="slow")
    facilitating = ShortTermPlasticity(U=0.02, tau_D=100.0, tau_F=100.0, f=0.02)
    net.connect(noise, cells, **to, short_term=facilitating, probability=0.5, name="facilitating")
    net.connect(cells, cells, **to, short_term=ShortTermPlasticity(), delay=1.0, name="recurrent")


def pairs(net: Network) -> None:
    """Weights that learn from pairs of spikes, dense and sparse, of both signs."""
    noise, cells = _noise(net), _cells(net, I=9.0)
    to: dict[str, Any] = {"target": "I_exc", "weight": 2.0}
    net.connect(noise, cells, **to, plasticity=PAIRS, name="dense")
    net.connect(noise, cells, **to, plasticity=PAIRS, indegree=4, delay=2.0, name="sparse")
    net.connect(cells, cells, **to, plasticity=PAIRS, probability=0.5, short_term=SHORT)
    negative = PairSTDP(A_plus=-0.1, A_minus=-0.15, w_min=-2.0, w_max=0.0)
    net.connect(cells, cells, target="I_inh", weight=-1.0, plasticity=negative, name="inhibition")
    kept = net.connect(noise, cells, **to, plasticity=PAIRS, name="kept")
    kept.learning = False


def background(net: Network) -> None:
    """Rare, frequent and at most one; for all neurons and for some."""
    cells = _cells(net)
    net.add_background(cells, "I_exc", 300.0, 20.0)
    net.add_background(cells, "I_exc", 3000.0, 3.0)
    net.add_background(cells, "I_inh", 1500.0, -2.0, neurons=slice(2, 6), at_most_one=True)
    net.add_background(cells, "I_inh", 200.0, -2.0, neurons=[6, 7])
    net.record(cells, ["I_exc", "I_inh"], every=2.0, neurons=[1, 2, 7])


def sources(net: Network) -> None:
    """Given spikes, once and over and over, one and several in a step; images; chance."""
    chance = np.random.default_rng(1)
    times, ids = chance.uniform(0.0, 10.0, 60), chance.integers(0, 5, 60)
    once = net.add_spike_trains("once", 5, times, ids, duplicates="merge")
    again = net.add_spike_trains("again", 5, times, ids, period=12.0, duplicates="keep")
    images = net.add_images("images", chance.random((3, 11)), rate=600.0, duration=10.0)
    noise = net.add_population("noise", 7, Poisson)
    noise.rate[:] = np.linspace(0.0, 1000.0 / STEP, 7)
    rare = net.add_population("rare", 7, Bernoulli)
    rare.rate[:] = [0.0, 0.1, 10.0, 100.0, 400.0, 1000.0, 1000.0 / STEP]
    cells = _cells(net)
    for source in (once, again, images, noise, rare):
        net.connect(source, cells, target="I_exc", weight=4.0, delay=0.0)


def events(net: Network) -> None:
    """Events and bursts of neurons that burst; synapses from both."""
    cells = net.add_population("cells", 5, Izhikevich, **IZHIKEVICH_2003["chattering"])
    cells.I[:] = np.linspace(8.0, 15.0, 5)
    found = net.add_events("events", cells), net.add_bursts("bursts", cells)
    short = net.add_events("short_events", cells, 4.0), net.add_bursts("short_bursts", cells, 4.0)
    below = _cells(net, name="below")
    for source in (*found, *short):
        net.connect(source, below, target="I_exc", weight=30.0, probability=0.8)


def remember(i, t, s, p):
    """How often a neuron of the one side was followed by each of the other side."""
    for j in range(s.pair.shape[1]):
        s.pair[i, j] = p.keep * s.pair[i, j] + s.before[i] * float(s.now[j])


def lean(j, t, s, p):
    """Bias of a neuron, away from where it spikes."""
    s.bias[j] = s.bias[j] + p.share * (p.aim - s.after[j])
    s.I_inh[j] = s.I_inh[j] + s.bias[j]


def traces(net: Network) -> dict[str, np.ndarray]:
    """Traces of spikes, and phases of one's own at both ends of a step."""
    noise, cells = _noise(net), _cells(net)
    net.connect(noise, cells, target="I_exc", weight=20.0)
    before, after = net.add_trace(noise, 20.0), net.add_trace(cells, 7.0)
    pair, bias = np.zeros((7, 9), net.dtype), np.zeros(9, net.dtype)
    state = {"pair": pair, "before": before, "now": cells.spike}
    net.add_phase(remember, 7, state=state, params={"keep": 0.9})
    state = {"bias": bias, "after": after, "I_inh": cells.I_inh}
    net.add_phase(lean, 9, state=state, params={"share": 0.05, "aim": 0.5}, first=True)
    return {"before": before, "after": after, "pair": pair, "bias": bias}


def slow(net: Network) -> dict[str, np.ndarray]:
    """Time constants that are too long for float32, of all that has one."""
    noise = _noise(net)
    driven = net.add_population("driven", 3, CurrentLIF, tau=1e5, I=9.0)
    shunted = net.add_population("shunted", 3, ConductanceLIF, tau_inh=1e6)
    adapting = net.add_population("adapting", 3, AdEx, tau_w=1e6)
    long = DoubleExponential(tau_rise=2.0, tau_decay=1e5)
    short, pairs = SHORT._replace(tau_D=1e6), PAIRS._replace(tau_minus=1e7, A_minus=0.1)
    net.connect(noise, driven, target="I_exc", weight=2e4)
    net.connect(noise, driven, target="I_inh", weight=-3.0, short_term=short, name="short")
    net.connect(noise, shunted, target="g_inh", weight=0.02, indegree=2, delay=_late, name="late")
    net.connect(noise, shunted, target="g_exc", weight=3e4, kernel=long, name="lasting")
    net.connect(noise, adapting, target="g_exc", weight=3.0, plasticity=pairs)
    net.connect(driven, adapting, target="g_exc", weight=0.5, probability=0.9, plasticity=pairs)
    net.add_background(shunted, "g_inh", 300.0, 0.1)
    net.record(driven, ["v", "I_exc"])
    return {"trace": net.add_trace(noise, 1e6)}


def _bursting(net: Network) -> tuple[Any, Any, Any, Any]:
    pre = net.add_population("pre", 4, BurstPoisson)
    pre_events = net.add_events("pre_events", pre)
    post = net.add_population("post", 5, Pyramidal)
    found = net.add_events("events", post), net.add_bursts("bursts", post)
    pre.I_s[:] = 3000.0
    post.I_s[:], post.I_d[:] = 2500.0, 500.0
    plastic = net.connect(pre_events, post, target="g_exc_s", weight=0.3, probability=0.8)
    return post, *found, plastic


def burst_plasticity(net: Network) -> Any:
    """Weights that learn from bursts."""
    post, found, bursts, plastic = _bursting(net)
    rule = BurstPlasticity(net, post, found, bursts, [plastic], eta=0.1, tau_pre=50.0, alpha=20.0)
    return _Averages(rule)


def burst_plasticity_of_other_constants(net: Network) -> Any:
    """The same with a learning rate for each neuron, homeostasis, bounds and assumed averages."""
    post, found, bursts, plastic = _bursting(net)
    rule = BurstPlasticity(
        net,
        post,
        found,
        bursts,
        [plastic],
        eta=np.linspace(0.05, 0.3, 5),
        tau_pre=20.0,
        alpha=30.0,
        least=40.0,
        most=30.0,
        tau_rate=50.0,
        rate=1.0,
        w_min=0.1,
        w_max=0.5,
    )
    rule.assume(20.0, 0.4)
    return _Averages(rule)


class _Averages(Mapping[str, np.ndarray]):
    """What the rule has averaged when it is asked."""

    NAMES = ("event_rate", "burst_probability")

    def __init__(self, rule: BurstPlasticity):
        self.rule = rule

    def __getitem__(self, name: str) -> np.ndarray:
        return getattr(self.rule, name)

    def __iter__(self):
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)


def climb(i, t, s, p):
    """Up with the others' gain and by chance, and several spikes at the top."""
    s.height[i] = s.height[i] + p.dt * s.gain[i % 2] * (s.push[i] + s.uniform[i]) / p.tau
    s.push[i] = 0.0
    s.spike[i] = 0
    if s.height[i] > p.top:
        s.spike[i] = int(s.height[i])


def fall(a, t, s, p):
    """Down after a spike."""
    i = s.ids[t % s.ids.shape[0], a]
    s.height[i] = 0.0


CLIMBER = Neuron(
    steps=(climb,),
    variables={"height": "bottom", "push": 0.0},
    parameters={"bottom": 0.1, "top": 1.0, "tau": 3.0},
    stochastic=True,
    most_spikes=3,
    on_spike=(fall,),
)


def own_neuron(net: Network) -> None:
    """A neuron written here, which draws random numbers and emits up to three spikes in a step."""
    climbers = net.add_population("climbers", 5, CLIMBER)
    climbers.shared["gain"] = np.array([1.0, 2.5], net.dtype)
    others = net.add_population("others", 4, CLIMBER, top=1.5, bottom=0.5)
    others.shared["gain"] = climbers.shared["gain"]
    net.connect(climbers, others, target="push", weight=0.5, delay=0.0)
    net.connect(others, climbers, target="push", weight=3.0, indegree=2)


def everything(net: Network) -> dict[str, np.ndarray]:
    """All of it in one network, so that its order within a step is seen."""
    chance = np.random.default_rng(0)
    noise = _noise(net, 13)
    trains = net.add_spike_trains("trains", 5, np.arange(80) * 0.5, chance.integers(0, 5, 80))
    images = net.add_images("images", chance.random((3, 11)), rate=300.0, duration=10.0)
    cells = net.add_population("cells", 20, LIF, tau=10.0, I=13.0)
    sums = _cells(net, 9, "sums", I=9.5)
    found = net.add_events("events", cells, 6.0)
    to: dict[str, Any] = {"target": "drive"}
    net.connect(noise, cells, **to, weight=chance.normal(1.0, 2.0, (13, 20)))
    net.connect(trains, cells, **to, weight=5.0, delay=0.0)
    net.connect(images, cells, **to, weight=2.0, probability=0.3, delay=2.0)
    recurrent = sparse.random(20, 20, 0.4, format="csr", random_state=1)
    net.connect(cells, cells, **to, weight=-recurrent, delay=1.5)
    net.connect(noise, cells, **to, weight=0.5, indegree=4, delay=_late, name="spread")
    net.connect(trains, cells, **to, weight=2.0, probability=0.6, plasticity=PAIRS, name="plastic")
    net.connect(cells, sums, target="I_exc", weight=9.0, kernel=TRUNCATED, delay=0.0)
    net.connect(images, sums, target="I_exc", weight=3.0, outdegree=5, kernel=TRUNCATED)
    options: dict[str, Any] = {"short_term": SHORT, "kernel": LASTING}
    net.connect(noise, sums, target="I_inh", weight=-2.0, indegree=6, delay=_late, **options)
    net.connect(found, cells, **to, weight=-1.0, probability=0.5)
    net.add_background(cells, "drive", rate=2500.0, weight=0.1)
    net.add_background(sums, "I_inh", rate=1600.0, weight=-0.1, neurons=slice(2, 8))
    trace, bias = net.add_trace(sums, 20.0), np.zeros(9, net.dtype)
    state = {"bias": bias, "after": trace, "I_inh": sums.I_inh}
    net.add_phase(lean, 9, state=state, params={"share": 0.01, "aim": 1.0})
    net.record(cells, ["v", "drive"], every=1.0)
    net.record(sums, "v", neurons=[0, 8])
    return {"trace": trace, "bias": bias}


# ---- how networks are run ---------------------------------------------------------------------


def _new(backend: str, dtype: str, seed: int = 2**40 + 3) -> Network:
    net = Network(dt=STEP, seed=seed, dtype=dtype, backend=backend)
    everything(net)
    return watched(net)


def other_numbers(backend: str, dtype: str) -> Any:
    """Rates, variables, weights, parameters and connections that change between runs."""
    net = _new(backend, dtype)
    net.run(10.0)
    net.populations["noise"].rate[:] = 800.0
    net.populations["cells"].v = np.linspace(-65.0, -45.0, 20)
    net.projections["noise_to_cells"].W = 1.5 * net.projections["noise_to_cells"].W
    net.projections["spread"].weight[:] = 0.8
    net.projections["plastic"].learning = False
    net.run(10.0)
    extra = _cells(net, 4, "extra")
    net.connect(net.populations["cells"], extra, target="I_exc", weight=9.0, delay=6.0)
    net.record_spikes(extra)
    net.run(10.0)
    return seen(net)


def restored(backend: str, dtype: str) -> Any:
    """A network that goes on from a file, and one that goes back."""
    first, second = _new(backend, dtype), _new(backend, dtype)
    first.run(15.0)
    with tempfile.TemporaryDirectory() as folder:
        first.save(Path(folder) / "state.h5")
        second.restore(Path(folder) / "state.h5")
    second.run(15.0)
    first.run(10.0)
    first.set_state(second.state())
    first.run(5.0)
    return {"gone on": seen(second), "gone back": seen(first)}


def copied(backend: str, dtype: str) -> Any:
    """Copies, which go on by themselves."""
    net = _new(backend, dtype)
    net.run(15.0)
    other = copy.deepcopy(net)
    other.run(5.0)
    again = pickle.loads(pickle.dumps(net))
    again.run(5.0)
    return {"copied": seen(other), "pickled": seen(again), "itself": seen(net)}


def replicas(backend: str, dtype: str) -> Any:
    """Networks of different seeds side by side."""
    nets = Replicas([_new(backend, dtype, seed) for seed in (1, 2)])
    nets.run(10.0)
    return {f"replica {k}": seen(net) for k, net in enumerate(nets)}


def to_files(backend: str, dtype: str) -> Any:
    """What files of recordings hold."""
    net = Network(dt=STEP, seed=4, dtype=dtype, backend=backend)
    everything(net)
    cells = net.populations["cells"]
    with tempfile.TemporaryDirectory() as folder:
        spikes, values = Path(folder) / "spikes.h5", Path(folder) / "values.h5"
        recordings = [
            net.record_spikes(cells, path=spikes),
            net.record(cells, ["v", "drive"], every=2.0, neurons=range(3), path=values),
        ]
        net.run(30.0)
        for recording in recordings:
            recording.close()
        times, ids = sonata.read_spikes(spikes)["cells"]
        return {"t": times, "i": ids, "data": sonata.read_traces(values)["cells"].data}


def grow(i, t, s, p):
    """Without a bound."""
    s.size[i] = s.size[i] * p.factor


def not_a_number(backend: str, dtype: str) -> Any:
    """The step in which a variable becomes infinite, in the middle of a long run."""
    net = Network(dt=STEP, seed=1, dtype=dtype, backend=backend)
    growing = Neuron([grow], {"size": 1.0}, {"factor": 2.0 if dtype == "float32" else 128.0})
    cells = net.add_population("cells", 3, growing)
    cells.size[:] = [0.0, 1.0, 3.0]
    spikes = net.record_spikes(_cells(net, 2, "others", I=20.0))
    try:
        net.run(150.0)
    except SimulationError as error:
        found = re.findall(r"since step (\d+)", str(error))
        return {"steps": list(map(int, found)), "recorded up to": spikes.t_stop}
    raise AssertionError("An infinite number was not noticed.")
