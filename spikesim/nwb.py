"""Writes spikes to a file of Neurodata Without Borders, by pynwb."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from spikesim.checks import check_path, show
from spikesim.errors import InputError
from spikesim.io.files import atomic_file
from spikesim.version import __version__

__all__ = ["write_nwb"]


def write_nwb(
    path: str | os.PathLike[str],
    name: str,
    n: int,
    times: np.ndarray,
    ids: np.ndarray,
    spans: Sequence[tuple[float, float]],
    start: datetime | None = None,
) -> None:
    """Write one population, with a unit for each neuron, including silent ones.

    Parameters
    ----------
    path : str or path
    name : str
        The name of the population.
    n : int
        The number of neurons.
    times, ids : numpy.ndarray, shape (spikes,)
        The times in ms, ascending, and the neuron of each spike.
    spans : sequence of pairs of float
        Start and end of each recorded span, in ms.
    start : datetime.datetime, optional
        The date of time 0; by default, now.

    Raises
    ------
    InputError
        If pynwb is not installed, or an argument cannot be used.
    FileError
        If the file cannot be written.
    """
    check_path("path", path)
    if start is not None and not isinstance(start, datetime):
        raise InputError(f"start is {show(start)}; it has to be a datetime.datetime.")
    try:
        import pynwb  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            'to_nwb needs pynwb, which is not installed; pip install "spikesim[nwb]".'
        ) from error
    start = datetime.now(UTC) if start is None else start
    start = start if start.tzinfo is not None else start.replace(tzinfo=UTC)
    content = hashlib.sha256(name.encode() + times.tobytes() + ids.tobytes())
    file = pynwb.NWBFile(
        session_description=f"Spikes of {name!r}, simulated with spikesim {__version__}",
        identifier=f"{name}-{content.hexdigest()[:32]}",
        session_start_time=start,
    )
    file.add_unit_column("population", "the population that the neuron belongs to")
    order = np.argsort(ids, kind="stable")
    ends = np.cumsum(np.bincount(ids, minlength=n))
    seconds = times[order] / 1000.0
    observed = np.array(spans, np.float64) / 1000.0
    for neuron, train in enumerate(np.split(seconds, ends[:-1])):
        file.add_unit(id=neuron, spike_times=train, obs_intervals=observed, population=name)
    with atomic_file(path) as whole:  # closed by it, once complete
        pynwb.NWBHDF5IO(file=whole, mode="w").write(file)
