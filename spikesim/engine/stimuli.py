"""A stimulus that is played to neurons; `spikesim.kernels.stimuli` computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from spikesim.attributes import read_only
from spikesim.checks import (
    MOST_STEPS,
    check_array,
    check_choice,
    check_memory,
    check_number,
    check_steps,
    is_real,
    show,
)
from spikesim.engine.injection import EACH, Injection
from spikesim.engine.population import Population
from spikesim.errors import InputError
from spikesim.kernels import stimuli as bodies
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import State
from spikesim.stimuli import Function, Ramp, Sine, step

__all__ = ["Stimulus"]

_AFTER = {"stop": bodies.STOP, "hold": bodies.HOLD, "repeat": bodies.REPEAT}


class Stimulus(Injection):
    """A stimulus that is played to neurons; made by `Network.play`.

    Attributes
    ----------
    population : Population
    target : str
        The input that it adds to.
    stimulus : numpy.ndarray, float, or a stimulus of `spikesim.stimuli`
        The stimulus that is played. You may set it to any other between runs.
    begin : float
        When its own time begins, in ms.
    is_on : bool
        Whether it is played; may be set between runs. Its time continues in either case.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **Injection._remedies,
        **dict.fromkeys(("begin", "after"), "play another stimulus"),
    }

    def __init__(
        self,
        population: Population,
        target: str,
        stimulus: Any,
        dt: float | None,
        begin: float | None,
        after: str,
        neurons: Any,
        number: int,
    ):
        super().__init__(population, target, neurons, "stimuli", number)
        network = population.network
        first = network.step if begin is None else check_steps("begin", begin, network.dt)
        self._params["begin"] = first
        self._params["after"] = _AFTER[check_choice("after", after, list(_AFTER))]
        self.begin = first * network.dt
        self.after = after
        self._dt = dt
        self._arrays: dict[str, np.ndarray] = {}
        self.stimulus = stimulus
        self._described = self._description()

    def __repr__(self) -> str:
        what = repr(self._stimulus)
        if isinstance(self._stimulus, np.ndarray):
            dt = self._params["steps"] * self.population.network.dt
            what = f"array of shape {self._stimulus.shape}, {dt:g} ms each"
        since = f" since {self.begin:g} ms" if self.begin else ""
        off = "" if self.is_on else ", off"
        return f"<Stimulus of {self.population.name}.{self.target}: {what}{since}{off}>"

    def stop(self) -> None:
        """Add nothing from now on, until `is_on` is set to True."""
        self.is_on = False

    @property
    def stimulus(self) -> Any:
        return self._stimulus

    @stimulus.setter
    def stimulus(self, stimulus: Any) -> None:
        if is_real(stimulus):
            stimulus = step(check_number("stimulus", stimulus, dtype=self.population.dtype))
        elif isinstance(stimulus, (Ramp, Sine, Function)) and self._dt is not None:
            raise InputError(
                f"dt is {show(self._dt)}, which is for arrays; {stimulus!r} needs none, and the dt "
                "of a function is given to stimuli.of."
            )
        if isinstance(stimulus, Ramp):
            body, arrays, numbers = self._of_ramp(stimulus)
        elif isinstance(stimulus, Sine):
            body, arrays, numbers = self._of_sine(stimulus)
        elif isinstance(stimulus, Function):
            dt = self.population.network.dt if stimulus.dt is None else stimulus.dt
            check_memory(f"duration is {stimulus.duration:g} ms", 8.0 * stimulus.duration / dt)
            body, arrays, numbers = self._of_array("function", stimulus.samples(dt), dt)
        elif callable(stimulus):
            raise InputError(
                f"stimulus is {show(stimulus)}; a function of time has to be computed beforehand: "
                "stimuli.of(function, duration)."
            )
        else:
            body, arrays, numbers = self._of_array("stimulus", stimulus, self._dt)
            stimulus = arrays["stimulus"]
            if stimulus.ndim == 2 and not self._is_range:
                stimulus = read_only(stimulus[:, self._ids - self._params["first"]])
        self._body, self._stimulus = body, stimulus
        self._arrays.clear()
        self._arrays.update(arrays)
        self._params.update(numbers)

    def _of_ramp(self, ramp: Ramp) -> tuple[Any, dict[str, np.ndarray], dict[str, Any]]:
        names = ("amplitude",) * 2 if ramp.start is ramp.stop else ("start", "stop")
        ends = []
        for name, end in zip(names, (ramp.start, ramp.stop), strict=True):
            ends.append(self._of_each(name, end, np.float64))
            check_array(name, ends[-1], dtype=self.population.dtype)
        start, stop = np.broadcast_arrays(*ends)
        arrays = {"start": start.copy(), "rise": stop - start}
        return bodies.play_ramp, arrays, self._lasting(ramp, start.size)

    def _of_sine(self, sine: Sine) -> tuple[Any, dict[str, np.ndarray], dict[str, Any]]:
        amplitude = self._of_each("amplitude", sine.amplitude, np.float64)
        check_array("amplitude", amplitude, dtype=self.population.dtype)
        dt = self.population.network.dt
        highest = 500.0 / dt  # two steps in a period
        check_number("frequency", sine.frequency, at_most=highest, unit="Hz, two steps a period")
        numbers = {"cycles": sine.frequency * dt / 1000.0, "phase": sine.phase}
        return (
            bodies.play_sine,
            {"amplitude": amplitude},
            {
                **numbers,
                **self._lasting(sine, amplitude.size),
            },
        )

    def _lasting(self, stimulus: Ramp | Sine, size: int) -> dict[str, Any]:
        dt = self.population.network.dt
        onset = check_steps("begin", stimulus.begin, dt)
        length = MOST_STEPS
        if stimulus.end is not None:
            length = check_steps("end", stimulus.end, dt, at_least=onset + 1)
        return {
            "onset": onset,
            "length": length,
            "end": length,
            "each": EACH if size > 1 else 0,
        }

    def _of_array(
        self, name: str, given: Any, dt: float | None
    ) -> tuple[Any, dict[str, np.ndarray], dict[str, Any]]:
        network, dtype = self.population.network, np.dtype(self.population.dtype)
        steps = 1 if dt is None else check_steps("dt", dt, network.dt, at_least=1)
        n, chosen = self._params["n"], self._ids.size
        shape = getattr(given, "shape", ())
        check_memory(
            f"{name} has shape {shape}", dtype.itemsize * float(np.prod(shape, dtype=float))
        )
        array = check_array(name, given, dtype=dtype)
        if array.ndim not in (1, 2) or array.shape[1:] not in ((), (chosen,)) or not array.size:
            raise InputError(
                f"{name} has shape {array.shape}; it has to be (samples,), for all, or (samples, "
                f"{chosen}), for each of the neurons."
            )
        arrays = {}
        body = bodies.play_all if array.ndim == 1 else bodies.play_each
        if array.ndim == 2 and not self._is_range:
            check_memory(f"{name} is for {n} neurons", dtype.itemsize * float(len(array)) * n)
            array = self._spread(array)
        elif not self._is_range:
            body = bodies.play_some
            arrays["gain"] = self._spread(np.ones(chosen, dtype))
        arrays["stimulus"] = array.copy() if np.may_share_memory(array, given) else array
        length = len(array) * steps
        numbers = {"onset": 0, "length": length, "end": length - 1, "steps": steps}
        return body, arrays, numbers

    def built(self) -> dict[str, Any]:
        return {**super().built(), **self._described}

    def _description(self) -> dict[str, Any]:
        """The stimulus that was played at first."""
        checksum = 0
        for name in sorted(self._arrays):
            checksum = crc32(np.ascontiguousarray(self._arrays[name]).data, checksum)
        numbers = {name: self._params[name] for name in ("begin", "after", "onset", "length")}
        return {**numbers, "checksum of amplitudes": checksum}

    def adding(self, population: Population, total: dict[str, np.ndarray]) -> list[Phase]:
        inputs = ("stimulus",) if "stimulus" in self._arrays else ()
        return [self._phase(self._body, State(self._arrays, total), inputs, "float64")]
