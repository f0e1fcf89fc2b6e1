"""Elementary functions of bodies against extended precision, at their ends, and bit for bit."""

import math

import numpy as np
import pytest

from spikesim import InputError, Network
from spikesim import math as offered
from spikesim.kernels.machine import cpu, python
from spikesim.kernels.machine.program import Phase, Program

DTYPES = ["float32", "float64"]
LONG = np.longdouble
PI = LONG("3.14159265358979323846264338327950288")


def elements(t, s, p):
    return s.x.shape[0]


def body_of(line, **names):
    """A body that sets ``s.y[i]`` to an expression of x and z."""
    scope = {"__name__": "mine", "math": math, "np": np, **names}
    exec(f"def body(i, t, s, p):\n    x, z = s.x[i], s.z[i]\n    s.y[i] = {line}", scope)
    return scope["body"]


def values_of(line, x, z=None, backend=cpu, **names):
    """An expression of each element, in the type of the array."""
    y = np.zeros_like(x)
    state = {"x": x, "z": np.zeros_like(x) if z is None else z, "y": y}
    with np.errstate(all="ignore"):
        phase = Phase(body_of(line, **names), elements, state)
        Program([phase], x.dtype.name, backend)(0, 1)
    return y


def erfc_of(x):
    """erfc of positive numbers: a series of positive terms, or Laplace's continued fraction."""
    x = x.astype(LONG)
    term, total = x.copy(), np.zeros_like(x)
    for n in range(1, 120):
        total += term
        term = term * 2 * x * x / (2 * n + 1)
    series = 1 - 2 / np.sqrt(PI) * np.exp(-x * x) * total
    fraction = x
    for n in range(120, 0, -1):
        fraction = x + LONG(n) / 2 / fraction
    rest = np.exp(-x * x) / np.sqrt(PI) / fraction
    return np.where(x < 1.5, series, rest)


def erf_and_erfc(x):
    rest = erfc_of(abs(x))
    # Where 1 - erfc would lose digits, the series itself.
    size = abs(x).astype(LONG)
    small = 2 / np.sqrt(PI) * (size - size**3 / 3 + size**5 / 10 - size**7 / 42 + size**9 / 216)
    erf = np.where(size < 0.01, small, 1 - rest)
    return np.where(x < 0, -erf, erf), np.where(x < 0, 2 - rest, rest)


EXACT = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "erf": lambda x: erf_and_erfc(x)[0],
    "erfc": lambda x: erf_and_erfc(x)[1],
}

UNITS = {
    **dict.fromkeys(("log", "log1p", "expm1", "sin", "cos"), 2.0),
    **dict.fromkeys(("log2", "log10"), 2.5),
    **dict.fromkeys(("sinh", "cosh", "tanh", "atan", "erf"), 3.0),
    "tan": 4.0,
    "erfc": 5.0,
}
"""The bounds that `spikesim.kernels.elementary` states, in units of the last place."""

ANGLE = {"float32": 1e5, "float64": 1e9}


def grid(dtype):
    """Numbers of all magnitudes and both signs, more of them where functions bend."""
    info, chance = np.finfo(dtype), np.random.default_rng(1)
    sizes = [
        np.geomspace(float(info.tiny) * 4, float(info.max) / 4, 20_000),
        np.geomspace(1e-5, 30.0, 20_000),
        chance.uniform(0.0, 3.0, 20_000),
        chance.uniform(0.0, np.log(float(info.max)), 10_000),
    ]
    size = np.concatenate(sizes)
    return np.concatenate([size, -size]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_each_function_is_as_exact_as_stated(name, dtype):
    x = grid(dtype)
    if name in ("sin", "cos", "tan"):
        x = x[abs(x) <= ANGLE[dtype]]
    y = values_of(f"math.{name}(x)", x)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(LONG))
        near = exact.astype(dtype)
        unit = np.spacing(abs(near))
        if name in ("sin", "cos"):  # beyond the first turn the bound is an absolute one
            unit = np.where(abs(x) < 6.3, unit, np.spacing(np.dtype(dtype).type(0.75)))
        if name == "tan":
            unit = np.where(abs(x) < 6.3, unit, np.spacing((1 + near * near).astype(dtype)))
        has_digits = (abs(exact) > np.finfo(dtype).tiny) & np.isfinite(near)
        error = abs(y - exact) / unit
    assert y.dtype == dtype
    assert has_digits.sum() > 10_000
    assert error[has_digits].max() <= UNITS[name]
    same = (y == near) | (np.isnan(y) & np.isnan(near))
    assert same[~np.isfinite(near)].all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_are_as_exact_as_stated(dtype):
    chance = np.random.default_rng(2)
    x = np.exp(chance.normal(0.0, 10.0, 60_000)).astype(dtype)
    z = (chance.normal(0.0, 1.0, 60_000) * np.exp(chance.normal(0.0, 2.0, 60_000))).astype(dtype)
    y = values_of("math.pow(x, z)", x, z)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(LONG), z.astype(LONG))
        near = exact.astype(dtype)
        error = abs(y - exact) / np.spacing(near)
    has_digits = (exact > np.finfo(dtype).tiny) & np.isfinite(near)
    assert (error <= 1.5 + 1.5 * abs(z))[has_digits].all()
    np.testing.assert_array_equal(y[np.isinf(near)], np.inf)


SPECIAL = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1e30, -1e30, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in EXACT if "erf" not in name])
def test_the_ends_of_each_function_are_those_of_numpy(name, dtype):
    x = np.array(SPECIAL, dtype)
    if name in ("sin", "cos", "tan"):
        x = x[~(abs(x) == np.dtype(dtype).type(1e30))]
    with np.errstate(all="ignore"):
        expected = EXACT[name](x)
    np.testing.assert_allclose(values_of(f"math.{name}(x)", x), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_error_function_goes_to_one_and_its_complement_to_zero(dtype):
    x = np.array([0.0, np.inf, -np.inf, np.nan], dtype)
    np.testing.assert_array_equal(values_of("math.erf(x)", x), [0.0, 1.0, -1.0, np.nan])
    np.testing.assert_array_equal(values_of("math.erfc(x)", x), [1.0, 0.0, 2.0, np.nan])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_of_which_little_is_left_are_no_number(name, dtype):
    x = np.array([ANGLE[dtype], -ANGLE[dtype], 2 * ANGLE[dtype], -1e30], dtype)
    assert np.isnan(values_of(f"math.{name}(x)", x)).tolist() == [False, False, True, True]


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_powers_are_those_of_numpy(dtype):
    x, z = (each.ravel().astype(dtype) for each in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        expected = np.power(x, z)
    np.testing.assert_allclose(values_of("math.pow(x, z)", x, z), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_rounded_to_the_even_one_of_two(dtype):
    edge = 2.0 ** (np.finfo(dtype).nmant - 1)
    x = [0.5, 1.5, 2.5, 0.49999997, 3.7, edge + 0.5, edge + 1.5, 2 * edge + 1.0, 1e30, np.inf]
    x = np.array([*x, *(-each for each in x), np.nan], dtype)
    np.testing.assert_array_equal(values_of("np.round(x)", x), np.round(x))
    np.testing.assert_array_equal(values_of("np.rint(x)", x), np.round(x))
    np.testing.assert_array_equal(values_of("np.trunc(x)", x), np.trunc(x))
    np.testing.assert_array_equal(values_of("np.sign(x)", x), np.sign(x))
    few = x[abs(x) < 1e9]
    np.testing.assert_array_equal(values_of("float(round(x))", few), np.round(few))
    np.testing.assert_array_equal(values_of("float(math.trunc(x))", few), np.trunc(few))


LINES = [
    *(f"math.{name}(x)" for name in EXACT),
    "np.tanh(x)",
    "np.arctan(x)",
    "np.log(x)",
    "pow(x, z)",
    "np.power(x, z)",
    "np.round(x)",
    "float(round(min(max(x, -1e9), 1e9)))",
    "np.sign(x)",
    "np.trunc(x)",
    "math.tanh(i % 3) + math.log(i + 1)",
    "sigmoid(x) + fabs(x)",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("line", LINES)
def test_compiled_functions_give_the_bits_of_plain_python(line, dtype):
    info, chance = np.finfo(dtype), np.random.default_rng(3)
    special = [*SPECIAL, 1e5, -1e5, float(info.max), float(info.tiny), float(info.tiny) / 8]
    pairs = np.array([(x, z) for x in special for z in special])
    random = chance.normal(0.0, 1.0, (400, 2)) * np.exp(chance.normal(0.0, 4.0, (400, 2)))
    x, z = np.concatenate([pairs, random]).T.astype(dtype)
    x, z = x.copy(), z.copy()
    names = {"sigmoid": offered.sigmoid, "fabs": offered.fabs}
    ours, theirs = (values_of(line, x, z, backend, **names) for backend in (python, cpu))
    bits = f"u{np.dtype(dtype).itemsize}"
    same = (ours.view(bits) == theirs.view(bits)) | (np.isnan(ours) & np.isnan(theirs))
    assert same.all()


# ---- x ** y ------------------------------------------------------------------------------------


def root_and_more(i, t, s, p):
    x = s.x[i]
    s.y[i] = x**0.5 + (x + 1.0) ** -p.n * x**2 + 2.0**x
    s.y[i] **= 1.5 if x > 1.0 else p.n


def same_by_calls(i, t, s, p):
    x = s.x[i]
    s.y[i] = pow(x, 0.5) + pow(x + 1.0, -p.n) * x**2 + pow(2.0, x)
    s.y[i] = pow(s.y[i], 1.5 if x > 1.0 else p.n)


@pytest.mark.parametrize("backend", ["python", "cpu"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_power_with_any_exponent_is_a_call_of_pow(dtype, backend):
    x, results = np.linspace(0.1, 3.0, 9).astype(dtype), []
    for body in (root_and_more, same_by_calls):
        y = np.zeros_like(x)
        net = Network(dtype=dtype, backend=backend)
        net.add_phase(body, 9, state={"x": x, "y": y}, params={"n": 2.2})
        net.run(0.1)
        results.append(y)
    assert results[0].tobytes() == results[1].tobytes()
    wide = x.astype(np.float64)
    inner = wide**0.5 + (wide + 1.0) ** -2.2 * wide**2 + 2.0**wide
    expected = inner ** np.where(wide > 1.0, 1.5, 2.2)
    np.testing.assert_allclose(results[0], expected, rtol=1e-6)


def test_all_that_spikesim_math_offers_is_documented_or_of_python():
    for name in offered.__all__:
        thing = getattr(offered, name)
        assert thing.__doc__
        assert thing is getattr(math, name, thing)


def test_a_power_whose_file_has_changed_is_refused(tmp_path):
    file = tmp_path / "mine.py"
    text = "def step(i, t, s, p):\n    s.x[i] = s.x[i] ** 0.5\n"
    scope = {"__name__": "mine"}
    file.write_text(text)
    exec(compile(text, str(file), "exec"), scope)
    x = np.array([4.0], np.float32)
    net = Network(dt=1.0, backend="python")
    net.add_phase(scope["step"], 1, state={"x": x})
    net.run(1.0)
    assert x[0] == 2.0
    exec(compile(text.replace("0.5", "0.25"), str(file), "exec"), scope)
    net = Network(dt=1.0, backend="python")
    net.add_phase(scope["step"], 1, state={"x": x})
    with pytest.raises(InputError, match=r"a power other than .*; write pow\(x, y\) \(line 2 of"):
        net.run(1.0)
