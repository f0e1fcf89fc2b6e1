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
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

from llvmlite import ir as llvm
from numba.core import ir, types
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.compiler import run_frontend
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.errors import TypingError
from numba.core.ir_utils import build_definitions, mk_unique_var
from numba.core.postproc import PostProcessor
from numba.core.ssa import reconstruct_ssa
from numba.extending import intrinsic

from spikesim.kernels import functions
from spikesim.kernels.machine.lowering import is_ours

__all__ = ["KEPT", "Select", "remaining", "select"]

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
        has_changed = _join_ends(function.blocks)
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


def remaining(body: Callable) -> list[str]:
    """The lines of a body, and of plain functions that it calls, that stay branches, and why."""
    found: dict[str, None] = {}
    todo: list[Any] = [body]
    for function in todo:
        code = reconstruct_ssa(run_frontend(function))
        above = function.__code__.co_firstlineno - 1
        for line, why in _remaining(code):
            found[f"line {line - above} of {function.__name__}: {why}"] = None
        called = (x.value for x in _globals(code) if isinstance(x.value, FunctionType))
        todo += [each for each in called if each not in todo and not is_ours(each)]
    return list(found)


def _globals(code: Any) -> Iterator[Any]:
    for block in code.blocks.values():
        for line in block.find_insts(ir.Assign):
            if isinstance(line.value, (ir.Global, ir.FreeVar)):
                yield line.value


def _remaining(code: Any) -> list[tuple[int, str]]:
    """Lines and reasons for one function."""
    blocks: _Blocks = code.blocks
    _join_ends(blocks)
    while _replace_one(code):
        pass
    names, flow = _Names(blocks), compute_cfg_from_blocks(blocks)
    found = {
        blocks[branch.start].terminator.loc.line: _objection(code, branch, flow, names)
        for branch in _branches(blocks, flow)
    }
    turns = {label for loop in flow.loops().values() for label in (loop.header, *loop.body)}
    for label, block in blocks.items():
        last = block.terminator
        if not isinstance(last, ir.Branch) or last.loc.line in found:
            continue
        if label in turns:
            found[last.loc.line] = "it is a loop, or within one"
        elif not _has_more(label, blocks, flow):
            found[last.loc.line] = "it shares a side with another branch, as of 'and' or 'or'"
    return sorted(found.items())


def _has_more(label: int, blocks: _Blocks, flow: Any) -> bool:
    """Whether a branch has others within."""
    within = set(blocks) - {label, *flow.post_dominators()[label]}
    inner = {each for each in within if label in flow.dominators()[each]}
    return any(isinstance(blocks[each].terminator, ir.Branch) for each in inner)


def _join_ends(blocks: _Blocks) -> bool:
    """Let a function that returns nothing end in one block: both sides of a last branch lead there.

    Python writes an end for each side.
    """
    ends = [block for block in blocks.values() if isinstance(block.terminator, ir.Return)]
    nothing = [_nothing(block) for block in ends]
    if len(ends) < 2 or not all(nothing):
        return False
    last, label = ends[-1], max(blocks) + 1
    blocks[label] = ir.Block(last.scope, last.loc)
    blocks[label].body = [*nothing[-1], last.terminator]
    for block, lines in zip(ends, nothing, strict=True):
        block.body = [line for line in block.body[:-1] if line not in lines]
        block.append(ir.Jump(label, block.loc))
    return True


def _nothing(block: ir.Block) -> list[ir.Assign]:
    """The lines that make the None that a block returns; empty if it returns something else."""
    made = {line.target.name: line for line in block.find_insts(ir.Assign)}
    lines: list[ir.Assign] = []
    value: Any = block.terminator.value
    while isinstance(value, ir.Var) and value.name in made:
        lines.insert(0, made[value.name])
        value = lines[0].value
        if isinstance(value, ir.Expr) and value.op == "cast":
            value = value.value
    return lines if isinstance(value, ir.Const) and value.value is None else []


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

    def called(self, variable: ir.Var) -> str:
        """The name by which a function is called."""
        value = self._made.get(variable.name)
        return str(getattr(value, "attr", getattr(value, "name", "a function")))

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
    return not _objection(function, branch, flow, names)


def _objection(function: Any, branch: _Branch, flow: Any, names: _Names) -> str:
    """Why a branch has to stay; empty if it may go."""
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
            return f"one side has more than {_MOST} operations"
        for line in lines:
            if found := _danger(line, names, known, function):
                return found
    return "" if _has_numbers(blocks, branch) else "one side sets a variable that else has no value"


def _is_work(line: Any) -> bool:
    value = getattr(line, "value", None)
    return isinstance(value, ir.Expr) and value.op in ("binop", "inplace_binop", "unary", "call")


def _danger(line: Any, names: _Names, known: set[str], function: Any) -> str:
    """Why a line may not be computed if nobody uses its number; empty if it may."""
    what = "sets" if isinstance(line, ir.SetItem) else "reads"
    element = names.element(line)
    if element is not None and element not in known:
        shown = _as_written(element, function)
        return f"it {what} {shown}, which is touched nowhere else; read it before the branch"
    if isinstance(line, ir.SetItem):
        is_own = function.arg_count == _BODY and names(line.index) == "argument 0"
        shown = _as_written(str(element), function)
        return "" if is_own else f"it sets {shown}, which may be touched for other indices"
    value: Any = line.value if isinstance(line, ir.Assign) else None
    if isinstance(value, ir.Const) and value.value is not None:
        return ""
    if isinstance(value, (ir.Var, ir.Global, ir.FreeVar)):
        return ""
    op = value.op if isinstance(value, ir.Expr) else ""
    if op in ("binop", "inplace_binop", "unary"):
        return "" if value.fn in _SAFE else f"it computes by {value.fn.__name__}"
    if op == "call":
        own = names.function(value.func)
        is_plain = not value.kws and value.vararg is None
        if is_plain and any(own is f for f in (*_PLAIN, *functions.EXACT)):
            return ""
        return f"it calls {names.called(value.func)}; call it before the branch"
    is_safe = op in ("getattr", "build_tuple", "getitem", "static_getitem")
    return "" if is_safe else "one side does what is no number, such as to return"


def _as_written(element: str, function: Any) -> str:
    """An element of an array, as its function names it."""
    for number, name in enumerate(function.arg_names):
        element = re.sub(rf"\bargument {number}\b", name, element)
    return re.sub(r"\$?\b(\w+)\.\d+(\.\d+)*", r"\1", element)


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
