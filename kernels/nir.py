"""Neurons of the Neuromorphic Intermediate Representation (Pedersen et al. 2024), in steps of dt.

NIR gives equations in continuous time. With x, the input that arrives in a step,

    tau dv/dt = v_leak - v + r x                                  LIF, LI                        (1)
    dv/dt = r x                                                   IF, I                          (2)
    tau_syn di/dt = -i + w_in x,  tau_mem dv/dt = v_leak - v + r i        CubaLIF, CubaLI        (3)
    v = x                                                         Threshold, Output              (4)

All are linear, so that one step is a sum of the present values, whatever the discretisation:

    v <- v_leak + decay (v - v_leak) + gain x                     of (1), (2) and (4)            (5)
    v <- v_leak + decay (v - v_leak) + from_i i + from_x x,
    i <- decay_syn i + gain_syn x                                 of (3)                         (6)

v > v_threshold after (5) or (6) is a spike. Four bodies differ in what follows: v becomes v_reset,
or v_threshold is subtracted, either in the step of the spike or in the next one, after (5) or (6).
"""

from __future__ import annotations

__all__ = [
    "fire",
    "fire_and_reset",
    "fire_and_subtract",
    "reset_after",
    "step_current",
    "step_membrane",
    "subtract_after",
]


def step_membrane(i, t, s, p):
    """(5)."""
    x = s.input[i] + s.I[i] + p.bias
    s.v[i] = p.v_leak + p.decay * (s.v[i] - p.v_leak) + p.gain * x
    s.input[i] = 0.0


def step_current(i, t, s, p):
    """(6)."""
    x = s.input[i] + s.I[i] + p.bias
    leaked = p.v_leak + p.decay * (s.v[i] - p.v_leak)
    s.v[i] = leaked + p.from_i * s.i[i] + p.from_x * x
    s.i[i] = p.decay_syn * s.i[i] + p.gain_syn * x
    s.input[i] = 0.0


def fire(i, t, s, p):
    """Flag spikes, and leave v as it is."""
    s.spike[i] = 1 if s.v[i] > p.v_threshold else 0


def fire_and_reset(i, t, s, p):
    """Flag spikes; v becomes v_reset at once."""
    fires = s.v[i] > p.v_threshold
    s.v[i] = p.v_reset if fires else s.v[i]
    s.spike[i] = 1 if fires else 0


def fire_and_subtract(i, t, s, p):
    """Flag spikes, and subtract v_threshold at once."""
    fires = s.v[i] > p.v_threshold
    s.v[i] = s.v[i] - (p.v_threshold if fires else 0.0)
    s.spike[i] = 1 if fires else 0


def reset_after(i, t, s, p):
    """Let v become v_reset in the step after a spike; `fire` follows."""
    s.v[i] = p.v_reset if s.spike[i] > 0 else s.v[i]


def subtract_after(i, t, s, p):
    """Subtract v_threshold in the step after a spike; `fire` follows."""
    s.v[i] = s.v[i] - (p.v_threshold if s.spike[i] > 0 else 0.0)
