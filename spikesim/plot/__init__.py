"""Figures of spikes, voltages, rates, learning and weights, ready for a paper.

    ax = plot.raster(spikes)
    ax.figure.savefig("raster.pdf")

Every function draws on the `ax` or `axes` that it is given, or makes a figure if there are none,
and returns the Axes. No function shows or saves a figure. matplotlib is imported when the first
figure is drawn, not with spikesim.
"""

from spikesim.plot.bursts import multiplexing, transfer, transfer_curves, weight_change
from spikesim.plot.confusion import confusion
from spikesim.plot.credit import (
    angle_over_depth,
    angle_over_training,
    learning_curves,
    robustness,
)
from spikesim.plot.curves import angle, cost_curve, learning_curve, pattern_rates, sweep
from spikesim.plot.noise import noise
from spikesim.plot.planes import bias_and_noise, error_over_angle
from spikesim.plot.rewards import eligibility, rewards
from spikesim.plot.rules import RuleStyle, rule_styles
from spikesim.plot.settling import settling
from spikesim.plot.spikes import burst_raster, layers, raster, rasters
from spikesim.plot.states import compartments, ensembles, receptive_fields, synapse, traces
from spikesim.plot.targets import targets
from spikesim.plot.trials import psth

__all__ = [
    "RuleStyle",
    "angle",
    "angle_over_depth",
    "angle_over_training",
    "bias_and_noise",
    "burst_raster",
    "compartments",
    "confusion",
    "cost_curve",
    "eligibility",
    "ensembles",
    "error_over_angle",
    "layers",
    "learning_curve",
    "learning_curves",
    "multiplexing",
    "noise",
    "pattern_rates",
    "psth",
    "raster",
    "rasters",
    "receptive_fields",
    "rewards",
    "robustness",
    "rule_styles",
    "settling",
    "sweep",
    "synapse",
    "targets",
    "traces",
    "transfer",
    "transfer_curves",
    "weight_change",
]
