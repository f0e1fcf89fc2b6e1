"""The segregated-dendrite network with the face of its transcription, for what is true of both."""

from types import SimpleNamespace

import numpy as np
from naive_segregated import symmetric_feedback

from spikesim.models.segregated import SegregatedDendriteNetwork

NAMES = {"learn_feedback": "feedback_learning", "backprop": "backpropagation"}


class ModelSegregated:
    """Networks of rates, with `train_example` of `NaiveSegregated`."""

    def __init__(self, W, b, Y=(), **options):
        sizes = (np.shape(W[0])[0], *map(len, b))
        options = {NAMES.get(name, name): value for name, value in options.items()}
        options = {"eta": 0.21, "measure_angle": len(sizes) > 2} | options
        if not options.get("feedback_learning"):
            options.pop("eta_Y", None)
        self.sizes = sizes
        self.net = SegregatedDendriteNetwork(sizes, dtype="float64", backend="python", **options)
        if options.get("symmetric"):  # weights that are set are followed from the next example on
            Y = symmetric_feedback(W, options.get("feedback", "broadcast") == "broadcast")
        weights = {"W": W, "b": b, "Y": Y}
        for name, arrays in weights.items():
            for m, array in enumerate(arrays):
                getattr(self.net, name)[m] = np.array(array, float)

    W = property(lambda self: [W.copy() for W in self.net.W])
    b = property(lambda self: [b.copy() for b in self.net.b])
    Y = property(lambda self: [Y.copy() for Y in self.net.Y])

    def train_example(self, pixels, label):
        before = self.W, self.b, self.Y
        history = self.net.fit(np.array([pixels]), [label])
        changes = [
            [new - old for new, old in zip(*each, strict=True)]
            for each in zip((self.W, self.b, self.Y), before, strict=True)
        ]
        return SimpleNamespace(
            dW=changes[0],
            db=changes[1],
            dY=changes[2],
            E=[layer.E for layer in self.net.training.above_input],
            loss=history["loss"][-1],
            angle=history["angle"][-1],
        )
