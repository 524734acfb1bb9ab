"""`dataset.json`, the description of our own sets: read and checked here and nowhere else.

Reads that one file; writes nothing. A person may fill in `licence`, and add keys of their own at the top or in a class;
elsewhere an unknown key is refused, since it is one of ours misspelt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import read_file
from ..json_text import parse_json
from ..unicode_names import caseless, composed
from .manifest import DESCRIPTION, FORMAT, SUFFIX_OF, VERSION
from .resize import FILTERS, MAX_SIDE

KINDS = {
    "name": str,
    "revision": int,
    "pictures": int,
    "created": str,
    "licence": str,
    "classes": list,
    "identity": dict,
    "plan": dict,
    "provenance": dict,
    "encoding": dict,
    "copies": dict,
}
_CLASS = ("label", "folder", "synset")
_PROVENANCE = {
    "settings": dict,
    "nodes": dict,
    "versions": dict,
    "parameters": dict,
    "models": list,
    "merged": list,
    "prompt": object,
    "workflow": object,
}
_MODEL = ("name", "kind", "sha256", "size")


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class: its label, the folder of its pictures, its WordNet id ("" when unknown), and a user's own keys."""

    label: str
    folder: str
    synset: str
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """As dataset.json holds it."""
        return {"label": self.label, "folder": self.folder, "synset": self.synset, **self.extra}


def read_content(root: Path) -> dict[str, Any]:
    """What the dataset.json of the set in `root` says, every part of ours of the kind that it has to be.

    Raises:
        ValueError: it is missing, damaged, of another version or not of this pack.
        UnreadableFile: the disk does not give it.
    """
    path = root / DESCRIPTION
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise ValueError(f"{path} is not of a HypoNet set; expected the format {FORMAT!r}; choose another folder")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{path} has format version {repr(content.get('version'))[:20]}, which this HypoNet cannot read; expected "
            f"{VERSION}; open the set with the version that made it, or generate it again"
        )
    content = {"pictures": 0, "created": "", "licence": "", **content}  # a person may take them out
    try:
        _check(content)
    except ValueError as error:
        raise ValueError(f"{path} has no usable {error}; expected what HypoNet wrote; restore it from a copy") from None
    return content


def read_json(path: Path) -> dict[str, Any]:
    """The object in a dataset.json, of a set or of a folder beside one; an empty one where it holds another value.

    Raises:
        ValueError: it is missing or no JSON.
        UnreadableFile: the disk does not give it.
    """
    try:
        content = parse_json(read_file(path).decode("utf-8-sig"))  # Notepad writes a byte order mark
    except FileNotFoundError:
        raise ValueError(
            f"{path.parent} is not a HypoNet set: it has no {DESCRIPTION}; choose another folder"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} is corrupt ({error}); expected JSON; restore it from a copy") from None
    return content if isinstance(content, dict) else {}


def class_entries(content: Mapping[str, Any]) -> tuple[ClassEntry, ...]:
    """The classes of what `read_content` gave, in their order."""
    return tuple(
        ClassEntry(**{key: entry[key] for key in _CLASS}, extra={k: v for k, v in entry.items() if k not in _CLASS})
        for entry in content["classes"]
    )


def _check(content: Mapping[str, Any]) -> None:
    """Raise ValueError with the name of the part that cannot be used."""
    if wrong := [name for name, kind in KINDS.items() if not isinstance(content.get(name), kind)]:
        raise ValueError(", ".join(wrong))
    _check_classes(content["classes"])
    _check_provenance(content["provenance"])
    _check_encoding(content["encoding"])
    _check_copies(content["copies"])


def _check_classes(entries: list[Any]) -> None:
    """Each class has a folder of its own in the set: a set may come from elsewhere, and pictures are written there."""
    labels: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in _CLASS):
            raise ValueError("classes")
        if entry["folder"] in ("", ".", "..") or set(entry["folder"]) & set("/\\:\0"):
            raise ValueError("classes")
        label, folder = composed(entry["label"]), caseless(entry["folder"])
        if label in labels or folder in folders:
            raise ValueError(
                f"classes (two have the label {entry['label'][:40]!r} or the folder {entry['folder'][:40]!r})"
            )
        labels.add(label)
        folders.add(folder)


def _check_provenance(content: Mapping[str, Any]) -> None:
    _refuse_unknown(content, _PROVENANCE, "provenance")
    if not all(content.get(name) is None or isinstance(content[name], kind) for name, kind in _PROVENANCE.items()):
        raise ValueError("provenance")
    for entry in [*(content.get("models") or []), *(content.get("merged") or [])]:
        if not isinstance(entry, dict):
            raise ValueError("provenance")
    for model in content.get("models") or []:
        _refuse_unknown(model, _MODEL, "provenance of a model file")
        if not isinstance(model.get("size", 0), int):
            raise ValueError("provenance (the size of a model file)")


def _check_encoding(content: Mapping[str, Any]) -> None:
    _refuse_unknown(content, ("format", "quality", "text", "parameters"), "encoding")
    format = content.get("format")
    if not isinstance(format, str) or format not in SUFFIX_OF or type(content.get("quality", 0)) is not int:
        raise ValueError("encoding")


def _check_copies(content: Mapping[str, Any]) -> None:
    _refuse_unknown(content, ("sizes", "filter"), "copies")
    sizes = content.get("sizes")
    if not isinstance(sizes, list) or not all(type(size) is int and 1 <= size <= MAX_SIDE for size in sizes):
        raise ValueError("copies")
    if content.get("filter") not in FILTERS:
        raise ValueError("copies")


def _refuse_unknown(content: Mapping[str, Any], known: Collection[str], name: str) -> None:
    if unknown := sorted(set(content) - set(known)):
        raise ValueError(f"{name} (it has {unknown[0][:40]!r})")
