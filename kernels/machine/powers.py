"""Powers in bodies: ``x ** y`` becomes a call, so that it gives the same bits everywhere.

A power stays if its exponent is written as a whole number from 0 to 16: it is a product. Other
powers need a function, and byte code has no room for a call. The body is therefore compiled again
from its source, with calls in place of powers. The source is used only if it still gives the byte
code of the body.
"""

from __future__ import annotations

import ast
import inspect
from functools import lru_cache
from types import CodeType
from typing import Any

__all__ = ["MOST", "POWER", "is_product", "with_calls"]

MOST = 16
"""The largest exponent that is made a product."""

POWER = "spikesim_power"
"""The global name by which byte code calls the function."""


def is_product(exponent: Any) -> bool:
    """Whether a power with this constant exponent is a product."""
    return type(exponent) is int and 0 <= exponent <= MOST


@lru_cache(maxsize=1024)
def with_calls(code: CodeType) -> CodeType | None:
    """The byte code with calls in place of powers; None if its source is not available."""
    try:
        lines, _ = inspect.findsource(code)
        tree = ast.parse("".join(lines))  # the whole file, as byte code depends on it
    except (OSError, TypeError, SyntaxError):
        return None
    found = _found(tree, code)
    if found is None or _seen(found) != _seen(code):
        return None
    return _found(ast.fix_missing_locations(_Calls().visit(tree)), code)


def _found(tree: ast.Module, code: CodeType) -> CodeType | None:
    """The function of a file at the same place as `code`."""
    within = [compile(tree, code.co_filename, "exec", dont_inherit=True)]
    while within:
        one = within.pop()
        if (one.co_name, one.co_firstlineno) == (code.co_name, code.co_firstlineno):
            return one
        within += [x for x in one.co_consts if isinstance(x, CodeType)]
    return None


def _seen(code: CodeType) -> tuple:
    """The parts of a function's code that decide what it does."""
    return code.co_code, code.co_names, code.co_varnames, repr(code.co_consts)


class _Calls(ast.NodeTransformer):
    """Puts a call in place of each power that is not a product."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """x ** y."""
        self.generic_visit(node)
        exponent = node.right
        is_folded = _is_constant(node.left) and _is_constant(exponent)
        if not isinstance(node.op, ast.Pow) or is_folded or _is_product(exponent):
            return node
        return ast.copy_location(_call(node.left, exponent), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """x **= y."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow) or _is_product(node.value):
            return node
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        for part in ast.walk(read):
            ast.copy_location(part, node)
        return ast.copy_location(ast.Assign([node.target], _call(read, node.value)), node)


def _is_constant(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant)


def _is_product(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and is_product(node.value)


def _call(x: ast.expr, y: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(POWER, ast.Load()), [x, y], [])
