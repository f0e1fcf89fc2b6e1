"""Experiments of the cerebellum over several seeds, and its speed: results/credit/cerebellum.txt.

    python benchmarks/reproduce_cerebellum.py --out results/credit/cerebellum.txt

The NumPy transcription of the tests is what speed is compared with, on one core, in alternation.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spikesim.learning.signals import rms
from spikesim.models.cerebellum import AdaptiveFilter, layer, reflex, sinusoids
from tests import naive_cerebellum as naive

FEW = 4000  # steps of the transcription
RUNS = {
    "vestibulo-ocular": (reflex.vestibulo_ocular, 12),
    "vestibulo-ocular without leak": (partial(reflex.vestibulo_ocular, leak=0.0), 12),
    "error-delay": (reflex.error_delay, 12),
    "forward-model": (layer.forward_model, 6),
    "negative-image": (layer.negative_image, 6),
    "granule-layer": (layer.granule_layer, 3),
}


def seconds(run) -> float:
    begun = perf_counter()
    run()
    return perf_counter() - begun


def few_fibres(lines: list[str]) -> None:
    """Slip in the last eighth of 800 s, with 400 granule cells that spike and few fibres."""
    for M, beta, leak in ((50, 0.1, 0.005), (1, 0.05, 0.002), (1, 0.02, 0.002)):
        slip = []
        for seed in range(3):
            h = sinusoids(800.0, seed=seed, dt=2.0)
            rule = {"M": M, "beta": beta, "leak": leak, "depth": 0.5, "normalised": False}
            net = AdaptiveFilter(seed=seed, granule="spiking", n=400, dt=2.0, **rule)
            net.tune(h)
            slip.append(rms(net.run(h).e[-h.size // 8 :]))
        lines.append(
            f"climbing fibres {M}, beta {beta:g}, leak {leak:g}, 800 s, seeds 0 to 2: rms slip "
            f"{np.median(slip):.4g} ({min(slip):.4g} to {max(slip):.4g})"
        )


def speed(lines: list[str]) -> None:
    """Microseconds a step of the recurrent reflex, of 12 analytic and 400 spiking granule cells."""
    analytic, h = AdaptiveFilter(), sinusoids(400.0)
    tau = analytic.tau / 1000.0
    spiking = AdaptiveFilter(granule="spiking", n=400, dt=2.0, normalised=False, beta=5.0)
    spiking.tune(h)
    taus = spiking.tau / 1000.0
    c, sign = np.abs(spiking.granule.c), np.sign(spiking.granule.c)
    chance = np.random.default_rng(1)
    theirs = naive.NaiveReflex(naive.AdaptiveFilter(analytic.w, naive.OneStage(tau)))
    cells = naive.SpikingGranuleCells(taus, c, sign)
    rule = naive.AdaptiveFilter(spiking.w, cells, 5.0, normalise=False, share=1.0 / 400)
    spikes = naive.NaiveReflex(rule)
    for name, net, step in (
        ("12 analytic granule cells", analytic, theirs.step),
        (
            *("400 spiking granule cells", spiking),
            lambda x: spikes.step(x, uniforms=chance.random(400)),
        ),
    ):
        for _ in range(2):
            net.run(h, learn=False)  # until the loop is fused
        ours, numpy = [], []
        for _ in range(5):
            ours.append(seconds(lambda net=net: net.run(h)) / h.size)
            numpy.append(seconds(lambda step=step: [step(x) for x in h[:FEW]]) / FEW)
        a, b = 1e6 * min(ours), 1e6 * min(numpy)
        lines.append(f"{name}: {a:.2f} us a step, NumPy {b:.1f} us, ratio {b / a:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/credit/cerebellum.txt"))
    parser.add_argument("--experiments", nargs="*", default=list(RUNS), choices=list(RUNS))
    chosen = parser.parse_args()
    lines: list[str] = []
    for name in chosen.experiments:
        run, seeds = RUNS[name]
        tables = [run(seed).comparisons() for seed in range(seeds)]
        lines.append(f"{name}, seeds 0 to {seeds - 1}: median (lowest to highest); seeds that hold")
        for rows in zip(*tables, strict=True):
            values = [row.ours for row in rows]
            held = sum(row.holds for row in rows)
            lines.append(
                f"  {rows[0].quantity}: {np.median(values):.4g} ({min(values):.4g} to "
                f"{max(values):.4g}); {held} of {seeds}"
            )
    few_fibres(lines)
    speed(lines)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
