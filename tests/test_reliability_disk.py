"""What is left when a disk fills up, a directory turns read-only or vanishes in a run."""

import errno
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikesim import FileError
from spikesim.cli import main
from spikesim.io import files
from spikesim.io.files import atomic_file
from spikesim.io.runs import hold_file
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.spiking.exclusive_or import ExclusiveOrNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.patterns import from_trains
from spikesim.sweep import Sweep
from tests.reliability import crash
from tests.waiting import HANG, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits and users")

# Runs a command, or a program, that waits once it has completed so many files of a folder; then
# its disk changes. The answer says what the process has to do itself.
CHILD = """
import os, resource, sys
def pause():
    print("paused", flush=True)
    answer = sys.stdin.readline().strip()
    if answer == "limit":  # to files of this size
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, resource.RLIM_INFINITY))
    elif answer == "nobody":
        os.seteuid(65534)
count, real = 0, os.fsync
def fsync(file):
    global count
    real(file)
    if os.path.isdir(sys.argv[2]) and os.path.samestat(os.fstat(file), os.stat(sys.argv[2])):
        count += 1
        if count == int(sys.argv[1]):
            pause()
"""

COMMAND = (
    CHILD
    + """
os.fsync = fsync
from spikesim.cli import main
sys.exit(main(sys.argv[3:]))
"""
)

RECORDING = (
    CHILD
    + """
from pathlib import Path
from spikesim import LIF, Network, Poisson, SpikesimError
out = Path(sys.argv[3])
net = Network(dt=0.1, seed=1)
source = net.add_population("source", 500, Poisson)
source.rate[:] = 200.0
spikes = net.record_spikes(source, path=out / "spikes.h5")
rates = net.record(source, "rate", path=out / "rates.h5")
try:
    net.run(200.0)
    pause()
    net.run(600.0)
    spikes.close()
    rates.close()
except SpikesimError as error:
    sys.exit(f"spikesim: {error}")
"""
)

UNCLOSED = (
    CHILD
    + """
import numpy as np
from spikesim.sonata import SpikeWriter
writer = SpikeWriter(sys.argv[3] + "/spikes.h5", 0.1, {"cells": 10})
writer.append("cells", np.arange(20_000), np.zeros(20_000, int))
pause()
"""
)

KINDS = {
    "burst": ("train", "burst", "--hidden=4", "--epochs=3"),
    "superspike": ("train", "superspike", "--task=hidden", "--hidden=4", "--blocks=2"),
    "exclusive-or": (
        *("run", "burst", "exclusive-or", "--n=6", "--duration=20", "--alpha=15"),
        "--epochs=3",
    ),
    "sweep": (
        *("sweep", "burst", "--hidden=4", "--epochs=2", "--seeds=2"),
        *("--threads", "--workers=1"),  # one set after the other
    ),
}
PAUSES = {"superspike": 3, "sweep": 1}  # after so many files
RUN = 2


class Disk:
    """A directory that fills up: of a small disk of its own, or by a limit to the sizes of files.

    Attributes
    ----------
    path : Path
    answer : str
        What the process has to be told when its disk is full.
    """

    def __init__(self, path, answer):
        self.path, self.answer = path, answer

    def fill(self):
        if self.answer == "go":
            try:
                with open(self.path / "ballast", "wb", buffering=0) as ballast:
                    while ballast.write(bytes(4096)) == 4096:
                        pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self):
        (self.path / "ballast").unlink(missing_ok=True)


@pytest.fixture(params=["disk", "limit"])
def disk(request, tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    if request.param == "limit":
        yield Disk(path, "limit")
        return
    if not shutil.which("mount"):
        pytest.skip("there is no mount")
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted")
    yield Disk(path, "go")
    subprocess.run(["umount", "-l", str(path)], check=True)


def disturbed(program, change, answer, *arguments, folder="", after=RUN):
    """Run a program whose disk changes while it waits; return its exit status and its stderr.

    It waits where it says so itself, or after so many files of a folder.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(after), str(folder), *arguments],
        cwd=crash.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert any(line == "paused\n" for line in process.stdout), process.communicate()[1]
    change()
    error = process.communicate(f"{answer}\n", timeout=HANG)[1]
    lines = error.splitlines()
    return process.returncode, [line for line in lines if not line.startswith("Compiling")]


def command(kind, out):
    return [*KINDS[kind], "--no-progress", f"--out={out}"]


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.suffix in (".part", ".lock")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run of a kind leaves if nothing happens to its disk; each is run once."""
    found = {}

    def of(kind):
        if kind not in found:
            out = tmp_path_factory.mktemp("undisturbed") / kind
            assert main(command(kind, out)) == 0
            found[kind] = crash.files(out), {path.name for path in out.rglob("*")}
        return found[kind]

    return of


def check_continuation(kind, out, undisturbed):
    """The same command, or resume, ends with the bits of a run left alone, and with all files."""
    again = ["resume", str(out), "--no-progress"] if (out / "run.h5").exists() else None
    assert main(again or command(kind, out)) == 0
    expected, names = undisturbed(kind)
    found = crash.files(out)
    assert found.keys() == expected.keys()
    assert all(crash.same(found[name], expected[name]) for name in expected)
    assert {path.name for path in out.rglob("*")} == names
    assert not leftovers(out)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_whose_disk_fills_up_keeps_its_checkpoint_and_goes_on_later(kind, disk, undisturbed):
    if disk.answer == "limit" and kind != "burst":
        pytest.skip("the disk of its own says it all")
    out = disk.path / "run"
    folder = out / "set-0001" if kind == "sweep" else out

    def fill():
        if kind == "sweep":  # whose list of sets another thread writes: so that it is not at it
            wait_until(lambda: sum(Sweep.load(out).finished) == 1)
        disk.fill()

    options = {"folder": folder, "after": PAUSES.get(kind, RUN)}
    status, error = disturbed(COMMAND, fill, disk.answer, *command(kind, out), **options)
    reasons = ["disk or your quota is full", "File too large"]
    if kind != "sweep":
        assert (status, len(error)) == (2, 1)
    else:  # a set that fails gives its space back, which may do for the list of sets
        assert status in (1, 2)
        assert len(error) < 6
        reasons.append("No space left")
    assert any(str(out) in line and reason in line for line in error for reason in reasons)
    assert not leftovers(out)
    assert crash.progress(out) > 0
    disk.free()
    check_continuation(kind, out, undisturbed)


def test_a_run_whose_directory_turns_read_only_keeps_its_checkpoint(tmp_path, undisturbed):
    out = tmp_path / "run"
    root = os.geteuid() == 0
    if root:  # others have to come as far as to the directory
        for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            folder.chmod(0o755)
    status, error = disturbed(
        COMMAND,
        lambda: out.chmod(0o555),
        "nobody" if root else "go",
        *command("burst", out),
        folder=out,
    )
    out.chmod(0o755)
    assert status == 2
    assert len(error) == 1
    assert f"Cannot write {out / 'run.h5'}: you may not write in this folder" in error[0]
    assert BurstEnsembleNetwork.load(out / "run.h5").epoch == 1
    check_continuation("burst", out, undisturbed)


def test_a_run_whose_directory_is_deleted_ends_with_one_line_that_names_it(tmp_path, undisturbed):
    out = tmp_path / "run"
    remove = partial(shutil.rmtree, out)
    status, error = disturbed(COMMAND, remove, "go", *command("burst", out), folder=out)
    assert status == 2
    assert len(error) == 1
    assert f"there is no folder {out}" in error[0]
    assert not out.exists()
    check_continuation("burst", out, undisturbed)


def test_a_recording_whose_disk_fills_up_says_so_and_leaves_no_file(disk):
    status, error = disturbed(RECORDING, disk.fill, disk.answer, str(disk.path))
    assert status == 1
    assert len(error) == 1
    assert error[0].startswith(f"spikesim: Cannot write {disk.path}")
    assert not list(disk.path.glob("*.h5*"))


def test_a_file_that_nobody_closes_is_removed_at_the_end_even_on_a_full_disk(disk):
    status, error = disturbed(UNCLOSED, disk.fill, disk.answer, str(disk.path))
    assert (status, error) == (0, [])
    assert not list(disk.path.glob("*.h5*"))


def test_a_forked_process_that_ends_leaves_the_files_of_its_parent(tmp_path):
    with atomic_file(tmp_path / "a.h5") as file:
        child = os.fork()
        if child == 0:
            files.abandon_all()
            os._exit(0)
        os.waitpid(child, 0)
        file["x"] = [1.0]
    assert (tmp_path / "a.h5").exists()


def test_a_file_that_could_only_be_made_is_removed(tmp_path, monkeypatch):
    def full(name, *arguments, **options):
        Path(name).touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(h5py, "File", full)
    with pytest.raises(FileError, match="full"), atomic_file(tmp_path / "a.h5"):
        pass
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_removed_does_not_hide_the_first_error(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / "a.h5"):
            raise ZeroDivisionError


def test_pictures_that_found_no_room_are_drawn_by_resume(tmp_path, monkeypatch, capsys):
    from matplotlib.figure import Figure

    out, draw = tmp_path / "run", Figure.savefig

    def full(self, path, dpi):
        if path.name == "learning_curve.png":
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        draw(self, path, dpi=dpi)

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", full)
        assert main(command("burst", out)) == 2
    assert "learning_curve.png: No space left" in capsys.readouterr().err
    assert not (out / "learning_curve.png").exists()
    assert main(["resume", str(out), "--no-progress"]) == 0
    assert (out / "learning_curve.png").exists()


def test_pictures_from_before_the_last_checkpoint_are_drawn_again(tmp_path):
    out = tmp_path / "run"
    assert main(command("burst", out)) == 0
    picture = out / "learning_curve.png"
    picture.write_bytes(b"")
    os.utime(picture, (0, 0))
    assert main(["resume", str(out), "--no-progress"]) == 0
    assert picture.stat().st_size > 0


# ---- checkpoints of scripts -------------------------------------------------------------------

IMAGES, LABELS = np.random.default_rng(5).random((6, 16)), np.array([0, 1, 2, 0, 1, 2])
SHOWN = from_trains([[1.0, 5.0], [2.0], [3.0]], 10.0)
TARGET = from_trains([[4.0], [8.0]], 10.0)


def fit_images(path):
    BurstEnsembleNetwork((16, 4, 3), backend="python").fit(IMAGES, LABELS, checkpoint=path)


def fit_spikes(path):
    SuperSpikeNetwork((3, 2), backend="python").fit(SHOWN, TARGET, 1, block=10.0, checkpoint=path)


def fit_exclusive_or(path):
    small = {"n": 4, "duration": 10.0, "alpha": 10.0}
    ExclusiveOrNetwork(backend="python", **small).fit(1, checkpoint=path)


FITS = [fit_images, fit_spikes, fit_exclusive_or]


@pytest.mark.parametrize("fit", FITS)
def test_two_fits_cannot_have_one_checkpoint(fit, tmp_path):
    path = tmp_path / "net.h5"
    wanted = f"net.h5 is in use by another run, process {os.getpid()}; .* choose another file"
    with hold_file(path), pytest.raises(FileError, match=wanted):
        fit(path)
    assert not path.exists()


@pytest.mark.parametrize("fit", FITS)
def test_a_fit_removes_what_a_killed_one_left_of_its_checkpoint(fit, tmp_path):
    path, left = tmp_path / "net.h5", tmp_path / "net.h5.0123abcd.part"
    other, lock = tmp_path / "b.net.h5.0123abcd.part", tmp_path / "net.h5.lock"
    for each in (left, other, lock):
        each.write_text("half")
    fit(path)
    assert {each.name for each in tmp_path.iterdir()} == {path.name, other.name}


def test_fits_with_checkpoints_of_their_own_may_share_a_directory(tmp_path):
    with hold_file(tmp_path / "other.h5"):
        fit_images(tmp_path / "net.h5")
    assert (tmp_path / "net.h5").exists()


def test_a_checkpoint_is_held_under_all_its_names(tmp_path):
    (tmp_path / "link.h5").symlink_to(tmp_path / "net.h5")
    with (
        hold_file(tmp_path / "net.h5"),
        pytest.raises(FileError, match="in use by another run"),
        hold_file(tmp_path / "link.h5"),
    ):
        pass
