"""Every directory the pack reads or writes, and `confine`, through which every path from a user passes.

Reads: ComfyUI's input/, output/datasets, output/hyponet and the folders that extra_model_paths.yaml lists under
hyponet_datasets, classifiers, captioners, inception and wildcards. Writes: output/datasets, output/hyponet, user
wildcards, models/loras; a download that was asked for goes below input/, models/classifiers or models/inception.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import folder_paths

from ..evaluation.file_names import is_device_name

PACK = Path(__file__).resolve().parent.parent

DATASETS = "hyponet_datasets"  # not `datasets`: whenever a page opens, newer ComfyUIs walk all that is listed there
_MODEL_FOLDERS: dict[str, set[str]] = {
    "classifiers": {".safetensors", ".pth", ".pt", ".bin", "folder"},
    "captioners": {"folder"},
    "inception": {".pth", ".pt", ".safetensors"},
    "wildcards": {".txt", ".yaml", ".yml"},
    DATASETS: set(),
}

_MOST_PARTS = 32  # folders in folders; a judgement: Python makes a thousand of them by as many calls in each other
_FORBIDDEN = set('<>:"|?*\\') | {chr(i) for i in range(32)} | {chr(127)}


def register_model_folders() -> None:
    """Make the pack's model folders known to ComfyUI, keeping what extra_model_paths.yaml already listed."""
    for name, extensions in _MODEL_FOLDERS.items():
        default = os.path.join(folder_paths.models_dir, name)
        folders, _ = folder_paths.folder_names_and_paths.get(name, ([], set()))
        if default not in folders:
            folders = [*folders, default]
        folder_paths.folder_names_and_paths[name] = (list(folders), extensions)


def model_folders(name: str) -> list[Path]:
    """The folders searched for models of kind `name`, in order."""
    return [Path(folder) for folder in folder_paths.folder_names_and_paths.get(name, ([], set()))[0]]


def datasets_dir() -> Path:
    """Where labelled sets are written: output/datasets."""
    return Path(folder_paths.get_output_directory()) / "datasets"


def hyponet_dir() -> Path:
    """Where everything else is written: output/hyponet."""
    return Path(folder_paths.get_output_directory()) / "hyponet"


def results_dir() -> Path:
    """Where trainings, tests and metrics write their result files: output/hyponet/results."""
    return hyponet_dir() / "results"


def samples_dir() -> Path:
    """Where a few pictures of every measured set are kept for the report: output/hyponet/cache/samples."""
    return hyponet_dir() / "cache" / "samples"


def input_dir() -> Path:
    """ComfyUI's input/: read, and written by a download of a published set alone."""
    return Path(folder_paths.get_input_directory())


def user_wildcards_dir() -> Path:
    """Where Save Wildcard writes: user/default/hyponet/wildcards."""
    return Path(folder_paths.get_user_directory()) / "default" / "hyponet" / "wildcards"


def read_bases() -> list[Path]:
    """The folders from which data sets and pictures may be read."""
    return [input_dir(), datasets_dir(), hyponet_dir(), *model_folders(DATASETS)]


def confine(base: Path | str, name: str, *, what: str = "name") -> Path:
    """The real path of `name` below `base`; never outside it.

    Rejects, on every system alike: what is no string, empty names, absolute paths and drive letters, `..`, `.`,
    backslashes, NUL and other control characters, the characters and device names that Windows reserves, parts that
    end in a dot or a space, parts over 255 bytes, more than 32 parts, and symlinks that lead out of `base` (which may
    itself be one).

    Args:
        base: a folder that the pack fixes, never a user's value.
        name: a relative path with forward slashes, from a widget or the API.
        what: how the error names the value.

    Raises:
        ValueError: `name` is not a plain relative path below `base`.
    """
    if not isinstance(name, str):
        raise ValueError(f"{what} is {type(name).__name__}; expected text; give a relative path such as cats/2024")
    problem = _problem(name)
    if problem:
        raise ValueError(
            f"{what} is {_quoted(name)}: {problem}; expected a relative path below {base}; "
            "use letters, digits, spaces, '-', '_', '.' and '/' to name a sub-folder"
        )
    root = os.path.realpath(base)
    target = os.path.realpath(_as_spelled(root, unicodedata.normalize("NFC", name)))
    if os.path.commonpath([root, target]) != root:
        raise ValueError(f"{what} is {_quoted(name)}: a link leads out of {base}; expected a path inside it")
    return Path(target)


def _as_spelled(root: str, name: str) -> str:
    """The path of `name` below `root`, its parts as the disk has them: Macs take composed letters apart (form NFD)."""
    path = root
    for part in name.split("/"):
        exact = os.path.join(path, part)
        if not part.isascii() and not os.path.lexists(exact) and os.path.isdir(path):
            alike = (entry for entry in sorted(os.listdir(path)) if unicodedata.normalize("NFC", entry) == part)
            exact = os.path.join(path, next(alike, part))
        path = exact
    return path


def confine_any(bases: list[Path], name: str, *, what: str = "name") -> Path:
    """The first existing path of `name` below one of `bases`.

    Raises:
        ValueError: `name` is not a plain relative path.
        FileNotFoundError: it exists below none of them; the message lists them.
    """
    searched = ", ".join(str(base) for base in bases)
    kind = next((kind for kind in _MODEL_FOLDERS if not set(bases).isdisjoint(model_folders(kind))), "")
    listed = f"list its folder in extra_model_paths.yaml under {kind}"
    if isinstance(name, str) and os.path.isabs(name):
        raise ValueError(
            f"{what} is {_quoted(name)}, which begins at the root of the disk; expected a path below one of: "
            f"{searched}; {listed if kind else 'put it there'}, and give what lies below it"
        )
    for base in bases:
        path = confine(base, name, what=what)
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{what} is {_quoted(name)}; it exists in none of the folders searched: {searched}; put it there"
        f"{f', or {listed}' if kind else ''}"
    )


def _problem(name: str) -> str:
    if not name or name.isspace():
        return "it is empty"
    if name.startswith("/") or name.endswith("/"):
        return "it begins or ends with a slash"
    parts = name.split("/")
    if len(parts) > _MOST_PARTS:
        return f"it has more than {_MOST_PARTS} parts"
    for part in parts:
        if part in ("", ".", ".."):
            return "it has an empty, '.' or '..' part"
        if _FORBIDDEN & set(part):
            return "it has a character that is not allowed in file names"
        if part[-1] in ". " or part[0] == " ":
            return "a part begins with a space or ends with a dot or a space"
        if is_device_name(part):
            return "a part is a device name on Windows"
        try:
            size = len(part.encode("utf-8"))
        except UnicodeEncodeError:
            return "it has half of a surrogate pair"
        if size > 255:
            return "a part is longer than 255 bytes"
    return ""


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
