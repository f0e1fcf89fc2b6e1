"""Equilibrium propagation: one network, one dynamics; targets nudge the output a little.

Scellier & Bengio (2017), doi:10.3389/fncom.2017.00024; the prototypical form of Ernoult et al.
(2019, NeurIPS 32); separate feedback of Laborieux et al. (2021, doi:10.3389/fnins.2021.633674).
Layers l = 1 ... L have states u_l and rates r_l = rho(u_l); r_0 = x is the input. The drive of a
layer comes from both sides, from the states of the last step:

    d_l = r_{l-1} W_l + b_l + r_{l+1} W_{l+1}^T                                               (1)

`energy`: Euler steps down F = E + beta C, where beta is 0 in the free phase, and t the target:

    E = sum_l |u_l|^2 / 2 - (r_{l-1} W_l + b_l) r_l^T,   C = |u_L - t|^2 / 2                  (2)
    u_l <- box(u_l + epsilon (rho'(u_l) d_l - u_l + [l = L] beta (t - u_L)))                  (3)

The box is [0, 1]. In it, `hard` has rho(u) = u and rho' = 1, at its ends, too: else u = 0 would be
for ever. The others are low + span sigma(gain u - offset). `prototypical`: r = u, and

    u_l <- (1 - kappa) u_l + kappa rho(d_l)                                                   (4)
    with rho(d_L + beta (t - u_L)) `inside`, or rho(d_L) + beta (t - u_L) `outside`

A trial settles freely to u^0, its answer; then the output is nudged, from u^0 to u^beta. Let r
become r + dr, with m = r + dr/2 halfway; products r^T r change by m^T dr + dr^T m:

    W_l <- W_l + eta_l/beta (m_{l-1}^T dr_l + dr_{l-1}^T m_l),  b_l <- b_l + eta_l/beta dr_l  (5)

`one_sided`: from u^0 to u^beta. `random_sign`: beta has a fair sign, one per update. `symmetric`:
from u^-beta to u^beta, both nudged from u^0, over 2 beta. `continual`: (5) of each nudged step, at
once. `rate`: their sum, afterwards; `rate_post`: without the second product. `vector_field`: B_l in
place of W_{l+1}^T in (1), and, from u^0 to u^beta,

    W_l <- W_l + eta_l/beta r^0_{l-1}^T dr_l,   B_l <- B_l + eta_{l+1}/beta r^0_{l+1}^T dr_l  (6)

`persistent`: the next trial of an example starts from its last u^0, which is in the file.
"""

import numpy as np

from spikesim.kernels import settling, units
from spikesim.kernels.functions import sigmoid
from spikesim.kernels.trials import TOGO, TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second, at_start_of_trial, transpose
from spikesim.learning.forward import drawn
from spikesim.learning.images import ImageModel
from spikesim.learning.model import TEST
from spikesim.learning.parameters import choice, flag, number, refuse_if, whole
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.updates import UpdateParameters, learn, start_of_batch

__all__ = ["ACTIVATIONS", "ESTIMATORS", "EquilibriumPropagation", "Parameters"]

ACTIVATIONS = {  # rho, and rho' = steep (r - low) (low + span - r)
    "hard": {"hard": 1, "low": 0.0, "span": 1.0, "gain": 1.0, "offset": 0.0, "steep": 0.0},
    "sigmoid4": {"hard": 0, "low": 0.0, "span": 1.0, "gain": 4.0, "offset": 2.0, "steep": 4.0},
    "logistic": {"hard": 0, "low": 0.0, "span": 1.0, "gain": 1.0, "offset": 0.0, "steep": 1.0},
    "tanh": {"hard": 0, "low": -1.0, "span": 2.0, "gain": 2.0, "offset": 0.0, "steep": 1.0},
}
"""Activations by name, and their numbers."""

STEPWISE = ("continual", "rate", "rate_post")
ESTIMATORS = ("random_sign", "one_sided", "symmetric", "vector_field", *STEPWISE)
"""How the gradient is estimated; see the `estimator` of `Parameters`."""


class Parameters(UpdateParameters):
    """Constants and options; the defaults are those of Scellier & Bengio, for C as in (2)."""

    form: str = choice("energy", "prototypical", about="dynamics")
    activation: str = choice(*ACTIVATIONS, about="rho")
    clip: bool = flag(False, "keep states of (3) in [0, 1] with smooth activations, too")
    output_slope: bool = flag(True, "rho' of the output in (3); else 1")
    nudge: str = choice("inside", "outside", about="of (4)")
    estimator: str = choice(*ESTIMATORS, about="how states are compared")
    persistent: bool = flag(True, "examples start from the state to which they last settled")
    n_free: int = whole(20, "steps of the free phase", at_least=1, at_most=5000)
    n_nudged: int = whole(4, "steps of a nudged phase", at_least=1, at_most=5000)
    n_test: int = whole(60, "steps of a test, if the free phase has fewer", at_least=1)
    beta: float = number(1.0, "nudging", symbol="β")
    epsilon: float = number(0.5, "Euler step of (3)", symbol="ε", above=0.0, at_most=1.0)
    kappa: float = number(1.0, "step of (4)", symbol="κ", above=0.0, at_most=1.0)
    initial: str = choice("glorot", "uniform", "normal", about="law of the initial weights")
    W_size: float = number(0.1, "range or deviation of other initial weights", at_least=0.0)
    feedback_scale: float = number(1.0, "of B, relative to weights of its shape", at_least=0.0)
    measure_energy: bool = flag(False, "record E of u^0 in every epoch")

    def check(self, layers, dtype):
        refuse_if(self.beta == 0.0, "beta is 0, so that nothing is nudged.")
        refuse_if(
            self.estimator == "continual" and (self.batch > 1 or self.decay > 0.0),
            "estimator is continual, which learns within a trial: batch has to be 1, and decay 0.",
        )
        refuse_if(
            self.form == "prototypical" and (self.clip or self.measure_energy),
            "form is prototypical, which has no box and no energy: no clip, no measure_energy.",
        )


def rho(x, p):
    """The activation of (3) and (4)."""
    if p.hard == 1:
        return min(max(x, 0.0), 1.0)
    return p.low + p.span * sigmoid(p.gain * x - p.offset)


def begin(j, t, s, p):
    """The state from which a phase starts."""
    s.u[j] = s.start[s.clock[TRIAL], j]
    s.r[j] = s.u[j] if p.prototypical == 1 else rho(s.u[j], p)
    s.push[j] = 0.0


def nudge(j, t, s, p):
    """beta (t - u_L), with the sign of beta in this phase."""
    sign = s.sign[s.clock[TRIAL]]
    if p.symmetric == 1 and s.clock[TOGO] < settling.half(s):
        sign = -sign
    s.push[j] = sign * p.beta * (s.target[j] - s.u[j])


def descend(j, t, s, p):
    """(3); `push` is beta (t - u), or 0."""
    slope = 1.0
    if p.sloped == 1:
        slope = p.steep * (s.r[j] - p.low) * (p.low + p.span - s.r[j])
    u = s.u[j] + p.epsilon * (slope * s.d[j] - s.u[j] + s.push[j])
    s.u[j] = min(max(u, 0.0), 1.0) if p.boxed == 1 else u
    s.r[j] = rho(s.u[j], p)


def replace(j, t, s, p):
    """(4), the output's two kinds of nudging included."""
    v = rho(s.d[j] + p.inside * s.push[j], p) + (1.0 - p.inside) * s.push[j]
    s.u[j] = (1.0 - p.kappa) * s.u[j] + p.kappa * v
    s.r[j] = s.u[j]


def compare(j, t, s, p):
    """delta = dr / beta, and m of (5); in (6), where `part` is 0, m is the earlier rate."""
    dr = s.r[j] - s.earlier[j]
    s.m[j] = s.earlier[j] + p.part * dr
    s.minus_m[j] = -s.m[j]
    s.delta[j] = p.over_beta * s.sign_output[s.clock[TRIAL]] * dr


class EquilibriumPropagation(ImageModel):
    """A layered network that settles; it learns by comparing where, with and without nudging.

    Examples
    --------
    >>> net = EquilibriumPropagation((4, 3, 2), backend="python")
    >>> history = net.fit(np.eye(4), [0, 1, 0, 1], epochs=1)
    >>> net.predict(np.eye(4)).shape
    (4,)
    """

    KIND = "equilibrium"
    TITLE = "equilibrium propagation (Scellier & Bengio 2017; Ernoult et al. 2019)"
    Parameters = Parameters
    WEIGHTS, RECORD, DRAWN = ("W", "b", "B"), ("u",), ("start", "sign")
    STREAMS = ("weights", "order", "feedback", "sign")
    PER_EXAMPLE = {"start": "particles"}  # noqa: RUF012
    PASSED = ("W", "WT")
    SUITED = {  # noqa: RUF012
        "digits": {"hidden": "100", "epochs": 15, "batch": 20, "eta": 0.2},
        "mnist": {"hidden": "500", "epochs": 25, "batch": 20, "eta": 0.1},
    }

    def properties(self):
        kind = self.parameters.estimator
        transport, phases = kind != "vector_field", 3 if kind == "symmetric" else 2
        known = knowing("pre", "post", weights=transport, past=kind != "continual")
        return Properties(transport, phases, knows=known, online=self._batch == 1)

    def weights(self, layers):
        p, chance, above = self.parameters, self.chance("weights"), self.chance("feedback")
        for layer in layers[1:]:
            layer.arrays.update(W=drawn(chance, p, layer.below.n, layer.n), b=np.zeros(layer.n))
        for layer in layers[1:-1] if p.estimator == "vector_field" else ():
            layer.arrays["B"] = p.feedback_scale * drawn(above, p, layer.above.n, layer.n)

    def arrays(self, layer):
        if layer.is_input:
            return {"r": layer.n}
        names = ["u", "r", "from_below", "d", "push", "before", "earlier", "r_0", "m", "minus_m"]
        shapes = dict.fromkeys([*names, "delta", "target"], layer.n)
        shapes |= {"particles": (0, layer.n)} if self.parameters.persistent else {}
        above = {"sign": self.block()} if layer.is_output else {"WT": (layer.above.n, layer.n)}
        return shapes | above | {"start": (self.block(), layer.n)}

    def results(self):
        return dict.fromkeys(["loss", "residual", *["energy"] * self.parameters.measure_energy], 1)

    def activity(self, layer):
        return layer.r

    def lengths(self, n, purpose):
        p = self.parameters
        nudged = 2 * p.n_nudged if p.estimator == "symmetric" else p.n_nudged
        trial = (max(p.n_free, p.n_test), 0) if purpose == TEST else (p.n_free, nudged)
        return np.tile(np.array(trial), (n, 1))

    def prepare(self, net, trial, count):
        sign, batch = np.ones(count), self.parameters.batch if net.applies else 1
        if self.parameters.estimator == "random_sign":
            chance = self.chance("sign", trial if net.applies else trial >> 32)
            sign = np.repeat(chance.choice([-1.0, 1.0], -(-count // batch)), batch)
        net.output.sign[:count] = sign[:count]

    def step(self, net):
        p, first, output = net.p, net.above_input[0], net.output
        symmetric, stepwise = p.estimator == "symmetric", p.estimator in STEPWISE
        rule = {**ACTIVATIONS[p.activation], "prototypical": int(p.form == "prototypical")}
        changing = net.applies and p.estimator == "continual"
        new = settling.at_start_or_in_second if changing else at_start_of_trial
        start = settling.at_start_or_halfway if symmetric else at_start_of_trial
        reached = settling.at_end_of_first_half if symmetric else at_end_of_first
        yield net.input.phase(units.show, "once", at_start_of_trial, h=net.input.r)
        yield first.phase(settling.drive, "block", new)
        for layer in net.hidden:
            given = {"M": layer.above.W, "M_T": layer.WT}
            yield layer.phase(transpose, when=(new, *start_of_batch(net)), **given)
        for layer in net.above_input:
            yield layer.phase(begin, when=start, **rule)
            yield layer.phase(settling.keep, when=at_end_of_first, value=layer.u, kept=layer.before)
            if stepwise:
                rates = {"value": layer.r, "kept": layer.earlier}
                yield layer.phase(settling.keep, when=settling.in_second, **rates)
        yield output.phase(nudge, when=settling.in_second, symmetric=int(symmetric))
        for layer in net.above_input[1:]:
            yield layer.phase(settling.drive, "block")
        for layer in net.hidden:
            F = layer.B if p.estimator == "vector_field" else layer.WT
            yield layer.phase(settling.receive, "block", F=F)
        for layer in net.above_input:
            sloped = not rule["hard"] and (p.output_slope or layer is not output)
            given = {**rule, "sloped": int(sloped), "boxed": int(p.clip or rule["hard"])}
            given |= {"d": layer.from_below if layer is output else layer.d}
            body = replace if p.form == "prototypical" else descend
            yield layer.phase(body, inside=float(p.nudge == "inside"), **given)
            yield layer.phase(settling.measure_residual, "once", at_end_of_first)
            yield layer.phase(settling.keep_for_trial, when=at_end_of_first, rows=layer.start)
            yield layer.phase(settling.keep, when=reached, value=layer.r, kept=layer.r_0)
        yield output.phase(units.answer, "once", at_end_of_first, h=output.u)
        yield output.phase(units.squared_error, "once", at_end_of_first, h=output.u)
        for layer in net.above_input if p.measure_energy else ():
            if layer is not first:
                yield layer.phase(settling.drive, "block", at_end_of_first)
            yield layer.phase(settling.measure_energy, "once", at_end_of_first)
        yield from self.learned(net, stepwise) if net.learning else ()

    def learned(self, net, stepwise):
        """(5) and (6): which rates are compared, when (`stepwise`?), and what is done with it."""
        p, first, end = net.p, net.above_input[0], (at_end_of_second,)
        field, when = p.estimator == "vector_field", (settling.in_second,) if stepwise else end
        over_beta = -0.5 / p.beta if p.estimator == "symmetric" else 1.0 / p.beta
        given = {"over_beta": over_beta, "part": 0.0 if field else 0.5}
        then = end if p.estimator in ("rate", "rate_post") else None
        for layer in net.above_input:
            earlier = layer.earlier if stepwise else layer.r_0
            yield layer.phase(compare, when=when, earlier=earlier, **given)
        for layer in net.above_input:
            eta, below, change = p.eta[layer.index - 1], layer.below, {"when": when, "then": then}
            yield from learn(net, layer, "b", None, layer.delta, eta * p.bias_rate, **change)
            pre = below.r if layer is first else below.m
            if not (layer is first or field or p.estimator == "rate_post"):
                change["less"] = (below.delta, layer.minus_m)
            yield from learn(net, layer, "W", pre, layer.delta, eta, p.decay, **change)
            if field and layer is not first:
                yield from learn(net, below, "B", layer.m, below.delta, eta, p.decay, end)
        for layer in net.above_input if stepwise else ():  # `update` tells the change of all steps
            yield layer.phase(compare, when=end, earlier=layer.r_0, **given)

    def gradient(self, x, targets):
        """The gradient of the settled cost: `symmetric`, with a small beta and many steps."""
        given = self.parameters._asdict() | {"estimator": "symmetric", "beta": 1e-3, "batch": 1}
        given |= {"n_free": 1000, "n_nudged": 1000, "optimizer": "plain", "dtype": "float64"}
        net = type(self)(self.sizes, seed=self.seed, backend=self.backend, **given)
        for m in range(len(self.W)):
            net.W[m], net.b[m] = self.W[m], self.b[m]
        return net.update(x, targets)
