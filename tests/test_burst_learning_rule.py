"""The network whose weights follow the burst probability of postsynaptic neurons."""

import matplotlib
import numpy as np
import pytest

from spikesim import InputError
from spikesim.io.files import open_file, read_tree
from spikesim.models.burst.spiking.learning_rule import BLOCKS, LearningRuleParameters, run

matplotlib.use("Agg")

TINY = {
    "n": 4,
    "in_degree": 3,
    "sources": 60,
    "exc_degree": 30,
    "inh_degree": 10,
    "dendritic_sources": 20,
    "bin": 10.0,
    "burn_in": 2,
    "block": 1,
}
BURN_IN, BLOCK = 15, 4


@pytest.fixture(scope="module")
def result():
    # With fewer neurons or sources they would share so much input that they fire together.
    return run(seed=1, sources=10_000, bin=1000.0, burn_in=BURN_IN, block=BLOCK)


def during(result, name):
    """The mean of a quantity in each block."""
    return getattr(result, name)[BURN_IN:].reshape(len(BLOCKS), BLOCK).mean(axis=1)


def gained(result):
    """How much weights change in each block."""
    return np.diff(result.change[BURN_IN - 1 :: BLOCK])


def test_weights_keep_their_values_during_the_burn_in(result):
    assert result.time.tolist() == list(range(1, BURN_IN + len(BLOCKS) * BLOCK + 1))
    assert (result.change[:BURN_IN] == 0.0).all()
    assert (np.diff(result.change[BURN_IN - 1 :]) != 0.0).all()


def test_stronger_dendritic_input_strengthens_and_weaker_input_weakens(result):
    change = gained(result)
    assert change[1] == max(change)
    assert change[3] == min(change)
    assert change[1] > 0.01
    assert change[3] < -0.01


def test_the_postsynaptic_burst_probability_follows_dendritic_input(result):
    probability = during(result, "burst_probability_post")
    expected = [0.11, 0.24, 0.11, 0.02, 0.11, 0.11]
    assert probability == pytest.approx(np.array(expected), abs=0.05)


def test_more_presynaptic_bursts_change_little(result):
    assert during(result, "burst_probability_pre")[-1] > 0.2
    assert during(result, "burst_probability_pre")[:-1].max() < 0.17
    assert abs(gained(result)[-1]) < 0.5 * gained(result)[1]


def test_event_rates_are_those_of_the_authors(result):
    assert result.event_rate_pre[5:].mean() == pytest.approx(4.2, rel=0.15)
    assert result.event_rate_post[5:].mean() == pytest.approx(4.5, rel=0.15)


def test_compiled_and_plain_have_the_same_bits():
    compiled, plain = (run(seed=3, backend=name, **TINY) for name in ("cpu", "python"))
    assert np.array_equal(compiled.change, plain.change)
    assert np.array_equal(compiled.event_rate_pre, plain.event_rate_pre)


def test_every_block_is_compared_with_the_authors(result):
    rows = result.comparisons()
    bounds = [(row.low, row.high) for row in rows if "weight change" in row.quantity]
    assert bounds == [(-1, 1), (5, 7.5), (-1, 1), (-4.7, -3.3), (-1, 1), (-1, 1)]
    assert sum("burst probability of post" in row.quantity for row in rows) == len(BLOCKS)
    last = next(row for row in rows if "during" in row.quantity)
    assert last.ours == pytest.approx(100.0 * gained(result)[-1])


def test_what_was_saved_reads_back(result, tmp_path):
    result.save(tmp_path / "rule.h5")
    with open_file(tmp_path / "rule.h5", "burst-learning-rule") as file:
        saved = read_tree(file)
    assert LearningRuleParameters(**saved.pop("parameters")) == result.parameters
    assert saved.pop("seed") == 1
    for name, values in saved.items():
        assert np.array_equal(values, getattr(result, name), equal_nan=True), name


def test_the_figure_names_its_units_and_blocks(result):
    figure = result.figure()
    above, below = figure.axes
    assert above.get_ylabel() == "Weight change (%)"
    assert below.get_ylabel() == "Burst probability (%)"
    assert below.get_xlabel() == "Simulated time (s)"
    names = [text.get_text() for text in above.texts]
    assert names == [block.name for block in BLOCKS if block.name]
    matplotlib.pyplot.close(figure)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"in_degre": 3}, "Unknown parameter 'in_degre'.*Did you mean 'in_degree'"),
        ({"n": 100}, r"in_degree is 200; .* at most 100"),
        ({"sources": 50}, r"exc_degree is 100; .* at most 50"),
        ({"bin": 0.05}, r"bin is 0.05 ms; .* multiple of dt"),
        ({"block": 0}, "block is 0"),
        ({"alpha": 0.0}, r"alpha is 0.0; .* \(ms\)"),
        ({"source_rate": -1.0}, r"source_rate is -1.0; .* \(Hz\)"),
        ({"w": 2.0}, "w is 2.0; .* at most 1"),
    ],
)
def test_impossible_parameters_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        run(**given)
