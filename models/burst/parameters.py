"""The constants of the burst-ensemble network, and the choices between its published forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikesim.checks import check_choice, check_integer
from spikesim.learning.parameters import (
    ModelParameters,
    choice,
    flag,
    number,
    per_layer,
    refuse_if,
    whole,
)

__all__ = ["FORMS", "Parameters"]

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
"""Form → the parameters in which it differs from the talks; you may still give any of them."""


class Parameters(ModelParameters):
    """Constants and options; rates, potentials and weights have no units.

    The defaults are those of the talks, with learning rates that suit MNIST.
    """

    form: str = choice(*FORMS, about="the talks, or a version of the authors' code")
    steps: int = whole(10, "steps of 10 ms for which an image is shown", at_least=1)
    nudge_after: int | None = whole(
        None, "earliest step of the nudge, the first being 0; layers + 2", at_least=1, optional=True
    )
    nudge: float = number(
        0.5, "how far the nudge moves the output to the target", symbol="λ", above=0.0, at_most=1.0
    )
    p_0: float = number(0.2, "burst probability of the output", above=0.0, at_most=1.0)
    gamma: float = number(0.05, "what SST+ synapses bring the apical potential to", symbol="γ")
    sst: str = choice("beta", "h", "none", about="what drives SST+ cells; without them")
    feedback: str = choice("plain", "gated", about="what is sent down: beta, or as in 2018's code")
    apical_gate: bool = flag(False, "1 - h multiplies what comes from above (Payeur et al. 2021)")
    derivative: str = choice("exact", "boxcar", about="p h (1 - h), or as in 2018's code")
    boxcar_m: float = number(0.2, "middle of the boxcar", symbol="m")
    boxcar_v: float = number(0.3, "half its width", symbol="v", at_least=0.0)
    output: str = choice("sigmoid", "relu", about="its rates; rectified in 2018's code")
    alpha: Any = per_layer(
        None, "learning rate; 20, of the output 1", symbol="α", at_least=0.0, optional=True
    )
    decay: float = number(1.0, "of alpha, after every epoch", above=0.0, at_most=1.0)
    alpha_Z: float = number(1e-3, "learning rate of SST+ synapses", symbol="α_Z", at_least=0.0)
    alpha_Y: float = number(0.0, "learning rate of feedback by (13)", symbol="α_Y", at_least=0.0)
    u_range: float = number(2.0, "what learned feedback aims at, see (12)", above=0.0)
    mirror: float = number(
        0.0, "feedback becomes so many times the weights it mirrors", symbol="μ", at_least=0.0
    )
    forgetting: float = number(
        0.0, "what both lose with every image", symbol="φ", at_least=0.0, below=1.0
    )
    clip_Z: bool = flag(False, "SST+ synapses stay inhibitory, Z >= 0")
    W_range: Any = per_layer(
        None, "W ~ U(-range, range); 0.05, of the output 0.01", at_least=0.0, optional=True
    )
    Y_range: Any = per_layer(1.0, "Y ~ U(-range, range)", at_least=0.0, hidden=True)
    Z_range: float = number(0.01, "Z ~ U(0, range)", at_least=0.0)
    backpropagation: bool = flag(False, "control: all layers learn by backpropagation")
    measure_angle: bool = flag(False, "record the angle to updates by backpropagation")

    @classmethod
    def checked(cls, layers: int, given: Mapping[str, Any], dtype: str = "float32") -> Parameters:
        """Parameters from values given by name; a form has its own defaults for some."""
        form = check_choice("form", given.get("form", "talks"), list(FORMS))
        p = {**FORMS[form], **given}
        of_layers = {
            "nudge_after": layers + 2,
            "alpha": (20.0,) * (layers - 1) + (1.0,),
            "W_range": (0.05,) * (layers - 1) + (0.01,),
        }
        for name, value in of_layers.items():
            if p.get(name) is None:
                p[name] = value
        return super().checked(layers, p, dtype)

    def check(self, layers: int, dtype: str) -> None:
        refuse_if(
            self.alpha_Y and self.sst == "none",
            "alpha_Y is above 0 with sst='none'; learned feedback is relative to inhibition. "
            "Choose sst='beta' or 'h', or alpha_Y=0.",
        )
        after = check_integer("nudge_after", self.nudge_after, at_least=layers)
        refuse_if(
            after > self.steps - layers,
            f"steps is {self.steps}; {layers} layers with a nudge no earlier than step {after} "
            f"need at least {after + layers}.",
        )

    @property
    def rectified(self) -> bool:
        """Whether the output has rectified rates."""
        return self.output == "relu"

    @property
    def boxcar(self) -> bool:
        """Whether (9) is a boxcar."""
        return self.derivative == "boxcar"

    @property
    def apical_learns(self) -> bool:
        """Whether synapses onto apical dendrites change."""
        inhibition = self.sst != "none" and self.alpha_Z > 0.0
        return inhibition or self.alpha_Y > 0.0 or self.mirror > 0.0
