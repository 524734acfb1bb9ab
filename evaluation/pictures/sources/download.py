"""CIFAR-10 and STL-10 through torchvision's downloader, when a user asks for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...lock import only_writer

logger = logging.getLogger("hyponet")

DOWNLOADABLE = ("CIFAR-10", "STL-10")


def download(source: str, folder: Path) -> Path:
    """The folder with the unpacked files of `source` below `folder`, fetched if they are not there, whole.

    Raises:
        ValueError: this source cannot be fetched, or the download failed.
        AnotherWriter: another process is fetching it.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import download_and_extract_archive

    if source not in DOWNLOADABLE:
        raise ValueError(f"{source} cannot be downloaded; only {' and '.join(DOWNLOADABLE)} can; switch download off")
    kind = datasets.CIFAR10 if source == "CIFAR-10" else datasets.STL10
    unpacked: Path = folder / kind.base_folder
    expected = [*kind.train_list, *kind.test_list]
    if not damaged(unpacked, expected):
        return unpacked
    with only_writer(folder, f"the folder of {source}, {folder.name!r},"):
        if missing := damaged(unpacked, expected):  # another process may have fetched it meanwhile
            logger.info("downloading %s into %s: %s missing or damaged", source, folder, ", ".join(missing))
            folder.mkdir(parents=True, exist_ok=True)
            try:  # checks the archive's MD5 before it unpacks; a whole archive that is there is not fetched again
                download_and_extract_archive(kind.url, str(folder), filename=kind.filename, md5=kind.tgz_md5)
            except (OSError, RuntimeError) as error:
                raise ValueError(
                    f"{source} could not be downloaded ({error}); get {kind.url} and put it there"
                ) from None
    return unpacked


def damaged(folder: Path, expected: Iterable[Sequence[str]]) -> list[str]:
    """The names of the files (name, MD5) that are not in `folder` as they were published.

    STL-10's 2.6 GB of pictures without labels are never read, and so never checked.
    """
    from torchvision.datasets.utils import check_integrity

    labelled = [(name, md5) for name, md5 in expected if not name.startswith("unlabeled")]
    return [name for name, md5 in labelled if not check_integrity(str(folder / name), md5)]
