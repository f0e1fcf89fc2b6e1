"""Published numbers lie in tables beside the code that compares itself with them."""

import numpy as np
import pytest

from spikesim import InputError
from spikesim.bursts import Curves, burst_probability
from spikesim.io.tables import read_table
from tests.test_layers import ROOT

TABLE = """# Where it is from,
# and in which units.
circuit,weight,rate
lateral,0.02,4.5
"two, with a comma",0,-1e-3
"""


def test_columns_are_numbers_or_texts_and_lines_about_them_are_left_out(tmp_path):
    (tmp_path / "numbers.csv").write_text(TABLE)
    table = read_table(str(tmp_path / "module.py"), "numbers.csv")
    assert list(table) == ["circuit", "weight", "rate"]
    assert table["circuit"].tolist() == ["lateral", "two, with a comma"]
    assert table["weight"].tolist() == [0.02, 0.0]
    assert table["rate"].dtype == np.float64
    assert table["rate"].tolist() == [4.5, -1e-3]


def test_every_table_is_part_of_the_package():
    """setup.py takes those that lie in the folder of a package."""
    assert '"": ["*.csv"]' in (ROOT / "setup.py").read_text()
    tables = list((ROOT / "models").rglob("*.csv"))
    assert tables
    assert all((path.parent / "__init__.py").is_file() for path in tables)


def test_curves_are_made_of_rows_condition_by_condition():
    curves = Curves.of_rows(
        weight=[0.0, 0.0, 0.02, 0.02],
        current=[100.0] * 4,
        dendritic_current=[0.0, 50.0] * 2,
        event_rate=[4.0, 3.0, 5.0, 4.5],
        burst_probability=[0.1, 0.4, 0.05, 0.2],
    )
    assert curves.conditions == [(0.0, 100.0), (0.02, 100.0)]
    assert curves.event_rate[curves.condition(0.02, 100.0), curves.at(50.0)] == 4.5
    assert curves.burst_probability.tolist() == [[0.1, 0.4], [0.05, 0.2]]


def test_curves_of_rows_that_are_not_as_many_of_each_condition_are_refused():
    with pytest.raises(InputError, match="3 rows for 2 conditions"):
        Curves.of_rows([0.0, 0.0, 1.0], [0.0] * 3, [1.0, 2.0, 1.0], [4.0] * 3, [0.1] * 3)
    with pytest.raises(InputError, match=r"event_rate has shape \(2,\)"):
        Curves.of_rows([0.0] * 3, [0.0] * 3, [1.0, 2.0, 3.0], [4.0] * 2, [0.1] * 3)


def test_bursts_per_event_are_unknown_without_events():
    np.testing.assert_array_equal(burst_probability([4, 0, 2], [1, 0, 2]), [0.25, np.nan, 1.0])
    with pytest.raises(InputError, match="bursts has shape"):
        burst_probability([1.0, 2.0], [1.0])
