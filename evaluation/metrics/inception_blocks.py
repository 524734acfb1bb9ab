"""The blocks of Inception v3, named as in torchvision/models/inception.py, with the pooling of each network."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .convolution import Convolution


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
