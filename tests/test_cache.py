"""Compiled programs outlive the process that compiled them, and never their equations."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from spikesim.kernels.machine import cache
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import numpy as np
from spikesim.kernels import cpu
from spikesim.kernels.machine.program import Phase, Program, once

GAIN = 2.0


def helper(x):
    return GAIN * x


def grow(i, t, s, p):
    s.y[0] = helper(s.y[0])


y = np.ones(1, np.float32)
program = Program([Phase(grow, once, {"y": y})], "float32", cpu)
ready = program.is_ready
program(0, 3)
print(ready, program.is_ready, y[0])
"""


class Outcome(NamedTuple):
    was_ready: bool
    is_ready: bool
    result: float


def run(script, folder, **environment):
    """Run the script in a process of its own and return what it printed."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "SPIKESIM_CACHE")}
    (folder / "equations.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "equations.py"],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    was_ready, is_ready, result = done.stdout.split()
    return Outcome(was_ready == "True", is_ready == "True", float(result))


def programs(folder):
    return sorted(folder.rglob("*.o"))


def test_a_new_process_finds_the_program_and_a_changed_constant_does_not(tmp_path):
    cache = tmp_path / "cache"
    place = {"XDG_CACHE_HOME": str(cache)}
    assert run(SCRIPT, tmp_path, **place) == Outcome(False, True, 8.0)
    compiled = programs(cache / "spikesim" / "kernels")
    assert compiled
    assert run(SCRIPT, tmp_path, **place) == Outcome(True, True, 8.0)
    assert programs(cache) == compiled
    changed = SCRIPT.replace("GAIN = 2.0", "GAIN = 3.0")
    assert run(changed, tmp_path, **place) == Outcome(False, True, 27.0)
    assert run(SCRIPT, tmp_path, **place) == Outcome(True, True, 8.0)


def test_the_folder_of_numba_is_used_if_one_is_chosen(tmp_path):
    numba, home = tmp_path / "numba", tmp_path / "home"
    outcome = run(SCRIPT, tmp_path, NUMBA_CACHE_DIR=str(numba), XDG_CACHE_HOME=str(home))
    assert outcome.result == 8.0
    assert programs(numba)
    assert not home.exists()


def test_the_cache_can_be_turned_off(tmp_path):
    outcome = run(SCRIPT, tmp_path, SPIKESIM_CACHE="0", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert outcome == Outcome(False, True, 8.0)
    assert not programs(tmp_path)


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_a_folder_that_cannot_be_written_turns_the_cache_off(tmp_path, variable):
    (tmp_path / "file").write_text("no folder can be made below a file")
    inside = programs(ROOT / "kernels")
    outcome = run(SCRIPT, tmp_path, **{variable: str(tmp_path / "file" / "cache")})
    assert outcome == Outcome(False, True, 8.0)
    assert programs(ROOT / "kernels") == inside


def test_programs_that_look_at_their_indices_are_kept_apart(tmp_path):
    beside = SCRIPT.replace("s.y[0] = helper(s.y[0])", "s.y[0] = helper(s.y[t + 7 * (t > 1)])")
    place = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert run(beside.replace("program(0, 3)", "program(0, 1)"), tmp_path, **place).is_ready
    caught = beside.replace(
        "program(0, 3)",
        """
try:
    program(0, 3)
except IndexError:
    y[0] = -1.0
""",
    )
    assert run(caught, tmp_path, **place, NUMBA_BOUNDSCHECK="1") == Outcome(False, True, -1.0)


@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_damaged_file_is_compiled_afresh(tmp_path, content):
    place = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    run(SCRIPT, tmp_path, **place)
    for path in programs(tmp_path / "cache"):
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes(whole if content is None else content)
    assert run(SCRIPT, tmp_path, **place) == Outcome(False, True, 8.0)
    assert run(SCRIPT, tmp_path, **place) == Outcome(True, True, 8.0)


def test_what_was_not_used_for_longest_goes_first_when_the_cache_is_full(tmp_path):
    for age, name in enumerate(("youngest", "middle", "oldest")):
        path = tmp_path / "processor" / f"{name}.o"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (10_000 - age, 10_000 - age))
    cache.tidy(tmp_path, 250)
    assert sorted(path.stem for path in programs(tmp_path)) == ["middle", "youngest"]


def test_the_cache_tells_what_it_holds_and_is_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    cache.keep("key", b"code")
    assert cache.find("key") == b"code"
    assert cache.contents().functions == 1
    assert cache.clear().functions == 1
    assert cache.contents().functions == 0
    assert cache.find("key") is None


def test_clearing_leaves_what_is_not_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "others").mkdir()
    cache.keep("key", b"code")
    cache.clear()
    assert [path.name for path in tmp_path.iterdir() if any(path.iterdir())] == []
    assert (tmp_path / "others").is_dir()
