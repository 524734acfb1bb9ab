"""What the LoRA room does with ComfyUI: captions by a model on the device; which layers to train, and the training.

Everything that autograd touches is made outside inference mode; VAE and text encoder run inside it, as always.
Writes folders of captioned pictures, models/loras/<name>.safetensors and a result file.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import comfy.lora
import comfy.model_base
import comfy.model_management
import comfy.supported_models
import numpy as np
import torch

from ...evaluation.pictures.tensors import to_uint8
from ...evaluation.results import Measurement, Result, read_results, write_result
from ..engine import comfyui_internals, progress_bar
from ..paths import results_dir
from ..sampling.conditioning import repeat_to_common_length
from . import lora_file
from .adapter import LoraLayer, attached, checkpointed, frozen, make_layers, usable_in_autograd
from .blip import blip_captioner
from .buckets import Fit, fit, steps_per_epoch
from .captions import Captioner, edited_key, folder_key, read_folder, template_captioner, write_folder
from .curve import loss_curve
from .examples import Example, encode_examples
from .identity import LoraIdentity, identify
from .paths import blip_folder, captions_dir, lora_path, training_folder
from .settings import LoraSettings
from .train import History, train

KIND = "lora_training"
CAPTIONERS = ("template", "BLIP")
_BLIP_BYTES = 3 * 2**30  # the large model in fp32 (1.9 GB) and a batch of pictures
logger = logging.getLogger("hyponet")


@dataclass(frozen=True)
class Captioning:
    """How Caption Images describes a picture.

    Args:
        captioner: one of CAPTIONERS.
        template: for "template".
        blip_model: for "BLIP": a folder below models/captioners, or a name in the Hugging Face cache.
    """

    captioner: str
    template: str
    blip_model: str

    def name(self) -> str:
        """What is noted beside each caption: another one captions anew."""
        return f"BLIP {self.blip_model}" if self.captioner == "BLIP" else f"template {self.template}"


def caption_images(
    images: Sequence[torch.Tensor], labels: Sequence[str], name: str, captioning: Captioning
) -> list[str]:
    """Write pictures and captions to output/hyponet/lora/<name>; the captions that lie there then.

    Args:
        images: IMAGEs [B,H,W,C], of any sizes.
        labels: one a picture, or one for all.

    Raises:
        ValueError: see `captions.write_folder` and `paths`.
    """
    folder = captions_dir(name)
    pictures = [to_uint8(picture) for batch in images for picture in batch]
    if len(labels) == 1:
        labels = list(labels) * len(pictures)
    captioner = _captioner(captioning)
    return write_folder(folder, pictures, labels, captioner, captioning.name(), progress=progress_bar(len(pictures)))


def _captioner(captioning: Captioning) -> Captioner:
    if captioning.captioner != "BLIP":
        return template_captioner(captioning.template)
    folder = blip_folder(captioning.blip_model)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(_BLIP_BYTES, device)  # ComfyUI makes room for its own models only
    return blip_captioner(folder, str(device))


def captions_fingerprint(name: Any) -> str:
    """Changes when somebody edits a caption of the folder, not when the node itself writes one. Never raises."""
    try:
        return edited_key(captions_dir(name[0]))
    except (ValueError, OSError, TypeError, IndexError):
        return ""


def training_fingerprint(folder: Any, name: Any) -> str:
    """Changes when the folder does, or a LoRA that was trained is gone; not by the training itself. Never raises."""
    try:
        key = folder_key(training_folder(folder)) if folder is not None else ""
        is_gone = name is not None and not lora_path(name).exists() and was_trained(results_dir(), name)
    except (ValueError, OSError):
        return ""
    return f"{key} gone" if is_gone else key


@dataclass(frozen=True)
class LoraJob:
    """One training: from a folder of captioned pictures to a file of the given name, and a result.

    Args:
        folder: of the pictures.
        file: the LoRA.
        results: the folder of all results.
    """

    name: str
    folder: Path
    file: Path
    settings: LoraSettings
    results: Path


class Family(NamedTuple):
    """What kind of model a LoRA is for: "sd1" or "sdxl", and whether it predicts "epsilon" (the noise) or "v"."""

    name: str
    prediction: str


def family_of(model: Any) -> Family:
    """The family of a MODEL.

    Raises:
        ValueError: it is neither SD 1.x nor SDXL, or an inpainting or editing form of them.
        RuntimeError: this ComfyUI has other names for its models.
    """
    config = model.model.model_config
    with comfyui_internals("Train LoRA"):
        families = {"sdxl": comfy.supported_models.SDXL, "sd1": comfy.supported_models.SD15}
        # subclasses of the two that take a picture beside the latents
        edits = (comfy.supported_models.SD15_instructpix2pix, comfy.supported_models.SDXL_instructpix2pix)
        types = comfy.model_base.ModelType
        predictions = {types.EPS: "epsilon", types.V_PREDICTION: "v"}
    prediction = predictions.get(model.model.model_type)
    has_plain_input = config.unet_config.get("in_channels") == 4 and not isinstance(config, edits)
    if prediction is not None and has_plain_input:
        for name, config_class in families.items():
            if isinstance(config, config_class):
                return Family(name, prediction)
    raise ValueError(
        f"model is {type(config).__name__} ({model.model.model_type.name}); expected SD 1.x or SDXL base for text to "
        "image; load such a checkpoint"
    )


def trainable_modules(model: Any) -> dict[str, torch.nn.Module]:
    """Every Linear and 1x1 Conv2d of the UNet's spatial transformers, by name below diffusion_model.

    The layers that kohya's networks.lora trains by default.
    """
    with comfyui_internals("Train LoRA"):
        from comfy.ldm.modules.attention import SpatialTransformer
    modules: dict[str, torch.nn.Module] = {}
    for name, module in model.model.diffusion_model.named_modules():
        if isinstance(module, SpatialTransformer):
            for part, layer in module.named_modules():
                pointwise = isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1)
                if isinstance(layer, torch.nn.Linear) or pointwise:
                    modules[f"{name}.{part}"] = layer
    return modules


def key_map(model: Any) -> dict[str, Any]:
    """ComfyUI's table from names in LoRA files to the UNet's weights."""
    with comfyui_internals("Train LoRA"):
        keys: dict[str, Any] = comfy.lora.model_lora_keys_unet(model.model, {})
    return keys


class UNetDenoiser:
    """The Denoiser of train.py over a loaded UNet. Patches of the sampling such as FreeU are no part of training."""

    def __init__(self, model: Any, examples: Sequence[Example], device: torch.device) -> None:
        self.device = device
        self._model = model
        self._examples = examples
        self._sigmas = model.model_sampling.sigmas.float().to(device) + 0  # a copy that autograd takes

    def noise_like(self, picture: int, generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise [C,h,w] of the picture's latent shape, drawn on the CPU."""
        return torch.randn(self._examples[picture].latent.shape, generator=generator)

    def predict(self, pictures: Sequence[int], timesteps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The noise [B,C,h,w] that the UNet sees in the noised latents, as (z - denoised) / sigma."""
        examples = [self._examples[picture] for picture in pictures]
        latents = torch.stack([example.latent for example in examples]).to(self.device)  # (B, C, h, w)
        sigma = self._sigmas[timesteps.to(self.device)]  # (B,)
        scale = sigma[:, None, None, None]  # (B, 1, 1, 1)
        noisy = latents + noise * scale  # z = x + sigma e: ComfyUI's models take sigma, not alpha-bar
        context = repeat_to_common_length([example.context for example in examples]).to(self.device)  # (B, T, D)
        vectors = [example.vector for example in examples if example.vector is not None]
        denoised = self._model.apply_model(
            noisy,
            sigma,
            c_crossattn=context,
            transformer_options={"sigmas": sigma, "cond_or_uncond": [0]},
            **({"y": torch.cat(vectors).to(self.device)} if vectors else {}),  # (B, features), SDXL's
        )
        predicted: torch.Tensor = (noisy - denoised.float()) / scale  # e' = (z - x') / sigma
        return predicted


@contextmanager
def training(
    model: Any, examples: Sequence[Example], settings: LoraSettings, generator: torch.Generator
) -> Iterator[tuple[UNetDenoiser, dict[str, LoraLayer]]]:
    """The UNet on its device with a new LoRA attached, outside inference mode; afterwards it is unloaded, as it was."""
    with comfyui_internals("Train LoRA"):
        from comfy.ldm.modules.attention import BasicTransformerBlock
        from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
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


def train_lora(model: Any, clip: Any, vae: Any, job: LoraJob) -> tuple[Result, np.ndarray]:
    """Train, save after each epoch, write the result; return it with the loss curve, uint8 [H,W,3].

    A training that the file already holds is not repeated.

    Raises:
        ValueError: the folder, the model or the settings do not serve; nothing is written then.
    """
    settings = job.settings
    family = family_of(model)
    pictures = read_folder(job.folder)
    sizes = settings.bucket_sizes()
    fits = [fit(picture.width, picture.height, sizes) for picture in pictures]
    identity = identify(model, clip, vae, pictures, settings)
    if lora_file.is_finished(job.file, identity.to_json()):
        result = _finished_result(job, identity)
        if result is not None:
            logger.info("%s is trained with these settings already", job.file.name)
            return result, loss_curve(_history(result), job.name)
    examples = encode_examples(model, clip, vae, pictures, fits, progress_bar(len(pictures)))
    history = _train(model, examples, [fit.size for fit in fits], job, _description(job, family, identity, fits))
    measurement = Measurement(
        name=job.name,
        kind=KIND,
        figures={**asdict(history), "epoch_losses": history.epoch_losses(), "steps": len(history.losses)},
        inputs={"folder": job.folder.name, "pictures": len(pictures), "model": family.name, "file": job.file.name},
        settings={
            **asdict(settings),
            "optimizer": "Adafactor",
            "scheduler": "constant",
            "identity": identity.to_json(),
        },
    )
    result = write_result(job.results, measurement)
    return result, loss_curve(history, job.name)


def _description(
    job: LoraJob, family: Family, identity: LoraIdentity, fits: Sequence[Fit]
) -> lora_file.LoraDescription:
    sizes = [fit.size for fit in fits]
    return lora_file.LoraDescription(
        job.settings,
        family.name,
        family.prediction,
        job.file.stem,
        identity.to_json(),
        total_steps=steps_per_epoch(sizes, job.settings.batch_size) * job.settings.epochs,
        buckets=dict(sorted(Counter(sizes).items())),
    )


def _train(
    model: Any,
    examples: Sequence[Example],
    sizes: Sequence[tuple[int, int]],
    job: LoraJob,
    description: lora_file.LoraDescription,
) -> History:
    logger.info(
        "training %s: %d pictures in buckets %s, %d steps",
        job.file.name,
        len(examples),
        description.buckets,
        description.total_steps,
    )
    with torch.inference_mode(False):
        generator = torch.Generator().manual_seed(job.settings.seed)
    with training(model, examples, job.settings, generator) as (denoiser, layers):
        names = lora_file.kohya_names(key_map(model), list(layers), description.family)

        def save(epoch: int, step: int) -> None:
            metadata = description.metadata(epoch, step)
            lora_file.write(job.file, lora_file.file_bytes(lora_file.tensors_of(layers, names), metadata))

        return train(
            denoiser,
            list(layers.values()),
            sizes,
            job.settings,
            generator,
            save_epoch=save,
            progress=progress_bar(description.total_steps),
        )


def was_trained(results: Path, name: str) -> bool:
    """Whether a finished training has left its result under this name."""
    return any((results / name).glob(f"*-{KIND}-*.json"))


def _finished_result(job: LoraJob, identity: LoraIdentity) -> Result | None:
    """The last result of the same training, or None where somebody deleted it."""
    results = [
        result
        for result in read_results(job.results / job.name)
        if result.kind == KIND and result.settings.get("identity") == identity.to_json()
    ]
    return results[-1] if results else None


def _history(result: Result) -> History:
    values = result.figures
    return History(
        tuple(values["losses"]),
        values["steps_per_epoch"],
        values["loss_before"],
        values["loss_after"],
        values["seconds_per_step"],
    )
