"""Learning from reward: how a trial's reward R differs from the baseline b, and how b follows.

One number for all synapses, R - b, is the third factor of their learning: ``surprise[0]``.
"""

from __future__ import annotations

from spikesim.kernels.functions import real
from spikesim.kernels.trials import TRIAL

__all__ = ["follow", "judge", "measure_rate", "notice"]


def judge(_, t, s, p):
    """Compare R with b. R is what was given or, where that is NaN, follows from the action h.

    It is then the target of the action; if each output is an action of its own, R is the share of
    outputs that are as their targets.
    """
    trial = s.clock[TRIAL]
    example = s.example[trial]
    R = s.R[trial]
    if R != R:
        R = 0.0
        for j in range(s.h.shape[0]):
            if p.is_bits == 0:
                R += s.h[j] * s.wanted[example, j]
            elif s.h[j] == s.wanted[example, j]:
                R += 1.0 / real(s.h.shape[0])
    b = s.expected[trial] if p.is_expected == 1 else s.baseline[int(s.stimulus[trial])]
    s.reward[trial] = R
    s.surprise[0] = R - b


def notice(_, t, s, p):
    """Sum R - b over a batch, for each baseline."""
    k = int(s.stimulus[s.clock[TRIAL]])
    s.surprises[k] += s.surprise[0]
    s.trials[k] += 1.0


def follow(k, t, s, p):
    """b <- b + kappa (R - b), with the mean R of a batch; begins a new sum."""
    if s.trials[k] > 0.0:
        s.baseline[k] = s.baseline[k] + p.kappa * (s.surprises[k] / s.trials[k])
    s.surprises[k] = 0.0
    s.trials[k] = 0.0


def measure_rate(_, t, s, p):
    """How active a hidden layer was: the mean of `active` over its units, times `unit`."""
    total = 0.0
    for j in range(s.active.shape[0]):
        total += s.active[j]
    s.rate[s.clock[TRIAL], p.layer - 1] = p.unit * total / real(s.active.shape[0])
