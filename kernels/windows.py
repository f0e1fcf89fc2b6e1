"""When in a trial a body acts; means over the window at the end of a phase.

A mean adds ``value[i] * share`` in every step of its window. If no spike acts beyond its own phase,
a spike's contribution to the mean of its PSP is known when it is emitted: ``kappa_in_window[d]`` is
the contribution of a spike with d steps of the phase to go. Means of PSPs then cost nothing per
neuron.
"""

from __future__ import annotations

from spikesim.kernels.trials import (
    FIRST,
    PHASE,
    SECOND,
    STARTED,
    TOGO,
    at_end_of,
    at_trial_start,
)

__all__ = [
    "at_end_of_first",
    "at_end_of_phase",
    "at_end_of_second",
    "at_start_of_phase",
    "at_start_of_second",
    "at_start_of_trial",
    "average",
    "average_later",
    "average_later_spikes",
    "average_spikes",
    "clear",
    "in_first",
    "in_first_window",
    "in_second",
    "in_second_window",
    "list_arrivals",
    "spikes_count",
    "transpose",
]


def at_start_of_trial(s, p):
    return at_trial_start(s.clock)


def at_start_of_phase(s, p):
    return s.clock[STARTED] == 1


def at_start_of_second(s, p):
    return s.clock[STARTED] == 1 and s.clock[PHASE] == SECOND


def at_end_of_phase(s, p):
    return s.clock[TOGO] == 0


def at_end_of_first(s, p):
    return at_end_of(FIRST, s.clock)


def at_end_of_second(s, p):
    return at_end_of(SECOND, s.clock)


def in_first(s, p):
    return s.clock[PHASE] == FIRST


def in_second(s, p):
    return s.clock[PHASE] == SECOND


def in_first_window(s, p):
    return s.clock[PHASE] == FIRST and s.clock[TOGO] < p.window


def in_second_window(s, p):
    return s.clock[PHASE] != FIRST and s.clock[TOGO] < p.window


def clear(i, t, s, p):
    s.sums[i] = 0.0


def transpose(j, t, s, p):
    """M_T = M^T, for row j of M."""
    for o in range(s.M.shape[1]):
        s.M_T[o, j] = s.M[j, o]


def average(i, t, s, p):
    s.mean[i] += s.value[i] * p.share


def spikes_count(s, p):
    """Whether a spike of this step adds to a mean of the first phase."""
    return s.clock[PHASE] == FIRST and s.clock[TOGO] < s.kappa_in_window.shape[0]


def average_spikes(_, t, s, p):
    """Add this step's spikes to the mean PSP of the first phase."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.mean[s.ids[slot, a]] += s.kappa_in_window[s.clock[TOGO]]


def average_later_spikes(lag, t, s, p):
    """The same for spikes that arrive a step later, and a window that ends `lag` steps early."""
    togo = s.clock[TOGO] - 1 - lag
    if togo >= 0 and togo < s.kappa_in_window.shape[0]:
        slot = t % s.ids.shape[0]
        for a in range(s.count[slot]):
            s.mean[lag, s.ids[slot, a]] += s.kappa_in_window[togo]


def average_later(i, t, s, p):
    """The same for a PSP that is computed in every step."""
    for lag in range(s.mean.shape[0]):
        if s.clock[TOGO] >= lag + 1 and s.clock[TOGO] < lag + 1 + p.window:
            s.mean[lag, i] += s.value[i] * p.share


def list_arrivals(_, t, s, p):
    """Deliver each spike to the PSP of its own neuron."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.out[t % s.out.shape[0], s.ids[slot, a]] += 1.0
