"""Synaptic kernels: what arriving spikes do to a postsynaptic variable.

The double-exponential postsynaptic potential

    kappa(t) = (exp(-t/tau_decay) - exp(-t/tau_rise)) / (tau_decay - tau_rise)

of every presynaptic spike, weighted and summed, is the difference of two exact recursions of the
summed weights that arrive, one pair per target instead of one per synapse:

    decay[j] <- a_decay (decay[j] + now[j] - a_decay^M old[j]),   a_decay = exp(-dt/tau_decay)

and likewise for `rise`. A spike contributes kappa(dt) in the step in which it arrives. With a memory
of M steps, what arrived M steps ago (`old`) is taken out again exactly, so that a spike acts for M
steps; without one the kernel runs on. Arrivals lie in a ring ``arrived[slot, j]``.
"""

from __future__ import annotations

from spikesim.kernels.spikes import add_rows

__all__ = [
    "clear",
    "decay_exponential",
    "decay_truncated",
    "decay_untruncated",
    "difference",
    "replay",
    "targets",
]


def targets(t, s, p):
    return s.arrived.shape[1]


def clear(j, t, s, p):
    """Empty the slot that this step's arrivals are added to."""
    s.arrived[t % s.arrived.shape[0], j] = 0.0


def decay_truncated(j, t, s, p):
    """Both recursions, with arrivals older than the memory taken out."""
    slots = s.arrived.shape[0]
    now = s.arrived[t % slots, j]
    old = s.arrived[(t + 1) % slots, j]
    s.decay[j] = p.a_decay * (s.decay[j] + now - p.end_decay * old)
    s.rise[j] = p.a_rise * (s.rise[j] + now - p.end_rise * old)


def decay_untruncated(j, t, s, p):
    """Both recursions, without an end."""
    now = s.arrived[t % s.arrived.shape[0], j]
    s.decay[j] = p.a_decay * (s.decay[j] + now)
    s.rise[j] = p.a_rise * (s.rise[j] + now)


def difference(j, t, s, p):
    """The potential: an offset plus the normalised difference of the two recursions."""
    s.out[j] = s.offset[j] + p.scale * (s.decay[j] - s.rise[j])


def decay_exponential(j, t, s, p):
    """A port that decays as exp(-t/tau): arrivals of this step are added at full height."""
    s.out[j] = p.a_decay * s.out[j]


def replay(_, t, s, p):
    """Compute past arrivals and both recursions anew, with the weights as they are now.

    The potential is the sum over synapses of weight times PSP. When weights change, what the spikes
    of the last steps still contribute changes with them. ``p.past`` steps are replayed from the lists
    of spikes; older ones no longer act.
    """
    slots = s.out.shape[0]
    n = s.out.shape[1]
    for j in range(n):
        s.decay[j] = 0.0
        s.rise[j] = 0.0
        s.out[(t + 1) % slots, j] = 0.0
    for back in range(p.past, 0, -1):
        row = (t - back) % slots
        for j in range(n):
            s.out[row, j] = 0.0
        add_rows(s, (t - back - p.delay) % s.ids.shape[0], row, 0, n)
        for j in range(n):
            s.decay[j] = p.a_decay * (s.decay[j] + s.out[row, j])
            s.rise[j] = p.a_rise * (s.rise[j] + s.out[row, j])
