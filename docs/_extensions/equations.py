"""Equations as `help` prints them, in LaTeX, so that a page shows what the neuron itself says.

tau dv/dt = E_L - v + I,   v <- v + w    two statements
(v - V_T) / Delta_T                      a fraction
g (E - v)    exp(-v)                     a product, and a function: no space before the bracket
"""

from __future__ import annotations

import re

FUNCTIONS = {"exp", "tanh", "cosh"}
GREEK = {"tau", "alpha", "beta", "phi", "zeta", "Delta"}
EULER = "e"
_TOKENS = re.compile(
    r"(?P<derivative>d[A-Za-z_]+/dt)|(?P<call>[A-Za-z]\w*\()|(?P<name>[A-Za-z]\w*)"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<sign>[-+/^()])|(?P<space>\s+)"
)


def are_equations(paragraph: str) -> bool:
    """Whether every line states something about symbols rather than something in words."""
    states = re.compile(r"(?:[\w()]+ )?[\w()/]+ (?:=|<-) ")
    return all(states.match(line.strip()) for line in paragraph.splitlines())


def latex(line: str) -> list[str]:
    """The statements of a line, which commas and at least two spaces separate.

    Examples
    --------
    >>> print(*latex("tau dv/dt = E_L - v,   v <- v + w for a spike of weight w"), sep="\\n")
    \\tau\\, \\frac{dv}{dt} = E_{L} - v
    v \\leftarrow v + w \\quad \\text{for a spike of weight w}
    """
    return [_statement(part) for part in re.split(r",\s{2,}", line.strip())]


def symbol(name: str) -> str:
    """A name with its subscripts."""
    base, *below = name.split("_")
    if base in GREEK:
        said = f"\\{base}"
    else:
        said = base if len(base) == 1 and base != EULER else f"\\mathrm{{{base}}}"
    if not below:
        return said
    inside = ",".join(part if len(part) == 1 else f"\\mathrm{{{part}}}" for part in below)
    return f"{said}_{{{inside}}}"


def _statement(text: str) -> str:
    text, _, words = text.partition(" for ")
    left, sign, right = re.split(r" (=|<-) ", text, maxsplit=1)
    arrow = {"=": "=", "<-": r"\leftarrow"}[sign]
    said = ",\\ ".join(_Reader(part).read() for part in right.split(", "))
    return f"{_Reader(left).read()} {arrow} {said}" + (
        f" \\quad \\text{{for {words}}}" if words else ""
    )


class _Reader:
    """Sums of products of powers, from left to right."""

    def __init__(self, text: str):
        found = list(_TOKENS.finditer(text))
        if "".join(match[0] for match in found) != text:
            raise ValueError(f"{text!r} is no equation that this file can read.")
        self._tokens = [(m.lastgroup, m[0]) for m in found if m.lastgroup != "space"]
        self._text = text

    def read(self) -> str:
        said = self._sum()
        if self._tokens:
            raise ValueError(f"{self._text!r} goes on with {self._tokens[0][1]!r}.")
        return said

    def _next(self, *signs: str) -> str | None:
        if self._tokens and self._tokens[0][1] in signs:
            return self._tokens.pop(0)[1]
        return None

    def _sum(self) -> str:
        said = (self._next("-") or "") + self._product()
        while sign := self._next("+", "-"):
            said += f" {sign} {self._product()}"
        return said

    def _product(self) -> str:
        factors = [self._power()]
        while self._tokens and self._tokens[0][1] not in ("+", "-", ")", "^"):
            product = r"\, ".join(factors)
            if self._next("/"):
                factors = [rf"\frac{{{_bare(product)}}}{{{_bare(self._power())}}}"]
            else:
                factors.append(self._power())
        return r"\, ".join(factors)

    def _power(self) -> str:
        said = self._atom()
        return f"{said}^{{{self._atom()}}}" if self._next("^") else said

    def _atom(self) -> str:
        kind, text = self._tokens.pop(0)
        if kind == "derivative":
            return rf"\frac{{d{symbol(text[1:-3])}}}{{dt}}"
        if kind == "name":
            return symbol(text)
        if kind == "number":
            return text
        if kind != "call" and text != "(":
            raise ValueError(f"{self._text!r} has {text!r} where a number or a name should be.")
        inside = self._sum()
        if not self._next(")"):
            raise ValueError(f"{self._text!r} has a bracket that does not close.")
        name = text[:-1]
        function = rf"\{name}" if name in FUNCTIONS else symbol(name) if name else ""
        return rf"{function}\left({inside}\right)"


def _bare(said: str) -> str:
    """Without the brackets that a fraction makes unnecessary."""
    opening, closing = r"\left(", r"\right)"
    if not (said.startswith(opening) and said.endswith(closing)):
        return said
    depth = 0
    for match in re.finditer(r"\\left\(|\\right\)", said):
        depth += 1 if match[0] == opening else -1
        if depth == 0:
            return said[len(opening) : -len(closing)] if match.end() == len(said) else said
    return said
