"""Lowered functions against NumPy in higher precision, and compiled against plain Python."""

import numpy as np
import pytest

from spikesim.kernels.functions import clamped_log, exp, real, sigmoid, sqrt
from spikesim.kernels.machine import cpu, python
from spikesim.kernels.machine.program import Phase, Program

DTYPES = ["float32", "float64"]
RANGE = {"float32": 83.0, "float64": 708.0}


def elements(t, s, p):
    return s.x.shape[0]


def apply_exp(i, t, s, p):
    s.y[i] = exp(s.x[i])


def apply_sigmoid(i, t, s, p):
    s.y[i] = sigmoid(s.x[i])


def apply_sqrt(i, t, s, p):
    s.y[i] = sqrt(s.x[i])


def apply_log(i, t, s, p):
    s.y[i] = clamped_log(s.x[i])


BODIES = {"exp": apply_exp, "clamped_log": apply_log, "sigmoid": apply_sigmoid, "sqrt": apply_sqrt}


def values_of(name, x, backend=cpu):
    """A function applied to every element of an array, in the array's type."""
    y = np.zeros_like(x)
    with np.errstate(invalid="ignore"):
        phase = Phase(BODIES[name], elements, {"x": x, "y": y})
        Program([phase], x.dtype.name, backend)(0, 1)
    return y


def relative_error(y, exact):
    return np.abs(y.astype(np.longdouble) / exact - 1.0)


def grid(dtype):
    """Numbers over the whole range, and dense over the magnitudes near zero."""
    near_zero = np.geomspace(1e-30, 1.0, 200_001)
    far = np.linspace(0.0, RANGE[dtype], 500_001)
    return np.concatenate([near_zero, -near_zero, far, -far]).astype(dtype)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 3e-7), ("float64", 4e-16)])
def test_clamped_log_is_as_exact_as_stated_and_cut_off_at_zero(dtype, error):
    info = np.finfo(dtype)
    x = np.concatenate(
        [np.geomspace(info.tiny, info.max / 2, 50_001), np.linspace(0.5, 2.0, 9_999)]
    )
    x = x.astype(dtype)
    y, exact = values_of("clamped_log", x), np.log(x.astype(np.longdouble))
    assert y.dtype == dtype
    assert (abs(y - exact) <= error * np.maximum(1.0, abs(exact))).all()
    np.testing.assert_array_equal(y[:2000], values_of("clamped_log", x[:2000], python))
    least = values_of("clamped_log", np.array([0.0, -1.0], dtype))
    np.testing.assert_allclose(least, np.log(info.tiny), rtol=1e-6)


def test_exp_in_float32_is_as_exact_as_stated():
    x = grid("float32")
    y = values_of("exp", x)
    wide = x.astype(np.float64)
    assert y.dtype == np.float32
    assert (relative_error(y, np.exp(wide)) < 2.5e-7 + 1e-7 * abs(wide)).all()


def test_exp_in_float64_is_as_exact_as_stated():
    x = grid("float64")
    assert relative_error(values_of("exp", x), np.exp(x.astype(np.longdouble))).max() < 4e-16


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_beyond_its_range_is_finite_and_not_denormal(dtype):
    x = np.array([RANGE[dtype], 1e4, 1e30, np.inf], dtype)
    smallest = np.finfo(dtype).tiny
    for y in (values_of("exp", x), values_of("exp", -x)):
        assert np.isfinite(y).all()
        assert (y >= smallest).all()
        assert relative_error(y, y[1]).max() < 2.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_never_falls_by_more_than_its_error(dtype):
    x = np.linspace(-5.0, 5.0, 200_001).astype(dtype)
    y = values_of("exp", x).astype(np.longdouble)
    assert (y[1:] > y[:-1] * (1.0 - 1e-6)).all()


@pytest.mark.parametrize("name", ["exp", "sigmoid"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", [cpu, python], ids=["cpu", "python"])
def test_nan_stays_nan(name, dtype, backend):
    assert np.isnan(values_of(name, np.array([np.nan], dtype), backend)).all()


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_functions_give_the_bits_of_plain_python(name, dtype):
    chance = np.random.default_rng(1)
    x = np.concatenate([chance.normal(0.0, 3.0, 3000), chance.uniform(-900.0, 900.0, 1000)])
    x = (abs(x) if name == "sqrt" else x).astype(dtype)
    assert values_of(name, x, cpu).tobytes() == values_of(name, x, python).tobytes()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-15)])
def test_sigmoid_agrees_with_tanh(dtype, tolerance):
    x = np.linspace(-15.0, 15.0, 10_001).astype(dtype)
    exact = 0.5 + 0.5 * np.tanh(x.astype(np.longdouble) / 2.0)
    assert abs(values_of("sigmoid", x) - exact).max() < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_goes_to_zero_and_one(dtype):
    x = np.array([-1e6, -50.0, 50.0, 1e6], dtype)
    low, near_zero, near_one, high = values_of("sigmoid", x).tolist()
    assert 0.0 < low <= near_zero < 1e-21
    assert near_one == high == 1.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_square_root_is_correctly_rounded(dtype):
    x = np.geomspace(1e-30, 1e30, 5001).astype(dtype)
    y = values_of("sqrt", x)
    np.testing.assert_array_equal(y, np.sqrt(x.astype(np.longdouble)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_real_takes_the_type_of_the_state(dtype):
    number = python.lowering(dtype)(real)(3)
    assert number == 3.0
    assert number.dtype == dtype
