"""Many models at once: the same numbers as one by one, with the replica as the first axis."""

import os
import threading

import numpy as np
import pytest

from spikesim import LIF, InputError, Network, Poisson, Replicas, SimulationError, patterns
from spikesim.cli import main
from spikesim.kernels.machine.program import together
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.replicas import Gang, stacked
from spikesim.sweep import grid, sweep
from tests.waiting import HANG, press_ctrl_c_when, wait_until

CHANCE = np.random.default_rng(5)
IMAGES = (CHANCE.random((12, 10)) * 255).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 12)
SHOWN = patterns.poisson(10, rate=50.0, duration=50.0, seed=1)
TARGET = patterns.from_trains([[10.0, 30.0]], duration=50.0)


def burst(seed=1, **options):
    return BurstEnsembleNetwork((10, 6, 3), seed=seed, **options)


TRAINED = {
    "burst": (
        burst,
        lambda net: net.fit(IMAGES, LABELS, epochs=2, validation=(IMAGES, LABELS)),
    ),
    "exclusive-or": (
        lambda seed: ExclusiveOrNetwork(seed=seed, n=6, duration=20.0, alpha=15.0),
        lambda net: net.fit(2),
    ),
}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", TRAINED)
def test_replicas_have_the_numbers_of_one_after_another(name, threads):
    build, train = TRAINED[name]
    alone = [build(seed) for seed in (1, 2, 3)]
    for net in alone:
        train(net)
    nets = Replicas([build(seed) for seed in (1, 2, 3)], threads=threads)
    history = train(nets)
    for r, net in enumerate(alone):
        for key, values in net.history.items():
            if key != "seconds":
                expected = [np.nan if value is None else value for value in values]
                np.testing.assert_array_equal(history[key][r], expected)
        own = nets[r].W.values() if isinstance(net.W, dict) else nets[r].W
        theirs = net.W.values() if isinstance(net.W, dict) else net.W
        for one, other in zip(own, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_networks_run_side_by_side():
    def build(seed):
        net = Network(dt=0.1, seed=seed)
        source = net.add_population("source", 20, Poisson)
        source.rate[:] = 200.0
        cells = net.add_population("cells", 5, LIF)
        net.connect(source, cells, target="drive", weight=2.0, delay=1.0)
        net.record_spikes(cells)
        return net

    nets = Replicas([build(seed) for seed in range(4)])
    nets.run(50.0)
    assert nets.time.tolist() == [50.0] * 4
    counts = nets.each(lambda net: net.recordings[0].t.size)
    alone = []
    for seed in range(4):
        net = build(seed)
        net.run(50.0)
        alone.append(net.recordings[0].t.size)
    assert counts == alone
    assert len(set(counts)) > 1


def test_options_given_as_lists_differ_between_replicas():
    nets = Replicas.of(burst, seed=[4, 4, 5], alpha_Z=[0.0, 1e-3, 0.0], nudge=0.7)
    assert nets.seed.tolist() == [4, 4, 5]
    assert [net.parameters.alpha_Z for net in nets] == [0.0, 1e-3, 0.0]
    assert {net.parameters.nudge for net in nets} == {0.7}
    nets.fit(IMAGES, LABELS)
    assert nets.W[0].shape == (3, 10, 6)
    assert not np.array_equal(nets[0].Z[0], nets[1].Z[0])
    assert nets.evaluate(IMAGES, LABELS).shape == (3,)
    assert nets.predict(IMAGES).shape == (3, 12)


def test_checkpoints_are_files_of_their_own(tmp_path):
    nets = Replicas.of(burst, seed=[1, 2])
    nets.fit(IMAGES, LABELS, epochs=2, checkpoint=tmp_path / "run.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-000.h5", "run-001.h5"]
    again = Replicas(
        [BurstEnsembleNetwork.load(Replicas.path(tmp_path / "run.h5", r)) for r in (0, 1)]
    )
    assert again.epoch.tolist() == [2, 2]
    np.testing.assert_array_equal(again.W[0], nets.W[0])


def test_progress_is_that_of_all_together():
    told = []
    Replicas.of(burst, seed=[1, 2]).fit(
        IMAGES, LABELS, epochs=2, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (48, 48)
    assert sorted(told) == told


def test_the_error_of_one_comes_when_the_others_have_finished():
    nets = Replicas.of(burst, seed=[1, 2, 3])
    nets[1].W[0][:] = np.nan
    with pytest.raises(SimulationError, match="became NaN"):
        nets.fit(IMAGES, LABELS, epochs=3)
    assert nets[0].epoch == nets[2].epoch == 3


def test_ctrl_c_stops_all_of_them_after_a_block():
    nets = Replicas.of(burst, seed=[1, 2])
    press_ctrl_c_when(lambda: (nets.epoch > 0).all())
    with pytest.raises(KeyboardInterrupt):
        nets.fit(np.tile(IMAGES, (200, 1)), np.tile(LABELS, 200), epochs=10_000)
    assert (nets.epoch > 0).all()


def test_ctrl_c_stops_networks_that_only_run():
    nets = Replicas.of(Network, seed=[1, 2, 3, 4], threads=2)
    nets.each(lambda net: net.add_population("cells", 5, LIF))
    press_ctrl_c_when(lambda: (nets.step > 0).any())
    with pytest.raises(KeyboardInterrupt):
        nets.run(1e12)
    assert (nets.step > 0).any()
    nets.run(1.0)  # nothing was lost, and the next run is not asked to stop


def test_the_cores_are_those_that_this_process_may_use(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 6}, raising=False)
    assert Replicas([burst()]).threads == 3
    assert main(["doctor"]) == 0
    assert f"cores          3 of {os.cpu_count()}\n" in capsys.readouterr().out
    all_at_once = threading.Barrier(3, timeout=HANG)

    def meet(parameters, directory):
        return {"place": all_at_once.wait()}

    result = sweep(meet, grid(x=range(3)), tmp_path, executor="threads", progress=False)
    assert result.errors == [""] * 3


def test_a_second_ctrl_c_leaves_no_thread_behind():
    nets = Replicas.of(Network, seed=[1, 2, 3, 4], threads=2)
    nets.each(lambda net: net.add_population("cells", 5, LIF))
    before = set(threading.enumerate())
    asked, given_up = threading.Event(), threading.Event()

    def run(net):
        try:
            net.run(1e12)
        except KeyboardInterrupt:
            asked.set()
            given_up.wait(HANG)  # so that the second one comes while the first is waited for
            raise

    press_ctrl_c_when(lambda: (nets.step > 0).any())
    press_ctrl_c_when(asked.is_set)
    with pytest.raises(KeyboardInterrupt):
        nets.each(run)
    assert not given_up.is_set()
    given_up.set()
    wait_until(lambda: set(threading.enumerate()) <= before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Replicas([]), "models is empty"),
        (lambda: Replicas([burst(), Network()]), "of several kinds"),
        (lambda: Replicas([burst(), burst(backend="python")]), "of several kinds"),
        (lambda: Replicas([burst()], threads=0), "threads is 0"),
        (lambda: Replicas.of(burst, seed=3), "at least one list"),
        (lambda: Replicas.of(burst, seed=[3, 4], alpha_Z=[0.0]), "seed 2, alpha_Z 1"),
    ],
)
def test_what_cannot_be_replicas_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_what_is_of_several_shapes_comes_back_as_a_list():
    assert stacked([np.zeros(2), np.zeros(3)])[1].shape == (3,)
    assert stacked([None, None]) is None
    assert stacked(["a", "b"]) == ["a", "b"]
    assert stacked([{"x": 1.0}, {"x": 2.0}])["x"].tolist() == [1.0, 2.0]


class Program:
    """Something that is run, and says with whom."""

    def __init__(self, key, ran):
        self.key, self.ran = key, ran

    def run(self, calls):
        self.ran.append((self.key, sorted(calls)))


def test_replicas_on_a_gpu_run_together_what_is_alike():
    ran = []
    gang = Gang(3)

    def work(r):
        token = together.set(gang)
        for _ in range(2 + r):  # one after the other they are done
            together.get()(Program("odd" if r == 1 else "even", ran), r)
        together.reset(token)
        gang.leave()

    workers = [threading.Thread(target=work, args=(r,)) for r in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10.0)
        assert not worker.is_alive()
    assert sorted(ran) == sorted([("even", [0, 2])] * 2 + [("odd", [1])] * 3 + [("even", [2])] * 2)


def test_a_replica_that_joins_later_runs_with_the_others():
    ran, gang = [], Gang(1)
    gang(Program("key", ran), 0)
    gang.join()
    other = threading.Thread(target=gang, args=(Program("key", ran), 1))
    other.start()
    gang(Program("key", ran), 0)
    other.join(10.0)
    gang.leave()
    gang(Program("key", ran), 0)
    assert ran == [("key", [0]), ("key", [0, 1]), ("key", [0])]


def test_an_error_on_the_gpu_reaches_all_that_wait():
    class Broken(Program):
        def run(self, calls):
            raise MemoryError("too much")

    gang, raised = Gang(2), []

    def work():
        try:
            gang(Broken("key", []), 0)
        except MemoryError as error:
            raised.append(str(error))
        gang.leave()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10.0)
    assert raised == ["too much"] * 2
