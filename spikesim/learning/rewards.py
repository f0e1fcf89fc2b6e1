"""`RewardModel`: models that act, and whose synapses learn from what they did and how good it was.

    W <- W + eta (R - b) z,     b <- b + kappa (R - b)

The eligibility z is what a synapse remembers of its own activity, and of that of its unit. R is the
reward, the same for all, and b a baseline. A trial has two phases. In the first the model acts; in
the last step of the second comes the reward, and weights change. It may be computed in the compiled
loop or in Python, between two calls: `RewardModel.act`, `RewardModel.reward`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spikesim import plot
from spikesim.checks import check_array, check_integer, check_number
from spikesim.errors import InputError
from spikesim.kernels import rewards
from spikesim.kernels.windows import at_end_of_second
from spikesim.learning.images import ImageModel
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.measures import Update
from spikesim.learning.model import MEASURING, TEST, TRAINING, Rows, Simulation
from spikesim.learning.parameters import choice, number, whole
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.recording import LayerRecording
from spikesim.learning.updates import UpdateParameters, end_of_batch, learn

__all__ = ["RewardModel", "RewardParameters", "Trials"]


class RewardParameters(UpdateParameters):
    """The parameters of models that learn from reward."""

    output_rate: float = number(1.0, "learning rate of the output, times η", at_least=0.0)
    baseline: str = choice("global", "none", "stimulus", "expected", about="what is expected")
    kappa: float = number(0.05, "rate of the baseline", symbol="κ", at_least=0.0, at_most=1.0)
    start: float = number(0.0, "of the baseline")
    stimuli: int | None = whole(
        None, "baselines of `stimulus`; none: one for each class", at_least=1, optional=True
    )
    draws: int = whole(1000, "of which `gradient` is a mean", at_least=1, at_most=2**20)


class Trials(NamedTuple):
    """What happened in some trials.

    Attributes
    ----------
    action : numpy.ndarray of int, shape (trials,)
        The output that was chosen; the first one that is 1, if each output is an action of its own.
    reward : numpy.ndarray, shape (trials,)
    rate : numpy.ndarray, shape (trials, hidden layers)
        The share of units that were 1; for units that spike, their mean rate in Hz.

    Examples
    --------
    >>> Trials(np.array([1, 0]), np.array([1.0, 0.0]), np.zeros((2, 1))).reward
    array([1., 0.])
    """

    action: np.ndarray
    reward: np.ndarray
    rate: np.ndarray


class RewardModel(ImageModel):
    """A layered network that acts and is rewarded; a model brings what `ImageModel` asks for.

    Targets are the rewards of actions: a label stands for 1, and 0 for all others. Arrays of layers
    that a model, or who calls it, fills for each trial: ``U``, uniform random numbers; and of the
    output ``R``, the reward; ``stimulus``, the number of its baseline, by default the label; and
    ``expected``, the baseline itself if that is to be given. The model's step writes the action to
    the output's ``h``, as 0 and 1, and yields from `rewarded` and `learned`. The history has
    'reward', and 'rate' of each hidden layer.

    Examples
    --------
    >>> from spikesim.models.reward import RewardNetwork
    >>> net = RewardNetwork((4, 3, 2), backend="python")
    >>> action = net.act([1.0, 0.0, 0.0, 0.0])
    >>> net.reward(1.0 if action == 0 else 0.0)
    """

    DRAWN: ClassVar[tuple[str, ...]] = ("U", "R", "stimulus", "expected")
    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "order", "uniforms", "draws")
    KNOWS_GRADIENT: ClassVar[bool] = False

    parameters: Any
    _due = 0  # steps that are left of the trial that `act` began
    _kept: list[list[np.ndarray]] | None = None  # what `learn` returns

    # ------------------------------------------------------------------- what a model brings

    @property
    def is_bits(self) -> bool:
        """Whether each output is an action of its own."""
        return False

    def properties(self) -> Properties:
        known = knowing("pre", "post", "past", reward=True)
        return Properties(False, knows=known, online=self._batch == 1)

    def expected_reward(self, x: np.ndarray, wanted: np.ndarray) -> float:
        """The baseline `expected` for an example `x` with target `wanted`, if it is not given."""
        return 0.0

    # ------------------------------------------------------------------- for its step

    def baseline(self) -> np.ndarray:
        """b at first; an array ``baseline`` among the weights of the output."""
        p = self.parameters
        many = (p.stimuli or self.sizes[-1]) if p.baseline == "stimulus" else 1
        return np.full(many, 0.0 if p.baseline == "none" else p.start)

    def judged(self) -> dict[str, Any]:
        """Name → shape of the output's arrays that a reward needs."""
        many, names = len(self.baseline()), [name for name in self.DRAWN if name != "U"]
        trials = dict.fromkeys(names, (self.block(),))
        return {**trials, "surprise": 1, "surprises": many, "trials": many}

    def rewarded(self, net: Simulation) -> Iterator[Wired]:
        """The third factor, ``surprise`` of the output; and the baseline, which follows."""
        p, output = net.p, net.output
        numbers = {"is_bits": int(self.is_bits), "is_expected": int(p.baseline == "expected")}
        yield output.phase(rewards.judge, "once", at_end_of_second, **numbers)
        if net.applies and p.baseline in ("global", "stimulus"):
            yield output.phase(rewards.notice, "once", at_end_of_second)
            when = (at_end_of_second, *end_of_batch(net))
            yield output.phase(rewards.follow, when=when, many=len(output.baseline))

    def learned(
        self, net: Simulation, layer: Layer, pre: np.ndarray, post: np.ndarray
    ) -> Iterator[Wired]:
        """Learning of a layer; `pre` and `post` as in `learn`, ``delta`` for biases."""
        p, when = net.p, (at_end_of_second,)
        eta = p.eta[layer.index - 1] * (p.output_rate if layer.is_output else 1.0)
        yield from learn(net, layer, "W", pre, post, eta, p.decay, when)
        yield from learn(net, layer, "b", None, layer.delta, eta * p.bias_rate, when=when)

    def results(self) -> dict[str, int | tuple[int, ...]]:
        return dict(reward=1, rate=(len(self.sizes) - 2,))

    def prepare(self, net: Simulation, trial: int, count: int) -> None:
        output, shared = net.output, net.shared.arrays
        example = shared["example"][:count]
        for layer in net.layers:
            if "U" in layer.arrays:
                self.draw_each(layer.U, net, layer.index, trial, count)
        output.R[:count] = np.nan
        output.stimulus[:count] = 0
        if self.parameters.baseline == "stimulus":
            output.stimulus[:count] = np.minimum(shared["label"][example], len(output.baseline) - 1)
        if self.parameters.baseline == "expected" and net.purpose != TEST:
            x, wanted = shared["image"][example], shared["wanted"][example]
            both = np.hstack([x, wanted])
            _, first, like = np.unique(both, axis=0, return_index=True, return_inverse=True)
            each = np.array([self.expected_reward(x[k], wanted[k]) for k in first])
            output.expected[:count] = each[like.reshape(-1)]
        if net.purpose == TRAINING:
            self._due = 0

    def draw_each(
        self, array: np.ndarray, net: Simulation, number: int, trial: int, count: int
    ) -> None:
        """Draw the rows of an array for `count` trials, the first of which is number `trial`.

        Trial k has its own numbers, however many trials a call has; `number` distinguishes arrays.
        """
        size = array[0].size
        fours = -(-size // 4)  # a step of the generator gives four numbers
        chance: Any = self.chance("uniforms", net.purpose, number)
        chance.bit_generator.advance(trial * fours)
        array[:count] = chance.random((count, 4 * fours))[:, :size].reshape(count, *array.shape[1:])

    # ------------------------------------------------------------------- what users call

    def act(self, x: Any, stimulus: int = 0) -> Any:
        """Show one example and act; `reward` then says how good that was.

        Parameters
        ----------
        x : array_like, shape (inputs,)
        stimulus : int
            Which baseline counts, if each stimulus has one.

        Returns
        -------
        int, or numpy.ndarray of int, shape (outputs,)
            The action; an array of 0 and 1 if each output is an action of its own.
        """
        if self._batch > 1:
            raise InputError("batch is above 1; act and reward learn from one trial at a time.")
        net, none = self._training, np.zeros(1, np.int64)
        x = check_array("x", x, shape=(self.sizes[0],))
        most = len(net.output.baseline) - 1
        stimulus = check_integer("stimulus", stimulus, at_least=0, at_most=most)
        given = [(net.output.stimulus, np.full(1, stimulus))]
        self._scale_rates(1.0)
        net.show(*self._examples(x[None], none))
        lengths = self.lengths(1, TRAINING)
        first = int(lengths[0, 0])
        trial = self._trials or 0
        steps = net.begin(none, lengths, trial, given=given)
        net.network.run_steps(first)
        self._due, self._trials = steps - first, trial + 1
        action = net.output.h.astype(np.int64)
        return action if self.is_bits else int(action.argmax())

    def reward(self, R: float) -> None:
        """Reward the last action, and learn from it.

        Parameters
        ----------
        R : float
        """
        if not self._due:
            raise InputError("There is no action to reward; act comes before reward.")
        net = self._training
        net.output.R[0] = check_number("R", R, dtype=self.dtype)
        steps, self._due = self._due, 0
        net.network.run_steps(steps)

    def learn(  # type: ignore[override]  # that of `ImageModel` returns nothing
        self,
        x: Any,
        targets: Any,
        lengths: Any = None,
        given: Mapping[str, Sequence[Any]] | None = None,
    ) -> Trials:
        """Learn as `ImageModel.learn`, and return what happened in each trial.

        Parameters
        ----------
        x, targets, lengths, given
            As in `ImageModel.learn`.

        Returns
        -------
        Trials
        """
        kept = self._kept = []
        try:
            super().learn(x, targets, lengths, given)
        finally:
            self._kept = None
        return _joined(kept)

    def play(
        self,
        x: Any,
        targets: Any,
        draw: int = 0,
        given: Mapping[str, Sequence[Any]] | None = None,
    ) -> Trials:
        """Run the same trials without learning; the model stays as it is.

        Parameters
        ----------
        x, targets, given
            As in `learn`.
        draw : int
            Each number gives other random numbers.
        """
        x, labels, wanted = self._examples(x, targets)
        net, lengths = self._other(MEASURING), self.lengths(len(x), MEASURING)
        known = self._given(net, given, len(x))
        first = check_integer("draw", draw, at_least=0, at_most=2**20) << 32
        net.show(x, labels, wanted)
        kept = []
        for k in range(0, len(x), self.block()):
            now = np.arange(k, min(k + self.block(), len(x)))
            rows = [(array, each[now]) for array, each in known]
            net.run(now, lengths[now], first + k, given=rows)
            kept.append(self._told(net, len(now)))
        return _joined(kept)

    def gradient(self, x: Any, targets: Any) -> Update:
        """Estimate the gradient of the expected reward: the mean of so many `draws` of `update`.

        Parameters
        ----------
        x, targets
            As in `learn`.
        """
        found = [self.update(x, targets, draw) for draw in range(self.parameters.draws)]
        parts = zip(*found, strict=True)
        return Update(*([np.mean(of, axis=0) for of in zip(*each, strict=True)] for each in parts))

    @staticmethod
    def draw(net: Any, data: Any, pictures: Any) -> LayerRecording:
        """Draw the course of learning, and the spikes of a trial."""
        R, rate = (net.history[name] for name in net.results())
        pictures.keep("course.png", plot.rewards(R, rate, along="Epoch")[0].figure)
        return ImageModel.draw(net, data, pictures)

    # ------------------------------------------------------------------- inside

    def finished(self, net: Simulation, count: int) -> None:
        if net.purpose == TRAINING and self._kept is not None:
            self._kept.append(self._told(net, count))

    def _told(self, net: Simulation, count: int) -> list[np.ndarray]:
        return [net.result(name, count).copy() for name in ("answer", *self.results())]

    def _given(
        self, net: Simulation, given: Mapping[str, Sequence[Any]] | None, examples: int
    ) -> Rows:
        found, most = super()._given(net, given, examples), len(net.output.baseline) - 1
        for array, rows in found:
            if array is net.output.stimulus:
                check_array("stimulus", rows, at_least=0, at_most=most)
        return found


def _joined(kept: list[list[np.ndarray]]) -> Trials:
    return Trials(*(np.concatenate(each) for each in zip(*kept, strict=True)))
