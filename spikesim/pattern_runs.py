"""The commands of models that learn patterns in time: train, resume, plot, info, export.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    progress/*.h5       the output's spikes during training, in the SONATA layout
    spikes.h5           one loop after training: spikes of all layers, in the SONATA layout
    voltages.h5         the same loop: membrane potentials
    *.png               pictures
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import patterns
from spikesim import plot as draw
from spikesim.checks import check_integer
from spikesim.cli.model_commands import ModelCommands
from spikesim.errors import FileError, InputError
from spikesim.io import runs
from spikesim.io.runs import RUN_FILE, noted
from spikesim.learning.loops import Synapse
from spikesim.learning.tasks import Task
from spikesim.patterns import SpikePattern, from_trains
from spikesim.sonata import SpikeWriter, read_spikes
from spikesim.sweep.command import layers, shortened

__all__ = ["PatternCommands"]

PROGRESS = "progress"
PICTURE = "picture"  # the task that has options of its own

_PANELS = 4  # rasters in the picture of how training went, including the target's
TESTS = 5  # blocks of fresh trials in a test

_LAST_PICTURE = "layers.png"


class PatternCommands(ModelCommands):
    """What the command line does for one model of patterns in time."""

    LENGTH, OTHERS, SUBJECT = "blocks", "learn from images", "task"

    @property
    def tasks(self) -> dict[str, Any]:
        """Name → what makes the task."""
        found: dict[str, Any] = self.network.TASKS
        return found

    @property
    def SHORT_RUNS(self) -> tuple[str, ...]:
        """Commands that take a moment, and compile the code that longer ones need."""
        return tuple(
            f"train {self.command} --task={task} --blocks=1 --hidden=4 --outputs=10"
            for task in (PICTURE, "hidden")
            if task in self.tasks
        )

    # ------------------------------------------------------------------- options

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of ``spikesim train NAME``."""
        default = PICTURE if PICTURE in self.tasks else next(iter(self.tasks), "files")
        parser.add_argument("--task", choices=[*self.tasks, "files"], default=default)
        parser.add_argument(
            "--hidden",
            metavar="N[,N...]",
            help="neurons in each hidden layer, from the first; 0 for none (depends on the task)",
        )
        parser.add_argument("--blocks", type=int, help="blocks of training (depends on the task)")
        parser.add_argument(
            "--decay",
            type=int,
            metavar="BLOCK",
            help="the learning rate is a tenth from this block on (after two thirds of the blocks)",
        )
        picture = parser.add_argument_group(f"task {PICTURE}")
        picture.add_argument("--text", help="a line to write ('spikesim')")
        picture.add_argument("--picture", type=Path, metavar="PNG", help="a picture to draw")
        picture.add_argument("--outputs", type=int, default=100, help="output neurons (100)")
        files = parser.add_argument_group("task files: one spike a line, time in s and neuron")
        files.add_argument("--input", type=Path)
        files.add_argument("--target", type=Path)
        parser.add_argument(
            "--duration", type=float, metavar="MS", help="of a picture or of files (2000)"
        )
        runs.add_model_options(parser, self.declared)

    def settings(self, chosen: argparse.Namespace) -> dict[str, Any]:
        """Everything that a run depends on, from options."""
        check_integer("--seed", chosen.seed, at_least=0)
        task = self._task(chosen)
        blocks = check_integer(
            "--blocks", task.blocks if chosen.blocks is None else chosen.blocks, at_least=1
        )
        if chosen.decay is not None:
            check_integer("--decay", chosen.decay, at_least=0)
        hidden = task.sizes[1:-1] if chosen.hidden is None else runs.hidden_sizes(chosen.hidden)
        return {
            **{name: getattr(chosen, name) for name in ("task", "text", "outputs", "duration")},
            **{
                name: None if getattr(chosen, name) is None else str(getattr(chosen, name))
                for name in ("picture", "input", "target")
            },
            "hidden": shortened(hidden),
            "blocks": blocks,
            "decay": chosen.decay,
            "seed": chosen.seed,
            "dtype": chosen.dtype,
            "backend": chosen.backend,
            **runs.given_parameters(chosen, self.declared),
        }

    def _task(self, chosen: argparse.Namespace) -> Task:
        """The task that the options describe; options of other tasks are refused."""
        of_task = {"text": PICTURE, "picture": PICTURE, "input": "files", "target": "files"}
        for name, task in of_task.items():
            if getattr(chosen, name) is not None and chosen.task != task:
                raise InputError(f"--{name} is for --task {task}; the task is {chosen.task}.")
        if chosen.duration is not None and chosen.task not in (PICTURE, "files"):
            raise InputError(f"--duration is for --task picture or files, not {chosen.task}.")
        duration = 2000.0 if chosen.duration is None else chosen.duration
        if chosen.task == PICTURE:
            return self.tasks[PICTURE](
                chosen.text, chosen.picture, chosen.seed, n=chosen.outputs, duration=duration
            )
        if chosen.task == "files":
            if chosen.input is None or chosen.target is None or chosen.duration is None:
                raise InputError("--task files needs --input, --target and --duration.")
            shown = patterns.read_ras(chosen.input, duration=duration)
            target = patterns.read_ras(chosen.target, duration=duration)
            return Task((shown.n, target.n), lambda block: (shown, target), 50, 10_000.0, {})
        return self.tasks[chosen.task](seed=chosen.seed)

    def _new(self, given: Mapping[str, Any]) -> tuple[Any, Task]:
        """An untrained network and its task."""
        task = self._task(argparse.Namespace(**given))
        blocks, decay = given["blocks"], given["decay"]
        net = self.network(
            (task.sizes[0], *layers(given["hidden"]), task.sizes[-1]),
            seed=given["seed"],
            dtype=given["dtype"],
            backend=given["backend"],
            **{**task.parameters, **{name: given[name] for name in self.declared if name in given}},
        )
        net.notes = {
            "task": given["task"],
            "blocks": blocks,
            "block": task.block,
            "frozen": task.frozen,
            "decay": -(-2 * blocks // 3) if decay is None else decay,
            "tested_at": [],
            "tested": [],
            **self.own,
        }
        return net, task

    def _task_of(self, net: Any) -> Task:
        """The task of a saved network; its frozen patterns were saved with it."""
        name = noted(net, "task")
        if not net.notes.get("frozen", not net.in_windows):  # older files do not have this note
            return self.tasks[name](seed=net.seed)
        shown = net.shown
        if shown is None:
            raise InputError("This network has not been trained yet; begin a new run.")
        return Task(net.sizes, lambda block: shown, net.notes["blocks"], net.notes["block"], {})

    # ------------------------------------------------------------------- commands

    def train(self, chosen: argparse.Namespace) -> None:
        """Train, test, record and draw."""
        given = self.settings(chosen)
        net, task = self._new(given)
        sizes = "-".join(map(str, net.sizes))
        seconds = given["blocks"] * task.block / 1000.0
        with runs.new_run(chosen.out, f"{self.name}-{chosen.task}", self.option) as directory:
            print(
                f"Training {sizes} on {chosen.task}, {seconds:g} s of simulated time, "
                f"into {directory}"
            )
            self._fit(net, task, directory, not chosen.no_progress)

    def check(self, given: Mapping[str, Any]) -> None:
        """Refuse settings from which no network can be made."""
        self._new(given)

    def train_set(self, given: Mapping[str, Any], directory: Path) -> dict[str, Any]:
        """Train a network of a sweep, or continue it; return how well it does.

        The error is in percent: of new trials, or of the cost of a silent network.
        """
        path = directory / RUN_FILE
        if path.exists():
            net = self.network.load(path, given["backend"])
            task = self._task_of(net)
        else:
            net, task = self._new(given)
        net.notes["blocks"] = given["blocks"]
        _learn(net, task, directory, False)
        tested = np.array(net.notes["tested"])
        if not net.in_windows:
            tested *= 100.0 / _silent_cost(net)
        return {
            "test_error": tested[-1],
            "test_errors": tested,
            "tested_at": net.notes["tested_at"],
        }

    def result_label(self, given: Mapping[str, Any]) -> str:
        """The label of the axis in a sweep's figure."""
        frozen = self._task(argparse.Namespace(**given)).frozen
        return "Cost (% of that of silence)" if frozen else "Wrong answers (%)"

    def go_on(self, net: Any, chosen: argparse.Namespace) -> None:
        blocks = noted(net, "blocks")
        if net.block >= blocks:
            if not runs.is_drawn(chosen.directory, _LAST_PICTURE):
                # It was stopped between its last block and its last picture.
                self._fit(net, self._task_of(net), chosen.directory, False)
            print(
                f"All {net.block} blocks are done; to train on, use "
                f"'{self.resuming(chosen.directory)} --blocks {net.block + 20}'."
            )
            return
        print(f"Resuming at {net.time:g} s, in block {net.block + 1} of {blocks}")
        self._fit(net, self._task_of(net), chosen.directory, not chosen.no_progress)

    def plot(self, chosen: argparse.Namespace) -> None:
        """Record a loop again, and draw all pictures."""
        net = self.network.load(chosen.directory / RUN_FILE)
        write_results(net, self._task_of(net), chosen.directory)

    def progress(self, net: Any) -> dict[str, Any]:
        return {"blocks": f"{net.block} of {noted(net, 'blocks')}", "time": f"{net.time:g} s"}

    def outcome(self, net: Any) -> dict[str, Any]:
        return {"result": _outcome(net) if net.notes["tested"] else "not tested"}

    def _fit(self, net: Any, task: Task, directory: Path, progress: bool) -> None:
        """Train, and draw the results."""
        try:
            _learn(net, task, directory, progress)
        except KeyboardInterrupt:
            print(
                f"\nSaved at {net.time:g} s. Continue with: {self.resuming(directory)}",
                file=sys.stderr,
            )
            raise
        print(_outcome(net))
        write_results(net, task, directory)


def _learn(net: Any, task: Task, directory: Path, progress: bool) -> None:
    """Train, and keep the output's spikes at each test."""
    folder = directory / PROGRESS

    def keep(net: Any, error: float) -> None:
        with runs.writing(folder):
            folder.mkdir(exist_ok=True)
        output = net.predict(task.trials(0)[0])
        path = folder / f"block_{net.block:05d}.h5"
        with SpikeWriter(path, net.dt, {"output": output.n}) as writer:
            writer.append("output", np.rint(output.times / net.dt).astype(np.int64), output.ids)

    net.train(
        task,
        net.notes["blocks"],
        decay=net.notes["decay"],
        tests=TESTS,
        progress=progress,
        checkpoint=directory / RUN_FILE,
        callback=keep if task.frozen else None,
    )


def _outcome(net: Any) -> str:
    tested = net.notes["tested"][-1]
    if net.in_windows:
        return f"{100.0 - tested:.1f} % of fresh trials answered right"
    silent = _silent_cost(net)
    unmatched = net.history["unmatched"][-1]
    return (
        f"Cost {tested:.3g}, {100.0 * tested / silent:.1f} % of that of a silent network; "
        f"{unmatched:g} unmatched spikes in the last block"
    )


def _silent_cost(net: Any) -> float:
    """The cost of a silent network, for the spikes that this one last learned."""
    return float(net.silent_cost(net.shown[1]))


def write_results(net: Any, task: Task, directory: Path) -> None:
    """Record a loop, and draw the pictures of a run."""
    pictures = runs.Pictures(directory)
    shown, target = task.untrained()
    recording = net.record(shown, target, synapse=_busiest(net, shown))
    recording.to_sonata(directory)
    pictures.written += ["spikes.h5", "voltages.h5"]
    pictures.keep("synapse.png", draw.synapse(recording.synapse)[0].figure)
    if isinstance(target, SpikePattern):
        silent = net.silent_cost(target)
        pictures.keep("cost.png", draw.cost_curve(net.history, reference=silent).figure)
        pictures.keep("raster.png", _course(net, target, directory))
    else:
        tested = {"epoch": net.notes["tested_at"], "test_error": net.notes["tested"]}
        axes = draw.learning_curve(tested, "test_error", label="fresh trials")
        axes.set_xlabel(f"Block of {task.block / 1000.0:g} s")
        axes.set_ylabel("Wrong answers (%)")
        pictures.keep("learning_curve.png", axes.figure)
    pictures.keep(_LAST_PICTURE, draw.layers(recording)[0].figure)
    print(f"Wrote {', '.join([RUN_FILE, *pictures.written])} in {directory}")


def _busiest(net: Any, shown: SpikePattern) -> Synapse:
    """The strongest synapse onto the output neuron that spikes most, from a neuron that spikes."""
    spikes = net.record(shown).spikes
    post = int(np.argmax(spikes["output"].count))
    pre = list(spikes.values())[-2].count
    strength = np.abs(net.W[-1][:, post]) * (pre > 0)
    return Synapse(len(net.W), int(np.argmax(strength)), post)


def _course(net: Any, target: SpikePattern, directory: Path) -> Any:
    """Draw the target and the output during training: side by side, or as rows if small."""
    after, outputs = [], []
    for path in sorted((directory / PROGRESS).glob("block_*.h5")):
        recorded = read_spikes(path)
        if "output" not in recorded:
            raise FileError(f"{path} holds no spikes of an output; it is not from this run.")
        times, ids = recorded["output"]
        outputs.append(SpikePattern(times, ids, target.n, target.duration))
        block = int(path.stem.removeprefix("block_"))
        after.append(f"after {block * net.notes['block'] / 1000.0:g} s")
    if target.n > 1:
        picked = np.unique(np.linspace(0, len(outputs) - 1, _PANELS - 1).round().astype(int))
        panels = [target, *(outputs[k] for k in picked)]
        return draw.rasters(panels, titles=["target", *(after[k] for k in picked)])[0].figure
    rows = from_trains([pattern.times for pattern in (*outputs, target)], target.duration)
    axes = draw.raster(rows)
    axes.set_yticks(range(rows.n), [*after, "target"])
    axes.set_ylabel("Output neuron")
    return axes.figure
