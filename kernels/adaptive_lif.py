"""The leaky integrate-and-fire neuron with adaptation (Neuronal Dynamics, section 6.1).

Gerstner, Kistler, Naud & Paninski (2014), Cambridge University Press.

    tau dv/dt = E_L - v - w + I + I_exc + I_inh                                                  (1)
    tau_w dw/dt = a (v - E_L) - w                                                                (2)
    tau_x dI_x/dt = -I_x,     I_x <- I_x + weight                    for x = exc and inh         (3)

v > threshold is a spike: w <- w + b, and v is held at V_reset for the refractory period, while w
and the currents are still integrated. All variables are in mV; a has no unit.

(1) to (3) are linear, so v and w of the next step are sums of the present v, w and currents. This
is exact for any dt, except that spikes are only found at the ends of steps.
"""

from __future__ import annotations

__all__ = ["step_driven", "step_threshold"]

TINY = 1e-20  # a smaller adaptation becomes 0: denormal numbers are slow


def step_driven(i, t, s, p):
    """(1) and (2)."""
    u = s.v[i] - p.E_L
    v = p.v_v * u + p.v_w * s.w[i] + p.v_I * s.I[i] + p.v_exc * s.I_exc[i] + p.v_inh * s.I_inh[i]
    w = p.w_v * u + p.w_w * s.w[i] + p.w_I * s.I[i] + p.w_exc * s.I_exc[i] + p.w_inh * s.I_inh[i]
    held = p.w_held + p.decay_w * (s.w[i] - p.w_held)
    is_free = s.refractory[i] == 0.0
    w = w if is_free else held
    s.v[i] = p.E_L + v if is_free else p.V_reset
    s.w[i] = 0.0 if abs(w) <= TINY else w


def step_threshold(i, t, s, p):
    """Flag spikes, reset, adapt, and count the refractory period down."""
    is_free = s.refractory[i] == 0.0
    fires = is_free and s.v[i] > p.threshold
    left = 0.0 if is_free else s.refractory[i] - 1.0
    s.v[i] = p.V_reset if fires else s.v[i]
    s.w[i] = s.w[i] + p.b if fires else s.w[i]
    s.refractory[i] = p.refractory_steps if fires else left
    s.spike[i] = 1 if fires else 0
