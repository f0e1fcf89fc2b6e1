"""Copies of networks, in memory and for other processes; they continue with the same bits.

A network is a web: phases, projections and recordings hold the arrays of populations, and some hold
a view of one. `copy` and `pickle` preserve which objects are the same, but they would turn a view
into a separate array, to which nobody writes any more. So a network is packed as a whole, into
bytes that `pickle` can carry, and a view is packed as its place in the array that it is a view of.

A population, a projection or a background is copied together with its network. Compiled code is
left out, as the cache has it.
"""

from __future__ import annotations

import pickle
from copy import deepcopy
from io import BytesIO
from types import FunctionType
from typing import Any

import numpy as np

from spikesim.attributes import Guarded, ReadOnly, read_only
from spikesim.errors import InputError

__all__ = ["Companion", "Part", "Whole"]


class Whole(Guarded):
    """An object that is copied together with everything that it holds."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _unpacked, (_packed(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # Memory is copied once. Functions are not copied, so they may be local ones.
        buffers: list[pickle.PickleBuffer] = []
        functions: list[FunctionType] = []
        packed = _packed(self, buffers, functions)
        copies = [bytearray(buffer.raw()) for buffer in buffers]
        return _unpacked(packed, copies, functions)

    def __copy__(self) -> Any:
        return self.__deepcopy__({})

    def _held(self) -> dict[str, Any]:
        """The attributes from which a copy is made."""
        return self.__dict__

    def _revive(self) -> None:
        """Complete a copy, once everything that it holds has been copied."""


class Part(Guarded):
    """An object that belongs to a network, and is copied and restored with it."""

    def built(self) -> dict[str, Any]:
        """The properties that another object has to share, to continue from this one's state.

        Name → number or text. The values are those with which the object was built, because some
        can be changed between runs, and whoever restores a state may do so.
        """
        raise NotImplementedError

    def exchanged(self) -> list[dict[str, np.ndarray]]:
        """The dicts whose arrays may be replaced by others while the network exists."""
        return []

    def _place(self) -> tuple[Whole, str, Any]:
        """The network, the name of the dict or list that holds this object, and its key there."""
        raise NotImplementedError

    def __reduce__(self) -> Any:
        return _part, self._place()

    def __copy__(self) -> Any:
        return deepcopy(self)

    def _held(self) -> dict[str, Any]:
        """The attributes from which a copy is made when the network is copied."""
        return self.__dict__


class Companion:
    """An object that is copied whole with its network, and only in part when copied alone.

    Its ``__getstate__`` returns the part; it also refuses what cannot be copied.
    """


def _part(network: Whole, where: str, key: Any) -> Any:
    return getattr(network, where)[key]


class _Packer(pickle.Pickler):
    def __init__(self, file: BytesIO, buffers: Any, functions: list[FunctionType] | None):
        super().__init__(file, 5, buffer_callback=None if buffers is None else buffers.append)
        self.wholes: list[Whole] = []
        self._functions = functions

    def persistent_id(self, obj: Any) -> int | None:
        if self._functions is None or not isinstance(obj, FunctionType):
            return None
        self._functions.append(obj)
        return len(self._functions) - 1

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in (np.ndarray, ReadOnly):
            return _reduced(obj)
        if isinstance(obj, Whole):
            self.wholes.append(obj)
        if isinstance(obj, (Whole, Part)):
            return _new, (type(obj),), obj._held()
        if isinstance(obj, Companion):
            obj.__getstate__()  # refuses what cannot be copied
            return _new, (type(obj),), obj.__dict__, None, None, _set
        return NotImplemented


class _Unpacker(pickle.Unpickler):
    def __init__(self, packed: bytes, buffers: Any, functions: list[FunctionType]):
        super().__init__(BytesIO(packed), buffers=buffers)
        self._functions = functions

    def persistent_load(self, place: int) -> FunctionType:
        return self._functions[place]


def _new(kind: type) -> Any:
    return object.__new__(kind)


def _set(made: Any, attributes: dict[str, Any]) -> None:
    made.__dict__.update(attributes)


def _reduced(array: np.ndarray) -> Any:
    """How a view is packed: as its place in the array that it is a view of."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if whole is array or type(whole) is not np.ndarray or not whole.flags.c_contiguous:
        return NotImplemented
    first = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    place = array.dtype, array.shape, array.strides, first, array.flags.writeable
    advice = (array.advice,) if isinstance(array, ReadOnly) else ()
    return _view, (whole, *place, *advice)


def _view(
    whole: np.ndarray,
    dtype: np.dtype,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    first: int,
    writeable: bool,
    advice: str | None = None,
) -> np.ndarray:
    view = np.ndarray(shape, dtype, whole.reshape(-1), first, strides)
    view.flags.writeable = writeable
    return view if advice is None else read_only(view, advice)


def _packed(
    whole: Whole, buffers: Any = None, functions: list[FunctionType] | None = None
) -> bytes:
    file = BytesIO()
    packer = _Packer(file, buffers, functions)
    try:
        packer.dump((whole, packer.wholes))
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"This {type(whole).__name__} cannot be copied: {reason}. To send it to another "
            "process, define its functions in a module; or save it, and restore it into a network "
            "that is built alike."
        ) from error
    return file.getvalue()


def _unpacked(
    packed: bytes, buffers: Any = None, functions: list[FunctionType] | None = None
) -> Any:
    try:
        whole, wholes = _Unpacker(packed, buffers, functions or []).load()
    except (AttributeError, ImportError) as error:
        raise InputError(
            f"This network was pickled by another version ({error}). Use save() in that version; "
            "then build the network here and restore() the file."
        ) from error
    for each in wholes:
        each._revive()
    return whole
