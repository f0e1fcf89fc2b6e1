"""Traces and averages from which plasticity rules are built.

The bodies run per neuron, per synapse ``W[pre, post]``, or per spike. A rule combines one or two of
them with a body that changes the weights; `examples/own_plasticity_rule.py` shows one.
"""

from __future__ import annotations

__all__ = ["accumulate", "eligibility", "presynaptic", "trace", "traced"]


def traced(t, s, p):
    return s.trace.shape[0]


def trace(i, t, s, p):
    """Exponential trace of a neuron's spikes: x <- decay x + spikes, with decay = exp(-dt/tau)."""
    s.trace[i] = p.decay * s.trace[i] + s.spike[i]


def presynaptic(t, s, p):
    return s.eligibility.shape[0]


def eligibility(i, t, s, p):
    """Eligibility of all synapses of presynaptic neuron i: e <- decay e + pre post."""
    for j in range(s.eligibility.shape[1]):
        s.eligibility[i, j] = p.decay * s.eligibility[i, j] + s.pre[i] * s.post[j]


def accumulate(i, t, s, p):
    """Add this step's share of a mean: mean += value / (steps of the window)."""
    s.mean[i] += s.value[i] * p.share
