"""Which type of numbers suits what changes slowly: float32 loses what is added in small parts."""

from __future__ import annotations

from typing import Any

from spikesim.errors import InputError

__all__ = ["check_speed", "type_for"]


COUNTABLE = 1 << 24
"""How many steps a float32 can count down, one at a time."""

SLOW = 4096
"""How many updates long a time constant may be in float32.

The change of an update is then right to 0.1 %. exp(-1 / SLOW) is rounded to 2^-25, so that its
distance to 1 is wrong by 2^-25 SLOW = 0.01 %; `spikesim.kernels.functions.exp` near 0 is too large
by 1.8e-7, that is 0.08 %. A voltage between -32 and -64 mV is rounded to 1.9e-6 mV in each update:
it stops 1.9e-6 SLOW = 0.008 mV before it is at rest, 0.1 % of a change by 8 mV,
and twice as much between -64 and -128 mV.
"""

NEAR_ZERO = 2.0
"""So many times as long it may be for what decays to 0, where float32 has more digits.

A factor of exp(-1 / (2 SLOW)) adds 0.025 %, rounding the product at most 0.05 %.
"""

SPIKE_INTERVAL = 8.0
"""In ms, between updates of a trace that only spikes advance: those of a lively neuron."""


def type_for(dtype: str, *updates: float) -> str:
    """The type that is needed for time constants of so many updates: float64 above `SLOW`.

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
        How far updates are apart, in ms.
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
