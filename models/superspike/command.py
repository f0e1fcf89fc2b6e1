"""The commands of SuperSpike: ``spikesim train superspike`` and its kin.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    progress/*.h5       the output's spikes in the course of training, in the SONATA layout
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
from spikesim.cli.export import write_spikes_csv
from spikesim.errors import FileError, InputError
from spikesim.io import runs
from spikesim.io.runs import RUN_FILE, noted
from spikesim.models.superspike import tasks
from spikesim.models.superspike.network import SuperSpikeNetwork
from spikesim.models.superspike.parameters import Parameters
from spikesim.models.superspike.simulation import Synapse
from spikesim.models.superspike.tasks import Task
from spikesim.patterns import SpikePattern, from_trains
from spikesim.progress import progress_bar
from spikesim.sonata import SpikeWriter, read_spikes
from spikesim.sweep.command import layers, shortened

__all__ = [
    "DEFAULTS",
    "LENGTH",
    "SHORT_RUNS",
    "add_arguments",
    "check",
    "export",
    "info",
    "plot",
    "result_label",
    "resume",
    "settings",
    "train",
    "train_set",
]

DEFAULTS = Parameters._field_defaults
LENGTH = "blocks"

SHORT_RUNS = (
    "train superspike --blocks=1 --hidden=4 --outputs=10",
    "train superspike --task=hidden --blocks=1 --hidden=4",
)
"""Commands that take a moment and compile what longer ones need."""
PROGRESS = "progress"

_PANELS = 4  # rasters in the picture of the course of training, target included
_TESTS = 5  # blocks of fresh trials in a test
_NEVER_TRAINED = 10**9  # the first of them

_LAST_PICTURE = "layers.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``spikesim train superspike``."""
    parser.add_argument("--task", choices=[*tasks.TASKS, "files"], default="picture")
    parser.add_argument(
        "--hidden",
        metavar="N[,N...]",
        help="neurons in each hidden layer, from the first; 0 for none (what suits the task)",
    )
    parser.add_argument("--blocks", type=int, help="blocks of training (what suits the task)")
    parser.add_argument(
        "--decay",
        type=int,
        metavar="BLOCK",
        help="the learning rate is a tenth from this block on (after two thirds of the blocks)",
    )
    picture = parser.add_argument_group("task picture")
    picture.add_argument("--text", help="a line to write ('spikesim')")
    picture.add_argument("--picture", type=Path, metavar="PNG", help="a picture to draw")
    picture.add_argument("--outputs", type=int, default=100, help="output neurons (100)")
    files = parser.add_argument_group("task files: one spike a line, time in s and neuron")
    files.add_argument("--input", type=Path)
    files.add_argument("--target", type=Path)
    parser.add_argument(
        "--duration", type=float, metavar="MS", help="of a picture or of files (2000)"
    )
    runs.add_model_options(parser, Parameters._field_defaults)


def train(chosen: argparse.Namespace) -> None:
    """Train, test, record and draw."""
    given = settings(chosen)
    net, task = _new(given)
    sizes = "-".join(map(str, net.sizes))
    seconds = given["blocks"] * task.block / 1000.0
    with runs.new_run(chosen.out, f"superspike-{chosen.task}") as directory:
        print(
            f"Training {sizes} on {chosen.task}, {seconds:g} s of simulated time, into {directory}"
        )
        _fit(net, task, directory, not chosen.no_progress)


def settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everything that a run depends on, from options."""
    check_integer("--seed", chosen.seed, at_least=0)
    task = _task(chosen)
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
        **runs.given_parameters(chosen, DEFAULTS),
    }


def check(given: Mapping[str, Any]) -> None:
    """Refuse what no network can be made of."""
    _new(given)


def train_set(given: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Train a network of a sweep, or go on with it; return how well it does.

    The error is in percent: of new trials, or of the cost of a silent network.
    """
    path = directory / RUN_FILE
    if path.exists():
        net = SuperSpikeNetwork.load(path, given["backend"])
        task = _task_of(net)
    else:
        net, task = _new(given)
    net.notes["blocks"] = given["blocks"]
    _learn(net, task, directory, False)
    tested = np.array(net.notes["tested"])
    if net.parameters.error != "windows":
        tested *= 100.0 / _silent_cost(net)
    return {"test_error": tested[-1], "test_errors": tested, "tested_at": net.notes["tested_at"]}


def result_label(given: Mapping[str, Any]) -> str:
    """The axis of a sweep's figure."""
    return "Wrong answers (%)" if given["task"] == "xor" else "Cost (% of that of silence)"


def resume(chosen: argparse.Namespace) -> None:
    """Go on where the last checkpoint ended."""
    if chosen.epochs is not None:
        raise InputError("--epochs is for models that learn from images; this run has --blocks.")
    if not (chosen.directory / RUN_FILE).exists():
        SuperSpikeNetwork.load(chosen.directory / RUN_FILE)  # says what is wrong
    with runs.hold(chosen.directory):
        _resume(chosen)


def _resume(chosen: argparse.Namespace) -> None:
    net = SuperSpikeNetwork.load(chosen.directory / RUN_FILE)
    if chosen.blocks is not None:
        net.notes["blocks"] = check_integer("--blocks", chosen.blocks, at_least=1)
    blocks = noted(net, "blocks")
    if net.block >= blocks:
        if not runs.is_drawn(chosen.directory, _LAST_PICTURE):
            # It was stopped between its last block and its last picture.
            _fit(net, _task_of(net), chosen.directory, False)
        print(
            f"All {net.block} blocks are done; 'spikesim resume {chosen.directory} --blocks "
            f"{net.block + 20}' would train on."
        )
        return
    print(f"Resuming at {net.time:g} s, in block {net.block + 1} of {blocks}")
    _fit(net, _task_of(net), chosen.directory, not chosen.no_progress)


def plot(chosen: argparse.Namespace) -> None:
    """Record a loop again and draw all pictures."""
    net = SuperSpikeNetwork.load(chosen.directory / RUN_FILE)
    _results(net, _task_of(net), chosen.directory)


def info(chosen: argparse.Namespace) -> None:
    """Say what was trained and how far it came."""
    net = SuperSpikeNetwork.load(chosen.directory / RUN_FILE)
    given = net.parameters._asdict()
    runs.print_rows(
        {
            "model": "SuperSpike (Zenke & Ganguli 2018)",
            "layers": "-".join(map(str, net.sizes)),
            "task": noted(net, "task"),
            "seed": net.seed,
            "blocks": f"{net.block} of {noted(net, 'blocks')}",
            "time": f"{net.time:g} s",
            "options": runs.other_parameters(given, Parameters._field_defaults),
            "result": _outcome(net) if net.notes["tested"] else "not tested",
            "files": ", ".join(sorted(path.name for path in chosen.directory.iterdir())),
        }
    )


def export(chosen: argparse.Namespace) -> None:
    """Write the recorded spikes as CSV, or the weights as NPZ."""
    if chosen.format == "npz":
        net = SuperSpikeNetwork.load(chosen.directory / RUN_FILE)
        path = runs.write_weights(chosen.directory, {"W": net.W, "B": net.B})
    else:
        path = write_spikes_csv(chosen.directory)
    print(f"Wrote {path}")


def _task(chosen: argparse.Namespace) -> Task:
    """What the options ask for; options of other tasks are refused."""
    of_task = {"text": "picture", "picture": "picture", "input": "files", "target": "files"}
    for name, task in of_task.items():
        if getattr(chosen, name) is not None and chosen.task != task:
            raise InputError(f"--{name} is for --task {task}; the task is {chosen.task}.")
    if chosen.duration is not None and chosen.task not in ("picture", "files"):
        raise InputError(f"--duration is for --task picture or files, not {chosen.task}.")
    duration = 2000.0 if chosen.duration is None else chosen.duration
    if chosen.task == "picture":
        return tasks.picture(
            chosen.text, chosen.picture, chosen.seed, n=chosen.outputs, duration=duration
        )
    if chosen.task == "files":
        if chosen.input is None or chosen.target is None or chosen.duration is None:
            raise InputError("--task files needs --input, --target and --duration.")
        shown = patterns.read_ras(chosen.input, duration=duration)
        target = patterns.read_ras(chosen.target, duration=duration)
        return Task((shown.n, target.n), lambda block: (shown, target), 50, 10_000.0, {})
    return tasks.TASKS[chosen.task](seed=chosen.seed)


def _new(given: Mapping[str, Any]) -> tuple[SuperSpikeNetwork, Task]:
    """An untrained network and what it is to learn."""
    task = _task(argparse.Namespace(**given))
    blocks, decay = given["blocks"], given["decay"]
    net = SuperSpikeNetwork(
        (task.sizes[0], *layers(given["hidden"]), task.sizes[-1]),
        seed=given["seed"],
        dtype=given["dtype"],
        backend=given["backend"],
        **{**task.parameters, **{name: given[name] for name in DEFAULTS if name in given}},
    )
    net.notes = {
        "task": given["task"],
        "blocks": blocks,
        "block": task.block,
        "decay": -(-2 * blocks // 3) if decay is None else decay,
        "tested_at": [],
        "tested": [],
    }
    return net, task


def _task_of(net: SuperSpikeNetwork) -> Task:
    """The task of a saved network, the frozen patterns of which were saved with it."""
    name = noted(net, "task")
    if name == "xor":
        return tasks.xor(seed=net.seed)
    shown = net.shown
    if shown is None:
        raise InputError("This network has not been trained yet; begin a new run.")
    return Task(net.sizes, lambda block: shown, net.notes["blocks"], net.notes["block"], {})


def _fit(net: SuperSpikeNetwork, task: Task, directory: Path, progress: bool) -> None:
    """Train, and draw what came of it."""
    try:
        _learn(net, task, directory, progress)
    except KeyboardInterrupt:
        print(
            f"\nSaved at {net.time:g} s. Go on with: spikesim resume {directory}", file=sys.stderr
        )
        raise
    print(_outcome(net))
    _results(net, task, directory)


def _learn(net: SuperSpikeNetwork, task: Task, directory: Path, progress: bool) -> None:
    """Train in stretches, each with a test at its end."""
    blocks, block, decay = (net.notes[key] for key in ("blocks", "block", "decay"))
    due = net.block > 0 and net.block == _next_test(net.block - 1, blocks)
    if due and net.block not in net.notes["tested_at"]:
        _test(net, task, directory)  # it was stopped between a block and its test
    start = net.time * 1000.0 / net.dt
    total = round((blocks - net.block) * block / net.dt)
    with progress_bar(progress, total, "step") as report:

        def tell(done: int, of: int) -> None:
            report(min(round(net.time * 1000.0 / net.dt - start), total), total)

        while net.block < blocks:
            stop = _next_test(net.block, blocks)
            count = stop - net.block if task.frozen else 1
            rates = [
                net.parameters.eta * (0.1 if b >= decay else 1.0)
                for b in range(net.block, net.block + count)
            ]
            shown, target = task.trials(net.block)
            net.fit(
                shown,
                target,
                count,
                block=block,
                learning_rate=rates,
                progress=tell,
                checkpoint=directory / RUN_FILE,
            )
            if net.block == stop:
                _test(net, task, directory)


def _next_test(block: int, blocks: int) -> int:
    """The block after which the next test comes: 1, 2, 5, 10, 20, 50, ..., and the last."""
    decade = 1
    while True:
        for step in (1, 2, 5):
            if step * decade > block:
                return min(step * decade, blocks)
        decade *= 10


def _test(net: SuperSpikeNetwork, task: Task, directory: Path) -> None:
    """Test on trials that are never trained on, and keep the output's spikes."""
    fresh = 1 if task.frozen else _TESTS
    tests = [net.evaluate(*task.trials(_NEVER_TRAINED + k)) for k in range(fresh)]
    if task.frozen:
        folder = directory / PROGRESS
        with runs.writing(folder):
            folder.mkdir(exist_ok=True)
        output = net.predict(task.trials(0)[0])
        path = folder / f"block_{net.block:05d}.h5"
        with SpikeWriter(path, net.dt, {"output": output.n}) as writer:
            writer.append("output", np.rint(output.times / net.dt).astype(np.int64), output.ids)
    # Last, so that a test that is noted has its spikes on the disk, whenever the run is stopped.
    net.notes["tested_at"].append(net.block)
    net.notes["tested"].append(float(np.mean(tests)))
    net.save(directory / RUN_FILE)


def _outcome(net: SuperSpikeNetwork) -> str:
    tested = net.notes["tested"][-1]
    if net.parameters.error == "windows":
        return f"{100.0 - tested:.1f} % of fresh trials answered right"
    silent = _silent_cost(net)
    unmatched = net.history["unmatched"][-1]
    return (
        f"Cost {tested:.3g}, {100.0 * tested / silent:.1f} % of that of a silent network; "
        f"{unmatched:g} unmatched spikes in the last block"
    )


def _silent_cost(net: SuperSpikeNetwork) -> float:
    """The cost of a silent network, for the spikes that this one last learned."""
    shown: Any = net.shown
    return net.silent_cost(shown[1])


def _results(net: SuperSpikeNetwork, task: Task, directory: Path) -> None:
    """A recorded loop and the pictures of a run."""
    pictures = runs.Pictures(directory)
    shown, target = task.trials(_NEVER_TRAINED)
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


def _busiest(net: SuperSpikeNetwork, shown: SpikePattern) -> Synapse:
    """The strongest synapse onto the output neuron that spikes most, from a neuron that spikes."""
    spikes = net.record(shown).spikes
    post = int(np.argmax(spikes["output"].count))
    pre = list(spikes.values())[-2].count
    strength = np.abs(net.W[-1][:, post]) * (pre > 0)
    return Synapse(len(net.W), int(np.argmax(strength)), post)


def _course(net: SuperSpikeNetwork, target: SpikePattern, directory: Path) -> Any:
    """The target and the output in the course of training: side by side, or as rows if small."""
    after, outputs = [], []
    for path in sorted((directory / PROGRESS).glob("block_*.h5")):
        recorded = read_spikes(path)
        if "output" not in recorded:
            raise FileError(f"{path} holds no spikes of an output; it belongs to something else.")
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
