"""The excitable system of FitzHugh (1961, Biophys. J. 1:445) and Nagumo et al. (1962).

    dv/dt = v - v^3 / 3 - w + I + drive                                                          (1)
    tau dw/dt = v + a - b w                                                                      (2)
    tau_synapse ddrive/dt = -drive                                                               (3)

v, w, I and drive have no unit, and the unit of time is 1 ms. When v crosses the threshold upwards
there is a spike; nothing is reset. (1) and (2) are integrated by the midpoint method, with an error
of order dt^2; (3) is exact.
"""

from __future__ import annotations

__all__ = ["step_drive", "step_membrane"]

TINY = 1e-20  # a smaller drive becomes 0: denormal numbers are slow


def slope_v(v, w, current):
    """(1)."""
    return v - v * v * v / 3.0 - w + current


def slope_w(v, w, p):
    """(2)."""
    return (v + p.a - p.b * w) / p.tau


def step_membrane(i, t, s, p):
    """(1) and (2): the slopes in the middle of the step are used for the whole step."""
    v, w = s.v[i], s.w[i]
    u = v + 0.5 * p.dt * slope_v(v, w, s.I[i] + s.drive[i])
    w_u = w + 0.5 * p.dt * slope_w(v, w, p)
    s.v[i] = v + p.dt * slope_v(u, w_u, s.I[i] + p.half_decay * s.drive[i])
    s.w[i] = w + p.dt * slope_w(u, w_u, p)
    s.spike[i] = 1 if v < p.threshold and s.v[i] >= p.threshold else 0


def step_drive(i, t, s, p):
    """(3)."""
    drive = p.decay * s.drive[i]
    s.drive[i] = 0.0 if abs(drive) <= TINY else drive
