"""Synapses from one population to another: their weights, their delay and what they act on."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.errors import InputError, check_array, check_number
from spikesim.kernels import spikes
from spikesim.kernels.program import Phase
from spikesim.population import WHOLE, Population

__all__ = ["Projection"]


class Projection:
    """Synapses from one population onto a variable of another; made by `Network.connect`.

    Attributes
    ----------
    W : numpy.ndarray, shape (pre.n, post.n)
        The weights of a dense projection, to be read and set between runs.
    start, target, weight : numpy.ndarray
        A sparse projection in rows of presynaptic neurons: neuron i reaches
        ``target[start[i]:start[i + 1]]``.
    """

    def __init__(self, name: str, pre: Population, post: Population, port: str, delay: int):
        self.name = name
        self.pre = pre
        self.post = post
        self.port = port
        self.delay = delay
        self.W: np.ndarray | None = None
        self.start = self.target = self.weight = np.zeros(0)

    def __repr__(self) -> str:
        kind = "dense" if self.W is not None else f"{self.weight.size} synapses"
        return f"<Projection {self.name!r}: {self.pre.name} → {self.post.name}.{self.port}, {kind}>"

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run may change, by name."""
        return {"W": self.W} if self.W is not None else {"weight": self.weight}

    def landing(self) -> np.ndarray:
        """Where arrivals are added: a ring of rows, shape (slots, post.n)."""
        if self.port in self.post.filters:
            return self.post.filters[self.port].arrived
        return self.post.state[self.port].reshape(1, -1)

    def delivery(self) -> Phase:
        """The Phase that adds the weights of the spikes arriving now."""
        state = {**self.pre.spike_list(), "out": self.landing()}
        if self.W is not None:
            state["W"] = self.W
            params = {"delay": self.delay, "width": WHOLE}
            return Phase(spikes.deliver_dense, spikes.columns, state, params)
        state.update(start=self.start, target=self.target, weight=self.weight)
        return Phase(spikes.deliver_sparse, spikes.listed, state, {"delay": self.delay})

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
            rows_of = sparse.csr_array(weight)
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
