"""Independent noise for each neuron; `spikesim.kernels.noise` explains how it is computed."""

from __future__ import annotations

from collections import ChainMap
from math import exp, expm1, sqrt
from typing import Any

import numpy as np

from spikesim.checks import check_number
from spikesim.engine.connectivity import generator
from spikesim.engine.injection import EACH, Injection
from spikesim.engine.population import Population
from spikesim.errors import InputError
from spikesim.kernels import noise as bodies
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import State

__all__ = ["Noise"]

NOISE = 1 << 26
"""The first of the streams for the random numbers of noise."""

STARTS = 1 << 35
"""The first of the streams for the start values of noise, of the generator of synapses."""

LONGEST = 1e15
"""The longest time constant, in steps: slower noise would not change at all."""


class Noise(Injection):
    """Independent noise for each neuron; made by `Network.add_noise`.

    Attributes
    ----------
    population : Population
    target : str
        The input that it adds to.
    sigma : float or numpy.ndarray, shape (neurons,)
        The standard deviation; for white noise, that of its integral over 1 ms. You may set it
        between runs.
    tau : float or None
        The correlation time in ms; None for white noise. You may change it between runs.
    is_on : bool
        Whether it adds to the input; may be set between runs.
    """

    def __init__(
        self,
        population: Population,
        target: str,
        sigma: Any,
        tau: float | None,
        neurons: Any,
        number: int,
    ):
        super().__init__(population, target, neurons, "noises", number)
        network, n = population.network, self._params["n"]
        self._tau: float | None = None
        pair = np.zeros((2, -(-n // 2)), population.dtype)
        self._state: dict[str, np.ndarray] = {"pair": pair, "xi": pair.reshape(-1)}
        self._params["stream"] = NOISE + number
        if tau is None:
            self._params["per_root_dt"] = 1.0 / sqrt(network.dt)
        else:
            # float64 in any network: tau may become too long for float32.
            self._state["x"] = np.zeros(n)
            self.begin_again()
            self._set_tau(tau)
        self.sigma = sigma
        self._described = {
            "tau": "none" if tau is None else float(tau),
            "sum of sigma": float(np.sum(self._state["sigma"], dtype=np.float64)),
        }

    def __repr__(self) -> str:
        sigma, kind = self.sigma, "white" if self.tau is None else f"tau {self.tau:g} ms"
        if isinstance(sigma, np.ndarray):
            sigma = f"{sigma.min():g}...{sigma.max():g}"
        else:
            sigma = f"{sigma:g}"
        off = "" if self.is_on else ", off"
        return f"<Noise of {self.population.name}.{self.target}: sigma {sigma}, {kind}{off}>"

    def built(self) -> dict[str, Any]:
        return {**super().built(), **self._described}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"x": self._state["x"]} if "x" in self._state else {}

    @property
    def sigma(self) -> Any:
        sigma = self._state["sigma"]
        return self._given if sigma.size > 1 else float(self._given[0])

    @sigma.setter
    def sigma(self, sigma: Any) -> None:
        array = self._of_each("sigma", sigma, self.population.dtype)
        if array.min() < 0.0:
            raise InputError(f"sigma holds {array.min():g}; it has to be at least 0.")
        self._given = array[self._ids - self._params["first"]] if array.size > 1 else array
        self._params["each"] = EACH if array.size > 1 else 0
        self._state["sigma"] = array

    @property
    def tau(self) -> float | None:
        return self._tau

    @tau.setter
    def tau(self, tau: float) -> None:
        if self._tau is None:
            raise InputError("tau cannot be set, as this noise is white; add another one with it.")
        self._set_tau(tau)

    def _set_tau(self, tau: float) -> None:
        dt = self.population.network.dt
        tau = check_number("tau", tau, above=0.0, at_least=1e-9, at_most=LONGEST * dt, unit="ms")
        self._tau = tau
        self._params["keep"] = exp(-dt / tau)
        self._params["fresh"] = sqrt(-expm1(-2.0 * dt / tau))

    def begin_again(self) -> None:
        if "x" in self._state:
            chance = generator(self.population.network.noise_seed, STARTS + self._number)
            self._state["x"][:] = chance.standard_normal(self._state["x"].size)

    def adding(self, population: Population, total: dict[str, np.ndarray]) -> list[Phase]:
        drawn = {"pair": self._state["pair"]}
        params: Any = ChainMap(self._params, population.network.noise)
        draw = Phase(bodies.draw, bodies.pairs, drawn, params, dtype=population.dtype)
        state = State(self._state, total)
        del state["pair"]
        if self._tau is None:
            return [draw, self._phase(bodies.add_white, state, dtype=population.dtype)]
        return [draw, self._phase(bodies.add_correlated, state, dtype="float64")]
