"""The networks of `networks.py` in spikesim; run by it.

    python benchmarks/networks_spikesim.py CUBA|COBA|BRUNEL|MICROCIRCUIT [--seconds 1] ...

The last line that it prints is JSON: see `networks_shared.report`.
"""

from __future__ import annotations

from time import perf_counter

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

import spikesim
from spikesim import ConductanceLIF, CurrentLIF, DeltaLIF, Network
from spikesim.models import microcircuit


def balanced(net: Network, kind: str) -> None:
    """CUBA or COBA; Brette et al. (2007, J. Comput. Neurosci. 23:349)."""
    chance = np.random.default_rng(net.seed)
    cuba = kind == "CUBA"
    cells = {}
    for name, n in (("exc", 3200), ("inh", 800)):
        if cuba:
            cells[name] = net.add_population(name, n, CurrentLIF, E_L=-49.0)
        else:
            cells[name] = net.add_population(name, n, ConductanceLIF)
            cells[name].g_exc[:] = chance.normal(4.0, 1.5, n).clip(0.0)
            cells[name].g_inh[:] = chance.normal(20.0, 12.0, n).clip(0.0)
            net.add_background(cells[name], "g_exc", KICK_RATE, KICK_WEIGHT)
        cells[name].v[:] = chance.uniform(-60.0, -50.0, n)
    for name, weight in (CUBA_WEIGHTS if cuba else COBA_WEIGHTS).items():
        target = f"I_{name}" if cuba else f"g_{name}"
        for post in cells.values():
            net.connect(cells[name], post, target=target, weight=weight, probability=0.02)


def brunel(net: Network) -> None:
    """Brunel's network; fixed in-degrees, of distinct neurons."""
    chance = np.random.default_rng(net.seed)
    cells = [
        net.add_population(name, n, DeltaLIF)
        for name, n in zip(("exc", "inh"), BRUNEL.sizes, strict=True)
    ]
    weights = BRUNEL.J, -BRUNEL.g * BRUNEL.J
    for post in cells:
        post.v[:] = chance.uniform(0.0, BRUNEL.threshold, post.n)
        net.add_background(post, "v", BRUNEL.external * BRUNEL.external_rate, BRUNEL.J)
        for pre, indegree, weight in zip(cells, BRUNEL.indegrees, weights, strict=True):
            net.connect(pre, post, target="v", weight=weight, indegree=indegree, delay=BRUNEL.delay)


def build(chosen: Arguments) -> Network:
    """A network, without recordings."""
    backend = f"threads:{chosen.threads}"
    dtype = "float64" if chosen.double else "float32"
    if chosen.kind == "MICROCIRCUIT":
        return microcircuit.build(chosen.scale, chosen.seed, dt=DT, dtype=dtype, backend=backend)
    net = Network(dt=DT, seed=chosen.seed, dtype=dtype, backend=backend)
    if chosen.kind == "BRUNEL":
        brunel(net)
    else:
        balanced(net, chosen.kind)
    return net


def main() -> None:
    """Build, simulate, report."""
    chosen = arguments(__doc__)
    begin = perf_counter()
    net = build(chosen)
    recordings = [net.record_spikes(population) for population in net.populations.values()]
    built = perf_counter() - begin
    begin = perf_counter()
    net.run(DT)
    compilation = perf_counter() - begin
    net.run(KICK_END - DT)
    if chosen.kind == "COBA":
        for background in net.backgrounds:
            background.rate = 0.0
    net.run(WARM_UP - KICK_END)
    now = clock(chosen.threads)
    begin = now()
    net.run(1000.0 * chosen.seconds)
    simulation = now() - begin
    report(
        version=f"spikesim {spikesim.__version__}, {net.compiled().tier}",
        simulation=simulation,
        build=built,
        compilation=compilation,
        memory=peak_memory(),
        synapses=sum(projection.size for projection in net.projections.values()),
        spikes={r.name: (r.t, r.i, r.n) for r in recordings},
        seconds=chosen.seconds,
    )


if __name__ == "__main__":
    main()
