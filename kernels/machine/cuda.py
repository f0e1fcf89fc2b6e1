"""The backend for NVIDIA GPUs: the same bodies, whose indices are shared among threads.

    each(t, s, p):  of n threads, thread k takes the indices k, k + n, k + 2 n, ..., then all meet

A *block* of threads runs one network. Hundreds of networks with the same program, its replicas, run
side by side, each in one block; their arrays are stacked along a first axis. A network that runs
alone has the whole *grid*. No sum depends on the order of the threads, and each operation is
rounded as on a CPU, so a GPU gives the bits of the other backends. Arrays are copied to the device
before a run and back after it. Inputs are only copied to the device, and only when they have
changed.

numba.cuda is imported only when a backend is made; `provider` is the one place that says where it
comes from. Without a GPU, its simulator (set ``NUMBA_ENABLE_CUDASIM=1`` before Numba is imported)
runs everything but the compiler, and `Runner.ptx` runs everything but the launch.

A program is compiled as a whole, and its Phases are not cached one by one on disk as they are for
CPUs. All of a step runs in one launch: there a call by address would need a stack in the device's
slow memory, and a linker that avoids the stack compiles the Phases again.
"""

from __future__ import annotations

import inspect
import math
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from spikesim.kernels.fetching import LEFT_OUT
from spikesim.kernels.functions import Exponent
from spikesim.kernels.machine import program
from spikesim.kernels.machine.lowering import Lowering

__all__ = ["Cuda", "Runner", "provider", "unavailable"]

_NO_GPU = (
    "no usable GPU and driver were found; CUDA_VISIBLE_DEVICES may hide them, and the CUDA "
    "libraries come with 'pip install spikesim[cuda12]' or '[cuda13]'"
)


def provider() -> Any:
    """The module `numba.cuda`: Numba's own, or that of the package numba-cuda."""
    from numba import cuda

    return cuda


def unavailable(device: int = 0) -> str:
    """The reason why the backend cannot be used here; empty if it can."""
    try:
        cuda = provider()
        if not cuda.is_available():
            return _NO_GPU
        count = len(cuda.gpus)
    except Exception as error:  # a driver may raise anything
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return "" if device < count else f"there is no cuda:{device}, the last one is cuda:{count - 1}"


# ------------------------------------------------------------- what is compiled around the bodies


def each(t, s, p):
    """The loop over one Phase, for one thread of many."""
    count = over(t, s, p)  # noqa: F821 - bound when lowered
    meet()  # noqa: F821 - before a body changes what `over` has read
    for i in range(lane(), count, lanes()):  # noqa: F821
        body(i, t, s, p)  # noqa: F821
    meet()  # noqa: F821


def each_of_neurons(t, s, p):
    """The same for a Phase after which threads need not meet; see `Phase.neurons`."""
    for i in range(lane(), over(t, s, p), lanes()):  # noqa: F821
        body(i, t, s, p)  # noqa: F821


def block_replica():
    return cuda.blockIdx.x  # noqa: F821


def block_lane():
    return cuda.threadIdx.x  # noqa: F821


def block_lanes():
    return cuda.blockDim.x  # noqa: F821


def block_meet():
    cuda.syncthreads()  # noqa: F821


def grid_replica():
    return 0


def grid_lane():
    return cuda.grid(1)  # noqa: F821


def grid_lanes():
    return cuda.gridsize(1)  # noqa: F821


def grid_meet():
    cuda.cg.this_grid().sync()  # noqa: F821


# Only one thread at a time can use the simulator's module `cuda`; but its threads know all of it.


def simulated_replica():
    return threading.current_thread().blockIdx.x  # type: ignore[attr-defined]


def simulated_lane():
    return threading.current_thread().threadIdx.x  # type: ignore[attr-defined]


def simulated_lanes():
    return threading.current_thread()._manager._block_dim[0]  # type: ignore[attr-defined]


def simulated_meet():
    threading.current_thread().syncthreads()  # type: ignore[attr-defined]


def lower_of_two(a, b):
    return b if b < a else a


def higher_of_two(a, b):
    return b if b > a else a


def root(x):
    return sqrt(x)  # noqa: F821


THREADS: dict[str, dict[str, Callable]] = {
    "block": {
        "replica": block_replica,
        "lane": block_lane,
        "lanes": block_lanes,
        "meet": block_meet,
    },
    "grid": {"replica": grid_replica, "lane": grid_lane, "lanes": grid_lanes, "meet": grid_meet},
}
SIMULATED: dict[str, Callable] = {
    "replica": simulated_replica,
    "lane": simulated_lane,
    "lanes": simulated_lanes,
    "meet": simulated_meet,
}


def bound(function: Any, **names: Any) -> FunctionType:
    """A copy of a function that sees these globals."""
    scope = {**function.__globals__, **names}
    return FunctionType(function.__code__, scope, function.__name__)


class Cuda:
    """The backend on one device; does for `Program` what the modules `cpu` and `python` do.

    Parameters
    ----------
    device : int
    threads : int, optional
        Per block; by default 256, and 2 in the simulator.
    """

    PARTS = 1 << 40  # a thread for each
    JOINS = True
    STAGES = False

    def __init__(self, device: int = 0, threads: int | None = None):
        from numba import config
        from numba.core.errors import NumbaError

        self.cuda = provider()
        self.device = device
        self.simulated = bool(config.ENABLE_CUDASIM)
        self.threads = threads or (2 if self.simulated else 256)
        if self.simulated:
            # Its threads wait for each other all the time: by default, a hundred times longer.
            sys.setswitchinterval(1e-5)
        self.FAILURES: tuple[type[Exception], ...] = (NumbaError,)
        # A linker that optimises would join products and sums, whatever the compiler was told.
        known = inspect.signature(self.cuda.jit).parameters
        self._link_options = {"lto": False} if "lto" in known else {}
        self.inputs = Inputs(self.cuda)
        self._lowerings: dict[str, Lowering] = {}
        self._loops: dict[tuple[Callable, Callable, bool], dict[str, Callable]] = {}
        self._kernels: dict[tuple[str, str, tuple[str, ...]], Any] = {}
        self.parts = {
            scope: {
                name: self._jit(bound(part, cuda=self.cuda))
                for name, part in (SIMULATED if self.simulated else parts).items()
            }
            for scope, parts in THREADS.items()
        }

    def lowering(self, dtype: str) -> Lowering:
        """Lowering that compiles for the device."""
        if dtype not in self._lowerings:
            if self.simulated:
                lower = Lowering(self._jit, dtype, LEFT_OUT, exponent=Exponent)
            else:
                # The device's compiler lacks these, or types them differently from the CPU's.
                square_root = self._jit(bound(root, sqrt=math.sqrt))
                lower = Lowering(
                    self._jit,
                    dtype,
                    {min: lower_of_two, max: higher_of_two, **LEFT_OUT},
                    {math.sqrt: square_root, np.sqrt: square_root},
                )
            self._lowerings[dtype] = lower
        return self._lowerings[dtype].afresh()

    def each(
        self, lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
    ) -> tuple[dict[str, Callable], str]:
        """The loop over one Phase, for a block and for a grid, and a hash of what it does."""
        loop = lower(body), lower(over), meets
        if loop not in self._loops:
            function = each if meets else each_of_neurons
            self._loops[loop] = {
                scope: self._jit(bound(function, body=loop[0], over=loop[1], **parts))
                for scope, parts in self.parts.items()
            }
        return self._loops[loop], f"{lower.digest(body)} {lower.digest(over)}"

    def build(self, source: program.Source, names: dict[str, Any], key: str) -> Runner:
        """Make the object that runs calls of a program."""
        return Runner(self, source, names, key)

    def kernel(
        self, key: str, scope: str, layout: tuple[str, ...], write: Callable[[], Callable]
    ) -> Any:
        """The kernel of all programs with this key; `write` makes its function if it is new."""
        if (key, scope, layout) not in self._kernels:
            self._kernels[key, scope, layout] = self.cuda.jit(write(), **self._link_options)
        return self._kernels[key, scope, layout]

    def _jit(self, function: Any) -> Callable:
        if self.simulated:
            return function
        compiled = self.cuda.jit(device=True)(function)
        return _with_defaults(function, compiled) if function.__defaults__ else compiled


def _with_defaults(function: Any, compiled: Callable) -> Callable:
    """A function for the device that may be called without its last arguments.

    What the compiler for the device makes of a function takes all of them; an overload does not.
    """
    from numba.extending import overload

    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    least = len(names) - len(function.__defaults__)
    left_out = {
        f"default_{name}": x for name, x in zip(names[least:], function.__defaults__, strict=True)
    }
    scope: dict[str, Any] = {"compiled": compiled, **left_out}
    for count in range(least, len(names) + 1):
        given, rest = names[:count], [f"default_{name}" for name in names[count:]]
        call = ", ".join((*given, *rest))
        exec(f"def call_{count}({', '.join(given)}): return compiled({call})", scope)
    exec(f"def whole({', '.join(names)}): pass", scope)

    def typed(*given: Any) -> Any:
        return scope[f"call_{len(given)}"]

    overload(scope["whole"], target="cuda", strict=False)(typed)
    return scope["whole"]


class Runner:
    """A program on the device; see `Cuda.build`."""

    tier = "cuda"

    def __init__(self, backend: Cuda, source: program.Source, names: dict[str, Any], key: str):
        self.backend, self.source, self.names, self.key = backend, source, names, key

    @property
    def is_ready(self) -> bool:
        """Whether a program like this one has been compiled in this process."""
        kernels = self.backend._kernels
        return self.backend.simulated or any(known == self.key for known, _, _ in kernels)

    def prepare(self, report: Any = None) -> None:
        """Report that the first call will compile: the code depends on its number of replicas."""
        if report is not None:
            report(0, 0, "for the GPU")

    def __call__(self, calls: Sequence[program.Call]) -> None:
        """Run the data of each call in one block, or a single call in the whole grid."""
        scope = "grid" if len(calls) == 1 else "block"
        with self.backend.cuda.gpus[self.backend.device]:
            memory = Memory(self.backend, calls)
            kernel = self.backend.kernel(
                self.key, scope, memory.layout, lambda: self._function(scope, memory.layout)
            )
            arguments = memory.upload()
            kernel[self._shape(scope, kernel, arguments, len(calls))](*arguments)
            memory.download()

    def ptx(self, call: program.Call, scope: str = "block", cc: tuple[int, int] = (9, 0)) -> str:
        """The program compiled for a compute capability, without optimisation.

        This needs no GPU, only NVIDIA's compiler library, which is part of a CUDA toolkit.
        """
        from numba import typeof, types

        cuda = self.backend.cuda
        real = typeof(call.reals.dtype.type(0))
        arrays = types.Tuple([types.Array(typeof(a).dtype, a.ndim + 1, "C") for a in call.arrays])
        whole = types.int64
        signature = types.void(
            whole[::1],
            whole[::1],
            arrays,
            types.Array(whole, 2, "C"),
            types.Array(real, 2, "C"),
            types.Array(whole, 2, "C"),
        )
        function = self._function(scope, ("stacked",) * len(call.arrays))
        place = f"{cuda.dispatcher.__name__}.get_current_device"
        device = SimpleNamespace(compute_capability=cc)
        with patch(place, lambda: device), rounding_each_operation(cuda):
            text, _ = cuda.compile(function, signature, device=False, abi="numba", cc=cc, opt=False)
        return text

    def _function(self, scope: str, layout: tuple[str, ...]) -> Callable:
        text = self.source.text(
            (
                "def run(t0, n, a, q, x, k):",
                "    r = replica()",
                "    for t in range(t0[r], t0[r] + n[r]):",
            ),
            lambda slot: LAYOUTS[layout[slot]].format(slot),
            "x[r, {}]",
            "int(k[r, {}])",
            meet="meet()",
        )
        chosen = {
            name: value[scope] if isinstance(value, dict) else value
            for name, value in self.names.items()
        }
        own = self.backend.parts[scope]
        names = {**chosen, "replica": own["replica"], "meet": own["meet"]}
        exec(compile(text, __file__, "exec"), names)
        return names["run"]

    def _shape(self, scope: str, kernel: Any, arguments: tuple, count: int) -> tuple[int, int]:
        """The number of blocks, and of threads in each."""
        threads = self.backend.threads
        if self.backend.simulated:
            # The simulator can only synchronise a single block.
            return (1 if scope == "grid" else count), threads
        signature = tuple(kernel.typeof_pyval(argument) for argument in arguments)
        with rounding_each_operation(self.backend.cuda):
            kernel.compile(signature)
        if scope == "block":
            return count, threads
        most = kernel.overloads[signature].max_cooperative_grid_blocks(threads)
        return min(most, self.backend.cuda.get_current_device().MULTIPROCESSOR_COUNT), threads


@contextmanager
def rounding_each_operation(cuda: Any) -> Iterator[None]:
    """Compile so that a product is rounded before it is added to something, as on a CPU.

    NVIDIA's compiler joins the two by default, and numba.cuda has no option that says otherwise.
    """
    nvvm = cuda.cudadrv.nvvm
    compile_ir = nvvm.compile_ir
    with patch.object(nvvm, "compile_ir", lambda ir, **rest: compile_ir(ir, **rest, fma=False)):
        yield


# ------------------------------------------------------------------------------------- memory


class Inputs:
    """Arrays that are only read. The last few stay on the device and are sent when they change."""

    MOST = 16

    def __init__(self, cuda: Any):
        self._cuda = cuda
        self._sent: dict[int, tuple[int, int, Any]] = {}

    def on_device(self, array: np.ndarray) -> Any:
        """The device's copy of an array."""
        address = array.__array_interface__["data"][0]
        check = zlib.crc32(array.data)
        sent = self._sent.get(address)
        if sent is None or sent[:2] != (array.nbytes, check):
            while len(self._sent) >= self.MOST:
                self._sent.pop(next(iter(self._sent)))
            self._sent[address] = array.nbytes, check, self._cuda.to_device(array)
        return self._sent[address][2]


LAYOUTS = {
    "shared": "a[{0}]",
    "stacked": "a[{0}][r]",
    "ragged": "a[{0}][q[{0}, r] : q[{0}, r + 1]]",
}
"""How the kernel finds the array of a slot that belongs to replica r."""


class Memory:
    """Where the arrays of some calls of one program lie on the device.

    An input that all calls share is on the device once. Other arrays are stacked. Arrays of one
    dimension that differ in length, such as the synapses of a random projection, are concatenated.
    Two arrays may be views of the same memory, such as a conductance and the row that a projection
    adds to. So memory is sent in pieces, and the kernel gets views of the pieces.
    """

    def __init__(self, backend: Cuda, calls: Sequence[program.Call]):
        self.backend, self.calls = backend, calls
        first = calls[0]
        self.layout = tuple(self._layout_of(k) for k in range(len(first.arrays)))
        self._piece_of: dict[int, int] = {}  # by address in the first call
        self._owners: list[list[np.ndarray]] = []  # by piece and call
        self._views: dict[int, tuple[int, int]] = {}  # slot → piece and byte in it
        for k, layout in enumerate(self.layout):
            if layout != "shared":
                self._place(k)
        self._is_input = [
            all(k in first.inputs for k, view in self._views.items() if view[0] == piece)
            for piece in range(len(self._owners))
        ]
        self._on_device: list[Any] = []

    @property
    def size(self) -> int:
        """How many bytes the pieces take."""
        return sum(owner.nbytes for owners in self._owners for owner in owners)

    def upload(self) -> tuple[Any, ...]:
        """Send what the calls need; return the arguments of the kernel.

        Raises
        ------
        MemoryError
            If the memory does not fit; it is raised before anything is sent.
        """
        cuda, calls = self.backend.cuda, self.calls
        free = cuda.current_context().get_memory_info()[0]
        if self.size > free:
            raise MemoryError(
                f"{len(calls)} replicas need {self.size / 1e9:.2f} GB on the device, of which "
                f"{free / 1e9:.2f} GB are free; run fewer at once."
            )
        ragged = {self._views[k][0] for k, name in enumerate(self.layout) if name == "ragged"}
        self._on_device = [
            cuda.to_device(
                np.concatenate([*owners, np.zeros(1, owners[0].dtype)])
                if piece in ragged
                else np.stack([_flat(owner) for owner in owners])
            )
            for piece, owners in enumerate(self._owners)
        ]
        arrays = tuple(
            self.backend.inputs.on_device(array)
            if layout == "shared"
            else self._view(k)
            if layout == "stacked"
            else self._on_device[self._views[k][0]]
            for k, (layout, array) in enumerate(zip(self.layout, calls[0].arrays, strict=True))
        )
        edges = np.zeros((len(arrays), len(calls) + 1), np.int64)
        for k, layout in enumerate(self.layout):
            if layout == "ragged":
                edges[k, 1:] = np.cumsum([call.arrays[k].size for call in calls])
        numbers = (
            np.array([call.first for call in calls], np.int64),
            np.array([call.steps for call in calls], np.int64),
            edges,
            np.stack([call.reals for call in calls]),
            np.stack([call.wholes for call in calls]),
        )
        t0, n, q, reals, wholes = (cuda.to_device(each) for each in numbers)
        return t0, n, arrays, q, reals, wholes

    def download(self) -> None:
        """Copy back the arrays that may have been written."""
        for piece, owners, is_input in zip(
            self._on_device, self._owners, self._is_input, strict=True
        ):
            if is_input:
                continue
            numbers = piece.copy_to_host()
            if numbers.ndim == 1:
                numbers = np.split(numbers, np.cumsum([owner.size for owner in owners]))[:-1]
            for row, owner in zip(numbers, owners, strict=True):
                owner.reshape(-1)[...] = row[: owner.size]

    def _layout_of(self, k: int) -> str:
        arrays = [call.arrays[k] for call in self.calls]
        if k in self.calls[0].inputs and all(array is arrays[0] for array in arrays):
            return "shared"
        shapes = {array.shape for array in arrays}
        whole = all(_owner(array) is array for array in arrays)
        return "ragged" if len(shapes) > 1 and arrays[0].ndim == 1 and whole else "stacked"

    def _place(self, k: int) -> None:
        """Find the piece that a slot's array is part of, in every call."""
        arrays = [call.arrays[k] for call in self.calls]
        owners = [_owner(array) for array in arrays]
        address = _address(owners[0])
        if address not in self._piece_of:
            self._piece_of[address] = len(self._owners)
            self._owners.append(owners)
        piece = self._piece_of[address]
        offset = _address(arrays[0]) - address
        self._views[k] = piece, offset
        for array, owner, known in zip(arrays, owners, self._owners[piece], strict=True):
            alike = array.dtype == arrays[0].dtype and _address(array) - _address(owner) == offset
            if self.layout[k] == "stacked":
                alike = alike and array.shape == arrays[0].shape
            if not alike or owner is not known:
                raise ValueError(
                    f"Replicas differ in an array: {array.dtype} of shape {array.shape}, and "
                    f"{arrays[0].dtype} of shape {arrays[0].shape}. On a GPU they have to be of "
                    "the same sizes."
                )

    def _view(self, k: int) -> Any:
        """The device's array of a slot, with the replica as its first axis."""
        piece, offset = self._views[k]
        whole = self._on_device[piece]
        array = self.calls[0].arrays[k]
        shape = (len(self.calls), *array.shape)
        strides = (whole.strides[0], *array.strides)
        if self.backend.simulated:
            start = whole._ary.reshape(-1).view(np.uint8)[offset:].view(array.dtype)
            return type(whole)(np.lib.stride_tricks.as_strided(start, shape, strides))
        return type(whole)(shape, strides, array.dtype, gpu_data=whole.gpu_data.view(offset))


def _owner(array: np.ndarray) -> np.ndarray:
    """The array that owns this array's memory."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner if owner.flags.c_contiguous and owner.dtype == array.dtype else array


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def _flat(owner: np.ndarray) -> np.ndarray:
    """The array in one dimension; an empty array as one number, as no memory can be empty."""
    return owner.reshape(-1) if owner.size else np.zeros(1, owner.dtype)
