"""The 12 data sets of Table 5-9: three models x four techniques, with Tables 5-4, 5-6, 5-7 and 5-8 to the letter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .graph import Flow, Node, OutputSlot, Schemas
from .models import SD14, SD15, SDXL, SDXL_REFINER, LinkedModel, load_checkpoint
from .pieces import contact_sheet, generate, read_me

CLASSES = ("automobile", "cat", "horse", "ship", "truck")
WITHOUT_COLOR = ("cat", "horse")

# Table 5-7, a weight written as ComfyUI does: (phrase:1.4)
FP = "best quality, 8k, realistic, (photo-realistic:1.4)"
FN = (
    "(worst quality:1.4), (low quality:1.4), (normal quality:1.4), (watermark:1.4), (nsfw:1.4), drawings, abstract "
    "art, cartoons, surrealist painting, conceptual drawing, graphics, bad proportions, human, person, people, man, "
    "woman, girl, boy"
)
# Table 5-8
WITH_COLOR = f"__thesis/view__ of a __thesis/color__ (__hyponym__:1.4) in __thesis/location__, {FP}"
PLAIN = f"__thesis/view__ of a (__hyponym__:1.4) in __thesis/location__, {FP}"
CLASS_ALONE = "__class__"
# Table 5-6
SAMPLING = {"steps": 30, "cfg": 7.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
SWITCH = 0.8
PER_CLASS = 5000


@dataclass(frozen=True)
class Model:
    """One of the thesis's models, with its row of Table 5-4."""

    key: str
    label: str
    file: LinkedModel
    size: int
    freeu: dict[str, float]
    batch: int
    refiner: LinkedModel | None = None


_FREEU_SD = {"b1": 1.2, "b2": 1.4, "s1": 0.9, "s2": 0.2}
_FREEU_SDXL = {"b1": 1.1, "b2": 1.2, "s1": 0.6, "s2": 0.4}
MODELS = (
    Model("sd14", "SD 1.4", SD14, 512, _FREEU_SD, 8),
    Model("sd15", "SD 1.5", SD15, 512, _FREEU_SD, 8),
    Model("sdxl", "SDXL with refiner", SDXL, 1024, _FREEU_SDXL, 4, SDXL_REFINER),
)
TECHNIQUES = {
    "none": "The class name alone, no negative: what a plain prompt gives.",
    "freeu": "The class name alone, with FreeU (version 1) at the thesis's scales.",
    "lora": "View, colour, kind and place, no negative, with the LoRA trained on CIFAR-10 pictures.",
    "hyponet": "View, colour, kind and place, with the negative prompt: the thesis's own way.",
}
NAMES = {"none": "none", "freeu": "FreeU", "lora": "LoRA", "hyponet": "HypoNet"}


def lora_file(model: Model) -> str:
    """The LoRA that the workflow of Table 5-5 trains for a model."""
    return f"hyponet-cifar10-{model.key}"


def class_lines(*, with_prompts: bool) -> str:
    """The five classes for Classes from Text; with the thesis's lists, and no colour for cat and horse."""
    if not with_prompts:
        return "\n".join(CLASSES)
    lines = []
    for name in CLASSES:
        template = f"; template: {PLAIN}" if name in WITHOUT_COLOR else ""
        lines.append(f"{name}: __thesis/{name}__{template}")
    return "\n".join(lines)


def plan_stage(flow: Flow, technique: str, *, per_class: int = PER_CLASS) -> Node:
    """Classes and plan of a technique."""
    prompts = technique in ("lora", "hyponet")
    classes = flow.add(
        "HypoNetClassesFromText", text=class_lines(with_prompts=prompts), kinds_of_words=False, box=(480, 0)
    )
    return flow.add(
        "HypoNetPlanDataset",
        classes=classes["classes"],
        template=WITH_COLOR if prompts else CLASS_ALONE,
        negative=FN if technique == "hyponet" else "",
        coverage="random",
        images_per_class=per_class,
        box=(480, 0),
    )


def patched(flow: Flow, model: Model, technique: str, loader: Node) -> tuple[OutputSlot, OutputSlot]:
    """MODEL and CLIP of the loader behind FreeU or the LoRA."""
    if technique == "freeu":
        return flow.add("FreeU", model=loader["MODEL"], **model.freeu)["MODEL"], loader["CLIP"]
    if technique == "lora":
        lora = flow.add(
            "LoraLoader", model=loader["MODEL"], clip=loader["CLIP"], lora_name=f"{lora_file(model)}.safetensors"
        )
        return lora["MODEL"], lora["CLIP"]
    return loader["MODEL"], loader["CLIP"]


def refined(flow: Flow, model: Model) -> dict[str, object]:
    """The refiner's inputs of Generate Dataset, for a model that has one."""
    if model.refiner is None:
        return {}
    refiner = load_checkpoint(flow, model.refiner, "Load Refiner")
    return {"refiner_model": refiner["MODEL"], "refiner_clip": refiner["CLIP"], "switch_at": SWITCH}


def data_set(model: Model, technique: str, schemas: Schemas) -> Flow:
    """One cell of Table 5-9."""
    name = f"{model.key}-{technique}"
    title = f"Table 5-9: {model.label}, {NAMES[technique]}"
    flow = Flow(f"hyponet_table_5_9_{model.key}_{technique}", title, schemas)
    needs = " Train that first with *Table 5-5*." if technique == "lora" else ""
    read_me(
        flow,
        f"One of the 12 data sets of Table 5-9: five classes, 5,000 pictures each. {TECHNIQUES[technique]}{needs}",
        [
            "**Dataset Plan**: images per class. 100 shows what the set will be like; more later extends it.",
            "**Generate Dataset**: batch size, as much as the GPU's memory takes. It changes no picture.",
            "Everything else is the thesis's. coverage is `random` (its algorithm 3-1); `balanced` is the better one.",
        ],
        f"The set lies in `output/datasets/{name}`. Train and test on it with *Table 5-9: train and test*, measure it "
        "with *Table 5-11* and *Table 5-12*. A run that was stopped resumes when it is queued again.",
    )
    flow.stage("1  Classes and plan (Tables 5-3, 5-7, 5-8)")
    plan = plan_stage(flow, technique)
    flow.stage("2  Model" + {"freeu": " and FreeU (Table 5-4)", "lora": " and LoRA (Table 5-5)"}.get(technique, ""))
    loader = load_checkpoint(flow, model.file)
    patched_model, clip = patched(flow, model, technique, loader)
    refiner = refined(flow, model)
    flow.stage("3  Pictures (Table 5-6)")
    generated = generate(
        flow,
        patched_model,
        loader,
        plan["plan"],
        name,
        clip=clip,
        width=model.size,
        height=model.size,
        batch_size=model.batch,
        **SAMPLING,
        **refiner,
    )
    flow.column()
    contact_sheet(flow, generated["dataset"], order="interleaved", caption="label")
    return flow


FLOWS: list[Callable[[Schemas], Flow]] = [
    partial(data_set, model, technique) for model in MODELS for technique in TECHNIQUES
]
