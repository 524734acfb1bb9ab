"""A labelled set on disk: pictures in class folders, one manifest line each, made so that nothing is ever half there.

Reads and writes `<name>/` (dataset.json, metadata.jsonl, README.md, rejected.jsonl, class folders) and the siblings
of folders.py. The line in the manifest is the commit: the picture goes to a temporary name, is renamed, then its line
is appended. `rejections.py` has what happens to pictures that are marked.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ...prompts.item import Item
from ..card import write_card
from . import folders
from .copies import SmallCopies
from .description import copies_json, encoding_json, graph_texts, new_description, with_classes
from .encode import Encoding, encode, parameters_line
from .identity import OtherSettings, differences, plain, plan_classes, plan_differences, refuse
from .lock import SetLock
from .manifest import Manifest
from .names import check_set_name
from .placing import Placer
from .record import GOOD, Line
from .rejected import Rejected

MANIFEST = "metadata.jsonl"

__all__ = ["DatasetRef", "DatasetStore", "OtherSettings", "read_revision"]


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """What travels between nodes: where a set lies. `revision` rises when items are marked."""

    path: Path
    name: str
    revision: int


class DatasetStore:
    """One set, open. Use as a context manager; made by `create_or_open` or `open`.

    Attributes:
        root: the set's folder.
        description: what dataset.json says: name, revision, classes, identity, plan, provenance, encoding, copies.
    """

    def __init__(self, root: Path, description: dict[str, Any], lock: SetLock | None) -> None:
        self.root = root
        self.description = description
        self.rejected = Rejected(root / "rejected.jsonl")
        self.manifest = Manifest(root / MANIFEST, self.rejected.highest)
        self.encoding = Encoding(**description["encoding"])
        self.placer = Placer(root, folders.sibling(root, "work"))
        self._lock = lock
        self._mutex = threading.Lock()
        self._pending: set[tuple[str, int]] = set()
        self._folders: dict[str, str] = {entry["label"]: entry["folder"] for entry in description["classes"]}
        self._copies: SmallCopies | None = None
        self._changed = False
        self._texts = graph_texts(description["provenance"])

    @classmethod
    def create_or_open(
        cls,
        base: Path,
        name: str,
        *,
        plan: dict[str, Any],
        identity: dict[str, Any],
        provenance: dict[str, Any],
        classes: Mapping[str, str] | None = None,
        encoding: Encoding | None = None,
        copies: Iterable[int] = (),
        copy_filter: str = "bicubic",
    ) -> DatasetStore:
        """The set `name` below `base`, open for writing and alone; a new one, or the one that is there, to go on with.

        Args:
            base: output/datasets; `name` has passed `paths.confine`.
            plan: `Plan.to_json()`, whole, so that the set can be made again from dataset.json alone.
            identity: every setting that one set holds one value of: models, sampler, steps, cfg, size. Of the plan,
                templates, wildcards and seed are compared as well; counts, shards and the list of classes may change.
            provenance: what else to record. Read here: `workflow` and `prompt` (the graph, both forms, or None) and
                `parameters` (name -> value for the line that other tools read); the rest is kept as it is.
            classes: label -> WordNet id ("" when unknown), in order; None takes the plan's.
            encoding: how pictures are written.
            copies: sizes of small copies kept beside the set, in pixels; `copy_filter` is one of evaluation's FILTERS.

        Raises:
            OtherSettings: the set there has pictures and another identity; the message shows the difference.
            SetIsHeld: another writer has it open.
            ValueError: the folder holds other people's files.
        """
        root = base / check_set_name(name)
        encoding = encoding or Encoding()
        wanted = plain({**identity, "encoding": encoding.identity()})
        folders.refuse_inside(root)
        folders.claim(root)
        lock = SetLock(folders.make_sibling(root, "work"), f"data set {name!r}")
        try:
            if (root / folders.DESCRIPTION).exists():
                description = folders.read_description(root)
                if _has_pictures(root):
                    changes = differences(description["identity"], wanted)
                    refuse(name, changes + plan_differences(description["plan"], plain(plan)))
                else:  # nothing came of the first run, so its settings bind nobody
                    description |= {"classes": [], "identity": wanted}
            else:
                description = new_description(root.name, wanted)
            description |= {"encoding": encoding_json(encoding), "copies": copies_json(copies, copy_filter)}
            description |= {"plan": plain(plan), "provenance": plain(provenance)}
            more = plan_classes(plan) if classes is None else classes
            description["classes"] = with_classes(description["classes"], more)
            folders.write_json(root, folders.sibling(root, "work"), description)
            store = cls(root, description, lock)
            store._recover()
        except BaseException:
            lock.release()
            raise
        return store

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> DatasetStore:
        """The set in the folder `path`; only to be read (no lock, nothing is mended) unless `write`."""
        description = folders.read_description(path)
        if not write:
            return cls(path, description, None)
        if "copy_of" in description:
            raise ValueError(f"{path.name} holds small copies of {description['copy_of']}; expected the set itself")
        lock = SetLock(folders.make_sibling(path, "work"), f"data set {path.name!r}")
        try:
            store = cls(path, folders.read_description(path), lock)
            store._recover()
        except BaseException:
            lock.release()
            raise
        return store

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class, in the order of dataset.json."""
        return tuple(self._folders)

    @property
    def synsets(self) -> dict[str, str]:
        """label -> WordNet id, "" when unknown."""
        return {entry["label"]: entry["synset"] for entry in self.description["classes"]}

    @property
    def work(self) -> Path:
        return folders.sibling(self.root, "work")

    def __len__(self) -> int:
        return self.manifest.index.count

    def counts(self) -> dict[str, int]:
        """label -> how many pictures it has, classes without any included."""
        return {**dict.fromkeys(self.labels, 0), **self.manifest.index.counts()}

    def has(self, label: str, rank: int) -> bool:
        return self.manifest.index.get(label, rank) >= 0

    def missing(self, schedule: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
        """(label, rank, attempt) of each scheduled item without a picture, from the manifest alone."""
        for label, rank in schedule:
            if self.manifest.index.get(label, rank) < 0:
                yield label, rank, self.rejected.highest(label, rank) + 1

    def lines(self) -> Iterator[Line]:
        """Every picture's line, in the order in which they were made."""
        return self.manifest.lines()

    def keys(self, *, in_turn: bool = True, kept: bool = True, only_class: str = "") -> list[tuple[str, int]]:
        """(label, rank) of every picture: classes in turn by rank, or one class after the other.

        Args:
            kept: also the pictures that stay although every try was rejected.
            only_class: "" for all.
        """
        index, places = self.manifest.index, {label: place for place, label in enumerate(self.labels)}
        labels = [only_class] if only_class else list(places)
        found = [(label, rank) for label in labels for rank in index.ranks(label)]
        if not kept and index.kept:
            found = [key for key in found if key not in index.kept]
        return sorted(found, key=lambda key: (key[1], places[key[0]])) if in_turn else found

    def lines_of(self, keys: Iterable[tuple[str, int]]) -> list[Line]:
        """The lines of `keys`, in their order; the manifest is read once."""
        wanted = dict.fromkeys(keys)
        found = {line.key: line for line in self.lines() if line.key in wanted} if wanted else {}
        return [found[key] for key in wanted if key in found]

    def path(self, line: Line) -> Path:
        """The picture's file.

        Raises:
            ValueError: it is a link, or lies behind one, and could be any file of the machine.
        """
        path = self.root / line.file_name
        if path.is_symlink() or path.parent.is_symlink():
            raise ValueError(f"picture {line.file_name} is a link; expected a file in the set; copy it there")
        return path

    def folder(self, label: str) -> str:
        """The folder of `label`'s pictures, relative to the root; a new label gets one."""
        with self._mutex:
            if label not in self._folders:
                self.description["classes"] = with_classes(self.description["classes"], {label: ""})
                folders.write_json(self.root, self.work, self.description)
                self._folders = {entry["label"]: entry["folder"] for entry in self.description["classes"]}
            return self._folders[label]

    def add(self, item: Item, image: np.ndarray) -> Line:
        """Encode and commit one picture; several threads may call it at once.

        Args:
            image: [H, W, 3] uint8.

        Raises:
            ValueError: the set has a picture of that item already, or the image has another form.
            OSError: the disk is full or cannot be written; the set is as before.
        """
        key = (item.label, item.rank)
        with self._mutex:
            if self._lock is None:
                raise ValueError(f"data set {self.name!r} is open for reading; open it for writing to add pictures")
            if self.has(*key) or key in self._pending:
                raise ValueError(f"item {item.rank} of {item.label!a} is in the set already; reject it first")
            self._pending.add(key)
        try:
            file_name = f"{self.folder(item.label)}/{item.rank:06d}{self.encoding.suffix}"
            data = encode(image, self.encoding, self._item_texts(item, image))
            line = Line(
                file_name, item.label, item.rank, item.attempt, GOOD, item.prompt, item.negative, item.picks, item.seed,
                image.shape[1], image.shape[0], hashlib.sha256(data).hexdigest(),
            )  # fmt: skip
            if self._copies is not None:
                self._copies.add(line, image)
            self.placer.put(file_name, data)
            with self._mutex:
                self.manifest.append(line)
                self._changed = True
        finally:
            with self._mutex:
                self._pending.discard(key)
        return line

    def adopt(self, line: Line, source: Path) -> None:
        """Commit a picture that lies elsewhere: linked where the disk can, else copied. Its line gets our folder."""
        file_name = f"{self.folder(line.label)}/{line.rank:06d}{source.suffix}"
        with self._mutex:
            if self.has(*line.key):
                raise ValueError(f"item {line.rank} of {line.label!a} is in the set already; drop it first")
        self.placer.take(file_name, source)
        with self._mutex:
            self.manifest.append(replace(line, file_name=file_name))
            self._changed = True

    def drop(self, keys: Collection[tuple[str, int]]) -> None:
        """Take pictures out of the set and delete their files: for sets that are copies of others."""
        gone = self.lines_of(keys)
        self.manifest.rewrite(self.work, lambda line: None if line.key in keys else line)
        for line in gone:
            (self.root / line.file_name).unlink(missing_ok=True)

    def raise_revision(self) -> None:
        """Tell nodes downstream, and Generate, that items were marked."""
        self.description["revision"] += 1
        self._changed = True
        folders.write_json(self.root, self.work, self.description)

    def ref(self) -> DatasetRef:
        return DatasetRef(self.root, self.name, int(self.description["revision"]))

    def finish(self) -> None:
        """Bring small copies and the data card up to date; what leaves the context without an error does it."""
        if self._copies is not None:
            self._copies.prune(self.manifest.index)
            self._copies.complete(self.lines, self.root)
        if self._changed or not (self.root / "README.md").exists():
            write_card(self)
            self._changed = False

    def close(self) -> None:
        """Give the set back; what was added is on the disk."""
        self.manifest.close()
        if self._copies is not None:
            self._copies.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> DatasetStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._lock is not None:
                self.finish()
        finally:
            self.close()

    def _recover(self) -> None:
        for part in self.work.glob("*.part"):
            part.unlink()
        self.rejected.recover()
        self.manifest.recover(self.work)
        if self.description["copies"]["sizes"]:
            self._copies = SmallCopies(self.root, self.work, self.description)
            self._copies.prune(self.manifest.index)

    def _item_texts(self, item: Item, image: np.ndarray) -> dict[str, str]:
        if not self.encoding.text:
            return {}
        settings = dict(self.description["provenance"].get("parameters") or {})
        settings.setdefault("Size", f"{image.shape[1]}x{image.shape[0]}")
        record = {"label": item.label, "rank": item.rank, "try": item.attempt, "seed": item.seed}
        record["picks"] = [[pick.slot, pick.option, pick.source] for pick in item.picks]
        return {**self._texts, "parameters": parameters_line(item, settings), "hyponet": json.dumps(record)}


def _has_pictures(root: Path) -> bool:
    files = (root / MANIFEST, root / "rejected.jsonl")
    return any(path.exists() and path.stat().st_size > 0 for path in files)


def read_revision(path: Path) -> int:
    """The revision of the set in the folder `path`; -1 where there is none. For fingerprints: never raises."""
    try:
        return int(folders.read_description(path)["revision"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1
