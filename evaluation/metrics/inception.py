"""Inception v3 for metrics: the FID network of 2015-12-05 and torchvision's, 299x299 pictures -> features and logits.

Reads: the published weight files. Modules and their names are torchvision's (torchvision/models/inception.py), less
what only training needs; batch-norm is folded into the convolutions when weights are loaded and tensors are laid out
channels-last, so features agree with the original's to about 1e-6 of the largest.
Source: Szegedy et al., Rethinking the Inception Architecture (arXiv 1512.00567); the FID variant's pooling follows
TensorFlow's graph as pytorch-fid 0.3.0 documents it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..disk_errors import UnreadableFile
from ..files import file_sha256
from ..torch_files import load_torch
from .convolution import Convolution
from .inception_weights import FID_NETWORK, NETWORKS

FEATURES = 2048  # channels behind the last pooling
SIDE = 299  # pixels of the input
BATCH_NORM_EPS = 1e-3  # of both published networks; torch's own default is 1e-5


class Pool(Enum):
    """How the pooling branch of a block pools, 3x3 with stride 1."""

    AVERAGE = "average"  # torchvision: the padding's zeros count
    AVERAGE_INSIDE = "average inside"  # the FID network: only pixels inside the picture count
    MAXIMUM = "maximum"  # the FID network's last block


def pooled_branch(convolution: Convolution, x: Tensor, pool: Pool) -> Tensor:
    """Pool, then the 1x1 convolution with ReLU; [B,in,H,W] -> [B,out,H,W].

    An average and a 1x1 convolution may change places, and after the convolution there are fewer channels to average.
    """
    if pool is Pool.MAXIMUM:
        pooled: Tensor = convolution(F.max_pool2d(x, 3, stride=1, padding=1))
        return pooled
    x = convolution.without_bias(x)  # [B,out,H,W]
    x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=pool is Pool.AVERAGE)
    assert convolution.bias is not None
    return x.add_(convolution.bias[:, None, None]).relu_()


class InceptionA(nn.Module):
    """[B,in,35,35] -> [B,224+pool_features,35,35]."""

    def __init__(self, in_channels: int, pool_features: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = Convolution(in_channels, 64, 1)
        self.branch5x5_1 = Convolution(in_channels, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(in_channels, pool_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.branch1x1(x),  # [B,64,35,35]
            self.branch5x5_2(self.branch5x5_1(x)),  # [B,64,35,35]
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),  # [B,96,35,35]
            pooled_branch(self.branch_pool, x, self.pool),  # [B,pool_features,35,35]
        ]
        return torch.cat(branches, dim=1)


class InceptionB(nn.Module):
    """[B,in,35,35] -> [B,480+in,17,17]."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3 = Convolution(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.branch3x3(x),  # [B,384,17,17]
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),  # [B,96,17,17]
            F.max_pool2d(x, 3, stride=2),  # [B,in,17,17]
        ]
        return torch.cat(branches, dim=1)


class InceptionC(nn.Module):
    """[B,in,17,17] -> [B,768,17,17]; 7x7 convolutions as 1x7 and 7x1 with `channels_7x7` between them."""

    def __init__(self, in_channels: int, channels_7x7: int, pool: Pool) -> None:
        super().__init__()
        inner = channels_7x7
        self.pool = pool
        self.branch1x1 = Convolution(in_channels, 192, 1)
        self.branch7x7_1 = Convolution(in_channels, inner, 1)
        self.branch7x7_2 = Convolution(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7_3 = Convolution(inner, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = Convolution(in_channels, inner, 1)
        self.branch7x7dbl_2 = Convolution(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = Convolution(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = Convolution(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = Convolution(inner, 192, (1, 7), padding=(0, 3))
        self.branch_pool = Convolution(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))  # [B,inner,17,17]
        branches = [
            self.branch1x1(x),  # [B,192,17,17], as each of the four
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(double)),
            pooled_branch(self.branch_pool, x, self.pool),
        ]
        return torch.cat(branches, dim=1)


class InceptionD(nn.Module):
    """[B,in,17,17] -> [B,512+in,8,8]."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = Convolution(in_channels, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(in_channels, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))  # [B,192,17,17]
        branches = [
            self.branch3x3_2(self.branch3x3_1(x)),  # [B,320,8,8]
            self.branch7x7x3_4(seven),  # [B,192,8,8]
            F.max_pool2d(x, 3, stride=2),  # [B,in,8,8]
        ]
        return torch.cat(branches, dim=1)


class InceptionE(nn.Module):
    """[B,in,8,8] -> [B,2048,8,8]; 3x3 convolutions as 1x3 and 3x1 side by side."""

    def __init__(self, in_channels: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = Convolution(in_channels, 320, 1)
        self.branch3x3_1 = Convolution(in_channels, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Convolution(in_channels, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Convolution(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_1(x)  # [B,384,8,8]
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))  # [B,384,8,8]
        branches = [
            self.branch1x1(x),  # [B,320,8,8]
            self.branch3x3_2a(single),  # [B,384,8,8], as the three below
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            pooled_branch(self.branch_pool, x, self.pool),  # [B,192,8,8]
        ]
        return torch.cat(branches, dim=1)


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
    def is_fid(self) -> bool:
        """Whether it is the network of FID, and not torchvision's."""
        return self.network.key == NETWORKS[FID_NETWORK].key

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.fc.weight.device

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


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 without TF32 on the GPU: shortened mantissas move FID."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
