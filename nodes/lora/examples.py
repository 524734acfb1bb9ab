"""Captioned pictures as the UNet is trained on them: latents and text features, encoded once.

Reads the pictures; the model, CLIP and VAE are ComfyUI's objects, given by the node. What is returned was made outside
inference mode, since autograd refuses other tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...evaluation.pictures.tensors import to_image
from ...evaluation.progress import Progress
from .buckets import Fit
from .captions import CaptionedPicture, load_picture


@dataclass(frozen=True)
class Example:
    """A picture as the UNet is trained on it; tensors on the CPU, made outside inference mode."""

    latent: torch.Tensor  # (C, h, w), scaled as the UNet takes it
    context: torch.Tensor  # (1, tokens, features)
    vector: torch.Tensor | None  # (1, features): SDXL's pooled text, sizes and crop


def encode_examples(
    model: Any, clip: Any, vae: Any, pictures: Sequence[CaptionedPicture], fits: Sequence[Fit], progress: Progress
) -> list[Example]:
    """Latents and text features of all pictures; each caption and picture is encoded once.

    Raises:
        ValueError: CLIP or VAE belong to another kind of model.
    """
    texts: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for picture in pictures:
        if picture.caption not in texts:
            tokens = clip.tokenize(picture.caption)
            texts[picture.caption] = clip.encode_from_tokens(tokens, return_pooled=True)
    expected = model.model.model_config.unet_config["context_dim"]
    features = texts[pictures[0].caption][0].shape[-1]  # of (1, T, D)
    if features != expected:
        raise ValueError(
            f"clip gives {features} features a token; expected {expected}; link the CLIP of the same checkpoint"
        )
    examples = []
    for i, (picture, fit) in enumerate(zip(pictures, fits, strict=True)):
        latent = model.model.process_latent_in(vae.encode(_pixels(picture, fit)))  # (1, C, h, w)
        if latent.shape[1:] != (4, fit.size[1] // 8, fit.size[0] // 8):
            raise ValueError(
                f"vae gives latents of {tuple(latent.shape[1:])} for {fit.size[0]}x{fit.size[1]}; expected 4 channels "
                "at an eighth of the size; link the VAE of the same checkpoint"
            )
        context, pooled = texts[picture.caption]
        vector = _vector(model.model, pooled, picture, fit)
        with torch.inference_mode(False):
            examples.append(
                Example(
                    latent[0].float().cpu().clone(),
                    context.float().cpu().clone(),
                    None if vector is None else vector.float().cpu().clone(),
                )
            )
        progress(i + 1, len(pictures))
    return examples


def _pixels(picture: CaptionedPicture, fit: Fit) -> torch.Tensor:
    """The picture as an IMAGE (1, H, W, 3), resized and cut to its bucket."""
    image = Image.fromarray(load_picture(picture.path)).resize(fit.resized, Image.Resampling.LANCZOS)
    cut = image.crop((fit.left, fit.top, fit.left + fit.size[0], fit.top + fit.size[1]))
    return to_image(np.asarray(cut))


def _vector(model: Any, pooled: torch.Tensor, picture: CaptionedPicture, fit: Fit) -> torch.Tensor | None:
    """SDXL's second conditioning: original size, crop and target size (Podell et al. 2023, section 2.2)."""
    vector: torch.Tensor | None = model.encode_adm(
        pooled_output=pooled,
        width=picture.width,
        height=picture.height,
        crop_w=fit.left,
        crop_h=fit.top,
        target_width=fit.size[0],
        target_height=fit.size[1],
        device=torch.device("cpu"),
    )
    return vector
