"""The step of the burst-ensemble network, put together from populations and Phases.

A `Simulation` has its own rates and potentials and shares the weights it is given. The network
keeps one for learning and makes one to record from.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from spikesim import Network, Neuron
from spikesim.engine.population import Population
from spikesim.engine.sources import Trials
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.models.burst import equations as eq
from spikesim.models.burst.parameters import Parameters

__all__ = ["STEP", "Simulation", "Weights"]

STEP = 10.0  # ms; 10 steps make the 100 ms for which an image is shown

_HIDDEN = ("h", "u", "p", "beta", "v", "excitation", "inhibition", "p_before", "beta_before")
_OUTPUT = ("h", "p", "beta", "v", "beta_before", "free", "target")


class Weights:
    """The arrays that learning changes, all of shape [pre, post].

    Attributes
    ----------
    W, b : list of numpy.ndarray, shapes (n_below, n) and (n,), for every layer
    Y : list of numpy.ndarray, shape (n_above, n), one per hidden layer
    Z : list of numpy.ndarray, shape (n, n), one per hidden layer
    """

    def __init__(self, W: list, b: list, Y: list, Z: list):
        self.W, self.b, self.Y, self.Z = W, b, Y, Z


class Simulation:
    """One copy of the network's dynamics.

    Parameters
    ----------
    weights : Weights
    parameters : Parameters
    capacity : int
        Images that can be shown in one call.
    dtype, backend
        See `spikesim.Network`.
    learning : bool
        Whether the weights change after a nudge.
    every_step : bool
        Compute every layer in every step; if not, leave out what cannot reach a weight.
    """

    def __init__(
        self,
        weights: Weights,
        parameters: Parameters,
        capacity: int,
        dtype: str,
        backend: str,
        learning: bool = True,
        every_step: bool = False,
    ):
        self.weights = weights
        self.p = parameters
        self.learning = learning
        self._sparing = int(
            not every_step and (parameters.sst != "beta" or parameters.backpropagation)
        )
        self.network = Network(dt=STEP, dtype=dtype, backend=backend)
        self.trials = Trials(capacity)
        sizes = [weights.W[0].shape[0], *(W.shape[1] for W in weights.W)]
        self.last = len(sizes) - 1
        self.hidden = range(1, self.last)
        self.images = np.zeros((1, sizes[0]), np.uint8)
        self.label = np.zeros(1, np.int64)
        self.changed = np.ones((len(sizes), 4), np.int64)
        self._pixels = {
            "lit": np.zeros(sizes[0], np.int32),
            "brightness": np.zeros(sizes[0], dtype),
            "count": np.zeros(1, np.int64),
        }
        self._scratch = [np.zeros(n, dtype) for n in sizes]
        self._error = [np.zeros(n, dtype) for n in sizes]
        self._delta = [np.zeros(n, dtype) for n in sizes]
        self.answer = np.zeros(capacity, np.int64)
        self.loss = np.zeros(capacity, dtype)
        shape = capacity, max(len(self.hidden), 1)
        self.cosine = np.zeros(shape, dtype)
        self.apical = np.zeros(shape, dtype)
        self.saturated = np.zeros(shape, dtype)
        self.layers: list[Population] = []
        for k in range(1, len(sizes)):
            name = "output" if k == self.last else f"hidden_{k}"
            variables = dict.fromkeys(_OUTPUT if k == self.last else _HIDDEN, 0.0)
            kind = Neuron(steps=(), variables=variables, most_spikes=0)
            self.layers.append(self.network.add_population(name, sizes[k], kind))
        self.layers[-1].state["p"][:] = parameters.p_0
        # What is sent down: the burst rate itself, or a gated one of its own.
        gated = parameters.feedback == "gated"
        self._sent = [np.zeros(x.n, dtype) if gated else x.state["beta"] for x in self.layers]
        self._build()

    # ------------------------------------------------------------------------------- running

    def run(
        self, images: np.ndarray, labels: np.ndarray, example: np.ndarray, nudge: np.ndarray
    ) -> None:
        """Show examples, each nudged in step ``nudge[k]`` of its own."""
        if self.label is not labels or self.images is not images:
            self.images, self.label = images, labels
            self._showing.state.update(image=images, label=labels)
            self._showing.params["scale"] = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
            self.network.changed()
        length = np.stack([nudge, self.p.steps - nudge], axis=1)
        self.network.run_steps(self.trials.schedule(example, length))

    def learn_at(self, factor: float) -> None:
        """Learn W and b at this fraction of alpha."""
        for phase, alpha in self._learns:
            phase.params["alpha"] = alpha * factor

    def arrays(self) -> dict[str, np.ndarray]:
        """What an image passes on to the next: name → array."""
        own = {
            f"{layer.name}.{name}": array
            for layer in self.layers
            for name, array in layer.state.items()
            if name != "spike"
        }
        own["changed"] = self.changed
        if self.p.feedback == "gated":
            own.update((f"sent {k}", array) for k, array in enumerate(self._sent))
        return own

    def weights_changed(self) -> None:
        """Products have to be computed anew: somebody else has written to the weights."""
        self.changed[:] = 1

    # ------------------------------------------------------------------------------ building

    def _build(self) -> None:
        """All Phases of a step, in their order."""
        clock = {"clock": self.trials.clock, "length": self.trials.length}
        shown = {
            **clock,
            **self._pixels,
            "example": self.trials.example,
            "image": self.images,
            "label": self.label,
            "target": self.layers[-1].state["target"],
            "changed": self.changed,
        }
        showing = Phase(eq.show, eq.at_image, shown, {"scale": 1.0}, ("image", "label"))
        phases = [self.trials.phase(), showing]
        if not self.p.backpropagation:
            for k in self.hidden:
                phases += self._apical(k)
        for k in range(self.last, 0, -1):
            phases += self._somatic(k)
        phases.append(Phase(eq.forget_change, eq.image_seen, {"changed": self.changed}))
        if not self.p.backpropagation:
            for k in range(1, self.last + 1):
                phases += self._bursts(k)
        answer = {**clock, **self._state(self.last), "answer": self.answer, "loss": self.loss}
        phases.append(Phase(eq.answer, eq.at_nudge, answer))
        if self.p.backpropagation or self.p.measure_angle:
            phases += self._backpropagation()
        for k in range(self.last, 0, -1):
            phases += self._learning(k)
        added = [
            self.network.add_phase(
                *phase[:2], state=phase.state, params=phase.params, inputs=phase.inputs
            )
            for phase in phases
        ]
        self._showing = added[1]
        self._learns = [
            (phase, phase.params["alpha"]) for phase in added if "alpha" in phase.params
        ]

    def _state(self, k: int) -> dict[str, np.ndarray]:
        """What the bodies see of layer k."""
        own = {name: a for name, a in self.layers[k - 1].state.items() if name != "spike"}
        return {
            **own,
            "W": self.weights.W[k - 1],
            "b": self.weights.b[k - 1],
            "delta": self._delta[k],
            "scratch": self._scratch[k],
            "error": self._error[k],
            "changed": self.changed,
            "clock": self.trials.clock,
            "length": self.trials.length,
        }

    def _apical(self, k: int) -> list[Phase]:
        """From what the layer above sent and what SST+ cells hold against it to p."""
        state = self._state(k)
        above = {**state, "sent": self._sent[k], "Y": self.weights.Y[k - 1]}
        params = {"layer": k, "lag": self.last - k, "sparing": self._sparing, "parts": SHARED}
        phases = [Phase(eq.feedback, eq.apical_blocks, above, params)]
        if self.p.sst != "none":
            source = eq.H if self.p.sst == "h" else eq.BETA
            inhibited = {**state, "g": state[self.p.sst], "Z": self.weights.Z[k - 1]}
            more = {**params, "source": source}
            phases.append(Phase(eq.inhibition, eq.apical_blocks, inhibited, more))
        gated = {"gated": int(self.p.apical_gate)}
        phases.append(Phase(eq.apical, eq.apical_blocks, state, {**params, **gated}))
        return phases

    def _somatic(self, k: int) -> list[Phase]:
        """From the layer below to h."""
        state = self._state(k)
        due = {"layer": k, "sparing": self._sparing, "parts": SHARED}
        if k == 1:
            drive = Phase(eq.basal_from_image, eq.blocks, {**state, **self._pixels}, due)
        else:
            below = {**state, "below": self.layers[k - 2].state["h"]}
            drive = Phase(eq.basal, eq.blocks, below, due)
        if k < self.last:
            return [drive, Phase(eq.rate, eq.blocks, state, due)]
        params = {
            "layer": k,
            "rectified": int(self.p.output == "relu"),
            "nudge": float(self.p.nudge),
        }
        return [drive, Phase(eq.output_rate, once, state, params)]

    def _bursts(self, k: int) -> list[Phase]:
        """From h and p to beta, and what is sent down of it."""
        state = self._state(k)
        phases = [Phase(eq.bursts, eq.blocks, state, {"layer": k, "parts": SHARED})]
        if self.p.feedback == "gated":
            gated = {"beta": state["beta"], "sent": self._sent[k - 1]}
            if k == self.last:
                params = {"p_0": float(self.p.p_0)}
                phases.append(Phase(eq.gate_output_bursts, eq.units, gated, params))
            else:
                phases.append(Phase(eq.gate_bursts, eq.units, gated, self._boxcar()))
        return phases

    def _boxcar(self) -> dict[str, float]:
        return {"m": float(self.p.boxcar_m), "v": float(self.p.boxcar_v)}

    def _at_output(self) -> dict[str, float]:
        return {
            "nudge": float(self.p.nudge),
            "p_0": float(self.p.p_0),
            "rectified": int(self.p.output == "relu"),
        }

    def _backpropagation(self) -> list[Phase]:
        """All errors at once, before any weight changes."""
        state = self._state(self.last)
        phases = [Phase(eq.output_error, eq.at_nudge, state, self._at_output())]
        for k in reversed(self.hidden):
            above = {"W_above": self.weights.W[k], "error_above": self._error[k + 1]}
            phases.append(Phase(eq.hidden_error, eq.rows_at_nudge, {**self._state(k), **above}))
        return phases

    def _learning(self, k: int) -> list[Phase]:
        """What happens in step s_k."""
        p = self.p
        state = self._state(k)
        lag = self.last - k
        alpha = cast("tuple[float, ...]", p.alpha)

        def then(body, more=None, over=eq.in_its_step, **params):  # type: ignore[no-untyped-def]
            params = {"lag": lag, "layer": k, **params}
            if over is eq.blocks_in_its_step:
                params["parts"] = SHARED
            return Phase(body, over, {**state, **(more or {})}, params)

        blocks = eq.blocks_in_its_step
        phases = []
        if p.backpropagation:
            phases.append(then(eq.use_error, over=eq.units_in_its_step))
        elif k == self.last:
            phases.append(then(eq.output_delta, **self._at_output()))
        else:
            boxcar = int(p.derivative == "boxcar")
            phases.append(then(eq.hidden_delta, over=blocks, boxcar=boxcar, **self._boxcar()))
            noted = {"apical": self.apical, "saturated": self.saturated}
            phases.append(then(eq.measure, noted))
        if p.measure_angle and k < self.last:
            phases.append(then(eq.measure_angle, {"cosine": self.cosine}, nan=math.nan))
        if not self.learning:
            return phases
        if k == 1:
            phases.append(then(eq.learn_from_image, self._pixels, blocks, alpha=alpha[0]))
        else:
            below = {"below": self.layers[k - 2].state["h"]}
            kept = 1.0 - p.forgetting
            phases.append(then(eq.learn, below, blocks, alpha=alpha[k - 1], kept=kept))
        if k < self.last and not p.backpropagation:
            if p.sst != "none" and p.alpha_Z:
                before = state["h"] if p.sst == "h" else state["beta_before"]
                inhibited = {"g_before": before, "Z": self.weights.Z[k - 1]}
                numbers = {"alpha_Z": float(p.alpha_Z), "gamma": float(p.gamma)}
                clip = int(p.clip_Z)
                phases.append(then(eq.learn_inhibition, inhibited, blocks, clip=clip, **numbers))
            if p.alpha_Y:
                numbers = {"alpha_Y": float(p.alpha_Y), "u_range": float(p.u_range)}
                phases.append(then(eq.learn_feedback, {"Y": self.weights.Y[k - 1]}, **numbers))
            if p.mirror:
                above = {"Y": self.weights.Y[k - 1], "delta_above": self._delta[k + 1]}
                numbers = {"alpha": p.mirror * alpha[k], "kept": 1.0 - p.forgetting}
                phases.append(then(eq.mirror, above, blocks, **numbers))
        return phases
