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
SWITCHED_ON = "sd15-hyponet"  # of the twelve sets in one graph
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
TECHNIQUES = {"none": "none", "freeu": "FreeU", "lora": "LoRA", "hyponet": "HypoNet"}


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
    """One cell of Table 5-9, for programs; people open `all_sets`."""
    title = f"Table 5-9: {model.label}, {TECHNIQUES[technique]}"
    flow = Flow(f"hyponet_thesis_table_5_9_{model.key}_{technique}", title, schemas, api_only=True)
    flow.stage("1  Classes and plan (Tables 5-3, 5-7, 5-8)")
    plan = plan_stage(flow, technique)
    flow.stage("2  Model")
    loader = load_checkpoint(flow, model.file)
    refiner = refined(flow, model)
    flow.stage("3  Pictures")
    generated = make_set(flow, model, technique, loader, plan, refiner)
    contact_sheet(flow, generated["dataset"], order="interleaved", caption="label")
    return flow


def make_set(
    flow: Flow, model: Model, technique: str, loader: Node, plan: Node, refiner: dict[str, object], title: str = ""
) -> Node:
    """Generate Dataset at the thesis's settings (Table 5-6), behind FreeU or the LoRA."""
    patched_model, clip = patched(flow, model, technique, loader)
    node = generate(
        flow,
        patched_model,
        loader,
        plan["plan"],
        f"{model.key}-{technique}",
        clip=clip,
        width=model.size,
        height=model.size,
        batch_size=model.batch,
        **SAMPLING,
        **refiner,
    )
    node.title = title
    return node


def all_sets(schemas: Schemas) -> Flow:
    """The twelve sets in one graph, of which one is switched on."""
    flow = Flow("hyponet_thesis_table_5_9_sets", "Table 5-9: the twelve data sets", schemas)
    read_me(
        flow,
        "Three models, four techniques, five classes of 5,000 pictures each. One set is switched on: SD 1.5, HypoNet. "
        "For programs each set has a file of its own in `workflows/api`.",
        [
            "Another set: select its node (**SD 1.5, LoRA**) and all that leads to it (classes and plan, model, FreeU "
            "or LoRA, refiner) and press Ctrl+M. Ctrl+M on the first set switches that off.",
            "**Dataset Plan**: images per class. 100 shows what the set will be like; more later extends it.",
            "batch size, as much as the GPU's memory takes; it changes rounding alone. Everything else is the "
            "thesis's.",
        ],
        "Each set lies in `output/datasets` by its name, such as `sd15-hyponet`. LoRA: train it first with *Table "
        "5-5*. Train and test with *Table 5-9: train and test*, measure with *Table 5-11* and *Table 5-12*.",
    )
    flow.stage("Plans (Tables 5-3, 5-7, 5-8)", below=True)
    plans = {technique: plan_stage(flow, technique) for technique in ("none", "lora", "hyponet")}
    plans["freeu"] = plans["none"]
    switched_on = {plans["hyponet"].id, plans["hyponet"].links["classes"].node}
    for node in flow.nodes[1:]:
        node.is_muted = node.id not in switched_on
    for model in MODELS:
        flow.stage(model.label)
        first = len(flow.nodes)
        loader = load_checkpoint(flow, model.file)
        refiner = refined(flow, model)
        for technique, label in TECHNIQUES.items():
            flow.column()
            make_set(flow, model, technique, loader, plans[technique], refiner, f"{model.label}, {label}")
        for node in flow.nodes[first:]:
            is_on = model.key == "sd15" and (node is loader or node.values.get("name") == SWITCHED_ON)
            node.is_muted = not is_on
    return flow


FLOWS: list[Callable[[Schemas], Flow]] = [
    *(partial(data_set, model, technique) for model in MODELS for technique in TECHNIQUES),
    all_sets,
]
