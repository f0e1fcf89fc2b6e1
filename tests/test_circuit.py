"""Circuits in SONATA files: what is read is what the files say, in the units of their models.

The oracle for the numbers is SciPy, which integrates the equations of NEST's models in pA, pF, nS
and mV as NEST documents them; NEST itself where it is installed; and the published spikes of the
examples of the SONATA repository, if they are in $SPIKESIM_DATA/sonata.
"""

import itertools
import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import cli
from spikesim.circuit import read_circuit
from spikesim.errors import FileError, InputError, SpikesimWarning
from spikesim.sonata import read_spikes, read_traces
from tests.circuits import (
    CELL,
    PARAMETERS,
    SYNAPSE,
    WEIGHT,
    files_of,
    write_circuit,
    write_edges,
    write_json,
    write_nodes,
)

PLAIN = {"backend": "python"}


def changed(path, **sections):
    """A configuration with other sections."""
    return write_json(path, {**json.loads(path.read_text()), **sections})


def run(path, **options):
    """The spikes and the voltages of a simulation, read from its files."""
    spikes, voltages = read_circuit(path, **{**PLAIN, **options}).run()
    return read_spikes(spikes)["cells"], read_traces(voltages)["cells"]


# ---- the numbers -------------------------------------------------------------------------------


def alpha(t, tau):
    return np.where(t > 0.0, t / tau * np.exp(1.0 - np.maximum(t, 0.0) / tau), 0.0)


def exponential(t, tau):
    return np.where(t >= 0.0, np.exp(-np.maximum(t, 0.0) / tau), 0.0)


def voltage(times, p, arrivals, shape):
    """v of a neuron without spikes, whose synapses have a time course; weights in pA or nS."""

    def slope(t, v):
        excitation = sum(w * shape(t - at, 2.0) for at, w in arrivals if w > 0.0)
        inhibition = sum(w * shape(t - at, 2.0) for at, w in arrivals if w < 0.0)
        if "g_L" in p:
            current = p["g_L"] * (p["E_L"] - v) + excitation * (p["E_ex"] - v)
            current = current - inhibition * (p["E_in"] - v)
        else:
            current = p["C_m"] / p["tau_m"] * (p["E_L"] - v) + excitation + inhibition
        return (current + p["I_e"]) / p["C_m"]

    stops = sorted({0.0, *(at for at, _ in arrivals), times[-1]})
    found, v = np.empty(times.size), np.array([p["V_m"]])
    for begin, end in itertools.pairwise(stops):
        solved = solve_ivp(slope, (begin, end), v, rtol=1e-9, atol=1e-9, dense_output=True)
        within = (times > begin) & (times <= end)
        found[within] = solved.sol(times[within])[0]
        v = solved.y[:, -1]
    return found


CURRENT = {"C_m": 120.0, "tau_m": 20.0, "E_L": -70.0, "V_m": -68.0, "I_e": 30.0}
CONDUCTANCE = {"C_m": 200.0, "g_L": 10.0, "E_L": -70.0, "V_m": -68.0, "I_e": 30.0}
CONDUCTANCE |= {"E_ex": 0.0, "E_in": -85.0}
TIMES = {"tau_syn_ex": 2.0, "tau_syn_in": 2.0, "V_th": 0.0}


@pytest.mark.parametrize(
    ("model", "parameters", "shape", "error"),
    [
        ("iaf_psc_alpha", CURRENT, alpha, 1e-4),
        ("iaf_psc_exp", CURRENT, exponential, 1e-4),
        ("iaf_cond_alpha", CONDUCTANCE, alpha, 0.02),  # of first order in dt
        ("iaf_cond_exp", CONDUCTANCE, exponential, 0.02),
    ],
)
def test_voltages_are_those_of_the_equations_of_nest(tmp_path, model, parameters, shape, error):
    weights = [40.0, -25.0] if "psc" in model else [4.0, -2.5]
    path = write_circuit(
        tmp_path,
        cells={**CELL, "model_template": f"nest:{model}"},
        parameters={**parameters, **TIMES},
        n=1,
        pairs=[(0, 0), (1, 0)],
        edge=SYNAPSE,
        own={"syn_weight": weights, "delay": [1.5, 3.0]},
    )
    dt = 0.1 if "psc" in model else 0.02
    _, traces = run(path, dt=dt)
    arrivals = [(6.5, weights[0]), (14.0, weights[0]), (15.0, weights[1])]
    ends = traces.times + dt  # a sample is what the voltage is when its step ends
    expected = voltage(ends, parameters, arrivals, shape)
    assert np.abs(traces.data[:, 0, 0] - expected).max() < error
    assert np.ptp(expected) > 2.0


def test_jumps_of_iaf_psc_delta_are_in_mv(tmp_path):
    path = write_circuit(
        tmp_path,
        cells={**CELL, "model_template": "nest:iaf_psc_delta"},
        n=1,
        pairs=[(0, 0)],
        edge={**SYNAPSE, "syn_weight": 6.0},
    )
    _, traces = run(path)
    v, decay = traces.data[:, 0, 0], np.exp(-0.1 / PARAMETERS["tau_m"])
    assert v[64] == pytest.approx(-70.0)
    assert v[65] == pytest.approx(-70.0 + 6.0 * decay)  # at 5.0 + 1.5 ms


def test_intfire1_fires_when_its_sum_exceeds_one_and_its_times_are_in_seconds(tmp_path):
    path = write_circuit(
        tmp_path,
        cells={**CELL, "model_template": "nrn:IntFire1"},
        parameters={"tau": 0.02, "refrac": 0.003, "type": "NEURON_IntFire1"},
        n=2,
        pairs=[(0, 0), (1, 0), (1, 1)],
        edge={**SYNAPSE, "syn_weight": 0.3},
        own={"nsyns": [2, 3, 3]},
        simulation={"reports": {}},
    )
    # 0.6 at 6.5 ms has decayed to 0.41 at 13.5 ms, where 0.9 comes; 0.9 alone is too little.
    (spikes,) = read_circuit(path, **PLAIN).run()
    times, ids = read_spikes(spikes)["cells"]
    assert (times.tolist(), ids.tolist()) == (pytest.approx([13.5]), [0])


def test_the_sign_of_a_synaptic_model_turns_weights(tmp_path):
    path = write_circuit(tmp_path, cells={**CELL, "model_template": "nest:iaf_psc_delta"})
    write_json(tmp_path / "components/synapses/static.json", {"sign": -1})
    net = read_circuit(path, **PLAIN).network
    assert set(net.projections["input_to_cells"].weight) == {-100.0}


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_a_delay_between_cells_counts_from_the_end_of_the_step_of_a_spike(tmp_path, dt):
    # Cell 0 is driven over threshold by a large current from 10 ms on; cell 1 hears it.
    path = write_circuit(tmp_path, n=2, pairs=[(0, 0)], spikes=[(49.0, 0)])
    network = tmp_path / "network"
    write_edges(network, "cells", "cells", [(0, 1)], {3: {**WEIGHT, "delay": 2.0}})
    circuit = json.loads((tmp_path / "circuit_config.json").read_text())
    circuit["networks"] = files_of(["input", "cells"], ["input_to_cells", "cells_to_cells"])
    write_json(tmp_path / "circuit_config.json", circuit)
    clamp = {"input_type": "current_clamp", "module": "IClamp", "delay": 10.0, "duration": 5.0}
    clamp |= {"amp": 1e5, "node_set": {"population": "cells", "node_id": [0]}}
    changed(path, run={"tstop": 20.0, "dt": dt}, inputs={"clamp": clamp})
    (times, ids), traces = run(path)
    first = times[ids == 0][0]
    v = traces.data[:, 1, 0]
    begins = traces.times[np.flatnonzero(v > -70.0)[0]]
    # The spike is noticed at first + dt, arrives 2 ms later, and moves v in the step that follows.
    assert first == pytest.approx(10.0)
    assert begins == pytest.approx(first + dt + 2.0)


def test_weights_are_multiplied_by_the_number_of_synapses_and_own_attributes_go_first(tmp_path):
    path = write_circuit(
        tmp_path,
        own={"syn_weight": [10.0, 20.0, np.nan], "nsyns": [1, 2, 3], "delay": [0.5, 2.0, 1.0]},
    )
    with pytest.raises(FileError, match="no syn_weight"):
        read_circuit(path, **PLAIN)
    path = write_circuit(
        tmp_path / "b",
        own={"syn_weight": [10.0, 20.0, 5.0], "nsyns": [1, 2, 3], "delay": [0.5, 2.0, 1.0]},
    )
    synapses = read_circuit(path, **PLAIN).network.projections["input_to_cells_exc"].table()
    scale = PARAMETERS["tau_m"] / PARAMETERS["C_m"]
    assert synapses["weight"].tolist() == pytest.approx([10.0 * scale, 40.0 * scale, 15.0 * scale])
    assert synapses["delay"].tolist() == pytest.approx([0.5, 2.0, 1.0])


def test_two_edges_between_a_pair_are_two_synapses(tmp_path):
    path = write_circuit(tmp_path, pairs=[(0, 1), (0, 1)], own={"delay": [1.0, 2.0]})
    synapses = read_circuit(path, **PLAIN).network.projections["input_to_cells_exc"]
    assert synapses.size == 2
    assert sorted(synapses.table()["delay"].tolist()) == pytest.approx([1.0, 2.0])


def test_edges_without_a_delay_have_that_of_nest(tmp_path):
    edge = {key: value for key, value in WEIGHT.items() if key != "delay"}
    synapses = read_circuit(write_circuit(tmp_path, edge=edge), **PLAIN).network.projections
    assert synapses["input_to_cells_exc"].table()["delay"].tolist() == [1.0] * 3


# ---- nodes -------------------------------------------------------------------------------------


def test_parameters_come_from_nest_the_type_and_the_node_in_this_order(tmp_path):
    path = write_circuit(tmp_path)
    write_nodes(
        tmp_path / "network",
        "cells",
        {100: CELL},
        [100] * 3,
        own={"dynamics_params/V_th": [-50.0, np.nan, -45.0], "x": [0.0, 1.0, 2.0]},
    )
    cells = read_circuit(path, **PLAIN).network.populations["cells"]
    assert cells.threshold.tolist() == [-50.0, PARAMETERS["V_th"], -45.0]
    assert cells.tau == PARAMETERS["tau_m"]


def test_voltages_begin_at_v_init_unless_the_files_have_v_m(tmp_path):
    bare = {name: value for name, value in PARAMETERS.items() if name != "V_m"}
    path = write_circuit(tmp_path, parameters=bare, simulation={"conditions": {"v_init": -61.5}})
    assert set(read_circuit(path, **PLAIN).network.populations["cells"].v) == {-61.5}
    write_json(tmp_path / "components/cells/cell.json", {**bare, "V_m": -63.0})
    assert set(read_circuit(path, **PLAIN).network.populations["cells"].v) == {-63.0}


def test_nodes_of_several_models_in_any_order_keep_their_numbers(tmp_path):
    path = write_circuit(
        tmp_path, pairs=[(0, 9), (0, 2), (1, 5)], edge={**WEIGHT, "syn_weight": 5e3}
    )
    types = {100: CELL, 101: {**CELL, "model_template": "nest:iaf_psc_exp"}}
    write_nodes(tmp_path / "network", "cells", types, [101, 100, 100], ids=[9, 5, 2])
    circuit = read_circuit(path, **PLAIN)
    parts = {each.name: ids.tolist() for each, ids in circuit.populations["cells"].items()}
    assert parts == {"cells_iaf_psc_alpha": [2, 5], "cells_iaf_psc_exp": [9]}
    spikes, voltages = circuit.run()
    times, ids = read_spikes(spikes)["cells"]
    assert set(ids) == {2, 5, 9}
    assert (np.diff(times) >= 0.0).all()
    traces = read_traces(voltages)["cells"]
    assert traces.node_ids.tolist() == [2, 5, 9]
    first = [traces.data[:, k, 0] > -69.0 for k in range(3)]
    assert [int(each.argmax()) < 80 for each in first] == [True, False, True]  # 5.0, and 12.0 ms


def test_attributes_may_be_numbers_of_a_library_and_packed_with_gzip(tmp_path):
    path = write_circuit(tmp_path, own={"syn_weight": [1.0, 2.0, 3.0]}, compression="gzip")
    bare = {key: value for key, value in CELL.items() if key != "model_type"}
    write_nodes(
        tmp_path / "network",
        "cells",
        {100: bare},
        [100] * 3,
        own={
            "model_type": np.zeros(3, "u1"),
            "@library/model_type": np.array([b"point_neuron", b"virtual"]),
        },
    )
    assert read_circuit(path, **PLAIN).network.populations["cells"].n == 3


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("some", [0, 2]),
        ("both", [0, 1, 2]),
        ({"population": "cells", "node_id": [1]}, [1]),
        ({"population": "cells", "layer": "L4"}, [0, 2]),
        ({"population": "cells", "x": [0.0, 1.0]}, [0, 1]),
        ("cells", [0, 1, 2]),
    ],
)
def test_node_sets_choose_by_number_attribute_and_name(tmp_path, chosen, expected):
    report = {"cells": chosen, "variable_name": "v", "module": "membrane_report"}
    path = write_circuit(
        tmp_path, simulation={"reports": {"voltage": report}, "node_sets_file": "sets.json"}
    )
    write_nodes(
        tmp_path / "network",
        "cells",
        {100: {**CELL, "layer": "L4"}, 101: {**CELL, "layer": "L5"}},
        [100, 101, 100],
        own={"x": [0.0, 1.0, 2.0]},
    )
    sets = {
        "some": {"population": "cells", "layer": ["L4"]},
        "rest": {"population": "cells", "node_id": 1},
    }
    write_json(tmp_path / "sets.json", {**sets, "both": ["some", "rest"]})
    _, traces = run(path)
    assert traces.node_ids.tolist() == expected


# ---- simulations -------------------------------------------------------------------------------


def test_spikes_may_come_from_a_csv_file(tmp_path):
    given = {"input_type": "spikes", "module": "csv", "input_file": "spikes.csv"}
    path = write_circuit(
        tmp_path, simulation={"inputs": {"spikes": {**given, "node_set": "input"}}}
    )
    lines = ["timestamps population node_ids", "5.0 input 0", "12.0 input 1", "12.5 input 0"]
    (tmp_path / "spikes.csv").write_text("\n".join(lines) + "\n")
    _, one = run(path)
    _, other = run(write_circuit(tmp_path / "h5"))
    assert np.array_equal(one.data, other.data)


def test_a_current_clamp_is_in_pa(tmp_path):
    clamp = {"input_type": "current_clamp", "module": "IClamp", "node_set": "cells"}
    clamp |= {"amp": [60.0, -30.0], "delay": [10.0, 30.0], "duration": [5.0, 5.0]}
    path = write_circuit(tmp_path, simulation={"inputs": {"clamp": clamp}})
    _, traces = run(path)
    v, at = traces.data[:, 0, 0], lambda t: round(t / 0.1) - 1  # the sample at the end of a step
    rise = 60.0 * 20.0 / 120.0 * (1.0 - np.exp(-5.0 / 20.0))
    assert v[at(10.0)] == pytest.approx(-70.0)
    assert v[at(15.0)] == pytest.approx(-70.0 + rise, abs=1e-4)
    left = rise * np.exp(-15.0 / 20.0)
    assert v[at(30.0)] == pytest.approx(-70.0 + left, abs=1e-4)
    fall = (left + 5.0) * np.exp(-5.0 / 20.0) - 5.0
    assert v[at(35.0)] == pytest.approx(-70.0 + fall, abs=1e-4)


def test_a_current_clamp_may_be_a_csv_file(tmp_path):
    clamp = {"input_type": "csv", "module": "IClamp", "node_set": "cells", "file": "i.csv"}
    path = write_circuit(tmp_path, simulation={"inputs": {"clamp": clamp}})
    (tmp_path / "i.csv").write_text("timestamps amps\n10.0 60.0\n15.0 0.0\n")
    _, traces = run(path)
    rise = 60.0 * 20.0 / 120.0 * (1.0 - np.exp(-5.0 / 20.0))
    assert traces.data[149, 0, 0] == pytest.approx(-70.0 + rise, abs=1e-4)
    assert traces.data[:, 0, 0].argmax() == 149


def test_a_report_has_its_own_times_unit_and_file(tmp_path):
    report = {"cells": "cells", "variable_name": "I_syn_ex", "dt": 0.5, "file_name": "current.h5"}
    report |= {"start_time": 5.0, "end_time": 20.0}
    unwanted = {"cells": "cells", "variable_name": "v", "enabled": False}
    path = write_circuit(
        tmp_path,
        simulation={"reports": {"current": report, "no": unwanted}},
        edge={**WEIGHT, "syn_weight": 40.0},
    )
    _, written = read_circuit(path, **PLAIN).run()
    traces = read_traces(written)["cells"]
    assert written == tmp_path / "output" / "current.h5"
    assert (traces.unit, traces.times[0], traces.times[-1]) == ("pA", 5.0, pytest.approx(19.5))
    ends = traces.times + 0.1
    expected = 40.0 * (alpha(ends - 6.5, 2.0) + alpha(ends - 14.0, 2.0))
    assert traces.data[:, 0, 0] == pytest.approx(expected, abs=1e-3)


def test_long_simulations_are_written_in_pieces(tmp_path, monkeypatch):
    path = write_circuit(tmp_path, edge={**WEIGHT, "syn_weight": 5e3})
    whole = run(path)
    monkeypatch.setattr("spikesim.circuit.running._PIECE", 37)
    monkeypatch.setattr("spikesim.circuit.running._Spikes.longest", 37)
    shutil.rmtree(tmp_path / "output")
    pieces = run(write_circuit(tmp_path / "again", edge={**WEIGHT, "syn_weight": 5e3}))
    assert whole[0][0].size > 0
    for one, other in zip(whole[0], pieces[0], strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(whole[1].data, pieces[1].data)


def test_a_configuration_may_name_its_circuit_twice(tmp_path):
    path = write_circuit(tmp_path)
    both = {"network": "./circuit_config.json", "simulation": "./simulation_config.json"}
    circuit = read_circuit(write_json(tmp_path / "config.json", both), **PLAIN)
    assert (circuit.duration, len(circuit.network.projections)) == (50.0, 1)
    assert path.exists()


def test_a_circuit_alone_is_a_network_that_can_be_run(tmp_path):
    write_circuit(tmp_path)
    circuit = read_circuit(tmp_path / "circuit_config.json", dt=0.5, **PLAIN)
    assert circuit.duration is None
    circuit.network.run(10.0)
    with pytest.raises(InputError, match="circuit without a simulation"):
        circuit.run(tmp_path / "out")


def test_populations_say_which_neuron_is_which_node(tmp_path):
    circuit = read_circuit(write_circuit(tmp_path), **PLAIN)
    ((population, ids),) = circuit.populations["cells"].items()
    assert population is circuit.network.populations["cells"]
    assert ids.tolist() == [0, 1, 2]


def test_files_that_are_there_are_kept_if_the_configuration_says_so(tmp_path):
    output = {"output_dir": "out", "overwrite_output_dir": False}
    path = write_circuit(tmp_path, simulation={"output": output})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "voltage.h5").write_text("of yesterday")
    with pytest.raises(FileError, match="overwrite_output_dir is false"):
        read_circuit(path, **PLAIN).run()
    assert (tmp_path / "out" / "voltage.h5").read_text() == "of yesterday"


def test_the_command_simulates_and_says_what_it_wrote(tmp_path, capsys):
    path = write_circuit(tmp_path, edge={**WEIGHT, "syn_weight": 5e3})
    arguments = ["simulate", str(path), f"--out={tmp_path / 'here'}", "--backend=python"]
    assert cli.main([*arguments, "--no-progress"]) == 0
    told = capsys.readouterr().out
    times, _ = read_spikes(tmp_path / "here" / "spikes.h5")["cells"]
    assert f"cells: {times.size} spikes of 3 neurons\n" in told
    assert f"Wrote {tmp_path / 'here' / 'voltage.h5'}\n" in told


# ---- what cannot be read -----------------------------------------------------------------------


def unsupported(folder):
    path = write_circuit(folder)
    network = folder / "network"
    types = {
        100: CELL,
        101: {"model_type": "biophysical", "model_template": "ctdb:Biophys1.hoc"},
        102: {**CELL, "model_template": "nest:glif_psc"},
    }
    write_nodes(network, "cells", types, [100, 101, 102])
    edges = {3: WEIGHT, 4: {**WEIGHT, "model_template": "tsodyks_synapse"}}
    write_edges(network, "input", "cells", [(0, 0), (0, 1), (1, 0)], edges, type_ids=[3, 3, 4])
    write_json(folder / "components/cells/cell.json", {**PARAMETERS, "V_min": -90.0})
    extra = {"input_type": "extracellular", "module": "xstim"}
    inputs = {**json.loads(path.read_text())["inputs"], "field": extra}
    report = {"cells": "cells", "variable_name": "ecp", "module": "extracellular"}
    return changed(path, inputs=inputs, reports={"ecp": report})


NAMED = (
    "biophysical ctdb:Biophys1.hoc",
    "nest:glif_psc",
    "parameter V_min = -90.0",
    "tsodyks_synapse",
    "input 'field'",
    "report 'ecp'",
)


def test_all_that_is_not_supported_is_named_at_once(tmp_path):
    with pytest.raises(FileError) as refused:
        read_circuit(unsupported(tmp_path), **PLAIN)
    assert all(name in str(refused.value) for name in NAMED)
    assert "skip_unsupported=True" in str(refused.value)


def test_what_is_not_supported_is_left_out_with_a_warning_for_each(tmp_path):
    path = unsupported(tmp_path)
    with pytest.warns(SpikesimWarning) as warned:
        circuit = read_circuit(path, skip_unsupported=True, **PLAIN)
    told = [str(each.message) for each in warned]
    assert all(any(name in text for text in told) for name in NAMED)
    assert circuit.network.populations["cells"].n == 1
    assert circuit.network.projections["input_to_cells_exc"].size == 1
    circuit.run()


def put(folder, name, content):
    (folder / name).write_text(content)


def cut_edges(folder):
    with h5py.File(folder / "network/input_to_cells_edges.h5", "a") as file:
        del file["edges/input_to_cells/target_node_id"]


def far_edges(folder):
    with h5py.File(folder / "network/input_to_cells_edges.h5", "a") as file:
        file["edges/input_to_cells/target_node_id"][0] = 3


def huge_nodes(folder):
    with h5py.File(folder / "network/cells_nodes.h5", "a") as file:
        del file["nodes/cells/node_type_id"]
        file["nodes/cells"].create_dataset("node_type_id", (1 << 50,), "u8", chunks=(1024,))


def endless_texts(folder):
    """The heap of texts says that its next piece takes no bytes, over which HDF5 would not get."""
    path = folder / "network/input_to_cells_edges.h5"
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL") + 16
    content[at : at + 16] = bytes(16)
    path.write_bytes(content)


def of_simulation(**sections):
    return lambda folder: changed(folder / "simulation_config.json", **sections)


def spike_input(**entries):
    given = {"input_type": "spikes", "module": "h5", "input_file": "inputs/spikes.h5"}
    return of_simulation(inputs={"spikes": {**given, "node_set": "input", **entries}})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: put(f, "simulation_config.json", "{"), "is not JSON"),
        (lambda f: put(f, "simulation_config.json", "[]"), "has to be an object"),
        (lambda f: put(f, "simulation_config.json", "{}"), "names no nodes_file"),
        (lambda f: put(f, "simulation_config.json", "[" * 100_000), "is not JSON"),
        (of_simulation(run={"tstop": -1.0}), r"run.tstop"),
        (of_simulation(run={"tstop": 10.0, "dt": "fast"}), r"run.dt"),
        (of_simulation(manifest={"$OUT": 3}), "manifest"),
        (of_simulation(network="$NOWHERE/circuit.json"), "does not explain"),
        (of_simulation(network="missing.json"), "missing.json"),
        (
            of_simulation(
                node_sets={"a": ["a"]},
                inputs={},
                reports={"v": {"cells": "a", "variable_name": "v"}},
            ),
            "contains itself",
        ),
        (
            of_simulation(reports={"v": {"cells": "nobody", "variable_name": "v"}}),
            "neither a node set",
        ),
        (
            of_simulation(
                reports={"v": {"cells": "cells", "variable_name": "v", "file_name": "../v"}}
            ),
            "file_name",
        ),
        (of_simulation(inputs={"a": 3}), "inputs.a"),
        (spike_input(input_file="nothing.h5"), "nothing.h5"),
        (spike_input(node_set="cells"), "no spikes of 'cells'"),
        (spike_input(node_set={"population": "input", "node_id": [5]}), "no node 5"),
        (
            lambda f: put(f, "network/cells_node_types.csv", "node_type_id model_type\n100\n"),
            "1 values for 2 names",
        ),
        (lambda f: put(f, "network/cells_node_types.csv", "node_type_id\n5\n"), "the type 100"),
        (lambda f: put(f, "network/cells_node_types.csv", "a b\n1 2\n"), "node_type_id"),
        (lambda f: put(f, "network/cells_nodes.h5", "no numbers"), "not an HDF5 file"),
        (lambda f: put(f, "components/cells/cell.json", '{"C_m": 0.0}'), "C_m"),
        (lambda f: put(f, "components/cells/cell.json", '{"tau_m": NaN}'), "tau_m"),
        (lambda f: (f / "components/cells/cell.json").unlink(), "cell.json"),
        (cut_edges, "no target_node_id"),
        (far_edges, "no node 3"),
        (endless_texts, "texts are damaged"),
        (huge_nodes, "node_type_id"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line_that_says_what(tmp_path, damage, message):
    path = write_circuit(tmp_path)
    damage(tmp_path)
    with pytest.raises(FileError, match=message) as refused:
        read_circuit(path, **PLAIN)
    assert "\n" not in str(refused.value)


# ---- other programs ----------------------------------------------------------------------------


def test_libsonata_reads_the_circuit_of_these_tests(tmp_path):
    libsonata = pytest.importorskip("libsonata", reason="the reference reader of SONATA")
    write_circuit(tmp_path, own={"syn_weight": [1.0, 2.0, 3.0]})
    folder = tmp_path / "network"
    nodes = libsonata.NodeStorage(str(folder / "cells_nodes.h5")).open_population("cells")
    assert nodes.size == 3
    storage = libsonata.EdgeStorage(str(folder / "input_to_cells_edges.h5"))
    edges = storage.open_population("input_to_cells")
    assert edges.get_attribute("syn_weight", libsonata.Selection([0, 2])).tolist() == [1.0, 3.0]
    assert edges.target_nodes(edges.select_all()).tolist() == [0, 1, 1]


def nest_spikes(path, template, parameters, delay, cells):
    """The spikes of the network of `recurrent` in NEST: steps and neurons."""
    nest = pytest.importorskip("nest", reason="NEST, to compare spike for spike")
    nest.ResetKernel()
    nest.set(resolution=0.1, print_time=False)
    neurons = nest.Create(template.removeprefix("nest:"), cells, parameters)
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    times, ids = read_spikes(path.parent / "inputs/spikes.h5")["input"]
    generators = nest.Create("spike_generator", 2)
    for k in range(2):
        generators[k].spike_times = np.sort(times[ids == k])
    for file, sources in (("input_to_cells", generators), ("cells_to_cells", neurons)):
        with h5py.File(path.parent / f"network/{file}_edges.h5") as edges:
            group = edges[f"edges/{file}"]
            for i, j, w in zip(
                group["source_node_id"][()],
                group["target_node_id"][()],
                group["0/syn_weight"][()],
                strict=True,
            ):
                nest.Connect(
                    sources[int(i)], neurons[int(j)], syn_spec={"weight": w, "delay": delay}
                )
    nest.Simulate(200.0)
    found = recorder.events
    return np.rint(found["times"] / 0.1).astype(int), found["senders"] - neurons[0].global_id


def recurrent(folder, template, parameters, chance, scale):
    cells = 20
    pairs = [(i, j) for i in range(2) for j in range(cells)]
    spikes = sorted({(round(t, 1), k % 2) for k, t in enumerate(chance.uniform(1.0, 190.0, 60))})
    path = write_circuit(
        folder,
        cells={**CELL, "model_template": template},
        parameters=parameters,
        n=cells,
        pairs=pairs,
        spikes=spikes,
        edge=SYNAPSE,
        own={"syn_weight": scale * chance.uniform(0.5, 1.5, len(pairs))},
        simulation={"run": {"tstop": 200.0, "dt": 0.1}, "reports": {}},
    )
    among = [(i, j) for i in range(cells) for j in range(cells) if i != j and chance.random() < 0.3]
    weights = scale * chance.uniform(-0.4, 0.4, len(among))
    write_edges(
        folder / "network", "cells", "cells", among, {5: SYNAPSE}, own={"syn_weight": weights}
    )
    circuit = json.loads((folder / "circuit_config.json").read_text())
    circuit["networks"] = files_of(["input", "cells"], ["input_to_cells", "cells_to_cells"])
    write_json(folder / "circuit_config.json", circuit)
    return path


@pytest.mark.parametrize(
    ("template", "scale", "late"),
    [
        ("nest:iaf_psc_alpha", 300.0, 1),
        ("nest:iaf_psc_exp", 600.0, 1),
        ("nest:iaf_psc_delta", 8.0, 0),
    ],
)
def test_a_recurrent_network_spikes_as_in_nest(tmp_path, template, scale, late):
    # In NEST, a jump just at the end of a refractory period is lost. So it is here if neurons then
    # stay at V_reset, as these do.
    parameters = PARAMETERS if late else {**PARAMETERS, "V_reset": PARAMETERS["E_L"]}
    path = recurrent(tmp_path, template, parameters, np.random.default_rng(4), scale)
    steps, neurons = nest_spikes(path, template, parameters, 1.5, 20)
    theirs = set(zip(steps.tolist(), neurons.tolist(), strict=True))
    times, ids = read_spikes(read_circuit(path).run()[0])["cells"]
    ours = set(zip((np.rint(times / 0.1).astype(int) + late).tolist(), ids.tolist(), strict=True))
    assert len(ours) > 50
    assert ours == theirs


def published(name):
    """An example of the SONATA repository, in $SPIKESIM_DATA/sonata."""
    folder = Path(os.environ.get("SPIKESIM_DATA", "nowhere")) / "sonata" / name
    if not (folder / "config.json").exists():
        pytest.skip(f"{folder} has no example; copy examples/ of the SONATA repository there")
    return folder


def test_the_published_intfire_example_gives_the_spikes_that_were_published_with_it(tmp_path):
    folder = published("300_intfire")
    written = read_circuit(folder / "config.json", dt=0.01).run(tmp_path)
    ours, theirs = (
        read_spikes(path)["v1"] for path in (written[0], folder / "output" / "spikes.h5")
    )
    assert ours[0].size == theirs[0].size == 4322
    assert (
        np.bincount(ours[1], minlength=300).tolist()
        == np.bincount(theirs[1], minlength=300).tolist()
    )
    assert np.abs(np.sort(ours[0]) - np.sort(theirs[0])).max() <= 0.3  # in a chain of steps of 0.01


def test_the_published_example_of_300_point_neurons_runs(tmp_path):
    folder = published("300_pointneurons")
    circuit = read_circuit(folder / "config.json", dt=0.1)
    assert {name: each.n for name, each in circuit.network.populations.items()} == {
        "internal": 300,
        "external": 100,
    }
    assert sum(each.size for each in circuit.network.projections.values()) == 27_588 + 20_844
    spikes, voltages = circuit.run(tmp_path)
    assert read_traces(voltages)["internal"].node_ids.tolist() == [0, 80, 160, 240, 270]
    rate = read_spikes(spikes)["internal"][0].size / 300 / 1.5
    assert rate == pytest.approx(41.76, rel=0.02)  # of NEST 3.10, at a dt of 0.01 ms


def test_a_circuit_of_bmtk_is_read(tmp_path):
    builder = pytest.importorskip("bmtk.builder", reason="bmtk, which builds circuits")
    cells = builder.NetworkBuilder("cells")
    cells.add_nodes(N=4, **CELL, ei="e")
    cells.add_edges(
        source={"ei": "e"},
        target={"ei": "e"},
        connection_rule=2,
        syn_weight=3.0,
        delay=1.5,
        dynamics_params="static.json",
        model_template="static_synapse",
    )
    cells.build()
    path = write_circuit(tmp_path)
    cells.save(output_dir=str(tmp_path / "network"))
    circuit = json.loads((tmp_path / "circuit_config.json").read_text())
    circuit["networks"] = files_of(["input", "cells"], ["input_to_cells", "cells_cells"])
    write_json(tmp_path / "circuit_config.json", circuit)
    net = read_circuit(path, **PLAIN).network
    synapses = net.projections["cells_to_cells_exc"]
    assert synapses.size == 16
    assert set(synapses.weight) == {6.0 * PARAMETERS["tau_m"] / PARAMETERS["C_m"]}
