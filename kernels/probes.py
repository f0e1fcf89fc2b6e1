"""Recording inside the compiled loop, into buffers that Python empties between stretches."""

from __future__ import annotations

__all__ = ["advance", "sample", "sample_pair", "sampled", "spikes_now", "store", "tally"]


def spikes_now(t, s, p):
    """How many spikes this step has."""
    return s.count[t % s.ids.shape[0]]


def store(a, t, s, p):
    """Append spike `a` of this step's list to the buffer."""
    s.step[s.fill[0] + a] = t
    s.neuron[s.fill[0] + a] = s.ids[t % s.ids.shape[0], a]


def advance(_, t, s, p):
    """Count this step's spikes as stored."""
    s.fill[0] += s.count[t % s.ids.shape[0]]


def sampled(t, s, p):
    """The chosen neurons, in every `every`-th step."""
    return s.which.shape[0] if t % p.every == 0 else 0


def sample(k, t, s, p):
    """Copy the value of the k-th chosen neuron to this sample's row of the buffer."""
    s.buffer[t // p.every - p.first, k] = s.value[s.which[k]]


def sample_pair(k, t, s, p):
    """The same of a matrix, whose elements are numbered row by row."""
    columns = s.value.shape[1]
    i = s.which[k] // columns
    s.buffer[t // p.every - p.first, k] = s.value[i, s.which[k] - i * columns]


def tally(_, t, s, p):
    """Add the number of this step's entries to a total."""
    s.total[0] += s.count[t % s.count.shape[0]]
