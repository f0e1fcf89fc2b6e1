"""Synapses from one population to another: their weights, their delay and what they act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple
from zlib import crc32

import numpy as np

from spikesim.attributes import Missing
from spikesim.connectivity import (
    Synapses,
    all_to_all,
    draw,
    from_matrix,
    generator,
    target_type,
)
from spikesim.copying import Part
from spikesim.errors import (
    SPIKE_INTERVAL,
    InputError,
    allocate,
    check_array,
    check_choice,
    check_number,
    show,
    type_for,
)
from spikesim.kernels import short_term, spikes
from spikesim.kernels.program import SHARED, Phase
from spikesim.population import Population, read_only
from spikesim.stdp import PairPlasticity, PairSTDP

__all__ = ["Projection", "ShortTermPlasticity"]


_WEIGHTS, _DELAYS = 1 << 32, 1 << 33  # streams of random numbers, from here on
_EACH = (1 << 62) - 1  # a mask that leaves every place as it is
_PIECE = 1 << 18  # weights or delays drawn at once
_LATEST = (1 << 16) - 1  # steps of delay that fit in two bytes


class ShortTermPlasticity(NamedTuple):
    """Depression and facilitation (Tsodyks & Markram, extended); times in ms.

    Per presynaptic neuron, a spike acts with its weight times u x; then x <- x - u x and
    u <- u + f (1 - u). Between spikes x recovers to 1 with `tau_D` and u to `U` with `tau_F`.

    Attributes
    ----------
    U : float
        Share of the resources that the first spike uses.
    tau_D, tau_F : float
        Time constants of the recovery from depression and of facilitation, in ms. Above 32 s, x
        and u are float64.
    f : float
        How much closer to 1 each spike brings u.

    Examples
    --------
    >>> depressing = ShortTermPlasticity(U=0.9, tau_D=20.0, tau_F=1000.0)
    >>> facilitating = ShortTermPlasticity(U=0.02, tau_D=100.0, tau_F=100.0)
    """

    U: float = 0.5
    tau_D: float = 200.0
    tau_F: float = 20.0
    f: float = 0.1


class Projection(Part):
    """Synapses from one population onto a variable of another; made by `Network.connect`.

    Attributes
    ----------
    W : numpy.ndarray, shape (pre.n, post.n)
        The weights of a dense projection, to be read and set between runs.
    start, target : numpy.ndarray
        The synapses in rows of presynaptic neurons: neuron i reaches
        ``target[start[i]:start[i + 1]]``, in ascending order. To be read only, as `later` is. A
        dense one has all pairs, in the order of ``W.reshape(-1)``.
    weight : numpy.ndarray, shape (synapses,) or (1,)
        The weights of a sparse projection in this order, or the one that all share.
    later : numpy.ndarray, shape (synapses,) or None
        Where synapses have delays of their own, how many steps each adds to `delay`.
    delay : int
        In steps.
    x, u : numpy.ndarray, shape (pre.n,)
        With short-term plasticity, what each neuron's last spike left of its resources and their
        use.
    plasticity : PairSTDP or None
        How spikes change the weights.
    learning : bool
        Whether they do; may be set between runs. The traces of spikes always go on.
    short_term : ShortTermPlasticity or None
        How spikes use up what the synapses release.
    learns : bool
        Whether a plasticity rule changes the weights: a run then stops if one becomes NaN. May be
        set, for a rule of one's own.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("start", "target", "later", "delay"),
            "compiled code relies on it; connect takes a sparse array of weights, and delays",
        ),
        **dict.fromkeys(("pre", "post", "port", "name"), "connect makes another projection"),
        **dict.fromkeys(("short_term", "plasticity"), "give it to connect"),
        **dict.fromkeys(("x", "u"), "write into it, as in projection.x[:] = 1.0"),
    }

    def __init__(self, name: str, pre: Population, post: Population, port: str):
        self.name = name
        self.pre = pre
        self.post = post
        self.port = port
        self._delay = 1
        self._W: np.ndarray | None = None
        self._start: np.ndarray = np.zeros(0, np.int64)
        self._target: np.ndarray = np.zeros(0, np.uint16)
        self._weight: np.ndarray = np.zeros(0)
        self._later: np.ndarray | None = None
        self._by_target: dict[str, np.ndarray] = {}
        self._checksum: int | None = None
        self._short_term: ShortTermPlasticity | None = None
        self._release: dict[str, np.ndarray] = {}
        self._scratch = np.zeros(0)
        self._pairs: PairPlasticity | None = None
        self._learns = False

    def __repr__(self) -> str:
        kind = "dense" if self.W is not None else f"{self.size} synapses"
        return f"<Projection {self.name!r}: {self.pre.name} → {self.post.name}.{self.port}, {kind}>"

    @property
    def W(self) -> np.ndarray | None:
        return self._W

    @W.setter
    def W(self, values: Any) -> None:
        if self._W is None:
            raise InputError(f"W cannot be set: {self.name!r} is sparse; it has weight instead.")
        own = self._W
        values = check_array("W", values, shape=own.shape, dtype=own.dtype)
        own[...] = self._bounded("W", values)

    def _share(self, W: np.ndarray) -> None:
        """Take this array itself as `W`: another owner goes on writing to it."""
        if self._W is not None:
            self.post.network.replace_arrays([(self._W, W)])
        self._W = W

    @property
    def weight(self) -> np.ndarray:
        if self._W is not None:
            raise Missing(f"{self.name!r} has no weight, as it is dense; it has W instead.")
        return self._weight

    @weight.setter
    def weight(self, values: Any) -> None:
        if self._W is not None:
            raise InputError(f"weight cannot be set: {self.name!r} is dense; it has W instead.")
        values = check_array("weight", values, dtype=self._weight.dtype)
        if values.shape not in ((1,), self._target.shape):
            raise InputError(
                f"weight has shape {values.shape}; it has to be (1,) or ({self.size},), "
                "one for each synapse."
            )
        if values.size > self._weight.size:
            self._exchange(values)
        else:
            self._weight[...] = self._bounded("weight", values)

    def _exchange(self, weight: np.ndarray) -> None:
        """Put another array in the place of the weights, for all that hold them."""
        self._weight, old = weight, self._weight
        self.post.network.replace_arrays([(old, weight)])

    def _bounded(self, name: str, values: np.ndarray) -> np.ndarray:
        if self._pairs is not None:
            self._pairs.check_weights(name, values)
        return values

    @property
    def start(self) -> np.ndarray:
        return read_only(self.rows()["start"])

    @property
    def target(self) -> np.ndarray:
        return read_only(self.rows()["target"])

    @property
    def later(self) -> np.ndarray | None:
        return None if self._later is None else read_only(self._later)

    @property
    def delay(self) -> int:
        return self._delay

    def rows(self) -> dict[str, np.ndarray]:
        """`start` and `target`, as part of a Phase's state; its body must not write to them."""
        if self._W is not None and not self._start.size:
            self._keep(all_to_all(self._W.shape))
        return {"start": self._start, "target": self._target}

    @property
    def size(self) -> int:
        """How many synapses there are."""
        return self._target.size if self._W is None else self._W.size

    @property
    def source(self) -> np.ndarray:
        """The presynaptic neuron of each synapse."""
        return np.repeat(np.arange(self.pre.n), np.diff(self.start))

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the synapses take."""
        if self.W is not None:
            return self.W.nbytes
        later = 0 if self._later is None else self._later.nbytes
        return self._start.nbytes + self._target.nbytes + self._weight.nbytes + later

    def by_target(self) -> dict[str, np.ndarray]:
        """The synapses in the order of their targets, for plasticity rules.

        Returns
        -------
        dict
            Those onto neuron j are ``start_post[j]:start_post[j + 1]``; ``source`` says which
            neuron each comes from, ``place`` where it lies in `weight`, or in ``W.reshape(-1)``.
        """
        if not self._by_target:
            target = self.rows()["target"]
            order = np.argsort(target, kind="stable")
            counts = np.bincount(target, minlength=self.post.n)
            self._by_target = {
                "start_post": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                "source": self.source.astype(target_type(self.pre.n))[order],
                "place": order.astype(np.uint32 if order.size <= 1 << 32 else np.int64),
            }
        return dict(self._by_target)

    def structure(self) -> list[np.ndarray]:
        """What nothing ever writes: which neurons the synapses connect, in both orders."""
        return [self._start, self._target, *self._by_target.values()]

    def _place(self) -> tuple[Any, str, str]:
        return self.post.network, "projections", self.name

    def built(self) -> dict[str, Any]:
        sparse = {} if self._W is not None else {"checksum of synapses": self._sum()}
        rules = {"short_term": self._short_term, "plasticity": self.plasticity}
        given = {name: "none" if rule is None else "given" for name, rule in rules.items()}
        numbers = {
            name: float(value)
            for rule in rules.values()
            if rule is not None
            for name, value in rule._asdict().items()
        }
        ends = {"pre": self.pre.name, "post": self.post.name, "target": self.port}
        count = {"number of synapses": self.size, "delay in steps": self._delay}
        return {**ends, **count, **sparse, **given, **numbers}

    def _sum(self) -> int:
        """A checksum of which neurons the synapses connect, and how late each is."""
        if self._checksum is None:
            self._checksum = 0
            for array in (self._start, self._target, self._later):
                if array is not None:
                    self._checksum = crc32(np.ascontiguousarray(array).data, self._checksum)
        return self._checksum

    def individual(self) -> np.ndarray:
        """The weights of a sparse projection, from now on one for each synapse."""
        if self.weight.size != self._target.size:
            self._exchange(np.full(self._target.size, self._weight[0], self._weight.dtype))
        return self._weight

    @property
    def x(self) -> np.ndarray:
        return self._released("x")

    @property
    def u(self) -> np.ndarray:
        return self._released("u")

    def _released(self, name: str) -> np.ndarray:
        if name not in self._release:
            raise Missing(
                f"{self.name!r} has no {name}, as it was connected without short_term plasticity."
            )
        return self._release[name]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run may change, by name."""
        weights = {"W": self.W} if self.W is not None else {"weight": self.weight}
        traces = {} if self._pairs is None else self._pairs.arrays()
        return {**weights, **self._release, **traces}

    def delivery(self) -> Phase:
        """The Phase that adds the weights of the spikes arriving now."""
        state = {**self.pre.spike_list(), "out": self.post.landing(self.port)}
        if self.short_term is not None:
            state["efficacy"] = self._efficacy()
        params: dict[str, Any] = {"delay": self.delay, "parts": SHARED}
        bodies = spikes if self.short_term is None else short_term
        if self.W is not None:
            state["W"] = self.W
            return Phase(bodies.deliver_dense, spikes.columns, state, params, neurons=self.post)
        state.update(start=self._start, target=self._target, weight=self._weight)
        params["each"] = _EACH if self._weight.size == self._target.size else 0
        if self._later is None:
            return Phase(bodies.deliver_sparse, spikes.columns, state, params, neurons=self.post)
        state.update(out=self.post.rings[self.port], later=self._later)
        return Phase(bodies.deliver_delayed, spikes.columns, state, params, neurons=self.post)

    def use(self) -> list[Phase]:
        """The Phase, if any, that finds the efficacies of the spikes arriving now."""
        if self.short_term is None:
            return []
        state = {**self.pre.spike_list(), **self._release, "efficacy": self._efficacy()}
        params = {"delay": self.delay, **self._recovery(self.short_term)}
        dtype = self._release["x"].dtype.name
        return [Phase(short_term.use, short_term.arrivals, state, params, dtype=dtype)]

    @property
    def short_term(self) -> ShortTermPlasticity | None:
        return self._short_term

    @property
    def learns(self) -> bool:
        return self._learns

    @learns.setter
    def learns(self, learns: bool) -> None:
        self._learns = check_choice("learns", learns, [True, False])

    @property
    def plasticity(self) -> PairSTDP | None:
        return None if self._pairs is None else self._pairs.rule

    @property
    def learning(self) -> bool:
        return self._pairs is not None and self._pairs.learning

    @learning.setter
    def learning(self, on: bool) -> None:
        check_choice("learning", on, [True, False])
        if self._pairs is None:
            raise InputError(
                f"learning cannot be set: {self.name!r} was connected without plasticity."
            )
        self._pairs.learning = on

    def learn_from_pairs(self, rule: PairSTDP) -> None:
        """Give the synapses spike-timing dependent plasticity."""
        self._pairs = PairPlasticity(rule, self)
        self._learns = True

    def after_delivery(self) -> list[Phase]:
        """The Phases, if any, by which the spikes that were delivered change the weights."""
        return [] if self._pairs is None else self._pairs.after_delivery()

    def after_emission(self) -> list[Phase]:
        """The Phases, if any, by which new spikes of `post` change the weights."""
        return [] if self._pairs is None else self._pairs.after_emission()

    def _efficacy(self) -> np.ndarray:
        """Room for one efficacy per entry of the list of spikes."""
        entries = self.pre.spike_list()["ids"].shape[1]
        if self._scratch.size != entries:
            self._scratch = np.zeros(entries, self.pre.network.dtype)
        return self._scratch

    def change_in_use(self, short_term: ShortTermPlasticity, dtype: str) -> None:
        """Give the synapses short-term plasticity."""
        if not isinstance(short_term, ShortTermPlasticity):
            raise InputError(
                f"short_term is {show(short_term)}; it has to be a ShortTermPlasticity or None."
            )
        for name in ("U", "f"):
            check_number(name, getattr(short_term, name), at_least=0.0, at_most=1.0)
        for name in ("tau_D", "tau_F"):
            check_number(name, getattr(short_term, name), above=0.0, unit="ms")
        self._short_term = short_term
        n, interval = self.pre.n, max(SPIKE_INTERVAL, self.pre.network.dt)
        dtype = type_for(dtype, short_term.tau_D / interval, short_term.tau_F / interval)
        self._release = {
            "x": np.ones(n, dtype),
            "u": np.full(n, short_term.U, dtype),
            "last": np.zeros(n, np.int64),
        }

    def _recovery(self, short_term: ShortTermPlasticity) -> dict[str, float]:
        dt = self.pre.network.dt
        return {
            "U": float(short_term.U),
            "f": float(short_term.f),
            # exp(-1e6) is 0 in any case, and dt / tau itself may be infinite.
            "dt_by_tau_D": min(dt / float(short_term.tau_D), 1e6),
            "dt_by_tau_F": min(dt / float(short_term.tau_F), 1e6),
        }

    def fill(
        self,
        weight: Any,
        rules: dict[str, Any],
        autapses: bool,
        multapses: bool | None,
        stream: int,
    ) -> None:
        """Make the synapses; see `Network.connect` for the forms that `weight` may take."""
        from scipy import sparse

        network = self.pre.network
        dtype, seed = network.dtype, network.seed
        shape = self.pre.n, self.post.n
        if not rules and self.pre is self.post and autapses is not True:
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
            synapses = draw(
                shape,
                rules,
                generator(seed, stream),
                recurrent=self.pre is self.post,
                autapses=autapses,
                multapses=multapses,
            )
            self._keep(synapses)
            self._weight = self._each("weight", weight, generator(seed, stream + _WEIGHTS), dtype)
        elif sparse.issparse(weight):
            if weight.shape != shape:
                raise InputError(f"weight has shape {weight.shape}; it has to be {shape}.")
            synapses, weights = from_matrix(weight)
            self._keep(synapses)
            self._weight = check_array("weight", weights, dtype=dtype)
        else:
            varied = varies("weight", weight)
            if not varied:
                check_number("weight", weight, dtype=dtype)
            self._W = allocate(f"weight is for all {shape[0]} x {shape[1]} pairs", shape, dtype)
            if callable(weight):
                chance = generator(seed, stream + _WEIGHTS)
                for place, piece in self._pieces("weight", weight, chance, dtype):
                    self._W.reshape(-1)[place] = piece
            elif varied:
                self._W[...] = check_array("weight", weight, shape=shape, dtype=dtype)
            else:
                self._W[...] = weight

    def delay_by(self, delay: Any, stream: int) -> None:
        """Give synapses delays of their own, in ms: an array, or a function that draws them."""
        if self._W is not None:
            if not callable(delay):
                delay = check_array("delay", delay)
                if delay.shape == self._W.shape:
                    delay = delay.reshape(-1)  # laid out as the weights are
            self._keep(all_to_all(self._W.shape))
            self._weight, self._W = self._W.reshape(-1), None
        dt = self.pre.network.dt
        chance = generator(self.pre.network.seed, stream + _DELAYS)
        steps = np.empty(self.size, np.int32)
        for place, drawn in self._pieces("delay", delay, chance):
            check_array("delay", drawn, at_least=0.0, at_most=_LATEST * dt)
            steps[place] = np.rint(drawn * (1.0 / dt))
        if not self.size:
            return
        self._delay = int(steps.min())
        steps -= self._delay
        latest = steps.max()
        if latest > 0:
            self._later = steps.astype(np.uint8 if latest < 1 << 8 else np.uint16)

    def delay_all(self, steps: int) -> None:
        """Give all synapses one delay, in steps."""
        self._delay = steps

    def not_finite(self) -> str | None:
        """A weight that learns, or a release or trace, if one is NaN or infinite; None if not."""
        watched = {**self._release, **({} if self._pairs is None else self._pairs.arrays())}
        if self.learns:
            watched["a weight"] = self._weight if self._W is None else self._W
        for name, array in watched.items():
            # One pass and no temporary array: a sum is finite unless a part is not, or nearly so.
            with np.errstate(invalid="ignore", over="ignore"):
                total = array.sum(dtype=np.float64)
            if not np.isfinite(total) and not np.isfinite(array).all():
                return name
        return None

    def _keep(self, synapses: Synapses) -> None:
        self._start, self._target = synapses

    def _each(self, name: str, values: Any, chance: np.random.Generator, dtype: str) -> np.ndarray:
        """One number for all synapses, or one for each: given, or drawn by a function."""
        if not varies(name, values):
            return np.full(1, check_number(name, values, dtype=dtype), dtype)
        each = allocate(f"{name} is for {self.size} synapses", self.size, dtype)
        for place, piece in self._pieces(name, values, chance, dtype):
            each[place] = piece
        return each

    def _pieces(
        self, name: str, values: Any, chance: np.random.Generator, dtype: Any = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """A number for each synapse, in pieces: what is drawn need not all be kept."""
        if not callable(values):
            yield slice(None), check_array(name, values, shape=(self.size,), dtype=dtype)
            return
        for first in range(0, self.size, _PIECE):
            place = slice(first, min(first + _PIECE, self.size))
            many = place.stop - place.start
            try:
                drawn = values(chance, many)
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise InputError(
                    f"{name} is a function that cannot be called as {name}(chance, size): {reason}."
                ) from error
            yield place, check_array(name, drawn, shape=(many,), dtype=dtype)


def varies(name: str, value: Any) -> bool:
    """Whether there is one for each synapse, in an array or drawn by a function."""
    if callable(value):
        return True
    try:
        return np.ndim(value) > 0
    except Exception:  # whatever the conversion of a foreign object raises
        check_array(name, value)
        raise
