"""The files of a published data set by their names, whether they lie in a folder or in a tar archive.

Nothing of an archive is unpacked to the disk, and nothing that is larger than what is meant is read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ...bounded import BoundedFile
from ...disk_errors import is_of_disk, unreadable
from ...files import read_file
from .files import files_below

_UNREADABLE = (tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)  # what damage raises
_MAX_MEMBERS = 10_000  # of an archive; the published ones have about ten files, and each member's header takes memory
_BLOCK = 1 << 20  # bytes read at once
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}  # first bytes -> what unpacks


class Files:
    """Files by their last name, at any depth."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._archive: tarfile.TarFile | None = None
        self._stream: IO[bytes] | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        self._paths: dict[str, Path] = {}
        if root.is_dir():
            self._paths = {PurePosixPath(name).name: root / name for name in reversed(files_below(root)[0])}
            return
        try:
            self._stream = open_plain(root)
            self._archive = open_tar(self._stream, _BLOCK)
            for number, member in enumerate(self._archive):
                if number == _MAX_MEMBERS:
                    raise ValueError(f"it has more than {number:,} members")
                if member.isfile():
                    self._members[PurePosixPath(member.name).name] = member
        except _UNREADABLE as error:
            self.close()
            if is_of_disk(error):
                raise unreadable(root, error) from error
            raise ValueError(
                f"{root.name} is no whole tar archive ({error}); expected the archive as it is published, or a folder "
                "with its files; get it again"
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._paths or name in self._members

    def path(self, name: str) -> Path | None:
        """Where the file lies, or None inside an archive."""
        return self._paths.get(name)

    def read(self, name: str, advice: str, max_bytes: int) -> bytes | bytearray:
        """The bytes of the file called `name`.

        Args:
            max_bytes: a larger file is not read: it is not the one that is meant.

        Raises:
            ValueError: it is missing or too large, or the archive is damaged; the message ends in `advice`.
            UnreadableFile: the disk does not give it.
        """
        if name not in self:
            raise ValueError(f"{name} is missing in {self.root.name}; expected it there at any depth; {advice}")
        size = self._paths[name].stat().st_size if self._archive is None else self._members[name].size
        if size > max_bytes:
            raise ValueError(f"{name} in {self.root.name} has {size:,} bytes; expected {max_bytes:,} at most; {advice}")
        if self._archive is None:
            return read_file(self._paths[name])
        try:
            return _contents(self._archive, self._members[name])
        except _UNREADABLE as error:
            if is_of_disk(error):
                raise unreadable(self.root, error) from error
            raise ValueError(f"{name} in {self.root.name} cannot be read ({error}); {advice}") from None

    def close(self) -> None:
        """Close the archive; files of a folder need none."""
        if self._archive is not None:
            self._archive.close()
        if self._stream is not None:
            self._stream.close()


def open_plain(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked while they are read where it is packed by gzip, bzip2 or xz."""
    with open(path, "rb") as file:
        first = file.read(6)
    unpack: Any = next((opener for start, opener in _PACKED.items() if first.startswith(start)), open)
    stream: IO[bytes] = unpack(path, "rb")
    return stream


def open_tar(stream: IO[bytes], limit: int) -> tarfile.TarFile:
    """The tar archive in `stream`, of which one call reads `limit` bytes at most: a header can announce a name of more.

    Raises:
        tarfile.TarError, ValueError: it is none.
    """
    bounded: Any = BoundedFile(stream, limit)
    return tarfile.open(fileobj=bounded, mode="r:")


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytearray:
    """The member's bytes, read block by block, so that they are in memory once."""
    contents = bytearray(member.size)
    filled = 0
    opened = archive.extractfile(member)
    while opened is not None and (block := opened.read(_BLOCK)):
        contents[filled : filled + len(block)] = block
        filled += len(block)
    del contents[filled:]
    return contents


@contextmanager
def open_files(root: Path) -> Iterator[Files]:
    """The files below a folder or in a tar archive.

    Raises:
        ValueError: `root` is neither.
        UnreadableFile: the disk does not give it.
    """
    if not root.exists():
        raise ValueError(f"{root.name} is missing; expected a folder or an archive; check the path")
    files = Files(root)
    try:
        yield files
    finally:
        files.close()
