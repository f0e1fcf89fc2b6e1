"""The float type for variables that change slowly: float32 rounds very small changes away."""

from __future__ import annotations

from typing import Any

from spikesim.errors import InputError

__all__ = ["check_speed", "type_for"]


COUNTABLE = 1 << 24
"""How many steps a float32 can count down, one at a time."""

SLOW = 4096
"""The longest time constant in float32, in updates.

Up to it, the change of an update is right to 0.1 %. exp(-1 / SLOW) is rounded to 2^-25, so its
distance from 1 is wrong by 2^-25 SLOW = 0.01 %. Near 0, `spikesim.kernels.functions.exp` is too
large by 1.8e-7, which is 0.08 % of that distance. A voltage between -32 and -64 mV is rounded to
1.9e-6 mV in each update. So it stops 1.9e-6 SLOW = 0.008 mV before it is at rest, which is 0.1 % of
a change of 8 mV; between -64 and -128 mV it stops twice as far away.
"""

NEAR_ZERO = 2.0
"""The factor by which time constants may be longer for variables that decay to 0.

Near 0 float32 has more digits. The error of the factor exp(-1 / (2 SLOW)) is then 0.025 %, and
rounding the product adds at most 0.05 %.
"""

SPIKE_INTERVAL = 8.0
"""The time in ms between updates of a trace that only spikes advance, in a very active neuron."""


def type_for(dtype: str, *updates: float) -> str:
    """The type that these time constants, in updates, need: float64 if one is above `SLOW`.

    Examples
    --------
    >>> type_for("float32", 20.0 / 0.1), type_for("float32", 20.0 / 0.1, 1e5 / 0.1)
    ('float32', 'float64')
    """
    return "float64" if any(many > SLOW for many in updates) else dtype


def check_speed(name: str, tau: Any, update: float, dtype: str) -> None:
    """Raise `InputError` if a time constant is too long for the type that it is computed in.

    Parameters
    ----------
    name : str
    tau : float
        In ms.
    update : float
        The time between two updates, in ms.
    dtype : {'float32', 'float64'}

    Examples
    --------
    >>> check_speed("tau_mem", 20.0, 0.1, "float32")
    """
    if type_for(dtype, tau / update) != dtype:
        raise InputError(
            f"{name} is {tau:g} ms; in {dtype} it has to be at most {SLOW * update:g} ms, as it "
            "would round slower decays away: use dtype='float64'."
        )
