"""Inception v3 for metrics: the FID network of 2015-12-05 and torchvision's, 299x299 pictures -> features and logits.

Reads: the published weight files. Modules and their names are torchvision's (torchvision/models/inception.py), less
what only training needs; batch-norm is folded into the convolutions when weights are loaded and tensors are laid out
channels-last, so features agree with the original's to about 1e-6 of the largest.
Source: Szegedy et al., Rethinking the Inception Architecture (arXiv 1512.00567); the FID variant's pooling follows
TensorFlow's graph as pytorch-fid 0.3.0 documents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..disk_errors import UnreadableFile
from ..files import file_sha256
from ..torch_files import load_torch
from .conventions import INCEPTION_CONVENTIONS, check_convention, network_input
from .convolution import Convolution
from .inception_blocks import InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, Pool
from .inception_weights import FID_NETWORK, NETWORKS

FEATURES = 2048  # channels behind the last pooling
BATCH_NORM_EPS = 1e-3  # of both published networks; torch's own default is 1e-5


class Inception(nn.Module):
    """The network with batch-norm folded into its convolutions.

    Args:
        network: one of NETWORKS.
        state: the published state dict.
        digest: SHA-256 of the file, for cache keys.

    Raises:
        ValueError: a weight is missing or has another shape.
    """

    def __init__(self, network: str, state: Mapping[str, Tensor], digest: str = "") -> None:
        super().__init__()
        self.network = NETWORKS[network]
        self.digest = digest
        self.sides = None
        average = Pool.AVERAGE_INSIDE if self.is_fid else Pool.AVERAGE
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.Mixed_5b = InceptionA(192, 32, average)
        self.Mixed_5c = InceptionA(256, 64, average)
        self.Mixed_5d = InceptionA(288, 64, average)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = InceptionC(768, 128, average)
        self.Mixed_6c = InceptionC(768, 160, average)
        self.Mixed_6d = InceptionC(768, 160, average)
        self.Mixed_6e = InceptionC(768, 192, average)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = InceptionE(1280, average)
        self.Mixed_7c = InceptionE(2048, Pool.MAXIMUM if self.is_fid else average)
        self.fc = nn.Linear(FEATURES, self.network.classes)
        self._load(state)
        self.to(memory_format=torch.channels_last).requires_grad_(False).train(False)

    @property
    def key(self) -> str:
        """The network's short name."""
        return self.network.key

    @property
    def url(self) -> str:
        """Where its weights are published."""
        return self.network.url

    @property
    def width(self) -> int:
        """Features of a picture."""
        return FEATURES

    @property
    def classes(self) -> int:
        """Logits of a picture."""
        return self.network.classes

    @property
    def is_fid(self) -> bool:
        """Whether it is the network of FID, and not torchvision's."""
        return self.network.key == NETWORKS[FID_NETWORK].key

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.fc.weight.device

    def prepare(self, pictures: Tensor, convention: str) -> Tensor:
        """The input [B,3,299,299] of pictures uint8 [B,H,W,3].

        Raises:
            ValueError: the convention is none of an Inception network's.
        """
        check_convention(convention, INCEPTION_CONVENTIONS, "Inception's")
        return network_input(pictures, convention, is_fid=self.is_fid)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits.

        Args:
            pictures: float [B,3,299,299], about -1..1.

        Returns:
            float32 [B,2048] after the last average pooling, and [B,classes]: for the FID network without the last
            layer's bias, as its Inception Score wants them.
        """
        x = pictures.contiguous(memory_format=torch.channels_last)  # [B,3,299,299]
        x = self.Conv2d_1a_3x3(x)  # [B,32,149,149]
        x = self.Conv2d_2a_3x3(x)  # [B,32,147,147]
        x = self.Conv2d_2b_3x3(x)  # [B,64,147,147]
        x = F.max_pool2d(x, 3, stride=2)  # [B,64,73,73]
        x = self.Conv2d_3b_1x1(x)  # [B,80,73,73]
        x = self.Conv2d_4a_3x3(x)  # [B,192,71,71]
        x = F.max_pool2d(x, 3, stride=2)  # [B,192,35,35]
        x = self.Mixed_5b(x)  # [B,256,35,35]
        x = self.Mixed_5c(x)  # [B,288,35,35]
        x = self.Mixed_5d(x)  # [B,288,35,35]
        x = self.Mixed_6a(x)  # [B,768,17,17]
        x = self.Mixed_6b(x)  # [B,768,17,17]
        x = self.Mixed_6c(x)  # [B,768,17,17]
        x = self.Mixed_6d(x)  # [B,768,17,17]
        x = self.Mixed_6e(x)  # [B,768,17,17]
        x = self.Mixed_7a(x)  # [B,1280,8,8]
        x = self.Mixed_7b(x)  # [B,2048,8,8]
        x = self.Mixed_7c(x)  # [B,2048,8,8]
        features = x.mean(dim=(2, 3))  # [B,2048]
        return features, F.linear(features, self.fc.weight, None if self.is_fid else self.fc.bias)  # [B,classes]

    def _load(self, state: Mapping[str, Tensor]) -> None:
        for name, module in self.named_modules():
            if isinstance(module, Convolution):
                weight, bias = _folded(state, name, module.weight.shape)
                module.weight.data, module.bias.data = weight, bias  # type: ignore[union-attr]
        self.fc.weight.data = _tensor(state, "fc.weight", self.fc.weight.shape).float()
        self.fc.bias.data = _tensor(state, "fc.bias", self.fc.bias.shape).float()


def _folded(state: Mapping[str, Tensor], name: str, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Weight [out,in,h,w] and bias [out] of a convolution with the batch-norm behind it, float32."""
    weight = _tensor(state, f"{name}.conv.weight", shape).float()
    mean, variance, scale, shift = (
        _tensor(state, f"{name}.bn.{part}", shape[:1]).double()
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    factor = scale / (variance + BATCH_NORM_EPS).sqrt()  # [out]
    return weight * factor.float()[:, None, None, None], (shift - mean * factor).float()


def _tensor(state: Mapping[str, Tensor], name: str, shape: torch.Size) -> Tensor:
    tensor = state.get(name)
    if not isinstance(tensor, Tensor) or tensor.shape != shape:
        size = " x ".join(map(str, tensor.shape)) if isinstance(tensor, Tensor) else "missing"
        raise ValueError(
            f"weight {name} is {size}; expected {' x '.join(map(str, shape))}; the file is not of this network, get "
            "it again"
        )
    return tensor


def load_inception(path: Path, network: str) -> Inception:
    """The network with the weights in `path`.

    Raises:
        ValueError: the file is truncated or holds something else.
        UnreadableFile: the disk does not give it.
    """
    try:
        state = load_torch(path)
    except UnreadableFile:
        raise
    except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
        raise ValueError(
            f"{path} cannot be read as weights ({type(error).__name__}); expected those of {network}; get the file "
            f"again from {NETWORKS[network].url}"
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} holds {type(state).__name__}; expected the state dict of {network}; get it again")
    return Inception(network, state, file_sha256(path))
