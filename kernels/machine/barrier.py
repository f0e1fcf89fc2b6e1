"""The array by which threads wait for each other, and what its places hold."""

__all__ = ["ARRIVED", "MEETINGS", "STOPPED", "Stopped"]

ARRIVED, MEETINGS, STOPPED = 0, 16, 32  # places in the array, on different cache lines


class Stopped(Exception):
    """Another thread has failed and will never arrive."""
