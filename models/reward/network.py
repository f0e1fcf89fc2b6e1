"""`RewardNetwork`: REINFORCE (Williams 1992, doi:10.1007/BF00992696) with units that are 0 or 1.

Units act by chance. Each synapse knows its eligibility z, the gradient of the log-probability of
what was done; one reward R for all, as it differs from the baseline b, is the third factor:

    W <- W + eta (R - b) z,     z = grad_W log P(all units and the action)                    (1)
    b <- b + kappa (R - b),     after (1)                                                     (2)

h_0 is the input. One uniform number U decides about each hidden unit, and one about the action:

    p_l = sigma(h_{l-1} W_l + b_l),    h_l = 1[U_l < p_l],     z_l = h_{l-1}^T (h_l - p_l)    (3)
    p_L = softmax(h_{L-1} W_L + b_L),  h_L = the first action whose cumulative p exceeds U    (4)

or, with ``action="bernoulli"``, outputs are as hidden units. R is the target of the action, and
with `bernoulli` the share of outputs that are as their targets. A policy that gives up an action
never tries it again, against which a bonus for its entropy H helps. It has no third factor; the
second line is for `bernoulli`:

    W_L <- W_L + eta c h_{L-1}^T (-p_L (log p_L + H)),     H = -sum p_L log p_L               (5)
    W_L <- W_L + eta c h_{L-1}^T (-p_L (1 - p_L) a_L),     a_L = h_{L-1} W_L + b_L

A test takes p in place of h.
"""

import numpy as np

from spikesim.kernels import units
from spikesim.kernels.functions import clamped_log, sigmoid
from spikesim.kernels.rewards import measure_rate
from spikesim.kernels.trials import TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second
from spikesim.learning.forward import spread
from spikesim.learning.measures import Update
from spikesim.learning.model import TEST
from spikesim.learning.parameters import choice, number
from spikesim.learning.rewards import RewardModel, RewardParameters

__all__ = ["Parameters", "RewardNetwork"]

COMMON = {"eta": 0.1, "entropy": 0.2, "start": 0.1, "kappa": 0.01}
SUITED = {
    "digits": {"hidden": "100", "epochs": 300, "output_rate": 0.2, **COMMON},
    "mnist": {"hidden": "500", "epochs": 30, "output_rate": 0.05, **COMMON},
}
MANY = 12  # so many units have few enough states for all of them to be gone through


class Parameters(RewardParameters):
    """Constants and options."""

    action: str = choice("softmax", "bernoulli", about="one of several, or each output by itself")
    entropy: float = number(0.0, "bonus for a policy's entropy", symbol="c", at_least=0.0)


def sample(j, t, s, p):
    """(3)."""
    s.p[j] = sigmoid(s.a[j])
    s.h[j] = 1.0 if s.U[s.clock[TRIAL], j] < s.p[j] else 0.0


def expect(j, t, s, p):
    """(3) in a test."""
    s.h[j] = sigmoid(s.a[j])


def choose(_, t, s, p):
    """(4)."""
    action, cumulative = 0, s.p[0]
    while cumulative <= s.U[s.clock[TRIAL], 0] and action < s.p.shape[0] - 1:
        action += 1
        cumulative += s.p[action]
    for j in range(s.h.shape[0]):
        s.h[j] = 0.0
    s.h[action] = 1.0


def credit(j, t, s, p):
    """(R - b) (h - p), of which (1) is the product with h below."""
    s.delta[j] = s.surprise_output[0] * (s.h[j] - s.p[j])


def credit_bit(j, t, s, p):
    """The same, and (5)."""
    bonus = -s.p[j] * (1.0 - s.p[j]) * s.a[j]
    s.delta[j] = s.surprise[0] * (s.h[j] - s.p[j]) + p.entropy * bonus


def credit_action(_, t, s, p):
    """The same."""
    H = 0.0
    for j in range(s.p.shape[0]):
        H -= s.p[j] * clamped_log(s.p[j])
    for j in range(s.p.shape[0]):
        bonus = -s.p[j] * (clamped_log(s.p[j]) + H)
        s.delta[j] = s.surprise[0] * (s.h[j] - s.p[j]) + p.entropy * bonus


class RewardNetwork(RewardModel):
    """A layered network of binary units that learns from reward.

    Arguments, attributes and what can be `given` are those of
    `spikesim.learning.rewards.RewardModel`.

    Examples
    --------
    >>> net = RewardNetwork((2, 8, 2), seed=1, eta=0.1, backend="python")
    >>> for trial in range(3):
    ...     action = net.act([0.0, 1.0])
    ...     net.reward(1.0 if action == 1 else 0.0)
    >>> net.learn(np.eye(2), [0, 1]).reward.shape
    (2,)
    """

    KIND, TITLE = "reward", "REINFORCE, learning from reward (Williams 1992)"
    Parameters, KEEP = Parameters, {"p": 0}
    SUITED, KNOWS_GRADIENT = SUITED, True

    @property
    def is_bits(self):
        return self.parameters.action == "bernoulli"

    def weights(self, layers):
        chance = self.chance("weights")
        for layer in layers[1:]:
            n, m = layer.below.n, layer.n
            layer.arrays["W"] = spread(chance, "uniform", np.sqrt(6.0 / (n + m)), (n, m))
            layer.arrays["b"] = np.zeros(m)
        layers[-1].arrays["baseline"] = self.baseline()

    def arrays(self, layer):
        if layer.is_input:
            return {"h": layer.n}
        own = dict.fromkeys(("a", "p", "h", "delta"), layer.n)
        own["U"] = (self.block(), 1 if layer.is_output and not self.is_bits else layer.n)
        if layer.is_output:
            own.update(target=layer.n, slope=layer.n, **self.judged())
        return own

    def lengths(self, n, purpose):
        return np.tile([1, 0 if purpose == TEST else 1], (n, 1))

    def step(self, net):
        output, is_test = net.output, net.purpose == TEST
        acting, learning = at_end_of_first, at_end_of_second
        yield net.input.phase(units.show, "once", acting)
        for layer in net.above_input:
            yield layer.phase(units.drive, "block", acting)
            if layer is not output or self.is_bits:
                yield layer.phase(expect if is_test else sample, when=acting)
            else:
                yield layer.phase(units.softmax, "once", acting, h=layer.h if is_test else layer.p)
                yield from () if is_test else [layer.phase(choose, "once", acting)]
        for layer in net.hidden:
            yield layer.phase(measure_rate, "once", acting, active=layer.h, unit=1.0)
        yield output.phase(units.answer, "once", acting)
        yield from self.rewarded(net)
        for layer in net.hidden if net.learning else ():
            yield layer.phase(credit, when=learning)
        for layer in [output] if net.learning else ():
            kind = (credit_bit, "unit") if self.is_bits else (credit_action, "once")
            yield layer.phase(*kind, learning)
        for layer in net.above_input if net.learning else ():
            yield from self.learned(net, layer, layer.below.h, layer.delta)

    def expected_reward(self, x, wanted):
        return self.outcomes(x, wanted)[0]

    def gradient(self, x, targets):
        """The gradient of the expected reward: exact up to 12 units, else the mean of `draws`.

        Parameters
        ----------
        x, targets
            As in `learn`.
        """
        x, _, wanted = self._examples(x, targets)
        _, dW, db = zip(*map(self.outcomes, x, wanted), strict=True)
        delta = [np.array(of_layer) for of_layer in zip(*db, strict=True)]
        dW = [np.mean(of_layer, axis=0) for of_layer in zip(*dW, strict=True)]
        return Update(dW, [each.mean(axis=0) for each in delta], delta)

    def outcomes(self, x, wanted):
        """The expected reward for `x`, `wanted`, and its gradient by W and b of each layer."""
        layers = self.training.above_input
        binary = layers if self.is_bits else layers[:-1]
        bits = sum(layer.n for layer in binary)
        is_exact, rows = bits <= MANY, 2**bits if bits <= MANY else self.parameters.draws
        states = (np.arange(rows)[:, None] >> np.arange(min(bits, MANY))) & 1
        U = np.zeros((0, bits)) if is_exact else self.chance("draws").random((rows, bits))
        h = np.tile(x / 255.0 if x.dtype == np.uint8 else x, (rows, 1))
        P, at, below, delta = np.full(rows, 1.0 if is_exact else 1.0 / rows), 0, [], []
        for layer in layers:
            below.append(h)
            a = h @ layer.W.astype(np.float64) + layer.b
            if layer not in binary:
                p = np.exp(a - a.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                R = p @ wanted
                delta.append(p * (wanted - R[:, None]))
                continue
            p, own = 0.5 + 0.5 * np.tanh(0.5 * a), slice(at, at + layer.n)
            h, at = 1.0 * (states[:, own] if is_exact else U[:, own] < p), at + layer.n
            R = (h == wanted).mean(axis=1) if layer.is_output else 0.0
            P = P * np.where(h > 0.0, p, 1.0 - p).prod(axis=1) if is_exact else P
            delta.append(h - p)
        mean = float(P @ R)
        for k, layer in enumerate(layers):
            delta[k] *= (P * (R - mean) if layer in binary else P)[:, None]
        dW = [h.T @ d for h, d in zip(below, delta, strict=True)]
        return mean, dW, [d.sum(axis=0) for d in delta]
