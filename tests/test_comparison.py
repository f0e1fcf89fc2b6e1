"""Tables of what was measured beside what is known."""

import math

import pytest

from spikesim import InputError
from spikesim.comparison import Comparison, comparison_table


def test_a_comparison_holds_within_its_bounds_and_on_them():
    assert Comparison("r", 0.9, low=0.9).holds
    assert not Comparison("r", 0.89, low=0.9).holds
    assert Comparison("r", 0.1, high=0.1).holds
    assert Comparison("r", 5.0).holds


def test_nothing_that_could_not_be_measured_holds():
    assert not Comparison("r", math.nan, 1.0, 0.0, 2.0).holds
    assert not Comparison("r", math.nan).holds


def test_a_table_marks_what_does_not_hold():
    rows = [Comparison("a", 1.0, high=0.5), Comparison("b", 1.0, high=1.5), Comparison("c", 2.0)]
    lines = comparison_table(rows).splitlines()
    assert [line.endswith("MISSED") for line in lines] == [False, True, False, False]
    assert lines[1].split()[:4] == ["a", "1", "at", "most"]
    assert lines[3].split() == ["c", "2"]


def test_what_is_no_number_has_no_place_in_a_table():
    for value in ("0.1", 10**400):
        with pytest.raises(InputError, match=r"reference of 'r' is .* a number"):
            comparison_table([Comparison("r", 0.1, reference=value)])
