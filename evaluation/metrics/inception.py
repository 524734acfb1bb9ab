"""Inception v3 for metrics: the FID network of 2015-12-05 and torchvision's, 299x299 pictures -> features and logits.

Reads: the published weight files. Batch-norm is folded into the convolutions when they are loaded and tensors are laid
out channels-last, which together more than doubles the speed on a CPU; features agree to about 1e-6 of the largest.
Source: Szegedy et al., Rethinking the Inception Architecture (arXiv 1512.00567); the FID variant's pooling follows
TensorFlow's graph as pytorch-fid 0.3.0 documents it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

log = logging.getLogger("hyponet")

FID_NETWORK = "FID Inception v3 (2015-12-05)"
TORCHVISION_NETWORK = "torchvision Inception v3 (ImageNet-1k)"
FEATURES = 2048
SIDE = 299
BATCH_NORM_EPS = 1e-3


@dataclass(frozen=True)
class Network:
    """One published set of weights.

    Attributes:
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

# A branch is a chain of convolutions; "max" is 3x3 with stride 2, "branch_pool" pools first; a tuple at the end of a
# chain runs side by side. Names are those of the weight files.
_Chain = Sequence[str | tuple[str, ...]]
_A: tuple[_Chain, ...] = (
    ["branch1x1"],
    ["branch5x5_1", "branch5x5_2"],
    ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"],
)
_C: tuple[_Chain, ...] = (
    ["branch1x1"],
    ["branch7x7_1", "branch7x7_2", "branch7x7_3"],
    ["branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4", "branch7x7dbl_5"],
)
_E: tuple[_Chain, ...] = (
    ["branch1x1"],
    ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")],
    ["branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")],
)
_POOLED: tuple[_Chain, ...] = (["branch_pool"],)
_BLOCKS: dict[str, tuple[_Chain, ...]] = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), _A + _POOLED),
    "Mixed_6a": (["branch3x3"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"], ["max"]),
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), _C + _POOLED),
    "Mixed_7a": (
        ["branch3x3_1", "branch3x3_2"],
        ["branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"],
        ["max"],
    ),
    **dict.fromkeys(("Mixed_7b", "Mixed_7c"), _E + _POOLED),
}
_STEM = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "max", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "max"]
_STRIDE_2 = {
    "Conv2d_1a_3x3",
    "Mixed_6a.branch3x3",
    "Mixed_6a.branch3x3dbl_3",
    "Mixed_7a.branch3x3_2",
    "Mixed_7a.branch7x7x3_4",
}
_NO_PADDING = _STRIDE_2 | {"Conv2d_2a_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"}


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
        self.convolutions = nn.ModuleDict(
            {name.replace(".", "/"): convolution for name, convolution in _convolutions(state).items()}
        )
        self.last = nn.Linear(FEATURES, self.network.classes)
        self.last.weight.data = _tensor(state, "fc.weight", (self.network.classes, FEATURES)).float()
        self.last.bias.data = _tensor(state, "fc.bias", (self.network.classes,)).float()
        self.to(memory_format=torch.channels_last).requires_grad_(False).train(False)
        self._packed: dict[str, Tensor] = {}  # weights in the processor's own layout, filled by the first CPU batch

    @property
    def is_fid(self) -> bool:
        return self.network.key == NETWORKS[FID_NETWORK].key

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits.

        Args:
            pictures: float [B,3,299,299], about -1..1.

        Returns:
            float32 [B,2048] after the last average pooling, and [B,classes]: for the FID network without the last
            layer's bias, as its Inception Score wants them.
        """
        x = pictures.contiguous(memory_format=torch.channels_last)
        for name in _STEM:
            x = self._step(name, name, x)
        for block, chains in _BLOCKS.items():
            x = torch.cat([piece for chain in chains for piece in self._chain(block, chain, x)], dim=1)
        features = x.mean(dim=(2, 3))
        return features, F.linear(features, self.last.weight, None if self.is_fid else self.last.bias)

    def _chain(self, block: str, chain: _Chain, x: Tensor) -> list[Tensor]:
        for step in chain:
            if not isinstance(step, str):
                return [self._step(f"{block}.{name}", name, x) for name in step]
            x = self._step(f"{block}.{step}", step, x)
        return [x]

    def _step(self, path: str, name: str, x: Tensor) -> Tensor:
        if name == "max":
            return F.max_pool2d(x, 3, stride=2)
        if name != "branch_pool":
            return self._convolve(path, x)
        if self.is_fid and path == "Mixed_7c.branch_pool":  # the FID graph takes the maximum in its last block
            return self._convolve(path, F.max_pool2d(x, 3, stride=1, padding=1))
        # an average and a 1x1 convolution may change places, and after it there is less to average;
        # the FID graph leaves padding out
        x = self._convolve(path, x, only_weights=True)
        x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=not self.is_fid)
        return x.add_(cast(Tensor, self._convolution(path).bias)[:, None, None]).relu_()

    def _convolve(self, path: str, x: Tensor, *, only_weights: bool = False) -> Tensor:
        """With bias and ReLU, or without both."""
        convolution = self._convolution(path)
        if x.device.type == "cpu" and _fuses():
            if path not in self._packed:
                self._packed[path] = _pack(convolution, x)
            return _convolve_packed(convolution, self._packed[path], x, only_weights)
        if only_weights:
            return F.conv2d(x, convolution.weight, None, convolution.stride, convolution.padding)
        return F.relu_(convolution(x))

    def _convolution(self, path: str) -> nn.Conv2d:
        return cast(nn.Conv2d, self.convolutions[path.replace(".", "/")])


def find_weights(network: str, folders: Sequence[Path], *, download: bool = False) -> Path:
    """The network's weight file in the first of `folders` that has it.

    Args:
        network: one of NETWORKS.
        folders: where to look; a download goes into the last.
        download: fetch the file if it is in none of them.

    Raises:
        FileNotFoundError: it is in none, and `download` is off.
    """
    wanted = NETWORKS[network]
    for folder in folders:
        if (folder / wanted.file).is_file():
            return folder / wanted.file
    if not download or not folders:
        raise FileNotFoundError(
            f"the weights of {network} are missing; expected {wanted.file} in one of: "
            f"{', '.join(str(folder) for folder in folders) or 'no folder'}; get it from {wanted.url} or choose "
            "to download it"
        )
    target = folders[-1] / wanted.file
    target.parent.mkdir(parents=True, exist_ok=True)
    log.info("downloading %s to %s", wanted.url, target)
    # the file's name carries the first eight digits of its SHA-256, which torch.hub checks
    try:
        torch.hub.download_url_to_file(wanted.url, str(target), hash_prefix=target.stem.split("-")[-1], progress=False)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"{wanted.url} could not be downloaded ({error}); expected the weights of {network}; put {wanted.file} "
            f"into {target.parent} yourself"
        ) from error
    return target


def load_inception(path: Path, network: str) -> Inception:
    """The network with the weights in `path`.

    Raises:
        ValueError: the file is truncated or holds something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
        raise ValueError(
            f"{path} cannot be read as weights ({type(error).__name__}); expected those of {network}; get the file "
            f"again from {NETWORKS[network].url}"
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} holds {type(state).__name__}; expected the state dict of {network}; get it again")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return Inception(network, state, digest)


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


@lru_cache(maxsize=1)
def _fuses() -> bool:
    """Whether this torch has oneDNN's convolution with weights laid out once, and with ReLU in the same step.

    Together about 1.25 times as fast; not in torch's public API, so it is tried before it is relied on.
    """
    probe = nn.Conv2d(3, 4, 3)
    x = torch.linspace(-1, 1, 3 * 5 * 5).reshape(1, 3, 5, 5)
    with torch.inference_mode():
        try:
            packed = _pack(probe, x)
            expected = {False: F.relu(probe(x)), True: F.conv2d(x, probe.weight)}  # by only_weights
            return all(
                torch.allclose(_convolve_packed(probe, packed, x, only_weights), answer, atol=1e-5)
                for only_weights, answer in expected.items()
            )
        except (AttributeError, NotImplementedError, RuntimeError, TypeError):
            return False


def _pack(c: nn.Conv2d, x: Tensor) -> Tensor:
    """The weights as oneDNN wants them for inputs like `x`, which it would otherwise arrange anew for every batch."""
    weights: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
        c.weight, c.padding, c.stride, c.dilation, c.groups, list(x.shape)
    )
    return weights


def _convolve_packed(c: nn.Conv2d, weights: Tensor, x: Tensor, only_weights: bool) -> Tensor:
    bias, after = (None, "none") if only_weights else (c.bias, "relu")
    convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weights, bias, c.padding, c.stride, c.dilation, c.groups, after, [], ""
    )
    return convolved


def _convolutions(state: Mapping[str, Tensor]) -> dict[str, nn.Conv2d]:
    """Every convolution of the graph by name, with the widths of `state`, which have to fit together."""
    made: dict[str, nn.Conv2d] = {}

    def add(name: str, into: int) -> int:
        made[name] = _folded(name, into, state)
        return made[name].out_channels

    width = 3
    for name in _STEM:
        width = width if name == "max" else add(name, width)
    for block, chains in _BLOCKS.items():
        ends = 0
        for chain in chains:
            inner = width
            for step in chain:
                if not isinstance(step, str):
                    inner = sum(add(f"{block}.{name}", inner) for name in step)
                elif step != "max":
                    inner = add(f"{block}.{step}", inner)
            ends += inner
        width = ends
    return made


def _folded(name: str, into: int, state: Mapping[str, Tensor]) -> nn.Conv2d:
    weight = _tensor(state, f"{name}.conv.weight", (None, into, None, None)).double()
    out, _, height, width = weight.shape
    mean, variance, scale, shift = (
        _tensor(state, f"{name}.bn.{part}", (out,)).double()
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    factor = scale / (variance + BATCH_NORM_EPS).sqrt()
    padding = (0, 0) if name in _NO_PADDING else (height // 2, width // 2)
    convolution = nn.Conv2d(into, out, (height, width), stride=2 if name in _STRIDE_2 else 1, padding=padding)
    assert convolution.bias is not None
    convolution.weight.data = (weight * factor[:, None, None, None]).float()
    convolution.bias.data = (shift - mean * factor).float()
    return convolution


def _tensor(state: Mapping[str, Tensor], name: str, shape: tuple[int | None, ...]) -> Tensor:
    tensor = state.get(name)
    got = tuple(tensor.shape) if isinstance(tensor, Tensor) else ()
    if tensor is None or len(got) != len(shape) or any(w not in (None, g) for g, w in zip(got, shape, strict=True)):
        wanted = " x ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(
            f"weight {name} is {' x '.join(map(str, got)) or 'missing'}; expected {wanted}; the file is not of this "
            "network, get it again"
        )
    return tensor
