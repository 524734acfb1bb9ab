"""DINOv2 and CLIP for metrics, through transformers: pictures -> one feature vector each.

Reads: a folder of Hugging Face: config.json, model.safetensors or pytorch_model.bin; clip_score.py reads the tokenizer.
A picture's features are DINOv2's class token behind the last norm, and CLIP's projected picture, neither of unit
length: what torch-fidelity 0.4.0 takes, and dgm_eval of DINOv2 (of CLIP it takes what comes before the projection).

DINOv2 was trained at 518x518 and is asked at 224x224, so its position embeddings are resampled, and tools differ in
how: DINOv2's own code, which torch-fidelity and dgm_eval run, by bicubic of the factor (16 + 0.1) / 37 without
antialias; transformers to the size of 16, without antialias; timm to the size, with it. Here each convention has its
tool's: the first one for all but `transformers`. timm's is none of them.
Sources: Oquab et al. 2023, arXiv 2304.07193; Radford et al. 2021, arXiv 2103.00020; Stein et al. 2023, arXiv
2306.04675.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..disk_errors import UnreadableFile
from ..files import file_sha256, read_file
from ..json_text import parse_json
from ..torch_files import load_torch
from ..transformers_folders import FLOAT32, plain_config
from .conventions import TRANSFORMER_CONVENTIONS, check_convention, resized_to
from .vision_weights import VISION_NETWORKS, WEIGHTS

DINO_SIDE, DINO_SHORTER = 224, 256  # pixels of DINOv2's input, and of the shorter side before its processor crops
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of red, green and blue
CLIP_PICTURES = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


class VisionTransformer(nn.Module):
    """DINOv2 or CLIP as a network of features.

    Args:
        network: one of VISION_NETWORKS.
        model: transformers' Dinov2Model or CLIPModel.
        convention: one of TRANSFORMER_CONVENTIONS; it decides how DINOv2's position embeddings are resampled.
        digest: SHA-256 of the file of weights, for cache keys.
        folder: of the tokenizer.

    Raises:
        ValueError: the convention is none of a vision transformer's.
    """

    def __init__(
        self, network: str, model: nn.Module, convention: str, digest: str = "", folder: Path | None = None
    ) -> None:
        super().__init__()
        check_convention(convention, TRANSFORMER_CONVENTIONS, "DINOv2's and CLIP's")
        self.network = VISION_NETWORKS[network]
        self.digest = digest
        self.folder = folder
        self.convention = convention
        self.model: Any = model
        self.classes = 0  # they name none
        config: Any = self.model.config
        vision: Any = config.vision_config if self.network.is_clip else config
        self.sides = (int(vision.image_size), int(vision.patch_size))
        if self.network.is_clip:
            self.side, self.width = int(config.vision_config.image_size), int(config.projection_dim)
        else:
            self.side, self.width = DINO_SIDE, int(config.hidden_size)
            if convention != "transformers":
                embeddings: Any = self.model.embeddings
                resampled = resampled_positions(embeddings.position_embeddings, self.side // int(config.patch_size))
                embeddings.position_embeddings = nn.Parameter(resampled)
        self.requires_grad_(False).train(False)
        self._processor = self._image_processor() if convention == "transformers" else None

    @property
    def key(self) -> str:
        """The network's short name."""
        return self.network.key

    @property
    def url(self) -> str:
        """Where it is published."""
        return self.network.url

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def prepare(self, pictures: Tensor, convention: str) -> Tensor:
        """The input [B,3,side,side] of pictures uint8 [B,H,W,3].

        Raises:
            ValueError: the network was opened for another convention.
        """
        if convention != self.convention:
            raise ValueError(
                f"the network was opened for {self.convention}; expected that convention, not {convention}"
            )
        if self._processor is not None:
            tensor = self._processor(images=list(pictures.permute(0, 3, 1, 2).cpu()), return_tensors="pt")[
                "pixel_values"
            ]
            return torch.as_tensor(tensor).float().to(pictures.device)
        mean, deviation = (
            255 * torch.tensor(values, device=pictures.device)[:, None, None]
            for values in (CLIP_PICTURES if self.network.is_clip else IMAGENET)
        )
        return resized_to(pictures, convention, self.side).sub_(mean).div_(deviation)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B,width] of inputs [B,3,side,side], and logits [B,0]."""
        if self.network.is_clip:
            pooled = self.model.vision_model(pixel_values=pictures).pooler_output
            features = self.model.visual_projection(pooled)
        else:
            features = self.model(pixel_values=pictures).pooler_output
        return features, features.new_zeros(len(features), 0)

    def _image_processor(self) -> Any:
        """That of the published folder; what its own preprocessor_config.json says is not asked."""
        from transformers import BitImageProcessor, CLIPImageProcessor

        shorter = self.side if self.network.is_clip else DINO_SHORTER
        mean, deviation = CLIP_PICTURES if self.network.is_clip else IMAGENET
        return (CLIPImageProcessor if self.network.is_clip else BitImageProcessor)(
            size={"shortest_edge": shorter},
            crop_size={"height": self.side, "width": self.side},
            image_mean=list(mean),
            image_std=list(deviation),
        )


def resampled_positions(positions: Tensor, grid: int) -> Tensor:
    """Position embeddings [1,1+n*n,d], the class token's first, for grid x grid patches, as DINOv2's code has them."""
    trained = math.isqrt(positions.shape[1] - 1)
    if trained == grid:
        return positions
    patches = positions[:, 1:].reshape(1, trained, trained, -1).permute(0, 3, 1, 2)  # [1,d,n,n]
    factor = (grid + 0.1) / trained
    patches = F.interpolate(patches, scale_factor=(factor, factor), mode="bicubic")  # [1,d,grid,grid]
    return torch.cat([positions[:, :1], patches.flatten(2).transpose(1, 2)], dim=1)


def load_vision_transformer(folder: Path, network: str, convention: str) -> VisionTransformer:
    """The network in a folder of Hugging Face, on the CPU.

    Args:
        network: one of VISION_NETWORKS.
        convention: one of TRANSFORMER_CONVENTIONS.

    Raises:
        ImportError: transformers is missing.
        ValueError: the folder holds something else, or damaged files; the message names it.
        UnreadableFile: the disk does not give a file.
    """
    check_convention(convention, TRANSFORMER_CONVENTIONS, "DINOv2's and CLIP's")
    published = VISION_NETWORKS[network]
    try:
        from transformers import CLIPModel, Dinov2Model
    except ImportError as error:
        raise ImportError(
            f"{network} needs transformers ({error}); install it with: pip install 'transformers>=4.50'"
        ) from error
    kind = "clip" if published.is_clip else "dinov2"
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    again = f"expected {network}, config.json and {WEIGHTS[0]}; get them again from {published.url}"
    try:
        stated = parse_json(read_file(folder / "config.json").decode("utf-8"))
    except UnreadableFile:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / 'config.json'} cannot be read ({error}); {again}") from error
    if not isinstance(stated, dict) or stated.get("model_type") != kind or weights is None:
        what = stated.get("model_type") if isinstance(stated, dict) else None
        lacks = "no weights" if weights is None else f"a model of the type {what!r}"
        raise ValueError(f"{folder} holds {lacks}; {again}")
    model_class: Any = CLIPModel if published.is_clip else Dinov2Model
    try:
        state = safetensors.torch.load_file(weights) if weights.name == WEIGHTS[0] else load_torch(weights)
        model, info = model_class.from_pretrained(
            None, config=plain_config(folder, kind), state_dict=state, torch_dtype=FLOAT32, output_loading_info=True
        )
    except UnreadableFile:
        raise
    except Exception as error:  # torch, safetensors and transformers raise a dozen unrelated classes for damaged files
        raise ValueError(f"{weights} cannot be read as weights ({type(error).__name__}: {error}); {again}") from error
    if info["missing_keys"] or info["mismatched_keys"]:
        lacking = sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))
        raise ValueError(f"{weights} lacks {len(lacking)} weights, the first {lacking[0]}; {again}")
    return VisionTransformer(network, model, convention, file_sha256(weights), folder)
