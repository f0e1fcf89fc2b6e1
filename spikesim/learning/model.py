"""`LayeredModel`: what a layered model brings; and `Dynamics`, one copy of it that runs.

A model says what its parameters are, which arrays a layer has, and in which order bodies act within
a step. Several copies of it are simulated, so that none of them disturbs another: one for learning,
one for tests, one for recordings and one for measures. They share the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.backends import check_backend
from spikesim.checks import check_choice, check_integer
from spikesim.engine.network import Network
from spikesim.engine.population import DoubleExponential, Population
from spikesim.engine.projection import Projection
from spikesim.engine.sources import ImageSource, Trials
from spikesim.errors import InputError
from spikesim.kernels import windows
from spikesim.kernels.machine.program import Phase
from spikesim.learning import particles
from spikesim.learning.layers import Brightness, Layer, Shared, Wired, linked
from spikesim.learning.parameters import ModelParameters
from spikesim.learning.spiking import Cells, Pixels, Thinned, followed
from spikesim.training import LayerArrays, Learner, check_sizes, random_numbers

__all__ = ["MEASURING", "RECORDING", "TEST", "TRAINING", "Dynamics", "LayeredModel", "Simulation"]

TRAINING, TEST, RECORDING, MEASURING = range(4)

Rows = Sequence[tuple[np.ndarray, np.ndarray]]
"""Arrays, and the rows that they have in some trials."""


class LayeredModel(Learner):
    """Layers of units that learn; a model brings the methods of the first part.

    Attributes
    ----------
    KIND : str
        The kind that its files name as their content; by default the name of the class.
    TITLE : str
        The model and its paper, in one line.
    Parameters : type
        Its constants; see `spikesim.learning.parameters`.
    WEIGHTS : tuple of str
        The arrays that learning changes; users see them as ``net.NAME[m]``.
    STREAMS : tuple of str
        The purposes of random numbers; each has its own stream.
    BODIES : dict of callable to callable
        Body → the body with which a subclass replaces it.
    RATES : tuple of str
        The numbers of bodies that a schedule of the learning rate multiplies.
    CARRIES : bool
        Whether a trial passes something on to the next, such as spikes that are under way. A test
        then begins each image from a cleared state.
    SAVED : tuple of str
        Other arrays of layers that outlast a trial.
    PER_EXAMPLE : dict of str to str
        Array with a row for each trial → array with a row for each example, in which `particles`
        keeps the former.
    DRAWN : tuple of str
        Arrays of layers with a row for each trial of a call, shape (block(), ...), that `prepare`
        fills: noise, signs, initial states. Who calls the model may give them instead.
    DT : float
        The step in ms.
    """

    TITLE: ClassVar[str] = ""
    Parameters: ClassVar[type[ModelParameters]] = ModelParameters
    WEIGHTS: tuple[str, ...] = ("W", "b")
    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "order")
    BODIES: ClassVar[Mapping[Callable, Callable]] = {}
    RATES: ClassVar[tuple[str, ...]] = ("rate",)
    CARRIES: ClassVar[bool] = False
    SAVED: ClassVar[tuple[str, ...]] = ()
    PER_EXAMPLE: ClassVar[Mapping[str, str]] = {}
    DRAWN: ClassVar[tuple[str, ...]] = ()
    DT: ClassVar[float] = 1.0

    sizes: tuple[int, ...]
    W: LayerArrays
    b: LayerArrays
    _training: Simulation
    B: LayerArrays

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "KIND" not in vars(cls):
            cls.KIND = cls.__name__

    # ------------------------------------------------------------------- what a model brings

    def weights(self, layers: list[Layer]) -> None:
        """Put what learning changes, and all else that is drawn once, into ``layer.arrays``.

        The network converts these arrays to its own type.
        """
        raise InputError(f"{type(self).__name__} has no method weights(self, layers).")

    def arrays(self, layer: Layer) -> dict[str, Any]:
        """Name → shape of each other array of the layer, which begins at 0; or an array itself."""
        return {}

    def sums(self, layer: Layer) -> dict[str, Any]:
        """The same for arrays that are set to 0 at the start of each trial."""
        return {}

    def phase_sums(self, layer: Layer) -> dict[str, Any]:
        """The same for arrays that are set to 0 at the start of each phase of a trial."""
        return {}

    def neuron(self, layer: Layer, net: Simulation) -> Cells | Pixels | None:
        """The neurons or pixels of a layer that spikes; None if the step computes its units."""
        return None

    def connect(self, net: Simulation) -> None:
        """Connect layers that spike, with ``net.connect``."""

    def step(self, net: Simulation) -> Iterable[Wired | Phase]:
        """The Phases of a step, in order; they come after the neurons of layers that spike."""
        raise InputError(f"{type(self).__name__} has no method step(self, net).")

    def results(self) -> dict[str, int | tuple[int, ...]]:
        """What a trial leaves behind besides its answer: name → a number of values, or a shape."""
        return {"loss": 1}

    def lengths(self, n: int, purpose: int) -> np.ndarray:
        """Steps of the two phases of `n` trials, shape (n, 2)."""
        return np.tile(np.array([1, 0], np.int64), (n, 1))

    def shortest(self) -> tuple[int, int]:
        """The fewest steps that the two phases of a trial for learning may have."""
        first, second = self.lengths(1, TRAINING)[0]
        return int(first), int(second)

    def per_trial(self, net: Simulation, n: int) -> Rows:
        """Arrays from which each trial reads its own row, and their rows for `n` trials."""
        return []

    def prepare(self, net: Simulation, trial: int, count: int) -> None:
        """Draw what `count` trials need; the first is number `trial` since the start.

        ``net.shared.arrays["example"][:count]`` are the numbers of their examples.
        """

    def finished(self, net: Simulation, count: int) -> None:
        """Keep what `count` trials have left in the layers, before others follow."""

    def block(self) -> int:
        """Trials per compiled call."""
        return 500

    def units(self) -> tuple[int, ...]:
        """Units of all layers, the input included."""
        return self.sizes

    def source(self, layer: Layer) -> Layer:
        """The layer from which the feedback onto a hidden layer comes."""
        return layer.above

    def feedback_weights(self, layer: Layer) -> np.ndarray | None:
        """The feedback weights onto a hidden layer, [pre, post]; users see them as ``net.B[m]``.

        By default they are its array B. A model that has another name for them returns a view.
        """
        return layer.arrays.get("B")

    # ------------------------------------------------------------------- what it gets

    @property
    def training(self) -> Simulation:
        """The copy of the dynamics that learns: its `layers`, and its `network` to record from.

        Examples
        --------
        >>> from spikesim.models.segregated import SegregatedDendriteNetwork
        >>> net = SegregatedDendriteNetwork((4, 3, 2), backend="python")
        >>> network = net.training.network
        >>> spikes = network.record_spikes(network.populations["hidden_1"])
        >>> history = net.fit(np.ones((2, 4)), [0, 1])
        >>> spikes.t.size > 0  # while it learned
        True
        """
        return self._training

    def __init__(
        self,
        sizes: Sequence[int] = (784, 500, 10),
        *,
        seed: int = 0,
        dtype: str = "float32",
        backend: str = "cpu",
        **parameters: Any,
    ):
        self.sizes = check_sizes(sizes)
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self.backend = check_backend(backend)
        layers = len(self.sizes) - 1
        self.parameters = self._checked(layers, parameters)
        blank = linked(self.units(), Shared(self.parameters))
        self.weights(blank)
        for layer in blank:
            for name, array in layer.arrays.items():
                if not isinstance(array, np.ndarray):
                    raise InputError(
                        f"weights of {type(self).__name__} gives {layer.name} a "
                        f"{type(array).__name__} as {name!r}; it has to be a NumPy array."
                    )
            layer.arrays.update({k: a.astype(self.dtype) for k, a in layer.arrays.items()})
        self._weights = [layer.arrays for layer in blank]
        for name in self.WEIGHTS:
            arrays = [each[name] for each in self._weights if name in each]
            setattr(self, name, LayerArrays(name, arrays))
        feedback = [B for each in blank if (B := self.feedback_weights(each)) is not None]
        if feedback and "B" not in self.WEIGHTS:
            self.B = LayerArrays("B", feedback)
        self.notes = {}

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"<{type(self).__name__} {sizes}, seed {self.seed}>"

    def _checked(self, layers: int, given: dict[str, Any]) -> ModelParameters:
        """The parameters of a network with this number of layers after the input."""
        return self.Parameters.checked(layers, given, self.dtype)

    def chance(self, purpose: str, *more: int) -> np.random.Generator:
        """Random numbers for one purpose; every call returns the same ones.

        Parameters
        ----------
        purpose : str
            One of `STREAMS`.
        *more : int
            Anything else that they depend on, such as the number of the trial.
        """
        check_choice("purpose", purpose, list(self.STREAMS))
        return random_numbers(self.seed, self.STREAMS.index(purpose), *more)

    def _saved_weights(self) -> dict[str, dict[str, np.ndarray]]:
        """Name → place among the arrays of that name → array."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for arrays in self._weights:
            for name, array in arrays.items():
                of_name = found.setdefault(name, {})
                of_name[str(len(of_name))] = array
        return found


class Dynamics:
    """One copy of a model's dynamics, with the model's weights; a subclass brings the clock.

    Attributes
    ----------
    layers, above_input, hidden : list of Layer
        All layers; all but the input; the layers between input and output.
    input, output : Layer
    p : ModelParameters
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    learning : bool
        Whether changes of weights are computed: for training, and for measures.
    applies : bool
        Whether these changes are applied: for training only.
    network : Network
    moments : dict of str to numpy.ndarray
        What optimisers keep from one update to the next.
    carried : dict of str to object with arrays()
        What a trial passes on to the next, apart from populations.
    """

    def __init__(self, model: Any, purpose: int, network: Network):
        self.model, self.purpose, self.p = model, purpose, model.parameters
        self.learning = purpose in (TRAINING, MEASURING)
        self.applies = purpose == TRAINING
        self.network = network
        bodies: dict[Callable, Callable] = {}
        for kind in reversed(type(model).__mro__):
            bodies.update(vars(kind).get("BODIES", {}))
        self.shared = Shared(model.parameters, bodies)
        self.moments: dict[str, np.ndarray] = {}
        self.carried: dict[str, Any] = {}
        self.wired: list[Wired] = []
        self._phases: list[Phase] = []

    def _lay_out(self) -> None:
        """Make the layers, with the model's weights and arrays."""
        self.layers = linked(self.model.units(), self.shared)
        self.input, *self.above_input = self.layers
        *self.hidden, self.output = self.above_input
        for layer, weights in zip(self.layers, self.model._weights, strict=True):
            layer.arrays.update(weights)
        for layer in self.layers:
            for name, shape in _shapes(self.model, "arrays", layer).items():
                given = isinstance(shape, np.ndarray)
                layer.arrays[name] = shape if given else np.zeros(shape, self.model.dtype)

    def _wire(self, each: Wired) -> None:
        self.wired.append(each._replace(phase=self._add(each.phase)))

    def _add(self, phase: Phase, first: bool = False) -> Phase:
        added = self.network.add_phase(
            phase.body,
            phase.over,
            state=phase.state,
            params=phase.params,
            first=first,
            inputs=phase.inputs,
            dtype=phase.dtype,
        )
        self._phases.append(added)
        return added

    def _populate(self, layer: Layer, kind: Cells | Pixels | None) -> None:
        """Add the population of a layer that spikes; its variables are arrays of the layer."""
        net = self.network
        if isinstance(kind, Cells):
            neuron, last, seen = kind.placed(layer, self.shared.bodies)
            population = net.add(
                Population(net, layer.name, layer.n, neuron, {})
                if kind.at_most is None
                else Thinned(net, layer.name, layer.n, neuron, last)
            )
            population.shared.update(seen)
            layer.arrays.update(population.state)

    def has_a_body_for(self, *names: str) -> bool:
        """Whether a body of the step sees one of these arrays, which all layers share."""
        seen = {id(array) for phase in self._phases for array in phase.state.values()}
        return any(id(self.shared.arrays[name]) in seen for name in names)

    def explained(self) -> str:
        """All bodies in the order of a step: their layer, their indices, what their names mean."""
        names = {id(a): f"{name}" for name, a in self.shared.arrays.items()}
        for layer in self.layers:
            names.update((id(a), f"{layer.name}.{name}") for name, a in layer.arrays.items())
        lines = []
        for wired in self.wired:
            body, state, params = wired.phase.body, wired.phase.state, wired.phase.params
            when = " and ".join(each.__name__ for each in wired.when)
            lines.append(
                f"{body.__module__.rpartition('.')[2]}.{body.__name__} at {wired.layer.name}, "
                f"{wired.each}{f', {when}' if when else ''}"
            )
            for name, array in state.items():
                lines.append(f"    s.{name:16} {names.get(id(array), 'given'):24} {array.shape}")
            for name, value in params.items():
                if name not in ("many", "parts"):
                    lines.append(f"    p.{name:16} {_shown(value)}")
        return "\n".join(lines)


class Simulation(Dynamics):
    """A copy of the dynamics that runs in trials: one example each, in one or two phases."""

    def __init__(self, model: LayeredModel, purpose: int, capacity: int):
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
            for name, shape in _shapes(self.model, method, layer).items()
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
        """Let the next trials show examples of these images, labels and targets."""
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
        """Run a trial for each of some examples, in batches; the first is number `first`.

        Arrays that are `given` with their rows take the place of what the model draws.
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
        """Prepare what `run` runs, and return how many steps that takes."""
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
        """Multiply the learning rates that the parameters give; `only` those of one name."""
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
        """Continue from what `arrays` of such a simulation returned."""
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


def _steps(model: LayeredModel, net: Simulation) -> list[Wired | Phase]:
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


def _shapes(model: LayeredModel, method: str, layer: Layer) -> Mapping[str, Any]:
    """Name → shape of a layer's arrays, from a method of the model."""
    found, whose = getattr(model, method)(layer), f"{method} of {type(model).__name__}"
    if not isinstance(found, Mapping):
        raise InputError(f"{whose} returns {found!r}; it has to return a dict of name and shape.")
    for name, shape in found.items():
        sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
        whole = all(isinstance(size, (int, np.integer)) and size >= 0 for size in sizes)
        if not (whole or isinstance(shape, np.ndarray)):
            raise InputError(
                f"{whose} gives {name!r} the shape {shape!r}; it has to be a whole number, a tuple "
                "of them, or an array."
            )
    return found


def _shown(value: Any) -> str:
    return "nan" if isinstance(value, float) and math.isnan(value) else f"{value:g}"
