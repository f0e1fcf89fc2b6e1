"""What a CPU does for `spikesim.kernels.lists.add_rows`: whole vectors, eight rows in one pass.

A compiler does not know that the sums and the rows lie apart in memory. It would look where they
lie before every pass, and most passes of a step are short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["add_rows"]

_ROWS = (8, 4, 2, 1)  # in one pass
_WIDTHS = (16, 8, 4, 2, 1)  # numbers at once
_ONE_BY_ONE = (1,)

_INT64 = ir.IntType(64)


@intrinsic
def add_rows(typing, out, row, W, ids, listed, n, first, last):  # type: ignore[no-untyped-def]
    """Add rows ``ids[listed, :n]`` of W to ``out[row]``, in this order, from `first` to `last`."""
    widths = _WIDTHS if out.layout == W.layout == "C" else _ONE_BY_ONE
    wide = max(out.dtype, W.dtype, key=lambda kind: kind.bitwidth)
    passes = _ROWS if out.dtype == wide else (8, 1)  # after which sums are rounded

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = signature.args
        arrays = {k: make_array(kinds[k])(context, builder, arguments[k]) for k in (0, 2, 3)}

        def place(k: int, i: Any, j: Any) -> Any:
            return cgutils.get_item_pointer(context, builder, kinds[k], arrays[k], [i, j])

        row_of, list_of, count, begin, end = (
            context.cast(builder, arguments[k], kinds[k], types.intp) for k in (1, 4, 5, 6, 7)
        )

        def read(pointer: Any, width: int) -> Any:
            """So many numbers, in the type of the sum."""
            kind = ir.VectorType(pointer.type.pointee, width)
            align = context.get_abi_sizeof(pointer.type.pointee)
            found = builder.load(builder.bitcast(pointer, kind.as_pointer()), align=align)
            type_of_sum = ir.VectorType(context.get_value_type(wide), width)
            return found if kind == type_of_sum else builder.fpext(found, type_of_sum)

        def one_pass(rows: int, k: Any) -> None:
            """Add the rows that are listed from k on."""
            sources = [
                builder.sext(builder.load(place(3, list_of, builder.add(k, _INT64(a)))), _INT64)
                for a in range(rows)
            ]

            def add(j: Any, width: int) -> None:
                target = place(0, row_of, j)
                total = read(target, width)
                for i in sources:
                    total = builder.fadd(total, read(place(2, i, j), width))
                if out.dtype != wide:
                    total = builder.fptrunc(total, ir.VectorType(target.type.pointee, width))
                memory = builder.bitcast(target, total.type.as_pointer())
                builder.store(total, memory, align=out.dtype.bitwidth // 8)

            _in_pieces(builder, begin, end, widths, add)

        _in_pieces(builder, _INT64(0), count, passes, lambda k, rows: one_pass(rows, k))
        return context.get_dummy_value()

    return types.none(out, row, W, ids, listed, n, first, last), generate


def _in_pieces(
    builder: Any, begin: Any, end: Any, sizes: tuple[int, ...], work: Callable[[Any, int], None]
) -> None:
    """``work(k, size)``: with the first size as often as it fits, then with others once at most."""
    place = cgutils.alloca_once_value(builder, begin)

    def fits(size: int) -> Any:
        return builder.icmp_signed("<=", builder.add(builder.load(place), _INT64(size)), end)

    def take(size: int) -> None:
        k = builder.load(place)
        work(k, size)
        builder.store(builder.add(k, _INT64(size)), place)

    head, body, rest = (builder.append_basic_block(name) for name in ("head", "body", "rest"))
    builder.branch(head)
    builder.position_at_end(head)
    builder.cbranch(fits(sizes[0]), body, rest)
    builder.position_at_end(body)
    take(sizes[0])
    builder.branch(head)
    builder.position_at_end(rest)
    for size in sizes[1:]:
        with builder.if_then(fits(size)):
            take(size)
