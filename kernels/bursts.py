"""Events and bursts among the spikes of a neuron, told apart while the network runs.

Every neuron has a trace of its spikes that decays with tau. A spike that finds the trace below
exp(-1), by more than rounding, begins an *event*. So a neuron has to be silent for longer than tau
after a single spike, and for somewhat longer after a burst. If another spike follows before the
trace has decayed that far, it makes the event a *burst*; further spikes change nothing.

All costs are per spike: the trace is stored as of the neuron's last spike, and decays exactly from
there to now.
"""

from __future__ import annotations

from math import exp

from spikesim.kernels.functions import real
from spikesim.kernels.spikes import flag, unflag

__all__ = ["BURSTS", "EVENTS", "decayed", "detect", "tally"]

EVENTS = 0
BURSTS = 1


def decayed(value, last, now, rate):
    """The value now of a trace that was `value` in step `last`; `rate` is dt / tau."""
    return value * exp(real(last - now) * rate)


def detect(_, t, s, p):
    """List the neurons whose spikes in this step begin an event, or turn one into a burst."""
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
    """Add this step's spikes to running totals, one for every `size` neurons."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.total[s.ids[slot, a] // p.size] += 1
