"""The experiments: ``spikesim run routing EXPERIMENT``.

They are proposals, so comparisons are with bounds; numbers beside them are of independent programs.
"""

from spikesim.experiments import by_name
from spikesim.models.routing import gates, rows

__all__ = ["EXPERIMENTS", "SHORT_RUNS"]

SHORT_RUNS = ("run routing route --trials=20",)
"""Commands that take a moment and compile what longer runs need."""

EXPERIMENTS = by_name(rows.reach, gates.route, rows.interference, gates.time_scale)
