"""Small circuits in the layout of SONATA, written by h5py as the specification has it."""

import json
from pathlib import Path

import h5py
import numpy as np

MAGIC = np.uint32(0x0A7A)


def _file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    file = h5py.File(path, "w")
    file.attrs["magic"] = MAGIC
    file.attrs["version"] = np.array([0, 1], np.uint32)
    return file


def _rows(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([str(row.get(name, "NULL")) for name in names] for row in rows)]
    path.write_text("\n".join(" ".join(line) for line in lines) + "\n")


def write_nodes(folder, name, types, type_ids, ids=None, own=None, **options):
    """A population: the rows of its types, the type of each node, and attributes of its own."""
    type_ids = np.asarray(type_ids)
    with _file(folder / f"{name}_nodes.h5") as file:
        group = file.create_group(f"nodes/{name}")
        group["node_type_id"] = type_ids.astype("u8")
        group["node_id"] = np.arange(type_ids.size, dtype="u8") if ids is None else ids
        group["node_group_id"] = np.zeros(type_ids.size, "u4")
        group["node_group_index"] = np.arange(type_ids.size, dtype="u8")
        group.create_group("0")
        for key, values in (own or {}).items():
            group.create_dataset(f"0/{key}", data=values, **options)
    rows = [{"node_type_id": k, **row} for k, row in types.items()]
    _rows(folder / f"{name}_node_types.csv", rows)


def write_edges(folder, source, target, pairs, types, type_ids=None, own=None, **options):
    """A population of edges between the pairs of nodes, named like SOURCE_to_TARGET."""
    name, n = f"{source}_to_{target}", len(pairs)
    with _file(folder / f"{name}_edges.h5") as file:
        group = file.create_group(f"edges/{name}")
        group["edge_type_id"] = np.full(n, min(types)) if type_ids is None else type_ids
        for end, ids, population in zip(
            ("source", "target"), np.reshape(pairs, (n, 2)).T, (source, target), strict=True
        ):
            group.create_dataset(f"{end}_node_id", data=ids.astype("u8"), **options)
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_group_id"] = np.zeros(n, "u2")
        group["edge_group_index"] = np.arange(n, dtype="u4")
        group.create_group("0")
        for key, values in (own or {}).items():
            group.create_dataset(f"0/{key}", data=values, **options)
    _rows(folder / f"{name}_edge_types.csv", [{"edge_type_id": k, **r} for k, r in types.items()])


def write_spikes(path, population, times, ids):
    with _file(path) as file:
        file[f"spikes/{population}/timestamps"] = np.asarray(times, float)
        file[f"spikes/{population}/node_ids"] = np.asarray(ids, "u8")
        file[f"spikes/{population}/timestamps"].attrs["units"] = "ms"


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))
    return path


def files_of(nodes, edges):
    """The section `networks` of a configuration, for populations in $NETWORK_DIR."""
    return {
        "nodes": [
            {
                "nodes_file": f"$NETWORK_DIR/{name}_nodes.h5",
                "node_types_file": f"$NETWORK_DIR/{name}_node_types.csv",
            }
            for name in nodes
        ],
        "edges": [
            {
                "edges_file": f"$NETWORK_DIR/{name}_edges.h5",
                "edge_types_file": f"$NETWORK_DIR/{name}_edge_types.csv",
            }
            for name in edges
        ],
    }


CELL = {
    "model_type": "point_neuron",
    "model_template": "nest:iaf_psc_alpha",
    "dynamics_params": "cell.json",
}
PARAMETERS = {
    "C_m": 120.0,
    "tau_m": 20.0,
    "E_L": -70.0,
    "V_th": -55.0,
    "V_reset": -65.0,
    "V_m": -70.0,
}
SYNAPSE = {"model_template": "static_synapse", "dynamics_params": "static.json", "delay": 1.5}
WEIGHT = {**SYNAPSE, "syn_weight": 100.0}


def write_circuit(
    folder,
    *,
    cells=None,
    parameters=PARAMETERS,
    n=3,
    pairs=((0, 0), (0, 1), (1, 1)),
    edge=WEIGHT,
    own=None,
    spikes=((5.0, 0), (12.0, 1), (12.5, 0)),
    simulation=None,
    **options,
):
    """A circuit of `n` cells with two virtual nodes, and a simulation of 50 ms; returns its file.

    `options` are those of h5py for datasets, such as ``compression``.
    """
    folder = Path(folder)
    network, components = folder / "network", folder / "components"
    network.mkdir(parents=True, exist_ok=True)
    write_nodes(network, "input", {7: {"model_type": "virtual", "model_template": "NULL"}}, [7, 7])
    write_nodes(network, "cells", {100: CELL if cells is None else cells}, [100] * n)
    write_edges(network, "input", "cells", pairs, {3: edge}, own=own, **options)
    write_json(components / "cells" / "cell.json", parameters)
    write_json(components / "synapses" / "static.json", {})
    write_spikes(folder / "inputs" / "spikes.h5", "input", *zip(*spikes, strict=True))
    write_json(
        folder / "circuit_config.json",
        {
            "manifest": {"$BASE": ".", "$NETWORK_DIR": "$BASE/network"},
            "components": {
                "point_neuron_models_dir": "./components/cells",
                "synaptic_models_dir": "$BASE/components/synapses",
            },
            "networks": files_of(["input", "cells"], ["input_to_cells"]),
        },
    )
    return write_json(
        folder / "simulation_config.json",
        {
            "manifest": {"$OUTPUT_DIR": "${configdir}/output"},
            "network": "circuit_config.json",
            "run": {"tstop": 50.0, "dt": 0.1},
            "inputs": {
                "spikes": {
                    "input_type": "spikes",
                    "module": "sonata",
                    "input_file": "inputs/spikes.h5",
                    "node_set": "input",
                }
            },
            "output": {"output_dir": "$OUTPUT_DIR", "spikes_file": "spikes.h5"},
            "reports": {
                "voltage": {"cells": "cells", "variable_name": "V_m", "module": "membrane_report"}
            },
            **(simulation or {}),
        },
    )
