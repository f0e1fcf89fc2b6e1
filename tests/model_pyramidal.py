"""A bursting neuron of the package with the face of its transcription, for what is true of both."""

import numpy as np

from spikesim import Network
from spikesim.models.burst.spiking import Pyramidal

PARAMETERS = {
    "theta_0": "theta_0",
    "tau_s": "tau_s",
    "tau_d": "tau_d",
    "gs": "g_s",
    "gd": "g_d",
    "a_d": "a_d",
    "b_s": "b_s",
}
STATE = {"Vs": "V_s", "Vd": "V_d", "w_s": "w_s", "w_d": "w_d", "theta": "theta"}
PORTS = {
    "soma_exc": "g_exc_s",
    "soma_inh": "g_inh_s",
    "dendrite_exc": "g_exc_d",
    "dendrite_inh": "g_inh_d",
}
FOREVER = 1e15  # ms, which is as good as the infinite times of the transcription


class ModelPyramidal:
    """One `Pyramidal` neuron alone; see `NaivePyramidal`."""

    def __init__(self, dt=0.1, driving_force="soma", **given):
        constants = {PARAMETERS[k]: min(x, FOREVER) for k, x in given.items() if k in PARAMETERS}
        constants["local_driving_force"] = int(driving_force == "dendrite")
        self._net = Network(dt=dt, dtype="float64", backend="python")
        self._cell = self._net.add_population("cell", 1, Pyramidal, **constants)
        self._recorded = self._net.record(self._cell, list(STATE.values()))
        self._spikes = self._net.record_spikes(self._cell)
        for name in given.keys() & STATE.keys():
            setattr(self, name, given[name])

    @property
    def spikes(self):
        return self._spikes.steps.tolist()

    def __getattr__(self, name):
        if name not in STATE:
            raise AttributeError(name)
        return float(getattr(self._cell, STATE[name])[0])

    def __setattr__(self, name, value):
        if name in STATE:
            getattr(self._cell, STATE[name])[:] = value
        else:
            super().__setattr__(name, value)

    def step(self, I_s=0.0, I_d=0.0, **events):
        self._cell.I_s[:], self._cell.I_d[:] = I_s, I_d
        for port, weight in events.items():
            getattr(self._cell, PORTS[port])[:] += weight
        self._net.run_steps(1)

    def run(self, steps, **inputs):
        first = self._net.step
        if any(np.ndim(each) for each in inputs.values()):
            rows = {name: np.broadcast_to(each, steps) for name, each in inputs.items()}
            for k in range(steps):
                self.step(**{name: row[k] for name, row in rows.items()})
        else:
            self.step(**inputs)
            self._net.run_steps(steps - 1)
        return {k: getattr(self._recorded, own)[0, first:].copy() for k, own in STATE.items()}
