"""Trials recorded to a file, and their PSTH
=========================================

A stimulus is shown again and again. All spikes go to a file while the network runs, so that they
take no memory. Then the file is read, its spikes are cut into trials, and a peristimulus time
histogram (PSTH) is drawn.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from spikesim import CurrentLIF, Network, patterns, plot
from spikesim.sonata import read_spikes

parser = argparse.ArgumentParser(description="Print rates before and during a stimulus.")
parser.add_argument("--trials", type=int, default=40)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("recorded_trials.png"))
chosen = parser.parse_args()

# %%
# The stimulus is a step of current from 200 to 300 ms of every trial, on top of noise. The array
# has a sample per 100 ms, and is repeated.

TRIAL, BEGIN, END = 500.0, 200.0, 300.0  # ms
net = Network(dt=0.1, seed=chosen.seed)
cells = net.add_population("cells", 20, CurrentLIF, I=6.0)  # mV
net.play(cells, "I", [0.0, 0.0, 8.0, 0.0, 0.0], dt=100.0, after="repeat")
net.add_noise(cells, "I", sigma=6.0, tau=5.0)

# %%
# The file is in the SONATA layout, which other programs read, too. It is there once the recording
# is closed.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "spikes.h5"
    spikes = net.record_spikes(cells, path=path)
    net.run(chosen.trials * TRIAL)
    spikes.close()
    times, neurons = read_spikes(path)["cells"]

# %%
# ``plot.psth`` takes a list of trials. Here they follow one another. With ``net.reset`` before and
# ``spikes.take()`` after each, all would start from the same state.

trials = []
for start in TRIAL * np.arange(chosen.trials):
    now = (times >= start) & (times < start + TRIAL)
    trains = [times[now & (neurons == i)] - start for i in range(cells.n)]
    trials.append(patterns.from_trains(trains, duration=TRIAL))

shown = np.concatenate([trial.times for trial in trials])
before = np.count_nonzero(shown < BEGIN) / BEGIN
during = np.count_nonzero((shown >= BEGIN) & (shown < END)) / (END - BEGIN)
to_hertz = 1000.0 / (cells.n * chosen.trials)
print(f"{to_hertz * before:.1f} Hz before the stimulus, {to_hertz * during:.1f} Hz during it")

above, below = plot.psth(trials, bin_width=5.0, raster=True, neurons=range(5))
for ax in (above, below):
    ax.axvspan(BEGIN, END, color="#E9E9E9", linewidth=0.0, zorder=0)
below.figure.savefig(chosen.out, dpi=150)
