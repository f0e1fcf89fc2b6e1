"""Damaged files: ``python -m tests.reliability files --count 1000`` mutates and reads them.

Every file is a saved tree, network, model or sweep, SONATA spikes or traces, ours and those of
others, a file of a SONATA circuit or of areas, IDX images with and without gzip, spikes as text,
sets of parameters or a picture; or it stands in a run directory that commands read. Of its bytes
some are flipped, cut off, exchanged, repeated, zero, at random or as large as numbers get, or
something else has its name. It is refused in one line, read as it was, or read as something else
(wrong). IDX without gzip, texts and files of others have no checksums: a changed pixel or digit is
read as one that was written, so that only what has to hold for any such file is compared.

Batches run in processes of their own, with limits on memory and time, so crashes and hangs are
counted as well.
"""

import argparse
import collections
import contextlib
import gzip
import io
import itertools
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

from spikesim import cli, nir
from spikesim.areas import read_areas
from spikesim.circuit import read_circuit
from spikesim.datasets import load_idx
from spikesim.engine.network import Network
from spikesim.errors import FileError, InputError, SimulationError
from spikesim.events import read_shd
from spikesim.image_runs import ImageCommands
from spikesim.io import runs
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.neurons import LIF
from spikesim.patterns import from_picture, read_nest, read_ras
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces
from spikesim.sweep import SWEEP_FILE, Sweep
from spikesim.sweep import command as sweep_command
from tests import three_areas
from tests.circuits import write_circuit
from tests.waiting import HANG

_PLAIN = {"backend": "python"}  # nothing is compiled
_MODELS = {
    "segregated": (SegregatedDendriteNetwork, ((4, 3, 2),), _PLAIN),
    "burst": (BurstEnsembleNetwork, ((4, 3, 2),), _PLAIN),
    "burstprop": (BurstpropNetwork, ((4, 3, 2),), {}),
    "superspike": (SuperSpikeNetwork, ((4, 3, 2),), _PLAIN),
    "exclusive or": (ExclusiveOrNetwork, (), {"n": 3, "duration": 20.0, **_PLAIN}),
}
_COMMANDS = {  # in a run directory: a command and the file that it reads
    "info": (runs.RUN_FILE, ("info",)),
    "resume": (runs.RUN_FILE, ("resume",)),
    "plot": (runs.RUN_FILE, ("plot",)),
    "export npz": (runs.RUN_FILE, ("export", "--format=npz")),
    "export csv": ("spikes.h5", ("export", "--format=csv")),
}
_RUNS = {
    f"{model} {command}": (model, command)
    for model in ("segregated", "burst", "superspike")
    for command in _COMMANDS
}
LOOSE = ("idx", "idx gzip", "ras", "nest", "list.csv", "list.json", "areas", "picture")
FOREIGN = ("old spikes", "bmtk report", "uneven report", "nir", "shd")  # HDF5 without our checksums
CIRCUIT = {  # the files of a circuit that are damaged, one at a time
    "circuit config": "simulation_config.json",
    "circuit nodes": "network/cells_nodes.h5",
    "circuit edges": "network/input_to_cells_edges.h5",
    "circuit types": "network/cells_node_types.csv",
    "circuit parameters": "components/cells/cell.json",
}
DIRECTORIES = (*_RUNS, "sweep directory")
_READERS = (
    "tree",
    "spikes",
    "traces",
    "network",
    "sweep",
    *_MODELS,
    *LOOSE,
    *FOREIGN,
    *CIRCUIT,
    *DIRECTORIES,
)
_MUTATIONS = ("bit", "cut", "block", "swap", "repeat", "zero", "huge", "magic")
_STAND_INS = ("nothing", "empty", "folder", "circle", "text", "picture", "network", "bomb")
_KINDS = (*_MUTATIONS, *_STAND_INS)
_BLOCK = 32  # bytes
_BATCH = 125
_MEMORY = 4 << 30  # bytes of address space; HDF5 and NumPy take most of one GiB


def _network() -> Network:
    net = Network(dt=1.0, seed=1, backend="python")
    net.add_population("cells", 5, LIF)
    return net


def _idx(array: np.ndarray) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def _loose(reader: str) -> bytes:
    """A file of a format that is not ours."""
    chance = np.random.default_rng(2)
    if reader.startswith("idx"):
        content = _idx(chance.integers(0, 256, (12, 3, 2)))
        return gzip.compress(content, mtime=0) if "gzip" in reader else content
    if reader == "ras":
        return "".join(f"{0.0083 * k:.4f} {k % 7}\n" for k in range(50)).encode()
    if reader == "nest":
        header = "# NEST version: 3.6.0\n# RecordingBackendASCII version: 2\nsender\ttime_ms\n"
        return (header + "".join(f"{3 + k % 7}\t{8.3 * k:.3f}\n" for k in range(50))).encode()
    if reader == "list.csv":
        return b"alpha,n\n" + b"".join(b"%d.5,%d\n" % (k, k) for k in range(20))
    if reader == "list.json":
        return repr([{"alpha": k + 0.5, "n": k} for k in range(20)]).replace("'", '"').encode()
    if reader == "areas":
        return json.dumps(three_areas.content()).encode()
    from matplotlib.image import imsave

    picture = io.BytesIO()
    imsave(picture, chance.random((20, 30)), format="png")
    return picture.getvalue()


def _read_loose(reader: str, path: Path) -> object:
    """What has to be as it was; where there are no checksums, what holds for any such file."""
    if reader.startswith("idx"):
        labels = path.with_name("labels")
        labels.write_bytes(_idx(np.arange(12) % 10))
        images, numbers, shape = load_idx(path, labels)
        return images if "gzip" in reader else (images.shape, images.dtype, numbers, shape)
    if reader in ("ras", "nest"):
        pattern = read_ras(path) if reader == "ras" else read_nest(path)
        times = pattern.times
        return bool(
            ((times >= 0.0) & (times < pattern.duration)).all()
            and (np.diff(times) >= 0.0).all()
            and ((pattern.ids >= 0) & (pattern.ids < pattern.n)).all()
        )
    if reader.startswith("list"):
        sets = sweep_command.read_sets(path)
        return all(isinstance(text, str) for each in sets for text in (*each, *each.values()))
    if reader == "areas":
        return read_areas(path).indegrees.min() >= 0.0
    return from_picture(path, n=10, duration=50.0)


def _write_foreign(reader: str, path: Path) -> None:
    """Spikes of the layout before SONATA, or a report of bmtk, as those programs write them."""
    chance = np.random.default_rng(3)
    if reader == "nir":
        net = Network(dt=1.0, backend="python")
        source = net.add(nir.Input(net, "source", 8))
        kind = nir.neuron("CubaLIF", "exact", reset="subtract")
        cells = net.add_population("cells", 5, kind, tau_mem=np.arange(5.0, 10.0), bias=0.1)
        net.connect(source, cells, target="input", weight=chance.normal(size=(8, 5)), delay=2.0)
        net.connect(cells, cells, target="input", weight=0.5)
        nir.write(net, path)
        return
    with h5py.File(path, "w") as file:
        if reader == "shd":
            for name, kind in (("times", "f4"), ("units", "u2")):
                made = file.create_dataset(f"spikes/{name}", (9,), h5py.vlen_dtype(np.dtype(kind)))
                for k in range(9):
                    made[k] = chance.uniform(0.0, 1.0, 20) if kind == "f4" else np.arange(20)
            file["labels"] = np.arange(9)
            return
        if reader == "old spikes":
            file["spikes/gids"] = np.sort(chance.integers(0, 50, 300)).astype("u8")
            file["spikes/timestamps"] = chance.uniform(0.0, 1000.0, 300)
            file["spikes"].attrs["sorting"] = "by_gid"
            return
        counts = [1] * 9 if reader == "bmtk report" else [3, 1, 0, 5]
        group = file.create_group("report/cortex")
        group["data"] = chance.normal(-60.0, 5.0, (40, sum(counts)))
        group["data"].attrs["variable"] = "v"
        group["mapping/node_ids"] = np.arange(len(counts), dtype="u8")
        group["mapping/index_pointer"] = np.cumsum([0, *counts]).astype("u8")
        group["mapping/element_ids"] = np.zeros(sum(counts), "u8")
        group["mapping/element_pos"] = np.full(sum(counts), 0.5)
        group["mapping/time"] = [0.0, 4.0, 0.1]


def _read_foreign(reader: str, path: Path) -> object:
    """What holds for any such file, as these have no checksums."""
    if reader == "nir":
        net = nir.read(path, backend="python")
        sources = [each for each in net.populations.values() if isinstance(each, nir.Input)]
        for source in (each for each in sources if each.n < 1000):
            source.feed(np.ones((3, source.n)))
        with contextlib.suppress(SimulationError):  # weights may have become as large as they get
            net.run_steps(3)
        return len(net.populations) > 0
    if reader == "shd":
        patterns, labels = read_shd(path)
        return len(patterns) == labels.size and all(
            ((each.ids >= 0) & (each.ids < 700)).all() and (each.times < each.duration).all()
            for each in patterns
        )
    if reader == "old spikes":
        return all(
            times.shape == ids.shape and (times.dtype, ids.dtype) == ("f8", "i8")
            for times, ids in read_spikes(path).values()
        )
    return all(
        traces.data.shape == (traces.times.size, *traces.element_ids.shape)
        and len(traces.elements) == traces.element_ids.shape[1]
        and len(traces.node_ids) == traces.element_ids.shape[0]
        for traces in read_traces(path).values()
    )


def _circuit_of(reader: str, path: Path) -> Path:
    """The folder of the circuit that a file belongs to."""
    return path.parents[CIRCUIT[reader].count("/")]


def _read_circuit(folder: Path) -> object:
    """What holds for any circuit, as its files have no checksums: its numbers can be simulated."""
    net = read_circuit(folder / "simulation_config.json", backend="python").network
    net.run_steps(2)
    return all(
        bool(np.isfinite(np.asarray(values)).all())
        for part in (*net.populations.values(), *net.projections.values())
        for values in part.state.values()
    )


class _Loaded(BaseException):
    """Ends a command that has read a network: what it does with one is none of our business."""


def _run_directory(model: str, directory: Path) -> None:
    kind, _, _ = _MODELS[model]
    net = kind((64, 3, 10), backend="python")
    net.notes = {"dataset": "digits", "epochs": 1, "task": "hidden", "blocks": 1, "tested": []}
    net.save(directory / runs.RUN_FILE)
    with SpikeWriter(directory / "spikes.h5", 0.1, {"output": 10}) as writer:
        writer.append("output", np.arange(300), np.arange(300) % 10)


def _train_set(settings: object, directory: Path) -> dict[str, object]:
    return {"test_error": 5.0, "training_error": 4.0, "test_errors": [6.0, 5.0]}


def _call(arguments: list[str], path: Path) -> str:
    """What a command prints, or FileError over what it refuses in one line that names the file."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(arguments)
    told = err.getvalue()
    if status != 0:
        named = str(path.parent) in told
        one_line = told.count("\n") == 1 and named
        raise FileError("refused" if one_line else f"several lines, or no name:\n{told}")
    return out.getvalue() + told


def _command(reader: str, path: Path) -> object:
    """What a command makes of a directory."""
    directory = path.parent
    if reader == "sweep directory":
        grid = ["--grid=seed=0,1", "--threads", "--workers=1", "--no-progress"]
        with (
            mock.patch.object(ImageCommands, "train_set", staticmethod(_train_set)),
            mock.patch.object(runs.Pictures, "keep"),
        ):
            return _call(["sweep", "segregated", *grid, f"--out={directory}"], path)
    model, command = _RUNS[reader]
    kind = _MODELS[model][0]
    load = kind.load

    def only_load(path: Path, *backend: str) -> None:
        raise _Loaded(load(path, *backend).state())

    written = [directory / name for name in ("spikes.csv", "weights.npz")]
    for each in written:
        each.unlink(missing_ok=True)
    stop = mock.patch.object(kind, "load", only_load) if command in ("resume", "plot") else None
    with stop or contextlib.nullcontext():
        try:
            told = _call([*_COMMANDS[command][1], str(directory)], path)
        except _Loaded as loaded:
            return loaded.args[0]
    return told, [each.read_bytes() for each in written if each.exists()]


def _target(reader: str, folder: Path) -> Path:
    """The file that is damaged."""
    if reader in CIRCUIT:
        return folder / CIRCUIT[reader]
    if reader in _RUNS:
        return folder / _COMMANDS[_RUNS[reader][1]][0]
    return folder / (reader if reader.startswith("list") else SWEEP_FILE)


def _write(reader: str, path: Path) -> None:
    chance = np.random.default_rng(1)
    if reader in LOOSE:
        path.write_bytes(_loose(reader))
    elif reader in FOREIGN:
        _write_foreign(reader, path)
    elif reader in CIRCUIT:
        write_circuit(_circuit_of(reader, path), own={"syn_weight": [10.0, 20.0, 30.0]})
    elif reader in _RUNS:
        _run_directory(_RUNS[reader][0], path.parent)
    elif reader == "sweep directory":
        _command(reader, path)
    elif reader == "tree":
        with atomic_file(path) as file:
            stamp(file, "checkpoint")
            write_tree(
                file, {"W": chance.random((30, 40)), "state": {"v": np.arange(9), "step": 5}}
            )
    elif reader == "spikes":
        with SpikeWriter(path, 0.1, {"cells": 50}) as writer:
            writer.append("cells", np.arange(500), chance.integers(0, 50, 500))
    elif reader == "network":
        _network().save(path)
    elif reader == "sweep":
        Sweep(path.parent, [{"alpha": 0.1 * k, "n": k} for k in range(5)]).save()
    elif reader in _MODELS:
        model, sizes, options = _MODELS[reader]
        model(*sizes, **options).save(path)
    else:
        with TraceWriter(path, 0.1) as traces:
            traces.add_population("cells", np.arange(5), ("v",))
            traces.append("cells", chance.random((200, 5, 1)).astype(np.float32))


def _read(reader: str, path: Path) -> str:
    found: object
    if reader in LOOSE:
        found = _read_loose(reader, path)
    elif reader in FOREIGN:
        found = _read_foreign(reader, path)
    elif reader in CIRCUIT:
        found = _read_circuit(_circuit_of(reader, path))
    elif reader in DIRECTORIES:
        found = _command(reader, path)
    elif reader == "tree":
        with open_file(path, "checkpoint") as file:
            found = read_tree(file)
    elif reader == "network":
        found = _network().restore(path).state()
    elif reader == "sweep":
        sweep = Sweep.load(path.parent)
        found = (sweep.sets, sweep.finished, sweep.errors, sweep.seconds, sweep.values)
    elif reader in _MODELS:
        model, _, options = _MODELS[reader]
        found = model.load(path, **(_PLAIN if "backend" in options else {})).state()
    else:
        found = read_spikes(path) if reader == "spikes" else read_traces(path)
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return repr(found)


def _mutate(content: bytes, mutation: str, chance: np.random.Generator) -> bytes:
    changed = bytearray(content)
    at, other = (int(place) for place in chance.integers(len(content), size=2))
    block = slice(at, min(at + _BLOCK, len(content)))
    if mutation == "cut":
        return content[:at]
    if mutation == "bit":
        changed[at] ^= 1 << int(chance.integers(8))
    elif mutation == "magic":
        changed[:8] = chance.bytes(8)
    elif mutation == "huge":  # what a size would be, at the beginning of a file more often
        at = int(chance.integers(64)) if other % 2 else at
        changed[at : at + 4] = (b"\x7f\xff\xff\xff", b"\xff" * 4)[other % 3 == 0]
    elif mutation == "swap":
        first, second = content[at:][:_BLOCK], content[other:][:_BLOCK]
        changed[at : at + len(second)] = second
        changed[other : other + len(first)] = first
    elif mutation == "repeat":
        return content[: block.stop] + content[block] + content[block.stop :]
    else:
        changed[block] = bytes(_BLOCK) if mutation == "zero" else chance.bytes(_BLOCK)
    return bytes(changed)


def _stand_in(path: Path, what: str) -> None:
    """Put something else where the file was."""
    if what == "folder":
        path.mkdir()
    elif what == "circle":
        path.symlink_to(path)
    elif what == "network":
        _network().save(path)
    elif what != "nothing":
        pixels = b"\0\0\x08\x03" + (1 << 31).to_bytes(4, "big") + (28).to_bytes(4, "big") * 2
        contents = {
            "empty": b"",
            "text": b"These are no numbers.\n",
            "picture": _loose("picture"),
            "bomb": gzip.compress(pixels) + gzip.compress(bytes(1 << 24)) * 1000,
        }
        path.write_bytes(contents[what])


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def outcomes(reader: str, seed: int, count: int) -> Iterator[str]:
    """Kind of damage and outcome in turn, for so many damaged files."""
    chance = np.random.default_rng(seed)
    folder = Path(tempfile.mkdtemp())
    try:
        path = _target(reader, folder)
        _write(reader, path)
        content, right = path.read_bytes(), _read(reader, path)
        for kind in itertools.islice(itertools.cycle(_KINDS), seed, seed + count):
            yield kind
            _remove(path)
            if kind in _MUTATIONS:
                path.write_bytes(_mutate(content, kind, chance))
            else:
                _stand_in(path, kind)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    same = _read(reader, path) == right
                valid = kind == reader == "picture"  # another picture is as good as any
                yield "the same" if same or valid else "wrong"
            except (FileError, InputError) as error:
                yield "refused" if "\n" not in str(error) else f"several lines {error!r}"
            except Exception as error:
                yield f"raised {error!r}"
    finally:
        shutil.rmtree(folder)


def _batch(reader: str, seed: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for k, text in enumerate(outcomes(reader, seed, count)):
        print(text, end="\n" if k % 2 else "\t", flush=True)


def main(arguments: list[str]) -> int:
    """Print a table; the exit status is 1 if anything but a refusal or the same came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability files", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    each, bad = -(-options.count // len(_READERS)), 0
    for reader in _READERS:
        counts: collections.Counter[str] = collections.Counter()
        for first in range(0, each, _BATCH):
            size = min(_BATCH, each - first)
            batch = f"_batch({reader!r}, {options.seed + first}, {size})"
            code = f"from tests.reliability.files import _batch; {batch}"
            process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            try:
                lines = process.communicate(timeout=HANG)[0].decode().split("\n")
                end = "crash"
            except subprocess.TimeoutExpired:
                process.kill()
                lines, end = process.communicate()[0].decode().split("\n"), "hang"
            for line in lines[:-1]:
                kind, _, result = line.partition("\t")
                good = result in ("refused", "the same")
                counts[result if good else f"{kind} {result}"] += 1
            if process.returncode != 0:
                counts[f"{lines[-1].strip()} {end}"] += 1
        bad += sum(counts.values()) - counts["refused"] - counts["the same"]
        found = (f"{result}: {n}" for result, n in sorted(counts.items()))
        print(f"{reader:22}", *found, flush=True)
    return int(bad > 0)
