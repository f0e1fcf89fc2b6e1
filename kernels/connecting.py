"""Which synapses exist, for compiled code: rows of targets, as NumPy's generator draws them.

`spikesim.engine.connectivity` draws a row at a time with NumPy, whose calls cost more than the
draws. These functions make all rows in one call. They draw the same numbers in the same order, from
the same generator: `word` and `binomial` are calls of NumPy's own functions. See
`spikesim.kernels.machine.helpers`, which compiles and calls them.

A row is put in order without sorting. Each target sets its bit among the bits of all neurons, and
the bits are read in order. A second array has a bit for each 64 of them, so that few words of a
sparse row are looked at.
"""

from __future__ import annotations

from spikesim.kernels.machine.helpers import binomial, lowest_bit, word

__all__ = ["choose", "count", "order", "turn"]

MASK = 0xFFFFFFFF
FEW = 16
"""Rows below this size are sorted by insertion."""


def below(n, next_word, state):
    """A whole number from 0 to n - 1, all as likely, from as few words as may be.

    Lemire (2019), doi:10.1145/3230636: n times a word of 32 bits, divided by 2^32. The words that
    would make some numbers likelier are drawn again.
    """
    if n == 1:
        return 0
    product = n * word(next_word, state)
    if (product & MASK) < n:
        least = (MASK + 1 - n) % n
        while (product & MASK) < least:
            product = n * word(next_word, state)
    return (product >> 32) & MASK


def has(target, bits):
    return (bits[target >> 6] >> (target & 63)) & 1


def mark(target, bits, blocks):
    bits[target >> 6] |= 1 << (target & 63)
    blocks[target >> 12] |= 1 << ((target >> 6) & 63)


def choose(s, p):
    """The different targets of each neuron of ``p.first:p.last``, until there is no more room.

    Of `n` targets, a neuron has `size`, or each with a `probability` if that is not negative. With
    `exclude`, numbers stand for all targets but the neuron itself. `done` holds the rows that are
    complete, and the size of the next one once it is drawn; `numbers` holds 0 to n - 1.
    """
    n = p.n
    row = s.done[0]
    while row < p.last:
        size = s.done[1]
        if size < 0:
            size = p.size
            if p.probability >= 0.0:
                size = binomial(p.draw_binomial, p.generator, p.probability, n, p.memo)
        k = s.start[row]
        if k + size > s.target.size:
            s.done[1] = size
            break
        tail = n - size
        if n > 10000 and size > n // 20:
            shuffle_end(max(tail, 1), n, s.numbers, p.next_word, p.state)
            for j in range(tail, n):
                mark(int(s.numbers[j]), s.bits, s.blocks)
            for j in range(tail, n):  # each number back to its place
                number = int(s.numbers[j])
                if number < tail:
                    s.numbers[number] = number
            for j in range(tail, n):
                s.numbers[j] = j
        else:
            for j in range(tail, n):  # Floyd's algorithm
                target = below(j + 1, p.next_word, p.state)
                mark(j if has(target, s.bits) else target, s.bits, s.blocks)
        s.start[row + 1] = read(k, row if p.exclude else n, s)
        row += 1
        s.done[0] = row
        s.done[1] = -1


def shuffle_end(first, n, numbers, next_word, state):
    """Exchange each number from the last to `first` with one that is not behind it."""
    for j in range(n - 1, first - 1, -1):
        other = below(j + 1, next_word, state)
        number = numbers[j]
        numbers[j] = numbers[other]
        numbers[other] = number


def read(k, excluded, s):
    """Write all marked targets from place `k` on, in order, and unmark them; returns the end."""
    for b in range(s.blocks.size):
        block = s.blocks[b]
        s.blocks[b] = 0
        while block != 0:
            w = (b << 6) + lowest_bit(block)
            block &= block - 1
            bits = s.bits[w]
            s.bits[w] = 0
            while bits != 0:
                target = (w << 6) + lowest_bit(bits)
                bits &= bits - 1
                s.target[k] = target + (target >= excluded)
                k += 1
    return k


def order(s, p):
    """Put each row of ``p.first:p.last`` in order; with `exclude`, as in `choose`."""
    for row in range(p.first, p.last):
        first = s.start[row]
        last = s.start[row + 1]
        excluded = row if p.exclude else p.n
        if last - first < FEW:
            insert(first, last, excluded, s.target)
        else:
            for k in range(first, last):
                target = int(s.target[k])
                if has(target, s.bits):
                    s.more[target] += 1
                    s.again[target >> 6] |= 1 << (target & 63)
                else:
                    mark(target, s.bits, s.blocks)
            read_all(first, excluded, s)


def insert(first, last, excluded, targets):
    for k in range(first, last):
        target = int(targets[k])
        target += target >= excluded
        j = k
        while j > first and targets[j - 1] > target:
            targets[j] = targets[j - 1]
            j -= 1
        targets[j] = target


def read_all(k, excluded, s):
    """The same as `read`, but each target as often as it was met."""
    for b in range(s.blocks.size):
        block = s.blocks[b]
        s.blocks[b] = 0
        while block != 0:
            w = (b << 6) + lowest_bit(block)
            block &= block - 1
            bits = s.bits[w]
            again = s.again[w]
            s.bits[w] = 0
            s.again[w] = 0
            while bits != 0:
                place = lowest_bit(bits)
                bits &= bits - 1
                target = (w << 6) + place
                s.target[k] = target + (target >= excluded)
                k += 1
                if (again >> place) & 1:
                    for _ in range(s.more[target]):
                        s.target[k] = target + (target >= excluded)
                        k += 1
                    s.more[target] = 0


def count(s, p):
    """Count how often each source is one of the targets ``p.first:p.last``."""
    for k in range(p.first * p.size, p.last * p.size):
        s.next[p.lane, s.source[k]] += 1


def turn(s, p):
    """Rows of sources, from rows of `size` sources for each of the targets ``p.first:p.last``.

    Targets come in order, so rows are in order. `next` is where the next target of each source
    goes; several threads, or lanes, have different targets.
    """
    k = p.first * p.size
    for target in range(p.first, p.last):
        for _ in range(p.size):
            source = s.source[k]
            place = s.next[p.lane, source]
            s.next[p.lane, source] = place + 1
            s.target[place] = target
            k += 1
