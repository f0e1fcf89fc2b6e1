"""Weight and node perturbation: learning from what random changes do to the loss, and nothing else.

Weights: Jabri & Flower (1992), doi:10.1109/72.105429. Nodes: Widrow & Lehr (1990), 10.1109/5.58323.
Trials in time: Züge, Klos & Memmesheimer (2023), doi:10.1103/PhysRevX.13.021006. Symbols are those
of `learning.forward`; xi and Xi are standard normal, and Xi is 0 if `perturbed` is `nodes`:

    a'_l = h'_{l-1} (W_l + sigma Xi_l) + b_l + sigma xi_l,   h'_l = f(a'_l),   E' its loss    (1)
    d = -(E' - E) / sigma                                                                     (2)
    W_l <- W_l + eta_l d E_l,   b_l <- b_l + eta_l d x_l                                      (3)
    E_l = Xi_l (`weights`), or h_{l-1}^T x_l (`nodes`);   x_l = xi_l                          (4)

For small sigma, the mean change is that of backpropagation. E in (2) and h in (4) are: `clean`, of
a pass without noise; `antithetic`, E' and the mean h' of two passes with xi and -xi, 2 sigma apart;
`mean`, h' of the only pass, and the running mean of E', which begins as the first E':

    mean <- mean + leak (E' - mean), once per update, after it was used                       (5)

With `on` = `activity`, noise of nodes comes after f, but before f at an output whose loss takes a
logarithm, and x_l = xi_l f'(a_l). `normalised` (Dalm et al. 2023) takes the whole change of a unit
for its noise, and divides by its mean square over the N units of all layers:

    x_l = (a'_l - a_l) / sigma,   d = -(E' - E) / sigma <x^2>                                 (6)

A `trial` is a batch, whose examples are bins of time that all learn from the loss of the whole:

    W_l <- W_l + eta_l (sum over bins of d) (mean or sum over bins of E_l)                    (7)
"""

import numpy as np

from spikesim import plot
from spikesim.kernels import perturbing, units
from spikesim.kernels.trials import FIRST, TRIAL
from spikesim.kernels.updates import at_start_of_batch
from spikesim.learning import forward as rates
from spikesim.learning.alignment import backpropagated, cosines
from spikesim.learning.images import ImageModel
from spikesim.learning.model import MEASURING, TEST
from spikesim.learning.parameters import choice, flag, number, refuse_if
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.updates import count_updates, end_of_batch, learn, start_of_batch

__all__ = ["Parameters", "Perturbation"]

AT_ONCE = 4_000_000  # numbers of noise that are drawn for a compiled call, at most


class Parameters(rates.ForwardParameters):
    """Constants and options; the defaults are those of node perturbation, online."""

    perturbed: str = choice("nodes", "weights", about="what gets noise")
    sigma: float | None = number(
        None, "of the noise; by default 0.001, in float32 0.01", symbol="σ", above=0, optional=True
    )
    baseline: str = choice("clean", "antithetic", "mean", about="what E' is compared with")
    leak: float = number(0.05, "of the mean loss, per update", above=0.0, at_most=1.0)
    on: str = choice("drive", "activity", about="where noise of nodes is added")
    slope: bool = flag(True, "noise on activities is multiplied by f' for learning")
    normalised: bool = flag(False, "learn from the whole change of a unit, over its mean square")
    noise_per: str = choice("example", "batch", about="that has weight noise of its own")
    shape: str = choice("example", "trial", about="whose loss counts; a `trial` is a batch")

    def check(self, layers, dtype):
        weights, shared = self.perturbed == "weights", self.noise_per == "batch"
        trial, mean = self.shape == "trial", self.baseline == "mean"
        activity, whole = self.on == "activity", self.normalised
        refuse_if(weights and activity, "on='activity' requires perturbed='nodes'.")
        refuse_if(weights and whole, "normalised=True requires perturbed='nodes'.")
        refuse_if(shared and not weights, "noise_per='batch' requires perturbed='weights'.")
        refuse_if(trial and weights and not shared, "shape='trial' of weights: noise_per='batch'.")
        refuse_if(whole and activity, "normalised=True requires on='drive'.")
        refuse_if(whole and mean, "normalised=True requires baseline='clean' or 'antithetic'.")
        refuse_if(whole and trial, "normalised=True requires shape='example'.")


def through_slope(j, t, s, p):
    """x of (4), if the noise comes after f."""
    s.x[j] = s.x[j] * s.slope[j]


def notice_change(j, t, s, p):
    """x of (6)."""
    s.x[j] = (s.a_plus[j] - s.a_less[j]) / p.apart


def compare(_, t, s, p):
    """d of (2) and (6), and its sum of (7)."""
    s.losses[0] = s.less[s.clock[TRIAL]]
    s.losses[1] = s.E_plus[s.clock[TRIAL]]
    d = -(s.losses[1] - s.losses[0]) / p.apart
    if p.whole == 1:
        d = d / s.square[0]
    s.d[0] = s.d[0] + d if p.summed == 1 and not at_start_of_batch(s, p) else d


def credit(j, t, s, p):
    """d x of (3) for unit j, and d for its synapses."""
    s.delta_hat[j] = s.d_output[0] * s.learned[j]
    s.third[j] = s.d_output[0]


class Perturbation(ImageModel):
    """A layered network of rate units that learns from one number: how noise changes the loss.

    Examples
    --------
    >>> net = Perturbation((4, 3, 2), backend="python")
    >>> history = net.fit(np.eye(4), [0, 1, 0, 1], epochs=1)
    >>> net.predict(np.eye(4)).shape
    (4,)
    """

    KIND = "perturbation"
    TITLE = "weight and node perturbation (Jabri & Flower 1992; Züge et al. 2023)"
    Parameters = Parameters
    STREAMS = ("weights", "order", "noise")
    DRAWN = ("xi", "Xi")
    SUITED = {  # noqa: RUF012
        "digits": {"hidden": "30", "epochs": 30, "batch": 10},
        "mnist": {"hidden": "100", "epochs": 20, "eta": 0.0005},
    }
    RECORD = ("h", "h_plus", "x")
    KEEP = {"losses": FIRST}  # noqa: RUF012

    def properties(self):
        """Synapses with noise of their own know it, and no activity."""
        once, nodes = self.parameters.baseline == "mean", self.parameters.perturbed == "nodes"
        known = knowing("reward", pre=nodes, post=nodes, past=nodes and (self.in_time or not once))
        return Properties(False, 1 if once else 2, knows=known, online=self._batch == 1)

    def weights(self, layers):
        chance, p = self.chance("weights"), self.parameters
        for layer in layers[1:]:
            layer.arrays["W"] = rates.drawn(chance, p, layer.below.n, layer.n)
            layer.arrays["b"] = np.zeros(layer.n)
        if p.baseline == "mean":
            layers[-1].arrays["mean"] = np.zeros(2)

    def block(self):
        size = sum(m * n for m, n in zip(self.sizes, self.sizes[1:], strict=False))
        many = AT_ONCE // size if self.parameters.perturbed == "weights" else 500
        return max(1, min(many, 500) // self._batch) * self._batch

    def arrays(self, layer):
        p, n, shapes = self.parameters, layer.n, rates.forward_arrays(layer, self.parameters)
        if layer.is_input:
            return shapes
        for each in ("plus", "minus", "between") if p.baseline == "antithetic" else ("plus",):
            shapes.update({f"a_{each}": n, f"h_{each}": n, f"slope_{each}": n})
        shapes.update(xi=(self.block(), n), x=n, x_sum=n, delta_hat=n, third=n)
        if p.perturbed == "weights":
            shapes["Xi"] = (self.block(), layer.below.n, n)
        if p.perturbed == "weights" or self.in_time:
            shapes["E"] = (layer.below.n, n)
        if layer.is_output:
            shapes.update(E_plus=self.block(), E_less=self.block(), d=1, square=1, losses=2)
        return shapes

    @property
    def in_time(self):
        """Whether (7) holds, which it does anyway for weights that share their noise."""
        return self.parameters.shape == "trial" and self.parameters.perturbed == "nodes"

    def prepare(self, net, trial, count):
        shared, of_update = self.parameters.noise_per == "batch", trial % 2**32
        if net.purpose == MEASURING:  # the examples of an update are one batch
            net.shared.arrays["begins"][0] = of_update == 0
            for layer in net.above_input if self.in_time else ():
                layer.W_sum[...] = layer.b_sum[...] = 0.0
            trial -= of_update if shared else 0
        for layer in net.above_input if net.purpose != TEST else ():
            chance = self.chance("noise", net.purpose, trial, layer.index)
            for name in self.DRAWN if "Xi" in layer.arrays else ("xi",):
                rows = layer.arrays[name][: count : self._batch if shared and net.applies else 1]
                rows[...] = chance.standard_normal(rows.shape, rows.dtype)

    def learned_from(self, layer):
        return layer.arrays.get("delta_hat")

    def backpropagated(self, layer):
        return layer.arrays.get("delta")

    def step(self, net):
        p, output = net.p, net.output
        yield from rates.forward(net)
        if net.purpose == TEST:
            return
        once = start_of_batch(net) if p.noise_per == "batch" else ()
        for layer in net.above_input:
            yield layer.phase(perturbing.take, when=once)
            if "Xi" in layer.arrays:
                yield layer.phase(perturbing.take_weights, "block", once)
        sigma = p.sigma or (1e-2 if self.dtype == "float32" else 1e-3)
        yield from self.noisy(net, "plus", sigma, output.E_plus)
        if p.baseline == "antithetic":
            yield from self.noisy(net, "minus", -sigma, output.E_less)
            for layer in net.above_input:
                yield layer.phase(perturbing.between)
        yield from self.compared(net, 2.0 * sigma if p.baseline == "antithetic" else sigma)
        if p.measure_angle or net.purpose == MEASURING:
            yield from backpropagated(net)
        if p.measure_angle:
            yield from cosines(net, "delta_hat", "delta")
        if net.learning:
            yield from count_updates(net)
            for layer in net.above_input:
                yield from self.learned(net, layer)
        if p.baseline == "mean" and net.applies:
            yield output.phase(perturbing.follow, "once", when=end_of_batch(net))

    def noisy(self, net, name, size, loss):
        """(1), in arrays of its own; the drive from the input is known from the clean pass."""
        for layer in net.above_input:
            a, h, slope = (layer.arrays[f"{each}_{name}"] for each in ("a", "h", "slope"))
            base, below, late = layer.a, net.input.h, self.is_late(layer)
            if layer.index > 1:
                base, below = a, layer.below.arrays[f"h_{name}"]
                yield layer.phase(units.drive, "block", h_below=below, a=a)
            given = {"noisy": a, "size": 0.0 if late else size}
            yield layer.phase(perturbing.add_noise, base=base, **given)
            if "Xi" in layer.arrays:
                yield layer.phase(perturbing.add_weight_noise, "block", h_below=below, **given)
            yield rates.activated(layer, net.p, a=a, h=h, slope=slope)
            if late:
                yield layer.phase(perturbing.add_noise, base=h, noisy=h, size=size)
        yield rates.judged(net.output, net.p, h=h, loss=loss)

    def is_late(self, layer):
        """Whether the noise of a layer comes after f."""
        logarithm = layer.is_output and self.parameters.output in ("softmax", "logistic_ce")
        return self.parameters.on == "activity" and not logarithm

    def used(self, layer, name):
        """The array of h or f' from which a layer learns."""
        of_pass = {"clean": "", "antithetic": "_between", "mean": "_plus"}[self.parameters.baseline]
        return layer.arrays[name if layer.is_input else name + of_pass]

    def compared(self, net, apart):
        """(2), (4) and (6): what each layer learns from."""
        p, output, loss = net.p, net.output, net.shared.arrays["loss"]
        for layer in net.above_input:
            if p.normalised:
                less = layer.a_minus if p.baseline == "antithetic" else layer.a
                yield layer.phase(notice_change, a_less=less, apart=apart)
                yield layer.phase(perturbing.add_squares, "once", N=float(sum(self.sizes[1:])))
            elif p.slope and self.is_late(layer):
                yield layer.phase(through_slope, slope=self.used(layer, "slope"))
            if self.in_time:
                yield layer.phase(perturbing.gather, "block", pre=self.used(layer.below, "h"))
                yield layer.phase(perturbing.gather_bias)
        if p.baseline == "mean":
            given = {"start": output.E_plus if net.applies else loss}
            yield output.phase(perturbing.expect, "once", **given)
        less = loss if p.baseline == "clean" else output.E_less
        given = {"whole": int(p.normalised), "summed": int(self.in_time)}
        yield output.phase(compare, "once", less=less, apart=apart, **given)
        for layer in net.above_input:
            yield layer.phase(credit, learned=layer.x_sum if self.in_time else layer.x)

    def learned(self, net, layer):
        """(3)."""
        p, eta = net.p, net.p.eta[layer.index - 1]
        when = end_of_batch(net) if self.in_time else ()
        product = self.used(layer.below, "h"), layer.delta_hat
        if "E" in layer.arrays:
            product = layer.E, layer.third
        yield from learn(net, layer, "W", *product, eta, p.decay, when)
        yield from learn(net, layer, "b", None, layer.delta_hat, eta * p.bias_rate, 0.0, when)

    @staticmethod
    def draw(net, data, pictures):
        """Draw what noise does to activities and to the loss of the first test image."""
        trial = net.record(data.test_images[0], int(data.test_labels[0]))
        pictures.keep("noise.png", plot.noise(trial)[0].figure)
        return trial
