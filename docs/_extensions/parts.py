"""Methods by which a network runs its parts; no user calls them, and no page shows them."""

CALLED_BY_NETWORKS = {
    "spikesim.Network": "changed compiled phases is_driven",
    "spikesim.Neuron": "following longest present with_parameters",
    "spikesim.Synapse": "numbers of_neuron",
    "spikesim.Population": "built check check_constant check_one_meaning check_saved check_speed"
    " clearing emission exchanged is_driven landing landings layout listed look_ahead numbered"
    " phases present_name remember spike_list take inject silencing as_seen",
    "spikesim.Projection": "act_through after_delivery after_emission arrays bounded built"
    " change_in_use check_sign delivery holder learn_by look_ahead not_finite rows use exchanged"
    " weights by_target",
    "spikesim.SpikeRecording": "begin check_kept drain longest_run phases prepare take_back",
    "spikesim.StateRecording": "begin check_kept drain longest_run phases prepare take_back",
}
"""Import path of a class → names of its methods."""


def is_called_by_networks(path: str, method: str) -> bool:
    """Whether a method of a class builds or runs a network."""
    return method in CALLED_BY_NETWORKS.get(path, "").split()
