"""Models in random sizes, options and parameters do what their oracles do; a few cases of each."""

import pytest

from tests.reliability import differential

CASES = 7

# A parameter of each model that acts in every part of it.
WRONG = {
    "segregated_spikes": "tau_L",
    "segregated_rates": "g_D",
    "burst_ensemble": "nudge",
    "burstprop": "p_0",
    "superspike": "tau_decay",
    "pyramidal": "tau_d",
    "burst_poisson": "tau_ws",
    "adex": "Delta_T",
    "events_and_bursts": "tau",
    "short_term_plasticity": "tau_D",
    "burst_plasticity": "alpha",
    "pair_plasticity": "tau_minus",
    "integrate_and_fire": "tau",
    "izhikevich": "b",
}


@pytest.mark.parametrize("model", differential.MODELS)
def test_random_cases_of_a_model_do_what_its_oracle_does(model):
    for number in range(CASES):
        case = differential.made(0, model, number, plain=True)
        assert case.numbers > 0
        assert not case.differences, case.drawn


@pytest.mark.parametrize("model", differential.MODELS)
def test_an_oracle_that_is_wrong_in_the_sixth_digit_of_a_parameter_is_found_out(model):
    assert differential.found_after(0, model, WRONG[model], plain=True) is not None


def test_a_case_is_the_same_whenever_it_is_drawn():
    first, second, other = (
        differential.made(seed, "izhikevich", 3, plain=True) for seed in (0, 0, 1)
    )
    assert first.drawn == second.drawn != other.drawn
    assert first.numbers == second.numbers


def test_a_difference_is_printed_with_the_call_that_repeats_it(monkeypatch, capsys):
    def differs(case):
        case.note(size=case.size())
        case.close("v", [1.0, 2.0 + 1e-9], [1.0, 2.0])

    monkeypatch.setitem(differential.MODELS, "izhikevich", differs)
    assert differential.main(["--count", "1", "--only", "izhikevich", "--seed", "7"]) == 1
    printed = capsys.readouterr().out
    assert "v[1] is 2.000000001, not 2.0" in printed
    assert "--seed 7 --only izhikevich --case 0" in printed


def test_an_error_of_a_model_is_a_difference(monkeypatch, capsys):
    def fails(case):
        raise ValueError("no such thing")

    monkeypatch.setitem(differential.MODELS, "izhikevich", fails)
    assert differential.main(["--count", "2", "--only", "izhikevich"]) == 1
    assert "ValueError: no such thing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ([1.0, 1e-20], [1.0, 0.0], False),
        ([1.0, 1e-9], [1.0, 0.0], True),
        ([float("nan")], [float("nan")], False),
        ([float("nan")], [0.0], True),
        ([0.0], [0.0, 0.0], True),
        ([float("inf")], [1.0], True),
    ],
)
def test_numbers_differ_by_a_part_of_the_largest_of_them(ours, theirs, differs):
    case = differential.Case(0, "izhikevich", 0)
    case.close("v", ours, theirs)
    assert bool(case.differences) == differs


def test_a_small_change_of_a_large_weight_is_compared_as_a_change():
    case = differential.Case(0, "izhikevich", 0)
    case.learned("w", [100.0], [100.0 + 1.000001e-3], [100.0 + 1e-3])
    assert len(case.differences) == 1
    assert case.differences[0].startswith("change of w")
