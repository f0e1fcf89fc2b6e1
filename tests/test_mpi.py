"""One network on several ranks: the bits of one core, and all ranks end together."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikesim import (
    LIF,
    InputError,
    Network,
    Neuron,
    PlasticityRule,
    Poisson,
    backends,
    sonata,
)
from spikesim.kernels.machine.shares import Shares
from spikesim.ranks import World
from tests import ranks
from tests.waiting import HANG, wait_until

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {  # for Open MPI 4 and 5; others need none
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "SPIKESIM_TIER": "phases",
    "OPENBLAS_NUM_THREADS": "1",
}


def launcher():
    """The mpirun of this Python's environment, or of the system."""
    own = Path(sys.executable).parent / "mpirun"
    return str(own) if own.exists() else shutil.which("mpirun")


def started(n, *arguments, **options):
    paths = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return subprocess.Popen(
        [launcher(), "-n", str(n), sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def reason_to_skip():
    try:
        import mpi4py  # noqa: F401
    except ImportError:
        return "mpi4py is not installed"
    if launcher() is None:
        return "there is no mpirun"
    probe = "from mpi4py import MPI; print(MPI.COMM_WORLD.Get_size())"
    said, why = started(2, "-c", probe).communicate(timeout=HANG)
    if "".join(said.split()) != "22":
        return f"mpirun and mpi4py do not work together: {' '.join((said + why).split())[-200:]}"
    return ""


REASON = reason_to_skip()
needs_mpi = pytest.mark.skipif(bool(REASON), reason=REASON)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """What one core finds, and the folder with its files."""
    folder = tmp_path_factory.mktemp("one")
    return ranks.results("cpu", folder), folder


@pytest.fixture(scope="module", params=[2, 3])
def many(request, one, tmp_path_factory):
    """What each of several ranks finds, and the folder with their files."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "one").symlink_to(one[1])
    process = started(request.param, "-m", "tests.ranks", folder)
    _, said = process.communicate(timeout=HANG)
    assert process.returncode == 0, said
    each = [folder / f"rank {rank}.json" for rank in range(request.param)]
    return [json.loads(path.read_text()) for path in each], folder


@needs_mpi
@pytest.mark.parametrize("name", ranks.NETWORKS)
def test_every_rank_has_the_bits_of_one_core(name, one, many):
    assert {found[name] for found in many[0]} == {one[0][name]}


@needs_mpi
@pytest.mark.parametrize("name", ranks.NETWORKS)
def test_a_saved_network_continues_with_the_same_bits_on_any_number_of_ranks(name, one, many):
    expected = one[0][f"{name} again"]
    assert {found[f"{name} again"] for found in many[0]} == {expected}
    assert {found[f"{name} of one"] for found in many[0]} == {expected}
    assert ranks.continued(ranks.NETWORKS[name]("cpu"), many[1] / f"{name}.h5") == expected


@needs_mpi
def test_spikes_and_samples_of_all_ranks_go_to_one_file(one, many):
    found, expected = (sonata.read_spikes(each[1] / "spikes.h5") for each in (many, one))
    assert list(found) == list(expected) == ["exc", "inh"]
    for name in expected:
        assert np.array_equal(found[name], expected[name])
    found, expected = (sonata.read_traces(each[1] / "traces.h5") for each in (many, one))
    assert np.array_equal(found["exc"].data, expected["exc"].data)


@needs_mpi
def test_a_rank_stores_the_synapses_onto_its_neurons_only(one, many):
    for name, number in one[0]["synapses"].items():
        stored = [found["synapses"][name] for found in many[0]]
        assert sum(stored) == number
        assert max(stored) < number


# ------------------------------------------------------------------------------ how ranks end

RUNNING = """
import sys
from pathlib import Path
from tests.ranks import balanced
net = balanced("mpi")
net.run(1.0)
what, folder = sys.argv[1], Path(sys.argv[2])
"""

ENDS = {
    "a rank ends early": """
if net.rank == 1:
    sys.exit()
net.run(1.0)
""",
    "a rank does something else": """
if net.rank == 1:
    net.save(folder / "net.h5")
net.run(1.0)
""",
    "ranks have different numbers": """
net.run(1.0 + net.rank)
""",
    "a rank has an error": """
if net.rank == 1:
    raise ValueError("of a script")
net.run(1.0)
""",
}

SAID = {
    "a rank ends early": "rank 1: the end of the script",
    "a rank does something else": "rank 1: state in step 10",
    "ranks have different numbers": "Ranks 0 and 1 have different networks, parameters or times",
    "a rank has an error": "rank 1: Traceback",
}


@needs_mpi
@pytest.mark.parametrize("what", ENDS)
def test_all_ranks_end_with_a_sentence_if(what, tmp_path):
    process = started(2, "-c", RUNNING + ENDS[what], what, tmp_path)
    _, said = process.communicate(timeout=HANG)
    assert process.returncode != 0
    assert SAID[what] in said


FOR_EVER = """
(folder / f"running {net.rank}").touch()
net.save(folder / "first.h5")
import os
def note(done, steps):  # only a network that runs takes a signal for a wish to stop
    if not (folder / f"process {net.rank}").exists():
        (folder / f"process {net.rank}").write_text(str(os.getpid()))
try:
    net.run(1e9, progress=note)
except KeyboardInterrupt:
    net.save(folder / "last.h5")
    (folder / f"stopped {net.rank}").write_text(str(net.step))
"""


@pytest.fixture
def running(tmp_path):
    """Two ranks that run for ever, and their folder."""
    process = started(2, "-c", RUNNING + FOR_EVER, "run", tmp_path)
    try:
        wait_until(lambda: all((tmp_path / f"process {k}").exists() for k in (0, 1)))
        yield process, tmp_path
    finally:
        process.kill()
        process.wait()


def process_of(folder, rank):
    wait_until((folder / f"process {rank}").read_text)
    return int((folder / f"process {rank}").read_text())


@needs_mpi
def test_a_signal_to_one_rank_stops_all_after_the_same_step(running):
    process, folder = running
    os.kill(process_of(folder, 1), signal.SIGTERM)
    process.communicate(timeout=HANG)
    steps = {int((folder / f"stopped {rank}").read_text()) for rank in (0, 1)}
    assert len(steps) == 1
    assert ranks.balanced("cpu").restore(folder / "last.h5").step in steps


@needs_mpi
def test_a_rank_that_is_killed_ends_all_and_leaves_the_checkpoint(running):
    process, folder = running
    os.kill(process_of(folder, 1), signal.SIGKILL)
    process.communicate(timeout=HANG)
    assert process.returncode != 0
    assert ranks.balanced("cpu").restore(folder / "first.h5").step == 10


# ------------------------------------------------------------------------- what is refused


class FirstOfTwo:
    """A communicator of two ranks that nobody talks to."""

    def Get_rank(self):
        return 0

    def Get_size(self):
        return 2


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(backends, "world", lambda: World(FirstOfTwo()))
    monkeypatch.setattr(backends, "_shares", lambda: Shares(0, 2))
    net = Network(dt=0.1, seed=1, backend="mpi")
    cells = net.add_population("cells", 10, LIF)
    net.add_background(cells, "drive", rate=1000.0, weight=1.0)
    return net


def whole_step(i, t, s, p):
    s.v[i] = 0.0


def every(t, s, p):
    return s.v.shape[0]


def by_voltage(w, v_pre):
    return w + 0.001 * v_pre


def gaps(net, cells):
    net.connect_gap(cells, cells, 0.1, target="I")


def no_delay(net, cells):
    later = net.add_population("later", 5, LIF)
    net.connect(cells, later, target="drive", weight=1.0, delay=0.0)


def phase(net, cells):
    net.add_phase(whole_step, every, state={"v": cells.v})


def step_over_others(net, cells):
    odd = net.add_population("odd", 5, Neuron([(whole_step, every)], {"v": 0.0, "I": 0.0}))
    net.connect(cells, odd, target="I", weight=1.0)


def rule(net, cells):
    learned = PlasticityRule(on_post=by_voltage)
    net.connect(cells, cells, target="drive", weight=1.0, plasticity=learned, name="ruled")


def recorded(net, cells):
    net.record(net.connect(cells, cells, target="drive", weight=1.0, indegree=3), "weight")


REFUSED = {
    gaps: "voltages of other ranks",
    no_delay: "delay of 'cells_to_later' is 0",
    phase: "added Phase 'whole_step' uses v of 'cells'",
    step_over_others: "step of 'odd'",
    rule: "rule of 'ruled' asks for v_pre",
    recorded: "synapses of 'cells_to_cells'",
}


@pytest.mark.parametrize("part", REFUSED, ids=lambda part: part.__name__)
def test_what_needs_numbers_of_other_ranks_in_every_step_is_refused_by_name(part, network):
    part(network, network.populations["cells"])
    with pytest.raises(InputError, match=REFUSED[part]):
        network.run(1.0)


def test_a_phase_that_touches_no_neurons_of_other_ranks_is_not_refused(network):
    source = network.add_population("source", 5, Poisson)
    network.add_phase(whole_step, every, state={"v": source.rate})
    with pytest.raises(AttributeError, match="Allgather"):  # it got as far as to the others
        network.run(1.0)


def test_a_network_on_several_ranks_is_not_copied(network):
    import copy

    with pytest.raises(InputError, match="several ranks cannot be copied"):
        copy.deepcopy(network)


def test_without_mpi4py_the_backend_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert "spikesim[cluster]" in backends.available()["mpi"]
