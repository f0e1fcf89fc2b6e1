"""Words of Brian2, NEST, PyNN and snnTorch, and what they are here.

Whoever has used one of these types its words at first. Where there is no such name here, the error
says what to write:

    synapses.w              'cells_to_cells' has no attribute 'w'. Here 'w' is weight.
    net.connect(..., p=1)   Network.connect() got an unexpected keyword argument 'p'. Here 'p' is
                            probability.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PARAMETERS", "here"]

_ADD = "net.add_population(name, n, neuron)"
_NUMBER = "a plain number: times are in ms, voltages in mV, rates in Hz"
_PAIRS = "weight, a sparse matrix of scipy, [pre, post]"
_NETWORK = {
    "NeuronGroup": f"{_ADD}, with a neuron such as LIF, or a Neuron of your own",
    "Equations": "Neuron(steps=[step], ...), with a function step(i, t, s, p)",
    "Synapses": "net.connect(pre, post, target=...)",
    "PoissonGroup": 'net.add_population("inputs", n, Poisson, rate=...)',
    "SpikeGeneratorGroup": "net.add_spike_trains(name, n, times, ids)",
    "PoissonInput": "net.add_background(cells, target, rate, weight)",
    "TimedArray": "net.play(cells, target, array, dt=...)",
    "SpikeMonitor": "net.record_spikes(cells)",
    "StateMonitor": "net.record(cells, variables)",
    "PopulationRateMonitor": "rate(bin_width) of what net.record_spikes(cells) returns",
    "network_operation": "for time in net.steps(duration, every=...), or net.add_phase",
    "start_scope": "a new Network",
    "defaultclock": "Network(dt=...)",
    "set_device": "Network(backend=...)",
    "seed": "Network(seed=...)",
    "store": "net.state(), which net.set_state takes; net.reset() goes back to the beginning",
    "Create": _ADD,
    "Connect": "net.connect(pre, post, target=...)",
    "Simulate": "net.run(duration)",
    "SetStatus": "an assignment, as in cells.tau = 10.0",
    "GetStatus": "an attribute, as in cells.tau",
    "GetConnections": "table(), of(neurons) or onto(neurons) of a projection",
    "ResetKernel": "a new Network",
    "SetKernelStatus": "Network(dt=..., seed=...)",
    "poisson_generator": "net.add_background(cells, target, rate, weight)",
    "spike_generator": "net.add_spike_trains(name, n, times, ids)",
    **dict.fromkeys(
        ("dc_generator", "ac_generator", "step_current_generator"),
        "net.play(cells, target, stimulus), with a stimulus of spikesim.stimuli or an array",
    ),
    "noise_generator": "net.add_noise(cells, target, sigma)",
    **dict.fromkeys(("spike_recorder", "SpikeRecorder"), "net.record_spikes(cells)"),
    **dict.fromkeys(("multimeter", "voltmeter"), "net.record(cells, variables)"),
    "stdp_synapse": "PairSTDP, the plasticity of net.connect",
    "STDPMechanism": "PairSTDP, the plasticity of net.connect",
    **dict.fromkeys(
        ("DCSource", "ACSource", "StepCurrentSource"),
        "net.play(cells, target, stimulus), with a stimulus of spikesim.stimuli or an array",
    ),
    "NoisyCurrentSource": "net.add_noise(cells, target, sigma)",
    "TsodyksMarkramSynapse": "ShortTermPlasticity, short_term of net.connect",
    "FixedNumberPreConnector": "net.connect(..., indegree=...)",
    "FixedNumberPostConnector": "net.connect(..., outdegree=...)",
    "FixedTotalNumberConnector": "net.connect(..., synapses=...)",
    **dict.fromkeys(
        ("FromListConnector", "ArrayConnector"), f"net.connect(..., weight=...): {_PAIRS}"
    ),
    "Leaky": "LIF",
    "Synaptic": "CurrentLIF",
    "spikegen": "Bernoulli, a kind of neuron, net.add_images or net.add_spike_trains",
    "spikeplot": "plot.raster(spikes)",
    "IF_cond_exp": "ConductanceLIF",
    "IF_cond_alpha": "AlphaConductanceLIF",
    "IF_curr_exp": "CurrentLIF",
    "IF_curr_alpha": "AlphaCurrentLIF",
    "EIF_cond_exp_isfa_ista": "AdEx",
    "SpikeSourcePoisson": "Poisson, a kind of neuron",
    "SpikeSourceArray": "net.add_spike_trains(name, n, times, ids)",
    "AllToAllConnector": "net.connect(pre, post, target=..., weight=...)",
    "OneToOneConnector": "net.connect(..., one_to_one=True)",
    "FixedProbabilityConnector": "net.connect(..., probability=...)",
}
_UNITS = ("second", "ms", "us", "volt", "mV", "uV", "amp", "nA", "pA", "siemens", "nS", "Hz", "kHz")

_NEURONS: Mapping[str, str] = {
    "iaf_psc_exp": "CurrentLIF",
    "iaf_psc_alpha": "AlphaCurrentLIF",
    "iaf_psc_delta": "DeltaLIF",
    "iaf_cond_exp": "ConductanceLIF",
    "iaf_cond_alpha": "AlphaConductanceLIF",
    "aeif_cond_exp": "AdEx",
    "hh_psc_alpha": "HodgkinHuxley",
    "izhikevich": "Izhikevich",
    "poisson_generator": "Poisson",
}

PARAMETERS: Mapping[str, str] = {
    **dict.fromkeys(("v_th", "v_thresh", "v_threshold"), "threshold"),
    **dict.fromkeys(("v_rest", "e_leak"), "E_L"),
    **dict.fromkeys(("t_ref", "tau_ref", "tau_refrac"), "refractory"),
    **dict.fromkeys(("i_e", "i_ext", "i_offset"), "I"),
    **dict.fromkeys(("tau_syn_ex", "tau_syn_e"), "tau_exc"),
    **dict.fromkeys(("tau_syn_in", "tau_syn_i"), "tau_inh"),
    **dict.fromkeys(("e_ex", "e_rev_e"), "E_exc"),
    **dict.fromkeys(("e_in", "e_rev_i"), "E_inh"),
    **dict.fromkeys(("g_ex", "ge"), "g_exc"),
    **dict.fromkeys(("g_in", "gi"), "g_inh"),
    "tau_m": "tau",
    "tau_syn": "tau_synapse",
    "v_m": "v",
    "mem": "v",
    "c_m": "C",
    "cm": "C",
    "rates": "rate",
}
"""Parameters and variables of neurons, in lower case."""

_PLACES: Mapping[str, Mapping[str, str]] = {
    "neuron": _NEURONS,
    "spikesim": {
        **_NETWORK,
        "run": "net.run(duration)",
        "restore": "net.set_state(state), or net.restore(path) for a file",
        **dict.fromkeys(_UNITS, _NUMBER),
    },
    "Network": {
        **{word: meant.replace("net.", "") for word, meant in _NETWORK.items()},
        "t": "time",
        "add": "add_population, connect and record, which make a part and add it",
        "monitor": "record or record_spikes",
        "reinit": "reset()",
        "simulate": "run(duration)",
    },
    "Network.__init__": {
        "timestep": "dt, in ms",
        "resolution": "dt, in ms",
        "rng_seed": "seed",
    },
    "Network.add_population": {
        "N": "n, the number of neurons",
        "size": "n, the number of neurons",
        "model": "neuron",
        "cellclass": "neuron",
        "params": "a keyword for each parameter, as in tau=10.0",
        "cellparams": "a keyword for each parameter, as in tau=10.0",
        "method": "part of the neuron; help(LIF) says which",
    },
    "Network.connect": {
        "p": "probability",
        "w": "weight",
        "i": _PAIRS,
        "j": _PAIRS,
        "condition": _PAIRS,
        "source": "pre",
        "dest": "post",
        "on_pre": "target, the variable that a spike adds its weight to; or plasticity",
        "on_post": "plasticity",
        "rule": "probability, indegree, outdegree, synapses or one_to_one",
        "conn_spec": "probability, indegree, outdegree, synapses or one_to_one",
        "connector": "probability, indegree, outdegree, synapses or one_to_one",
        "syn_spec": "weight, delay, plasticity and others, each on its own",
        "receptor_type": "target",
        "synapse_model": "synapse or plasticity",
        "synapse_type": "synapse or plasticity",
        "K": "indegree",
        "allow_autapses": "autapses",
        "allow_multapses": "multapses",
        "allow_self_connections": "autapses",
    },
    "Network.record": {"record": "neurons", "dt": "every", "interval": "every"},
    "Network.record_spikes": {"record": "a subgroup, as in cells[:10]"},
    "Network.run": {"report": "progress=True"},
    "Population": {
        "N": "n, or len(cells)",
        "size": "n, or len(cells)",
        "equations": "print(cells.neuron)",
        "record": "net.record(cells, variables) or net.record_spikes(cells)",
        "set": "an assignment, as in cells.tau = 10.0",
        "get": "an attribute, as in cells.tau",
        "set_states": "an assignment, as in cells.v = values",
        "get_states": "state",
        "initialize": "an assignment, as in cells.v = values",
    },
    "Projection": {
        "w": "weight",
        "i": 'table()["pre"]; of(neurons) chooses by it',
        "j": 'table()["post"]; onto(neurons) chooses by it',
        "N": "size",
        "connect": "net.connect, which has made them",
        "set": "an assignment, as in synapses.weight = 1.0",
        "get": "an attribute, as in synapses.weight, or table()",
    },
    "SomeSynapses": {"w": "weight", "i": "pre", "j": "post", "N": "len(...)"},
    "Recorded": {
        "num_spikes": "t.size, or count for each neuron",
        "N": "n",
        "times": "t",
        "senders": "i",
        "it": "i and t",
        "events": "i and t",
        "smooth_rate": "rate(bin_width)",
        "values": "the name of a recorded variable, or spike_trains()",
    },
}
_PLACES["Subgroup"] = _PLACES["Population"]  # type: ignore[index]


def here(word: object, *places: str) -> str:
    """The end of a message that says what a word of elsewhere is here; empty if it is none.

    Parameters
    ----------
    word : str
    *places : str
        A class, such as 'Projection', a call, such as 'Network.connect', 'neuron' or 'spikesim'.

    Examples
    --------
    >>> here("w", "Projection")
    " Here 'w' is weight."
    """
    for place in places:
        if meant := _PLACES.get(place, {}).get(str(word)):
            return f" Here {word!r} is {meant}."
    return ""
