"""Published models, one folder or file each; they run on spikesim and read like the paper.

| module                         | paper                                                     |
|--------------------------------|-----------------------------------------------------------|
| `spikesim.models.burst`        | Payeur et al. (2021), Nat. Neurosci. 24:1010              |
| `spikesim.models.microcircuit` | Potjans & Diesmann (2014), Cereb. Cortex 24:785           |
| `spikesim.models.segregated`   | Guerguiev, Lillicrap & Richards (2017), eLife 6:e22901    |
| `spikesim.models.superspike`   | Zenke & Ganguli (2018), Neural Comput. 30:1514            |
"""

from typing import TYPE_CHECKING

from spikesim.attributes import imported_later

MODELS = {
    "burst": "burst ensembles with SST+ inhibition (Richards 2018; Payeur et al. 2021)",
    "segregated": "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)",
    "superspike": "SuperSpike, learning of spike trains (Zenke & Ganguli 2018)",
}
"""Models with commands, in a module ``command`` of theirs: name → title."""

EXPERIMENTS = ("burst",)
"""Those that have published experiments, in a module ``experiments``."""

if not TYPE_CHECKING:
    __getattr__, __dir__ = imported_later(
        "spikesim.models", ["burst", "microcircuit", "segregated", "superspike"]
    )
