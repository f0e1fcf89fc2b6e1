"""Bodies of models that signals drive: spikes that a user gives in the place of those of cells."""

from __future__ import annotations

__all__ = ["is_given", "replay"]


def is_given(t, s, p):
    """An `over`: all cells if their spikes are given."""
    return s.spike.shape[0] if s.is_given[0] == 1 else 0


def replay(i, t, s, p):
    """Spikes that are given."""
    s.spike[i] = s.given[t % s.given.shape[0], i]
