"""Windows' rules, played here: what somebody reads is neither replaced, moved nor deleted; long paths are not found.

The numbers are those of Windows (winerror.h): 5 ERROR_ACCESS_DENIED, 32 ERROR_SHARING_VIOLATION; MAX_PATH is 260.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from hyponet.evaluation import disk_errors
from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.evaluation.files import delete_file, read_file, replace_file, replacing
from hyponet.evaluation.pictures.decode import CorruptPicture, decode


class Windows:
    """`os.replace` and `os.unlink` as they are while somebody reads what they would change.

    Attributes:
        left: how often they are still refused.
        pauses: seconds that were waited.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int, number: int = 32) -> None:
        self.left, self.number = left, number
        self.pauses: list[float] = []
        for name in ("replace", "unlink"):
            monkeypatch.setattr(os, name, self._refusing(getattr(os, name)))
        monkeypatch.setattr(time, "sleep", self.pauses.append)

    def _refusing(self, native):
        def call(path, *more, **options):
            if self.left:
                self.left -= 1
                error = PermissionError(errno.EACCES, "The process cannot access the file", os.fspath(path))
                error.winerror = self.number
                raise error
            return native(path, *more, **options)

        return call


@pytest.mark.parametrize("change", ["replace", "move", "delete"])
def test_a_reader_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    if change == "replace":
        target.write_text("old")
    windows = Windows(monkeypatch, left=3)
    if change == "delete":
        delete_file(source)
    else:
        replace_file(source, target)
        assert target.read_text("utf-8") == "new"
    assert not source.exists()
    assert len(windows.pauses) == 3
    assert sum(windows.pauses) < 1


@pytest.mark.parametrize("number", [5, 32])
def test_a_reader_that_stays_is_named_as_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "dataset.json"
    path.write_text("old")
    windows = Windows(monkeypatch, left=4, number=number)
    with (
        pytest.raises(PermissionError, match="close the program that has the file open") as raised,
        replacing(path) as temporary,
    ):
        temporary.write_text("new")
    assert str(tmp_path) in str(raised.value)
    assert windows.left == 0
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing is left behind"


def test_a_file_that_is_not_there_need_not_be_deleted(tmp_path: Path) -> None:
    delete_file(tmp_path / "none")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind for the try"


def test_a_path_that_is_too_long_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows calls it not found, which says nothing, and which everybody else takes for a file that is missing."""
    path = tmp_path / ("x" * 120) / ("y" * 120) / "000000.png"  # Windows may refuse the folder already
    assert len(str(path)) >= 260

    def write() -> None:
        with replacing(path) as temporary:
            raise FileNotFoundError(errno.ENOENT, "The system cannot find the path specified", str(temporary))

    if os.name != "nt":  # which take longer paths
        with pytest.raises(OSError, match=r"check the disk or its connection$"):
            write()
    monkeypatch.setattr(disk_errors, "LONGEST_PATH", 259)
    with pytest.raises(OSError, match=r"choose shorter names, .* 260 characters"):
        write()


def test_a_picture_at_a_path_that_is_too_long_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The regression: Windows finds no such file, and what is missing is rejected and drawn anew."""
    path = tmp_path / "000000.png"
    for read in (read_file, lambda path: decode(path, path.name)):
        with pytest.raises((FileNotFoundError, CorruptPicture)):
            read(path)
        with monkeypatch.context() as windows:
            windows.setattr(disk_errors, "LONGEST_PATH", len(str(path)) - 1)
            with pytest.raises(UnreadableFile, match=r"000000\.png cannot be read .* path may be too long for Windows"):
                read(path)
