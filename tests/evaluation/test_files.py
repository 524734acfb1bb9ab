"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from hyponet.evaluation.disk_errors import UnreadableFile, unreadable
from hyponet.evaluation.files import replacing


def test_a_file_appears_when_it_is_whole_in_a_folder_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text("utf-8") == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def fill_the_disk() -> None:
        with replacing(path) as temporary:
            temporary.write_text("ha")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill_the_disk()
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_threads_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text("utf-8") == "first"  # whose block ends last
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_can_lie_in_another_folder_and_be_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, path = tmp_path / "work", tmp_path / "set" / "dataset.json"
    work.mkdir()
    calls: list[str] = []
    sync, move = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: [calls.append("fsync"), sync(file)])
    monkeypatch.setattr(os, "replace", lambda source, target: [calls.append("replace"), move(source, target)])
    with replacing(path, work=work, durable=True) as temporary:
        assert temporary.parent == work
        temporary.write_text("whole")
    assert calls == ["fsync", "replace"]
    assert not list(work.iterdir())
    assert path.read_text("utf-8") == "whole"


class Reader:
    """Windows' os.replace (WinError 5, or 32) while somebody reads the target, until it has been tried so often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, attempts: int) -> None:
        self.left = attempts
        self._move = os.replace
        self.pauses: list[float] = []
        monkeypatch.setattr(os, "replace", self)
        monkeypatch.setattr(time, "sleep", self.pauses.append)

    def __call__(self, source: Path, target: Path) -> None:
        if self.left:
            self.left -= 1
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        self._move(source, target)


def test_a_reader_on_windows_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch, attempts=3)
    with replacing(tmp_path / "report.html") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "report.html").read_text("utf-8") == "new"
    assert len(reader.pauses) == 3
    assert sum(reader.pauses) < 1


def test_a_reader_that_stays_is_an_error_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    Reader(monkeypatch, attempts=100)
    with pytest.raises(PermissionError, match="used by another process"), replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EFBIG, "free some space"),
        (errno.EROFS, "right to write"),
        (errno.EACCES, "right to write"),
        (errno.EIO, "check the disk"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "replace", "mkdir"])
def test_a_disk_that_cannot_be_written_is_said_with_the_folder_and_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, advice: str
) -> None:
    """The kernel names no file where write and fsync fail: "[Errno 28] No space left on device" alone says nothing."""
    path = tmp_path / "results" / "a.json"

    def fail(*arguments: object, **_: object) -> None:
        names = [str(argument) for argument in arguments if isinstance(argument, (str, os.PathLike))]
        raise OSError(number, os.strerror(number), *names[:1])

    def write() -> None:
        with replacing(path, durable=True) as temporary:
            if call == "write":
                fail()
            temporary.write_text("whole")

    if call != "write":
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match=advice) as raised:
        write()
    assert str(path.parent) in str(raised.value)
    assert os.strerror(number) in str(raised.value)
    assert raised.value.errno == number
    assert not list(tmp_path.rglob("*.*"))


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file grows over 64 KiB: the kernel's own error, EFBIG, in the middle of a write. A full disk says ENOSPC."""
    if os.name == "nt":
        pytest.skip("Windows has no such limit")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def save_by_torch(temporary: Path) -> None:
    with open(temporary, "wb") as file:
        torch.save({"a": torch.zeros(1 << 20)}, file)


@pytest.mark.parametrize(
    "write",
    [
        lambda temporary: temporary.write_bytes(bytes(1 << 20)),
        lambda temporary: np.savez(open(temporary, "wb"), a=np.zeros(1 << 20)),  # noqa: SIM115
        lambda temporary: safetensors.torch.save_file({"a": torch.zeros(1 << 20)}, temporary),
        save_by_torch,
    ],
    ids=["bytes", "numpy", "safetensors", "torch"],
)
@pytest.mark.usefixtures("small_disk")
def test_whatever_library_writes_the_disk_that_is_full_is_said(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """By themselves: "[Errno 27] File too large", and "unexpected pos 704 vs 598" of torch."""

    def attempt() -> None:
        with replacing(tmp_path / "results" / "a.json") as temporary:
            write(temporary)

    with pytest.raises(OSError, match=r"results cannot be written \(File too large\).* free some space there"):
        attempt()
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.skipif(os.name != "nt", reason="these numbers are Windows' own")
def test_the_numbers_of_safetensors_are_windows_own(tmp_path: Path) -> None:
    """112 is ERROR_DISK_FULL there, and EHOSTDOWN elsewhere: "Host is down"."""
    text = "Error while serializing: I/O error: There is not enough space on the disk. (os error 112)"
    with (
        pytest.raises(OSError, match=r"\(There is not enough space on the disk\.\).* free some space there"),
        replacing(tmp_path / "a"),
    ):
        raise safetensors.SafetensorError(text)


def test_a_file_that_went_while_it_was_opened_has_no_path_that_is_too_long(tmp_path: Path) -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory")
    assert str(unreadable(tmp_path / "0.png", error)).endswith("it was there a moment ago: load the set again")


def test_a_source_that_cannot_be_read_is_no_error_of_the_target(tmp_path: Path) -> None:
    """A picture is read while the file of small copies is written."""
    source = tmp_path / "0.png"
    with (
        pytest.raises(UnreadableFile, match=r"0\.png cannot be read \(Input/output error\)"),
        replacing(tmp_path / "a"),
    ):
        raise unreadable(source, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(PermissionError) as raised, replacing(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "Permission denied", str(source))
    assert raised.value.filename == str(source)
    assert "cannot be written" not in str(raised.value)
