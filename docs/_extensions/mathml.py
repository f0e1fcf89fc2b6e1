"""Formulas become MathML at build, so that a page loads no script and no font to show them."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

log = logging.getLogger(__name__)

# latex2mathml knows the first name of each pair only.
SAME_LAYOUT = {"split": "aligned", "align*": "gathered"}


def mathml(latex: str, display: str, node: nodes.Element) -> str:
    for known, other in SAME_LAYOUT.items():
        latex = latex.replace(f"{{{other}}}", f"{{{known}}}")
    if r"\\" in latex and r"\begin" not in latex:
        latex = rf"\begin{{split}}{latex}\end{{split}}"
    try:
        formula = convert(latex, display=display)
    except Exception as error:
        log.warning("no formula: %s (%s)", latex, type(error).__name__, location=node)
        return escape(latex)
    # What latex2mathml does not know it writes out as text, with its backslash or its ampersand.
    if unknown := re.search(r"\\[A-Za-z]+|&(?!#?\w+;)", formula):
        log.warning("unknown %r in the formula: %s", unknown[0], latex, location=node)
    return formula


def visit_math(translator, node):
    translator.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_math_block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    number = node.get("number")
    if number is not None:
        translator.body.append(f'<span class="eqno">({escape(str(number))})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    formulas = re.split(r"\n\s*\n", node.astext())  # as in LaTeX, a blank line ends a formula
    translator.body += [mathml(formula, "block", node) for formula in formulas]
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
