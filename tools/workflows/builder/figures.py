"""The thesis's pictures: Figures 3-1 to 3-10 and 4-2 to 4-17."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .graph import Flow, Node, OutputSlot, Schemas
from .models import SD15, load_checkpoint, load_classifier
from .pieces import chain_classes, contact_sheet, generate, pictures_stage, read_me, show_answer
from .thesis_sets import CLASSES, FP, MODELS, PLAIN, SAMPLING, TECHNIQUES, WITH_COLOR, Model, lora_file


def figure_3_1(schemas: Schemas) -> Flow:
    flow = Flow(
        "hyponet_thesis_figure_3_1_3_2_dynamic_prompts",
        "Figures 3-1 and 3-2: without and with dynamic prompts",
        schemas,
    )
    read_me(
        flow,
        "The same class twice, with the same seeds: above by its bare name (3-1), below with view, colour, kind and "
        "place from wildcards (3-2).",
        [
            "**Class**: another class; `__thesis/cat__`, horse, ship and truck are there as well.",
            "**Plan 3-1**, **Plan 3-2**: images per class; the template of the lower one.",
        ],
        "The upper sheet repeats one kind of car in one kind of scene however the noise differs; the lower one "
        "varies in kind, place and viewpoint. *Diversity* in Table 5-12's workflow puts a number on it.",
    )
    flow.stage("1  Class and model")
    classes = chain_classes(flow, [{"class_name": "automobile", "hyponym_wildcard": "thesis/automobile"}])
    loader = load_checkpoint(flow, SD15)
    sides = {"3-1 without": ("__class__", "figure-3-1"), "3-2 with": (WITH_COLOR, "figure-3-2")}
    plans: dict[str, Node] = {}
    flow.stage("2  Two plans, one seed")
    for side, (template, _) in sides.items():
        plans[side] = flow.add(
            "HypoNetPlanDataset",
            f"Plan {side}",
            classes=classes,
            template=template,
            negative="",
            coverage="random",
            images_per_class=16,
        )
    flow.stage("3  Two sets")
    for side, (_, name) in sides.items():
        generated = generate(flow, loader["MODEL"], loader, plans[side]["plan"], name, **SAMPLING)
        generated.title = f"Generate {side}"
        flow.column()
        contact_sheet(flow, generated["dataset"], title=f"Figure {side}", columns=4, rows=4, cell=160, caption="none")
        flow.column()
    return flow


def figure_3_3(schemas: Schemas) -> Flow:
    flow = Flow(
        "hyponet_thesis_figure_3_3_to_3_5_negative", "Figures 3-3 to 3-5: what a negative prompt is for", schemas
    )
    read_me(
        flow,
        "Three pictures from one seed. 3-3: a portrait of a man. 3-4: the same `without mustache`, which tends to "
        "draw one. 3-5: `mustache` in the negative prompt, which takes it away.",
        [
            "**Sample Figure 3-3** and the two others: the same seed in each, or another.",
            "The three texts.",
        ],
        "Look for the mustache: a diffusion model reads `without mustache` as `mustache`. Only the negative prompt "
        "steers away from a word. So a word to be avoided never belongs into a template.",
    )
    flow.stage("1  Model")
    loader = load_checkpoint(flow, SD15)
    latent = flow.add("EmptyLatentImage", width=512, height=512, batch_size=1)
    flow.stage("2  Texts")
    texts = {
        "3-3 positive": "Portrait photo of a man.",
        "3-4 positive": "Portrait photo of a man without mustache.",
        "3-5 negative": "mustache.",
        "no negative": "",
    }
    encoded = {
        name: flow.add("CLIPTextEncode", name, text=text, clip=loader["CLIP"], box=(420, 130))
        for name, text in texts.items()
    }
    flow.stage("3  One seed, three pictures")
    pairs = {
        "Figure 3-3": ("3-3 positive", "no negative"),
        "Figure 3-4": ("3-4 positive", "no negative"),
        "Figure 3-5": ("3-3 positive", "3-5 negative"),
    }
    for figure, (positive, negative) in pairs.items():
        sample(flow, figure, loader["MODEL"], loader, encoded[positive], encoded[negative], latent)
        flow.column()
    return flow


def sample(
    flow: Flow, figure: str, model: OutputSlot, loader: Node, positive: Node, negative: Node, latent: Node
) -> None:
    """A native sampler at Table 5-6's settings, and its picture."""
    sampled = flow.add(
        "KSampler",
        f"Sample {figure}",
        model=model,
        positive=positive["CONDITIONING"],
        negative=negative["CONDITIONING"],
        latent_image=latent["LATENT"],
        seed=1,
        steps=30,
        cfg=7.5,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
    )
    picture = flow.add("VAEDecode", f"Decode {figure}", samples=sampled["LATENT"], vae=loader["VAE"])
    prefix = figure.lower().replace(" ", "_").replace("-", "_")
    flow.add("SaveImage", figure, images=picture["IMAGE"], filename_prefix=f"hyponet/figures/{prefix}")


def figure_3_7(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_figure_3_7_freeu", "Figure 3-7: without and with FreeU", schemas)
    read_me(
        flow,
        "The same prompts and seeds through SD 1.5 as it is, and through SD 1.5 with FreeU at Table 5-4's scales. "
        "FreeU strengthens the U-Net's backbone and weakens its skip connections at sampling time; nothing is trained.",
        [
            "**FreeU**: b1, b2 for the backbone, s1, s2 for the skips. At 1, 1, 1, 1 it does nothing.",
            "**Class** and the plan's template.",
        ],
        "The pictures below are clearer and more saturated. In the thesis sets made with FreeU trained *worse* "
        "classifiers (Table 5-9) in spite of it: what looks good is not what teaches.",
    )
    flow.stage("1  Class, plan, model")
    classes = chain_classes(flow, [{"class_name": "cat", "hyponym_wildcard": "thesis/cat"}])
    plan = flow.add(
        "HypoNetPlanDataset",
        classes=classes,
        template=PLAIN,
        negative="",
        coverage="random",
        images_per_class=16,
    )
    flow.column()
    loader = load_checkpoint(flow, SD15)
    freeu = flow.add("FreeU", model=loader["MODEL"], **MODELS[1].freeu)
    flow.stage("2  Without and with")
    for title, model, name in (
        ("without FreeU", loader["MODEL"], "figure-3-7-without"),
        ("with FreeU", freeu["MODEL"], "figure-3-7-with"),
    ):
        generated = generate(flow, model, loader, plan["plan"], name, **SAMPLING)
        generated.title = f"Generate {title}"
        flow.column()
        contact_sheet(flow, generated["dataset"], title=f"3-7 {title}", columns=4, rows=4, cell=160, caption="none")
        flow.column()
    return flow


def figure_3_8(schemas: Schemas) -> Flow:
    flow = Flow(
        "hyponet_thesis_figure_3_8_to_3_10_lora", "Figures 3-8 to 3-10: SD 1.5, CIFAR-10, SD 1.5 with the LoRA", schemas
    )
    read_me(
        flow,
        "3-8: pictures of SD 1.5. 3-9: CIFAR-10's own training pictures. 3-10: the same prompts and seeds as 3-8, with "
        "the LoRA that was trained on CIFAR-10 pictures.",
        [
            "Train the LoRA first with *Table 5-5*.",
            "**CIFAR-10 train**: where CIFAR-10 lies below `input`, or switch its download on.",
            "**Load LoRA**: the strengths.",
        ],
        "The LoRA takes on the look of CIFAR-10: blurred, centred, plain backgrounds. In the thesis such sets came "
        "nearer to CIFAR-10 for SD 1.5 by FID (26.08, Table 5-11) and yet trained the weakest classifiers.",
    )
    flow.stage("1  Classes, plan, models")
    plain = [
        {
            "class_name": name,
            "hyponym_wildcard": f"thesis/{name}",
            "template": PLAIN if name in ("cat", "horse") else "",
        }
        for name in ("automobile", "cat", "ship")
    ]
    classes = chain_classes(flow, plain)
    flow.column()
    plan = flow.add(
        "HypoNetPlanDataset",
        classes=classes,
        template=WITH_COLOR,
        negative="",
        coverage="random",
        images_per_class=10,
    )
    loader = load_checkpoint(flow, SD15)
    lora = flow.add(
        "LoraLoader",
        model=loader["MODEL"],
        clip=loader["CLIP"],
        lora_name=f"{lora_file(MODELS[1])}.safetensors",
    )
    flow.stage("3-8  SD 1.5")
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], "figure-3-8", **SAMPLING)
    generated.title = "Generate 3-8"
    contact_sheet(flow, generated["dataset"], title="Figure 3-8", columns=10, rows=3, caption="none")
    flow.stage("3-9  CIFAR-10 train")
    real = flow.add(
        "HypoNetLoadLabelledImages", "CIFAR-10 train", source="CIFAR-10", path="cifar-10-batches-bin", split="train"
    )
    flow.add("PreviewImage", "Figure 3-9", images=real["sheet"])
    flow.stage("3-10  SD 1.5 with LoRA")
    generated = generate(flow, lora["MODEL"], loader, plan["plan"], "figure-3-10", clip=lora["CLIP"], **SAMPLING)
    generated.title = "Generate 3-10"
    contact_sheet(flow, generated["dataset"], title="Figure 3-10", columns=10, rows=3, caption="none")
    return flow


def figure_4_2(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_figure_4_2_hyponyms", "Figure 4-2: HypoNet and Stable Diffusion", schemas)
    read_me(
        flow,
        "Chapter 4 in one picture: a sample goes in, its class and hypernym are found, the hypernym's hyponyms become "
        "prompts, and each prompt a picture of another kind.",
        [
            "**Sample picture**: any picture of something that ImageNet knows.",
            "mode `thesis` looks the label up as the thesis did; `exact` goes by the class's own WordNet id.",
            "**Dataset Plan**: images per class.",
        ],
        "Each picture is captioned with its prompt. Kinds that the model does not know come out as the class in "
        "general: such words add little and can go into a list of your own without them.",
    )
    flow.stage("1  Sample picture")
    picture = flow.add("LoadImage", "Sample picture", image="example.png")
    flow.stage("2  HypoNet")
    classifier = load_classifier(flow)
    hyponyms = flow.add("HypoNetHyponymsOfImage", classifier=classifier["classifier"], image=picture["IMAGE"])
    flow.column()
    show_answer(hyponyms, 400)
    flow.stage("3  Prompts")
    classes = chain_classes(flow, [{"hyponyms": hyponyms["hyponyms"]}])
    plan = flow.add(
        "HypoNetPlanDataset",
        classes=classes,
        template=f"(__hyponym__:1.4), {FP}",
        negative="",
        coverage="balanced",
        images_per_class=20,
    )
    generated = pictures_stage(flow, "4  Pictures", plan, "figure-4-2", **SAMPLING)
    contact_sheet(flow, generated["dataset"], title="Figure 4-2", columns=5, rows=4, cell=192, caption="prompt")
    return flow


def figure_4_sheets(model: Model, first: int, schemas: Schemas) -> Flow:
    name = f"{model.key}-hyponet"
    flow = Flow(
        f"hyponet_thesis_figure_4_{first}_to_4_{first + 4}_{model.key}",
        f"Figures 4-{first} to 4-{first + 4}: 100 pictures of each class, {model.label}",
        schemas,
    )
    read_me(
        flow,
        f"The thesis's sheets of 100 pictures a class, from the set `{name}` of Table 5-9. Nothing is generated here.",
        [
            f"Make the set {model.label}, {TECHNIQUES['hyponet']}, first with *Table 5-9: the twelve data sets*; 100 "
            "images per class are enough.",
            "**Load Dataset**: another set.",
            "**Sheet**: caption `prompt` shows what each was asked to be.",
        ],
        "Look for pictures that do not show their class, and for kinds that never come. The sheets are saved beside "
        "the set as well.",
    )
    flow.stage("1  The set")
    loaded = flow.add("HypoNetLoadDataset", name=name)
    flow.add("HypoNetSummarizeDataset", dataset=loaded["dataset"])
    for number, label in enumerate(CLASSES):
        flow.stage(f"Figure 4-{first + number}: {label}")
        contact_sheet(flow, loaded["dataset"], title=f"Sheet {label}", only_class=label, caption="none")
    return flow


FLOWS: list[Callable[[Schemas], Flow]] = [
    figure_3_1,
    figure_3_3,
    figure_3_7,
    figure_3_8,
    figure_4_2,
    *(partial(figure_4_sheets, model, 3 + 5 * number) for number, model in enumerate(MODELS)),
]
