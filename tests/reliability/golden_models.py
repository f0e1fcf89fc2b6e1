"""What `golden` runs of the models that learn: each with all of its options."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import Replicas, datasets, patterns
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork, Windows, tasks

Job = Callable[[str, str], Any]

IMAGES = np.random.default_rng(3).random((7, 6))
LABELS = np.array([0, 1, 2, 1, 0, 2, 1])
DEEP = (6, 5, 4, 3)


def jobs() -> dict[str, Job]:
    """All of them, by name."""
    return {**_segregated(), **_burst(), **_burstprop(), **_superspike(), **_exclusive_or()}


def _saved_and_loaded(net: Any, **backend: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.h5"
        net.save(path)
        return type(net).load(path, **backend)


# ---- models of images -------------------------------------------------------------------------


class _Images:
    """How a model of images is looked at: its weights, what fit notes, what record shows."""

    def __init__(
        self,
        build: Callable[..., Any],
        weights: str,
        history: tuple[str, ...],
        recorded: Callable[[Any], Any] | None = None,
        has_backend: bool = True,
        **short: Any,
    ):
        self.build = build
        self.weights = weights
        self.history = ("epoch", "training_error", "test_error", "loss", *history)
        self.recorded = recorded
        self.has_backend = has_backend
        self.short = short

    def net(self, backend: str, dtype: str, sizes: tuple[int, ...] = DEEP, **options: Any) -> Any:
        where = {"backend": backend} if self.has_backend else {}
        return self.build(sizes, seed=1, dtype=dtype, **where, **{**self.short, **options})

    def seen(self, net: Any) -> dict[str, Any]:
        """Weights and history as they are now."""
        now = {name: [array.copy() for array in getattr(net, name)] for name in self.weights}
        return {**now, "history": {key: net.history[key] for key in self.history}}

    def learned(self, net: Any) -> dict[str, Any]:
        """Train a network for two epochs and use it."""
        labels = LABELS % net.sizes[-1]
        numbers = {"at first": self.seen(net)}
        held_out = IMAGES[4:6], labels[4:6]
        net.fit(IMAGES[:4], labels[:4], epochs=2, validation=held_out, validate_every=2)
        numbers["answers"] = net.predict(IMAGES[4:])
        if self.recorded is not None:
            numbers["recorded"] = self.recorded(net)
        return {**numbers, **self.seen(net)}

    def option(self, sizes: tuple[int, ...] = DEEP, **options: Any) -> Job:
        return lambda backend, dtype: self.learned(self.net(backend, dtype, sizes, **options))

    def goes_on(self, **options: Any) -> Job:
        """A network that is saved, loaded and trained further, whose best weights are kept."""

        def job(backend: str, dtype: str) -> Any:
            where = {"backend": backend} if self.has_backend else {}
            net = self.net(backend, dtype, **options)
            held_out = IMAGES[4:], LABELS[4:]
            net.fit(IMAGES[:4], LABELS[:4], validation=held_out, keep_best=True)
            net = _saved_and_loaded(net, **where)
            numbers = {"loaded": self.seen(net)}
            net.fit(IMAGES[:4], LABELS[:4], epochs=2, validation=held_out, keep_best=True)
            best, error = net.history["best_epoch"], net.evaluate(*held_out)
            return {**numbers, "best": best, "error": error, **self.seen(net)}

        return job

    def other_data(self, backend: str, dtype: str) -> Any:
        """Images of bytes, in their order; more of them later; weights that somebody sets."""
        net = self.net(backend, dtype)
        images = np.rint(255.0 * IMAGES).astype(np.uint8)
        net.fit(images[:3], LABELS[:3], shuffle=False)
        net.W[1] = 0.5 * net.W[1]
        net.fit(IMAGES[:5], LABELS[:5])
        return {"answers": net.predict(images), **self.seen(net)}

    def replicas(self, backend: str, dtype: str) -> Any:
        """Two networks of different seeds side by side."""
        nets = Replicas([self.net(backend, dtype, (6, 4, 3)) for _ in range(1)])
        nets = Replicas([*nets, self.build((6, 4, 3), seed=2, dtype=dtype, backend=backend)])
        nets.fit(IMAGES[:2], LABELS[:2])
        return {f"replica {k}": self.seen(net) for k, net in enumerate(nets)}

    def digits(self, backend: str, dtype: str) -> Any:
        """Layers of more units than a processor takes at once."""
        digits = datasets.load_digits()
        net = self.net(backend, dtype, (64, 37, 10))
        net.fit(digits.train_images[:12], digits.train_labels[:12])
        return {"answers": net.predict(digits.test_images[:12]), **self.seen(net)}


def _trial(net: Any) -> Any:
    """Two trials of the segregated network, one of them without a target."""
    if not net.parameters.spiking:
        return {}
    shown = {}
    for name, label in (("with target", 1), ("without", None)):
        trial = net.record(IMAGES[0], label)
        shown[name] = {
            "spikes": {layer: [s.t, s.i] for layer, s in trial.spikes.items()},
            **{part: getattr(trial, part) for part in ("t", "V", "V_B", "V_A")},
            **{part: getattr(trial, part) for part in ("alpha_f", "alpha_t", "phases", "answer")},
        }
    return shown


def _segregated() -> dict[str, Job]:
    short = {"phase": 14, "window": 6, "test_phase": 20, "test_window": 8}
    model = _Images(
        SegregatedDendriteNetwork, "WbY", ("angle", "max_eigenvalue"), recorded=_trial, **short
    )
    published = _Images(SegregatedDendriteNetwork, "WbY", (), recorded=_trial)
    constants = {
        "phi_max": 0.3,
        "tau_s": 2.0,
        "tau_L": 12.0,
        "g_L": 0.15,
        "g_B": 0.5,
        "g_D": 0.4,
        "E_E": 7.0,
        "E_I": -6.0,
        "wald_mean": 3.0,
        "wald_scale": 2.0,
    }
    lengths = {"phase": 11, "window": 4, "test_phase": 15, "test_window": 12}
    learned = {"feedback_learning": True, "eta_Y": 0.1}
    noisy = {"symmetric": True, "symmetric_noise": 0.05}
    measured = {"measure_angle": True, "measure_inverse": True}
    layered = {"feedback": "layered"}
    spiking: dict[str, dict[str, Any]] = {
        "as it is": {},
        "no hidden layer": {"sizes": (6, 3)},
        "one hidden layer": {"sizes": (6, 5, 3), "measure_angle": True},
        "constants": constants,
        "lengths": lengths,
        "memory 3": {"memory": 3},
        "memory None": {"memory": None},
        "g_A": {"g_A": 0.05},
        "eta of each layer": {"eta": (0.3, 0.1, 0.2)},
        "layered": layered,
        "symmetric": {"symmetric": True},
        "symmetric with noise": noisy,
        "sparse": {"sparse": 0.5},
        "jitter": {"plateau_jitter": 3.0},
        "learned feedback": learned,
        "backpropagation": {"backpropagation": True},
        "frozen": {"frozen": True},
        "units": {"units_per_class": 2},
        "angle": {"measure_angle": True},
        "angle and inverse": measured,
        "layered, symmetric with noise, angle": {**layered, **noisy, "measure_angle": True},
        "layered, learned feedback, angle": {**layered, **learned, "measure_angle": True},
        "layered, sparse, symmetric": {**layered, "sparse": 0.5, "symmetric": True},
        "learned feedback, g_A, angle and inverse": {**learned, "g_A": 0.05, **measured},
        "backpropagation, angle": {"backpropagation": True, "measure_angle": True},
        "frozen, units, jitter": {"frozen": True, "units_per_class": 2, "plateau_jitter": 3.0},
        "units, symmetric, angle and inverse": {
            **measured,
            "symmetric": True,
            "units_per_class": 2,
        },
        "all at once": {
            **constants,
            **noisy,
            **measured,
            "memory": None,
            "g_A": 0.05,
            "eta": (0.3, 0.1, 0.2),
            "sparse": 0.3,
            "plateau_jitter": 2.0,
            "units_per_class": 2,
        },
    }
    rates = (
        "as it is",
        "no hidden layer",
        "constants",
        "g_A",
        "layered",
        "symmetric",
        "symmetric with noise",
        "sparse",
        "learned feedback",
        "backpropagation",
        "frozen",
        "units",
        "angle and inverse",
        "layered, symmetric with noise, angle",
        "layered, learned feedback, angle",
    )
    everything = {**noisy, **measured, "plateau_jitter": 2.0, "memory": None}
    return {
        "segregated, as published": published.option(sizes=(6, 4, 2)),
        **{f"segregated, {name}": model.option(**o) for name, o in spiking.items()},
        **{
            f"segregated, rates, {name}": model.option(**spiking[name], spiking=False)
            for name in rates
        },
        "segregated, saved and loaded": model.goes_on(**everything),
        "segregated, rates, saved and loaded": model.goes_on(**measured, spiking=False),
        "segregated, other data": model.other_data,
        "segregated, replicas": model.replicas,
        "segregated, digits": model.digits,
    }


def _images(net: Any) -> Any:
    """Three images shown to burst ensembles."""
    labels = LABELS[:3] % net.sizes[-1]
    numbers = {}
    for name, nudge in (("nudged early", None), ("nudged late", net.parameters.steps - 3)):
        shown = net.record(IMAGES[:3], labels, nudge)
        parts = ("t", "h", "p", "beta", "u", "onsets", "nudges", "answers")
        numbers[name] = {part: getattr(shown, part) for part in parts}
    return numbers


def _burst() -> dict[str, Job]:
    model = _Images(
        BurstEnsembleNetwork,
        "WbYZ",
        ("apical", "saturated", "angle"),
        recorded=_images,
        W_range=0.5,
    )
    published = _Images(BurstEnsembleNetwork, "WbYZ", ("apical", "saturated"), recorded=_images)
    gate = {
        "mirror": 1.0,
        "apical_gate": True,
        "derivative": "boxcar",
        "boxcar_m": 0.0,
        "boxcar_v": 4.0,
    }
    options: dict[str, dict[str, Any]] = {
        "as it is": {},
        "no hidden layer": {"sizes": (6, 3)},
        "one hidden layer": {"sizes": (6, 5, 3), "measure_angle": True},
        "July 2018": {"form": "july_2018", "alpha_Z": 0.1},
        "April 2018": {"form": "april_2018", "measure_angle": True},
        "constants": {
            "nudge": 0.8,
            "p_0": 0.3,
            "gamma": 0.1,
            "alpha_Z": 0.02,
            "W_range": 0.3,
            "Y_range": 0.5,
            "Z_range": 0.1,
        },
        "alpha": {"alpha": 2.0},
        "of each layer": {
            "alpha": (5.0, 3.0, 1.0),
            "W_range": (0.3, 0.2, 0.1),
            "Y_range": (0.5, 1.5),
        },
        "strong feedback": {"Y_range": 20.0, "alpha": 1.0},
        "decay": {"decay": 0.5},
        "steps": {"steps": 14, "nudge_after": 4},
        "sst h": {"sst": "h", "alpha_Z": 0.1},
        "sst none": {"sst": "none"},
        "gated feedback": {"feedback": "gated"},
        "gated dendrites": {"apical_gate": True},
        "boxcar": {"derivative": "boxcar"},
        "relu": {"output": "relu", "W_range": 0.5, "alpha": 1.0},
        "fixed inhibition": {"alpha_Z": 0.0},
        "clipped inhibition": {"alpha_Z": 1.0, "clip_Z": True},
        "learned feedback": {"alpha_Y": 1e-5, "u_range": 1.0},
        "learned feedback, sst h": {"alpha_Y": 1e-5, "sst": "h"},
        "mirrored": {"mirror": 1.0},
        "mirrored, forgetting": {"mirror": 0.5, "forgetting": 0.01, "measure_angle": True},
        "forgetting": {"forgetting": 0.01},
        "mirrored, gated, boxcar": gate,
        "backpropagation": {"backpropagation": True},
        "backpropagation, angle": {"backpropagation": True, "measure_angle": True},
        "angle": {"measure_angle": True},
        "all at once": {
            **gate,
            "alpha": (5.0, 3.0, 1.0),
            "decay": 0.9,
            "alpha_Z": 0.5,
            "alpha_Y": 1e-5,
            "sst": "h",
            "feedback": "gated",
            "output": "relu",
            "forgetting": 0.01,
            "clip_Z": True,
            "measure_angle": True,
        },
    }
    return {
        "burst, as published": published.option(),
        **{f"burst, {name}": model.option(**o) for name, o in options.items()},
        "burst, saved and loaded": model.goes_on(
            measure_angle=True, mirror=1.0, forgetting=0.01, alpha_Y=1e-5, decay=0.9
        ),
        "burst, other data": model.other_data,
        "burst, replicas": model.replicas,
        "burst, digits": model.digits,
    }


def _burstprop() -> dict[str, Job]:
    short = {"batch": 3, "eta_R": 0.01, "decay": 1e-3}
    model = _Images(
        BurstpropNetwork,
        "WbYR",
        ("apical", "angle", "feedback_angle"),
        has_backend=False,
        **short,
    )
    published = _Images(BurstpropNetwork, "WbYR", ("apical",), has_backend=False)
    options: dict[str, dict[str, Any]] = {
        "as it is": {},
        "no hidden layer": {"sizes": (6, 3)},
        "constants": {
            "p_0": 0.3,
            "eta": 0.3,
            "eta_output": 0.05,
            "momentum": 0.5,
            "R_range": 0.1,
            "Y_sd": 0.5,
            "pixel_mean": 0.5,
            "pixel_sd": 0.5,
        },
        "online": {"batch": 1, "momentum": 0.0},
        "no inhibition": {"inhibition": False},
        "fixed inhibition": {"eta_R": 0.0},
        "learned feedback": {"learn_feedback": True},
        "backpropagation": {"backpropagation": True},
        "angle": {"measure_angle": True},
        "all at once": {"learn_feedback": True, "measure_angle": True, "backpropagation": True},
    }
    return {
        "burstprop, as published": published.option(),
        **{f"burstprop, {name}": model.option(**o) for name, o in options.items()},
        "burstprop, saved and loaded": model.goes_on(measure_angle=True, learn_feedback=True),
        "burstprop, other data": model.other_data,
        "burstprop, digits": model.digits,
    }


# ---- SuperSpike -------------------------------------------------------------------------------

DT = 0.2  # ms
SHOWN = patterns.poisson(6, rate=250.0, duration=12.0, seed=1, dt=DT)
OTHER = patterns.poisson(6, rate=250.0, duration=8.0, seed=2, dt=DT)
TARGET = patterns.from_trains([[3.0, 9.0], [6.0]], duration=12.0)
WINDOWS = Windows(np.array([1.0, 7.0]), np.array([5.0, 11.0]), np.array([0, 1]), 2, 12.0)

_COURSE = ("block", "time", "cost", "unmatched", "rate", "learning_rate")


def _patterns_net(
    backend: str, dtype: str, sizes: tuple[int, ...] = (6, 4, 2), **options: Any
) -> SuperSpikeNetwork:
    short = {"chunk": 4.0, "w_0": 60.0, "eta": 5.0, "tau_ref": 1.0}
    where: dict[str, Any] = {"dt": DT, "dtype": dtype, "backend": backend}
    net = SuperSpikeNetwork(sizes, seed=1, **where, **{**short, **options})
    for m in range(len(net.W)):  # so that all layers spike
        net.W[m] = np.minimum(net.W[m] + 50.0, net.parameters.w_max)
    return net


def _patterns_seen(net: SuperSpikeNetwork) -> dict[str, Any]:
    return {
        "W": [array.copy() for array in net.W],
        "B": [array.copy() for array in net.B],
        "history": {key: net.history[key] for key in _COURSE},
        "cost": net.cost,
        "time": net.time,
    }


def _pattern(net: SuperSpikeNetwork, **options: Any) -> dict[str, Any]:
    """Two blocks of learning, and what comes of them."""
    target = WINDOWS if net.parameters.error == "windows" else TARGET
    numbers: dict[str, Any] = {"at first": _patterns_seen(net)}
    net.fit(SHOWN, target, blocks=2, block=12.0, **options)
    output = net.predict(SHOWN)
    shown = net.record(SHOWN, target, synapse=(len(net.W), 1, 0))
    synapse = shown.synapse._asdict() if shown.synapse is not None else {}
    return {
        **numbers,
        **_patterns_seen(net),
        "predicted": [output.times, output.ids],
        "error": net.evaluate(SHOWN, target),
        "recorded": {
            "spikes": {layer: [s.t, s.i] for layer, s in shown.spikes.items()},
            "t": shown.t,
            "U": shown.U,
            "synapse": synapse,
        },
    }


def _pattern_option(**options: Any) -> Job:
    return lambda backend, dtype: _pattern(_patterns_net(backend, dtype, **options))


def _pattern_goes_on(backend: str, dtype: str) -> Any:
    """A network that is saved and loaded, and then learns something else more slowly."""
    net = _patterns_net(backend, dtype, rho=1.0, feedback="random")
    net.fit(SHOWN, TARGET, blocks=1, block=6.0, burn_in=3.0)
    net = _saved_and_loaded(net, backend=backend)
    numbers = {"loaded": _patterns_seen(net), "silent": net.silent_cost(TARGET)}
    net.fit(SHOWN, TARGET, blocks=1, block=6.0)
    target = patterns.from_trains([[2.0], [5.0]], duration=8.0)
    net.fit(OTHER, target, blocks=2, block=8.0, learning_rate=[0.5, 0.1])
    return {**numbers, **_patterns_seen(net)}


def _tasks(backend: str, dtype: str) -> Any:
    """The tasks of the article, and one of them begun."""
    numbers = {}
    for name in ("spikes", "hidden", "xor"):
        task = tasks.TASKS[name](seed=1)
        shown, target = task.trials(1)
        parts = {"shown": shown, "target": target}
        numbers[name] = {part: list(map(np.asarray, each)) for part, each in parts.items()}
    return numbers


def _hidden_task(backend: str, dtype: str) -> Any:
    task = tasks.hidden(seed=1)
    shown, target = task.trials(0)
    net = SuperSpikeNetwork(task.sizes, seed=1, dtype=dtype, backend=backend, **task.parameters)
    net.fit(shown, target, blocks=1, block=250.0 if backend == "cpu" else 12.0)
    return _patterns_seen(net)


def _superspike() -> dict[str, Job]:
    constants = {
        "tau_mem": 8.0,
        "tau_syn": 4.0,
        "tau_ref": 1.0,
        "U_rest": -65.0,
        "theta": -53.0,
        "beta": 0.7,
        "tau_rise": 4.0,
        "tau_decay": 8.0,
        "w_max": 200.0,
        "w_0": 120.0,
        "tau_avg": 50.0,
    }
    options: dict[str, dict[str, Any]] = {
        "as it is": {},
        "no hidden layer": {"sizes": (6, 2)},
        "two hidden layers": {"sizes": (6, 4, 3, 2)},
        "constants": constants,
        "eta and chunk": {"eta": 1.0, "chunk": 1.0},
        "no delay": {"delay": 0.0},
        "long delay": {"delay": 2.0},
        "random feedback": {"feedback": "random"},
        "uniform feedback": {"feedback": "uniform"},
        "random feedback, two hidden layers": {"feedback": "random", "sizes": (6, 4, 3, 2)},
        "random feedback, Hebbian delay": {"feedback": "random", "hebbian_delay": 1.2},
        "Hebbian delay": {"hebbian_delay": 0.0},
        "windows": {"error": "windows"},
        "windows, uniform feedback": {"error": "windows", "feedback": "uniform"},
        "rmsprop": {"optimizer": "rmsprop", "eta": 0.02},
        "plain": {"optimizer": "plain", "eta": 0.01},
        "tau_rms and epsilon": {"tau_rms": 20.0, "epsilon": 1e-3},
        "regulariser": {"rho": 1.0},
        "regulariser, constants": {"rho": 2.0, "a": 2, "tau_het": 20.0},
        "regulariser by error": {"rho": 1.0, "rho_error": True, "feedback": "random"},
        "cuts": {"psp_cut": 1e-3, "error_cut": 1e-3},
        "linear": {"linear": True},
        "frozen": {"frozen": True},
        "frozen, linear, no delay": {"frozen": True, "linear": True, "delay": 0.0},
        "all at once": {
            **constants,
            "feedback": "random",
            "error": "windows",
            "optimizer": "rmsprop",
            "eta": 0.02,
            "rho": 1.0,
            "rho_error": True,
            "sizes": (6, 4, 3, 2),
            "hebbian_delay": 1.0,
        },
    }
    return {
        **{f"superspike, {name}": _pattern_option(**o) for name, o in options.items()},
        "superspike, saved and loaded": _pattern_goes_on,
        "superspike, tasks": _tasks,
        "superspike, a task begun": _hidden_task,
    }


# ---- exclusive-or -----------------------------------------------------------------------------


def _five_populations(net: ExclusiveOrNetwork) -> dict[str, Any]:
    """One epoch, and a recording of an example."""
    net.fit(1)
    shown = net.record(1, teach=True)
    trains = {name: getattr(shown, name) for name in ("spikes", "events", "bursts")}
    return {**_populations_seen(net), "rates": net.evaluate(), "recorded": trains}


def _populations_seen(net: ExclusiveOrNetwork) -> dict[str, Any]:
    history = {key: column for key, column in net.history.items() if key != "seconds"}
    return {"W": {name: W.copy() for name, W in net.W.items()}, "history": history}


def _populations_net(backend: str, dtype: str, **options: Any) -> ExclusiveOrNetwork:
    # Strong input, so that there are events and bursts in a short time.
    short: Mapping[str, Any] = {
        "n": 5,
        "in_degree": 4,
        "duration": 60.0,
        "prediction": 0.5,
        "alpha": 20.0,
        "current_for_0": 500.0,
        "current_for_1": 900.0,
        "w_exc": 3.0,
        "w_max": 6.0,
        "w_exc_hidden_1": 2.0,
        "I_d_output": 900.0,
        "I_d_hidden_2": 900.0,
        "eta_hidden": 0.1,
        "eta_output": 0.1,
    }
    fixed: dict[str, Any] = {"seed": 1, "dt": 0.2, "dtype": dtype, "backend": backend}
    return ExclusiveOrNetwork(**{**fixed, **short, **options})


def _exclusive_or() -> dict[str, Job]:
    options: dict[str, dict[str, Any]] = {
        "as it is": {},
        "constants": {
            "prediction": 0.7,
            "rate_input": 800.0,
            "rate_soma": 250.0,
            "rate_dendrite": 700.0,
            "w_soma": 0.4,
            "w_dendrite": 0.08,
            "hidden_exc": 1.2,
            "hidden_inh": 1.2,
            "w_exc": 4.0,
            "w_inh": 0.2,
            "w_exc_hidden_1": 0.3,
            "w_inh_hidden_1": 0.1,
            "w_exc_hidden_2": 0.05,
            "w_inh_hidden_2": 0.3,
            "I_d_output": 1200.0,
            "I_d_hidden_2": 1300.0,
            "tau_pre": 50.0,
            "w_max": 5.0,
            "e_min": 1.0,
            "e_max": 20.0,
            "tolerance": 2.0,
            "I_teacher": 2000.0,
        },
        "no teacher": {"teacher": False},
        "symmetric feedback": {"feedback": "symmetric"},
    }

    def option(given: Mapping[str, Any]) -> Job:
        return lambda backend, dtype: _five_populations(_populations_net(backend, dtype, **given))

    def goes_on(backend: str, dtype: str) -> Any:
        net = _populations_net(backend, dtype, duration=8.0)
        net.fit(1)
        net = _saved_and_loaded(net, backend=backend)
        net.fit(1)
        return _populations_seen(net)

    return {
        **{f"exclusive-or, {name}": option(given) for name, given in options.items()},
        "exclusive-or, saved and loaded": goes_on,
    }
