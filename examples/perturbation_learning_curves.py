"""Learning from noise: theory and simulation
==========================================

Züge, Klos & Memmesheimer (2023, doi:10.1103/PhysRevX.13.021006): a linear perceptron of 100 inputs
and M = 10 outputs learns one trial of 100 bins, over and over. The loss E is the squared error,
halved and averaged over the bins. Inputs move in N = 50 directions of equal power, 1. At the
learning rate that is best for both rules, 1 / (M N + 2), the mean loss is after n trials ::

    E(n) = E_end + (E(0) - E_end) (1 - 1 / (M N + 2))^n

E_end is E_opt, the loss of the best weights, which is not 0 if the target has a part that the
inputs lack. Noise on weights does not see that part. Noise on nodes does, and ends at nearly twice
the loss, E_opt (1 + M N / (M N + 2)). Theory is for small noise: the loss
also changes by sigma^2 M N / 2 in the mean, from which nothing can be learned. With sigma = 0.001
this keeps E of noise on weights at 0.03.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.models.perturbation import Perturbation

RULES = {
    "nodes": {"perturbed": "nodes"},
    "weights": {"perturbed": "weights", "noise_per": "batch"},
}
COLOURS = {"nodes": "#D55E00", "weights": "#0072B2"}
START = 5.0  # E(0) - E_opt
SIGMA = 1e-5


# %%
# The task, and the theory for it.


class Trials:
    """A trial, and a perceptron that learns it by one of the two rules.

    Parameters
    ----------
    rule : {'nodes', 'weights'}
    inputs, outputs, bins, active : int
        `active` is N, in how many directions the inputs move.
    least : float
        E_opt.
    seed : int
    """

    def __init__(
        self,
        rule: str,
        inputs: int = 100,
        outputs: int = 10,
        bins: int = 100,
        active: int = 50,
        least: float = 0.0,
        seed: int = 0,
    ):
        chance = np.random.default_rng(seed)
        in_time = np.linalg.qr(chance.standard_normal((bins, bins)))[0]
        in_space = np.linalg.qr(chance.standard_normal((inputs, inputs)))[0]
        self.x = np.sqrt(bins) * in_time[:, :active] @ in_space[:, :active].T
        self.t = self.x @ chance.standard_normal((inputs, outputs))
        self.t *= np.sqrt(START / self.loss(np.zeros((inputs, outputs))))
        if least:
            beyond = in_time[:, active:] @ chance.standard_normal((bins - active, outputs))
            self.t += beyond * np.sqrt(2.0 * bins * least / (beyond**2).sum())
        self.steps, self.end = outputs * active + 2, least
        if rule == "nodes":
            self.end += least * outputs * active / self.steps
        self.from_end = START + least - self.end
        self.silent = rule == "weights"  # there are no biases, so that they have no noise either
        self.net = Perturbation(
            (inputs, outputs), seed=seed, dtype="float64", activation="linear", output="linear",
            shape="trial", batch=bins, eta=1.0 / self.steps, bias_rate=0.0, sigma=SIGMA,
            **RULES[rule],
        )  # fmt: skip

    def loss(self, W: np.ndarray) -> float:
        return 0.5 * ((self.t - self.x @ W) ** 2).sum() / len(self.x)

    def run(self, trials: Sequence[int]) -> np.ndarray:
        """Begin anew; the loss after so many trials, for each of some numbers."""
        net, done, found = self.net, 0, []
        net.W[0] = np.zeros(net.W[0].shape)
        for until in trials:
            if until > done:
                x, t = (np.tile(each, (until - done, 1)) for each in (self.x, self.t))
                net.learn(x, t, given={"xi": [np.zeros(t.shape)]} if self.silent else None)
            found.append(self.loss(net.W[0]))
            done = until
        return np.array(found)

    def theory(self, trials: Sequence[int]) -> np.ndarray:
        return self.end + self.from_end * (1.0 - 1.0 / self.steps) ** np.array(trials)


# %%
# Loss E of both rules over trials, with and without a part that cannot be learned.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how well theory tells the learning curves."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--trials", type=int, default=2500)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("perturbation_learning_curves.png"))
    chosen = parser.parse_args(arguments)

    trials = np.unique(np.linspace(0, chosen.trials, 51).astype(int))
    figure, panels = plt.subplots(1, 2, figsize=(7.0, 2.9), layout="constrained")
    for ax, least in zip(panels, (0.0, 2.0), strict=True):
        for rule, colour in COLOURS.items():
            tasks = [Trials(rule, least=least, seed=seed) for seed in range(chosen.seeds)]
            curves = np.array([task.run(trials) for task in tasks])
            mean, theory = curves.mean(axis=0), tasks[0].theory(trials)
            ax.plot(trials, curves.T, color=colour, linewidth=0.5, alpha=0.25)
            ax.plot(trials, mean, color=colour, label=f"noise on {rule}, mean of {len(curves)}")
            ax.plot(trials, theory, color="black", linestyle=(0, (2, 2)), linewidth=1.0)
            for n in (500, 1000, 2000, chosen.trials):
                if n in trials:
                    k = int(np.flatnonzero(trials == n)[0])
                    said = f"E {mean[k]:.3f}, theory {theory[k]:.3f}"
                    print(f"{rule}, E_opt {least:g}, after {n}: {said}", flush=True)
        ax.plot([], [], color="black", linestyle=(0, (2, 2)), linewidth=1.0, label="theory")
        ax.set(xlabel="Trial", ylabel="Loss E", xlim=(0, chosen.trials))
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set(yscale="log", title="All of the target can be reached")
    panels[1].set(ylim=(0, None), title="A part is out of reach (E$_{opt}$ = 2)")
    panels[1].axhline(2.0, color="0.6", linewidth=0.8, zorder=0)
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
