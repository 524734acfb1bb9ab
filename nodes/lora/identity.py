"""What a trained file depends on, so that a finished training is recognized and another is not written over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .captions import CaptionedPicture
from .settings import LoraSettings

_SAMPLES = 64  # numbers hashed of each weight, evenly spaced: a model of 7 GB in about a second


@dataclass(frozen=True)
class LoraIdentity:
    """What the trained weights depend on, as far as the same machine goes. Models by hash: MODEL has no file name.

    Args:
        pictures, captions: hashes over all of them, in order.
        model, clip, vae: `weights_digest` of each; of clip also the layer that is read.
        prediction, schedule: what the model says, and the hash of its noise schedule: nodes change both without a
            weight.
    """

    settings: LoraSettings
    pictures: str
    captions: str
    model: str
    clip: str
    vae: str
    prediction: str
    schedule: str

    def to_json(self) -> dict[str, Any]:
        """Flat, for the file's metadata and the result; two trainings that give the same weights have equal ones."""
        values = asdict(self)
        settings = values.pop("settings")
        del settings["gradient_checkpointing"]  # changes memory and time, no weight
        return {**settings, **values}


def identify(
    model: Any,
    clip: Any,
    vae: Any,
    pictures: Sequence[CaptionedPicture],
    settings: LoraSettings,
    prediction: str,
    schedule: str,
) -> LoraIdentity:
    """The identity of a training of `model` on `pictures`."""
    picture_hash = hashlib.sha256("".join(picture.sha256 for picture in pictures).encode())
    caption_hash = hashlib.sha256("\0".join(picture.caption for picture in pictures).encode())
    return LoraIdentity(
        settings,
        picture_hash.hexdigest()[:16],
        caption_hash.hexdigest()[:16],
        weights_digest(model),
        f"{weights_digest(clip)} {clip.layer_idx}",
        weights_digest(vae.patcher),
        prediction,
        schedule,
    )


def weights_digest(patcher: Any) -> str:
    """A hash over a sample of every weight of a model and of the LoRAs on it."""
    digest = hashlib.blake2b(digest_size=16)
    # ComfyUI's key patches: [(weight, convert function), (strength, patch, strength of the weight, ...), ...]
    for key, parts in sorted(patcher.get_key_patches().items()):
        digest.update(f"{key} {len(parts)} {tuple(parts[0][0].shape)}".encode())
        _update(digest, parts[0][0])
        for strength, patch, strength_model, *_ in parts[1:]:
            digest.update(f"{strength} {strength_model}".encode())
            _update(digest, getattr(patch, "weights", patch))
    return digest.hexdigest()


def _update(digest: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        flat = value.detach().reshape(-1)  # any shape -> (N,)
        digest.update(flat[:: max(1, len(flat) // _SAMPLES)].float().cpu().numpy().tobytes())
    elif isinstance(value, (list, tuple)):
        for item in value:
            _update(digest, item)
    elif value is None or isinstance(value, (int, float, str)):
        digest.update(repr(value).encode())
