"""What `golden` runs of the experiments with bursting neurons, and of the microcircuit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikesim.models import microcircuit
from spikesim.models.burst.spiking import learning_rule, pairing, propagation, transfer
from tests.reliability.golden_networks import seen, watched

Job = Callable[[str, str], Any]

_RATES = ("event_rate", "burst_probability")


def jobs() -> dict[str, Job]:
    """All of them, by name."""
    small = {"n": 40, "connectivity": 5e-4}
    currents = {
        "somatic_mean": 900.0,
        "somatic_amplitude": 300.0,
        "somatic_period": 20.0,
        "dendritic_mean": 600.0,
        "dendritic_amplitude": 200.0,
        "dendritic_period": 15.0,
        "somatic_2": 700.0,
        "dendritic_1": 400.0,
        "parvalbumin": 300.0,
    }
    weights = {
        "w_up": 0.5,
        "w_parvalbumin": 0.2,
        "w_down": 0.8,
        "w_to_sst": 0.6,
        "w_sst": 0.1,
        "w_lateral": 0.3,
    }
    return {
        "pairing": _pairs,
        "pairing, all protocols": _protocols,
        "learning rule": _learning_rule(),
        "learning rule, constants": _learning_rule(
            source_rate=80.0,
            w_exc_soma=0.5,
            w_inh_soma=0.1,
            w_exc_dendrite=0.2,
            w_inh_dendrite=0.03,
            dendritic_rate=300.0,
            dendritic_degree=15,
            w_dendritic=0.4,
            I_d_post=300.0,
            w=0.3,
            eta=0.05,
            tau_pre=50.0,
            alpha=100.0,
            least=1.0,
            most=50.0,
        ),
        "propagation": _propagation(**small),
        "propagation, currents": _propagation(**small, **currents),
        "propagation, currents and weights": _propagation(**small, **currents, **weights),
        "transfer, lateral": _lateral,
        "transfer, interneurons": _interneurons,
        "microcircuit": _microcircuit(voltages="original"),
        "microcircuit, constant input": _microcircuit(background="dc", voltages="original"),
        "microcircuit, optimized voltages": _microcircuit(),
    }


def _pairs(backend: str, dtype: str) -> Any:
    chance = np.random.default_rng(4)
    pre, post = (
        [np.sort(chance.uniform(0.0, 60.0, many)) for many in (1, 6, 12)] for _ in range(2)
    )
    return {"changes": pairing.weight_changes(pre, post, 5.0, 0.2, backend)}


def _protocols(backend: str, dtype: str) -> Any:
    """All of them; in plain Python the periodic one would take minutes."""
    if backend == "python":
        pre, post = [[5.0, 15.0, 300.0]], [[8.0, 18.0, 290.0]]
        return {"changes": pairing.weight_changes(pre, post, 10.0, 0.4, backend)}
    result = pairing.run(seed=1, backend=backend, realisations=2, duration=500.0)
    names = ("frequency", "periodic", "rate", "poisson", "probability", "burst_poisson")
    theory = {"poisson": result.expected_poisson(), "bursts": result.expected_burst_poisson()}
    return {**{name: getattr(result, name) for name in names}, "expected": theory}


def _learning_rule(**options: Any) -> Job:
    small = {
        "n": 6,
        "in_degree": 4,
        "sources": 60,
        "source_rate": 100.0,
        "w": 0.8,
        "exc_degree": 50,
        "inh_degree": 5,
        "dendritic_sources": 20,
        "bin": 10.0,
        "burn_in": 1,
        "block": 1,
    }

    def job(backend: str, dtype: str) -> Any:
        result = learning_rule.run(seed=1, backend=backend, **{**small, **options})
        names = [f"{what}_{side}" for what in _RATES for side in ("pre", "post")]
        return {name: getattr(result, name) for name in ("time", "change", *names)}

    return job


def _propagation(**options: Any) -> Job:
    def job(backend: str, dtype: str) -> Any:
        result = propagation.run(seed=1, backend=backend, duration=20.0, burn_in=4.0, **options)
        trains = {
            name: {where: [s.t, s.i] for where, s in getattr(result, name).items()}
            for name in ("spikes", "events", "bursts")
        }
        rates = {
            name: result.rates(name, bin_width=5.0)._asdict()
            for name in ("pyramidal_1", "pyramidal_2")
        }
        currents = {"somatic": result.somatic_current, "dendritic": result.dendritic_current}
        return {**trains, "rates": rates, "currents": currents, "network": seen(result.network)}

    return job


def _curves(curves: transfer.Curves) -> Any:
    return {name: getattr(curves, name) for name in _RATES}


_SHORT: dict[str, Any] = {"sources": 110, "step": 10.0, "window": 8.0}


def _lateral(backend: str, dtype: str) -> Any:
    conditions, currents = [(0.0, 900.0), (0.02, 1200.0)], [0.0, 600.0]
    return _curves(
        transfer.lateral_transfer(2, conditions, currents, backend=backend, n=30, **_SHORT)
    )


def _interneurons(backend: str, dtype: str) -> Any:
    conditions, currents = [(0.0, 0.0), (0.001, 100.0)], [0.0, 900.0]
    return _curves(
        transfer.interneuron_transfer(
            2, conditions, currents, backend=backend, n_interneurons=30, **_SHORT
        )
    )


def _microcircuit(**options: str) -> Job:
    def job(backend: str, dtype: str) -> Any:
        net = watched(
            microcircuit.build(scale=0.002, seed=1, dtype=dtype, backend=backend, **options)
        )
        net.run(15.0)
        spikes = dict(zip(net.populations, net.recordings, strict=True))
        return {**seen(net), "rates": microcircuit.mean_rates(spikes, after=1.0)}

    return job
