"""Pictures in a zip file, whatever program wrote it: their names, and their bytes as long as they are a picture's.

Nothing is unpacked to the disk. Reads one .zip file.
"""

from __future__ import annotations

import lzma
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ...disk_errors import disk_error_of, unreadable
from ..decode import CorruptPicture, is_of_other_programs
from .encoded import MAX_STORED, EncodedPictures

T = TypeVar("T")

# a member's size unpacked, against its size packed: deflate packs zeros 1,000 to one, text 30 to one, pictures hardly
# at all; what is small may be as flat as it likes
MAX_RATIO, ALWAYS_UNPACKED = 50, 16 << 20
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 1  # of a zip's member: its name is UTF-8; it needs a password
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
# what zipfile raises for damage, for encryption (RuntimeError) and for methods it lacks (NotImplementedError, one too)
ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)


class ZipPictures(EncodedPictures):
    """Pictures as members of one zip file; closed with the last reference to it."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self._entries = _entries(self._zip)
        self._lock = threading.Lock()

    def stored(self, index: int) -> bytes:
        """The member's bytes."""
        name = self._names[index]
        try:
            with self._lock:
                return _read(self._zip, self._entries[name])
        except ZIP_DAMAGE as error:
            if (of_disk := disk_error_of(error)) is not None:
                raise unreadable(self._path, of_disk) from error
            raise CorruptPicture(
                f"picture {name} in {self._path.name} cannot be unpacked ({error}); pack it again"
            ) from None


def zip_members(path: Path, is_listed: Callable[[str], bool]) -> list[str]:
    """The paths in the zip of those files that `is_listed` takes by their names, in order, without hidden ones.

    Raises:
        ValueError: it is no whole zip, or one of them is encrypted or packed by a method that Python cannot read.
        UnreadableFile: the disk does not give it.
    """
    entries = {name: entry for name, entry in _open(path, _entries).items() if is_listed(name)}
    members = sorted(name for name in entries if not any(map(is_of_other_programs, PurePosixPath(name).parts)))
    for name in members:
        if entries[name].flag_bits & _ENCRYPTED_FLAG:
            raise ValueError(f"{path.name}: {name} is encrypted; expected a zip without a password; unpack it first")
        method = entries[name].compress_type
        if method not in _METHODS:
            raise ValueError(
                f"{path.name}: {name} is packed by method {method} (9 is Deflate64), which Python cannot read; "
                "expected stored or deflated pictures; unpack the zip, or pack it again"
            )
    return members


def read_zip_member(path: Path, name: str) -> bytes:
    """The bytes of one file in the zip.

    Raises:
        FileNotFoundError: there is none of that name.
        ValueError: it is damaged, or states a size out of proportion.
        UnreadableFile: the disk does not give it.
    """

    def read(archive: zipfile.ZipFile) -> bytes | None:
        entry = _entries(archive).get(name)
        return None if entry is None else _read(archive, entry)

    content = _open(path, read)
    if content is None:
        raise FileNotFoundError(f"{name} is missing in {path.name}")
    return content


def _open(path: Path, use: Callable[[zipfile.ZipFile], T]) -> T:
    """What `use` makes of the open zip; whatever it raises for damage is a ValueError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return use(archive)
    except ZIP_DAMAGE as error:
        if (of_disk := disk_error_of(error)) is not None:
            raise unreadable(path, of_disk) from error
        raise ValueError(f"{path.name} is no whole zip file ({error}); expected a zip of class folders") from None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A member's bytes; a ValueError where it states a size out of proportion."""
    if entry.file_size > max(ALWAYS_UNPACKED, min(MAX_STORED, MAX_RATIO * entry.compress_size)):
        raise ValueError(f"{entry.compress_size:,} bytes that unpack to {entry.file_size:,} are no picture")
    return archive.read(entry)  # zipfile reads no more than the size that the entry states


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by their names with / between the parts, as old .NET does not write them, and in their own letters.

    A name without the flag for UTF-8 is IBM's code page 437 by the standard, which is what zipfile takes it for. macOS
    leaves the flag out of UTF-8, and Korean Windows writes its own code page, 949.
    """
    unflagged = {entry.filename for entry in archive.infolist() if not entry.flag_bits & _UTF8_FLAG}
    codec = _codec([name.encode("cp437") for name in unflagged])
    names = {
        (entry.filename.encode("cp437").decode(codec) if entry.filename in unflagged else entry.filename): entry
        for entry in archive.infolist()
    }
    return {name.replace("\\", "/").lstrip("/"): entry for name, entry in names.items()}


def _codec(names: Sequence[bytes]) -> str:
    """The encoding of all names: UTF-8, code page 949 or 437.

    Many western names can be read as the rarer letters of page 949, hardly one as its common letters, EUC-KR.
    """
    if _decoded(names, "utf-8") is not None:
        return "utf-8"
    korean = _decoded(names, "cp949")
    if korean is None:
        return "cp437"
    letters = [letter for letter in korean if not letter.isascii()]
    common = sum(len(letter.encode("euc_kr", "ignore")) == 2 for letter in letters)  # the rare ones are spelled out
    return "cp949" if 2 * common > len(letters) else "cp437"


def _decoded(names: Sequence[bytes], codec: str) -> str | None:
    try:
        return "".join(name.decode(codec) for name in names)
    except UnicodeError:
        return None
