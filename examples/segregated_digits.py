"""Digits learned by segregated dendrites
======================================

Guerguiev, Lillicrap & Richards (2017, doi:10.7554/eLife.22901): hidden neurons keep feedback in an
apical dendrite, apart from what they see in a basal one. A plateau potential in the forward phase,
and one in the target phase, tell each neuron its error. The network learns the handwritten digits
that come with spikesim.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

from spikesim import datasets, plot
from spikesim.models.segregated import SegregatedDendriteNetwork

parser = argparse.ArgumentParser(description="Print how many digits are classified wrong.")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--images", type=int, default=1437, help="from which the network learns")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("segregated_digits.png"))
chosen = parser.parse_args()

# %%
# The 1,797 images have 8 by 8 pixels. A fifth of them is kept for the test.

digits = datasets.load_digits()
images = digits.train_images[: chosen.images]
labels = digits.train_labels[: chosen.images]
tested = digits.test_images, digits.test_labels

net = SegregatedDendriteNetwork((64, 100, 10), seed=chosen.seed)
history = net.fit(images, labels, epochs=chosen.epochs, validation=tested)
print(f"{history['test_error'][-1]:.1f} % of new digits wrong after {chosen.epochs} epochs")

# %%
# The learning curve, what the first hidden neurons look for in an image, and the compartments of
# one of them while a digit is shown: first the forward phase, then the target phase.

trial = net.record(digits.test_images[0], int(digits.test_labels[0]))

figure = plt.figure(figsize=(9.6, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2)
curve, fields = left.subfigures(2, 1, height_ratios=(3, 2))
plot.learning_curve(history, ax=curve.subplots())
plot.receptive_fields(net.W[0], (8, 8), n=10, axes=fields.subplots(2, 5).ravel())
plot.compartments(trial, "hidden_1", neuron=0, axes=right.subplots(3, 1, sharex=True))
figure.savefig(chosen.out, dpi=150)
