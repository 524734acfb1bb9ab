"""LoRA files in kohya's layout: key names, metadata, and bytes that depend on nothing but the contents.

Writes .safetensors; reads their header. safetensors' own writer orders the metadata at random, so the header is put in
order here: the same training gives the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...evaluation.files import replacing
from .adapter import LoraLayer
from .buckets import STEP
from .settings import LoraSettings

IDENTITY = "hyponet_identity"
HEADER_LIMIT = 100_000_000
_ARCHITECTURE = {"sd1": "stable-diffusion-v1/lora", "sdxl": "stable-diffusion-xl-v1-base/lora"}
_BASE_MODEL = {"sd1": "sd_v1", "sdxl": "sdxl_base_v1-0"}
_IMPLEMENTATION = {"sd1": "diffusers", "sdxl": "https://github.com/Stability-AI/generative-models"}


def kohya_names(key_map: Mapping[str, Any], modules: list[str], family: str) -> dict[str, str]:
    """The name in the file of each module: lora_unet_ and the spelling that kohya's trainer gives the family.

    SD 1.x is named as in diffusers (down_blocks_0_attentions_0_...), SDXL as in its own code (input_blocks_4_1_...).

    Args:
        key_map: ComfyUI's own table from names in LoRA files to weights, so that every name we choose loads.
        modules: names below diffusion_model.
        family: sd1 or sdxl.
    """
    spellings: dict[str, list[str]] = {}
    for name, key in key_map.items():
        if isinstance(key, str) and name.startswith("lora_unet_"):
            spellings.setdefault(key, []).append(name)
    chosen = {}
    for module in modules:
        own = "lora_unet_" + module.replace(".", "_")
        known = spellings[f"diffusion_model.{module}.weight"]
        other = sorted(name for name in known if name != own)
        chosen[module] = other[0] if family == "sd1" and other else own
    return chosen


def tensors_of(layers: Mapping[str, LoraLayer], names: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """The file's tensors: lora_down, lora_up and alpha of each layer, in fp16."""
    tensors = {}
    for module, layer in layers.items():
        name = names[module]
        tensors[f"{name}.lora_down.weight"] = layer.down.detach().to("cpu", torch.float16)
        tensors[f"{name}.lora_up.weight"] = layer.up.detach().to("cpu", torch.float16)
        tensors[f"{name}.alpha"] = torch.tensor(layer.alpha, dtype=torch.float16)
    return tensors


def metadata(
    settings: LoraSettings,
    family: str,
    title: str,
    identity: Mapping[str, Any],
    *,
    prediction: str,
    epoch: int,
    step: int,
    total_steps: int,
    buckets: Mapping[tuple[int, int], int],
) -> dict[str, str]:
    """What other tools read: kohya's ss_ keys, Stability's modelspec, and our identity; nothing that time changes."""
    pictures = sum(buckets.values())
    bucket_info = {
        "buckets": {
            str(i): {"resolution": list(size), "count": count} for i, (size, count) in enumerate(buckets.items())
        }
    }
    side = settings.resolution
    values: dict[str, Any] = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": settings.rank,
        "ss_network_alpha": settings.alpha,
        "ss_base_model_version": _BASE_MODEL[family],
        "ss_v2": False,
        "ss_v_parameterization": prediction == "v",
        "ss_optimizer": "transformers.optimization.Adafactor"
        "(relative_step=False,scale_parameter=False,warmup_init=False)",
        "ss_learning_rate": settings.learning_rate,
        "ss_unet_lr": settings.learning_rate,
        "ss_text_encoder_lr": 0.0,
        "ss_lr_scheduler": "constant",
        "ss_lr_warmup_steps": 0,
        "ss_mixed_precision": "bf16",
        "ss_gradient_checkpointing": settings.gradient_checkpointing,
        "ss_gradient_accumulation_steps": 1,
        "ss_cache_latents": True,
        "ss_batch_size_per_device": settings.batch_size,
        "ss_total_batch_size": settings.batch_size,
        "ss_num_train_images": pictures,
        "ss_num_reg_images": 0,
        "ss_num_epochs": settings.epochs,
        "ss_epoch": epoch,
        "ss_steps": step,
        "ss_max_train_steps": total_steps,
        "ss_num_batches_per_epoch": total_steps // settings.epochs,
        "ss_seed": settings.seed,
        "ss_resolution": f"({side}, {side})",
        "ss_enable_bucket": True,
        "ss_min_bucket_reso": settings.min_bucket,
        "ss_max_bucket_reso": settings.max_bucket,
        "ss_bucket_reso_steps": STEP,
        "ss_bucket_no_upscale": False,
        "ss_bucket_info": json.dumps(bucket_info),
        "ss_output_name": title,
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": _ARCHITECTURE[family],
        "modelspec.implementation": _IMPLEMENTATION[family],
        "modelspec.title": title,
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.prediction_type": prediction,
        IDENTITY: json.dumps(dict(identity), sort_keys=True),
    }
    return {key: str(value) for key, value in values.items()}


def file_bytes(tensors: Mapping[str, torch.Tensor], info: Mapping[str, str]) -> bytes:
    """The .safetensors file, with a header in a fixed order and the hashes of the tensors that other tools show."""
    import safetensors.torch

    raw = safetensors.torch.save(dict(tensors))
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    digest = hashlib.sha256(data).hexdigest()
    full = {**info, "sshs_model_hash": digest, "modelspec.hash_sha256": "0x" + digest}
    ordered = {"__metadata__": dict(sorted(full.items())), **dict(sorted(header.items()))}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def write(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    with replacing(path) as fresh:
        fresh.write_bytes(data)


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a .safetensors file; empty if it has none or is no such file."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > HEADER_LIMIT:
                return {}
            found = json.loads(file.read(size)).get("__metadata__", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def is_finished(path: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the file is there and holds the whole training that `identity` names.

    Raises:
        ValueError: the file is there and is something else; the message says what differs.
    """
    if not path.exists():
        return False
    info = read_metadata(path)
    try:
        known = json.loads(info[IDENTITY])
    except (KeyError, ValueError):
        raise ValueError(
            f"name is {path.stem}; {path.name} is there and was not written by Train LoRA; expected a new name"
        ) from None
    wanted = json.loads(json.dumps(dict(identity)))
    differ = [key for key in wanted if known.get(key) != wanted[key]]
    if differ:
        shown = "; ".join(f"{key} {known.get(key)} there, {wanted[key]} now" for key in differ)
        raise ValueError(
            f"name is {path.stem}, and {path.name} was trained otherwise ({shown}); expected the same training or a "
            "new name; change name, or delete the file"
        )
    return info.get("ss_epoch") == info.get("ss_num_epochs")
