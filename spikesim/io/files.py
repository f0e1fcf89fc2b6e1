"""HDF5 files: they are complete or absent, and reading one never executes anything in it.

A file is written under a temporary name beside its final one and renamed when it is complete. So
whatever happens to the process, the final name holds either the old file or the new one. A file
that is read may come from anywhere, so it is checked before use, and links that lead out of it are
refused. `read_bytes` reads files of other formats; the modules that know those formats check them.
"""

from __future__ import annotations

import atexit
import errno
import gc
import json
import os
import re
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.attributes import ordinary
from spikesim.checks import check_memory, check_name, check_path
from spikesim.errors import FileError, InputError
from spikesim.version import __version__

__all__ = [
    "SCHEMA",
    "atomic_file",
    "check_target",
    "forget_written",
    "open_file",
    "open_hdf5",
    "read_bytes",
    "read_tree",
    "stamp",
    "write_tree",
]

SCHEMA = 1
"""The layout that this version writes; a file with a larger number is refused."""

_STAMP = "spikesim_"  # begins the names of the attributes of `stamp`, which a tree may not use
_CHECKSUM = _STAMP + "crc32"  # of a dataset: HDF5 has checksums of the structure, not of numbers
_NUMBERS = "biufc"  # the kinds of NumPy type that come back from HDF5 exactly

# How HDF5 quotes the system's error number; h5py raises it as an OSError or a RuntimeError.
_HDF5_ERRNO = re.compile(r"errno = (\d+)")

# The files that are being written: temporary name → process, file, whether `keep` was given.
_unfinished: dict[str, tuple[int, h5py.File, bool]] = {}

# The files that this program has written: name in lower case → name → device, file and `keep`. A
# file that has been moved away or replaced since then no longer counts.
_written: dict[str, dict[str, tuple[int, int, bool]]] = {}

_ENDING = len(".01234567.part")  # the length of what `atomic_file` appends to the name

# The errors that h5py raises for damaged bytes. RuntimeError includes the RecursionError of groups
# or lists that are nested without end.
_DAMAGE = (KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


# ---- writing ----------------------------------------------------------------------------------


@contextmanager
def atomic_file(path: str | os.PathLike[str], keep: bool = False) -> Iterator[h5py.File]:
    """Write an HDF5 file that appears under `path` only when it is complete.

    Until then it is called `path` plus ".<8 hex digits>.part". So two runs that write the same path
    never mix their bytes; the later one wins. Within one program a file with `keep`, such as a
    recording, never replaces another file that the program wrote, and is never replaced by one: the
    program may replace files that existed before it started, but loses nothing that it has written
    itself.

    The file with ".part" is only left behind if the process is killed outright, or if the folder
    has become read-only. An error inside the `with` block, or the end of the program, removes it
    and leaves an older file at `path` as it was. On success the bytes are on the disk (fsync)
    before the rename.

    Parameters
    ----------
    path : str or path
        Its folder has to exist. A symbolic link is followed.
    keep : bool
        Whether it holds data that cannot be had again, rather than a state that is saved over and
        over.

    Yields
    ------
    h5py.File
        Open for writing; it is closed at the end of the block.

    Raises
    ------
    FileError
        If the file cannot be written: no such folder, no permission, full disk, not a file, or
        a file of this program that would be lost.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.h5")
    >>> with atomic_file(path) as file:
    ...     file["weights"] = [0.5, 0.25]
    >>> os.listdir(os.path.dirname(path))
    ['weights.h5']
    """
    target = check_target(path)
    _refuse_to_lose(path, target, keep)
    temporary = f"{target}.{secrets.token_hex(4)}.part"
    try:
        # since 1.10 HDF5 keeps checksums of the structure: damage is found, not followed
        file = h5py.File(temporary, "x", libver=("v110", "v110"))
    except OSError as error:
        _remove(temporary)  # on a full disk it exists and is empty
        raise _cannot_write(path, error) from error
    _unfinished[temporary] = os.getpid(), file, keep
    try:
        try:
            yield file
        except (OSError, RuntimeError) as error:
            if _HDF5_ERRNO.search(str(error)):
                raise _cannot_write(path, error) from error
            raise
        try:
            file.flush()
            file.close()
            with open(temporary, "rb+") as raw:
                os.fsync(raw.fileno())
            found = os.stat(temporary)
            os.replace(temporary, target)
            alike = _written.setdefault(str(target).casefold(), {})
            alike[str(target)] = found.st_dev, found.st_ino, keep
            _sync_folder(target.parent)
        except (OSError, RuntimeError) as error:
            raise _cannot_write(path, error) from error
    except BaseException:
        _abandon(file)
        _remove(temporary)
        raise
    finally:
        _unfinished.pop(temporary, None)


def check_target(path: str | os.PathLike[str]) -> Path:
    """The file that a path means for writing: a symbolic link is followed.

    Raises
    ------
    FileError
        If its folder is missing, or if the path is something other than a file.

    Examples
    --------
    >>> check_target("weights.h5").name
    'weights.h5'
    """
    target = Path(os.path.realpath(check_path("path", path)))
    try:
        if not target.parent.is_dir():
            raise FileError(
                f"Cannot write {os.fspath(path)}: there is no folder {target.parent}; "
                "create it first."
            )
        if target.exists() and not target.is_file():
            raise FileError(
                f"Cannot write {os.fspath(path)}: it is a folder or a device; choose another name."
            )
    except FileError:
        raise
    except OSError as error:
        raise _cannot_write(path, error) from error
    return target


def forget_written() -> None:
    """Allow everything written so far to be replaced, as if another program started."""
    _written.clear()


def _refuse_to_lose(path: str | os.PathLike[str], target: Path, keep: bool) -> None:
    if _is_being_written(target, keep):
        gc.collect()  # this closes a recording that nobody can reach any more
    if _is_being_written(target, keep):
        raise FileError(
            f"Cannot write {os.fspath(path)}: a recording is being written there; close() it "
            "first, or choose another name."
        )
    try:
        found = os.stat(target)
    except OSError:  # there is no file that could be lost
        return
    for device, number, kept in _written.get(str(target).casefold(), {}).values():
        if (found.st_dev, found.st_ino) == (device, number) and (keep or kept):
            raise FileError(
                f"Cannot write {os.fspath(path)}: it holds what this program has written before; "
                "choose another name, or remove that file first."
            )


def _is_being_written(target: Path, keep: bool = False) -> bool:
    """Whether this program is writing a kept file there, or, if `keep`, any file."""
    for temporary, (_, _, kept) in list(_unfinished.items()):
        with suppress(OSError):
            # The name may be spelled in any way: the unfinished file lies beside it.
            if (keep or kept) and os.path.samefile(f"{target}{temporary[-_ENDING:]}", temporary):
                return True
    return False


def _remove(temporary: str) -> None:
    with suppress(OSError):  # if the folder became read-only, the first error is the one to report
        os.unlink(temporary)


@atexit.register
def abandon_all() -> None:
    """Remove the files that nobody has closed by the end of the program: they are not complete."""
    for temporary, (process, file, _) in list(_unfinished.items()):
        if process == os.getpid():  # a forked process may end while its parent is still writing
            _abandon(file)
            _remove(temporary)


def _abandon(file: h5py.File) -> None:
    """Close a file whose content does not matter any more, even when its disk is full.

    When HDF5 closes a file, it writes the bytes that it still holds. If that fails, the file stays
    half closed, and the next attempt, at the latest when the process ends, is a segmentation fault.
    So those last bytes are sent to memory.
    """
    if not file:
        return
    if sys.platform != "linux":
        with suppress(OSError, RuntimeError):
            file.close()
        return
    with suppress(OSError):
        elsewhere = os.memfd_create("abandoned")
        os.dup2(elsewhere, file.id.get_vfd_handle(), inheritable=False)
        os.close(elsewhere)
    import resource

    # A limit on file sizes, which may be what went wrong, also applies in memory.
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        with suppress(OSError, RuntimeError):
            file.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


def _sync_folder(folder: Path) -> None:
    """Write a rename to the disk; only POSIX systems can open a folder for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: str | os.PathLike[str], error: OSError | RuntimeError) -> FileError:
    found = _HDF5_ERRNO.search(str(error))
    number = int(found[1]) if found else getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        reason = "the disk or your quota is full; free some space or choose another folder."
    elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = "you may not write in this folder; choose another one or change its permissions."
    else:
        cause = os.strerror(number) if number else _first_line(error)
        reason = f"{cause}; choose another name or folder."
    return FileError(f"Cannot write {os.fspath(path)}: {reason}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def stamp(file: h5py.File, kind: str) -> None:
    """Note in the root attributes what the file holds and who wrote it; `open_file` checks them.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    kind : str
        The kind of content, such as "checkpoint".

    Examples
    --------
    >>> with h5py.File("stamped", "w", driver="core", backing_store=False) as file:
    ...     stamp(file, "checkpoint")
    ...     sorted(file.attrs)
    ['spikesim_kind', 'spikesim_schema', 'spikesim_version']
    """
    file.attrs[_STAMP + "kind"] = np.bytes_(kind.encode())
    file.attrs[_STAMP + "schema"] = SCHEMA
    file.attrs[_STAMP + "version"] = np.bytes_(__version__.encode())


# ---- reading ----------------------------------------------------------------------------------


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the whole content of a file of any format; a device, which may never end, is refused.

    Raises
    ------
    FileError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     read_bytes(file.name)
    b''
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)):
            return Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except MemoryError:
        raise FileError(f"{path} holds more than there is memory for.") from None
    raise FileError(f"{path} is a device; name a file.")


def open_hdf5(path: str | os.PathLike[str]) -> h5py.File:
    """Open any HDF5 file for reading, or say in one line why that cannot be done.

    Raises
    ------
    FileError
        If there is no such file or no permission to read it; if it is not an HDF5 file, or is
        damaged or cut off; if it is still being recorded, or another program is writing it.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.h5")
    >>> with atomic_file(path) as file:
    ...     file["weights"] = [0.5, 0.25]
    >>> with open_hdf5(path) as file:
    ...     list(file)
    ['weights']
    """
    name = str(check_path("path", path))
    if _is_being_written(Path(os.path.realpath(name))):
        raise FileError(f"{name} is being recorded; close() the recording before reading it.")
    try:
        regular = stat.S_ISREG(os.stat(name).st_mode)
        if regular:
            open(name, "rb").close()
    except FileNotFoundError:
        raise FileError(f"There is no file {name}; {_what_to_do(name)}.") from None
    except OSError as error:
        raise FileError(
            f"Cannot read {name}: {error.strerror}; change its permissions or copy it."
        ) from error
    if not regular:
        raise FileError(f"{name} is a folder or a device; give the path of a file.")
    if not h5py.is_hdf5(name):
        raise FileError(f"{name} is not an HDF5 file; check the path.")
    try:
        return h5py.File(name, "r")
    except BlockingIOError as error:
        raise FileError(f"{name} is being written by another program; try again later.") from error
    except _DAMAGE as error:
        raise FileError(
            f"{name} is damaged or was only partly copied: {_first_line(error)}; "
            "copy it again or use an older one."
        ) from error


def _what_to_do(missing: str) -> str:
    target = os.path.realpath(missing)
    for part in Path(target).parent.glob("*.part"):
        if str(part)[:-_ENDING] == target:
            return (
                f"{part.name} is its unfinished version, which a program is still writing or left "
                "when it was killed: close the recording first"
            )
    return "check the path"


def open_file(path: str | os.PathLike[str], kind: str) -> h5py.File:
    """Open a file that `stamp` marked as one of this kind.

    Parameters
    ----------
    path : str or path
    kind : str
        The required kind of content, such as "checkpoint".

    Returns
    -------
    h5py.File
        Open for reading; close it, or use it in a `with` statement.

    Raises
    ------
    InputError
        If `kind` is not a name.
    FileError
        In the cases of `open_hdf5`, and if spikesim did not write the file, if it holds something
        else, or if a newer spikesim wrote it.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "run.h5")
    >>> with atomic_file(path) as file:
    ...     stamp(file, "checkpoint")
    ...     write_tree(file, {"epoch": 3})
    >>> with open_file(path, "checkpoint") as file:
    ...     read_tree(file)
    {'epoch': 3}
    """
    check_name("kind", kind)
    name = str(check_path("path", path))
    file = open_hdf5(path)
    try:
        try:
            found, schema, version = (
                _attribute(file, _STAMP + part) for part in ("kind", "schema", "version")
            )
        except _DAMAGE as error:
            raise FileError(
                f"{name} is damaged: {_first_line(error)}; use an older one."
            ) from error
        if not isinstance(found, str) or not isinstance(schema, np.integer):
            raise FileError(f"{name} was not written by spikesim; check the path.")
        if schema > SCHEMA:
            raise FileError(
                f"{name} was written by a newer spikesim ({version}; this one is "
                f"{__version__}); upgrade with pip install --upgrade spikesim."
            )
        if found != kind:
            raise FileError(
                f"{name} is a spikesim {found} file, not a {kind} file; check the path."
            )
    except BaseException:
        file.close()
        raise
    return file


def _attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return a text or a whole number that is stored in place, and None for everything else.

    HDF5 keeps texts of variable length in a heap without checksums, where damage makes it hang. So
    spikesim neither writes nor reads such texts.
    """
    if name not in item.attrs or item.attrs.get_id(name).dtype.kind not in "Si":
        return None
    value = item.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


# ---- nested values ----------------------------------------------------------------------------


def write_tree(group: h5py.Group, tree: Mapping[str, Any]) -> None:
    """Write nested dicts of arrays, numbers and texts, so that `read_tree` returns the same.

    A dict becomes a group and an array a dataset. Everything else becomes an attribute with its
    JSON text. That text is exact (floats to the last bit, whole numbers of any size), readable with
    any HDF5 tool, and cannot be mistaken for an array.

    Parameters
    ----------
    group : h5py.Group
        The file, or a group of it, open for writing and without members of the same names.
    tree : dict
        Values: dict, numpy.ndarray (bool, whole, real or complex numbers of any shape), int,
        float, bool, str, None, and lists of the last five. The order of the names is not kept.

    Raises
    ------
    InputError
        For any other value; the message says where it is. Nothing is converted: a NumPy scalar is
        refused, because an int or a float would come back.

    Examples
    --------
    >>> with h5py.File("tree", "w", driver="core", backing_store=False) as file:
    ...     write_tree(file, {"dt": 0.1, "layers": {"sizes": [784, 500, 10]}})
    ...     read_tree(file)
    {'dt': 0.1, 'layers': {'sizes': [784, 500, 10]}}
    """
    for key, value in tree.items():
        where, value = f"{group.name.rstrip('/')}/{key}", ordinary(value)
        check_name("A key", key)
        if key.startswith(_STAMP):
            raise InputError(f"A key is {key!r}; names that begin with {_STAMP!r} are reserved.")
        if isinstance(value, dict):
            write_tree(group.create_group(key), value)
        elif type(value) is np.ndarray:
            if value.dtype.kind not in _NUMBERS:
                raise InputError(f"{where} has dtype {value.dtype}; it has to hold numbers.")
            # h5py only warns when it cannot write a dataset that it closes; flush raises
            dataset = group.create_dataset(key, data=value)
            dataset.attrs[_CHECKSUM] = _checksum(value)
            dataset.flush()
        elif _is_plain(value):
            group.attrs[key] = np.bytes_(json.dumps(value).encode())
        else:
            raise InputError(
                f"{where} is a {type(value).__name__}; it has to be a dict, numpy.ndarray, int, "
                "float, bool, str, None, or a list of the last five."
            )


def _is_plain(value: Any) -> bool:
    scalars = (int, float, bool, str, type(None))
    if type(value) is list:
        return all(type(item) in scalars for item in value)
    return type(value) in scalars


def read_tree(group: h5py.Group) -> dict[str, Any]:
    """Read what `write_tree` wrote, without executing anything or following a link.

    Pass the file rather than a group of it: `file["config"]` would follow a link before this
    function can refuse it, but `read_tree(file)["config"]` does not.

    Parameters
    ----------
    group : h5py.Group

    Returns
    -------
    dict
        The same nested values, with the same types.

    Raises
    ------
    FileError
        If the file holds anything that `write_tree` does not write: soft or external links, an
        object under two names, data kept in other files, compressed or missing data, types other
        than numbers.

    Examples
    --------
    >>> with h5py.File("tree", "w", driver="core", backing_store=False) as file:
    ...     write_tree(file, {"weights": np.zeros((2, 3), np.float32), "seed": 2**63})
    ...     tree = read_tree(file)
    >>> tree["weights"].dtype, tree["weights"].shape, tree["seed"]
    (dtype('float32'), (2, 3), 9223372036854775808)
    """
    try:
        return _read_group(group)
    except FileError:
        raise
    except _DAMAGE as error:
        raise _damaged(group, _first_line(error)) from error


def _read_group(group: h5py.Group) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key in group.attrs:
        if not key.startswith(_STAMP):
            text = _attribute(group, key)
            tree[key] = json.loads(text) if isinstance(text, str) else text
            if not isinstance(text, str) or not _is_plain(tree[key]):
                raise _damaged(group, f"the attribute {key!r} is not a plain value")
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise _damaged(group, f"{key!r} is a link to somewhere else")
        member = group[key]
        if key in tree or h5py.h5o.get_info(member.id).rc != 1:
            # an object with two names may contain itself
            raise _damaged(group, f"{key!r} exists twice")
        if isinstance(member, h5py.Group):
            tree[key] = _read_group(member)
        elif isinstance(member, h5py.Dataset):
            tree[key] = _read_array(member)
        else:
            raise _damaged(group, f"{key!r} is neither a group nor a dataset")
    return tree


def _read_array(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.dtype.kind not in _NUMBERS or dataset.shape is None:
        raise _damaged(dataset, f"its type is {dataset.dtype}, not a number")
    layout = dataset.id.get_create_plist()
    # Other layouts may read other files, load filters from shared libraries, or claim to be far
    # larger than the file.
    if (
        layout.get_layout() != h5py.h5d.CONTIGUOUS
        or layout.get_external_count()
        or dataset.id.get_storage_size() != dataset.nbytes
        or dataset.nbytes > dataset.file.id.get_filesize()
    ):
        raise _damaged(dataset, "its numbers are not stored the way spikesim stores them")
    # a file with holes may claim a size that no disk, and no memory, has room for
    check_memory(f"It has shape {dataset.shape}", float(dataset.nbytes))
    array = np.empty(dataset.shape, dataset.dtype.str)  # the text drops what h5py adds to the type
    if array.size:
        dataset.read_direct(array)
    # Files of older versions have none. A flipped bit cannot remove it: HDF5 checks the headers.
    if _CHECKSUM in dataset.attrs and _attribute(dataset, _CHECKSUM) != _checksum(array):
        raise _damaged(dataset, "its numbers have changed since they were written")
    return array


def _checksum(array: np.ndarray) -> np.int64:
    return np.int64(zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data))


def _damaged(item: h5py.Group | h5py.Dataset, reason: str) -> FileError:
    return FileError(
        f"{item.file.filename}: {item.name} was not written by spikesim or is damaged: {reason}; "
        "use another copy of the file."
    )
