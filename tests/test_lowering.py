"""From plain functions to typed ones: constants, names, refusals and hashes."""

import itertools
import math
import pickle
import random
import re
import time
from functools import partial

import numba
import numpy as np
import pytest

from spikesim import InputError, Network
from spikesim.kernels.functions import exp, real
from spikesim.kernels.machine import cpu, python, states
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.program import Phase, Program, once
from spikesim.kernels.machine.threads import Threads

MIXED = "a whole number meets a real one"
NARROW = "whole numbers of few bits make one of 64 when compiled"

TABLE = np.ones(3)
LOOKUP = {"a": 1.0}
GAIN = 0.1
WHOLE = 3
A_TENTH = np.float64(0.1)


def tenth(x):
    return 0.1 * x


def gained(x):
    return GAIN * x


def gained_by_numpy(x):
    return A_TENTH * x


def gained_by_default(x, gain=0.1):
    return gain * x


def gained_from_tuple(x):
    low, high = (0.1, 0.9)
    return low * x if x < 100.0 else high * x


CONSTANTS = [tenth, gained, gained_by_numpy, gained_by_default, gained_from_tuple]


def through_helper(x):
    return tenth(x) + WHOLE


def apply_all(i, t, s, p):
    s.y[0] = gained(s.x[0])
    s.y[1] = gained_by_numpy(s.x[0])
    s.y[2] = gained_by_default(s.x[0])
    s.y[3] = gained_from_tuple(s.x[0])
    s.y[4] = p.gain * s.x[0]
    s.y[5] = tenth(s.x[0])


def source_of(text, **names):
    """Functions that are defined by a text, as in a file of their own."""
    scope = {"__name__": "equations", **names}
    exec(text, scope)
    return scope


# ---- types ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", CONSTANTS)
def test_constants_take_the_type_of_the_state(function, dtype):
    real = np.dtype(dtype).type
    result = python.lowering(dtype)(function)(real(3.0))
    assert result.dtype == dtype
    assert result == real(0.1) * real(3.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_constants_take_the_type_of_the_state(dtype):
    real = np.dtype(dtype).type
    x, y = np.array([1.7], dtype), np.zeros(6, dtype)
    Program([Phase(apply_all, once, {"x": x, "y": y}, {"gain": 0.1})], dtype, cpu)(0, 1)
    assert y.tobytes() == np.full(6, real(0.1) * real(1.7)).tobytes()


def add_all(i, t, s, p):
    s.sum[0] = s.sum[0] + 0.1 + p.small


@pytest.mark.parametrize("backend", [cpu, python, Threads(2)], ids=["cpu", "python", "threads"])
def test_each_phase_computes_in_its_own_type(backend):
    sums = {"float32": np.ones(1, np.float32), "float64": np.ones(1), None: np.ones(1, np.float32)}
    phases = [
        Phase(add_all, once, {"sum": total}, {"small": 1e-9}, dtype=dtype)
        for dtype, total in sums.items()
    ]
    Program(phases, "float32", backend)(0, 3)
    expected = {}
    for kind in (np.float32, np.float64):
        total = kind(1.0)
        for _ in range(3):
            total = total + kind(0.1) + kind(1e-9)
        expected[np.dtype(kind).name] = total
    assert sums["float64"][0] == expected["float64"] != float(np.float32(expected["float64"]))
    assert sums["float32"][0] == sums[None][0] == expected["float32"]


def test_the_key_of_a_program_depends_on_the_types_of_its_phases():
    def key(*types, dtype="float32"):
        state = {"sum": np.ones(1)}
        phases = [Phase(add_all, once, state, {"small": 1e-9}, dtype=own) for own in types]
        return Program(phases, dtype, python).key

    assert key(None, None) == key("float32", None) == key("float32", "float32", dtype="float64")
    assert len({key(None, None), key("float64", None), key(None, "float64")}) == 3


@pytest.mark.parametrize("function", CONSTANTS)
def test_numba_sees_no_float64_in_a_function_of_float32(function):
    compiled = numba.njit(python.lowering("float32")(function))
    compiled(np.float32(1.7))
    (signature,) = compiled.nopython_signatures
    assert signature.return_type is numba.float32


def test_a_helper_is_found_by_its_global_name_and_typed_too():
    result = python.lowering("float32")(through_helper)(np.float32(1.0))
    assert result == np.float32(0.1) + np.float32(3.0)
    assert result.dtype == np.float32


def test_exp_of_the_math_module_is_replaced():
    lowered = python.lowering("float32")(source_of("def f(x): return exp(x)", exp=math.exp)["f"])
    assert lowered(np.float32(1.0)).dtype == np.float32


def test_a_function_is_lowered_once():
    lower = python.lowering("float32")
    assert lower(tenth) is lower(tenth)


def test_the_function_itself_is_left_as_it_was():
    python.lowering("float32")(gained)
    assert type(gained(1.0)) is float


# ---- refusals ---------------------------------------------------------------------------------


def make_closure():
    inside = 2.0

    def closure(x):
        return inside * x

    return closure


def uses_array(x):
    return TABLE[0] * x


def uses_dict(x):
    return LOOKUP["a"] * x


def uses_module(x):
    return math.gamma(x)


def uses_unknown(x):
    return unheard_of(x)  # noqa: F821


def uses_builtin_of_c(x):
    return factorial(x)


factorial = math.lgamma


def comprehends(x):
    return len([x for _ in range(3)])


def nests(x):
    return (lambda y: y)(x)


def demands(x, *, gain=0.1):
    return gain * x


def calls_refused(x):
    return uses_array(x)


def calls_itself(x):
    return calls_itself(x - 1.0) if x > 0.0 else x


def defaults_to_text(x, how="fast"):
    return x


@numba.njit
def compiled_already(x):
    return x


def calls_compiled(x):
    return compiled_already(x)


chance = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (make_closure(), "closure uses inside of an enclosing function; pass it in the"),
        (uses_array, "uses_array reads the global 'TABLE' of type ndarray; pass arrays in"),
        (uses_dict, "uses_dict reads the global 'LOOKUP' of type dict"),
        (uses_module, "uses_module calls 'math.gamma', which bodies cannot call; they can call"),
        (uses_unknown, "uses_unknown uses 'unheard_of', which is not defined"),
        (uses_builtin_of_c, "calls 'factorial', which bodies cannot call; they can call abs"),
        (comprehends, "comprehends defines a function or comprehension inside; write a loop"),
        (nests, "nests defines a function or comprehension inside"),
        (demands, "demands has keyword-only arguments"),
        (calls_refused, "uses_array reads the global 'TABLE'"),
        (calls_itself, "calls_itself calls itself; write a loop"),
        (defaults_to_text, "defaults_to_text has a default that is not a number"),
        (calls_compiled, "calls 'compiled_already', which is compiled already; remove its"),
        (len, "<built-in function len> is not a plain Python function"),
        (partial(tenth, 1.0), "is not a plain Python function"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_reason(function, text):
    with pytest.raises(LoweringError) as error:
        python.lowering("float32")(function)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


SEED = "whose random numbers ignore the network's seed; draw with normal(s, i) or uniform(s, i)"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        # what differs from run to run
        ("s.x[i] = np.random.randn()", f"uses 'np.random', {SEED}"),
        ("s.x[i] = random.gauss(0.0, 1.0)", f"uses 'random.gauss', {SEED}"),
        ("s.x[i] = chance.random()", f"uses 'chance', {SEED}"),
        ("s.x[i] = gauss(0.0, 1.0)", f"uses 'gauss', {SEED}"),
        ("s.x[i] = time.time()", "uses 'time.time', which differs from run to run"),
        # what differs from backend to backend
        ("s.x[i] = np.sinc(x)", "calls 'np.sinc', which bodies cannot call; they can call abs"),
        ("s.x[i] = np.maximum(x, 0.0)", "calls 'np.maximum', which bodies cannot call; write max"),
        ("s.x[i] = s.x.sum()", "calls the method 'sum'; write a loop over the elements"),
        ("s.x[i] = np.sum(s.x)", "calls 'np.sum', which bodies cannot call"),
        (
            "s.x[i] = x ** 0.5",
            "has a power other than x ** n with n from 0 to 16, written as a number, and there",
        ),
        ("s.x[i] = x ** -1", "has a power other than x ** n"),
        ("s.x[i] = x ** 17", "has a power other than x ** n"),
        ("s.x[i] = x ** x", "has a power other than x ** n"),
        ("s.x[i] = x ** (2 if x > 1.0 else 3)", "has a power other than x ** n"),
        ("s.x[i] **= 0.5", "has a power other than x ** n"),
        # what is not part of the language of bodies
        ("s.x = s.x + 1.0", "sets the attribute 'x'; an array of the state is written to at an"),
        ("s.x += 1.0", "sets the attribute 'x'; an array of the state is written to at an index"),
        ("x = [x, x]", "makes a list, dict, set or text; keep numbers in arrays"),
        ("x = {'a': x}", "makes a list, dict, set or text"),
        ("x = f'{x}'", "makes a list, dict, set or text"),
        ("x = 'fast'", "has 'fast', which is not a real number"),
        ("x = 1j", "has 1j, which is not a real number"),
        ("x = 10000000000000000000", "has a whole number of more than 64 bits"),
        ("s.x[i] = HUGE", "reads the global 'HUGE', a whole number of more than 64 bits"),
        ("global X; X = x", "sets the global 'X'; keep it in an array"),
        ("import math as m", "imports 'math'; import it at the top"),
        ("yield x", "is a generator or coroutine"),
        ("x, *y = x, x, x", "unpacks by '*'"),
        ("s.x[i] = abs(*(x,))", "passes arguments by '*'"),
        ("s.x[i] = s.x @ s.x", "multiplies matrices; write a loop"),
        ("del x", "deletes 'x'; remove the 'del'"),
        ("print(x)", "calls 'print', which bodies cannot call; look at the arrays after"),
        ("x, y = divmod(x, x)", "calls 'divmod', which bodies cannot call; write x // y"),
        ("x = np", "uses the module 'np' by itself"),
        ("s.x[i] = np.linalg.norm(s.x)", "uses 'np.linalg', a module in a module"),
        ("s.x[i] = np.unheard_of", "uses 'np.unheard_of', which is not defined"),
        ("raise ValueError", "calls 'ValueError', which bodies cannot call"),
        ("try:\n        s.x[i] = x\n    except:\n        pass", "catches errors"),
    ],
)
def test_each_line_that_a_body_may_not_have_is_refused_with_its_number(line, text, tmp_path):
    file = tmp_path / "mine.py"
    scope = {"__name__": "mine", "np": np, "math": math, "random": random, "time": time}
    scope |= {"chance": chance, "gauss": random.gauss, "HUGE": 1 << 63}
    source = f"def step(i, t, s, p):\n    x = s.x[i]\n    {line}\n"
    exec(compile(source, str(file), "exec"), scope)
    net = Network(backend="python")
    net.add_phase(scope["step"], 2, state={"x": np.ones(2, np.float32)})
    with pytest.raises(InputError) as error:
        net.run(0.1)
    assert str(error.value).startswith(f"mine.step {text}")
    where = 1 if text in ("catches errors", "is a generator or coroutine") else 3
    assert str(error.value).endswith(f"(line {where} of {file}).")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("s.x[i] = 1 - x", MIXED),
        ("s.x[i] = x * i", MIXED),
        ("s.x[i] = x + t", MIXED),
        ("s.x[i] = x * len(s.x)", MIXED),
        ("s.x[i] = i / 3", MIXED),
        ("s.x[i] = min(x, 0)", MIXED),
        ("s.x[i] = s.x[i] if x > t else x", MIXED),
        ("s.x[i] = (x if x > 0.0 else 0) * x", MIXED),
        ("y = 0\n    for j in range(3):\n        y += s.x[j]\n    s.x[i] = y", MIXED),
        ("s.k[i] = np.uint64(x)", "a real number becomes uint64, which differs where it is out"),
        ("s.k[i] = s.k[i] * s.k[i]", NARROW),
        ("s.k[i] = s.k[i] ** 2", NARROW),
        ("s.k[i] = s.k[i] << 3", NARROW),
        ("s.k[i] = s.b[i] + s.b[i]", NARROW),
        ("s.k[i] = (x > 0.0) + (x > 1.0)", NARROW),
    ],
)
def test_lines_of_which_compilers_make_something_else_are_refused(line, text, tmp_path):
    file = tmp_path / "mine.py"
    scope = {"__name__": "mine", "np": np}
    source = f"def step(i, t, s, p):\n    x = s.x[i]\n    {line}\n"
    exec(compile(source, str(file), "exec"), scope)
    state = {"x": np.ones(3, np.float32), "k": np.ones(3, np.int32), "b": np.ones(3, np.uint8)}
    net = Network(backend="cpu")
    net.add_phase(scope["step"], 3, state=state)
    with pytest.raises(InputError) as error:
        net.run(0.1)
    assert str(error.value).startswith(f"step cannot be compiled: {text}")
    assert re.search(rf"\(line [3-5] of {re.escape(str(file))}\)\.$", str(error.value))


def test_whole_numbers_may_meet_real_ones_in_a_network_of_float64():
    def mix(i, t, s, p):
        s.x[i] = (1 - s.x[i]) * (i + 1) / 3

    results = []
    for backend in ("cpu", "python"):
        x = np.array([0.1, 0.7])
        net = Network(dtype="float64", backend=backend, dt=1.0)
        net.add_phase(mix, 2, state={"x": x})
        net.run(1.0)
        results.append(x.tolist())
    assert results == [[(1 - 0.1) / 3, (1 - 0.7) * 2 / 3]] * 2


# ---- the same bits ----------------------------------------------------------------------------


def expressions(text):
    return text.split()


REALS = expressions("""
    a+b a-b a*b a/b a%b a//b -a abs(a) min(a,b) max(a,b) min(a,b,c) max(a,0.0) min(1.0,a) a*b+c
    (a+b)*c-a sqrt(a) np.sqrt(a) exp(a) np.exp(a) math.exp(a) real(floor(a)) real(ceil(a))
    np.floor(a) np.ceil(a) np.abs(a) fabs(a) np.isnan(a) isfinite(a) bool(a) float(k) float(a)
    np.pi*a math.pi*a min(a,np.inf) a<b a==b a!=a a<=b<c a>0 a==1 real(int(c)) np.float32(a)*b
    np.float64(a)*b np.int32(c) np.int64(a) k*a k+a a/k k/a u*a u/255.0 g*a a%3.0 a%-3.0 a//1.0
    p.r*a real(t)*a real(i)*a 1/3*a (a,b)[1] exp(k%5) exp(i%7)
""")
REALS += ["not a", "a and b", "a or b", "a if a > b else b", "a < b and b < c", "a in (0.0, 1.0)"]
REALS += [f"a**{n}" for n in range(17)]
WHOLES = expressions("""
    k+l k-l k//l k%l k//3 k%-3 m+n m-n m*n m//n m%n -m m**2 m**5 m<<3 m>>2 ~k k&l k|l k^l k>>1
    u>>1 u//v u%v min(k,l) max(m,n) abs(m) m>n m>k u>k k==l i//3 i%7 m//p.w m%p.w p.w%m t+i
    np.int64(k) np.int64(k)*np.int64(l) np.int64(u)-np.int64(v) np.uint64(u) int(g) len(s.a)
    s.a.shape[0] int(c) floor(c) ceil(c) 4*(a>b) (a>b)*(b>c) (a>b)*k (i==3)+1
""")


def same_bits(dtype, backend):
    """What each expression gives, of special and random numbers."""
    special = [0.0, 1.0, 0.5, 2.5, 3.0, 1e-3, 1e10, 16777217.0, 2.0**31, 2.0**63, 1e19, np.inf]
    info = np.finfo(dtype)
    special += [float(info.max), float(info.tiny), float(info.smallest_subnormal)]
    special = [*special, *(-x for x in special), np.nan]
    draw = np.random.default_rng(4)
    pairs = np.array(list(itertools.product(special, special)))
    pairs = np.concatenate([pairs, draw.normal(0.0, np.exp(draw.normal(0.0, 3.0, (500, 2))))])
    n = len(pairs)
    some = [0, 1, 2, 3, 7, -1, -2, -7, 100, 255, -32768, 32767]
    k, m = draw.choice(some, (2, n)), draw.choice([*some, 1 << 62, -(1 << 62), 1 << 40], (2, n))
    state = {
        **{name: x.astype(dtype) for name, x in zip("ab", pairs.T, strict=True)},
        "c": draw.normal(0.0, 100.0, n).astype(dtype),
        **{name: x.astype(np.int32) for name, x in zip("kl", k, strict=True)},
        **{name: x.astype(np.int64) for name, x in zip("mn", m, strict=True)},
        **{name: (x & 255).astype(np.uint8) for name, x in zip("uv", k, strict=True)},
        "g": (k[0] & 1).astype(bool),
        "real": np.zeros((n, len(REALS)), dtype),
        "whole": np.zeros((n, len(WHOLES)), np.int64),
    }
    lines = [f"{name} = s.{name}[i]" for name in "abcklmnuvg"]
    lines += [f"s.real[i, {j}] = {text}" for j, text in enumerate(REALS)]
    lines += [f"s.whole[i, {j}] = {text}" for j, text in enumerate(WHOLES)]
    names = "exp, sqrt, floor, ceil, fabs, isfinite"
    scope = source_of(f"from math import {names}", np=np, math=math, real=real)
    exec("def step(i, t, s, p):\n    " + "\n    ".join(lines), scope)
    net = Network(dtype=dtype, backend=backend)
    net.add_phase(scope["step"], n, state=state, params={"r": 0.3, "w": 5})
    net.run(0.1)
    return state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_body_may_compute_has_the_bits_of_plain_python_when_compiled(dtype):
    plain, compiled = (same_bits(dtype, backend) for backend in ("python", "cpu"))
    bits = f"u{np.dtype(dtype).itemsize}"
    ours, theirs = plain["real"], compiled["real"]
    differs = (ours.view(bits) != theirs.view(bits)) & ~(np.isnan(ours) & np.isnan(theirs))
    assert [REALS[j] for j in np.flatnonzero(differs.any(axis=0))] == []
    differs = plain["whole"] != compiled["whole"]
    assert [WHOLES[j] for j in np.flatnonzero(differs.any(axis=0))] == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_roundings_and_constants_of_modules_are_what_they_say(dtype):
    x = same_bits(dtype, "python")
    with np.errstate(all="ignore"):
        for n in range(17):
            exact = np.ones_like(x["c"].astype(np.longdouble))
            for _ in range(n):
                exact = exact * x["c"]
            given = source_of(f"def f(x): return x ** {n}")["f"]
            found = [python.lowering(dtype)(given)(c) for c in x["c"]]
            fits = (abs(exact) < np.finfo(dtype).max) & (abs(exact) > np.finfo(dtype).tiny)
            rounding = n * np.finfo(dtype).eps
            np.testing.assert_allclose(np.array(found)[fits], exact[fits], rtol=rounding)
        column = dict(zip(REALS, x["real"].T, strict=True))
        np.testing.assert_array_equal(column["np.floor(a)"], np.floor(x["a"]))
        np.testing.assert_array_equal(column["np.ceil(a)"], np.ceil(x["a"]))
        pi = np.dtype(dtype).type(np.pi)
        np.testing.assert_array_equal(column["np.pi*a"], pi * x["a"])


def test_a_power_that_is_assigned_is_that_power():
    scope = source_of("def step(i, t, s, p):\n    s.x[i] **= 3\n    s.y[i] = 3.0 * s.x[i] ** 2")
    x, y = np.array([2.0], np.float32), np.zeros(1, np.float32)
    for backend in ("python", "cpu"):
        net = Network(backend=backend)
        x[:] = 2.0
        net.add_phase(scope["step"], 1, state={"x": x, "y": y})
        net.run(0.1)
        assert (x[0], y[0]) == (8.0, 192.0)


# ---- hashes -----------------------------------------------------------------------------------

EQUATION = "def helper(x): return x * RATE\ndef equation(x, y=2.0): return helper(x) + 0.5 * y"


def digest(text, rate=0.1, dtype="float32"):
    return python.lowering(dtype).digest(source_of(text, RATE=rate)["equation"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.25"),
        (" + ", " - "),
        ("x * RATE", "x / RATE"),  # in a function that it calls
        ("y=2.0", "y=3.0"),
    ],
)
def test_the_hash_changes_with_an_edit_and_comes_back_with_the_old_text(old, new):
    before = digest(EQUATION)
    assert digest(EQUATION.replace(old, new)) != before
    assert digest(EQUATION) == before


def test_the_hash_covers_constants_of_the_module_that_a_callee_reads():
    assert digest(EQUATION, rate=0.1) != digest(EQUATION, rate=0.2)


def test_the_hash_depends_on_the_type():
    assert digest(EQUATION, dtype="float32") != digest(EQUATION, dtype="float64")


def test_the_hash_does_not_depend_on_comments_and_blank_lines():
    commented = "# The paper's equation 3.\n\n" + EQUATION
    assert digest(commented) == digest(EQUATION)


def test_the_hash_of_a_primitive_is_that_of_what_takes_its_place():
    assert python.lowering("float32").digest(exp) != python.lowering("float64").digest(exp)


# ---- records ----------------------------------------------------------------------------------


def test_the_same_fields_give_the_same_class():
    assert states.record(("v", "spike")) is states.record(("v", "spike"))
    assert states.record(("v", "spike")) is not states.record(("spike", "v"))


def test_a_record_is_pickled_by_reference():
    state = states.record(("v", "drive"))(1.0, 2.0)
    assert type(pickle.loads(pickle.dumps(state))) is type(state)


def test_a_record_is_found_by_its_name_in_a_process_that_never_made_it():
    made = states.Record__never__made__here
    assert made._fields == ("never", "made", "here")
    assert made is states.record(("never", "made", "here"))


@pytest.mark.parametrize("field", ["v__s", "_v", "2v", "v s", ""])
def test_field_names_that_would_not_be_found_again_are_refused(field):
    with pytest.raises(ValueError, match="cannot name a state variable or a parameter"):
        states.record((field,))


def test_the_module_of_records_has_no_other_names():
    with pytest.raises(AttributeError, match="has no attribute 'Recordings'"):
        _ = states.Recordings
