"""Conditions become selections: a loop over neurons without branches, whose stores have no masks.

``s.v[i] = p.V_reset if fires else s.v[i]`` is a branch for Numba, and for LLVM a store under a
condition. A loop of many such lines is not vectorised, or only with masked stores, which some
processors emulate: a step of `LIF` takes four times as long. Before Numba infers types, short
branches are therefore replaced by

    fires = ...;  s.v[i] = select(fires, p.V_reset, s.v[i])

A branch is replaced if it has no effect but numbers that are chosen after it, and elements ``[i]``
of arrays that are set, where i is the index of a body. Both sides are then computed, so they may
have only what never fails: sums, products, comparisons, and elements of arrays that the function
reads or sets in any case. The numbers stay the same, to the bit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from llvmlite import ir as llvm
from numba.core import ir, types
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.errors import TypingError
from numba.core.ir_utils import build_definitions, mk_unique_var
from numba.core.postproc import PostProcessor
from numba.extending import intrinsic

from spikesim.kernels import functions

__all__ = ["KEPT", "Select", "select"]

KEPT = "$kept"
"""How the names of elements begin that are set either to a new number or to the one they had."""

_MOST = 24  # operations of a side; of longer sides only the one that counts is computed
_SAFE = {
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.neg,
    operator.pos,
    operator.not_,
    operator.invert,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
    operator.and_,
    operator.or_,
    operator.xor,
}
_BODY = 4  # arguments of a body: its index, the step, the state and the parameters

_Blocks = dict[int, ir.Block]


@intrinsic
def select(typing, condition, yes, no):  # type: ignore[no-untyped-def]
    """Either of two numbers that have both been computed."""
    both = typing.unify_types(yes, no)
    if both is None or condition != types.boolean:
        raise TypingError(f"No type holds both {yes} and {no}.")

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        condition, *sides = arguments
        a, b = (
            _frozen(builder, context.cast(builder, side, kind, both))
            for side, kind in zip(sides, signature.args[1:], strict=True)
        )
        return builder.select(condition, a, b)

    return both(types.boolean, yes, no), generate


def _frozen(builder: Any, value: Any) -> Any:
    """The value, kept from LLVM, which masks a store whose selection has a side just loaded."""
    frozen = llvm.Instruction(builder.block, value.type, "freeze", [value])
    builder._insert(frozen)
    return frozen


@register_pass(mutates_CFG=True, analysis_only=False)
class Select(FunctionPass):
    """Replaces the short branches of a function, the innermost first."""

    _name = "spikesim_select"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Replace branches until there is none that may be replaced."""
        function = state.func_ir
        has_changed = False
        while _replace_one(function):
            has_changed = True
        if has_changed:
            function._definitions = build_definitions(function.blocks)
            PostProcessor(function).run(emit_dels=False)
        return has_changed


class _Branch(NamedTuple):
    """A branch whose sides, of one block each or none, meet again."""

    start: int
    condition: ir.Var
    yes: int | None
    no: int | None
    end: int

    @property
    def sides(self) -> list[int]:
        """The blocks of its sides."""
        return [side for side in (self.yes, self.no) if side is not None]


def _replace_one(function: Any) -> bool:
    """Replace the first branch that may be replaced."""
    blocks: _Blocks = function.blocks
    names = _Names(blocks)
    flow = compute_cfg_from_blocks(blocks)
    for branch in _branches(blocks, flow):
        if _may_go(function, branch, flow, names):
            _replace(blocks, branch)
            return True
    return False


def _branches(blocks: _Blocks, flow: Any) -> Iterator[_Branch]:
    """Each branch of the form if, or if ... else, that has no other within."""
    for label, block in blocks.items():
        last = block.terminator
        if not isinstance(last, ir.Branch) or last.truebr == last.falsebr:
            continue
        yes, no = last.truebr, last.falsebr
        after_yes, after_no = (
            _leads_to(blocks[side]) if _comes_from(flow, side) == {label} else None
            for side in (yes, no)
        )
        if after_yes is not None and after_yes == after_no:
            branch = _Branch(label, last.cond, yes, no, after_yes)
        elif after_yes == no:
            branch = _Branch(label, last.cond, yes, None, no)
        elif after_no == yes:
            branch = _Branch(label, last.cond, None, no, yes)
        else:
            continue
        before = branch.sides if len(branch.sides) == 2 else [label, *branch.sides]
        if branch.end != label and _comes_from(flow, branch.end) == set(before):
            yield branch


def _comes_from(flow: Any, label: int) -> set[int]:
    return {before for before, _ in flow.predecessors(label)}


def _leads_to(block: ir.Block) -> int | None:
    """The block that follows for certain."""
    last = block.terminator
    return last.target if isinstance(last, ir.Jump) else None


class _Names:
    """What the variables of a function stand for, as texts that are equal if they are the same."""

    def __init__(self, blocks: _Blocks):
        self._made: dict[str, Any] = {}
        for block in blocks.values():
            for line in block.find_insts(ir.Assign):
                self._made[line.target.name] = line.value

    def __call__(self, variable: Any) -> str:
        value = self._made.get(variable.name)
        if isinstance(value, ir.Arg):
            return f"argument {value.index}"
        if isinstance(value, ir.Const):
            return repr(value.value)
        if isinstance(value, ir.Var):
            return self(value)
        if isinstance(value, ir.Expr) and value.op == "getattr":
            return f"{self(value.value)}.{value.attr}"
        if isinstance(value, ir.Expr) and value.op == "build_tuple":
            return f"({', '.join(map(self, value.items))})"
        return str(variable.name)

    def function(self, variable: ir.Var) -> Any:
        """The global function that is called by a name; None if it is not known."""
        value = self._made.get(variable.name)
        return value.value if isinstance(value, (ir.Global, ir.FreeVar)) else None

    def element(self, line: Any) -> str | None:
        """The element of an array that a line reads or sets."""
        if isinstance(line, ir.SetItem):
            return f"{self(line.target)}[{self(line.index)}]"
        value = line.value if isinstance(line, ir.Assign) else None
        if isinstance(value, ir.Expr) and value.op == "getitem":
            return f"{self(value.value)}[{self(value.index)}]"
        if isinstance(value, ir.Expr) and value.op == "static_getitem":
            return f"{self(value.value)}[{value.index!r}]"
        return None

    def elements(self, block: ir.Block) -> set[str]:
        """All elements that a block reads or sets."""
        return {name for name in map(self.element, block.body) if name is not None}


def _may_go(function: Any, branch: _Branch, flow: Any, names: _Names) -> bool:
    """Whether both sides may be computed whatever the condition."""
    blocks: _Blocks = function.blocks
    certain = flow.dominators()[branch.start] | flow.post_dominators()[branch.start]
    known: set[str] = set()
    for label in certain & set(blocks):
        known |= names.elements(blocks[label])
    if len(branch.sides) == 2:  # one of the two is computed in any case
        first, second = (names.elements(blocks[side]) for side in branch.sides)
        known |= first & second
    for side in branch.sides:
        *lines, _ = blocks[side].body
        if sum(_is_work(line) for line in lines) > _MOST:
            return False
        if not all(_is_safe(line, names, known, function.arg_count) for line in lines):
            return False
    return _has_numbers(blocks, branch)


def _is_work(line: Any) -> bool:
    value = getattr(line, "value", None)
    return isinstance(value, ir.Expr) and value.op in ("binop", "inplace_binop", "unary", "call")


def _is_safe(line: Any, names: _Names, known: set[str], arguments: int) -> bool:
    """Whether a line may be computed although nobody uses its number."""
    if isinstance(line, ir.SetItem):
        is_own = arguments == _BODY and names(line.index) == "argument 0"
        return is_own and names.element(line) in known
    if not isinstance(line, ir.Assign):
        return False
    value = line.value
    if isinstance(value, ir.Const):
        return value.value is not None
    if not isinstance(value, ir.Expr):
        return isinstance(value, (ir.Var, ir.Global, ir.FreeVar))
    if value.op in ("binop", "inplace_binop", "unary"):
        return value.fn in _SAFE
    if value.op in ("getitem", "static_getitem"):
        return names.element(line) in known
    if value.op == "call":
        own = names.function(value.func)
        is_plain = not value.kws and value.vararg is None
        return is_plain and any(own is f for f in (*_PLAIN, *functions.EXACT))
    return value.op in ("getattr", "build_tuple")


_PLAIN: tuple[Callable, ...] = (abs, min, max, bool, select)


def _has_numbers(blocks: _Blocks, branch: _Branch) -> bool:
    """Whether all variables that the sides set have a value on both."""
    return all(
        len(line.value.incoming_values) == 2
        and all(isinstance(value, ir.Var) for value in line.value.incoming_values)
        for line in _choices(blocks[branch.end])
    )


def _choices(block: ir.Block) -> list[ir.Assign]:
    """The lines that choose a variable by where they come from."""
    return [
        line
        for line in block.find_insts(ir.Assign)
        if isinstance(line.value, ir.Expr) and line.value.op == "phi"
    ]


def _replace(blocks: _Blocks, branch: _Branch) -> None:
    """Put the sides, and what comes after them, in the place of a branch."""
    start, end = blocks[branch.start], blocks[branch.end]
    start.body.pop()
    for side in branch.sides:
        for line in blocks.pop(side).body[:-1]:
            if isinstance(line, ir.SetItem):
                start.body += _kept(start.scope, line, branch.condition, side == branch.yes)
            else:
                start.body.append(line)
    for line in _choices(end):
        of = dict(zip(line.value.incoming_blocks, line.value.incoming_values, strict=True))
        yes = of[branch.start if branch.yes is None else branch.yes]
        no = of[branch.start if branch.no is None else branch.no]
        start.body += _selected(start.scope, line.target, branch.condition, yes, no, line.loc)
    choices = set(map(id, _choices(end)))
    start.body += [line for line in end.body if id(line) not in choices]
    del blocks[branch.end]
    for block in blocks.values():
        for line in _choices(block):
            before = line.value.incoming_blocks
            before[:] = [branch.start if label == branch.end else label for label in before]


def _kept(scope: Any, line: ir.SetItem, condition: ir.Var, is_yes: bool) -> list[Any]:
    """Set an element if the condition holds, or if not; else set it to what it is."""
    old = ir.Var(scope, mk_unique_var("$old"), line.loc)
    new = ir.Var(scope, mk_unique_var(KEPT), line.loc)
    read = ir.Expr.getitem(line.target, line.index, line.loc)
    yes, no = (line.value, old) if is_yes else (old, line.value)
    return [
        ir.Assign(read, old, line.loc),
        *_selected(scope, new, condition, yes, no, line.loc),
        ir.SetItem(line.target, line.index, new, line.loc),
    ]


def _selected(
    scope: Any, target: ir.Var, condition: ir.Var, yes: ir.Var, no: ir.Var, loc: Any
) -> list[Any]:
    """``target = select(condition, yes, no)``."""
    function = ir.Var(scope, mk_unique_var("$select"), loc)
    call = ir.Expr.call(function, (condition, yes, no), (), loc)
    return [
        ir.Assign(ir.Global("select", select, loc), function, loc),
        ir.Assign(call, target, loc),
    ]
