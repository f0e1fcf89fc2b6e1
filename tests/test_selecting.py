"""Short branches of bodies become selections: the same numbers, and no stores with masks."""

import ast
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import spikesim
from spikesim import Network, Neuron

N = 37  # not a multiple of what a processor computes at once


def reset(i, t, s, p):
    if s.v[i] > p.threshold:
        s.v[i] = p.reset
        s.count[i] += 1


def either(i, t, s, p):
    if s.v[i] > p.threshold:
        s.w[i] = s.v[i] - p.threshold
        s.count[i] = 3
    else:
        s.w[i] = s.v[i] * s.v[i]
        s.count[i] = s.count[i] - 1


def nested(i, t, s, p):
    v = s.v[i]
    is_free = s.count[i] == 0
    left = 0.0 if is_free else s.w[i] - 1.0
    if is_free:
        if v > p.threshold:
            v = p.reset
        elif v < 0.0 and s.w[i] > 0.5:
            v = -v
        s.w[i] = v
    s.v[i] = min(v, 1.5) if v > p.reset else left


def one_after_another(i, t, s, p):
    if s.v[i] > p.threshold:
        s.v[i] = s.v[i] - 1.0
        s.w[i] = s.v[i]  # the new v
        s.v[i] = s.w[i] * 0.5
    s.w[i] = s.w[i] + s.v[i]


def not_for_all(i, t, s, p):
    if i < s.few.shape[0]:
        s.few[i] = s.v[i]
    s.w[i] = s.few[i] if i < s.few.shape[0] else 0.0


def not_by_zero(i, t, s, p):
    s.w[i] = s.v[i]
    if s.count[i] != 0:
        s.count[i] = 10 // s.count[i]


def shared(i, t, s, p):
    if i == 5:
        s.total[0] = s.total[0] + s.v[i]


def counted(i, t, s, p):
    k = 0
    while s.v[i] > 0.1 and k < 20:
        s.v[i] = s.v[i] * 0.5 if k % 2 == 0 else s.v[i] * 0.9
        k += 1
    s.count[i] = k


def of_both_kinds(i, t, s, p):
    x = 1 if s.v[i] > 0.5 else 0
    s.count[i] = x
    s.flag[i] = s.v[i] > 0.5 or s.w[i] < -1.0 or not s.flag[i]


BODIES = [
    reset,
    either,
    nested,
    one_after_another,
    not_for_all,
    not_by_zero,
    shared,
    counted,
    of_both_kinds,
]


def states_after(body, dtype, backend):
    draw = np.random.default_rng(3)
    special = [np.nan, np.inf, -np.inf, -0.0, 0.0, 0.8]
    state = {
        "v": np.concatenate([special, draw.normal(0.5, 1.0, N - len(special))]).astype(dtype),
        "w": draw.normal(0.0, 1.0, N).astype(dtype),
        "few": np.zeros(5, dtype),
        "total": np.zeros(1, dtype),
        "count": draw.integers(-1, 3, N).astype(np.int32),
        "flag": draw.random(N) > 0.5,
    }
    net = Network(dt=1.0, dtype=dtype, backend=backend)
    net.add_phase(body, N, state=state, params={"threshold": 0.8, "reset": -0.25})
    net.run(3.0)
    return state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_body_with_branches_has_the_bits_of_plain_python(body, dtype):
    plain, compiled, threads = (
        states_after(body, dtype, backend) for backend in ("python", "cpu", "threads:2")
    )
    for name, array in plain.items():
        assert compiled[name].tobytes() == array.tobytes(), name
        assert threads[name].tobytes() == array.tobytes(), name


def test_a_neuron_names_the_lines_that_stay_branches():
    lines = {body: Neuron([body], {"v": 0.0}).branches() for body in BODIES}
    assert lines[either] == lines[one_after_another] == []
    assert lines[not_by_zero] == ["line 3 of not_by_zero: it computes by floordiv"]
    (said,) = lines[reset]
    assert "it reads s.count[i], which is touched nowhere else; read it before the branch" in said
    (said,) = lines[counted]
    assert "it is a loop" in said
    (said,) = lines[of_both_kinds]
    assert "'and' or 'or'" in said


def limited(i, t, s, p):
    s.v[i] = below(s.v[i])


def below(x):
    return doubled(x) if x > 1.0 else x


def doubled(x):
    return x + x


def test_lines_of_functions_that_a_step_calls_are_named():
    said = "line 2 of below: it calls doubled; call it before the branch"
    assert Neuron([limited], {"v": 0.0}).branches() == [said]
    assert spikesim.Poisson.branches() == []  # not of the user


def test_a_step_that_cannot_be_compiled_has_no_branches_to_be_named():
    def broken(i, t, s, p):
        s.v[i] = sum([1.0])

    with pytest.raises(spikesim.InputError, match="list"):
        Neuron([broken], {"v": 0.0}).branches()


COUNT = """
import re
import spikesim
from spikesim.kernels.machine import compiling

compile_job, masked = compiling.optimised, {}


def count(job):
    module, machine = compile_job(job)
    text = machine.emit_assembly(module)
    stores = re.findall(r"v\\w*maskmov\\w*\\s+%[xy]mm\\d+, %[xy]mm\\d+, ", text)
    for loop in job.loops.values():
        masked[loop.body.name] = masked.get(loop.body.name, 0) + len(stores)
    return module, machine


compiling.optimised = count
net = spikesim.Network()
for name in NEURONS:
    net.add_population(name, 50, getattr(spikesim, name))
net.run(0.1)
print(masked)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="masked stores are those of x86-64")
def test_no_neuron_has_a_store_with_a_mask(tmp_path):
    neurons = [name for name in spikesim.__all__ if is_neuron(getattr(spikesim, name))]
    assert {"LIF", "AdEx", "Izhikevich", "ConductanceLIF"} <= set(neurons)
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path),
        "NUMBA_CPU_NAME": "znver3",  # it emulates them
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+popcnt,+lzcnt,+sse4.2",
        "NUMBA_NUM_THREADS": "1",  # this process compiles everything itself
    }
    script = COUNT.replace("NEURONS", repr(neurons))
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    masked = ast.literal_eval(run.stdout.splitlines()[-1])
    assert masked["step_driven"] == 0  # with all steps after it
    assert {name: count for name, count in masked.items() if count} == {}


def is_neuron(given):
    return isinstance(given, spikesim.Neuron)
