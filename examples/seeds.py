"""The same network with many seeds
================================

One network is one sample. ``Replicas`` are many networks that differ in their seeds, or in a
parameter, and run side by side, a thread each. They are used like one network; each number becomes
an array with one for each of them.
"""

import argparse
from pathlib import Path

from spikesim import Replicas, datasets, plot
from spikesim.models.burst import BurstEnsembleNetwork

parser = argparse.ArgumentParser(description="Print the test error over many seeds.")
parser.add_argument("--seeds", type=int, default=8)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--out", type=Path, default=Path("seeds.png"))
chosen = parser.parse_args()

digits = datasets.load_digits()
tested = digits.test_images, digits.test_labels
nets = Replicas.of(BurstEnsembleNetwork, (64, 100, 10), seed=range(chosen.seeds))
history = nets.fit(
    digits.train_images, digits.train_labels, epochs=chosen.epochs, validation=tested
)

# %%
# ``history["test_error"]`` has a row for each network and a column for each epoch.

last = history["test_error"][:, -1]
print(f"test error {last.mean():.1f} %, from {last.min():.1f} to {last.max():.1f}")

ax = plot.sweep(history["epoch"][0], history["test_error"], xlabel="Epoch", ylabel="Test error (%)")
ax.figure.savefig(chosen.out, dpi=150)
