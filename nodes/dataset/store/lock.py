"""One writer a data set: the lock in the set's work folder, with a message that says who holds it."""

from __future__ import annotations

from pathlib import Path

from ....evaluation.disk_errors import unwritable
from ....evaluation.lock import FileLock, LockIsHeld


class SetIsHeld(RuntimeError):
    """Another writer has the set open."""


class SetLock(FileLock):
    """Exclusive right to write the set whose work folder is `folder`; `release` or the process's end gives it back.

    Args:
        folder: the work folder.
        what: how the message names the set.

    Raises:
        SetIsHeld: another writer holds it; the message says which process on which machine, and since when.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, what: str) -> None:
        try:
            super().__init__(folder / "lock")
        except LockIsHeld as held:
            raise SetIsHeld(
                f"{what} is being written by {held.holder}; expected one writer at a time; wait for it, stop it, "
                "or write a shard to a set of its own and merge the two"
            ) from None
        except OSError as error:
            raise unwritable(folder, error) from error
