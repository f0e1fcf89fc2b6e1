"""Code that is edited in a running Python is what runs next; run as a script, in CUDA's simulator.

    NUMBA_ENABLE_CUDASIM=1 python tests/test_edited_code.py

exits with 0 if it is so with the `cuda` backend.
"""

import importlib
import os
import subprocess
import sys
from types import ModuleType
from unittest.mock import patch

import numpy as np
import pytest

from spikesim import InputError, Network, Neuron, backends
from spikesim.kernels.machine.cuda import Cuda
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.segregated import network as equations

BODY = "def body(i, t, s, p):\n    s.x[i] = {}\n"

# What a body reads → its text, the edit, and the value before and after.
KINDS = {
    "a constant": ("RATE = 10.0\n" + BODY.format("RATE"), "RATE = 20.0", 10, 20),
    "a whole constant": ("FEW = 3\n" + BODY.format("real(FEW)"), "FEW = 4", 3, 4),
    "a truth value": ("ON = True\n" + BODY.format("7.0 if ON else 9.0"), "ON = False", 7, 9),
    "a number of NumPy": (
        "RATE = np.float64(10.0)\n" + BODY.format("RATE"),
        "RATE = np.float64(20.0)",
        10,
        20,
    ),
    "a helper": (
        "def gain(v):\n    return v\n" + BODY.format("gain(2.0)"),
        "def gain(v):\n    return 3.0 * v",
        2,
        6,
    ),
    "a helper of a helper": (
        "def one(v):\n    return v\ndef gain(v):\n    return one(v)\n" + BODY.format("gain(2.0)"),
        "def one(v):\n    return 5.0 * v",
        2,
        10,
    ),
    "a constant of a helper": (
        "RATE = 3.0\ndef gain(v):\n    return RATE * v\n" + BODY.format("gain(2.0)"),
        "RATE = 4.0",
        6,
        8,
    ),
    "the order of a helper's arguments": (
        "def less(a, b):\n    return a - b\n" + BODY.format("less(a=3.0, b=1.0)"),
        "def less(b, a):\n    return b - a",
        2,
        -2,
    ),
    "a default of a helper": (
        "def gain(v, by=2.0):\n    return by * v\n" + BODY.format("gain(2.0)"),
        "gain.__defaults__ = (3.0,)",
        4,
        6,
    ),
    "a default of the body": (
        "def body(i, t, s, p, by=2.0):\n    s.x[i] = by\n",
        "body.__defaults__ = (3.0,)",
        2,
        3,
    ),
    "a constant of a module": (BODY.format("parts.RATE"), "parts.RATE = 6.0", 5, 6),
    "a function of a module": (BODY.format("parts.gain(2.0)"), "parts.gain = triple", 2, 6),
    "a function of math": (
        "from math import sqrt\n" + BODY.format("sqrt(9.0)"),
        "def sqrt(v):\n    return v",
        3,
        9,
    ),
    "a function of Python": (
        BODY.format("abs(-2.0)"),
        "def abs(v):\n    return v",
        2,
        -2,
    ),
    "the code of a function, as IPython's autoreload sets it": (
        "def gain(v):\n    return v\n" + BODY.format("gain(2.0)"),
        "gain.__code__ = triple.__code__",
        2,
        6,
    ),
}


def notebook(text):
    """A module in which the text was run."""
    parts = ModuleType("parts")
    exec("RATE = 5.0\ndef gain(v):\n    return v", vars(parts))
    scope = {"__name__": "notebook", "np": np, "parts": parts}
    exec("from spikesim.kernels.functions import real\ndef triple(v): return 3.0 * v", scope)
    exec(text, scope)
    return scope


def network(scopes, backend):
    net = Network(dt=1.0, backend=backend)
    return net, [
        net.add_phase(scope["body"], 1, state={"x": np.zeros(1, np.float32)}).state["x"]
        for scope in scopes
    ]


def result(net, numbers):
    net.run(1.0)
    return [float(x[0]) for x in numbers]


def check_all(backend):
    """Every kind at once: a new network, the old one, and changed back."""
    texts, edits, before, after = zip(*KINDS.values(), strict=True)
    scopes = [notebook(text) for text in texts]
    first = network(scopes, backend)
    assert result(*first) == list(before)
    key = first[0].compiled().key
    for scope, edit in zip(scopes, edits, strict=True):
        exec(edit, scope)
    assert result(*network(scopes, backend)) == list(after)
    assert result(*first) == list(after)
    again = network([notebook(text) for text in texts], backend)
    assert result(*again) == list(before)
    assert again[0].compiled().key == key


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
def test_edited_code_runs_in_a_new_network_and_in_an_old_one(backend):
    check_all(backend)


def test_edited_code_runs_in_the_simulator_of_cuda():
    done = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_edit_is_seen_by_itself(name):
    text, edit, before, after = KINDS[name]
    scope = notebook(text)
    first = network([scope], "python")
    assert result(*first) == [before]
    exec(edit, scope)
    assert result(*first) == [after]


def test_what_nothing_was_changed_in_is_not_read_again():
    net, x = network([notebook(KINDS["a helper of a helper"][0])], "python")
    result(net, x)
    program = net.compiled()
    result(net, x)
    assert net.compiled() is program


def test_a_neuron_keeps_the_step_that_it_was_given():
    scope = notebook("def body(i, t, s, p):\n    s.v[i] = 1.0\n    s.spike[i] = 0\n")
    cell = Neuron(steps=[scope["body"]], variables={"v": 0.0})
    exec("def body(i, t, s, p):\n    s.v[i] = 2.0\n    s.spike[i] = 0\n", scope)
    net = Network(dt=1.0, backend="python")
    old = net.add_population("old", 1, cell)
    new = net.add_population("new", 1, Neuron(steps=[scope["body"]], variables={"v": 0.0}))
    net.run(1.0)
    assert (old.v[0], new.v[0]) == (1.0, 2.0)


def test_an_edit_that_cannot_be_compiled_is_refused_and_one_that_can_goes_on():
    scope = notebook(KINDS["a constant"][0])
    net, x = network([scope], "python")
    result(net, x)
    scope["RATE"] = "fast"
    with pytest.raises(InputError, match=r"body reads the global 'RATE' of type str"):
        net.run(1.0)
    scope["RATE"] = 3.0
    assert (result(net, x), net.step) == ([3.0], 2)


def test_a_module_that_is_reloaded_is_seen_by_functions_that_were_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    text = "RATE = 10.0\ndef gain(v):\n    return v * RATE\n" + BODY.format("gain(1.0)")
    file = tmp_path / "spikesim_reloaded_equations.py"
    file.write_text(text)
    module = importlib.import_module(file.stem)
    importer = notebook(f"from {file.stem} import gain\n" + BODY.format("gain(2.0)"))
    net, x = network([vars(module), importer], "python")
    assert result(net, x) == [10.0, 20.0]
    file.write_text(text.replace("10.0", "30.0"))
    importlib.invalidate_caches()
    importlib.reload(module)
    assert result(net, x) == [30.0, 60.0]
    del sys.modules[file.stem]


def learned():
    """The weights of a small model after learning."""
    model = SegregatedDendriteNetwork((4, 3, 2), seed=1, backend="python")
    model.fit(np.full((2, 4), 0.8, np.float32), np.array([0, 1]), epochs=1)
    return [w.tolist() for w in model.W]


def test_an_equation_of_a_model_may_be_replaced_and_put_back(monkeypatch):
    before = learned()
    monkeypatch.setattr(equations, "slope", lambda x: 0.25 + 0.0 * x)
    assert learned() != before
    monkeypatch.undo()
    assert learned() == before


def main():
    simulated = Cuda(threads=2)
    with patch.object(backends, "cuda", lambda device: simulated):
        check_all("cuda")


if __name__ == "__main__":
    main()
