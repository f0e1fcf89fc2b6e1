"""Waiting for what other threads and processes do, however slow the machine is."""

import os
import signal
import threading
import time


def wait_until(condition):
    """Wait at most a minute; a condition that does not come true by then fails the test."""
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def press_ctrl_c_when(condition):
    """Send the signal from another thread, as a user would who sees that all runs."""

    def press():
        wait_until(condition)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
