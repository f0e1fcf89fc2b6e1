"""Refuse lines whose compiled code would give other numbers than plain Python does.

Numba computes a whole number with a float32 in float64, and two short whole numbers in 64 bits. In
plain Python they are NumPy's numbers, which keep 32 bits, or 8. Whether a line does such a thing
depends on the types of the arrays, so a function is examined once Numba has typed it. Bodies of
spikesim are not examined: tests compare their bits, and some compute in float64 on purpose.
"""

from __future__ import annotations

import operator
from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.errors import TypingError
from numba.core.typed_passes import NopythonTypeInference
from numba.core.untyped_passes import ReconstructSSA

from spikesim.kernels.machine.lowering import is_ours
from spikesim.kernels.machine.selecting import KEPT, Select, select

__all__ = ["CHECKED"]

_MIXED = (
    "a whole number meets a real one, which makes a float64 when compiled but not in plain Python; "
    "write 1.0 rather than 1, also for a parameter or a constant that the line reads, and real(n) "
    "for a whole number n, after 'from spikesim.math import real'"
)
_NARROW = (
    "whole numbers of few bits make one of 64 when compiled, but not in plain Python; "
    "write np.int64(n)"
)
_CAST = "a real number becomes {}, which differs where it is out of range; write np.int64(x) first"

_COMPUTING = "binop", "inplace_binop", "unary"
_ADDING = {operator.add, operator.iadd, operator.sub, operator.isub, operator.neg}
_PRODUCTS = {operator.mul, operator.imul}
_GROWING = {*_ADDING, *_PRODUCTS, operator.lshift, operator.ilshift, operator.pow}
_FEW = 1 << 24  # whole numbers up to this one are float32 as well


@register_pass(mutates_CFG=False, analysis_only=True)
class _Look(AnalysisPass):
    """Looks at each line of a function with the types of what it computes."""

    _name = "spikesim_look"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Raise at a line that compilers and plain Python do not agree on."""
        for block in state.func_ir.blocks.values():
            for line in block.find_insts(ir.Assign):
                what = _complaint(line, state.typemap, state.pipeline.is_float32)
                if what:
                    place = f"{line.loc.filename} ({line.loc.line})"
                    raise TypingError(f"{what}\nDuring: a look at {place}")
        return False


class Checked(CompilerBase):
    """Numba's compiler, which looks at types as soon as they are known."""

    is_float32 = False

    def define_pipelines(self) -> list[Any]:
        """The passes of Numba, and ours."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(Select, ReconstructSSA)
        if not is_ours(self.state.func_id.func):
            passes.add_pass_after(_Look, NopythonTypeInference)
        passes.finalize()
        return [passes]


class CheckedFloat32(Checked):
    """The same for a float32 network, where no line may make a float64."""

    is_float32 = True


CHECKED = {"float32": CheckedFloat32, "float64": Checked}


def _complaint(line: Any, typed: dict[str, Any], is_float32: bool) -> str:
    value, made = line.value, typed[line.target.name]
    if isinstance(value, ir.Var):
        op, parts = "cast", [typed[value.name]]
    elif isinstance(value, ir.Expr) and value.op in (*_COMPUTING, "phi", "cast", "call"):
        op, parts = value.op, [typed[x.name] for x in value.list_vars() if x.name in typed]
    else:
        return ""
    if op == "call":
        function, *parts = parts
        if getattr(function, "typing_key", None) is select:
            op, parts = "phi", parts[1:]
            if line.target.name.startswith(KEPT):
                return ""  # a number and the element to which it is assigned
        if isinstance(function, types.NumberClass):
            return _cast(function.instance_type, parts)
        if isinstance(function, types.Dispatcher) and not is_ours(function.dispatcher.py_func):
            return ""  # it is examined by itself
    if is_float32 and _is_mixed(op, parts, made):
        return _MIXED
    return _NARROW if op in _COMPUTING and _is_narrow(value.fn, parts) else ""


def _cast(made: Any, parts: list[Any]) -> str:
    is_safe = made in (types.int32, types.int64) or not isinstance(made, types.Integer)
    return "" if is_safe or not isinstance(parts[0], types.Float) else _CAST.format(made)


def _is_mixed(op: str, parts: list[Any], made: Any) -> bool:
    """Whether a line makes a float64 of other numbers, or compares a float32 with a large one.

    Whole numbers of fewer bits come from an array and so are NumPy's, which makes a float64 of them
    in plain Python as well.
    """
    own = [x for x in parts if isinstance(x, types.Integer) and _bits(x) == 64]
    if made == types.float64:
        mixed = own + [x for x in parts if x == types.float32 and op in ("phi", "cast")]
        return bool(mixed) and (types.float64 not in parts or op == "phi")
    large = [x for x in own if abs(getattr(x, "literal_value", _FEW + 1)) > _FEW]
    return made == types.boolean and types.float32 in parts and bool(large)


def _bits(whole: Any) -> int:
    return int(whole.bitwidth)


def _is_narrow(function: Any, parts: list[Any]) -> bool:
    """Whether a line makes a whole number that may need more bits than its parts have."""
    whole = [x for x in parts if isinstance(x, types.Integer)]
    truths = [x for x in parts if isinstance(x, types.Boolean)]
    if function not in _GROWING or len(whole) + len(truths) < len(parts):
        return False
    if not whole:
        return function not in _PRODUCTS
    bits = [_bits(x) for x in whole if not isinstance(x, types.Literal)]
    is_steep = function not in _ADDING and (len(bits) == 2 or function not in _PRODUCTS)
    return bool(bits) and max(bits) < (64 if is_steep else 32)
