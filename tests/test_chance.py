"""Random numbers: published vectors, distributions, and independence of how a run is cut up."""

import numpy as np
import pytest
from scipy import stats

from spikesim import Network, Poisson
from spikesim.kernels import cpu, python
from spikesim.kernels.chance import Uniforms, philox, poisson_count, uniform
from spikesim.kernels.program import Phase, Program

# kat_vectors of Random123 (Salmon et al. 2011) for philox4x32 with 10 rounds: counter, key, words.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return [int(word, 16) for word in text.split()]


def cases(t, s, p):
    return s.input.shape[0]


def philox_of_row(i, t, s, p):
    w0, w1, w2, w3 = philox(
        s.input[i, 0], s.input[i, 1], s.input[i, 2], s.input[i, 3], s.input[i, 4], s.input[i, 5]
    )
    s.output[i, 0] = w0
    s.output[i, 1] = w1
    s.output[i, 2] = w2
    s.output[i, 3] = w3


def count_of_pair(i, t, s, p):
    s.count[i] = poisson_count(s.input[i, 0], s.input[i, 1])


def counts(u, rate, dtype, backend=cpu):
    pairs = np.stack(np.broadcast_arrays(u, rate), axis=-1).astype(dtype)
    count = np.full(len(pairs), -1, np.int32)
    Program([Phase(count_of_pair, cases, {"input": pairs, "count": count})], dtype, backend)(0, 1)
    return count


def drawn(stretches, n=10, seed=7, stream=3, first=0):
    """The numbers of consecutive steps, drawn in calls of the given lengths: (steps, n)."""
    source = Uniforms(n, seed, stream, "float64")
    program = Program([source.phase()], "float64", python)
    rows = []
    for length in stretches:
        program(first, length)
        first += length
        rows.append(source.values.copy())
    return np.array(rows)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_words(counter, key, expected):
    assert list(philox(*words(counter), *words(key))) == words(expected)


def test_compiled_philox_gives_the_published_words():
    given = np.array([words(counter) + words(key) for counter, key, _ in KNOWN_ANSWERS], np.int64)
    output = np.zeros((len(given), 4), np.int64)
    Program([Phase(philox_of_row, cases, {"input": given, "output": output})], "float32", cpu)(0, 1)
    assert output.tolist() == [words(expected) for *_, expected in KNOWN_ANSWERS]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_word_gives_a_number_below_one_and_the_smallest_gives_zero(dtype):
    of_word = python.lowering(dtype)(uniform)
    assert of_word(0) == 0.0
    assert of_word(0xFFFFFFFF) == 1.0 - 2.0**-24
    assert of_word(0xFFFFFFFF).dtype == dtype


def test_uniform_numbers_are_uniform():
    values = drawn([1] * 300, n=100).ravel()
    assert stats.kstest(values, "uniform").pvalue > 1e-3


def test_numbers_of_neighbouring_neurons_and_of_neighbouring_steps_are_uncorrelated():
    values = drawn([1] * 300, n=100)
    four_deviations = 4.0 / np.sqrt(values.size)
    for a, b in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < four_deviations


def test_draws_do_not_depend_on_how_a_run_is_cut_up():
    each_step = drawn([1] * 12)
    np.testing.assert_array_equal(drawn([5, 7]), each_step[[4, 11]])


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 8},
        {"seed": 7 + 2**32},
        {"stream": 4},
        {"first": 1},
        {"first": 2**32},  # the step is counted in 64 bits
    ],
)
def test_draws_change_with_seed_stream_and_step(other):
    assert not np.isin(drawn([1], **other), drawn([1])).any()


@pytest.mark.parametrize(("dtype", "margin"), [("float32", 1e-6), ("float64", 1e-13)])
def test_poisson_count_is_the_inverse_of_the_cumulative_distribution_up_to_four(dtype, margin):
    u, rate = np.meshgrid(np.linspace(0.0, 1.0, 997, endpoint=False), [1e-4, 0.01, 0.2, 1.0, 3.0])
    u, rate = u.ravel(), rate.ravel()
    # A count of more than k for u below P(N > k), k = 0 to 3.
    above = stats.poisson.sf(np.arange(4)[:, None], rate)
    clear = (abs(u - above) > margin).all(axis=0)
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(counts(u, rate, dtype)[clear], (u < above).sum(axis=0)[clear])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rate_of_zero_gives_a_spike_for_the_number_zero_at_most(dtype):
    assert counts(np.arange(1, 100) * 2.0**-24, 0.0, dtype).max() == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_count_is_the_same_compiled_and_in_plain_python(dtype):
    chance = np.random.default_rng(0)
    u, rate = chance.uniform(size=2000), chance.uniform(0.0, 2.0, 2000)
    np.testing.assert_array_equal(counts(u, rate, dtype, cpu), counts(u, rate, dtype, python))


@pytest.mark.parametrize("expected", [0.01, 0.2, 0.8])
def test_counts_of_a_poisson_population_follow_the_poisson_distribution(expected):
    steps, n = 200, 200
    net = Network(dt=1.0, seed=11, backend="python")
    source = net.add_population("source", n, Poisson)
    source.rate[:] = expected * 1000.0 / source.network.dt
    spikes = net.record_spikes(source)
    net.run(steps)
    per_step = np.bincount(spikes.steps * n + spikes.i, minlength=steps * n)
    probability = stats.poisson.pmf(np.arange(3), expected)
    probability = np.append(probability, 1.0 - probability.sum())
    observed = np.bincount(np.minimum(per_step, 3), minlength=4)
    kept = probability * steps * n > 5.0
    assert observed[~kept].sum() < 10
    observed, probability = observed[kept], probability[kept]
    expected_counts = probability / probability.sum() * observed.sum()
    assert stats.chisquare(observed, expected_counts).pvalue > 1e-3
