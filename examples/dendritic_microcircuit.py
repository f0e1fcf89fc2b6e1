"""Apical dendrites that carry errors
==================================

A cortical microcircuit with random lateral weights first sees patterns without a target. Its SST
cells learn to cancel what comes down from the output: the apical dendrites fall silent (Sacramento,
Costa, Bengio & Senn 2018). Then a target nudges the output. What the SST cells do not predict is
left in the apical dendrites, and is in proportion to the error that backpropagation would send.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit

SIZES = (30, 20, 10)
BLUE, RED, PALE = "#0072B2", "#D55E00", "#8C8C8C"


# %%
# The circuit, and the norms that are measured in it.


def build(seed: int) -> DendriticMicrocircuit:
    """A circuit in which only lateral weights learn; feedback is weak and symmetric."""
    return DendriticMicrocircuit(
        SIZES, seed=seed, dtype="float64", dynamics="continuous", init="random",
        feedback="symmetric", taught=0.0, eta=0.0, eta_Q=0.5, eta_P=0.5, W_size=1.0,
        t_pattern=40.0, lag=10.0, tau_0=0.0, tau_w=5.0, low=-1.0, high=1.0,
    )  # fmt: skip


def measured(net: DendriticMicrocircuit, probes: np.ndarray) -> np.ndarray:
    """|v_A| without and with a target, and |u - uI| without one, averaged over patterns."""
    found = []
    for x in probes:
        trial, end = net.record(x, label=3), net.steps - 1
        v_A, u, uI = trial.v_A["hidden_1"], trial.u["output"], trial.uI["output"]
        each = v_A[:, end], v_A[:, -1], (u - uI)[:, end]
        found.append([np.linalg.norm(vector) for vector in each])
    return np.mean(found, axis=0)


# %%
# It learns from patterns without a target; then targets come.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how silent apical dendrites become, and what errors say."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--patterns", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("dendritic_microcircuit.png"))
    chosen = parser.parse_args(arguments)

    chance, net = np.random.default_rng(chosen.seed), build(chosen.seed)
    probes = chance.random((3, SIZES[0]))
    seen, norms = [0], [measured(net, probes)]
    before = net.record(probes[0], label=3)
    while seen[-1] < chosen.patterns:
        net.fit(chance.random((200, SIZES[0])), np.zeros(200, int))
        seen.append(seen[-1] + 200)
        norms.append(measured(net, probes))
    after = net.record(probes[0], label=3)

    x, targets = chance.random((20, SIZES[0])), chance.uniform(-1.0, 1.0, (20, SIZES[2]))
    own, reference = net.update(x, targets).delta[0], net.gradient(x, targets).delta[0]
    r = np.corrcoef(own.ravel(), reference.ravel())[0, 1]
    print(f"without a target, |v_A| fell from {norms[0][0]:.2f} to {norms[-1][0]:.2f}")
    print(f"with targets, differences at the soma and backpropagated errors correlate: {r:.2f}")

    figure, axes = plt.subplots(2, 2, figsize=(7.2, 5.2), layout="constrained")
    for name, colour, values in zip(
        ("$|v_A|$, no target", "$|v_A|$, target", "$|u - u^I|$, no target"),
        (RED, PALE, BLUE), np.transpose(norms), strict=True,
    ):  # fmt: skip
        axes[0, 0].plot(seen, values, "o-", color=colour, markersize=3, linewidth=1.2, label=name)
    axes[0, 0].set(yscale="log", xlabel="Patterns without a target", ylabel="Norm")
    axes[0, 0].legend(frameon=False, fontsize=8)
    axes[0, 1].scatter(reference, own, s=5, color=BLUE, alpha=0.5, linewidths=0)
    axes[0, 1].set(xlabel="Error by backpropagation", ylabel=r"$r - \phi(a v_B)$ at the soma")
    for ax, trial, title in zip(
        axes[1], (before, after), ("Before learning", "After learning (finer scale)"), strict=True
    ):
        limits = 1.1 * abs(trial.v_A["hidden_1"][:, net.steps // 2 :]).max()
        ax.plot(trial.t, trial.v_A["hidden_1"].T, color=RED, linewidth=0.7, alpha=0.6)
        ax.axvline(trial.phases[0], color=PALE, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.set(xlabel="Time (ms)", title=title, ylim=(-limits, limits))
        ax.text(trial.phases[0] + 1.0, -0.95 * limits, "with target", color=PALE, fontsize=8)
    axes[1, 0].set_ylabel(r"Apical potentials, $v_A$")
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
