"""Published experiments: how they are declared, their results, ``spikesim run MODEL EXPERIMENT``.

A model lists its experiments by name:

    EXPERIMENTS = {"pairing": Experiment("given spike trains", pairing.run, {"duration": 1000.0})}

An experiment's function, ``run(seed, progress, backend, **parameters)``, returns a `Result`, or a
network with the same methods: ``comparisons``, ``figure`` and ``save``. Its arguments are

    seed : int                      what all random numbers depend on
    progress : bool or callable     True shows a bar where stderr is a terminal
    backend : str                   'cpu', 'python', ...; see `spikesim.backends`
    **parameters                    values other than the declared defaults, by name

A run directory holds

    EXPERIMENT.h5       the measurements
    EXPERIMENT.png      their figure
    EXPERIMENT.txt      a table of the measurements beside those of the authors' program
    spikes.h5           all spikes, in the SONATA layout, if the experiment keeps them
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from spikesim.checks import check_integer
from spikesim.comparison import Comparison, comparison_table
from spikesim.errors import FileError
from spikesim.io import runs
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.learning.parameters import Declared, ModelParameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Experiment",
    "ExperimentParameters",
    "Result",
    "add_run_arguments",
    "run",
    "save_result",
]

Own = TypeVar("Own", bound="Result")
Given = TypeVar("Given", bound="ExperimentParameters")


class ExperimentParameters(ModelParameters):
    """The base class of an experiment's parameters; add fields as in `ModelParameters`.

    Examples
    --------
    >>> from spikesim.learning.parameters import whole
    >>> class Parameters(ExperimentParameters):
    ...     n: int = whole(100, "neurons", at_least=1)
    >>> Parameters.of(n=20)
    Parameters(n=20)
    """

    @classmethod
    def of(cls: type[Given], **given: Any) -> Given:
        """Parameters from values given by name, or an `InputError` that says what is wrong."""
        return cls.checked(1, given)


@dataclass_transform(frozen_default=True)
class Result:
    """The base class of an experiment's results; add fields, `comparisons` and `figure`.

    Fields are arrays, numbers, parameters, or named tuples of those; files hold them by name.

    Examples
    --------
    >>> import os, tempfile
    >>> class Count(Result):
    ...     KIND = "count"
    ...     spikes: int
    ...     def comparisons(self):
    ...         return [Comparison("spikes", self.spikes, 10, low=9)]
    >>> print(Count(8).table())
    quantity  ours  reference  bounds
    spikes       8         10  at least 9  MISSED
    >>> path = os.path.join(tempfile.mkdtemp(), "count.h5")
    >>> Count(8).save(path)
    >>> Count.load(path).spikes
    8
    """

    KIND: ClassVar[str]
    """The kind that its files name as their content."""

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(frozen=True, eq=False)(cls)

    def comparisons(self) -> list[Comparison]:
        """The measurements beside the numbers that are known."""
        raise NotImplementedError(f"{type(self).__name__} compares nothing")

    def figure(self) -> Figure:
        """A figure of the measurements."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing")

    def table(self) -> str:
        """All comparisons as lines of text; those that do not hold are marked MISSED."""
        return comparison_table(self.comparisons())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all fields to an HDF5 file, all or nothing.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        save_result(path, self.KIND, {each.name: getattr(self, each.name) for each in fields})

    @classmethod
    def load(cls: type[Own], path: str | os.PathLike[str]) -> Own:
        """Read what `save` wrote.

        Raises
        ------
        FileError
            If there is no such file, or if it holds something else.
        """
        kinds = typing.get_type_hints(cls)
        with open_file(path, cls.KIND) as file:
            tree = read_tree(file)
        try:
            return cls(
                **{
                    name: kinds[name](**value) if isinstance(value, dict) else value
                    for name, value in tree.items()
                }
            )
        except (KeyError, TypeError) as error:  # there are too many fields, or too few
            raise FileError(f"{path} is damaged: {error}; make it again.") from None


def save_result(path: str | os.PathLike[str], kind: str, tree: Mapping[str, Any]) -> None:
    """Write values by name, including parameters and named tuples, to an HDF5 file.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    with atomic_file(path) as file:
        stamp(file, kind)
        write_tree(
            file,
            {
                name: value._asdict() if hasattr(value, "_asdict") else value
                for name, value in tree.items()
            },
        )


# -------------------------------------------------------------------------- the command line


class Experiment(NamedTuple):
    """An experiment as the command line sees it.

    Attributes
    ----------
    text : str
        A description, for the help.
    run : callable
        ``run(seed, progress, backend, **parameters)`` returns a `Result`, or an object with the
        same methods.
    parameters : mapping of str to Declared, or to a default
    goes_on : bool
        Whether its file is also a checkpoint, which it takes as ``checkpoint=``.
    keeps_spikes : bool
        Whether its result has ``to_sonata(directory)``.
    """

    text: str
    run: Callable[..., Any]
    parameters: Mapping[str, Any]
    goes_on: bool = False
    keeps_spikes: bool = False

    def declarations(self) -> dict[str, Declared]:
        """The declaration of each parameter, by name; a bare default declares its type only."""
        return {name: _declared(value) for name, value in self.parameters.items()}

    def defaults(self) -> dict[str, Any]:
        """Name → default."""
        return {name: each.default for name, each in self.declarations().items()}


def _declared(value: Any) -> Declared:
    if isinstance(value, Declared):
        return value
    kinds = {bool: "flag", int: "whole", float: "number", str: "choice"}
    return Declared(kinds[type(value)], value)


def add_run_arguments(
    parser: argparse.ArgumentParser, experiments: Mapping[str, Experiment]
) -> None:
    """Add the experiments of a model and the options of each."""
    added_to = parser.add_subparsers(metavar="experiment", required=True)
    for name, experiment in experiments.items():
        added = added_to.add_parser(
            name, help=experiment.text, description=experiment.text, allow_abbrev=False
        )
        added.add_argument("--debug", action="store_true", help="show the traceback of an error")
        added.add_argument("--seed", type=int, default=0)
        added.add_argument("--backend", default="cpu", help=runs.BACKENDS)
        added.add_argument("--out", type=Path, help="the directory; by default runs/MODEL-...")
        added.add_argument("--no-progress", action="store_true", help="no progress bar")
        runs.add_parameters(added, experiment.declarations())
        added.set_defaults(experiment=name)


def run(chosen: argparse.Namespace, experiments: Mapping[str, Experiment]) -> None:
    """Run one experiment of a model; write its results, figure and table."""
    name = chosen.experiment
    experiment = experiments[name]
    seed = check_integer("--seed", chosen.seed, at_least=0)
    given = runs.given_parameters(chosen, experiment.declarations())
    with runs.new_run(chosen.out, f"{chosen.model}-{name}") as directory:
        kept, written = directory / f"{name}.h5", directory / f"{name}.txt"
        if experiment.goes_on:
            given["checkpoint"] = kept
        elif written.exists():  # it is the last file written; a run that failed before it is redone
            raise FileError(f"{directory} holds this experiment already; choose another --out.")
        print(f"Running {name} into {directory}", flush=True)
        result = experiment.run(seed, not chosen.no_progress, chosen.backend, **given)
        result.save(kept)
        runs.Pictures(directory).keep(f"{name}.png", result.figure())
        if experiment.keeps_spikes:
            result.to_sonata(directory)
        table = comparison_table(result.comparisons())
        runs.write_text(written, table + "\n")
        print(table)
        print(f"See {directory / f'{name}.png'}")
