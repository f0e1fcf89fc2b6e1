"""What `golden` runs of the cerebellum and of routing: the models, and what experiments measure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from spikesim.models.cerebellum import AdaptiveFilter, layer, reflex
from spikesim.models.routing import RoutingEnsembles, gates, rows

Job = Callable[[str, str], Any]


def jobs() -> dict[str, Job]:
    """All of them, by name."""
    spikes = {"granule": "spiking", "normalised": False, "M": 3}
    few = {"seconds": 1.0, "n": 6, "few": 4, "M": 5}
    return {
        "cerebellum": _filter(delay=30.0, eligibility=20.0, leak=0.1),
        "cerebellum, forward": _filter(architecture="forward", B=0.8, two_stages=True),
        "cerebellum, forward model": _filter(architecture="forward model", G=1.6, T_p=150.0),
        "cerebellum, spikes": _filter(**spikes, batch=4, dt=2.0, delay=4.0),
        "vestibulo-ocular": _measured(reflex.vestibulo_ocular, seconds=1.0),
        "error-delay": _measured(reflex.error_delay, seconds=1.0),
        "granule-layer": _measured(layer.granule_layer, **few),
        "forward-model": _measured(layer.forward_model, seconds=2.0),
        "negative-image": _measured(layer.negative_image, trials=5, steps=40, n=4),
        "routing": _routing(eta=0.1, eta_a=0.1, tau_a=3.0),
        "routing, spikes": _routing(micro="spikes", bursts=True),
        "routing, gains": _routing(micro="threshold", receptivity="gains", eta_a=0.1),
        "reach": _measured(rows.reach, draws=1),
        "route": _measured(gates.route, m=10, trials=20),
        "route, spikes": _measured(gates.route, m=10, trials=2, spikes=True, window=5),
        "interference": _measured(rows.interference, m=16, draws=2, steps=4),
        "time-scale": _measured(gates.time_scale, m=10, steps=10, shortest=2.0),
    }


def _filter(**options: Any) -> Job:
    def job(backend: str, dtype: str) -> Any:
        net = AdaptiveFilter(n=5, seed=2, dtype=dtype, backend=backend, **options)
        h, n = np.random.default_rng(3).normal(size=(2, 200))
        if net.parameters.granule == "spiking":
            net.tune(h)
        parts = net.run(h[:150], 0.1 * n[:150]), net.run(h[150:], learn=False), net.step(0.5)
        return {"w": net.w, "tau": net.tau, "courses": [x for part in parts for x in part]}

    return job


def _routing(**options: Any) -> Job:
    def job(backend: str, dtype: str) -> Any:
        net = RoutingEnsembles((2, 3, 2), seed=1, m=6, q=2, dtype=dtype, backend=backend, **options)
        net.pattern[:, :2] = net.goal[0] = net.arousal[0] = 1
        for each in net.layers[1:]:
            each["R"][:] = each["delta"][:] = 0.5
            each["gain"][:] = 0.3
        course = net.run(8)
        states = {f"{name}_{k}": course._asdict()[name][k] for name in "saIh" for k in (1, 2)}
        learned = [each[name] for each in net.layers[1:] for name in ("w", "G", "gain")]
        return {**states, "learned": learned, "M": net.meso(1)}

    return job


def _measured(run: Callable[..., Any], **sizes: Any) -> Job:
    def job(backend: str, dtype: str) -> Any:
        result = run(seed=1, backend=backend, **sizes)
        fields = {each.name: getattr(result, each.name) for each in dataclasses.fields(result)}
        arrays = {name: array for name, array in fields.items() if isinstance(array, np.ndarray)}
        return {**arrays, "table": [row.ours for row in result.comparisons()]}

    return job
