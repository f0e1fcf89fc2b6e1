"""What reference pages say beyond docstrings, made from what the package declares.

Kinds of neurons and synapses get their equations and tables of their variables and parameters;
models get their equations, parameters and the properties of their rules; commands their help.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

import equations
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList
from parts import is_called_by_networks
from sphinx.addnodes import pending_xref
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode, nested_parse_with_titles

from spikesim import Neuron, Synapse
from spikesim.cli import _parser
from spikesim.declaring import Variable
from spikesim.learning.parameters import ModelParameters
from spikesim.learning.properties import HasProperties, Properties

PAGES = "reference/api/"
"""Where each public name has a page of its own, called by its import path."""


def escaped(text: object) -> str:
    """Text in which no character marks up."""
    return re.sub(r"([\\*`|_])", r"\\\1", str(text))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a table; columns that are empty in all rows are left out."""
    whole = [list(head), *([str(cell) for cell in row] for row in rows)]
    used = [k for k, _ in enumerate(whole[0]) if any(row[k] for row in whole[1:])]
    if len(whole) == 1:
        return
    yield from ("", ".. list-table::", "   :header-rows: 1", "   :widths: auto", "")
    for row in whole:
        yield from (f"   {'*' if n == 0 else ' '} - {row[k]}" for n, k in enumerate(used))
    yield ""


# ---- kinds of neurons and synapses ------------------------------------------------------------


def kind_lines(kind: Neuron | Synapse) -> Iterator[str]:
    """What a kind of neuron or synapse says of itself in `help`, its equations as mathematics."""
    first, _, rest = kind.description.partition("\n")
    yield from (escaped(f"{first[:1].upper()}{first[1:]}."), "")
    for paragraph in textwrap.dedent(rest).strip().split("\n\n"):
        if paragraph and equations.are_equations(paragraph):
            yield from (".. math::", "")
            for line in paragraph.splitlines():
                yield from (f"   {each}\n" for each in equations.latex(line))
        else:
            yield from (linked(escaped(" ".join(paragraph.split()))), "")
    said = {
        name: each if isinstance(each, Variable) else Variable(each)
        for name, each in kind.variables.items()
    }
    for title, is_target in (("Targets of `Network.connect`", True), ("Other variables", False)):
        rows = [
            (f"``{name}``", each.unit, escaped(each.meaning), start(each.start))
            for name, each in said.items()
            if each.is_target == is_target
        ]
        if rows:
            yield f".. rubric:: {title}"
            yield from table(["Variable", "Unit", "Meaning", "Starts from"], rows)
    if kind.parameters:
        yield ".. rubric:: Parameters"
        rows = [
            (f"``{name}``", f"{value:g}", getattr(value, "unit", ""), getattr(value, "meaning", ""))
            for name, value in kind.parameters.items()
        ]
        yield from table(["Parameter", "Default", "Unit", "Meaning"], rows)
    if isinstance(kind, Neuron) and kind.live:
        names = ", ".join(f"``{name}``" for name in kind.live)
        yield f"`Population.live` makes a variable of {names}."


def linked(text: str) -> str:
    """With other kinds of neurons, and nothing else, as references."""
    kinds = "|".join(sorted(name for name in _kinds() if len(name) > 3))
    return re.sub(rf"(?<![\w.])({kinds})(?![\w.]*\w)", r"`\1`", text)


def _kinds() -> set[str]:
    package = importlib.import_module("spikesim")
    return {name for name in package.__all__ if isinstance(getattr(package, name), Neuron)}


def start(value: Any) -> str:
    """Where a variable starts, if that is a number or a parameter."""
    if callable(value):
        return "computed"
    return f"``{value}``" if isinstance(value, str) else f"{float(value):g}"


# ---- models -----------------------------------------------------------------------------------


def parameter_lines(declarations: dict[str, Any]) -> Iterator[str]:
    """A table of what `spikesim.learning.parameters` was told of each parameter."""
    rows = []
    for name, each in declarations.items():
        bounds = [f"{word.replace('_', ' ')} {bound:g}" for word, bound in each.bounds.items()]
        allowed = " or ".join(f"``{word}``" for word in each.choices) or ", ".join(bounds)
        default = "none" if each.default is None else f"``{each.default}``"
        kind = {"per layer": "one, or one per layer"}.get(each.kind, "")
        said = "; ".join(filter(None, [quoted(each.about), kind]))
        called = f"``{name}`` {each.symbol}".rstrip()
        rows.append((called, f"{default} {each.unit}".rstrip(), allowed, said))
    yield from table(["Parameter", "Default", "Allowed", "Meaning"], rows)


def property_lines(properties: Properties) -> Iterator[str]:
    """What biology would have to provide for the rule of a model."""
    words = {True: "yes", False: "no"}
    rows = [
        (f"``{name}``", words.get(value, ", ".join(value) if name == "knows" else value))
        for name, value in properties._asdict().items()
    ]
    yield from table(["Property", "With the default parameters"], rows)


def model_lines(model: type) -> Iterator[str]:
    """The equations of a model, its parameters and the properties of its rule."""
    document = inspect.getdoc(inspect.getmodule(model)) or ""
    if re.search(r"^    .*\(\d+\w?\)$", document, re.MULTILINE):
        yield from (".. rubric:: Equations", "", *preformatted(document), "")
    yield from (".. rubric:: Parameters of the model", "")
    yield from parameter_lines(model.Parameters.declarations())
    if (properties := properties_of(model)) is not None:
        yield from (".. rubric:: What the learning rule needs", "", "See `Properties`.", "")
        yield from property_lines(properties)


def preformatted(document: str) -> Iterator[str]:
    """A docstring whose indented lines are equations, to be shown as they are."""
    within = False
    for line in document.splitlines():
        indented = line.startswith("    ")
        if indented and not within:
            yield from ("", ".. code-block:: text", "")
        if within and line.strip() and not indented:
            yield ""
        within = indented or (within and not line.strip())
        if indented:
            yield re.sub(r" {5,}(?=\S+$)", "    ", line)
        else:
            yield line if line.startswith("|") else quoted(line)


def quoted(line: str) -> str:
    """Prose of a docstring: names in backticks are shown as code, and other marks as they are."""
    parts = re.split(r"`+([^`]+)`+", line)
    return "".join(f"``{part}``" if k % 2 else escaped(part) for k, part in enumerate(parts))


def properties_of(model: type) -> Properties | None:
    """The properties of a small network of a model."""
    if not issubclass(model, HasProperties):
        return None
    return model((4, 3, 2)).properties()


def add_declared(
    app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Replace or complete the docstring of what declares more than its docstring says."""
    if isinstance(found, (Neuron, Synapse)) and what == "data":
        lines[:] = "\n".join(kind_lines(found)).splitlines()
    elif what == "class" and issubclass(found, ModelParameters) and found.declarations():
        lines += "\n".join(parameter_lines(found.declarations())).splitlines()
    elif what == "class" and isinstance(getattr(found, "Parameters", None), type):
        if issubclass(found.Parameters, ModelParameters) and found.Parameters.declarations():
            lines += ["", *"\n".join(model_lines(found)).splitlines()]
    elif what == "module":
        lines[:] = list(preformatted("\n".join(lines)))
    elif what == "data" and not isinstance(found, (Neuron, Synapse)):
        lines[:] = [*comment_on(name, found), ""]


def comment_on(path: str, found: Any) -> list[str]:
    """What the module that defines a constant says below it."""
    name = path.rpartition(".")[2]
    for at, module in sorted(sys.modules.items()):
        if at.startswith("spikesim") and vars(module).get(name) is found:
            comments = ModuleAnalyzer.for_module(at).find_attr_docs()
            if ("", name) in comments:
                return comments["", name]
    return []


# ---- members ----------------------------------------------------------------------------------


@cache
def public_classes(pages: frozenset[str]) -> dict[str, type]:
    """Import path → class, of every class that has a page."""
    found = {}
    for path in (page.removeprefix(PAGES) for page in pages if page.startswith(PAGES)):
        module, _, name = path.rpartition(".")
        value = getattr(importlib.import_module(module), name, None)
        if isinstance(value, type):
            found[path] = value
    return found


def skip_told_elsewhere(
    app: Any, what: str, name: str, found: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what only networks call, and what the page of another class tells."""
    path, name = app.env.docname.removeprefix(PAGES), name.rpartition(".")[2]
    classes = public_classes(frozenset(app.env.found_docs))
    if what != "class" or path not in classes:
        return None
    own, others = classes[path], {*classes.values()}
    if isinstance(found, type) or type(found).__name__ == "_tuplegetter":
        return True  # parameters of a model have a page, and a NamedTuple says what its fields are
    if is_called_by_networks(path, name):
        return True
    told = any(base in others and hasattr(base, name) for base in own.__mro__[1:])
    function = getattr(found, "fget", None) or getattr(found, "__func__", found)
    is_new = name in vars(own) and (not told or getattr(function, "__doc__", None))
    return True if told and not is_new else None


# ---- references -------------------------------------------------------------------------------


def leave_words_alone(app: Any, document: nodes.document) -> None:
    """Types of parameters are words, too, as in 'spikes or (times, ids)': those are no references.

    A type that is a name is looked up from the page's module only.
    """
    for node in list(document.findall(pending_xref)):
        if node.get("refdomain") == "py" and node.get("refspecific"):
            del node["refspecific"]
            if node["reftarget"].islower() and "." not in node["reftarget"]:
                node.replace_self(node.children)


def resolve_short_name(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Find ``Network.connect`` from wherever it is named, if one page alone has such a name."""
    if node.get("refdomain") != "py":
        return None
    objects = env.domains["py"].objects
    target = node["reftarget"].removesuffix("()")
    ends = [target, *(target.split(".", k)[k] for k in range(1, target.count(".") + 1))]
    for end in ends if target.startswith("spikesim.") else ends[:1]:
        if end.islower() and "." not in end:
            return None  # a parameter or an argument, most likely
        paths = [path for path in objects if path == end or path.endswith(f".{end}")]
        paths = [path for path in paths if path.count(".") == min(p.count(".") for p in paths)]
        if len(paths) == 1:
            entry = objects[paths[0]]
            return make_refnode(
                app.builder, node["refdoc"], entry.docname, entry.node_id, text, paths[0]
            )
    return None


# ---- commands ---------------------------------------------------------------------------------


def parsers() -> Iterator[tuple[str, Any]]:
    """Each command with its parser, and one model of those that take one."""
    given: list[list[str]] = [[name] for name in subparsers(_parser([]))]
    for words in given:
        parser = subparsers(_parser(words))[words[0]]
        yield f"spikesim {' '.join(words)}", parser
        for name in subparsers(parser) if words[0] in ("train", "run") else ():
            whole = subparsers(_parser([*words, name]))[words[0]]
            yield f"spikesim {words[0]} {name}", subparsers(whole)[name]


def subparsers(parser: Any) -> dict[str, Any]:
    """Name → parser of what follows."""
    choices = (action.choices for action in parser._actions if isinstance(action.choices, dict))
    return next(choices, {})


class Commands(SphinxDirective):
    """``.. commands::`` shows the help of each command, as the command line does."""

    def run(self) -> list[nodes.Node]:
        lines = StringList()
        with patch.dict("os.environ", {"COLUMNS": "72"}):
            for name, parser in [("spikesim", _parser([])), *parsers()]:
                marks = {0: "-", 1: "-", 2: "~"}[min(name.count(" "), 2)]
                text = [name, marks * len(name), "", ".. code-block:: text", ""]
                text += [f"    {line}" for line in parser.format_help().splitlines()]
                for line in [*text, ""]:
                    lines.append(line, name)
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, lines, holder)
        return holder.children


class NoGallery(Directive):
    """The minigallery of a build without a gallery: nothing."""

    has_content = True
    optional_arguments = 100
    option_spec = {"add-heading": directives.unchanged}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        return []


def setup(app: Any) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", add_declared, priority=600)
    app.connect("autodoc-skip-member", skip_told_elsewhere)
    app.connect("doctree-read", leave_words_alone)
    app.connect("missing-reference", resolve_short_name)
    app.add_directive("commands", Commands)
    if "sphinx_gallery.gen_gallery" not in app.config.extensions:
        app.add_directive("minigallery", NoGallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
