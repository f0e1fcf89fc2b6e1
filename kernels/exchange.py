"""Spikes on their way between processes that each advance a share of the neurons.

In every step, a process appends the list of its own spikes to an outbox:

    heads, tails, ids[0], ..., ids[heads + tails - 1]

`heads` entries ascend. The `tails` after them are the second and further spikes of neurons that
emit several, as `spikesim.kernels.spikes.collect` lists them. The inbox has the outboxes of all
processes. Those own consecutive neurons, so all heads in the order of the processes, and then all
tails, are the list that one process would have made.
"""

from __future__ import annotations

__all__ = ["pack", "unpack"]


def pack(_, t, s, p):
    """Append this step's list to the outbox; ``fill[0]`` is its length."""
    slot = t % s.ids.shape[0]
    entries = s.count[slot]
    place = s.fill[0]
    heads = min(entries, 1)
    while heads < entries and s.ids[slot, heads - 1] < s.ids[slot, heads]:
        heads += 1
    s.outbox[place] = heads
    s.outbox[place + 1] = entries - heads
    for a in range(entries):
        s.outbox[place + 2 + a] = s.ids[slot, a]
    s.fill[0] = place + 2 + entries


def unpack(_, t, s, p):
    """Make one list of the lists of all processes; ``place[r]`` is how far process r was read."""
    slot = t % s.ids.shape[0]
    m = 0
    for r in range(s.place.shape[0]):
        first = s.place[r] + 2
        heads = s.inbox[first - 2]
        for a in range(heads):
            s.ids[slot, m + a] = s.inbox[first + a]
        m += heads
    for r in range(s.place.shape[0]):
        heads = s.inbox[s.place[r]]
        tails = s.inbox[s.place[r] + 1]
        first = s.place[r] + 2 + heads
        for a in range(tails):
            s.ids[slot, m + a] = s.inbox[first + a]
        m += tails
        s.place[r] = first + tails
    s.count[slot] = m
