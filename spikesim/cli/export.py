"""Exports of run directories, in formats that other programs read."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from spikesim.errors import FileError
from spikesim.io.runs import RUN_FILE, write_weights, writing
from spikesim.sonata import read_spikes

__all__ = ["export", "write_spikes_csv"]


def export(chosen: argparse.Namespace, network: Any) -> None:
    """Write the recorded spikes of a run as CSV, or the weights of its model as NPZ."""
    if chosen.format == "npz":
        net = network.load(chosen.directory / RUN_FILE)
        path = write_weights(chosen.directory, {name: getattr(net, name) for name in net.WEIGHTS})
    else:
        path = write_spikes_csv(chosen.directory)
    print(f"Wrote {path}")


def write_spikes_csv(directory: Path) -> Path:
    """Write the recorded spikes of a run directory as CSV: layer, neuron, time in ms."""
    recorded = directory / "spikes.h5"
    if not recorded.is_file():
        raise FileError(
            f"{directory} has no spikes.h5. If the model spikes, 'spikesim plot {directory}' "
            "records it; --format=npz writes weights."
        )
    path = directory / "spikes.csv"
    with writing(path), path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "neuron", "time_ms"])
        for layer, (times, neurons) in read_spikes(recorded).items():
            writer.writerows((layer, int(i), f"{t:g}") for t, i in zip(times, neurons, strict=True))
    return path
