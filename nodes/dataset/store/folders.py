"""The folders of a set: its own, and the siblings for temporary files, sheets, rejected pictures and small copies.

Every one of them carries a `dataset.json` of ours, and nothing is deleted or replaced in a folder without one. A
sibling lies beside the set, since whatever lies in it would be a class to readers of image folders.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ....evaluation.files import replacing

FORMAT = "hyponet.dataset"
VERSION = 1
DESCRIPTION = "dataset.json"
_PARTS = {
    "name": str,
    "revision": int,
    "classes": list,
    "identity": dict,
    "plan": dict,
    "provenance": dict,
    "encoding": dict,
    "copies": dict,
}


def sibling(root: Path, kind: str) -> Path:
    """The path of the set's folder for `kind`: work, sheets, rejects or a size such as 32px."""
    return root.with_name(f"{root.name}.{kind}")


def make_sibling(root: Path, kind: str) -> Path:
    """The sibling for `kind`, made and marked as ours if it is not there yet."""
    folder = sibling(root, kind)
    claim(folder)
    if not (folder / DESCRIPTION).exists():
        write_json(folder, folder, {"format": f"{FORMAT}.{kind}", "version": VERSION, "of": root.name})
    return folder


def claim(folder: Path) -> None:
    """Make `folder`, or take it when it is empty or ours.

    Raises:
        ValueError: it holds files and no dataset.json of ours, or is a link.
    """
    if folder.is_symlink():
        raise ValueError(f"{folder} is a link; expected a folder; remove the link or choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    if not (folder / DESCRIPTION).exists():
        strange = [entry.name for entry in os.scandir(folder) if not _is_leftover(entry.name)]
        if strange:
            raise ValueError(
                f"{folder} holds files that are not ours ({', '.join(sorted(strange)[:3])}); "
                "expected a data set of this pack or an empty folder; choose another name"
            )


def _is_leftover(name: str) -> bool:
    """Whether a crash between making the folder and marking it leaves a file of this name."""
    return name in ("lock", "lock.holder") or (name.startswith(DESCRIPTION) and name.endswith(".part"))


def refuse_inside(root: Path) -> None:
    """Raise ValueError if `root` would lie in another set, where readers would take it for a class."""
    if (root.parent / DESCRIPTION).exists():
        raise ValueError(f"{root} lies in the folder of another set; expected a folder of its own; choose another name")


def read_description(root: Path) -> dict[str, Any]:
    """What `dataset.json` says.

    Raises:
        ValueError: it is missing, no JSON, or not of this pack.
    """
    path = root / DESCRIPTION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{root} has no {DESCRIPTION}; expected a data set made by this pack") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}); expected JSON; restore it from a copy") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path} is of another kind; expected format {FORMAT!r}")
    if data.get("version") != VERSION:
        raise ValueError(f"{path} has version {data.get('version')}; expected {VERSION}; use a newer HypoNet")
    wrong = [part for part, kind in _PARTS.items() if not isinstance(data.get(part), kind)]
    if wrong or not all(map(_is_class, data["classes"])):
        raise ValueError(
            f"{path} has no usable {', '.join(wrong) or 'classes'}; expected what HypoNet wrote; restore it from a copy"
        )
    return data


def _is_class(entry: object) -> bool:
    """Whether it names a class and one folder in the set: a set may come from elsewhere, and pictures go there."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("label", "folder", "synset")):
        return False
    return entry["folder"] not in ("", ".", "..") and not set(entry["folder"]) & set("/\\:\0")


def write_json(folder: Path, work: Path, data: dict[str, Any]) -> None:
    """Replace `folder`/dataset.json whole: a crash leaves the old one or the new one."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    try:
        with replacing(folder / DESCRIPTION, work=work, durable=True) as fresh:
            # half a surrogate pair, from any widget of the graph, is written as JSON's own escape
            fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> OSError:
    """`error` with a message that says which folder and what was expected."""
    return OSError(
        error.errno, f"{folder} cannot be written ({error.strerror}); expected a writable disk with free space"
    )
