"""Initial weights of the segregated-dendrite network: the authors' script's, or their preprint's.

Both aim at hidden voltages of mean and deviation 3 mV, and find the moments of weights for them.
The script then draws weights of twice that deviation. Until May 2017, thus when the preprints
appeared (arXiv:1610.00161), it drew weights of that deviation. Its broadcast feedback was a product
of random matrices, one for each layer on the way down, and so stronger in lower layers: in the
first of 784-500-100-10 about seven times.
"""

import numpy as np


def weights(model, layers):
    """Draw all weights and biases."""
    p, chance, feedback = model.parameters, model.chance("weights"), model.chance("feedback")
    hidden, above = layers[1:-1], None
    for layer in layers[1:]:
        n = layer.below.n
        layer.arrays["W"] = draw(model, chance, *moments(n, p.phi_max), n, layer.n)
        layer.arrays["b"] = draw(model, chance, 0.8, 0.001, layer.n)
    if p.initial == "script" or p.feedback == "layered":
        for layer in hidden:
            shape = layer.n, model.source(layer).n
            layer.arrays["Y"] = draw(model, feedback, *moments(layer.n, p.phi_max), *shape)
        return
    for layer in reversed(hidden):
        _, sd = moments(layer.n, p.phi_max)
        step = draw(model, feedback, 0.0, sd, layer.n, layer.above.n)
        above = step if above is None else step @ above
        layer.arrays["Y"] = above


def draw(model, chance, mean, sd, *shape):
    """mean + 3.465 sd U; U(-1, 1), the script's choice, has twice the deviation that it needs."""
    half = 1.0 if model.parameters.initial == "script" else 0.5
    return (mean + 3.465 * sd * chance.uniform(-half, half, shape)).astype(model.dtype)


def moments(inputs, phi_max):
    """Mean and deviation of weights from `inputs` inputs that fire at phi_max / 4 on average."""
    V_avg, V_sd, b_avg, nu, N = 3.0, 3.0, 0.8, 0.25 * phi_max, inputs
    V_sm = V_sd**2 + V_avg**2
    W_avg = (V_avg - b_avg) / (nu * N * V_avg)
    spread = V_sm + nu**2 * (N - N**2) * W_avg**2 * V_avg**2 - 2 * N * nu * b_avg * V_avg * W_avg
    W_sm = (spread - b_avg**2) / (N * nu**2 * V_sm)
    return W_avg, float(np.sqrt(W_sm - W_avg**2))
