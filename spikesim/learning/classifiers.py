"""`MeasuredClassifier`: what all models of images have in common, with or without dynamics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.checks import check_array, check_unknown
from spikesim.errors import InputError
from spikesim.learning.measures import Update
from spikesim.learning.properties import HasProperties
from spikesim.training import ImageClassifier, LayerArrays

__all__ = ["MeasuredClassifier"]


class MeasuredClassifier(ImageClassifier, HasProperties):
    """A model of images that also learns from, and is measured with, examples of a user.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> net.update(np.eye(4), [0, 1, 0, 1]).dW[0].shape
    (4, 3)
    """

    SUITED: ClassVar[dict[str, dict[str, Any]]] = {
        "digits": {"hidden": "100", "epochs": 10},
        "mnist": {"hidden": "500", "epochs": 10},
    }
    """Dataset → the 'hidden', 'epochs' and parameters that suit it."""

    COLUMNS: ClassVar[tuple[str, ...]] = ()
    """The entries of the history that `measures` returns."""

    DRAWN: ClassVar[tuple[str, ...]] = ()
    """What is drawn for each example, and can be given instead."""

    KNOWS_GRADIENT: ClassVar[bool] = True
    """Whether `gradient` is more than a mean of the model's own updates."""

    W: LayerArrays

    def measures(self) -> dict[str, Any]:
        """Return further entries of the history, at the end of an epoch."""
        return {}

    def update(self, x: Any, targets: Any, draw: int = 0) -> Update:
        """What the model would change for some examples; the model stays as it is.

        Parameters
        ----------
        x, targets
            As in `ImageModel.learn`.
        draw : int
            Each number gives other random numbers.

        Returns
        -------
        Update
        """
        raise NotImplementedError

    def gradient(self, x: Any, targets: Any) -> Update:
        """The change of backpropagation, -dE/dW, at the same weights and activities.

        Parameters
        ----------
        x, targets
            As in `ImageModel.learn`.

        Returns
        -------
        Update
        """
        raise NotImplementedError

    def _changes(self, x: np.ndarray, targets: np.ndarray, draws: Sequence[int]) -> Iterator[list]:
        """For each example alone, the mean dW of so many draws, of so many others, and so on.

        No two updates share what is drawn, not even by a model that draws once for a batch.
        """
        draw = 0
        for k in range(len(x)):
            for many in draws:
                mean = [np.zeros(W.shape) for W in self.W]
                for _ in range(many):
                    dW = self.update(x[k : k + 1], targets[k : k + 1], draw).dW
                    mean = [m + each / many for m, each in zip(mean, dW, strict=True)]
                    draw += 1
                yield mean

    def _examples(self, x: Any, targets: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, labels and targets of some examples; a label is the place of its largest target.

        Targets may be given as labels.
        """
        x = check_array("x", x, shape=(None, self.sizes[0]))
        if x.dtype != np.uint8:
            x = check_array("x", x, dtype=self.dtype)
        if len(x) == 0:
            raise InputError("x is empty; it has to hold at least one example.")
        targets = check_array("targets", targets)
        if targets.ndim < 2:
            labels = self._check_labels("targets", targets, len(x))
            return x, labels, self._wanted(labels)
        shape = (len(x), self.classes)
        wanted = check_array("targets", targets, shape=shape, dtype=self.dtype)
        return x, np.argmax(wanted, axis=1), wanted

    def _wanted(self, labels: np.ndarray) -> np.ndarray:
        """1 for the class of each example, 0 for others."""
        wanted = np.zeros((len(labels), self.classes), self.dtype)
        wanted[np.arange(len(labels)), labels] = 1.0
        return wanted

    def _check_given(
        self,
        given: Mapping[str, Sequence[Any]] | None,
        wanted: Mapping[str, Sequence[np.ndarray]],
        examples: int,
    ) -> dict[str, list[np.ndarray]]:
        """What a user gives, name by name, as arrays with a row for each example.

        Apart from the number of rows, their shapes and types are those of the `wanted` arrays.
        """
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f"given is a {type(given).__name__}; it has to be a dict.")
        found: dict[str, list[np.ndarray]] = {}
        check_unknown(f"array of {type(self).__name__} in given:", given or (), self.DRAWN)
        for name, each in (given or {}).items():
            like = wanted[name]
            if not isinstance(each, (list, tuple)) or len(each) != len(like):
                raise InputError(
                    f"given[{name!r}] has to be a list of {len(like)} arrays, one for each layer "
                    "that has one."
                )
            found[name] = [
                check_array(
                    f"given[{name!r}][{k}]",
                    rows,
                    shape=(examples, *array.shape[1:]),
                    dtype=array.dtype,
                )
                for k, (array, rows) in enumerate(zip(like, each, strict=True))
            ]
        return found
