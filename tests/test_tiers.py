"""A program runs Phase by Phase or fused, and may change between them: the bits are the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cuda_networks import NETWORKS, advance, everything
from waiting import wait_until

from spikesim import LIF, Network, Poisson, SpikesimError
from spikesim.kernels.machine import cache, compiling, native, processes
from tests import test_conformance

ROOT = Path(__file__).resolve().parent.parent


def small_network(backend="cpu"):
    net = Network(dt=0.1, seed=1, backend=backend)
    source = net.add_population("source", 20, Poisson)
    source.rate[:] = 100.0
    cells = net.add_population("cells", 5, LIF)
    net.connect(source, cells, target="drive", weight=8.0, delay=1.0)
    net.record_spikes(cells)
    return net


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A kernel cache of the test's own, on disk and in memory."""
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setattr(processes, "begun", set())
    monkeypatch.setattr(processes, "finished", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("SPIKESIM_TIER", raising=False)
    return tmp_path


@pytest.fixture
def worthwhile(monkeypatch):
    """Every program is worth fusing, from its first step."""
    monkeypatch.setattr(native, "WORTHWHILE", 0.0)
    monkeypatch.setattr(native, "LEAST_GAIN", 0.0)


class Fused:
    """Programs that are fused once they have been looked for so many times."""

    def __init__(self, looks):
        self.looks = looks
        self.code = {}

    def begin(self, job):
        if job.key not in self.code:
            self.code[job.key] = compiling.object_code(job)

    def collect(self, key):
        self.looks -= 1
        return self.code.get(key) if self.looks < 0 else None


def test_a_network_of_all_parts_that_is_fused_has_the_bits_of_plain_python(monkeypatch, place):
    """Phase by Phase, as they begin, `test_network` and the conformance suite compare them."""
    build = NETWORKS["general"]
    (expected,) = advance(build("python"))
    monkeypatch.setenv("SPIKESIM_TIER", "fused")
    (found,) = advance(build("cpu"))
    assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("name", test_conformance.OF_BODIES)
def test_a_model_that_is_fused_has_the_bits_of_plain_python(monkeypatch, place, name):
    monkeypatch.setenv("SPIKESIM_TIER", "fused")
    plain, fused = (test_conformance.build(name, backend=each) for each in ("python", "cpu"))
    for net in (plain, fused):
        test_conformance.learn(net)
    assert fused.training.network.compiled().tier == "fused"
    found, expected = map(test_conformance.everything, (fused, plain))
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_a_change_of_tier_at_any_moment_changes_no_bit(monkeypatch, place, worthwhile, backend):
    expected = small_network("python")
    expected.run(3.0)
    for change in range(1, 7):
        monkeypatch.setattr(cache, "addresses", {})  # as in a process that has just begun
        fused = Fused(change)
        monkeypatch.setattr(processes, "fuse", fused.begin)
        monkeypatch.setattr(processes, "fused", fused.collect)
        net = small_network(backend)
        for _ in range(6):
            net.run(0.5)
        assert everything(net).tobytes() == everything(expected).tobytes()
        assert fused.looks < 0 or change == 6


@pytest.mark.parametrize("cache_is_on", [True, False])
def test_another_process_fuses_a_program_that_goes_on_running(
    monkeypatch, place, worthwhile, cache_is_on
):
    if not cache_is_on:
        monkeypatch.setenv("SPIKESIM_CACHE", "0")
    net = small_network()

    def is_fused():
        net.run(0.5)
        return net.compiled().tier == "fused"

    wait_until(is_fused)
    expected = small_network("python")
    expected.run(net.time)
    assert everything(net).tobytes() == everything(expected).tobytes()


def test_a_program_is_fused_after_another_one_that_nobody_ran_again(place, worthwhile):
    def fused(net):
        net.run(0.5)
        return net.compiled().tier == "fused"

    left = Network(dt=0.1, seed=1)
    left.add_population("cells", 5, LIF)
    wait_until(lambda: left.run(0.5) or processes.numbers() or fused(left))
    net = small_network()
    wait_until(lambda: fused(net))


def test_a_program_of_very_many_phases_is_not_fused(monkeypatch, place, worthwhile):
    begun = []
    monkeypatch.setattr(processes, "fuse", begun.append)
    monkeypatch.setattr(processes, "fused", lambda key: None)  # not even for an earlier test
    net = small_network()
    monkeypatch.setattr(native, "MOST", len(net.phases()) - 1)
    net.run(1.0)
    net.run(1.0)
    assert not begun
    monkeypatch.setattr(native, "MOST", len(net.phases()))
    net.run(1.0)
    assert begun


BEGINS = """
import sys, time
from spikesim.kernels import processes, native
sys.path.insert(0, {tests!r})
from test_tiers import small_network
native.WORTHWHILE = native.LEAST_GAIN = 0.0
net = small_network()
while not processes.numbers():
    net.run(0.5)
print(*processes.numbers(), flush=True)
{then}
"""


def begun(then, place):
    """A program whose network is being fused, and the number of the process that does it."""
    program = BEGINS.format(tests=str(ROOT / "tests"), then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(place)},
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, int(process.stdout.readline())


def is_there(number):
    """Whether a process runs; one that has ended may wait for its parent to ask for its status."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in another way")
def test_the_process_that_fuses_ends_with_the_one_that_began_it(place):
    process, other = begun("time.sleep(1000.0)", place)
    process.kill()
    process.communicate()
    wait_until(lambda: not is_there(other))


def test_a_program_ends_while_it_is_being_fused(place):
    process, other = begun("", place)
    process.communicate()
    assert process.returncode == 0
    wait_until(lambda: not is_there(other))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is copied")
def test_a_copied_process_leaves_what_the_first_one_began_alone(place):
    then = """
import os
copy = os.fork()
if copy == 0:
    net.run(0.5)
    os._exit(0 if not processes.numbers() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
"""
    process, _ = begun(then, place)
    process.communicate()
    assert process.returncode == 0


def test_a_network_runs_on_if_no_process_can_be_made(monkeypatch, place, worthwhile):
    def fails(*command, **how):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", fails)
    net, expected = small_network(), small_network("python")
    for _ in range(3):
        net.run(0.5)
    expected.run(1.5)
    assert everything(net).tobytes() == everything(expected).tobytes()


def test_a_tier_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("SPIKESIM_TIER", "fast")
    with pytest.raises(SpikesimError, match=r"SPIKESIM_TIER is 'fast'.*auto, phases, fused"):
        small_network().run(0.1)


def test_what_two_networks_share_is_compiled_once(monkeypatch, place):
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setattr(native, "workers", lambda: 1)  # other processes would not count
    compiled = []
    real = compiling.object_code
    monkeypatch.setattr(compiling, "object_code", lambda job: compiled.append(job) or real(job))
    first = small_network()
    first.run(0.1)
    count = len(compiled)
    assert count > 0
    first.record(first.populations["cells"], "v")
    first.run(0.1)
    assert [job.name for job in compiled[count:]] == ["sample"]
    second = small_network()
    second.add_population("more", 7, LIF, tau=5.0)
    second.run(0.1)
    assert len(compiled) == count + 1


def test_phases_are_compiled_by_as_many_processes_as_there_are_cores(monkeypatch, place):
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setattr(native, "workers", lambda: 3)
    compiled, begun = [], []
    real, popen = compiling.object_code, subprocess.Popen
    monkeypatch.setattr(compiling, "object_code", lambda job: compiled.append(job) or real(job))

    class Process(popen):
        def __init__(self, *command, **how):
            super().__init__(*command, **how)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Process)
    net, expected = NETWORKS["segregated"]("cpu"), NETWORKS["segregated"]("python")
    assert np.array_equal(advance(net)[0], advance(expected)[0], equal_nan=True)
    assert len(begun) == 2
    assert all(process.poll() is not None for process in begun)
    assert len(compiled) < len(list(place.glob("spikesim/kernels/*/*.o")))


HELPERS = {
    "ends at once": "pass",
    "never answers": "import sys; sys.stdin.buffer.read()",
    "answers with half a file": "import os; os.write(1, (1000).to_bytes(8, 'little') + b'x')",
}


@pytest.mark.parametrize("helper", HELPERS)
def test_a_process_that_does_not_compile_what_it_took_is_not_waited_for(monkeypatch, place, helper):
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setattr(native, "workers", lambda: 2)
    popen = subprocess.Popen

    def begin(command, **how):
        return popen([sys.executable, "-c", HELPERS[helper]], **how)

    monkeypatch.setattr(subprocess, "Popen", begin)
    net, expected = small_network(), small_network("python")
    net.run(3.0)
    expected.run(3.0)
    assert everything(net).tobytes() == everything(expected).tobytes()


def cannot(i, t, s, p):
    s.x[i] = 1 - s.x[i]


def test_an_equation_that_cannot_be_compiled_is_named_whoever_compiles_it(monkeypatch, place):
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setattr(native, "workers", lambda: 2)
    net = small_network()
    net.add_phase(cannot, 3, state={"x": np.zeros(3, np.float32)})
    with pytest.raises(SpikesimError, match="cannot cannot be compiled: a whole number meets"):
        net.run(0.1)
