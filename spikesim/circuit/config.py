"""Configuration files of SONATA: a circuit, a simulation, or one that names both.

A configuration is JSON. Its manifest gives names to folders. Paths are relative to the folder of
the file that writes them, and may lead anywhere. `read_config` brings all of this into one `Config`
with whole paths.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spikesim.checks import check_number, check_path, show
from spikesim.errors import FileError, InputError
from spikesim.io.objects import as_object, read_object

__all__ = ["Config", "as_list", "enabled", "number", "read_config"]

_LONGEST = 1 << 16  # letters of a path; systems allow fewer
_NESTED = ("network", "simulation")  # a configuration may be in other files, under these names
_SECTIONS = ("components", "conditions", "inputs", "output", "reports", "run")
_PATHS = ("input_file", "file", "output_dir")  # in sections


class Config(NamedTuple):
    """What a configuration says, with whole paths.

    Attributes
    ----------
    path : Path
        The file that was read first.
    nodes, edges : list of (Path, Path or None)
        The files of populations, and those of their types.
    node_sets : dict
        Names of sets of nodes.
    components, conditions, inputs, output, reports, run : dict
        The sections of these names, empty if they are missing.
    """

    path: Path
    nodes: list[tuple[Path, Path | None]]
    edges: list[tuple[Path, Path | None]]
    node_sets: dict[str, Any]
    components: dict[str, Any]
    conditions: dict[str, Any]
    inputs: dict[str, Any]
    output: dict[str, Any]
    reports: dict[str, Any]
    run: dict[str, Any]


def read_config(path: str | os.PathLike[str]) -> Config:
    """Read a configuration and the files that it continues in.

    Raises
    ------
    FileError
        If a file is missing, is no JSON, or lacks what a configuration needs.
    """
    first = check_path("path", path)
    config = Config(first, [], [], {}, *({} for _ in _SECTIONS))
    _read_into(config, first, set())
    if not config.nodes:
        raise FileError(f"{first} names no nodes_file; check that it is a SONATA configuration.")
    return config


def _read_into(config: Config, path: Path, already: set[str]) -> None:
    real = os.path.realpath(path)
    if real in already:  # a simulation may name the circuit that the first file names, too
        return
    already.add(real)
    content = read_object(path)
    content = _replaced(content, _variables(path, content.pop("manifest", {})), path)
    for name in _NESTED:
        if name in content:
            _read_into(config, _whole(path, name, content[name]), already)
    for name in _SECTIONS:
        section = as_object(path, name, content.get(name, {}))
        getattr(config, name).update({key: _located(path, key, section[key]) for key in section})
    networks = as_object(path, "networks", content.get("networks", {}))
    for kind, found in (("node", config.nodes), ("edge", config.edges)):
        for each in as_list(networks.get(f"{kind}s", [])):
            entry = as_object(path, f"networks.{kind}s", each)
            if entry.get("enabled", True):
                found.append(_pair(path, kind, entry))
    if content.get("node_sets_file") is not None:
        sets = read_object(_whole(path, "node_sets_file", content["node_sets_file"]))
        config.node_sets.update(sets)
    config.node_sets.update(as_object(path, "node_sets", content.get("node_sets", {})))


def number(path: Path, section: str, values: Mapping[str, Any], name: str, **limits: Any) -> float:
    """A number of a section, or an error that names the file and the entry.

    Raises
    ------
    FileError
        If it is missing, or not a number within the limits of `check_number`.
    """
    if name not in values:
        raise FileError(f"{path} has no {section}.{name}, which it needs.")
    try:
        return check_number(f"{section}.{name}", values[name], **limits)
    except InputError as error:
        raise FileError(f"{path}: {error}") from None


def enabled(config: Config, section: str) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a section by their names, without those that are switched off."""
    entries = getattr(config, section)
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise FileError(f"{config.path}: {section}.{name} is {show(entry)}; it is an object.")
    return [(name, entry) for name, entry in entries.items() if entry.get("enabled", True)]


def as_list(value: Any) -> list[Any]:
    """A list as it is, and anything else as the only one of a list."""
    return value if isinstance(value, list) else [value]


def _variables(path: Path, manifest: Any) -> dict[str, str]:
    """The names that a manifest gives to folders, and those that bmtk knows."""
    given = as_object(path, "manifest", manifest)
    known = {"$workingdir": os.getcwd(), "$configdir": os.path.abspath(path.parent)}
    for name, value in given.items():
        if not name.startswith("$") or not isinstance(value, str):
            raise FileError(
                f"{path}: manifest has {show(name)}: {show(value)}; it has to be a name that "
                "begins with $, and a folder."
            )
        known[f"${name.strip('${}')}"] = value
    for _ in given:  # a folder may be named by others, so that this often is enough
        known = {name: _with(known, value) for name, value in known.items()}
        if any(len(value) > _LONGEST for value in known.values()):
            raise FileError(f"{path}: a name of manifest stands for itself; give it a folder.")
    return known


def _with(variables: Mapping[str, str], text: str) -> str:
    if "$" not in text:
        return text
    for name in sorted(variables, key=len, reverse=True):
        text = text.replace(f"${{{name[1:]}}}", variables[name]).replace(name, variables[name])
        if len(text) > _LONGEST:
            break
    return text


def _replaced(value: Any, variables: Mapping[str, str], path: Path) -> Any:
    """The content of a file, with folders in the place of their names."""
    if isinstance(value, str):
        return _with(variables, value)
    if isinstance(value, list):
        return [_replaced(each, variables, path) for each in value]
    if isinstance(value, dict):
        return {name: _replaced(each, variables, path) for name, each in value.items()}
    return value


def _whole(path: Path, name: str, value: Any) -> Path:
    """A path in a configuration, which counts from the folder of that file."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise FileError(f"{path}: {name} is {show(value)}; it has to be a path.")
    if "$" in value:
        raise FileError(f"{path}: {name} is {show(value)}, which the manifest does not explain.")
    try:
        return path.parent / check_path(name, value)
    except InputError as error:
        raise FileError(f"{path}: {error}") from None


def _located(path: Path, key: str, value: Any) -> Any:
    """An entry of a section, with whole paths."""
    if isinstance(value, dict):
        return {name: _located(path, name, each) for name, each in value.items()}
    if (key in _PATHS or key.endswith("_dir")) and isinstance(value, str):
        return _whole(path, key, value)
    return value


def _pair(path: Path, kind: str, entry: Mapping[str, Any]) -> tuple[Path, Path | None]:
    main, types = f"{kind}s_file", f"{kind}_types_file"
    if main not in entry:
        raise FileError(f"{path}: an entry of networks.{kind}s has no {main}; add it.")
    where = entry.get(types)
    return _whole(path, main, entry[main]), None if where is None else _whole(path, types, where)
