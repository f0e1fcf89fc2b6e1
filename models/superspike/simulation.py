"""The step of a SuperSpike network, put together from populations and Phases.

A `Simulation` has its own voltages, spikes and traces and shares the weights it is given. The
network keeps one that learns, and makes others without learning to evaluate and to record from.
"""

from __future__ import annotations

from math import exp
from typing import Any, NamedTuple

import numpy as np

from spikesim import Network, Neuron
from spikesim.checks import MOST_STEPS
from spikesim.engine.population import Population, check_range
from spikesim.engine.sources import SpikeTrainSource
from spikesim.kernels import eligibility
from spikesim.kernels.machine.program import SHARED, once
from spikesim.models.superspike import equations as eq
from spikesim.models.superspike.parameters import Parameters
from spikesim.models.superspike.windows import Windows
from spikesim.patterns import SpikePattern
from spikesim.precision import NEAR_ZERO, type_for

__all__ = ["Simulation", "Synapse", "Weights", "cost_of_loss"]

BLOCK = 512  # steps between flushes of the eligibility traces, at most
EVENTS = 4096  # events between flushes, at least
VOLT = 1000.0  # mV; the authors' program computes in V
PER_VOLT = 1000.0  # a slope of 1/mV in 1/V
TINY = 1e-30  # smaller numbers become 0


class Weights(NamedTuple):
    """The arrays that learning changes.

    Attributes
    ----------
    W : list of numpy.ndarray, shape (n_below, n)
        In mV.
    B : list of numpy.ndarray, shape (n_above, n), one per hidden layer
        Feedback; with symmetric feedback the transposed W of the layer above.
    """

    W: list[np.ndarray]
    B: list[np.ndarray]


class Synapse(NamedTuple):
    """One synapse: from neuron `pre` of the layer below to neuron `post` of layer `layer`."""

    layer: int
    pre: int
    post: int


class Simulation:
    """One copy of the network's dynamics.

    Parameters
    ----------
    weights : Weights
    parameters : Parameters
    dt : float
        In ms.
    seed, dtype, backend
        See `spikesim.Network`.
    learning : bool
        Whether weights change.
    synapse : Synapse, optional
        Compute the eligibility trace of this synapse in every step, to record it.
    """

    def __init__(
        self,
        weights: Weights,
        parameters: Parameters,
        dt: float,
        seed: int,
        dtype: str,
        backend: str,
        learning: bool = True,
        synapse: Synapse | None = None,
    ):
        self.weights = weights
        self.p = parameters
        self.dt = dt
        self.delay = round(parameters.delay / dt)
        self.chunk = round(parameters.chunk / dt)
        self.network = net = Network(dt=dt, seed=seed, dtype=dtype, backend=backend)
        self.sizes = [weights.W[0].shape[0], *(W.shape[1] for W in weights.W)]
        self.outputs = self.sizes[-1]
        self.updates: list[dict[str, Any]] = []
        self.input = net.add_spike_trains("input", self.sizes[0], [], [])
        layers: list[Population] = [self.input]
        for m, n in enumerate(self.sizes[1:], start=1):
            name = "output" if m == len(self.sizes) - 1 else f"hidden_{m}"
            layers.append(net.add_population(name, n, _neuron(parameters)))
            # A spike of step k reaches I after the membranes of step k + delay have used it, and
            # before weights change at the end of that step.
            projection = net.connect(
                layers[-2], layers[-1], target="arriving", weight=0.0, delay=self.delay * dt
            )
            projection._share(weights.W[m - 1])
        self.layers = layers
        self.target: SpikeTrainSource | None = None
        if parameters.error == "trains":
            self.target = net.add_spike_trains("target", self.outputs, [], [])
            self.target.remember(self.delay)
        self.lags = [parameters.lag(m < len(weights.W) - 1, dt) for m in range(len(weights.W))]
        for layer, lag in zip(layers[:-1], self.lags, strict=True):
            layer.remember(self.delay + lag)
        layers[-1].remember(self.delay)
        self.raws = self._raw_errors()
        self.errors = [self._error(m) for m in range(len(weights.W))]
        self._noted: list[dict[str, np.ndarray]] = []
        self._errors()
        self.emitted = [self._tally(layer.spike_list()["count"]) for layer in layers[1:]]
        self.unmatched = self._tally(self.raws[-1]["raw_count"])
        self._plasticity(learning, synapse)

    # ------------------------------------------------------------------------------- running

    def show(self, pattern: SpikePattern, target: SpikePattern | Windows, origin: int) -> None:
        """Loop through these from step `origin` on."""
        _replace(self.input, pattern, self.dt, origin)
        if self.target is not None and isinstance(target, SpikePattern):
            _replace(self.target, target, self.dt, origin)
        elif isinstance(target, Windows):
            end = np.iinfo(np.int64).max
            self._windows["start"] = np.append(_steps(target.start, self.dt), end)
            self._windows["end"] = np.append(_steps(target.end, self.dt), end)
            self._windows["who"] = np.append(target.ids, 0).astype(np.int64)
            self._windows["loop"][:] = round(target.duration / self.dt), origin
            self._windows["window"][:] = len(target.start), 0  # none until the loop begins
            self.network.changed()

    def rehearse(self, pattern: SpikePattern, target: SpikePattern | Windows) -> int:
        """Show these for one loop, so that the next one begins at time 0; return its steps."""
        steps = round(pattern.duration / self.dt)
        self.transpose()
        self.network._step = -steps
        self.show(pattern, target, 0)
        self.network.run_steps(steps)
        return steps

    def learn_at(self, eta: float) -> None:
        """Set the learning rate; 0 keeps the weights."""
        for params in self.updates:
            params["eta"] = eta

    def transpose(self) -> None:
        """Symmetric feedback weights follow forward weights that were set."""
        if self.p.feedback == "symmetric":
            for B, W in zip(self.weights.B, self.weights.W[1:], strict=True):
                B[...] = W.T

    def cost(self) -> float:
        """The cost of the outputs, a moving average over tau_avg."""
        elapsed = self.network.step * self.dt
        share = 1.0 - exp(-elapsed / self.p.tau_avg)
        return self._scaled_cost() / max(share, 1e-9)

    def cost_of(self, steps: int) -> float:
        """Run and return the mean cost of these steps alone."""
        decay, self._average["decay_avg"] = self._average["decay_avg"], 1.0
        self._cost[:] = 0.0
        self.network.run_steps(steps)
        self._average["decay_avg"] = decay
        return self._scaled_cost() * self.p.tau_avg / (steps * self.dt)

    def _scaled_cost(self) -> float:
        return cost_scale(self.p) * float(self._cost.mean(dtype=np.float64))

    # ------------------------------------------------------------------------------ building

    def check_indices(self) -> None:
        """Refuse saved indices that lie outside: compiled code believes them."""
        for raw in self.raws:
            n = raw["raw"].shape[1]
            check_range("saved raw_count", raw["raw_count"], 0, n)
            check_range("saved raw_ids", raw["raw_ids"], 0, n - 1)
        for noted in self._noted:
            most = noted["x"].size + noted["ids"].shape[1]  # events of a step
            room = np.array([noted["event_pre"].size - most, BLOCK - 1, 1])
            check_range("saved block", noted["block"], 0, room)
            check_range("saved event_end", noted["event_end"], 0, noted["event_pre"].size)
            check_range("saved event_pre", noted["event_pre"], 0, noted["x"].size - 1)
        if self.target is None:
            windows = self._windows
            check_range("saved window", windows["window"][:1], 0, windows["start"].size - 1)
            check_range("saved who", windows["who"], 0, self.outputs - 1)

    def _raw_errors(self) -> list[dict[str, np.ndarray]]:
        """Rings of raw errors, one per layer after the input."""
        slots = self.p.feedback_delay(self.dt) + 1
        return [
            {
                "raw": np.zeros((slots, n), self.network.dtype),
                "raw_ids": np.tile(np.arange(n, dtype=np.int32), (slots, 1)),
                "raw_count": np.zeros(slots, np.int32),
            }
            for n in self.sizes[1:]
        ]

    def _error(self, m: int) -> dict[str, np.ndarray]:
        """The error signal of layer m + 1."""
        n, dtype = self.sizes[m + 1], self.network.dtype
        return {"e_rise": np.zeros(n, dtype), "e": np.zeros(n, dtype), **self.raws[m]}

    def _errors(self) -> None:
        """Filters first, since they read the raw errors of the step before; then raw errors."""
        p, net, dt = self.p, self.network, self.dt
        filters = {"c_rise": dt / p.tau_rise, "c_decay": dt / p.tau_decay, "tiny": TINY}
        for error in self.errors:
            net.add_phase(eq.filter_error, eq.postsynaptic, state=error, params=filters)
        slow = type_for(net.dtype, p.tau_avg / (NEAR_ZERO * dt))
        self._cost = np.zeros(self.outputs, slow)
        state = {"cost": self._cost, "e": self.errors[-1]["e"]}
        average = {"decay_avg": exp(-dt / p.tau_avg), "dt_seconds": dt / 1000.0}
        self._average = net.add_phase(
            eq.average_cost, eq.postsynaptic, state=state, params=average, dtype=slow
        ).params
        for raw in self.raws:
            net.add_phase(eq.clear_error, once, state=raw)
        delay = {"delay": self.delay}
        output = {**self.errors[-1], **self.layers[-1].spike_list()}
        if self.target is not None:
            listed = self.target.spike_list()
            output["target_ids"], output["target_count"] = listed["ids"], listed["count"]
            net.add_phase(eq.output_error, once, state=output, params=delay)
        else:
            far = np.full(1, np.iinfo(np.int64).max)
            output.update(
                start=far,
                end=far.copy(),
                who=np.zeros(1, np.int64),
                loop=np.zeros(2, np.int64),
                window=np.zeros(2, np.int64),
            )
            self._windows = net.add_phase(eq.window_error, once, state=output, params=delay).state
        scale = 1.0 / VOLT if p.feedback == "symmetric" else 1.0
        for m, B in enumerate(self.weights.B):
            above = self.raws[m + 1]
            state = {
                **self.errors[m],
                "B": B,
                "above": above["raw"],
                "above_ids": above["raw_ids"],
                "above_count": above["raw_count"],
            }
            params = {"feedback_delay": p.feedback_delay(dt), "feedback_scale": scale}
            net.add_phase(eq.hidden_error, eq.errors_above, state=state, params=params)

    def _tally(self, count: np.ndarray) -> np.ndarray:
        """A running total of a ring of counts."""
        total = np.zeros(1, np.int64)
        self.network.add_phase(eq.tally, once, state={"count": count, "total": total})
        return total

    def _plasticity(self, learning: bool, synapse: Synapse | None) -> None:
        """Eligibility traces of all connections, from the first to the last, then weights."""
        for m in range(len(self.weights.W)):
            is_hidden = m < len(self.weights.W) - 1
            if is_hidden and self.p.frozen and learning:
                continue
            if learning or (synapse is not None and synapse.layer == m + 1):
                self._connection(m, learning, synapse)
        if learning and self.p.feedback == "symmetric":
            for m, B in enumerate(self.weights.B):
                state = {"B": B, "W": self.weights.W[m + 1]}
                self.network.add_phase(
                    eq.copy_symmetric,
                    eq.feedback_rows_at_end_of_chunk,
                    state=state,
                    params={"chunk": self.chunk},
                )

    def _connection(self, m: int, learning: bool, synapse: Synapse | None) -> None:
        """The connection onto layer m + 1."""
        p, net, dt, dtype = self.p, self.network, self.dt, self.network.dtype
        pre, post, lag = self.layers[m], self.layers[m + 1], self.lags[m]
        W, error = self.weights.W[m], self.errors[m]
        history = {
            "factor": np.zeros((BLOCK + lag, post.n), dtype),
            "error": np.zeros((BLOCK, post.n), dtype),
            "block": np.zeros(3, np.int64),
        }
        traces = {"x": np.zeros(pre.n, dtype), "psp": np.zeros(pre.n, dtype)}
        events = max(EVENTS, 8 * pre.n)
        noted = {
            **traces,
            **pre.spike_list(),
            "block": history["block"],
            "above": np.zeros(pre.n, np.int32),
            "idle": np.full(pre.n, MOST_STEPS, np.int64),
            "event_pre": np.zeros(events, np.int32),
            "event_x": np.zeros(events, dtype),
            "event_psp": np.zeros(events, dtype),
            "event_end": np.zeros(BLOCK, np.int64),
        }
        constants: dict[str, Any] = {
            "a_pre": exp(-dt / p.tau_syn),
            "c_pre": dt / p.tau_mem,
            "a": exp(-dt / p.tau_rise),
            "c": dt / p.tau_decay,
            "cut": p.cut,
            "delay": self.delay + lag,
            "lag": lag,
            "chunk": self.chunk,
            "forget": round(min(60.0 * max(p.tau_rise, p.tau_decay) / dt, MOST_STEPS / 4)),
            "parts": SHARED,
        }
        slopes = {
            "beta": p.beta,
            "theta": p.theta,
            "slope": p.beta * PER_VOLT,
            "U_silent": p.theta - 30.0,
            "error_cut": p.error_cut,
        }
        keep = eq.keep_linear_factors if p.linear else eq.keep_factors
        state = {**history, "U": post.state["U"], "e": error["e"]}
        net.add_phase(keep, once, state=state, params=slopes)
        if learning:
            net.add_phase(eligibility.cross, once, state=noted, params=constants)
        net.add_phase(eligibility.arrive, eligibility.arrivals, state=noted, params=constants)
        if synapse is not None and synapse.layer == m + 1:
            self._synapse(synapse, traces, history, error, constants)
        net.add_phase(
            eligibility.advance_presynaptic, eligibility.presynaptic, state=noted, params=constants
        )
        if not learning:
            return
        sums = {name: np.zeros_like(W) for name in ("m", "l1", "trace")}
        adjoints = ("p1", "p2", "X_m", "P_m", "X_l1", "P_l1", "X_lambda", "P_lambda")
        state = {**history, **noted, **sums, **{a: np.zeros(post.n, dtype) for a in adjoints}}
        self._noted.append(noted)
        net.add_phase(eligibility.close_step, once, state=noted, params=constants)
        net.add_phase(eligibility.flush, eligibility.tiles, state=state, params=constants)
        net.add_phase(eligibility.reset, eligibility.flushed, state=noted, params=constants)
        slow = type_for(dtype, p.tau_rms / (NEAR_ZERO * p.chunk))
        state = {"W": W, "m": sums["m"], "v": np.zeros(W.shape, slow)}
        if p.rho > 0.0 and m < len(self.weights.W) - 1:
            self._regulariser(m, state)
        update: dict[str, Any] = {
            "chunk": self.chunk,
            "share": 1.0 / self.chunk,
            "gamma": exp(-p.chunk / p.tau_rms),
            "eta": p.eta,
            "epsilon": p.epsilon,
            "w_max": p.w_max,
        }
        track = {"rmaxprop": eq.track_rmaxprop, "rmsprop": eq.track_rmsprop}
        learn = eq.learn_plain
        if p.optimizer in track:
            learn = eq.learn_scaled
            body = track[p.optimizer]
            net.add_phase(body, eq.rows_at_end_of_chunk, state=state, params=update, dtype=slow)
        phase = net.add_phase(learn, eq.rows_at_end_of_chunk, state=state, params=update)
        self.updates.append(phase.params)

    def _regulariser(self, m: int, weights: dict[str, np.ndarray]) -> None:
        """The heterosynaptic term of a hidden layer; its weights are in V."""
        p, net = self.p, self.network
        post = self.layers[m + 1]
        state = {
            "z": np.zeros(post.n, net.dtype),
            "z_sum": np.zeros(post.n, net.dtype),
            "spike": post.spike,
            "e": self.errors[m]["e"],
        }
        params: dict[str, Any] = {
            "decay_het": exp(-self.dt / p.tau_het),
            "a": p.a,
            "error_power": 2 if p.rho_error else 0,
            "error_cut": p.error_cut,
            "tiny": TINY,
        }
        net.add_phase(eq.heterosynaptic_trace, eq.postsynaptic, state=state, params=params)
        end: dict[str, Any] = {"chunk": self.chunk, "rho_volt": p.rho / VOLT}
        state = {**weights, "z_sum": state["z_sum"]}
        net.add_phase(eq.regularise, eq.rows_at_end_of_chunk, state=state, params=end)
        state = {"z_sum": state["z_sum"]}
        net.add_phase(eq.forget_heterosynaptic, eq.neurons_at_end_of_chunk, state=state, params=end)

    def _synapse(
        self,
        synapse: Synapse,
        traces: dict[str, np.ndarray],
        history: dict[str, np.ndarray],
        error: dict[str, np.ndarray],
        constants: dict[str, Any],
    ) -> None:
        """A population of one, whose variables are those of the synapse."""
        names = ("l1", "eligibility", "presynaptic_trace", "surrogate", "error")
        kind = Neuron(steps=(), variables=dict.fromkeys(names, 0.0), most_spikes=0)
        self.synapse = self.network.add_population("synapse", 1, kind)
        state = {name: self.synapse.state[name] for name in names}
        state.update(
            psp=traces["psp"],
            factor=history["factor"],
            e=error["e"],
            pre=np.array([synapse.pre]),
            post=np.array([synapse.post]),
        )
        self.network.add_phase(eq.step_synapse, once, state=state, params=constants)


def _neuron(p: Parameters) -> Neuron:
    """The leaky integrate-and-fire neuron of (1)."""

    def constants(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
        return {
            "dt_by_tau_mem": dt / p.tau_mem,
            "decay_syn": exp(-dt / p.tau_syn),
            "U_rest": p.U_rest,
            "theta": p.theta,
            "refractory_steps": float(round(p.tau_ref / dt)),
        }

    return Neuron(
        steps=(eq.step_membrane, eq.step_current, eq.step_refractory),
        variables={"U": p.U_rest, "I": 0.0, "arriving": 0.0, "refractory": 0.0},
        constants=constants,
    )


def cost_scale(p: Parameters) -> float:
    """What the authors' program multiplies its moving average of e^2 by; 1.2e6 as a default."""
    a, b = p.tau_decay / 1000.0, p.tau_rise / 1000.0
    product = a * b
    norm = (product / (a - b)) ** 2 * (a / 2 + b / 2 - 2 * product / (a + b))
    return 1.0 / norm / (p.tau_avg / 1000.0)


def cost_of_loss(p: Parameters, loss: float, duration: float, dt: float) -> float:
    """The cost of a van Rossum loss (1/ms) in every loop of `duration` ms.

    The discrete error signal is alpha dt, so that the cost depends on dt, as the authors' does.
    """
    mean_square = 2.0 * loss * dt**2 / duration
    return cost_scale(p) * mean_square * p.tau_avg / 1000.0


def _steps(times: np.ndarray, dt: float) -> np.ndarray:
    return np.rint(np.asarray(times, np.float64) / dt).astype(np.int64)


def _replace(source: SpikeTrainSource, pattern: SpikePattern, dt: float, origin: int) -> None:
    steps, ids = _steps(pattern.times, dt), np.asarray(pattern.ids)
    order = np.lexsort((ids, steps))
    source.replace(steps[order], ids[order], round(pattern.duration / dt), origin)
