"""The version, and what is cited, is the same wherever it is written."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def written(name, pattern):
    return re.search(pattern, (ROOT / name).read_text("utf-8"), re.MULTILINE)[1]


def test_every_file_that_names_the_version_names_the_same_one():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert written("CITATION.cff", r"^version: (\S+)$") == version
    assert written("docs/citing.md", r"\(version (\S+)\)") == version
    assert written("docs/citing.md", r"version = \{(\S+)\}") == version
    assert written("CHANGELOG.md", r"^## (\d\S*) ") == version


def test_the_release_of_the_citation_has_the_date_of_the_changelog():
    date = written("CITATION.cff", r"^date-released: (\S+)$")
    assert written("CHANGELOG.md", r"^## \d\S* – (\S+)$") == date
    assert written("docs/citing.md", r"year\s+= \{(\d+)\}") == date[:4]
