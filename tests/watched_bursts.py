"""Burst ensembles that learn given images with given nudges, recorded in every step."""

import numpy as np
from naive_burst_ensemble import Example, copies

from spikesim.kernels import probes
from spikesim.learning.model import TRAINING, Simulation
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.network import ImageRecording

NAMES = {
    "p0": "p_0",
    "lam": "nudge",
    "m": "boxcar_m",
    "v": "boxcar_v",
}
"""Parameter of the transcription → of the model, where they differ."""


class Watched(BurstEnsembleNetwork):
    """A network of which no step is left out, not even while it learns."""

    def spares(self, net):
        return False


def learn(net, images, labels, nudges):
    """Show images, each nudged in a step of its own; the dynamics, and what they were."""
    simulation = Simulation(net, TRAINING, len(images))
    lengths = np.stack([nudges, net.parameters.steps - nudges], axis=1)
    recording = ImageRecording(simulation, net.RECORD, {}, lengths.ravel())
    simulation.show(images, labels, np.eye(net.sizes[-1], dtype=net.dtype)[labels])
    simulation.run(np.arange(len(images)), lengths, 0)
    return simulation, recording


class ModelBurstEnsemble:
    """The model with the face of `NaiveBurstEnsemble`, for what is true of both."""

    MOST = 6000  # steps in all

    def __init__(self, W, b, Y, Z=None, **options):
        sizes = (np.shape(W[0])[0], *(np.shape(each)[1] for each in W))
        options = {"alpha": 1.0, "alpha_Z": 0.0, "v": 4.0, "m": 0.0, "steps": 40} | options
        if options.pop("feedback", "beta") == "gated":
            options["feedback"] = "gated"
        if Z is None:
            options["sst"] = "none"
        self._options = {NAMES.get(name, name): value for name, value in options.items()}
        self.K, self.sizes = len(W), sizes
        self.layers, self.hidden = range(1, self.K + 1), range(1, self.K)
        self.net = self._made(W, b, Y, Z or [])
        p = self.net.parameters
        self.alpha_Z, self.gamma, self.p0 = p.alpha_Z, p.gamma, p.p_0
        self._simulation = net = Simulation(self.net, TRAINING, 1)
        self._step = 0
        self._seen = {}
        for name in ("h", "u", "p", "beta"):
            for layer in net.layers:
                if name in layer.arrays:
                    buffer = self._seen[name, layer.index] = np.zeros((self.MOST, layer.n))
                    state = {"value": layer.arrays[name], "buffer": buffer}
                    net.network.add_phase(
                        probes.sample,
                        probes.sampled,
                        state={**state, "which": np.arange(layer.n)},
                        params={"every": 1, "first": 0},
                    )

    def _made(self, W, b, Y, Z, **more):
        given = {"dtype": "float64", "backend": "python", **self._options, **more}
        net = Watched(self.sizes, **given)
        weights = {"W": W, "b": b, "Y": [np.transpose(each) for each in Y], "Z": Z}
        for name, arrays in weights.items():
            for k, array in enumerate(arrays):
                getattr(net, name)[k] = np.array(array, float)
        return net

    W = property(lambda self: copies([None, *self.net.W]))
    b = property(lambda self: copies([None, *self.net.b]))
    Y = property(lambda self: copies([None, *(Y.T for Y in self.net.Y), None]))
    Z = property(lambda self: copies([None, *self.net.Z, None]))

    def train_example(self, image, onehot, *, nudge_step, T):
        return self._run(image, onehot, (nudge_step, T - nudge_step), True)

    def test_example(self, image, *, T):
        return self._run(image, np.zeros(self.sizes[-1]), (T, 0), False)

    def _run(self, image, onehot, lengths, learns):
        before, first = (self.W, self.b, self.Z, self.Y), self._step
        image, label = np.array([image], float), np.array([np.argmax(onehot)])
        self._simulation.show(image, label, np.array([onehot], float))
        self._simulation.run(np.array([0]), np.array([lengths]), 0)
        self._step += sum(lengths)
        now = slice(first, self._step)
        records = {
            name: [
                self._seen[name, k][now].copy() if (name, k) in self._seen else None
                for k in range(self.K + 1)
            ]
            for name in ("h", "u", "p", "beta")
        }
        after = (self.W, self.b, self.Z, self.Y)
        changes = [
            [None if b is None else a - b for a, b in zip(*each, strict=True)]
            for each in zip(after, before, strict=True)
        ]
        layers = self._simulation.above_input
        delta = [None, *(layer.delta.copy() if learns else None for layer in layers)]
        weights = dict(zip("WbYZ", (self.W, self.b, self.Y, self.Z), strict=True))
        return Example(
            **records, delta=delta, **dict(zip(CHANGES, changes, strict=True)), **weights
        )

    def settled_rates(self, image):
        return [each[0] for each in self.net.activities(np.array([image]))]

    def backprop_deltas(self, image, onehot):
        found = self.net.gradient(np.array([image]), np.array([onehot], float))
        return [None, *(each[0] for each in found.delta)]

    def train_backprop(self, image, onehot):
        net = self._made(self.net.W, self.net.b, [], [], backpropagation=True)
        net.learn(np.array([image]), np.array([onehot], float))
        for name in "Wb":
            for k, array in enumerate(getattr(net, name)):
                getattr(self.net, name)[k] = array


CHANGES = ("dW", "db", "dZ", "dY")
