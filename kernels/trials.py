"""The clock of a task: each trial has a first and a second phase, of any lengths in steps.

The clock is one small array of whole numbers, which every Phase that runs only at certain times
reads; `tick` advances it at the start of each step. A phase of length 0 is skipped: a test trial
has only a first phase.
"""

from __future__ import annotations

__all__ = [
    "FIRST",
    "PHASE",
    "SECOND",
    "STARTED",
    "TOGO",
    "TRIAL",
    "at_end_of",
    "at_trial_start",
    "tick",
]

TRIAL = 0  # which trial
PHASE = 1  # FIRST or SECOND phase of the trial
TOGO = 2  # how many steps of the phase are still to come after this one
STARTED = 3  # 1 in the first step of a phase
FIRST = 0
SECOND = 1


def tick(_, t, s, p):
    """Advance the clock by one step; ``length[trial, phase]`` is how many steps a phase has."""
    s.clock[TOGO] -= 1
    s.clock[STARTED] = 0
    while s.clock[TOGO] < 0:
        s.clock[STARTED] = 1
        if s.clock[PHASE] == SECOND:
            s.clock[PHASE] = FIRST
            s.clock[TRIAL] += 1
            if p.repeat == 1 and s.clock[TRIAL] == s.length.shape[0]:
                s.clock[TRIAL] = 0
        else:
            s.clock[PHASE] = SECOND
        s.clock[TOGO] = s.length[s.clock[TRIAL], s.clock[PHASE]] - 1


def at_trial_start(clock):
    """Whether this is the first step of a trial."""
    return clock[STARTED] == 1 and clock[PHASE] == FIRST


def at_end_of(phase, clock):
    """Whether this is the last step of a phase."""
    return clock[PHASE] == phase and clock[TOGO] == 0
