"""Byte code tells which arrays a body may write, and so what threads may do at the same time."""

import numpy as np
import pytest
from cuda_networks import NETWORKS, ONLY_COMPILED, advance

from spikesim.kernels import functions
from spikesim.kernels.machine import python
from spikesim.kernels.machine.program import Phase, Program, once
from spikesim.kernels.machine.staging import pieces, stages
from spikesim.kernels.machine.touching import touched

EVERY_NETWORK = {**NETWORKS, **ONLY_COMPILED}
for name in ("exchanging", "reward, in a test"):  # these have data to be compiled, not to be run
    del EVERY_NETWORK[name]


def add_to(array, i, x):
    array[i] += x


def doubled(x):
    return x + x


def first_row(s):
    return s.W[0]


def plain(i, t, s, p):
    s.v[i] = s.w[i] + s.x[s.who[i]]


def augmented(i, t, s, p):
    s.v[i, 0] += s.w[i]


def through_a_function(i, t, s, p):
    add_to(s.v, i, doubled(s.w[i]))


def through_a_name(i, t, s, p):
    row = s.W[i]
    other = s.v[i]
    row[0] = other


def through_a_result(i, t, s, p):
    first_row(s)[i] = s.v[i]


def through_a_branch(i, t, s, p):
    add_to(s.W[i], 1 if t > 0 else 0, 1.0)
    add_after(1 if t > 0 else 0, s.V[i])
    s.x[i] = min(s.v[i], s.w[i])


def add_after(k, row):
    row[k] += 1.0


def on_one_side(i, t, s, p):
    where = s.v if i > 0 else s.w
    where[i] = s.x[i]


def by_a_module(i, t, s, p):
    s.v[i] = functions.real(s.w[i])


def only_measured(i, t, s, p):
    s.v[i] = s.w.shape[0]


@pytest.mark.parametrize(
    ("body", "read", "written"),
    [
        (plain, {"w", "x", "who"}, {"v"}),
        (augmented, {"w"}, {"v"}),
        (through_a_function, {"w"}, {"v"}),
        (through_a_name, {"v"}, {"W"}),
        (through_a_result, {"v"}, {"W"}),
        (through_a_branch, {"v", "w"}, {"W", "V", "x"}),
        (by_a_module, {"w"}, {"v"}),
        (only_measured, set(), {"v"}),
    ],
)
def test_what_is_read_and_what_is_written_is_told_apart(body, read, written):
    assert touched(body, 2) == (read, written)


def test_an_array_that_a_branch_selects_counts_as_written():
    assert {"v", "w"} <= touched(on_one_side, 2).written


def test_a_state_that_is_kept_or_passed_to_something_unknown_tells_nothing():
    def kept(i, t, s, p):
        state = s
        state.v[i] = 0.0

    def passed(i, t, s, p):
        print(s)

    assert touched(kept, 2) is None
    assert touched(passed, 2) is None
    assert touched(print, 0) is None


@pytest.fixture
def guarded(monkeypatch):
    """Bodies on the backend `python` fail if they write what their byte code does not tell."""
    each = python.each
    seen = []

    def guarded_each(lower, body, over, times, meets):
        loop, digest = each(lower, body, over, times, meets)
        told = touched(body, 2)
        seen.append((body, told))

        def run(t, s, p):
            arrays = {name: getattr(s, name) for name in s._fields}
            open_to = set(arrays) if told is None else told.written
            shared = [id(arrays[name]) for name in open_to]  # one array may have two names
            others = [array for array in arrays.values() if id(array) not in shared]
            closed = [array for array in others if array.flags.writeable]
            for array in closed:
                array.flags.writeable = False
            try:
                loop(t, s, p)
            finally:
                for array in closed:
                    array.flags.writeable = True

        return run, digest

    monkeypatch.setattr(python, "each", guarded_each)
    return seen


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_every_body_writes_no_more_than_its_byte_code_tells(name, guarded):
    advance(EVERY_NETWORK[name]("python"))
    assert guarded
    assert any(told is not None for _, told in guarded)


# ---------------------------------------------------------------------------- the stages of a step


def rows_of(stage, phases):
    """The Phases of a stage by rows of consecutive ones with the same neurons, in their order."""
    begins = 0
    row = []
    for k, phase in enumerate(phases):
        if k == 0 or phase.neurons is None or phase.neurons is not phases[k - 1].neurons:
            begins = k
        row.append(begins)
    return [[k for k in stage if row[k] == each] for each in dict.fromkeys(row[k] for k in stage)]


def reordered(phases, chance):
    """The same Phases, stage by stage, those of a stage in any order."""
    arrays = [array for phase in phases for array in phase.state.values()]
    numbers = iter(pieces(arrays))
    found = stages(phases, [[next(numbers) for _ in phase.state] for phase in phases])
    order = []
    for stage in found.phases:
        rows = rows_of(stage, phases)
        order += [k for row in chance.permutation(len(rows)) for k in rows[row]]
    assert sorted(order) == [*range(len(phases))]
    return [phases[k] for k in order], order


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_phases_of_a_stage_may_come_in_any_order(name, monkeypatch):
    expected = advance(EVERY_NETWORK[name]("python"))
    chance = np.random.default_rng(1)
    init = Program.__init__

    def shuffled(self, phases, dtype, backend):
        init(self, reordered(list(phases), chance)[0], dtype, backend)

    monkeypatch.setattr(Program, "__init__", shuffled)
    for ours, theirs in zip(advance(EVERY_NETWORK[name]("python")), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def take(i, t, s, p):
    s.a[i] = s.b[i]


def all_of_them(t, s, p):
    return s.a.shape[0]


def as_many_as_b_says(t, s, p):
    return s.b[0]


def staged(*phases):
    numbers = iter(pieces([array for phase in phases for array in phase.state.values()]))
    return stages(phases, [[next(numbers) for _ in phase.state] for phase in phases])


def test_phases_share_a_stage_unless_one_touches_what_another_writes():
    a, b, c, d = np.zeros((4, 3))
    first = Phase(take, all_of_them, {"a": a, "b": b})
    same_source = Phase(take, all_of_them, {"a": c, "b": b})
    reads_first = Phase(take, all_of_them, {"a": d, "b": a})
    writes_source = Phase(take, all_of_them, {"a": b, "b": d})
    assert staged(first, same_source).phases == [[0, 1]]
    assert staged(first, same_source, reads_first).phases == [[0, 1], [2]]
    assert staged(first, same_source, writes_source).phases == [[0, 1], [2]]
    assert staged(reads_first, first, same_source).phases == [[0, 2], [1]]


def test_views_of_one_array_are_one_piece_of_memory():
    a, b = np.zeros((2, 8))
    first = Phase(take, all_of_them, {"a": a[:4], "b": b[:4]})
    elsewhere = Phase(take, all_of_them, {"a": b[4:], "b": a[4:]})
    overlapping = Phase(take, all_of_them, {"a": b[:4], "b": a[2:]})
    assert staged(first, elsewhere).phases == [[0, 1]]
    assert staged(first, overlapping).phases == [[0], [1]]


def test_neurons_that_each_thread_keeps_need_no_stage_of_their_own():
    a, b = np.zeros((2, 3))
    owner = object()
    first = Phase(take, all_of_them, {"a": a, "b": b}, neurons=owner)
    second = Phase(take, all_of_them, {"a": b, "b": a}, neurons=owner)
    of_another = second._replace(neurons=object())
    assert staged(first, second).phases == [[0, 1]]
    assert staged(first, of_another).phases == [[0], [1]]
    assert staged(first, of_another, second).phases == [[0], [1], [2]]


def test_rows_of_earlier_steps_do_not_wait_for_the_row_of_this_step():
    ids, out = np.zeros((2, 3))
    listing = Phase(take, all_of_them, {"a": ids, "b": np.zeros(3)})
    reading = Phase(take, all_of_them, {"a": out, "b": ids})
    assert staged(listing, reading).phases == [[0], [1]]
    assert staged(listing, reading._replace(earlier=("b",))).phases == [[0, 1]]


def test_threads_meet_before_a_body_that_may_change_what_its_loop_asks():
    a, b = np.zeros((2, 3))
    careless = Phase(take, once, {"a": a, "b": b})
    asks_source = Phase(take, as_many_as_b_says, {"a": a, "b": b})
    asks_itself = Phase(take, as_many_as_b_says, {"a": b, "b": b})
    assert staged(careless).wary == frozenset()
    assert staged(asks_source).wary == frozenset()
    assert staged(asks_itself).wary == {0}
