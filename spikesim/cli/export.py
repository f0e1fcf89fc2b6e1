"""What a run directory holds, in formats that other programs read."""

from __future__ import annotations

import csv
from pathlib import Path

from spikesim.errors import FileError
from spikesim.io.runs import writing
from spikesim.sonata import read_spikes

__all__ = ["write_spikes_csv"]


def write_spikes_csv(directory: Path) -> Path:
    """The recorded spikes of a run directory as CSV: layer, neuron, time in ms."""
    recorded = directory / "spikes.h5"
    if not recorded.is_file():
        raise FileError(
            f"{directory} has no spikes.h5, which 'spikesim plot {directory}' records of models "
            "that spike; --format=npz writes weights."
        )
    path = directory / "spikes.csv"
    with writing(path), path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "neuron", "time_ms"])
        for layer, (times, neurons) in read_spikes(recorded).items():
            writer.writerows((layer, int(i), f"{t:g}") for t, i in zip(times, neurons, strict=True))
    return path
