"""Events and bursts among the spikes of a neuron, told apart while the network runs.

Every neuron has a trace of its spikes that decays with tau. A spike that finds the trace below
exp(-1), by more than rounding, begins an *event*: the neuron was silent for longer than tau, if its
last spike was alone, and for somewhat longer after a burst. The next spike of the event, if any,
does not, and makes the event a *burst*; further ones change nothing.

All costs are per spike: the trace is known at the neuron's last spike and decays exactly to now.
"""

from __future__ import annotations

from math import exp

from spikesim.kernels.functions import real
from spikesim.kernels.spikes import flag, unflag

__all__ = ["BURSTS", "EVENTS", "decayed", "detect", "tally"]

EVENTS = 0
BURSTS = 1


def decayed(value, last, now, rate):
    """What is left now of a trace that had `value` in step `last`; `rate` is dt / tau."""
    return value * exp(real(last - now) * rate)


def detect(_, t, s, p):
    """List the neurons of this step's spikes that begin an event, or those that make it a burst."""
    unflag(s, (t - 1) % s.ids.shape[0])
    slot = t % s.ids.shape[0]
    source = t % s.source_count.shape[0]
    m = 0
    for a in range(s.source_count[source]):
        i = s.source_ids[source, a]
        trace = decayed(s.trace[i], s.last[i], t, p.rate)
        begins = trace < p.threshold
        bursts = trace >= p.threshold and s.bursting[i] == 0
        if begins:
            s.bursting[i] = 0
        if bursts:
            s.bursting[i] = 1
        s.trace[i] = trace + 1.0
        s.last[i] = t
        if (p.what == EVENTS and begins) or (p.what == BURSTS and bursts):
            s.ids[slot, m] = i
            m += 1
    s.count[slot] = m
    flag(s, slot)


def tally(_, t, s, p):
    """Running totals of this step's spikes, one for every `size` neurons."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.total[s.ids[slot, a] // p.size] += 1
