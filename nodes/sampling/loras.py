"""Whether the LoRAs behind a model are for it: the native loaders apply what fits and leave the rest to a log.

Reads the files of LoRAs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import comfy.utils
import folder_paths

from ..dataset.store.provenance import Provenance
from ..engine import comfyui_internals
from ..upstream import ModelFile

LOADERS = ("LoraLoader", "LoraLoaderModelOnly")  # loaders of other packs may know more kinds of files
_PART = re.compile(r"\.(lora_|lora\.|alpha$|dora_|diff|hada_|lokr_|oft_|boft_|w_norm|b_norm|set_weight).*")


def check_loras(models: Mapping[str, Any], provenance: Provenance) -> tuple[str, ...]:
    """Warnings of LoRAs of which less than half fits the models.

    Args:
        models: MODEL and CLIP by the node's inputs; those that are not connected are None or left out.
        provenance: what stands behind them.

    Raises:
        ValueError: nothing of a LoRA fits but for a text encoder: CLIP-L, which SD 1.x and SDXL share.
        OSError: a file cannot be read.
    """
    warnings = []
    for file in _used(provenance):
        of_text, of_model, total = _count_fitting(file, models)
        text = (
            f"LoRA {file.name} is for another kind of model: {of_model:,} of its {total:,} parts fit the model, "
            f"{of_text:,} the text encoder; expected one that was trained for this kind (SD 1.x, SDXL, ...); choose "
            "another"
        )
        if not of_model and of_text < total:
            raise ValueError(f"{text}, or take its loader out")
        if 2 * (of_text + of_model) < total:
            warnings.append(text)
    return tuple(warnings)


def _used(provenance: Provenance) -> Iterator[ModelFile]:
    """The LoRAs of native loaders that are not switched off by strengths of 0."""
    used = set()
    for key, value in provenance.nodes.items():
        node, _, widget = key.rpartition(".")
        strengths = (provenance.nodes.get(f"{node}.{name}", 0) for name in ("strength_model", "strength_clip"))
        if widget == "lora_name" and node.split(" ")[0] in LOADERS and any(strengths):
            used.add(str(value).removeprefix("sha256:"))
    yield from (file for file in provenance.models if file.kind == "loras" and file.sha256 in used)


def _count_fitting(file: ModelFile, models: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many parts of a LoRA have name and shape of a weight of a CLIP, how many of a MODEL, and how many it has."""
    with comfyui_internals("Generate Dataset with a LoRA"):
        from comfy.lora import load_lora, model_lora_keys_clip, model_lora_keys_unet
        from comfy.lora_convert import convert_lora
    lora = convert_lora(comfy.utils.load_torch_file(folder_paths.get_full_path("loras", file.name), safe_load=True))
    total = len({_PART.sub("", key) for key in lora})
    of_text, of_model = 0, 0
    for name, patcher in models.items():
        if patcher is None or name == "vae":
            continue
        is_text = name.endswith("clip")
        model = patcher.cond_stage_model if is_text else patcher.model
        keys = (model_lora_keys_clip if is_text else model_lora_keys_unet)(model, {})
        weights = model.state_dict()
        loaded = load_lora(lora, keys, log_missing=False)
        fitting = sum(_has_shape(patch, weights.get(key)) for key, patch in loaded.items())
        of_text, of_model = of_text + is_text * fitting, of_model + (not is_text) * fitting
    return of_text, of_model, total


def _has_shape(patch: Any, weight: Any) -> bool:
    """Whether a patch can be added to a weight; kinds whose shape says nothing by itself are taken to."""
    if getattr(patch, "name", "") != "lora" or weight is None:
        return True
    up, down, _, mid, *_ = patch.weights
    return mid is not None or (up.shape[0] == weight.shape[0] and down.shape[1] == weight.shape[1])
