"""The constants of two streams through two layers, from the authors' program."""

from __future__ import annotations

from spikesim.checks import check_number
from spikesim.experiments import ExperimentParameters
from spikesim.learning.parameters import number, whole

__all__ = ["PropagationParameters"]

DELAY = 0.8  # ms, of all synapses
SPREAD = 5.0  # mV, deviation of initial somatic voltages
BACKGROUND = 500.0  # Hz, of each compartment's own Poisson input

# Weights of excitatory and inhibitory background, by population and port.
NOISE = {
    "pyramidal_1": {"_s": (0.35, 0.35), "_d": (0.05, 0.05)},
    "pyramidal_2": {"_s": (0.35, 0.35), "_d": (0.05, 0.05)},
    "parvalbumin": {"": (0.75, 1.125)},
    "somatostatin": {"": (0.4, 0.5)},
}


class PropagationParameters(ExperimentParameters):
    """Constants of the two-layer network."""

    n: int = whole(4000, "pyramidal neurons of a layer; a quarter as many PV+, SST+", at_least=4)
    connectivity: float = number(
        0.05, "at n = 4000; in-degrees stay as they are at other sizes", above=0.0, at_most=1.0
    )
    somatic_mean: float = number(0.0, "current into the somata of layer 1", unit="pA")
    somatic_amplitude: float = number(200.0, unit="pA")
    somatic_period: float = number(500.0, unit="ms", above=0.0)
    dendritic_mean: float = number(100.0, "current into the dendrites of layer 2", unit="pA")
    dendritic_amplitude: float = number(100.0, unit="pA")
    dendritic_period: float = number(500.0 * 5.0**0.5, unit="ms", above=0.0)
    somatic_2: float = number(-100.0, "constant current into the somata of layer 2", unit="pA")
    dendritic_1: float = number(50.0, "and into the dendrites of layer 1", unit="pA")
    parvalbumin: float = number(205.0, "and into PV+ cells", unit="pA")
    w_up: float = number(0.05, "pyramidal_1 -> somata of pyramidal_2, and -> PV+")
    w_parvalbumin: float = number(0.07, "PV+ -> somata of pyramidal_2")
    w_down: float = number(0.37, "pyramidal_2 -> dendrites of pyramidal_1")
    w_to_sst: float = number(0.3, "pyramidal_2 -> SST+")
    w_sst: float = number(0.035, "SST+ -> dendrites of pyramidal_1")
    w_lateral: float = number(0.1, "inhibition of dendrites within a layer")

    def check(self, layers: int, dtype: str) -> None:
        """Refuse a connectivity that needs more than all synapses."""
        check_number("connectivity at this n", self.probability, at_most=1.0)

    @property
    def probability(self) -> float:
        """The probability that a synapse exists, at this size."""
        return self.connectivity * 4000.0 / self.n
