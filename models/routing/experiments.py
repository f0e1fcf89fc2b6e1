"""The experiments: ``spikesim run routing EXPERIMENT``.

They are proposals, so comparisons are with bounds; numbers beside them are of independent programs.
"""

from __future__ import annotations

from types import MappingProxyType

from spikesim.experiments import Experiment
from spikesim.models.routing import gates, rows

__all__ = ["EXPERIMENTS", "SHORT_RUNS"]

SHORT_RUNS = ("run routing route --trials=20",)
"""Commands that take a moment and compile what longer runs need."""

EXPERIMENTS = MappingProxyType(
    {
        "reach": Experiment(
            "which weights between units receptivity can choose",
            rows.reach,
            rows.ReachParameters.declarations(),
        ),
        "route": Experiment(
            "what arrives against how open a receiver is",
            gates.route,
            gates.RouteParameters.declarations(),
        ),
        "interference": Experiment(
            "what learning a second goal takes from the first",
            rows.interference,
            rows.InterferenceParameters.declarations(),
        ),
        "time-scale": Experiment(
            "how fast goals may change if receptivity is slow",
            gates.time_scale,
            gates.TimeScaleParameters.declarations(),
        ),
    }
)
