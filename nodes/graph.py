"""Which nodes, settings and model files stand behind a MODEL: a MODEL itself carries no file name.

Reads the prompt graph (ComfyUI's API form) and model files; writes one JSON file of hashes, so that a finished set
does not read 7 GB again. ComfyUI is imported only by `upstream_of`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..evaluation.files import file_sha256, replacing
from ..evaluation.json_text import parse_json
from ..evaluation.pictures.decode import has_picture_suffix
from ..evaluation.progress import Progress
from .lora_names import MODEL_SUFFIXES, TAG, loras_called, the_lora
from .upstream import ModelFile, Upstream

logger = logging.getLogger("hyponet")

UNKNOWN = "unknown"
_MAX_TEXT = 300  # characters; a longer widget value is recorded by its hash
# how ComfyUI's widgets name a file of another folder than their own, as in "mask.png [output]"
_ANNOTATED = re.compile(r"(.*) \[(input|output|temp)\]")
# widget -> the model folder that it names files of; other widgets are looked up in all folders
_FOLDER_KINDS = {
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


def walk(
    node: Callable[[str], Mapping[str, Any]],
    start: str,
    inputs: Iterable[str],
    identify: Callable[[str, object], Sequence[ModelFile]],
) -> Upstream:
    """What stands behind `inputs` of the node `start`.

    Args:
        node: id -> {"class_type", "inputs"}; raises KeyError for one that it does not know.
        start: id of the node whose inputs are followed.
        inputs: names of its inputs; those that are not linked are left out.
        identify: (input name, widget value) -> the model files that it names.
    """
    start_inputs = _node(node, start)["inputs"]
    roots = {name: start_inputs[name] for name in inputs if is_link(start_inputs.get(name))}
    # depth first along the links, inputs in order of their names: the order that node ids have no part in
    visited: dict[str, Mapping[str, Any]] = {}
    names: dict[str, str] = {}  # node id -> "LoraLoader", "LoraLoader 2": what stands for the id in the settings
    class_counts: dict[str, int] = {}
    stack = [link[0] for link in reversed(list(roots.values()))]
    while stack:
        node_id = str(stack.pop())
        if node_id in visited:
            continue
        visited[node_id] = _node(node, node_id)
        class_type = str(visited[node_id]["class_type"])
        count = class_counts[class_type] = class_counts.get(class_type, 0) + 1
        names[node_id] = class_type if count == 1 else f"{class_type} {count}"
        values = visited[node_id]["inputs"]
        stack += [values[key][0] for key in sorted(values, reverse=True) if is_link(values[key])]
    settings: dict[str, Any] = {name: _link_text(link, names) for name, link in roots.items()}
    files: dict[str, ModelFile] = {}
    for node_id, name in names.items():
        for key, value in sorted(visited[node_id]["inputs"].items()):
            if is_link(value):
                settings[f"{name}.{key}"] = _link_text(value, names)
                continue
            named = identify(key, value)
            files |= {f"{file.kind}/{file.name}": file for file in named if f"{file.kind}/{file.name}" not in files}
            hashes = ", ".join(f"sha256:{file.sha256}" for file in named)
            if isinstance(value, str) and hashes and not TAG.search(value):
                settings[f"{name}.{key}"] = hashes
            else:
                settings[f"{name}.{key}"] = _json_value(value)
                settings |= {f"{name}.{key} files": hashes} if hashes else {}
    return Upstream(settings, tuple(files.values()))


def joined(node: Callable[[str], Mapping[str, Any]], start: str, kind: str) -> Mapping[str, Any]:
    """The node `start` with the links of the nodes of class `kind` right before it as its own, in place of theirs."""
    entry = _node(node, start)
    inputs = dict(entry["inputs"])
    for name, link in entry["inputs"].items():
        before = _node(node, str(link[0])) if is_link(link) else {}
        if before.get("class_type") == kind:
            del inputs[name]
            inputs |= {key: value for key, value in before["inputs"].items() if is_link(value)}
    return {**entry, "inputs": inputs}


def is_link(value: object) -> bool:
    """Whether an input's value is a link, [node id, output index], and no widget value."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    )


def _node(node: Callable[[str], Mapping[str, Any]], node_id: str) -> Mapping[str, Any]:
    try:
        return node(node_id)
    except KeyError:
        return {"class_type": UNKNOWN, "inputs": {}}


def _link_text(link: Sequence[Any], names: Mapping[str, str]) -> str:
    return f"{names[str(link[0])]} output {link[1]}"


def _json_value(value: object) -> object:
    """A widget value as JSON keeps it: whole floats and ints alike, long texts by their hash."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    if len(text) <= _MAX_TEXT:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


class FileHashes:
    """sha256 of files, kept in a JSON file by path, size and time of change.

    Args:
        cache_file: the JSON file; a lost or corrupt one is made again.
    """

    def __init__(self, cache_file: Path) -> None:
        self._cache_file = cache_file
        self._hashes = _read_hashes(cache_file)

    def sha256(self, path: Path, progress: Progress) -> str:
        """The hash of `path`; `progress` gets bytes, while a file is read that is not in the cache.

        Raises:
            OSError: the file cannot be read.
        """
        state = path.stat()
        key = f"{os.path.realpath(path)}|{state.st_size}|{state.st_mtime_ns}"
        if key not in self._hashes:
            self._hashes[key] = file_sha256(path, progress)
            self._write()
        return self._hashes[key]

    def _write(self) -> None:
        try:
            with replacing(self._cache_file) as scratch:
                scratch.write_text(json.dumps(self._hashes, indent=1, sort_keys=True), encoding="utf-8")
        except OSError as error:  # the files can be hashed again
            logger.warning("%s cannot be kept: %s", self._cache_file, error)


def _read_hashes(cache_file: Path) -> dict[str, str]:
    try:
        hashes = parse_json(cache_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(hashes, dict):
        return {}
    return {key: value for key, value in hashes.items() if isinstance(value, str) and len(value) == 64}


class Identifier:
    """Says which model file a widget value names.

    Args:
        folders: kind ("checkpoints", "loras", "input", ...) -> the folders that ComfyUI searches for it, in order.
        hashes: where hashes come from.
        progress: gets bytes read and bytes in all, while a file is hashed.
    """

    def __init__(self, folders: Mapping[str, Sequence[str]], hashes: FileHashes, progress: Progress) -> None:
        self._folders = folders
        self._hashes = hashes
        self._progress = progress

    def __call__(self, widget: str, value: object) -> tuple[ModelFile, ...]:
        """The files named by `value` of the widget called `widget`, each once, in order.

        A value of several parts, as LoRA stacks have it, is looked through, and so are tags as in "<lora:name:0.8>",
        which may name a LoRA without its folders and suffix. A picture upstream of the model, such as an adapter's,
        counts too.

        Raises:
            ValueError: several LoRAs have the name of a tag.
            OSError: a file cannot be read.
        """
        files = dict.fromkeys(file for name, text in _texts(widget, value) for file in self._named(name, text))
        return tuple(files)

    def _named(self, widget: str, value: str) -> Iterator[ModelFile]:
        for tag in TAG.findall(value):
            yield from self._find(("loras",), [the_lora(tag, self._folders.get("loras", ()))])
        if len(value) > _MAX_TEXT:
            return
        annotated = _ANNOTATED.fullmatch(value)
        name = (annotated[1] if annotated else value).replace("\\", "/")
        kinds = [annotated[2]] if annotated else [_FOLDER_KINDS.get(widget, ""), *self._named_kinds()]
        if name.lower().endswith(MODEL_SUFFIXES) or has_picture_suffix(name):
            yield from self._find(kinds, [name])
        elif widget == "vae_name":  # "taesd", as ComfyUI's loader calls the two halves of a small one
            for half in ("encoder", "decoder"):
                yield from self._find(("vae_approx",), [f"{name}_{half}{suffix}" for suffix in MODEL_SUFFIXES])
        elif "lora" in widget.lower():  # some packs leave the suffix out
            for file in loras_called(name, self._folders.get("loras", ())):
                yield from self._find(("loras",), [file])

    def _named_kinds(self) -> list[str]:
        return sorted(self._folders.keys() - {"output", "temp"})

    def _find(self, kinds: Iterable[str], names: Sequence[str]) -> Iterator[ModelFile]:
        """The first file of one of these names in these folders, if there is one."""
        parted = [name.replace("\\", "/") for name in names]
        safe = [name for name in parted if not Path(name).is_absolute() and ".." not in name.split("/")]
        for kind in dict.fromkeys(kinds):
            for folder in self._folders.get(kind, ()):
                for name in safe:
                    path = Path(folder, name)
                    if os.path.isfile(path):  # a text that is too long for a name is no file
                        sha256 = self._hashes.sha256(path, self._progress)
                        yield ModelFile(name, kind, sha256, path.stat().st_size)
                        return


def _texts(widget: str, value: object) -> Iterator[tuple[str, str]]:
    """The texts in a widget's value, each with the name that it stands under."""
    if isinstance(value, str):
        yield widget, value
    elif isinstance(value, Mapping):
        if value.get("on") is False or value.get("active") is False:  # as stacks of LoRAs say what is switched off
            return
        for name, part in value.items():
            yield from _texts(widget if name in ("__value__", "name") else str(name), part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _texts(widget, part)


def upstream_of(hidden: Any, inputs: Sequence[str], ends: Sequence[str] = (), part: str = "") -> Upstream:
    """What stands behind `inputs` of the running node.

    Args:
        hidden: the node's hidden inputs: `prompt` or `dynprompt`, and `unique_id`.
        ends: classes of nodes that are named and not followed.
        part: a class of nodes that count as a part of the running one, see `joined`.
    """
    # here, so that what reads a graph without a server needs no ComfyUI
    import folder_paths

    from . import paths
    from .engine import progress_text, throw_if_interrupted

    folders = {
        kind: list(listed)
        for kind, (listed, _) in folder_paths.folder_names_and_paths.items()
        if kind not in ("custom_nodes", "datasets", paths.DATASETS)
    }
    folders["input"] = [folder_paths.get_input_directory()]
    folders["output"] = [folder_paths.get_output_directory()]
    folders["temp"] = [folder_paths.get_temp_directory()]
    hashes = FileHashes(paths.hyponet_dir() / "cache" / "hashes.json")

    def progress(bytes_read: int, size: int) -> None:
        throw_if_interrupted()
        progress_text(f"reading a model file: {100 * bytes_read // max(1, size)} %", hidden.unique_id)

    graph_node = hidden.dynprompt.get_node if hidden.dynprompt is not None else (hidden.prompt or {}).__getitem__

    def node(node_id: str) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = graph_node(node_id)
        return {**entry, "inputs": {}} if entry["class_type"] in ends else entry

    start = str(hidden.unique_id)
    whole = joined(node, start, part)
    identify = Identifier(folders, hashes, progress)
    return walk(lambda node_id: whole if node_id == start else node(node_id), start, inputs, identify)
