"""The `cuda` backend: all bodies compile, and give Python's bits in the simulator and on a GPU."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import cuda_networks
import numpy as np
import pytest

import spikesim.kernels
import spikesim.models
from spikesim import InputError, Network, backends
from spikesim.kernels.machine.cuda import Cuda, provider
from spikesim.kernels.machine.program import Program
from tests.waiting import HANG

HERE = Path(__file__).resolve().parent


def is_phase_function(function):
    """Whether it is a body, body(i, t, s, p), or an over, over(t, s, p)."""
    parameters = list(inspect.signature(function).parameters)
    return parameters[-3:] == ["t", "s", "p"] and len(parameters) in (3, 4)


def phase_functions():
    """All bodies and overs that the kernels and models have."""
    for package in (spikesim.kernels, spikesim.models):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for function in vars(module).values():
                own = inspect.isfunction(function) and function.__module__ == info.name
                if own and is_phase_function(function):
                    yield function


def has_compiler():
    try:
        provider().compile(lambda: None, "void()", device=False, abi="numba", cc=(9, 0))
    except Exception:
        return False
    return True


def test_every_body_and_over_is_in_one_of_the_networks():
    used = {function for body, over, _ in cuda_networks.phases() for function in (body, over)}
    used |= {
        called
        for _, over, _ in cuda_networks.phases()
        for called in over.__globals__.values()
        if inspect.isfunction(called)
    }
    called_by_others = {"average", "each", "each_of_neurons"}  # not Phases of their own
    codes = {function.__code__ for function in used}  # a loop of a rule is bound to its functions
    missing = {f.__name__ for f in phase_functions() if f.__code__ not in codes} - called_by_others
    assert not missing


ALL = {*cuda_networks.NETWORKS, *cuda_networks.ONLY_COMPILED}
PARTS = 10  # a kernel has room for the arrays of so many bodies


@pytest.mark.skipif(not has_compiler(), reason="needs NVIDIA's compiler library (NVVM)")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_body_compiles_for_a_gpu(part):
    phases = list(cuda_networks.phases().values())[part::PARTS]
    program = Program(phases, "float32", Cuda())
    text = program.ptx()
    assert ".entry" in text
    assert "bar.sync" in text
    assert "f64" not in "".join(line for line in text.splitlines() if "atom" in line)


@pytest.mark.skipif(not has_compiler(), reason="needs NVIDIA's compiler library (NVVM)")
def test_a_product_is_rounded_before_it_is_added():
    def joined(i, t, s, p):
        s.x[i] = s.x[i] * p.factor + p.offset

    net = Network(backend="python")
    state, params = {"x": np.ones(3, np.float32)}, {"factor": 1.1, "offset": 0.3}
    phase = net.add_phase(joined, 3, state=state, params=params)
    text = Program([phase], "float32", Cuda()).ptx()
    assert "fma" not in text
    assert "mul.rn.f32" in text  # without rn, the assembler may still join the two


def run_in_a_new_process(name, **variables):
    """Whether the network has the bits of `python`; the simulator is chosen before Numba starts."""
    done = subprocess.run(
        [sys.executable, str(HERE / "cuda_networks.py"), name],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "numbers equal" in done.stdout


@pytest.mark.parametrize("name", cuda_networks.NETWORKS)
def test_the_simulator_gives_the_bits_of_plain_python(name):
    run_in_a_new_process(name, NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.skipif(bool(backends.available()["cuda"]), reason="needs a GPU")
@pytest.mark.parametrize("name", sorted(ALL - cuda_networks.PARTS_OF_MODELS))
def test_a_gpu_gives_the_bits_of_plain_python(name):
    run_in_a_new_process(name)


def test_without_a_gpu_the_error_says_why(monkeypatch):
    monkeypatch.setattr("spikesim.kernels.machine.cuda.provider", lambda: NoGpu)
    with pytest.raises(InputError, match="no usable GPU and driver were found"):
        Network(backend="cuda:5")


def test_an_unknown_backend_is_answered_with_all_there_are():
    with pytest.raises(InputError, match="one of 'cpu', 'threads', 'python', 'mpi', 'cuda'"):
        Network(backend="gpu")


def test_every_backend_is_available_or_says_why_not():
    found = backends.available()
    assert list(found) == list(backends.BACKENDS)
    assert found["cpu"] == found["python"] == ""
    assert isinstance(found["cuda"], str)


def test_importing_spikesim_does_not_import_cuda():
    code = "import sys, spikesim, spikesim.models.burst; sys.exit('numba.cuda' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0


class NoGpu:
    """A provider on a machine without a GPU."""

    @staticmethod
    def is_available():
        return False
