"""Networks that settle, first freely and then nudged: phases, what is kept of them, and residuals.

The second phase of a trial is nudged. It may have two halves, which begin from the same state.
"""

from __future__ import annotations

from spikesim.kernels.dense import multiply_lit
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import PHASE, SECOND, STARTED, TOGO, TRIAL, at_trial_start

__all__ = [
    "at_end_of_first_half",
    "at_start_or_halfway",
    "at_start_or_in_second",
    "drive",
    "half",
    "in_second",
    "keep",
    "keep_for_trial",
    "measure_energy",
    "measure_residual",
    "receive",
]


def half(s):
    """The steps of each half of the second phase."""
    return s.length[s.clock[TRIAL], SECOND] // 2


def in_second(s, p):
    return s.clock[PHASE] == SECOND


def at_end_of_first_half(s, p):
    return s.clock[PHASE] == SECOND and s.clock[TOGO] == half(s)


def at_start_or_halfway(s, p):
    """Whether a trial begins, or the second half of its second phase."""
    halfway = s.clock[PHASE] == SECOND and s.clock[TOGO] == half(s) - 1
    return at_trial_start(s.clock) or (halfway and s.clock[STARTED] == 0)


def at_start_or_in_second(s, p):
    return at_trial_start(s.clock) or s.clock[PHASE] == SECOND


def drive(c, t, s, p):
    """What comes from below, r_below W + b, for a block of units."""
    first, last = bounds(c, s.from_below.shape[0], p)
    for j in range(first, last):
        s.from_below[j] = s.b[j]
    multiply_lit(s.r_below, s.W, s.from_below, first, last)


def receive(c, t, s, p):
    """d = what comes from below, and r_above F from above, for a block of units."""
    first, last = bounds(c, s.d.shape[0], p)
    for j in range(first, last):
        s.d[j] = s.from_below[j]
    multiply_lit(s.r_above, s.F, s.d, first, last)


def keep(j, t, s, p):
    s.kept[j] = s.value[j]


def keep_for_trial(j, t, s, p):
    """Keep the state in this trial's row."""
    s.rows[s.clock[TRIAL], j] = s.u[j]


def measure_residual(_, t, s, p):
    """The largest change of the states of this layer and the layers below in this step."""
    most = 0.0 if p.layer == 1 else s.residual[s.clock[TRIAL]]
    for j in range(s.u.shape[0]):
        most = max(most, abs(s.u[j] - s.before[j]))
    s.residual[s.clock[TRIAL]] = most


def measure_energy(_, t, s, p):
    """E = sum |u|^2 / 2 - (r_below W + b) r^T, of this layer and the layers below."""
    total = 0.0 if p.layer == 1 else s.energy[s.clock[TRIAL]]
    for j in range(s.u.shape[0]):
        total += 0.5 * s.u[j] * s.u[j] - s.from_below[j] * s.r[j]
    s.energy[s.clock[TRIAL]] = total
