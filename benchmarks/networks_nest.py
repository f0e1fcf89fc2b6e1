"""The networks of `networks.py` in NEST; run by it.

    <a Python that has NEST> benchmarks/networks_nest.py CUBA|COBA|BRUNEL|MICROCIRCUIT [...]

The last line that it prints is JSON: see `networks_shared.report`. The setup at the start of NEST's
first simulation counts as construction. NEST integrates COBA's neurons by its adaptive Runge-Kutta
method with the default tolerance; none of its models has a fixed step.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import nest
import numpy as np
from networks_shared import (
    BRUNEL,
    COBA_WEIGHTS,
    CUBA_WEIGHTS,
    DT,
    KICK_END,
    KICK_RATE,
    KICK_WEIGHT,
    WARM_UP,
    Arguments,
    arguments,
    clock,
    peak_memory,
    report,
)

Populations = dict[str, Any]

# Potjans & Diesmann (2014, Cereb. Cortex 24:785), table 5: neurons, external synapses onto each,
# mean and standard deviation of initial voltages (mV) and rates (Hz; both from the authors' later
# implementation), probabilities of a synapse from each population.
LAYERS = """
L23E 20683 1600 -68.28 5.36 0.903 0.1009 0.1689 0.0437 0.0818 0.0323 0.0000 0.0076 0.0000
L23I  5834 1500 -63.16 4.57 2.965 0.1346 0.1371 0.0316 0.0515 0.0755 0.0000 0.0042 0.0000
L4E  21915 2100 -63.33 4.74 4.414 0.0077 0.0059 0.0497 0.1350 0.0067 0.0003 0.0453 0.0000
L4I   5479 1900 -63.45 4.94 5.876 0.0691 0.0029 0.0794 0.1597 0.0033 0.0000 0.1057 0.0000
L5E   4850 2000 -63.11 4.94 7.569 0.1004 0.0622 0.0505 0.0057 0.0831 0.3726 0.0204 0.0000
L5I   1065 1900 -61.66 4.55 8.633 0.0548 0.0269 0.0257 0.0022 0.0600 0.3158 0.0086 0.0000
L6E  14395 2900 -66.72 5.46 1.105 0.0156 0.0066 0.0211 0.0166 0.0572 0.0197 0.0396 0.2252
L6I   2948 2100 -61.43 4.48 7.829 0.0364 0.0010 0.0034 0.0005 0.0277 0.0080 0.0658 0.1443
"""


def balanced(kind: str) -> Populations:
    """CUBA or COBA; Brette et al. (2007, J. Comput. Neurosci. 23:349)."""
    # The leak conductance is 1 nS, so the capacitance in pF equals tau in ms. Then mV become pA,
    # and multiples of the leak conductance become nS.
    cell = {"C_m": 20.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0}
    cell.update(tau_syn_ex=5.0, tau_syn_in=10.0)
    if kind == "CUBA":
        model, weights = "iaf_psc_exp", CUBA_WEIGHTS
        cell.update(tau_m=20.0, E_L=-49.0)
    else:
        # The sign of a weight selects the conductance to which it is added.
        model, weights = "iaf_cond_exp", {**COBA_WEIGHTS, "inh": -COBA_WEIGHTS["inh"]}
        cell.update(g_L=1.0, E_L=-60.0, E_ex=0.0, E_in=-80.0)
    cells = {name: nest.Create(model, n, cell) for name, n in (("exc", 3200), ("inh", 800))}
    for part in cells.values():
        part.V_m = nest.random.uniform(-60.0, -50.0)
        if kind == "COBA":
            part.g_ex = nest.math.max(nest.random.normal(4.0, 1.5), 0.0)
            part.g_in = nest.math.max(nest.random.normal(20.0, 12.0), 0.0)
    rule = {"rule": "pairwise_bernoulli", "p": 0.02}
    for name, weight in weights.items():
        synapse = {"weight": weight, "delay": DT}
        nest.Connect(cells[name], cells["exc"] + cells["inh"], rule, synapse)
    if kind == "COBA":
        kick = nest.Create("poisson_generator", params={"rate": KICK_RATE, "stop": KICK_END})
        synapse = {"weight": KICK_WEIGHT, "delay": DT}
        nest.Connect(kick, cells["exc"] + cells["inh"], syn_spec=synapse)
    return cells


def brunel() -> Populations:
    """Brunel's network; fixed in-degrees, of distinct neurons."""
    cell = {"C_m": 1.0, "tau_m": BRUNEL.tau, "E_L": 0.0, "V_th": BRUNEL.threshold}
    cell.update(V_reset=BRUNEL.V_reset, t_ref=BRUNEL.refractory - DT)
    exc, inh = (nest.Create("iaf_psc_delta", n, cell) for n in BRUNEL.sizes)
    both = exc + inh
    both.V_m = nest.random.uniform(0.0, BRUNEL.threshold)
    weights = BRUNEL.J, -BRUNEL.g * BRUNEL.J
    for pre, indegree, weight in zip((exc, inh), BRUNEL.indegrees, weights, strict=True):
        rule = {"rule": "fixed_indegree", "indegree": indegree, "allow_multapses": False}
        nest.Connect(pre, both, rule, {"weight": weight, "delay": BRUNEL.delay})
    rate = BRUNEL.external * BRUNEL.external_rate
    outside = nest.Create("poisson_generator", params={"rate": rate})
    nest.Connect(outside, both, syn_spec={"weight": BRUNEL.J, "delay": BRUNEL.delay})
    return {"exc": exc, "inh": inh}


def microcircuit(scale: float) -> Populations:
    """The microcircuit with a share of its neurons, and of the synapses onto each of them."""
    names, *columns = zip(*(line.split() for line in LAYERS.split("\n") if line), strict=True)
    numbers = np.array(columns, float)
    sizes, external, means, deviations, rates = numbers[:5]
    probabilities = numbers[5:].T  # to, from
    synapses = np.log1p(-probabilities) / np.log1p(-1.0 / np.outer(sizes, sizes))
    psc, background, tau_syn = 87.8, 8.0, 0.5  # pA, Hz, ms
    weights = np.tile(np.where([name.endswith("E") for name in names], psc, -4.0 * psc), (8, 1))
    weights[names.index("L23E"), names.index("L4E")] *= 2.0
    # Larger weights and a constant current compensate for the weaker input of fewer synapses.
    stronger = 1.0 / np.sqrt(scale)
    full = (synapses / sizes[:, None] * weights) @ rates + external * background * psc
    constant = (1.0 - np.sqrt(scale)) * 1e-3 * tau_syn * full

    cell = {"C_m": 250.0, "tau_m": 10.0, "E_L": -65.0, "V_th": -50.0, "V_reset": -65.0}
    cell.update(t_ref=2.0, tau_syn_ex=tau_syn, tau_syn_in=tau_syn)
    cells = {}
    for k, name in enumerate(names):
        cells[name] = nest.Create("iaf_psc_exp", round(scale * sizes[k]), cell)
        cells[name].set(I_e=constant[k], V_m=nest.random.normal(means[k], deviations[k]))
        rate = background * scale * external[k]
        outside = nest.Create("poisson_generator", params={"rate": rate})
        nest.Connect(outside, cells[name], syn_spec={"weight": stronger * psc, "delay": DT})
    redraw, normal = nest.math.redraw, nest.random.normal
    for i, post in enumerate(names):
        for j, pre in enumerate(names):
            number = round(synapses[i, j] * scale**2)
            if number == 0:
                continue
            weight = stronger * weights[i, j]
            sign = {"min": 0.0, "max": np.inf} if weight > 0.0 else {"min": -np.inf, "max": 0.0}
            delay = 1.5 if pre.endswith("E") else 0.75  # ms
            synapse = {
                "weight": redraw(normal(weight, 0.1 * abs(weight)), **sign),
                "delay": redraw(normal(delay, 0.5 * delay), min=0.5 * DT, max=np.inf),
            }
            rule = {"rule": "fixed_total_number", "N": number}
            nest.Connect(cells[pre], cells[post], rule, synapse)
    return cells


def build(chosen: Arguments) -> Populations:
    """Build the chosen network, without recorders."""
    if chosen.kind == "BRUNEL":
        return brunel()
    if chosen.kind == "MICROCIRCUIT":
        return microcircuit(chosen.scale)
    return balanced(chosen.kind)


def main() -> None:
    """Build, simulate, report."""
    chosen = arguments(__doc__)
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = DT
    nest.local_num_threads = chosen.threads
    nest.rng_seed = chosen.seed
    begin = perf_counter()
    cells = build(chosen)
    recorders = {}
    for name, population in cells.items():
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(population, recorders[name])
    nest.Simulate(DT)
    construction = perf_counter() - begin
    nest.Simulate(WARM_UP - DT)
    now = clock(chosen.threads)
    begin = now()
    nest.Simulate(1000.0 * chosen.seconds)
    simulation = now() - begin
    memory = peak_memory()
    spikes = {}
    for name, population in cells.items():
        events = recorders[name].events
        spikes[name] = np.array(events["times"]), np.array(events["senders"]), len(population)
    # Connections of devices do not count: those of each neuron to a recorder, and of stimulators.
    stimulators = nest.GetNodes({"element_type": "stimulator"})
    devices = sum(len(population) for population in cells.values())
    devices += len(nest.GetConnections(stimulators)) if stimulators else 0
    report(
        version=f"NEST {nest.__version__}",
        simulation=simulation,
        build=construction,
        compilation=0.0,
        memory=memory,
        synapses=nest.num_connections - devices,
        spikes=spikes,
        seconds=chosen.seconds,
    )


if __name__ == "__main__":
    main()
