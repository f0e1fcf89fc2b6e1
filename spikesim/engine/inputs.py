"""The populations of a network and their input from outside: sources, background, stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_neurons,
    check_number,
    check_steps,
    check_unknown,
    show,
)
from spikesim.engine.noise import Noise
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection
from spikesim.engine.setting import Setting
from spikesim.engine.sources import Background, EventSource, ImageSource, SpikeTrainSource, Trials
from spikesim.engine.stimuli import Stimulus
from spikesim.engine.subgroups import Subgroup
from spikesim.errors import InputError
from spikesim.foreign import PARAMETERS, here
from spikesim.kernels import bursts
from spikesim.kernels.machine.program import Phase
from spikesim.neurons import Neuron

__all__ = ["MOST_NEURONS", "Inputs"]

MOST_NEURONS = 2**31 - 16
"""The most neurons of a population: they are numbered in 32 bits."""

AnyPopulation = TypeVar("AnyPopulation", bound=Population)


class Inputs(Setting, called="Network"):
    """Populations and their input from outside.

    Its parameters are those of a `Setting`. A `Network` is one of these.
    """

    def __init__(self, dt: float = 0.1, seed: int = 0, dtype: str = "float32"):
        super().__init__(dt, seed, dtype)
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}
        self.backgrounds: list[Background] = []
        self.stimuli: list[Stimulus] = []
        self.noises: list[Noise] = []
        self._first: list[Phase] = []
        self._extra: dict[str, Mapping[str, np.ndarray]] = {}

    def add_population(self, name: str, n: int, neuron: Neuron, **parameters: Any) -> Population:
        """Add `n` neurons of one kind.

        Parameters
        ----------
        name : str
            A name that nothing else in the network has, used in files and messages.
        n : int
            The number of neurons.
        neuron : Neuron
            For example `spikesim.LIF`, or your own.
        **parameters : float, int or array_like of shape (n,)
            Values of parameters that replace the neuron's defaults, by name: one for all neurons,
            or one for each. Also the start values of variables, such as the ``rate`` of
            `spikesim.Poisson`. If a parameter and a variable share a name, it means the parameter.

        Raises
        ------
        InputError
            If the name is taken or is no identifier, a value is impossible, or its name is unknown.

        Examples
        --------
        >>> from spikesim import CurrentLIF, Network
        >>> net = Network(seed=1, backend="python")
        >>> cells = net.add_population("cells", 5, CurrentLIF, tau=10.0, I=np.linspace(0, 30, 5))
        >>> spikes = net.record_spikes(cells)
        >>> net.run(50.0)
        >>> spikes.count.tolist()
        [0, 0, 3, 5, 6]
        """
        self._check_name(name)
        if not isinstance(neuron, Neuron):
            raise InputError(
                f"neuron is {show(neuron)}; it has to be a Neuron, for example spikesim.LIF."
                f"{here(neuron, 'neuron')}"
            )
        n = check_integer("n", n, at_least=1, at_most=MOST_NEURONS)
        given = neuron.present(parameters)
        known = dict.fromkeys([*neuron.parameters, *neuron.variables])
        check_unknown("parameter", given, known, PARAMETERS)
        own = neuron.variables.keys() - neuron.parameters.keys()
        starts = {key: given.pop(key) for key in own & given.keys()}
        population = Population(self, name, n, neuron, given)
        for key, value in starts.items():
            setattr(population, key, value)
        return self.add(population)

    def add_spike_trains(
        self,
        name: str,
        n: int,
        times: Any,
        ids: Any,
        period: float | None = None,
        duplicates: str = "refuse",
    ) -> SpikeTrainSource:
        """Add a source that emits given spikes.

        Parameters
        ----------
        name : str
        n : int
            The number of neurons.
        times : array_like, shape (spikes,)
            In ms; each spike is emitted in the nearest step.
        ids : array_like of int, shape (spikes,)
            The neuron that emits each spike.
        period : float, optional
            The time in ms, a multiple of dt, after which all spikes come again. By default they
            come once.
        duplicates : {'refuse', 'merge', 'keep'}
            What to do with several spikes of a neuron in one step, which recorded events contain:
            'refuse' raises an error, 'merge' makes them one, 'keep' emits each, up to four.
        """
        self._check_name(name)
        n = check_integer("n", n, at_least=1, at_most=MOST_NEURONS)
        steps = None if period is None else check_steps("period", period, self.dt, at_least=1)
        return self.add(SpikeTrainSource(self, name, n, times, ids, steps, duplicates))

    def add_images(self, name: str, images: Any, rate: float, duration: float) -> ImageSource:
        """Add a source that shows images one after another, each for `duration` ms, over and over.

        Parameters
        ----------
        name : str
        images : array_like, shape (images, pixels)
            Brightness from 0 to 1.
        rate : float
            Firing rate of a pixel of brightness 1, in Hz; at most a mean of one spike per step.
            Like `spikesim.Poisson` neurons, pixels may emit several spikes in a step.
        duration : float
            How long each image is shown, in ms, a multiple of dt.
        """
        self._check_name(name)
        shown = check_array(
            "images", images, shape=(None, None), dtype=self.dtype, at_least=0.0, at_most=1.0
        )
        for axis, what in enumerate(("image", "pixel")):
            if shown.shape[axis] == 0:
                raise InputError(
                    f"images has shape {shown.shape}; there has to be at least one {what}."
                )
        rate = check_number("rate", rate, at_least=0.0, at_most=1000.0 / self.dt, unit="Hz")
        steps = check_steps("duration", duration, self.dt, at_least=1)
        trials = Trials(len(shown), repeat=True)
        trials.schedule(np.arange(len(shown)), np.tile([steps, 0], (len(shown), 1)))
        source = ImageSource(self, name, shown.shape[1], trials, 0.0)
        source._show(shown, rate * self.dt / 1000.0)
        self._first.append(trials.phase())
        self._extra[f"{name} trials"] = {"clock": trials.clock}
        return self.add(source)

    def add_events(self, name: str, population: Population, tau: float = 16.0) -> EventSource:
        """Add the events of a population: of each isolated spike and each burst, the first spike.

        The source has one neuron for each neuron of the population, with the same number, which
        spikes in the same step. You can record it, connect from it and trace it as any population.

        A spike begins an event if an exponential trace of the neuron's earlier spikes is below
        exp(-1) when it comes. After a single earlier spike, this takes a silence longer than `tau`.

        Parameters
        ----------
        name : str
        population : Population
        tau : float
            The time constant of the trace, in ms.

        Examples
        --------
        >>> from spikesim import Network
        >>> net = Network(backend="python")
        >>> cells = net.add_spike_trains("cells", 1, times=[5.0, 12.0, 14.0, 60.0], ids=[0] * 4)
        >>> events = net.record_spikes(net.add_events("events", cells))
        >>> bursts = net.record_spikes(net.add_bursts("bursts", cells))
        >>> net.run(100.0)
        >>> [float(t) for t in events.t], [float(t) for t in bursts.t]
        ([5.0, 60.0], [12.0])
        """
        return self._add_events(name, population, tau, bursts.EVENTS)

    def add_bursts(self, name: str, population: Population, tau: float = 16.0) -> EventSource:
        """Add the bursts of a population, each at its second spike; see `add_events`."""
        return self._add_events(name, population, tau, bursts.BURSTS)

    def _add_events(self, name: str, population: Population, tau: float, what: int) -> EventSource:
        self._check_name(name)
        self._check_own("population", population)
        return self.add(EventSource(self, name, population, tau, what))

    def add_background(
        self,
        population: Population | Subgroup,
        target: str,
        rate: float,
        weight: float,
        *,
        neurons: Any = None,
        at_most_one: bool = False,
    ) -> Background:
        """Give each neuron of a population its own Poisson input.

        The cost is per spike, not per neuron; `spikesim.kernels.background` explains how.

        Parameters
        ----------
        population : Population or Subgroup
        target : str
            The variable that each spike adds `weight` to.
        rate : float
            The rate per neuron, in Hz.
        weight : float
            What each spike adds.
        neurons : slice, array_like of int, array_like of bool or int, optional
            Which neurons get the input, chosen as in `record`; their numbers have to be
            consecutive. By default, all of them.
        at_most_one : bool
            Whether a neuron gets at most one spike in a step, with probability rate dt. Auryn and
            Brian2 draw Poisson spikes in this way. The variance of the input is then smaller by the
            factor 1 - rate dt: 5 percent smaller at 500 Hz and a dt of 0.1 ms.

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(dt=0.1, seed=1, backend="python")
        >>> cells = net.add_population("cells", 100, LIF)
        >>> net.add_background(cells, "drive", rate=500.0, weight=1.5)
        <Background of cells.drive: 500 Hz, weight 1.5>
        """
        population, neurons = self._chosen(population, neurons)
        target = self._check_port(population, target)
        among = range(population.n)
        if neurons is not None:
            which = check_neurons("neurons", neurons, population.n)
            if not which.size or (np.diff(which) != 1).any():
                raise InputError(
                    f"neurons is {show(neurons)}; it has to be a range without a stride that holds "
                    f"some of the {population.n} neurons of {population.name!r}."
                )
            among = range(int(which[0]), int(which[-1]) + 1)
        check_choice("at_most_one", at_most_one, [True, False])
        number = len(self.backgrounds)
        background = Background(population, target, rate, weight, among, at_most_one, number)
        self.backgrounds.append(background)
        return background

    def play(
        self,
        population: Population | Subgroup,
        target: str,
        stimulus: Any,
        dt: float | None = None,
        *,
        begin: float | None = None,
        after: str = "stop",
        neurons: Any = None,
    ) -> Stimulus:
        """Add a stimulus to an input of neurons, such as a current, in every step.

        Several stimuli and noises on one input add up. A value that you set, as in
        ``cells.I = 2.0``, stays as it is and is added, too: neurons and recordings see the sum.

        Parameters
        ----------
        population : Population or Subgroup
        target : str
            An input: a variable that the neurons' equations only read.
        stimulus : array_like, float or a stimulus of `spikesim.stimuli`
            Samples of shape (samples,), for all neurons, or (samples, neurons); each holds for
            `dt`. A single number holds for ever. Or ``stimuli.step(5.0, begin=100.0, end=600.0)``,
            ``stimuli.ramp``, ``stimuli.sine``, or ``stimuli.of(function, duration)``.
        dt : float, optional
            How long a sample of an array holds, in ms: a multiple of the network's dt, which is
            the default.
        begin : float, optional
            The time in ms at which the stimulus begins, its own time 0. By default, now.
        after : {'stop', 'hold', 'repeat'}
            What follows its end: nothing, its last value, or the whole stimulus again.
        neurons : slice, array_like of int, array_like of bool or int, optional
            Which neurons get it, as in `record`; all by default.

        Returns
        -------
        Stimulus
            ``stop()`` ends it; its ``stimulus`` may be set to another one.

        Raises
        ------
        InputError
            If the variable is not an input, a number is not finite, or a shape or time does not
            fit.

        Examples
        --------
        >>> from spikesim import AdEx, Network, stimuli
        >>> net = Network(dt=0.1, backend="python")
        >>> cells = net.add_population("cells", 3, AdEx)
        >>> net.play(cells, "I", [0.0, 100.0, 300.0], dt=1.0)
        <Stimulus of cells.I: array of shape (3,), 1 ms each>
        >>> net.play(cells, "I", stimuli.step([100.0, 300.0, 500.0], begin=2.0, end=4.0))
        <Stimulus of cells.I: step of 100...500, 2 to 4 ms>
        >>> current = net.record(cells, "I", every=1.0)
        >>> net.run(5.0)
        >>> current.I[2].tolist()
        [0.0, 100.0, 800.0, 500.0, 0.0]
        """
        population, neurons = self._chosen(population, neurons)
        number = len(self.stimuli)
        added = Stimulus(population, target, stimulus, dt, begin, after, neurons, number)
        population.inject(target, added)
        self.stimuli.append(added)
        return added

    def add_noise(
        self,
        population: Population | Subgroup,
        target: str,
        sigma: Any,
        tau: float | None = None,
        *,
        neurons: Any = None,
    ) -> Noise:
        """Add noise to an input of neurons, such as a current; each neuron gets its own.

        With `tau` it is an Ornstein-Uhlenbeck process, exact for any dt and stationary from the
        start: its variance is sigma^2 and its autocorrelation exp(-lag / tau). Without `tau` it is
        white noise, whose integral over a time T has the standard deviation sigma sqrt(T). A leaky
        integrator, tau_m dv/dt = I - v, then has the variance sigma^2 / (2 tau_m), as long as dt is
        short compared with tau_m. Noise adds to stimuli, other noise and values that you set; see
        `play`.

        Parameters
        ----------
        population : Population or Subgroup
        target : str
            An input: a variable that the neurons' equations only read.
        sigma : float or array_like, shape (neurons,)
            In units of the variable; for white noise, times the square root of 1 ms.
        tau : float, optional
            The correlation time, in ms. By default, the noise is white.
        neurons : slice, array_like of int, array_like of bool or int, optional
            Which neurons get it, as in `record`; all by default.

        Returns
        -------
        Noise
            Its `sigma` and `tau` may be set between runs.

        Raises
        ------
        InputError
            If the variable is not an input, or a number is out of range.

        Examples
        --------
        >>> from spikesim import AdEx, Network
        >>> net = Network(dt=0.1, seed=1, backend="python")
        >>> cells = net.add_population("cells", 100, AdEx)
        >>> net.add_noise(cells, "I", sigma=50.0, tau=5.0)
        <Noise of cells.I: sigma 50, tau 5 ms>
        """
        population, neurons = self._chosen(population, neurons)
        added = Noise(population, target, sigma, tau, neurons, len(self.noises))
        population.inject(target, added)
        self.noises.append(added)
        return added

    def injections(self) -> dict[str, Any]:
        """Everything that adds to inputs in every step, by its name in files."""
        return {
            **{f"stimulus {k}": each for k, each in enumerate(self.stimuli)},
            **{f"noise {k}": each for k, each in enumerate(self.noises)},
        }

    def add(self, population: AnyPopulation) -> AnyPopulation:
        """Add a population that was created for this network."""
        population.numbered(len(self.populations))
        self.populations[population.name] = population
        return population

    # ------------------------------------------------------------------------------ checking

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"name is {show(name)}; it has to be letters, digits and '_'.")
        if name in self.populations or name in self.projections:
            raise InputError(f"name is {name!r}, which this network has already; choose another.")

    def _group(self, role: str, given: Any) -> Subgroup:
        """The neurons of a population or of a subgroup, as a subgroup."""
        self._check_own(role, given.population if isinstance(given, Subgroup) else given)
        return given if isinstance(given, Subgroup) else given[:]

    def _chosen(self, given: Any, neurons: Any) -> tuple[Population, Any]:
        """The population, given as a whole or as a subgroup, and which of its neurons are meant."""
        if not isinstance(given, Subgroup):
            self._check_own("population", given)
            return given, neurons
        group = self._group("population", given)
        return group.population, group.ids[check_neurons("neurons", neurons, group.n)]

    def _check_own(self, role: str, population: Any) -> None:
        if isinstance(population, Subgroup):
            raise InputError(
                f"{role} is the subgroup {population.name}; it has to be a whole population."
            )
        if not isinstance(population, Population) or population.network is not self:
            raise InputError(f"{role} has to be a population of this network.")

    def _check_port(self, population: Population, target: str) -> str:
        target = population.present_name(target)
        ports = [v for v in population.state if v not in ("spike", "uniform")]
        check_unknown(f"target variable of {population.name!r}", [target], ports)
        return target
