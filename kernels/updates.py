"""Weight updates from the product of two activities: at once, or summed over a minibatch.

An update changes ``M[pre, post]`` by a direction g times a rate; the decay is not multiplied by the
rate:

    M <- kept M + rate change(g),     g = pre^T post, or its mean or sum over the batch

Rules that compare two states of a network have a difference of products in place of g, of which
`contrast` and `sum_contrast` take the second, pre_less^T post_less, off the first.

Online, `add_product` does this in one pass. In minibatches, `sum_product` adds g to a sum in every
trial; at the end of the batch `apply` or an optimiser uses the sum and begins a new one.

In three-factor rules a synapse has an eligibility E[pre, post] of its own, and g = E post: `post`
is the third factor that its unit gets. `add_eligible` and `sum_eligible` are for these.
"""

from __future__ import annotations

from spikesim.kernels.dense import add_contrast, add_outer
from spikesim.kernels.dense import add_eligible as add_third_factor
from spikesim.kernels.functions import exp, real, sqrt
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import TRIAL

__all__ = [
    "ADAM",
    "MOMENTUM",
    "PLAIN",
    "RMSPROP",
    "add_bias",
    "add_eligible",
    "add_product",
    "apply",
    "apply_bias",
    "at_end_of_batch",
    "at_start_of_batch",
    "contrast",
    "count_update",
    "keep_sparse",
    "optimize",
    "optimize_bias",
    "sum_bias",
    "sum_contrast",
    "sum_eligible",
    "sum_product",
]

PLAIN, MOMENTUM, RMSPROP, ADAM = range(4)


def at_start_of_batch(s, p):
    """Whether this trial is the first of its batch."""
    return s.begins[s.clock[TRIAL]] == 1


def at_end_of_batch(s, p):
    """Whether this trial is the last of its batch; its entry of ``s.ends`` is the batch's size."""
    return s.ends[s.clock[TRIAL]] > 0


# ----------------------------------------------------------------------------- one at a time


def add_product(c, t, s, p):
    """M <- kept M + rate pre^T post, for a block of columns."""
    first, last = bounds(c, s.M.shape[1], p)
    add_outer(p.kept, p.rate, s.pre, s.post, s.M, first, last)


def add_eligible(c, t, s, p):
    """M <- kept M + rate E post, for a block of columns."""
    first, last = bounds(c, s.M.shape[1], p)
    add_third_factor(p.kept, p.rate, s.E, s.post, s.M, first, last)


def contrast(c, t, s, p):
    """M <- kept M + rate (pre^T post - pre_less^T post_less), for a block of columns."""
    first, last = bounds(c, s.M.shape[1], p)
    add_contrast(p.kept, p.rate, s.pre, s.post, s.pre_less, s.post_less, s.M, first, last)


def add_bias(j, t, s, p):
    """The same for biases, which do not decay."""
    s.M[j] = s.M[j] + p.rate * s.post[j]


# ----------------------------------------------------------------------------- in batches


def sum_product(c, t, s, p):
    """Add this trial's product to M, the sum of its batch."""
    first, last = bounds(c, s.M.shape[1], p)
    add_outer(1.0, p.sign, s.pre, s.post, s.M, first, last)


def sum_eligible(c, t, s, p):
    """Add this trial's E post to M, the sum of its batch."""
    first, last = bounds(c, s.M.shape[1], p)
    add_third_factor(1.0, p.sign, s.E, s.post, s.M, first, last)


def sum_contrast(c, t, s, p):
    """Add this trial's difference of products to M, the sum of its batch."""
    first, last = bounds(c, s.M.shape[1], p)
    add_contrast(1.0, p.sign, s.pre, s.post, s.pre_less, s.post_less, s.M, first, last)


def sum_bias(j, t, s, p):
    """The same for biases."""
    s.M[j] = s.M[j] + p.sign * s.post[j]


def count_update(_, t, s, p):
    """Count the updates, including this one."""
    s.updates[0] += 1


def share(s, p):
    """The factor that turns the sum of a batch into g: a mean is over the examples it had."""
    return 1.0 / real(s.ends[s.clock[TRIAL]]) if p.mean == 1 else 1.0


def change(g, m, v, n, p):
    """The change that an optimiser makes of direction g in the n-th update, and its new moments.

    Momentum: m <- mu m + g. RMSprop: g over the root of the running mean of g^2. Adam: the running
    mean of g over the same root, both corrected for the bias of starting at 0.
    """
    if p.rule == MOMENTUM:
        m = p.momentum * m + g
        return m, m, v
    if p.rule == RMSPROP:
        v = p.forget * v + (1.0 - p.forget) * g * g
        return g / (sqrt(v) + p.floor), m, v
    if p.rule == ADAM:
        m = p.momentum * m + (1.0 - p.momentum) * g
        v = p.forget * v + (1.0 - p.forget) * g * g
        mean = m / (1.0 - exp(n * p.log_momentum))
        square = v / (1.0 - exp(n * p.log_forget))
        return mean / (sqrt(square) + p.floor), m, v
    return g, m, v


def apply(i, t, s, p):
    """M <- kept M + rate g, for row i; begins a new sum."""
    part = share(s, p)
    for j in range(s.M.shape[1]):
        s.M[i, j] = p.kept * s.M[i, j] + p.rate * (part * s.M_sum[i, j])
        s.M_sum[i, j] = 0.0


def apply_bias(j, t, s, p):
    """The same for bias j, which does not decay."""
    s.M[j] = s.M[j] + p.rate * (share(s, p) * s.M_sum[j])
    s.M_sum[j] = 0.0


def optimize(i, t, s, p):
    """M <- kept M + rate change(g), for row i; begins a new sum."""
    part = share(s, p)
    n = real(s.updates[0])
    for j in range(s.M.shape[1]):
        g = part * s.M_sum[i, j]
        by, s.first[i, j], s.second[i, j] = change(g, s.first[i, j], s.second[i, j], n, p)
        s.M[i, j] = p.kept * s.M[i, j] + p.rate * by
        s.M_sum[i, j] = 0.0


def optimize_bias(j, t, s, p):
    """The same for bias j."""
    n = real(s.updates[0])
    g = share(s, p) * s.M_sum[j]
    by, s.first[j], s.second[j] = change(g, s.first[j], s.second[j], n, p)
    s.M[j] = s.M[j] + p.rate * by
    s.M_sum[j] = 0.0


def keep_sparse(i, t, s, p):
    """Keep the weights of absent synapses at 0."""
    for j in range(s.M.shape[1]):
        s.M[i, j] = s.M[i, j] * s.mask[i, j]
