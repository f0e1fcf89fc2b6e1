"""Waiting for what other threads and processes do, however slow the machine is."""

import os
import signal
import threading
import time

HANG = 3600.0
"""Seconds after which what has not ended hangs, on the slowest core and beside other work."""


def wait_until(condition):
    """Wait for what is seen; a condition that never comes true fails the test in the end."""
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def press_ctrl_c_when(condition):
    """Send the signal from another thread, as a user would who sees that all runs."""
    send_when(condition, signal.SIGINT)


def send_when(condition, signum):
    """Send a signal from another thread."""

    def send():
        wait_until(condition)
        os.kill(os.getpid(), signum)

    threading.Thread(target=send).start()
