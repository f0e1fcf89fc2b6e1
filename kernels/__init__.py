"""Equations as scalar functions, and the machinery that turns them into one compiled loop.

The unit of work is a `Phase`: ``body(i, t, s, p)`` for every ``i`` in ``range(over(t, s, p))``. A
step is an ordered list of Phases, fused by `spikesim.kernels.program` into one ``run(t0, n)``.
Nothing in this folder knows what a network is.
"""
