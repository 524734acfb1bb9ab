"""Our own data sets: what metadata.jsonl lists, and dataset.json's order of the classes.

Reads: <set>/dataset.json, <set>/metadata.jsonl, the pictures. A torn last line counts for nothing, a whole one without
a line break counts; pictures that no try could make right (status `kept`) are left out, as exports leave them out.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..labelled_images import LabelledImages, labelled
from .folders import FilePictures

GOOD = "ok"


class ListedPictures(FilePictures):
    """Pictures whose hash the manifest already has; with the file's size, so that a changed file is noticed."""

    def __init__(self, root: Path, names: list[str], hashes: list[str]) -> None:
        super().__init__(root, names)
        self._hashes = hashes

    def digest(self, index: int) -> bytes:
        try:
            size = (self._root / self._names[index]).stat().st_size
        except OSError:
            size = -1
        return hashlib.blake2b(f"{self._hashes[index]} {size}".encode(), digest_size=20).digest()


def is_ours(path: Path) -> bool:
    """True for a folder that our Generate Dataset or Save to Dataset made."""
    return (path / "metadata.jsonl").is_file() and (path / "dataset.json").is_file()


def read_ours(path: Path, name: str = "", cache: Path | None = None) -> LabelledImages:
    """The good pictures of one of our sets, in the manifest's order within each class.

    Raises:
        ValueError: it is none of ours, damaged, or has no good picture.
    """
    if not is_ours(path):
        raise ValueError(
            f"{path.name} has no dataset.json and metadata.jsonl; expected a set of Generate Dataset; for others "
            "choose the source `image folder`"
        )
    found: dict[tuple[str, int], tuple[str, str]] = {}
    lines = (path / "metadata.jsonl").read_bytes().split(b"\n")
    if not _is_object(lines[-1]):  # torn, or nothing; an editor may have stripped the last line break of a whole one
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            at = (str(entry["label"]), int(entry["rank"]))
            if entry["status"] == GOOD:
                found[at] = (_inside(path, str(entry["file_name"])), str(entry["sha256"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path.name}/metadata.jsonl, line {number} is damaged ({type(error).__name__}: {error}); "
                "run Verify Dataset"
            ) from None
    if not found:
        raise ValueError(f"{path.name} has no good picture; expected at least one; run Generate Dataset again")
    classes = _classes(path, {label for label, _ in found})
    order = sorted(found, key=lambda at: (classes.index(at[0]), at[1]))
    pictures = ListedPictures(path, [found[at][0] for at in order], [found[at][1] for at in order])
    labels = [classes.index(label) for label, _ in order]
    return labelled(name or path.name, classes, labels, pictures, synthetic=True, cache=cache)


def _classes(path: Path, used: set[str]) -> list[str]:
    try:
        stated = json.loads((path / "dataset.json").read_text("utf-8"))["classes"]
        order = [str(entry["label"]) for entry in stated]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}/dataset.json is damaged ({error}); expected the set's description") from None
    return [label for label in order if label in used] + sorted(used - set(order))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _inside(root: Path, name: str) -> str:
    target = (root / name).resolve()
    if root.resolve() not in target.parents:
        raise ValueError(f"file_name {name!r:.80} leads out of the set")
    return name
