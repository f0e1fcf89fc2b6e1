"""The tower: whoever imports looks down, and nobody looks at the file that looks at it.

What counts is what Python does: imports within functions do, those for type checkers alone do not.
"""

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.test_layers import FILES, ROOT, identity, module_name

MOST_LINES = 640
MOST_LINES_OF_A_MODEL = 300  # of a file of models/, without blank ones
MOST_LINES_OF_FOLDERS = {
    "burst": 2940,
    "cerebellum": 850,
    "dendritic_microcircuit": 440,
    "reward": 420,
    "routing": 766,
    "segregated": 540,
    "superspike": 920,
}

FLOORS = (
    "kernels",
    "version errors foreign extras",
    "checks",
    "precision attributes progress former declaring",
    "copying backends io",
    "signatures",
    "neuron neurons textbook_neurons math synapse synapses stimuli patterns spike_pattern"
    " areas spread dataset idx own_images datasets sonata sonata_reading bursts spiketrains nwb"
    " recorded tables comparison",
    "engine plot",
    "circuit learning training",
    "replicas nir events logs",
    "sweep",
    "cli credit image_runs pattern_runs experiments",
    "models",
    "__main__",
)
"""From the bottom up: files and folders that may import those below, and each other."""

MODULES = {module_name(path): path for path in FILES}
MODELS = {path.stem for path in (ROOT / "models").iterdir() if path.stem.isidentifier()}
MODELS -= {"__init__", "__pycache__"}


def executed(tree):
    """All nodes of a file but those within ``if TYPE_CHECKING:``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from executed(node)


def imported(path):
    """The modules of the package that a file imports, wherever in the file."""
    found = set()
    for node in executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if name in MODULES else node.module for name in names)
    return found & set(MODULES)


IMPORTS = {name: imported(path) for name, path in MODULES.items()}


def floor(name):
    """How high up a module stands; the package itself, a face for users, above all others."""
    room = name.removeprefix("spikesim").removeprefix(".").partition(".")[0]
    return next((k for k, rooms in enumerate(FLOORS) if room in rooms.split()), len(FLOORS))


def test_every_file_has_its_floor():
    homeless = {name for name in MODULES if floor(name) == len(FLOORS)}
    assert homeless == {"spikesim"}


def test_no_file_imports_one_that_imports_it():
    try:
        list(TopologicalSorter(IMPORTS).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_lead_down(name):
    others = IMPORTS[name] - {"spikesim"}
    assert not [other for other in others if floor(other) > floor(name)]


def test_the_package_itself_is_a_face_for_users_and_models():
    looking = {name for name in IMPORTS if "spikesim" in IMPORTS[name]}
    assert not {name for name in looking if floor(name) < floor("spikesim.models")}


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_no_file_is_longer_than_a_reader_can_hold(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def filled(path):
    """How many lines of a file are not blank."""
    return sum(bool(line.strip()) for line in path.read_text().splitlines())


def models():
    return [path for path in FILES if path.is_relative_to(ROOT / "models")]


@pytest.mark.parametrize("path", models(), ids=identity)
def test_a_file_of_a_model_is_a_model_and_no_frame(path):
    assert filled(path) <= MOST_LINES_OF_A_MODEL


def test_models_of_several_files_stay_small():
    lines = {}
    for path in models():
        folder = path.relative_to(ROOT / "models").parts[0]
        lines[folder] = lines.get(folder, 0) + filled(path)
    folders = {name: count for name, count in lines.items() if not name.endswith(".py")}
    assert folders.keys() == MOST_LINES_OF_FOLDERS.keys()
    assert not {k: count for k, count in folders.items() if count > MOST_LINES_OF_FOLDERS[k]}


@pytest.mark.parametrize("path", models(), ids=identity)
def test_a_model_has_no_commands_no_files_and_no_refusals_of_its_own(path):
    """They come from what it declares; `refuse_if` says what does not go together."""
    tree = ast.parse(path.read_text())
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    raised = {
        ast.unparse(node.exc).partition("(")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc is not None
    }
    loaded = {
        (alias.name if isinstance(node, ast.Import) else str(node.module)).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not called & {"open", "print"}
    assert not raised
    assert not loaded & {"argparse", "h5py", "csv", "json"}


def words(path):
    """The texts of a file, without its docstrings."""
    tree = ast.parse(path.read_text())
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@pytest.mark.parametrize("path", sorted((ROOT / "spikesim").rglob("*.py")), ids=identity)
def test_spikesim_names_no_model(path):
    named = re.compile(rf"({'|'.join(sorted(MODELS))})(\W.*)?|spikesim\.models\.\w+.*")
    assert not [word for word in words(path) if named.fullmatch(word)]
