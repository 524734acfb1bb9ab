"""A disk that fails at one system call, and the life of a set of 40 pictures to fail it in.

For the tests and for `benchmarks/disk_errors.py`. Every open, read, listing, rename and sync of a file below a folder
counts as one call, in the order in which they come. What open, listdir and rename raise names the file, as the kernel's
errors do; what read and fsync raise does not.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import io
import itertools
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import assert_whole, generate, open_set, schedule

ERRORS = (
    errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOSPC, errno.EROFS, errno.ENOTDIR, errno.ELOOP,
    errno.ENAMETOOLONG, errno.EBUSY,
)  # fmt: skip
COUNT = 20  # pictures of each of the two classes
_READ_BYTES = 1 << 16  # asked of the system at once where a file is read whole


def write(base: Path) -> None:
    """Half of the pictures."""
    with open_set(base) as store:
        generate(store, count=COUNT // 2)


def resume(base: Path) -> None:
    """All of the pictures."""
    with open_set(base) as store:
        generate(store, count=COUNT)


def reject(base: Path) -> None:
    """Two leave the set, one stays marked."""
    with open_for_writing(base / "pets") as store:
        mark(store, {("cat", 3): Mark("by hand"), ("dog", 5): Mark("by hand")})
        mark(store, {("cat", 7): Mark("by hand")}, attempts=1)


def check(base: Path) -> None:
    """Verify, of which the pictures that `damage` damaged leave the set."""
    with open_for_writing(base / "pets") as store:
        mark_findings(store, verify(store, duplicates=True))


Phase = Callable[[Path], None]
PHASES: tuple[Phase, ...] = (write, resume, reject, check)


def damage(base: Path) -> None:
    """A picture missing, one torn, one that no line names."""
    (base / "pets" / "cat" / "000000.png").unlink()
    (base / "pets" / "cat" / "000001.png").write_bytes(b"torn")
    shutil.copy(base / "pets" / "cat" / "000002.png", base / "pets" / "cat" / "copy.png")


def make_stages(folder: Path) -> dict[Phase, Path]:
    """What lies there before each phase, as folders in `folder`."""
    base = folder / "now"
    base.mkdir()
    before: dict[Phase, Path] = {}
    for phase in PHASES:
        if phase is check:
            damage(base)
        before[phase] = shutil.copytree(base, folder / phase.__name__)
        phase(base)
    return before


class FailingDisk:
    """The calls that reach files below `base`; number `fails` raises `error`.

    Args:
        notes_places: write down of each call its kind and the lines of code from which it came.

    Attributes:
        count: calls so far.
        places: of each call, where they are noted.
        failed: the path of the call that failed, "" before it did.
    """

    def __init__(self, base: Path, fails: int = -1, error: int = errno.EIO, *, notes_places: bool = False) -> None:
        self.base, self.fails, self.error, self.notes_places = str(base), fails, error, notes_places
        self.count = 0
        self.places: list[tuple[str, ...]] = []
        self.failed = ""
        self.paths: dict[int, str] = {}  # of open descriptors

    def call(self, kind: str, path: object, names: bool = True) -> None:
        """One call of `kind` on `path`; `names`: whether the kernel's error would name it."""
        if isinstance(path, int) or not str(path).startswith(self.base):
            return
        if self.notes_places:
            self.places.append((kind, *_callers()))
        self.count += 1
        if self.count - 1 == self.fails:
            self.failed = str(path)
            raise OSError(self.error, os.strerror(self.error), *((str(path),) if names else ()))

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put this disk under Python's functions."""
        real_open = io.open

        def open_file(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *more, **options):
            if isinstance(file, int) or not os.fspath(file).startswith(self.base):
                return real_open(file, mode, buffering, encoding, errors, newline, *more, **options)
            raw = FailingRaw(self, os.fspath(file), mode.replace("b", "").replace("t", ""))
            if buffering == 0:
                return raw
            buffered = _buffered(raw, mode)
            if "b" in mode:
                return buffered
            text = io.TextIOWrapper(buffered, encoding, errors, newline)
            text.mode = mode
            return text

        patch.setattr(io, "open", open_file)
        patch.setattr(builtins, "open", open_file)
        for name in ("listdir", "replace", "rename"):
            patch.setattr(os, name, self._naming(name))
        for name, kind in (("read", "read"), ("fsync", "fsync"), ("sendfile", "read")):
            if hasattr(os, name):  # Windows sends no files
                patch.setattr(os, name, self._nameless(name, kind))
        self._install_scandir(patch)
        os_open = os.open

        def open_descriptor(path, *arguments, **options):
            self.call("open", path)
            descriptor = os_open(path, *arguments, **options)
            self.paths[descriptor] = str(path)
            return descriptor

        patch.setattr(os, "open", open_descriptor)

    def _install_scandir(self, patch: pytest.MonkeyPatch) -> None:
        scandir = os.scandir

        def failing(path="."):
            self.call("scandir", path)
            return FailingScan(scandir(path), self, path)

        patch.setattr(os, "scandir", failing)

    def _naming(self, name: str):
        real = getattr(os, name)

        def function(path=".", *arguments, **options):
            self.call(name, path)
            return real(path, *arguments, **options)

        return function

    def _nameless(self, name: str, kind: str):
        """A function of descriptors; the last one among the arguments is that which is read."""
        real = getattr(os, name)

        def function(*arguments):
            self.call(kind, self.paths.get(arguments[1 if name == "sendfile" else 0], ""), names=False)
            return real(*arguments)

        return function


def _callers() -> list[str]:
    frames, frame = [], sys._getframe(2)
    while frame is not None and frame.f_code is not places_of.__code__:
        frames.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    return frames


class FailingRaw(io.FileIO):
    """An unbuffered file of `disk`: below Python's buffers, so that each read is one of the system."""

    def __init__(self, disk: FailingDisk, path: str, mode: str) -> None:
        disk.call("open", path)
        super().__init__(path, mode)
        self._disk, self._path = disk, path
        disk.paths[self.fileno()] = path

    def readinto(self, buffer):
        self._disk.call("read", self._path, names=False)
        return super().readinto(buffer)

    def read(self, size=-1):
        if size is None or size < 0:
            return self.readall()
        self._disk.call("read", self._path, names=False)
        return super().read(size)

    def readall(self):
        return b"".join(iter(lambda: self.read(_READ_BYTES), b""))


def _buffered(raw: FailingRaw, mode: str) -> io.BufferedIOBase:
    if "+" in mode:
        return io.BufferedRandom(raw)
    return io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)


class FailingScan:
    """What os.scandir gives, whose first entry is a call of `disk`: the system lists when it is asked for."""

    def __init__(self, entries, disk: FailingDisk, path: object) -> None:
        self._entries, self._disk, self._path, self._is_listed = entries, disk, path, False

    def __iter__(self):
        return self

    def __next__(self):
        if not self._is_listed:
            self._is_listed = True
            self._disk.call("scandir", self._path)
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._entries.close()


def pictures(base: Path) -> Counter[str]:
    """How often each picture is there, by its hash: in the set and among what was moved out of it."""
    files = (path for path in base.rglob("*.png") if ".sheets" not in str(path) and ".work" not in str(path))
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def places_of(phase: Phase, stage: Path, base: Path) -> list[tuple[str, ...]]:
    """Of each call of `phase`, in order, its kind and where it came from; what it made stays in `base`."""
    shutil.copytree(stage, base)
    disk = FailingDisk(base, notes_places=True)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        phase(base)
    return disk.places


def go_on(phase: Phase, base: Path, before: Counter[str]) -> None:
    """Run `phase` again and make all that is missing: nothing that was there `before` is replaced, all is there.

    The sheet on the card stays blank; drawing it takes half of the time, and no picture is written for it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hyponet.nodes.dataset.contact_sheet.draw_sheet", lambda *_, **__: np.zeros((8, 8, 3), np.uint8))
        phase(base)
        assert not before - pictures(base), "a picture that was there was replaced"
        if phase is not resume:
            resume(base)
    root = base / "pets"
    lines = [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]
    facts = {(line["label"], line["rank"], line["attempt"], line["sha256"]) for line in lines}
    if not facts <= _seen:
        assert_whole(root, count=COUNT)
        _seen.update(facts)
    assert sorted((line["label"], line["rank"]) for line in lines) == sorted(schedule(count=COUNT))
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.glob("*/*")}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert digests == {line["file_name"]: line["sha256"] for line in lines}


_seen: set[tuple[str, int, int, str]] = set()  # items with the hash of a file whose pixels were compared


def fail_once(phase: Phase, stage: Path, base: Path, number: int, error: int) -> str:
    """Run `phase` with that failure, check what is left, and go on; the message, "" where it did not matter."""
    shutil.copytree(stage, base)
    before = pictures(base)
    message = ""
    disk = FailingDisk(base, number, error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        disk.install(patch)
        try:
            phase(base)
        except OSError as raised:
            message = str(raised)
    assert disk.failed, f"call {number} did not come"
    assert not message or says_where(message, Path(disk.failed), base), f"{message}; it was {disk.failed}"
    assert not before - pictures(base), "a picture that was there is gone"
    if (base / "pets" / "dataset.json").exists():
        store = DatasetStore.open(base / "pets")
        assert store.damage() == []
        assert len(store) == len(list(store.records()))
    go_on(phase, base, before)
    shutil.rmtree(base)
    return message


def says_where(message: str, failed: Path, base: Path) -> bool:
    """Whether a message names the file that failed or its folder; for one in a work folder, what it is to become."""
    name, _, kind = failed.parent.name.rpartition(".")
    named = (failed, failed.parent, *((base / name,) if kind == "work" else ()))
    message = message.replace("\\\\", "\\")  # Windows' paths as an OSError shows them
    return any(str(path) in message for path in named)


def some_numbers(places: list[tuple[str, ...]]) -> list[int]:
    """Of each place the first of its calls, one in the middle and the last."""
    by_place: dict[tuple[str, ...], list[int]] = {}
    for number, place in enumerate(places):
        by_place.setdefault(place, []).append(number)
    chosen = ({numbers[0], numbers[len(numbers) // 2], numbers[-1]} for numbers in by_place.values())
    return sorted(itertools.chain.from_iterable(chosen))
