"""Layers that spike: neurons and pixels, connections that follow weights, window means of PSPs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from spikesim.engine.network import Network
from spikesim.engine.population import DoubleExponential, Filter, Population
from spikesim.engine.projection import Projection
from spikesim.errors import InputError
from spikesim.kernels import filters, spikes, thinning, windows
from spikesim.kernels.lists import whole_eights
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.kernels.spikes import parts
from spikesim.kernels.trials import at_trial_start
from spikesim.learning.layers import Layer, names_of, over
from spikesim.neurons import Neuron

__all__ = ["Cells", "Means", "Pixels", "Thinned", "followed", "jump"]


@dataclass(frozen=True)
class Cells:
    """Spiking neurons of a layer: bodies in their order; the names they read are their wiring.

    Attributes
    ----------
    steps : tuple of callable, or of tuple
        Each is a body, which acts on every neuron, or a tuple: a body, and what `Layer.phase` calls
        `each` and `when`. With `at_most`, the last body is ``emit(k, t, s, p)``, for the k-th
        neuron that might spike.
    variables : tuple of str
        State variables; they begin at 0 unless `start` gives another value.
    at_most : float, optional
        The largest number of spikes expected of a neuron in a step; see `kernels.thinning`.
    most_spikes : int
        The most spikes that a neuron may emit in a step.
    start : mapping of str to float
        Variable → its initial value.
    stochastic : bool
        Whether bodies read random numbers, ``s.uniform[i]``.

    Examples
    --------
    >>> def leak(i, t, s, p):
    ...     s.v[i] = 0.9 * s.v[i]
    >>> Cells((leak,), ("v",), start={"v": -65.0}).variables
    ('v',)
    """

    steps: tuple[Any, ...]
    variables: tuple[str, ...]
    at_most: float | None = None
    most_spikes: int = 4
    start: Mapping[str, float] = field(default_factory=dict)
    stochastic: bool = True

    def placed(
        self, layer: Layer, bodies: Mapping[Callable, Callable]
    ) -> tuple[Neuron, Callable, dict[str, np.ndarray]]:
        """The neuron of these cells in a layer, its last body, and the arrays that bodies see.

        `bodies` maps a body to its replacement.
        """
        steps: list[Any] = []
        arrays: set[str] = set()
        numbers: dict[str, Any] = {}
        for step in self.steps:
            body, *where = step if isinstance(step, tuple) else (step,)
            body = bodies.get(body, body)
            steps.append((body, over(*where)) if where else body)
            numbers.update({"many": layer.n, "parts": SHARED} if where else {})
            for function in steps[-1] if where else (body,):
                read, needed = names_of(function)
                arrays |= read
                numbers.update((k, layer.number(k)) for k in sorted(needed - numbers.keys()))
        last = steps[-1]
        if self.at_most is not None:  # a little above P(N > 0), beyond the rounding of the draw
            numbers["bound"] = -math.expm1(-self.at_most) + 1e-6
            steps = steps[:-1]

        def constants(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
            return numbers

        neuron = Neuron(
            steps=steps,
            variables={**dict.fromkeys(self.variables, 0.0), **self.start},
            constants=constants,
            stochastic=self.stochastic,
            most_spikes=self.most_spikes,
        )
        found = {name: layer.find(name) for name in sorted(arrays)}
        return neuron, last, {name: each for name, each in found.items() if each is not None}


@dataclass(frozen=True)
class Pixels:
    """Pixels that emit Poisson spikes.

    Attributes
    ----------
    rate : float
        Spikes per step and unit of brightness.

    Examples
    --------
    >>> Pixels(rate=0.2).rate
    0.2
    """

    rate: float


_LISTING = spikes.collect, spikes.silence


class Thinned(Population):
    """Poisson neurons of bounded rate, made by `Simulation` of `Cells` with `at_most`.

    A step computes rates only for those that might spike.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), backend="python").training.network
    >>> isinstance(net.populations["hidden_1"], Thinned)
    True
    """

    def __init__(self, network: Network, name: str, n: int, neuron: Neuron, emit: Callable):
        super().__init__(network, name, n, neuron, {})
        self._emit = emit
        self._found = {
            "V_found": np.zeros(whole_eights(n), network.dtype),
            "uniform_found": np.zeros(whole_eights(n), network.dtype),
            "might": np.zeros(whole_eights(n), np.int8),
            "candidate": np.zeros((1, n + 8), np.int32),
            "candidates": np.zeros(1, np.int64),
            "emitted": np.zeros(n + 8, np.int32),
            "hit": np.zeros((1, n + 8), np.int32),
        }

    def emission(self) -> list[Phase]:
        if self.differing:
            raise InputError(
                f"{', '.join(self.differing)} of {self.name!r} differ from neuron to neuron; these "
                "neurons have one number for all."
            )
        state = {**self.state, **self._found, **self.spike_list()}
        params = self.params
        return [
            # `list_found` below lists the spikes instead.
            *(each for each in super().emission() if each.body not in _LISTING),
            Phase(thinning.find, once, state, params),
            Phase(thinning.fetch, thinning.found, state, params),
            Phase(self._emit, thinning.found, state, params),
            Phase(thinning.list_found, once, state, params),
            *self.silencing(),
        ]


def _blocks_at_start(t, s, p):  # type: ignore[no-untyped-def]
    return parts(s.out.shape[1], p) if at_trial_start(s.clock) else 0


def followed(projections: list[Projection], clock: np.ndarray) -> list[Phase]:
    """Let potentials follow, at the start of a trial, the weights that the last trial changed.

    Parameters
    ----------
    projections : list of Projection
    clock : numpy.ndarray
        That of the trials.

    Returns
    -------
    list of Phase

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), backend="python").training
    >>> projections = list(net.network.projections.values())
    >>> len(followed(projections, net.trials.clock)) == len(projections)
    True
    """
    past = {each: _past(each) for each in projections if each.port in each.post.filters}
    for each in past:  # a list of spikes is replaced when it grows, so all grow first
        each.pre.remember(past[each] + each.delay_steps)
    return [_replay(each, past[each], clock) for each in past]


def _replay(projection: Projection, past: int, clock: np.ndarray) -> Phase:
    port = projection.post.filters[projection.port]
    state = {
        **projection.pre.spike_list(),
        "clock": clock,
        "out": port.arrived,
        "decay": port.decay,
        "rise": port.rise,
        "W": cast("np.ndarray", projection.W),
    }
    params = {**port.params(), "past": past, "delay": projection.delay_steps}
    return Phase(filters.replay, _blocks_at_start, state, params, dtype=port.dtype)


def _past(projection: Projection) -> int:
    """How many steps a spike continues to act after the step in which it arrives."""
    port = projection.post.filters[projection.port]
    if port.kernel.memory is not None:
        return port.kernel.memory - 1
    digits = np.finfo(projection.post.network.dtype).nmant
    return math.ceil(digits * math.log(2.0) * port.kernel.tau_decay / port.dt)


def jump(net: Any, pre: Layer, post: Layer, target: str, W: np.ndarray, steps: int) -> None:
    """Let spikes of a layer add their weights to a variable of another layer, steps later.

    Parameters
    ----------
    net : Simulation
    pre, post : Layer
    target : str
        The variable.
    W : numpy.ndarray, shape (pre.n, post.n)
        An array of a layer, not a copy.
    steps : int

    Examples
    --------
    >>> from spikesim.models.superspike import SuperSpikeNetwork  # which connects by `jump`
    >>> net = SuperSpikeNetwork((4, 2), backend="python").training
    >>> len(net.network.projections)
    1
    """
    network = net.network
    projection = network.connect(
        network.populations[pre.name],
        network.populations[post.name],
        target=target,
        weight=0.0,
        delay=steps * network.dt,
    )
    projection._share(W)


class Means:
    """Phases that compute means over windows at the ends of phases: arrays ``mean_NAME``.

    Parameters
    ----------
    net : Simulation
    kernel : DoubleExponential or None
        The time course of a PSP; None if layers have their own array ``PSP``.
    window : int
        The steps of a window.
    shortest : int
        The steps of the shortest phase.
    latest : int
        How many steps before the end of its phase a window may end.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), backend="python").training
    >>> means = Means(net, None, window=10, shortest=20)
    >>> net.output.arrays["mean_V"] = np.zeros(2)
    >>> [each.phase.body.__name__ for each in means.of("V", [net.output])]
    ['average']
    """

    def __init__(
        self,
        net: Any,
        kernel: DoubleExponential | None,
        window: int,
        shortest: int,
        latest: int = 0,
    ):
        self._net, self._kernel = net, kernel
        self._numbers = {"window": window, "share": 1.0 / window}
        memory = None if kernel is None else kernel.memory
        self._kappa: np.ndarray | None = None
        if kernel is not None and memory is not None and shortest >= window + memory + latest + 1:
            self._kappa = _shares(kernel, memory, window).astype(net.network.dtype)

    def of(
        self, name: str, layers: list[Any], when: Callable = windows.in_first_window
    ) -> Iterator[Any]:
        """Means of an array ``name`` of some ``layers``, in the phases that ``when`` chooses."""
        for layer in layers:
            arrays = {"value": layer.arrays[name], "mean": layer.arrays[f"mean_{name}"]}
            yield layer.phase(windows.average, when=when, **arrays, **self._numbers)

    def of_psp(self, layers: list[Any], later: list[Any]) -> Iterator[Any]:
        """Means of PSPs: for `layers` in the first phase, as their arrays mean_PSP.

        For the layers in `later`, whose spikes arrive a step later, they are computed in both
        phases, as mean_feedback, of shape (lags, units).
        """
        if self._kappa is None and self._kernel is not None:
            for layer in self._net.layers:
                yield from self._computed(layer, self._kernel)
        given: dict[str, Any]
        for layer in layers:
            if self._kappa is None:
                given = {"value": layer.PSP, "mean": layer.mean_PSP, **self._numbers}
                yield layer.phase(windows.average, when=windows.in_first_window, **given)
            else:
                given = {"mean": layer.mean_PSP, "kappa_in_window": self._kappa}
                when = windows.spikes_count
                yield layer.phase(windows.average_spikes, "once", when, **given)
        for layer in later:
            given = {"mean": layer.mean_feedback}
            if self._kappa is None:
                given.update(value=layer.PSP, **self._numbers)
                yield layer.phase(windows.average_later, **given)
            else:
                many = len(layer.mean_feedback)
                given["kappa_in_window"] = self._kappa
                yield layer.phase(windows.average_later_spikes, many=many, **given)

    def _computed(self, layer: Any, kernel: DoubleExponential) -> Iterator[Any]:
        """Compute the PSP of each neuron of a layer in every step."""
        psp = Filter(np.zeros(layer.n, self._net.network.dtype), kernel, 1.0)
        yield psp.clearing()
        yield layer.phase(windows.list_arrivals, "once", out=psp.arrived)
        yield psp.advancing()
        layer.arrays["PSP"] = psp.out
        self._net.carried[f"PSP of {layer.name}"] = psp


def _shares(kernel: DoubleExponential, memory: int, window: int) -> np.ndarray:
    """What a spike with d steps to go adds to the mean of its PSP in the window, for every d."""
    t = np.arange(1, memory + 1)
    a, b = kernel.tau_decay, kernel.tau_rise
    kappa = (np.exp(-t / a) - np.exp(-t / b)) / (a - b)
    share = np.zeros(window + len(t))
    for d in range(share.size):
        for togo in range(min(d, window - 1) + 1):
            if d - togo < len(t):
                share[d] += kappa[d - togo]
    return share / window
