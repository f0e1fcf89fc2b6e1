"""`Simulation`: a copy of a layered model that runs in trials, one example each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from spikesim.engine.filters import DoubleExponential
from spikesim.engine.network import Network
from spikesim.engine.projection import Projection
from spikesim.engine.sources import ImageSource, Trials
from spikesim.errors import InputError
from spikesim.kernels import windows
from spikesim.kernels.machine.program import Phase
from spikesim.learning import particles
from spikesim.learning.dynamics import Dynamics
from spikesim.learning.layers import Brightness, Layer, Wired
from spikesim.learning.spiking import Cells, Pixels, followed

__all__ = ["Rows", "Simulation"]

Rows = Sequence[tuple[np.ndarray, np.ndarray]]
"""Arrays, and the rows that they have in some trials."""


class Simulation(Dynamics):
    """A copy of the dynamics that runs in trials: one example each, in one or two phases.

    Parameters
    ----------
    model : LayeredModel
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    capacity : int
        The most trials of a call.

    Examples
    --------
    >>> from spikesim.learning.model import TEST
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> model = FeedbackAlignment((4, 3, 2), backend="python")
    >>> net = Simulation(model, TEST, capacity=1)
    >>> net.show(np.ones((1, 4), "f4"), np.zeros(1, np.int64), np.zeros((1, 2), "f4"))
    >>> net.run(np.zeros(1, np.int64), model.lengths(1, TEST), first=0)
    >>> net.result("answer", 1) == model.predict(np.ones(4))
    array([ True])
    """

    def __init__(self, model: Any, purpose: int, capacity: int):
        seed = int(np.random.SeedSequence([model.seed, purpose]).generate_state(1, np.uint64)[0])
        net = Network(dt=model.DT, seed=seed, dtype=model.dtype, backend=model.backend)
        super().__init__(model, purpose, net)
        self.trials = Trials(capacity)
        self.shared.arrays.update(
            clock=self.trials.clock,
            length=self.trials.length,
            example=self.trials.example,
            image=np.zeros((1, model.sizes[0]), np.uint8),
            label=np.zeros(1, np.int64),
            wanted=np.zeros((1, model.sizes[-1]), model.dtype),
            answer=np.zeros(capacity, np.int64),
            begins=np.zeros(capacity, np.int64),
            ends=np.zeros(capacity, np.int64),
            begun=np.zeros(1, np.int64),
        )
        self.shared.numbers["scale"] = Brightness(1.0)
        self.shared.inputs = {"image", "label", "wanted"}
        for name, many in model.results().items():
            alone = many == 1 and name != "cosine"
            shape = many if isinstance(many, tuple) else () if alone else (many,)
            self.shared.arrays[name] = np.zeros((capacity, *shape), model.dtype)
        self._lay_out()
        first = [self.trials.phase()]
        for method, when in (
            ("sums", windows.at_start_of_trial),
            ("phase_sums", windows.at_start_of_phase),
        ):
            first += self._cleared(method, when)
        self._pixels: list[tuple[ImageSource, float]] = []
        self._transposed: list[Phase] = []
        for layer in self.layers:
            self._populate(layer, model.neuron(layer, self))
        model.connect(self)
        first += self._transposed
        first += followed(list(self.network.projections.values()), self.trials.clock)
        for layer in self.layers:
            if layer.name in self.network.populations:
                layer.arrays.update(self.network.populations[layer.name].spike_list())
        for phase in first:
            self._add(phase, first=True)
        for each in _steps(model, self):
            if isinstance(each, Wired):
                self._wire(each)
            else:
                self._add(each)
        numbers: list[Any] = [each.phase.params for each in self.wired]
        numbers += [each.params for each in self.network.populations.values()]
        self._brightness = [
            (params, name, value)
            for params in numbers
            for name, value in params.items()
            if isinstance(value, Brightness)
        ]
        self._rates = [
            (each.phase.params, name, each.phase.params[name])
            for each in self.wired
            for name in model.RATES
            if name in each.phase.params
        ]

    # ------------------------------------------------------------------- building

    def _cleared(self, method: str, when: Callable) -> list[Phase]:
        """Cut arrays from a single one, so that a single Phase can set all of them to zero."""
        wanted = [
            (layer, name, np.atleast_1d(shape))
            for layer in self.layers
            for name, shape in self._shapes(method, layer).items()
        ]
        pool = np.zeros(sum(int(np.prod(shape)) for *_, shape in wanted), self.network.dtype)
        used = 0
        for layer, name, shape in wanted:
            size = int(np.prod(shape))
            layer.arrays[name] = pool[used : used + size].reshape(shape)
            used += size
        cleared = self.output.phase(windows.clear, when=when, many=used, sums=pool).phase
        return [cleared] if used else []

    def _populate(self, layer: Layer, kind: Cells | Pixels | None) -> None:
        if isinstance(kind, Pixels):
            source = ImageSource(self.network, layer.name, layer.n, self.trials, 0.0)
            self._pixels.append((source, kind.rate))
            layer.arrays.update(self.network.add(source).state)
        else:
            super()._populate(layer, kind)

    def connect(
        self,
        pre: Layer,
        post: Layer,
        target: str,
        W: np.ndarray,
        *,
        kernel: DoubleExponential,
        delay: float,
        offset: np.ndarray | None = None,
        transposed: bool = False,
    ) -> Projection:
        """Let spikes of a layer add their weights to the potentials of another layer.

        Weights that a trial has changed take effect with the next trial. They then also apply to
        what earlier spikes still contribute.

        Parameters
        ----------
        pre, post : Layer
        target : str
            The variable that holds the potentials.
        W : numpy.ndarray, shape (pre.n, post.n)
            An array of a layer, not a copy; of shape (post.n, pre.n) if `transposed`.
        kernel : DoubleExponential
        delay : float
            In ms; 0 is possible if `post` is the later layer.
        offset : numpy.ndarray, optional
            An array of a layer; it is added to the potentials.
        """
        populations = self.network.populations
        projection = self.network.connect(
            populations[pre.name],
            populations[post.name],
            target=target,
            weight=0.0,
            delay=delay,
            kernel=kernel,
        )
        if transposed:
            at_start = windows.at_start_of_trial
            turned = post.phase(windows.transpose, when=at_start, M=W, M_T=projection.W)
            self._transposed.append(turned.phase)
        else:
            projection._share(W)
        if offset is not None:
            populations[post.name].filters[target].offset = offset
        return projection

    # ------------------------------------------------------------------- running

    def show(self, images: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> None:
        """Let the next trials show examples of these images, labels and targets, ``wanted``."""
        new = {"image": images, "label": labels, "wanted": wanted}
        if all(self.shared.arrays[name] is array for name, array in new.items()):
            return
        self.shared.arrays.update(new)
        white = 255.0 if images.dtype == np.uint8 else 1.0
        for wired in self.wired:
            state = wired.phase.state
            state.update((name, array) for name, array in new.items() if name in state)
        for params, name, brightness in self._brightness:
            params[name] = float(brightness) / white
        for source, rate in self._pixels:
            source._show(images, rate / white)
        for population in self.network.populations.values():
            for name in population.shared.keys() & new.keys():
                population.shared[name] = new[name]

    def run(
        self,
        example: np.ndarray,
        lengths: np.ndarray,
        first: int,
        batch: int = 1,
        given: Rows = (),
    ) -> None:
        """Run a trial for each of some examples; the first is number `first` since the start.

        Parameters
        ----------
        example : numpy.ndarray of int, shape (trials,)
            Their numbers among those that `show` was given.
        lengths : numpy.ndarray of int, shape (trials, 2)
            Steps of the phases of each trial.
        first : int
        batch : int
            How many trials an update has.
        given : sequence of pairs of numpy.ndarray
            Arrays, and rows of them that take the place of what the model draws.
        """
        self.network.run_steps(self.begin(example, lengths, first, batch, given))
        particles.keep(self, example)
        self.model.finished(self, len(example))

    def begin(
        self,
        example: np.ndarray,
        lengths: np.ndarray,
        first: int,
        batch: int = 1,
        given: Rows = (),
    ) -> int:
        """Prepare what `run` runs, with the same arguments, and return how many steps that takes.

        Parameters
        ----------
        example, lengths, first, batch, given
            As in `run`.
        """
        count = len(example)
        place = np.arange(count) % batch
        begins, ends = self.shared.arrays["begins"], self.shared.arrays["ends"]
        begins[:count] = place == 0
        ends[:count] = np.where(
            (place == batch - 1) | (np.arange(count) == count - 1), place + 1, 0
        )
        self.shared.arrays["begun"][0] = first
        steps = self.trials.schedule(example, lengths)
        particles.start(self, example)
        self.model.prepare(self, first, count)
        for array, rows in given:
            array[:count] = rows
        return steps

    def scale_rates(self, factor: float, only: str | None = None) -> None:
        """Multiply the learning rates of the parameters by a `factor`; `only` those of one name."""
        if factor != 1.0 and not self._rates:
            names = " or ".join(f"p.{name}" for name in self.model.RATES)
            raise InputError(
                f"A schedule changes nothing of {type(self.model).__name__}: none of its bodies "
                f"reads {names}. RATES of the class names the numbers that a schedule multiplies."
            )
        for params, name, rate in self._rates:
            if only is None or name == only:
                params[name] = rate * factor

    def result(self, name: str, count: int) -> np.ndarray:
        """What the last `count` trials left behind."""
        return self.shared.arrays[name][:count]

    # ------------------------------------------------------------------- what is passed on

    def arrays(self) -> dict[str, np.ndarray]:
        """What a trial passes on to the next: name → array."""
        parts = {**self.network.populations, **self.carried}
        found = {
            f"{name}.{key}": array
            for name, part in parts.items()
            for key, array in part.arrays().items()
        }
        for layer in self.layers:
            for name in (*self.model.SAVED, *self.model.PER_EXAMPLE.values()):
                if name in layer.arrays:
                    found[f"{layer.name}.{name}"] = layer.arrays[name]
        return found

    def take_over(self, saved: Mapping[str, np.ndarray]) -> None:
        """Continue from what `arrays` of such a simulation returned, ``saved``."""
        for name, population in self.network.populations.items():
            population.check_saved({key: saved[f"{name}.{key}"] for key in population.arrays()})
        for layer, name in particles.kept_by(self):
            particles.make_room(layer, name, len(saved[f"{layer.name}.{name}"]))
        for name, array in self.arrays().items():
            array[...] = saved[name]

    def clear(self) -> None:
        """Forget all that a trial passes on, as before the first trial."""
        for array in self.arrays().values():
            array.fill(0)


def _steps(model: Any, net: Simulation) -> list[Wired | Phase]:
    """What the step of a model yields, or an `InputError` if that cannot run."""
    whose, found = f"step of {type(model).__name__}", model.step(net)
    if not isinstance(found, Iterable):
        raise InputError(f"{whose} returns {found!r}; it has to yield what layer.phase returns.")
    steps = list(found)
    for each in steps:
        if not isinstance(each, (Wired, Phase)):
            what = getattr(each, "__name__", repr(each))
            raise InputError(f"{whose} yields {what}; it has to yield layer.phase(body).")
    if not steps:
        raise InputError(f"{whose} yields nothing; it has to yield layer.phase(body) of bodies.")
    return steps
