"""CIFAR-10 and STL-10 through torchvision's downloader, when a user asks for it."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger("hyponet")

_LAST = {"CIFAR-10": "test_batch", "STL-10": "test_X.bin"}  # a file of the set that is there once it is unpacked
DOWNLOADABLE = tuple(_LAST)


def download(source: str, folder: Path) -> Path:
    """The folder with the unpacked files of `source` below `folder`, fetched if they are not there.

    Raises:
        ValueError: this source cannot be fetched, or the download failed.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import download_and_extract_archive

    if source not in DOWNLOADABLE:
        raise ValueError(f"{source} cannot be downloaded; only {' and '.join(DOWNLOADABLE)} can; switch download off")
    kind = datasets.CIFAR10 if source == "CIFAR-10" else datasets.STL10
    unpacked: Path = folder / kind.base_folder
    whole = unpacked / _LAST[source]
    if not whole.is_file():
        log.info("downloading %s into %s", source, folder)
        folder.mkdir(parents=True, exist_ok=True)
        try:  # checks the archive's MD5 before it unpacks
            download_and_extract_archive(kind.url, str(folder), filename=kind.filename, md5=kind.tgz_md5)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{source} could not be downloaded ({error}); get {kind.url} and put it there") from None
    return unpacked
