"""What leads a sampler: a model, the texts of a batch, and how they are weighed; ComfyUI's own, or a GUIDER of a graph.

Reads GUIDERs and conditionings; a GUIDER that a graph gave stays as it is.
"""

from __future__ import annotations

import copy
from typing import Any

import comfy.samplers

from .conditioning import Conditioning
from .per_image_conds import with_per_image_conds


def make_guider(model: Any, cfg: float) -> Any:
    """KSampler's own: classifier-free guidance by `cfg`, one pass where it is 1."""
    guider = comfy.samplers.CFGGuider(model)
    guider.set_cfg(cfg)
    return guider


def adopt_guider(guider: Any, model: Any) -> Any:
    """A copy of a graph's GUIDER whose images can have texts of their own.

    Args:
        model: the node's; the GUIDER's has to be the same, with whatever patches.

    Raises:
        ValueError: it is no GUIDER of ComfyUI's kind, has no positive text, or is another model's.
    """
    patcher = getattr(guider, "model_patcher", None)
    if patcher is None or "positive" not in getattr(guider, "original_conds", {}):
        raise ValueError(
            f"guider is {type(guider).__name__} without a positive conditioning; expected one such as CFGGuider; "
            "connect CFGGuider or BasicGuider"
        )
    if model is not None and patcher.model is not model.model:
        raise ValueError("guider leads another model than the one at model; expected one; connect both to one loader")
    adopted = copy.copy(guider)
    for name, value in vars(guider).items():  # some lead a second model for the negative
        if hasattr(value, "add_object_patch"):
            setattr(adopted, name, with_per_image_conds(value))
    return adopted


def unused_negative(guider: Any, sampler: str) -> str:
    """Why the negative texts of the images change no picture; "" where they do.

    Args:
        sampler: ComfyUI's name; some samplers use it at cfg 1, too.
    """
    if not _has_text(guider, "negative"):
        return "the guider has none"
    if type(guider) is not comfy.samplers.CFGGuider:
        return ""
    both = guider.model_options.get("disable_cfg1_optimization", False) or "cfg_pp" in sampler
    if both or abs(guider.cfg - 1.0) > 1e-9:
        return ""
    return "the guider's cfg is 1" if guider.original_conds else "cfg is 1"


def _has_text(guider: Any, name: str) -> bool:
    """Whether a guider is led by a text of that name; newer ones may have a negative without one."""
    if not guider.original_conds:
        return True  # one of ours, before it has the texts of a batch
    return any("cross_attn" in entry for entry in guider.original_conds.get(name, ()))


def outside_text(guider: Any, name: str) -> Conditioning | None:
    """What a GUIDER's own conditioning `name` says, for `conditioning.under_text`; None for none."""
    entries = guider.original_conds.get(name)
    if not entries:
        return None
    comfy_keys = {"cross_attn", "model_conds", "uuid"}  # what ComfyUI's convert_cond adds
    return [[None, {key: value for key, value in entry.items() if key not in comfy_keys}] for entry in entries]


def with_texts(guider: Any, positive: Conditioning, negative: Conditioning) -> Any:
    """A copy of a guider that leads a batch by these texts; a negative is left out of one that has none."""
    led = copy.copy(guider)
    led.original_conds = dict(guider.original_conds)
    led.inner_set_conds({"positive": positive, **({"negative": negative} if _has_text(guider, "negative") else {})})
    return led
