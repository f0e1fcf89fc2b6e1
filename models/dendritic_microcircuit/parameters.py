"""Constants and options of dendritic microcircuits; numbers in brackets are those of `network`."""

from spikesim.kernels import dendrites
from spikesim.learning.parameters import choice, flag, number, per_layer, refuse_if, whole
from spikesim.learning.updates import UpdateParameters

__all__ = ["Parameters"]


class Parameters(UpdateParameters):
    """Constants and options; the defaults are those of digits, in two steps."""

    eta: tuple[float, ...] = per_layer(0.6, "of W, below 6 / |r|^2", symbol="η", at_least=0.0)
    scaled: bool = flag(True, "rates of W are eta / gain, (11)")
    eta_Q: float = number(1.7, "of Q, below 5 / (lambda_I |r|^2)", symbol="η_Q", at_least=0.0)
    eta_P: float = number(0.0, "learning rate of P", symbol="η_P", at_least=0.0)
    eta_Y: float = number(0.0, "learning rate of Y", symbol="η_Y", at_least=0.0)
    dynamics: str = choice("two_step", "continuous", about="(9), or (1) to (7)")
    init: str = choice("self_predicting", "random", about="P and Q at the beginning; (10)")
    lateral: str = choice("plastic", "fixed", "ideal", about="P and Q; ideal: Q follows (10)")
    feedback: str = choice("random", "symmetric", about="Y at the beginning")
    backprop: bool = flag(False, "control: gradient descent of the net u = a v_B")
    activation: str = choice(*dendrites.ACTIVATIONS, about="phi")
    high: float = number(1.3863, "potential of a target 1; as a rate, 0.8")
    low: float = number(-2.1972, "potential of a target 0; as a rate, 0.1")
    taught: float = number(1.0, "fraction of patterns with a target", at_least=0.0, at_most=1.0)
    g_l: float = number(0.1, "leak", unit="1/ms", at_least=0.0)
    g_B: float = number(1.0, "basal dendrite to soma", unit="1/ms", above=0.0)
    g_A: float = number(0.28, "apical dendrite to soma", unit="1/ms", above=0.0)
    g_D: float = number(1.0, "dendrite to soma of SST cells", unit="1/ms", above=0.0)
    g_som: float = number(0.34, "what teaches SST cells and output", unit="1/ms", above=0.0)
    passes: int = whole(1, "of `two_step`", at_least=1, at_most=5000)
    dt: float = number(0.1, "Euler step", unit="ms", above=0.0)
    t_pattern: float = number(100.0, "a presentation", unit="ms", above=0.0)
    t_read: float = number(5.0, "its last part, in which u_L is read", unit="ms", above=0.0)
    lag: float = number(20.0, "rest of plasticity after an onset", unit="ms", at_least=0.0)
    tau_0: float = number(3.0, "filter of input and target; 0: none", unit="ms", at_least=0.0)
    tau_w: float = number(30.0, "filter of plasticity", unit="ms", above=0.0)
    sigma: float = number(0.0, "noise while learning", unit="1/sqrt(ms)", at_least=0.0)
    reset_deltas: bool = flag(False, "D is 0 at each onset")
    W_size: tuple[float, ...] = per_layer(0.0, "range of W; 0: by fan-in", at_least=0.0)
    Y_size: float = number(0.5, "range of Y, and of `random` P and Q", at_least=0.0)

    @property
    def in_time(self):
        """Whether potentials follow in time."""
        return self.dynamics == "continuous" and not self.backprop

    def check(self, layers, dtype):
        summed = self.batch > 1 or self.optimizer != "plain" or self.decay > 0.0
        g = self.g_l + max(self.g_B + self.g_A, self.g_B + self.g_som, self.g_D + self.g_som)
        refuse_if(self.in_time and summed, "continuous has batch 1, optimizer plain and decay 0.")
        refuse_if(self.in_time and self.dt * g >= 1.0, f"dt has to be below {1.0 / g:g} ms.")
        refuse_if(self.sigma > 0.0 and not self.in_time, "sigma is above 0, but not continuous.")
