"""What a CPU does for `count_below` of `spikesim.kernels.lists`: it compares all, in vectors.

A search by halves asks for one number after another, and guesses wrongly which comes next.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from spikesim.kernels.lists import WINDOW

__all__ = ["count_below"]

_WIDTH = 16  # numbers at once


@intrinsic
def count_below(typing, ascending, first, value):  # type: ignore[no-untyped-def]
    """How many of `WINDOW` numbers from the first on are below a value of their type."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, place, kind = signature.args
        found = make_array(array)(context, builder, arguments[0])
        begin = context.cast(builder, arguments[1], place, types.intp)
        number = context.get_value_type(array.dtype)
        numbers = ir.VectorType(number, _WIDTH)
        limit = context.cast(builder, arguments[2], kind, array.dtype)
        anything = ir.Constant(numbers, ir.Undefined)
        one = builder.insert_element(anything, limit, ir.IntType(32)(0))
        limits = builder.shuffle_vector(
            one, anything, ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), [0] * _WIDTH)
        )
        compare = builder.icmp_signed if array.dtype.signed else builder.icmp_unsigned

        def below(k):  # type: ignore[no-untyped-def]
            """-1 for each of the numbers from the k-th on that is below the limit."""
            pointer = cgutils.get_item_pointer(
                context, builder, array, found, [builder.add(begin, ir.IntType(64)(k))]
            )
            memory = builder.bitcast(pointer, numbers.as_pointer())
            loaded = builder.load(memory, align=array.dtype.bitwidth // 8)
            return builder.sext(compare("<", loaded, limits), numbers)

        total = functools.reduce(builder.add, [below(k) for k in range(0, WINDOW, _WIDTH)])
        name = f"llvm.vector.reduce.add.v{_WIDTH}{number.intrinsic_name}"
        add_up = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(number, [numbers]), name
        )
        return builder.sext(builder.neg(builder.call(add_up, [total])), ir.IntType(64))

    return types.int64(ascending, first, value), generate
