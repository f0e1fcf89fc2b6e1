"""Small networks that together use every body there is.

    NUMBA_ENABLE_CUDASIM=1 python tests/cuda_networks.py NAME

exits with 0 if the `cuda` backend, in the simulator of numba.cuda, gives the bits of `python`.
Without the variable, the network runs on a GPU.
"""

import math
import sys
from unittest.mock import patch

import numpy as np

from spikesim import (
    LIF,
    NMDA,
    AdaptiveLIF,
    AdEx,
    Alpha,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    Bernoulli,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    DoubleExponential,
    ExponentialIF,
    FitzHughNagumo,
    HodgkinHuxley,
    Izhikevich,
    MorrisLecar,
    Network,
    Neuron,
    PairSTDP,
    PlasticityRule,
    Poisson,
    Replicas,
    ShortTermPlasticity,
    TwoCompartment,
    backends,
    nir,
    patterns,
    stimuli,
)
from spikesim import math as offered
from spikesim.kernels import plasticity
from spikesim.kernels.machine.cuda import Cuda
from spikesim.learning.loops import LoopSimulation
from spikesim.learning.model import TEST, TRAINING, Simulation
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.spiking import (
    BurstPlasticity,
    BurstPoisson,
    ExclusiveOrNetwork,
    Pyramidal,
    learning_rule,
    propagation,
)
from spikesim.models.cerebellum import AdaptiveFilter
from spikesim.models.clamped import ClampedNetwork
from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit, SpikingMicrocircuit
from spikesim.models.equilibrium import EquilibriumPropagation
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork
from spikesim.models.routing import RoutingEnsembles
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import (
    SuperSpikeClassifier,
    SuperSpikeNetwork,
    Synapse,
    Windows,
)

CHANCE = np.random.default_rng(3)
IMAGES = CHANCE.random((2, 6)).astype(np.float32)
LABELS = np.array([0, 1])
SHOWN = patterns.poisson(6, rate=200.0, duration=3.0, seed=1)
TARGET = patterns.from_trains([[1.0], [2.0]], duration=3.0)
WINDOWS = Windows(np.array([0.5, 1.5]), np.array([1.0, 2.5]), np.array([0, 1]), 2, 3.0)
SHORT = ShortTermPlasticity(U=0.3, tau_D=20.0, tau_F=50.0, f=0.2)
PAIRS = PairSTDP(tau_plus=1.0, tau_minus=1.5, A_plus=0.3, A_minus=0.4, w_max=4.0)


def general(backend, seed=1):
    """Dense and sparse projections, delays, kernels, plasticity, recordings."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    source = net.add_population("source", 5, Poisson)
    source.rate[:] = 400.0
    cells = net.add_population("cells", 4, LIF, tau=10.0)
    adapting = net.add_population("adapting", 3, AdEx)
    potential = DoubleExponential(tau_rise=2.0, tau_decay=10.0, memory=4)
    lasting = DoubleExponential(tau_rise=2.0, tau_decay=10.0)
    synapses = net.connect(source, cells, target="drive", weight=20.0)
    net.connect(cells, adapting, target="g_exc", weight=0.5, probability=0.6, delay=1.0)
    net.connect(cells, adapting, target="g_exc", weight=0.5, short_term=SHORT, name="dense_short")
    net.connect(source, adapting, target="g_inh", weight=0.2, probability=0.7, short_term=SHORT)
    net.connect(source, cells, target="drive", weight=2.0, plasticity=PAIRS, name="dense_plastic")
    net.connect(cells, cells, target="drive", weight=2.0, probability=0.7, plasticity=PAIRS)
    driven = net.add_population("driven", 2, CurrentLIF)
    shunted = net.add_population("shunted", 2, ConductanceLIF)
    net.connect(source, driven, target="I_exc", weight=20.0, delay=1.0)
    net.connect(source, shunted, target="g_exc", weight=1.0, delay=1.0)
    jumping = net.add_population("jumping", 2, DeltaLIF)
    rising = net.add_population("rising", 2, AlphaCurrentLIF)
    opening = net.add_population("opening", 2, AlphaConductanceLIF)
    chattering = net.add_population("chattering", 2, Izhikevich, c=-50.0, d=2.0)
    net.connect(source, jumping, target="v", weight=8.0, delay=1.0)
    net.connect(source, rising, target="rise_exc", weight=20.0, delay=1.0)
    net.connect(source, opening, target="rise_exc", weight=1.0, delay=1.0)
    net.connect(source, chattering, target="drive", weight=8.0, delay=1.0)
    for name, kernel in (("truncated", potential), ("lasting", lasting)):
        filtered = net.add_population(name, 2, LIF)
        net.connect(source, filtered, target="drive", weight=3.0, kernel=kernel)
    net.add_background(cells, "drive", 300.0, 4.0)
    net.add_background(cells, "drive", 300.0, 4.0, neurons=slice(1, 3), at_most_one=True)
    net.add_background(cells, "drive", 2500.0, 0.5)
    each = {"delay": np.linspace(0.5, 4.0, 12), "weight": np.linspace(1.0, 4.0, 12)}
    net.connect(source, cells, target="drive", indegree=3, **each, name="spread")
    each = {"delay": [0.5, 3.0] * 3, "weight": 0.1, "short_term": SHORT}
    net.connect(cells, adapting, target="g_inh", indegree=2, **each, name="spread_short")
    trace = net.add_trace(cells, 20.0)
    before = net.add_trace(source, 20.0)
    state = {"eligibility": np.zeros((5, 4), np.float32), "pre": before, "post": trace}
    net.add_phase(
        plasticity.eligibility, plasticity.presynaptic, state=state, params={"decay": 0.9}
    )
    state = {"mean": np.zeros(4, np.float32), "value": trace}
    net.add_phase(plasticity.accumulate, 4, state=state, params={"share": 0.1})
    seldom = net.add_population("seldom", 3, Bernoulli)
    seldom.rate[:] = 400.0, 0.1, 0.0
    net.record_spikes(cells)
    net.record(adapting, ["v", "w"], neurons=[0, 2])
    assert synapses.W is not None
    return net


def wait(i, t, s, p):
    s.waited[i] = s.waited[i] + p.length if t % p.period == 0 else s.waited[i]


WAITING = Neuron(
    steps=[wait], variables={"waited": 0.0}, parameters={"period": 3, "length": 1.0, "tau": 5.0}
)


def differing(backend, seed=1):
    """Parameters that differ from neuron to neuron, of bodies on spikes too; a live input."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    cells = net.add_population("cells", 3, CurrentLIF, tau=[8.0, 9.0, 9.5], refractory=[1, 2, 2])
    source = net.add_population("source", 2, Poisson)
    source.rate[:] = 300.0
    net.connect(source, cells, target="I_exc", weight=20.0)
    net.add_phase(
        plasticity.accumulate,
        3,
        state={"mean": cells.live("I"), "value": cells.I_exc},
        params={"share": 0.1},
        first=True,
    )
    jumps = net.add_population("jumps", 3, Pyramidal, tau_s=[10.0, 16.0, 20.0], b_s=[1.0, 2e2, 3e2])
    net.connect(source, jumps, target="g_exc_s", weight=20.0)
    net.add_population("waiting", 3, WAITING, period=[2, 3, 4], length=[0.5, 1.0, 2.0])
    net.record_spikes(cells)
    return net


def bursting(backend, seed=1):
    """Bursting neurons whose synapses learn from their bursts."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    pre = net.add_population("pre", 4, BurstPoisson)
    pre_events = net.add_events("pre_events", pre)
    post = net.add_population("post", 3, Pyramidal)
    events, bursts = net.add_events("events", post), net.add_bursts("bursts", post)
    pre.I_s[:] = 3000.0
    post.I_s[:], post.I_d[:] = 2500.0, 500.0
    plastic = net.connect(pre_events, post, target="g_exc_s", weight=0.3, probability=0.8)
    rule = BurstPlasticity(net, post, events, bursts, [plastic], eta=0.1, tau_pre=50.0, alpha=20.0)
    rule.is_on = True
    net.record_spikes(post)
    return net


def slow(backend, seed=1):
    """Time constants that are too long for float32, with all that acts on such variables."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 400.0
    driven = net.add_population("driven", 3, CurrentLIF, tau=1e5, I=9.0)
    shunted = net.add_population("shunted", 3, ConductanceLIF, tau_inh=1e6)
    adapting = net.add_population("adapting", 3, AdEx, tau_w=1e6)
    short = SHORT._replace(tau_D=1e6)
    pairs = PAIRS._replace(tau_minus=1e7, A_minus=0.1)
    lasting = DoubleExponential(tau_rise=2.0, tau_decay=1e5)
    net.connect(source, driven, target="I_exc", weight=2000.0, delay=1.0)
    net.connect(source, driven, target="I_inh", weight=-3.0, short_term=short, name="short")
    each = {"delay": np.linspace(0.5, 4.0, 6), "weight": np.linspace(0.01, 0.03, 6)}
    net.connect(source, shunted, target="g_inh", indegree=2, **each, name="spread")
    net.connect(source, shunted, target="g_exc", weight=0.3, kernel=lasting, name="lasting")
    net.connect(source, adapting, target="g_exc", weight=0.5, plasticity=pairs)
    net.connect(driven, adapting, target="g_exc", weight=0.5, probability=0.9, plasticity=pairs)
    net.add_background(shunted, "g_inh", 300.0, 0.1)
    net.add_background(driven, "I_inh", 300.0, -0.1, neurons=slice(1, 3), at_most_one=True)
    net.add_background(driven, "I_exc", 2500.0, 0.5)
    events = net.add_events("events", source, tau=1e6)
    plastic = net.connect(events, adapting, target="g_exc", weight=0.3, probability=0.8)
    rule = BurstPlasticity(net, adapting, adapting, adapting, [plastic], eta=0.1, alpha=1e5)
    rule.is_on = True
    trace = net.add_trace(source, 1e6)
    state = {"mean": np.zeros(4), "value": trace}
    net.add_phase(plasticity.accumulate, 4, state=state, params={"share": 0.1}, dtype="float64")
    net.record_spikes(adapting)
    net.record(driven, ["v", "I_exc"])
    return net


def driven(backend, seed=1):
    """All that is added to inputs: stimuli, noise, gap junctions; subgroups, and silence."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    cells = net.add_population("cells", 5, AdEx)
    others = net.add_population("others", 3, AdEx)
    chance = np.random.default_rng(1)
    net.play(cells, "I", chance.normal(500.0, 300.0, (4, 5)), dt=1.0, after="repeat")
    net.play(cells, "I", [900.0, -900.0], neurons=[0, 2], after="repeat")
    net.play(others, "I", [900.0, 300.0], dt=2.0, after="hold")
    net.play(cells[1:4], "I", stimuli.ramp(0.0, [300.0, 600.0, 900.0], end=5.0))
    net.play(others, "I", stimuli.sine(300.0, frequency=77.0))
    net.add_noise(cells, "I", sigma=200.0, tau=5.0)
    net.add_noise(cells[3:], "I", sigma=[100.0, 50.0])
    net.connect_gap(cells, cells, 5.0, probability=0.7)
    net.connect_gap(cells[:2], others, [[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]])
    net.connect(cells[:3], cells[3:], target="g_exc", weight=0.5)
    lively = net.add_population("lively", 3, CurrentLIF, tau=[10.0, 20.0, 30.0])
    net.play(lively, "I", [30.0, 10.0], dt=1.0, after="repeat")
    net.connect_gap(lively, lively, 0.2)
    net.connect(cells[::2], others, target="g_exc", weight=0.5, delay=1.0, probability=0.9)
    cells[1].silence()
    net.record_spikes(cells)
    net.record(cells, "I")
    return net


def drop(w, E, post, v_post, loss):
    return w - loss * post, E - post + 0.001 * v_post


def rise(w, E, pre, pre_slow):
    return w, E + pre + 0.1 * pre_slow


def reward(w, E, loss, every, dt):
    return w + loss * E * every, E * (1.0 - 0.1 * dt)


RULE = PlasticityRule(
    on_pre=drop,
    on_post=rise,
    on_step=reward,
    every=1.5,
    variables={"E": 0.1},
    traces={"pre": 1.0, "pre_slow": 20.0, "post": 2.0},
    parameters={"loss": 0.05},
    w_min=-1.0,
    w_max=6.0,
)


def ruled(backend, seed=1):
    """Plasticity rules of a user's own, and synapse models, of dense and sparse projections."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    source = net.add_population("source", 5, Poisson)
    source.rate[:] = 400.0
    cells = net.add_population("cells", 4, LIF)
    dense = net.connect(source, cells, target="drive", weight=3.0, plasticity=RULE, name="dense")
    net.connect(cells, cells, target="drive", weight=2.0, probability=0.7, plasticity=RULE)
    net.record(dense, ["weight", "E"], every=1.0)
    dendrites = net.add_population("dendrites", 3, AdEx)
    nmda = NMDA
    net.connect(source, dendrites, target="I", weight=4.0, synapse=nmda, plasticity=PAIRS)
    each = {"delay": np.linspace(0.5, 4.0, 6), "weight": 3.0, "indegree": 2, "name": "spread"}
    net.connect(source, dendrites, target="I", synapse=Alpha, **each)
    return net


def compute(i, t, s, p):
    """Every function that a body may call, and random numbers."""
    x = 3.0 * offered.normal(s, i)
    s.a[i] = math.sin(x) + math.cos(x) + math.tan(x) + math.atan(x) + math.tanh(x) + math.erf(x)
    s.b[i] = math.sinh(x) + math.cosh(x) + math.expm1(x) + math.erfc(x) + np.round(x) + np.sign(x)
    x = abs(x) + offered.uniform(s, i, 1)
    s.c[i] = math.log(x) + math.log1p(x) + math.log2(x) + math.log10(x) + x**p.n + x**-0.5
    s.d[i] = np.trunc(x) + offered.real(round(x) + math.trunc(x))


def mathematics(backend, seed=1):
    """What bodies may compute."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    variables = dict.fromkeys("abcd", 0.0)
    net.add_population("cells", 3, Neuron([compute], variables, {"n": 1.7}, most_spikes=0))
    net.add_population("precise", 3, Neuron([compute], variables, {"n": 1.7, "tau": 1e6}))
    return net


def textbook(backend, seed=1):
    """Neurons of textbooks, driven so that they spike."""
    net = Network(dt=0.05, seed=seed, backend=backend)
    source = net.add_population("source", 3, Poisson)
    source.rate[:] = 5000.0
    kinds = {
        "axon": (HodgkinHuxley, "g_exc", 20.0),
        "fibre": (MorrisLecar, "g_exc", 120.0),
        "exponential": (ExponentialIF, "g_exc", 20.0),
        "adaptive": (AdaptiveLIF, "I_exc", 60.0),
        "excitable": (FitzHughNagumo, "drive", 2.0),
        "pyramidal": (TwoCompartment, "g_exc_d", 900.0),
    }
    for name, (kind, port, current) in kinds.items():
        cells = net.add_population(name, 2, kind)
        cells.I[:] = current
        net.connect(source, cells, target=port, weight=0.1)
        net.record_spikes(cells)
    return net


def of_nir(backend, seed=1):
    """Neurons of NIR with each way to reset, driven so that they spike."""
    net = Network(dt=1.0, seed=seed, backend=backend)
    source = net.add(nir.Input(net, "source", 2))
    source.feed(np.random.default_rng(seed).integers(0, 3, (8, 2)))
    kinds = {
        "exact": nir.neuron("LIF", "exact"),
        "later": nir.neuron("LIF", "euler", "v_reset", True),
        "subtracting": nir.neuron("LIF", "euler", "subtract", True),
        "with_current": nir.neuron("CubaLIF", "semi-implicit", "subtract"),
        "threshold": nir.neuron("Threshold", "euler"),
    }
    for name, kind in kinds.items():
        cells = net.add_population(name, 2, kind)
        net.connect(source, cells, target="input", weight=3.0, delay=0.0)
        net.record_spikes(cells)
    return net


def segregated(**options):
    return lambda backend, seed=1: SegregatedDendriteNetwork(
        (6, 4, 3, 2), seed=seed, backend=backend, **options
    )


def burst(**options):
    return lambda backend, seed=1: BurstEnsembleNetwork(
        (6, 4, 3, 2), seed=seed, backend=backend, **options
    )


def cerebellum(**options):
    return lambda backend, seed=1: AdaptiveFilter(seed=seed, backend=backend, n=3, **options)


def clamped(**options):
    return lambda backend, seed=1: ClampedNetwork(
        (6, 4, 3, 2), seed=seed, backend=backend, n_minus=3, n_plus=2, **options
    )


def dendritic(**options):
    return lambda backend, seed=1: DendriticMicrocircuit(
        (6, 4, 3, 2), seed=seed, backend=backend, t_pattern=0.5, lag=0.2, **options
    )


def spiking_dendritic(**options):
    return lambda backend, seed=1: SpikingMicrocircuit(
        (6, 4, 3, 2), seed=seed, backend=backend, t_pattern=0.5, lag=0.2, **options
    )


def equilibrium(**options):
    return lambda backend, seed=1: EquilibriumPropagation(
        (6, 4, 3, 2), seed=seed, backend=backend, n_free=3, n_nudged=2, **options
    )


def feedback(**options):
    return lambda backend, seed=1: FeedbackAlignment(
        (6, 4, 3, 2), seed=seed, backend=backend, **options
    )


def perturbation(**options):
    return lambda backend, seed=1: Perturbation((6, 4, 3, 2), seed=seed, backend=backend, **options)


def reward(**options):
    return lambda backend, seed=1: RewardNetwork(
        (6, 4, 3, 2), seed=seed, backend=backend, **options
    )


def spiking_reward(**options):
    return lambda backend, seed=1: SpikingRewardNetwork(
        (6, 4, 3, 2), seed=seed, backend=backend, T=20.0, theta=-0.2, **options
    )


def superspike(sizes=(6, 3, 2), **options):
    return lambda backend, seed=1: SuperSpikeNetwork(sizes, seed=seed, backend=backend, **options)


def spiking_classifier(**options):
    return lambda backend, seed=1: SuperSpikeClassifier(
        (6, 4, 2), seed=seed, backend=backend, T=8.0, tail=4.0, latency=2.0, w_0=300.0, **options
    )


def exclusive_or(backend, seed=1):
    return ExclusiveOrNetwork(seed=seed, n=3, duration=1.0, alpha=1.0, backend=backend)


def routing(**options):
    def build(backend, seed=1):
        net = RoutingEnsembles((2, 2, 2), m=5, q=2, seed=seed, backend=backend, **options)
        net.pattern[:, :2] = 1
        net.goal[:] = net.arousal[:] = 1.0
        for layer in net.layers[1:]:
            layer["gain"][:] = layer["delta"][:] = layer["R"][:1, :1] = 0.5
        return net.network

    return build


NETWORKS = {
    "general": general,
    "bursting": bursting,
    "differing": differing,
    "slow": slow,
    "driven": driven,
    "ruled": ruled,
    "mathematics": mathematics,
    "textbook": textbook,
    "nir": of_nir,
    "exclusive-or": exclusive_or,
    "segregated": segregated(),
    "burst": burst(),
    "reward": reward(entropy=0.1),
    "spiking reward": spiking_reward(delay=3.0, tau_z=5.0),
    "superspike": superspike(),
    "superspike, images": spiking_classifier(batch=2),
    "feedback": feedback(measure_angle=True),
    "cerebellum": cerebellum(granule="spiking", M=2, delay=20.0, batch=2),
    "clamped": clamped(measure_angle=True, rule="chl"),
    "dendritic": dendritic(dynamics="continuous", tau_0=0.0, reset_deltas=True, sigma=0.1),
    "equilibrium": equilibrium(measure_energy=True),
    "perturbation": perturbation(),
    "routing": routing(eta=0.1, eta_a=0.1, tau_a=2.0),
    "routing by bursts": routing(micro="spikes", bursts=True),
    "routing by gains": routing(micro="threshold", receptivity="gains", eta_a=0.1),
}
"""Those that run in the simulator."""


def sources(backend, seed=1):
    """What single experiments add: many slow Poisson neurons, currents that vary."""
    net = Network(dt=0.1, seed=seed, backend=backend)
    net.add_population("slow", 3, learning_rule._Source)
    cells = net.add_population("cells", 3, Pyramidal)
    state = {"I": cells.I_s, "current": np.zeros(5, np.float32)}
    net.add_phase(propagation.inject, 3, state=state)
    return net


ONLY_COMPILED = {
    "sources": sources,
    "segregated, options": segregated(
        g_A=0.05, measure_angle=True, measure_inverse=True, feedback_learning=True, eta_Y=0.1
    ),
    "segregated, layered": segregated(feedback="layered", symmetric=True, symmetric_noise=0.05),
    "segregated, symmetric": segregated(symmetric=True, plateau_jitter=3.0),
    "segregated, backpropagation": segregated(backpropagation=True),
    "segregated, rates": segregated(spiking=False),
    "segregated, lasting": segregated(memory=None),
    "burst, July 2018": burst(form="july_2018", alpha_Z=0.1),
    "burst, learned feedback": burst(alpha_Y=1e-5, mirror=1.0, measure_angle=True),
    "burst, backpropagation": burst(backpropagation=True),
    "cerebellum, analytic": cerebellum(architecture="forward"),
    "clamped, sweeps": clamped(order="sweeps", activation="hard", output="hard", start="zero"),
    "clamped, batch": clamped(feedback="symmetric", rule="chl", batch=2),
    "dendritic, in time": dendritic(dynamics="continuous", lateral="ideal", activation="softplus"),
    "dendritic, with spikes": spiking_dendritic(rho=3.0, tau_s=0.5),
    "dendritic, two steps": dendritic(batch=2, lateral="ideal", eta_P=0.1),
    "dendritic, backprop": dendritic(backprop=True),
    "equilibrium, symmetric": equilibrium(estimator="symmetric", activation="sigmoid4", batch=2),
    "equilibrium, field": equilibrium(estimator="vector_field", form="prototypical"),
    "equilibrium, rates": equilibrium(estimator="rate", activation="tanh"),
    "equilibrium, continual": equilibrium(estimator="continual"),
    "feedback, mirror": feedback(feedback="mirror", mirror_before=1, through="logistic", batch=2),
    "feedback, sign": feedback(feedback="sign", output="linear", activation="tanh", sparse=0.3),
    "feedback, batch": feedback(batch=2, output="logistic_ce", activation="relu", optimizer="adam"),
    "feedback, backprop": feedback(feedback="backprop", activation="linear", output="logistic"),
    "perturbation, weights": perturbation(
        perturbed="weights", noise_per="batch", batch=2, baseline="antithetic", measure_angle=True
    ),
    "perturbation, weights online": perturbation(perturbed="weights", baseline="mean"),
    "perturbation, activity": perturbation(
        on="activity", output="logistic", baseline="mean", batch=2, activation="tanh"
    ),
    "perturbation, whole": perturbation(normalised=True, output="linear", activation="relu"),
    "perturbation, trial": perturbation(shape="trial", batch=2, output="logistic_ce"),
    "reward, bits": reward(action="bernoulli", baseline="stimulus", batch=2),
    "spiking reward, logistic": spiking_reward(escape="logistic", batch=2),
    "superspike, regulariser": superspike(rho=1.0, optimizer="rmsprop"),
    "superspike, plain": superspike(optimizer="plain", linear=True, feedback="random"),
    "superspike, windows": superspike(error="windows"),
    "reward, in a test": lambda backend: Simulation(reward()(backend), TEST, 1),
    "superspike, synapse": lambda backend: LoopSimulation(
        superspike()(backend), TRAINING, Synapse(1, 0, 0)
    ),
}
"""What the simulator need not run as well, for it would only run the same plain Python again."""

PARTS_OF_MODELS = {"reward, in a test", "superspike, synapse"}
"""Those that cannot be replicas."""


def phases():
    """One Phase for every body, its `over` and its type."""
    found = {}
    for build in (*NETWORKS.values(), *ONLY_COMPILED.values()):
        for net in networks(build("python")):
            for phase in net.phases():
                found.setdefault((phase.body, phase.over, phase.dtype or net.dtype), phase)
    return found


def networks(model, depth=4):
    """All networks inside a model."""
    if isinstance(model, Network):
        return [model]
    if depth == 0 or not hasattr(model, "__dict__"):
        return []
    return [net for part in vars(model).values() for net in networks(part, depth - 1)]


def advance(model):
    """Something short to do; returns all numbers of each replica afterwards."""
    each = list(model) if isinstance(model, Replicas) else [model]
    if isinstance(each[0], Network):
        model.run(15.0)
    elif isinstance(each[0], SuperSpikeNetwork):
        learned = WINDOWS if each[0].parameters.error == "windows" else TARGET
        model.fit(SHOWN, learned, blocks=1, block=6.0, burn_in=0.0)
    elif isinstance(each[0], ExclusiveOrNetwork):
        model.fit(1)
    elif isinstance(each[0], AdaptiveFilter):
        for filter in each:
            filter.run(np.linspace(-1.0, 1.0, 50))
    elif not hasattr(each[0], "fit"):
        for simulation in each:
            simulation.network.run_steps(50)
    else:
        model.fit(IMAGES[:1], LABELS[:1])
    return [everything(one) for one in each]


def everything(model):
    """All arrays that a run changes, one after the other."""
    parts = [net.arrays().values() for net in networks(model)]
    arrays = [array for owners in parts for owner in owners for array in owner.values()]
    return np.concatenate([array.ravel().astype(np.float64) for array in arrays])


def main(name):
    """Two replicas and a network alone, against the `python` backend."""
    build = {**NETWORKS, **ONLY_COMPILED}[name]
    expected = [advance(build("python", seed))[0] for seed in (1, 2)]
    with patch.object(backends, "cuda", lambda device: on):
        alone = advance(build("cuda", 1))
        together = advance(Replicas([build("cuda", seed) for seed in (1, 2)]))
    for ours, theirs in zip([*alone, *together], [expected[0], *expected], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(*expected)
    print(f"{name}: {expected[0].size} numbers equal")


if __name__ == "__main__":
    on = Cuda()
    main(sys.argv[1])
