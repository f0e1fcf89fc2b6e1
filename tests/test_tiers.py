"""A program runs Phase by Phase or fused, and may change between them: the bits are the same."""

from pathlib import Path

import numpy as np
import pytest
from cuda_networks import NETWORKS, advance, everything

from spikesim import LIF, Network, Poisson
from spikesim.kernels import cache, compiling, fusing, native

ROOT = Path(__file__).resolve().parent.parent


def small_network(backend="cpu"):
    net = Network(dt=0.1, seed=1, backend=backend)
    source = net.add_population("source", 20, Poisson)
    source.rate[:] = 100.0
    cells = net.add_population("cells", 5, LIF)
    net.connect(source, cells, target="drive", weight=8.0, delay=1.0)
    net.record_spikes(cells)
    return net


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A kernel cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("SPIKESIM_TIER", raising=False)
    return tmp_path


@pytest.fixture
def worthwhile(monkeypatch):
    """Every program is worth fusing, from its first step."""
    monkeypatch.setattr(native, "WORTHWHILE", 0.0)
    monkeypatch.setattr(native, "LEAST_GAIN", 0.0)


class Fused:
    """Programs that are fused once they have been looked for so many times."""

    def __init__(self, looks):
        self.looks = looks
        self.code = {}

    def begin(self, job):
        if job.key not in self.code:
            self.code[job.key] = compiling.object_code(job)

    def collect(self, key):
        self.looks -= 1
        return self.code.get(key) if self.looks < 0 else None


@pytest.mark.parametrize("name", ["general", "segregated", "burst", "superspike"])
def test_both_tiers_give_every_model_the_bits_of_plain_python(monkeypatch, place, name):
    build = NETWORKS[name]
    (expected,) = advance(build("python"))
    for tier in ("phases", "fused"):
        monkeypatch.setenv("SPIKESIM_TIER", tier)
        (found,) = advance(build("cpu"))
        assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_a_change_of_tier_at_any_moment_changes_no_bit(monkeypatch, place, worthwhile, backend):
    expected = small_network("python")
    expected.run(3.0)
    for change in range(1, 7):
        monkeypatch.setattr(cache, "addresses", {})  # as in a process that has just begun
        fused = Fused(change)
        monkeypatch.setattr(fusing, "begin", fused.begin)
        monkeypatch.setattr(fusing, "collect", fused.collect)
        net = small_network(backend)
        for _ in range(6):
            net.run(0.5)
        assert everything(net).tobytes() == everything(expected).tobytes()
        assert fused.looks < 0 or change == 6
