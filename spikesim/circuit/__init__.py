"""Circuits that were built elsewhere, read from SONATA files and simulated.

    from spikesim.circuit import read_circuit

    circuit = read_circuit("simulation_config.json")
    circuit.run("output")

`circuit.network` is a `spikesim.Network` like any other. `spikesim.sonata` reads and writes the
spikes and reports of a simulation.
"""

from __future__ import annotations

from spikesim.circuit.reading import read_circuit
from spikesim.circuit.running import Circuit

__all__ = ["Circuit", "read_circuit"]
