"""Lists of spikes: which flags are set, and rows of weights added in the order of a list."""

import numpy as np
import pytest

from spikesim.kernels.lists import MANY, WINDOW, add_rows, any_set, append_set, count_below
from spikesim.kernels.machine import cpu, python
from spikesim.kernels.machine.program import Phase, Program, once

BACKENDS = pytest.mark.parametrize("backend", [cpu, python], ids=["cpu", "python"])


def list_all(_, t, s, p):
    m = 0
    for first in range(0, s.flags.shape[0], 8):
        m += append_set(s.ids, 1, m, s.flags, first)
    s.length[0] = m


def look(k, t, s, p):
    s.found[k] = any_set(s.flags[k], 3)


def each_row(t, s, p):
    return s.flags.shape[0]


def add_listed(_, t, s, p):
    add_rows(s.out, 1, s.W, s.ids, 2, p.n, p.first, p.last)


@BACKENDS
@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_every_pattern_of_eight_flags_is_listed_in_ascending_order(backend, dtype):
    patterns = np.arange(256)[:, None] >> np.arange(8) & 1
    flags = (patterns * np.arange(1, 9)).astype(dtype).reshape(-1)
    ids = np.full((2, len(flags) + 8), -1, np.int32)
    length = np.zeros(1, np.int64)
    state = {"flags": flags, "ids": ids, "length": length}
    Program([Phase(list_all, once, state)], "float32", backend)(0, 1)
    assert length[0] == 4 * 256
    np.testing.assert_array_equal(ids[1, : length[0]], np.flatnonzero(flags))
    assert (ids[0] == -1).all()


def test_both_leave_the_same_numbers_behind_a_list():
    flags = (np.arange(800) % 7 == 3).astype(np.int32)
    left = []
    for backend in (cpu, python):
        ids, length = np.full((2, 808), -1, np.int32), np.zeros(1, np.int64)
        state = {"flags": flags, "ids": ids, "length": length}
        Program([Phase(list_all, once, state)], "float32", backend)(0, 1)
        left.append(ids)
    np.testing.assert_array_equal(*left)


@BACKENDS
@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_one_flag_of_many_is_seen_wherever_it_is(backend, dtype):
    flags = np.eye(MANY + 6, dtype=dtype)
    found = np.full(len(flags), -1, np.int64)
    Program([Phase(look, each_row, {"flags": flags, "found": found})], "float32", backend)(0, 1)
    expected = [1 if 3 <= k < 3 + MANY else 0 for k in range(len(flags))]
    np.testing.assert_array_equal(found, expected)


@BACKENDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 23])
@pytest.mark.parametrize(("first", "last"), [(0, 37), (5, 36), (0, 1), (3, 3), (0, 16)])
def test_rows_are_added_one_after_another(backend, dtype, n, first, last):
    chance = np.random.default_rng(n + last)
    W = chance.normal(size=(40, 37)).astype(dtype)
    out = chance.normal(size=(3, 37)).astype(dtype)
    ids = chance.integers(0, 40, (4, 23)).astype(np.int32)
    expected = out.copy()
    for i in ids[2, :n]:
        expected[1, first:last] += W[i, first:last]
    params = {"n": n, "first": first, "last": last}
    state = {"out": out, "W": W, "ids": ids}
    Program([Phase(add_listed, once, state, params)], dtype, backend)(0, 1)
    np.testing.assert_array_equal(out, expected)


@BACKENDS
@pytest.mark.parametrize(
    ("of_sums", "of_weights"), [("float64", "float32"), ("float32", "float64")]
)
def test_sums_and_weights_may_have_different_types(backend, of_sums, of_weights):
    chance = np.random.default_rng(7)
    W = chance.normal(size=(9, 21)).astype(of_weights)
    out = chance.normal(size=(2, 21)).astype(of_sums)
    ids = np.arange(9, dtype=np.int32)[None].repeat(3, axis=0)
    sums = out[1].astype("float64")
    for k, weights in enumerate(W):  # rounded after each pass of eight
        sums = sums + weights
        sums = sums.astype(of_sums).astype("float64") if k in (7, 8) else sums
    expected = np.stack([out[0], sums.astype(of_sums)])
    params = {"n": 9, "first": 0, "last": 21}
    Program([Phase(add_listed, once, {"out": out, "W": W, "ids": ids}, params)], of_sums, backend)(
        0, 1
    )
    np.testing.assert_array_equal(out, expected)


@BACKENDS
def test_rows_of_weights_need_not_lie_without_gaps(backend):
    held = np.random.default_rng(1).normal(size=(6, 20))
    out, ids = np.zeros((2, 10)), np.array([[0], [0], [4]], np.int32)
    state = {"out": out, "W": held[:, ::2], "ids": ids}
    params = {"n": 1, "first": 0, "last": 10}
    Program([Phase(add_listed, once, state, params)], "float64", backend)(0, 1)
    np.testing.assert_array_equal(out[1], held[4, ::2])


def count(k, t, s, p):
    s.found[k] = count_below(s.ascending, 5, s.value[k])


def each_value(t, s, p):
    return s.value.shape[0]


@BACKENDS
@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_the_numbers_below_a_value_are_counted_from_none_to_all(backend, dtype):
    ascending = np.sort(np.random.default_rng(1).integers(0, 65_000, WINDOW + 9)).astype(dtype)
    value = np.unique(np.concatenate([[0, 40_000, 65_000], ascending, ascending + 1]))
    state = {"ascending": ascending, "value": value, "found": np.zeros(value.size, np.int64)}
    Program([Phase(count, each_value, state)], "float32", backend)(0, 1)
    window = ascending[5 : 5 + WINDOW]
    np.testing.assert_array_equal(state["found"], np.searchsorted(window, value))
    assert {0, WINDOW} <= set(state["found"])
