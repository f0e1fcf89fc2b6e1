"""Equations of common neurons, one function each, and the bodies that apply them to a population.

Every body reads and writes the arrays of its population, ``s.v[i]``, and flags spikes in
``s.spike[i]``. Times are in ms, voltages in mV.
"""

from __future__ import annotations

from spikesim.kernels.chance import RARE, finer, poisson_count

__all__ = ["as_given", "at_most_one", "integrate_and_fire", "neurons", "poisson", "rarely"]


def neurons(t, s, p):
    """An `over`: every neuron, in every step."""
    return s.spike.shape[0]


def integrate_and_fire(i, t, s, p):
    """Leaky integrate-and-fire neuron with an exponentially decaying synaptic drive (mV).

    tau dv/dt = E_L - v + I + drive,  with a constant input I and a synaptic drive

    Both v and the drive are linear and advanced exactly: v of the next step is a weighted sum of
    the present v and drive.
    """
    rest = p.E_L + p.I
    v = rest + p.decay_membrane * (s.v[i] - rest) + p.from_drive * s.drive[i]
    left = s.refractory[i]
    is_free = left <= 0
    fires = is_free and v > p.threshold
    v = v if is_free else s.v[i]
    s.v[i] = p.V_reset if fires else v
    s.refractory[i] = left if is_free else left - 1
    if fires:
        s.refractory[i] = p.refractory_steps
    s.spike[i] = 1 if fires else 0
    s.drive[i] = p.decay_drive * s.drive[i]


def as_given(value, p):
    """A constant that is the parameter itself, while that may change in each step."""
    return value


def poisson(i, t, s, p):
    """A source that fires at ``rate[i]`` Hz, independent of everything else."""
    s.spike[i] = poisson_count(s.uniform[i], s.rate[i] * p.seconds)


def at_most_one(i, t, s, p):
    """The same with at most one spike per step, of chance rate dt."""
    s.spike[i] = 1 if s.uniform[i] < s.rate[i] * p.seconds else 0


def rarely(i, t, s, p):
    """Decide again, with finer random numbers, where the chance is below `RARE`."""
    if p.rare == 1:
        rate = s.rate[i] * p.seconds
        if rate < RARE and s.uniform[i] < RARE:
            s.spike[i] = 1 if finer(s.uniform[i], int(i), t, p) < rate else 0
