"""Published experiments: how they are declared, their results, ``spikesim run MODEL EXPERIMENT``.

An experiment is a function of parameters, seed, progress and backend that returns a `Result`, and
`experiment` says what it is called and what its parameters are. A model lists them:

    @experiment("pairing", "given spike trains and the weight between them", PairingParameters)
    def pairing(p, seed, progress, backend): ...

    EXPERIMENTS = by_name(pairing, transfer)

Users call it as ``pairing(seed, progress, backend, **parameters)``, with

    seed : int                      what all random numbers depend on
    progress : bool or callable     True shows a bar where stderr is a terminal
    backend : str                   'cpu', 'python', ...; see `spikesim.backends`
    **parameters                    values other than the declared defaults, by name

One whose result is a network with the methods ``comparisons``, ``figure`` and ``save``, or which
goes on where it stopped, is listed as an `Experiment`.

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
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from spikesim.checks import check_integer
from spikesim.comparison import Comparison, comparison_table
from spikesim.errors import FileError
from spikesim.experiments.panels import Panel, draw
from spikesim.io import runs
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.learning.parameters import Declared, ModelParameters
from spikesim.progress import Progress, check_progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Experiment",
    "ExperimentParameters",
    "Panel",
    "Result",
    "add_run_arguments",
    "by_name",
    "experiment",
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
    """The base class of an experiment's results; add fields, `comparisons`, `panels` or `figure`.

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

    def panels(self) -> Sequence[Panel]:
        """What `figure` draws."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing")

    def figure(self) -> Figure:
        """A figure of the measurements."""
        return draw(self.panels())

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

    Parameters
    ----------
    path : str or path
    kind : str
        What the file names as its content.
    tree : mapping of str to Any

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "count.h5")
    >>> save_result(path, "count", {"spikes": 8})
    >>> os.path.exists(path)
    True
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


# ------------------------------------------------------------------ experiments as functions


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

    Examples
    --------
    >>> counting = Experiment("counts", lambda seed, progress, backend, n: n, {"n": 10})
    >>> counting.defaults()
    {'n': 10}
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


_DECLARED: dict[Callable[..., Any], tuple[str, Experiment]] = {}


def experiment(
    name: str, text: str, parameters: type[Given]
) -> Callable[[Callable[[Given, int, bool | Progress, str], Own]], Callable[..., Own]]:
    """Make an experiment of a function ``(p, seed, progress, backend)`` that measures a `Result`.

    Parameters
    ----------
    name, text : str
        What commands and their help call it.
    parameters : subclass of ExperimentParameters
        What `p` is, made of those that a user gives by name.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> @experiment("nothing", "of no use", ExperimentParameters)
    ... def nothing(p, seed, progress, backend):
    ...     return seed
    >>> nothing(seed=3), list(by_name(nothing))
    (3, ['nothing'])
    """

    def declare(
        measure: Callable[[Given, int, bool | Progress, str], Own],
    ) -> Callable[..., Own]:
        @wraps(measure)
        def run(
            seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **given: Any
        ) -> Own:
            seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
            check_progress(progress)
            return measure(parameters.of(**given), seed, progress, backend)

        del run.__wrapped__  # type: ignore[attr-defined]  # users see the arguments of this one
        _DECLARED[run] = name, Experiment(text, run, parameters.declarations())
        return run

    return declare


def by_name(*functions: Callable[..., Any]) -> Mapping[str, Experiment]:
    """Name → `Experiment`, of functions that `experiment` has made.

    Parameters
    ----------
    *functions : callable

    Returns
    -------
    mapping of str to Experiment

    Examples
    --------
    >>> @experiment("nothing", "of no use", ExperimentParameters)
    ... def nothing(p, seed, progress, backend):
    ...     return seed
    >>> by_name(nothing)["nothing"].text
    'of no use'
    """
    return MappingProxyType(dict(_DECLARED[function] for function in functions))


# -------------------------------------------------------------------------- the command line


def add_run_arguments(
    parser: argparse.ArgumentParser, experiments: Mapping[str, Experiment]
) -> None:
    """Add the experiments of a model and the options of each.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    experiments : mapping of str to Experiment

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_run_arguments(parser, {"count": Experiment("counts", print, {"n": 10})})
    >>> parser.parse_args(["count", "--seed", "3"]).seed
    3
    """
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
    """Run one experiment of a model; write its results, figure and table.

    Parameters
    ----------
    chosen : argparse.Namespace
        What a parser with `add_run_arguments` returns.
    experiments : mapping of str to Experiment

    Raises
    ------
    InputError, FileError
        If a parameter is impossible, or the directory holds this experiment already.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> known = {"count": Experiment("counts", print, {"n": 10})}
    >>> add_run_arguments(parser, known)
    >>> run(parser.parse_args(["count", "--seed", "-1"]), known)
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: --seed is -1; it has to be a whole number at least 0.
    """
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
