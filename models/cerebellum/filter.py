"""`AdaptiveFilter`: the circuit of `equations` on the engine, driven by a stimulus or by steps."""

from math import exp
from typing import NamedTuple

import numpy as np

from spikesim import Network
from spikesim.checks import check_array, check_choice, check_memory, check_steps, is_real
from spikesim.learning.parameters import ModelParameters, choice, flag, number, refuse_if, whole
from spikesim.learning.signals import KEPT, SignalModel
from spikesim.models.cerebellum import equations
from spikesim.training import random_numbers

__all__ = ["AdaptiveFilter", "Course", "Parameters"]

ARCHITECTURES = "recurrent", "forward", "forward model"  # as numbered in `equations`


class Parameters(ModelParameters):
    """Constants and options; T_p is from memory, other times from the papers."""

    dt: float = number(10.0, "step", unit="ms", at_least=0.01, at_most=100.0)
    architecture: str = choice(
        *ARCHITECTURES, about="what mossy fibres carry, and what is an error"
    )
    granule: str = choice("analytic", "spiking", about="granule cells")
    n: int = whole(12, "granule cells", at_least=1, at_most=100_000)
    shortest: float = number(20.0, "time constant of granule cells", unit="ms", above=0.0)
    longest: float = number(1000.0, "time constant", unit="ms", above=0.0, at_most=1e6)
    two_stages: bool = flag(False, "rise and decay by chance: 2 to 50 ms, 50 to 750 ms")
    T_p: float = number(200.0, "plant", unit="ms", above=0.0)
    B: float = number(1.0, "gain of the brainstem", above=0.0)
    G: float = number(1.0, "gain that is wanted, eye to head")
    beta: float = number(0.1, "learning rate", unit="1/s", symbol="β")
    normalised: bool = flag(True, "whether the activity of granule cells divides the rate")
    eps: float = number(0.01, "activity at rest", symbol="ε", above=0.0)
    leak: float = number(0.0, "of weights", unit="1/s", symbol="λ", at_least=0.0)
    batch: int = whole(1, "steps after which weights take their changes", at_least=1)
    delay: float = number(0.0, "of the error, d", unit="ms", at_least=0.0)
    eligibility: float = number(0.0, "how long p is held back, d_e", unit="ms", at_least=0.0)
    r_0: float = number(40.0, "rate of granule cells at rest", unit="Hz", above=0.0)
    tau_f: float = number(20.0, "parallel fibres", unit="ms", symbol="τ_f", above=0.0)
    depth: float = number(0.7, "how far h modulates granule cells, rms", at_least=0.0)
    M: int = whole(0, "climbing fibres; 0: the error itself", at_least=0, at_most=100_000)
    c_0: float = number(1.0, "rate of a climbing fibre at rest", unit="Hz", at_least=0.0)
    c_1: float = number(0.5, "and per unit of error", unit="Hz", above=0.0)

    def check(self, layers, dtype):
        refuse_if(self.shortest > self.longest, "shortest is longer than longest.")
        for name in ("delay", "eligibility"):
            steps = check_steps(name, getattr(self, name), self.dt)
            refuse_if(steps >= KEPT, f"{name} is {steps} steps; it has to be less than {KEPT}.")


class Course(NamedTuple):
    """What happened in each step, from `AdaptiveFilter.run`: arrays of shape (steps,).

    Attributes
    ----------
    z, m, v, e : numpy.ndarray
        Purkinje cell, command, velocity of the eye (or sensed), and error before it is delayed.
    """

    z: np.ndarray
    m: np.ndarray
    v: np.ndarray
    e: np.ndarray


def _settable_number(phase, name):
    """A property: the number of a Phase, checked as the parameter is."""

    def put(self, value):
        declared = Parameters.declarations()[name]
        getattr(self, phase).params[name] = declared.checked(name, value, 1)

    return property(lambda self: getattr(self, phase).params[name], put, doc=f"Parameter {name}.")


class AdaptiveFilter(SignalModel):
    """A cerebellar circuit that learns a reflex, or a model of the plant.

    Parameters
    ----------
    tau : array_like, shape (n,), optional
        Time constants of granule cells in ms; by default from `shortest` to `longest`, spaced
        evenly on a logarithmic scale, or drawn evenly on it if the cells spike or have two stages.
    seed : int
    dtype : {'float64', 'float32'}
    backend : str
        See `spikesim.Network`.
    **parameters
        Of `Parameters`.

    Attributes
    ----------
    network : Network
        With the populations 'granule' and 'fibres', from which you can record; it runs by `run`.
    w : numpy.ndarray, shape (n,)
        The weights of the Purkinje cell; write to them, ``net.w[:] = 0.0``.
    tau, rise : numpy.ndarray, shape (n,)
        Time constants of granule cells in ms.
    G, B, beta : float
        As in `Parameters`; may be set between runs.

    Examples
    --------
    >>> from spikesim.models.cerebellum import sinusoids
    >>> net = AdaptiveFilter(backend="python")
    >>> h = sinusoids(20.0)
    >>> slip = net.run(h).e
    >>> net.step(0.5).e.shape
    (1,)
    """

    def __init__(self, tau=None, *, seed=0, dtype="float64", backend="cpu", **parameters):
        self.parameters = p = Parameters.checked(1, parameters)
        check_memory(f"n is {p.n} and M is {p.M}", 8.0 * KEPT * (p.n + p.M))
        super().__init__(Network(p.dt, seed, dtype, backend), (*"hn", *Course._fields))
        net, spikes, n = self.network, p.granule == "spiking", p.n
        self.seed, self.dtype, self.backend = net.seed, net.dtype, backend
        chance, seconds = random_numbers(net.seed), p.dt / 1000.0
        late, held_back = (check_steps(x, getattr(p, x), p.dt) for x in ("delay", "eligibility"))

        def zeros(*shape, dtype=net.dtype):
            return np.zeros(shape, dtype)

        low, high = (50.0, 750.0) if p.two_stages else (p.shortest, p.longest)
        if tau is None and (spikes or p.two_stages):
            tau = low * (high / low) ** chance.random(n)
        elif tau is None:
            tau = np.geomspace(low, high, n)
        self.tau = check_array("tau", tau, shape=(n,), at_least=1e-6)
        self.rise = chance.uniform(2.0, 50.0, n) if p.two_stages else np.zeros(n)
        kept = equations.filters(self.rise, self.tau, p.dt)
        names = zip(("keep_q", "keep_y", "mixed"), kept, strict=True)
        shared = {"u": zeros(1), **{name: array.astype(net.dtype) for name, array in names}}
        if spikes:
            own = {"tau_f": p.tau_f, "r_0": p.r_0}
            self.granule = net.add_population("granule", n, equations.Spiking, **own)
            self.granule.c[:] = np.where(chance.random(n) < 0.5, -1.0, 1.0)
            kind = self.granule.spike.dtype
            shared |= self._replaceable("granule", n, kind, low=0, high=1)
            basis = {"given": zeros(1, n), "is_given": zeros(1, dtype=np.int64)}
        else:
            self.granule = net.add_population("granule", n, equations.Analytic)
            basis = self._replaceable("p", n, net.dtype)
        self.granule.shared.update(shared)
        held = zeros(held_back + 1, n)
        learned = {"held": held, "w": zeros(n), "square": zeros(len(held))}
        self._w, felt = learned["w"], zeros(1)
        state = {"p": self.granule.p, "held": held, **basis}
        net.add_phase(equations.hold, state=state, first=True)
        self._respond = net.add_phase(
            equations.respond,
            state={**self.signals, **learned, "u": shared["u"], "x": zeros(1)},
            params={
                **{"architecture": ARCHITECTURES.index(p.architecture), "B": p.B, "G": p.G},
                **{"keep_x": exp(-p.dt / p.T_p), "many": float(n) if spikes else 1.0},
            },
            first=True,
        )
        if p.M:
            self.fibres = net.add_population("fibres", p.M, equations.ClimbingFibre)
            fixed = {name: np.full(1, getattr(p, name), net.dtype) for name in ("c_0", "c_1")}
            self.fibres.shared.update(fixed, e=self.signals["e"], late=np.full(1, late))
            kind = self.fibres.spike.dtype
            self.fibres.shared.update(self._replaceable("fibres", p.M, kind, low=0, high=1))
            numbers = {"c_0": p.c_0, "c_1": p.c_1, "seconds": seconds}
            state = {"spike": self.fibres.spike, "felt": felt}
            net.add_phase(equations.hear, state=state, params=numbers)
        else:
            state = {"e": self.signals["e"], "felt": felt}
            net.add_phase(equations.feel, state=state, params={"late": late})
        numbers = {name: getattr(p, name) for name in ("beta", "eps", "leak", "batch")}
        self._learn = net.add_phase(
            equations.decorrelate,
            state={**learned, "felt": felt, "delta": zeros(n)},
            params={**numbers, "is_normalised": p.normalised, "learns": 1.0, "seconds": seconds},
        )

    def __repr__(self):
        p = self.parameters
        return f"<AdaptiveFilter, {p.architecture}, of {p.n} {p.granule} granule cells>"

    def run(self, h, n=0.0, *, learn=True, given=None):
        """Run one step for each element of a stimulus.

        Parameters
        ----------
        h : array_like, shape (steps,)
            Velocity of the head; of a forward model, the command.
        n : float or array_like, shape (steps,)
            What else moves the world.
        learn : bool
            Whether weights change.
        given : dict, optional
            'p', values of the granule cells in the place of (5), or spikes, 0 or 1, of those that
            spike, 'granule', or of climbing 'fibres'; shape (steps, cells).

        Returns
        -------
        Course
        """
        h = check_array("h", h, shape=(None,), dtype=self.dtype)
        n = check_array("n", np.full(h.shape, n) if is_real(n) else n, shape=h.shape)
        check_choice("learn", learn, [True, False])
        self._learn.params["learns"] = 1.0 if learn else 0.0
        return Course(**self._drive({"h": h, "n": n}, Course._fields, given))

    def step(self, h, n=0.0, **options):
        """Run one step; arguments are numbers, and the options of `run`."""
        return self.run([h], [n], **options)

    def tune(self, h):
        """Set c of spiking granule cells so that c y has the rms `depth` for a stimulus u = h."""
        from scipy.signal import lfilter  # at the top, it would slow the import of the model

        refuse_if(self.parameters.granule == "analytic", "Analytic granule cells have no c.")
        h = check_array("h", h, shape=(None,), dtype=np.float64, at_least=-1e9, at_most=1e9)
        refuse_if(not h.any(), "h is 0 all the time, so that no c gives a modulation.")
        squares = np.zeros(self.granule.n)
        numbers = np.transpose(equations.filters(self.rise, self.tau, self.parameters.dt))
        for i, (keep_q, keep_y, mixed) in enumerate(numbers):
            before = np.append(0.0, lfilter([1.0 - keep_q], [1.0, -keep_q], h)[:-1])
            u = (1.0 - keep_y - mixed) * h + mixed * before
            squares[i] = np.mean(lfilter([1.0], [1.0, -keep_y], u) ** 2)
        self.granule.c[:] = np.sign(self.granule.c) * self.parameters.depth / np.sqrt(squares)

    def impulse_response(self, t):
        """The learned filter, from u to z, of analytic granule cells of one stage, in 1/s.

        Parameters
        ----------
        t : array_like
            Times in ms.
        """
        p = self.parameters
        refuse_if(p.granule == "spiking" or p.two_stages, "Only cells of one stage have a formula.")
        t = check_array("t", t, dtype=np.float64, at_least=0.0)[..., None]
        return 1000.0 * (self.w * np.exp(-t / self.tau) / self.tau).sum(axis=-1)

    G = _settable_number("_respond", "G")
    B = _settable_number("_respond", "B")
    beta = _settable_number("_learn", "beta")

    @property
    def w(self):
        """The weights; you may set them."""
        return self._w

    @w.setter
    def w(self, w):
        self._w[:] = check_array("w", w, shape=self._w.shape)
