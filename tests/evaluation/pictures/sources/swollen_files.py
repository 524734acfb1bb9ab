"""Files of some 3 MB that unpack to 3 GB, or that say they do: for a test that none of them is read whole.

Zeros are deflated once, 16 MB of them, and repeated: a full flush forgets what came before.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

UNPACKED = 3 << 30
_PART = 16 << 20
_PARTS = UNPACKED // _PART
_FLUSHED = zlib.compressobj(9, zlib.DEFLATED, -15)
_ZEROS = _FLUSHED.compress(bytes(_PART)) + _FLUSHED.flush(zlib.Z_FULL_FLUSH)
_LAST = _FLUSHED.flush()


def png() -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (6, 6), "red").save(packed, "PNG")
    return packed.getvalue()


def add_swollen(archive: zipfile.ZipFile, name: str, start: bytes = b"") -> None:
    """A member that begins with `start` and has 3 GB, zeros mostly: stored deflated, and said to be so."""
    first = zlib.compressobj(9, zlib.DEFLATED, -15)
    archive.writestr(name, first.compress(start) + first.flush(zlib.Z_FULL_FLUSH) + _ZEROS * _PARTS + _LAST)
    member = archive.getinfo(name)
    member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, len(start) + UNPACKED
    member.CRC = zlib.crc32(start)  # of what is read, if anything is


def zip_with(path: Path, name: str, start: bytes = b"") -> Path:
    """A zip of a whole picture, cat/0.png, and of 3 GB called `name`."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/0.png", png())
        add_swollen(archive, name, start)
    return path


def npz_with(path: Path, swollen: str, header: bytes) -> Path:
    """An .npz of whole statistics but for the array `swollen`, which has this header and 3 GB."""
    whole = {"mu": np.zeros(2048), "sigma": np.eye(2048), "hyponet": np.array("{}")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in whole.items():
            if name == swollen:
                add_swollen(archive, f"{name}.npy", header)
            else:
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array)
    return path


def npy_header(kind: str, shape: str, version: int = 1) -> bytes:
    """As NumPy's format says it: magic, version, length of the header, header."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text


def packed_zeros(header: bytes) -> bytes:
    """gzip of `header` and 3 GB of zeros; gzip's members stand one after another."""
    return gzip.compress(header) + gzip.compress(bytes(_PART)) * _PARTS


def tar_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def sparse(path: Path, *parts: bytes | int) -> Path:
    """A file of these bytes and, for numbers, so many zeros that take no room on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        for part in parts:
            if isinstance(part, int):
                file.seek(part, 1)
            else:
                file.write(part)
        file.truncate(file.tell())
    return path
