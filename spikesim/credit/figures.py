"""The figures of a comparison; each shows the rules of which something is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import plot
from spikesim.credit.protocol import DEPTHS, JITTER, NOISE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spikesim.credit.table import Compared

__all__ = ["figures_of"]

Numbers = dict[str, np.ndarray]


def figures_of(found: Compared) -> Iterator[tuple[str, Figure]]:
    """File name and figure, one after another."""
    families = {rule.title: rule.family for rule in found.rules}

    def known(value: str, part: str = "table") -> Numbers:
        """Title of each rule that has such a result, and its numbers."""
        numbers = {rule.title: found.of(rule.name, value, part) for rule in found.rules}
        return {title: each for title, each in numbers.items() if np.isfinite(each).any()}

    cosine = {title: _of_layers(each) for title, each in known("cosine").items()}
    for name, axes in (
        (
            "learning_curves",
            _courses(plot.learning_curves, known("examples"), known("test_errors"), families),
        ),
        ("bias_and_noise", _pairs(plot.bias_and_noise, cosine, known("snr"), families)),
        ("error_over_angle", _errors(known("test_error"), known("angle"), families)),
        (
            "angle_over_training",
            _courses(plot.angle_over_training, known("angle_epochs"), known("angles_1"), families),
        ),
        ("angle_over_depth", _depths(known("angle_of_first", "depth"), families)),
        ("weight_jitter", _levels(JITTER, known("jitter_error"), families, "Jitter of weights")),
        ("pixel_noise", _levels(NOISE, known("noise_error"), families, "Noise of pixels")),
    ):
        if axes is not None:
            yield f"{name}.png", np.ravel(axes)[0].figure


def _of_layers(cosine: np.ndarray) -> np.ndarray:
    """The mean over the layers in which noise does not hide it; NaN if it does in all."""
    count = np.isfinite(cosine).sum(axis=1)
    total = np.nansum(np.clip(cosine, -1.0, 1.0), axis=1)  # an estimate may exceed 1 a little
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _courses(draw: Any, x: Numbers, y: Numbers, families: dict[str, str]) -> Any:
    """Lines over what was seen; seeds that diverged early have less of it."""
    curves = {}
    for title in (title for title in families if title in x and title in y):
        is_known = np.isfinite(x[title]).any(axis=0)
        curves[title] = np.nanmax(x[title][:, is_known], axis=0), y[title][:, is_known]
    return draw(curves, families) if curves else None


def _pairs(draw: Any, x: Numbers, y: Numbers, families: dict[str, str]) -> Any:
    both = [title for title in x if title in y]
    if not both:
        return None
    return draw({t: x[t] for t in both}, {t: y[t] for t in both}, families)


def _errors(errors: Numbers, angles: Numbers, families: dict[str, str]) -> Any:
    first = {t: each[:, 0] for t, each in angles.items() if np.isfinite(each[:, 0]).any()}
    return _pairs(plot.error_over_angle, errors, first, families)


def _depths(angles: Numbers, families: dict[str, str]) -> Any:
    return plot.angle_over_depth(DEPTHS, angles, families) if angles else None


def _levels(levels: Any, errors: Numbers, families: dict[str, str], what: str) -> Any:
    if not errors:
        return None
    return plot.robustness(levels, errors, families, xlabel=f"{what} (standard deviation)")
