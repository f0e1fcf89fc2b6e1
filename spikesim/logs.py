"""Logs of training, through ``callback`` of `fit`: a CSV file, or files for TensorBoard.

    net.fit(images, labels, epochs=20, checkpoint="run.h5", callback=CSVLog("log.csv"))

A log has what ``net.history`` has, no more and no less. If training is killed and continued,
nothing is logged twice and nothing is missing; a network that begins anew replaces an older log.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import check_path, show
from spikesim.errors import FileError, InputError
from spikesim.extras import needed
from spikesim.io.files import check_target
from spikesim.io.runs import writing

__all__ = ["CSVLog", "TensorBoardLog", "history_table"]

_COUNTS = ("epoch", "block")
_SECONDS = 5  # until a number is in the file, at the latest
_OURS = ".spikesim"  # the ending of the files that a log may replace


def history_table(net: Any) -> dict[str, list[Any]]:
    """The history of a network as columns of single numbers, of equal length.

    Parameters
    ----------
    net : object
        A model with a ``history``, such as one of `spikesim.models`.

    Returns
    -------
    dict of str to list
        'epoch' or 'block' is the first column. A list, such as an angle for each layer, becomes the
        columns 'angle/1', 'angle/2', ...; None marks a missing number. The tests of `train` are in
        'test_error'.

    Raises
    ------
    InputError
        If there is no such history.

    Examples
    --------
    >>> class Net:
    ...     history = {"epoch": [1, 2], "angle": [[80.0, 70.0], [60.0, 50.0]]}
    >>> history_table(Net())
    {'epoch': [1, 2], 'angle/1': [80.0, 60.0], 'angle/2': [70.0, 50.0]}
    """
    history = getattr(net, "history", None)
    if not isinstance(history, Mapping) or not any(name in history for name in _COUNTS):
        raise InputError(f"net is {show(net)}; it has to be a model whose fit writes a history.")
    count = next(name for name in _COUNTS if name in history)
    n = len(history[count])
    columns: dict[str, list[Any]] = {count: list(history[count])}
    for name, values in history.items():
        if name == count:
            continue
        width = max((len(each) for each in values if isinstance(each, (list, tuple))), default=0)
        if not width:
            columns[name] = list(values)
        for k in range(width):
            columns[f"{name}/{k + 1}"] = [
                each[k] if isinstance(each, (list, tuple)) and k < len(each) else None
                for each in values
            ]
    notes = getattr(net, "notes", {})
    if "test_error" not in columns and "tested" in notes:
        tested = dict(zip(notes["tested_at"], notes["tested"], strict=False))
        columns["test_error"] = [tested.get(each) for each in columns[count]]
    return {name: [*values, *[None] * (n - len(values))] for name, values in columns.items()}


class CSVLog:
    """Writes the history of a network to a CSV file after each epoch or block.

    Parameters
    ----------
    path : str or Path
        The file appears as a whole each time, so that it is never half written.

    Raises
    ------
    FileError
        If the folder is missing or the path is not that of a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from spikesim import datasets
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> net = FeedbackAlignment((64, 5, 10), backend="python")
    >>> images, labels = datasets.load("digits").train_images[:2], [0, 1]
    >>> done = net.fit(images, labels, epochs=2, callback=CSVLog(path))
    >>> [line.split(",")[0] for line in path.read_text().splitlines()]
    ['epoch', '1', '2']
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = check_target(check_path("path", path))

    def __repr__(self) -> str:
        return f"<CSVLog {self.path}>"

    def __call__(self, net: Any, error: float | None = None) -> None:
        """Log; `fit` calls this with the network, `train` also with the error of a test."""
        columns = _with_test(history_table(net), error)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([map(_cell, row) for row in zip(*columns.values(), strict=True)])
        unfinished = self.path.with_name(f"{self.path.name}.part")
        with writing(unfinished):
            unfinished.write_text(text.getvalue(), encoding="utf-8")
            os.replace(unfinished, self.path)


class TensorBoardLog:
    """Writes the history of a network for TensorBoard after each epoch or block.

    Needs tensorboardX: ``pip install "spikesim[tensorboard]"``. ``tensorboard --logdir runs`` then
    shows all logs in folders of ``runs``.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist. Files of an earlier log that this class wrote are replaced when
        the first epoch is logged; other files stay.

    Raises
    ------
    InputError
        If tensorboardX is not installed.

    Examples
    --------
    >>> import tempfile
    >>> log = TensorBoardLog(tempfile.mkdtemp())  # doctest: +SKIP
    >>> net.fit(images, labels, epochs=2, callback=log)  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(check_path("folder", folder))
        if self.folder.exists() and not self.folder.is_dir():
            raise FileError(f"{self.folder} is a file; give the path of a folder.")
        self._package = needed("tensorboardX", "TensorBoardLog", "tensorboard")
        self._writer: Any = None
        self._logged: set[tuple[str, int]] = set()

    def __repr__(self) -> str:
        return f"<TensorBoardLog {self.folder}>"

    def __call__(self, net: Any, error: float | None = None) -> None:
        """Log; `fit` calls this with the network, `train` also with the error of a test."""
        columns = _with_test(history_table(net), error)
        count, steps = next(iter(columns.items()))
        if self._writer is None or not self._continues(columns):
            self._begin()
        for name, values in columns.items():
            for step, value in zip(steps, values, strict=True):
                if name == count or _is_missing(value) or (name, step) in self._logged:
                    continue
                self._writer.add_scalar(name, float(value), step)
                self._logged.add((name, step))
        self._writer.flush()

    def _continues(self, columns: Mapping[str, list[Any]]) -> bool:
        """Whether the network still has all that is logged, so that more can be appended."""
        steps = next(iter(columns.values()))
        return max((step for _, step in self._logged), default=0) <= max(steps, default=0)

    def _begin(self) -> None:
        """Begin new files in place of earlier ones, of this or of a killed process."""
        self.close()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in self.folder.glob(f"events.out.tfevents.*{_OURS}"):
                file.unlink()
            self._writer = self._package.SummaryWriter(
                str(self.folder), flush_secs=_SECONDS, filename_suffix=_OURS
            )
        except OSError as error:
            raise FileError(f"{self.folder} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file; a later call begins a new one with the whole history."""
        if self._writer is not None:
            self._writer.close()
        self._writer, self._logged = None, set()


def _with_test(columns: dict[str, list[Any]], error: float | None) -> dict[str, list[Any]]:
    """The columns with the test of the last block, which `train` notes only after the call."""
    if error is not None and next(iter(columns.values())):
        tested = columns.setdefault("test_error", [None] * len(next(iter(columns.values()))))
        tested[-1] = float(error)
    return columns


def _is_missing(value: Any) -> bool:
    return value is None or isnan(value)


def _cell(value: Any) -> Iterable[str] | str:
    if _is_missing(value):
        return ""
    return str(value.item() if isinstance(value, np.generic) else value)
