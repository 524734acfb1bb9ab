"""The folder that Caption Images writes: pictures, a caption beside each, and what of them it wrote itself.

Writes and reads the pictures, the captions and captions.json, which remembers what was written, so that a caption that
somebody edited is never written over.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ....evaluation.chunks import chunks
from ....evaluation.files import replacing
from ....evaluation.json_text import parse_json
from ....evaluation.lock import only_writer
from ....evaluation.progress import Progress
from ..captions import read_caption

RECORD = "captions.json"
FORMAT, VERSION = "hyponet.captions", 1
PLACEHOLDER = "{label}"

Captioner = Callable[[Sequence[np.ndarray], Sequence[str]], list[str]]


@dataclass(frozen=True)
class FolderEntry:
    """One picture of the folder, and the caption that we wrote beside it ("" before that)."""

    file: str
    label: str
    sha256: str
    caption: str = ""
    captioner: str = ""


def template_captioner(template: str) -> Captioner:
    """Captions made from the label alone.

    Raises:
        ValueError: the template is empty.
    """
    if not template.strip():
        raise ValueError(f"template is empty; expected text such as 'a photo of a {PLACEHOLDER}'")

    def caption(pictures: Sequence[np.ndarray], labels: Sequence[str]) -> list[str]:
        if PLACEHOLDER in template and not all(label.strip() for label in labels):
            raise ValueError("labels has an empty class name; expected a name for each picture; link Sample Images")
        return [template.replace(PLACEHOLDER, label).strip() for label in labels]

    return caption


def write_folder(
    folder: Path,
    pictures: Sequence[np.ndarray],
    labels: Sequence[str],
    caption: Captioner,
    captioner: str,
    *,
    batch: int = 8,
    progress: Progress | None = None,
) -> list[str]:
    """Write pictures and captions into `folder` and return the captions that lie there now, in order.

    A caption that was edited stays; one that we wrote and nobody touched is written anew if the captioner changed. An
    interrupted run is continued.

    Args:
        folder: made if missing; a folder with other pictures is refused.
        pictures: uint8 [H,W,3] each.
        labels: one a picture.
        caption: gives the captions of a batch.
        captioner: names the captioner and its settings.
        batch: pictures captioned at a time.
        progress: called as progress(done, total).

    Raises:
        ValueError: the folder holds something else, or labels and pictures differ in number.
        AnotherWriter: another process is captioning it.
    """
    if len(pictures) != len(labels):
        raise ValueError(
            f"labels has {len(labels)} entries; expected {len(pictures)}, one a picture; "
            "link both outputs of Sample Images"
        )
    entries = [_entry(i, picture, label) for i, (picture, label) in enumerate(zip(pictures, labels, strict=True))]
    with only_writer(folder, f"the folder of captions {folder.name!r}"):
        entries = _match(folder, entries)
        folder.mkdir(parents=True, exist_ok=True)
        _write_record(folder, entries)  # first, so that a folder half written is known as ours
        for entry, picture in zip(entries, pictures, strict=True):
            if not (folder / entry.file).is_file():
                _write(folder / entry.file, _png(picture))
        uncaptioned = [i for i, entry in enumerate(entries) if _needs_caption(folder, entry, captioner)]
        captioned = 0
        for indices in chunks(uncaptioned, batch):
            texts = caption([pictures[i] for i in indices], [labels[i] for i in indices])
            for i, text in zip(indices, texts, strict=True):
                _write(_text_path(folder, entries[i]), (text + "\n").encode("utf-8"))
                entries[i] = replace(entries[i], caption=text, captioner=captioner)
            _write_record(folder, entries)
            captioned += len(indices)
            if progress:
                progress(captioned, len(uncaptioned))
        return [read_caption(_text_path(folder, entry)) for entry in entries]


def edits_fingerprint(folder: Path) -> str:
    """A hash of the captions that differ from what we wrote, and of pictures that are gone; "" if there are none.

    A run of the node does not change it, an edit by hand does.
    """
    total = hashlib.blake2b(digest_size=16)
    changed = False
    for entry in _read_record(folder):
        path = _text_path(folder, entry)
        text = read_caption(path) if path.is_file() else None
        if not (folder / entry.file).is_file():
            text = None
        if text != entry.caption:
            total.update(json.dumps([entry.file, text]).encode())
            changed = True
    return total.hexdigest() if changed else ""


def _entry(index: int, picture: np.ndarray, label: str) -> FolderEntry:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in label)[:60] or "picture"
    digest = hashlib.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()
    return FolderEntry(f"{index:04d}_{safe}.png", label, digest)


def _match(folder: Path, entries: list[FolderEntry]) -> list[FolderEntry]:
    """The entries with what the folder's record says of their captions; refuses a folder of other pictures."""
    recorded = {entry.file: entry for entry in _read_record(folder)}
    if not recorded and folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f"folder {folder.name} is there and was not written by Caption Images; expected a new name; change name"
        )
    by_file = {entry.file: entry for entry in entries}
    is_same = recorded.keys() == by_file.keys() and all(
        entry.sha256 == by_file[file].sha256 for file, entry in recorded.items()
    )
    if recorded and not is_same:
        raise ValueError(
            f"folder {folder.name} holds {len(recorded)} pictures of another sample; expected the {len(entries)} given "
            "ones or a new folder; change name, or delete the folder if its captions are not needed"
        )
    return [recorded.get(entry.file, entry) for entry in entries]


def _needs_caption(folder: Path, entry: FolderEntry, captioner: str) -> bool:
    path = _text_path(folder, entry)
    if not path.is_file():
        return True
    return entry.captioner not in ("", captioner) and read_caption(path) == entry.caption


def _text_path(folder: Path, entry: FolderEntry) -> Path:
    return (folder / entry.file).with_suffix(".txt")


def _read_record(folder: Path) -> list[FolderEntry]:
    path = folder / RECORD
    if not path.is_file():
        return []
    try:
        data = parse_json(path.read_text(encoding="utf-8-sig"))
        if (data["format"], data["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it is {data['format']} version {data['version']}, not {FORMAT} version {VERSION}")
        entries = [
            FolderEntry(**{key: str(item[key]) for key in FolderEntry.__dataclass_fields__})
            for item in data["pictures"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder.name}/{RECORD} is corrupt ({error}); expected what Caption Images wrote; change name, or delete "
            "the file and the folder if its captions are not needed"
        ) from error
    if any(Path(entry.file).name != entry.file for entry in entries):
        raise ValueError(f"{folder.name}/{RECORD} names a file outside its folder; delete it")
    return entries


def _write_record(folder: Path, entries: list[FolderEntry]) -> None:
    data = {"format": FORMAT, "version": VERSION, "pictures": [asdict(entry) for entry in entries]}
    _write(folder / RECORD, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)
