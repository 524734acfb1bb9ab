"""Captioned pictures as the UNet is trained on them: latents and text features, encoded once.

Reads the pictures; the model, CLIP and VAE are ComfyUI's objects, given by the node. What is returned was made outside
inference mode, since autograd refuses other tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    name: str  # of the picture's file, below the folder
    latent: torch.Tensor  # (C, h, w), scaled as the UNet takes it
    context: torch.Tensor  # (1, tokens, features)
    vector: torch.Tensor | None  # (1, features): SDXL's pooled text, sizes and crop


def literal_tokens(clip: Any, caption: str) -> Any:
    """The tokens of a caption as it stands: brackets are brackets, and `embedding:` is a word.

    ComfyUI's tokenizer reads `\\(` and `\\)` as brackets, and `embedding:` in lower case alone; CLIP's own has no case.
    """
    bracketed = caption.replace("(", "\\(").replace(")", "\\)")
    return clip.tokenize(bracketed.replace("embedding:", "EMBEDDING:"))


def weighted_tokens(clip: Any, caption: str) -> Any:
    """The tokens of a caption that is written as a prompt: (word:1.2), embedding:name."""
    return clip.tokenize(caption)


def encode_examples(
    model: Any,
    clip: Any,
    vae: Any,
    pictures: Sequence[CaptionedPicture],
    fits: Sequence[Fit],
    tokenize: Callable[[Any, str], Any],
    progress: Progress,
) -> list[Example]:
    """Latents and text features of all pictures; each caption and picture is encoded once.

    Args:
        tokenize: literal_tokens or weighted_tokens.

    Raises:
        ValueError: CLIP or VAE belong to another kind of model, or give numbers that are not finite.
    """
    texts: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for picture in pictures:
        if picture.caption not in texts:
            texts[picture.caption] = clip.encode_from_tokens(tokenize(clip, picture.caption), return_pooled=True)
            _check_finite("clip", "--fp32-text-enc", picture, *texts[picture.caption])
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
        _check_finite("vae", "--fp32-vae", picture, latent)
        context, pooled = texts[picture.caption]
        vector = _vector(model.model, pooled, picture, fit)
        with torch.inference_mode(False):
            examples.append(
                Example(
                    picture.name,
                    latent[0].float().cpu().clone(),
                    context.float().cpu().clone(),
                    None if vector is None else vector.float().cpu().clone(),
                )
            )
        progress(i + 1, len(pictures))
    return examples


def _check_finite(what: str, option: str, picture: CaptionedPicture, *tensors: torch.Tensor) -> None:
    """Raise ValueError where a number is not finite, as half precision gives now and then."""
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise ValueError(
            f"{what} gives numbers that are not finite for {picture.name} (caption {repr(picture.caption)[:80]})"
            f"; expected finite ones; start ComfyUI with {option}, or take the picture out of the folder"
        )


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
