"""How every rule is trained, tuned and measured: the same for all, one set of a sweep at a time.

Learning rates fall linearly to 0, so that the last epoch is not one of many that scatter. A rule is
tuned on every fifth of the training images, which it does not learn. A run that diverges is a
result, not an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.credit.rules import Rule, Settings, rule_of
from spikesim.credit.tasks import data_of
from spikesim.dataset import Dataset
from spikesim.errors import InputError, SimulationError
from spikesim.image_runs import model_class
from spikesim.io.runs import RUN_FILE
from spikesim.learning import alignment, performance

__all__ = [
    "DEPTHS",
    "JITTER",
    "NOISE",
    "TUNING_SEEDS",
    "drawn",
    "search_set",
    "settled",
    "train_set",
]

LEVELS = (10.0, 5.0)  # %, of the columns 'examples to'
DEPTHS = (1, 2, 3, 4, 5)  # hidden layers of the networks that show how angles depend on depth
JITTER = (0.0, 0.1, 0.2, 0.4, 0.8)  # of weights, sd relative to each
NOISE = (0.0, 0.1, 0.2, 0.4, 0.8)  # of pixels, sd of an intensity from 0 to 1
TUNING_SEEDS = (101, 102, 103)
_MEASURED = 100  # test images on which updates are measured
_DRAWS = 400  # of a stochastic rule of rates, for each of them
_SPIKING_DRAWS = 40  # of one with spikes, which take longer
_ROTATED = 20  # test images for which all errors of the output are gone through
_WATCHED = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # epochs after which angles are measured
_TESTS = 20  # tests in the course of a run, at most


def falling(epochs: int) -> Callable[[int], float]:
    """The factor of learning rates: 1 in the first epoch, 1 / epochs in the last."""
    return lambda epoch: (epochs - epoch) / epochs


def drawn(rule: Rule, trial: int) -> Settings:
    """The settings of a trial: log-uniform within the bounds, the same draws for every rule."""
    places = np.random.default_rng([2026, trial]).random(len(rule.search))
    return {
        name: float(f"{low * (high / low) ** place:.3g}")
        for (name, (low, high)), place in zip(rule.search.items(), places, strict=True)
    }


def search_set(parameters: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Try the settings of a trial: the error on held-out images, 100 where learning diverges."""
    rule, data = rule_of(parameters["rule"]), data_of(parameters["task"])
    settings = drawn(rule, parameters["trial"])
    is_held_out = np.arange(len(data.train_images)) % 5 == 4
    shown = data.train_images[~is_held_out], data.train_labels[~is_held_out]
    held_out = data.train_images[is_held_out], data.train_labels[is_held_out]
    sizes = (shown[0].shape[1], *_layers(parameters["hidden"]), data.n_classes)
    errors = []
    for seed in TUNING_SEEDS[: parameters["networks"]]:
        net = rule.network(sizes, seed, settings)
        try:
            net.fit(*shown, parameters["epochs"], schedule=falling(parameters["epochs"]))
            errors.append(net.evaluate(*held_out))
        except SimulationError:
            errors.append(100.0)
    return {**settings, "validation_error": float(np.mean(errors))}


def train_set(parameters: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Train a network of the table, or go on with it; return what there is to know about it."""
    rule, data = rule_of(parameters["rule"]), data_of(parameters["task"])
    epochs, path = parameters["epochs"], directory / RUN_FILE
    shown, held_out = data.train_images, (data.test_images, data.test_labels)
    if path.exists():
        net = model_class(rule.model).load(path)
    else:
        sizes = (shown.shape[1], *_layers(parameters["hidden"]), data.n_classes)
        try:
            net = rule.network(sizes, parameters["seed"], json.loads(parameters["settings"]))
        except InputError:  # the rule's options do not allow so many layers
            return {"diverged": 1.0}
    _watch(net, data)
    if net.epoch < epochs:
        try:
            net.fit(
                shown,
                data.train_labels,
                epochs - net.epoch,
                validation=held_out,
                validate_every=max(1, epochs // _TESTS),
                schedule=falling(epochs),
                callback=lambda net: _watch(net, data),
                checkpoint=path,
            )
        except SimulationError:
            return {"diverged": 1.0}
    found = {"diverged": 0.0, **_course(net, len(shown)), **_angles(net)}
    if parameters["part"] == "depth":
        return {**found, "angle_of_first": _update_angle(net, data)[0]}
    return {**found, **_measures(net, data)}


def _layers(hidden: int | tuple[int, ...]) -> tuple[int, ...]:
    return hidden if isinstance(hidden, tuple) else (hidden,)


def _watch(net: Any, data: Dataset) -> None:
    """Note the angles of this epoch's updates; a run that was stopped notes what it lacks."""
    noted = json.loads(net.notes.get("angles", "{}"))
    if net.epoch in _WATCHED and str(net.epoch) not in noted:
        noted[str(net.epoch)] = _update_angle(net, data)
        net.notes = {**net.notes, "angles": json.dumps(noted)}


def _update_angle(net: Any, data: Dataset) -> list[float]:
    x, labels = data.test_images[:_MEASURED], data.test_labels[:_MEASURED]
    if not net.KNOWS_GRADIENT:
        return [math.nan] * (len(net.sizes) - 1)
    return _known(lambda: alignment.update_angle(net, x, labels), len(net.sizes) - 1)


def _known(measure: Callable[[], Any], layers: int) -> list[float]:
    """A measure of each layer; NaN if the model has no such thing."""
    try:
        return [float(each) for each in measure()]
    except InputError:
        return [math.nan] * layers


def _course(net: Any, examples: int) -> dict[str, Any]:
    """The errors while the network learned, and how fast they fell."""
    history = net.history
    tested = [k for k, error in enumerate(history["test_error"]) if error is not None]
    errors = [history["test_error"][k] for k in tested]
    seen = [history["epoch"][k] * examples for k in tested]
    passed = {
        f"examples_to_{level:.0f}": performance.examples_to(history["test_error"], examples, level)
        for level in LEVELS
    }
    return {
        "test_error": errors[-1],
        "training_error": history["training_error"][-1],
        "test_errors": errors,
        "examples": [float(n) for n in seen],
        **passed,
        "ms": 1e3 * float(np.min(history["seconds"])) / examples,  # of the epoch least disturbed
    }


def _angles(net: Any) -> dict[str, Any]:
    """The angle of each layer's update to backpropagation, in the course of learning."""
    noted = json.loads(net.notes.get("angles", "{}"))
    epochs = sorted(map(int, noted))
    courses = zip(*(noted[str(epoch)] for epoch in epochs), strict=True)
    return {
        "angle_epochs": [float(epoch) for epoch in epochs],
        **{f"angles_{k}": list(course) for k, course in enumerate(courses, 1)},
    }


def _measures(net: Any, data: Dataset) -> dict[str, Any]:
    """What a trained network is measured for; the network stays as it is."""
    held_out = data.test_images, data.test_labels
    few = data.test_images[:_MEASURED], data.test_labels[:_MEASURED]
    hidden = len(net.sizes) - 2
    found: dict[str, Any] = {
        "angle": _update_angle(net, data),
        "weight_angle": _known(lambda: alignment.weight_angle(net), hidden),
        "jitter_error": [performance.jittered_error(net, *held_out, each) for each in JITTER],
        "noise_error": [performance.noisy_error(net, *held_out, each) for each in NOISE],
    }
    work = {
        name: float(each.mean())
        for name, each in performance.synaptic_operations(net, few[0])._asdict().items()
    }
    try:
        draws = _SPIKING_DRAWS if math.isfinite(work["spikes"]) else _DRAWS
        estimate = alignment.bias_and_noise(net, *few, draws=draws if _is_noisy(net, *few) else 1)
        found |= {"cosine": list(estimate.cosine), "snr": estimate.overall_snr}
        x, labels = few
        jacobian = alignment.feedback_jacobian(net, x[:_ROTATED], labels[:_ROTATED])
        found |= {"condition": list(jacobian.condition), "rank": list(jacobian.rank)}
    except InputError:
        found |= {"cosine": [], "snr": math.nan, "condition": [], "rank": []}
    return {**found, **work}


def _is_noisy(net: Any, x: np.ndarray, labels: np.ndarray) -> bool:
    """Whether the same example leads to another update when it is seen again."""
    one, other = (net.update(x[:1], labels[:1], draw).dW for draw in (0, 1))
    return not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def settled(rule: Rule, task: str, known: Sequence[dict[str, Settings]]) -> Settings:
    """The settings of a rule: the first that are known, or the middle of what would be tried."""
    return next((each[rule.name] for each in known if rule.name in each), rule.untuned())
