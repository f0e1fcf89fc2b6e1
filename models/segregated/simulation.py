"""The step of the segregated-dendrite network, put together from populations and Phases.

A `Simulation` has its own voltages and spikes and shares the weights it is given. The network keeps
one for learning and one for tests, so that a test leaves the training state alone, and makes one
with apical voltages to record from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from spikesim import DoubleExponential, Network, Neuron
from spikesim.engine.population import Filter, Population
from spikesim.engine.projection import Projection
from spikesim.engine.sources import ImageSource, Trials
from spikesim.kernels import filters, thinning
from spikesim.kernels.machine.program import Phase, once
from spikesim.kernels.neurons import neurons
from spikesim.models.segregated import equations as eq
from spikesim.models.segregated.parameters import Parameters

__all__ = ["JACOBIANS", "Simulation", "Weights"]

JACOBIANS = 100  # examples that the feedback-inverse measure is averaged over


class Weights:
    """The arrays that learning changes.

    Attributes
    ----------
    W : list of numpy.ndarray, shape (n_below, n)
    b : list of numpy.ndarray, shape (n,)
    Y : list of numpy.ndarray, shape (n, n_source), one per hidden layer
    mask : list of numpy.ndarray, shape of Y
        What feedback weights are multiplied by: 0 where sparse feedback took one out.
    """

    def __init__(self, W: list, b: list, Y: list, mask: list):
        self.W, self.b, self.Y, self.mask = W, b, Y, mask


class Simulation:
    """One copy of the network's dynamics.

    Parameters
    ----------
    weights : Weights
    parameters : Parameters
    capacity : int
        Trials that can be run in one call.
    seed, dtype, backend
        See `spikesim.Network`.
    window : int
        Steps at the end of a phase over which means are taken.
    shortest : int
        Steps of the shortest phase that will be run.
    recorded : bool
        Compute apical voltages in every step, not only their means at the ends of phases, and leave
        the weights as they are at the end of the target phase.
    """

    def __init__(
        self,
        weights: Weights,
        parameters: Parameters,
        capacity: int,
        seed: int,
        dtype: str,
        backend: str,
        window: int,
        shortest: int,
        recorded: bool = False,
    ):
        self.weights = weights
        self.p = parameters
        self.window = window
        self.shortest = shortest
        self.network = Network(dt=1.0, seed=seed, dtype=dtype, backend=backend)
        self.trials = Trials(capacity)
        self.recorded = recorded
        self.apical = recorded or parameters.g_A > 0.0
        sizes = [weights.W[0].shape[0], *(W.shape[1] for W in weights.W)]
        self.hidden = len(sizes) - 2
        self.label = np.zeros(1, np.int64)
        self.images = np.zeros((1, sizes[0]), np.uint8)
        self.answer = np.zeros(capacity, np.int64)
        self.loss = np.zeros(capacity, dtype)
        self.cosine = np.zeros((capacity, max(self.hidden, 1)), dtype)
        self.jacobian = np.zeros((JACOBIANS, sizes[-1], sizes[-1]), dtype)
        lagged = parameters.plateau_jitter > 0
        self.shown = np.zeros(1, np.int64)
        self.lag = [np.zeros((capacity, 2, n if lagged else 1), np.int64) for n in sizes[1:-1]]
        self.normal = [np.zeros(W.shape, dtype) for W in weights.W[1:]]
        lags = parameters.longest_lag + 1
        self.means = _Pool(2 * sum(sizes) + sizes[-1], dtype)
        self.feedback_means = _Pool(lags * sum(sizes), dtype)
        self.mean_PSP = [self.means.take(n) for n in sizes[:-1]]
        self.mean_V = [self.means.take(n) for n in sizes[1:]]
        self.mean_phi = self.means.take(sizes[-1])
        self.mean_feedback = {
            m: self.feedback_means.take(lags, sizes[m + 1]) for m in self._sources()
        }
        self.kept = {m: np.zeros(sizes[m + 1], dtype) for m in self._sources()}
        self.alpha_f = [np.zeros(n, dtype) for n in sizes[1:-1]]
        self.alpha_t = [np.zeros(n, dtype) for n in sizes[1:-1]]
        self.mean_V_A = [np.zeros(n, dtype) for n in sizes[1:-1]]
        self.E = [np.zeros(n, dtype) for n in sizes[1:]]
        self.E_backpropagated = (
            [np.zeros(n, dtype) for n in sizes[1:-1]]
            if parameters.backpropagation or parameters.measure_angle
            else []
        )
        self._own_psp: dict[str, Filter] = {}
        self.layers = self._populations(sizes)
        if parameters.spiking:
            self._connect()
        for phase in self._beginnings():
            self.network.add_phase(*phase[:2], state=phase.state, params=phase.params, first=True)
        for phase in self._endings():
            self.network.add_phase(*phase[:2], state=phase.state, params=phase.params)

    # ------------------------------------------------------------------------------- running

    def run(
        self, images: np.ndarray, labels: np.ndarray, example: np.ndarray, length: np.ndarray
    ) -> None:
        """Run trials: example k of `images`, for ``length[k]`` steps of its two phases."""
        if self.label is not labels or self.images is not images:
            self._exchange(images, labels)
        steps = self.trials.schedule(example, length)
        self.network.run_steps(steps)

    def clear(self) -> None:
        """Forget voltages and spikes, as before the first trial."""
        for array in self.arrays().values():
            array.fill(0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What a trial passes on to the next: name → array."""
        return {
            f"{name}.{key}": array
            for name, part in self._parts().items()
            for key, array in part.arrays().items()
        }

    def take_over(self, saved: Mapping[str, np.ndarray]) -> None:
        """Go on from what `arrays` of such a simulation was."""
        for name, population in self.network.populations.items():
            population.check_saved({key: saved[f"{name}.{key}"] for key in population.arrays()})
        for name, array in self.arrays().items():
            array[...] = saved[name]

    def _parts(self) -> dict[str, Any]:
        return {**self.network.populations, **self._own_psp}

    def _exchange(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Show other images."""
        self.label, self.images = labels, images
        self.layers[-1].shared["label"] = labels
        source = self.layers[0]
        rate = self.p.phi_max / (255.0 if images.dtype == np.uint8 else 1.0)
        if self.p.spiking:
            source._show(images, rate)
        else:
            source.shared["image"] = images
            source.params["rate"] = rate
        self.network.changed()

    # ------------------------------------------------------------------------------ building

    def _sources(self) -> list[int]:
        """Layers that feed back: the output, or with layered feedback every layer but the first."""
        if self.hidden == 0:
            return []
        return [self.hidden] if self.p.feedback == "broadcast" else list(range(1, self.hidden + 1))

    def _source_of(self, m: int) -> int:
        """The layer whose spikes reach the apical dendrites of hidden layer m."""
        return self.hidden if self.p.feedback == "broadcast" else m + 1

    def _is_event_driven(self) -> bool:
        """Whether a spike's share in a window mean is known when it is emitted.

        It is if no spike acts beyond its own phase; otherwise PSPs are computed in every step.
        """
        p = self.p
        if not p.spiking or p.memory is None:
            return False
        return self.shortest >= self.window + p.memory + p.longest_lag + 1

    def _populations(self, sizes: list[int]) -> list[Any]:
        p, net = self.p, self.network
        constants = {
            name: getattr(p, name)
            for name in ("phi_max", "g_L", "g_B", "g_D", "g_A", "E_E", "E_I", "k_B", "k_D")
        }
        task = {"clock": self.trials.clock, "example": self.trials.example, "label": self.label}
        constants["units_per_class"] = p.units_per_class
        layers: list[Any] = []
        for m, n in enumerate(sizes):
            name = "input" if m == 0 else "output" if m == len(sizes) - 1 else f"hidden_{m}"
            if m == 0 and p.spiking:
                source = ImageSource(net, name, n, self.trials, 0.0)
                layers.append(net.add(source))
                continue
            kind = self._kind(m, len(sizes), constants)
            if p.spiking and m < len(sizes) - 1:
                layers.append(net.add(_Hidden(net, name, n, kind, {})))
                continue
            population = net.add_population(name, n, kind)
            if m == 0:
                population.shared.update(
                    clock=task["clock"], example=task["example"], image=self.images
                )
            if m == len(sizes) - 1:
                population.shared.update(task)
            if m > 0 and not p.spiking:
                population.shared.update(
                    W=self.weights.W[m - 1], b=self.weights.b[m - 1], PSP_below=layers[-1].PSP
                )
            layers.append(population)
        return layers

    def _kind(self, m: int, layers: int, constants: dict[str, Any]) -> Neuron:
        """The neuron of layer m."""
        is_output = m == layers - 1

        def passed(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
            return constants

        if self.p.spiking:
            variables = {"V": 0.0, "V_B": 0.0}
            steps: tuple = (eq.step_hidden,)
            if is_output:
                variables["phi"] = 0.0
                steps = (eq.step_output, eq.fire, eq.emit)
            elif self.apical:
                variables["V_A"] = 0.0
                steps = (eq.step_hidden_apical,)
            return Neuron(
                steps=steps,
                variables=variables,
                constants=passed,
                stochastic=True,
                most_spikes=4,
            )
        if m == 0:
            constants = {"rate": 0.0}
            steps = ((eq.begin_rates, eq.pixels_at_trial_start),)
            return Neuron(steps=steps, variables={"PSP": 0.0}, constants=passed, most_spikes=0)
        variables = {"V": 0.0, "V_B": 0.0, "PSP": 0.0}
        if is_output:
            variables["phi"] = 0.0
        soma = eq.step_output_rate if is_output else eq.step_hidden_rate
        steps = ((eq.drive, once), (soma, neurons))
        return Neuron(steps=steps, variables=variables, constants=passed, most_spikes=0)

    def _connect(self) -> None:
        """Forward connections act in the same step, feedback one step later."""
        p, net = self.p, self.network
        kernel = DoubleExponential(p.tau_s, p.tau_L, p.memory)
        for m, W in enumerate(self.weights.W):
            pre, post = self.layers[m], self.layers[m + 1]
            projection = net.connect(pre, post, target="V_B", weight=0.0, delay=0.0, kernel=kernel)
            projection._share(W)
            post.filters["V_B"].offset = self.weights.b[m]
        if self.apical:
            for m, Y in enumerate(self.weights.Y):
                pre, post = self.layers[self._source_of(m) + 1], self.layers[m + 1]
                projection = net.connect(
                    pre, post, target="V_A", weight=0.0, delay=1.0, kernel=kernel
                )
                projection.W = Y.T

    def _beginnings(self) -> list[Phase]:
        """What comes before the neurons in a step: the clock, and a clean start of each trial."""
        clock = {"clock": self.trials.clock}
        means = {**clock, "means": self.means.all}
        phases = [self.trials.phase(), Phase(eq.forget, eq.whole, means)]
        if self.hidden:
            feedback = {**clock, "feedback": self.feedback_means.all}
            phases.append(Phase(eq.forget_feedback, eq.whole_phase, feedback))
        for projection in self.network.projections.values():
            if projection.port == "V_A":
                Y = self.weights.Y[self.layers.index(projection.post) - 1]
                state = {**clock, "Y": Y, "W": projection.W}
                phases.append(Phase(eq.transpose, eq.rows_at_trial_start, state))
        # Lists of spikes are replaced when they grow, so that all of them grow before one is read.
        for projection in self.network.projections.values():
            projection.pre.remember(self._past + projection.delay)
        return phases + [self._replay(each) for each in self.network.projections.values()]

    @property
    def _past(self) -> int:
        """How many steps a spike goes on acting, after the one in which it arrives."""
        if self.p.memory is not None:
            return self.p.memory - 1
        return math.ceil(np.finfo(self.network.dtype).nmant * math.log(2.0) * self.p.tau_L)

    def _endings(self) -> list[Phase]:
        """What comes after the neurons in a step, in order."""
        return [*self._averages(), *self._ends_of_forward(), *self._learning()]

    def _replay(self, projection: Projection) -> Phase:
        """Potentials follow the weights that an example has changed."""
        filter_ = projection.post.filters[projection.port]
        state = {
            **projection.pre.spike_list(),
            "clock": self.trials.clock,
            "out": filter_.arrived,
            "decay": filter_.decay,
            "rise": filter_.rise,
            "W": cast("np.ndarray", projection.W),
        }
        params = {**filter_.params(), "past": self._past, "delay": projection.delay}
        return Phase(filters.replay, eq.blocks_at_start, state, params, dtype=filter_.dtype)

    def _averages(self) -> list[Phase]:
        """Window means: of potentials, of the output rate and of PSPs."""
        clock = {"clock": self.trials.clock}
        window = {"window": self.window, "share": 1.0 / self.window}
        phases = []
        for m, mean in enumerate(self.mean_V):
            state = {**clock, "value": self.layers[m + 1].V, "mean": mean}
            phases.append(Phase(eq.average, eq.in_forward_window, state, window))
        state = {**clock, "value": self.layers[-1].phi, "mean": self.mean_phi}
        phases.append(Phase(eq.average, eq.in_target_window, state, window))
        if self._is_event_driven():
            share = self._kappa_in_window()
            for m, mean in enumerate(self.mean_PSP):
                spikes = self.layers[m].spike_list
                state = {**clock, **spikes(), "mean": mean, "kappa_in_window": share}
                phases.append(Phase(eq.average_spikes, eq.spikes_in_forward, state))
            for m, mean in self.mean_feedback.items():
                spikes = self.layers[m + 1].spike_list
                state = {**clock, **spikes(), "mean": mean, "kappa_in_window": share}
                phases.append(Phase(eq.average_feedback_spikes, eq.lags, state))
            return phases
        PSP = [self._psp(layer, phases) for layer in self.layers]
        for m, mean in enumerate(self.mean_PSP):
            state = {**clock, "value": PSP[m], "mean": mean}
            phases.append(Phase(eq.average, eq.in_forward_window, state, window))
        for m, mean in self.mean_feedback.items():
            state = {**clock, "value": PSP[m + 1], "mean": mean}
            phases.append(Phase(eq.average_feedback, eq.sources, state, window))
        return phases

    def _psp(self, layer: Population, phases: list[Phase]) -> np.ndarray:
        """The PSP of each neuron of a layer, computed in every step."""
        if not self.p.spiking:
            return layer.PSP
        kernel = DoubleExponential(self.p.tau_s, self.p.tau_L, self.p.memory)
        psp = Filter(np.zeros(layer.n, self.network.dtype), kernel, 1.0)
        arrival = {**layer.spike_list(), "out": psp.arrived}
        phases.append(psp.clearing())
        phases.append(Phase(eq.one_to_one, once, arrival))
        phases.append(psp.advancing())
        self._own_psp[f"PSP of {layer.name}"] = psp
        return psp.out

    def _kappa_in_window(self) -> np.ndarray:
        """What a spike with d steps to go adds to the window mean of its PSP, for every d."""
        p = self.p
        t = np.arange(1, (p.memory or 0) + 1)
        kappa = (np.exp(-t / p.tau_L) - np.exp(-t / p.tau_s)) / (p.tau_L - p.tau_s)
        share = np.zeros(self.window + len(t))
        for d in range(share.size):
            for togo in range(min(d, self.window - 1) + 1):
                if d - togo < len(t):
                    share[d] += kappa[d - togo]
        return (share / self.window).astype(self.network.dtype)

    def _ends_of_forward(self) -> list[Phase]:
        clock = {"clock": self.trials.clock}
        output = {**clock, "mean_V": self.mean_V[-1], "answer": self.answer}
        phases = [
            Phase(
                eq.read_out,
                eq.at_end_of_forward,
                output,
                {"units_per_class": self.p.units_per_class},
            )
        ]
        for m in range(self.hidden):
            phases.append(Phase(eq.plateau_forward, eq.hidden_at_end_of_forward, self._plateau(m)))
        if self.p.feedback_learning:
            for m, mean in self.mean_feedback.items():
                state = {**clock, "feedback_mean": mean, "kept": self.kept[m]}
                phases.append(Phase(eq.keep_feedback, eq.kept_at_end_of_forward, state))
        return phases

    def _plateau(self, m: int) -> dict[str, np.ndarray]:
        return {
            "clock": self.trials.clock,
            "Y": self.weights.Y[m],
            "feedback_mean": self.mean_feedback[self._source_of(m)],
            "lag": self.lag[m],
            "mean_V_A": self.mean_V_A[m],
            "alpha_f": self.alpha_f[m],
            "alpha_t": self.alpha_t[m],
        }

    def _learning(self) -> list[Phase]:
        """At the end of the target phase: errors first, then all updates."""
        p = self.p
        clock = {"clock": self.trials.clock}
        number = {"phi_max": p.phi_max, "k_B": p.k_B, "k_D": p.k_D}
        output = {
            **clock,
            "mean_V": self.mean_V[-1],
            "mean_phi": self.mean_phi,
            "E": self.E[-1],
            "loss": self.loss,
        }
        phases = [Phase(eq.learn_output_error, eq.at_end_of_target, output, number)]
        for m in range(self.hidden):
            phases.append(Phase(eq.plateau_target, eq.hidden_at_end_of_target, self._plateau(m)))
        if self.recorded:
            return phases
        for m in range(self.hidden):
            state = {**self._plateau(m), "mean_V": self.mean_V[m], "E": self.E[m]}
            if not p.backpropagation and not p.frozen:
                phases.append(
                    Phase(eq.learn_hidden_error, eq.neurons_at_end_of_target, state, number)
                )
        if self.E_backpropagated:
            phases += self._backpropagation(clock, number)
        if p.measure_inverse:
            state = {
                **clock,
                "mean_V": self.mean_V[-1],
                "Y": self.weights.Y[-1],
                "W": self.weights.W[-1],
                "jacobian": self.jacobian,
                "shown": self.shown,
            }
            phases.append(Phase(eq.measure_jacobian, eq.outputs_at_end_of_target, state, number))
        if p.feedback_learning:
            phases += self._feedback_learning(number)
        for m, W in enumerate(self.weights.W):
            is_output = m == self.hidden
            if p.frozen and not is_output:
                continue
            E = self.E_backpropagated[m] if p.backpropagation and not is_output else self.E[m]
            scale = 20.0 / p.phi_max**2 if is_output else 20.0 / p.phi_max  # P_out, P_hidden
            learning = {"eta_P": p.eta[m] * scale}  # type: ignore[index]
            state = {**clock, "W": W, "b": self.weights.b[m], "E": E, "mean_PSP": self.mean_PSP[m]}
            phases.append(Phase(eq.learn_weights, eq.rows_at_end_of_target, state, learning))
            phases.append(Phase(eq.learn_bias, eq.neurons_at_end_of_target, state, learning))
        if p.symmetric:
            phases += self._symmetric_refresh()
        return phases

    def _backpropagation(self, clock: dict, number: dict) -> list[Phase]:
        phases = []
        for m in reversed(range(self.hidden)):
            above = self.E[-1] if m == self.hidden - 1 else self.E_backpropagated[m + 1]
            state = {
                **clock,
                "E_backpropagated": self.E_backpropagated[m],
                "E_above": above,
                "W_above": self.weights.W[m + 1],
                "mean_V": self.mean_V[m],
            }
            phases.append(
                Phase(
                    eq.learn_backpropagated_error, eq.backpropagated_at_end_of_target, state, number
                )
            )
        if self.p.measure_angle:
            for m in range(self.hidden):
                state = {
                    **clock,
                    "E": self.E[m],
                    "E_backpropagated": self.E_backpropagated[m],
                    "cosine": self.cosine,
                }
                params = {"layer": m, "nan": math.nan}
                phases.append(Phase(eq.measure_angle, eq.at_end_of_target, state, params))
        return phases

    def _feedback_learning(self, number: dict) -> list[Phase]:
        return [
            Phase(
                eq.learn_feedback,
                eq.feedback_rows_at_end_of_target,
                {
                    **self._plateau(m),
                    "mean_V": self.mean_V[m],
                    "kept": self.kept[self._source_of(m)],
                },
                {**number, "eta_Y": self.p.eta_Y},
            )
            for m in range(self.hidden)
        ]

    def _symmetric_refresh(self) -> list[Phase]:
        phases = []
        above: np.ndarray | None = None
        for m in reversed(range(self.hidden)):
            full = np.zeros_like(self.weights.Y[m])
            state = {
                "clock": self.trials.clock,
                "Y": self.weights.Y[m],
                "Y_full": full,
                "W_above": self.weights.W[m + 1],
                "mask": self.weights.mask[m],
                "normal": self.normal[m],
            }
            direct = above is None or self.p.feedback == "layered"
            if not direct:
                state["Y_above"] = above
            body = eq.copy_symmetric if direct else eq.product_symmetric
            params = {"noise": self.p.symmetric_noise}
            phases.append(Phase(body, eq.feedback_rows_at_end_of_target, state, params))
            above = full
        return phases


class _Hidden(Population):
    """Hidden neurons, of which only those that might spike have their rate computed."""

    def __init__(self, network: Network, name: str, n: int, neuron: Neuron, given: dict[str, Any]):
        super().__init__(network, name, n, neuron, given)
        self._found = {
            "V_found": np.zeros(n + 1, network.dtype),
            "uniform_found": np.zeros(n + 1, network.dtype),
            "candidate": np.zeros(n + 1, np.int32),
            "candidates": np.zeros(1, np.int64),
            "emitted": np.zeros(n + 1, np.int32),
            "hit": np.zeros(n + 1, np.int32),
        }

    def emission(self) -> list[Phase]:
        params = dict(self.params)
        # A little above P(N > 0) at the highest rate, beyond the rounding of `poisson_count`.
        params["bound"] = -math.expm1(-params["phi_max"]) + 1e-6
        state = {**self.state, **self._found, **self.spike_list()}
        soma, _ = super().emission()  # spikes are listed below instead
        return [
            soma,
            Phase(thinning.find, once, state, params),
            Phase(thinning.fetch, thinning.found, state, params),
            Phase(eq.emit_found, thinning.found, state, params),
            Phase(thinning.list_found, once, state, params),
        ]


class _Pool:
    """Arrays cut from one, so that a single Phase can set all of them to zero."""

    def __init__(self, capacity: int, dtype: str):
        self._buffer = np.zeros(capacity, dtype)
        self._used = 0

    @property
    def all(self) -> np.ndarray:
        """Everything that was taken."""
        return self._buffer[: max(self._used, 1)]

    def take(self, *shape: int) -> np.ndarray:
        """A new array of zeros."""
        size = math.prod(shape)
        view = self._buffer[self._used : self._used + size].reshape(shape)
        self._used += size
        return view
