"""`BurstEnsembleNetwork`: the layers of the model, the order of a step, and what is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim import plot
from spikesim.checks import check_array, check_integer
from spikesim.kernels.windows import at_end_of_first, at_start_of_trial
from spikesim.learning.images import ImageModel
from spikesim.learning.model import MEASURING, RECORDING, TEST, Simulation
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.recording import LayerRecording
from spikesim.learning.updates import learn
from spikesim.models.burst import equations as eq
from spikesim.models.burst.parameters import Parameters

__all__ = ["BurstEnsembleNetwork", "ImageRecording"]

HIDDEN = ("h", "u", "p", "beta", "v", "excitation", "inhibition", "p_before", "beta_before")
OUTPUT = ("h", "p", "beta", "v", "beta_before", "free", "target")
SUITED = {"digits": {"hidden": "100", "epochs": 80}, "mnist": {"hidden": "500", "epochs": 10}}


class BurstEnsembleNetwork(ImageModel):
    """A network of bursting ensembles that learns to classify images.

    Each unit sends the rate of its events up and the rate of its bursts down. A nudge of the output
    changes burst rates layer by layer, and every unit learns from its own change.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`. ``net.Y``, or
    ``net.B``, has the feedback weights onto the apical dendrites, (n_above, n); ``net.Z`` has those
    of SST+ inhibition, (n, n). For each hidden layer, the history also has 'apical', the mean of
    \\|u\\|, and 'saturated', the percentage of units with \\|u\\| above 4. 'loss' is the mean
    squared error of the output.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = BurstEnsembleNetwork((64, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images[:50], digits.train_labels[:50])
    >>> net.predict(digits.test_images[:3]).shape
    (3,)
    """

    KIND = "burst"
    TITLE = "burst ensembles with SST+ inhibition (Richards 2018; Payeur et al. 2021)"
    SUITED = SUITED
    Parameters, WEIGHTS, DT = Parameters, ("W", "b", "Y", "Z"), 10.0
    STREAMS = ("weights", "feedback", "order", "nudges")
    RECORD, RATES = ("h", "p", "beta", "u"), ("rate", "alpha_Z", "alpha_Y")
    SAVED, PERCENT = tuple(dict.fromkeys((*HIDDEN, *OUTPUT, "sent"))), ("saturated",)

    def properties(self):
        control = self.parameters.backpropagation
        known = knowing("pre", "post", "dendrite", "past", weights=control)
        return Properties(control, phases=2, signed_errors=control, knows=known)

    def weights(self, layers):
        p, chance, apical = self.parameters, self.chance("weights"), self.chance("feedback")
        for layer, reach in zip(layers[1:], p.W_range, strict=True):
            W = chance.uniform(-reach, reach, (layer.below.n, layer.n)).astype(self.dtype)
            if layer.is_output:  # so that rectified rates begin above zero (2018 code)
                W += W.dtype.type(0.001)
            layer.arrays.update(W=W, b=np.zeros(layer.n))
        for layer, reach in zip(layers[1:-1], p.Y_range, strict=True):
            layer.arrays["Y"] = apical.uniform(-reach, reach, (layer.above.n, layer.n))
            layer.arrays["Z"] = apical.uniform(0.0, p.Z_range, (layer.n, layer.n))

    def arrays(self, layer):
        rests = {"rests": np.zeros(4, np.int64)}
        if layer.is_input:
            lit = {"lit": np.zeros(layer.n, np.int32), "count": np.zeros(1, np.int64)}
            return {**rests, **lit, "x": layer.n}
        names = OUTPUT if layer.is_output else HIDDEN
        sent = ["sent"] if self.parameters.feedback == "gated" else []
        return {**rests, **dict.fromkeys((*names, *sent, "scratch", "delta", "error"), layer.n)}

    def results(self):
        hidden = (len(self.sizes) - 2,)
        return {"loss": 1, "apical": hidden, "saturated": hidden, **super().results()}

    def feedback_weights(self, layer):
        return layer.arrays.get("Y")

    def activity(self, layer):
        return layer.x if layer.is_input else layer.h

    def learned_from(self, layer):
        return layer.arrays.get("error" if self.parameters.backpropagation else "delta")

    def backpropagated(self, layer):
        return layer.arrays.get("error")

    def lengths(self, n, purpose):
        """Steps before the nudge, with which the second phase begins, and steps from it on."""
        p, K = self.parameters, len(self.sizes) - 1
        if purpose == TEST:
            return np.tile([K, 0], (n, 1))
        chance = self.chance("nudges", self.epoch)
        nudge = chance.integers(p.nudge_after, p.steps - K, n, endpoint=True)
        return np.stack([nudge, p.steps - nudge], axis=1)

    def shortest(self):
        return self.parameters.nudge_after, len(self.sizes) - 1

    def prepare(self, net, trial, count):
        """Have all products computed once, as somebody may have set weights."""
        for layer in net.layers:
            layer.rests[:] = 0

    def spares(self, net):
        """Whether a copy skips steps that cannot reach a weight."""
        p = net.p
        return net.purpose != RECORDING and (p.sst != "beta" or p.backpropagation)

    def step(self, net):
        p, output, hidden = net.p, net.output, net.hidden
        net.shared.numbers["sparing"] = int(net.purpose == TEST or self.spares(net))
        for layer in net.above_input:
            layer.numbers["lag"] = output.index - layer.index
        has_bursts = net.purpose != TEST and not p.backpropagation
        yield net.input.phase(eq.show, "once", at_start_of_trial)
        for layer in hidden if has_bursts else ():
            yield from self.apical(layer)
        for layer in reversed(net.above_input):
            yield layer.phase(eq.basal_from_image if layer.index == 1 else eq.basal, "block")
            is_last = layer is output
            yield layer.phase(*((eq.output_rate, "once") if is_last else (eq.rate, "block")))
        yield net.input.phase(eq.leave, "once")
        for layer in net.above_input if has_bursts else ():
            yield layer.phase(eq.bursts, "block")
            if p.feedback == "gated":
                yield layer.phase(eq.gate_output_bursts if layer is output else eq.gate_bursts)
        when = at_end_of_first if net.purpose == TEST else eq.at_nudge
        yield output.phase(eq.answer, "once", when)
        if net.purpose == TEST:
            return
        if p.backpropagation or p.measure_angle or net.purpose == MEASURING:
            yield output.phase(eq.output_error, when=eq.at_nudge)
            for layer in reversed(hidden):
                yield layer.phase(eq.hidden_error, when=eq.at_nudge)
        for layer in reversed(net.above_input):
            yield from self.learning(net, layer)

    def apical(self, layer):
        """Compute p from what the layer above sent and what SST+ cells hold against it."""
        p, above = self.parameters, layer.above
        sent = above.sent if p.feedback == "gated" else above.beta
        yield layer.phase(eq.feedback, "block", eq.apical_due, sent_above=sent)
        if p.sst != "none":
            driven = {"g": layer.arrays[p.sst], "driver": eq.H if p.sst == "h" else eq.BETA}
            yield layer.phase(eq.inhibition, "block", eq.apical_due, **driven)
        yield layer.phase(eq.apical, "block", eq.apical_due)

    def learning(self, net, layer):
        """Learn, in step s_k."""
        p, k, when = net.p, layer.index, (eq.in_its_step,)
        own = self.learned_from(layer)
        if not p.backpropagation and layer.is_output:
            yield layer.phase(eq.output_delta, "once", when)
        elif not p.backpropagation:
            yield layer.phase(eq.hidden_delta, "block", when)
            yield layer.phase(eq.measure, "once", when)
        if p.measure_angle and not layer.is_output:
            yield layer.phase(eq.measure_angle, "once", when, own=own, nan=float("nan"))
        if not net.learning:
            return
        below, forgotten = (layer.below.x, 0.0) if k == 1 else (layer.below.h, p.forgetting)
        yield from learn(net, layer, "W", below, own, p.alpha[k - 1], forgotten, when)
        yield from learn(net, layer, "b", None, own, p.alpha[k - 1], when=when)
        if not net.applies:
            return
        if not (layer.is_output or p.backpropagation):
            if p.sst != "none" and p.alpha_Z:
                before = layer.h if p.sst == "h" else layer.beta_before
                yield layer.phase(eq.learn_inhibition, "block", when, g_before=before)
            if p.alpha_Y:
                yield layer.phase(eq.learn_feedback, "once", when)
            if p.mirror:
                above, rate = layer.above.delta, p.mirror * p.alpha[k]
                yield from learn(net, layer, "Y", above, layer.h, rate, p.forgetting, when)
        yield layer.phase(eq.have_learned, "once", when)

    def _scale_rates(self, factor):
        super()._scale_rates(factor)
        self._training.scale_rates(factor * self.parameters.decay**self.epoch, "rate")

    def record(  # type: ignore[override]  # several images, one after another
        self, images: Any, labels: Any, nudge: int | None = None
    ) -> ImageRecording:
        """Show images one after another from a cleared state, without learning; record everything.

        Parameters
        ----------
        images : array_like, shape (images, pixels)
        labels : array_like of int, shape (images,)
        nudge : int, optional
            The step of the nudge of every image; by default the earliest that learning uses.

        Returns
        -------
        ImageRecording
            h, p, beta and u of every layer and step.
        """
        images = self._check_images("images", images)
        labels = np.atleast_1d(check_array("labels", labels))
        labels = self._check_labels("labels", labels, len(images))
        p, K = self.parameters, len(self.sizes) - 1
        step = p.nudge_after if nudge is None else nudge
        check_integer("nudge", step, at_least=1, at_most=p.steps - K)
        net = Simulation(self, RECORDING, len(images))
        lengths = np.tile(np.array([step, p.steps - step]), (len(images), 1))
        recording = ImageRecording(net, self.RECORD, {}, lengths.ravel())
        net.show(images, labels, self._wanted(labels))
        net.run(np.arange(len(images)), lengths, 0)
        recording._finish(net)
        return recording

    @staticmethod
    def draw(net, data, pictures):
        """Draw event rates and burst probabilities while three images are shown."""
        recording = net.record(data.test_images[:3], data.test_labels[:3])
        pictures.keep("bursts.png", plot.ensembles(recording)[0].figure)

    def _running(self, state):
        """Also reads files of version 0.1, which number what layers send."""
        running = state["running"]
        sent = [(f"{x.name}.sent", f"sent {k}") for k, x in enumerate(self._training.above_input)]
        return {**running, **{name: running[older] for name, older in sent if older in running}}


class ImageRecording(LayerRecording):
    """Event rates, burst probabilities, burst rates and apical potentials for some images.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    h, p, beta : dict of str to numpy.ndarray, shape (units, steps)
        Event rate, burst probability and burst rate, by layer after the input.
    u : dict of str to numpy.ndarray, shape (units, steps)
        Apical potential, by hidden layer.
    onsets : numpy.ndarray, shape (images,)
        The steps in which images begin.
    nudges : numpy.ndarray, shape (images,)
        The steps in which the output is nudged.
    answers : numpy.ndarray of int, shape (images,)
        The class that was read out for each image.
    """

    def __init__(self, net, variables, kept, lengths):
        super().__init__(net, variables, kept, lengths)
        nudge = lengths[::2]
        self.onsets = np.arange(len(nudge)) * net.p.steps
        self.nudges = self.onsets + nudge
        self.answers = net.result("answer", len(nudge))  # the trials will write into this array

    def __repr__(self):
        return f"<ImageRecording of {len(self.answers)} images, {self.t.size} steps>"
