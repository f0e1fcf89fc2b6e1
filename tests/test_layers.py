"""kernels ← spikesim ← models: who may import whom."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spikesim
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = {
    "kernels": "spikesim.kernels",
    "spikesim": "spikesim",
    "models": "spikesim.models",
}
FILES = sorted(path for folder in PACKAGE for path in (ROOT / folder).rglob("*.py"))


def identity(path):
    return str(path.relative_to(ROOT))


def module_name(path):
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([PACKAGE[folder], *rest]).removesuffix(".__init__")


def imports(path):
    """Every module or name that a file imports, in full, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def belongs_to(name, package):
    return name == package or name.startswith(package + ".")


def within(folder):
    return [path for path in FILES if path.relative_to(ROOT).parts[0] == folder]


def names_loaded_by(statement):
    """The modules that a fresh Python has after a statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{statement}\nprint(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_imports_are_absolute(path):
    relative = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not relative


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_folders_are_imported_by_their_installed_names(path):
    assert not [name for name in imports(path) if name.split(".")[0] in ("kernels", "models")]


@pytest.mark.parametrize("path", within("kernels"), ids=identity)
def test_kernels_import_nothing_of_spikesim_but_kernels(path):
    own = [name for name in imports(path) if belongs_to(name, "spikesim")]
    assert all(belongs_to(name, "spikesim.kernels") for name in own)


@pytest.mark.parametrize("path", within("spikesim"), ids=identity)
def test_spikesim_imports_no_model(path):
    assert not [name for name in imports(path) if belongs_to(name, "spikesim.models")]


@pytest.mark.parametrize("path", within("spikesim"), ids=identity)
def test_only_the_command_line_finds_models_by_name(path):
    mentions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and "spikesim.models" in ast.unparse(node)
    ]
    assert not mentions or path.parent.name == "cli"


@pytest.mark.parametrize("path", within("models"), ids=identity)
def test_a_model_imports_no_other_model(path):
    own = ".".join(module_name(path).split(".")[:3])
    models = [name for name in imports(path) if belongs_to(name, "spikesim.models")]
    assert all(belongs_to(name, own) for name in models)


def test_importing_spikesim_loads_no_model_no_cuda_and_no_matplotlib():
    loaded = names_loaded_by("import spikesim")
    assert "spikesim.engine.network" in loaded
    slow = ("matplotlib", "numba.cuda", "spikesim.models", "scipy", "neo", "elephant")
    assert not [name for name in loaded for package in slow if belongs_to(name, package)]


def test_importing_plot_does_not_load_matplotlib():
    loaded = names_loaded_by("import spikesim.plot")
    assert not [name for name in loaded if belongs_to(name, "matplotlib")]


MODULES = [
    "areas",
    "bursts",
    "circuit",
    "credit",
    "datasets",
    "models",
    "patterns",
    "plot",
    "sonata",
    "spiketrains",
    "spread",
    "stimuli",
    "sweep",
]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_for_users_is_imported_when_it_is_asked_for(name):
    assert f"spikesim.{name}" in names_loaded_by(f"import spikesim; spikesim.{name}")


@pytest.mark.parametrize(
    "name",
    ["burst", "feedback_alignment", "multi_area", "segregated", "superspike"],
)
def test_a_model_is_imported_when_it_is_asked_for(name):
    assert f"spikesim.models.{name}" in names_loaded_by(f"import spikesim; spikesim.models.{name}")


def test_modules_for_users_are_listed_and_other_names_are_refused_with_the_nearest():
    assert set(MODULES) <= set(dir(spikesim))
    with pytest.raises(AttributeError, match=r"no attribute 'plto'. Did you mean 'plot'"):
        spikesim.plto  # noqa: B018 - it raises


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_no_assert_checks_anything(path):
    """Python leaves asserts out with -O; what has to hold is checked, or known to the types."""
    asserts = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Assert)]
    assert [node.lineno for node in asserts] == []
