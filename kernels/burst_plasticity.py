"""Burst-dependent plasticity: postsynaptic bursts strengthen a synapse, events weaken it.

    dw_ij/dt = eta [B_i(t) - P_i(t) E_i(t)] e_j(t),     P_i = B^_i / E^_i, at most 1             (1)

for events E and bursts B of the postsynaptic neuron i (pulses), the trace e of the events of the
presynaptic neuron j (time constant tau_pre), and averages B^ and E^ of the postsynaptic neuron's
bursts and events (time constant alpha). Weights stay within their bounds. Two terms keep rates
within limits:

    event rate above its maximum:    -(E^_i - max) / E^_i is added to the bracket                (2)
    spike rate below its minimum:    each presynaptic event adds eta (min - rate)                (3)

The synapses of presynaptic neuron j are the entries ``start[j]:start[j + 1]``. For the synapses
onto neuron i, the entries ``start_post[i]:start_post[i + 1]`` of ``source`` hold their presynaptic
neurons, and those of ``place`` where their weights are. All costs are per event: a trace is stored
as of its neuron's last event, and decays exactly from there to now.
"""

from __future__ import annotations

from spikesim.kernels.bursts import decayed

__all__ = [
    "average_bursts",
    "average_events",
    "average_spikes",
    "bounded",
    "change",
    "depress",
    "potentiate",
    "presynaptic_event",
]


def bounded(w, p):
    """A weight within its bounds."""
    w = w if w > p.w_min else p.w_min
    return w if w < p.w_max else p.w_max


def too_fast(rate, most):
    """(2)."""
    return (most - rate) / rate if rate > most else 0.0


# ------------------------------------------------------------- bodies over this step's events


def presynaptic_event(a, t, s, p):
    """The event of a presynaptic neuron: (3), then its trace."""
    j = s.ids[t % s.ids.shape[0], a]
    if s.learning[0] > 0:
        for e in range(s.start[j], s.start[j + 1]):
            i = s.target[e]
            rate = decayed(s.spikes[i], s.spikes_last[i], t, p.rate_spikes) * p.hz_spikes
            if rate < p.least:
                s.weight[e] = bounded(s.weight[e] + s.eta[i] * (p.least - rate), p)
    s.trace[j] = decayed(s.trace[j], s.trace_last[j], t, p.rate_pre) + 1.0
    s.trace_last[j] = t


def change(i, valence, t, s, p):
    """(1) for all synapses onto neuron i."""
    step = s.eta[i] * valence
    for k in range(s.start_post[i], s.start_post[i + 1]):
        j = s.source[k]
        trace = decayed(s.trace[j], s.trace_last[j], t, p.rate_pre)
        e = s.place[k]
        s.weight[e] = bounded(s.weight[e] + step * trace, p)


def depress(a, t, s, p):
    """(1) for an event of a postsynaptic neuron, before it joins the average.

    Before the first event there is no average, and nothing changes.
    """
    i = s.ids[t % s.ids.shape[0], a]
    if s.learning[0] > 0 and s.events[i] > 0.0:
        rate = decayed(s.events[i], s.last[i], t, p.rate_average) * p.hz
        valence = too_fast(rate, p.most) - min(s.bursts[i] / s.events[i], 1.0)
        change(i, valence, t, s, p)


def potentiate(a, t, s, p):
    """(1) for a burst of a postsynaptic neuron."""
    i = s.ids[t % s.ids.shape[0], a]
    if s.learning[0] > 0:
        rate = decayed(s.events[i], s.last[i], t, p.rate_average) * p.hz
        change(i, 1.0 + too_fast(rate, p.most), t, s, p)


def average(i, t, s, p):
    """Bring both averages of a postsynaptic neuron up to now."""
    s.events[i] = decayed(s.events[i], s.last[i], t, p.rate_average)
    s.bursts[i] = decayed(s.bursts[i], s.last[i], t, p.rate_average)
    s.last[i] = t


def average_events(a, t, s, p):
    i = s.ids[t % s.ids.shape[0], a]
    average(i, t, s, p)
    s.events[i] += 1.0


def average_bursts(a, t, s, p):
    i = s.ids[t % s.ids.shape[0], a]
    average(i, t, s, p)
    s.bursts[i] += 1.0


def average_spikes(a, t, s, p):
    i = s.ids[t % s.ids.shape[0], a]
    s.spikes[i] = decayed(s.spikes[i], s.spikes_last[i], t, p.rate_spikes) + 1.0
    s.spikes_last[i] = t
