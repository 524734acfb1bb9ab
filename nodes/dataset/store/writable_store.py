"""A labelled set that is open for writing, made so that nothing is ever half there.

Writes `<name>/` (dataset.json, metadata.jsonl, rejected.jsonl, class folders) and the sidecars of folders.py.
The line in the manifest is the commit: the picture goes to a temporary name, is renamed, then its line is appended.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....evaluation.files import is_there, read_file, replace_file
from ....evaluation.pictures.manifest import DESCRIPTION, MANIFEST, Record
from ....evaluation.pictures.unlisted import unlisted_text
from ...prompts.item import Item
from . import folders
from .copies import SmallCopies
from .damage import keep_copy, refusal
from .description import Description, SetSpec, read_description, write_description
from .encode import encode
from .fingerprint import note_own_changes
from .lock import SetLock
from .names import check_set_name
from .new_pictures import record_of, texts_of
from .picture_files import PictureFiles
from .rejection_log import DELETED, Rejection
from .renamed import carry_sidecars
from .resume import new_or_resumed
from .store import DamagedPicture, DatasetStore


class WritableStore(DatasetStore):
    """One set, open for writing by this process alone; see the context managers of `dataset/open.py`.

    Attributes:
        encoding: how pictures are written.
        changed: whether pictures came, left or were marked since the set was opened.
        found_unlisted: how many pictures were added where a file lay that no line names.
    """

    # `add` may be called by several threads. _mutex guards the description, the manifest, _folders, _pending and
    # `changed`, and is held for moments only; _pending holds the keys that are being encoded and written outside it.

    def __init__(
        self,
        root: Path,
        description: Description,
        lock: SetLock,
        *,
        mend: bool = False,
        adds: bool = False,
        has_sources: bool = False,
    ) -> None:
        super().__init__(root, description)
        self.encoding = description.encoding
        self.changed = False
        self._files = PictureFiles(self._class_folders, self.work)
        self.found_unlisted = 0
        self._lock: SetLock | None = lock
        self._mutex = threading.Lock()
        self._pending: set[tuple[str, int]] = set()
        self._folders = description.folders
        self._copies: SmallCopies | None = None
        self._graph_texts = description.provenance.graph_texts()
        self._lost = max(0, description.pictures - len(self))  # lines that are gone, and nobody said why
        if adds and not self.damage():  # which is refused below
            if self._lost or not has_sources:
                self.refuse_lost_lines()
            self._lost = 0  # their pictures are gone as well
        self._recover(mend)

    @classmethod
    def open(cls, path: Path, *, mend: bool = False) -> WritableStore:
        """The set in the folder `path`, to be written by this process alone; close it.

        Args:
            mend: take damaged lines out of its files, but for what can still be read of them; a copy is kept.

        Raises:
            SetIsHeld: another writer has it open.
            ValueError: there is no set of ours, it holds small copies of another, or it has damaged lines.
        """
        description = read_description(path)
        if description.copy_of:
            raise ValueError(f"{path.name} holds small copies of {description.copy_of}; expected the set itself")
        lock = SetLock(folders.make_sidecar(path, folders.WORK), f"data set {path.name!r}")
        try:
            folders.refuse_mount_point(path)
            description = read_description(path)
            if (carried := carry_sidecars(path, description)) != description:
                write_description(path, folders.sidecar(path, folders.WORK), carried)
            return cls(path, carried, lock, mend=mend)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def create_or_open(cls, base: Path, name: str, spec: SetSpec, *, has_sources: bool = False) -> WritableStore:
        """The set `name` below `base`, to be written by this process alone; a new one, or the one there to resume.

        Args:
            base: output/datasets; `name` has passed `paths.confine`.
            has_sources: the pictures are those of other sets, from which those without a line are taken again.

        Raises:
            OtherSettings: the set there has pictures and another identity; the message shows the difference.
            SetIsHeld: another writer has it open.
            ValueError: the folder holds other people's files, or the set there has damaged lines or lost some.
        """
        root = base / check_set_name(name)
        folders.refuse_inside_a_set(root)
        folders.make_own_folder(root)
        lock = SetLock(folders.make_sidecar(root, folders.WORK), f"data set {name!r}")
        try:
            folders.refuse_mount_point(root)
            description = carry_sidecars(root, new_or_resumed(root, spec))
            store = cls(root, description, lock, adds=True, has_sources=has_sources)
            store._write_description(replace(description, pictures=len(store)))
            return store
        except BaseException:
            lock.release()
            raise

    def class_folder(self, label: str) -> str:
        """The folder of `label`'s pictures, relative to the root; a new label gets one, written to dataset.json."""
        with self._mutex:
            if label not in self._folders:
                self._describe(lambda description: description.with_classes({label: ""}))
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
        self._require_open()
        with self._mutex:
            if self.has(*key) or key in self._pending:
                raise ValueError(f"item {item.rank} of {item.label!r} is in the set already; reject it first")
            self._pending.add(key)
        try:
            texts = {**self._graph_texts, **texts_of(item, image.shape, self.description.provenance.parameters)}
            generated = self.description.provenance.is_generated
            content = encode(image, self.encoding, texts, generated=generated)
            file_name = f"{self.class_folder(item.label)}/{item.rank:06d}{self.encoding.suffix}"
            record = record_of(item, file_name, image.shape, hashlib.sha256(content).hexdigest())
            if self._copies is not None:
                self._copies.add(record, image, generated=generated)
            self._keep_unlisted(file_name, lambda: content)
            self._files.write(file_name, content)
            self._commit(record)
        finally:
            with self._mutex:
                self._pending.discard(key)
        return record

    def placed(self, record: Record) -> Record:
        """A record of another set as one of this: with the class folder that it has here."""
        suffix = os.path.splitext(record.file_name)[1]
        return replace(record, file_name=f"{self.class_folder(record.label)}/{record.rank:06d}{suffix}")

    def add_file(self, record: Record, source: Path) -> None:
        """Commit a picture of another set: linked where the disk can, else copied. Its record gets our folder.

        Args:
            source: its file there.

        Raises:
            DamagedPicture: the file is not there.
            ValueError: the set has a picture of that item already.
        """
        self._require_open()
        if self.has(*record.key):
            raise ValueError(f"item {record.rank} of {record.label!r} is in the set already; delete it first")
        placed = self.placed(record)
        with _from_another_set(source):
            self._keep_unlisted(placed.file_name, lambda: read_file(source))
            self._files.link(placed.file_name, source)
        self._commit(placed)

    def restore_file(self, record: Record, source: Path) -> None:
        """Put back the file of a picture of this set, which somebody deleted, from the set that it came from.

        Raises:
            DamagedPicture: `source` is not there.
        """
        self._require_open()
        with _from_another_set(source):
            self._files.link(record.file_name, source)
        self.changed = True

    def forget_lost(self) -> None:
        """Let lost pictures come back, for sets that are filled from others, where they may be whole.

        What a check or a person rejected, and what a person deleted, stays rejected.
        """
        keys = {
            entry.record.key
            for entry in self.rejections()
            if entry.is_lost and entry.reason != DELETED and not self.has(*entry.record.key)
        }
        if keys:
            self._rejections.forget_lost(keys - self._rejections.deleted, self.work)

    def delete(self, keys: Collection[tuple[str, int]]) -> None:
        """Take pictures out of the set and delete their files: for sets that are copies of others.

        The files first: one without a line would stay, and readers of image folders would take it for one of the set.
        """
        self._require_open()
        deleted = self.records_of(keys)
        for record in deleted:
            self._files.delete(record.file_name)
        self.replace_records({record.key: None for record in deleted})

    def log_rejections(self, rejections: Iterable[Rejection]) -> None:
        """Record attempts as rejected, so that the next one has another seed; all on the disk when this returns."""
        self._require_open()
        rejections = list(rejections)
        leaving = sum(self.has(*rejection.record.key) for rejection in rejections)
        if leaving:  # said before, or what a crash leaves here would look like a cut
            self._note_pictures(min(self.description.pictures, len(self) - leaving + self._lost))
        self._rejections.append(rejections)

    def move_to_rejects(self, record: Record) -> None:
        """Move the picture of a rejected attempt out of the set, if its file is there; an empty class folder goes."""
        source = self._class_folders.path(record.file_name)
        if source.is_file():
            self._move(source, self.rejects_path(record))
        self._files.delete_empty_folder(source.parent)

    def restore_from_rejects(self, record: Record) -> None:
        """Copy the picture of a rejected attempt back to its place."""
        self._files.write(record.file_name, read_file(self.rejects_path(record)))

    def move_unlisted(self, file_name: str) -> None:
        """Move a file that no line names out of the set; what was moved there before stays."""
        target = folders.sidecar(self.root, folders.REJECTS) / "unlisted" / file_name
        free_path, number = target, 1
        while os.path.lexists(free_path):
            number += 1
            free_path = target.with_name(f"{target.stem}-{number}{target.suffix}")
        self._move(self.root / file_name, free_path)

    def replace_records(self, changes: Mapping[tuple[str, int], Record | None]) -> None:
        """Rewrite the manifest with these records in the place of the items' own; None takes one out."""
        self._require_open()
        leaving = sum(record is None and self.has(*key) for key, record in changes.items())
        if leaving:  # said before they leave, or a crash would look like a cut
            self._note_pictures(min(self.description.pictures, len(self) - leaving + self._lost))
        self._manifest.rewrite(lambda record: changes.get(record.key, record))

    def raise_revision(self) -> None:
        """Tell nodes downstream, and Generate, that items were marked."""
        self._describe(lambda description: replace(description, revision=description.revision + 1))
        self.changed = True

    def finish(self) -> None:
        """Bring the small copies up to date."""
        if self._copies is not None:
            self._copies.prune(self._manifest.index)
            self._copies.complete(self.records, self.read)

    def close(self) -> None:
        """Give the set back; what was added is on the disk."""
        with ExitStack() as stack:  # one that fails does not keep the others open
            if self._lock is not None:
                stack.callback(self._lock.release)
                self._lock = None
            if self._copies is not None:
                stack.callback(self._copies.close)
            stack.callback(note_own_changes, self.root)
            stack.callback(self._close_manifest)

    def _close_manifest(self) -> None:
        is_unchanged = self._manifest.is_unchanged()
        self._manifest.close()
        if is_unchanged and is_there(self.root / DESCRIPTION):  # else somebody deleted the set meanwhile
            self._note_pictures(len(self) + self._lost)

    def _recover(self, mend: bool) -> None:
        if damage := self.damage():
            files = (file for file in (self._manifest, self._rejections) if file.damage)
            copies = [keep_copy(file.path, self.work) for file in files]
            if not mend:
                raise refusal(self.name, damage, copies)
            self._rejections.mend(self.work)
            self._manifest.mend()  # what was rejected decides which of its lines count
            self._lost = 0  # as it was asked for
            self.raise_revision()
        for part in self.work.glob("*.part"):
            part.unlink()
        self._rejections.recover()
        self._manifest.recover()
        if self.description.copies.sizes:
            self._copies = SmallCopies(self.root, self.work, self.description)
            self._copies.prune(self._manifest.index)

    def _keep_unlisted(self, file_name: str, content: Callable[[], bytes]) -> None:
        """Move a file that no line names aside, before `content()` takes its place: a person may have put it there.

        The same bytes are what a crash left between the picture and its line.
        """
        path = self._class_folders.path(file_name)
        if not os.path.lexists(path):
            return
        with self._mutex:
            self.found_unlisted += 1
        if path.is_symlink() or read_file(path) != content():
            self.move_unlisted(path.relative_to(self.root).as_posix())

    def found_text(self) -> str:
        """What a node that added pictures says of those without a line that it found; "" where there were none."""
        lines = []
        if self.found_unlisted:
            rejects = folders.sidecar(self.root, folders.REJECTS).name
            lines.append(
                f"Files without a line in {MANIFEST} that lay in the way of new pictures: {self.found_unlisted:,}; "
                f"those that show other pictures are in {rejects} now."
            )
        return "\n".join(filter(None, [*lines, unlisted_text(self.unlisted())]))

    def _require_open(self) -> None:
        if self._lock is None:
            raise ValueError(f"data set {self.name!r} is closed; open it again to change it")

    def _commit(self, record: Record) -> None:
        with self._mutex:
            self._manifest.append(record)
            self.changed = True

    def _note_pictures(self, count: int) -> None:
        """Write into dataset.json how many lines the manifest has at least, those included that were lost."""
        if count != self.description.pictures:
            self._describe(lambda description: replace(description, pictures=count))

    def _describe(self, change: Callable[[Description], Description]) -> None:
        """Change what dataset.json says now: a person may have written into it since the set was opened."""
        self._write_description(change(read_description(self.root)))

    def _write_description(self, description: Description) -> None:
        write_description(self.root, self.work, description)
        self.description = description
        self._manifest.folders = self._rejections.folders = description.folders
        if self._copies is not None:
            self._copies.describe(description)

    def _move(self, source: Path, target: Path) -> None:
        folders.make_sidecar(self.root, folders.REJECTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(source, target)


@contextmanager
def _from_another_set(source: Path) -> Iterator[None]:
    """Around what takes the picture `source`, <set>/<class folder>/<file>, which may be missing there."""
    try:
        yield
    except FileNotFoundError:
        if source.exists():
            raise
        file_name = f"{source.parent.name}/{source.name}"
        raise DamagedPicture(file_name, source.parent.parent.name, "is missing") from None
