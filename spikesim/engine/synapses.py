"""Synapses: which neurons they connect, with which weights and delays.

They are drawn by rules, with the random numbers of one stream, or given as a matrix. They are
stored either as a weight for all pairs, in `W`, or as one row of synapses for each presynaptic
neuron.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from spikesim.attributes import read_only
from spikesim.checks import allocate, check_array, check_choice, check_number, show
from spikesim.copying import Part
from spikesim.engine.connectivity import Synapses as Rows
from spikesim.engine.connectivity import all_to_all, from_matrix, generator, plan, target_type
from spikesim.engine.items import SharedWeight
from spikesim.engine.many_synapses import at_once
from spikesim.engine.setting import Setting
from spikesim.errors import InputError
from spikesim.kernels.machine.program import SHARED
from spikesim.kernels.machine.states import State
from spikesim.spread import Draw

__all__ = ["Synapses", "varies"]

_WEIGHTS, _DELAYS = 1 << 32, 1 << 33  # the first of the streams of random numbers
_FIXED = "connect makes other synapses"
_EACH = (1 << 62) - 1  # a mask that leaves every place as it is
PIECE = 1 << 18  # weights or delays drawn in one call
_LATEST = (1 << 16) - 1  # steps of delay that fit in two bytes


class Divided(NamedTuple):
    """What a rank that stores only its own synapses knows of those of all ranks.

    Attributes
    ----------
    number : int
        How many synapses there are.
    first : numpy.ndarray of int64, shape (pre,)
        The number, among all synapses, of the first one of each row that is stored here.
    latest : int
        The longest delay of a synapse, in steps beyond the shortest.
    """

    number: int
    first: np.ndarray
    latest: int


class Synapses(Part):
    """Synapses from a number of neurons to a number of others; a `Projection` is one of these.

    Parameters
    ----------
    setting : Setting
    name : str
        The name, for messages.
    shape : tuple of int
        The number of neurons on each side.
    is_recurrent : bool
        Whether both sides are the same neurons.
    within : tuple of numpy.ndarray of int, optional
        The neurons on each side between which there are synapses; by default, all.
    """

    def __init__(
        self,
        setting: Setting,
        name: str,
        shape: tuple[int, int],
        is_recurrent: bool = False,
        within: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        self.name = name
        self.shape = shape
        self.is_recurrent = is_recurrent
        self._within = within
        self._is_matrix = False  # whether it holds weights for all pairs of those
        self._setting = setting
        self._weights: dict[str, np.ndarray] = {}  # "W" or "weight"; other arrays may replace them
        self._delivering: dict[str, Any] = {"delay": 1, "parts": SHARED, "each": 0}
        self._start: np.ndarray = np.zeros(0, np.int64)
        self._target: np.ndarray = np.zeros(0, np.uint16)
        self._later: np.ndarray | None = None
        self._by_target: dict[str, np.ndarray] = {}
        self._checksum: int | None = None
        self._divided: Divided | None = None

    @property
    def weights(self) -> State:
        """The weights by name, 'W' or 'weight', for a Phase that finds the present array."""
        return State(self._weights)

    def exchanged(self) -> list[dict[str, np.ndarray]]:
        return [self._weights]

    @property
    def W(self) -> np.ndarray | None:
        return self._weights.get("W")

    @W.setter
    def W(self, values: Any) -> None:
        if self.W is None:
            raise InputError(f"W cannot be set: {self.name!r} is sparse; it has weight instead.")
        own = self.W
        values = check_array("W", values, shape=own.shape, dtype=own.dtype)
        own[...] = self.bounded("W", values)

    def _share(self, W: np.ndarray) -> None:
        """Take this array itself as `W`: another owner continues to write to it."""
        self._weights["W"] = W

    @property
    def weight(self) -> np.ndarray:
        if self.W is None:
            own = self._weights["weight"]
            if own.size == 1 < self.size:
                known = {"_name": self.name, "_synapses": self.size, "_bounded": self.bounded}
                return SharedWeight.of(own, lambda: own, **known)
            return own
        flat = self.W.reshape(-1)
        return flat if np.shares_memory(flat, self.W) else read_only(flat)

    @weight.setter
    def weight(self, values: Any) -> None:
        values = check_array("weight", values, dtype=self.weight.dtype)
        if values.shape not in ((1,), (self.size,)):
            raise InputError(
                f"weight has shape {values.shape}; it has to be a number, or ({self.size},), "
                "one for each synapse."
            )
        if self.W is not None:
            self.W[...] = self.bounded("weight", np.resize(values, self.shape))
            return
        own = self._weights["weight"]
        if values.size > own.size:
            self._set_weight(self.bounded("weight", values))
        else:
            own[...] = self.bounded("weight", values)

    @property
    def _has_each(self) -> bool:
        """Whether each synapse has a weight of its own, and not all one."""
        return bool(self._delivering["each"] == _EACH)

    def _set_weight(self, weight: np.ndarray) -> None:
        """Replace the array of weights of sparse synapses."""
        self._weights["weight"] = weight
        self._delivering["each"] = _EACH if weight.size == self._target.size else 0

    def bounded(self, name: str, values: np.ndarray) -> np.ndarray:
        """Check weights that a user sets; a subclass may refuse some."""
        return values

    @property
    def start(self) -> np.ndarray:
        return read_only(self.rows()["start"], _FIXED)

    @property
    def target(self) -> np.ndarray:
        return read_only(self.rows()["target"], _FIXED)

    @property
    def later(self) -> np.ndarray | None:
        return None if self._later is None else read_only(self._later, _FIXED)

    @property
    def delay_steps(self) -> int:
        return self._delivering["delay"]

    def rows(self) -> dict[str, np.ndarray]:
        """`start` and `target`, as part of a Phase's state; its body must not write to them."""
        if self.W is not None and not self._start.size:
            self._keep(all_to_all(self.W.shape))
        return {"start": self._start, "target": self._target}

    @property
    def size(self) -> int:
        """The number of synapses."""
        return self._target.size if self.W is None else self.W.size

    @property
    def source(self) -> np.ndarray:
        """The presynaptic neuron of each synapse."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.start))

    @property
    def nbytes(self) -> int:
        """The memory that the synapses take, in bytes."""
        if self.W is not None:
            return self.W.nbytes
        later = 0 if self._later is None else self._later.nbytes
        return self._start.nbytes + self._target.nbytes + self._weights["weight"].nbytes + later

    @property
    def is_divided(self) -> bool:
        """Whether other ranks store other synapses; see `spikesim.engine.ranks`."""
        return self._divided is not None

    @property
    def of_all(self) -> int:
        """The number of synapses, with those that other ranks store."""
        return self.size if self._divided is None else self._divided.number

    @property
    def first_of_all(self) -> np.ndarray:
        """The number of the first stored synapse of each row among those of all ranks."""
        return self._start[:-1] if self._divided is None else self._divided.first

    @property
    def row_sizes(self) -> np.ndarray:
        """How many synapses are stored of each presynaptic neuron."""
        return np.diff(self._start)

    @property
    def latest(self) -> int:
        """The longest delay of a synapse, in steps beyond the shortest."""
        if self._divided is not None:
            return self._divided.latest
        return 0 if self._later is None else int(self._later.max())

    def keep_onto(self, first: int, last: int) -> None:
        """Store only the synapses onto targets `first` to `last - 1`; a matrix stays whole."""
        if self.W is not None:
            return
        self._sum()
        weight, start = self._weights["weight"], self._start
        each = {"target": self._target, "later": self._later}
        each["weight"] = weight if self._has_each else None
        kept: dict[str, list[np.ndarray]] = {name: [] for name in each}
        before, counts = np.zeros((2, start.size - 1), np.int64)
        row = 0
        while row < counts.size:  # some rows at a time, which takes little memory
            end = max(row + 1, int(np.searchsorted(start, start[row] + PIECE, "right")) - 1)
            piece = slice(int(start[row]), int(start[end]))
            target = self._target[piece]
            here = (target >= first) & (target < last)
            for number, which in ((before, target < first), (counts, here)):
                summed = np.concatenate([[0], np.cumsum(which)])
                number[row:end] = np.diff(summed[start[row : end + 1] - piece.start])
            for name, array in each.items():
                if array is not None:
                    kept[name].append(array[piece][here])
            row = end
        found = {name: np.concatenate(k) for name, k in kept.items() if each[name] is not None}
        self._divided = Divided(self.size, start[:-1] + before, self.latest)
        self._start = np.concatenate([[0], np.cumsum(counts)])
        self._target, self._later = found["target"], found.get("later")
        self._delivering["parts"] = 1
        if "weight" in found:
            self._set_weight(found["weight"])

    def by_target(self) -> dict[str, np.ndarray]:
        """The synapses in the order of their targets, for plasticity rules.

        Returns
        -------
        dict
            The synapses onto neuron j are ``start_post[j]:start_post[j + 1]``. ``source`` has the
            presynaptic neuron of each, and ``place`` its index in `weight` or ``W.reshape(-1)``.
        """
        if not self._by_target:
            target = self.rows()["target"]
            order = np.argsort(target, kind="stable")
            counts = np.bincount(target, minlength=self.shape[1])
            self._by_target = {
                "start_post": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                "source": self.source.astype(target_type(self.shape[0]))[order],
                "place": order.astype(np.uint32 if order.size <= 1 << 32 else np.int64),
            }
        return dict(self._by_target)

    def structure(self) -> list[np.ndarray]:
        """The arrays that never change: the neurons that synapses connect, in both orders."""
        return [self._start, self._target, *self._by_target.values()]

    def _sum(self) -> int:
        """A checksum of the neurons that the synapses connect, and of the delays."""
        if self._checksum is None:
            self._checksum = 0
            for array in (self._start, self._target, self._later):
                if array is not None:
                    self._checksum = crc32(np.ascontiguousarray(array).data, self._checksum)
        return self._checksum

    def individual(self) -> np.ndarray:
        """The weights of a sparse projection; from now on, each synapse has its own."""
        weight = self._weights["weight"]
        if not self._has_each:
            self._set_weight(np.full(self._target.size, weight[0], weight.dtype))
        return self._weights["weight"]

    def fill(
        self,
        weight: Any,
        rules: dict[str, Any],
        autapses: bool,
        multapses: bool | None,
        stream: int,
        delay: Any = None,
    ) -> None:
        """Make the synapses; see `Network.connect` for the possible forms of `weight` and `delay`.

        A `delay` that all synapses share is not for here, but for `delay_all`.
        """
        from scipy import sparse

        dtype, seed, shape = self._setting.dtype, self._setting.seed, self._drawn_shape
        recurrent = self._check_autapses(autapses)
        if not rules and recurrent and autapses is not True:
            raise InputError(
                f"autapses is {show(autapses)}, which is for rules; probability=1 connects all "
                "others."
            )
        check_choice("multapses", multapses, [True, False, None])
        if multapses and not rules:
            raise InputError(
                "multapses is True, which is for the rules indegree, outdegree and synapses; a "
                "matrix has one weight for each pair."
            )
        if rules:
            if not varies("weight", weight):
                check_number("weight", weight, dtype=dtype)  # before the work
            drawing = plan(
                shape, rules, recurrent=recurrent, autapses=autapses, multapses=multapses
            )
            draw: Callable[[], Rows] = partial(drawing.draw, generator(seed, stream))
            size = drawing.size
            if size is None:
                drawn = draw()
                draw, size = (lambda: drawn), drawn.target.size
            chance = generator(seed, stream + _WEIGHTS)
            each = partial(self._each, "weight", weight, chance, dtype, size)
            works: list[Callable[[], Any]] = [each, draw]
            if isinstance(delay, Draw):  # others may share a generator with `weight`
                works.append(partial(self._delays, delay, stream, size))
            weights, synapses, *delays = at_once(works, size)
            self._keep(synapses)
            self._set_weight(weights)
            if delays:
                self._set_delays(*delays[0])
                delay = None
        elif sparse.issparse(weight):
            if weight.shape != shape:
                raise InputError(f"weight has shape {weight.shape}; it has to be {shape}.")
            synapses, weights = from_matrix(weight)
            self._keep(synapses)
            self._set_weight(check_array("weight", weights, dtype=dtype))
        else:
            varied = varies("weight", weight)
            if not varied:
                check_number("weight", weight, dtype=dtype)
            W = allocate(f"weight is for all {shape[0]} x {shape[1]} pairs", shape, dtype)
            if self._within is None:
                self._weights["W"] = W
            else:
                self._keep(all_to_all(shape))
                self._set_weight(W.reshape(-1))
                self._is_matrix = True
            if callable(weight):
                chance = generator(seed, stream + _WEIGHTS)
                for place, piece in self._pieces("weight", weight, chance, W.size, dtype):
                    W.reshape(-1)[place] = piece
            elif varied:
                W[...] = check_array("weight", weight, shape=shape, dtype=dtype)
            else:
                W[...] = weight
        if delay is not None:
            self._delay_by(delay, stream)

    def _delay_by(self, delay: Any, stream: int) -> None:
        """Give each synapse its own delay, in ms: by an array, or a function that draws them."""
        if (self.W is not None or self._is_matrix) and not callable(delay):
            delay = check_array("delay", delay)
            if delay.shape == self._drawn_shape:
                delay = delay.reshape(-1)  # in the same order as the weights
        if self.W is not None:
            self._keep(all_to_all(self.shape))
            self._set_weight(self._weights.pop("W").reshape(-1))
        self._set_delays(*self._delays(delay, stream, self.size))

    def _delays(self, delay: Any, stream: int, size: int) -> tuple[int, np.ndarray | None]:
        """The shortest delay in steps, and what each synapse adds to it, if they differ."""
        dt = self._setting.dt
        chance = generator(self._setting.seed, stream + _DELAYS)
        steps = np.empty(size, np.uint16)
        least, latest = _LATEST, 0
        for place, drawn in self._pieces("delay", delay, chance, size):
            check_array("delay", drawn, finite=False, at_least=0.0, at_most=_LATEST * dt)
            rounded = np.rint(drawn * (1.0 / dt))
            steps[place] = rounded
            least = int(rounded.min(initial=least))
            latest = int(rounded.max(initial=latest))
        if latest <= least:
            return least, None
        kind = np.uint8 if latest - least < 1 << 8 else np.uint16
        return least, np.subtract(steps, np.uint16(least), dtype=kind, casting="unsafe")

    def _set_delays(self, least: int, later: np.ndarray | None) -> None:
        if self.size:
            self.delay_all(least)
            self._later = later

    def delay_all(self, steps: int) -> None:
        """Give all synapses the same delay, in steps."""
        self._delivering["delay"] = steps

    def _keep(self, synapses: Rows) -> None:
        if self._within is not None:
            synapses = self._placed(synapses, *self._within)
        self._start, self._target = synapses

    def _placed(self, synapses: Rows, pre: np.ndarray, post: np.ndarray) -> Rows:
        """Synapses between the chosen neurons, as rows for all neurons: the others have none."""
        counts = np.zeros(self.shape[0], np.int64)
        counts[pre] = np.diff(synapses.start)
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Rows(start, post.astype(target_type(self.shape[1]))[synapses.target])

    @property
    def _drawn_shape(self) -> tuple[int, int]:
        """The number of neurons on each side between which there may be synapses."""
        return self.shape if self._within is None else (self._within[0].size, self._within[1].size)

    def _check_autapses(self, autapses: Any) -> bool:
        """Whether both sides are the same neurons, so that a neuron may connect to itself."""
        if self._within is None or not self.is_recurrent:
            return self.is_recurrent
        pre, post = self._within
        if np.array_equal(pre, post):
            return True
        if autapses is not True and np.intersect1d(pre, post).size:
            raise InputError(
                f"autapses is {show(autapses)} between groups that overlap in part; it is for a "
                "group and itself. Connect the parts that are the same, and the others, in turn."
            )
        return False

    def _each(
        self, name: str, values: Any, chance: np.random.Generator, dtype: str, size: int
    ) -> np.ndarray:
        """One number for all synapses, or one for each: given, or drawn by a function."""
        if not varies(name, values):
            return np.full(1, check_number(name, values, dtype=dtype), dtype)
        each = allocate(f"{name} is for {size} synapses", size, dtype)
        for place, piece in self._pieces(name, values, chance, size, dtype):
            each[place] = piece
        return each

    def _pieces(
        self, name: str, values: Any, chance: np.random.Generator, size: int, dtype: Any = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """A number for each synapse, in pieces, so that not all drawn numbers need be stored."""
        if not callable(values):
            yield slice(None), check_array(name, values, shape=(size,), dtype=dtype)
            return
        for first in range(0, size, PIECE):
            place = slice(first, min(first + PIECE, size))
            many = place.stop - place.start
            try:
                drawn = values(chance, many)
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise InputError(
                    f"{name} is a function that cannot be called as {name}(chance, size): {reason}."
                ) from error
            try:
                is_of_type = isinstance(drawn, np.ndarray) and drawn.dtype == dtype
                kind = None if is_of_type else dtype  # a conversion copies
                checked = check_array(name, drawn, shape=(many,), dtype=kind)
            except InputError as error:
                raise InputError(
                    f"{error} The function {name}(chance, size) returned this; chance is a random "
                    "generator of NumPy, and size the number of synapses to draw for."
                ) from None
            yield place, checked


def varies(name: str, value: Any) -> bool:
    """Whether each synapse has its own value, from an array or drawn by a function."""
    if callable(value):
        return True
    try:
        return np.ndim(value) > 0
    except Exception:  # the conversion of a foreign object may raise anything
        check_array(name, value)
        raise
