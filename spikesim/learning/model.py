"""`LayeredModel`: what a layered model brings, and `Simulation`, one copy of its dynamics.

A model says what its parameters are, which arrays a layer has, and in which order bodies act within
a step. It is simulated in several copies, which share the weights: one to learn, one to be tested,
one to be recorded from and one to be measured, so that none of them disturbs another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim import Network
from spikesim.backends import check_backend
from spikesim.errors import check_choice, check_integer
from spikesim.learning.layers import Layer, Shared, Wired, linked
from spikesim.learning.parameters import ModelParameters
from spikesim.sources import Trials
from spikesim.training import LayerArrays, Learner, check_sizes, random_numbers

__all__ = ["MEASURING", "RECORDING", "TEST", "TRAINING", "LayeredModel", "Simulation"]

TRAINING, TEST, RECORDING, MEASURING = range(4)


class LayeredModel(Learner):
    """Layers of units that learn; a model brings the methods of the first part.

    Attributes
    ----------
    KIND : str
        What its files are called inside; of a class without one of its own, the name of the class.
    TITLE : str
        The model and its paper, in a line.
    Parameters : type
        Its constants; see `spikesim.learning.parameters`.
    WEIGHTS : tuple of str
        The arrays that learning changes, which users see as ``net.NAME[m]``.
    STREAMS : tuple of str
        What random numbers are drawn for; each purpose has a stream of its own.
    BODIES : dict of callable to callable
        Bodies that a subclass puts in the place of others.
    RATES : tuple of str
        Numbers of bodies that a schedule of the learning rate multiplies.
    CARRIES : bool
        Whether a trial passes something on to the next, as spikes that are under way.
    DT : float
        The step in ms.
    """

    TITLE: ClassVar[str] = ""
    Parameters: ClassVar[type[ModelParameters]] = ModelParameters
    WEIGHTS = ("W", "b")
    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "order")
    BODIES: ClassVar[Mapping[Callable, Callable]] = {}
    RATES: ClassVar[tuple[str, ...]] = ("rate",)
    CARRIES: ClassVar[bool] = False
    DT: ClassVar[float] = 1.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "KIND" not in vars(cls):
            cls.KIND = cls.__name__

    # ------------------------------------------------------------------- what a model brings

    def weights(self, layers: list[Layer]) -> None:
        """Put what learning changes, and all else that is drawn once, into ``layer.arrays``.

        They take the type of the network.
        """
        raise NotImplementedError

    def arrays(self, layer: Layer) -> dict[str, Any]:
        """Name → shape of the layer's other arrays, which begin with zeros."""
        return {}

    def step(self, net: Simulation) -> Iterable[Wired]:
        """The Phases of a step, in their order."""
        raise NotImplementedError

    def results(self) -> dict[str, int]:
        """What a trial leaves behind besides its answer: name → how many numbers."""
        return {"loss": 1}

    def lengths(self, n: int, purpose: int) -> np.ndarray:
        """Steps of the two phases of `n` trials, shape (n, 2)."""
        return np.tile(np.array([1, 0], np.int64), (n, 1))

    def prepare(self, net: Simulation, trial: int, count: int) -> None:
        """Draw what `count` trials need, the first of which is number `trial` since the start."""

    def block(self) -> int:
        """Trials per compiled call."""
        return 500

    def units(self) -> tuple[int, ...]:
        """Units of all layers, the input included."""
        return self.sizes

    def source(self, layer: Layer) -> Layer:
        """Where the feedback onto a hidden layer comes from."""
        return layer.above

    # ------------------------------------------------------------------- what it gets

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
        self.parameters = self.Parameters.checked(layers, parameters, self.dtype)
        blank = linked(self.units(), Shared(self.parameters))
        self.weights(blank)
        for layer in blank:
            layer.arrays.update({k: a.astype(self.dtype) for k, a in layer.arrays.items()})
        self._weights = [layer.arrays for layer in blank]
        for name in self.WEIGHTS:
            arrays = [each[name] for each in self._weights if name in each]
            setattr(self, name, LayerArrays(name, arrays))
        self.notes = {}

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"<{type(self).__name__} {sizes}, seed {self.seed}>"

    def chance(self, purpose: str, *more: int) -> np.random.Generator:
        """Random numbers for one purpose, the same whenever they are asked for.

        Parameters
        ----------
        purpose : str
            One of `STREAMS`.
        *more : int
            What else they depend on, such as the number of the trial.
        """
        check_choice("purpose", purpose, list(self.STREAMS))
        return random_numbers(self.seed, self.STREAMS.index(purpose), *more)

    def _simulation(self, purpose: int) -> Simulation:
        return Simulation(self, purpose, self.block() if purpose != RECORDING else 1)

    def _saved_weights(self) -> dict[str, dict[str, np.ndarray]]:
        """Name → place among those of the name → array."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for arrays in self._weights:
            for name, array in arrays.items():
                of_name = found.setdefault(name, {})
                of_name[str(len(of_name))] = array
        return found


class Simulation:
    """One copy of a model's dynamics, with the model's weights.

    Attributes
    ----------
    layers, above_input, hidden : list of Layer
        All layers; all but the input; those between input and output.
    input, output : Layer
    p : ModelParameters
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    learning : bool
        Whether learning is computed: for training, where it is applied, and for measures.
    network : Network
    moments : dict of str to numpy.ndarray
        What optimisers keep from one update to the next.
    """

    def __init__(self, model: LayeredModel, purpose: int, capacity: int):
        self.model, self.purpose, self.p = model, purpose, model.parameters
        self.learning = purpose in (TRAINING, MEASURING)
        self.applies = purpose == TRAINING
        seed = int(np.random.SeedSequence([model.seed, purpose]).generate_state(1, np.uint64)[0])
        self.network = Network(dt=model.DT, seed=seed, dtype=model.dtype, backend=model.backend)
        self.trials = Trials(capacity)
        bodies: dict[Callable, Callable] = {}
        for kind in reversed(type(model).__mro__):
            bodies.update(vars(kind).get("BODIES", {}))
        self.shared = Shared(model.parameters, bodies)
        self.shared.arrays.update(
            clock=self.trials.clock,
            example=self.trials.example,
            image=np.zeros((1, model.sizes[0]), np.uint8),
            label=np.zeros(1, np.int64),
            wanted=np.zeros((1, model.sizes[-1]), model.dtype),
            answer=np.zeros(capacity, np.int64),
            begins=np.zeros(capacity, np.int64),
            ends=np.zeros(capacity, np.int64),
            begun=np.zeros(1, np.int64),
        )
        self.shared.numbers["scale"] = 1.0
        self.shared.inputs = {"image", "label", "wanted"}
        for name, many in model.results().items():
            shape = (capacity, many) if many != 1 or name == "cosine" else (capacity,)
            self.shared.arrays[name] = np.zeros(shape, model.dtype)
        self.moments: dict[str, np.ndarray] = {}
        self.layers = linked(model.units(), self.shared)
        self.input, *self.above_input = self.layers
        *self.hidden, self.output = self.above_input
        for layer, weights in zip(self.layers, model._weights, strict=True):
            layer.arrays.update(weights)
            for name, shape in model.arrays(layer).items():
                layer.arrays[name] = np.zeros(shape, model.dtype)
        self.wired: list[Wired] = []
        tick = self.trials.phase()
        self.network.add_phase(
            tick.body, tick.over, state=tick.state, params=tick.params, first=True
        )
        for wired in model.step(self):
            phase = wired.phase
            added = self.network.add_phase(
                phase.body, phase.over, state=phase.state, params=phase.params, inputs=phase.inputs
            )
            self.wired.append(wired._replace(phase=added))
        self._rates = [
            (each.phase.params, name, each.phase.params[name])
            for each in self.wired
            for name in model.RATES
            if name in each.phase.params
        ]

    # ------------------------------------------------------------------- running

    def show(self, images: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> None:
        """Let the next trials show examples of these images, labels and targets."""
        new = {"image": images, "label": labels, "wanted": wanted}
        if all(self.shared.arrays[name] is array for name, array in new.items()):
            return
        self.shared.arrays.update(new)
        scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
        for wired in self.wired:
            state, params = wired.phase.state, wired.phase.params
            state.update((name, array) for name, array in new.items() if name in state)
            if "scale" in params:
                params["scale"] = scale
        self.network.changed()

    def run(self, example: np.ndarray, lengths: np.ndarray, first: int, batch: int = 1) -> None:
        """Run a trial for each of some examples, in batches; `first` is the number of the first."""
        count = len(example)
        place = np.arange(count) % batch
        begins, ends = self.shared.arrays["begins"], self.shared.arrays["ends"]
        begins[:count] = place == 0
        ends[:count] = np.where(
            (place == batch - 1) | (np.arange(count) == count - 1), place + 1, 0
        )
        self.shared.arrays["begun"][0] = first
        self.model.prepare(self, first, count)
        self.network.run_steps(self.trials.schedule(example, lengths))

    def scale_rates(self, factor: float) -> None:
        """Multiply the learning rates that the parameters give."""
        for params, name, rate in self._rates:
            params[name] = rate * factor

    def result(self, name: str, count: int) -> np.ndarray:
        """What the last `count` trials left behind."""
        return self.shared.arrays[name][:count]

    # ------------------------------------------------------------------- looking at it

    def explained(self) -> str:
        """Every body in the order of a step: at which layer, for what, and what its names mean."""
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


def _shown(value: Any) -> str:
    return "nan" if isinstance(value, float) and math.isnan(value) else f"{value:g}"
