"""A model that takes another text for each image of a batch, by ComfyUI's own rule for running texts together.

ComfyUI runs the positive and the negative text of an image as one batch where `can_concat` of what the model makes of
them allows it. The texts of several images are put together by the same rule, so that every model can be had whose
positive and negative could be: with masks, with joint attention, with what a later version adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .conditioning import ITEMS

_PER_IMAGE = ("noise", "latent_image", "denoise_mask")  # (B, ...), of which each image is told its own


class CannotShareBatch(Exception):
    """The model does not take these texts in one batch."""


def with_per_image_conds(model: Any) -> Any:
    """A clone of a MODEL that understands what `conditioning.as_batch` makes, and is `model` otherwise."""
    clone = model.clone()
    clone.add_object_patch("extra_conds", per_image_conds(clone.get_model_object("extra_conds")))
    return clone


def per_image_conds(extra_conds: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`extra_conds` of one of ComfyUI's models, for a batch whose images have texts of their own.

    Raises:
        CannotShareBatch: by the function that is returned.
    """

    def batch_conds(**values: Any) -> dict[str, Any]:
        items: Sequence[Mapping[str, Any]] | None = values.pop(ITEMS, None)
        if items is None:
            return extra_conds(**values)
        single = [
            extra_conds(**{**{key: _of_image(key, value, i, len(items)) for key, value in values.items()}, **extras})
            for i, extras in enumerate(items)
        ]
        if any(conds.keys() != single[0].keys() for conds in single):
            raise CannotShareBatch("some of the prompts say something that the others do not")
        return {name: _together(name, [conds[name] for conds in single]) for name in single[0]}

    return batch_conds


def _of_image(key: str, value: Any, index: int, count: int) -> Any:
    if key in _PER_IMAGE and isinstance(value, torch.Tensor) and value.shape[0] == count:
        return value[index : index + 1]
    return value


def _together(name: str, conds: Sequence[Any]) -> Any:
    """What the model is told of each image under one name, as one batch."""
    first, *rest = (cond.process_cond(1, area=None) for cond in conds)
    try:
        fits = all(first.can_concat(cond) for cond in rest)
    except RuntimeError:  # tensors that are compared as if they were numbers
        fits = False
    if not fits:
        raise CannotShareBatch(f"the model takes one value of {name} for a whole batch")
    return first._copy_with(first.concat(rest))
