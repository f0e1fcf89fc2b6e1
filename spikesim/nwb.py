"""Writes spikes and samples to a file of Neurodata Without Borders, by pynwb."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from spikesim.checks import check_path, check_unknown, is_text, show
from spikesim.errors import InputError
from spikesim.extras import needed
from spikesim.io.files import atomic_file
from spikesim.version import __version__

__all__ = ["write_nwb"]

_METADATA = (
    "experiment_description",
    "experimenter",
    "identifier",
    "institution",
    "keywords",
    "lab",
    "protocol",
    "related_publications",
    "session_description",
    "session_id",
    "stimulus_notes",
)
_SUBJECT = (
    "age",
    "date_of_birth",
    "description",
    "genotype",
    "sex",
    "species",
    "strain",
    "subject_id",
    "weight",
)
_SI = {  # units of spikesim: those of NWB, and what one is in them
    "mV": ("volts", 1e-3),
    "V": ("volts", 1.0),
    "pA": ("amperes", 1e-12),
    "nA": ("amperes", 1e-9),
    "nS": ("siemens", 1e-9),
    "mV/ms": ("volts per second", 1.0),
    "ms": ("seconds", 1e-3),
    "Hz": ("hertz", 1.0),
    "1/ms": ("hertz", 1e3),
    "": ("n.a.", 1.0),
}


def write_nwb(
    path: str | os.PathLike[str],
    *recorded: Any,
    start: datetime | None = None,
    network: Any = None,
    subject: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> None:
    """Write the spikes and samples of a run to one file of Neurodata Without Borders.

    Each neuron whose spikes were recorded becomes a unit, also if it was silent; the columns
    ``population`` and ``neuron`` tell which one it is. Each variable becomes a TimeSeries of shape
    (samples, neurons) among the acquisitions. Its data is as in spikesim, and its ``conversion``
    leads to SI units. Its ``comments`` are JSON, with the population and the number of the neuron
    in each column. Times are in seconds, as everywhere in NWB, from time 0 of the network.

    Parameters
    ----------
    path : str or path
        An existing file is replaced, unless this program has recorded it.
    *recorded : SpikeRecording, SpikeRecordings, Spikes or StateRecording
        What was recorded, in memory.
    start : datetime.datetime, optional
        When the session began, which NWB requires; by default, now. A time without a time zone is
        in UTC.
    network : spikesim.Network, optional
        Its step, seed, parameters and projections are kept as JSON in the ``notes``.
    subject : dict, optional
        What the network is a model of, such as ``{"species": "Mus musculus", "subject_id": "m1",
        "age": "P90D", "sex": "U"}``; the keys are those of `pynwb.file.Subject`.
    **metadata
        Texts of `pynwb.NWBFile`: session_description, experimenter ("Last, First"), institution,
        lab, experiment_description, keywords (a list), related_publications, session_id, identifier
        and others.

    Raises
    ------
    InputError
        If pynwb is not installed, nothing was recorded, or an argument cannot be used.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim import LIF, Network
    >>> from spikesim.nwb import write_nwb
    >>> net = Network(dt=0.5, backend="python")
    >>> cells = net.add_population("cells", 2, LIF, I=20.0)
    >>> spikes, voltages = net.record_spikes(cells), net.record(cells, "v")
    >>> net.run(50.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "run.nwb")
    >>> write_nwb(path, spikes, voltages, network=net, experimenter="Doe, Jane")
    """
    check_path("path", path)
    if start is not None and not isinstance(start, datetime):
        raise InputError(f"start is {show(start)}; it has to be a datetime.datetime.")
    check_unknown("metadata", metadata, _METADATA)
    _check_texts(metadata)
    try:
        parts = list(_flat(recorded))
    except InputError as error:  # such as that spikes went to a file
        raise InputError(f"recorded cannot be written. {error}") from None
    if not parts:
        raise InputError("recorded is empty; name what was recorded, such as spikes.")
    pynwb = needed("pynwb", "to_nwb", "nwb")
    start = datetime.now(UTC) if start is None else start
    start = start if start.tzinfo is not None else start.replace(tzinfo=UTC)
    names = ", ".join(dict.fromkeys(repr(each.name) for each in parts))
    given = {
        "session_description": f"Recorded from {names}, simulated with spikesim {__version__}",
        "identifier": _identifier(parts),
        **{key: value for key, value in metadata.items() if value is not None},
    }
    if network is not None:
        given["notes"] = json.dumps(_provenance(network))
    if subject is not None:
        if not isinstance(subject, Mapping):
            raise InputError(f"subject is {show(subject)}; it has to be a dict.")
        check_unknown("entry of subject", subject, _SUBJECT)
        texts = {key: value for key, value in subject.items() if isinstance(value, str)}
        _check_texts(texts, "of subject ")
        given["subject"] = _made("subject", pynwb.file.Subject, **subject)
    file = _made("metadata", pynwb.NWBFile, session_start_time=start, **given)
    spikes = [each for each in parts if not hasattr(each, "variables")]
    if spikes:
        file.units = pynwb.misc.Units(
            name="units",
            description="simulated neurons",
            resolution=max(each.dt for each in spikes) / 1000.0,
        )
        file.add_unit_column("population", "the population that the neuron belongs to")
        file.add_unit_column("neuron", "the number of the neuron in its population")
    for each in spikes:
        _add_units(file, each)
    for each in parts:
        for variable in getattr(each, "variables", ()):
            file.add_acquisition(_series(pynwb, file, each, variable))
    with atomic_file(path) as whole:  # closed by it, once complete
        pynwb.NWBHDF5IO(file=whole, mode="w").write(file)


def _flat(recorded: Sequence[Any]) -> Iterator[Any]:
    """Each recording, also those of several populations that belong together."""
    for each in recorded:
        if all(hasattr(each, name) for name in ("name", "dt", "t")):
            yield each
        elif isinstance(each, Sequence) and not isinstance(each, str):
            yield from _flat(each)
        else:
            raise InputError(f"It holds {show(each)}; it has to be what was recorded.")


def _check_texts(given: Mapping[str, Any], owner: str = "") -> None:
    """Refuse what is neither a text that HDF5 can hold nor a list of such texts."""
    for key, value in given.items():
        texts = value if isinstance(value, (list, tuple)) else [value]
        if value is not None and not all(map(is_text, texts)):
            raise InputError(
                f"{key} {owner}is {show(value)}; it has to be a text without NUL and half "
                "characters, or a list of such texts."
            )


def _made(what: str, kind: Any, **given: Any) -> Any:
    """An object of pynwb, or its complaint about the values that it is given."""
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} cannot be used: {' '.join(str(error).split())}.") from None


def _identifier(parts: Sequence[Any]) -> str:
    """A name that depends on the content alone."""
    content = hashlib.sha256()
    for each in parts:
        content.update(each.name.encode() + each.t.tobytes())
        for name in getattr(each, "variables", ["i"]):
            content.update(np.ascontiguousarray(getattr(each, name)).tobytes())
    return f"{parts[0].name}-{content.hexdigest()[:32]}"


def _add_units(file: Any, spikes: Any) -> None:
    observed = np.array(spikes.stretches(), np.float64) / 1000.0
    for neuron, train in enumerate(spikes.spike_trains()):
        file.add_unit(
            id=len(file.units),
            spike_times=train / 1000.0,
            obs_intervals=observed,
            population=spikes.name,
            neuron=neuron,
        )


def _series(pynwb: Any, file: Any, samples: Any, variable: str) -> Any:
    t = samples.t
    if not t.size:
        raise InputError(f"The recording of {samples.name!r} holds no samples yet; run it first.")
    interval = samples.every * samples.dt
    is_regular = bool((np.rint(np.diff(t) / interval) == 1).all())
    times = {"rate": 1000.0 / interval, "starting_time": t[0] / 1000.0}
    unit, conversion = _SI.get(samples.units[variable], (samples.units[variable], 1.0))
    wanted = re.sub(r"\W+", "_", f"{samples.name}_{variable}")  # NWB has no names such as cells[:3]
    name, number = wanted, 2
    while name in file.acquisition:
        name, number = f"{wanted}_{number}", number + 1
    chosen = {"population": samples.name, "neurons": samples.neurons.tolist()}
    if hasattr(samples, "synapses"):
        chosen = {"projection": samples.name, "pre": samples.pre.tolist()}
        chosen |= {"post": samples.post.tolist()}
    return pynwb.TimeSeries(
        name=name,
        description=f"{variable} of {samples.name}; the comments say which neuron a column is",
        comments=json.dumps(chosen),
        data=np.ascontiguousarray(getattr(samples, variable).T),
        unit=unit,
        conversion=conversion,
        **(times if is_regular else {"timestamps": t / 1000.0}),
    )


def _provenance(network: Any) -> dict[str, Any]:
    """What a network was made of: its settings, all parameters, and the sizes of projections."""
    try:
        return {
            "simulator": f"spikesim {__version__}",
            **{"dt_ms": network.dt, "seed": network.seed, "noise_seed": network.noise_seed},
            **{"dtype": network.dtype, "backend": network.backend, "time_ms": network.time},
            "populations": {
                name: {
                    "n": each.n,
                    "kind": getattr(each.neuron, "name", "") or type(each).__name__,
                    "parameters": {
                        key: np.asarray(each.parameters[key]).tolist()
                        for key in each.neuron.parameters
                    },
                    "units": {key: value.unit for key, value in _declared(each.neuron)},
                }
                for name, each in network.populations.items()
            },
            "projections": {
                name: {
                    **{"from": each.pre.name, "onto": f"{each.post.name}.{each.port}"},
                    "synapses": each.size,
                    "mean_weight": float(np.mean(each.weight)) if each.size else None,
                    "mean_delay_ms": float(np.mean(each.delay)) if each.size else None,
                }
                for name, each in network.projections.items()
            },
        }
    except AttributeError:
        raise InputError(f"network is {show(network)}; it has to be a spikesim.Network.") from None


def _declared(neuron: Any) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in neuron.parameters.items() if hasattr(value, "unit")]
