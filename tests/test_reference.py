"""Every public name is documented in full, and has a place in the reference.

A docstring names all parameters, says what is returned and which errors are raised, and has an
example; `tests/test_docstrings.py` runs the examples. Constructors of what users only get from
other calls are not described: such a class says what it is 'made by', or a tuple where it is from.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import spikesim.learning
import spikesim.models
from spikesim import Neuron, Synapse
from spikesim.learning.parameters import ModelParameters
from tests.test_docstrings import MODULES as WITH_EXAMPLES
from tests.test_layers import MODULES as FOR_USERS
from tests.test_layers import ROOT

sys.path.insert(0, str(ROOT / "docs" / "_extensions"))

import equations
from parts import is_called_by_networks

PAGES = ROOT / "docs" / "reference"
PARTS_OF_MODELS = (
    *("dynamics", "eligibility", "filtered", "loops"),
    *("measures", "optimizers", "particles", "simulation"),
)
"""Modules of `spikesim.learning` for models of this package; others have their public names."""


def below(package):
    return {f"{package.__name__}.{each.name}" for each in pkgutil.iter_modules(package.__path__)}


def public_modules():
    """The modules whose names users import, in the order in which a name is looked for."""
    learning = below(spikesim.learning)
    learning -= {f"spikesim.learning.{name}" for name in PARTS_OF_MODELS}
    own = {f"spikesim.{name}" for name in FOR_USERS} - {"spikesim.models"}
    more = {"spikesim.math", "spikesim.experiments", "spikesim.models.burst.spiking"}
    return ["spikesim", *sorted(own | more | learning), *sorted(below(spikesim.models))]


@cache
def public_names():
    """Import path → object, each object once."""
    found, seen = {}, set()
    for at in public_modules():
        module = importlib.import_module(at)
        for name in module.__all__:
            each = getattr(module, name)
            shared = callable(each) or isinstance(each, (Neuron, Synapse))
            if not (shared and id(each) in seen):
                found[f"{at}.{name}"] = each
                seen.add(id(each))
    return found


def told(name):
    """Whether a name is a function or a class of this package."""
    each = public_names()[name]
    return callable(each) and each.__module__.startswith("spikesim")


CALLS = sorted(name for name in public_names() if told(name))
CLASSES = [name for name in CALLS if inspect.isclass(public_names()[name])]
CONSTANTS = sorted(
    name
    for name, each in public_names().items()
    if not (callable(each) or isinstance(each, (Neuron, Synapse)) or inspect.ismodule(each))
    and not name.startswith("spikesim.math.")
    and name != "spikesim.__version__"
)


# ---- what a docstring says --------------------------------------------------------------------


def sections(document):
    """Title → text of the sections of a docstring in NumPy's style."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.cleandoc(document or ""), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def named(document, *titles):
    """The names that sections describe."""
    found = sections(document)
    lines = [line for title in titles for line in found.get(title, "").splitlines()]
    heads = [line.partition(" : ")[0] for line in lines if re.match(r"[\w*]", line)]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def arguments(function):
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def documents(each):
    """The docstrings of a function, or of a class and those from which it is derived."""
    classes = each.__mro__ if inspect.isclass(each) else (each,)
    return [kind.__doc__ for kind in classes if kind.__module__.startswith("spikesim")]


def nodes(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    own = tree.body[0]
    todo = [*own.body]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)


def raises(function):
    """Whether a function raises an error, or calls a check that does."""
    return any(
        (isinstance(node, ast.Raise) and node.exc is not None)
        or (isinstance(node, ast.Call) and re.search(r"\bcheck_\w+$", ast.unparse(node.func)))
        for node in nodes(function)
    )


def returns(function):
    return any(
        isinstance(node, (ast.Yield, ast.YieldFrom))
        or (isinstance(node, ast.Return) and node.value is not None)
        for node in nodes(function)
    )


def methods(kind):
    """Public methods and properties that a class defines itself."""
    for name, each in vars(kind).items():
        each = getattr(each, "__func__", each)
        if not name.startswith("_") and (inspect.isfunction(each) or isinstance(each, property)):
            yield name, each


def missing(name):
    """What the docstring of a function or class does not say."""
    each = public_names()[name]
    document = each.__doc__ or ""
    found = sections(document)
    lacking = [] if document.strip() else ["a docstring"]
    if is_a(each, ModelParameters) and each is not ModelParameters:
        return lacking  # its declarations say the rest
    from_elsewhere = re.search(r"made by|from `", document.partition("\n\n")[0])
    if not (is_a(each, BaseException) or from_elsewhere):
        said = [named(text, "Parameters", "Attributes") for text in documents(each)]
        lacking += sorted(arguments(each) - set().union(*said))
    if inspect.isfunction(each):
        lacking += sorted(named(document, "Parameters") - arguments(each))
        if returns(each) and not {"Returns", "Yields"} & found.keys():
            lacking.append("Returns")
        if raises(each) and "Raises" not in found:
            lacking.append("Raises")
    if "Examples" in found or (is_a(each, tuple) and from_elsewhere):
        return lacking
    return [*lacking, "Examples"]


def is_a(each, kind):
    return inspect.isclass(each) and issubclass(each, kind)


def missing_of_methods(path, kind):
    """Methods without a docstring, of their own or of a base, and arguments that none explains.

    Arguments that methods of a class share, such as the `net` and `layer` of a model, may be
    explained by the class; symbols of a model's equations, by its file.
    """
    explained = [*documents(kind), inspect.getdoc(inspect.getmodule(kind))]
    for name, each in methods(kind):
        bases = [vars(base).get(name) for base in kind.__mro__]
        texts = [base.__doc__ for base in bases if base is not None and base.__doc__]
        if not texts:
            yield f"{name}: a docstring"
        elif inspect.isfunction(each) and not is_called_by_networks(path, name):
            said = " ".join(filter(None, [*explained, *texts]))
            words = {*re.findall(r"\w+", said), *re.findall(r"[A-Za-z]+", said)}  # W_k has k
            if arguments(each) - words:
                yield f"{name}: {', '.join(sorted(arguments(each) - words))}"


# ---- tests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_a_docstring_says_all(name):
    assert missing(name) == []


@pytest.mark.parametrize("name", CLASSES)
def test_the_docstrings_of_methods_name_their_parameters(name):
    assert list(missing_of_methods(name, public_names()[name])) == []


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_explained_where_it_is_defined(name):
    value, short = public_names()[name], name.rpartition(".")[2]
    assert any(
        vars(module).get(short) is value and short in commented(module)
        for at, module in list(sys.modules.items())
        if at.startswith("spikesim.")
    )


@cache
def commented(module):
    """The names of a module below which a text says what they are."""
    body = ast.parse(Path(module.__file__).read_text()).body
    return {
        node.id
        for one, two in pairwise(body)
        if isinstance(one, (ast.Assign, ast.AnnAssign)) and isinstance(two, ast.Expr)
        for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
        for node in ast.walk(target)
        if isinstance(node, ast.Name)
    }


@pytest.mark.parametrize("name", CALLS)
def test_the_example_of_a_docstring_is_run(name):
    each = public_names()[name]
    if "Examples" in sections(each.__doc__):
        assert each.__module__ in WITH_EXAMPLES


@pytest.mark.parametrize(
    "name", [name for name in CLASSES if issubclass(public_names()[name], ModelParameters)]
)
def test_every_parameter_of_a_model_says_what_it_is(name):
    declared = public_names()[name].declarations()
    assert not [key for key, each in declared.items() if not (each.about or each.choices)]


def listed():
    """The names in the tables of the reference."""
    pages = [page.read_text() for page in sorted(PAGES.glob("*.rst"))]
    return [name for page in pages for name in re.findall(r"^   ~(spikesim\.\S+)$", page, re.M)]


def test_every_public_name_has_one_place_in_the_reference():
    assert sorted(listed()) == sorted(public_names())


@pytest.mark.parametrize(
    ("printed", "typeset"),
    [
        ("dv/dt = v - v^3 / 3 - w", r"\frac{dv}{dt} = v - \frac{v^{3}}{3} - w"),
        ("du/dt = a (b v - u)", r"\frac{du}{dt} = a\, \left(b\, v - u\right)"),
        (
            "g(t) = weight (t / tau) exp(1 - t / tau)",
            r"g\left(t\right) = \mathrm{weight}\, \left(\frac{t}{\tau}\right)\, "
            r"\exp\left(1 - \frac{t}{\tau}\right)",
        ),
    ],
)
def test_an_equation_of_help_is_typeset_as_it_reads(printed, typeset):
    assert equations.latex(printed) == [typeset]


def test_what_no_page_could_show_is_refused():
    with pytest.raises(ValueError, match="is no equation"):
        equations.latex("dv/dt = v ; w")
