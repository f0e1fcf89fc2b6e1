"""What learning from reward reaches, seed by seed: results/credit/reward.txt and reward.png.

    python benchmarks/reproduce_reward.py

Binary units: a contextual bandit (8 contexts, 4 actions), digits whose reward is 1 if the sampled
class is right, and the exclusive-or. Spiking units: a bandit (4 contexts, 2 actions), with the
reward at the end of a trial and later than that. Hidden rates stand beside rewards, as neurons that
run away to high rates lose what they have learned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from spikesim import datasets
from spikesim.learning.rewards import Trials
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork

OUT = Path(__file__).resolve().parent.parent / "results" / "credit"
LAST = 2000  # trials over which final rewards are means
DELAYS = {0.0: (None,), 50.0: (None, 200.0, 50.0, 20.0), 100.0: (None, 200.0, 50.0, 20.0)}


def contexts(chance: np.random.Generator, many: int, inputs: int, apart: int) -> np.ndarray:
    """Inputs of 0 and 1, of which any two differ in at least so many."""
    while True:
        x = chance.integers(0, 2, (many, inputs))
        differ = (x[:, None] != x[None]).sum(axis=2)
        if differ[~np.eye(many, dtype=bool)].min() >= apart:
            return x.astype(float)


def learned(net: Any, x: np.ndarray, good: np.ndarray, which: np.ndarray) -> Trials:
    """Trials of a bandit, each with the baseline of its context."""
    found: Trials = net.learn(x[which], good[which], given={"stimulus": [which]})
    return found


def bandit(seed: int, trials: int, eta: tuple[float, float]) -> Trials:
    chance = np.random.default_rng(seed)
    x = 2.0 * contexts(chance, 8, 10, 2) - 1.0
    good, which = chance.permutation(np.arange(8) % 4), chance.integers(0, 8, trials)
    net = RewardNetwork(
        (10, 32, 4), seed=seed, eta=eta, entropy=0.1, baseline="stimulus", stimuli=8
    )
    return learned(net, x, good, which)


def exclusive_or(seed: int, trials: int, entropy: float) -> Trials:
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    which = np.random.default_rng(seed).integers(0, 4, trials)
    net = RewardNetwork(
        (2, 16, 2), seed=seed, eta=(0.2, 0.05), entropy=entropy, baseline="stimulus", stimuli=4
    )
    return learned(net, x, np.array([0, 1, 1, 0]), which)


def spiking(seed: int, trials: int, **options: Any) -> Trials:
    chance = np.random.default_rng(seed)
    x = contexts(chance, 4, 20, 3)
    good, which = chance.permutation(np.arange(4) % 2), chance.integers(0, 4, trials)
    net = SpikingRewardNetwork((20, 20, 2), seed=seed, baseline="stimulus", stimuli=4, **options)
    return learned(net, x, good, which)


def last(trials: Trials) -> tuple[float, float]:
    """Mean reward and hidden rate of the last trials."""
    return float(trials.reward[-LAST:].mean()), float(trials.rate[-LAST:].mean())


def told(name: str, found: Sequence[tuple[float, float]], unit: str = "") -> str:
    rewards = " ".join(f"{reward:.3f}" for reward, _ in found)
    low, high = min(rate for _, rate in found), max(rate for _, rate in found)
    return f"{name:46} {rewards}; hidden {low:.3g} to {high:.3g}{unit}"


def gradient(samples: int) -> Iterator[str]:
    """Samples against the sum over all outcomes: 6 inputs, 4 hidden units, 3 actions."""
    rewards = np.array([[1.0, 0.2, -0.5]])
    for seed in range(5):
        variance, chance = {}, np.random.default_rng(seed)
        x, biases = chance.random((1, 6)), [chance.normal(0.0, 0.5, n) for n in (4, 3)]
        for baseline in ("none", "expected"):
            net = RewardNetwork(
                (6, 4, 3), seed=seed, dtype="float64", eta=1e-4, batch=samples // 2,
                baseline=baseline,
            )  # fmt: skip
            net.b[0], net.b[1] = biases
            exact = np.concatenate([dW.ravel() for dW in net.gradient(x, rewards).dW])
            drawn = [net.update(x, rewards, draw).dW for draw in range(1000)]
            variance[baseline] = sum(np.var(of, axis=0).sum() for of in zip(*drawn, strict=True))
        expected, before = net.expected_reward(x[0], rewards[0]), [np.array(W) for W in net.W]
        net.learn(np.tile(x, (samples, 1)), np.tile(rewards, (samples, 1)))
        mean = np.concatenate([(W - b).ravel() / 2e-4 for W, b in zip(net.W, before, strict=True)])
        cosine = mean @ exact / np.linalg.norm(mean) / np.linalg.norm(exact)
        off = np.linalg.norm(mean - exact) / np.linalg.norm(exact)
        yield (
            f"mean of {samples} samples: cosine {cosine:.6f} (0.9999), relative error {off:.4f} "
            f"(0.01); expected reward {expected:+.2f}: as baseline it leaves "
            f"{variance['expected'] / variance['none']:.2f} of the variance"
        )


def bandits(trials: int, seeds: int) -> Iterator[str]:
    for eta in ((0.2, 0.02), (0.3, 0.3)):
        found = [bandit(seed, trials, eta) for seed in range(seeds)]
        yield told(f"bandit, eta {eta[0]}, {eta[1]} (0.97 or more)", [last(each) for each in found])
        blocks = [
            each.reward[: trials // 500 * 500].reshape(-1, 500).mean(axis=1) for each in found
        ]
        firsts = [500 * (int(np.argmax(each > 0.8)) + 1) for each in blocks if each.max() > 0.8]
        yield f"{'  trials until a block of 500 is above 0.8':46} {' '.join(map(str, firsts))}"


def exclusive_ors(trials: int, seeds: int) -> Iterator[str]:
    for entropy in (0.0, 0.1):
        found = [last(exclusive_or(seed, trials, entropy)) for seed in range(seeds)]
        solved = sum(reward > 0.9 for reward, _ in found)
        yield told(f"exclusive-or, entropy {entropy:g}: {solved} of {seeds} seeds", found)


def digits(epochs: int, seeds: int) -> Iterator[str]:
    data = datasets.load_digits()
    for name, options in {
        "digits (below 8 %)": {},
        "digits, hidden units frozen": {"eta": (0.0, 0.02)},
        "digits, no bonus for entropy": {"entropy": 0.0},
    }.items():
        for seed in range(seeds):
            given = {"eta": (0.1, 0.02), "entropy": 0.2, "start": 0.1, "kappa": 0.01, **options}
            net = RewardNetwork((64, 100, 10), seed=seed, **given)
            course = []
            for more in (epochs // 10, epochs // 10, epochs - 2 * (epochs // 10)):
                net.fit(data.train_images, data.train_labels, max(more, 1))
                wrong = net.evaluate(data.test_images, data.test_labels)
                course.append(f"{wrong:.1f} % after {net.epoch}")
            reward, rate = net.history["reward"][-1], net.history["rate"][-1][0]
            yield f"{name:46} {', '.join(course)}; reward {reward:.3f}, hidden {rate:.2f}"


def spiking_bandits(trials: int, seeds: int, kept: dict[Any, Any]) -> Iterator[str]:
    for name, options in {
        "spiking bandit (0.85 or more)": {},
        "spiking bandit, hidden units frozen (0.72 or less)": {"eta": (0.0, 0.005)},
        "spiking bandit, eta 0.01": {"eta": 0.01},
        "spiking bandit, eta 0.02": {"eta": 0.02},
    }.items():
        found = [spiking(seed, trials, **options) for seed in range(seeds)]
        kept[name] = found
        yield told(name, [last(each) for each in found], " Hz")


def late_rewards(trials: int, seeds: int, kept: dict[Any, Any]) -> Iterator[str]:
    """With traces that fade, eta makes up for what is left of them when the reward comes."""
    for delay, taus in DELAYS.items():
        for tau_z in taus:
            left = 1.0 if tau_z is None else float(np.exp(-delay / tau_z))
            options = {"delay": delay, "tau_z": tau_z, "eta": 0.005 / max(left, 0.2)}
            found = [last(spiking(seed, trials, **options)) for seed in range(seeds)]
            kept[delay, tau_z] = [reward for reward, _ in found]
            lasts = "lasting traces" if tau_z is None else f"traces of {tau_z:g} ms"
            yield told(f"reward {delay:g} ms late, {lasts}", found, " Hz")


def draw(bandits: dict[str, list[Trials]], late: dict[Any, list[float]], path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
    learning, frozen, *_ = bandits.values()
    for found, colour, name in ((learning, "#0072B2", "hidden learn"), (frozen, "0.6", "frozen")):
        for k, each in enumerate(found):
            means = each.reward[: len(each.reward) // 500 * 500].reshape(-1, 500).mean(axis=1)
            at = 500 * np.arange(1, len(means) + 1)
            left.plot(at, means, color=colour, linewidth=1.0, label=name if k == 0 else None)
    left.set(xlabel="Trial", ylabel="Reward", ylim=(0.3, 1.0))
    left.legend(loc="lower right", ncols=2)
    at_once = float(np.mean(late[0.0, None]))
    right.axhline(at_once, color="0.5", linestyle="--", linewidth=0.8, label="at once")
    places = {20.0: 0, 50.0: 1, 200.0: 2, None: 3}
    for delay, colour in zip(list(DELAYS)[1:], ("#0072B2", "#D55E00"), strict=True):
        means = [np.mean(late[delay, tau_z]) for tau_z in places]
        right.plot(list(places.values()), means, "o-", color=colour, label=f"{delay:g} ms late")
    right.set_xticks(range(4), ["20", "50", "200", "∞"])
    right.set(xlabel="Time constant of the traces (ms)", ylabel="Reward", ylim=(0.3, 1.0))
    right.legend(loc="lower right")
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--samples", type=int, default=200_000)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)

    spiked: dict[Any, Any] = {}
    late: dict[Any, Any] = {}
    lines = [f"rewards are means of the last {LAST} trials, one of each seed from 0 on"]
    for part in (
        gradient(chosen.samples),
        bandits(2 * chosen.trials, chosen.seeds),
        exclusive_ors(2 * chosen.trials, chosen.seeds),
        digits(chosen.epochs, min(chosen.seeds, 2)),
        spiking_bandits(chosen.trials, min(chosen.seeds, 6), spiked),
        late_rewards(chosen.trials, min(chosen.seeds, 3), late),
    ):
        for line in part:
            print(line, flush=True)
            lines.append(line)
    (chosen.out / "reward.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(spiked, late, chosen.out / "reward.png")


if __name__ == "__main__":
    main()
