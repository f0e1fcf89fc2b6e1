"""The command line itself, apart from what its commands do."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from spikesim.cli import main
main({arguments!r})
print(*(m for m in sys.modules if m.startswith("spikesim.models.") or m == "numba"))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["sweep", "--help"]])
def test_help_imports_no_model_and_no_compiler(arguments):
    program = LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "segregated" in done.stdout or arguments == ["--help"]
    assert done.stdout.splitlines()[-1] == ""


def test_help_of_a_model_lists_its_parameters(capsys):
    from spikesim.cli import main

    assert main(["train", "segregated", "--help"]) == 0
    assert "--phi_max" in capsys.readouterr().out
