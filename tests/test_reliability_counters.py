"""Counters do not stall or overflow, however long a run is, or what would make them is refused."""

import numpy as np
import pytest

from spikesim import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    InputError,
    Network,
)
from spikesim.models.burst.spiking import BurstPoisson, Pyramidal
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sonata import SpikeWriter, read_spikes

MOST = 2**24  # the last whole number that float32 can count down from
REFRACTORY = [
    LIF,
    CurrentLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    AlphaConductanceLIF,
    DeltaLIF,
    AdEx,
]


def one_cell(kind, backend, **parameters):
    net = Network(dt=0.5, backend=backend)
    return net, net.add_population("cell", 1, kind, **parameters)


@pytest.mark.parametrize("kind", REFRACTORY)
def test_a_refractory_period_of_more_steps_than_float32_counts_is_refused(kind):
    with pytest.raises(InputError, match=r"refractory is 8388608\.5"):
        one_cell(kind, "python", refractory=0.5 * (MOST + 1))


@pytest.mark.parametrize(
    ("name", "build"),
    {
        "K_duration": lambda dt, time: one_cell(Pyramidal, "python", K_duration=time),
        "refractory": lambda dt, time: one_cell(BurstPoisson, "python", refractory=time),
        "tau_ref": lambda dt, time: SuperSpikeNetwork((2, 1), dt=dt, tau_ref=time),
    }.items(),
)
def test_so_is_any_other_time_that_is_counted_down(name, build):
    with pytest.raises(InputError, match=rf"{name} is 8388608\.5 ms; .* at most 8388608 ms"):
        build(0.5, 0.5 * (MOST + 1))


@pytest.mark.parametrize("kind", REFRACTORY)
def test_the_longest_refractory_period_is_counted_down(kind):
    net, cell = one_cell(kind, "python", refractory=0.5 * MOST)
    cell.refractory[:] = MOST
    net.run_steps(3)
    assert cell.refractory[0] == MOST - 3


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_a_spike_begins_the_longest_refractory_period(backend):
    net, cell = one_cell(DeltaLIF, backend, refractory=0.5 * MOST)
    cell.v[:] = 30.0
    net.run_steps(2)
    assert cell.refractory[0] == MOST - 2


def test_spikes_of_steps_beyond_32_bits_keep_their_time_in_a_file(tmp_path):
    steps = 2**40 + np.arange(5)
    with SpikeWriter(tmp_path / "spikes.h5", dt=0.125, populations={"cells": 2**31 - 16}) as writer:
        writer.append("cells", steps, np.full(5, 2**31 - 17))
    times, ids = read_spikes(tmp_path / "spikes.h5")["cells"]
    assert (times / 0.125 == steps).all()
    assert (ids == 2**31 - 17).all()
