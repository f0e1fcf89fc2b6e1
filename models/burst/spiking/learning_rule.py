"""A network that learns as its dendrites are driven (Payeur et al. 2021, figure 2).

One population of pyramidal neurons excites another through synapses that obey the burst-dependent
rule. Blocks of 25 s strengthen and weaken the excitation of postsynaptic dendrites, and with it the
postsynaptic burst probability; the weights follow. In the last block, presynaptic neurons burst
more; the rule does not see this.

    noise -> somata and dendrites of pre      50 000 Poisson neurons of 5 Hz
    events of pre -> somata of post           plastic
    dendritic_noise -> dendrites of post      100 Poisson neurons of 1 Hz; the blocks scale it

Constants are those of the authors' program (apayeur/spikingburstprop, sim_plasticity_rule.cpp with
the options in run_plasticity_rule.sh); weights are conductances in units of the leak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spikesim import Network, Neuron, Poisson, Population, Projection, plot
from spikesim.bursts import burst_probability
from spikesim.checks import allocate, check_integer, check_steps
from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Result, experiment
from spikesim.learning.burst_plasticity import BurstPlasticity
from spikesim.learning.parameters import number, whole
from spikesim.models.burst.spiking.neurons import Pyramidal
from spikesim.progress import Progress, progress_bar
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BLOCKS", "Block", "LearningRule", "LearningRuleParameters", "run"]

DT = 0.1  # ms
DELAY = 0.8  # ms, of all synapses but the plastic ones
SPREAD = 5.0  # mV, deviation of initial presynaptic somatic voltages


class Block(NamedTuple):
    """A stretch of time in which weights learn; `dendritic` is about postsynaptic dendrites."""

    name: str
    dendritic: float = 1.0  # the factor of the weights of their input
    presynaptic: float = 0.0  # current into presynaptic dendrites, in pA


BLOCKS = (
    Block(""),
    Block("input × 1.5", dendritic=1.5),
    Block(""),
    Block("input × 0.55", dendritic=0.55),
    Block(""),
    Block("pre + 40 pA", presynaptic=40.0),
)

# For each block, means over three seeds of the authors' program: weight change at its end (%),
# postsynaptic burst probability (%) and event rate (Hz), presynaptic burst probability (%).
_REFERENCE = (
    (0.53, 10.96, 4.56, 13.82),
    (6.29, 23.75, 4.98, 13.93),
    (0.28, 11.58, 4.62, 13.86),
    (-4.05, 1.93, 4.04, 13.92),
    (-0.36, 11.13, 4.42, 13.85),
    (-0.48, 10.77, 3.62, 25.86),
)
# Bounds of the weight changes at the ends of the first five blocks (%).
_BOUNDS = ((-1.0, 1.0), (5.0, 7.5), (-1.0, 1.0), (-4.7, -3.3), (-1.0, 1.0))
_MARGIN = 3.0  # percentage points, of burst probabilities


class LearningRuleParameters(ExperimentParameters):
    """Constants of the network; weights and degrees are per neuron."""

    n: int = whole(1000, "neurons of each of the two populations", at_least=1)
    in_degree: int = whole(200, "plastic synapses per postsynaptic neuron: p n, p = 0.2")
    sources: int = whole(25_000, "Poisson neurons that excite pre, and as many inhibit", at_least=1)
    source_rate: float = number(5.0, unit="Hz", at_least=0.0)
    exc_degree: int = whole(100, "how many of them reach each compartment of a neuron")
    inh_degree: int = whole(30)
    w_exc_soma: float = number(0.17, at_least=0.0)
    w_inh_soma: float = number(0.26, at_least=0.0)
    w_exc_dendrite: float = number(0.0425, at_least=0.0)
    w_inh_dendrite: float = number(0.065, at_least=0.0)
    dendritic_sources: int = whole(100, "Poisson neurons that excite post dendrites", at_least=1)
    dendritic_rate: float = number(1.0, unit="Hz", at_least=0.0)
    dendritic_degree: int = whole(20)
    w_dendritic: float = number(0.25, at_least=0.0)
    I_d_post: float = number(50.0, "constant current into dendrites of post", unit="pA")
    w: float = number(0.08, "initial weight of plastic synapses", above=0.0, at_most=1.0)
    eta: float = number(3.5e-3, "learning rate", at_least=0.0)
    tau_pre: float = number(100.0, "trace of presynaptic events", unit="ms", at_least=DT)
    alpha: float = number(5000.0, "averages of postsynaptic events", unit="ms", at_least=DT)
    least: float = number(2.0, "event rate; see BurstPlasticity", unit="Hz", at_least=0.0)
    most: float = number(12.0, "event rate", unit="Hz", at_least=0.0)
    bin: float = number(2500.0, "what rates are averaged over", unit="ms")
    burn_in: int = whole(8, "bins without learning, 4 alpha", at_least=0)
    block: int = whole(10, "bins of a block", at_least=1)

    def check(self, layers: int, dtype: str) -> None:
        """Refuse more synapses per neuron than there are sources, and fractions of a step."""
        for degree, size in (
            ("in_degree", self.n),
            ("exc_degree", self.sources),
            ("inh_degree", self.sources),
            ("dendritic_degree", self.dendritic_sources),
        ):
            check_integer(degree, getattr(self, degree), at_least=1, at_most=size)
        check_steps("bin", self.bin, DT, at_least=1)


class LearningRule(Result):
    """Weights and rates over time; from `run`.

    Attributes
    ----------
    time : numpy.ndarray, shape (bins,)
        The end of each bin, in s from the beginning of the burn-in.
    change : numpy.ndarray, shape (bins,)
        Change of the mean weight by then, as a fraction of the initial one.
    event_rate_pre, event_rate_post : numpy.ndarray, shape (bins,)
        In Hz.
    burst_probability_pre, burst_probability_post : numpy.ndarray, shape (bins,)
        Bursts per event; NaN in a bin without events.
    parameters : LearningRuleParameters
    seed : int
    """

    KIND = "burst-learning-rule"

    time: np.ndarray
    change: np.ndarray
    event_rate_pre: np.ndarray
    event_rate_post: np.ndarray
    burst_probability_pre: np.ndarray
    burst_probability_post: np.ndarray
    parameters: LearningRuleParameters
    seed: int

    def comparisons(self) -> list[Comparison]:
        """Compare with means over three seeds of the authors' program, block by block.

        Rates and probabilities are from the time after the first fifth of a block.
        """
        p = self.parameters
        rows = []
        before = 0.0
        for k, reference in enumerate(_REFERENCE):
            end = p.burn_in + (k + 1) * p.block
            settled = slice(end - p.block + p.block // 5, end)
            change = 100.0 * float(self.change[end - 1])
            name = f"block {k + 1}" + (f" ({BLOCKS[k].name})" if BLOCKS[k].name else "")
            if k < len(_BOUNDS):
                what = f"{name}: weight change at its end (%)"
                rows.append(Comparison(what, change, reference[0], *_BOUNDS[k]))
            else:
                expected = reference[0] - _REFERENCE[k - 1][0]
                what = f"{name}: weight change during it (%)"
                rows.append(Comparison(what, change - before, expected, -1.0, 1.0))
            before = change
            ours = self._burst_probability("post", settled)
            low, high = reference[1] - _MARGIN, reference[1] + _MARGIN
            what = f"{name}: burst probability of post (%)"
            rows.append(Comparison(what, ours, reference[1], low, high))
            rate = float(self.event_rate_post[settled].mean())
            rows.append(Comparison(f"{name}: event rate of post (Hz)", rate, reference[2]))
            ours = self._burst_probability("pre", settled)
            rows.append(Comparison(f"{name}: burst probability of pre (%)", ours, reference[3]))
        return rows

    def figure(self) -> Figure:
        """The change of the mean weight over the burst probabilities of both populations."""
        p = self.parameters
        blocks = [
            (start * p.bin / 1000.0, (start + p.block) * p.bin / 1000.0, block.name)
            for k, block in enumerate(BLOCKS)
            for start in [p.burn_in + k * p.block]
            if block.name
        ]
        probabilities = {
            "postsynaptic": self.burst_probability_post,
            "presynaptic": self.burst_probability_pre,
        }
        axes = plot.weight_change(self.time, self.change, probabilities, blocks)
        figure = axes[0].figure
        figure.suptitle("Burst-dependent learning in a network", fontsize=10.0)
        return figure  # type: ignore[return-value]

    def _burst_probability(self, population: str, bins: slice) -> float:
        """Bursts per event over several bins, in percent."""
        events = getattr(self, f"event_rate_{population}")[bins]
        bursts = events * np.nan_to_num(getattr(self, f"burst_probability_{population}")[bins])
        return float(100.0 * bursts.sum() / events.sum()) if events.sum() else float("nan")


@experiment(
    "learning-rule",
    "a network whose weights follow its burst probability (figure 2)",
    LearningRuleParameters,
)
def run(
    p: LearningRuleParameters, seed: int, progress: bool | Progress, backend: str
) -> LearningRule:
    """Run the burn-in and all blocks.

    Examples
    --------
    >>> few = dict(n=3, in_degree=2, sources=50, exc_degree=20, dendritic_sources=20)
    >>> result = run(seed=1, backend="python", **few, bin=5.0, burn_in=2, block=1)
    >>> result.time.round(3).tolist()
    [0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04]
    >>> result.change[:2].tolist()
    [0.0, 0.0]
    """
    network = Network(dt=DT, seed=seed, backend=backend)
    pre = network.add_population("pre", p.n, Pyramidal)
    pre_events, pre_bursts = _events_and_bursts(network, pre)
    post = network.add_population("post", p.n, Pyramidal)
    post_events, post_bursts = _events_and_bursts(network, post)
    pre.V_s[:] = random_numbers(seed).normal(-70.0, SPREAD, p.n)
    post.I_d[:] = p.I_d_post
    _drive(network, pre, p)
    dendritic = _drive_dendrites(network, post, p)
    plastic = network.connect(
        pre_events, post, target="g_exc_s", weight=p.w, probability=p.in_degree / p.n
    )
    rule = BurstPlasticity(
        network,
        post,
        post_events,
        post_bursts,
        [plastic],
        eta=p.eta,
        tau_pre=p.tau_pre,
        alpha=p.alpha,
        least=p.least,
        most=p.most,
    )
    counted = pre_events, pre_bursts, post_events, post_bursts
    recordings = [network.record_spikes(population) for population in counted]

    bins = int(p.burn_in) + len(BLOCKS) * int(p.block)
    change = allocate(f"burn_in is {p.burn_in} and block {p.block} bins", bins, np.float64)
    initial = plastic.weight.mean(dtype=np.float64)
    with progress_bar(progress, bins, "bin") as report:
        for k in range(bins):
            rule.is_on = k >= p.burn_in
            block = BLOCKS[(k - p.burn_in) // p.block] if rule.is_on else Block("")
            dendritic.weight[:] = block.dendritic * p.w_dendritic
            pre.I_d[:] = block.presynaptic
            network.run(p.bin)
            change[k] = plastic.weight.mean(dtype=np.float64) / initial - 1.0
            report(k + 1, bins)

    steps = check_steps("bin", p.bin, DT)
    counts = [np.bincount(recording.steps // steps, minlength=bins) for recording in recordings]
    rates = [count / (p.n * p.bin / 1000.0) for count in counts]
    return LearningRule(
        np.arange(1, bins + 1) * p.bin / 1000.0,
        change,
        rates[0],
        rates[2],
        burst_probability(rates[0], rates[1]),
        burst_probability(rates[2], rates[3]),
        p,
        seed,
    )


def relay(i, t, s, p):
    """Spike if anything arrived in this step."""
    s.spike[i] = s.arrived[i] > 0.0
    s.arrived[i] = 0.0


# Many Poisson neurons of a low rate: the cost of their random numbers is per spike, not per neuron.
_Source = Neuron(steps=(relay,), variables={"arrived": 0.0})


def _drive(network: Network, pre: Population, p: LearningRuleParameters) -> None:
    """Drive both compartments of presynaptic neurons with shared Poisson neurons."""
    for kind, degree in (("exc", p.exc_degree), ("inh", p.inh_degree)):
        sources = network.add_population(f"noise_{kind}", p.sources, _Source)
        network.add_background(sources, "arrived", p.source_rate, 1.0, at_most_one=True)
        for compartment in ("soma", "dendrite"):
            network.connect(
                sources,
                pre,
                target=f"g_{kind}_{compartment[0]}",
                weight=getattr(p, f"w_{kind}_{compartment}"),
                probability=degree / p.sources,
                delay=DELAY,
                name=f"noise_{kind}_to_{compartment}",
            )


def _drive_dendrites(network: Network, post: Population, p: LearningRuleParameters) -> Projection:
    """Drive the dendrites of postsynaptic neurons with shared Poisson neurons."""
    sources = network.add_population("dendritic_noise", p.dendritic_sources, Poisson)
    sources.rate[:] = p.dendritic_rate
    return network.connect(
        sources,
        post,
        target="g_exc_d",
        weight=p.w_dendritic,
        probability=p.dendritic_degree / p.dendritic_sources,
        delay=DELAY,
    )


def _events_and_bursts(network: Network, population: Population) -> tuple[Population, Population]:
    name = population.name
    return (
        network.add_events(f"{name}_events", population),
        network.add_bursts(f"{name}_bursts", population),
    )
