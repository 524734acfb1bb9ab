"""What a trained file depends on, so that a finished training is known again and another is not written over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from .captions import CaptionedPicture
from .settings import LoraSettings


def identity_of(
    model: Any, clip: Any, vae: Any, pictures: Sequence[CaptionedPicture], settings: LoraSettings
) -> dict[str, Any]:
    """What the trained weights depend on, as far as the same machine goes."""
    shown = hashlib.sha256("".join(picture.sha256 for picture in pictures).encode())
    said = hashlib.sha256("\0".join(picture.caption for picture in pictures).encode())
    own = asdict(settings)
    del own["gradient_checkpointing"]
    return {
        **own,
        "pictures": shown.hexdigest()[:16],
        "captions": said.hexdigest()[:16],
        "model": weights_key(model),
        "clip": f"{weights_key(clip)} {clip.layer_idx}",
        "vae": weights_key(vae.patcher),
    }


def weights_key(patcher: Any) -> str:
    """A hash over a sample of every weight of a model and of the LoRAs on it: MODEL carries no file name."""
    total = hashlib.blake2b(digest_size=16)
    for key, parts in sorted(patcher.get_key_patches().items()):
        total.update(f"{key} {len(parts)} {tuple(parts[0][0].shape)}".encode())
        _digest(total, parts[0][0])
        for strength, patch, strength_model, *_ in parts[1:]:
            total.update(f"{strength} {strength_model}".encode())
            _digest(total, getattr(patch, "weights", patch))
    return total.hexdigest()


def _digest(total: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        flat = value.detach().reshape(-1)
        total.update(flat[:: max(1, len(flat) // 64)].float().cpu().numpy().tobytes())
    elif isinstance(value, (list, tuple)):
        for item in value:
            _digest(total, item)
    else:
        total.update(repr(value).encode() if isinstance(value, (int, float, str, type(None))) else b"")
