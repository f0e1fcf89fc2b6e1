"""Networks that `test_mpi` runs on one core and on several ranks, and what each rank finds.

mpirun -n 2 python -m tests.ranks FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from spikesim import (
    LIF,
    NMDA,
    CurrentLIF,
    DeltaLIF,
    Network,
    Neuron,
    PairSTDP,
    PlasticityRule,
    Poisson,
    ShortTermPlasticity,
)
from spikesim.math import normal


def wander(i, t, s, p):
    v = s.v[i] + 0.1 * (-60.0 - s.v[i]) + s.I[i] + 0.5 * normal(s, i)
    fires = v > -52.0
    s.v[i] = -60.0 if fires else v
    s.spike[i] = 1 if fires else 0
    s.I[i] = 0.9 * s.I[i]


def rise(w, pre):
    return w + 0.01 * pre


def drop(w, post):
    return w - 0.01 * post


def delays(chance, size):
    return chance.uniform(0.5, 3.0, size)


def balanced(backend):
    """Recurrent, with weights and delays of each synapse, and background of both kinds."""
    net = Network(dt=0.1, seed=3, backend=backend)
    exc = net.add_population("exc", 83, LIF, tau=12.0)
    inh = net.add_population("inh", 21, LIF)
    exc.v[:] = np.random.default_rng(1).uniform(-60.0, -50.0, 83)
    weights = {"weight": lambda chance, size: chance.normal(1.0, 0.1, size)}
    net.connect(exc, exc, target="drive", probability=0.2, delay=0.7, **weights)
    net.connect(exc, inh, target="drive", indegree=20, delay=delays, **weights)
    net.connect(inh, exc, target="drive", weight=-2.0, synapses=300, delay=1.0)
    net.connect(inh, inh, target="drive", weight=-2.0, outdegree=5, delay=0.5)
    net.add_background(exc, "drive", rate=300.0, weight=2.0)
    net.add_background(inh[5:15], "drive", rate=12000.0, weight=0.15)
    return net


def learning(backend):
    """Spikes change weights, which are dense, sparse, and between subgroups."""
    net = Network(dt=0.1, seed=4, backend=backend)
    source = net.add_population("source", 60, Poisson, rate=60.0)
    cells = net.add_population("cells", 41, LIF)
    net.connect(source, cells, target="drive", weight=4.0, probability=0.4)
    stdp = PairSTDP(A_plus=0.1, w_max=4.0)
    near = {"target": "drive", "delay": 0.4}
    net.connect(source, cells, weight=2.0, probability=0.3, plasticity=stdp, name="sparse", **near)
    net.connect(cells, cells, weight=0.2, plasticity=stdp, name="dense", **near)
    traces = {"pre": 10.0, "post": 15.0}
    rule = PlasticityRule(on_post=rise, on_pre=drop, traces=traces, w_min=0.0, w_max=2.0)
    part = cells[3:30]
    net.connect(cells, part, weight=0.5, probability=0.5, plasticity=rule, name="rule", **near)
    net.connect(
        cells,
        cells,
        weight=0.5,
        outdegree=9,
        short_term=ShortTermPlasticity(),
        name="short",
        **near,
    )
    return net


def varied(backend):
    """Neurons of a user, spike trains, a synapse model, noise and silenced neurons."""
    net = Network(dt=0.1, seed=5, backend=backend)
    times = np.arange(0.0, 60.0, 1.5)
    trains = net.add_spike_trains("trains", 5, times, np.arange(times.size) % 5)
    own = Neuron([wander], {"v": -60.0, "I": 0.0})
    first = net.add_population("first", 37, own)
    second = net.add_population("second", 22, CurrentLIF, I=16.0)
    third = net.add_population("third", 22, DeltaLIF)
    net.connect(trains, first, target="I", weight=1.0, probability=0.5, delay=0.2)
    net.connect(first, second, target="I", weight=30.0, indegree=9, delay=delays, synapse=NMDA)
    net.connect(second, third, target="v", weight=7.0, one_to_one=True, delay=0.3)
    net.connect(first, third, target="v", weight=2.0, probability=0.4, delay=0.5)
    net.add_noise(second, "I", sigma=3.0, tau=5.0)
    net.add_noise(second[3:9], "I", sigma=3.0)
    third[2:4].silence()
    return net


NETWORKS = {each.__name__: each for each in (balanced, learning, varied)}


def watched(net):
    """Recordings of all spikes, and of a variable of some neurons."""
    spikes = [net.record_spikes(each) for each in net.populations.values()]
    last = list(net.populations.values())[-1]
    return [*spikes, net.record_spikes(last[4:20:3]), net.record(last, "v", 0.5, [20, 3, 11])]


def digest(net, recordings):
    """A hash of all that was recorded, and of the state."""
    found = hashlib.sha256()
    for each in recordings:
        for array in (each.t, each.v if hasattr(each, "v") else each.i):
            found.update(np.ascontiguousarray(array).tobytes())
    for arrays in net.state()["arrays"].values():
        for name, array in arrays.items():
            if name not in ("ids", "count"):  # lists have rests of earlier ones at their ends
                found.update(np.ascontiguousarray(array).tobytes())
        for ids, count in zip(arrays.get("ids", []), arrays.get("count", []), strict=True):
            found.update(ids[:count].tobytes())
    return found.hexdigest()


def advance(net):
    """Run in pieces, between which an input changes."""
    last = list(net.populations.values())[-1]
    for _ in net.steps(30.0, every=7.5):
        last.v[:5] += 0.5


def results(backend, folder):
    """What one rank finds: a hash of each network, and what the tests look at besides."""
    found = {}
    for name, build in NETWORKS.items():
        net = build(backend)
        recordings = watched(net)
        advance(net)
        net.save(folder / f"{name}.h5")
        net.run(20.0)
        found[name] = digest(net, recordings)
        found[f"{name} again"] = continued(build(backend), folder / f"{name}.h5")
    net = balanced(backend)
    spikes = net.record_spikes(*net.populations.values(), path=folder / "spikes.h5")
    traces = net.record(net.populations["exc"], "v", neurons=[80, 3], path=folder / "traces.h5")
    net.run(20.0)
    for each in (spikes, traces):
        each.close()
    found["synapses"] = {name: each.size for name, each in net.projections.items()}
    found["rank"] = net.rank
    return found


def continued(net, path):
    """The hash of a network that goes on from a file."""
    net.restore(path)
    recordings = watched(net)
    net.run(20.0)
    return digest(net, recordings)


def main(folder):
    found = results("mpi", folder)
    for name, build in NETWORKS.items():  # files that one core has written
        if (folder / "one" / f"{name}.h5").exists():
            found[f"{name} of one"] = continued(build("mpi"), folder / "one" / f"{name}.h5")
    (folder / f"rank {found['rank']}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
