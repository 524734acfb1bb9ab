"""A labelled set on disk, open for reading: pictures in class folders, one manifest line each.

Reads `<name>/` (dataset.json, metadata.jsonl, rejected.jsonl); writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ....evaluation.files import read_file
from ....evaluation.pictures.manifest import REJECTION_LOG, Record
from ....evaluation.pictures.unlisted import rank_in_name, refuse_lost_lines, unlisted_text
from . import folders
from .class_folders import ClassFolders
from .damage import DamagedLine, damage_text, refusal
from .description import Description, read_description
from .index import NO_PICTURE
from .manifest import Manifest
from .rejection_log import Rejection, RejectionLog


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """What travels between nodes: where a set lies. `revision` rises when items are marked."""

    path: Path
    name: str
    revision: int


class DamagedPicture(ValueError):
    """A picture that a set lists is missing or not what was written; the message says what mends the set.

    Args:
        file_name: of the picture in its set. set_name: of the set.
        problem: what is wrong, for a sentence such as "picture cat/000000.png is missing".
    """

    def __init__(self, file_name: str, set_name: str, problem: str) -> None:
        super().__init__(
            f"picture {file_name} of data set {set_name!r} {problem}; expected every picture that the set lists, as it "
            "was written; run Verify Dataset, which takes it out of the set, and Generate Dataset, which makes it again"
        )


class DatasetStore:
    """One set, open for reading by `open`; `WritableStore` is one that is open for writing.

    Attributes:
        root: the set's folder.
        description: what dataset.json says; it is replaced when a class is added and when the revision rises.
    """

    def __init__(self, root: Path, description: Description) -> None:
        self.root = root
        self.description = description
        self._class_folders = ClassFolders(root)
        self._reject_folders = ClassFolders(folders.sidecar(root, folders.REJECTS))
        self._rejections = RejectionLog(root / REJECTION_LOG, description.folders)
        self._manifest = Manifest(root, self.work, self._rejections.highest_attempts, description.folders)

    @classmethod
    def open(cls, path: Path) -> DatasetStore:
        """The set in the folder `path`, to be read: no lock is taken, nothing is mended, and it need not be closed.

        Raises:
            ValueError: there is no set of ours, or its dataset.json is damaged.
        """
        store = cls(path, read_description(path))
        # a class may have been added between the reading of one file and of the other
        return cls(path, read_description(path)) if store.damage() else store

    @property
    def name(self) -> str:
        """Of the set: the name of its folder."""
        return self.root.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class, in the order of dataset.json."""
        return tuple(self.description.folders)

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

    @property
    def is_a_line_each(self) -> bool:
        """Whether the manifest has a line for each picture, and none that is damaged, repeated or of a rejected one."""
        return not (self._manifest.damage or self._manifest.superfluous)

    def damage(self) -> list[DamagedLine]:
        """The lines of manifest and rejections that cannot be used, as they were on opening; they count as missing."""
        return [
            DamagedLine(file.path.name, number, reason)
            for file in (self._manifest, self._rejections)
            for number, reason in file.damage.items()
        ]

    def refuse_damage(self) -> None:
        """For what makes another set of this one, which would lack pictures without a word.

        Raises:
            ValueError: there are damaged lines, or lines were lost; the message lists them.
            OSError: a class folder cannot be listed.
        """
        if damage := self.damage():
            raise refusal(self.name, damage)
        self.refuse_lost_lines()

    def refuse_lost_lines(self) -> None:
        """See `refuse_lost_lines` of evaluation.

        Raises:
            ValueError: lines were lost.
            OSError: a class folder cannot be listed.
        """
        refuse_lost_lines(self.name, self.unlisted(), len(self), self.description.pictures)

    def left_out(self) -> str:
        """What a node that shows the set says of damaged lines and of pictures without one; "" where there are none.

        Raises:
            OSError: a class folder cannot be listed.
        """
        return " ".join(filter(None, (damage_text(self.damage()), unlisted_text(self.unlisted()))))

    def has(self, label: str, rank: int) -> bool:
        """Whether the item has a picture."""
        return self._manifest.index.attempt(label, rank) != NO_PICTURE

    def highest_rank(self, label: str) -> int:
        """The highest rank of `label` that has a picture, -1 where none has."""
        return max(self._manifest.index.ranks(label), default=-1)

    def missing(
        self, schedule: Iterable[tuple[str, int]], *, include_deleted: bool = True
    ) -> Iterator[tuple[str, int, int]]:
        """(label, rank, attempt) of each scheduled item without a picture, from the manifest alone.

        Args:
            include_deleted: also items that were rejected since somebody had deleted their pictures.
        """
        for label, rank in schedule:
            if not self.has(label, rank) and (include_deleted or (label, rank) not in self._rejections.deleted):
                yield label, rank, self.last_rejected_attempt(label, rank) + 1

    def deleted(self) -> list[tuple[str, int]]:
        """(label, rank) of the listed pictures whose files are gone, by one listing of each class folder.

        A file with another suffix counts as there.

        Raises:
            ValueError: a class folder is a link, or is empty (see `refuse_empty_class_folders`).
            OSError: a class folder cannot be listed.
        """
        gone = []
        for label, folder in self.description.folders.items():
            if ranks := self._manifest.index.ranks(label):
                stems = self._class_folders.stems(folder)
                if not stems:
                    self._refuse_empty(folder, len(ranks))
                gone += [(label, rank) for rank in ranks if f"{rank:06d}" not in stems]
        return gone

    def refuse_empty_class_folders(self) -> None:
        """For what takes pictures that are not there out of the set: it is not to be a disk that is not mounted.

        Raises:
            ValueError: a class folder is there and empty, though two pictures or more are listed in it.
        """
        for label, folder in self.description.folders.items():
            ranks = self._manifest.index.ranks(label)
            if ranks and not self._class_folders.stems(folder):
                self._refuse_empty(folder, len(ranks))

    def _refuse_empty(self, folder: str, listed: int) -> None:
        if listed > 1 and (there := [path for path in self._class_folders.called(folder) if path.is_dir()]):
            raise ValueError(
                f"{there[0]} is empty, though {listed:,} pictures of data set {self.name!r} are listed in it; expected "
                "them there; if it is a disk that is not mounted, mount it; if you deleted the pictures, delete the "
                "empty folder as well"
            )

    def unlisted(self) -> list[str]:
        """Pictures in the class folders that are called as the set calls its own, and that no line names, sorted.

        Those of items with a rejected attempt are left out: a crash may leave any number of them where they were.
        """
        unlisted = []
        for label, folder in self.description.folders.items():
            for name in self._class_folders.names(folder):
                rank = rank_in_name(name)
                if rank < 0:
                    continue
                if not self.has(label, rank) and self.last_rejected_attempt(label, rank) < 0:
                    unlisted.append(f"{folder}/{name}")
        return sorted(unlisted)

    def count_absent(self, schedule: Iterable[tuple[str, int]], *, include_deleted: bool = True) -> int:
        """How many scheduled items have no picture on the disk, whatever the manifest says; see `missing`."""
        class_folders = self.description.folders
        stems: dict[str, set[str]] = {}  # by label
        absent = 0
        for label, rank in schedule:
            if not include_deleted and (label, rank) in self._rejections.deleted:
                continue
            if label not in stems:
                stems[label] = self._class_folders.stems(class_folders[label]) if label in class_folders else set()
            absent += not self.has(label, rank) or f"{rank:06d}" not in stems[label]
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
        path = self._class_folders.path(record.file_name)
        if path.is_symlink() or path.parent.is_symlink():
            raise ValueError(f"picture {record.file_name} is a link; expected a file in the set; copy it there")
        return path

    def read(self, record: Record) -> bytes:
        """The picture's file as it is on the disk.

        Raises:
            DamagedPicture: there is none.
            ValueError: it is a link, or lies behind one.
            OSError: it cannot be read.
        """
        try:
            return read_file(self.path(record))
        except FileNotFoundError:
            raise DamagedPicture(record.file_name, self.name, "is missing") from None

    def rejects_path(self, record: Record) -> Path:
        """Where the picture of a rejected attempt lies: <name>.rejects/<class folder>/<rank>.try<number><suffix>."""
        folder, _, name = record.file_name.partition("/")
        stem, suffix = os.path.splitext(name)
        return self._reject_folders.path(f"{folder}/{stem}.try{record.attempt}{suffix}")

    def rejections(self) -> Iterator[Rejection]:
        """Every attempt that was rejected, the earliest first."""
        return self._rejections.read()

    def last_rejected_attempt(self, label: str, rank: int) -> int:
        """Number of the last attempt that was rejected, -1 where none was."""
        return self._rejections.highest_attempt(label, rank)

    def ref(self) -> DatasetRef:
        """What travels between nodes."""
        return DatasetRef(self.root, self.name, self.description.revision)
