"""`LayeredModel`: what a layered model brings, and what it gets.

A model says what its parameters are, which arrays a layer has, and in which order bodies act within
a step. Its copies that run, `Dynamics` and `Simulation`, share its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.backends import check_backend
from spikesim.checks import check_choice, check_integer
from spikesim.errors import InputError
from spikesim.kernels.machine.program import Phase
from spikesim.learning.dynamics import MEASURING, RECORDING, TEST, TRAINING, Dynamics
from spikesim.learning.layers import Layer, Shared, Wired, linked
from spikesim.learning.parameters import ModelParameters
from spikesim.learning.simulation import Rows, Simulation
from spikesim.learning.spiking import Cells, Pixels
from spikesim.training import LayerArrays, Learner, check_sizes, random_numbers

__all__ = ["MEASURING", "RECORDING", "TEST", "TRAINING", "Dynamics", "LayeredModel", "Simulation"]


class LayeredModel(Learner):
    """Layers of units that learn; a model brings the methods of the first part.

    Methods get ``layer``, a `Layer`, and ``net``, the `Simulation` for which they act, whose
    ``purpose`` is one of TRAINING, TEST, RECORDING and MEASURING. Those that yield what
    `Layer.phase` returns may get ``when``: the steps in which bodies act.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the input to the output.
    seed : int
        All random draws depend on it.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'threads', 'python', 'cuda'}
    **parameters
        Constants and options that differ from the defaults, by name.

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

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), seed=1, eta=0.1, backend="python")
    >>> [layer.name for layer in net.training.layers], net.parameters.eta
    (['input', 'hidden_1', 'output'], (0.1, 0.1))
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
