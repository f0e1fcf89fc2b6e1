"""Ensembles whose micro states route between fixed weights.

`ensembles` has the equations and `RoutingEnsembles`, which a user drives step by step;
`experiments` asks what such a network can reach, route, learn and follow.
"""

from spikesim.models.routing.ensembles import Course, Parameters, RoutingEnsembles

__all__ = ["Course", "Parameters", "RoutingEnsembles"]
