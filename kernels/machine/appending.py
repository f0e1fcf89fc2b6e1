"""What a CPU does for `append_set` and `any_set` of `spikesim.kernels.lists`: no branches.

Whether a neuron spikes cannot be foreseen, and after a wrong guess a processor begins anew. So
eight flags become the bits of a byte. A table has, for each byte, the places of its set bits in
ascending order. All eight are written; the list grows by as many as there are.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from spikesim.kernels.lists import MANY

__all__ = ["any_set", "append_set"]

_EIGHT, _SIXTEEN = 8, 16
_BYTE, _INT32, _INT64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_PLACES = ir.VectorType(_BYTE, _EIGHT)
_IDS = ir.VectorType(_INT32, _EIGHT)


def _places_of(byte: int) -> list[int]:
    found = [bit for bit in range(_EIGHT) if byte >> bit & 1]
    return found + [0] * (_EIGHT - len(found))


def _table(module):  # type: ignore[no-untyped-def]
    """The places of the set bits of each byte."""
    kind = ir.ArrayType(_PLACES, 256)
    table = cgutils.add_global_variable(module, kind, "places_of_set_bits")
    table.linkage, table.global_constant = "internal", True
    table.initializer = ir.Constant(kind, [ir.Constant(_PLACES, _places_of(b)) for b in range(256)])
    return table


@intrinsic
def any_set(typing, flags, first):  # type: ignore[no-untyped-def]
    """Whether any of `MANY` flags from the first on is not 0."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, place = signature.args
        found = make_array(array)(context, builder, arguments[0])
        begin = context.cast(builder, arguments[1], place, types.intp)
        vectors = [
            _flags(context, builder, array, found, builder.add(begin, _INT64(k)), _SIXTEEN)
            for k in range(0, MANY, _SIXTEEN)
        ]
        together = functools.reduce(builder.or_, vectors)
        none = ir.Constant(together.type, [0] * _SIXTEEN)
        bits = builder.bitcast(builder.icmp_unsigned("!=", together, none), ir.IntType(_SIXTEEN))
        return builder.zext(builder.icmp_unsigned("!=", bits, bits.type(0)), _INT64)

    return types.int64(flags, first), generate


def _flags(context, builder, kind, array, first, n):  # type: ignore[no-untyped-def]
    """The vector of n flags of an array, from the first on."""
    flag = cgutils.get_item_pointer(context, builder, kind, array, [first])
    vector = ir.VectorType(flag.type.pointee, n).as_pointer()
    size = context.get_abi_sizeof(flag.type.pointee)
    return builder.load(builder.bitcast(flag, vector), align=size)


@intrinsic
def append_set(typing, ids, row, end, flags, first):  # type: ignore[no-untyped-def]
    """Append ``first + k`` to ``ids[row, end:]`` for each of eight flags that is not 0."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        row_of, end_of, first_of = (
            context.cast(builder, arguments[k], signature.args[k], types.intp) for k in (1, 2, 4)
        )

        arrays = {k: make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 3)}
        flags = _flags(context, builder, signature.args[3], arrays[3], first_of, _EIGHT)
        none = ir.Constant(flags.type, [0] * _EIGHT)
        byte = builder.bitcast(builder.icmp_unsigned("!=", flags, none), _BYTE)
        row = [_INT64(0), builder.zext(byte, _INT64)]
        set_bits = builder.load(builder.gep(_table(builder.module), row))
        anything = ir.Constant(_IDS, ir.Undefined)
        one = builder.insert_element(anything, builder.trunc(first_of, _INT32), _INT32(0))
        begin = builder.shuffle_vector(one, anything, ir.Constant(_IDS, [0] * _EIGHT))
        target = cgutils.get_item_pointer(
            context, builder, signature.args[0], arrays[0], [row_of, end_of]
        )
        listed = builder.add(builder.zext(set_bits, _IDS), begin)
        builder.store(listed, builder.bitcast(target, _IDS.as_pointer()), align=4)
        return builder.zext(builder.ctpop(byte), _INT64)

    return types.int64(ids, row, end, flags, first), generate
