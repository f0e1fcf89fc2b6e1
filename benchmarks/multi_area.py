"""The multi-area model from the authors' data: what full size takes, and the rates of a small part.

    python benchmarks/multi_area.py FOLDER [--scale 0.006] [--indegrees 0.006] [--metastable]

FOLDER is a clone of https://github.com/INM-6/multi-area-model in which the authors' program has
written default_Data_Model_.json; docs/models/multi_area.md says how. Nothing of it comes with
spikesim.

Rates from 500 ms on are printed beside two of the authors' files. 'full' are those of the full
network in its ground state, tests/fullscale_rates.json. 'NEST' are those of the network with 0.006
of the neurons and synapses in the metastable state, M2E_pop_rates_ref.npy, from 1.5 s of NEST: what
`--metastable` does with the default sizes, with which they are printed. *r* is the correlation over
areas. Networks differ by chance, so a second seed shows what to expect.
"""

from __future__ import annotations

import os

# Ten thousand Phases are too many for one function.
os.environ.setdefault("SPIKESIM_TIER", "phases")

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from networks_shared import peak_memory

from spikesim.areas import Areas
from spikesim.models import multi_area
from spikesim.models.multi_area import METASTABLE

SETTLING = 500.0  # ms
OF_NEST = 0.006  # the share of neurons and synapses in the authors' run


def read(folder: Path) -> Areas:
    """The authors' data, with the in-degrees that stabilise the ground state."""
    return multi_area.read_areas(
        folder / "multiarea_model/data_multiarea/default_Data_Model_.json",
        indegrees=np.load(folder / "figures/SchueckerSchmidt2017/K_prime_original.npy"),
        rates=folder / "tests/fullscale_rates.json",
    )


def rates_of_nest(folder: Path, areas: Areas) -> np.ndarray:
    """The rates that NEST gave: of each area from layer 6 up, and TH without layer 4."""
    table = np.load(folder / "M2E_pop_rates_ref.npy")
    rows = ("6I", "6E", "5I", "5E", "4I", "4E", "23I", "23E")
    return np.array(
        [table[rows.index(name), areas.names.index(area)] for area, name in areas.populations]
    )


def main() -> None:
    """Print what full size takes; build a part, run it and print its rates."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=OF_NEST, help="share of the neurons")
    parser.add_argument("--indegrees", type=float, help="share of the synapses onto each")
    parser.add_argument("--metastable", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.5, help="simulated, after 0.5 s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    chosen = parser.parse_args()
    areas = read(chosen.folder)
    print(f"{timing.machine()}, {os.cpu_count()} cores; load {timing.load_average()}")
    for scale, indegrees in ((1.0, None), (chosen.scale, chosen.indegrees)):
        full = multi_area.cost(areas, scale, indegrees=indegrees)
        print(
            f"scale {scale:g}: {full.neurons:,} neurons, {full.synapses:,} synapses, "
            f"{full.memory / 1e9:.2f} GB, {full.core_seconds:.0f} core-seconds per second expected"
        )
    for seed in chosen.seeds:
        run(areas, seed, chosen)


def run(areas: Areas, seed: int, chosen: argparse.Namespace) -> None:
    begun = perf_counter()
    net = multi_area.build(
        areas,
        chosen.scale,
        seed,
        indegrees=chosen.indegrees,
        **(METASTABLE if chosen.metastable else {}),
    )
    built = perf_counter() - begun
    net.run(SETTLING)
    recorded = [net.record_spikes(cells) for cells in net.populations.values()]
    cpu = process_time()
    net.run(1000.0 * chosen.seconds)
    cpu = process_time() - cpu
    sizes = np.array([each.n for each in recorded])
    spikes = np.array([each.t.size for each in recorded])
    rates = spikes / sizes / chosen.seconds
    outgoing = dict.fromkeys(net.populations, 0)
    for each in net.projections.values():
        outgoing[each.pre.name] += each.size
    events = float((spikes / sizes * list(outgoing.values())).sum()) / chosen.seconds
    print(
        f"\nseed {seed}: built in {built:.0f} s, at most {peak_memory() / 1e3:.2f} GB so far, "
        f"{cpu / chosen.seconds:.1f} core-seconds per second, {events:.3g} events/s"
    )
    others = {"full": np.asarray(areas.rates)}
    if (chosen.scale, chosen.indegrees, chosen.metastable) == (OF_NEST, None, True):
        others["NEST"] = rates_of_nest(chosen.folder, areas)
    print(f"{'rates (Hz)':12}{'ours':>8}" + "".join(f"{name:>10}{'r':>6}" for name in others))
    names = np.array([name for _, name in areas.populations])
    for name in [*dict.fromkeys(names), "all"]:
        some = (names == name) | (name == "all")
        line = f"{name:12}{np.average(rates[some], weights=sizes[some]):8.2f}"
        for other in others.values():
            line += f"{np.average(other[some], weights=sizes[some]):10.2f}"
            line += f"{np.corrcoef(rates[some], other[some])[0, 1]:6.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
