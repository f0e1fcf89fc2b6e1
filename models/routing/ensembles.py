"""Ensembles with two levels: fixed weights between neurons, and weights between units that change.

A unit is an ensemble of m neurons. What a unit sends to another is decided in every step by which of
its neurons spike, s, and which neurons of the other are receptive, a: W(t) = a(t) W s(t). Input
drives the spikes from below, goals drive receptivity from above. In step t, for layers k = 1 ... K,
units i and j, and neurons α and β of theirs:

u_k = S_k s_{k-1}(t-1) + AROUSAL(t) θ_k                                                       (1)
s_k(t) = 1 for the q neurons of each unit with the largest u_k, or for those with u_k > threshold,
         or for those that spike, driven by u_k                                               (2)
s_0(t) = the pattern shown,  h_0(t) = the input of each unit
a* = f(A_k a_{k+1}(t-1) + G_k GOAL(t)),  without A_k in the top layer K                       (3)
tau_a da/dt = a* - a                                                                          (4)
I_iα(t) = a_iα(t) Σ_jβ w_iα,jβ s_jβ(t) h_j(t-1)                                               (5)
h_i(t) = tanh(c Σ_α I_iα(t) + b_i),  c = 1/sqrt(m q)                                          (6)

(5) and (6) are h_k = tanh(M_k h_{k-1}(t-1) + b_k) with the weights between units

M_ij(t) = c Σ_αβ a_iα(t) w_iα,jβ s_jβ(t)                                                      (7)

which are never built. Neurons that spike are listed, and only their weights are read; neurons with
a = 0 are skipped. Learning changes weights within the active part of the network only,

w_iα,jβ <- w_iα,jβ + η a_iα δ_iα s_jβ                                                         (8)

with a teaching signal δ that you set, or goals, by the delta rule for wanted rows R of M:

G_iα <- G_iα + η_G GOAL f' c Σ_jβ (R_ij - M_ij) w_iα,jβ s_jβ, where a goal may act             (9)

The idea is from talks of 2018; all numbers are free choices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer
from spikesim.copying import Whole
from spikesim.engine.network import Network
from spikesim.experiments import ExperimentParameters
from spikesim.learning.parameters import choice, number, refuse_if, whole
from spikesim.math import sigmoid, tanh, uniform
from spikesim.neurons import LIF, Neuron
from spikesim.training import random_numbers

__all__ = ["Course", "Parameters", "RoutingEnsembles"]

STEP = 1.0  # ms, one step of all equations
_S, _THETA, _W, _A, _G = range(5)  # purposes of random numbers


class Parameters(ExperimentParameters):
    m: int = whole(100, "neurons per unit", at_least=1)
    q: int = whole(10, "active neurons per unit", at_least=1)
    q_arousal: float = number(0.0, "how many more are active with arousal 1", at_least=0.0)
    goals: int = whole(2, "how many goals", at_least=1)
    micro: str = choice("winners", "threshold", "spikes", about="which neurons are active")
    threshold: float = number(0.0, "of u")
    drive: float = number(15.0, "into neurons that spike, for u = 1", unit="mV")
    receptivity: str = choice("logistic", "linear", "bursts", "given", about="f; what makes a")
    tau_a: float = number(1.0, "time constant of a", unit="steps", symbol="τ_a", at_least=1.0)
    eta: float = number(0.0, "learning rate of w", symbol="η", at_least=0.0)
    eta_G: float = number(0.0, "learning rate of G", symbol="η_G", at_least=0.0)

    def check(self, layers: int, dtype: str) -> None:
        refuse_if(self.q > self.m, f"q is {self.q}; a unit has m = {self.m} neurons.")
        refuse_if(
            self.eta_G > 0.0 and self.receptivity in ("bursts", "given"),
            f"eta_G needs a receptivity with a slope; {self.receptivity} has none.",
        )


class Course(NamedTuple):
    """What happened in each of several steps; lists have an array for each layer, the input first.

    Attributes
    ----------
    s : list of numpy.ndarray, shape (steps, units, m)
        Which neurons were active.
    a, I : list of numpy.ndarray, shape (steps, units, m)
        Receptivities and currents; None for the input.
    h : list of numpy.ndarray, shape (steps, units)
        The activities of units.
    """

    s: list[np.ndarray]
    a: list[np.ndarray | None]
    I: list[np.ndarray | None]  # noqa: E741 - the symbol of (5)
    h: list[np.ndarray]


def gather(i, t, s, p):
    """(1), from the neurons that were listed in the last step; i is a unit."""
    m = s.u.shape[1]
    for r in range(m):
        s.u[i, r] = s.arousal[0] * s.theta[i, r]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.u[i, r] += s.S[j, b, i, r]


def win(i, t, s, p):
    """(2): the q largest, of equal ones the earlier."""
    m = s.u.shape[1]
    for r in range(m):
        s.s[i * m + r] = 0
    for _ in range(max(0, min(m, p.q + int(p.q_arousal * s.arousal[0] + 0.5)))):
        best = -1
        for r in range(m):
            if s.s[i * m + r] == 0 and (best < 0 or s.u[i, r] > s.u[i, best]):
                best = r
        s.s[i * m + best] = 1


def exceed(i, t, s, p):
    """(2) with a threshold."""
    for r in range(s.u.shape[1]):
        s.s[i * s.u.shape[1] + r] = 1 if s.u[i, r] > p.threshold else 0


def excite(i, t, s, p):
    """(2) with neurons that spike: u is their drive."""
    for r in range(s.u.shape[1]):
        s.drive[i * s.u.shape[1] + r] += p.drive * s.u[i, r]


def list_active(_, t, s, p):
    """List the neurons that are active now."""
    count = 0
    for n in range(s.s.shape[0]):
        if s.s[n] != 0:
            s.ids[count] = n
            count += 1
    s.count[0] = count


def receive_goal(i, t, s, p):
    """(3) of the goals, where a in (3) is a* first."""
    for r in range(s.sum.shape[1]):
        s.sum[i, r] = 0.0
    for g in range(s.goal.shape[0]):
        if s.goal[g] != 0.0:
            for r in range(s.sum.shape[1]):
                s.sum[i, r] += s.goal[g] * s.G[g, i, r]


def receive_above(i, t, s, p):
    """(3) of the layer above, which has not changed yet in this step."""
    for j in range(s.a_above.shape[0]):
        for b in range(s.a_above.shape[1]):
            if s.a_above[j, b] != 0.0:
                for r in range(s.sum.shape[1]):
                    s.sum[i, r] += s.a_above[j, b] * s.A[j, b, i, r]


def relax(i, t, s, p):
    """(4), by the step that forward Euler takes."""
    for r in range(s.a.shape[1]):
        wanted = s.sum[i, r] if p.linear == 1 else sigmoid(s.sum[i, r])
        s.a[i, r] += p.share * (wanted - s.a[i, r])


def burst(i, t, s, p):
    """Receptive are those neurons that burst, with the probability of (4)."""
    for r in range(s.a.shape[1]):
        s.a[i, r] = 1.0 if uniform(s, i * s.a.shape[1] + r) < s.probability[i, r] else 0.0


def send(i, t, s, p):
    """(5) and (6), of active and receptive neurons only; h_below is that of the last step."""
    m = s.a.shape[1]
    count = 0
    for r in range(m):
        s.I[i, r] = 0.0
        if s.a[i, r] != 0.0:
            s.open[i, count] = r
            count += 1
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        if count == m:
            for r in range(m):
                s.I[i, r] += s.w[j, b, i, r] * s.h_below[j]
        else:
            for k in range(count):
                r = s.open[i, k]
                s.I[i, r] += s.w[j, b, i, r] * s.h_below[j]
    total = 0.0
    for k in range(count):
        r = s.open[i, k]
        s.I[i, r] = s.a[i, r] * s.I[i, r]
        total += s.I[i, r]
    s.h[i] = tanh(p.c * total + s.b[i])


def show(j, t, s, p):
    """s of the input, or its h, which the layer above sees one step later."""
    for b in range(s.shown.shape[1]):
        s.out[j * s.shown.shape[1] + b] = s.shown[j, b]


def potentiate(i, t, s, p):
    """(8)."""
    m = s.a.shape[1]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            if s.a[i, r] != 0.0:
                s.w[j, b, i, r] += p.eta * s.a[i, r] * s.delta[i, r]


def teach(i, t, s, p):
    """(9), with what is wrong in row i of (7)."""
    m = s.a.shape[1]
    for j in range(s.R.shape[0]):
        s.error[j, i] = s.R[j, i]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.error[j, i] -= p.c * s.a[i, r] * s.w[j, b, i, r]
    for r in range(m):
        s.ascent[i, r] = 0.0
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.ascent[i, r] += p.c * s.error[j, i] * s.w[j, b, i, r]
    for g in range(s.goal.shape[0]):
        for r in range(m):
            slope = 1.0 if p.linear == 1 else s.a[i, r] * (1.0 - s.a[i, r])
            s.G[g, i, r] += p.eta * s.goal[g] * slope * s.acts[g, i, r] * s.ascent[i, r]


class RoutingEnsembles(Whole):
    """Layers of units, each an ensemble of m neurons, advanced step by step.

    Parameters
    ----------
    sizes : sequence of int
        Units in the input and in each layer above it.
    seed : int
    dtype : {'float32', 'float64'}
    backend : str
        See `spikesim.backends`.
    neuron : Neuron
        The neurons of ``micro="spikes"``, with a target ``drive``.
    **parameters
        Those of `Parameters`.

    Attributes
    ----------
    p : Parameters
    network : Network
        With a population for each layer that spikes, from which you may record.
    layers : list of dict of str to numpy.ndarray
        All arrays of each layer, the input first; change them in place. Weights are [pre unit, pre
        neuron, post unit, post neuron]: S, w and A, which come from above; G is [goal, unit,
        neuron] and `acts` its 0s and 1s, where a goal may act. R is [pre unit, post unit]. States
        are s, a, h and I; delta is the teaching signal.
    pattern : numpy.ndarray of int, shape (units, m)
        s of the input in the steps to come.
    x, goal, arousal : numpy.ndarray
        h of the input, shape (units, 1), at first 1; the goals, and one number, at first 0.

    Examples
    --------
    Which of two senders gets through:

    >>> net = RoutingEnsembles((2, 1), m=8, q=2, seed=1, receptivity="given", backend="python")
    >>> net.pattern[:, :2] = 1
    >>> net.layers[1]["a"][:] = 1.0
    >>> net.run(1).h[1].shape, net.meso(1).shape
    ((1, 1), (2, 1))
    """

    def __init__(
        self,
        sizes: Any = (2, 2),
        *,
        seed: int = 0,
        dtype: str = "float32",
        backend: str = "cpu",
        neuron: Neuron = LIF,
        **parameters: Any,
    ):
        self.sizes = tuple(check_array("sizes", sizes, shape=(None,), dtype=np.int64).tolist())
        refuse_if(len(self.sizes) < 2 or min(self.sizes) < 1, "sizes needs two layers of units.")
        self.p = p = Parameters.of(**parameters)
        self.network = Network(STEP, seed, dtype, backend)
        m, self.c = p.m, 1.0 / float(np.sqrt(p.m * p.q))
        self.pattern = np.zeros((self.sizes[0], m), np.int32)
        self.x = np.ones((self.sizes[0], 1), dtype)
        self.goal, self.arousal = np.zeros(p.goals, dtype), np.zeros(1, dtype)
        self.layers = [self._layer(k, neuron) for k in range(len(self.sizes))]
        self._connect()

    def _layer(self, k: int, neuron: Neuron) -> dict[str, np.ndarray]:
        """The arrays of layer k, with weights drawn."""
        p, n, m, dtype = self.p, self.sizes[k], self.p.m, self.network.dtype
        layer = {"ids": np.zeros(n * m, np.int32), "count": np.zeros(1, np.int32)}
        layer |= {"s": np.zeros(n * m, np.int32), "h": np.zeros(n, dtype)}
        if k == 0:
            return layer
        if p.micro == "spikes":
            population = self.network.add_population(f"layer_{k}", n * m, neuron)
            layer |= {"s": population.state["spike"], "drive": population.state["drive"]}
        below = self.sizes[k - 1]

        def drawn(purpose: int, sd: float, *shape: int) -> np.ndarray:
            chance = random_numbers(self.network.seed, purpose, k)
            return chance.normal(0.0, sd, (*shape, n, m)).astype(dtype)

        layer["S"] = drawn(_S, 1.0 / np.sqrt(below * p.q), below, m)
        layer["theta"] = np.abs(drawn(_THETA, 1.0))
        layer["w"] = drawn(_W, 1.0, below, m)
        is_top = k == len(self.sizes) - 1
        if not is_top:
            layer["A"] = drawn(_A, 1.0 / np.sqrt(self.sizes[k + 1] * m), self.sizes[k + 1], m)
        layer["G"] = drawn(_G, 1.0 if is_top else 0.0, p.goals)
        layer["acts"] = np.ones((p.goals, n, m), np.int32)
        layer |= {name: np.zeros((n, m), dtype) for name in ("u", "sum", "a", "I", "delta")}
        layer |= {"probability": np.zeros((n, m), dtype), "open": np.zeros((n, m), np.int32)}
        layer |= {name: np.zeros((below, n), dtype) for name in ("R", "error")}
        layer |= {"ascent": np.zeros((n, m), dtype), "b": np.zeros(n, dtype)}
        return layer

    def _connect(self) -> None:
        """Add all Phases, in an order in which no body needs a copy of the last step."""
        p = self.p
        linear = int(p.receptivity == "linear")
        upwards = range(1, len(self.sizes))
        for k in upwards:
            self._add(gather, k, first=True)
            if p.micro == "spikes":
                self._add(excite, k, first=True, drive=p.drive)
            elif p.micro == "winners":
                self._add(win, k, q=p.q, q_arousal=p.q_arousal)
            else:
                self._add(exceed, k, threshold=p.threshold)
        self._add(show, 0, shown=self.pattern, out=self.layers[0]["s"])
        for k in range(len(self.sizes)):
            self._add(list_active, k)
        for k in upwards if p.receptivity != "given" else ():
            self._add(receive_goal, k)
            if k < len(self.sizes) - 1:
                self._add(receive_above, k)
            bursts = {"a": self.layers[k]["probability"]} if p.receptivity == "bursts" else {}
            self._add(relax, k, **bursts, share=1.0 / p.tau_a, linear=linear)
            if bursts:
                self._add(burst, k)
        for k in reversed(upwards):
            self._add(send, k, c=self.c)
        self._add(show, 0, shown=self.x, out=self.layers[0]["h"])
        for k in upwards:
            if p.eta > 0.0:
                self._add(potentiate, k, eta=p.eta)
            if p.eta_G > 0.0:
                self._add(teach, k, eta=p.eta_G, c=self.c, linear=linear)

    def _add(self, body: Any, k: int, first: bool = False, **given: Any) -> None:
        """Add a body of layer k, which sees the arrays that it names; `given` come first."""
        arrays = {**self.layers[k], "goal": self.goal, "arousal": self.arousal}
        arrays |= {f"{name}_below": each for name, each in self.layers[k - 1].items()}
        arrays |= {"a_above": self.layers[min(k + 1, len(self.layers) - 1)].get("a")}
        arrays |= {name: each for name, each in given.items() if isinstance(each, np.ndarray)}
        state = {name: arrays[name] for name in body.__code__.co_names if name in arrays}
        params = {name: each for name, each in given.items() if name not in arrays or each is not arrays[name]}
        over = 1 if body is list_active else self.sizes[k]
        self.network.add_phase(body, over, state=state, params=params, first=first)

    def run(self, steps: int) -> Course:
        """Advance by some steps with the present input and goals; return what happened."""
        steps = check_integer("steps", steps, at_least=0)
        kept: list[dict[str, list[np.ndarray]]] = [
            {name: [] for name in Course._fields} for _ in self.sizes
        ]
        for _ in range(steps):
            self.network.run_steps(1)
            for layer, keep in zip(self.layers, kept, strict=True):
                for name in set(keep) & set(layer):
                    keep[name].append(layer[name].copy())
        return Course(
            [np.reshape(keep["s"], (steps, -1, self.p.m)) for keep in kept],
            *([None] + [np.array(keep[name]) for keep in kept[1:]] for name in "aI"),
            [np.array(keep["h"]) for keep in kept],
        )

    def meso(self, k: int) -> np.ndarray:
        """The weights (7) between the units of layers k - 1 and k now, [pre, post], for a look."""
        k = check_integer("k", k, at_least=1, at_most=len(self.sizes) - 1)
        layer, active = self.layers[k], self.layers[k - 1]["s"].reshape(-1, self.p.m)
        return self.c * np.einsum("ir,jbir,jb->ji", layer["a"], layer["w"], active)
