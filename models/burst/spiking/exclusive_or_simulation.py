"""The network of the exclusive-or task, put together from neurons, projections and background."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from spikesim import Network, Projection
from spikesim.engine.sources import EventSource
from spikesim.experiments.counters import counted
from spikesim.learning.burst_plasticity import BurstPlasticity
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters
from spikesim.models.burst.spiking.neurons import BurstPoisson
from spikesim.training import random_numbers

__all__ = ["POPULATIONS", "Simulation", "teaching_current"]

POPULATIONS = ("input_1", "input_2", "hidden_1", "hidden_2", "output")

_CELLS, _SYNAPSES = range(2)  # the purposes of random numbers


def teaching_current(event_rate: np.ndarray, target: int, p: Parameters) -> np.ndarray:
    """The current into the dendrites of output neurons that tells them what was wrong, in pA.

    Parameters
    ----------
    event_rate : numpy.ndarray, shape (n,)
        E, the average of each neuron, in Hz.
    target : int
        With target 1, the current is I_0 / (E - e_min); with target 0, -I_0 / (e_max - E). Within
        the tolerance of the wrong extreme, its size is I_0; within that of the right one, it is 0.
    p : Parameters

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    if target == 1:
        sign, done, to_go = 1.0, event_rate - p.e_min, p.e_max - event_rate
    else:
        sign, done, to_go = -1.0, p.e_max - event_rate, event_rate - p.e_min
    current = sign * p.I_teacher / np.where(done <= p.tolerance, 1.0, done)
    return np.where(to_go <= p.tolerance, 0.0, current)


class Simulation:
    """One copy of the network's dynamics.

    All five populations are slices of one, `cells`. All projections of one kind are one sparse
    matrix with a block for each. So a step consists of a handful of long loops.

    Parameters
    ----------
    parameters : Parameters
    dt, seed, dtype, backend
        See `spikesim.Network`.

    Attributes
    ----------
    network : Network
    cells : Population
    events, bursts : EventSource
    where : dict of str to slice
        The neurons of each of `POPULATIONS`.
    blocks : dict of str to numpy.ndarray
        The places in ``plastic.weight`` of the weights of 'input_1_to_hidden_1' and so on.
    """

    def __init__(self, parameters: Parameters, dt: float, seed: int, dtype: str, backend: str):
        self.p = p = parameters
        self._seed = seed
        self.network = net = Network(dt=dt, seed=seed, dtype=dtype, backend=backend)
        self.where = {name: slice(k * p.n, (k + 1) * p.n) for k, name in enumerate(POPULATIONS)}
        self.cells = net.add_population("cells", len(POPULATIONS) * p.n, BurstPoisson)
        self.cells.V_s[:] = random_numbers(seed, _CELLS).normal(-70.0, 5.0, self.cells.n)
        self.events = net.add_events("events", self.cells)
        self.bursts = net.add_bursts("bursts", self.cells)
        self._background()
        # If there are fewer neurons than in_degree, all are connected, with larger weights.
        self._probability = min(1.0, p.in_degree / p.n)
        self._scale = p.in_degree / (self._probability * p.n)
        inputs, hidden = POPULATIONS[:2], POPULATIONS[2:4]
        forward = [(pre, post) for post in hidden for pre in inputs]
        forward += [(pre, "output") for pre in hidden]
        exc, inh = dict.fromkeys(forward, p.w_exc), dict.fromkeys(forward, p.w_inh)
        back_exc = {("output", "hidden_1"): p.w_exc_hidden_1}
        back_exc["output", "hidden_2"] = p.w_exc_hidden_2
        back_inh = {("output", "hidden_1"): p.w_inh_hidden_1}
        back_inh["output", "hidden_2"] = p.w_inh_hidden_2
        self.plastic = self._connect("plastic", self.events, "g_exc_s", exc)
        self._connect("inhibition", self.events, "g_inh_s", inh)
        self._connect("feedback_excitation", self.bursts, "g_exc_d", back_exc)
        self._connect("feedback_inhibition", self.bursts, "g_inh_d", back_inh)
        self.blocks = {f"{pre}_to_{post}": self._block(pre, post) for pre, post in forward}
        eta = np.zeros(self.cells.n)
        for name in hidden:
            eta[self.where[name]] = self._scale * p.eta_hidden
        eta[self.where["output"]] = self._scale * p.eta_output
        self.rule = BurstPlasticity(
            net,
            self.cells,
            self.events,
            self.bursts,
            [self.plastic],
            eta=eta,
            tau_pre=p.tau_pre,
            alpha=p.alpha,
            least=p.e_min,
            most=p.e_max,
            w_max=self._scale * p.w_max,
        )
        self._totals = counted(self.events, p.n), counted(self.bursts, p.n)
        self.teach(None)

    # ------------------------------------------------------------------------------- running

    def show(self, bits: tuple[int, int]) -> None:
        """Drive the input populations with this pattern from now on."""
        p = self.p
        for name, bit in zip(("input_1", "input_2"), bits, strict=True):
            self.cells.I_s[self.where[name]] = p.current_for_1 if bit else p.current_for_0

    def teach(self, target: int | None) -> None:
        """From now on, let weights learn and teach the output this target; with None, neither."""
        p = self.p
        self.rule.is_on = target is not None
        current = np.full(p.n, p.I_d_output)
        if target is not None and p.teacher:
            current += teaching_current(self.rule.event_rate[self.where["output"]], target, p)
        self.cells.I_d[self.where["output"]] = current
        self.cells.I_d[self.where["hidden_2"]] = p.I_d_hidden_2

    def estimates(self) -> list[float]:
        """For each population, the mean of its neurons' averages of events, in Hz."""
        rate = self.rule.event_rate
        return [float(rate[where].mean()) for where in self.where.values()]

    def counts(self) -> np.ndarray:
        """Events and bursts of all populations so far, shape (populations, 2)."""
        return np.stack(self._totals, axis=1)

    # ------------------------------------------------------------------------------ building

    def _background(self) -> None:
        p = self.p
        factors = {
            "input": (1.0, 1.0),
            "hidden": (p.hidden_exc, p.hidden_inh),
            "output": (1.0, 1.0),
        }
        for kind, (exc, inh) in factors.items():
            whole = [where for name, where in self.where.items() if name.startswith(kind)]
            somata = slice(whole[0].start, whole[-1].stop)
            rate = p.rate_input if kind == "input" else p.rate_soma
            self._noise("g_exc_s", rate, exc * p.w_soma, somata)
            self._noise("g_inh_s", rate, inh * p.w_soma, somata)
        for port in ("g_exc_d", "g_inh_d"):
            self._noise(port, p.rate_dendrite, p.w_dendrite, slice(None))

    def _noise(self, port: str, rate: float, weight: float, neurons: slice) -> None:
        # The authors' program draws at most one spike per neuron and step.
        self.network.add_background(
            self.cells, port, rate, weight, neurons=neurons, at_most_one=True
        )

    def _connect(
        self, name: str, pre: EventSource, target: str, weights: dict[tuple[str, str], float]
    ) -> Projection:
        """One projection with a block of random synapses for each pair of populations."""
        n = self.p.n
        chance = random_numbers(self._seed, _SYNAPSES, len(self.network.projections))
        rows, columns, values = [], [], []
        for (before, after), weight in weights.items():
            i, j = np.nonzero(chance.random((n, n)) < self._probability)
            rows.append(i + self.where[before].start)
            columns.append(j + self.where[after].start)
            values.append(np.full(i.size, self._scale * weight))
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        matrix = sparse.csr_array(entries, shape=(self.cells.n, self.cells.n))
        return self.network.connect(pre, self.cells, target=target, weight=matrix, name=name)

    def _block(self, pre: str, post: str) -> np.ndarray:
        plastic = self.plastic
        rows = np.repeat(np.arange(self.cells.n), np.diff(plastic.start))
        return np.flatnonzero(
            _within(rows, self.where[pre]) & _within(plastic.target, self.where[post])
        )


def _within(numbers: np.ndarray, where: slice) -> np.ndarray:
    return (numbers >= where.start) & (numbers < where.stop)
