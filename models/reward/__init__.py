"""Reward: REINFORCE (Williams 1992, doi:10.1007/BF00992696), with binary and with spiking units.

Nobody tells a synapse what is right. It remembers what it did, in its eligibility; one reward for
all says how good the outcome was. The product of the two changes the weight.

`network` has the rule and units that are 0 or 1, `spiking` has neurons that spike in time.
"""

from spikesim.learning.rewards import Trials
from spikesim.models.reward.network import Parameters, RewardNetwork
from spikesim.models.reward.spiking import SpikingParameters, SpikingRewardNetwork

__all__ = ["Parameters", "RewardNetwork", "SpikingParameters", "SpikingRewardNetwork", "Trials"]
