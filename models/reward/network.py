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
never tries it again, against which a bonus of its entropy H helps; it has no third factor:

    W_L <- W_L + eta c h_{L-1}^T (-p_L (log p_L + H)),     H = -sum p_L log p_L               (5)

A test takes p in place of h. A trial has two phases, so that R may also come from outside: the
units act in the first one, and weights change in the second.
"""

from typing import NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_number
from spikesim.kernels import units
from spikesim.kernels.functions import clamped_log, real, sigmoid
from spikesim.kernels.trials import TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second
from spikesim.learning.forward import spread
from spikesim.learning.images import ImageModel
from spikesim.learning.measures import Update
from spikesim.learning.model import MEASURING, TEST, TRAINING
from spikesim.learning.parameters import choice, number, refuse_if, whole
from spikesim.learning.updates import UpdateParameters, learn

__all__ = ["Parameters", "RewardNetwork", "RewardParameters", "Trials"]

MANY = 12  # up to so many units, `gradient` goes through all their states


class RewardParameters(UpdateParameters):
    """What binary and spiking units have in common."""

    output_rate: float = number(1.0, "learning rate of the output, times eta", at_least=0.0)
    baseline: str = choice("global", "none", "stimulus", "expected", about="one for all stimuli")
    kappa: float = number(0.05, "rate of the baseline", symbol="κ", at_least=0.0, at_most=1.0)
    start: float = number(0.0, "of the baseline")
    stimuli: int | None = whole(None, "baselines of `stimulus`", at_least=1, optional=True)
    draws: int = whole(1000, "of `gradient`, beyond 12 binary units", at_least=1, at_most=2**20)


class Parameters(RewardParameters):
    """Constants and options."""

    action: str = choice("softmax", "bernoulli", about="one of several, or a bit each")
    entropy: float = number(0.0, "bonus for a policy's entropy", symbol="c", at_least=0.0)

    def check(self, layers, dtype):
        refuse_if(
            self.action == "bernoulli" and self.entropy > 0.0,
            "entropy is a bonus for softmax; bernoulli actions have none.",
        )


class Trials(NamedTuple):
    """What happened in some trials.

    Attributes
    ----------
    action : numpy.ndarray of int, shape (trials,)
        The output that was chosen; the first one that is 1, if each output is a bit.
    reward : numpy.ndarray, shape (trials,)
    rate : numpy.ndarray, shape (trials, hidden layers)
        The share of units that were 1; of units that spike, their rate in Hz.
    """

    action: np.ndarray
    reward: np.ndarray
    rate: np.ndarray


def sample(j, t, s, p):
    """(3)."""
    s.p[j] = sigmoid(s.a[j])
    s.h[j] = 1.0 if s.U[s.clock[TRIAL], j] < s.p[j] else 0.0


def expect(j, t, s, p):
    """(3) in a test."""
    s.h[j] = sigmoid(s.a[j])


def choose(_, t, s, p):
    """(4)."""
    U, action, cumulative = s.U[s.clock[TRIAL], 0], 0, s.p[0]
    while cumulative <= U and action < s.p.shape[0] - 1:
        action += 1
        cumulative += s.p[action]
    for j in range(s.h.shape[0]):
        s.h[j] = 0.0
    s.h[action] = 1.0


def activity(_, t, s, p):
    """The share of units of a hidden layer that are 1."""
    total = 0.0
    for j in range(s.h.shape[0]):
        total += s.h[j]
    s.rate[s.clock[TRIAL], p.layer - 1] = total / real(s.h.shape[0])


def judge(_, t, s, p):
    """R - b of (1); R is what `given` or `reward` say, or else follows from the action."""
    trial = s.clock[TRIAL]
    R, example = s.R[trial], s.example[trial]
    if R != R:
        R = 0.0
        for j in range(s.h.shape[0]):
            if p.is_bits == 0:
                R += s.h[j] * s.wanted[example, j]
            elif s.h[j] == s.wanted[example, j]:
                R += 1.0 / real(s.h.shape[0])
    b = s.b_R[int(s.stimulus[trial])] if p.is_expected == 0 else s.expected[trial]
    s.reward[trial] = R
    s.surprise[0] = R - b


def follow(_, t, s, p):
    """(2)."""
    k = int(s.stimulus[s.clock[TRIAL]])
    s.b_R[k] = s.b_R[k] + p.kappa * s.surprise[0]


def credit(j, t, s, p):
    """(R - b) (h - p)."""
    s.delta[j] = s.surprise_output[0] * (s.h[j] - s.p[j])


def credit_action(_, t, s, p):
    """The same, and (5)."""
    H = 0.0
    for j in range(s.p.shape[0]):
        H -= s.p[j] * clamped_log(s.p[j])
    for j in range(s.p.shape[0]):
        bonus = -s.p[j] * (clamped_log(s.p[j]) + H)
        s.delta[j] = s.surprise[0] * (s.h[j] - s.p[j]) + p.entropy * bonus


class RewardNetwork(ImageModel):
    """A layered network of binary units that learns from reward.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`. Targets are the
    rewards of actions: a label stands for 1, and 0 for all others. `given` also takes the uniform
    numbers ``U`` of all layers after the input, and for each trial the reward ``R``, the number of
    its ``stimulus``, by default the label, and its ``expected`` reward. The history has 'reward',
    and 'rate' of each hidden layer.

    Examples
    --------
    >>> net = RewardNetwork((2, 8, 2), seed=1, eta=0.1)
    >>> for trial in range(3):
    ...     action = net.act([0.0, 1.0])
    ...     net.reward(1.0 if action == 1 else 0.0)
    >>> net.learn(np.eye(2), [0, 1]).reward.shape
    (2,)
    """

    KIND, TITLE = "reward", "REINFORCE, learning from reward (Williams 1992)"
    Parameters, DRAWN = Parameters, ("U", "R", "stimulus", "expected")
    STREAMS = ("weights", "order", "uniforms", "draws")
    KEEP = {"p": 0}
    SUITED = {
        "digits": {"hidden": "100", "epochs": 300, "eta": 0.1, "output_rate": 0.2, "entropy": 0.2,
                   "start": 0.1, "kappa": 0.01},
        "mnist": {"hidden": "500", "epochs": 30, "eta": 0.1, "output_rate": 0.05, "entropy": 0.2,
                  "start": 0.1, "kappa": 0.01},
    }  # fmt: skip

    _due = 0  # steps of the trial that `act` began
    _kept = None  # what `learn` returns

    def weights(self, layers):
        chance = self.chance("weights")
        for layer in layers[1:]:
            n = layer.below.n
            layer.arrays["W"] = spread(chance, "uniform", np.sqrt(6.0 / (n + layer.n)), (n, layer.n))
            layer.arrays["b"] = np.zeros(layer.n)
        self.baselines(layers[-1])

    def baselines(self, output):
        p = self.parameters
        kinds = (p.stimuli or self.sizes[-1]) if p.baseline == "stimulus" else 1
        output.arrays["b_R"] = np.full(kinds, 0.0 if p.baseline == "none" else p.start)

    def results(self):
        return {"reward": 1, "rate": (len(self.sizes) - 2,)}

    @property
    def is_bits(self):
        """Whether each output is an action of its own."""
        return getattr(self.parameters, "action", "softmax") == "bernoulli"

    def arrays(self, layer):
        if layer.is_input:
            return {"h": layer.n}
        own = dict.fromkeys(("a", "p", "h", "delta"), layer.n)
        own["U"] = (self.block(), 1 if layer.is_output and not self.is_bits else layer.n)
        if layer.is_output:
            own.update(dict.fromkeys(("R", "stimulus", "expected"), (self.block(),)))
            own.update(target=layer.n, slope=layer.n, surprise=1)
        return own

    def lengths(self, n, purpose):
        return np.tile([1, 0 if purpose == TEST else 1], (n, 1))

    def prepare(self, net, trial, count):
        """Each trial has its own uniform numbers, however many trials a call has."""
        output, example = net.output, net.shared.arrays["example"][:count]
        for layer in net.layers:
            if "U" in layer.arrays:
                self.fill(layer.U, "uniforms", net, layer.index, trial, count)
        label = net.shared.arrays["label"][example] if self.parameters.baseline == "stimulus" else 0
        output.stimulus[:count] = np.minimum(label, len(output.b_R) - 1)
        output.R[:count] = np.nan
        if self.parameters.baseline == "expected" and net.purpose != TEST:
            shown, wanted = (net.shared.arrays[name][example] for name in ("image", "wanted"))
            output.expected[:count] = [self.outcomes(*each)[0] for each in zip(shown, wanted)]
        if net.purpose == TRAINING:
            self._due = 0

    def _given(self, net, given, examples):
        found = super()._given(net, given, examples)
        for array, rows in found:
            if array is net.output.stimulus:
                check_array("stimulus", rows, at_least=0, at_most=len(net.output.b_R) - 1)
        return found

    def fill(self, array, stream, net, index, trial, count):
        """Philox draws four numbers at a time; trial k has the k-th numbers of its stream."""
        size = array[0].size
        fours = -(-size // 4)
        chance = self.chance(stream, net.purpose, index)
        chance.bit_generator.advance(trial * fours)
        array[:count] = chance.random((count, 4 * fours))[:, :size].reshape(count, *array.shape[1:])

    def step(self, net):
        p, output = net.p, net.output
        first, is_test = at_end_of_first, net.purpose == TEST
        yield net.input.phase(units.show, "once", first)
        for layer in net.above_input:
            yield layer.phase(units.drive, "block", first)
            if layer is output and not self.is_bits:
                yield layer.phase(units.softmax, "once", first, h=layer.h if is_test else layer.p)
                yield from () if is_test else [layer.phase(choose, "once", first)]
            else:
                yield layer.phase(expect if is_test else sample, "unit", first)
            if layer is not output:
                yield layer.phase(activity, "once", first)
        yield output.phase(units.answer, "once", first)
        yield from self.rewarded(net)
        for layer in net.above_input if net.learning else ():
            if layer is output and not self.is_bits:
                yield layer.phase(credit_action, "once", at_end_of_second)
            else:
                yield layer.phase(credit, "unit", at_end_of_second)
        for layer in net.above_input if net.learning else ():
            yield from self.learned(net, layer, layer.below.h, layer.delta)

    def rewarded(self, net):
        """(2), and the third factor of (1)."""
        p, last = net.p, {"each": "once", "when": at_end_of_second}
        kind = {"is_bits": int(self.is_bits), "is_expected": int(p.baseline == "expected")}
        kind.update({} if "expected" in net.output.arrays else {"expected": net.output.R})
        yield net.output.phase(judge, **last, **kind)
        if net.applies and p.baseline in ("global", "stimulus"):
            yield net.output.phase(follow, **last)

    def learned(self, net, layer, pre, post):
        """(1)."""
        p, when = net.p, (at_end_of_second,)
        eta = p.eta[layer.index - 1] * (p.output_rate if layer.is_output else 1.0)
        yield from learn(net, layer, "W", pre, post, eta, p.decay, when)
        yield from learn(net, layer, "b", None, layer.delta, eta * p.bias_rate, when=when)

    # ------------------------------------------------------------------- reward from outside

    def act(self, x, stimulus=0):
        """Show one example and act; `reward` then says how good that was.

        Parameters
        ----------
        x : array_like, shape (inputs,)
        stimulus : int
            Which baseline counts, with ``baseline="stimulus"``.

        Returns
        -------
        int, or numpy.ndarray of int, shape (outputs,)
            The action; the bits of the outputs with ``action="bernoulli"``.
        """
        p, net = self.parameters, self._training
        refuse_if(p.batch > 1, "batch is above 1; act and reward learn from one trial at a time.")
        x = np.atleast_2d(x)
        refuse_if(len(x) != 1, f"x has {len(x)} examples; act takes one.")
        known = self._given(net, {"stimulus": [np.full(1, float(stimulus))]}, 1)
        self._scale_rates(1.0)
        net.show(*self._examples(x, np.zeros((1, self.classes))))
        lengths = self.lengths(1, TRAINING)
        steps = net.begin(np.zeros(1, np.int64), lengths, self._trials, given=known)
        net.network.run_steps(int(lengths[0, 0]))
        self._due, self._trials = steps - int(lengths[0, 0]), self._trials + 1
        bits = net.output.h.astype(np.int64)
        return bits if self.is_bits else int(bits.argmax())

    def reward(self, R):
        """Reward the last action, and learn from it.

        Parameters
        ----------
        R : float
        """
        refuse_if(not self._due, "There is no action to reward; act comes before reward.")
        net = self._training
        net.output.R[0] = check_number("R", R, dtype=self.dtype)
        steps, self._due = self._due, 0
        net.network.run_steps(steps)

    def learn(self, x, targets, lengths=None, given=None):
        """As `ImageModel.learn`; returns what happened in each trial, as `Trials`."""
        self._kept = []
        super().learn(x, targets, lengths, given)
        kept, self._kept = self._kept, None
        return Trials(*map(np.concatenate, zip(*kept, strict=True)))

    def play(self, x, targets, draw=0, given=None):
        """The same trials without learning, as `Trials`; each `draw` has other random numbers."""
        x, labels, wanted = self._examples(x, targets)
        net, kept, lengths = self._other(MEASURING), [], self.lengths(len(x), MEASURING)
        known, first = self._given(net, given, len(x)), check_integer("draw", draw, at_least=0) << 32
        net.show(x, labels, wanted)
        for k in range(0, len(x), self.block()):
            now = np.arange(k, min(k + self.block(), len(x)))
            rows = [(array, each[now]) for array, each in known]
            net.run(now, lengths[now], first + k, given=rows)
            kept.append(self.told(net, len(now)))
        return Trials(*map(np.concatenate, zip(*kept, strict=True)))

    def told(self, net, count):
        return [net.result(name, count).copy() for name in ("answer", "reward", "rate")]

    def finished(self, net, count):
        if net.purpose == TRAINING and self._kept is not None:
            self._kept.append(self.told(net, count))

    # ------------------------------------------------------------------- the gradient

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
        """The expected reward for an example, and its gradient by W and b of each layer."""
        p, layers = self.parameters, self._training.above_input
        binary = layers if self.is_bits else layers[:-1]
        bits = sum(layer.n for layer in binary)
        is_exact, rows = bits <= MANY, 2**bits if bits <= MANY else p.draws
        states = (np.arange(rows)[:, None] >> np.arange(min(bits, MANY))) & 1
        U = np.zeros((0, bits)) if is_exact else self.chance("draws").random((rows, bits))
        weight, h, at = np.full(rows, 1.0 if is_exact else 1.0 / rows), np.tile(x, (rows, 1)), 0
        below, delta = [], []
        for layer in layers:
            below.append(h if x.dtype != np.uint8 or layer.index > 1 else h / 255.0)
            a = below[-1] @ layer.W.astype(np.float64) + layer.b
            if layer not in binary:
                pi = np.exp(a - a.max(axis=1, keepdims=True))
                pi /= pi.sum(axis=1, keepdims=True)
                R = pi @ wanted
                delta.append(pi * (wanted - R[:, None]))
                continue
            P, own = 1.0 / (1.0 + np.exp(-a)), slice(at, at + layer.n)
            h, at = 1.0 * (states[:, own] if is_exact else U[:, own] < P), at + layer.n
            R = (h == wanted).mean(axis=1) if layer.is_output else 0.0
            weight = weight * np.where(h > 0.0, P, 1.0 - P).prod(axis=1) if is_exact else weight
            delta.append(h - P)
        mean = float(weight @ R)
        for k, layer in enumerate(layers):
            third = weight * (R - mean) if layer in binary else weight
            delta[k] = third[:, None] * delta[k]
        dW = [h.T @ d for h, d in zip(below, delta, strict=True)]
        return mean, dW, [d.sum(axis=0) for d in delta]
