"""How Sphinx builds the site: ``make -C docs html``."""

import sys
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from types import FunctionType

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))
from gallery_build import sphinx_gallery_conf  # noqa: F401

project = "spikesim"
author = "The spikesim developers"
project_copyright = "The spikesim developers"
version = release = installed("spikesim")

extensions = [
    "mathml",
    "myst_parser",
    "repository_links",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "reference",
    "gallery_build",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
templates_path = ["_templates"]
default_role = "py:obj"  # names in single backticks, in docstrings, are references
autodoc_typehints = "none"  # NumPy docstrings say them, with shapes and units
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # several may share a line
napoleon_use_rtype = False

# Prompts and outputs are no part of what is pasted.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "spikesim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_math_renderer = "mathml"
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project, **dict.fromkeys(("image_light", "image_dark"), "_static/logo.svg")},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"*": []}  # pages that are no chapter have nothing to list at their side


def with_source(app):
    """Modules without source, such as math, would be in the list of sources, with dead links."""
    modules = getattr(app.env, "_viewcode_modules", {})
    app.env._viewcode_modules = {name: found for name, found in modules.items() if found}
    return []


def source_of(app, module, name):
    """Neurons have the module of their class, whose source is not theirs."""
    value = getattr(import_module(module), name.split(".")[0], None)
    return None if isinstance(value, type | FunctionType) else module


def setup(app):
    app.connect("viewcode-follow-imported", source_of)
    app.connect("html-collect-pages", with_source, priority=400)  # before viewcode, at 500
