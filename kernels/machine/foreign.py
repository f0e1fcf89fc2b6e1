"""The functions that the compiler gives to helpers; see `spikesim.kernels.machine.helpers`."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = ["GIVEN"]

_BYTES = ir.IntType(8).as_pointer()


def _call(builder: Any, address: Any, kind: Any, arguments: Any) -> Any:
    """Call the C function at an address."""
    return builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)


@intrinsic
def word(typing, draw, generator):
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [_BYTES])
        place = builder.inttoptr(arguments[1], _BYTES)
        return builder.zext(_call(builder, arguments[0], kind, [place]), ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def binomial(typing, draw, generator, probability, n, memo):
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), [_BYTES, ir.DoubleType(), ir.IntType(64), _BYTES])
        address, generator, probability, n, memo = arguments
        places = [builder.inttoptr(x, _BYTES) for x in (generator, memo)]
        return _call(builder, address, kind, [places[0], probability, n, places[1]])

    whole = types.int64
    return whole(whole, whole, types.float64, whole, whole), generate


@intrinsic
def lowest_bit(typing, x):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


GIVEN = {"word": word, "binomial": binomial, "lowest_bit": lowest_bit}
