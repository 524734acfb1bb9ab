"""CIFAR-10 and STL-10 through torchvision's downloader, when a user asks for it."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger("hyponet")

DOWNLOADABLE = ("CIFAR-10", "STL-10")


def download(source: str, folder: Path) -> Path:
    """The archive of `source` in `folder`, fetched if it is not there whole.

    Raises:
        ValueError: this source cannot be fetched, or the download failed.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity, download_url

    if source not in DOWNLOADABLE:
        raise ValueError(f"{source} cannot be downloaded; only {' and '.join(DOWNLOADABLE)} can; switch download off")
    kind = datasets.CIFAR10 if source == "CIFAR-10" else datasets.STL10
    archive: Path = folder / kind.filename
    if not check_integrity(str(archive), kind.tgz_md5):
        log.info("downloading %s into %s", source, folder)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            download_url(kind.url, str(folder), kind.filename, kind.tgz_md5)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{source} could not be downloaded ({error}); get {kind.url} and put it there") from None
    return archive
