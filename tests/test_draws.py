"""Random numbers that bodies draw: their distribution, independence, and that none comes twice."""

import numpy as np
import pytest
from scipy import stats

from spikesim import InputError, Network, Neuron, Replicas
from spikesim.kernels.chance import gaussian
from spikesim.kernels.machine import cpu
from spikesim.kernels.machine.program import Phase, Program
from spikesim.math import normal, uniform

DTYPES = ["float32", "float64"]
MASK = np.uint64(0xFFFFFFFF)


def draw_two(i, t, s, p):
    s.x[i] = normal(s, i)
    s.y[i] = normal(s, i, 1)
    s.u[i] = uniform(s, i)
    s.w[i] = uniform(s, i, 1)


def draw_again(i, t, s, p):
    s.z[i] = normal(s, i)


CELL = Neuron([draw_two, draw_again], dict.fromkeys("xyzuw", 0.0), most_spikes=0)


def noise(n, steps, seed=1, backend="cpu", dtype="float32", name="cells"):
    """Everything that cells draw: one array per variable, (steps, n)."""
    net = Network(dt=1.0, seed=seed, backend=backend, dtype=dtype)
    cells = net.add_population(name, n, CELL)
    drawn = net.record(cells, list("xyzuw"))
    net.run_steps(steps)
    return {variable: getattr(drawn, variable).T.copy() for variable in "xyzuw"}


def philox_of_numpy(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10 written down anew, with whole numbers of 64 bits without a sign."""
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) for c in np.broadcast_arrays(c0, c1, c2, c3))
    k0, k1 = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ k0,
            p1 & MASK,
            (p0 >> np.uint64(32)) ^ c3 ^ k1,
            p0 & MASK,
        )
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & MASK, (k1 + np.uint64(0xBB67AE85)) & MASK
    return c0, c1, c2, c3


def gaussians_of_numpy(index, t, stream, seed, draw=0):
    high = (t >> 32) ^ (draw << 16)
    w0, w1, _, _ = philox_of_numpy(
        index, t & 0xFFFFFFFF, high, stream, seed & 0xFFFFFFFF, seed >> 32
    )
    radius = np.sqrt(-2.0 * np.log((w0.astype(np.float64) + 0.5) / 2.0**32))
    return radius * np.cos(2.0 * np.pi * w1.astype(np.float64) / 2.0**32)


# ---- the numbers -------------------------------------------------------------------------------


def every(t, s, p):
    return s.z.shape[0]


def gaussian_of_row(i, t, s, p):
    s.z[i] = gaussian(i, t, p.stream, p.seed_low, p.seed_high)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 3e-4), ("float64", 4e-15)])
@pytest.mark.parametrize("step", [0, 7, 2**32 + 5])
def test_a_gaussian_is_that_of_a_transcription(step, dtype, error):
    seed, stream = 0x1234567890ABCDEF, 77
    z = np.zeros(20_000, dtype)
    params = {"stream": stream, "seed_low": seed & 0xFFFFFFFF, "seed_high": seed >> 32}
    Program([Phase(gaussian_of_row, every, {"z": z}, params)], dtype, cpu)(step, 1)
    expected = gaussians_of_numpy(np.arange(20_000), step, stream, seed)
    assert abs(z - expected).max() < error
    large = abs(expected) > 0.01
    assert abs(z - expected)[large].max() < max(error / 60, 4e-15)


def test_numbers_of_bodies_are_those_of_seed_stream_step_index_and_draw():
    drawn = noise(50, 4, seed=2**40 + 3, backend="python", dtype="float64")
    population, body = 0, 1 << 27
    index, step = np.arange(50), 3
    for variable, stream, draw in (
        ("x", body + 2 + population, 0),
        ("y", body + 2 + population, 1),
        ("z", body + (1 << 16) + 2 + population, 0),
    ):
        expected = gaussians_of_numpy(index, step, stream, 2**40 + 3, draw)
        np.testing.assert_allclose(drawn[variable][3], expected, rtol=0, atol=4e-15)
    _, _, w2, w3 = philox_of_numpy(index, step, 0, body + 2 + population, 3, 2**8)
    expected = (w2 >> np.uint64(8)) * 2.0**-24 + (w3 >> np.uint64(3)) * 2.0**-53
    np.testing.assert_array_equal(drawn["u"][3], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_standard_normal(dtype):
    z = noise(2000, 500, dtype=dtype)["x"].ravel().astype(np.float64)
    n = z.size
    assert abs(z.mean()) < 4.0 / np.sqrt(n)
    assert abs(z.var() - 1.0) < 4.0 * np.sqrt(2.0 / n)
    assert abs(stats.skew(z)) < 4.0 * np.sqrt(6.0 / n)
    assert abs(stats.kurtosis(z)) < 4.0 * np.sqrt(24.0 / n)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    for limit in (3.0, 4.0):
        mean = 2.0 * stats.norm.sf(limit) * n
        assert abs((abs(z) > limit).sum() - mean) < 4.0 * np.sqrt(mean)
    assert abs(z).max() < 6.77


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_numbers_are_uniform_and_below_one(dtype):
    u = noise(1000, 300, dtype=dtype)["u"].ravel()
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert stats.kstest(u.astype(np.float64), "uniform").pvalue > 1e-3


def test_numbers_of_steps_neurons_bodies_and_draws_are_independent():
    drawn = noise(300, 300)
    x = drawn["x"]
    pairs = [(x[lag:], x[:-lag]) for lag in (1, 2, 3, 10)]
    pairs += [(x[:, lag:], x[:, :-lag]) for lag in (1, 2, 4)]
    pairs += [(x, drawn[other]) for other in "yzuw"] + [(drawn["u"], drawn["w"])]
    pairs += [(abs(a), abs(b)) for a, b in pairs]
    for a, b in pairs:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4.0 / np.sqrt(a.size)


# ---- where they come from ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_the_bits_are_those_of_plain_python(backend, dtype):
    plain = noise(30, 6, backend="python", dtype=dtype)
    compiled = noise(30, 6, backend=backend, dtype=dtype)
    for variable in plain:
        assert plain[variable].tobytes() == compiled[variable].tobytes()


def test_other_seeds_give_other_numbers():
    assert not np.isin(noise(50, 3, seed=1)["x"], noise(50, 3, seed=2)["x"]).any()


def test_two_populations_draw_different_numbers():
    net = Network(dt=1.0, seed=1, backend="python")
    first, second = (net.add_population(name, 50, CELL) for name in ("first", "second"))
    net.run_steps(1)
    assert not np.isin(first.x, second.x).any()


def test_what_is_added_later_changes_no_number():
    def numbers(more):
        net = Network(dt=1.0, seed=1, backend="python")
        cells = net.add_population("cells", 5, CELL)
        x = np.zeros(5, np.float32)
        net.add_phase(draw_again, 5, state={"z": x})
        if more:
            net.add_population("others", 5, CELL)
            net.add_phase(draw_again, 5, state={"z": np.zeros(5, np.float32)})
            net.record(cells, "x")
        net.run_steps(2)
        return [*cells.x, *cells.z, *x]

    assert numbers(more=False) == numbers(more=True)


def test_a_run_in_parts_saved_and_restored_draws_the_same(tmp_path):
    def build():
        net = Network(dt=1.0, seed=1, backend="python")
        return net, net.add_population("cells", 5, CELL)

    whole, cells = build()
    whole.run(5.0)
    first, _ = build()
    first.run(3.0)
    first.save(tmp_path / "state.h5")
    second, restored = build()
    second.restore(tmp_path / "state.h5").run(2.0)
    assert cells.x.tolist() == restored.x.tolist()


def test_replicas_draw_as_networks_alone_do():
    def build(seed):
        net = Network(dt=1.0, seed=seed)
        net.add_population("cells", 5, CELL)
        return net

    together = Replicas([build(1), build(2)])
    together.run(3.0)
    for net, seed in zip(together, (1, 2), strict=True):
        alone = build(seed)
        alone.run(3.0)
        assert net.populations["cells"].x.tolist() == alone.populations["cells"].x.tolist()


def jitter(a, t, s, p):
    s.z[s.ids[t % s.ids.shape[0], a]] = normal(s, s.ids[t % s.ids.shape[0], a])


def always(i, t, s, p):
    s.spike[i] = 1


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_bodies_that_are_called_for_a_spike_may_draw(backend):
    net = Network(dt=1.0, seed=1, backend=backend)
    cells = net.add_population("cells", 5, Neuron([always], {"z": 0.0}, on_spike=[jitter]))
    net.run(1.0)
    assert len(set(cells.z.tolist()) - {0.0}) == 5


def common(i, t, s, p):
    s.z[i] = normal(s, 0)


def test_all_neurons_may_share_a_number():
    net = Network(dt=1.0, seed=1, backend="python")
    cells = net.add_population("cells", 5, Neuron([common], {"z": 0.0}))
    net.run(1.0)
    assert len(set(cells.z.tolist())) == 1


# ---- the same number twice ---------------------------------------------------------------------


def helper(s, i):
    return normal(s, i)


def numbered(s, i, k):
    return normal(s, i, k)


def twice(i, t, s, p):
    s.z[i] = normal(s, i) * normal(s, i)


def twice_in_a_branch(i, t, s, p):
    s.z[i] = normal(s, i, 1)
    if s.z[i] > 1e6:
        s.z[i] = normal(s, i, 1)


def twice_by_a_helper(i, t, s, p):
    s.z[i] = normal(s, i) * helper(s, i)


def helper_twice(i, t, s, p):
    s.z[i] = helper(s, i) * helper(s, i)


def in_a_loop(i, t, s, p):
    for _ in range(3):
        s.z[i] += normal(s, i)


def numbered_alike(i, t, s, p):
    s.z[i] = numbered(s, i, p.one) * numbered(s, i, 1)


def place(i, first, last):
    return min(max(i, first), last)


def twice_at_a_place_of_three_arguments(i, t, s, p):
    s.z[i] = normal(s, place(i, 0, 2)) * normal(s, place(i, 0, 2))


def too_many(i, t, s, p):
    s.z[i] = normal(s, i, 65536)


def by_keyword(i, t, s, p):
    s.z[i] = normal(s, i, draw=1)


def told_apart(i, t, s, p):
    s.z[i] = normal(s, i) * uniform(s, i)
    for k in range(3):
        s.z[i] += normal(s, i, k + 2) + numbered(s, i, k + 5)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (twice, r"twice draws normal\(s, i\) again, .* as in normal\(s, i, 1\) \(line"),
        (twice_in_a_branch, r"draws normal\(s, i, 1\) again, .* as in normal\(s, i, 2\)"),
        (twice_by_a_helper, r"helper draws normal\(s, i\) again"),
        (helper_twice, r"helper draws normal\(s, i\) again"),
        (in_a_loop, r"in_a_loop draws normal\(s, 0, 0\) in more than one turn of a loop"),
        (numbered_alike, r"numbered_alike draws normal\(s, 0, 1\) in more than one turn"),
        (twice_at_a_place_of_three_arguments, r"arguments draws normal\(s, i\) again"),
        (too_many, r"calls normal with the number 65536 of a draw; it has to be a whole one"),
        (by_keyword, r"uses normal in an unusual way; write normal\(s, i\), or normal\(s, i, 1\)"),
    ],
)
def test_a_number_that_would_come_twice_is_refused_with_its_line(body, text):
    net = Network(dt=1.0, backend="python")
    net.add_population("cells", 3, Neuron([body], {"z": 0.0}, {"one": 1}))
    with pytest.raises(InputError, match=text) as error:
        net.run(1.0)
    assert __file__ in str(error.value)


def test_numbers_that_are_told_apart_are_not_refused():
    net = Network(dt=1.0, backend="python")
    z = np.zeros(1, np.float32)
    net.add_phase(told_apart, 1, state={"z": z})
    net.run(1.0)
    assert z[0] != 0.0


def test_a_variable_cannot_have_the_name_of_the_key():
    with pytest.raises(InputError, match="variables has 'random_key', which every population has"):
        Neuron([draw_again], {"random_key": 0.0})
