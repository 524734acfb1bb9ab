"""Which nodes, settings and model files stand behind a MODEL: a MODEL itself carries no file name.

Reads the prompt graph (ComfyUI's API form) and model files; writes one JSON file of hashes, so that a finished set
does not read 7 GB again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNKNOWN = "unknown"
_BLOCK = 1 << 22
_LONGEST = 300  # a widget value longer than this is recorded by its hash
_FILE_TYPES = {".safetensors", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".sft", ".gguf", ".pkl", ".yaml"}
_FILE_TYPES |= {".png", ".jpg", ".jpeg", ".webp", ".bmp"}  # a picture upstream of the model (an adapter's) counts too
_KINDS = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "control_net_name": "controlnet",
    "image": "input",
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that a node upstream names in a widget."""

    name: str
    kind: str
    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Upstream:
    """Everything upstream of some inputs of one node.

    Args:
        settings: "Class.widget" -> value, a file's value being its hash, a link's "Class output N"; the same for two
            graphs that differ in node ids and layout only, so it can be compared.
        files: the model files named, in the order met.
    """

    settings: dict[str, Any]
    files: tuple[ModelFile, ...]


def walk(
    node: Callable[[str], Mapping[str, Any]],
    start: str,
    inputs: Iterable[str],
    identify: Callable[[str, object], ModelFile | None],
) -> Upstream:
    """What stands behind `inputs` of the node `start`.

    Args:
        node: id -> {"class_type", "inputs"}; raises KeyError for one that it does not know.
        start: id of the node whose inputs are followed.
        inputs: names of its inputs; those that are not linked are left out.
        identify: (input name, widget value) -> the model file that it names, or None.
    """
    names: dict[str, str] = {}
    met: dict[str, Mapping[str, Any]] = {}
    own = _node(node, start)["inputs"]
    roots = {name: own[name] for name in inputs if is_link(own.get(name))}
    waiting = [link[0] for link in reversed(list(roots.values()))]
    used: dict[str, int] = {}
    while waiting:
        identity = str(waiting.pop())
        if identity in met:
            continue
        met[identity] = _node(node, identity)
        kind = str(met[identity]["class_type"])
        used[kind] = used.get(kind, 0) + 1
        names[identity] = kind if used[kind] == 1 else f"{kind} {used[kind]}"
        values = met[identity]["inputs"]
        waiting += [values[key][0] for key in sorted(values, reverse=True) if is_link(values[key])]
    settings: dict[str, Any] = {name: _link(link, names) for name, link in roots.items()}
    files: dict[str, ModelFile] = {}
    for identity, name in names.items():
        for key, value in sorted(met[identity]["inputs"].items()):
            file = None if is_link(value) else identify(key, value)
            if file is not None:
                files.setdefault(f"{file.kind}/{file.name}", file)
                settings[f"{name}.{key}"] = f"sha256:{file.sha256}"
            else:
                settings[f"{name}.{key}"] = _link(value, names) if is_link(value) else _plain(value)
    return Upstream(settings, tuple(files.values()))


def model_parameters(files: Sequence[ModelFile]) -> dict[str, Any]:
    """Name and hash of the model that drew the pictures, by the names that readers of `parameters` know."""
    for file in files:
        if file.kind in ("checkpoints", "diffusion_models"):
            return {"Model hash": file.sha256[:10], "Model": Path(file.name).stem}
    return {}


def sampler_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the nearest sampling nodes of a native graph were set to, by the same names; links are left out."""
    names = {"steps": "Steps", "sampler_name": "Sampler", "scheduler": "Schedule type", "cfg": "CFG scale"}
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = names.get(key.rpartition(".")[2])
        if name is not None and name not in found and not re.search(r" output \d+$", str(value)):
            found[name] = value
    return {name: found[name] for name in names.values() if name in found}


def is_link(value: object) -> bool:
    """Whether an input's value is a link, [node id, output index], and no widget value."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def _node(node: Callable[[str], Mapping[str, Any]], identity: str) -> Mapping[str, Any]:
    try:
        return node(identity)
    except KeyError:
        return {"class_type": UNKNOWN, "inputs": {}}


def _link(link: Sequence[Any], names: Mapping[str, str]) -> str:
    return f"{names[str(link[0])]} output {link[1]}"


def _plain(value: object) -> object:
    """A widget value as JSON keeps it: whole floats and ints alike, long texts by their hash."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    if len(text) <= _LONGEST:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


class FileHashes:
    """sha256 of files, remembered in a JSON file by path, size and time of change.

    Args:
        remembered: the JSON file; lost or broken ones are made again.
    """

    def __init__(self, remembered: Path) -> None:
        self._remembered = remembered
        self._known = _read(remembered)

    def sha256(self, path: Path, tick: Callable[[int, int], None]) -> str:
        """The hash of `path`; `tick(bytes read, bytes in all)` is called while a file is read that is not known.

        Raises:
            OSError: the file cannot be read.
        """
        facts = path.stat()
        key = f"{os.path.realpath(path)}|{facts.st_size}|{facts.st_mtime_ns}"
        if key not in self._known:
            self._known[key] = _hash(path, facts.st_size, tick)
            self._write()
        return self._known[key]

    def _write(self) -> None:
        self._remembered.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._remembered.with_name(f"{self._remembered.name}.{os.getpid()}.part")
        scratch.write_text(json.dumps(self._known, indent=1, sort_keys=True), encoding="utf-8")
        try:
            scratch.replace(self._remembered)
        except OSError:  # Windows does not replace a file that another server has open; it can be hashed again
            scratch.unlink(missing_ok=True)


def _read(remembered: Path) -> dict[str, str]:
    try:
        found = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str) and len(value) == 64}


def _hash(path: Path, size: int, tick: Callable[[int, int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        done = 0
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            tick(done, size)
    return digest.hexdigest()


class Identifier:
    """Says which model file a widget value names.

    Args:
        folders: kind ("checkpoints", "loras", ...) -> the folders that ComfyUI searches for it, in order.
        hashes: where hashes come from.
        tick: `tick(bytes read, bytes in all)` while a file is hashed; may raise to stop.
    """

    def __init__(
        self, folders: Mapping[str, Sequence[str]], hashes: FileHashes, tick: Callable[[int, int], None]
    ) -> None:
        self._folders = folders
        self._hashes = hashes
        self._tick = tick

    def __call__(self, key: str, value: object) -> ModelFile | None:
        """The file named by `value` of the widget `key`, or None when it names none."""
        if not isinstance(value, str) or Path(value).suffix.lower() not in _FILE_TYPES or len(value) > _LONGEST:
            return None
        name = value.removesuffix(" [input]").replace("\\", "/")
        if Path(name).is_absolute() or ".." in name.split("/"):
            return None
        for kind in dict.fromkeys((_KINDS.get(key, ""), *sorted(self._folders))):
            for folder in self._folders.get(kind, ()):
                path = Path(folder, name)
                if path.is_file():
                    return ModelFile(name, kind, self._hashes.sha256(path, self._tick), path.stat().st_size)
        return None
