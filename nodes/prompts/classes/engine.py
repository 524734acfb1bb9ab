"""Classes from Pictures under ComfyUI: where the sample pictures may lie, and what changes with them."""

from __future__ import annotations

import hashlib

from ... import paths
from ...engine import progress_bar
from ...hyponyms.classifier import Classifier
from ...hyponyms.hyponyms import HyponymSettings
from ..item import ClassSpec
from . import pictures


def classes_from_pictures(
    classifier: Classifier, folder: str, settings: HyponymSettings, climb_to_name: bool, minimum: float
) -> tuple[tuple[ClassSpec, ...], str]:
    """The classes of the pictures in a folder below input/ (or one listed as hyponet_datasets), and a report.

    Raises:
        ValueError: there is no such folder, it leads out of those bases, or what `pictures` cannot use.
    """
    path = paths.confine_any(paths.read_bases(), folder, what="folder")
    if not path.is_dir():
        raise ValueError(f"folder is {folder!r}; expected a folder of pictures, not a file; name the folder it is in")
    files = pictures.find_pictures(path)
    return pictures.classes_from_pictures(classifier, files, settings, climb_to_name, minimum, progress_bar(len(files)))


def fingerprint_pictures(folder: str | None) -> str | float:
    """What changes when the pictures of the folder change; "" when that cannot be told.

    NaN, which never equals itself, when the folder comes through a link.
    """
    if not isinstance(folder, str):
        return float("nan")
    try:
        pictures_of = pictures.find_pictures(paths.confine_any(paths.read_bases(), folder, what="folder"))
        digest = hashlib.blake2b(digest_size=16)
        for label, files in pictures_of.items():
            for path in files:
                stat = path.stat()
                digest.update(f"{label}\0{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        return digest.hexdigest()
    except (OSError, ValueError):
        return ""
