"""The disk fails at every call of a set's life in turn: nothing is lost or replaced, and the message says where.

Of each place in the code from which writing, resuming, rejecting and verifying open, read, list, rename or sync a file,
the first call, one in the middle and the last are failed, with ten errors in turn. What open, listdir and rename raise
names the file, as the kernel's errors do; what read and fsync raise does not.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import io
import itertools
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, open_set

ERRORS = (
    errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOSPC, errno.EROFS, errno.ENOTDIR, errno.ELOOP,
    errno.ENAMETOOLONG, errno.EBUSY,
)  # fmt: skip
COUNT = 20  # pictures of each of the two classes


def write(base):
    with open_set(base) as store:
        generate(store, count=COUNT // 2)


def resume(base):
    with open_set(base) as store:
        generate(store, count=COUNT)


def reject(base):
    with open_for_writing(base / "pets") as store:
        mark(store, {("cat", 3): Mark("by hand"), ("dog", 5): Mark("by hand")})
        mark(store, {("cat", 7): Mark("by hand")}, attempts=1)


def check(base):
    with open_for_writing(base / "pets") as store:
        mark_findings(store, verify(store, duplicates=True))


PHASES = (write, resume, reject, check)


class FailingDisk:
    """The calls that reach files below `base`, counted; number `fails` raises `error`."""

    def __init__(self, base: Path, fails: int = -1, error: int = errno.EIO) -> None:
        self.base, self.fails, self.error = str(base), fails, error
        self.calls: list[tuple[str, ...]] = []  # of each call its kind and where it came from

    def call(self, kind: str, path: object, names: bool = True) -> None:
        if isinstance(path, int) or not str(path).startswith(self.base):
            return
        self.calls.append((kind, *_callers()))
        if len(self.calls) - 1 == self.fails:
            arguments = (str(path),) if names else ()
            raise OSError(self.error, os.strerror(self.error), *arguments)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real_open, os_open, fsync = io.open, os.open, os.fsync
        paths: dict[int, str] = {}

        def open_file(file, *arguments, **more):
            self.call("open", file)
            opened = real_open(file, *arguments, **more)
            if not isinstance(file, int):
                paths[opened.fileno()] = str(file)
            return FailingFile(opened, self, file)

        def open_descriptor(path, *arguments, **more):
            self.call("open", path)
            descriptor = os_open(path, *arguments, **more)
            paths[descriptor] = str(path)
            return descriptor

        def sync(descriptor):
            self.call("fsync", paths.get(descriptor, ""), names=False)
            fsync(descriptor)

        def naming(name):
            real = getattr(os, name)

            def function(path=".", *arguments, **more):
                self.call(name, path)
                return real(path, *arguments, **more)

            patch.setattr(os, name, function)

        patch.setattr(io, "open", open_file)
        patch.setattr(builtins, "open", open_file)
        patch.setattr(os, "open", open_descriptor)
        patch.setattr(os, "fsync", sync)
        for name in ("listdir", "scandir", "replace", "rename"):
            naming(name)


def _callers() -> list[str]:
    frames, frame = [], sys._getframe(2)
    while frame is not None:
        frames.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    return frames


class FailingFile:
    """An open file whose reads are calls of `disk`."""

    def __init__(self, file, disk, path):
        self._file, self._disk, self._path = file, disk, path

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __iter__(self):
        return iter(self.readline, type(self._file.read(0))())

    def read(self, *size):
        self._disk.call("read", self._path, names=False)
        return self._file.read(*size)

    def readline(self, *size):
        self._disk.call("read", self._path, names=False)
        return self._file.readline(*size)


def pictures(base: Path) -> Counter[str]:
    """How often each picture is there, by its hash: in the set and among what was moved out of it."""
    files = (path for path in base.rglob("*.png") if ".sheets" not in str(path) and ".work" not in str(path))
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What lies there before each phase."""
    base = tmp_path_factory.mktemp("stages") / "now"
    base.mkdir()
    before = []
    for phase in PHASES:
        if phase is check:  # something for it to find
            (base / "pets" / "cat" / "000000.png").unlink()
            (base / "pets" / "cat" / "000001.png").write_bytes(b"torn")
            shutil.copy(base / "pets" / "cat" / "000002.png", base / "pets" / "cat" / "copy.png")
        before.append(shutil.copytree(base, base.with_name(phase.__name__)))
        phase(base)
    return dict(zip(PHASES, before, strict=True))


def calls_of(phase, stage: Path, base: Path) -> dict[tuple[str, ...], list[int]]:
    """The numbers of the calls, by kind and place."""
    shutil.copytree(stage, base)
    disk = FailingDisk(base)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        phase(base)
    shutil.rmtree(base)
    places: dict[tuple[str, ...], list[int]] = {}
    for number, place in enumerate(disk.calls):
        places.setdefault(place, []).append(number)
    return places


def fail_once(phase, stage: Path, base: Path, number: int, error: int) -> str:
    """Run `phase` with that failure, check what is left, and go on; the message, "" where it did not matter."""
    shutil.copytree(stage, base)
    before = pictures(base)
    message = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        FailingDisk(base, number, error).install(patch)
        try:
            phase(base)
        except OSError as raised:
            message = str(raised)
            assert str(base) in message, message
    after = pictures(base)
    assert not before - after, "a picture that was there is gone"
    if (base / "pets" / "dataset.json").exists():
        store = DatasetStore.open(base / "pets")
        assert store.damage() == []
        assert len(store) == len(list(store.records()))
    phase(base)
    assert not before - pictures(base), "a picture that was there was replaced"
    resume(base)
    assert_whole(base / "pets", count=COUNT)
    shutil.rmtree(base)
    return message


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_nothing_is_lost_or_replaced_when_the_disk_fails(stages, tmp_path, phase):
    base = tmp_path / "base"
    places = calls_of(phase, stages[phase], base)
    assert {"open", "read", "listdir", "scandir", "replace", "fsync"} - {kind for kind, *_ in places} <= {"listdir"}
    errors = itertools.cycle(ERRORS)
    said = [
        fail_once(phase, stages[phase], base, number, next(errors))
        for numbers in places.values()
        for number in sorted({numbers[0], numbers[len(numbers) // 2], numbers[-1]})
    ]
    assert sum(map(bool, said)) > len(said) // 2
