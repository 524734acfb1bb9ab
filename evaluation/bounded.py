"""Reading with a limit: headers can state any size, and a packed file can swell a thousandfold."""

from __future__ import annotations

from typing import IO

MAX_HEADER = 10_000  # bytes before the numbers of an array or of features, as numpy has it; ours take some hundred


class BoundedFile:
    """A binary file of which one call reads at most `limit` bytes, for parsers that trust what a header says.

    Raises:
        ValueError: by `read`, where more is asked for.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; a negative size, for all that is left, is refused too."""
        if not 0 <= size <= self._limit:
            stated = "all" if size < 0 else f"{size:,} bytes"
            raise ValueError(f"its header asks for {stated} at once; expected {self._limit:,} bytes at most")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def close(self) -> None:
        """As of any file."""
        self._file.close()
