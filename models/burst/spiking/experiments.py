"""The experiments in spiking neurons: ``spikesim run burst EXPERIMENT``."""

from __future__ import annotations

from types import MappingProxyType

from spikesim.experiments import Experiment, by_name
from spikesim.learning.parameters import Declared
from spikesim.models.burst.spiking import (
    exclusive_or,
    learning_rule,
    pairing,
    propagation,
    transfer,
)
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters as ExclusiveOr

__all__ = ["EXPERIMENTS", "SHORT_RUNS"]

SHORT_RUNS = ("run burst propagation --n=200 --duration=100 --burn_in=10",)
"""Commands that take a moment and compile what longer runs need."""

EXPERIMENTS = MappingProxyType(
    {
        **by_name(pairing.run, learning_rule.run),
        "propagation": Experiment(
            "two streams through two layers at once (figure 3)",
            propagation.run,
            {
                **propagation.PropagationParameters.declarations(),
                "duration": Declared("number", 3000.0, "after the burn-in", "ms", "", {"above": 0}),
                "burn_in": Declared(
                    "number", 1000.0, "with currents at rest", "ms", "", {"at_least": 0}
                ),
            },
            keeps_spikes=True,
        ),
        **by_name(transfer.run),
        "exclusive-or": Experiment(
            "a network that learns exclusive-or (figure 4); 20 minutes, goes on if stopped",
            exclusive_or.run,
            {
                "epochs": Declared("whole", 500, "how many in all", bounds={"at_least": 1}),
                **ExclusiveOr.declarations(),
            },
            goes_on=True,
        ),
    }
)
