"""What authors of models of examples rely on: what they bring, in which order it is asked for."""

from types import SimpleNamespace

import numpy as np
import pytest

from spikesim import InputError, Network
from spikesim.learning.examples import ExampleModel, trained
from spikesim.learning.parameters import TimedParameters, number
from spikesim.neurons import LIF


class Constants(TimedParameters):
    pause: float = number(3.0, "before the first example", unit="ms", at_least=0.0)

    def check_times(self, dt, dtype):
        if self.pause < dt:
            raise InputError("pause is shorter than dt.")


class Clock(ExampleModel):
    """It measures when an example began, in steps, and whether there was a teacher."""

    KIND, Parameters = "clock", Constants
    EXAMPLES, POPULATIONS, MEASURES, DERIVED = 2, ("cells",), ("began", "taught"), ("sum",)

    def dynamics(self):
        network = Network(dt=self.dt, seed=self.seed, backend=self.backend)
        network.add_population("cells", 1, LIF)
        return SimpleNamespace(network=network)

    def settle(self, simulation):
        simulation.network.run_steps(round(self.parameters.pause / self.dt))

    def show(self, simulation, example, teach):
        began = simulation.network.step
        simulation.network.run_steps(1 + example)
        return np.array([[began, teach]])

    def derived(self, measured):
        return {"sum": sum(measured["cells_began"])}


def clock(**given):
    return Clock(dt=1.0, backend="python", **given)


def test_it_settles_and_shows_all_examples_without_a_teacher_before_it_learns():
    history = clock().fit(1)
    assert history["epoch"] == [0, 1]
    assert history["cells_began"] == [[3.0, 4.0], [6.0, 7.0]]
    assert history["cells_taught"] == [[0.0, 0.0], [1.0, 1.0]]


def test_columns_of_the_history_are_measures_and_what_is_derived_of_them():
    history = clock().fit(1)
    assert list(history) == ["epoch", "sum", "cells_began", "cells_taught", "seconds"]
    assert history["sum"] == [7.0, 13.0]


def test_training_up_to_an_epoch_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "clock.h5"
    trained(clock(), 1, checkpoint=path)
    assert trained(clock(), 3, checkpoint=path).history["sum"] == clock().fit(3)["sum"]


def test_training_does_not_go_on_with_other_parameters(tmp_path):
    path = tmp_path / "clock.h5"
    trained(clock(), 1, checkpoint=path)
    with pytest.raises(InputError, match="another seed or other parameters"):
        trained(clock(pause=4.0), 3, checkpoint=path)


def test_parameters_are_checked_against_dt():
    with pytest.raises(InputError, match="shorter than dt"):
        clock(pause=0.5)
