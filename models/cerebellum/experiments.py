"""The experiments of the cerebellum: ``spikesim run cerebellum EXPERIMENT``."""

from spikesim.experiments import by_name
from spikesim.models.cerebellum import layer, reflex

__all__ = ["EXPERIMENTS", "SHORT_RUNS"]

SHORT_RUNS = (
    "run cerebellum vestibulo-ocular --seconds=1",
    "run cerebellum granule-layer --seconds=1 --n=20 --few=10 --M=10",
)
"""Commands that take a moment and compile what longer runs need."""

EXPERIMENTS = by_name(
    reflex.vestibulo_ocular,
    reflex.error_delay,
    layer.granule_layer,
    layer.forward_model,
    layer.negative_image,
)
