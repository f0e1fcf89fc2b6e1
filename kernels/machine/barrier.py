"""Where threads meet: what the array holds by which they wait for each other."""

__all__ = ["ARRIVED", "MEETINGS", "STOPPED", "Stopped"]

ARRIVED, MEETINGS, STOPPED = 0, 16, 32  # places in the array, on different cache lines


class Stopped(Exception):
    """Another thread will never come to the meeting."""
