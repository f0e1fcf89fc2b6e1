"""Dendritic microcircuits with spikes: a transcription, and what traces of spikes are."""

import numpy as np
import pytest

from spikesim import InputError
from spikesim.models.dendritic_microcircuit import SpikingMicrocircuit
from tests.naive_dendritic_microcircuit import NaiveMicrocircuit

CHANCE = np.random.default_rng(5)
X, LABELS = CHANCE.random((5, 6)), np.array([0, 1, 2, 1, 0])
SIZES, STEPS = (6, 5, 4, 3), 40
RATES = {"eta": 0.3, "scaled": False, "eta_Q": 0.5, "eta_P": 0.2, "eta_Y": 0.1}
GIVEN = {"t_pattern": 4.0, "lag": 1.0, "tau_0": 1.0, "tau_w": 2.0, "rho": 3.0, "tau_s": 2.0}


def build(sizes=SIZES, **options):
    given = {"seed": 2, "dtype": "float64", "backend": "python", **options}
    return SpikingMicrocircuit(sizes, **given)


class NaiveSpiking(NaiveMicrocircuit):
    """Where the transcription takes phi of a potential, this takes the trace of a cell's spikes.

    ``U`` and ``U_I`` are the uniform numbers of a step, by layer; SST cells are kept by the layer
    that they live in.
    """

    def __init__(self, *weights, rho, tau_s, **constants):
        super().__init__(*weights, **constants)
        self.rho, self.tau_s = rho, tau_s
        self.r = {k: np.zeros_like(u) for k, u in self.u.items()}
        self.rI = {k: np.zeros_like(u) for k, u in self.uI.items()}

    def rates(self):
        for r, u, U in ((self.r, self.u, self.U), (self.rI, self.uI, self.U_I)):
            for k in u:
                spikes = np.where(U[k] < self.rho * self.dt * self.phi(u[k]), 1.0, 0.0)
                decay = np.exp(-self.dt / self.tau_s)
                r[k] = r[k] * decay + spikes * (1.0 - decay) / (self.rho * self.dt)
        return dict(self.r), dict(self.rI)


@pytest.mark.parametrize("options", [{}, {"activation": "softplus", "init": "random"}], ids=str)
def test_learning_with_spikes_is_that_of_the_transcription(options):
    net = build(**GIVEN, **RATES, **options)
    W, Q = (
        [np.vstack(pair) for pair in zip(*both, strict=True)]
        for both in ((net.W, net.b), (net.Q, net.c))
    )
    p = net.parameters
    same = ("g_l", "g_B", "g_A", "g_D", "g_som", "dt", "tau_0", "tau_w", "t_pattern", "activation")
    same += ("rho", "tau_s", "eta_Q", "eta_P", "eta_Y")
    given = {name: getattr(p, name) for name in same}
    oracle = NaiveSpiking(W, net.Y, net.P, Q, **given, learning_lag=1.0, eta_W=0.3)
    U = [CHANCE.random((len(X), 2 * STEPS, n)) for n in SIZES[1:]]
    U_I = [CHANCE.random((len(X), 2 * STEPS, n)) for n in SIZES[2:]]
    net.learn(X, LABELS, given={"U": U, "U_I": U_I})
    targets = np.where(np.eye(3)[LABELS] == 1.0, p.high, p.low)
    for k, (x, target) in enumerate(zip(X, targets, strict=True)):
        for step in range(STEPS):
            oracle.U = {m: each[k, step] for m, each in enumerate(U, 1)}
            oracle.U_I = {m: each[k, step] for m, each in enumerate(U_I, 1)}
            oracle.step(x, target, plastic=step >= 10)
    assert sum(np.abs(a - b).max() for a, b in zip(net.W, build(**GIVEN).W, strict=True)) > 0.1
    for k in range(1, 4):
        found = np.vstack([net.W[k - 1], net.b[k - 1]])
        np.testing.assert_allclose(found, oracle.W[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.training.layers[k].r, oracle.r[k], rtol=0, atol=1e-10)
    for k in (1, 2):
        found = np.vstack([net.Q[k - 1], net.c[k - 1]])
        np.testing.assert_allclose(found, oracle.Q[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.P[k - 1], oracle.P[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.Y[k - 1], oracle.Y[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.training.layers[k + 1].rI, oracle.rI[k], rtol=0, atol=1e-10)


def test_traces_have_mean_phi_and_the_variance_of_filtered_independent_spikes():
    net = build((2, 2, 400), W_size=1e-9, t_pattern=60.0, rho=2.0, tau_s=5.0, backend="cpu")
    r = net.record([1.0, 0.0]).r["output"][:, 400:600]
    p, kept = 0.5 * 2.0 * 0.1, np.exp(-0.1 / 5.0)  # of a spike at u = 0, in a step of 0.1 ms
    variance = p * (1.0 - p) * (1.0 - kept) ** 2 / (1.0 - kept**2) / 0.2**2
    assert r.mean() == pytest.approx(0.5, abs=0.015)
    assert r.var() == pytest.approx(variance, rel=0.1)


def test_a_self_predicting_circuit_is_silent_on_average_only():
    trial = build((4, 50, 3), t_pattern=400.0, seed=3, backend="cpu").record([1.0, 0.0, 0.5, 0.2])
    v_A = trial.v_A["hidden_1"][:, 200:4000]
    assert abs(v_A).mean() > 0.05
    assert abs(v_A.mean(axis=1)).mean() < 0.2 * abs(v_A).mean()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dynamics": "two_step"}, "dynamics"),
        ({"backprop": True}, "backprop has no spikes"),
        ({"rho": 20.0}, "rho is 20 / ms"),
        ({"batch": 2}, "continuous has batch 1"),
    ],
)
def test_options_that_spikes_exclude_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        build(**options)
