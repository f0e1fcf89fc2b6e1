"""Dendritic transfer: what inhibition does to burst probabilities, and the authors' numbers."""

from dataclasses import replace

import numpy as np
import pytest

from spikesim import FileError, InputError
from spikesim.comparison import comparison_table
from spikesim.io.files import atomic_file, stamp
from spikesim.models.burst.spiking.transfer import (
    AUTHORS_INTERNEURONS,
    AUTHORS_LATERAL,
    Curves,
    DendriticTransfer,
    TransferParameters,
    interneuron_transfer,
    lateral_transfer,
    run,
)

AUTHORS = DendriticTransfer(3, TransferParameters(), AUTHORS_LATERAL, AUTHORS_INTERNEURONS)
TINY = {"n": 12, "n_interneurons": 20, "sources": 30, "step": 2.0, "window": 1.0}


def test_an_ensemble_without_inhibition_is_that_of_the_authors():
    currents = [0.0, 100.0]
    ours = lateral_transfer(1, [(0.0, 0.0)], currents, n=1500, window=700.0)
    columns = [AUTHORS_LATERAL.at(current) for current in currents]
    assert ours.event_rate[0] == pytest.approx(AUTHORS_LATERAL.event_rate[0, columns], rel=0.15)
    bursts = AUTHORS_LATERAL.burst_probability[0, columns]
    assert ours.burst_probability[0] == pytest.approx(bursts, abs=0.04)


def test_lateral_inhibition_makes_bursts_independent_of_the_somatic_current():
    small = {"n": 1500, "sources": 10_000, "window": 700.0}
    conditions = [(weight, current) for weight in (0.0, 0.02) for current in (0.0, 200.0)]
    curves = lateral_transfer(2, conditions, [100.0], **small)
    bursts = curves.burst_probability[:, 0]
    assert bursts[1] - bursts[0] > 0.03
    assert abs(bursts[3] - bursts[2]) < 0.02
    assert curves.event_rate[1, 0] > 1.3 * curves.event_rate[0, 0]


@pytest.fixture(scope="module")
def with_interneurons():
    conditions = [(0.0, 0.0), (0.001, 0.0), (0.001, 100.0)]
    small = {"n_interneurons": 1000, "sources": 5000, "step": 500.0, "window": 300.0}
    return interneuron_transfer(1, conditions, [150.0, 250.0], **small)


def test_bursts_become_likelier_and_events_rarer_with_the_dendritic_current(with_interneurons):
    assert (np.diff(with_interneurons.burst_probability, axis=1) > 0.1).all()
    assert (np.diff(with_interneurons.event_rate, axis=1) < 0.0).all()


def test_sst_cells_take_bursts_and_vip_cells_give_them_back(with_interneurons):
    for current in (150.0, 250.0):
        bursts = with_interneurons.burst_probability[:, with_interneurons.at(current)]
        assert bursts[1] < bursts[0] - 0.1
        assert bursts[1] + 0.1 < bursts[2] < bursts[0] + 0.02


def test_sst_cells_widen_the_range_of_currents():
    def width(condition):
        low, high = (AUTHORS_INTERNEURONS.current_for(share, *condition) for share in (0.2, 0.8))
        return high - low

    assert width((0.0, 0.0)) == pytest.approx(138.0, abs=1.0)
    assert width((0.001, 0.0)) == pytest.approx(173.0, abs=1.0)


def test_a_seed_gives_the_same_curves_again_and_in_both_backends():
    def measured(seed, backend):
        curves = lateral_transfer(seed, [(0.02, 900.0)], [0.0, 300.0], backend=backend, **size)
        return np.stack([curves.event_rate, curves.burst_probability])

    size = {"n": 210, "sources": 110, "step": 25.0, "window": 24.0}
    first = measured(5, "cpu")
    assert (first > 0.0).any()
    assert np.array_equal(first, measured(5, "cpu"), equal_nan=True)
    assert np.array_equal(first, measured(5, "python"), equal_nan=True)
    assert not np.array_equal(first, measured(6, "cpu"), equal_nan=True)


def test_a_run_measures_all_conditions_and_reports_its_progress():
    told = []
    result = run(4, lambda *now: told.append(now), "python", **TINY)
    assert result.lateral.conditions == AUTHORS_LATERAL.conditions
    assert result.interneurons.conditions == AUTHORS_INTERNEURONS.conditions
    assert result.interneurons.event_rate.shape == AUTHORS_INTERNEURONS.event_rate.shape
    assert told == [(k, 60) for k in range(1, 61)] * 2


def test_without_events_there_is_no_burst_probability():
    curves = lateral_transfer(0, [(0.0, -2000.0)], [0.0], backend="python", **TINY)
    assert curves.event_rate[0, 0] == 0.0
    assert np.isnan(curves.burst_probability[0, 0])
    assert np.isnan(curves.current_for(0.5, 0.0, -2000.0))


def test_the_authors_numbers_hold_and_what_differs_from_them_is_marked():
    assert "MISSED" not in comparison_table(AUTHORS.comparisons())
    bursts = AUTHORS_LATERAL.burst_probability.copy()
    bursts[AUTHORS_LATERAL.condition(0.02, 200.0), AUTHORS_LATERAL.at(100.0)] += 0.05
    other = replace(AUTHORS, lateral=AUTHORS_LATERAL._replace(burst_probability=bursts))
    missed = [row.quantity for row in other.comparisons() if not row.holds]
    assert missed == [
        "spread of bursts at 100 pA over somatic currents, lateral inhibition (points)",
        "bursts off by, lateral weight 0.02, somatic 200 pA (points)",
    ]


def test_unknown_burst_probabilities_do_not_hold():
    unknown = np.full_like(AUTHORS_LATERAL.burst_probability, np.nan)
    other = replace(AUTHORS, lateral=AUTHORS_LATERAL._replace(burst_probability=unknown))
    missed = [row for row in other.comparisons() if not row.holds]
    assert len(missed) == 3 + len(AUTHORS_LATERAL.conditions)


def test_a_saved_file_reads_back(tmp_path):
    AUTHORS.save(tmp_path / "transfer.h5")
    again = DendriticTransfer.load(tmp_path / "transfer.h5")
    assert (again.seed, again.parameters) == (AUTHORS.seed, AUTHORS.parameters)
    for ours, saved in (
        (AUTHORS.lateral, again.lateral),
        (AUTHORS.interneurons, again.interneurons),
    ):
        for name in Curves._fields:
            assert np.array_equal(getattr(ours, name), getattr(saved, name))


def test_another_file_is_refused(tmp_path):
    with atomic_file(tmp_path / "network.h5") as file:
        stamp(file, "network")
    with pytest.raises(FileError, match="not a burst-transfer file"):
        DendriticTransfer.load(tmp_path / "network.h5")


def test_the_figure_has_units_names_and_the_authors_numbers():

    figure = AUTHORS.figure()
    axes = figure.axes
    assert len(axes) == 6
    assert {ax.get_xlabel() for ax in axes} == {"Dendritic current (pA)"}
    assert [ax.get_ylabel() for ax in axes[:2]] == ["Event rate (Hz)", "Burst probability (%)"]
    assert [ax.get_title(loc="left") for ax in axes[::2]] == [
        "Without inhibition",
        "Lateral inhibition",
        "Interneurons",
    ]
    texts = [text.get_text() for text in axes[5].get_legend().get_texts()]
    assert texts[0] == "open loop"
    assert texts[-1] == "authors' program"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"neurons": 10}, "Unknown parameter 'neurons'"),
        ({"n": 0}, "n is 0"),
        ({"n_interneurons": 9}, "n_interneurons is 9"),
        ({"sources": 2.5}, r"sources is 2\.5"),
        ({"step": 0.05}, r"step is 0\.05 ms"),
        ({"step": 100.0, "window": 200.0}, "no longer than step"),
        ({"backend": "gpu"}, "backend is 'gpu'"),
    ],
)
def test_impossible_sizes_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        run(**{**TINY, "backend": "python", **wrong})


@pytest.mark.parametrize(
    ("conditions", "currents", "message"),
    [
        ([], [0.0], "conditions"),
        ([0.02], [0.0], "conditions has shape"),
        ([(-0.02, 0.0)], [0.0], r"weights in conditions holds -0\.02"),
        ([(0.02, 0.0)], [], "at least one"),
        ([(0.02, 0.0)], [np.nan], "dendritic_currents holds NaN"),
    ],
)
def test_impossible_conditions_are_refused(conditions, currents, message):
    with pytest.raises(InputError, match=message):
        lateral_transfer(0, conditions, currents, backend="python", **TINY)


def test_what_was_not_measured_is_named():
    with pytest.raises(InputError, match=r"weight 0\.3 and current 0 pA; there are \(0, 0\)"):
        AUTHORS_LATERAL.condition(0.3, 0.0)
    with pytest.raises(InputError, match=r"is 20 pA; it has to be one of -100, -50"):
        AUTHORS_LATERAL.at(20.0)
