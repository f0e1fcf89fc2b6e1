"""Equations as scalar functions, and the machinery that turns them into one compiled loop.

The unit of work is a `Phase`: ``body(i, t, s, p)`` for every ``i`` in ``range(over(t, s, p))``. A
step is an ordered list of Phases, fused by `spikesim.kernels.machine.program` into one
``run(t0, n)``. Bodies lie here, and `machine` compiles them; nothing in this folder knows what a
network is.
"""
