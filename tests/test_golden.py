"""The numbers of a few jobs are those of `golden.json`, and what differs is noticed and named."""

import numpy as np
import pytest

from tests.reliability import golden

ANYWHERE = [
    "segregated, rates, layered, learned feedback, angle",
    "burst, all at once",
    "superspike, all at once",
    "pairing",
    "learning rule",
    "neuron, AdEx",
    "network, burst plasticity",
]
"""Jobs that gave the same bits on processors with AVX-512 and on those without."""

WHERE_FUNCTIONS_AGREE = [
    "segregated, all at once",
    "exclusive-or, saved and loaded",
    "microcircuit",
    "network, everything",
]
"""Jobs in which NumPy computes exponentials, logarithms or products of matrices."""


VERSIONS = ("python", "numpy", "machine")
MADE_WITH = {
    **dict.fromkeys(ANYWHERE, VERSIONS),
    **dict.fromkeys(WHERE_FUNCTIONS_AGREE, (*VERSIONS, "functions")),
}


def minor(version):
    return version.split(".")[:2]


@pytest.mark.parametrize("name", MADE_WITH)
def test_a_job_has_the_numbers_that_it_always_had(name):
    file, here = golden.read(), golden.made_by()
    theirs = file["made_by"]["python"]
    for part in MADE_WITH[name]:
        if minor(here[part]) != minor(theirs[part]):
            pytest.skip(f"golden.json was made with {part} {theirs[part]}, this is {here[part]}")
    numbers = golden.run(golden.jobs()[name], "python")
    assert golden.short_hash(numbers.values()) == file["hashes"][name]["python"]


def test_every_job_has_its_hashes_in_the_file():
    hashes = golden.read()["hashes"]
    assert list(hashes) == list(golden.jobs())
    assert all(list(each) == list(golden.BACKENDS) for each in hashes.values())


def test_a_hash_tells_one_bit_a_shape_and_a_type():
    numbers = np.linspace(0.0, 1.0, 6)
    other = numbers.copy()
    other[3] = np.nextafter(other[3], 1.0)
    arrays = [numbers, other, numbers.reshape(2, 3), numbers.view(np.int64)]
    assert len({golden.short_hash([array]) for array in arrays}) == 4


def test_nan_is_one_number_wherever_it_comes_from():
    both = [np.array([np.nan]), np.array([-np.nan])]
    assert both[0].tobytes() != both[1].tobytes()
    one, other = (golden.short_hash([a for _, a in golden.flat({"x": nan})]) for nan in both)
    assert one == other


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A file and arrays of two jobs, whose numbers a test may change."""
    numbers = {"burstprop, tiny": np.array([1.0, 2.0]), "other": np.array([3.0, 4.0])}

    def jobs():
        return {name: lambda backend, dtype, n=name: {"W": numbers[n]} for name in numbers}

    monkeypatch.setattr(golden, "jobs", jobs)
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    arrays = ["--arrays", str(tmp_path / "before.npz")]
    assert golden.main(["--write", *arrays]) == 0
    assert golden.main([]) == 0
    return numbers, arrays


def test_what_differs_is_named_with_how_much_it_differs(made, capsys):
    numbers, arrays = made
    numbers["other"] = np.array([3.0, 5.0])
    capsys.readouterr()
    assert golden.main(["--backend", "python", *arrays]) == 1
    said = capsys.readouterr().out
    assert "other: was" in said
    assert "W by 0.2" in said
    assert golden.main(["--only", "tiny"]) == 0


def test_burstprop_may_be_off_by_a_little_if_it_is_seen_by_how_much(made):
    numbers, arrays = made
    numbers["burstprop, tiny"] = np.array([1.0, 2.0 + 1e-12])
    assert golden.main(["--backend", "python"]) == 1
    assert golden.main(["--backend", "python", *arrays]) == 0
    numbers["burstprop, tiny"] = np.array([1.0, 2.0 + 1e-9])
    assert golden.main(["--backend", "python", *arrays]) == 1


def test_a_part_of_the_file_is_written_anew_by_those_who_made_it_only(made, monkeypatch):
    numbers, _ = made
    before = golden.read()["hashes"]["burstprop, tiny"]
    numbers["burstprop, tiny"] = numbers["other"] = np.array([5.0])
    assert golden.main(["--write", "--only", "other"]) == 0
    assert golden.read()["hashes"]["burstprop, tiny"] == before
    assert golden.main(["--only", "other"]) == 0
    monkeypatch.setattr(golden, "made_by", lambda: {"python": "3.99.0"})
    with pytest.raises(SystemExit, match="Others made the file"):
        golden.main(["--write", "--only", "other"])
