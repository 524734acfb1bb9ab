"""LoRA files in kohya's layout: key names, metadata, and bytes that depend on nothing but the contents.

Writes .safetensors; reads their header. safetensors' own writer orders the metadata at random, so the header is put in
order here: the same training gives the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...evaluation.disk_errors import unreadable
from ...evaluation.files import replacing
from ...evaluation.json_text import parse_json
from ...evaluation.training.state import Diverged
from .adapter import LoraLayer
from .buckets import STEP
from .settings import LoraSettings

IDENTITY = "hyponet_identity"
MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library itself
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
    names = {}
    for module in modules:
        native = "lora_unet_" + module.replace(".", "_")
        diffusers = sorted(name for name in spellings[f"diffusion_model.{module}.weight"] if name != native)
        names[module] = diffusers[0] if family == "sd1" and diffusers else native
    return names


def tensors_of(layers: Mapping[str, LoraLayer], names: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """The file's tensors: lora_down, lora_up and alpha of each layer, in fp16.

    Raises:
        Diverged: a weight is not a finite number, or none in fp16, which ends at 65,504.
    """
    tensors = {}
    for module, layer in layers.items():
        name = names[module]
        tensors[f"{name}.lora_down.weight"] = layer.down.detach().to("cpu", torch.float16)
        tensors[f"{name}.lora_up.weight"] = layer.up.detach().to("cpu", torch.float16)
        tensors[f"{name}.alpha"] = torch.tensor(layer.alpha, dtype=torch.float16)
    for key, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise Diverged(
                f"{key} has numbers that are not finite in fp16, the precision of the file: the training went astray, "
                "and nothing of it is kept; expected finite numbers; lower learning_rate, or alpha, and queue again"
            )
    return tensors


@dataclass(frozen=True)
class LoraDescription:
    """What a LoRA file says about itself; nothing that time changes.

    Args:
        family: sd1 or sdxl.
        prediction: epsilon or v.
        has_zero_snr: whether the noise schedule ends without any signal.
        title: the file's name.
        identity: see identity.py.
        total_steps: of the whole training.
        buckets: (width, height) -> pictures.
    """

    settings: LoraSettings
    family: str
    prediction: str
    has_zero_snr: bool
    title: str
    identity: Mapping[str, Any]
    total_steps: int
    buckets: Mapping[tuple[int, int], int]

    def metadata(self) -> dict[str, str]:
        """What other tools read of a finished training: kohya's ss_ keys, Stability's modelspec, and our identity."""
        settings, side = self.settings, self.settings.resolution
        buckets = {
            str(i): {"resolution": list(size), "count": count} for i, (size, count) in enumerate(self.buckets.items())
        }
        values: dict[str, Any] = {
            "ss_network_module": "networks.lora",
            "ss_network_dim": settings.rank,
            "ss_network_alpha": settings.alpha,
            "ss_base_model_version": _BASE_MODEL[self.family],
            "ss_v2": False,
            "ss_v_parameterization": self.prediction == "v",
            "ss_scale_v_pred_loss_like_noise_pred": settings.scale_v_pred_loss_like_noise_pred,
            "ss_zero_terminal_snr": self.has_zero_snr,
            "ss_loss_type": "l2",
            "ss_weighted_captions": settings.weighted_captions,
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
            "ss_num_train_images": sum(self.buckets.values()),
            "ss_num_reg_images": 0,
            "ss_num_epochs": settings.epochs,
            "ss_epoch": settings.epochs,
            "ss_steps": self.total_steps,
            "ss_max_train_steps": self.total_steps,
            "ss_num_batches_per_epoch": self.total_steps // settings.epochs,
            "ss_seed": settings.seed,
            "ss_resolution": f"({side}, {side})",
            "ss_enable_bucket": True,
            "ss_min_bucket_reso": settings.min_bucket,
            "ss_max_bucket_reso": settings.max_bucket,
            "ss_bucket_reso_steps": STEP,
            "ss_bucket_no_upscale": False,
            "ss_bucket_info": json.dumps({"buckets": buckets}),
            "ss_output_name": self.title,
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": _ARCHITECTURE[self.family],
            "modelspec.implementation": _IMPLEMENTATION[self.family],
            "modelspec.title": self.title,
            "modelspec.resolution": f"{side}x{side}",
            "modelspec.prediction_type": self.prediction,
            IDENTITY: json.dumps(dict(self.identity), sort_keys=True),
        }
        return {key: str(value) for key, value in values.items()}


def file_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """The .safetensors file, with a header in a fixed order and the hashes of the tensors that other tools show."""
    import safetensors.torch

    raw = safetensors.torch.save(dict(tensors))
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    digest = hashlib.sha256(data).hexdigest()
    full = {**metadata, "sshs_model_hash": digest, "modelspec.hash_sha256": "0x" + digest}
    ordered = {"__metadata__": dict(sorted(full.items())), **dict(sorted(header.items()))}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def write(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a .safetensors file; empty if it has none or is no such file.

    Raises:
        UnreadableFile: the disk does not give it.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > MAX_HEADER:
                return {}
            metadata = parse_json(file.read(size)).get("__metadata__", {})
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, AttributeError):
        return {}
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}


def is_finished(path: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the file is there and holds the whole training that `identity` names.

    Raises:
        ValueError: the file is there and is something else; the message says what differs.
        UnreadableFile: the disk does not give it.
    """
    if not path.exists():
        return False
    metadata = read_metadata(path)
    try:
        stored = dict(parse_json(metadata[IDENTITY]))
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"name is {path.stem}; {path.name} is there and was not written by LoRA Training; expected a new name"
        ) from None
    current = json.loads(json.dumps(dict(identity)))  # as JSON gives it back: tuples as lists
    changed = [key for key in current if stored.get(key) != current[key]]
    if changed:
        changes = "; ".join(f"{key} {stored.get(key)} there, {current[key]} now" for key in changed)
        raise ValueError(
            f"name is {path.stem}, and {path.name} was trained otherwise ({changes}); expected the same training or a "
            "new name; change name, or delete the file"
        )
    return True
