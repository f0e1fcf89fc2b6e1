"""Files of Neurodata Without Borders: read back by pynwb, and looked at by its inspector."""

import datetime
import json

import numpy as np
import pytest

from spikesim import LIF, CurrentLIF, Network, SpikeRecording
from spikesim.errors import FileError, InputError
from spikesim.nwb import write_nwb

pynwb = pytest.importorskip("pynwb", reason="pynwb, which writes the files")

START = datetime.datetime(2020, 2, 3, 12, 0, tzinfo=datetime.UTC)


def simulated():
    """A network of two populations, their spikes, and samples of one of them."""
    net = Network(dt=0.5, seed=3, backend="python")
    exc = net.add_population("exc", 4, LIF, I=[0.0, 18.0, 22.0, 30.0])
    inh = net.add_population("inh", 2, CurrentLIF, I=20.0)
    net.connect(exc, inh, target="I_exc", weight=2.0, delay=1.5)
    spikes = net.record_spikes(exc, inh)
    samples = net.record(exc, ["v", "drive"], every=1.0, neurons=[3, 1])
    net.run(100.0)
    return net, spikes, samples


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of a run with all metadata, and what was recorded."""
    path = tmp_path_factory.mktemp("nwb") / "run.nwb"
    net, spikes, samples = simulated()
    write_nwb(
        path,
        spikes,
        samples,
        start=START,
        network=net,
        subject={"species": "Mus musculus", "subject_id": "m1", "age": "P90D", "sex": "U"},
        session_description="Two populations that are driven by a current",
        experimenter="Doe, Jane",
        institution="University of Somewhere",
        keywords=["simulation", "spiking network"],
        experiment_description="A test of the file",
    )
    return path, spikes, samples


def read(path):
    """A file, whose datasets can be read as long as the object exists."""
    return pynwb.NWBHDF5IO(path, "r")


def test_each_neuron_becomes_a_unit_with_its_population_and_number(written):
    path, spikes, _ = written
    with read(path) as io:
        units = io.read().units
        assert units["population"][:].tolist() == ["exc"] * 4 + ["inh"] * 2
        assert units["neuron"][:].tolist() == [0, 1, 2, 3, 0, 1]
        assert units.id[:].tolist() == list(range(6))
        trains = [*spikes["exc"].spike_trains(), *spikes["inh"].spike_trains()]
        assert sum(train.size for train in trains) > 10
        for row, train in enumerate(trains):
            np.testing.assert_allclose(units["spike_times"][row], train / 1000.0)
            np.testing.assert_allclose(units["obs_intervals"][row], [[0.0, 0.1]])


def test_samples_become_series_in_si_units_with_a_rate(written):
    path, _, samples = written
    with read(path) as io:
        series = io.read().acquisition["exc_v"]
        assert (series.unit, series.rate, series.starting_time) == ("volts", 1000.0, 0.0)
        volts = series.data[:] * series.conversion
        np.testing.assert_allclose(volts, samples.v.T * 1e-3)
        assert json.loads(series.comments) == {"population": "exc", "neurons": [3, 1]}


def test_the_metadata_is_that_which_was_given(written):
    path, _, _ = written
    with read(path) as io:
        file = io.read()
        assert file.session_start_time == START
        assert file.session_description == "Two populations that are driven by a current"
        assert file.experimenter == ("Doe, Jane",)
        assert file.subject.species == "Mus musculus"


def test_the_parameters_of_the_run_are_in_the_notes(written):
    path, _, _ = written
    with read(path) as io:
        notes = json.loads(io.read().notes)
    assert (notes["dt_ms"], notes["seed"]) == (0.5, 3)
    exc = notes["populations"]["exc"]
    assert exc["parameters"]["I"] == [0.0, 18.0, 22.0, 30.0]
    assert (exc["parameters"]["tau"], exc["units"]["tau"]) == (LIF.parameters["tau"], "ms")
    assert notes["projections"]["exc_to_inh"]["synapses"] == 8


def test_pynwb_finds_the_file_valid(written):
    assert not pynwb.validate(path=written[0])


def test_the_inspector_finds_nothing_critical_and_no_practice_violated(written):
    inspector = pytest.importorskip("nwbinspector", reason="the inspector of NWB files")
    least = inspector.Importance.BEST_PRACTICE_VIOLATION
    messages = list(inspector.inspect_nwbfile(nwbfile_path=written[0], importance_threshold=least))
    assert [(each.importance.name, each.message) for each in messages] == []


def test_without_any_metadata_the_inspector_misses_the_subject_only(tmp_path):
    inspector = pytest.importorskip("nwbinspector", reason="the inspector of NWB files")
    _, spikes, samples = simulated()
    spikes["exc"].to_nwb(tmp_path / "spikes.nwb")
    samples.to_nwb(tmp_path / "samples.nwb")
    least = inspector.Importance.BEST_PRACTICE_VIOLATION
    for name in ("spikes.nwb", "samples.nwb"):
        path = tmp_path / name
        assert not pynwb.validate(path=path)
        found = inspector.inspect_nwbfile(nwbfile_path=path, importance_threshold=least)
        assert {each.message for each in found} == {"Subject is missing."}


def test_a_time_without_a_zone_is_in_utc(tmp_path):
    _, spikes, _ = simulated()
    spikes["exc"].take().to_nwb(tmp_path / "a.nwb", start=datetime.datetime(2020, 2, 3))
    with read(tmp_path / "a.nwb") as io:
        expected = datetime.datetime(2020, 2, 3, tzinfo=datetime.UTC)
        assert io.read().session_start_time == expected


def test_samples_with_a_pause_have_a_time_each(tmp_path):
    net = Network(dt=0.5, backend="python")
    samples = net.record(net.add_population("cells", 2, LIF), "v")
    net.run(10.0)
    samples.pause()
    net.run(10.0)
    samples.resume()
    net.run(10.0)
    samples.to_nwb(tmp_path / "a.nwb")
    with read(tmp_path / "a.nwb") as io:
        series = io.read().acquisition["cells_v"]
        assert series.rate is None
        np.testing.assert_allclose(series.timestamps[:], samples.t / 1000.0)


def test_subgroups_and_weights_have_names_that_nwb_allows(tmp_path):
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 4, LIF, I=30.0)
    synapses = net.connect(cells, cells, target="drive", weight=1.0, indegree=1)
    recorded = [
        net.record(cells[1:3], "v"),
        net.record(cells[1:3], "v"),
        net.record(synapses, "weight"),
    ]
    net.run(10.0)
    write_nwb(tmp_path / "a.nwb", net.record_spikes(cells[2:]) and recorded)
    with read(tmp_path / "a.nwb") as io:
        series = io.read().acquisition
        assert len(series) == 3
        pairs = json.loads(series["cells_to_cells_weight"].comments)
    assert (len(pairs["pre"]), sorted(pairs["post"])) == (4, [0, 1, 2, 3])


def test_a_folder_that_is_not_there_gets_no_file(tmp_path):
    _, spikes, _ = simulated()
    with pytest.raises(FileError):
        spikes["exc"].to_nwb(tmp_path / "none" / "a.nwb")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": 5}, "start is 5"),
        ({"experimentor": "Doe, Jane"}, "Did you mean 'experimenter'"),
        ({"institution": 5}, "institution is 5; it has to be a text"),
        ({"experimenter": "Doe\0, Jane"}, "without NUL"),
        ({"keywords": ["bursts", ["nested"]]}, "or a list of such texts"),
        ({"subject": {"subject_id": "m\ud800"}}, "subject_id of subject is"),
        ({"subject": "a mouse"}, "has to be a dict"),
        ({"subject": {"specie": "Mus musculus"}}, "'species'"),
        ({"network": "mine"}, "has to be a spikesim.Network"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(tmp_path, given, message):
    spikes: SpikeRecording = simulated()[1]["exc"]
    with pytest.raises(InputError, match=message):
        spikes.to_nwb(tmp_path / "a.nwb", **given)
    assert not (tmp_path / "a.nwb").exists()


@pytest.mark.parametrize("recorded", [[], ["spikes"], [5]])
def test_what_was_not_recorded_is_refused(tmp_path, recorded):
    with pytest.raises(InputError, match="recorded"):
        write_nwb(tmp_path / "a.nwb", *recorded)
