"""From plain functions to typed ones: constants, names, refusals and hashes."""

import math
import pickle

import numba
import numpy as np
import pytest

from spikesim.kernels import cpu, python, records
from spikesim.kernels.functions import exp
from spikesim.kernels.lowering import LoweringError
from spikesim.kernels.program import Phase, Program, once
from spikesim.kernels.threads import Threads

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
    for real in (np.float32, np.float64):
        total = real(1.0)
        for _ in range(3):
            total = total + real(0.1) + real(1e-9)
        expected[np.dtype(real).name] = total
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
    return math.tanh(x)


def uses_unknown(x):
    return unheard_of(x)  # noqa: F821


def uses_builtin_of_c(x):
    return cosine(x)


cosine = math.cos


def comprehends(x):
    return len([x for _ in range(3)])


def nests(x):
    return (lambda y: y)(x)


def demands(x, *, gain=0.1):
    return gain * x


def calls_refused(x):
    return uses_array(x)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (make_closure(), "closure uses inside of an enclosing function; pass it in the"),
        (uses_array, "uses_array reads the global 'TABLE' of type ndarray; pass arrays in"),
        (uses_dict, "uses_dict reads the global 'LOOKUP' of type dict"),
        (uses_module, "uses_module calls 'math.tanh', which has no lowered form; there is abs, "),
        (uses_unknown, "uses_unknown uses 'unheard_of', which is not defined"),
        (uses_builtin_of_c, "calls 'cosine', which has no lowered form; there is abs, "),
        (comprehends, "comprehends defines a function or comprehension inside; write a loop"),
        (nests, "nests defines a function or comprehension inside"),
        (demands, "demands has keyword-only arguments"),
        (calls_refused, "uses_array reads the global 'TABLE'"),
        (len, "<built-in function len> is not a plain Python function"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_reason(function, text):
    with pytest.raises(LoweringError) as error:
        python.lowering("float32")(function)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


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
    assert records.record(("v", "spike")) is records.record(("v", "spike"))
    assert records.record(("v", "spike")) is not records.record(("spike", "v"))


def test_a_record_is_pickled_by_reference():
    state = records.record(("v", "drive"))(1.0, 2.0)
    assert type(pickle.loads(pickle.dumps(state))) is type(state)


def test_a_record_is_found_by_its_name_in_a_process_that_never_made_it():
    made = records.Record__never__made__here
    assert made._fields == ("never", "made", "here")
    assert made is records.record(("never", "made", "here"))


@pytest.mark.parametrize("field", ["v__s", "_v", "2v", "v s", ""])
def test_field_names_that_would_not_be_found_again_are_refused(field):
    with pytest.raises(ValueError, match="cannot name a state variable or a parameter"):
        records.record((field,))


def test_the_module_of_records_has_no_other_names():
    with pytest.raises(AttributeError, match="has no attribute 'Recordings'"):
        _ = records.Recordings
