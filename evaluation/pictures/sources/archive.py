"""The files of a published data set by their names, whether they lie in a folder or in a tar archive."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_UNREADABLE = (tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)  # what damage raises


class Files:
    """Files by their last name, at any depth. Nothing of an archive is unpacked to the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._archive: tarfile.TarFile | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        self._paths: dict[str, Path] = {}
        if root.is_dir():
            self._paths = {path.name: path for path in sorted(root.rglob("*"), reverse=True) if path.is_file()}
            return
        try:
            self._archive = tarfile.open(root)  # noqa: SIM115
            self._members = {PurePosixPath(member.name).name: member for member in self._archive if member.isfile()}
        except _UNREADABLE as error:
            self.close()
            raise ValueError(
                f"{root.name} is no whole tar archive ({error}); expected the archive as it is published, or a folder "
                "with its files; get it again"
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._paths or name in self._members

    def path(self, name: str) -> Path | None:
        """Where the file lies, or None inside an archive."""
        return self._paths.get(name)

    def read(self, name: str, advice: str, max_bytes: int) -> bytes:
        """The bytes of the file called `name`.

        Args:
            max_bytes: a larger file is not read: it is not the one that is meant.

        Raises:
            ValueError: it is missing or too large, or the archive is damaged; the message ends in `advice`.
        """
        if name not in self:
            raise ValueError(f"{name} is missing in {self.root.name}; expected it there at any depth; {advice}")
        size = self._paths[name].stat().st_size if self._archive is None else self._members[name].size
        if size > max_bytes:
            raise ValueError(f"{name} in {self.root.name} has {size:,} bytes; expected {max_bytes:,} at most; {advice}")
        try:
            if self._archive is None:
                return self._paths[name].read_bytes()
            member = self._archive.extractfile(self._members[name])
            return member.read() if member is not None else b""
        except _UNREADABLE as error:
            raise ValueError(f"{name} in {self.root.name} cannot be read ({error}); {advice}") from None

    def close(self) -> None:
        """Close the archive; files of a folder need none."""
        if self._archive is not None:
            self._archive.close()


@contextmanager
def open_files(root: Path) -> Iterator[Files]:
    """The files below a folder or in a tar archive.

    Raises:
        ValueError: `root` is neither.
    """
    if not root.exists():
        raise ValueError(f"{root.name} is missing; expected a folder or an archive; check the path")
    files = Files(root)
    try:
        yield files
    finally:
        files.close()
