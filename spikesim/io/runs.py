"""The parts that the commands of all models share: run directories, and options given as text."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import check_integer, check_path
from spikesim.errors import FileError, InputError
from spikesim.io.files import check_target

__all__ = [
    "BACKENDS",
    "LOCK_FILE",
    "RUN_FILE",
    "Pictures",
    "add_model_options",
    "add_parameters",
    "at_least_one",
    "given_parameters",
    "hidden_sizes",
    "hold",
    "hold_file",
    "is_drawn",
    "new_directory",
    "new_run",
    "noted",
    "print_rows",
    "write_text",
    "write_weights",
    "writing",
]

RUN_FILE = "run.h5"

LOCK_FILE = "run.lock"
"""The file that exists while a run holds its directory; it says which process that is."""

BACKENDS = "cpu, threads or threads:2, python, cuda or cuda:1"
"""What help says of --backend."""

# The name that `atomic_file` gives a file which is not complete yet.
_UNFINISHED = re.compile(r".+\.[0-9a-f]{8}\.part")
_ENDING = ".01234567.part"

# On Windows nobody can read locked bytes, so the lock lies far behind the number of the process.
_FAR = 1 << 30


def add_model_options(parser: argparse.ArgumentParser, declared: Mapping[str, Any]) -> None:
    """Add the options that every model has, and one for each of its parameters."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--backend", default="cpu", help=BACKENDS)
    parser.add_argument("--out", type=Path, help="the run directory; by default runs/MODEL-...")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    add_parameters(parser, declared)


def add_parameters(parser: argparse.ArgumentParser, declared: Mapping[str, Any]) -> None:
    """Add one option for each parameter, whose help comes from its declaration."""
    options = parser.add_argument_group("constants and options of the model, --NAME=VALUE")
    for name, each in declared.items():
        options.add_argument(f"--{name}", metavar="VALUE", help=each.described().replace("%", "%%"))


def given_parameters(chosen: argparse.Namespace, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were given, each converted as its declaration says."""
    given = {name: getattr(chosen, name) for name in declared}
    return {
        name: declared[name].parsed(name, text) for name, text in given.items() if text is not None
    }


def hidden_sizes(text: str) -> tuple[int, ...]:
    """The sizes of hidden layers from a text such as '500,100'; '0' means none.

    Examples
    --------
    >>> hidden_sizes("500,100")
    (500, 100)
    """
    try:
        sizes = [int(part) for part in str(text).split(",")]
    except ValueError:
        raise InputError(
            f"--hidden is {text!r}; it has to be sizes such as 500 or 500,100."
        ) from None
    if sizes == [0]:
        return ()
    return tuple(check_integer("--hidden", n, at_least=1) for n in sizes)


def at_least_one(name: str, given: int) -> int:
    """How many of something an option asks for."""
    return check_integer(f"--{name}", given, at_least=1)


def new_directory(wanted: Path | None, stem: str, option: str = "") -> Path:
    """Make a directory that holds no run yet; `option` is what ``resume`` would need."""
    number = 1
    while wanted is None:
        free = Path("runs") / f"{stem}-{number}"
        wanted = None if free.exists() else free
        number += 1
    check_path("--out", wanted)
    if (wanted / RUN_FILE).exists():
        _refuse_held(wanted)
        raise FileError(
            f"{wanted} holds a run already; choose another --out, or continue it with "
            f"'spikesim resume {wanted}{option}'."
        )
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{wanted} cannot be made: {error.strerror}; choose another --out."
        ) from None
    return wanted


@contextmanager
def new_run(wanted: Path | None, stem: str, option: str = "") -> Iterator[Path]:
    """Make a directory that holds no run yet, and hold it within the `with` block."""
    directory = new_directory(wanted, stem, option)
    with hold(directory):
        # In the meantime another process may have begun and ended a run there.
        yield new_directory(directory, stem, option)


@contextmanager
def hold(directory: Path, wait: float = 0.0) -> Iterator[None]:
    """Keep other processes from running in a directory within the `with` block.

    The system releases the lock when the process ends, in whatever way, so a lock file that a
    killed process left behind stops nobody. Unfinished files of a killed process are removed. On a
    file system without locks, nobody is kept out.

    Parameters
    ----------
    directory : Path
        It has to exist.
    wait : float
        How many seconds to keep trying.

    Raises
    ------
    FileError
        If another process holds the directory, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with hold(Path(tempfile.mkdtemp())):
    ...     pass
    """
    with _locked(directory / LOCK_FILE, f"{directory}", "directory", wait):
        _clean(directory)
        yield


@contextmanager
def hold_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes from using a file as their checkpoint within the `with` block.

    Inside the block there is a file `path` plus ".lock". Unfinished versions of the checkpoint that
    killed processes left are removed.

    Parameters
    ----------
    path : str or path
        The file need not exist, but its folder has to.

    Raises
    ------
    FileError
        If another process holds it, or its folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with hold_file(Path(tempfile.mkdtemp()) / "net.h5"):
    ...     pass
    """
    target = check_target(path)
    with _locked(Path(f"{target}.lock"), os.fspath(path), "file"):
        for left in target.parent.glob("*.part"):
            if _UNFINISHED.fullmatch(left.name) and left.name[: -len(_ENDING)] == target.name:
                with suppress(OSError):
                    left.unlink()
        yield


@contextmanager
def _locked(path: Path, held: str, kind: str, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock file; `held` is the directory or file that it protects."""
    descriptor = _lock(path, held, kind, wait)
    try:
        yield
    finally:
        _let_go(path, descriptor)


def _clean(directory: Path) -> None:
    """Remove what killed processes left, except in folders that another process may hold."""
    for path in (*directory.glob("*.part"), *directory.glob("*/*.part")):
        inner = path.parent != directory and (path.parent / LOCK_FILE).exists()
        if _UNFINISHED.fullmatch(path.name) and not inner:
            with suppress(OSError):
                path.unlink()


def _lock(path: Path, held: str, kind: str, wait: float) -> int:
    """Lock the file; return its descriptor."""
    deadline = time.monotonic() + wait
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise FileError(
                f"{held} cannot be written: {error.strerror}; change its permissions, free "
                f"some space or choose another {kind}."
            ) from error
        try:
            if _try_lock(descriptor):
                # The last holder may have removed the file after this process opened it.
                if _is_at(descriptor, path):
                    with suppress(OSError):  # on a full disk the lock holds without a number
                        os.ftruncate(descriptor, 0)
                        os.write(descriptor, str(os.getpid()).encode())
                    return descriptor
            elif time.monotonic() >= deadline:
                raise _held(path, held, kind)
            else:
                time.sleep(0.05)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Try to lock the file; return whether it is locked, or True if there are no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _let_go(path: Path, descriptor: int) -> None:
    if sys.platform != "win32":  # Windows cannot remove an open file, so there it stays
        with suppress(OSError):
            path.unlink()
    os.close(descriptor)


def _refuse_held(directory: Path) -> None:
    """Raise `FileError` if a process runs in a directory, which a new run could not use anyway."""
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR)
    except OSError:
        return
    try:
        mine = f"{os.getpid()}" == _holder(directory / LOCK_FILE)
        if not mine and not _try_lock(descriptor):
            raise _held(directory / LOCK_FILE, f"{directory}", "directory")
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    return text if text.isdigit() else "unknown"


def _held(path: Path, held: str, kind: str) -> FileError:
    return FileError(
        f"{held} is in use by another run, process {_holder(path)}; wait until it has ended, "
        f"stop it, or choose another {kind}."
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line which file could not be written, and what to do about it.

    The unfinished file is then removed.
    """
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise FileError(
            f"Cannot write {path}: {error.strerror or error}; free some space or change the "
            "permissions, then run the same command or 'spikesim plot' again."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, or say in one line why that cannot be done."""
    with writing(path):
        path.write_text(text, encoding="utf-8")


def noted(net: Any, name: str) -> Any:
    """A note that the command which trained a network saved with it."""
    if name not in net.notes:
        kind = type(net).__name__
        raise FileError(
            "This network was saved from Python and does not say what it was trained on; "
            f"load it with {kind}.load."
        )
    return net.notes[name]


def print_rows(rows: Mapping[str, Any]) -> None:
    """Print names and values in two columns."""
    for name, text in rows.items():
        print(f"{name:12} {text}")


def write_weights(directory: Path, layers: Mapping[str, Sequence[np.ndarray]]) -> Path:
    """Write the arrays of all layers as NPZ: NAME_0 is the first layer's."""
    path = directory / "weights.npz"
    arrays = {f"{k}_{m}": array for k, each in layers.items() for m, array in enumerate(each)}
    with writing(path):
        np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def is_drawn(directory: Path, picture: str) -> bool:
    """Whether the last picture of a run was written after its last checkpoint."""
    try:
        drawn, saved = ((directory / name).stat().st_mtime_ns for name in (picture, RUN_FILE))
    except OSError:
        return False
    return drawn >= saved


class Pictures:
    """Figures written into a run directory, one after another, without a screen."""

    def __init__(self, directory: Path):
        import matplotlib

        matplotlib.use("Agg")
        self.directory = directory
        self.written: list[str] = []

    def keep(self, name: str, figure: Any) -> None:
        """Write a figure and forget it."""
        import matplotlib.pyplot as plt

        try:
            with writing(self.directory / name):
                figure.savefig(self.directory / name, dpi=150)
        finally:
            plt.close(figure)
        self.written.append(name)
