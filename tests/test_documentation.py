"""README and docs: the Python runs and prints what is shown; commands and links are right.

The blocks of a page run in order, in one namespace and in an empty folder. A text after a block,
as ```text or behind a paragraph that ends in "prints", is what the block has to print. Comments
directly above a block, which are in the file but not to be seen on the page, change this:

<!-- test: replace epochs=60 with epochs=1 -->    may be repeated; printed numbers may then differ
<!-- test: needs dask -->                         the page is skipped where this is not installed
<!-- test: skip because it needs a cluster -->    the block does not run

Code of another simulator begins with a comment that names it, such as `# Brian2`, and does not run.
"""

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest

from spikesim import cli

ROOT = Path(__file__).resolve().parent.parent
DOCS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts]
PAGES = [ROOT / "README.md", *DOCS]
RUN_ELSEWHERE = [ROOT / "docs/coming_from/brian2.md"]  # by tests/test_from_brian2.py
OTHERS = ("Auryn", "Brian", "Brian2", "GeNN", "NEST", "Norse", "PyNN", "snnTorch", "SpikingJelly")

BLOCK = re.compile(
    r"(?P<orders>(?:^ *<!-- test: .* -->\n)*)"
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```\n",
    re.MULTILINE | re.DOTALL,
)
SAYS = r"\n*(?:\S.*\n)*?(?:.* )?prints:?\n\n"
PRINTED = re.compile(
    rf"(?:{SAYS}|\n*)```text\n(?P<fenced>(?s:.*?))\n```$|{SAYS}(?P<indented>(?:    .*\n|\n)+)",
    re.MULTILINE,
)
FENCED = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2", re.MULTILINE | re.DOTALL)


def name(path):
    return path.relative_to(ROOT).as_posix()


def each(pages):
    return pytest.mark.parametrize("page", [pytest.param(page, id=name(page)) for page in pages])


def blocks(text):
    """Code, orders, what is printed, and the line of each block of Python."""
    for found in BLOCK.finditer(text):
        orders = re.findall(r"<!-- test: (\w+) (.*) -->", found["orders"])
        shown = PRINTED.match(text, found.end())
        printed = (shown["fenced"] or dedent(shown["indented"])) if shown else ""
        line = text.count("\n", 0, found.start("code"))
        yield dedent(found["code"]), orders, printed.strip("\n"), line


def is_of_another_simulator(code):
    first = code.partition("\n")[0]
    return first.startswith("# ") and first[2:].split()[0].rstrip(",:") in OTHERS


def without_numbers(text):
    return re.sub(r"\s*-?\d+(\.\d*)?", " 0", text)


@each(page for page in PAGES if "```py" in page.read_text("utf-8") and page not in RUN_ELSEWHERE)
def test_the_python_of_a_page_runs_and_prints_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace = {"__name__": "__main__"}
    for code, orders, expected, line in blocks(page.read_text("utf-8")):
        shrunk, skipped = False, is_of_another_simulator(code)
        for order, rest in orders:
            if order == "replace":
                old, new = rest.split(" with ")
                assert old in code, f"{name(page)}, line {line}: no {old!r} to be replaced"
                code, shrunk = code.replace(old, new), True
            elif order == "needs":
                pytest.importorskip(rest, reason=f"the page needs {rest}")
            else:
                assert (order, rest[:8]) == ("skip", "because ")
                skipped = True
        if skipped:
            continue
        said = io.StringIO()
        # At its line of the page, so that errors name it, and bodies find their source.
        compiled = compile("\n" * line + code, str(page), "exec")
        with contextlib.redirect_stdout(said):
            exec(compiled, namespace)
        if expected:
            alike = without_numbers if shrunk else str
            printed = "\n".join(part.rstrip() for part in said.getvalue().splitlines())
            assert alike(printed) == alike(expected), f"{name(page)}, line {line}"


def commands(text):
    """The arguments of all spikesim commands of a page, but of those with words in CAPITALS."""
    lines = re.findall(r"^    (.*)$", FENCED.sub("", text), re.MULTILINE)
    lines += re.findall(r"`(spikesim [^`]*)`", text)
    for _, _, language, code in FENCED.findall(text):
        if language in ("bash", "console", "sh", "shell"):
            lines += code.replace("\\\n", " ").splitlines()
    for line in lines:
        for command in re.split(r"&&|[|;]", line.strip().removeprefix("$ ")):
            if command.strip().startswith("spikesim "):
                words = shlex.split(command, comments=True)[1:]
                if not any(map(str.isupper, words)):
                    yield words


def with_files(words, text, folder):
    """The words, naming classes in files, which are made of the blocks that show the classes."""
    for word in words:
        if found := re.fullmatch(r"(?P<option>.*=)?(?P<file>\w+\.py):(?P<kind>\w+)", word):
            shown = [code for code, *_ in blocks(text) if f"class {found['kind']}(" in code]
            assert shown, f"no block of the page has the class {found['kind']}"
            (folder / found["file"]).write_text(shown[0], "utf-8")
            word = f"{found['option'] or ''}{folder / found['file']}:{found['kind']}"
        yield word


def refused(words):
    """What the command line has against them, without running the command."""
    given = [*words, "--help"] if len(words) < 3 else words  # may be named without its arguments
    try:
        return cli._parser(given).parse_known_args(given)[1]
    except SystemExit as stop:
        return stop.code


@each(page for page in [*PAGES, ROOT / "CONTRIBUTING.md"] if any(commands(page.read_text("utf-8"))))
def test_every_command_of_a_page_is_one_that_spikesim_has(page, tmp_path):
    text = page.read_text("utf-8")
    for words in commands(text):
        assert not refused(list(with_files(words, text, tmp_path))), f"spikesim {shlex.join(words)}"


def anchor(heading):
    """As GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


LINKED = [*PAGES, *(ROOT / f"{page}.md" for page in ("CONTRIBUTING", "CHANGELOG", "data/README"))]


@each(LINKED)
def test_every_link_to_a_file_of_the_repository_finds_it(page):
    prose = re.sub(r"`[^`\n]*`", "code", FENCED.sub("", page.read_text("utf-8")))
    for target, place in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", prose):
        if re.match(r"[a-z]+:", target):
            continue  # elsewhere
        path = (page.parent / target).resolve() if target else page
        assert path.is_relative_to(ROOT), f"{target} is outside"
        assert path.exists(), f"{target} does not exist"
        if place and path.suffix == ".md":
            headings = re.findall(
                r"^#+ (.*)$", FENCED.sub("", path.read_text("utf-8")), re.MULTILINE
            )
            assert place in map(anchor, headings), f"{target} has no heading #{place}"
