"""The tasks on which learning rules are compared, each with its network and length of training."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from spikesim import datasets
from spikesim.checks import check_choice
from spikesim.dataset import Dataset
from spikesim.errors import FileError

__all__ = ["TASKS", "Task", "data_of", "task_of"]


class Task(NamedTuple):
    """What is learned, by which network, for how long.

    Attributes
    ----------
    load : callable
        Returns the `Dataset`.
    hidden : tuple of int
        Hidden layers of the network in the table.
    epochs : int
        Passes through the training images, for rules that need no more.
    deep : int
        Units in each hidden layer of the networks of 1 to 5 layers.
    """

    load: Callable[[], Dataset]
    hidden: tuple[int, ...]
    epochs: int
    deep: int


def _first_10_000() -> Dataset:
    mnist = datasets.load_mnist()
    images, labels = mnist.train_images[:10_000], mnist.train_labels[:10_000]
    return mnist._replace(name="mnist-10k", train_images=images, train_labels=labels)


def _fashion() -> Dataset:
    folder = Path(os.environ.get("SPIKESIM_DATA", ".")) / "fashion"
    if not folder.is_dir():
        raise FileError(
            f"{folder} does not exist; put the four IDX files of Fashion-MNIST there, or set "
            "SPIKESIM_DATA to the folder that has 'fashion' in it."
        )
    return datasets.load(folder)._replace(name="fashion")


TASKS = {
    "digits": Task(datasets.load_digits, (100,), 20, 30),
    "mnist-10k": Task(_first_10_000, (200,), 10, 50),
    "mnist": Task(datasets.load_mnist, (500,), 10, 100),
    "fashion": Task(_fashion, (500,), 10, 100),
    "yin-yang": Task(datasets.yin_yang, (60,), 40, 30),
    "teacher": Task(datasets.teacher, (60,), 20, 30),
}
"""Name → task."""


def task_of(name: str) -> Task:
    """The task of a name; an unknown one is refused with the nearest."""
    return TASKS[check_choice("task", name, list(TASKS))]


@functools.cache
def data_of(name: str) -> Dataset:
    """The data of a task, loaded once."""
    return task_of(name).load()
