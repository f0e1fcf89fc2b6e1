"""Dense products inside the compiled loop: of a vector and a matrix, and of two vectors.

Matrices are ``M[row, column]``; weights are ``W[pre, post]``. Bodies call these functions for a
block of columns or for one row: see `spikesim.kernels.spikes.bounds`.
"""

from __future__ import annotations

__all__ = [
    "add_contrast",
    "add_eligible",
    "add_outer",
    "multiply",
    "multiply_lit",
    "multiply_rows",
    "row_product",
]


def multiply(x, M, out, first, last):
    """out += x M, in some columns; each pass adds eight rows of M, or skips them if all x are 0.

    Four fifths of the pixels of an image are black, and most of them lie side by side.
    """
    rows = x.shape[0]
    eights = rows - rows % 8
    for i in range(0, eights, 8):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        x4, x5, x6, x7 = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        low_is_zero = x0 == 0.0 and x1 == 0.0 and x2 == 0.0 and x3 == 0.0
        if not (low_is_zero and x4 == 0.0 and x5 == 0.0 and x6 == 0.0 and x7 == 0.0):
            for j in range(first, last):
                low = x0 * M[i, j] + x1 * M[i + 1, j] + x2 * M[i + 2, j] + x3 * M[i + 3, j]
                high = x4 * M[i + 4, j] + x5 * M[i + 5, j] + x6 * M[i + 6, j] + x7 * M[i + 7, j]
                out[j] = out[j] + (low + high)
    for i in range(eights, rows):
        for j in range(first, last):
            out[j] = out[j] + x[i] * M[i, j]


def multiply_lit(x, M, out, first, last):
    """The same for x of which many are 0, here and there: eight rows at a time, without those."""
    many = 0
    i0 = i1 = i2 = i3 = i4 = i5 = i6 = i7 = 0
    for i in range(x.shape[0]):
        if x[i] != 0.0:
            i0, i1, i2, i3, i4, i5, i6, i7 = i1, i2, i3, i4, i5, i6, i7, i
            many += 1
            if many == 8:
                many = 0
                x0, x1, x2, x3 = x[i0], x[i1], x[i2], x[i3]
                x4, x5, x6, x7 = x[i4], x[i5], x[i6], x[i7]
                for j in range(first, last):
                    low = x0 * M[i0, j] + x1 * M[i1, j] + x2 * M[i2, j] + x3 * M[i3, j]
                    high = x4 * M[i4, j] + x5 * M[i5, j] + x6 * M[i6, j] + x7 * M[i7, j]
                    out[j] = out[j] + (low + high)
    while many > 0:
        many -= 1
        x7 = x[i7]
        for j in range(first, last):
            out[j] = out[j] + x7 * M[i7, j]
        i1, i2, i3, i4, i5, i6, i7 = i0, i1, i2, i3, i4, i5, i6


def multiply_rows(X, begin, M, out, first, last):
    """out = X[begin : begin + rows of out] M, in some columns."""
    for v in range(out.shape[0]):
        for j in range(first, last):
            out[v, j] = 0.0
        for i in range(M.shape[0]):
            x = X[begin + v, i]
            for j in range(first, last):
                out[v, j] = out[v, j] + x * M[i, j]


def row_product(M, i, x):
    """Row i of M times x, as eight partial sums: in one sum each addition waits for the last."""
    columns = M.shape[1]
    eights = columns - columns % 8
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    for j in range(0, eights, 8):
        a0 += M[i, j] * x[j]
        a1 += M[i, j + 1] * x[j + 1]
        a2 += M[i, j + 2] * x[j + 2]
        a3 += M[i, j + 3] * x[j + 3]
        a4 += M[i, j + 4] * x[j + 4]
        a5 += M[i, j + 5] * x[j + 5]
        a6 += M[i, j + 6] * x[j + 6]
        a7 += M[i, j + 7] * x[j + 7]
    total = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
    for j in range(eights, columns):
        total += M[i, j] * x[j]
    return total


def add_outer(kept, factor, x, y, M, first, last):
    """M <- kept M + factor x^T y, in some columns; skips rows that would not change."""
    for i in range(M.shape[0]):
        if x[i] != 0.0 or kept != 1.0:
            z = factor * x[i]
            for j in range(first, last):
                M[i, j] = kept * M[i, j] + z * y[j]


def add_eligible(kept, factor, E, y, M, first, last):
    """M <- kept M + factor E y, where y has one number for each column; in some columns."""
    for i in range(M.shape[0]):
        for j in range(first, last):
            M[i, j] = kept * M[i, j] + factor * (E[i, j] * y[j])


def add_contrast(kept, factor, x, y, x_less, y_less, M, first, last):
    """M <- kept M + factor (x^T y - x_less^T y_less), in some columns."""
    for i in range(M.shape[0]):
        z = factor * x[i]
        z_less = factor * x_less[i]
        for j in range(first, last):
            M[i, j] = kept * M[i, j] + (z * y[j] - z_less * y_less[j])
