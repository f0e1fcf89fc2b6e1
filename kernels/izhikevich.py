"""The two-variable neuron of Izhikevich (2003, IEEE Trans. Neural Netw. 14:1569).

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I + drive                                                 (1)
    du/dt = a (b v - u)                                                                          (2)
    v >= 30 mV is a spike:  v <- c,  u <- u + d                                                  (3)
    tau_synapse ddrive/dt = -drive                                                               (4)

v is in mV, t in ms; u, I and drive are in mV/ms. (1) and (2) are integrated by the midpoint method,
with an error of order dt^2 between spikes. (3) happens at the end of the step in which v reaches
30 mV, so spike times are accurate to dt. (4) is exact.
"""

from __future__ import annotations

__all__ = ["step_drive", "step_membrane", "step_spike"]

PEAK = 30.0  # mV
TINY = 1e-20  # a smaller drive becomes 0: denormal numbers are slow


def slope(v, u, current):
    """(1)."""
    return (0.04 * v + 5.0) * v + 140.0 - u + current


def step_membrane(i, t, s, p):
    """(1) and (2): the slopes in the middle of the step are used for the whole step."""
    v = s.v[i]
    u = s.u[i]
    middle_v = v + p.half_dt * slope(v, u, s.I[i] + s.drive[i])
    middle_u = u + p.half_dt * p.a * (p.b * v - u)
    s.v[i] = v + p.dt * slope(middle_v, middle_u, s.I[i] + p.half_decay * s.drive[i])
    s.u[i] = u + p.dt * p.a * (p.b * middle_v - middle_u)


def step_spike(i, t, s, p):
    """(3)."""
    fires = s.v[i] >= PEAK
    s.v[i] = p.c if fires else s.v[i]
    s.u[i] = s.u[i] + p.d if fires else s.u[i]
    s.spike[i] = 1 if fires else 0


def step_drive(i, t, s, p):
    """(4)."""
    drive = p.decay * s.drive[i]
    s.drive[i] = 0.0 if abs(drive) <= TINY else drive
