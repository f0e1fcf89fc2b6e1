"""The constants of the burst-ensemble network, and the choices between its published forms."""

from __future__ import annotations

from typing import Any, NamedTuple

from spikesim.checks import check_choice, check_integer, check_number, check_parameters
from spikesim.errors import InputError

__all__ = ["FORMS", "Parameters"]


class Parameters(NamedTuple):
    """Constants and options; rates, potentials and weights have no units.

    The defaults are the form of the talks, with learning rates that suit MNIST.
    """

    form: str = "talks"  # or a version of the authors' code: "july_2018", "april_2018"; see FORMS
    steps: int = 10  # steps for which an image is shown; of 10 ms each
    nudge_after: int | None = None  # earliest step of the nudge, the first being 0; None: K + 2
    nudge: float = 0.5  # lambda, how far the nudge moves the output toward the target
    p_0: float = 0.2  # burst probability of the output
    gamma: float = 0.05  # what SST+ synapses bring the apical potential to
    sst: str = (
        "beta"  # what drives SST+ cells: "beta" (talks), "h" (July 2018), "none" without them
    )
    feedback: str = "plain"  # beta is sent down as it is, or "gated" as in the code of 2018
    apical_gate: bool = False  # 1 - h multiplies what comes from above (Payeur et al. 2021)
    derivative: str = "exact"  # p h (1 - h), or "boxcar" as in the code of 2018
    boxcar_m: float = 0.2  # m, middle of the boxcar
    boxcar_v: float = 0.3  # v, half its width
    output: str = "sigmoid"  # or "relu" as in the code of 2018
    alpha: float | tuple[float, ...] | None = None  # learning rate of all layers or of each
    decay: float = 1.0  # what alpha is multiplied by after every epoch
    alpha_Z: float = 1e-3  # learning rate of SST+ synapses; 0: fixed
    alpha_Y: float = 0.0  # learning rate of feedback synapses by (13)
    u_range: float = 2.0  # what learned feedback aims at, see (12)
    mirror: float = 0.0  # mu, feedback becomes so many times the weights it mirrors; 0: it does not
    forgetting: float = 0.0  # phi, what both lose of themselves with every image
    clip_Z: bool = False  # SST+ synapses stay inhibitory, Z >= 0
    W_range: float | tuple[float, ...] | None = (
        None  # W ~ U(-range, range) of all layers or of each
    )
    Y_range: float | tuple[float, ...] = 1.0  # Y ~ U(-range, range) of all hidden layers or of each
    Z_range: float = 0.01  # Z ~ U(0, range)
    backpropagation: bool = False  # control: all layers learn by backpropagation
    measure_angle: bool = False  # record the angle between updates and those of backpropagation

    @classmethod
    def checked(cls, layers: int, given: dict[str, Any]) -> Parameters:
        """Parameters from values given by name, for a network of `layers` layers after the image.

        Raises
        ------
        InputError
            If a name is unknown, a value is impossible, or there is no step left for the nudge.
        """
        given = check_parameters(given, cls._field_defaults)
        form = check_choice("form", given.get("form", "talks"), list(FORMS))
        p = cls(**{**FORMS[form], **given})
        check_choice("sst", p.sst, ["beta", "h", "none"])
        check_choice("feedback", p.feedback, ["plain", "gated"])
        check_choice("derivative", p.derivative, ["exact", "boxcar"])
        check_choice("output", p.output, ["sigmoid", "relu"])
        for name in ("apical_gate", "clip_Z", "backpropagation", "measure_angle"):
            check_choice(name, getattr(p, name), [True, False])
        check_number("nudge", p.nudge, above=0.0, at_most=1.0)
        check_number("p_0", p.p_0, above=0.0, at_most=1.0)
        for name in ("gamma", "boxcar_m"):
            check_number(name, getattr(p, name))
        for name in ("alpha_Z", "alpha_Y", "Z_range", "boxcar_v"):
            check_number(name, getattr(p, name), at_least=0.0)
        check_number("u_range", p.u_range, above=0.0)
        check_number("decay", p.decay, above=0.0, at_most=1.0)
        check_number("mirror", p.mirror, at_least=0.0)
        check_number("forgetting", p.forgetting, at_least=0.0, below=1.0)
        if p.alpha_Y and p.sst == "none":
            raise InputError(
                "alpha_Y is above 0 with sst='none'; learned feedback is relative to inhibition. "
                "Choose sst='beta' or 'h', or alpha_Y=0."
            )
        check_integer("steps", p.steps, at_least=1)
        after = layers + 2 if p.nudge_after is None else p.nudge_after
        check_integer("nudge_after", after, at_least=layers)
        if after > p.steps - layers:
            raise InputError(
                f"steps is {p.steps}; {layers} layers with a nudge no earlier than step {after} "
                f"need at least {after + layers}."
            )
        small = (0.05,) * (layers - 1) + (0.01,)
        default = (20.0,) * (layers - 1) + (1.0,)
        return p._replace(
            nudge_after=after,
            alpha=_per_layer("alpha", default if p.alpha is None else p.alpha, layers),
            W_range=_per_layer("W_range", small if p.W_range is None else p.W_range, layers),
            Y_range=_per_layer("Y_range", p.Y_range, layers - 1, "hidden layers"),
        )


FORMS: dict[str, dict[str, Any]] = {
    "talks": {},
    "july_2018": {  # network_time.py
        "nudge": 1.0,
        "sst": "h",
        "feedback": "gated",
        "derivative": "boxcar",
        "output": "relu",
        "alpha": 0.01,
        "alpha_Z": 0.0,
    },
    "april_2018": {  # network25.py
        "gamma": 0.1,
        "feedback": "gated",
        "derivative": "boxcar",
        "boxcar_m": 0.0,
        "boxcar_v": 4.0,
        "output": "relu",
        "alpha_Z": 0.0,
        "Y_range": 0.005,
    },
}
"""Form → the parameters in which it differs from the talks; any of them may be given besides."""


def _per_layer(name: str, given: Any, layers: int, what: str = "layers") -> tuple[float, ...]:
    values = given if isinstance(given, (tuple, list)) else (given,) * layers
    if len(values) != layers:
        raise InputError(
            f"{name} has {len(values)} values; it has to be one number, or one for each of the "
            f"{layers} {what}."
        )
    return tuple(float(check_number(name, value, at_least=0.0)) for value in values)
