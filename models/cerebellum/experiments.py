"""The experiments of the cerebellum: ``spikesim run cerebellum EXPERIMENT``."""

from __future__ import annotations

from types import MappingProxyType

from spikesim.experiments import Experiment
from spikesim.models.cerebellum import layer, reflex

__all__ = ["EXPERIMENTS", "SHORT_RUNS"]

SHORT_RUNS = (
    "run cerebellum vestibulo-ocular --seconds=1",
    "run cerebellum granule-layer --seconds=1 --n=20 --few=10 --M=10",
)
"""Commands that take a moment and compile what longer runs need."""

EXPERIMENTS = MappingProxyType(
    {
        "vestibulo-ocular": Experiment(
            "the reflex that holds the image of the world still, in two architectures",
            reflex.vestibulo_ocular,
            reflex.VestibuloOcularParameters.declarations(),
        ),
        "error-delay": Experiment(
            "which frequencies can be learned from an error that is late",
            reflex.error_delay,
            reflex.ErrorDelayParameters.declarations(),
        ),
        "granule-layer": Experiment(
            "granule cells that spike, and climbing fibres",
            layer.granule_layer,
            layer.GranuleLayerParameters.declarations(),
        ),
        "forward-model": Experiment(
            "what the senses say of one's own command, predicted",
            layer.forward_model,
            layer.ForwardModelParameters.declarations(),
        ),
        "negative-image": Experiment(
            "the response to one's own pulse, cancelled",
            layer.negative_image,
            layer.NegativeImageParameters.declarations(),
        ),
    }
)
