"""What holds for every test: signals act, and none leaves figures to the next, in any order."""

import gc
import signal
import sys

import pytest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(autouse=True, scope="module")
def garbage_is_looked_for_among_what_is_new():
    """The modules and the compiled code of thousands of tests are millions of objects.

    To look through all of them takes seconds, which each test that collects garbage would take.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def signals_act():
    """Also in a suite that was started with '&' or nohup: there Ctrl-C is ignored.

    Processes that a test starts inherit what is ignored, and nothing else.
    """
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {signum: signal.signal(signum, handler) for signum, handler in usual.items()}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)
