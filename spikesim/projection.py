"""Synapses from one population to another: their weights, their delay and what they act on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.errors import InputError, check_array, check_number
from spikesim.kernels import short_term, spikes
from spikesim.kernels.program import WHOLE, Phase
from spikesim.population import Population

__all__ = ["Projection", "ShortTermPlasticity"]


class ShortTermPlasticity(NamedTuple):
    """Depression and facilitation (Tsodyks & Markram, extended); times in ms.

    Per presynaptic neuron, a spike acts with its weight times u x; then x <- x - u x and
    u <- u + f (1 - u). Between spikes x recovers to 1 with `tau_D` and u to `U` with `tau_F`.

    Attributes
    ----------
    U : float
        Share of the resources that the first spike uses.
    tau_D, tau_F : float
        Time constants of the recovery from depression and of facilitation, in ms.
    f : float
        How much closer to 1 each spike brings u.

    Examples
    --------
    >>> depressing = ShortTermPlasticity(U=0.9, tau_D=20.0, tau_F=1000.0)
    >>> facilitating = ShortTermPlasticity(U=0.02, tau_D=100.0, tau_F=100.0)
    """

    U: float = 0.5
    tau_D: float = 200.0
    tau_F: float = 20.0
    f: float = 0.1


class Projection:
    """Synapses from one population onto a variable of another; made by `Network.connect`.

    Attributes
    ----------
    W : numpy.ndarray, shape (pre.n, post.n)
        The weights of a dense projection, to be read and set between runs.
    start, target, weight : numpy.ndarray
        A sparse projection in rows of presynaptic neurons: neuron i reaches
        ``target[start[i]:start[i + 1]]``.
    x, u : numpy.ndarray, shape (pre.n,)
        With short-term plasticity, what each neuron's last spike left of its resources and their
        use.
    """

    def __init__(self, name: str, pre: Population, post: Population, port: str, delay: int):
        self.name = name
        self.pre = pre
        self.post = post
        self.port = port
        self.delay = delay
        self.W: np.ndarray | None = None
        self.start: np.ndarray = np.zeros(0, np.int64)
        self.target: np.ndarray = np.zeros(0, np.int32)
        self.weight: np.ndarray = np.zeros(0)
        self.short_term: ShortTermPlasticity | None = None
        self._release: dict[str, np.ndarray] = {}
        self._scratch = np.zeros(0)

    def __repr__(self) -> str:
        kind = "dense" if self.W is not None else f"{self.weight.size} synapses"
        return f"<Projection {self.name!r}: {self.pre.name} → {self.post.name}.{self.port}, {kind}>"

    @property
    def x(self) -> np.ndarray:
        return self._release["x"]

    @property
    def u(self) -> np.ndarray:
        return self._release["u"]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run may change, by name."""
        weights = {"W": self.W} if self.W is not None else {"weight": self.weight}
        return {**weights, **self._release}

    def delivery(self) -> Phase:
        """The Phase that adds the weights of the spikes arriving now."""
        out = self.post.landing(self.port)
        state = {**self.pre.spike_list(), "out": out}
        if self.short_term is not None:
            state["efficacy"] = self._efficacy()
        params: dict[str, Any] = {"delay": self.delay, "width": WHOLE}
        if self.W is not None:
            state["W"] = self.W
        else:
            state.update(start=self.start, target=self.target, weight=self.weight)
        bodies = spikes if self.short_term is None else short_term
        body = bodies.deliver_sparse if self.W is None else bodies.deliver_dense
        return Phase(body, spikes.columns, state, params)

    def use(self) -> list[Phase]:
        """The Phase, if any, that finds the efficacies of the spikes arriving now."""
        if self.short_term is None:
            return []
        state = {**self.pre.spike_list(), **self._release, "efficacy": self._efficacy()}
        params = {"delay": self.delay, **self._recovery()}
        return [Phase(short_term.use, short_term.arrivals, state, params)]

    def _efficacy(self) -> np.ndarray:
        """Room for one efficacy per entry of the list of spikes."""
        entries = self.pre.ids.shape[1]
        if self._scratch.size != entries:
            self._scratch = np.zeros(entries, self._release["x"].dtype)
        return self._scratch

    def change_in_use(self, short_term: ShortTermPlasticity, dtype: str) -> None:
        """Give the synapses short-term plasticity."""
        if not isinstance(short_term, ShortTermPlasticity):
            raise InputError(
                f"short_term is {short_term!r}; it has to be a ShortTermPlasticity or None."
            )
        for name in ("U", "f"):
            check_number(name, getattr(short_term, name), at_least=0.0, at_most=1.0)
        for name in ("tau_D", "tau_F"):
            check_number(name, getattr(short_term, name), above=0.0, unit="ms")
        self.short_term = short_term
        n = self.pre.n
        self._release = {
            "x": np.ones(n, dtype),
            "u": np.full(n, short_term.U, dtype),
            "last": np.zeros(n, np.int64),
        }

    def _recovery(self) -> dict[str, float]:
        assert self.short_term is not None
        dt = self.pre.network.dt
        return {
            "U": float(self.short_term.U),
            "f": float(self.short_term.f),
            "dt_by_tau_D": dt / self.short_term.tau_D,
            "dt_by_tau_F": dt / self.short_term.tau_F,
        }

    def fill(
        self, weight: Any, probability: float | None, dtype: str, seed: int, stream: int
    ) -> None:
        """Make the synapses; see `Network.connect` for the forms that `weight` may take."""
        from scipy import sparse

        shape = self.pre.n, self.post.n
        if probability is not None:
            probability = check_number("probability", probability, at_least=0.0, at_most=1.0)
            weight = check_number("weight", weight)
            rows = _random_rows(shape, probability, seed, stream)
            lengths = [row.size for row in rows]
            self.start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            self.target = np.concatenate(rows).astype(np.int32)
            self.weight = np.full(self.target.size, weight, dtype)
        elif sparse.issparse(weight):
            rows_of = sparse.csr_array(weight, copy=True)
            rows_of.sort_indices()  # `deliver_sparse` looks for targets
            if rows_of.shape != shape:
                raise InputError(f"weight has shape {rows_of.shape}; it has to be {shape}.")
            self.start = rows_of.indptr.astype(np.int64)
            self.target = rows_of.indices.astype(np.int32)
            self.weight = check_array("weight", rows_of.data, dtype=dtype)
        elif np.ndim(weight) == 0:
            self.W = np.full(shape, check_number("weight", weight), dtype)
        else:
            self.W = check_array("weight", weight, shape=shape, dtype=dtype).copy()


def _random_rows(
    shape: tuple[int, int], probability: float, seed: int, stream: int
) -> list[np.ndarray]:
    """For each presynaptic neuron the targets that exist, drawn independently."""
    chance = np.random.Generator(np.random.Philox(key=[seed, stream]))
    rows = []
    for _ in range(shape[0]):
        size = chance.binomial(shape[1], probability)
        rows.append(np.sort(chance.choice(shape[1], size, replace=False, shuffle=False)))
    return rows
