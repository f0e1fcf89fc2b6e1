"""Awkward kernel caches, and races: ``python -m tests.reliability concurrency``.

The same small program is run in processes of their own: several at once with an empty cache,
without a home, with folders that cannot be written, with damaged files, on a full disk. Each has to
finish, without a word on stderr but that it compiles, and with the right bits. Last of all, several
commands are started for one directory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import hashlib
from spikesim import LIF, Network, Poisson
net = Network(dt=0.1, seed=1)
source = net.add_population("source", 20, Poisson)
source.rate[:] = 200.0
cells = net.add_population("cells", 5, LIF)
net.connect(source, cells, target="drive", weight=8.0, delay=1.0)
spikes = net.record_spikes(cells)
net.run(50.0)
assert spikes.i.size > 0
print(hashlib.sha256(spikes.t.tobytes() + spikes.i.tobytes() + cells.v.tobytes()).hexdigest())
"""

# Without an entry in passwd there is no home to be found either, whoever runs this.
NOBODY = "import os; os.path.expanduser = lambda path: path\n"

ANNOUNCED = "Compil"
_PLACES = ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "SPIKESIM_CACHE")


class Skipped(Exception):
    """A case that cannot be made here, and why."""


def begin(
    places: dict[str, str], before: str = "", prefix: tuple[str, ...] = ()
) -> subprocess.Popen:
    """A process that runs the program with these folders."""
    kept = {name: value for name, value in os.environ.items() if name not in _PLACES}
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", before + PROGRAM],
        cwd="/" if os.name == "posix" else None,
        env={**kept, **places, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> str:
    """What a process has printed; raises if it failed or complained."""
    try:
        out, error = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("it does not end") from None
    complaints = [line for line in error.splitlines() if not line.startswith(ANNOUNCED)]
    if process.returncode or complaints:
        raise AssertionError("; ".join(complaints[-2:]) or f"exit status {process.returncode}")
    return out.strip()


def once(places: dict[str, str], **how: str | tuple[str, ...]) -> str:
    """What the program prints in one process."""
    return finish(begin(places, **how))  # type: ignore[arg-type]


def compiled(folder: Path) -> list[Path]:
    """The files of compiled programs below a folder."""
    return sorted(path for path in folder.rglob("*.o") if path.is_file())


def at_once(folder: Path, processes: int = 2) -> set[str]:
    """Several processes with one empty cache at once, and then one that finds it."""
    place = {"XDG_CACHE_HOME": str(folder)}
    found = {finish(process) for process in [begin(place) for _ in range(processes)]}
    files = compiled(folder)
    times = [path.stat().st_mtime_ns for path in files]
    assert files, "nothing was kept"
    assert not [path for path in folder.rglob("*.part")], "leftovers"
    found.add(once(place))
    assert times == [path.stat().st_mtime_ns for path in files], "it was compiled again"
    return found


def no_home(folder: Path) -> set[str]:
    """HOME is not set, and the user is in no list of users."""
    return {once({}, before=NOBODY)}


def read_only_home(folder: Path) -> set[str]:
    """A home in which nothing can be made: it lies below a file."""
    (folder / "file").write_text("")
    return {once({"HOME": str(folder / "file" / "home")})}


def read_only_cache(folder: Path) -> set[str]:
    """A cache whose place is below a file, as ours and as Numba's."""
    (folder / "file").write_text("")
    place = str(folder / "file" / "cache")
    return {once({name: place, "HOME": str(folder)}) for name in _PLACES[1:3]}


def damaged(folder: Path) -> set[str]:
    """Each file of the cache in turn empty, cut off or full of something else."""
    place = {"XDG_CACHE_HOME": str(folder)}
    found = {once(place)}
    for path in compiled(folder):
        whole = path.read_bytes()
        for content in (b"", whole[: len(whole) // 2], bytes(len(whole))):
            path.write_bytes(content)
            found.add(once(place))
    return found


def other_user(folder: Path) -> set[str]:
    """A user without a name and a home, for whom permissions count: not root, if this is root."""
    prefix = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")
    try:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", f"import os; os.listdir({str(ROOT)!r})"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Skipped(f"no setpriv: {error}") from None
    if done.returncode:
        raise Skipped(f"no other user can run it: {done.stderr.strip().splitlines()[-1:]}")
    folder.chmod(0o755)
    cache = folder / "cache"
    place = {"XDG_CACHE_HOME": str(cache)}
    found = {once({}, prefix=prefix), once(place)}
    files = compiled(cache)
    assert files, "nothing was kept"
    found.add(once(place, prefix=prefix))  # of another user, to be read only
    for path in (cache, *cache.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o000)
    found.add(once(place, prefix=prefix))  # files that cannot be read, in a folder for all
    cache.chmod(0o000)
    found.add(once(place, prefix=prefix))
    return found


def _mounted(folder: Path, options: str) -> tuple[str, ...]:
    """What a command has to begin with to run with a file system of its own at a folder."""
    script = f'mount {options} "$0" && exec "$@"'
    prefix = ("unshare", "--mount", "--map-root-user", "sh", "-c", script, str(folder))
    try:
        done = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Skipped(f"no unshare: {error}") from None
    if done.returncode:
        raise Skipped(f"nothing can be mounted: {done.stderr.strip()}")
    return prefix


def read_only_file_system(folder: Path) -> set[str]:
    """A home on a file system that is mounted read-only."""
    prefix = _mounted(folder, "-t tmpfs -o ro,size=1m none")
    return {once({"HOME": str(folder)}, prefix=prefix)}


def full_disk(folder: Path) -> set[str]:
    """A file system with room for the start of what is to be kept, but not for all of it."""
    found = set()
    for size in ("4k", "16k", "64k"):
        prefix = _mounted(folder, f"-t tmpfs -o size={size} none")
        found.add(once({"XDG_CACHE_HOME": str(folder)}, prefix=prefix))
    return found


def one_directory(folder: Path) -> set[str]:
    """Commands that are started at once for one directory: one of them trains in it."""
    training = ("train", "superspike", "--task=hidden", "--hidden=4", "--blocks=40")
    command = [sys.executable, "-m", "spikesim", *training, "--no-progress", f"--out={folder}"]
    racing = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=HANG)[1] for process in racing]
    ended = sorted(process.returncode for process in racing)
    assert ended == [0, 2, 2, 2], f"exit statuses {ended}: {said}"
    refused = [text for text in said if "in use by another run" in text]
    assert len(refused) == 3, f"they say {said}"
    assert not list(folder.glob("*.part")), "leftovers"
    return set()


CASES: dict[str, Callable[[Path], set[str]]] = {
    "at once": at_once,
    "no home": no_home,
    "read-only home": read_only_home,
    "read-only cache": read_only_cache,
    "damaged": damaged,
    "another user": other_user,
    "read-only file system": read_only_file_system,
    "full disk": full_disk,
    "one directory": one_directory,
}


def main(arguments: list[str]) -> int:
    """Print a line per case; return 1 if one failed or has other bits."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability concurrency", description=__doc__
    )
    parser.add_argument("--only", choices=CASES)
    chosen = parser.parse_args(arguments).only
    right, failed = once({"SPIKESIM_CACHE": "0"}), 0
    for name in [chosen] if chosen else CASES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                result = "works" if CASES[name](Path(folder)) <= {right} else "OTHER BITS"
            except Skipped as reason:
                result = f"skipped: {reason}"
            except AssertionError as error:
                result = f"FAILED: {error}"
        failed += result in ("OTHER BITS",) or result.startswith("FAILED")
        print(f"{name:23} {time.monotonic() - began:5.1f} s  {result}", flush=True)
    return int(failed > 0)
