"""Train LoRA's dealings with ComfyUI: which layers to train, the model's prediction, and the whole run.

Everything that autograd touches is made outside inference mode; VAE and text encoder run inside it, as always.
Writes models/loras/<name>.safetensors and a result file.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comfy.lora
import comfy.model_base
import comfy.model_management
import comfy.supported_models
import numpy as np
import torch
from comfy.ldm.modules.attention import BasicTransformerBlock, SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock

from ...evaluation.results import Measurement, Result, read_results, write_result
from ..engine import progress_bar
from ..sampling.conditioning import repeat_to_common_length
from . import lora_file
from .adapter import LoraLayer, attached, checkpointed, frozen, make_layers, usable_in_autograd
from .buckets import bucket_sizes, fit, steps_per_epoch
from .captions import read_folder
from .curve import loss_curve
from .examples import Example, encode_examples
from .identity import identity_of
from .settings import LoraSettings
from .train import History, train

KIND = "lora_training"
log = logging.getLogger("hyponet")

_OTHER = (comfy.supported_models.SD15_instructpix2pix, comfy.supported_models.SDXL_instructpix2pix)
_PREDICTIONS = {comfy.model_base.ModelType.EPS: "epsilon", comfy.model_base.ModelType.V_PREDICTION: "v"}


@dataclass(frozen=True)
class TrainingJob:
    """What to train on, under which name, and where to write."""

    name: str
    folder: Path
    file: Path
    results: Path
    settings: LoraSettings


def family_of(model: Any) -> tuple[str, str]:
    """("sd1" or "sdxl", "epsilon" or "v") of a MODEL.

    Raises:
        ValueError: it is neither SD 1.x nor SDXL, or an inpainting or editing form of them.
    """
    config = model.model.model_config
    prediction = _PREDICTIONS.get(model.model.model_type, "")
    plain = config.unet_config.get("in_channels") == 4 and not isinstance(config, _OTHER) and prediction
    if plain and isinstance(config, comfy.supported_models.SDXL):
        return "sdxl", prediction
    if plain and isinstance(config, comfy.supported_models.SD15):
        return "sd1", prediction
    raise ValueError(
        f"model is {type(config).__name__} ({model.model.model_type.name}); expected SD 1.x or SDXL base for text to "
        "image; load such a checkpoint"
    )


def trainable_modules(model: Any) -> dict[str, torch.nn.Module]:
    """Every Linear and 1x1 Conv2d of the UNet's spatial transformers, by name below diffusion_model.

    The layers that kohya's networks.lora trains by default.
    """
    found: dict[str, torch.nn.Module] = {}
    for name, module in model.model.diffusion_model.named_modules():
        if isinstance(module, SpatialTransformer):
            for part, layer in module.named_modules():
                pointwise = isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1)
                if isinstance(layer, torch.nn.Linear) or pointwise:
                    found[f"{name}.{part}"] = layer
    return found


def key_map(model: Any) -> dict[str, Any]:
    """ComfyUI's table from names in LoRA files to the UNet's weights."""
    table: dict[str, Any] = comfy.lora.model_lora_keys_unet(model.model, {})
    return table


class UNetDenoiser:
    """train.Denoiser over a loaded UNet. Patches of the sampling such as FreeU are no part of training."""

    def __init__(self, model: Any, examples: Sequence[Example], device: torch.device) -> None:
        self.device = device
        self._model = model
        self._examples = examples
        self._sigmas = model.model_sampling.sigmas.float().to(device) + 0  # a copy that autograd takes

    def noise_like(self, picture: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(self._examples[picture].latent.shape, generator=generator)

    def predict(self, pictures: Sequence[int], timesteps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        examples = [self._examples[picture] for picture in pictures]
        latents = torch.stack([example.latent for example in examples]).to(self.device)
        sigma = self._sigmas[timesteps.to(self.device)]
        scale = sigma[:, None, None, None]
        noisy = latents + noise * scale
        vectors = [example.vector for example in examples if example.vector is not None]
        denoised = self._model.apply_model(
            noisy,
            sigma,
            c_crossattn=repeat_to_common_length([example.context for example in examples]).to(self.device),
            transformer_options={"sigmas": sigma, "cond_or_uncond": [0]},
            **({"y": torch.cat(vectors).to(self.device)} if vectors else {}),
        )
        predicted: torch.Tensor = (noisy - denoised.float()) / scale
        return predicted


@contextmanager
def training(
    model: Any, examples: Sequence[Example], settings: LoraSettings, generator: torch.Generator
) -> Iterator[tuple[UNetDenoiser, dict[str, LoraLayer]]]:
    """The UNet on its device with a new LoRA attached, outside inference mode; afterwards it is unloaded, as it was."""
    patcher = model.clone()
    patcher.set_model_compute_dtype(torch.bfloat16)
    # all other models leave the device: what training needs is not known beforehand
    comfy.model_management.load_models_gpu([patcher], memory_required=1e20, force_full_load=True)
    device, unet = patcher.load_device, patcher.model
    blocks = [module for module in unet.modules() if isinstance(module, (BasicTransformerBlock, ResBlock))]
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(torch.backends.cudnn.flags(deterministic=True, benchmark=False))
            stack.enter_context(usable_in_autograd(unet))
            stack.enter_context(frozen(unet))
            modules = trainable_modules(patcher)
            layers = {
                name: layer.to(device)
                for name, layer in make_layers(modules, settings.rank, settings.alpha, generator).items()
            }
            stack.enter_context(attached(modules, layers))
            if settings.gradient_checkpointing:
                stack.enter_context(checkpointed(blocks))
            yield UNetDenoiser(unet, examples, device), layers
    finally:
        patcher.detach()
        comfy.model_management.soft_empty_cache()


def train_lora(model: Any, clip: Any, vae: Any, job: TrainingJob) -> tuple[Result, np.ndarray]:
    """Train, save after each epoch, write the result; return it with the loss curve, uint8 [H,W,3].

    A training that the file already holds is not repeated.

    Raises:
        ValueError: the folder, the model or the settings do not serve; nothing is written then.
    """
    settings = job.settings
    family, prediction = family_of(model)
    pictures = read_folder(job.folder)
    sizes = bucket_sizes(settings.resolution, settings.min_bucket, settings.max_bucket)
    fits = [fit(picture.width, picture.height, sizes) for picture in pictures]
    identity = identity_of(model, clip, vae, pictures, settings)
    if lora_file.is_finished(job.file, identity):
        known = _known_result(job, identity)
        if known:
            log.info("%s is trained with these settings already", job.file.name)
            return known, loss_curve(_history(known), job.name)
    examples = encode_examples(model, clip, vae, pictures, fits, progress_bar(len(pictures)))
    history = _run(model, examples, [one.size for one in fits], job, family, prediction, identity)
    measurement = Measurement(
        name=job.name,
        kind=KIND,
        figures={**asdict(history), "epoch_losses": history.epoch_losses(), "steps": len(history.losses)},
        inputs={"folder": job.folder.name, "pictures": len(pictures), "model": family, "file": job.file.name},
        settings={**asdict(settings), "optimizer": "Adafactor", "scheduler": "constant", "identity": identity},
    )
    result = write_result(job.results, measurement)
    return result, loss_curve(history, job.name)


def _run(
    model: Any,
    examples: Sequence[Example],
    sizes: Sequence[tuple[int, int]],
    job: TrainingJob,
    family: str,
    prediction: str,
    identity: dict[str, Any],
) -> History:
    settings = job.settings
    buckets = dict(sorted(Counter(sizes).items()))
    total = steps_per_epoch(sizes, settings.batch_size) * settings.epochs
    log.info("training %s: %d pictures in buckets %s, %d steps", job.file.name, len(examples), buckets, total)
    with torch.inference_mode(False):
        generator = torch.Generator().manual_seed(settings.seed)
    with training(model, examples, settings, generator) as (denoiser, layers):
        names = lora_file.kohya_names(key_map(model), list(layers), family)

        def save(epoch: int, step: int) -> None:
            info = lora_file.metadata(
                settings,
                family,
                job.file.stem,
                identity,
                prediction=prediction,
                epoch=epoch,
                step=step,
                total_steps=total,
                buckets=buckets,
            )
            lora_file.write(job.file, lora_file.file_bytes(lora_file.tensors_of(layers, names), info))

        progress = progress_bar(total)
        return train(denoiser, list(layers.values()), sizes, settings, generator, save_epoch=save, progress=progress)


def was_trained(results: Path, name: str) -> bool:
    """Whether a finished training has left its result under this name."""
    return any((results / name).glob(f"*-{KIND}-*.json"))


def _known_result(job: TrainingJob, identity: dict[str, Any]) -> Result | None:
    found = [
        result
        for result in read_results(job.results / job.name)
        if result.kind == KIND and result.settings.get("identity") == identity
    ]
    return found[-1] if found else None


def _history(result: Result) -> History:
    values = result.figures
    return History(
        tuple(values["losses"]),
        values["steps_per_epoch"],
        values["loss_before"],
        values["loss_after"],
        values["seconds_per_step"],
    )
