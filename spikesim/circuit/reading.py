"""Builds a network from a SONATA configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikesim import stimuli
from spikesim.checks import check_choice, check_number
from spikesim.circuit.config import Config, number, read_config
from spikesim.circuit.edges import connect, delays_of, edges_of, free_name, weights_of
from spikesim.circuit.inputs import Clamp, clamps_of, spikes_of
from spikesim.circuit.nodes import Nodes, Part, nodes_of
from spikesim.circuit.reports import reports_of
from spikesim.circuit.running import Circuit
from spikesim.engine.network import Network
from spikesim.errors import FileError, InputError, warn

__all__ = ["read_circuit"]

_DT = 0.1  # ms, if neither the configuration nor the user says
_MOST_STEPS = 1 << 52  # that a float counts


def read_circuit(
    path: str | os.PathLike[str],
    *,
    dt: float | None = None,
    seed: int | None = None,
    dtype: str = "float64",
    backend: str = "cpu",
    skip_unsupported: bool = False,
) -> Circuit:
    """Build a network of point neurons from a SONATA configuration of a circuit or a simulation.

    Nodes may have the ``model_template`` nest:iaf_psc_alpha, nest:iaf_psc_exp, nest:iaf_psc_delta,
    nest:iaf_cond_exp, nest:iaf_cond_alpha, nest:aeif_cond_exp or nrn:IntFire1, or be virtual. Edges
    are static synapses. Inputs are spikes of virtual nodes, from HDF5 or CSV files, and current
    clamps. Reports are membrane variables. Everything else is named.

    Parameters
    ----------
    path : str or path
        The JSON file. Files that it names may be anywhere.
    dt : float, optional
        The step in ms; by default, that of the simulation, or 0.1. Delays and refractory periods
        are rounded to steps.
    seed : int, optional
        The seed of the network; by default, the random_seed of the simulation, or 0.
    dtype, backend : str
        Those of the `spikesim.Network`. In 'float64', which NEST computes in, a network of its
        current-based neurons gives the same spikes.
    skip_unsupported : bool
        Whether to leave out what spikesim does not have, and warn of it, instead of refusing the
        circuit. Edges of nodes that are left out are left out, too.

    Returns
    -------
    Circuit

    Raises
    ------
    FileError
        If a file is missing, damaged or not of the layout of SONATA, or the circuit needs what
        spikesim does not have. One error names all of it.
    InputError
        If an argument cannot be used.

    Warns
    -----
    SpikesimWarning
        Of each thing that is left out.

    Notes
    -----
    Voltages begin at V_m of the files, at v_init of the simulation, or where NEST begins. A spike
    is noticed at the end of a step. NEST gives it the time at which the step ends, and spikesim the
    time at which it begins, so times differ by dt. Those of nest:iaf_psc_delta and nrn:IntFire1 do
    not. Current-based neurons spike as in NEST, with one exception: nest:iaf_psc_delta loses a jump
    that comes just at the end of a refractory period, and spikesim only does so if V_reset is E_L
    and no current flows. Conductance-based neurons have an error of order dt.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import h5py
    >>> folder = tempfile.mkdtemp()
    >>> with h5py.File(os.path.join(folder, "nodes.h5"), "w") as file:
    ...     file["nodes/cells/node_type_id"] = [1, 1, 1]
    >>> with open(os.path.join(folder, "types.csv"), "w") as file:
    ...     print("node_type_id model_type model_template", file=file)
    ...     print("1 point_neuron nest:iaf_psc_exp", file=file)
    >>> nodes = [{"nodes_file": "nodes.h5", "node_types_file": "types.csv"}]
    >>> with open(os.path.join(folder, "circuit.json"), "w") as file:
    ...     json.dump({"networks": {"nodes": nodes}}, file)
    >>> read_circuit(os.path.join(folder, "circuit.json"), backend="python").network
    <Network at 0 ms, dt 0.1 ms: cells (3)>
    """
    check_choice("skip_unsupported", skip_unsupported, [True, False])
    config = read_config(path)
    unsupported: list[str] = []
    given = {"dt": _DT, "random_seed": 0, **config.run}
    if dt is None:
        dt = number(config.path, "run", given, "dt", above=0.0, unit="ms")
    else:
        dt = check_number("dt", dt, above=0.0, unit="ms")
    net = Network(
        dt=dt, seed=_seed(config, given) if seed is None else seed, dtype=dtype, backend=backend
    )
    steps = _steps(config, dt)

    nodes = nodes_of(config, unsupported.append)
    spikes = spikes_of(config, nodes, unsupported.append)
    clamps = clamps_of(config, nodes, unsupported.append)
    edges = edges_of(config, nodes)
    weights = [weights_of(config, each, unsupported.append) for each in edges]
    reports = reports_of(config, nodes, dt, steps or 0, unsupported.append)
    _tell(config, unsupported, skip_unsupported)

    try:
        for name, each in nodes.items():
            for part in each.parts:
                is_clamped = any(clamp.part is part for clamp in clamps)
                _populate(net, name, each, part, spikes[name], is_clamped)
        for some, weight in zip(edges, weights, strict=True):
            connect(net, nodes, some, weight, delays_of(some))
        for clamp in clamps:
            _clamp(net, clamp)
    except InputError as error:  # a number of a file that no neuron or synapse can have
        raise FileError(f"{config.path}: {error}") from None
    return Circuit(config, net, nodes, reports, steps)


def _seed(config: Config, given: Mapping[str, Any]) -> int:
    return int(number(config.path, "run", given, "random_seed", at_least=0, at_most=2**53))


def _steps(config: Config, dt: float) -> int | None:
    """How many steps the simulation takes; None for a circuit alone."""
    if "tstop" not in config.run:
        return None
    limits = {"at_most": _MOST_STEPS * dt, "unit": "ms"}
    start = number(config.path, "run", {"tstart": 0.0, **config.run}, "tstart", at_least=0.0)
    stop = number(config.path, "run", config.run, "tstop", at_least=start, **limits)
    return round((stop - start) / dt)


def _tell(config: Config, unsupported: list[str], skip: bool) -> None:
    """Refuse what spikesim does not have, all at once, or warn of it."""
    lines = list(dict.fromkeys(unsupported))
    if lines and not skip:
        raise FileError(
            f"{config.path} needs what spikesim does not have: {'; '.join(lines)}. "
            "skip_unsupported=True leaves it out."
        )
    for line in lines:
        warn(f"Left out of {config.path}: {line}.")


def _populate(
    net: Network,
    name: str,
    nodes: Nodes,
    part: Part,
    spikes: tuple[np.ndarray, np.ndarray],
    is_clamped: bool,
) -> None:
    """Add the neurons of a part to the network."""
    model = part.model.rpartition(":")[2]
    free = free_name(net, name if len(nodes.parts) == 1 else f"{name}_{model}")
    n = part.ids.size
    if part.kind is None:
        which, neurons = nodes.where(spikes[1])
        mine = which == nodes.parts.index(part)
        times = _on_steps(spikes[0][mine], net.dt)
        part.population = net.add_spike_trains(free, n, times, neurons[mine], duplicates="keep")
        return
    parameters = part.kind.given(part.parameters, net.dt, is_clamped)
    alike = {key: _alike(value) for key, value in parameters.items()}
    part.population = net.add_population(free, n, part.kind.neuron, **alike)
    if "V_m" in part.parameters:
        part.population.v = part.parameters["V_m"]


def _on_steps(times: np.ndarray, dt: float) -> np.ndarray:
    """Times on steps. A spike within a step comes at its end, as from NEST's spike_generator."""
    return np.ceil(times / dt - 1e-6) * dt


def _alike(values: np.ndarray) -> Any:
    """One number if all are the same."""
    return float(values.flat[0]) if np.ndim(values) == 0 or (values == values[0]).all() else values


def _clamp(net: Network, clamp: Clamp) -> None:
    part = clamp.part
    if part.kind is None:
        return
    amplitude = part.kind.current(clamp.amplitude, part.of(clamp.neurons))
    amplitude = np.broadcast_to(amplitude, clamp.neurons.shape)
    begin, end = (
        None if time is None else round(time / net.dt) * net.dt for time in (clamp.begin, clamp.end)
    )
    if begin is not None and begin != end:
        step = stimuli.step(amplitude, begin=begin, end=end)
        net.play(part.population, "I", step, begin=0.0, neurons=clamp.neurons)
