"""Published models, each a folder or a file; they run on spikesim and read like the paper.

| module                                   | paper                                               |
|------------------------------------------|-----------------------------------------------------|
| `spikesim.models.burst`                  | Payeur et al. (2021), Nat. Neurosci. 24:1010        |
| `spikesim.models.cerebellum`             | Dean et al. (2002), Proc. R. Soc. B 269:1895        |
| `spikesim.models.clamped`                | O'Reilly (1996), Neural Comput. 8:895               |
| `spikesim.models.dendritic_microcircuit` | Sacramento et al. (2018), NeurIPS 31                |
| `spikesim.models.equilibrium`            | Scellier & Bengio (2017), Front. Comp. Neurosci. 11 |
| `spikesim.models.feedback_alignment`     | Lillicrap et al. (2016), Nat. Commun. 7:13276       |
| `spikesim.models.microcircuit`           | Potjans & Diesmann (2014), Cereb. Cortex 24:785     |
| `spikesim.models.multi_area`             | Schmidt et al. (2018), PLoS Comput. Biol. 14        |
| `spikesim.models.perturbation`           | Züge, Klos & Memmesheimer (2023), PRX 13:021006     |
| `spikesim.models.reward`                 | Williams (1992), Mach. Learn. 8:229                 |
| `spikesim.models.routing`                | unpublished, from talks of 2018                     |
| `spikesim.models.segregated`             | Guerguiev et al. (2017), eLife 6:e22901             |
| `spikesim.models.superspike`             | Zenke & Ganguli (2018), Neural Comput. 30:1514      |
| `spikesim.models.target_propagation`     | Lee et al. (2015); Bartunov et al. (2018)           |

`MODELS` is the registry for commands, for sweeps and for the tests that every model has to pass.
"""

from typing import TYPE_CHECKING, NamedTuple

from spikesim.attributes import imported_later
from spikesim.former import NOW


class Registered(NamedTuple):
    """A model that the command line trains.

    Attributes
    ----------
    where : str
        The model's class, as 'module:Class'.
    title : str
        What the model is, in a line of help.
    """

    where: str
    title: str


MODELS = {
    "burst": Registered(
        "spikesim.models.burst.network:BurstEnsembleNetwork",
        "burst ensembles with SST+ inhibition (Richards 2018; Payeur et al. 2021)",
    ),
    "clamped": Registered(
        "spikesim.models.clamped:ClampedNetwork",
        "clamped two-phase model (O'Reilly 1996; Movellan 1991; Xie & Seung 2003)",
    ),
    "dendritic-microcircuit": Registered(
        "spikesim.models.dendritic_microcircuit.network:DendriticMicrocircuit",
        "dendritic cortical microcircuits (Sacramento, Costa, Bengio & Senn 2018)",
    ),
    "equilibrium": Registered(
        "spikesim.models.equilibrium:EquilibriumPropagation",
        "equilibrium propagation (Scellier & Bengio 2017; Ernoult et al. 2019)",
    ),
    "feedback-alignment": Registered(
        "spikesim.models.feedback_alignment:FeedbackAlignment",
        "feedback alignment and its kin (Lillicrap et al. 2016; Nøkland 2016)",
    ),
    "perturbation": Registered(
        "spikesim.models.perturbation:Perturbation",
        "weight and node perturbation (Jabri & Flower 1992; Züge et al. 2023)",
    ),
    "reward": Registered(
        "spikesim.models.reward.network:RewardNetwork",
        "REINFORCE, learning from reward (Williams 1992)",
    ),
    "segregated": Registered(
        "spikesim.models.segregated.network:SegregatedDendriteNetwork",
        "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)",
    ),
    "spiking-microcircuit": Registered(
        "spikesim.models.dendritic_microcircuit.spiking:SpikingMicrocircuit",
        "dendritic cortical microcircuits with cells that spike",
    ),
    "spiking-reward": Registered(
        "spikesim.models.reward.spiking:SpikingRewardNetwork",
        "REINFORCE with spiking neurons and eligibility traces",
    ),
    "superspike": Registered(
        "spikesim.models.superspike.network:SuperSpikeNetwork",
        "SuperSpike, learning of spike trains (Zenke & Ganguli 2018)",
    ),
    "superspike-classifier": Registered(
        "spikesim.models.superspike.classifier:SuperSpikeClassifier",
        "SuperSpike, learning of images (after Zenke & Ganguli 2018)",
    ),
    "target-propagation": Registered(
        "spikesim.models.target_propagation:TargetPropagation",
        "target propagation: TP, DTP, SDTP, AO-SDTP (Lee et al. 2015; Bartunov et al. 2018)",
    ),
}

EXPERIMENTS = {
    "burst": "spikesim.models.burst.spiking.experiments",
    "cerebellum": "spikesim.models.cerebellum.experiments",
    "routing": "spikesim.models.routing.experiments",
}
"""Modules of published experiments, by the name of their model."""

NOW["spikesim.models.burst.spiking.plasticity"] = "spikesim.learning.burst_plasticity"
NOW["spikesim.models.burst.spiking.transfer_curves"] = "spikesim.bursts"

if not TYPE_CHECKING:
    __getattr__, __dir__ = imported_later(
        "spikesim.models",
        [
            "burst",
            "cerebellum",
            "clamped",
            "dendritic_microcircuit",
            "equilibrium",
            "feedback_alignment",
            "microcircuit",
            "multi_area",
            "perturbation",
            "reward",
            "routing",
            "segregated",
            "superspike",
            "target_propagation",
        ],
    )
