"""Whether texts and settings are for the model: what the model itself says of it, and what its first step shows.

Reads conditionings and a MODEL's configuration; writes nothing.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import Any

from .conditioning import Conditioning, token_count
from .settings import SamplingSettings

# how ComfyUI's configurations call the features of a token: SD, FLUX, Lumina and Z-Image, Qwen-Image
_TEXT_WIDTHS = ("context_dim", "context_in_dim", "cap_feat_dim", "joint_attention_dim")
_OF_SHAPES = re.compile(
    r"shapes cannot be multiplied|must match|normalized_shape|channels|size mismatch|einops|shape '"
)
_LIBRARIES = ("torch", "einops", "xformers", "sageattention", "flash_attn")  # that the code of models calls


def check_clip(name: str, conditioning: Conditioning, model: Any) -> None:
    """Refuse a text encoder of another kind of model, where the model says how wide its texts are.

    Args:
        name: of the node's input.
        conditioning: a text that it encoded, [[tokens: [1,T,D], ...]].

    Raises:
        ValueError: D is not the model's.
    """
    expected, width = _text_width(_config(model)), conditioning[0][0].shape[-1]
    if expected is not None and width != expected:
        raise ValueError(
            f"{name} gives {width:,} features a token; expected {expected:,}; connect the CLIP of the model's own "
            "checkpoint, or set the CLIP loader to this kind of model"
        )


def clip_advice(conditioning: Conditioning, model: Any) -> list[str]:
    """What speaks against a text encoder that the model can be run with: FLUX.1 reads the first features of a pooled
    output and leaves out the rest, so that SD3's three encoders draw too, another picture.

    Args:
        conditioning: a text that it encoded, [[tokens, {"pooled_output": [1,P] or None}]].
    """
    expected, pooled = _config(model).get("vec_in_dim"), conditioning[0][1].get("pooled_output")
    if expected is None or pooled is None or pooled.shape[-1] == expected:
        return []
    kind = type(model.model.model_config).__name__
    return [
        f"clip gives {pooled.shape[-1]:,} pooled features, of which this model ({kind}) reads {expected:,}: it is "
        "another model's; set the CLIP loader to this kind of model"
    ]


def _config(model: Any) -> Mapping[str, Any]:
    return getattr(model.model.model_config, "unet_config", None) or {}


def _text_width(config: Mapping[str, Any]) -> int | None:
    embedder = config.get("context_embedder_config") or {}  # SD3's
    widths = [config.get(key) for key in _TEXT_WIDTHS] + [embedder.get("params", {}).get("in_features")]
    return next((width for width in widths if isinstance(width, int)), None)


def explained(error: Exception, conditioning: Conditioning, settings: SamplingSettings) -> Exception:
    """An error of a model's first step, with what it most likely means; others as they are.

    Args:
        conditioning: a text that the model was given.
    """
    if not _of_model(error):
        return error
    missing = conditioning[0][1].get("pooled_output") is None and _of_nothing(error)
    if not missing and not (isinstance(error, RuntimeError) and _OF_SHAPES.search(str(error))):
        return error
    tokens = conditioning[0][0]
    pooled = ", no pooled output" if missing else ""
    return ValueError(
        f"the model cannot draw {settings.width}x{settings.height} from what clip gives ({token_count(conditioning)} "
        f"tokens of {tokens.shape[-1]:,} features{pooled}): {error}; connect the CLIP that belongs to the model, or "
        "choose sides that are a multiple of 64"
    )


def _of_model(error: Exception) -> bool:
    """Whether it comes from ComfyUI's own code, or from a library that this called, and from no patch of a pack."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    packages = [str(name).split(".")[0] for name in frames]
    return next((name for name in reversed(packages) if name not in _LIBRARIES), "comfy") == "comfy"


def _of_nothing(error: Exception) -> bool:
    """Whether it says that a pooled output, or a value that may be one, is not there."""
    if isinstance(error, KeyError):
        return error.args == ("pooled_output",)
    return isinstance(error, (AttributeError, TypeError)) and "NoneType" in str(error)


def guidance_advice(model: Any, settings: SamplingSettings) -> list[str]:
    """What the model itself says against a `guidance` that was set; `advice` has the rest."""
    config, kind = _config(model), type(model.model.model_config).__name__
    # FLUX and HunyuanVideo say whether they take one, Chroma has no other kind
    takes = config.get("guidance_embed", str(config.get("image_model")).startswith("chroma"))
    if settings.guidance < 0 or takes:
        return []
    return [f"guidance is {settings.guidance:g}, but this model ({kind}) is told none; set it to -1"]
