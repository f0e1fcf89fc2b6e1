"""A state goes into a network that was built alike, as it was when it was taken; into no other."""

import copy
import tracemalloc

import numpy as np
import pytest

from spikesim import (
    CurrentLIF,
    DoubleExponential,
    InputError,
    Network,
    PairSTDP,
    Poisson,
    ShortTermPlasticity,
    SpikesimError,
)
from tests.test_network import all_arrays, assert_same_bits, everything, recorded

# What is restored does not depend on whether a weight makes sense.
pytestmark = pytest.mark.filterwarnings("ignore::spikesim.SpikesimWarning")

FAST = PairSTDP(A_plus=0.01, A_minus=0.01, w_max=5.0)
DEPRESSING = ShortTermPlasticity(U=0.4, tau_D=30.0)
KERNEL = DoubleExponential(2.0, 8.0, memory=20)
DEFAULTS = {
    "tau": 20.0,
    "probability": 0.3,
    "delay": 1.0,
    "short_term": DEPRESSING,
    "plasticity": FAST,
    "kernel": KERNEL,
    "source": "noise",
    "target": "I_exc",
    "rate": 500.0,
    "background": "I_exc",
    "first": 0,
    "at_most_one": True,
    "trace": 20.0,
    "events": 16.0,
    "times": (1.0, 3.0),
    "period": 10.0,
    "image_rate": 50.0,
    "shown": 5.0,
    "images": 2,
}


def spread(least):
    return lambda chance, size: chance.integers(least, least + 10, size) * 0.5


def built(backend="python", **other):
    """A network with what a state holds, and what it depends on."""
    o = {**DEFAULTS, **other}
    net = Network(dt=0.5, seed=2, backend=backend)
    noise = net.add_population("noise", 12, Poisson)
    noise.rate = 400.0
    more = net.add_population("more", 12, Poisson)
    cells = net.add_population("cells", 8, CurrentLIF, tau=o["tau"])
    source = {"noise": noise, "more": more}[o["source"]]
    net.connect(
        source,
        cells,
        target=o["target"],
        weight=1.0,
        probability=o["probability"],
        delay=o["delay"],
        short_term=o["short_term"],
        name="first",
    )
    net.connect(noise, cells, target="I_inh", weight=1.0, plasticity=o["plasticity"], name="dense")
    net.connect(noise, cells, target="v", weight=0.1, kernel=o["kernel"], name="slow")
    net.connect(noise, cells, target="I_inh", weight=0.1, indegree=3, delay=spread(1), name="each")
    chosen = slice(o["first"], o["first"] + 6)
    net.add_background(
        cells, o["background"], o["rate"], 1.0, neurons=chosen, at_most_one=o["at_most_one"]
    )
    net.add_trace(cells, o["trace"])
    net.add_events("events", cells, tau=o["events"])
    net.add_spike_trains("trains", 3, o["times"], range(len(o["times"])), period=o["period"])
    shown = np.full((o["images"], 4), 0.5)
    net.add_images("shown", shown, rate=o["image_rate"], duration=o["shown"])
    return net


OTHERS = {
    "tau of 'cells' is 10": {"tau": 10.0},
    "number of synapses of 'first' is": {"probability": 0.6},
    "delay in steps of 'first' is 4 in this network and 2 in the": {"delay": 2.0},
    "U of 'first' is 0.9 in this network and 0.4": {"short_term": DEPRESSING._replace(U=0.9)},
    "short_term of 'first' is 'none'": {"short_term": None},
    "A_plus of 'dense' is 0.02": {"plasticity": FAST._replace(A_plus=0.02)},
    "plasticity of 'dense' is 'none'": {"plasticity": None},
    "tau_decay of the kernel of v of 'cells' is 9": {"kernel": KERNEL._replace(tau_decay=9.0)},
    "memory of the kernel of v of 'cells' is None": {"kernel": KERNEL._replace(memory=None)},
    "pre of 'first' is 'more'": {"source": "more"},
    "target of 'first' is 'I_inh'": {"target": "I_inh"},
    "rate of 'background 0' is 600": {"rate": 600.0},
    "target of 'background 0' is 'I_inh'": {"background": "I_inh"},
    "first neuron of 'background 0' is 1": {"first": 1},
    "at_most_one of 'background 0' is 0": {"at_most_one": False},
    "tau of 'phase 0 trace' is 30": {"trace": 30.0},
    "tau of 'events' is 8": {"events": 8.0},
    "checksum of spikes of 'trains'": {"times": (1.0, 2.0)},
    "number of spikes of 'trains' is 1": {"times": (1.0,)},
    "period in steps of 'trains' is 0": {"period": None},
    "rate of 'shown' is": {"image_rate": 60.0},
    "steps of all of 'shown' is": {"shown": 6.0},
    "number of images of 'shown' is 3": {"images": 3},
}
each_way = pytest.mark.parametrize("to_file", [False, True], ids=["in memory", "file"])


def put(saved, net, to_file, path):
    """The state of one network into another."""
    if to_file:
        saved.save(path / "net.h5")
        net.restore(path / "net.h5")
    else:
        net.set_state(saved.state())


@each_way
@pytest.mark.parametrize("text", OTHERS)
def test_a_state_of_a_network_that_was_built_otherwise_is_refused(text, to_file, tmp_path):
    saved, net = built(), built(**OTHERS[text])
    saved.run(5.0)
    net.run(2.0)
    before = [array.copy() for array in all_arrays(net)]
    with pytest.raises(InputError, match=text) as refused:
        put(saved, net, to_file, tmp_path)
    assert "in the saved one" in str(refused.value)
    assert_same_bits(all_arrays(net), before)
    assert net.step == 4
    net.run(1.0)


def test_partners_and_delays_that_differ_are_found_though_they_are_as_many():
    def network(delay, order=("a", "b")):
        net = Network(dt=0.5, seed=2, backend="python")
        cells = net.add_population("cells", 20, CurrentLIF)
        for name in order:
            net.connect(
                cells, cells, target="I_exc", weight=1.0, indegree=3, delay=delay, name=name
            )
        return net

    state = network(spread(1)).state()
    network(spread(1)).set_state(state)
    turned = network(lambda chance, size: spread(1)(chance, size)[::-1])
    for other in (network(spread(1), order=("b", "a")), turned):
        with pytest.raises(InputError, match=r"checksum of synapses of '[ab]' is"):
            other.set_state(state)


@each_way
def test_a_state_goes_on_with_the_same_bits(to_file, tmp_path):
    net = built()
    net.run(5.0)
    other = built()
    put(net, other, to_file, tmp_path)
    for each in (net, other):
        each.run(10.0)
    assert_same_bits(all_arrays(other), all_arrays(net))


def test_a_network_goes_back_to_a_state_that_was_kept_in_memory():
    net, recordings = everything("float32", "python")
    net.run(20.0)
    state = net.state()
    kept = copy.deepcopy(state)
    for part, arrays in state["arrays"].items():
        for name, array in arrays.items():
            assert not np.shares_memory(array, net.arrays()[part][name])
    net.run(30.0)
    first = [array.copy() for array in all_arrays(net)]
    assert_same_bits(
        [a for part in state["arrays"].values() for a in part.values()],
        [a for part in kept["arrays"].values() for a in part.values()],
    )
    net.set_state(state)
    for recording in recordings:
        recording.clear()
    net.run(30.0)
    assert_same_bits(all_arrays(net), first)
    assert sum(array.size for array in recorded(recordings))


def test_pixels_of_an_earlier_image_are_silent_though_a_file_has_their_chances():
    """Files of versions before this one have them, behind those of the image that is shown."""
    few = np.zeros(160)
    few[[3, 50, 90]] = 1.0
    net = Network(dt=1.0, backend="python")
    source = net.add_images("images", np.stack([np.ones(160), few]), rate=800.0, duration=10.0)
    net.run(15.0)
    state = net.state()
    for k in range(4):
        state["arrays"]["images"][f"above_{k}"][:, 1:] = 0.5  # three pixels need one column
    net.set_state(state)
    spikes = net.record_spikes(source)
    net.run(5.0)
    assert set(spikes.i) == {3, 50, 90}


def test_what_may_be_set_between_runs_does_not_make_a_state_another_one():
    net = built()
    net.run(2.0)
    state = net.state()
    net.backgrounds[0].rate = 0.0
    net.backgrounds[0].weight = 2.0
    net.projections["dense"].learning = False
    net.populations["cells"].params["threshold"] = -45.0
    net.populations["shown"].images = np.ones((2, 4))
    net.set_state(state)
    built().set_state(net.state())


def test_a_file_without_what_was_built_is_taken_and_its_names_are_known():
    net, other = built(), built()
    net.run(5.0)
    state = net.state()
    del state["built"]
    state["arrays"] = {name.replace(" ", "_"): part for name, part in state["arrays"].items()}
    assert {"phase_0_trace", "shown_trials"} <= set(state["arrays"])
    other.set_state(state)
    assert_same_bits(all_arrays(other), all_arrays(net))


def test_populations_may_have_any_names_beside_sources_and_phases(tmp_path):
    def network():
        net = Network(dt=0.5, backend="python")
        for name in ("show_trials", "phase_0_trace", "background_0"):
            net.add_population(name, 3, CurrentLIF, I=12.0)
        net.add_images("show", np.ones((2, 3)), rate=50.0, duration=5.0)
        net.add_trace(net.populations["phase_0_trace"], 10.0)
        net.add_background(net.populations["background_0"], "I_exc", 100.0, 1.0)
        return net

    net, other = network(), network()
    net.run(10.0)
    net.save(tmp_path / "net.h5")
    other.restore(tmp_path / "net.h5")
    assert_same_bits(all_arrays(other), all_arrays(net))


@pytest.mark.parametrize("damage", ["text", "list", "part", "number"])
def test_a_damaged_description_is_refused_in_words(damage):
    net = built()
    state = net.state()
    if damage in ("text", "list"):
        state["built"] = {"text": "cells", "list": []}[damage]
    elif damage == "part":
        state["built"]["cells"] = 3.0
    else:
        state["built"]["cells"]["tau"] = np.ones(3)
    with pytest.raises(SpikesimError, match=r"damaged|tau of 'cells'"):
        net.set_state(state)


@pytest.mark.parametrize("part", ["noise", "first", "phase 0 trace", "shown trials"])
def test_a_state_that_fails_late_leaves_the_network_as_it_was(part):
    net = built()
    net.run(2.0)
    state, before = net.state(), [array.copy() for array in all_arrays(net)]
    net.run(1.0)
    changed = [array.copy() for array in all_arrays(net)]
    state["arrays"][part] = {
        name: array[..., np.newaxis] for name, array in state["arrays"][part].items()
    }
    with pytest.raises(InputError, match=f"The saved {part}"):
        net.set_state(state)
    assert_same_bits(all_arrays(net), changed)
    assert any(not np.array_equal(a, b) for a, b in zip(before, changed, strict=True))
    net.run(1.0)


def test_saving_takes_no_copy_of_the_network(tmp_path):
    net = Network(backend="python")
    cells = net.add_population("cells", 2000, CurrentLIF)
    synapses = net.connect(cells, cells, target="I_exc", weight=1.0)
    tracemalloc.start()
    net.save(tmp_path / "net.h5")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert synapses.nbytes == 16_000_000
    assert peak < 1_000_000
