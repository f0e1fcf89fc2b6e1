"""Sweeps: results in order, failures that stop nothing, and nothing that is done twice."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikesim import datasets
from spikesim.errors import FileError, InputError
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.sweep import Sweep, grid, sweep
from tests.waiting import HANG, press_ctrl_c_when, wait_until

ROOT = Path(__file__).resolve().parent.parent


# ---- what is swept ----------------------------------------------------------------------------


def count_run(directory):
    with (directory / "runs").open("a") as file:
        file.write("x")


def runs_of(directory):
    return [len(path.read_text()) for path in sorted(directory.glob("set-*/runs"))]


def square(parameters, directory):
    """Earlier sets take longer."""
    count_run(directory)
    time.sleep(0.02 * (4 - parameters["x"]))
    return {"y": parameters["x"] ** 2, "curve": [1.0] * (parameters["x"] + 1)}


def odd_ones_fail(parameters, directory):
    count_run(directory)
    if parameters["x"] % 2 and not (directory.parent / "repaired").exists():
        raise ValueError(f"{parameters['x']} is\nodd")
    return {"y": parameters["x"]}


class Unportable(Exception):
    """One that cannot be read by another process."""

    def __init__(self, first, second):
        super().__init__(first)


def raises_unportable(parameters, directory):
    raise Unportable("a", "b")


def the_second_dies(parameters, directory):
    count_run(directory)
    if parameters["x"] == 1 and not (directory.parent / "repaired").exists():
        os._exit(1)
    return {"y": parameters["x"]}


def learn(parameters, directory):
    digits = datasets.load_digits()
    net = BurstEnsembleNetwork((64, 8, 10), **parameters)
    net.fit(digits.train_images[:200], digits.train_labels[:200])
    return {
        "error": net.evaluate(digits.test_images, digits.test_labels),
        "weights": np.abs(net.W[0]).sum(axis=0),
    }


def threads_of_libraries(parameters, directory):
    import numba

    return {"numba": numba.config.NUMBA_NUM_THREADS, "blas": int(os.environ["OMP_NUM_THREADS"])}


# ---- grids and results ------------------------------------------------------------------------


def test_the_last_name_of_a_grid_varies_fastest():
    assert grid(a=[1, 2], b=("x", "y")) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


@pytest.mark.parametrize("value", ["abc", 3])
def test_a_grid_takes_lists(value):
    with pytest.raises(InputError, match="it has to be a list of values"):
        grid(a=value)


def test_results_are_in_the_order_of_sets_and_lists_are_padded(tmp_path):
    result = sweep(square, grid(x=range(4)), tmp_path, executor="threads", workers=4)
    assert result.parameters["x"].tolist() == [0, 1, 2, 3]
    assert result.values["y"].tolist() == [0.0, 1.0, 4.0, 9.0]
    curves = result.values["curve"]
    assert curves.shape == (4, 4)
    np.testing.assert_array_equal(np.isnan(curves), np.triu(np.ones((4, 4)), 1))


def test_the_table_can_be_read_without_spikesim(tmp_path):
    sets = grid(x=range(2), name=["a", "b"], sizes=[(5, 1), (5, 2)])
    sweep(square, sets, tmp_path, executor="threads")
    with h5py.File(tmp_path / "sweep.h5") as file:
        assert file.attrs["spikesim_kind"] == b"sweep"
        assert file["finished"][:].all()
        assert file["parameters/x"][:].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        assert b'"5,1", "5,2"' in file["parameters"].attrs["sizes"]
        assert file["values/y"][:].tolist() == [0.0] * 4 + [1.0] * 4


def test_a_saved_sweep_is_the_same_when_loaded(tmp_path):
    sets = grid(x=range(3), kind=["a", None, True, 0.5, (1.0, 2.0)])
    result = sweep(square, sets, tmp_path, executor="threads")
    loaded = Sweep.load(tmp_path)
    assert loaded.sets == sets
    assert loaded.finished == result.finished
    for name, array in result.values.items():
        np.testing.assert_array_equal(loaded.values[name], array)


def test_thousands_of_sets_fit_into_a_table(tmp_path):
    sets = grid(x=range(40), y=range(50), some_longer_name=[0.123456789])
    Sweep(tmp_path, sets).save()
    assert Sweep.load(tmp_path).sets == sets


def test_finished_sets_are_not_run_again(tmp_path):
    sets = grid(x=range(3))
    first = sweep(square, sets, tmp_path, executor="threads")
    again = sweep(square, sets, tmp_path)
    assert runs_of(tmp_path) == [1, 1, 1]
    np.testing.assert_array_equal(first.values["y"], again.values["y"])


def test_progress_counts_the_sets_that_were_finished_before(tmp_path):
    sets = grid(x=range(3))
    (tmp_path / "repaired").touch()
    told = []
    sweep(odd_ones_fail, sets, tmp_path, executor="threads", progress=lambda *n: told.append(n))
    sweep(odd_ones_fail, sets, tmp_path, executor="threads", progress=lambda *n: told.append(n))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def swept(directory, errors, **values):
    """What a sweep is that has found these errors, set by set."""
    found = iter(errors)
    return sweep(
        lambda parameters, directory: {"error": float(next(found))},
        grid(**values, seed=range(2)),
        directory,
        executor="threads",
        workers=1,
    )


def test_the_table_has_mean_and_deviation_over_seeds(tmp_path):
    errors = [1, 3, 90, 90, 4, 4, 5, np.nan]
    result = swept(tmp_path, errors, a=[0.5, 1.0], name=["x", "yy"], same=[3])
    assert result.table("error").splitlines() == [
        "a    name  error         seeds",
        "0.5  x      2.00 ± 1.41  2",
        "0.5  yy    90.00 ± 0.00  2",
        "1    x      4.00 ± 0.00  2",
        "1    yy     5.00         1 of 2",
    ]


def test_one_line_is_drawn_per_combination_over_the_first_number(tmp_path):
    result = swept(tmp_path, [1, 3, 5, 7, 2, 2, 4, 4], name=["x", "y"], a=[100.0, 1.0])
    ax = result.figure("error", "Error (%)")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("a", "Error (%)", "log")
    assert [line.get_ydata().tolist() for line in ax.lines] == [[6.0, 2.0], [4.0, 2.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["name=x", "name=y"]


def test_sets_without_a_varied_number_are_points(tmp_path):
    result = swept(tmp_path, [1, 3, 5, 7], name=["x", "y"], flag=[True])
    ax = result.figure("error")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x", "y"]
    assert ax.lines[0].get_ydata().tolist() == [2.0, 6.0]
    assert ax.lines[0].get_linestyle() == "None"


# ---- failures ---------------------------------------------------------------------------------


def test_a_set_that_fails_is_reported_and_the_others_finish(tmp_path, capsys):
    result = sweep(odd_ones_fail, grid(x=range(4)), tmp_path, workers=2)
    assert result.errors == ["", "ValueError: 1 is odd", "", "ValueError: 3 is odd"]
    np.testing.assert_array_equal(result.values["y"], [0.0, np.nan, 2.0, np.nan])
    told = capsys.readouterr().err
    assert "2 of 4 sets failed" in told
    assert "set-0001 (x=1): ValueError: 1 is odd" in told
    assert "raise ValueError" in (tmp_path / "set-0001" / "error.txt").read_text()


def test_failed_sets_are_run_again_and_no_others(tmp_path):
    sets = grid(x=range(4))
    sweep(odd_ones_fail, sets, tmp_path, executor="threads")
    (tmp_path / "repaired").touch()
    result = sweep(odd_ones_fail, sets, tmp_path, executor="threads")
    assert all(result.finished)
    assert result.errors == [""] * 4
    assert runs_of(tmp_path) == [1, 2, 1, 2]
    assert not list(tmp_path.glob("set-*/error.txt"))


def test_an_exception_that_no_process_can_read_is_reported_too(tmp_path):
    result = sweep(raises_unportable, grid(x=[1]), tmp_path)
    assert result.errors == ["Unportable: a"]


@pytest.mark.parametrize("returned", [3.0, {"y": "text"}, {"y": [[1.0]]}, {"y": [1, [2]]}, {1: 2}])
def test_results_that_are_no_numbers_are_errors_of_their_set(returned, tmp_path):
    result = sweep(lambda p, d: returned, grid(x=[1]), tmp_path, executor="threads")
    assert result.finished == [False]
    assert "Error: " in result.errors[0]


def test_a_process_that_dies_leaves_what_is_finished_and_says_how_to_go_on(tmp_path, capsys):
    sets = grid(x=range(3))
    result = sweep(the_second_dies, sets, tmp_path, workers=1)
    assert result.finished == [True, False, False]
    assert result.errors[1:] == ["a worker process died before this set was finished"] * 2
    told = capsys.readouterr().err
    assert "ran out of memory" in told
    assert "Run the same again to repeat these sets" in told
    (tmp_path / "repaired").touch()
    assert all(sweep(the_second_dies, sets, tmp_path, workers=1).finished)
    assert runs_of(tmp_path)[0] == 1


# ---- sweeps that are stopped ------------------------------------------------------------------

SCRIPT = """
    import sys, time
    from spikesim.sweep import grid, sweep

    def train(parameters, directory):
        with (directory / "runs").open("a") as file:
            file.write("x")
        if (directory.parent / "slow").exists() and parameters["x"] >= 2:
            (directory.parent / "waiting").touch()
            while True:
                time.sleep(0.01)
        return {"y": parameters["x"]}

    if __name__ == "__main__":
        executor, folder = sys.argv[1:]
        sweep(train, grid(x=range(4)), folder, executor=executor, workers=1)
"""


def start(tmp_path, executor):
    """Start the script's sweep; its process group is its own."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    return subprocess.Popen(
        [sys.executable, str(script), executor, str(tmp_path / "sweep")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def start_and_wait_for_the_third_set(tmp_path, executor):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "slow").touch()
    process = start(tmp_path, executor)
    wait_until((tmp_path / "sweep" / "waiting").exists)
    wait_until(lambda: sum(Sweep.load(tmp_path / "sweep").finished) == 2)
    (tmp_path / "sweep" / "slow").unlink()
    return process


def finish(tmp_path, executor):
    process = start(tmp_path, executor)
    process.communicate(timeout=HANG)
    assert process.returncode == 0
    assert Sweep.load(tmp_path / "sweep").values["y"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_killed_sweep_goes_on_without_redoing_finished_sets(tmp_path):
    process = start_and_wait_for_the_third_set(tmp_path, "processes")
    workers = children(process.pid)
    process.kill()
    process.communicate()
    assert Sweep.load(tmp_path / "sweep").finished == [True, True, False, False]
    # A worker that outlives its sweep would disturb the next one.
    wait_until(lambda: not any(map(is_running, workers)))
    finish(tmp_path, "processes")
    assert runs_of(tmp_path / "sweep") == [1, 1, 2, 1]


def functions_of_main_thread():
    stack = traceback.extract_stack(sys._current_frames()[threading.main_thread().ident])
    return [frame.name for frame in stack]


def children(pid):
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("whole_group", [True, False])
@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_sigterm_keeps_what_is_finished(executor, whole_group, tmp_path):
    process = start_and_wait_for_the_third_set(tmp_path, executor)
    workers = children(process.pid)
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
    told = process.communicate(timeout=HANG)[1]
    assert process.returncode != 0
    assert "2 of 4 sets are finished; run the same again to continue." in told
    assert "Terminated" in told
    wait_until(lambda: not any(map(is_running, workers)))
    assert Sweep.load(tmp_path / "sweep").errors == [""] * 4
    finish(tmp_path, executor)
    assert runs_of(tmp_path / "sweep") == [1, 1, 2, 1]


@pytest.mark.skipif(os.name != "posix", reason="sends signals to a process group")
def test_ctrl_c_keeps_what_is_finished(tmp_path):
    process = start_and_wait_for_the_third_set(tmp_path, "processes")
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=HANG)[1]
    assert process.returncode != 0
    assert "2 of 4 sets are finished; run the same again to continue." in told
    assert "KeyboardInterrupt" in told
    finish(tmp_path, "processes")
    assert runs_of(tmp_path / "sweep") == [1, 1, 2, 1]


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_stops_the_sets_of_threads(tmp_path):
    running = threading.Event()
    stopped = []

    def endless(parameters, directory):
        try:
            while True:
                running.set()
                time.sleep(0.01)
        except KeyboardInterrupt:
            stopped.append(parameters["x"])
            raise

    press_ctrl_c_when(lambda: running.is_set() and "as_they_end" in functions_of_main_thread())
    with pytest.raises(KeyboardInterrupt):
        sweep(endless, grid(x=range(3)), tmp_path, executor="threads", workers=1)
    assert stopped == [0]
    assert Sweep.load(tmp_path).errors == [""] * 3


# ---- executors --------------------------------------------------------------------------------


def test_threads_and_processes_give_the_numbers_of_one_after_another(tmp_path):
    sets = grid(Z_range=[0.01, 0.3], seed=range(2))
    expected = [learn(parameters, None) for parameters in sets]
    for name in ("threads", "processes"):
        result = sweep(learn, sets, tmp_path / name, executor=name, workers=2)
        for key in ("error", "weights"):
            np.testing.assert_array_equal(result.values[key], [each[key] for each in expected])


def test_processes_have_one_thread_each_and_the_environment_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    result = sweep(threads_of_libraries, grid(x=[1]), tmp_path)
    assert result.values["numba"].tolist() == result.values["blas"].tolist() == [1.0]
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "NUMBA_NUM_THREADS" not in os.environ


def test_no_process_is_left_behind(tmp_path):
    sweep(square, grid(x=range(3)), tmp_path, workers=2)
    assert not multiprocessing.active_children()


def test_an_executor_of_the_callers_is_used_and_not_shut_down(tmp_path):
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:

        def name_of_thread(parameters, directory):
            return {"mine": threading.current_thread().name.startswith("mine")}

        result = sweep(name_of_thread, grid(x=range(2)), tmp_path, executor=executor)
        assert result.values["mine"].tolist() == [1.0, 1.0]
        assert executor.submit(abs, -1).result() == 1


@pytest.mark.filterwarnings("default")
def test_dask_runs_a_sweep(tmp_path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        result = sweep(odd_ones_fail, grid(x=range(4)), tmp_path, executor=executor)
    assert result.errors == ["", "ValueError: 1 is odd", "", "ValueError: 3 is odd"]
    np.testing.assert_array_equal(result.values["y"], [0.0, np.nan, 2.0, np.nan])


def test_mpi_runs_a_sweep(tmp_path):
    pytest.importorskip("mpi4py")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec is not installed")
    script = tmp_path / "script.py"
    lines = textwrap.dedent(SCRIPT).replace("executor, folder = sys.argv[1:]", "pass")
    script.write_text(
        lines.partition("    pass")[0]
        + "    from mpi4py.futures import MPIPoolExecutor\n"
        + "    with MPIPoolExecutor() as executor:\n"
        + "        sweep(train, grid(x=range(4)), sys.argv[1], executor=executor)\n"
    )
    allowed = ("ALLOW_RUN_AS_ROOT", "ALLOW_RUN_AS_ROOT_CONFIRM", "MCA_rmaps_base_oversubscribe")
    command = ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script)]
    done = subprocess.run(
        [*command, str(tmp_path / "sweep")],
        env={
            **os.environ,
            **{f"OMPI_{name}": "1" for name in allowed},
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Sweep.load(tmp_path / "sweep").values["y"].tolist() == [0.0, 1.0, 2.0, 3.0]


# ---- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([], "sets is empty"),
        ({"x": 1}, "sets is a dict"),
        ([{}], "sets[0] is {}"),
        ([{"x": 1}, {"y": 1}], "sets[1] has y"),
        ([{"x": 1}, {"x": 2}, {"x": 1}], "sets[2] is the same as sets[0]"),
        ([{"x": [1, 2]}], "sets[0]['x'] is [1, 2]"),
        ([{"x": float("nan")}], "sets[0]['x'] is nan"),
        ([{"x": ("a",)}], "sets[0]['x'] is ('a',)"),
        ([{"a/b": 1}], "a name without a slash"),
    ],
)
def test_impossible_sets_are_refused_before_anything_is_done(sets, message, tmp_path):
    with pytest.raises(InputError) as refusal:
        sweep(square, sets, tmp_path / "new")
    assert message in str(refusal.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "cluster"}, "executor is 'cluster'"),
        ({"workers": 0}, "workers is 0"),
        ({"executor": "threads", "workers": 1.5}, "workers is 1.5"),
    ],
)
def test_impossible_options_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        sweep(square, grid(x=[1]), tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_workers_of_the_callers_executor_are_the_callers_business(tmp_path):
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InputError, match="your executor has its own"),
    ):
        sweep(square, grid(x=[1]), tmp_path, executor=executor, workers=2)


def test_a_function_that_processes_cannot_import_is_refused(tmp_path):
    with pytest.raises(InputError, match="Define it at the top of a module"):
        sweep(lambda p, d: {}, grid(x=[1]), tmp_path)


@pytest.mark.parametrize(
    ("sets", "differ"),
    [
        (grid(x=[0]), "2 sets, not 1"),
        (grid(x=[0, 2, 1]), "set 1 has x=1, not x=2"),
        (grid(x=[0, 2]), "set 1 has x=1, not x=2"),
        (grid(z=[0, 1]), "the parameters x, not z"),
    ],
)
def test_a_directory_with_other_sets_is_refused(sets, differ, tmp_path):
    sweep(square, grid(x=range(2)), tmp_path, executor="threads")
    before = (tmp_path / "sweep.h5").read_bytes()
    with pytest.raises(FileError, match=f"a sweep of other sets.*{differ}"):
        sweep(square, sets, tmp_path, executor="threads")
    assert (tmp_path / "sweep.h5").read_bytes() == before


def test_sets_that_follow_are_run_and_those_before_are_kept(tmp_path):
    sweep(square, grid(x=range(2)), tmp_path, executor="threads")
    result = sweep(square, grid(x=range(4)), tmp_path, executor="threads")
    assert result.values["y"].tolist() == [0.0, 1.0, 4.0, 9.0]
    assert runs_of(tmp_path) == [1, 1, 1, 1]


def test_folders_of_unknown_sets_are_not_taken_over(tmp_path):
    (tmp_path / "set-0000").mkdir()
    with pytest.raises(FileError, match=r"no sweep\.h5 that says what they are"):
        sweep(square, grid(x=[1]), tmp_path, executor="threads")


def test_a_damaged_table_is_refused(tmp_path):
    sweep(square, grid(x=[1]), tmp_path, executor="threads")
    with h5py.File(tmp_path / "sweep.h5", "a") as file:
        del file["finished"]
    with pytest.raises(FileError, match="lacks a part"):
        Sweep.load(tmp_path)


def test_results_are_asked_for_by_their_names(tmp_path):
    result = sweep(square, grid(x=[1, 2]), tmp_path, executor="threads")
    with pytest.raises(InputError, match="Unknown result 'z'"):
        result.table("z")
    with pytest.raises(InputError, match="curve is a list in each set"):
        result.figure("curve")


def test_a_sweep_becomes_a_table_of_pandas_with_a_row_for_each_set(tmp_path):
    pytest.importorskip("pandas", reason="pip install pandas")
    frame = sweep(square, grid(x=[2, 3]), tmp_path, executor="threads", workers=1).to_pandas()
    assert frame[["x", "y", "error"]].values.tolist() == [[2, 4.0, ""], [3, 9.0, ""]]
    assert np.array_equal(frame["curve/4"], [np.nan, 1.0], equal_nan=True)
