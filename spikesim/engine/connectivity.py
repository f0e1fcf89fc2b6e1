"""Which synapses exist: rules that draw them, and their compact form.

Synapses are stored in rows of presynaptic neurons: the targets of neuron i are
``target[start[i]:start[i + 1]]``, in ascending order; a neuron with two synapses is listed twice. A
target takes two bytes in populations of at most 65,536 neurons, and four in larger ones. One
generator draws everything, and depends only on a seed and a stream. From `MANY` synapses on,
compiled code makes the same ones (`spikesim.engine.many_synapses`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_choice, check_integer, check_memory, check_number
from spikesim.engine import many_synapses
from spikesim.engine.many_synapses import MANY
from spikesim.errors import InputError

__all__ = [
    "Plan",
    "Synapses",
    "all_to_all",
    "draw",
    "from_matrix",
    "generator",
    "plan",
    "target_type",
]


class Synapses(NamedTuple):
    """Which synapses exist.

    Attributes
    ----------
    start : numpy.ndarray of int64, shape (pre + 1,)
    target : numpy.ndarray of uint16 or uint32, shape (synapses,)
    """

    start: np.ndarray
    target: np.ndarray


def generator(seed: int, stream: int) -> np.random.Generator:
    """The generator of one projection's synapses, weights or delays."""
    key = np.array([seed, stream], np.uint64)  # in a list, seeds of 2^63 or more become floats
    return np.random.Generator(np.random.Philox(key=key))


def target_type(n: int) -> Any:
    """The smallest type that can number `n` targets.

    Examples
    --------
    >>> target_type(65536).__name__, target_type(65537).__name__
    ('uint16', 'uint32')
    """
    return np.uint16 if n <= 1 << 16 else np.uint32


def draw(
    shape: tuple[int, int],
    rules: dict[str, Any],
    chance: np.random.Generator,
    *,
    recurrent: bool,
    autapses: bool,
    multapses: bool | None,
) -> Synapses:
    """The synapses of one rule, drawn from `chance`; see `plan`."""
    planned = plan(shape, rules, recurrent=recurrent, autapses=autapses, multapses=multapses)
    return planned.draw(chance)


class Plan(NamedTuple):
    """Synapses that can be drawn.

    Attributes
    ----------
    size : int, optional
        Their number, unless it is drawn, too.
    draw : callable
        Returns the `Synapses` that a numpy.random.Generator draws.
    """

    size: int | None
    draw: Callable[[np.random.Generator], Synapses]


def plan(
    shape: tuple[int, int],
    rules: dict[str, Any],
    *,
    recurrent: bool,
    autapses: bool,
    multapses: bool | None,
) -> Plan:
    """What one rule will draw; see `spikesim.Network.connect` for the rules.

    Parameters
    ----------
    shape : (int, int)
        Numbers of presynaptic and postsynaptic neurons.
    rules : dict of str to Any
        One of probability, indegree, outdegree, synapses and one_to_one, and its value.
    recurrent : bool
        Whether both sides are the same neurons; only then are autapses possible.
    autapses, multapses : bool
        Whether a neuron may connect to itself, and to another one more than once. If `multapses` is
        not given, only the rule `synapses` connects a pair more than once.

    Raises
    ------
    InputError
        If there is more than one rule, or if its value is impossible.
    """
    if len(rules) > 1:
        raise InputError(f"{' and '.join(rules)} are given; choose one of them.")
    check_choice("autapses", autapses, [True, False])
    check_choice("multapses", multapses, [True, False, None])
    ((rule, value),) = rules.items()
    if rule in ("probability", "one_to_one") and multapses:
        raise InputError(
            f"multapses is True, which is for indegree, outdegree and synapses; {rule} connects a "
            "pair at most once."
        )
    if rule == "synapses" and multapses is False:
        raise InputError(
            "multapses is False, but synapses draws each synapse independently, so that a "
            "pair may come more than once; choose indegree or outdegree."
        )
    exclude = recurrent and not autapses
    n_pre, n_post = shape
    if rule == "one_to_one":
        synapses = _one_to_one(shape, value, exclude)
        return Plan(shape[0], lambda chance: synapses)
    each = np.dtype(target_type(n_post)).itemsize
    if rule == "probability":
        probability = check_number("probability", value, at_least=0.0, at_most=1.0)
        check_memory(f"probability is {probability:g}", each * probability * n_pre * n_post)
        return Plan(None, partial(_bernoulli, shape, probability, exclude))
    if rule == "synapses":
        number = check_integer("synapses", value, at_least=0)
        check_memory(f"synapses is {number}", float(each * number))
        if number and n_post == exclude:
            raise InputError(f"synapses is {number}; without autapses there is no pair to choose.")
        return Plan(number, partial(_number, shape, number, exclude))
    partners = n_pre if rule == "indegree" else n_post
    multapses = bool(multapses)
    most = partners - exclude
    number = check_integer(rule, value, at_least=0, at_most=None if multapses and most else most)
    size = number * (n_pre + n_post - partners)
    check_memory(f"{rule} is {number}", float(each * size))
    drawing = _outdegree if rule == "outdegree" else _indegree
    return Plan(size, partial(drawing, shape, number, exclude, multapses))


def from_matrix(matrix: Any) -> tuple[Synapses, np.ndarray]:
    """The synapses that a scipy sparse array has entries for, and the entries."""
    from scipy import sparse

    _check_indices(matrix)
    rows = sparse.csr_array(matrix, copy=True)
    rows.check_format(full_check=True)
    rows.sort_indices()  # deliveries search for targets
    target = rows.indices.astype(target_type(rows.shape[1]))
    return Synapses(rows.indptr.astype(np.int64), target), rows.data


def _check_indices(matrix: Any) -> None:
    """Refuse indices outside a sparse array: scipy allows them, but writes beyond its memory."""
    try:
        if hasattr(matrix, "check_format"):  # formats by rows, columns or blocks
            matrix.check_format(full_check=True)
        elif matrix.format == "coo":
            for indices, n in zip((matrix.row, matrix.col), matrix.shape, strict=True):
                if indices.size and not 0 <= indices.min() <= indices.max() < n:
                    raise ValueError(f"an index is not from 0 to {n - 1}")
            if not matrix.row.size == matrix.col.size == matrix.data.size:
                raise ValueError("there are not as many indices as numbers")
    except (ValueError, TypeError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"weight is a sparse array that is damaged: {reason}.") from None


def all_to_all(shape: tuple[int, int]) -> Synapses:
    """Every pair of neurons once."""
    n_pre, n_post = shape
    start = np.arange(n_pre + 1, dtype=np.int64) * n_post
    return Synapses(start, np.tile(np.arange(n_post, dtype=target_type(n_post)), n_pre))


def _one_to_one(shape: tuple[int, int], value: Any, exclude: bool) -> Synapses:
    check_choice("one_to_one", value, [True])
    if shape[0] != shape[1]:
        raise InputError(f"one_to_one is True for {shape[0]} and {shape[1]} neurons; they differ.")
    if exclude:
        raise InputError("one_to_one is True; without autapses no synapse would be left.")
    start = np.arange(shape[0] + 1, dtype=np.int64)
    return Synapses(start, np.arange(shape[0], dtype=target_type(shape[0])))


def _choose(n: int, size: int, chance: np.random.Generator) -> np.ndarray:
    return chance.choice(n, size, replace=False, shuffle=False)


def _but(excluded: int | None, chosen: np.ndarray) -> np.ndarray:
    """Map numbers below n - 1 to the numbers below n, except the excluded one."""
    return chosen if excluded is None else chosen + (chosen >= excluded)


def _bernoulli(
    shape: tuple[int, int], probability: float, exclude: bool, chance: np.random.Generator
) -> Synapses:
    if probability * shape[0] * shape[1] < MANY or not many_synapses.can_draw_binomial(chance):
        return _from_rows(_bernoulli_rows(shape, probability, exclude, chance), shape)
    each = target_type(shape[1])
    return Synapses(*many_synapses.choose(shape, chance, exclude, each, probability=probability))


def _bernoulli_rows(
    shape: tuple[int, int], probability: float, exclude: bool, chance: np.random.Generator
) -> Iterator[np.ndarray]:
    n = shape[1] - exclude
    for i in range(shape[0]):
        size = chance.binomial(n, probability)
        yield np.sort(_but(i if exclude else None, _choose(n, size, chance)))


def _indegree(
    shape: tuple[int, int],
    number: int,
    exclude: bool,
    multapses: bool,
    chance: np.random.Generator,
) -> Synapses:
    return _transposed(_outdegree(shape[::-1], number, exclude, multapses, chance), shape)


def _outdegree(
    shape: tuple[int, int],
    number: int,
    exclude: bool,
    multapses: bool,
    chance: np.random.Generator,
) -> Synapses:
    """For each neuron of the first side, `number` partners on the other side."""
    rows, n = shape
    if rows * number < MANY:
        return _from_rows(_rows(shape, number, exclude, multapses, chance), shape)
    if not multapses:
        return Synapses(*many_synapses.choose(shape, chance, exclude, target_type(n), size=number))
    start = np.arange(rows + 1, dtype=np.int64) * number
    target = many_synapses.bounded(n - exclude, rows * number, chance, target_type(n))
    many_synapses.order(start, target, n, exclude)
    return Synapses(start, target)


def _rows(
    shape: tuple[int, int],
    number: int,
    exclude: bool,
    multapses: bool,
    chance: np.random.Generator,
) -> Iterator[np.ndarray]:
    n = shape[1] - exclude
    for i in range(shape[0]):
        chosen = chance.integers(0, n, number) if multapses else _choose(n, number, chance)
        yield np.sort(_but(i if exclude else None, chosen))


def _from_rows(rows: Iterator[np.ndarray], shape: tuple[int, int]) -> Synapses:
    kind = target_type(shape[1])
    kept = [row.astype(kind) for row in rows]
    start = np.concatenate([[0], np.cumsum([row.size for row in kept])]).astype(np.int64)
    return Synapses(start, np.concatenate(kept))


def _transposed(turned: Synapses, shape: tuple[int, int]) -> Synapses:
    """Make rows of presynaptic neurons from rows of postsynaptic ones."""
    if turned.target.size >= MANY:
        return Synapses(*many_synapses.turn(turned.target, shape))
    from scipy import sparse

    exists = np.ones(turned.target.size, np.int8)
    index = np.int32 if turned.target.size < 1 << 31 else np.int64  # scipy wants one type for both
    indices = turned.target.astype(index), turned.start.astype(index)
    rows = sparse.csc_array((exists, *indices), shape).tocsr()
    return Synapses(rows.indptr.astype(np.int64), rows.indices.astype(target_type(shape[1])))


def _number(
    shape: tuple[int, int], number: int, exclude: bool, chance: np.random.Generator
) -> Synapses:
    """Draw so many pairs, each independently of the others."""
    n_pre, n_post = shape
    n = n_post - exclude
    per_row = chance.multinomial(number, np.full(n_pre, 1.0 / n_pre))
    start = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int64)
    target = chance.integers(0, n, number, dtype=target_type(n_post))
    if number >= MANY:
        many_synapses.order(start, target, n_post, exclude)
        return Synapses(start, target)
    if exclude:
        target += target >= np.repeat(np.arange(n_pre, dtype=target.dtype), per_row)
    for first, last in pairwise(start.tolist()):
        target[first:last].sort()
    return Synapses(start, target)
