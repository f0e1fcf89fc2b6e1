"""Tables of published numbers, which lie beside the code that compares itself with them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

__all__ = ["read_table"]


def read_table(module: str, name: str) -> dict[str, np.ndarray]:
    """Read a CSV file that is part of the package.

    Its first line names the columns; lines that begin with '#' say where the numbers are from.

    Parameters
    ----------
    module : str
        The file of the module that it lies beside, ``__file__``.
    name : str
        Of the file.

    Returns
    -------
    dict of str to numpy.ndarray, shape (rows,)
        The columns, of float64, or of str where something else than numbers is in them.
    """
    lines = Path(module).with_name(name).read_text(encoding="utf-8").splitlines()
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    return {column: _column(row[k] for row in rows) for k, column in enumerate(header)}


def _column(texts: Iterable[str]) -> np.ndarray:
    found = list(texts)
    try:
        return np.array([float(text) for text in found])
    except ValueError:
        return np.array(found)
