"""Tables that summarise parts, as text and in notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Summary", "Table", "bytes_text", "range_text"]


class Table(NamedTuple):
    """Rows of texts under a header.

    Attributes
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """The table in columns, without lines."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join(padded)

    def html(self) -> str:
        """The table for a notebook."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.header)
        rows = (
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


class Summary:
    """A title and tables, which show themselves at a prompt, by ``print`` and in a notebook.

    Parameters
    ----------
    title : str
    *tables : Table
        The tables; those without rows are left out.
    note : str
        A last line.

    Examples
    --------
    >>> Summary("Two cells", Table(["name", "n"], [["one", "1"], ["two", "12"]]))
    Two cells
    <BLANKLINE>
    name  n
    one   1
    two   12
    """

    def __init__(self, title: str, *tables: Table, note: str = ""):
        self._title, self._note = title, note
        self._tables = [table for table in tables if table.rows]

    def __str__(self) -> str:
        texts = [self._title, *(table.text() for table in self._tables), self._note]
        return "\n\n".join(text for text in texts if text)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self._title)}</p>", *(table.html() for table in self._tables)]
        return "".join([*parts, f"<p>{escape(self._note)}</p>" if self._note else ""])


def range_text(values: Any) -> str:
    """A number as text, or the range from the least to the largest of several.

    Examples
    --------
    >>> range_text(0.5), range_text(np.array([1.0, 3.0])), range_text(np.array([2, 2]))
    ('0.5', '1 to 3', '2')
    """
    values = np.asarray(values)
    if not values.size:
        return ""
    least, most = values.min(), values.max()
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def bytes_text(number: float) -> str:
    """A number of bytes as text, in a suitable unit.

    Examples
    --------
    >>> bytes_text(12), bytes_text(2.6e9)
    ('12 bytes', '2.6 GB')
    """
    for power, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= power:
            return f"{number / power:.3g} {unit}"
    return f"{number:.0f} bytes"
