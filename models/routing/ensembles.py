"""Ensembles with two levels: fixed weights between neurons, changing ones between units.

A unit is an ensemble of m neurons. What one unit sends to another is decided in every step by the
neurons of the first that spike, s, and by those of the second that are receptive, a. Input drives
spikes from below; goals drive receptivity from above. In step t, for layers k = 1 ... K, units i
and j, and their neurons α and β:

u_k = S_k s_{k-1}(t-1) + AROUSAL(t) θ_k                                                       (1)
s_k(t) = 1 for the q neurons of each unit with the largest u_k, or for those with u_k > threshold,
         or for those that spike, driven by u_k                                               (2)
s_0(t) = the pattern shown,  h_0(t) = the input of each unit
a* = f(A_k a_{k+1}(t-1) + G_k GOAL(t)), without A_k in the top layer K,                       (3)
     or gains: those of neurons in the receptive set of a present goal, and 0 of others
tau_a da/dt = a* - a                                                                          (4)
I_iα(t) = a_iα(t) Σ_jβ w_iα,jβ s_jβ(t) h_j(t-1)                                               (5)
h_i(t) = tanh(c Σ_α I_iα(t) + b_i),  c = 1/sqrt(m q)                                          (6)

(5) and (6) are h_k = tanh(M_k h_{k-1}(t-1) + b_k), whose weights between units,

M_ij(t) = c Σ_αβ a_iα(t) w_iα,jβ s_jβ(t),                                                     (7)

are never built. Learning changes the active part of the network only: weights,

w_iα,jβ <- w_iα,jβ + η a_iα δ_iα s_jβ,                                                        (8)

with a teaching signal δ that you set, or receptivity, by the delta rule for wanted rows R of M,

G_iα <- G_iα + η_a GOAL f' Δ_iα,  or  gain_iα <- gain_iα + η_a Δ_iα,                          (9)
Δ_iα = c Σ_jβ (R_ij - M_ij) w_iα,jβ s_jβ, in the receptive sets of present goals.

The idea is from talks of 2018, without results; all numbers are free choices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_memory
from spikesim.copying import Whole
from spikesim.engine.network import Network
from spikesim.experiments import ExperimentParameters
from spikesim.learning.parameters import choice, flag, number, refuse_if, whole
from spikesim.models.routing import equations
from spikesim.neurons import LIF, Neuron
from spikesim.training import random_numbers

__all__ = ["Course", "Parameters", "RoutingEnsembles"]

STEP = 1.0  # ms, one step of all equations
MOST = 1_000_000  # of anything; memory is looked at, too
_S, _THETA, _W, _A, _G = range(5)  # purposes of random numbers


class Parameters(ExperimentParameters):
    """Sizes and rules of `RoutingEnsembles`."""

    m: int = whole(100, "neurons per unit", at_least=1, at_most=MOST)
    q: int = whole(10, "active neurons per unit", at_least=1)
    q_arousal: float = number(0.0, "how many more are active with arousal 1", at_least=0.0)
    goals: int = whole(2, "how many goals", at_least=1, at_most=MOST)
    micro: str = choice("winners", "threshold", "spikes", about="which neurons are active")
    threshold: float = number(0.0, "above which u makes a neuron active")
    drive: float = number(15.0, "into a neuron that spikes, if u is 1", unit="mV")
    receptivity: str = choice("logistic", "linear", "gains", "given", about="f, or what else is a")
    bursts: bool = flag(False, "whether a is 1 or 0, as a neuron bursts, with the probability (4)")
    tau_a: float = number(1.0, "time constant of a", unit="steps", symbol="τ_a", at_least=1.0)
    eta: float = number(0.0, "learning rate of w", symbol="η", at_least=0.0)
    eta_a: float = number(0.0, "learning rate of G or of gains", symbol="η_a", at_least=0.0)

    def check(self, layers: int, dtype: str) -> None:
        """Refuse more active neurons than there are, and rules for receptivity that is given."""
        refuse_if(self.q > self.m, f"q is {self.q}; a unit has m = {self.m} neurons.")
        given = self.receptivity == "given"
        refuse_if(self.bursts and given, "bursts need a receptivity that follows from goals.")
        refuse_if(
            self.eta_a > 0.0 and (self.bursts or given),
            "eta_a needs a receptivity that follows from goals, without bursts.",
        )


class Course(NamedTuple):
    """What happened in each step, from `RoutingEnsembles.run`; arrays by layer, input first.

    Attributes
    ----------
    s : list of numpy.ndarray, shape (steps, units, m)
        Which neurons were active.
    a, I : list of numpy.ndarray, shape (steps, units, m)
        Receptivities and currents; None for the input.
    h : list of numpy.ndarray, shape (steps, units)
        The activities of units.
    """

    s: list[Any]
    a: list[Any]
    I: list[Any]  # noqa: E741 - the symbol of (5)
    h: list[Any]


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
        With ``micro="spikes"``, its populations 'layer_1', ... can be recorded.
    layers : list of dict of str to numpy.ndarray
        All arrays of each layer, the input first; change them in place. Weights S, w and A are
        [pre unit, pre neuron, post unit, post neuron], G and the 0s and 1s of `receptive`, the
        receptive sets, [goal, unit, neuron], and R is [pre unit, post unit]. The states are s, a, h
        and I; delta is the teaching signal.
    pattern : numpy.ndarray of int, shape (units, m)
        s of the input in the steps to come, at first 0.
    x : numpy.ndarray, shape (units, 1)
        h of the input, at first 1.
    goal, arousal : numpy.ndarray, shape (goals,) and (1,)
        At first 0.
    rates : numpy.ndarray, shape (2,)
        The learning rates eta and eta_a; 0 stops learning for a while.
    c : float

    Examples
    --------
    Two senders and a receiver whose neurons are half open:

    >>> net = RoutingEnsembles((2, 1), m=8, q=2, seed=1, receptivity="given", backend="python")
    >>> net.pattern[:, :2] = 1
    >>> net.layers[1]["a"][:, :4] = 1.0
    >>> course = net.run(2)
    >>> course.h[1].shape, course.I[1].shape, net.meso(1).shape
    ((2, 1), (2, 1, 8), (2, 1))
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
        self.sizes = check_array(
            "sizes", sizes, shape=(None,), dtype=np.int64, at_least=1, at_most=MOST
        ).tolist()
        refuse_if(len(self.sizes) < 2, "sizes needs an input and a layer.")
        self.p = p = Parameters.of(**parameters)
        pairs = sum(n * below for n, below in zip(self.sizes[1:], self.sizes, strict=False))
        most = 40.0 * pairs * p.m**2 + 20.0 * sum(self.sizes) * p.m * (p.goals + 4)
        check_memory(f"sizes is {self.sizes}, m {p.m} and goals {p.goals}", most)
        self.network = Network(STEP, seed, dtype, backend)
        self.c = float(1.0 / np.sqrt(p.m * p.q))
        self.pattern = np.zeros((self.sizes[0], p.m), np.int32)
        self.x = np.ones((self.sizes[0], 1), dtype)
        self.goal, self.arousal = np.zeros(p.goals, dtype), np.zeros(1, dtype)
        self.rates = np.array([p.eta, p.eta_a], dtype)
        self.layers = [self._layer(k, neuron) for k in range(len(self.sizes))]
        self._connect()

    def run(self, steps: int = 1) -> Course:
        """Advance by some steps with the present input and goals; return what happened."""
        steps = check_integer("steps", steps, at_least=1)
        check_memory(f"steps is {steps}", 40.0 * steps * sum(self.sizes) * (self.p.m + 1))
        kept: list[dict[str, list[np.ndarray]]] = [
            {name: [] for name in Course._fields if name in layer} for layer in self.layers
        ]
        for _ in range(steps):
            self.network.run_steps(1)
            for layer, keep in zip(self.layers, kept, strict=True):
                for name, each in keep.items():
                    each.append(layer[name].copy())
        arrays: dict[str, list[Any]] = {
            name: [np.array(keep[name]) if name in keep else None for keep in kept]
            for name in Course._fields
        }
        arrays["s"] = [s.reshape(steps, -1, self.p.m) for s in arrays["s"]]
        return Course(**arrays)

    def meso(self, k: int = 1) -> np.ndarray:
        """Build the weights (7) from layer k - 1 to layer k, [pre, post], for a look at them."""
        k = check_integer("k", k, at_least=1, at_most=len(self.sizes) - 1)
        layer, active = self.layers[k], self.layers[k - 1]["s"].reshape(-1, self.p.m)
        M: np.ndarray = self.c * np.einsum("ir,jbir,jb->ji", layer["a"], layer["w"], active)
        return M

    def _layer(self, k: int, neuron: Neuron) -> dict[str, np.ndarray]:
        """The arrays of layer k, with weights drawn; goals reach the top layer only."""
        p, n, m, dtype = self.p, self.sizes[k], self.p.m, self.network.dtype
        layer = {"ids": np.zeros(n * m, np.int32), "count": np.zeros(1, np.int32)}
        layer |= {"s": np.zeros(n * m, np.int32), "h": np.zeros(n, dtype)}
        if k == 0:
            return layer
        if p.micro == "spikes":
            population = self.network.add_population(f"layer_{k}", n * m, neuron)
            layer |= {"s": population.state["spike"], "drive": population.state["drive"]}
        below, is_top = self.sizes[k - 1], k == len(self.sizes) - 1

        def drawn(purpose: int, sd: float, *shape: int) -> np.ndarray:
            chance = random_numbers(self.network.seed, purpose, k)
            return chance.normal(0.0, sd, (*shape, n, m)).astype(dtype)

        layer["S"] = drawn(_S, 1.0 / np.sqrt(below * p.q), below, m)
        layer["theta"] = np.abs(drawn(_THETA, 1.0))
        layer["w"] = drawn(_W, 1.0, below, m)
        if not is_top:
            layer["A"] = drawn(_A, 1.0 / np.sqrt(self.sizes[k + 1] * m), self.sizes[k + 1], m)
        layer["G"] = drawn(_G, 1.0 if is_top else 0.0, p.goals)
        layer["receptive"] = np.ones((p.goals, n, m), np.int32)
        zero = ("u", "sum", "a", "probability", "gain", "I", "delta", "correction")
        layer |= {name: np.zeros((n, m), dtype) for name in zero}
        layer |= {name: np.zeros((below, n), dtype) for name in ("R", "error")}
        layer |= {"open": np.zeros((n, m), np.int32), "b": np.zeros(n, dtype)}
        return layer

    def _connect(self) -> None:
        """Add all Phases, in an order in which no body needs a copy of the last step."""
        p, top = self.p, len(self.sizes) - 1
        logistic, has_gains = int(p.receptivity == "logistic"), p.receptivity == "gains"
        for k in range(1, top + 1):
            self._add(equations.gather, k, first=True)
            if p.micro == "spikes":
                self._add(equations.excite, k, first=True, drive=p.drive)
            elif p.micro == "winners":
                self._add(equations.win, k, q=p.q, q_arousal=p.q_arousal)
            else:
                self._add(equations.exceed, k, threshold=p.threshold)
        self._add(equations.show, 0, {"shown": self.pattern, "out": self.layers[0]["s"]})
        for k in range(top + 1):
            self._add(equations.list_active, k)
        for k in range(1, top + 1) if p.receptivity != "given" else ():
            self._add(equations.receive_gain if has_gains else equations.receive_goal, k)
            if k < top and not has_gains:
                self._add(equations.receive_above, k)
            slow = {"a": self.layers[k]["probability" if p.bursts else "a"]}
            self._add(equations.relax, k, slow, share=1.0 / p.tau_a, logistic=logistic)
            if p.bursts:
                self._add(equations.burst, k)
        for k in range(top, 0, -1):
            self._add(equations.send, k, c=self.c)
        self._add(equations.show, 0, {"shown": self.x, "out": self.layers[0]["h"]})
        for k in range(1, top + 1):
            if p.eta > 0.0:
                self._add(equations.potentiate, k)
            if p.eta_a > 0.0:
                self._add(equations.correct, k, c=self.c)
                teach = equations.teach_gains if has_gains else equations.teach_goals
                self._add(teach, k, logistic=logistic)

    def _add(
        self, body: Any, k: int, given: Any = None, first: bool = False, **params: float
    ) -> None:
        """Add a body of layer k; it sees those arrays of the layer and its neighbours it names."""
        arrays = {**self.layers[k], "goal": self.goal, "arousal": self.arousal, "rates": self.rates}
        arrays |= {f"{name}_below": array for name, array in self.layers[k - 1].items()}
        if 0 < k < len(self.layers) - 1:
            arrays["a_above"] = self.layers[k + 1]["a"]
        arrays |= given or {}
        state = {name: arrays[name] for name in body.__code__.co_names if name in arrays}
        over = 1 if body is equations.list_active else self.sizes[k]
        self.network.add_phase(body, over, state=state, params=params, first=first)
