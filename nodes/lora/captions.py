"""A folder of pictures to train on, with a caption beside each: 0000_cat.png, 0000_cat.txt.

Reads what Caption Images wrote (captioning/folder.py), and any folder of pictures with .txt files beside them; where
the pictures lie in sub-folders alone, as our export of captions and kohya's trainers have them, all of those.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ...evaluation.files import read_file
from ...evaluation.pictures.decode import decode, has_picture_suffix
from ...evaluation.pictures.sources.files import files_below
from ...evaluation.unicode_names import composed

logger = logging.getLogger("hyponet")


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture to train on; `name` is its path below the folder."""

    path: Path
    name: str
    caption: str
    sha256: str
    width: int
    height: int


def read_folder(folder: Path) -> list[CaptionedPicture]:
    """The pictures of `folder` with their captions, sorted by path; those of all sub-folders where it has none itself.

    Raises:
        ValueError: there are none, a caption is missing, or a picture is damaged; the message names the files.
        UnreadableFile: the disk does not give one of them.
    """
    pictures, texts, left_out = _files_of(folder)
    if not pictures:
        raise ValueError(
            f"folder {folder.name} has no pictures; expected pictures (PNG, JPEG, WebP and the like) with a .txt "
            "caption beside each; run Caption Images or copy them there"
        )
    if left_out:
        logger.warning(
            "%s has pictures of its own, so those of its sub-folders are left out: %d", folder.name, len(left_out)
        )
    # of a.TXT and a.txt, where the disk can have both, the latter
    captions = {_name_of_caption(name): folder / name for name in sorted(texts, key=lambda name: name.endswith(".txt"))}
    caption_names = {name: _name_of_caption(name) for name in pictures}
    bare = [name for name, caption_name in caption_names.items() if caption_name not in captions]
    if bare:
        raise ValueError(
            f"folder {folder.name} has {len(bare)} pictures without a caption ({', '.join(bare[:5])}); "
            "expected a .txt file beside each; run Caption Images or write them"
        )
    captioned = []
    for name, caption_name in caption_names.items():
        path = folder / name
        width, height = load_picture(path).shape[1::-1]
        digest = hashlib.sha256(read_file(path)).hexdigest()
        captioned.append(CaptionedPicture(path, name, read_caption(captions[caption_name]), digest, width, height))
    return captioned


def _name_of_caption(name: str) -> str:
    """What the caption of a picture is called, in one form: a Mac may have given the letters of either name another."""
    return composed(str(PurePosixPath(name).with_suffix(".txt")))


def _files_of(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """Pictures and texts, and pictures that are left out, by their paths below `folder`; see `read_folder`."""
    files, _, _ = files_below(folder)
    pictures = [name for name in files if has_picture_suffix(name)]
    texts = [name for name in files if name.lower().endswith(".txt")]
    top_level = [name for name in pictures if "/" not in name]
    if not top_level:
        return pictures, texts, []
    return top_level, [name for name in texts if "/" not in name], [name for name in pictures if "/" in name]


def load_picture(path: Path) -> np.ndarray:
    """The picture as uint8 RGB [H,W,3], turned as its EXIF says.

    Raises:
        ValueError: it cannot be decoded.
    """
    return decode(path, path.name, orientation="apply")


def folder_fingerprint(folder: Path) -> str:
    """A hash of the captions and of name, size and time of the pictures: for a folder that is typed in."""
    total = hashlib.blake2b(digest_size=16)
    pictures, texts, _ = _files_of(folder)
    for name in pictures:
        state = (folder / name).stat()
        total.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    for name in texts:
        total.update(name.encode("utf-8", "surrogateescape") + b"\0" + read_file(folder / name) + b"\0")
    return total.hexdigest()


def read_caption(path: Path) -> str:
    """The caption of a text file, on one line.

    Raises:
        ValueError: it is not UTF-8.
    """
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split())
    except UnicodeDecodeError as error:
        raise ValueError(
            f"caption {path.name} has a byte that is no UTF-8 at {error.start}; save the file as UTF-8"
        ) from error
