"""Equations of common neurons, one function each, and the bodies that apply them to a population.

Every body reads and writes the arrays of its population, ``s.v[i]``, and flags spikes in
``s.spike[i]``. Times are in ms, voltages in mV.
"""

from __future__ import annotations

from spikesim.kernels.chance import poisson_count

__all__ = ["integrate_and_fire", "neurons", "poisson"]


def neurons(t, s, p):
    """An `over`: every neuron, in every step."""
    return s.spike.shape[0]


def leak(v, rest, drive, decay):
    """Exact solution of tau dv/dt = rest + drive - v over one step, with decay = exp(-dt/tau)."""
    return rest + drive + decay * (v - rest - drive)


def integrate_and_fire(i, t, s, p):
    """Leaky integrate-and-fire neuron with an exponentially decaying synaptic drive (mV).

    The drive of this step is the sum of what is left of the past and what arrived now.
    """
    s.spike[i] = 0
    if s.refractory[i] > 0:
        s.refractory[i] -= 1
    else:
        v = leak(s.v[i], p.v_rest, s.drive[i] + p.drive, p.decay_membrane)
        if v > p.v_threshold:
            s.spike[i] = 1
            s.refractory[i] = p.refractory_steps
            v = p.v_reset
        s.v[i] = v
    s.drive[i] = p.decay_drive * s.drive[i]


def poisson(i, t, s, p):
    """A source that fires at ``rate[i]`` Hz, independent of everything else."""
    s.spike[i] = poisson_count(s.uniform[i], s.rate[i] * p.seconds)
