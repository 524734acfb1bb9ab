"""What a loaded MODEL and CLIP say of themselves, for `advice`. Reads their attributes; imports nothing of ComfyUI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..upstream import ModelFile
from .advice import Facts

_PROBE = "(red:1.5)"


def facts_of(model: Any, clip: Any, files: Iterable[ModelFile]) -> Facts:
    """The facts of one MODEL with its CLIP.

    Args:
        files: that stand behind them.
    """
    config = model.model.model_config
    return Facts(
        tuple(parent.__name__ for parent in type(config).__mro__),
        tuple(parent.__name__ for parent in type(model.get_model_object("model_sampling")).__mro__),
        bool((getattr(config, "unet_config", None) or {}).get("guidance_embed")),
        tuple(file.name for file in files),
        ignores_weights(clip),
    )


def ignores_weights(clip: Any) -> bool:
    """Whether a text encoder takes the brackets of `(red:1.5)` for text: no token of it has another weight than 1."""
    return all(weight == 1.0 for weight in _weights(clip.tokenize(_PROBE)))


def _weights(tokens: Any) -> Iterator[float]:
    """Of all tokens, which are tuples (token, weight, ...) in lists a chunk, in a dict an encoder."""
    if isinstance(tokens, dict):
        tokens = tokens.values()
    for entry in tokens:
        if isinstance(entry, tuple):
            yield float(entry[1])
        else:
            yield from _weights(entry)
