"""How the scripts of ``examples/`` become the gallery: their sizes, their order, their sections."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Options with which an example runs when the site is built, so that all of them together take
# minutes. All others run as they do without options.
SIZES = {
    "brunel_regimes": ["--seconds", "0.5"],
    "dendritic_inhibition": ["--seeds", "1", "--epochs", "8"],
    "dendritic_transfer": ["--neurons", "1000"],
    "drawing": ["--blocks", "20"],
    "following_bursts": ["--sources", "8000"],
    "perturbation_learning_curves": ["--seeds", "4"],
    "reward_bandit": ["--trials", "8000"],
    "spiking_xor": ["--blocks", "80"],
    "stdp_poisson": ["--seconds", "600"],
    "sweep": ["--seeds", "2"],
    "target_propagation": ["--seeds", "1", "--epochs", "8"],
}

NOTEBOOK = """\
# Install spikesim from a clone first: pip install .
%matplotlib inline
import sys
sys.argv[1:] = []  # options as on the command line, such as ["--seed", "2"]"""


def sections() -> list[str]:
    """The names of examples in the order of the index."""
    return re.findall(r"^   (\w+)$", (EXAMPLES / "index.rst").read_text(), re.MULTILINE)


def options(gallery_conf: dict[str, Any], script: dict[str, Any]) -> list[str]:
    """The command line of an example; its own file of the figure goes to the generated folder."""
    name = Path(script["src_file"]).stem
    figure = Path(script["target_file"]).with_suffix(".png")
    return [*SIZES.get(name, []), "--out", str(figure)]


def place(path: str) -> int:
    """Where an example stands in the index."""
    return sections().index(Path(path).stem)


class Examples(SphinxDirective):
    """The examples of a section, one name a line: thumbnails, and places in the side bar."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        names, title = list(self.content), self.state.parent[0].astext()
        lines = [".. toctree::", "   :hidden:", f"   :caption: {title}", ""]
        lines += [*(f"   {name}" for name in names), ""]
        lines += [".. minigallery::", "", *(f"   ../examples/{name}.py" for name in names)]
        return self.parse_text_to_nodes("\n".join(lines))


def without_compilation(app: Sphinx, page: str, source: list[str]) -> None:
    """Leave out what compilation said on stderr, and output that was nothing else."""
    if page.startswith("gallery/"):
        text = re.sub(r"^ +Compil(?:ing|ed) .*\n", "", source[0], flags=re.MULTILINE)
        source[0] = re.sub(r"\.\. rst-class:: sphx-glr-script-out\n\n \S+ .*\n+(?!\s)", "", text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("examples", Examples)
    app.connect("source-read", without_compilation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "copyfile_regex": r"index\.rst",
    "within_subsection_order": "FileNameSortKey",
    "minigallery_sort_order": "gallery_build.place",
    "reset_argv": "gallery_build.options",
    "abort_on_example_error": True,
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("spikesim",),
    "capture_repr": (),  # what a page shows is printed
    "image_srcset": ["2x"],
    "first_notebook_cell": NOTEBOOK,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
}
