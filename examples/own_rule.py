"""A learning rule of your own beside backpropagation
==================================================

The delta rule on random features: hidden layers keep their random weights, the output learns. From
the command line, beside all rules of the package::

    spikesim compare --models all own_rule.py:RandomFeatures
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from spikesim.credit import compare
from spikesim.learning.forward import ForwardParameters, forward, forward_arrays
from spikesim.learning.images import ImageModel
from spikesim.learning.properties import Properties
from spikesim.learning.updates import learn

# %%
# A model says which weights and arrays its layers have, and which bodies make a step.
# ``properties`` declares what the rule needs; the table shows it.


class RandomFeatures(ImageModel):
    Parameters = ForwardParameters

    def weights(self, layers):
        chance = self.chance("weights")
        for layer in layers[1:]:
            size = 0.0 if layer.is_output else 1.0 / np.sqrt(layer.below.n)
            layer.arrays["W"] = chance.normal(0.0, size, (layer.below.n, layer.n))
            layer.arrays["b"] = np.zeros(layer.n)

    def arrays(self, layer):
        return forward_arrays(layer, self.parameters)

    def step(self, net):
        yield from forward(net)
        if net.learning:
            below, output = net.output.below, net.output
            yield from learn(net, output, "W", below.h, output.delta, net.p.eta[-1])
            yield from learn(net, output, "b", None, output.delta, net.p.eta[-1])

    def properties(self):
        return Properties(False, 1, True, False, ("pre", "post"), True)


# %%
# ``compare`` trains all rules in the same way. It finds a rule of your own by its file and its
# name, so the class has to be in a file, not in a notebook.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a rule of your own in one table with backpropagation, and their curves."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("own_rule.png"))
    chosen = parser.parse_args(arguments)

    file = inspect.getsourcefile(RandomFeatures.step)
    rules = ["backpropagation", f"{file}:RandomFeatures"]
    with TemporaryDirectory() as folder:
        found = compare("digits", rules, 2, folder, epochs=chosen.epochs, depths=False)
    print(found.text())
    found.figures()["learning_curves.png"].savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
