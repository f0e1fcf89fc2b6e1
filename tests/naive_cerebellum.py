"""The cerebellum as an adaptive filter, as its equations say, naively in NumPy.

Written from the equations alone. Times are in seconds, rates in Hz. There is one output, so the
weights are a vector ``w`` with one entry for each basis signal: the one column of a matrix
[pre, post]. A trial of the negative image has a row of ``p`` for each of its times.

Where the equations leave a choice, a comment says which one is made.
"""

import numpy as np


def sinusoids(t, frequencies, phases):
    """A sum of sinusoids of equal size, of unit rms."""
    angles = 2.0 * np.pi * np.outer(t, frequencies) + phases
    return np.sqrt(2.0 / len(frequencies)) * np.sin(angles).sum(axis=1)


def low_pass(value, x, tau, dt):
    """A filter of unit gain after a step in which its input was x."""
    kappa = np.exp(-dt / tau)
    return kappa * value + (1.0 - kappa) * x


def gains(h, tau, rms, dt):
    """The c of which c y has this rms over all of h, where y = low-pass of h, from y = 0."""
    y, squares = np.zeros(len(tau)), np.zeros(len(tau))
    for x in h:
        y = low_pass(y, x, tau, dt)
        squares += y**2
    return rms / np.sqrt(squares / len(h))


class Ring:
    """Gives each value back ``steps`` steps later, and until then 0."""

    def __init__(self, steps, zero):
        self.values = [zero] * steps

    def turn(self, value):
        self.values.append(value)
        return self.values.pop(0)


class OneStage:
    """p = low-pass of the mossy input."""

    def __init__(self, tau, dt=0.01):
        self.tau, self.dt = np.array(tau, float), dt
        self.p = np.zeros(len(self.tau))

    def step(self, x):
        self.p = low_pass(self.p, x, self.tau, self.dt)


class TwoStages:
    """p = low-pass (decay) of the low-pass (rise) of the mossy input.

    Not said: how the second stage sees the first within a step. Both are solved exactly for an
    input held over the step, as the other filters are; so p holds the input up to t - 1.
    """

    def __init__(self, rise, decay, dt=0.01):
        self.rise, self.decay, self.dt = np.array(rise, float), np.array(decay, float), dt
        self.first, self.p = np.zeros(len(self.rise)), np.zeros(len(self.rise))

    def step(self, x):
        fast, slow = np.exp(-self.dt / self.rise), np.exp(-self.dt / self.decay)
        mixed = self.rise / (self.rise - self.decay) * (fast - slow)
        self.p = slow * self.p + (1.0 - slow) * x + mixed * (self.first - x)
        self.first = fast * self.first + (1.0 - fast) * x


class SpikingGranuleCells:
    """p = (filtered spikes - r_0) / r_0 of cells whose rates follow low-passed mossy input.

    Not said: the order within a step (y, then rates, then spikes, then the filter, so that no
    delay is added), whether a cell can spike twice in a step (no: it spikes where its number from
    [0, 1) is below rate dt), the filter's gain (1 at rest, so a spike adds (1 - kappa) / dt), and
    where the filter starts (at r_0, so p = 0).

    In the recurrent reflex m is large at low frequencies (1 / P), so that rate dt exceeds 1 at the
    steps of 2 ms. One spike a step is then a ceiling, without which learning is less stable.
    """

    def __init__(self, tau, c, sign, r_0=40.0, tau_ph=0.02, dt=0.002):
        self.tau, self.c, self.sign = (np.array(x, float) for x in (tau, c, sign))
        self.r_0, self.tau_ph, self.dt = r_0, tau_ph, dt
        self.y = np.zeros(len(self.tau))
        self.filtered = np.full(len(self.tau), r_0)

    @property
    def p(self):
        return (self.filtered - self.r_0) / self.r_0

    def rates(self):
        return self.r_0 * np.maximum(0.0, 1.0 + self.c * self.sign * self.y)

    def step(self, x, uniforms=None, spikes=None):
        self.y = low_pass(self.y, x, self.tau, self.dt)
        if spikes is None:
            spikes = uniforms < self.rates() * self.dt
        self.filtered = low_pass(self.filtered, spikes / self.dt, self.tau_ph, self.dt)


def climbing_error(e, dt, uniforms=None, spikes=None, c_0=1.0, c_1=0.5):
    """What the spikes of climbing fibres in a step tell of the error."""
    if spikes is None:
        spikes = uniforms < max(0.0, c_0 + c_1 * e) * dt
    return (np.sum(spikes) / (len(spikes) * dt) - c_0) / c_1


class AdaptiveFilter:
    """z = w . p, and the rule by which an error changes w.

    Not said: of which step |p|^2 is. It is that of the p which the rule multiplies by the error.
    A leak acts on the weights before the step.

    ``share`` is 1, or for granule cells that spike 1 / N: z = share sum_j w_j p_j.
    """

    def __init__(
        self,
        w,
        basis,
        beta=0.1,
        eps=0.01,
        normalise=True,
        delay=0.0,
        trace=0.0,
        leak=0.0,
        share=1.0,
    ):
        self.w, self.basis = np.array(w, float), basis
        self.beta, self.eps, self.normalise = beta, eps, normalise
        self.leak, self.share, self.dt = leak, share, basis.dt
        self.errors = Ring(round(delay / self.dt), 0.0)
        self.traces = Ring(round(trace / self.dt), np.zeros(len(self.w)))

    def z(self):
        return self.share * (self.w @ self.basis.p)

    def learn(self, e):
        e, p = self.errors.turn(e), self.traces.turn(self.basis.p)
        size = self.eps + p @ p / len(p) if self.normalise else 1.0
        self.w = self.w + self.dt * (self.beta * e * p / size - self.leak * self.w)


class NaiveReflex:
    """The vestibulo-ocular reflex: brainstem, plant and an adaptive filter around or beside them.

    One step takes the head's velocity h and gives z, m, v and e. What else it is given goes to the
    granule cells (uniforms or spikes). ``climb``, a function of the error, is what learning sees
    in place of the error.
    """

    def __init__(self, filter, architecture="recurrent", B=1.0, G=1.0, T_p=0.2):
        self.filter, self.architecture = filter, architecture
        self.B, self.G, self.T_p, self.dt = B, G, T_p, filter.dt
        self.x = 0.0

    def step(self, h, climb=None, **granule):
        # 1.
        z = self.filter.z()
        recurrent = self.architecture == "recurrent"
        m = self.B * (h + z) if recurrent else self.B * h + z
        v = m - self.x
        e = self.G * h - v
        # 2.
        self.filter.learn(e if climb is None else climb(e))
        # 3.
        self.filter.basis.step(m if recurrent else h, **granule)
        self.x = low_pass(self.x, m, self.T_p, self.dt)
        return z, m, v, e


class NaiveForwardModel:
    """Predicts from a command m what the plant does with it; what is left of s tends to n.

    One step takes m and n and gives s, z and e.
    """

    def __init__(self, filter, T_p=0.2):
        self.filter, self.T_p, self.dt = filter, T_p, filter.dt
        self.x = 0.0

    def step(self, m, n):
        s = m - self.x + n
        z = self.filter.z()
        e = s - z
        self.filter.learn(e)
        self.filter.basis.step(m)
        self.x = low_pass(self.x, m, self.T_p, self.dt)
        return s, z, e


def negative_image(w, p, r, beta):
    """The weights after a trial and the y of that trial, whose mean product with p changes them."""
    y = r + p @ w
    return w - beta * (p.T @ y) / len(r), y


def negative_image_limit(p, r):
    """y = r - (projection of r on the span of p)."""
    return r - p @ np.linalg.lstsq(p, r, rcond=None)[0]
