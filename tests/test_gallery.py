"""Every example has its place in the gallery: a title, a section, a figure, and a notebook."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
INDEX = (ROOT / "examples" / "index.rst").read_text("utf-8")

each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def docstring(script):
    return ast.get_docstring(ast.parse(script.read_text("utf-8")))


@pytest.fixture
def build(monkeypatch):
    pytest.importorskip("sphinx_gallery", reason="the site is built with the extra 'docs'")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_extensions"))
    yield pytest.importorskip("gallery_build")
    del sys.modules["gallery_build"]


def test_the_index_names_every_example_once():
    assert sorted(re.findall(r"^   (\w+)$", INDEX, re.MULTILINE)) == [s.stem for s in SCRIPTS]


@each_script
def test_an_example_begins_with_a_title_and_says_what_it_is_about(script):
    title, line, empty, *rest = docstring(script).splitlines()
    assert line == "=" * len(title)
    assert empty == ""
    assert len(title) <= 60
    assert len(" ".join(rest)) > 80


def test_no_two_examples_have_the_same_title():
    titles = [docstring(script).splitlines()[0] for script in SCRIPTS]
    assert len(set(titles)) == len(titles)


@each_script
def test_the_figure_of_an_example_is_named_like_the_example_and_stays_open(script):
    text = script.read_text("utf-8")
    assert f'"--out", type=Path, default=Path("{script.stem}.png")' in text
    assert text.count("savefig(chosen.out") == 1
    assert "plt.close(" not in text
    assert "matplotlib.use" not in text  # a notebook chooses for itself


def test_sizes_at_build_are_options_of_their_examples(build):
    for name, arguments in build.SIZES.items():
        text = (ROOT / "examples" / f"{name}.py").read_text("utf-8")
        assert all(f'add_argument("{option}"' in text for option in arguments[::2])


def test_lines_about_compilation_are_left_out_of_pages_and_others_stay(build):
    output = ".. rst-class:: sphx-glr-script-out\n\n .. code-block:: none\n\n{}\n\n\nThen\n"
    said = (
        "    Compiling 9 functions (first use) ...\n    Compiled in 6 s; kept for the next time.\n"
    )
    nothing_else, more = [output.format(said)], [output.format(said + "    3 spikes\n")]
    build.without_compilation(None, "gallery/first", nothing_else)
    build.without_compilation(None, "gallery/second", more)
    assert nothing_else == ["Then\n"]
    assert more == [output.format("    3 spikes\n")]


def test_an_example_runs_as_a_notebook(build, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="runs notebooks")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    from sphinx_gallery import gen_gallery, notebook, py_source_parser

    path = ROOT / "examples" / "first_network.py"
    _, blocks = py_source_parser.split_code_and_text_blocks(str(path))
    settings = {**gen_gallery.DEFAULT_GALLERY_CONF, **build.sphinx_gallery_conf}
    made = notebook.jupyter_notebook(blocks, settings, str(tmp_path))
    notebook.save_notebook(made, str(tmp_path / "example.ipynb"))
    book = nbformat.read(tmp_path / "example.ipynb", as_version=4)
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=HANG, kernel_name="python3", resources=folder).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert any("431 spikes" in output.get("text", "") for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
