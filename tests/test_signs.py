"""A weight whose sign is likely not meant is warned of, and does what it says nevertheless."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import spikesim
from spikesim import (
    NMDA,
    AdEx,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    Network,
    Neuron,
    PairSTDP,
    SpikesimWarning,
    Variable,
)


def build(neuron):
    net = Network(dt=0.1, seed=1, backend="python")
    source = net.add_spike_trains("source", 2, [0.5, 1.0], [0, 1])
    return net, source, net.add_population("cells", 2, neuron)


def connect(neuron, target, weight, **options):
    net, source, cells = build(neuron)
    return net.connect(source, cells, target=target, weight=weight, **options)


SIGNED = [
    (kind, name, variable.sign)
    for each in spikesim.__all__
    if isinstance(kind := getattr(spikesim, each), Neuron)
    for name, variable in kind.variables.items()
    if getattr(variable, "sign", 0)
]


@pytest.mark.parametrize(("neuron", "target", "sign"), SIGNED)
def test_a_weight_of_the_sign_that_is_not_meant_is_warned_of(neuron, target, sign):
    bound = "least" if sign > 0 else "most"
    with pytest.warns(
        SpikesimWarning,
        match=rf"weight of 'source_to_cells' is {-2 * sign}; onto {target} of 'cells' it is meant "
        rf"to be at {bound} 0 \(.*a spike adds its weight",
    ) as told:
        connect(neuron, target, -2.0 * sign, probability=1.0)
    assert told[0].filename == __file__
    connect(neuron, target, 2.0 * sign, probability=1.0)
    connect(neuron, target, 0.0)


def test_conductances_and_inhibitory_currents_have_a_sign():
    targets = {(kind.name, name) for kind, name, _ in SIGNED}
    for kind in ("ConductanceLIF", "AdEx", "HodgkinHuxley"):
        assert {(kind, "g_exc"), (kind, "g_inh")} <= targets
    assert {("CurrentLIF", "I_inh"), ("AlphaConductanceLIF", "rise_exc")} <= targets


@pytest.mark.parametrize(
    "weight",
    [np.array([[1.0, -0.5], [1.0, 1.0]]), sparse.csr_array([[1.0, 0.0], [0.0, -0.5]])],
)
def test_one_weight_among_many_is_found(weight):
    with pytest.warns(SpikesimWarning, match=r"is -0\.5; onto g_exc"):
        connect(ConductanceLIF, "g_exc", weight)


@pytest.mark.parametrize("neuron", [CurrentLIF, DeltaLIF])
def test_where_both_signs_are_meant_nothing_is_said(neuron):
    target = "v" if neuron is DeltaLIF else "I_exc"
    connect(neuron, target, np.array([[1.0, -1.0], [0.0, 2.0]]))


def test_weights_that_are_set_later_are_looked_at_too():
    dense, few = connect(AdEx, "g_inh", 1.0), connect(AdEx, "g_inh", 1.0, probability=1.0)
    with pytest.warns(SpikesimWarning, match="is -1"):
        dense.W = -np.ones((2, 2))
    with pytest.warns(SpikesimWarning, match="is -2"):
        few.weight = -2.0
    with pytest.warns(SpikesimWarning, match="is -2"):
        few.weight[:] = -2.0
    with pytest.warns(SpikesimWarning, match="is -3"):
        few.onto(1).weight = -3.0
    assert few.table()["weight"].tolist() == [-2.0, -3.0, -2.0, -3.0]


def test_a_background_is_looked_at_as_well():
    net, _, cells = build(CurrentLIF)
    with pytest.warns(
        SpikesimWarning, match=r"weight of background is 0\.5; onto I_inh of 'cells'"
    ):
        background = net.add_background(cells, "I_inh", rate=100.0, weight=0.5)
    background.weight = -0.5


def test_whoever_means_it_silences_the_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikesimWarning)
        synapses = connect(
            ConductanceLIF, "g_exc", -1.0, plasticity=PairSTDP(w_min=-2.0, w_max=0.0)
        )
    assert synapses.W.tolist() == [[-1.0] * 2] * 2


def test_a_synapse_model_takes_weights_of_any_sign():
    connect(AdEx, "I", -1.0, synapse=NMDA)


def leak(i, t, s, p):
    s.g[i] = 0.5 * s.g[i]
    s.spike[i] = 0


def test_a_neuron_of_ones_own_declares_the_sign_that_it_means():
    kind = Neuron([leak], {"g": Variable(0.0, is_target=True, sign=1), "h": 0.0})
    with pytest.warns(SpikesimWarning, match=r"onto g of 'cells' .* at least 0\.$"):
        connect(kind, "g", -1.0)
    connect(kind, "h", -1.0)
