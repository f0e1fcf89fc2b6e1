"""What there is shows itself: in a prompt, and as tables in a notebook."""

from html.parser import HTMLParser

import numpy as np
import pytest

from spikesim import LIF, Network, Neuron, PairSTDP, Poisson
from spikesim.tables import bytes_text


class Tables(HTMLParser):
    """The cells of all tables, row by row; refuses what is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def rows(shown):
    return Tables(shown._repr_html_()).rows


def fire(i, t, s, p):
    s.spike[i] = t == 3


def network():
    net = Network(dt=0.5, seed=3, backend="python")
    source = net.add_population("source", 20, Poisson)
    source.rate = 50.0
    cells = net.add_population("cells", 5, LIF, tau=12.5)
    net.add_population("own", 3, Neuron([fire]))
    net.connect(source, cells, target="drive", weight=4.0, indegree=3, delay=1.5)
    weights = np.array([[1.0, 3.0, 1.0, 3.0, 2.0]] * 5)
    net.connect(cells, cells, target="drive", weight=weights, plasticity=PairSTDP(w_max=9.0))
    late = np.linspace(0.5, 2.5, 5)
    net.connect(
        cells, cells, target="v", weight=np.eye(5), delay=np.tile(late, (5, 1)), name="late"
    )
    net.add_background(cells, "drive", rate=800.0, weight=0.25)
    return net, source, cells


def test_a_summary_lists_all_parts():
    net, source, _ = network()
    spikes = net.record_spikes(source)
    net.run(10.0)
    found = rows(net)
    assert found == [
        ["population", "n", "kind", "parameters"],
        ["source", "20", "Poisson", ""],
        ["cells", "5", "LIF", "tau 12.5"],
        ["own", "3", "own (fire)", ""],
        ["projection", "from", "onto", "synapses", "weight", "delay (ms)"],
        ["source_to_cells", "source", "cells.drive", "15", "4", "1.5"],
        found[6],
        ["late", "cells", "cells.v", "25", "0.2 ± 0.4", "0.5 to 2.5"],
        ["background of", "rate (Hz)", "weight"],
        ["cells.drive", "800", "0.25"],
        ["recording"],
        [f"SpikeRecording of 'source': {spikes.t.size} spikes, 0 to 10 ms"],
    ]


def test_weights_are_shown_as_mean_and_standard_deviation():
    net, _, _ = network()
    learning = rows(net)[6]
    assert learning[0] == "cells_to_cells"
    assert learning[4] == "2 ± 0.894"  # of 1, 3, 1, 3 and 2: the root of 0.8


def test_a_summary_says_the_same_as_text():
    net, _, _ = network()
    text = str(net.summary())
    assert text == repr(net.summary())
    lines = [line.split() for line in text.splitlines()]
    for row in rows(net):
        assert " ".join(row).split() in lines
    assert text.startswith("Network at 0 ms, dt 0.5 ms, seed 3, float32, backend python\n")


def test_a_summary_names_the_seed_of_a_trial():
    net, _, _ = network()
    net.reset(seed=8)
    assert "seed 3, noise seed 8," in str(net.summary())


def test_the_memory_is_that_of_all_arrays_each_counted_once():
    net = Network(backend="python")
    cells = net.add_population("cells", 1000, LIF)
    before = memory(net)
    weights = np.ones((1000, 1000), np.float32)
    net.connect(cells, cells, target="drive", weight=weights)
    assert memory(net) - before == pytest.approx(4e6, rel=0.02)


def memory(net):
    number, unit = str(net.summary()).rsplit("memory: ", 1)[1].split(",")[0].split()
    return float(number) * {"bytes": 1.0, "kB": 1e3, "MB": 1e6}[unit]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (3.2e10, "32 GB")]
)
def test_bytes_are_said_in_the_unit_that_suits_them(number, text):
    assert bytes_text(number) == text


def test_a_population_shows_its_variables_and_parameters():
    _, source, cells = network()
    cells.v = [-61.0, -60.0, -59.0, -58.0, -57.5]
    found = rows(cells)
    assert ["v", "-61 to -57.5"] in found
    assert ["tau", "12.5"] in found
    assert ["rate", "50"] in rows(source)


def test_a_projection_shows_its_rule():
    net, _, _ = network()
    found = rows(net.projections["cells_to_cells"])
    assert found[1][0:3] == ["cells", "cells.drive", "25"]
    assert found[-1][0] == "plasticity"
    assert "w_max=9" in found[-1][1]


def test_recordings_show_what_they_hold():
    net, source, cells = network()
    spikes, states = net.record_spikes(source), net.record(cells, "v")
    net.run(20.0)
    count = spikes.count
    shown = ["20", str(count.sum()), f"{count.mean() / 0.02:g}", str((count == 0).sum())]
    assert rows(spikes)[1] == shown
    assert rows(states)[1] == ["v", "mV", f"{states.v.min():g} to {states.v.max():g}"]
    assert rows(spikes.take())[1] == shown
    assert rows(spikes)[1] == ["20", "0", "", "20"]


def test_recordings_of_several_populations_show_each():
    net, source, cells = network()
    found = rows(net.record_spikes(source, cells))
    assert [row[0] for row in found] == ["neurons", "20", "neurons", "5"]


def test_a_recording_to_a_file_shows_where_it_goes(tmp_path):
    net, source, cells = network()
    for recording in (
        net.record_spikes(source, path=tmp_path / "a.h5"),
        net.record(cells, "v", path=tmp_path / "b.h5"),
    ):
        assert str(tmp_path) in "".join(Tables(recording._repr_html_()).texts)


def test_names_are_no_markup():
    net = Network(backend="python")
    net.record(net.add_population("cells", 2, LIF), "v", unit="<b>")
    assert rows(net.recordings[0])[1][1] == "<b>"


def test_a_notebook_shows_the_tables():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    pytest.importorskip("ipykernel")
    source = (
        "from spikesim import LIF, Network\n"
        "net = Network(backend='python')\n"
        "cells = net.add_population('cells', 4, LIF)\n"
        "spikes = net.record_spikes(cells)\n"
        "net.run(1.0)\n"
        "net"
    )
    cells = [nbformat.v4.new_code_cell(text) for text in (source, "spikes", "net.summary()")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client(notebook, timeout=600, kernel_name="python3").execute()
    shown = [cell.outputs[-1].data for cell in notebook.cells]
    assert ["cells", "4", "LIF", ""] in Tables(shown[0]["text/html"]).rows
    assert Tables(shown[1]["text/html"]).rows[1] == ["4", "0", "0", "4"]
    assert shown[2]["text/plain"].startswith("Network at 1 ms")
