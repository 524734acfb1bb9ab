"""Files of torch.save, of which nothing but plain tensors is read, and no more than the file has."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from .disk_errors import is_of_disk, unreadable

_MAX_RATIO = 2  # of the records' sizes to the file's: torch stores them as they are, and what it reads may be packed


def load_torch(path: Path, device: torch.device | str = "cpu", *, mmap: bool = False) -> Any:
    """What a file of torch.save holds; one that holds anything but plain tensors is refused, and no code of it runs.

    Args:
        mmap: leave the tensors on the disk until they are used.

    Raises:
        UnreadableFile: the disk does not give it.
        Exception: it is damaged or foreign; torch raises half a dozen unrelated classes.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(record.file_size for record in archive.infolist())
            if unpacked > _MAX_RATIO * path.stat().st_size:
                raise ValueError(f"it unpacks to {unpacked:,} bytes, which torch.save never writes")
        return torch.load(path, map_location=device, weights_only=True, mmap=mmap)
    except FileNotFoundError:
        raise
    except OSError as error:
        if is_of_disk(error):
            raise unreadable(path, error) from error
        raise
