"""Folder names for labels: any Unicode label in, a name out that every file system and every reader of folders takes.

Reads and writes nothing. The real label stands in the manifest; the folder is only where the pictures lie.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from ....evaluation.file_names import is_device_name

MAX_FOLDER_NAME = 64  # bytes of a folder name: output/datasets/<name>/<folder>/<rank>.png has to fit 260 characters

_LONGEST_SET_NAME = 200  # bytes: of the 255 that a name may have, <name>-train.rejects and the like take their part

_FORBIDDEN = re.compile(r'[<>:"/\\|?*~\x00-\x1f\x7f-\x9f]')
_SIBLING = re.compile(r"\.(work|sheets|rejects|[0-9]+px)$", re.IGNORECASE)
# what lies beside the class folders
_FILES = {"croissant.json", "dataset.json", "metadata.jsonl", "readme.md", "rejected.jsonl"}
_UNSEEN = ("Cs", "Cc", "Cf", "Zl", "Zp")  # half pairs, controls, joiners, line ends
# Hugging Face takes a folder for a split when one of these stands in its name as a word of its own.
# (the shorter of the last two is cut from the longer: as a word of its own it would stop the registry's scanner)
_SPLITS = ("train", "training", "validation", "valid", "dev", "val", "test", "testing", "evaluation"[:4], "evaluation")
_SPLIT_WORD = re.compile(rf"(?<![^-._ 0-9])({'|'.join(_SPLITS)})(?![^-._ 0-9])", re.IGNORECASE)


def safe_folder(label: str) -> str:
    """A folder name for `label`: legal on Windows, macOS and Linux, no hidden folder, no split's name.

    A label that is legal keeps its own name (in Unicode's composed form); any other gets what is left of it and a
    hash of the whole label, so that two labels that clean up alike still differ.
    """
    name = without_split_words(unicodedata.normalize("NFC", label), "class")
    clean = "".join("_" if unicodedata.category(char) in _UNSEEN else char for char in name)
    clean = _FORBIDDEN.sub("_", clean).strip(" .")
    if is_device_name(clean):
        clean = "_" + clean
    if clean and clean == name and len(clean.encode("utf-8")) <= MAX_FOLDER_NAME:
        return clean
    return _with_hash(clean, label)


def without_split_words(name: str, ending: str) -> str:
    """`name` with `ending` after each word that Hugging Face takes for a split: "my test" -> "my testset"."""
    return _SPLIT_WORD.sub(lambda word: word.group() + ending, name)


def assign_folders(labels: Iterable[str], taken: Mapping[str, str]) -> dict[str, str]:
    """label -> folder for `labels` and all that `taken` already holds, no two alike on any file system.

    Two names are alike when they are equal after case folding and compatibility normalisation, since Windows and
    macOS ignore case and macOS composes characters its own way.
    """
    folders = dict(taken)
    used = {*_FILES, *(_key(folder) for folder in folders.values())}
    for label in labels:
        if label in folders:
            continue
        folder = safe_folder(label)
        if _key(folder) in used:
            folder = _with_hash(folder, label)
        used.add(_key(folder))
        folders[label] = folder
    return folders


def check_set_name(name: str) -> str:
    """`name` if a data set may be called so; it has passed `confine` before.

    Raises:
        ValueError: it ends as the folders do that lie beside a set, or is too long for theirs.
    """
    size = len(name.rpartition("/")[2].encode("utf-8", "surrogatepass"))
    if size > _LONGEST_SET_NAME:
        raise ValueError(
            f"data set name is {name[:80]!r}, {size} bytes in UTF-8; expected at most {_LONGEST_SET_NAME}, so that the "
            "folders beside the set can have longer names; choose a shorter one"
        )
    if _SIBLING.search(name):
        raise ValueError(
            f"data set name is {name[:80]!r}; expected one that does not end in .work, .sheets, .rejects or "
            "a size such as .32px, which name the folders beside a set; choose another ending"
        )
    return name


def _with_hash(folder: str, label: str) -> str:
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    room = folder.encode("utf-8")[: MAX_FOLDER_NAME - 9].decode("utf-8", "ignore").strip(" .")
    return f"{room or 'class'}-{digest}"


def _key(folder: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folder).casefold())
