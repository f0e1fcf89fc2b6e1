"""One network on several threads: the same bits as on one, whatever they are doing meanwhile."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from cuda_networks import NETWORKS, advance
from test_network import all_arrays, assert_same_bits, everything, recorded
from test_tiers import small_network

from spikesim import InputError, Network, Neuron, backends
from spikesim.kernels.machine import compiling, cpu, native, processes, threads
from spikesim.kernels.machine.threads import Pace, Threads
from tests.waiting import HANG


@pytest.mark.parametrize("count", [2, 3])
def test_threads_give_the_bits_of_one(count):
    expected = everything("float32", "cpu")
    shared = everything("float32", f"threads:{count}")
    for net, _ in (expected, shared):
        net.run(40.0)
        net.run(20.0)
    assert_same_bits(recorded(shared[1]), recorded(expected[1]))
    assert_same_bits(all_arrays(shared[0]), all_arrays(expected[0]))


@pytest.mark.parametrize("name", ["bursting", "segregated", "burst", "superspike"])
def test_threads_give_every_model_the_bits_of_one(name):
    build = NETWORKS[name]
    (alone,), (shared,) = (advance(build(backend)) for backend in ("cpu", "threads:2"))
    assert alone.size
    assert np.array_equal(alone, shared, equal_nan=True)


def step(i, t, s, p):
    s.v[i] = 0.5 * s.v[i] + s.sum[i]


def test_every_index_is_taken_once_even_if_there_are_fewer_than_threads():
    sums = Neuron(steps=[step], variables={"v": 0.0, "sum": 0.0}, most_spikes=0)
    for n in (1, 2, 3, 5):
        net = Network(dt=1.0, backend="threads:3")
        cells = net.add_population("cells", n, sums)
        cells.sum[:] = np.arange(1.0, n + 1)
        net.run(2.0)
        np.testing.assert_array_equal(cells.v, 1.5 * np.arange(1.0, n + 1))


def test_no_thread_is_left_when_a_run_has_ended():
    net, _ = everything("float32", "threads:3")
    before = threading.active_count()
    net.run(5.0)
    assert threading.active_count() == before


def test_threads_takes_all_cores_unless_told_how_many():
    assert isinstance(backends.backend("threads"), Threads)
    assert backends.backend("threads").threads == backends.cores()
    assert backends.backend("threads:5").threads == 5


OUT_OF_BOUNDS = """
import sys, threading
from spikesim import Network, Neuron
def step(i, t, s, p):
    s.v[i + 4 * (i == int(p.who)) * (t == 50)] += 1.0
one = Neuron(steps=[step], variables={"v": 0.0}, parameters={"who": 0}, most_spikes=0)
for who in (0, 3):  # of the calling thread and of another one
    net = Network(dt=1.0, backend="threads:2")
    net.add_population("cells", 4, one, who=who)
    try:
        net.run(100.0)
    except IndexError:
        print("refused", threading.active_count())
"""


def test_a_thread_that_fails_stops_the_others_and_the_caller_learns_why():
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "SPIKESIM_CACHE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", OUT_OF_BOUNDS],
        capture_output=True,
        text=True,
        timeout=HANG,
        env=environment,
        check=True,
    )
    assert result.stdout.split("\n") == ["refused 1", "refused 1", ""]


def test_if_a_thread_cannot_start_one_runs_alone(monkeypatch):
    net, _ = everything("float32", "threads:3")
    other, _ = everything("float32", "cpu")
    start, started = threading.Thread.start, []

    def second_fails(thread):
        started.append(thread)
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", second_fails)
    net.run(5.0)
    assert not started[0].is_alive()
    other.run(5.0)
    assert_same_bits(all_arrays(net), all_arrays(other))


class Machine:
    """Does steps in a time of its own: so long alone, so long with all threads.

    After a change to all threads, it loses some time until caches are filled.
    """

    def __init__(self, alone, together, lost=0.0):
        self.pace, self.seconds, self.was_alone = Pace(), 0.0, True
        self.each, self.lost = {True: alone, False: together}, lost

    def run(self, steps):
        """The share of the steps that one thread did alone."""
        done, alone = 0, 0
        while done < steps:
            is_alone, most = self.pace.next()
            assert most >= 1
            now = min(most, steps - done)
            seconds = now * self.each[is_alone] + self.lost * (self.was_alone and not is_alone)
            self.pace.took(is_alone, now, seconds)
            self.seconds += seconds
            self.was_alone = is_alone
            done += now
            alone += now * is_alone
        return alone / steps


@pytest.mark.parametrize("together", [6e-6, 1.1e-5, 7e-5, 5e-4])
@pytest.mark.parametrize("call", [1, 7, 1000])
def test_the_faster_way_does_most_steps(together, call):
    machine = Machine(1e-5, together)
    for _ in range(500_000 // call):
        machine.run(call)
    least = 500_000 * min(1e-5, together)
    assert machine.seconds < 1.05 * least + 0.03


def test_threads_that_lose_a_core_give_way_and_come_back():
    machine = Machine(1e-4, 5e-5)
    machine.run(20_000)
    assert machine.run(10_000) < 0.05
    machine.each[False] = 7e-4
    machine.run(1000)
    assert machine.run(10_000) > 0.95
    machine.each[False] = 5e-5
    machine.run(100_000)
    assert machine.run(10_000) < 0.05


def test_a_step_that_takes_long_is_tried_once_in_each_way():
    machine = Machine(1.0, 0.5)
    assert machine.run(16) == 0.5
    assert machine.run(1) == 0.0


@pytest.mark.parametrize("call", [1, 7, 1000])
def test_what_all_threads_lose_until_caches_are_filled_is_not_counted_against_them(call):
    machine = Machine(1e-4, 8e-5, lost=0.003)
    for _ in range(30_000 // call):
        machine.run(call)
    assert machine.run(10_000) < 0.05


# ---- the backend that decides itself ----------------------------------------------------------


@pytest.fixture
def growing(monkeypatch):
    """Every program that runs on the cpu backend has one for two cores made, from its first run."""
    monkeypatch.setattr(backends, "workers", lambda: 2)
    monkeypatch.setattr(threads, "LASTING", 0.0)
    monkeypatch.setattr(threads, "LONG", 0.0)
    monkeypatch.setattr(threads.os, "getloadavg", lambda: (1.0, 1.0, 1.0), raising=False)
    made = {}

    def fuse(job):
        if job.key not in made:
            made[job.key] = compiling.object_code(job)

    monkeypatch.setattr(processes, "fuse", fuse)
    monkeypatch.setattr(processes, "fused", made.get)
    monkeypatch.setattr(native, "LOOK", 0.0)
    return made


def all_threads(monkeypatch):
    """Note how many threads take part in each piece of a run."""
    seen = []
    together = threads.Crew._together
    monkeypatch.setattr(
        threads.Crew,
        "_together",
        lambda crew, work, count: (seen.append(count), together(crew, work, count))[1],
    )
    return seen


def test_a_long_run_on_the_cpu_backend_goes_on_with_threads_and_has_the_same_bits(
    growing, monkeypatch
):
    seen = all_threads(monkeypatch)
    expected, net = small_network("threads:1"), small_network("cpu")
    for each in (expected, net):
        each.run(40.0)
        each.run(20.0)
        each.run(20.0)
    assert growing
    assert 2 in seen
    assert_same_bits(all_arrays(net), all_arrays(expected))
    np.testing.assert_array_equal(net.recordings[0].t, expected.recordings[0].t)


def test_short_runs_busy_machines_and_pools_of_threads_stay_on_one_core(growing, monkeypatch):
    seen = all_threads(monkeypatch)

    def run():
        net = small_network("cpu")
        net.run(5.0)
        net.run(5.0)

    for owner, name, value in (
        (threads, "LASTING", 1e9),
        (threads, "LONG", 1e9),
        (threads.os, "getloadavg", lambda: (1e3, 1.0, 1.0)),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, value)
            run()
    other = threading.Thread(target=run)
    other.start()
    other.join()
    assert not growing
    assert not seen


def test_a_process_that_was_told_to_use_one_thread_stays_on_one_core(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert backends.backend("cpu") is cpu
    assert backends.backend("threads:1") is cpu


INTERRUPTED = """
import os, signal, threading, time
from spikesim import LIF, Network
net = Network(dt=0.1, backend="threads:2")
net.add_population("cells", 2000, LIF)
net.run(0.1)
def interrupt():
    began = net.step
    while net.step == began:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
presser = threading.Thread(target=interrupt)
presser.start()
try:
    net.run(1e9)
except KeyboardInterrupt:
    presser.join()
    print("interrupted", threading.active_count())
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_an_interrupt_ends_a_run_and_leaves_no_thread():
    command = [sys.executable, "-c", INTERRUPTED]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=True)
    assert result.stdout == "interrupted 1\n"


@pytest.mark.parametrize("name", ["threads:0", "threads:", "threads:-1", "threads:two", "thread"])
def test_impossible_numbers_of_threads_are_refused(name):
    with pytest.raises(InputError, match="backend is"):
        Network(backend=name)
