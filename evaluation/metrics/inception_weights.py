"""The published weights of both Inception networks: what the files are called, where they are found and fetched.

Reads: the folders where weight files lie. Writes: a file that was asked to be downloaded.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

logger = logging.getLogger("hyponet")

FID_NETWORK = "FID Inception v3 (2015-12-05)"
TORCHVISION_NETWORK = "torchvision Inception v3 (ImageNet-1k)"


@dataclass(frozen=True)
class Network:
    """One published set of weights.

    Args:
        key: short name that goes into results and cache keys.
        file: its file name; the last part before the suffix begins its SHA-256.
        url: where it is published.
        classes: width of the last layer.
    """

    key: str
    file: str
    url: str
    classes: int

    def is_published(self, digest: str) -> bool:
        """Whether a weight file's SHA-256 is that of the published file."""
        return digest.startswith(self.file.rpartition("-")[2].removesuffix(".pth"))


NETWORKS: dict[str, Network] = {
    FID_NETWORK: Network(
        key="fid-inception-v3-2015-12-05",
        file="pt_inception-2015-12-05-6726825d.pth",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        classes=1008,
    ),
    TORCHVISION_NETWORK: Network(
        key="torchvision-inception-v3-imagenet1k-v1",
        file="inception_v3_google-0cc3c7bd.pth",
        url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        classes=1000,
    ),
}


def find_weights(network: str, folders: Sequence[Path], *, download: bool = False) -> Path:
    """The network's weight file in the first of `folders` that has it.

    Args:
        network: one of NETWORKS.
        folders: where to look; a download goes into the last.
        download: fetch the file if it is in none of them.

    Raises:
        FileNotFoundError: it is in none, and `download` is off.
    """
    published = NETWORKS[network]
    for folder in folders:
        if (folder / published.file).is_file():
            return folder / published.file
    if not download or not folders:
        raise FileNotFoundError(
            f"the weights of {network} are missing; expected {published.file} in one of: "
            f"{', '.join(str(folder) for folder in folders) or 'no folder'}; get it from {published.url} or choose "
            "to download it"
        )
    target = folders[-1] / published.file
    target.parent.mkdir(parents=True, exist_ok=True)
    logger.info("downloading %s to %s", published.url, target)
    # the file's name carries the first eight digits of its SHA-256, which torch.hub checks
    try:
        torch.hub.download_url_to_file(
            published.url, str(target), hash_prefix=target.stem.split("-")[-1], progress=False
        )
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"{published.url} could not be downloaded ({error}); expected the weights of {network}; put "
            f"{published.file} into {target.parent} yourself"
        ) from error
    return target
