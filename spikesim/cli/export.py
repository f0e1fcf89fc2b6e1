"""What a run directory holds, in formats that other programs read."""

from __future__ import annotations

import csv
from pathlib import Path

from spikesim.io.runs import writing
from spikesim.sonata import read_spikes

__all__ = ["write_spikes_csv"]


def write_spikes_csv(directory: Path) -> Path:
    """The recorded spikes of a run directory as CSV: layer, neuron, time in ms."""
    path = directory / "spikes.csv"
    with writing(path), path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "neuron", "time_ms"])
        for layer, (times, neurons) in read_spikes(directory / "spikes.h5").items():
            writer.writerows((layer, int(i), f"{t:g}") for t, i in zip(times, neurons, strict=True))
    return path
