"""The command line: ``spikesim train | sweep | compare | run | simulate | resume | plot | ...``.

This file parses, prints and turns errors into one line. The registry, `spikesim.models.MODELS`,
lists the models; users name a class in their own file as my_file.py:MyModel.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from spikesim import backends
from spikesim.checks import check_choice, nearest
from spikesim.errors import FileError, InputError, SpikesimError
from spikesim.io.files import forget_written
from spikesim.io.runs import RUN_FILE
from spikesim.progress import Terminated, say_if_ctrl_c_is_ignored, terminable
from spikesim.sweep import command as sweep_command
from spikesim.version import __version__

__all__ = ["main"]

TITLE = "spikesim: spiking networks that learn the way cortex might."
OWN = "the class of the run's model, if it is in your own file"
WARMUP = (
    "It compiles every kind of neuron, those of textbooks included, with dense and sparse "
    "synapses, short-term plasticity, PairSTDP, background and recordings, and trains every model "
    "for a moment. Equations and rules of your own, synapse models, stimuli, noise and gap "
    "junctions are compiled when a network first uses them."
)
UNSUPPORTED = "leave out what spikesim does not have, and warn, instead of refusing it"
OWN_MODEL = "Name a model of your own by its file and class: FILE.py:CLASS."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 130 after Ctrl-C, 143 after SIGTERM.

    Examples
    --------
    >>> main(["info", "no/such/run"])
    2
    """
    forget_written()  # one program may run several commands, each of which may replace files
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parser = _parser(given)
        chosen, unknown = parser.parse_known_args(given)
        if unknown:
            options = [f"--{name.replace('_', '-')}" for name in vars(chosen)]
            near = nearest(unknown[0].partition("=")[0], options)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}.{near}")
        for name, value in vars(chosen).items():
            if value == [] and name not in ("grid",):  # argparse's answer to --n=--
                parser.error(f"argument --{name.replace('_', '-')}: has no value")
    except SystemExit as stop:  # argparse has already said why
        return int(stop.code or 0)
    except SpikesimError as error:  # about a file that should hold a model
        print(f"spikesim: {_one_line(error)}", file=sys.stderr)
        return 2
    if chosen.run in (_train, _sweep, _compare, _run, _simulate, _resume):
        say_if_ctrl_c_is_ignored()
    try:
        with terminable():
            return chosen.run(chosen) or 0
    except Terminated:
        print("\nTerminated.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except (SpikesimError, OSError, MemoryError) as error:
        if chosen.debug:
            traceback.print_exc()
        else:
            print(f"spikesim: {_one_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        model = getattr(chosen, "model", None)
        if chosen.debug or model is None or not _is_own(model):
            raise
        print(f"spikesim: {_one_line(_fault(error, model))}", file=sys.stderr)
        return 2


def _fault(error: Exception, model: str) -> InputError:
    """An error that says what went wrong in a user's file, and in which line."""
    path = model.rpartition(":")[0]
    lines = [
        f"{path}, line {frame.lineno} ({frame.line})"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == Path(path).resolve()
    ]
    where = lines[-1] if lines else model
    said = f"{where}: {type(error).__name__}: {error}".rstrip(".: ")
    return InputError(f"{said}; --debug shows the traceback.")


def _one_line(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; its models include those from users' files that the arguments name."""
    parser = argparse.ArgumentParser(prog="spikesim", description=TITLE)
    parser.add_argument("--version", action="version", version=f"spikesim {__version__}")
    parser.set_defaults(debug=False)
    commands = parser.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Any, text: str, parent: Any = commands) -> argparse.ArgumentParser:
        added = parent.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument("--debug", action="store_true", help="show the traceback of an error")
        added.set_defaults(run=run)
        return added

    for name in given[1:2] if given[:1] in (["train"], ["sweep"]) else ():
        if not _is_own(name) and (name.endswith(".py") or ":" in name):
            raise InputError(f"{name} is not a model. {OWN_MODEL}")
    own = {name: name for name in given[1:2] if _is_own(name)}
    titles = {**{name: model.title for name, model in _registry().MODELS.items()}, **own}

    told = "train a model and write a run directory"
    train = commands.add_parser("train", help=told, epilog=OWN_MODEL)
    models = train.add_subparsers(metavar="model", required=True)
    for name, text in titles.items():
        added = command(name, _train, f"train {text}", models)
        added.set_defaults(model=name)
        if name in given:  # only the model that is asked for is imported
            _module(name).add_arguments(added)

    told = "train a model with many sets of parameters"
    sweeps = commands.add_parser("sweep", help=told, epilog=OWN_MODEL)
    models = sweeps.add_subparsers(metavar="model", required=True)
    for name, text in titles.items():
        added = command(name, _sweep, f"train many sets of parameters of {text}", models)
        added.set_defaults(model=name)
        sweep_command.add_sweep_arguments(added)
        if name in given:
            _module(name).add_arguments(added)

    added = command("compare", _compare, "train every learning rule on one task: a table, figures")
    if given[:1] == ["compare"]:
        _comparing().add_arguments(added)

    experiments = commands.add_parser("run", help="run a published experiment")
    models = experiments.add_subparsers(metavar="model", required=True)
    for name, where in _registry().EXPERIMENTS.items():
        added = command(name, _run, f"run an experiment with {titles.get(name, name)}", models)
        added.set_defaults(model=name)
        if name in given:
            from spikesim.experiments import add_run_arguments

            add_run_arguments(added, importlib.import_module(where).EXPERIMENTS)

    added = command("simulate", _simulate, "run a simulation that SONATA files describe")
    added.add_argument("config", type=Path, help="its configuration, a JSON file")
    added.add_argument("--out", type=Path, help="where spikes and reports go, if not output_dir")
    added.add_argument("--dt", type=float, help="the step in ms, if not that of the configuration")
    added.add_argument("--seed", type=int, help="the seed, if not that of the configuration")
    added.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    added.add_argument("--backend", default="cpu")
    added.add_argument("--skip-unsupported", action="store_true", help=UNSUPPORTED)
    added.add_argument("--no-progress", action="store_true")

    for name, run, text in (
        ("resume", _resume, "continue an interrupted or finished run"),
        ("plot", _plot, "draw the pictures of a run again"),
        ("info", _info, "show what a run directory holds"),
    ):
        added = command(name, run, text)
        added.add_argument("directory", type=Path)
        added.add_argument("--model", metavar="FILE.py:CLASS", help=OWN)
    commands.choices["resume"].add_argument(
        "--epochs", type=int, help="train up to this epoch instead of the one first asked for"
    )
    commands.choices["resume"].add_argument(
        "--blocks", type=int, help="the same for models that learn in blocks of time"
    )
    commands.choices["resume"].add_argument("--no-progress", action="store_true")
    export = command("export", _export, "write spikes or weights in another format")
    export.add_argument("directory", type=Path)
    export.add_argument("--model", metavar="FILE.py:CLASS", help=OWN)
    export.add_argument("--format", choices=["csv", "npz"], default="csv")
    data = command("data", _data, "show where a dataset is, and download it if it is missing")
    data.add_argument("dataset", choices=["digits", "mnist"])
    data.add_argument("--folder", type=Path, help="where to keep it; by default a cache folder")
    added = command("warmup", _warmup, "compile what networks and models share, once for all")
    added.epilog = WARMUP
    cache = command("cache", _cache, "empty the kernel cache")
    cache.add_argument("action", choices=["clear"])
    command("doctor", _doctor, "show versions, backends and folders, for a bug report")
    return parser


def _registry() -> Any:
    """The module that lists the models; it imports none of them."""
    return importlib.import_module("spikesim.models")


def _is_own(model: str) -> bool:
    """Whether a model is a class in a user's file, my_file.py:MyModel."""
    return ".py:" in model


def _module(model: str) -> Any:
    """The commands of a model."""
    from spikesim.image_runs import commands_of

    return commands_of(model if _is_own(model) else _registry().MODELS[model].where)


def _of_run(chosen: argparse.Namespace) -> Any:
    """The commands of the model that a run directory belongs to."""
    from spikesim.io.files import open_hdf5

    path = chosen.directory / RUN_FILE
    if not path.is_file():
        raise FileError(
            f"{chosen.directory} is not a run directory: it has no {RUN_FILE}. "
            "'spikesim train' makes one and prints its name."
        )
    if chosen.model is not None:
        if not _is_own(chosen.model):
            raise InputError(f"--model is {chosen.model!r}; it has to be FILE.py:CLASS.")
        return _module(chosen.model)
    with open_hdf5(path) as file:
        try:
            kind = _kind(file)
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise FileError(f"{path} is damaged: {_one_line(error)}; use an older one.") from None
    if kind.isidentifier() and kind not in _registry().MODELS:
        raise FileError(
            f"The model of {path} is {kind!r}, which spikesim does not have; if it is yours, give "
            f"its file and class: --model my_file.py:{kind}."
        )
    return _module(check_choice(f"the model of {path}", kind, list(_registry().MODELS)))


def _kind(file: Any) -> str:
    """The kind that a file names. HDF5 may hang on a text that is not stored in place."""
    name = "spikesim_kind"
    stored_in_place = name in file.attrs and file.attrs.get_id(name).dtype.kind == "S"
    return file.attrs[name].decode() if stored_in_place else ""


def _train(chosen: argparse.Namespace) -> None:
    _module(chosen.model).train(chosen)


def _sweep(chosen: argparse.Namespace) -> int:
    return sweep_command.run(chosen, _module(chosen.model))


def _compare(chosen: argparse.Namespace) -> int:
    status: int = _comparing().run(chosen)
    return status


def _comparing() -> Any:
    return importlib.import_module("spikesim.credit.command")


def _run(chosen: argparse.Namespace) -> None:
    from spikesim import experiments

    where = _registry().EXPERIMENTS[chosen.model]
    experiments.run(chosen, importlib.import_module(where).EXPERIMENTS)


def _simulate(chosen: argparse.Namespace) -> None:
    from spikesim.circuit import read_circuit
    from spikesim.sonata import read_spikes

    names = ("dt", "seed", "dtype", "backend", "skip_unsupported")
    circuit = read_circuit(chosen.config, **{name: getattr(chosen, name) for name in names})
    written = circuit.run(chosen.out, progress=not chosen.no_progress)
    for name, (times, _) in read_spikes(written[0]).items():
        n = sum(len(ids) for ids in circuit.populations[name].values())
        print(f"{name}: {times.size} spikes of {n} neurons")
    for path in written:
        print(f"Wrote {path}")


def _resume(chosen: argparse.Namespace) -> None:
    _of_run(chosen).resume(chosen)


def _plot(chosen: argparse.Namespace) -> None:
    _of_run(chosen).plot(chosen)


def _info(chosen: argparse.Namespace) -> None:
    _of_run(chosen).info(chosen)


def _export(chosen: argparse.Namespace) -> None:
    _of_run(chosen).export(chosen)


def _data(chosen: argparse.Namespace) -> None:
    from spikesim import datasets

    if chosen.dataset == "mnist":
        folder = datasets.download_mnist(chosen.folder)
        print(f"MNIST is in {folder}")
    data = datasets.load(chosen.dataset, chosen.folder)
    print(
        f"{data.name}: {len(data.train_labels)} training and {len(data.test_labels)} test images "
        f"of {data.image_shape[0]}x{data.image_shape[1]} pixels"
    )


def _warmup(chosen: argparse.Namespace) -> None:
    from tqdm.auto import tqdm

    from spikesim.cli import warmup
    from spikesim.kernels.machine import cache

    modules = [_module(name) for name in _registry().MODELS]
    modules += [importlib.import_module(where) for where in _registry().EXPERIMENTS.values()]
    commands = [line.split() for module in modules for line in module.SHORT_RUNS]
    todo = list(warmup.tasks(commands, main))
    begun = monotonic()
    with tqdm(todo, unit=" parts", disable=None, dynamic_ncols=True) as bar:
        for name, task in bar:
            bar.set_description(name)
            warmup.quietly(task)
    inside = cache.contents()
    where = "the cache is off" if inside.place is None else f"{inside.functions} functions in it"
    print(f"Compiled in {monotonic() - begun:.0f} s; {where}.")


def _cache(chosen: argparse.Namespace) -> None:
    from spikesim.kernels.machine import cache

    before = cache.clear()
    print(f"Removed {before.functions} functions, {before.bytes / 1e6:.1f} MB.")


def _doctor(chosen: argparse.Namespace) -> None:
    from spikesim.kernels.machine import cache

    lines = {"spikesim": f"{__version__} in {Path(__file__).parent.parent}"}
    lines["python"] = f"{platform.python_version()} on {platform.platform()}"
    for package in ("numba", "numpy", "scipy", "h5py", "matplotlib", "neo", "elephant"):
        try:
            lines[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            lines[package] = "not installed"
    lines["cores"] = f"{backends.cores()} of {os.cpu_count()}"
    for name, reason in backends.available().items():
        lines[f"backend {name}"] = reason or "available"
    inside = cache.contents()
    if inside.place is None:
        lines["kernel cache"] = "off"
    else:
        holds = f"{inside.functions} functions, {inside.bytes / 1e6:.1f} MB"
        lines["kernel cache"] = f"{inside.place} ({holds})"
    lines["SPIKESIM_DATA"] = os.environ.get("SPIKESIM_DATA", "not set")
    for name, text in lines.items():
        print(f"{name:14} {text}")


if __name__ == "__main__":
    sys.exit(main())
