"""One trial of a layered model, recorded in full."""

from __future__ import annotations

import numpy as np

from spikesim.attributes import Guarded
from spikesim.errors import check_unknown
from spikesim.kernels import probes
from spikesim.learning.model import Simulation

__all__ = ["LayerRecording"]


class LayerRecording(Guarded):
    """What the layers did in every step of a trial: ``recording["h"]["hidden_1"]``.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    variables : tuple of str
        What was recorded; ``recording["h"]`` is a dict of str to numpy.ndarray, by layer, each of
        shape (units, steps).
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    phases : tuple of float
        When the phases of the trial end, in ms.
    answer : int
        The class that was read out.
    """

    def __init__(self, net: Simulation, variables: tuple[str, ...], lengths: np.ndarray):
        steps, dt = int(lengths.sum()), net.network.dt
        self.layers = [layer.name for layer in net.layers]
        self.variables = variables
        self.t = np.arange(steps) * dt
        self.phases = tuple(float(end) for end in dt * np.cumsum(lengths[lengths > 0]))
        self._samples: dict[str, dict[str, np.ndarray]] = {name: {} for name in variables}
        for layer in net.layers:
            for name in variables:
                if name in layer.arrays:
                    buffer = np.zeros((steps, layer.n), layer.arrays[name].dtype)
                    self._samples[name][layer.name] = buffer.T
                    net.network.add_phase(
                        probes.sample,
                        probes.sampled,
                        state={
                            "value": layer.arrays[name],
                            "buffer": buffer,
                            "which": np.arange(layer.n),
                        },
                        params={"every": 1, "first": 0},
                    )
        self._answer = 0

    def _finish(self, net: Simulation) -> None:
        self._answer = int(net.result("answer", 1)[0])

    @property
    def answer(self) -> int:
        return self._answer

    def __getitem__(self, name: str) -> dict[str, np.ndarray]:
        check_unknown("recorded variable", [name], self.variables)
        return dict(self._samples[name])

    def __repr__(self) -> str:
        what = ", ".join(self.variables)
        return f"<LayerRecording of {what}: {self.t.size} steps, answer {self.answer}>"
