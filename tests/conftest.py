"""What holds for every test: none leaves figures to the next, in whatever order they run."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
