"""Gap junctions between neurons; `spikesim.kernels.gaps` has their equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from spikesim.attributes import read_only
from spikesim.checks import (
    check_array,
    check_choice,
    check_number,
    check_unknown,
    is_real,
    show,
)
from spikesim.copying import Part
from spikesim.engine.connectivity import draw, from_matrix, generator
from spikesim.engine.effect import effect
from spikesim.engine.injection import EACH, check_input
from spikesim.engine.population import Population
from spikesim.engine.subgroups import Subgroup
from spikesim.errors import InputError
from spikesim.kernels import gaps, stimuli
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State

__all__ = ["GapJunctions"]

GAPS = 1 << 34
"""The first of the streams for gap junctions, of the generator that draws synapses."""

_FARTHEST = 0.5  # the largest fraction of the way to the voltage of the others in one step
_TRIED = 16  # neurons: those with the largest conductances


class _Side:
    """The junctions of one population, neuron by neuron."""

    def __init__(
        self,
        population: Population,
        other: Population,
        voltage: str,
        ends: tuple[np.ndarray, np.ndarray],
        junctions: np.ndarray,
    ):
        own, others = ends
        order = np.lexsort((others, own))
        self.population = population
        self.own, self.junctions = own[order], junctions[order]
        counts = np.bincount(own, minlength=population.n)
        self.arrays: dict[str, np.ndarray] = {
            "start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            "source": others[order].astype(np.uint32),
            "v": population.state[voltage],
            "other": other.state[voltage],
            "current": np.zeros(population.n, population.dtype),
        }

    def summed(self, conductance: np.ndarray) -> np.ndarray:
        """The total conductance of each neuron, from the conductances of all junctions."""
        return np.bincount(
            self.own, weights=conductance[self.junctions], minlength=self.population.n
        )


class GapJunctions(Part):
    """Gap junctions between the neurons of two groups; made by `Network.connect_gap`.

    Attributes
    ----------
    pre, post : Population
    target : str
        The input that the currents add to.
    voltage : str
        The variable whose differences drive the currents.
    pairs : numpy.ndarray of int, shape (junctions, 2)
        The neurons of `pre` and `post` that each junction connects; for reading only.
    conductance : float or numpy.ndarray, shape (junctions,)
        You may set it between runs, to one number for all junctions or one for each.
    is_on : bool
        Whether currents flow; may be set between runs.
    """

    _remedies: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("pre", "post", "target", "voltage", "pairs"), "connect_gap makes others"
    )

    def __init__(
        self,
        pre: Subgroup,
        post: Subgroup,
        conductance: Any,
        probability: float | None,
        target: str,
        voltage: str | None,
        number: int,
    ):
        self.pre, self.post = pre.population, post.population
        both = [self.pre] if self.pre is self.post else [self.pre, self.post]
        for population in both:
            check_input(population, target)
        self.target = target
        self.voltage = _voltage(both, voltage)
        self._number = number
        chance = generator(self.pre.network.seed, GAPS + number)
        pairs, values = _junctions(pre, post, conductance, probability, chance)
        self.pairs = read_only(pairs)
        self._params: dict[str, Any] = {"parts": SHARED, "is_on": 1, "each": 0}
        a, b = pairs.T
        each = np.arange(len(pairs))
        if self.pre is self.post:
            ends = np.append(a, b), np.append(b, a)
            self._sides = [_Side(self.pre, self.pre, self.voltage, ends, np.append(each, each))]
        else:
            self._sides = [
                _Side(self.pre, self.post, self.voltage, (a, b), each),
                _Side(self.post, self.pre, self.voltage, (b, a), each),
            ]
        self.conductance = values
        self._built = {
            "first conductances": float(np.sum(values)),
            "checksum of junctions": crc32(np.ascontiguousarray(pairs).data),
        }

    def __repr__(self) -> str:
        g = self.conductance
        if isinstance(g, np.ndarray):
            g = f"{g.min():g}...{g.max():g}" if g.size else "none"
        else:
            g = f"{g:g}"
        ends = f"{self.pre.name} ↔ {self.post.name}"
        off = "" if self.is_on else ", off"
        return f"<GapJunctions {ends}: {len(self.pairs)} junctions, conductance {g}{off}>"

    def _place(self) -> tuple[Any, str, int]:
        return self.pre.network, "gap_junctions", self._number

    def built(self) -> dict[str, Any]:
        names = {"pre": self.pre.name, "post": self.post.name}
        names |= {"target": self.target, "voltage": self.voltage}
        return {**names, "number of junctions": len(self.pairs), **self._built}

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run changes and that has to be saved: nothing."""
        return {}

    def begin_again(self) -> None:
        """Go back to the beginning: there is nothing to do."""

    @property
    def is_on(self) -> bool:
        return bool(self._params["is_on"])

    @is_on.setter
    def is_on(self, on: bool) -> None:
        self._params["is_on"] = int(check_choice("is_on", on, [True, False]))

    @property
    def conductance(self) -> Any:
        return self._conductance

    @conductance.setter
    def conductance(self, conductance: Any) -> None:
        if is_real(conductance):
            held: Any = check_number("conductance", conductance, at_least=0.0)
            values = np.full(len(self.pairs), held)
        else:
            shape = (len(self.pairs),)
            values = check_array(
                "conductance", conductance, shape=shape, dtype=np.float64, at_least=0.0
            )
            held = read_only(values.copy())
        for side in self._sides:
            check_array("conductance", values, dtype=side.population.dtype)
            self._check_stable(side, side.summed(values))
        self._conductance = held
        one_each = isinstance(held, np.ndarray)
        self._params["each"] = EACH if one_each else 0
        for side in self._sides:
            each = values[side.junctions] if one_each else np.full(1, held)
            side.arrays["conductance"] = each.astype(side.population.dtype)

    def _check_stable(self, side: _Side, summed: np.ndarray) -> None:
        """Refuse conductances with which neurons would overshoot each other in a step."""
        population = side.population
        for i in np.argsort(-summed, kind="stable")[:_TRIED]:
            way = summed[i] * effect(population, self.target, self.voltage, int(i))
            if way > _FARTHEST * (1.0 + 1e-6):
                most = summed[i] * _FARTHEST / way
                raise InputError(
                    f"conductance adds up to {summed[i]:g} for neuron {i} of {population.name!r}; "
                    f"a step of dt = {population.network.dt:g} ms would carry it {way:.3g} of the "
                    "way to the voltage of its neighbours, and coupled neurons would overshoot "
                    f"each other. It has to add up to at most {most:.3g}, or dt to be shorter."
                )

    def flowing(self) -> list[Phase]:
        """The Phases that come before all populations: currents from the present voltages."""
        ordered = []
        for side in self._sides:
            dtype = side.population.dtype
            state = State(side.arrays)
            inputs = ("start", "source", "conductance")
            ordered.append(Phase(gaps.flow, gaps.coupled, state, self._params, inputs, dtype=dtype))
        return ordered

    def adding(self, population: Population, total: dict[str, np.ndarray]) -> list[Phase]:
        """The Phase that adds the currents to the input of the neurons of one side."""
        (side,) = [each for each in self._sides if each.population is population]
        state = {"current": side.arrays["current"], **total}
        over = stimuli.neurons
        return [Phase(gaps.add, over, state, self._params, neurons=population)]


def _voltage(populations: list[Population], voltage: Any) -> str:
    """The variable whose differences drive the currents: the given one, or else v or V."""
    for population in populations:
        names = [name for name in population.state if name not in ("spike", "uniform")]
        if voltage is None:
            voltage = next((name for name in ("v", "V") if name in names), None)
        if voltage is None:
            raise InputError(
                f"voltage is None, and {population.name!r} has neither v nor V; name one of "
                f"{', '.join(names)}."
            )
        check_unknown(f"voltage of {population.name!r}", [voltage], names)
    return voltage


def _junctions(
    pre: Subgroup, post: Subgroup, conductance: Any, probability: Any, chance: np.random.Generator
) -> tuple[np.ndarray, Any]:
    """Which neurons are connected, shape (junctions, 2), and their conductances."""
    from scipy import sparse

    is_same = pre.population is post.population
    is_one = is_same and np.array_equal(pre.ids, post.ids)
    if is_same and not is_one and np.intersect1d(pre.ids, post.ids).size:
        raise InputError(
            "pre and post overlap in part; they have to be the same neurons, or different ones."
        )
    shape = pre.n, post.n
    if is_real(conductance):
        rule = {"probability": 1.0 if probability is None else probability}
        drawn = draw(shape, rule, chance, recurrent=is_one, autapses=not is_one, multapses=None)
        values: Any = conductance
    elif probability is not None:
        raise InputError(
            f"probability is {show(probability)}, which is for one conductance of all junctions; "
            "a matrix has one for each pair."
        )
    else:
        if not sparse.issparse(conductance):
            matrix = check_array("conductance", conductance, shape=shape, dtype=np.float64)
            conductance = sparse.csr_array(matrix)
        if conductance.shape != shape:
            raise InputError(f"conductance has shape {conductance.shape}; it has to be {shape}.")
        drawn, values = from_matrix(conductance)
        values = check_array("conductance", values, dtype=np.float64, at_least=0.0)
        if is_one:
            _check_symmetric(sparse.csr_array((values, drawn.target, drawn.start), shape))
    a = np.repeat(np.arange(pre.n), np.diff(drawn.start))
    b = drawn.target.astype(np.int64)
    if is_one:  # each junction once
        upper = a < b
        a, b = a[upper], b[upper]
        values = values[upper] if isinstance(values, np.ndarray) else values
    return np.stack([pre.ids[a], post.ids[b]], axis=1), values


def _check_symmetric(matrix: Any) -> None:
    if (matrix != matrix.T).nnz:
        raise InputError(
            "conductance is not symmetric; a junction conducts equally well in both directions."
        )
    if matrix.diagonal().any():
        raise InputError("conductance connects a neuron to itself; the diagonal has to be 0.")
