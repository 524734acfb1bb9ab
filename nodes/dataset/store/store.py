"""A labelled set on disk: pictures in class folders, one manifest line each, made so that nothing is ever half there.

Reads and writes `<name>/` (dataset.json, metadata.jsonl, rejected.jsonl, class folders) and the sidecars of folders.py.
The line in the manifest is the commit: the picture goes to a temporary name, is renamed, then its line is appended.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ....evaluation.files import replace_file
from ....evaluation.pictures.manifest import DESCRIPTION, GOOD, MANIFEST, PickedOption, Record
from ...prompts.item import Item
from . import folders
from .copies import SmallCopies
from .description import Description, SetSpec, read_description, write_description
from .encode import encode, parameters_line
from .identity import differences, plain, plan_classes, plan_differences, refuse
from .index import NO_PICTURE
from .lock import SetLock
from .manifest import Manifest
from .names import check_set_name
from .picture_files import PictureFiles
from .rejection_log import REJECTION_LOG, Rejection, RejectionLog


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """What travels between nodes: where a set lies. `revision` rises when items are marked."""

    path: Path
    name: str
    revision: int


class DatasetStore:
    """One set, open: for reading by `open`, for writing by the context managers of `dataset/open.py`.

    Attributes:
        root: the set's folder.
        description: what dataset.json says; it is replaced when a class is added and when the revision rises.
        encoding: how pictures are written.
        changed: whether pictures came, left or were marked since the set was opened.
    """

    # `add` may be called by several threads. _mutex guards the description, the manifest, _folders, _pending and
    # `changed`, and is held for moments only; _pending holds the keys that are being encoded and written outside it.

    def __init__(self, root: Path, description: Description, lock: SetLock | None) -> None:
        self.root = root
        self.description = description
        self.encoding = description.encoding
        self.changed = False
        self._rejections = RejectionLog(root / REJECTION_LOG)
        self._manifest = Manifest(root, self.work, self._rejections.highest_attempts)
        self._files = PictureFiles(root, self.work)
        self._lock = lock
        self._mutex = threading.Lock()
        self._pending: set[tuple[str, int]] = set()
        self._folders = description.folders
        self._copies: SmallCopies | None = None
        self._graph_texts = description.provenance.graph_texts()

    @classmethod
    def open(cls, path: Path) -> DatasetStore:
        """The set in the folder `path`, to be read: no lock is taken, nothing is mended, and it need not be closed.

        Raises:
            ValueError: there is no set of ours, or its dataset.json is damaged.
        """
        return cls(path, read_description(path), None)

    @classmethod
    def open_for_writing(cls, path: Path) -> DatasetStore:
        """The set in the folder `path`, to be written by this process alone; close it.

        Raises:
            SetIsHeld: another writer has it open.
            ValueError: there is no set of ours, or it holds small copies of another.
        """
        description = read_description(path)
        if description.copy_of:
            raise ValueError(f"{path.name} holds small copies of {description.copy_of}; expected the set itself")
        lock = SetLock(folders.make_sidecar(path, folders.WORK), f"data set {path.name!r}")
        try:
            return cls(path, read_description(path), lock)._recovered()
        except BaseException:
            lock.release()
            raise

    @classmethod
    def create_or_open(cls, base: Path, name: str, spec: SetSpec) -> DatasetStore:
        """The set `name` below `base`, to be written by this process alone; a new one, or the one there to resume.

        Args:
            base: output/datasets; `name` has passed `paths.confine`.

        Raises:
            OtherSettings: the set there has pictures and another identity; the message shows the difference.
            SetIsHeld: another writer has it open.
            ValueError: the folder holds other people's files.
        """
        root = base / check_set_name(name)
        folders.refuse_inside_a_set(root)
        folders.make_own_folder(root)
        lock = SetLock(folders.make_sidecar(root, folders.WORK), f"data set {name!r}")
        try:
            description = _new_or_resumed(root, spec)
            write_description(root, folders.sidecar(root, folders.WORK), description)
            return cls(root, description, lock)._recovered()
        except BaseException:
            lock.release()
            raise

    @property
    def name(self) -> str:
        """Of the set: the name of its folder."""
        return self.root.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class, in the order of dataset.json."""
        return tuple(self._folders)

    @property
    def work(self) -> Path:
        """The folder for temporary files."""
        return folders.sidecar(self.root, folders.WORK)

    def __len__(self) -> int:
        return self._manifest.index.count

    def counts(self) -> dict[str, int]:
        """label -> how many pictures it has, classes without any included."""
        return {**dict.fromkeys(self.labels, 0), **self._manifest.index.counts()}

    def fallback_count(self) -> int:
        """How many pictures stay although every attempt at their item was rejected."""
        return len(self._manifest.index.fallbacks)

    def damage(self) -> Mapping[int, str]:
        """Line number -> what is wrong with that line of the manifest; such a line counts as missing."""
        return self._manifest.damage

    def has(self, label: str, rank: int) -> bool:
        """Whether the item has a picture."""
        return self._manifest.index.attempt(label, rank) != NO_PICTURE

    def highest_rank(self, label: str) -> int:
        """The highest rank of `label` that has a picture, -1 where none has."""
        return max(self._manifest.index.ranks(label), default=-1)

    def missing(self, schedule: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
        """(label, rank, attempt) of each scheduled item without a picture, from the manifest alone."""
        for label, rank in schedule:
            if not self.has(label, rank):
                yield label, rank, self.last_rejected_attempt(label, rank) + 1

    def count_absent(self, schedule: Iterable[tuple[str, int]]) -> int:
        """How many scheduled items have no picture on the disk, whatever the manifest says."""
        names: dict[str, set[str]] = {}  # of the files in each class folder, listed once
        absent = 0
        for label, rank in schedule:
            folder = self.class_folder(label)
            if folder not in names:
                names[folder] = {path.stem for path in (self.root / folder).glob("*")}
            absent += not self.has(label, rank) or f"{rank:06d}" not in names[folder]
        return absent

    def records(self) -> Iterator[Record]:
        """Every picture's record, in the order in which they were made."""
        return self._manifest.records()

    def keys(
        self, *, in_turn: bool = True, include_fallbacks: bool = True, only_class: str = ""
    ) -> list[tuple[str, int]]:
        """(label, rank) of every picture: classes in turn by rank, or one class after the other.

        Args:
            include_fallbacks: also the pictures that stay although every attempt was rejected.
            only_class: "" for all.
        """
        index = self._manifest.index
        class_indices = {label: number for number, label in enumerate(self.labels)}
        labels = [only_class] if only_class else list(class_indices)
        keys = [(label, rank) for label in labels for rank in index.ranks(label)]
        if not include_fallbacks and index.fallbacks:
            keys = [key for key in keys if key not in index.fallbacks]
        return sorted(keys, key=lambda key: (key[1], class_indices[key[0]])) if in_turn else keys

    def records_of(self, keys: Iterable[tuple[str, int]]) -> list[Record]:
        """The records of `keys`, in their order; the manifest is read once."""
        order = dict.fromkeys(keys)
        records = {record.key: record for record in self.records() if record.key in order} if order else {}
        return [records[key] for key in order if key in records]

    def path(self, record: Record) -> Path:
        """The picture's file.

        Raises:
            ValueError: it is a link, or lies behind one, and could be any file of the machine.
        """
        path = self.root / record.file_name
        if path.is_symlink() or path.parent.is_symlink():
            raise ValueError(f"picture {record.file_name} is a link; expected a file in the set; copy it there")
        return path

    def rejects_path(self, record: Record) -> Path:
        """Where the picture of a rejected attempt lies: <name>.rejects/<class folder>/<rank>.try<number><suffix>."""
        folder, _, name = record.file_name.partition("/")
        stem, suffix = os.path.splitext(name)
        return folders.sidecar(self.root, folders.REJECTS) / folder / f"{stem}.try{record.attempt}{suffix}"

    def rejections(self) -> Iterator[Rejection]:
        """Every attempt that was rejected, the earliest first."""
        return self._rejections.read()

    def last_rejected_attempt(self, label: str, rank: int) -> int:
        """Number of the last attempt that was rejected, -1 where none was."""
        return self._rejections.highest_attempt(label, rank)

    def ref(self) -> DatasetRef:
        """What travels between nodes."""
        return DatasetRef(self.root, self.name, self.description.revision)

    def class_folder(self, label: str) -> str:
        """The folder of `label`'s pictures, relative to the root; a new label gets one, written to dataset.json."""
        with self._mutex:
            if label not in self._folders:
                self._describe(self.description.with_classes({label: ""}))
                self._folders = self.description.folders
            return self._folders[label]

    def add(self, item: Item, image: np.ndarray) -> Record:
        """Encode and commit one picture; several threads may call it at once.

        Args:
            image: [H, W, 3] uint8.

        Raises:
            ValueError: the set has a picture of that item already, or the image has another form.
            OSError: the disk is full or cannot be written; the set is as before.
        """
        key = (item.label, item.rank)
        self._require_writable()
        with self._mutex:
            if self.has(*key) or key in self._pending:
                raise ValueError(f"item {item.rank} of {item.label!a} is in the set already; reject it first")
            self._pending.add(key)
        try:
            content = encode(image, self.encoding, self._item_texts(item, image))
            file_name = f"{self.class_folder(item.label)}/{item.rank:06d}{self.encoding.suffix}"
            record = _record(item, file_name, image.shape, hashlib.sha256(content).hexdigest())
            if self._copies is not None:
                self._copies.add(record, image)
            self._files.write(file_name, content)
            self._commit(record)
        finally:
            with self._mutex:
                self._pending.discard(key)
        return record

    def add_file(self, record: Record, source: Path) -> None:
        """Commit a picture that lies elsewhere: linked where the disk can, else copied. Its record gets our folder."""
        self._require_writable()
        file_name = f"{self.class_folder(record.label)}/{record.rank:06d}{source.suffix}"
        if self.has(*record.key):
            raise ValueError(f"item {record.rank} of {record.label!a} is in the set already; delete it first")
        self._files.link(file_name, source)
        self._commit(replace(record, file_name=file_name))

    def delete(self, keys: Collection[tuple[str, int]]) -> None:
        """Take pictures out of the set and delete their files: for sets that are copies of others."""
        self._require_writable()
        deleted = self.records_of(keys)
        self._manifest.rewrite(lambda record: None if record.key in keys else record)
        for record in deleted:
            self._files.delete(record.file_name)

    def log_rejections(self, rejections: Iterable[Rejection]) -> None:
        """Record attempts as rejected, so that the next one has another seed; all on the disk when this returns."""
        self._require_writable()
        self._rejections.append(rejections)

    def move_to_rejects(self, record: Record) -> None:
        """Move the picture of a rejected attempt out of the set, if its file is there."""
        source = self.root / record.file_name
        if source.is_file():
            self._move(source, self.rejects_path(record))
            self._files.delete_empty_folder(source.parent.name)

    def restore_from_rejects(self, record: Record) -> None:
        """Copy the picture of a rejected attempt back to its place."""
        self._files.write(record.file_name, self.rejects_path(record).read_bytes())

    def move_unlisted(self, file_name: str) -> None:
        """Move a file that no line names out of the set; what was moved there before stays."""
        target = folders.sidecar(self.root, folders.REJECTS) / "unlisted" / file_name
        free_path, number = target, 1
        while free_path.exists():
            number += 1
            free_path = target.with_name(f"{target.stem}-{number}{target.suffix}")
        self._move(self.root / file_name, free_path)

    def replace_records(self, changes: Mapping[tuple[str, int], Record | None]) -> None:
        """Rewrite the manifest with these records in the place of the items' own; None takes one out."""
        self._require_writable()
        self._manifest.rewrite(lambda record: changes.get(record.key, record))

    def raise_revision(self) -> None:
        """Tell nodes downstream, and Generate, that items were marked."""
        self._describe(replace(self.description, revision=self.description.revision + 1))
        self.changed = True

    def finish(self) -> None:
        """Bring the small copies up to date."""
        if self._copies is not None:
            self._copies.prune(self._manifest.index)
            self._copies.complete(self.records, self.root)

    def close(self) -> None:
        """Give the set back; what was added is on the disk."""
        self._manifest.close()
        if self._copies is not None:
            self._copies.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _recovered(self) -> DatasetStore:
        for part in self.work.glob("*.part"):
            part.unlink()
        self._rejections.recover()
        self._manifest.recover()
        if self.description.copies.sizes:
            self._copies = SmallCopies(self.root, self.work, self.description)
            self._copies.prune(self._manifest.index)
        return self

    def _require_writable(self) -> None:
        if self._lock is None:
            raise ValueError(f"data set {self.name!r} is open for reading; open it for writing to change it")

    def _commit(self, record: Record) -> None:
        with self._mutex:
            self._manifest.append(record)
            self.changed = True

    def _describe(self, description: Description) -> None:
        write_description(self.root, self.work, description)
        self.description = description

    def _move(self, source: Path, target: Path) -> None:
        folders.make_sidecar(self.root, folders.REJECTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(source, target)

    def _item_texts(self, item: Item, image: np.ndarray) -> dict[str, str]:
        """keyword -> text that is written into the picture itself."""
        settings = dict(self.description.provenance.parameters)
        settings.setdefault("Size", f"{image.shape[1]}x{image.shape[0]}")
        facts: dict[str, Any] = {"label": item.label, "rank": item.rank, "attempt": item.attempt, "seed": item.seed}
        facts["picks"] = [[pick.slot, pick.option, pick.source] for pick in item.picks]
        return {**self._graph_texts, "parameters": parameters_line(item, settings), "hyponet": json.dumps(facts)}


def _new_or_resumed(root: Path, spec: SetSpec) -> Description:
    """The description of a set that is made by `spec`, checked against the set that is there."""
    identity, plan = plain({**spec.identity, "encoding": spec.encoding.identity()}), plain(spec.plan)
    if not (root / DESCRIPTION).exists():
        description = Description.new(root.name, identity)
    else:
        description = read_description(root)
        if _has_pictures(root):
            changes = differences(description.identity, identity)
            refuse(root.name, changes + plan_differences(description.plan, plan))
        else:  # nothing came of the first run, so its settings bind nobody
            description = replace(description, classes=(), identity=identity)
    description = replace(
        description, plan=plan, provenance=spec.provenance, encoding=spec.encoding, copies=spec.copies
    )
    return description.with_classes(plan_classes(plan) if spec.classes is None else spec.classes)


def _has_pictures(root: Path) -> bool:
    files = (root / MANIFEST, root / REJECTION_LOG)
    return any(path.exists() and path.stat().st_size > 0 for path in files)


def _record(item: Item, file_name: str, shape: tuple[int, ...], sha256: str) -> Record:
    """The record of a picture of `shape` (H, W, 3) that was just made."""
    picks = tuple(PickedOption(pick.slot, pick.option, pick.source) for pick in item.picks)
    height, width, _ = shape
    return Record(
        file_name, item.label, item.rank, item.attempt, GOOD, item.prompt, item.negative, picks, item.seed,
        width, height, sha256,
    )  # fmt: skip
