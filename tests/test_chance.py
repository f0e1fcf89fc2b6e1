"""Random numbers: published vectors, distributions, and independence of how a run is cut up."""

import numpy as np
import pytest
from scipy import stats

from spikesim import Bernoulli, InputError, Network, Poisson
from spikesim.kernels.chance import Uniforms, philox, poisson_count, uniform
from spikesim.kernels.machine import cpu, python
from spikesim.kernels.machine.program import Phase, Program
from spikesim.kernels.neurons import neurons, poisson, rarely

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


@pytest.mark.parametrize("backend", [python, cpu])
@pytest.mark.parametrize("n", [1, 10, 61, 64, 66, 500])
def test_a_block_gives_four_numbers_however_many_blocks_are_drawn_at_once(n, backend):
    source = Uniforms(n, seed=7, stream=3, dtype="float64")
    Program([source.phase()], "float64", backend)(5, 1)
    blocks = -(-n // 4)
    words = np.array([philox(b, 5, 0, 3, 7, 0) for b in range(blocks)])
    np.testing.assert_array_equal(source.values, (words.T.ravel() >> 8) / 2.0**24)


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


# ---- rates, from very low to too high ---------------------------------------------------------


def smallest_draws(chance, shape):
    """Uniform numbers as they are where they are below 2^-14: each of 1024 as often."""
    return chance.integers(0, 1024, shape) * 2.0**-24


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("expected", [1e-11, 1e-9, 3e-8, 1e-6, 6e-5])
def test_low_rates_are_true_however_coarse_the_draw(expected, dtype):
    n, steps, below = 400_000, 10, 2.0**-14
    chance = np.random.default_rng(3)
    rate = np.full(n, expected * 1000.0, dtype)  # Hz, at a dt of 1 ms
    state = {"rate": rate, "uniform": np.zeros(n, dtype), "spike": np.zeros(n, np.int32)}
    params = {"seconds": 1e-3, "rare": 1, "stream": 5, "seed_low": 6, "seed_high": 7}
    phases = [Phase(body, neurons, state, params) for body in (poisson, rarely)]
    program, found = Program(phases, dtype, cpu), 0
    for step in range(steps):
        state["uniform"][:] = smallest_draws(chance, n)
        program(step, 1)
        found += int(state["spike"].sum())
    # Of draws below 2^-14, which is where all spikes of such a rate come from.
    mean = n * steps * expected / below
    assert abs(found - mean) < 4.0 * np.sqrt(mean) + 1.0


@pytest.mark.parametrize("expected", [1e-9, 3e-8, 1e-6, 6e-5])
def test_dark_pixels_are_true_however_coarse_the_draw(expected):
    n, steps, below = 400_000, 10, 2.0**-14
    chance = np.random.default_rng(3)
    net = Network(dt=1.0, seed=2)
    source = net.add_images("images", np.full((1, n), 1e-3), expected * 1e6, duration=100.0)
    net.run_steps(1)
    _, draw, *after = source.phases()
    program, found = Program(after, "float32", cpu), 0
    for step in range(1, steps + 1):
        draw.state["uniform"][:] = smallest_draws(chance, draw.state["uniform"].shape)
        program(step, 1)
        assert (source.spike.sum(), source.spike.max()) == (source.count[0], 1)
        found += int(source.count[0])
    mean = n * steps * expected / below
    assert abs(found - mean) < 4.0 * np.sqrt(mean) + 1.0


@pytest.mark.parametrize("kind", [Poisson, Bernoulli])
@pytest.mark.parametrize("rate", [1.0, 30.0, 500.0, 10_000.0])
def test_sources_have_the_rate_they_are_given(kind, rate):
    n, steps = 5000, 400
    net = Network(dt=0.1, seed=5)
    source = net.add_population("source", n, kind)
    source.rate[:] = rate
    spikes = net.record_spikes(source)
    net.run_steps(steps)
    expected = rate * 1e-4  # per step
    if kind is Poisson:  # up to four
        mean = stats.poisson.sf(np.arange(4), expected).sum() * n * steps
        variance = mean
    else:
        mean = expected * n * steps
        variance = mean * (1.0 - expected)
    assert abs(spikes.t.size - mean) <= 4.0 * np.sqrt(variance)


def test_a_source_that_emits_one_spike_at_most_never_emits_two():
    net = Network(dt=1.0, seed=5, backend="python")
    source = net.add_population("source", 500, Bernoulli)
    source.rate[:] = 400.0
    spikes = net.record_spikes(source)
    net.run(100.0)
    per_step = np.bincount(spikes.steps * 500 + spikes.i)
    assert per_step.max() == 1
    assert abs(per_step.sum() - 20_000) < 4.0 * np.sqrt(50_000 * 0.4 * 0.6)


@pytest.mark.parametrize("kind", [Poisson, Bernoulli])
@pytest.mark.parametrize("wrong", [-1e-3, np.inf, 10_001.0])
def test_rates_that_no_source_has_are_refused_before_a_run(kind, wrong):
    net = Network(dt=0.1, backend="python")
    source = net.add_population("source", 5, kind)
    source.rate[3] = wrong
    with pytest.raises(InputError, match=r"rate of neuron 3 in population 'source' is .* 10000 Hz"):
        net.run(1.0)
    assert net.step == 0
    source.rate[3] = 10_000.0
    net.run(1.0)


def set_rate(i, t, s, p):
    s.rate[i] = p.rate


def test_rates_that_a_phase_sets_to_what_no_source_has_are_found():
    net = Network(dt=1.0, backend="python")
    source = net.add_population("source", 5, Poisson)
    net.add_phase(set_rate, 5, state={"rate": source.rate}, params={"rate": 2e3})
    with pytest.raises(InputError, match="rate of neuron 0 in population 'source' is 2000 Hz"):
        net.run(5000.0)
    assert net.step == 2000


def test_low_rates_that_a_phase_or_a_projection_may_set_are_drawn_for_finely():
    net = Network(dt=1.0, backend="python")
    alone, set_, driven = (net.add_population(name, 2, Poisson) for name in ("a", "b", "c"))
    for source in (alone, set_, driven):
        source.rate[:] = 5.0
    net.add_phase(set_rate, 2, state={"rate": set_.rate}, params={"rate": 5.0})
    net.connect(alone, driven, target="rate", weight=0.0)
    net.run(1.0)
    assert [p.params["rare"] for p in (alone, set_, driven)] == [0, 1, 1]
    alone.rate[1] = 0.01
    net.run(1.0)
    assert alone.params["rare"] == 1


def test_finer_draws_do_not_change_the_spikes_of_ordinary_rates():
    found = []
    for lowest in (0.0, 1e-3):
        net = Network(dt=0.1, seed=5)
        source = net.add_population("source", 1000, Poisson)
        source.rate[:] = np.linspace(1.0, 200.0, 1000)
        source.rate[0] = lowest
        spikes = net.record_spikes(source)
        net.run(2000.0)
        found.append((spikes.steps.tolist(), spikes.i.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("rate", [-1.0, 10_001.0, 1e5, np.nan])
def test_images_brighter_than_a_spike_per_step_are_refused(rate):
    net = Network(dt=0.1, backend="python")
    with pytest.raises(InputError, match="rate is"):
        net.add_images("images", np.ones((1, 2)), rate=rate, duration=1.0)
