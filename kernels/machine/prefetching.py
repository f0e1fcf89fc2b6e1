"""What a CPU does for `spikesim.kernels.functions.prefetch`: one instruction, without a result."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["prefetch"]

_TO_READ, _KEEP, _DATA = (ir.IntType(32)(number) for number in (0, 3, 1))


@intrinsic
def prefetch(typing, array, place):  # type: ignore[no-untyped-def]
    """Begin to load ``array[place]`` into all levels of the cache; it never fails."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind, index = signature.args
        found = make_array(kind)(context, builder, arguments[0])
        is_tuple = isinstance(index, types.BaseTuple)
        places = cgutils.unpack_tuple(builder, arguments[1]) if is_tuple else arguments[1:]
        kinds = index if is_tuple else [index]
        whole = [
            context.cast(builder, value, each, types.intp)
            for value, each in zip(places, kinds, strict=True)
        ]
        pointer = cgutils.get_item_pointer(context, builder, kind, found, whole)
        memory = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [memory, number, number, number])
        load = builder.module.declare_intrinsic("llvm.prefetch", [memory], shape)
        builder.call(load, [builder.bitcast(pointer, memory), _TO_READ, _KEEP, _DATA])
        return context.get_dummy_value()

    return types.none(array, place), generate
