"""Workflows 15 to 21: today's families, each by its native loaders at its usual settings, from words to a set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .graph import Flow, Node, Schemas
from .models import HUB, LinkedModel, load_checkpoint
from .pieces import read_me, show_answer

WORDS = "fox\nlighthouse; omit: sentence/color"
SENTENCES = (
    "A photograph of one __hyponym__, a kind of __class__, __sentence/place__, __sentence/view__. __sentence/color__ "
    "__sentence/light__"
)
TAGS = "photo of a __hyponym__, a __class__, in __location__, __view__, realistic"


def _file(address: str, directory: str) -> LinkedModel:
    return LinkedModel(address.rpartition("/")[2], f"{HUB}/{address}", directory)


def _network(address: str) -> LinkedModel:
    return _file(address, "diffusion_models")


def _text(address: str) -> LinkedModel:
    return _file(address, "text_encoders")


CLIP_L = _text("comfyanonymous/flux_text_encoders/resolve/main/clip_l.safetensors")
CLIP_G = _text("Comfy-Org/stable-diffusion-3.5-fp8/resolve/main/text_encoders/clip_g.safetensors")
T5 = _text("comfyanonymous/flux_text_encoders/resolve/main/t5xxl_fp16.safetensors")
FLUX_VAE = _file("Comfy-Org/z_image_turbo/resolve/main/split_files/vae/ae.safetensors", "vae")


@dataclass(frozen=True)
class Family:
    """One family's usual graph.

    Args:
        name: of the workflow behind its number, and of its set.
        title: for people.
        about: what is different with it, for the note.
        model: of diffusion_models, or a checkpoint, which has a VAE, and text encoders where `clips` is empty.
        clips: text encoders.
        clip_type: of their loader.
        vae: None where the checkpoint has it.
        settings: of Generate Dataset.
        patch: a node of the model's shift, and its widgets.
        template: of the plan.
        guidance: of Sampling Options, where the network has it as an input.
    """

    name: str
    title: str
    about: str
    model: LinkedModel
    clips: tuple[LinkedModel, ...]
    clip_type: str
    vae: LinkedModel | None
    settings: dict[str, Any]
    patch: tuple[str, dict[str, Any]] | None = None
    template: str = SENTENCES
    guidance: float | None = None


def _settings(steps: int, cfg: float, sampler: str, scheduler: str, side: int = 1024) -> dict[str, Any]:
    sampling = {"steps": steps, "cfg": cfg, "sampler_name": sampler, "scheduler": scheduler}
    return {"width": side, "height": side, **sampling, "batch_size": 4}


FAMILIES = (
    Family(
        "15_z_image_turbo",
        "Z-Image Turbo: words become a set",
        "Distilled to 8 steps at cfg 1, so a negative prompt does nothing. Its seed hardly varies a picture; the "
        "prompt does.",
        _network("Comfy-Org/z_image_turbo/resolve/main/split_files/diffusion_models/z_image_turbo_bf16.safetensors"),
        (_text("Comfy-Org/z_image_turbo/resolve/main/split_files/text_encoders/qwen_3_4b.safetensors"),),
        "lumina2",
        FLUX_VAE,
        _settings(8, 1.0, "res_multistep", "simple"),
        ("ModelSamplingAuraFlow", {"shift": 3.0}),
    ),
    Family(
        "16_qwen_image",
        "Qwen-Image: words become a set",
        "Follows long descriptions closely; its seed varies a picture less than a change of the prompt. With a "
        "Lightning LoRA: 4 or 8 steps, cfg 1.",
        _network(
            "Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/diffusion_models/qwen_image_fp8_e4m3fn.safetensors"
        ),
        (
            _text(
                "Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/text_encoders/"
                "qwen_2.5_vl_7b_fp8_scaled.safetensors"
            ),
        ),
        "qwen_image",
        _file("Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/vae/qwen_image_vae.safetensors", "vae"),
        _settings(20, 2.5, "euler", "simple"),
        ("ModelSamplingAuraFlow", {"shift": 3.1}),
    ),
    Family(
        "17_flux1_dev",
        "FLUX.1 dev: words become a set",
        "Has its guidance as an input of the network (**Sampling Options**), so cfg stays 1 and a negative prompt does "
        "nothing.",
        _network("Comfy-Org/flux1-dev/resolve/main/flux1-dev.safetensors"),
        (CLIP_L, T5),
        "flux",
        FLUX_VAE,
        _settings(20, 1.0, "euler", "simple"),
        guidance=3.5,
    ),
    Family(
        "18_flux1_schnell",
        "FLUX.1 schnell: words become a set",
        "Distilled to 4 steps at cfg 1, so a negative prompt does nothing.",
        _network("Comfy-Org/flux1-schnell/resolve/main/flux1-schnell.safetensors"),
        (CLIP_L, T5),
        "flux",
        FLUX_VAE,
        _settings(4, 1.0, "euler", "simple"),
    ),
    Family(
        "19_flux2_dev",
        "FLUX.2 dev: words become a set",
        "Sizes are multiples of 16. cfg stays 1, and a negative prompt does nothing. Klein: its own files, 4 steps.",
        _network("Comfy-Org/flux2-dev/resolve/main/split_files/diffusion_models/flux2_dev_fp8mixed.safetensors"),
        (_text("Comfy-Org/flux2-dev/resolve/main/split_files/text_encoders/mistral_3_small_flux2_bf16.safetensors"),),
        "flux2",
        _file("Comfy-Org/flux2-dev/resolve/main/split_files/vae/flux2-vae.safetensors", "vae"),
        _settings(20, 1.0, "euler", "simple"),
        guidance=4.0,
    ),
    Family(
        "20_sd35",
        "Stable Diffusion 3.5: words become a set",
        "Three text encoders; a negative prompt and cfg act as usual. Large Turbo: 4 steps at cfg 1.",
        _file("stabilityai/stable-diffusion-3.5-large/resolve/main/sd3.5_large.safetensors", "checkpoints"),
        (CLIP_L, CLIP_G, T5),
        "sd3",
        None,
        _settings(20, 4.0, "euler", "sgm_uniform"),
        ("ModelSamplingSD3", {"shift": 3.0}),
    ),
    Family(
        "21_sdxl_lightning",
        "SDXL Lightning: words become a set",
        "Distilled to 4 steps at cfg 1. SDXL Turbo: its checkpoint, 512 pixels, 1 to 4 steps, euler_ancestral with "
        "normal. Prompts are tags, as for SDXL.",
        _file("ByteDance/SDXL-Lightning/resolve/main/sdxl_lightning_4step.safetensors", "checkpoints"),
        (),
        "",
        None,
        _settings(4, 1.0, "euler", "sgm_uniform"),
        template=TAGS,
    ),
)


def _flow(family: Family) -> Callable[[Schemas], Flow]:
    def make(schemas: Schemas) -> Flow:
        flow = Flow(f"hyponet_{family.name}", family.title, schemas)
        prompts = "written in sentences" if family.template == SENTENCES else "in tags"
        read_me(
            flow,
            f"{family.about} Generate Dataset stands where the graph otherwise has its sampler; everything before it "
            "is native.",
            [
                "The loaders: files that you have. Another form of a file, such as GGUF by its own loader, fits too.",
                "**Classes from Text**: your words, one a line.",
                f"**Dataset Plan**: images per class; the template, {prompts}.",
            ],
            "**Generate Dataset** says what in its settings is unusual for this model, whether prompts repeat, and "
            "which of them could not share a batch. LoRAs go between the loader and it.",
        )
        flow.stage("1  Words", below=True)
        words = WORDS if family.template == SENTENCES else WORDS.split(";")[0]
        classes = flow.add("HypoNetClassesFromText", text=words)
        show_answer(classes, 150)
        flow.stage("2  Plan")
        plan = flow.add(
            "HypoNetPlanDataset",
            classes=classes["classes"],
            images_per_class=100,
            template=family.template,
            negative="" if family.settings["cfg"] <= 1 else "blurry, distorted, text, watermark",
        )
        flow.stage("3  The model")
        model, clip, vae = _load(flow, family)
        if family.patch is not None:
            kind, widgets = family.patch
            model = flow.add(kind, model=model["MODEL"], **widgets)
        links = {"model": model["MODEL"], "clip": clip["CLIP"], "vae": vae["VAE"], "plan": plan["plan"]}
        if family.guidance is not None:
            links["options"] = flow.add("HypoNetSamplingOptions", guidance=family.guidance)["options"]
        flow.stage("4  The pictures")
        name = family.name.partition("_")[2]
        generated = flow.add("HypoNetGenerateDataset", name=name, **links, **family.settings)
        show_answer(generated, 150)
        return flow

    return make


def _load(flow: Flow, family: Family) -> tuple[Node, Node, Node]:
    """The nodes that give MODEL, CLIP and VAE."""
    if family.vae is None:
        model = vae = load_checkpoint(flow, family.model)
    else:
        model = flow.add("UNETLoader", unet_name=family.model.name)
        vae = flow.add("VAELoader", vae_name=family.vae.name)
        model.models.append(family.model.as_property())
        vae.models.append(family.vae.as_property())
    if not family.clips:
        return model, model, vae
    kind = {1: "CLIPLoader", 2: "DualCLIPLoader", 3: "TripleCLIPLoader"}[len(family.clips)]
    numbers = [""] if len(family.clips) == 1 else [str(number + 1) for number in range(len(family.clips))]
    widgets = {f"clip_name{number}": file.name for number, file in zip(numbers, family.clips, strict=True)}
    if len(family.clips) < 3:
        widgets["type"] = family.clip_type
    clip = flow.add(kind, **widgets)
    clip.models += [file.as_property() for file in family.clips]
    return model, clip, vae


FLOWS: list[Callable[[Schemas], Flow]] = [_flow(family) for family in FAMILIES]
