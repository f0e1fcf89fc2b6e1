"""Every model against its oracle: ``python -m tests.reliability differential --count 50``.

A case is a model in random sizes, options, parameters, weights and inputs. The package runs it in
float64, the oracle, which shares no code with it, is given the same random draws, and all that can
be observed has to agree: spikes exactly, numbers to 1e-10 of the largest of their array, and of
learned weights the changes, too. Runs are short, so that a threshold crossed in the last bit does
not decide what comes out.

Case k of a model and a seed is always the same: ``--only MODEL --case K`` repeats it. To see that
the comparison can fail, ``--check`` makes each parameter of the oracles wrong by 1 in 1e6, one at a
time, and demands that this is found.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import math
import time
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy import sparse
from scipy.special import gammainc

import spikesim
from spikesim import Network, Neuron, PairSTDP, ShortTermPlasticity, bursts
from spikesim.engine.population import ON_SPIKE
from spikesim.kernels.chance import philox, uniform
from spikesim.learning.model import TEST, TRAINING, Simulation
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import BurstPlasticity, BurstPoisson, Pyramidal
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.neurons import IZHIKEVICH_2003
from spikesim.patterns import SpikePattern
from tests import (
    naive_burst_ensemble,
    naive_bursting_neurons,
    naive_integrate_and_fire,
    naive_segregated,
    naive_superspike,
)
from tests.watched_bursts import Watched, learn

TOLERANCE = 1e-10  # of the largest number of an array
WRONG = 1e-6  # by how much of itself a parameter is made wrong
ROUNDING = 64 * np.finfo(np.float64).eps  # of a weight, which its change cannot be known beyond
NOTHING = 1e-300  # what smaller numbers are, which some exponentials do not reach
TRIES = 40  # cases in which a wrong parameter has to be found once


class Case:
    """What is drawn for a case, and what its comparison finds.

    Parameters
    ----------
    seed, model, number
        What the case depends on.
    wrong : str, optional
        The parameter that the oracle gets wrong, and by how much of itself.
    plain : bool
        Nothing is compiled.
    """

    def __init__(
        self,
        seed: int,
        model: str,
        number: int,
        wrong: str | None = None,
        by: float = WRONG,
        plain: bool = False,
    ):
        self.chance = np.random.default_rng([seed, zlib.crc32(model.encode()), number])
        self.seed = int(self.chance.integers(2**31))
        self.wrong, self.by, self.plain = wrong, by, plain
        self.backend = "python"
        self.parameters: set[str] = set()
        self.is_wrong = False
        self.drawn: list[str] = []
        self.numbers = 0
        self.spikes = 0
        self.differences: list[str] = []

    # ------------------------------------------------------------------------------ chance

    def size(self, most: int = 9) -> int:
        """A small size; every third time 1 or 2."""
        if most > 2 and self.chance.random() > 1 / 3:
            return int(self.chance.integers(3, most, endpoint=True))
        return int(self.chance.integers(1, min(most, 2), endpoint=True))

    def whole(self, least: int, most: int) -> int:
        return int(self.chance.integers(least, most, endpoint=True))

    def between(self, low: float, high: float) -> float:
        return float(self.chance.uniform(low, high))

    def power(self, low: float, high: float) -> float:
        """Between two powers of 10."""
        return float(10.0 ** self.chance.uniform(low, high))

    def maybe(self, chance: float = 0.5) -> bool:
        return bool(self.chance.random() < chance)

    def one_of(self, *values: Any) -> Any:
        return values[self.chance.integers(len(values))]

    def on(self, is_common: bool) -> str:
        """The backend: what is common has few structures and is compiled, which takes seconds."""
        backend = self.one_of("cpu", "cpu", "cpu", "threads:2", "python")
        self.backend = backend if is_common and not self.plain else "python"
        return self.backend

    def trains(self, n: int, steps: int, rate: float, most: int = 1) -> np.ndarray:
        """How often each neuron spikes in each step, (steps, n)."""
        return self.chance.poisson(rate, (steps, n)).clip(0, most)

    # -------------------------------------------------------------------------- parameters

    def note(self, **what: Any) -> None:
        """Say what was drawn, for whoever reads about a difference."""
        self.drawn += [f"{name}={value}" for name, value in what.items()]

    def told(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as the oracle is told them: one of them may be wrong."""
        told = dict(parameters)
        for name, value in parameters.items():
            values = np.asarray(value if isinstance(value, (tuple, float)) else ())
            if not values.size or not values.any():
                continue
            self.parameters.add(name)
            if name == self.wrong:
                self.is_wrong = True
                wrong = values * (1.0 + self.by)
                told[name] = tuple(wrong.tolist()) if wrong.ndim else float(wrong)
        return told

    # -------------------------------------------------------------------------- comparison

    def _are_alike(self, what: str, ours: np.ndarray, theirs: np.ndarray) -> bool:
        self.numbers += theirs.size
        if ours.shape != theirs.shape:
            self.differences.append(f"{what} has shape {ours.shape}, not {theirs.shape}")
        return ours.shape == theirs.shape

    def same(self, what: str, ours: Any, theirs: Any) -> None:
        """Whole numbers, all of which have to be equal."""
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if self._are_alike(what, ours, theirs) and not np.array_equal(ours, theirs):
            k = tuple(int(x) for x in np.argwhere(ours != theirs)[0])
            self.differences.append(f"{what}{list(k)} is {ours[k]}, not {theirs[k]}")

    def fired(self, what: str, recording: Any, theirs: np.ndarray) -> None:
        """A recording of spikes, and how often each neuron spikes in each step."""
        ours = counted(recording, *theirs.shape)
        self.spikes += int(theirs.sum())
        self.same(what, ours, theirs)

    def close(self, what: str, ours: Any, theirs: Any, rounding: Any = 0.0) -> None:
        """Numbers that have to agree, but for `rounding` in their unit, of each or of all."""
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if not self._are_alike(what, ours, theirs) or not theirs.size:
            return
        finite = np.abs(theirs[np.isfinite(theirs)])
        most = TOLERANCE * (finite.max() if finite.size else 0.0) + np.maximum(rounding, NOTHING)
        apart = ~np.isclose(ours, theirs, rtol=0.0, atol=most, equal_nan=True)
        if apart.any():
            k = tuple(int(x) for x in np.argwhere(apart)[0])
            self.differences.append(
                f"{what}{list(k)} is {float(ours[k])!r}, not {float(theirs[k])!r} "
                f"({apart.sum()} of {apart.size}; "
                f"at most {np.broadcast_to(most, apart.shape)[k]:.1e} apart)"
            )

    def learned(self, what: str, before: Any, ours: Any, theirs: Any, rounding: Any = 0.0) -> None:
        """Weights after learning, and what learning changed, but for `rounding` in their unit."""
        before, ours, theirs = (np.asarray(x, np.float64) for x in (before, ours, theirs))
        self.close(what, ours, theirs, rounding)
        if before.shape == ours.shape == theirs.shape and theirs.size:
            rounding = rounding + ROUNDING * max(np.abs(before).max(), np.abs(theirs).max())
            self.close(f"change of {what}", ours - before, theirs - before, rounding)


def counted(recording: Any, steps: int, n: int) -> np.ndarray:
    """How often each neuron spikes in each step of a recording that begins with step 0."""
    counts = np.zeros((steps, n), np.int64)
    np.add.at(counts, (recording.steps, recording.i), 1)
    return counts


def listed(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and neurons of all spikes, sorted by step."""
    steps, ids = np.nonzero(counts)
    times = counts[steps, ids]
    return np.repeat(steps, times), np.repeat(ids, times)


def played(net: Network, name: str, counts: np.ndarray) -> Any:
    """A population that spikes as these counts say."""
    source = net.add_spike_trains(name, counts.shape[1], [], [])
    source.replace(*listed(counts), None, origin=0)
    return source


def draws(net: Network, stream: int, step: int, indices: Sequence[int]) -> list[list[float]]:
    """The four uniform numbers that chance holds for each of these indices in a step."""
    low, high = net.seed & 0xFFFFFFFF, net.seed >> 32
    return [
        [float(uniform(word)) for word in philox(int(k), step, 0, stream, low, high)]
        for k in indices
    ]


# ---- segregated dendrites ---------------------------------------------------------------------


def segregated_spikes(case: Case) -> None:
    """The oracle is given the spikes; that they are those of its rates is compared besides."""
    _segregated(case, True)


def segregated_rates(case: Case) -> None:
    _segregated(case, False)


def _segregated_options(case: Case, hidden: int, spiking: bool) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if case.maybe(0.2):
        options["units_per_class"] = case.whole(2, 3)
    if not hidden:
        return options
    if case.maybe(0.3):
        options["feedback"] = "layered"
    if case.maybe(0.3):
        options["symmetric"] = True
        if case.maybe():
            options["symmetric_noise"] = case.between(0.01, 0.2)
    elif case.maybe(0.4):
        options |= {"feedback_learning": True, "eta_Y": case.between(0.005, 0.05)}
    if case.maybe(0.2):
        options["sparse"] = 0.8 if "symmetric" in options else case.between(0.1, 0.9)
    if case.maybe(0.2):
        options["backpropagation"] = True
    if case.maybe(0.1):
        options["frozen"] = True
    if spiking and case.maybe(0.3):
        options["plateau_jitter"] = case.between(1.0, 4.0)
    if case.maybe(0.3):
        options["measure_angle"] = True
    if "feedback" not in options and case.maybe(0.3):
        options["measure_inverse"] = True
    return options


def _segregated(case: Case, spiking: bool) -> None:
    hidden = case.one_of(0, 1, 1, 2, 2, 3)
    classes = case.whole(1, 4)
    sizes = (case.size(12), *(case.size(8) for _ in range(hidden)), classes)
    is_common = hidden == 1 and case.maybe()
    options = {} if is_common else _segregated_options(case, hidden, spiking)
    tau_s = case.between(1.2, 5.0)
    values: dict[str, Any] = {
        "phi_max": case.between(0.05, 0.4),
        "tau_s": tau_s,
        "tau_L": tau_s + case.between(1.0, 15.0),
        "g_L": case.between(0.02, 0.3),
        "g_B": case.between(0.1, 1.0),
        "g_D": case.between(0.1, 0.6),
        "g_A": 0.0 if is_common else case.one_of(0.0, 0.05, case.between(0.0, 0.5)),
        "E_E": case.between(2.0, 12.0),
        "E_I": case.between(-12.0, -2.0),
        "eta": tuple(case.between(0.005, 0.1) for _ in range(hidden + 1)),
    }
    lag = 5 if "plateau_jitter" in options else 0
    phase = case.whole(9, 24)
    lengths = {
        "phase": phase,
        "window": case.whole(1, phase - lag - 1),
        "memory": case.one_of(None, 1, 2, case.whole(3, 12), 40),
        "test_phase": case.whole(8, 30),
    }
    lengths["test_window"] = case.whole(1, lengths["test_phase"] - 1)
    if is_common:
        lengths |= {"phase": 50, "window": 20, "memory": 10}
    if not spiking:
        lengths = {}
    examples = case.whole(2, 4)
    images = case.chance.random((examples, sizes[0])) * (case.chance.random(sizes[0]) > 0.2)
    shown = images
    if case.maybe(0.3):
        shown = np.rint(255.0 * images).astype(np.uint8)
        images = shown / 255.0
    labels = case.chance.integers(0, classes, examples)
    given = {**values, **options, **lengths, "spiking": spiking}
    case.note(sizes=sizes, examples=examples, **given)
    net = SegregatedDendriteNetwork(
        sizes, seed=case.seed, dtype="float64", backend=case.on(is_common), **given
    )

    compare_segregated(case, net, {**values, **options}, lengths, shown, images, labels)


def compare_segregated(
    case: Case,
    net: Any,
    given: dict[str, Any],
    lengths: dict[str, Any],
    shown: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Teach a new network and its oracle these examples, test both, and compare what they are."""
    spiking, hidden, examples = net.parameters.spiking, len(net.sizes) - 2, len(images)
    oracle, before = _segregated_oracle(case, net, given, lengths)
    noise = case.told({"symmetric_noise": given.get("symmetric_noise", 0.0)})["symmetric_noise"]
    simulation = net.training
    if spiking:
        populations = simulation.network.populations.values()
        recordings = [simulation.network.record_spikes(each) for each in populations]
        phases = net.lengths(examples, TRAINING)
        lags = [rows for _, rows in net.per_trial(simulation, examples)]
    history = net.fit(shown, labels, shuffle=False)
    if spiking:
        counts = [
            counted(recording, phases.sum(), layer.n)
            for recording, layer in zip(recordings, simulation.layers, strict=True)
        ]
    rates: list[list[np.ndarray]] = [[] for _ in net.W]
    results, begin = [], 0
    for k in range(examples):
        if noise:
            normal = net.chance("noise", k + 1)
            drawn = {
                m: noise * normal.standard_normal(net.W[m + 1].shape)
                for m in reversed(range(hidden))
            }
            oracle.feedback_noise = lambda m, shape, drawn=drawn: drawn[m]
        how: dict[str, Any] = {}
        if spiking:
            forward, target = phases[k]

            def emit(m, step, expected, first=begin):
                rates[m].append(expected.copy())
                return counts[m + 1][first + step]

            how = {
                "input_counts": counts[0][begin:],
                "emit": emit,
                "T_f": forward,
                "T_t": target,
                "lags_f": [lag[k, 0] for lag in lags] or None,
                "lags_t": [lag[k, 1] for lag in lags] or None,
            }
            begin += forward + target
        results.append(oracle.train_example(images[k], labels[k], **how))
    if spiking:
        for m, expected in enumerate(rates):
            _emitted(case, net, m + 1, np.array(expected), counts[m + 1])
    _compare_segregated(case, net, oracle, results, before, history)
    if not spiking:
        tested = [oracle.test_example(image) for image in images]
        case.same("classes", net.predict(shown), tested)
        return
    testing = Simulation(net, TEST, 1)
    testing.show(shown, labels, np.zeros((examples, net.sizes[-1])))
    populations = testing.network.populations.values()
    recordings = [testing.network.record_spikes(each) for each in populations]
    ours = net.predict(shown)
    for k in range(examples):
        testing.clear()
        testing.run(np.array([k]), net.lengths(1, TEST), k)
        case.same(f"answer to image {k}", testing.result("answer", 1), ours[k : k + 1])
    T = net.parameters.test_phase
    counts = [
        counted(recording, examples * T, layer.n)
        for recording, layer in zip(recordings, testing.layers, strict=True)
    ]
    for k, image in enumerate(images):
        now = slice(k * T, (k + 1) * T)
        stored = naive_segregated.replay([c[now] for c in counts[1:]])
        forward = oracle.test_phase(image, input_counts=counts[0][now], emit=stored, T=T)
        case.same(f"class of image {k}", ours[k], oracle.read_out(forward))
    for m, mean in enumerate(forward.mean_V):
        case.close(f"mean V of layer {m + 1} in a test", testing.above_input[m].mean_V, mean)


def _segregated_oracle(
    case: Case, net: Any, given: dict[str, Any], lengths: dict[str, Any]
) -> tuple[Any, list[list[np.ndarray]]]:
    """The oracle, and a copy of all weights. How feedback begins is compared here."""
    unused = ["symmetric_noise", "plateau_jitter", "sparse"]
    if not net.parameters.spiking:
        unused += ["tau_s", "tau_L"]
    told = case.told({name: value for name, value in given.items() if name not in unused})
    names = {"feedback_learning": "learn_feedback", "backpropagation": "backprop"}
    left_out = ("frozen", "measure_angle", "measure_inverse")
    before = [[array.copy() for array in arrays] for arrays in (net.W, net.b, net.Y)]
    if given.get("frozen"):
        told["eta"] = (*(0.0 for _ in told["eta"][:-1]), told["eta"][-1])
    windows = ("memory", "window", "test_window")
    windows = {name: lengths[name] for name in windows if name in lengths}
    oracle = naive_segregated.NaiveSegregated(
        *before,
        spiking=net.parameters.spiking,
        **windows,
        **{names.get(name, name): x for name, x in told.items() if name not in left_out},
    )
    if "sparse" in given:
        kept = [layer.mask != 0.0 for layer in net.training.hidden]
        for m, mask in enumerate(kept):
            case.same(f"zeros in Y[{m}]", mask.sum(), mask.size - int(given["sparse"] * mask.size))
        if "symmetric" in given or "feedback_learning" in given:
            oracle.feedback_masks = kept
        if "symmetric" in given:
            oracle.Y = naive_segregated.sparse_feedback(oracle.Y, kept)
    if "symmetric_noise" in given:
        oracle.Y = [Y.copy() for Y in before[2]]
    for m, Y in enumerate(oracle.Y):
        case.close(f"Y[{m}] at first", before[2][m], Y)
    return oracle, before


def _emitted(case: Case, net: Any, layer: int, expected: np.ndarray, ours: np.ndarray) -> None:
    """The counts that a layer's uniform numbers stand for at the oracle's rates, by inversion."""
    simulation = net.training
    steps, n = expected.shape
    blocks = -(-n // 4)
    u = np.array(
        [
            np.array(draws(simulation.network, layer, t, range(blocks))).T.ravel()[:n]
            for t in range(steps)
        ]
    )
    tails = gammainc(np.arange(1, 5), expected[..., None])  # P(N > 0), ..., P(N > 3)
    theirs = (u[..., None] < tails).sum(axis=-1)
    case.spikes += int(theirs.sum())
    case.same(f"spikes of layer {layer}", ours, theirs)


def _compare_segregated(
    case: Case, net: Any, oracle: Any, results: list[Any], before: Any, history: Any
) -> None:
    simulation, last = net.training, results[-1]
    for name, old, ours, theirs in zip(
        "WbY", before, (net.W, net.b, net.Y), (oracle.W, oracle.b, oracle.Y), strict=True
    ):
        for m, arrays in enumerate(zip(old, ours, theirs, strict=True)):
            case.learned(f"{name}[{m}]", *arrays)
    layers = simulation.layers[1:]
    for m, layer in enumerate(layers):
        case.close(f"V of layer {m + 1}", layer.V, oracle.V[m])
        case.close(f"V_B of layer {m + 1}", layer.V_B, last.target.V_B[m][-1])
        case.close(f"mean V of layer {m + 1}", layer.mean_V, last.forward.mean_V[m])
        if m == len(layers) - 1:
            case.close("E of the output", layer.E, last.E[m])
        elif not net.parameters.frozen:
            own, unsure = layer.E, 0.0
            if net.parameters.backpropagation:
                own = layer.E_bp
            else:  # a difference of plateaus
                unsure = ROUNDING * np.abs(last.alpha_t[m]).max(initial=0.0)
            case.close(f"E of layer {m + 1}", own, last.E[m], unsure)
    for m, layer in enumerate(simulation.hidden if not net.parameters.backpropagation else ()):
        case.close(f"alpha_f of layer {m + 1}", layer.alpha_f, last.alpha_f[m])
        case.close(f"alpha_t of layer {m + 1}", layer.alpha_t, last.alpha_t[m])
    # With noise on the weights examples are shown one by one, and measured in the same place.
    shown = results[-1:] if net.parameters.symmetric_noise else results
    n = len(shown)
    case.close("loss", simulation.result("loss", n), [example.loss for example in shown])
    case.same("answers", simulation.result("answer", n), [e.predicted for e in shown])
    case.close("mean loss", history["loss"], [np.mean([example.loss for example in results])])
    # Where hidden layers do not learn from their plateaus there are no updates to have an angle.
    local = not net.parameters.frozen and not net.parameters.backpropagation
    if net.parameters.measure_angle and local:
        hidden = len(layers) - 1
        angles = np.reshape([example.angle for example in shown], (n, hidden))
        case.close("cosines", simulation.result("cosine", n), np.cos(np.radians(angles)))
    if net.parameters.measure_inverse:
        case.close("J", layers[-1].jacobian[: len(results)], oracle.J_examples)
        case.close("eigenvalue", history["max_eigenvalue"], [last.max_eigenvalue])


# ---- burst ensembles at the level of rates ----------------------------------------------------


def burst_ensemble(case: Case) -> None:
    hidden = case.one_of(0, 1, 1, 2, 2, 3)
    layers = hidden + 1
    classes = case.whole(1, 5)
    sizes = (case.size(12), *(case.size(8) for _ in range(hidden)), classes)
    is_common = hidden == 1 and case.maybe()
    form = "talks" if is_common else case.one_of("talks", "talks", "july_2018", "april_2018")
    Z_range = case.between(0.01, 0.3)
    values: dict[str, Any] = {
        "nudge": case.between(0.1, 1.0),
        "p_0": case.between(0.05, 0.9),
        "gamma": case.between(-0.2, 0.3),
        "boxcar_m": case.between(0.0, 0.3),
        "boxcar_v": case.between(0.1, 0.5),
        "alpha": tuple(case.between(0.1, 3.0) for _ in range(layers)),
        "alpha_Z": 0.0 if form == "july_2018" and case.maybe() else case.power(-3.0, -1.0),
        "alpha_Y": 0.0,
        "u_range": case.between(1.0, 4.0),
        "mirror": 0.0,
        "forgetting": 0.0,
        "decay": case.between(0.5, 1.0),
    }
    choices: dict[str, Any] = {}
    backpropagation = not is_common and case.maybe(0.15)
    if not is_common:
        choices = {
            "sst": case.one_of("beta", "h", "none"),
            "feedback": case.one_of("plain", "gated"),
            "derivative": case.one_of("exact", "boxcar"),
            "output": case.one_of("sigmoid", "relu"),
            "apical_gate": case.maybe(),
            "clip_Z": case.maybe(),
        }
        if not backpropagation and case.maybe(0.3):
            values["mirror"], values["forgetting"] = case.between(0.1, 1.0), case.power(-4, -1)
        elif case.maybe(0.3) and choices["sst"] != "none" and hidden:
            # What (13) divides by is of this size, twice; it must not change sign.
            inhibition = 0.1 * Z_range * min(sizes[1:-1])
            values["alpha_Y"] = case.between(0.001, 0.01) * inhibition**2
            values["alpha_Z"] = 0.0
    recorded = case.maybe()
    options: dict[str, Any] = {
        "form": form,
        "steps": case.whole(2 * layers, 2 * layers + 6),
        "W_range": tuple(case.between(0.1, 1.0) for _ in range(layers)),
        "Y_range": tuple(case.between(0.1, 2.0) for _ in range(hidden)),
        "Z_range": Z_range,
        "backpropagation": backpropagation,
        "measure_angle": not is_common and case.maybe(0.3),
        **choices,
    }
    # The image has to have reached all layers for (9) to be about a state of rest.
    options["nudge_after"] = case.whole(layers, options["steps"] - layers)
    examples, epochs = case.whole(2, 5), 1 if recorded else case.whole(1, 2)
    images = case.chance.random((examples, sizes[0])) * (case.chance.random(sizes[0]) < 0.8)
    shown = images
    if case.maybe(0.3):
        shown = np.rint(255.0 * images).astype(np.uint8)
        images = shown / 255.0
    labels = case.chance.integers(0, classes, examples)
    case.note(sizes=sizes, examples=examples, epochs=epochs, recorded=recorded)
    case.note(**values, **options)
    kind = Watched if recorded else BurstEnsembleNetwork
    net = kind(
        sizes, seed=case.seed, dtype="float64", backend=case.on(is_common), **values, **options
    )

    p, told = net.parameters, case.told(values)
    alpha = told["alpha"]
    oracle = naive_burst_ensemble.NaiveBurstEnsemble(
        list(net.W),
        list(net.b),
        [Y.T for Y in net.Y],
        None if p.sst == "none" else list(net.Z),
        p0=told["p_0"],
        lam=told["nudge"],
        gamma=told["gamma"],
        alpha=alpha,
        alpha_Z=0.0 if p.sst == "none" else told["alpha_Z"],
        alpha_Y=told["alpha_Y"],
        mirror=told["mirror"],
        forgetting=told["forgetting"],
        apical_gate=p.apical_gate,
        u_range=told["u_range"],
        sst="beta" if p.sst == "none" else p.sst,
        output=p.output,
        feedback="beta" if p.feedback == "plain" else "gated",
        derivative=p.derivative,
        m=told["boxcar_m"],
        v=told["boxcar_v"],
        clip_Z=p.clip_Z,
    )
    before = [[array.copy() for array in arrays] for arrays in (net.W, net.b, net.Y, net.Z)]
    simulation = net.training
    for epoch in range(epochs):
        oracle.alpha = [None, *(a * told["decay"] ** epoch for a in alpha)]
        nudges = net.lengths(examples, TRAINING)[:, 0]
        if recorded:
            simulation, recording = learn(net, shown, labels, nudges)
        else:
            net.fit(shown, labels, epochs=1, shuffle=False)
        results = _burst_examples(case, simulation, oracle, images, labels, nudges, p)
    if recorded and not p.backpropagation:
        for name in net.RECORD:
            for layer, ours in getattr(recording, name).items():
                k = recording.layers.index(layer)
                theirs = np.concatenate([getattr(example, name)[k] for example in results])
                case.close(f"{name} of layer {k}", ours, theirs.T)
    for k in range(1, layers + 1):
        # Learning is from differences of rates below 1, often from small ones.
        rounding = ROUNDING * alpha[k - 1]
        case.learned(f"W[{k - 1}]", before[0][k - 1], net.W[k - 1], oracle.W[k], rounding)
        case.learned(f"b[{k - 1}]", before[1][k - 1], net.b[k - 1], oracle.b[k], rounding)
    for k in range(1, layers):
        rounding = ROUNDING * alpha[k] * told["mirror"]
        case.learned(f"Y[{k - 1}]", before[2][k - 1], net.Y[k - 1], oracle.Y[k].T, rounding)
        if p.sst != "none":
            case.learned(f"Z[{k - 1}]", before[3][k - 1], net.Z[k - 1], oracle.Z[k])
    # Rectified rates may all be 0: then each of them is the highest.
    for n, answer in enumerate(net.predict(shown)):
        rates = oracle.settled_rates(images[n])[-1]
        case.close(f"rate of class {n}", rates[answer], rates.max())


def _burst_examples(
    case: Case, simulation: Any, oracle: Any, images: Any, labels: Any, nudges: Any, p: Any
) -> list[Any]:
    """Teach the oracle, and compare what the package has measured image by image."""
    K, results = oracle.K, []
    one_hot = np.eye(oracle.sizes[-1])
    seen = simulation.shared.arrays
    for n, (image, label, nudge) in enumerate(zip(images, labels, nudges, strict=True)):
        free = oracle.settled_rates(image)[-1]
        case.close(f"loss of image {n}", seen["loss"][n], np.mean((one_hot[label] - free) ** 2))
        case.same(f"answer to image {n}", seen["answer"][n], np.argmax(free))
        errors = oracle.backprop_deltas(image, one_hot[label])
        if p.backpropagation:
            oracle.train_backprop(image, one_hot[label])
            continue
        example = oracle.train_example(image, one_hot[label], nudge_step=int(nudge), T=p.steps)
        results.append(example)
        for k in oracle.hidden:
            u = np.abs(example.u[k][nudge + K - k])
            case.close(f"apical {n}, {k}", seen["apical"][n, k - 1], np.mean(u))
            case.close(f"saturated {n}, {k}", seen["saturated"][n, k - 1], np.mean(u > 4.0))
            lengths = np.linalg.norm(example.delta[k]) * np.linalg.norm(errors[k])
            if p.measure_angle and lengths > 0.0:
                cosine = example.delta[k] @ errors[k] / lengths
                rounding = ROUNDING / np.linalg.norm(example.delta[k])
                case.close(f"cosine {n}, {k}", seen["cosine"][n, k - 1], cosine, rounding)
    return results


def burstprop(case: Case) -> None:
    hidden = case.one_of(0, 1, 1, 2, 2, 3)
    classes = case.whole(1, 5)
    sizes = (case.size(12), *(case.size(8) for _ in range(hidden)), classes)
    values: dict[str, Any] = {
        "p_0": case.between(0.05, 0.5),
        "eta": case.power(-2.0, 0.0),
        "eta_output": case.power(-2.0, 0.0),
        "momentum": case.one_of(0.0, case.between(0.0, 0.95)),
        "decay": case.one_of(0.0, case.power(-6.0, -2.0)),
        "eta_R": case.one_of(0.0, case.power(-4.0, -1.0)),
        "pixel_mean": case.between(-0.2, 0.5),
        "pixel_sd": case.between(0.2, 2.0),
    }
    options: dict[str, Any] = {
        "batch": case.whole(1, 9),
        "inhibition": case.maybe(),
        "learn_feedback": case.maybe(),
        "R_range": case.between(0.0, 0.3),
        "Y_sd": case.between(0.1, 2.0),
    }
    examples, epochs = case.whole(1, 20), case.whole(1, 3)
    images = case.chance.random((examples, sizes[0]))
    shown = images
    if case.maybe(0.3):
        shown = np.rint(255.0 * images).astype(np.uint8)
        images = shown / 255.0
    labels = case.chance.integers(0, classes, examples)
    case.note(sizes=sizes, examples=examples, epochs=epochs, **values, **options)
    net = BurstpropNetwork(sizes, seed=case.seed, dtype="float64", **values, **options)
    before = [[array.copy() for array in arrays] for arrays in (net.W, net.b, net.Y, net.R)]
    told = case.told(values)
    oracle = naive_burst_ensemble.NaiveBurstprop(
        before[0],
        before[1],
        [Y.T for Y in before[2]],
        before[3] if options["inhibition"] else None,
        p0=told["p_0"],
        lr=[told["eta"]] * hidden + [told["eta_output"]],
        momentum=told["momentum"],
        weight_decay=told["decay"],
        lr_R=told["eta_R"],
        learn_feedback=options["learn_feedback"],
    )
    history = net.fit(shown, labels, epochs=epochs, shuffle=False)
    pixels = (images - told["pixel_mean"]) / told["pixel_sd"]
    one_hot = np.eye(classes)[labels]
    for epoch in range(epochs):
        squares, wrong, apical = [], [], []
        for first in range(0, examples, options["batch"]):
            now = slice(first, first + options["batch"])
            batch = oracle.train_batch(pixels[now], one_hot[now])
            squares.append(np.mean((one_hot[now] - batch.e[-1]) ** 2, axis=1))
            wrong.append(batch.e[-1].argmax(axis=1) != labels[now])
            apical.append([np.sum(np.mean(np.abs(u), axis=1)) for u in batch.u[1:-1]])
        case.close("loss", history["loss"][epoch], np.mean(np.concatenate(squares)))
        error = 100.0 * np.mean(np.concatenate(wrong))
        case.close("training error", history["training_error"][epoch], error)
        case.close("apical", history["apical"][epoch], np.sum(apical, axis=0) / examples)
    # What learns is a difference of burst probabilities, which are of the size of 1.
    updates = epochs * math.ceil(examples / options["batch"]) / (1.0 - values["momentum"])
    rounding = updates * max(values["eta"], values["eta_output"]) * np.finfo(np.float64).eps
    for k in range(1, hidden + 2):
        case.learned(f"W[{k - 1}]", before[0][k - 1], net.W[k - 1], oracle.W[k], rounding)
        case.learned(f"b[{k - 1}]", before[1][k - 1], net.b[k - 1], oracle.b[k], rounding)
    for k in range(1, hidden + 1):
        case.learned(f"Y[{k - 1}]", before[2][k - 1], net.Y[k - 1], oracle.Y[k].T)
        if options["inhibition"]:
            case.learned(f"R[{k - 1}]", before[3][k - 1], net.R[k - 1], oracle.R[k])
    rates = oracle.event_rates(pixels)[-1]
    case.same("classes", net.predict(shown), rates.argmax(axis=1))


# ---- SuperSpike -------------------------------------------------------------------------------


TOLD = (
    *("tau_mem", "tau_syn", "U_rest", "theta", "beta", "tau_rise", "tau_decay", "eta", "w_max"),
    *("tau_rms", "tau_avg", "epsilon", "error_cut", "rho", "tau_het"),
)
"""Parameters of SuperSpike whose values the oracle is told."""


class Unsure(naive_superspike.NaiveSuperSpike):
    """Notes how far its weights (V) are known: gradients are, up to rounding of the largest.

    Terms of a gradient may cancel, and dividing by its own size makes much of what is left.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self.unsure = [np.zeros(w.shape) for w in self.w]

    def update(self, c: int) -> None:
        gradient = ROUNDING * np.abs(self.m[c]).max() / self.chunk
        super().update(c)
        size = 1.0 if self.optimizer == "plain" else np.sqrt(self.v[c]) + self.epsilon
        self.unsure[c] += self.learning_rate() * gradient / size


def superspike(case: Case) -> None:
    hidden = case.one_of(0, 1, 1, 1, 2)
    is_common = hidden == 1 and case.maybe()
    sizes = (case.size(20), *(case.size(5) for _ in range(hidden)), case.size(3))
    dt = case.one_of(0.1, 0.2, 0.5)
    tau_rise, U_rest = case.between(2.0, 8.0), case.between(-70.0, -55.0)
    values: dict[str, Any] = {
        "tau_mem": case.between(4.0, 20.0),
        "tau_syn": case.between(2.0, 10.0),
        "U_rest": U_rest,
        "theta": U_rest + case.between(5.0, 15.0),
        "beta": case.between(0.3, 3.0),
        "tau_rise": tau_rise,
        "tau_decay": tau_rise + case.between(1.0, 10.0),
        "eta": case.between(0.1, 2.0),
        "w_max": case.between(50.0, 200.0),
        "tau_rms": case.power(2.0, 4.5),
        "tau_avg": case.power(3.0, 4.5),
        "epsilon": case.power(-12.0, -3.0),
        "error_cut": case.one_of(1e-7, case.power(-4.0, -2.0)),
        "rho": 0.0,
        "tau_het": case.between(20.0, 200.0),
    }
    chunk = case.whole(20, 150)
    options: dict[str, Any] = {
        "tau_ref": dt * case.whole(0, 30),
        "delay": dt * case.whole(0, 10),
        "chunk": dt * chunk,
        "w_0": case.between(100.0, 300.0),
        "feedback": "random" if is_common else case.one_of("symmetric", "random", "uniform"),
        "psp_cut": case.one_of(None, None, case.power(-3.0, -1.5)),
        "hebbian_delay": case.one_of(None, None, dt * case.whole(0, 12)),
    }
    if not is_common:
        options["optimizer"] = case.one_of("rmaxprop", "rmaxprop", "rmsprop", "plain")
        if options["optimizer"] == "plain":
            values["eta"] *= 20.0
        options["linear"] = case.maybe(0.15)
        if hidden:
            options["frozen"] = case.maybe(0.15)
            options["rho_error"] = case.maybe(0.3)
            options["a"] = case.whole(0, 5)
            values["rho"] = case.one_of(0.0, case.power(-1.0, 1.0))
    loop = case.whole(100, 400)
    # With a burn-in of 0 fit would take its default, which is a block.
    burn_in, block, blocks = case.whole(1, 200), case.whole(150, 300), case.whole(2, 4)
    rates = tuple(case.one_of(0.0, 1.0, 1.0, 1.0) for _ in range(blocks))
    patterns = [
        SpikePattern(dt * steps, ids.astype(np.int32), n, dt * loop)
        for n, most in ((sizes[0], 3), (sizes[-1], 1))
        for steps, ids in [listed(case.trains(n, loop, dt * case.between(0.02, 0.1), most))]
    ]
    case.note(sizes=sizes, dt=dt, loop=loop, burn_in=burn_in, block=block, rates=rates)
    case.note(**values, **options)
    net = SuperSpikeNetwork(
        sizes,
        seed=case.seed,
        dt=dt,
        dtype="float64",
        backend=case.on(is_common),
        **values,
        **options,
    )
    compare_superspike(case, net, values, patterns, (burn_in, block), rates)


def compare_superspike(
    case: Case,
    net: Any,
    values: dict[str, Any],
    patterns: Sequence[SpikePattern],
    steps: tuple[int, int],
    rates: Sequence[float],
) -> list[np.ndarray]:
    """Teach a new network and its oracle, and compare what they are; the spikes of each layer.

    Parameters
    ----------
    values
        Parameters of the network that the oracle is told.
    steps
        Of the burn-in and of each block.
    rates
        The learning rate of each block, in units of eta.
    """
    (burn_in, block), blocks, sizes = steps, len(rates), net.sizes
    dt, hidden = net.dt, len(sizes) - 2
    loop, chunk = round(patterns[0].duration / dt), round(net.parameters.chunk / dt)
    before = [W.copy() for W in net.W]
    simulation = net.training
    populations = simulation.network.populations
    recordings = [
        simulation.network.record_spikes(populations[layer.name])
        for layer in simulation.above_input
    ]
    learning_rates = [values["eta"] * rate for rate in rates]
    net.fit(*patterns, blocks, block=dt * block, burn_in=dt * burn_in, learning_rate=learning_rates)

    p, told = net.parameters, case.told(values)
    seconds = ("tau_mem", "tau_syn", "tau_rise", "tau_decay", "tau_rms", "tau_avg")
    constants = {name.upper(): told[name] / 1000.0 for name in seconds}
    constants |= {"DT": dt / 1000.0, "REFRACTORY": round(p.tau_ref / dt)}
    constants |= {"BETA": 1000.0 * told["beta"], "W_MAX": told["w_max"] / 1000.0}
    constants |= {"THETA": told["theta"] / 1000.0, "U_REST": told["U_rest"] / 1000.0}
    constants["U_CUTOFF"] = constants["THETA"] - 0.03  # -80 mV as published
    starts = burn_in + block * np.arange(blocks)
    r0 = [rate * told["eta"] / 1000.0 for rate in rates]
    delay, hebbian = round(p.delay / dt), None
    if p.hebbian_delay is not None:
        hebbian = [round(p.hebbian_delay / dt)] * hidden + [delay]
    with patch.multiple(naive_superspike, **constants):
        oracle = Unsure(
            [W / 1000.0 for W in before],
            *[(np.rint(shown.times / dt).astype(int), shown.ids) for shown in patterns],
            loop=loop,
            feedback=p.feedback,
            B=[B.T for B in net.B],
            delay=delay,
            hebbian_delay=hebbian,
            psp_cut=p.psp_cut,
            error_cut=told["error_cut"],
            optimizer=p.optimizer,
            r0=[(0, 0.0), *zip(starts.tolist(), r0, strict=True)],
            learning_from=burn_in,
            epsilon=told["epsilon"],
            chunk=chunk,
            rho=told["rho"],
            a=p.a,
            tau_het=told["tau_het"] / 1000.0,
            error_dependent=p.rho_error,
            partial=not p.linear,
            fixed_hidden=p.frozen,
        )
        oracle.run(burn_in + blocks * block)
    scale = naive_superspike.cost_scale(
        constants["TAU_DECAY"], constants["TAU_RISE"], constants["TAU_AVG"]
    )
    share = 1.0 - math.exp(-oracle.k * dt / told["tau_avg"])
    case.close("cost", net.cost, scale * np.mean(oracle.C) / share)
    for m, recording in enumerate(recordings, 1):
        theirs = np.zeros((oracle.k, sizes[m]), np.int64)
        steps, ids = oracle.raster(m).T
        theirs[steps, ids] = 1
        case.fired(f"spikes of layer {m}", recording, theirs)
        layer = simulation.layers[m]
        case.close(f"U of layer {m}", layer.U, 1000.0 * oracle.U[m])
        if not p.frozen or m == hidden + 1:
            case.close(f"e of layer {m}", layer.e, oracle.e[m])
    for c, W in enumerate(net.W):
        case.learned(f"W[{c}]", before[c], W, 1000.0 * oracle.w[c], 1000.0 * oracle.unsure[c])
    v = [layer.v for layer in simulation.above_input if "v" in layer.arrays]
    theirs = oracle.v[-1:] if p.frozen else oracle.v
    for c, pair in enumerate(zip(v, theirs, strict=True) if p.optimizer != "plain" else ()):
        case.close(f"v[{c}]", *pair)
    return [counted(each, oracle.k, n) for each, n in zip(recordings, sizes[1:], strict=True)]


# ---- bursting neurons -------------------------------------------------------------------------

PORTS = {
    "g_exc_s": "soma_exc",
    "g_inh_s": "soma_inh",
    "g_exc_d": "dendrite_exc",
    "g_inh_d": "dendrite_inh",
}
COMPARTMENTS = {  # ours: the transcription's
    "E_L": "EL",
    "theta_0": "theta_0",
    "theta_jump": "theta_jump",
    "tau_theta": "tau_thr",
    "tau_s": "tau_s",
    "C_s": "Cs",
    "tau_ws": "tau_ws",
    "b_s": "b_s",
    "tau_d": "tau_d",
    "C_d": "Cd",
    "tau_wd": "tau_wd",
    "a_d": "a_d",
    "D_d": "Dd",
    "E_d": "Ed",
    "g_s": "gs",
    "g_d": "gd",
    "zeta": "zeta",
}
STATE = {"V_s": "Vs", "V_d": "Vd", "w_s": "w_s", "w_d": "w_d", "theta": "theta"}


def _around(case: Case, values: Mapping[str, Any]) -> dict[str, float]:
    """Parameters not far from these: potentials by a few mV, others by a part of themselves."""
    moved = {}
    for name, value in values.items():
        if name[0] in "EV" or name == "theta_0":
            moved[name] = value + case.between(-4.0, 4.0)
        else:
            moved[name] = value * case.between(0.7, 1.4)
    return moved


class Inputs:
    """Random spike trains for some ports, made before the cells that they go to.

    Parameters
    ----------
    most : mapping of str to float
        The largest weight, by port.
    """

    def __init__(self, case: Case, net: Network, steps: int, most: Mapping[str, float]):
        self._case, self._net, self._steps = case, net, steps
        self._sources = {}
        for port, weight in most.items():
            n = case.size(4)
            counts = case.trains(n, steps, net.dt * case.between(0.1, 0.4) / n, most=4)
            self._sources[port] = played(net, f"to_{port}", counts), counts, weight

    def onto(self, cells: Any) -> dict[str, np.ndarray]:
        """Connect them; what arrives in each step at each cell, (steps, cells), by port."""
        arriving = {}
        for port, (source, counts, most) in self._sources.items():
            weights = self._case.chance.uniform(0.3, 1.0, (source.n, cells.n)) * most
            lag = self._case.whole(0, 3)
            delay = lag * self._net.dt
            self._net.connect(source, cells, target=port, weight=weights, delay=delay)
            late = np.vstack([np.zeros((lag, source.n), counts.dtype), counts])
            arriving[port] = late[: self._steps] @ weights
        return arriving


def _injected(naive: type) -> type:
    """A neuron into which currents are injected as into the authors': before all else of a step."""

    class Injected(naive):  # type: ignore[misc, valid-type]
        def step(self, I_s=0.0, I_d=0.0, **events):
            self.Vs += self.dt * I_s / self.Cs
            self.Vd += self.dt * I_d / self.Cd
            super().step(**events)

    return Injected


class InjectedAdEx(naive_bursting_neurons.NaiveAdEx):
    """The same for the adaptive exponential neuron; a current does not move what is held."""

    def step(self, current=0.0, **events):
        if self.refractory == 0:
            self.V += self.dt / self.tau * current / self.gL
        super().step(**events)


def pyramidal(case: Case) -> None:
    _bursting(case, Pyramidal, case.one_of("soma", "dendrite"))


def burst_poisson(case: Case) -> None:
    _bursting(case, BurstPoisson, case.one_of("soma", "dendrite"))


def _bursting(case: Case, neuron: Neuron, driving_force: str) -> None:
    dt = case.one_of(0.05, 0.1, 0.2)
    n, steps = case.size(5), case.whole(300, 1200)
    lasting = ("K_duration", "refractory", "second_after", "second_within", "local_driving_force")
    values = _around(case, {k: v for k, v in neuron.parameters.items() if k not in lasting})
    box, after, within = (case.whole(*bounds) for bounds in ((1, 40), (1, 60), (0, 100)))
    refractory = after + within + case.whole(1, 60)
    given: dict[str, Any] = {"local_driving_force": int(driving_force == "dendrite")}
    if neuron is Pyramidal:
        given["K_duration"] = box * dt
    else:
        lengths = (refractory, after, within)
        given |= {name: k * dt for name, k in zip(lasting[1:4], lengths, strict=True)}
    case.note(dt=dt, n=n, steps=steps, **values, **given)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    most = {"g_exc_s": 0.6, "g_inh_s": 0.25, "g_exc_d": 0.12, "g_inh_d": 0.03}
    inputs = Inputs(case, net, steps, most)
    stream = ON_SPIKE + len(net.populations)
    cells = net.add_population("cells", n, neuron, **values, **given)
    currents = case.chance.uniform(-100.0, 900.0, (2, n)) * case.one_of(0.0, 1.0, 1.0)
    cells.I_s[:], cells.I_d[:] = currents
    start = {
        "V_s": case.chance.uniform(-75.0, -55.0, n),
        "V_d": case.chance.uniform(-75.0, -45.0, n),
        "w_s": case.chance.uniform(0.0, 2.0, n),
        "w_d": case.chance.uniform(0.0, 5.0, n),
        "theta": case.chance.uniform(-52.0, -45.0, n),
    }
    for name, x in start.items():
        getattr(cells, name)[:] = x
    arriving = inputs.onto(cells)
    state, spikes = net.record(cells, list(STATE)), net.record_spikes(cells)
    net.run_steps(steps)

    told = case.told(values)
    constants = {theirs: told[ours] for ours, theirs in COMPARTMENTS.items() if ours in told}
    constants["box_length"], constants["refractory_period"] = box * dt, refractory * dt
    base = naive_bursting_neurons.NaivePyramidal
    if neuron is BurstPoisson:
        base = naive_bursting_neurons.NaiveBurstPoisson
        # As in the authors' program, which counts a step less than it draws.
        constants["lag"] = lambda self, u: math.floor(after + within * u) - 1
    kind = type("Naive", (_injected(base),), constants)
    found = {name: np.zeros((n, steps)) for name in STATE}
    fired = np.zeros((steps, n), np.int64)
    now: list[Any] = [None]
    with _synapses_of(told):
        for i in range(n):
            first = {STATE[name]: x[i] for name, x in start.items() if name != "theta"}
            first |= {"driving_force": driving_force, "dt": dt}
            if neuron is BurstPoisson:
                # The neuron asks at its events, for the numbers of their step.
                first["draws"] = iter(lambda i=i: draws(net, stream, now[0].k, [i])[0][:2], None)
            cell = now[0] = kind(**first)
            cell.theta = start["theta"][i]
            events = {PORTS[port]: weights[:, i] for port, weights in arriving.items()}
            trace = naive_bursting_neurons.run(
                cell, steps, I_s=currents[0, i], I_d=currents[1, i], **events
            )
            fired[cell.spikes, i] = 1
            for name, theirs in STATE.items():
                found[name][i] = trace[theirs]
    case.fired("spikes", spikes, fired)
    for name, theirs in found.items():
        case.close(name, getattr(state, name), theirs)


def _synapses_of(told: Mapping[str, float]) -> contextlib.AbstractContextManager:
    return patch.multiple(
        naive_bursting_neurons,
        E_EXC=told["E_exc"],
        E_INH=told["E_inh"],
        TAU_AMPA=told["tau_exc"],
        TAU_GABA=told["tau_inh"],
    )


def adex(case: Case) -> None:
    dt = case.one_of(0.05, 0.1)
    n, steps = case.size(5), case.whole(300, 1200)
    defaults = {k: float(v) for k, v in spikesim.AdEx.parameters.items() if k != "refractory"}
    values = _around(case, defaults)
    values |= {"V_peak": 0.0, "V_hold": values["E_L"]}  # as in the transcription
    values["V_least"] = case.one_of(-1e9, case.between(-84.0, -72.0))
    refractory = case.one_of(0, case.whole(1, 40))
    case.note(dt=dt, n=n, steps=steps, refractory=refractory * dt, **values)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    inputs = Inputs(case, net, steps, {"g_exc": 0.6, "g_inh": 0.3})
    cells = net.add_population("cells", n, spikesim.AdEx, refractory=refractory * dt, **values)
    start = {
        "v": case.chance.uniform(-75.0, -52.0, n),
        "w": case.chance.uniform(0.0, 100.0, n),
        "I": case.chance.uniform(-100.0, 1200.0, n) * case.one_of(0.0, 1.0),
    }
    for name, x in start.items():
        getattr(cells, name)[:] = x
    arriving = inputs.onto(cells)
    state, spikes = net.record(cells, ["v", "w"]), net.record_spikes(cells)
    net.run_steps(steps)

    told = case.told({name: value for name, value in values.items() if name != "V_hold"})
    fired = np.zeros((steps, n), np.int64)
    with _synapses_of(told):
        for i in range(n):
            cell = InjectedAdEx(
                gL=told["g_L"],
                tau=told["C"] / told["g_L"],
                EL=told["E_L"],
                DeltaT=told["Delta_T"],
                V_T=told["V_T"],
                V_reset=told["V_reset"],
                a=told["a"],
                b=told["b"],
                tau_w=told["tau_w"],
                ref=refractory * dt,
                V_min=told["V_least"],
                dt=dt,
            )
            cell.V, cell.w = start["v"][i], start["w"][i]
            trace = naive_bursting_neurons.run(
                cell,
                steps,
                current=start["I"][i],
                exc=arriving["g_exc"][:, i],
                inh=arriving["g_inh"][:, i],
            )
            fired[cell.spikes, i] = 1
            for name, its in (("v", "V"), ("w", "w")):
                case.close(f"{name} of cell {i}", getattr(state, name)[i], trace[its])
    case.fired("spikes", spikes, fired)


# ---- events and bursts ------------------------------------------------------------------------


def _bursting_trains(case: Case, n: int, steps: int, dt: float, tau: float) -> np.ndarray:
    """Spikes alone and several together, some exactly tau apart."""
    trains = np.zeros((steps, n), np.int64)
    rate = case.power(-3.0, -1.0) * dt
    apart = max(round(tau / dt), 1)
    for i in range(n):
        for first in np.flatnonzero(case.chance.random(steps) < rate):
            k = int(first)
            while k < steps:
                trains[k, i] = 1
                if case.maybe():
                    break
                k += apart if case.maybe(0.3) else case.whole(1, apart + 2)
    return trains


def events_and_bursts(case: Case) -> None:
    """Told apart while a network runs, by the trace, and afterwards, by the intervals."""
    dt = case.one_of(0.1, 0.25, 0.5, 1.0)
    n, steps, tau = case.size(6), case.whole(200, 3000), dt * case.whole(2, 200)
    trains = _bursting_trains(case, n, steps, dt, tau)
    case.note(dt=dt, n=n, steps=steps, tau=tau)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    cells = played(net, "cells", trains)
    online = [
        net.record_spikes(net.add_events("events", cells, tau)),
        net.record_spikes(net.add_bursts("bursts", cells, tau)),
    ]
    net.run_steps(steps)
    at, ids = listed(trains)
    offline = bursts.events_and_bursts(at * dt, ids, tau)

    told = case.told({"tau": tau})["tau"]
    by_trace, by_interval = np.zeros((2, 2, steps, n), np.int64)
    for i in range(n):
        times = (np.flatnonzero(trains[:, i]) * dt).tolist()
        detector = naive_bursting_neurons.TraceDetector(told)
        pairs = (
            (by_trace, naive_bursting_neurons.online_events_and_bursts(times, detector)),
            (by_interval, naive_bursting_neurons.offline_events_and_bursts(times, told)),
        )
        for found, kinds in pairs:
            for kind, when in enumerate(kinds):
                found[kind, np.rint(np.array(when) / dt).astype(int), i] = 1
    for k, kind in enumerate(("events", "bursts")):
        case.fired(f"{kind} by the trace", online[k], by_trace[k])
    ours = np.zeros((2, steps, n), np.int64)
    for k, (when, who) in enumerate(
        (
            (offline.event_times, offline.event_ids),
            (offline.burst_times, offline.burst_ids),
        )
    ):
        ours[k, np.rint(when / dt).astype(int), who] = 1
    case.same("events and bursts by intervals", ours, by_interval)


# ---- plasticity -------------------------------------------------------------------------------


def _receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


RECEIVER = Neuron(steps=[_receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)


def short_term_plasticity(case: Case) -> None:
    dt = case.one_of(0.1, 0.5, 1.0)
    n, m, steps = case.size(6), case.size(6), case.whole(200, 1000)
    trains = case.trains(n, steps, dt * case.power(-2.5, -0.5), most=case.one_of(1, 1, 3))
    lag = case.whole(0, 12)
    values = {
        "U": case.between(0.01, 1.0),
        "tau_D": case.power(0.5, 3.0),
        "tau_F": case.power(0.5, 3.0),
        "f": case.one_of(0.0, case.between(0.0, 1.0)),
    }
    u0 = case.one_of(None, case.between(0.0, 1.0))
    weights = case.chance.uniform(-2.0, 2.0, (n, m)) * (case.chance.random((n, m)) < 0.7)
    is_sparse = case.maybe()
    case.note(dt=dt, n=n, m=m, steps=steps, lag=lag, u0=u0, is_sparse=is_sparse, **values)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    cells = played(net, "cells", trains)
    target = net.add_population("target", m, RECEIVER)
    projection = net.connect(
        cells,
        target,
        target="port",
        weight=sparse.csr_array(weights) if is_sparse else weights,
        delay=lag * dt,
        short_term=ShortTermPlasticity(**values),
    )
    if u0 is not None:
        projection.u[:] = u0
    recording = net.record(target, "got")
    net.run_steps(steps)

    told, expected = case.told(values), np.zeros((m, steps))
    for i in range(n):
        at = np.repeat(np.arange(steps), trains[:, i])
        # A synapse releases when a spike gets there: until then it recovers from how it began.
        there = at + lag
        efficacies = naive_bursting_neurons.short_term_plasticity(
            (there * dt).tolist(), u0=u0, **told
        )
        for k, efficacy in zip(there, efficacies, strict=True):
            if k < steps:
                expected[:, k] += weights[i] * efficacy
    case.spikes += int(trains.sum())
    case.close("what arrives", recording.got, expected)


def burst_plasticity(case: Case) -> None:
    dt = case.one_of(0.1, 0.5)
    n, m, steps = case.size(5), case.size(5), case.whole(400, 3000)
    trains = [_bursting_trains(case, k, steps, dt, 16.0) for k in (n, m)]
    values: dict[str, Any] = {
        "eta": tuple(case.between(0.0, 0.2) for _ in range(m)),
        "tau_pre": case.power(0.5, 2.5),
        "alpha": case.power(1.5, 3.5),
        "least": case.one_of(0.0, case.between(0.5, 5.0)),
        "most": case.one_of(0.0, case.between(1.0, 15.0)),
        "tau_rate": case.power(2.0, 4.5),
        "rate": case.one_of(0.0, case.between(0.0, 5.0)),
        "w_min": case.one_of(-10.0, 0.0, 0.15),
        "w_max": case.one_of(10.0, 0.8),
    }
    averages = {"event_rate": case.between(0.0, 10.0), "burst_probability": case.between(0.0, 1.0)}
    assumed = case.maybe()
    off = case.one_of(0, case.whole(0, steps // 2))
    weights = case.chance.uniform(0.2, 0.7, (n, m)) * (case.chance.random((n, m)) < 0.7)
    case.note(dt=dt, n=n, m=m, steps=steps, assumed=assumed, off=off, **values, **averages)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    pre, post = played(net, "pre", trains[0]), net.add_population("post", m, FIRING)
    teacher = played(net, "teacher", trains[1])
    net.connect(teacher, post, target="fire", weight=np.eye(m), delay=dt)
    late = np.vstack([np.zeros((1, m), np.int64), trains[1]])[:steps]
    pre_events = net.add_events("pre_events", pre)
    events, burst = net.add_events("events", post), net.add_bursts("bursts", post)
    projection = net.connect(pre_events, post, target="port", weight=sparse.csr_array(weights))
    given = {**values, "eta": np.array(values["eta"]), "most": values["most"] or np.inf}
    rule = BurstPlasticity(net, post, events, burst, [projection], **given)
    if assumed:
        rule.assume(**averages)
    rule.is_on = False
    net.run_steps(off)
    rule.is_on = True
    net.run_steps(steps - off)

    told = case.told(values)
    if assumed:
        averages = case.told(averages)
    else:
        averages = dict.fromkeys(averages, 0.0)
    expected, rates = np.zeros((n, m)), np.zeros((2, m))

    class Synapse(naive_bursting_neurons.BurstSynapse):
        tau_spike_rate = told["tau_rate"]

    for j in range(m):
        for i in range(n):
            synapse = Synapse(
                eta=told["eta"][j],
                tau_pre=told["tau_pre"],
                alpha=told["alpha"],
                w=weights[i, j],
                bounds=(told["w_min"], told["w_max"]),
                min_rate=told["least"] or None,
                max_rate=told["most"] or None,
                spike_rate=told["rate"],
                learning_from=off * dt - 0.5 * dt,
                detector=naive_bursting_neurons.TraceDetector,
                **averages,
            )
            for k in range(steps):
                if trains[0][k, i]:
                    synapse.pre_spike(k * dt)
                if late[k, j]:
                    synapse.post_spike(k * dt)
            expected[i, j] = synapse.w if weights[i, j] else 0.0
            synapse.advance((steps - 1) * dt)
            rates[:, j] = synapse.Ebar / told["alpha"] * 1000.0, synapse.Pbar()
    rows = np.repeat(np.arange(n), np.diff(projection.start))
    ours = sparse.csr_array((projection.weight, (rows, projection.target)), shape=(n, m))
    case.spikes += int(trains[0].sum() + trains[1].sum())
    case.learned("weights", weights, ours.toarray(), expected)
    case.close("event rates", rule.event_rate, rates[0])
    case.close("burst probabilities", rule.burst_probability, rates[1])


def _fire(i, t, s, p):
    s.spike[i] = s.fire[i]
    s.fire[i] = 0.0
    s.got[i] = s.port[i]
    s.port[i] = 0.0


FIRING = Neuron(steps=[_fire], variables={"fire": 0.0, "port": 0.0, "got": 0.0}, most_spikes=3)
"""Fires as often as it is told to in a step, and shows what arrived."""


def pair_plasticity(case: Case) -> None:
    dt = case.one_of(0.1, 0.5, 1.0)
    n, m, steps = case.size(4), case.size(4), case.whole(100, 400)
    trains = [case.trains(k, steps, case.power(-2.0, -0.7), most=case.one_of(1, 3)) for k in (n, m)]
    lag, is_sparse = case.whole(0, 8), case.maybe()
    strongest, sign = case.power(-2.0, 1.0), case.one_of(1.0, 1.0, -1.0)
    bounds = sorted((sign * strongest * case.one_of(0.0, 0.2), sign * strongest))
    values = {
        "tau_plus": dt * case.power(0.2, 2.5),
        "tau_minus": dt * case.power(0.2, 2.5),
        "A_plus": case.one_of(0.005, case.between(-0.3, 0.5)) * strongest,
        "A_minus": case.one_of(0.005, case.between(-0.3, 0.5)) * strongest,
        "w_min": float(bounds[0]),
        "w_max": float(bounds[1]),
    }
    weights = case.chance.uniform(*bounds, (n, m))
    if is_sparse:
        weights *= case.chance.random((n, m)) < 0.7
    off = sorted(case.chance.integers(0, steps, 2)) if case.maybe(0.3) else (0, 0)
    case.note(dt=dt, n=n, m=m, steps=steps, lag=lag, is_sparse=is_sparse, off=off, **values)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    pre, teacher = played(net, "pre", trains[0]), played(net, "teacher", trains[1])
    post = net.add_population("post", m, FIRING)
    net.connect(teacher, post, target="fire", weight=np.eye(m), delay=0.0)
    projection = net.connect(
        pre,
        post,
        target="port",
        weight=sparse.csr_array(weights) if is_sparse else weights,
        delay=lag * dt,
        plasticity=PairSTDP(**values),
    )
    recording = net.record(post, "got")
    for learning, end in ((True, off[0]), (False, off[1]), (True, steps)):
        projection.learning = learning
        net.run_steps(int(end) - net.step)

    told = case.told(values)
    late = np.vstack([np.zeros((lag, n), np.int64), trains[0]])[:steps]
    learned, got = np.zeros((n, m)), np.zeros((m, steps))
    for i, j in zip(*np.nonzero(weights), strict=True):
        synapse = naive_integrate_and_fire.NaivePairs(weights[i, j], dt=dt, **told)
        for k in range(steps):
            learns = not off[0] <= k < off[1]
            got[j, k] += synapse.step(int(late[k, i]), int(trains[1][k, j]), learns)
        learned[i, j] = synapse.w
    ours = projection.W
    if is_sparse:
        rows = np.repeat(np.arange(n), np.diff(projection.start))
        places = (rows, projection.target)
        ours = sparse.csr_array((projection.weight, places), shape=(n, m)).toarray()
    case.spikes += int(trains[0].sum() + trains[1].sum())
    case.learned("weights", weights, ours, learned)
    case.close("what arrives", recording.got, got)


# ---- integrate and fire -----------------------------------------------------------------------

INTEGRATE_AND_FIRE: dict[str, tuple[Neuron, dict[str, float]]] = {  # and the largest weights
    "drive": (spikesim.LIF, {"drive": 30.0}),
    "jump": (spikesim.DeltaLIF, {"v": 15.0}),
    "current": (spikesim.CurrentLIF, {"I_exc": 40.0, "I_inh": -10.0}),
    "alpha current": (spikesim.AlphaCurrentLIF, {"rise_exc": 40.0, "rise_inh": -10.0}),
    "conductance": (spikesim.ConductanceLIF, {"g_exc": 1.0, "g_inh": 1.0}),
    "alpha conductance": (spikesim.AlphaConductanceLIF, {"rise_exc": 1.0, "rise_inh": 1.0}),
}


def integrate_and_fire(case: Case) -> None:
    kind = case.one_of(*INTEGRATE_AND_FIRE)
    neuron, most = INTEGRATE_AND_FIRE[kind]
    dt = case.one_of(0.05, 0.1, 0.5, 1.0)
    n, steps = case.size(6), case.whole(100, 800)
    values: dict[str, float] = {}
    for name, value in neuron.parameters.items():
        if name.startswith("tau"):
            values[name] = max(dt, value * case.power(-0.6, 0.4))
        elif name == "I":
            values[name] = case.one_of(0.0, case.between(0.0, 25.0))
        elif name != "refractory":
            values[name] = float(value) + case.between(-4.0, 4.0)
    values["V_reset"] = min(values["V_reset"], values["threshold"])
    if kind in ("current", "alpha current") and case.maybe(0.2):
        values["tau_exc"] = values["tau"] * case.one_of(1.0, 1.0 + 1e-8)
    refractory = case.one_of(0, 1, case.whole(2, 50))
    case.note(kind=kind, dt=dt, n=n, steps=steps, refractory=refractory * dt, **values)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    inputs = Inputs(case, net, steps, most)
    cells = net.add_population("cells", n, neuron, refractory=refractory * dt, **values)
    names = [name for name in neuron.variables if name != "refractory"]
    start = {
        name: case.chance.uniform(values["V_reset"] - 5.0, values["threshold"], n)
        if name == "v"
        else case.chance.uniform(0.0, 1.0, n)
        for name in names
    }
    for name, x in start.items():
        getattr(cells, name)[:] = x
    arriving = inputs.onto(cells)
    recording, spikes = net.record(cells, names), net.record_spikes(cells)
    net.run_steps(steps)

    told = {**case.told(values), "refractory": refractory * dt}
    found = {name: np.zeros((n, steps)) for name in names}
    fired = np.zeros((steps, n), np.int64)
    for i in range(n):
        first = {name: float(x[i]) for name, x in start.items()}
        cell = naive_integrate_and_fire.NaiveIntegrateAndFire(kind, told, dt, **first)
        for k in range(steps):
            cell.step({port: float(weights[k, i]) for port, weights in arriving.items()})
            fired[k, i] = cell.fired
            for name in names:
                found[name][i, k] = cell.state[name]
    case.fired("spikes", spikes, fired)
    for name, theirs in found.items():
        case.close(name, getattr(recording, name), theirs)


def izhikevich(case: Case) -> None:
    dt = case.one_of(0.02, 0.1, 0.25, 0.5)
    n, steps = case.size(6), case.whole(50, 1000 if dt < 0.2 else 200)
    values = _around(case, IZHIKEVICH_2003[case.one_of(*IZHIKEVICH_2003)])
    values["c"] = min(values["c"], -40.0)
    values["tau_synapse"] = case.between(2.0, 10.0)
    case.note(dt=dt, n=n, steps=steps, **values)
    net = Network(dt=dt, seed=case.seed, dtype="float64", backend=case.on(True))
    inputs = Inputs(case, net, steps, {"drive": 6.0})
    cells = net.add_population("cells", n, spikesim.Izhikevich, **values)
    start = {
        "v": case.chance.uniform(-75.0, -55.0, n),
        "u": case.chance.uniform(-16.0, -10.0, n),
        "drive": case.chance.uniform(0.0, 3.0, n),
        "I": case.chance.uniform(0.0, 12.0, n),
    }
    for name, x in start.items():
        getattr(cells, name)[:] = x
    arriving = inputs.onto(cells)["drive"]
    names = ("v", "u", "drive")
    recording, spikes = net.record(cells, list(names)), net.record_spikes(cells)
    net.run_steps(steps)

    told = case.told(values)

    def oracle(current: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        found = {name: np.zeros((n, steps)) for name in names}
        fired = np.zeros((steps, n), np.int64)
        for i in range(n):
            first = {name: float(x[i]) for name, x in {**start, "I": current}.items()}
            cell = naive_integrate_and_fire.NaiveIzhikevich(dt=dt, **told, **first)
            for k in range(steps):
                cell.step(float(arriving[k, i]))
                fired[k, i] = cell.fired
                for name in names:
                    found[name][i, k] = getattr(cell, name)
        return found, fired

    found, fired = oracle(start["I"])
    case.fired("spikes", spikes, fired)
    # Each upstroke enlarges rounding errors, as it does those of a current of v's last bit.
    nearby, _ = oracle(start["I"] + np.spacing(64.0))
    for name, theirs in found.items():
        rounding = 16.0 * np.maximum.accumulate(np.abs(nearby[name] - theirs), axis=1)
        case.close(name, getattr(recording, name), theirs, rounding)


# ---- all of them ------------------------------------------------------------------------------

MODELS: dict[str, Callable[[Case], None]] = {
    model.__name__: model
    for model in (
        segregated_spikes,
        segregated_rates,
        burst_ensemble,
        burstprop,
        superspike,
        pyramidal,
        burst_poisson,
        adex,
        events_and_bursts,
        short_term_plasticity,
        burst_plasticity,
        pair_plasticity,
        integrate_and_fire,
        izhikevich,
    )
}

COARSE = {
    # Spikes come in whole steps, and both sides allow for rounding by 1e-6 of tau.
    ("events_and_bursts", "tau"): -1e-5,
    # These decide, by a draw or a threshold, what happens, and are seen in nothing else.
    ("burst_poisson", "D_d"): 0.2,
    ("burst_poisson", "E_d"): 0.02,
    ("integrate_and_fire", "threshold"): 0.01,
    ("superspike", "error_cut"): 0.3,
    ("burst_ensemble", "boxcar_m"): 0.3,
    ("burst_ensemble", "boxcar_v"): 0.3,
}
"""What is not seen if it is wrong by 1 in 1e6, and by how much of itself it is made wrong."""


def made(seed: int, model: str, number: int, **options: Any) -> Case:
    """A case, drawn, run and compared."""
    case = Case(seed, model, number, **options)
    MODELS[model](case)
    return case


def found_after(
    seed: int, model: str, wrong: str, tries: int = TRIES, plain: bool = False
) -> int | None:
    """The first case in which it is found that the oracle gets a parameter wrong."""
    by = COARSE.get((model, wrong), WRONG)
    for number in range(tries):
        case = made(seed, model, number, wrong=wrong, by=by, plain=plain)
        right = case.differences and made(seed, model, number, plain=plain)
        if right and not right.differences:
            return number
    return None


def check(seed: int, models: Sequence[str], plain: bool) -> int:
    """Print for each parameter of each model in which case an error is found; 1 if in none."""
    missed = 0
    for model in models:
        names: set[str] = set()
        for number in range(10):
            names |= made(seed, model, number, plain=plain).parameters
        for name in sorted(names):
            where = found_after(seed, model, name, plain=plain)
            missed += where is None
            found = "NOT FOUND" if where is None else f"found in case {where}"
            print(f"{model:24} {name:20} {found}", flush=True)
    return int(missed > 0)


def main(arguments: list[str]) -> int:
    """Compare, and print a table; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability differential", description=__doc__
    )
    parser.add_argument("--count", type=int, default=50, help="cases of each model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--case", type=int, metavar="K", help="make case K, and say what it is")
    parser.add_argument("--plain", action="store_true", help="compile nothing")
    parser.add_argument("--check", action="store_true", help="get parameters wrong instead")
    chosen = parser.parse_args(arguments)
    if chosen.only is not None and chosen.only not in MODELS:
        parser.error(f"--only is one of {', '.join(MODELS)}")
    models = [chosen.only] if chosen.only else list(MODELS)
    if chosen.check:
        return check(chosen.seed, models, chosen.plain)
    numbers = range(chosen.count) if chosen.case is None else [chosen.case]
    rows, failed = [], 0
    for model in models:
        began, different = time.monotonic(), 0
        backends: collections.Counter[str] = collections.Counter()
        numbers_compared = spikes = 0
        for number in numbers:
            case = Case(chosen.seed, model, number, plain=chosen.plain)
            try:
                MODELS[model](case)
            except Exception:
                case.differences.append(traceback.format_exc())
            backends[case.backend] += 1
            numbers_compared += case.numbers
            spikes += case.spikes
            different += bool(case.differences)
            if case.differences or chosen.case is not None:
                print(f"{model}, case {number}: {', '.join(case.drawn)}")
                for difference in case.differences:
                    print(f"    {difference}")
                repeat = f"--seed {chosen.seed} --only {model} --case {number}"
                repeat += " --plain" if chosen.plain else ""
                print(f"    python -m tests.reliability differential {repeat}", flush=True)
        failed += different
        ran = ", ".join(f"{n} {backend}" for backend, n in sorted(backends.items()))
        seconds = time.monotonic() - began
        rows.append((model, len(numbers), different, numbers_compared, spikes, seconds, ran))
        print(f"{model}: {seconds:.0f} s", flush=True)
    print(f"\n{'model':22} {'cases':>6} {'differ':>7} {'numbers':>10} {'spikes':>8} {'s':>6}  on")
    for model, count, different, numbers_compared, spikes, seconds, ran in rows:
        print(
            f"{model:22} {count:>6} {different:>7} {numbers_compared:>10,} {spikes:>8,} "
            f"{seconds:>6.0f}  {ran}"
        )
    return int(failed > 0)
