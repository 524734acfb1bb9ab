"""Workflows 4 and 7 to 10: what a set is for. A classifier, real and generated pictures, a LoRA, metrics, two sets."""

from __future__ import annotations

from typing import Any

from .graph import Flow, Node, OutputSlot, Schemas
from .metrics import features
from .models import FID_NETWORK, SD15, load_checkpoint
from .pieces import WIDE_NOTE, collapsed, generate, read_me, show_answer
from .recipes import OWN, SERVED

OWN_WORDS = (
    "# one class a line; its kinds are\n# WordNet's or follow a colon\nmug\nbowl\n"
    "teapot: glass teapot, iron teapot, china teapot"
)
NARROW = 262  # six columns on a screen
SET, OTHER_SET, PHOTOS = "own_classes", "other_set", "my_photos"
# what tools/workflows/inputs.py lays for `dev.py serve`, in place of sets and photos of one's own
MADE = {"source": "image folder", "path": "made_pictures"}
MADE_OTHERWISE = {"source": "image folder", "path": "other_pictures"}
REAL = {"path": "real_pictures"}


def own_classes(schemas: Schemas) -> Flow:
    title = "Own classes: set, classifier, test, report"
    flow = Flow("hyponet_04_own_classes_to_classifier", title, schemas, width=NARROW)
    read_me(
        flow,
        "From words to a classifier that has seen no photo, and its test on a fifth of the set.",
        [
            "**Classes from Text**: your classes; **Load Checkpoint**: your model.",
            "**Real photos**: a folder below `input` with `<class>/*.jpg`. Unmute it (Ctrl+M): only real photos say "
            "what the set is worth.",
            "**Train Classifier**: start downloads ImageNet's weights once (45 MB); `scratch` needs none.",
        ],
        "**Test Classifier**: accuracy, its 95 % interval, the surest mistakes. **Report** has a button for its page.",
    )
    flow.stage("1  Classes", below=True)
    classes = flow.add("HypoNetClassesFromText", text=OWN_WORDS, served={"text": "ship\ntruck\nhorse; omit: color"})
    flow.stage("2  Plan and model")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=200)
    loader = load_checkpoint(flow, SD15)
    loader.box = (NARROW, 106)  # the canvas's, since 1.49.6 fits the collapsed nodes below it at their full size
    parts = flow.stage("4  Two parts of it", below=True)
    flow.stage("3  The set")
    made = generate(flow, loader["MODEL"], loader, plan["plan"], SET, cfg=2.0)
    flow.return_to(parts)
    images = collapsed(flow.add("HypoNetLoadLabelledImages", "The set's pictures", dataset=made["dataset"]))
    divided = collapsed(flow.add("HypoNetSplitImages", "4/5 and 1/5 of them", images=images["images"]))
    flow.stage("5  A classifier")
    trained = train(flow, divided["first"], SET)
    flow.stage("6  Real photos")
    photos = load_photos(flow, "Real photos (Ctrl+M)")
    photos.is_muted = True
    flow.stage("7  The test", below=True)
    tested = flow.add(
        "HypoNetTestClassifier",
        checkpoint=trained["classifier"],
        images=divided["rest"],
        images_2=photos["images"],
        name=SET,
    )
    flow.stage("8  The report")
    report(flow, SET, "Own classes", {"result_1": trained["result"], "result_2": tested["result"]})
    return flow


def augment(schemas: Schemas) -> Flow:
    title = "Real photos, with and without generated pictures"
    flow = Flow("hyponet_07_augment_real_pictures", title, schemas, width=NARROW)
    read_me(
        flow,
        "One classifier is trained on your photos, one on photos and set; both are compared on photos that neither "
        "saw.",
        [
            "**Real photos**: a folder below `input` with `<class>/*.jpg`; half of them are kept for the test.",
            "**Generated set**: path of a set of the same classes, such as workflow 4's.",
            "**Photos and generated**: how many per class are added; -1 adds all.",
        ],
        "**Compare Classifiers** has both accuracies and McNemar's test. Give both as many steps: with more pictures, "
        "fewer epochs.",
        width=308,
    )
    flow.stage("1  Pictures", below=True)
    photos = load_photos(flow)
    flow.stage("2  What to train on")
    made = load_set(flow, "Generated set", SET, MADE)
    divided = flow.add("HypoNetSplitImages", "Photos to train, to test", images=photos["images"], share=0.5)
    both = flow.add("HypoNetMergeImages", "Photos and generated", images=divided["first"], added=made["images"])
    flow.stage("3  Photos alone")
    alone = train(flow, divided["first"], "photos", "Train on photos")
    flow.stage("4  Photos and set")
    added = train(flow, both["images"], "photos-and-set", "Train on both")
    flow.stage("5  Differ?")
    compare(flow, alone, added, divided["rest"], "augmentation", "Photos with and without the set", "6  The report")
    return flow


def own_lora(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_08_train_a_lora", "A LoRA on photos of your own", schemas)
    read_me(
        flow,
        "Photos are taken from class folders, resized and captioned, and a LoRA learns their look. With "
        "**Load LoRA** between checkpoint and **Generate Dataset** your sets then look like them.",
        [
            "**Real photos**: a folder below `input` with `<class>/*.jpg`; 20 a class will do.",
            "**Caption Images**: a template or `BLIP`. Captions that you edit in `output/hyponet/lora` are kept.",
            "**Load Checkpoint**: SD 1.x, or SDXL with 1024 pixels as both sizes.",
        ],
        "**LoRA Training** shows the loss and writes `models/loras/my_photos.safetensors`; press R, and **Load LoRA** "
        "lists it. Stopped, it goes on where it was.",
        width=WIDE_NOTE,
    )
    flow.stage("1  Photos", below=True)
    photos = load_photos(flow)
    flow.stage("2  Captioned")
    drawn = flow.add("HypoNetSampleImages", images=photos["images"], per_class=20, served={"per_class": 4})
    sized = flow.add(
        "ImageScale",
        "To the size of training",
        image=drawn["images"],
        upscale_method="lanczos",
        width=512,
        height=512,
        crop="center",
    )
    flow.column()
    captioned = flow.add(
        "HypoNetCaptionImages", images=sized["IMAGE"], labels=drawn["labels"], name=PHOTOS, captioner="template"
    )
    flow.stage("3  The LoRA")
    loader = load_checkpoint(flow, SD15)
    trained = flow.add(
        "HypoNetTrainLora",
        model=loader["MODEL"],
        clip=loader["CLIP"],
        vae=loader["VAE"],
        folder=captioned["folder"],
        name=PHOTOS,
        epochs=20,
        learning_rate=0.0005,
    )
    flow.stage("4  The report")
    report(flow, "my_lora", "A LoRA on photos", {"result_1": trained["result"]})
    return flow


def metrics(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_09_metrics_of_a_set", "How near a set is to real pictures, and how varied", schemas)
    read_me(
        flow,
        "Inception looks once at a set and once at real photos; every figure is computed from that.",
        [
            "**Generated set**: path of your set below `output/datasets`.",
            "**Real photos**: a folder below `input` with `<class>/*.jpg`, best as many as the set has.",
            "**Features**: the same convention in both. Their switch downloads Inception's weights once (95 MB).",
        ],
        "FID and KID: lower is nearer; FID falls as pictures are added, KID does not. Precision: how many look real; "
        "recall: how much of the real ones is covered. None says how useful a set is for training: workflow 4 does.",
        width=400,
    )
    flow.stage("1  Pictures", below=True)
    made = load_set(flow, "Generated set", SET, MADE)
    flow.stage("2  Seen by a network")
    photos = load_photos(flow)
    ours = own_features(flow, made["images"], "Features of the set")
    real = own_features(flow, photos["images"], "Features of the photos")
    pair = {"features": ours["features"], "reference": real["features"]}
    flow.stage("3  Near?")
    fid = flow.add("HypoNetMeasureFID", **pair)
    spread = flow.add("HypoNetMeasurePrecisionRecall", **pair)
    flow.stage("4  Few, varied?")
    kid = flow.add("HypoNetMeasureKID", **pair)
    diversity = flow.add("HypoNetMeasureDiversity", features=ours["features"])
    flow.stage("5  The report")
    results = (fid, kid, spread, diversity)
    links = {f"result_{number}": node["result"] for number, node in enumerate(results, 1)}
    report(flow, "metrics", "Metrics of a set", links)
    return flow


def two_sets(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_10_compare_two_sets", "Which of two sets trains better", schemas, width=NARROW)
    read_me(
        flow,
        "Two sets of the same classes, by different models, templates or cfg: a classifier is trained on each, "
        "and both are tested on the same real photos.",
        [
            "**Set A**, **Set B**: paths of your sets below `output/datasets`, best of equal size.",
            "**Real photos**: a folder below `input` with `<class>/*.jpg` of the same classes.",
            "**Train on**: with runs 3, three seeds of each.",
        ],
        "**Compare Classifiers** has both accuracies and McNemar's test, run by run, adjusted by Holm. A difference "
        "that is not significant may be chance.",
    )
    flow.stage("1  A set")
    one = load_set(flow, "Set A", SET, MADE)
    flow.stage("2  Another", below=True)
    other = load_set(flow, "Set B", OTHER_SET, MADE_OTHERWISE)
    flow.stage("3  Train on A")
    first = train(flow, one["images"], "set-a", "Train on A")
    flow.stage("4  Train on B")
    second = train(flow, other["images"], "set-b", "Train on B")
    flow.stage("5  Real photos")
    photos = load_photos(flow)
    flow.stage("6  Differ?", below=True)
    compare(flow, first, second, photos["images"], "two_sets", "Set A and set B", "7  The report")
    return flow


def load_photos(flow: Flow, title: str = "Real photos") -> Node:
    """Load Labelled Images at a folder of the user's own photos."""
    return flow.add("HypoNetLoadLabelledImages", title, source="image folder", path=PHOTOS, served=REAL)


def load_set(flow: Flow, title: str, name: str, served: dict[str, Any]) -> Node:
    """Load Labelled Images at a set of ours."""
    return flow.add("HypoNetLoadLabelledImages", title, source="HypoNet set", path=name, served=served)


def train(flow: Flow, images: OutputSlot, name: str, title: str = "") -> Node:
    """Train Classifier by the recipe for photos."""
    return flow.add("HypoNetTrainClassifier", title, images=images, name=name, served=SERVED, **OWN)


def own_features(flow: Flow, images: OutputSlot, title: str) -> Node:
    """Image Features by the field's standard, the weights fetched where they are missing."""
    node = features(flow, images, title, FID_NETWORK, "clean-fid", size=0)
    node.values["download"], node.served = True, {"download": False}
    return node


def compare(flow: Flow, one: Node, other: Node, images: OutputSlot, name: str, title: str, stage: str) -> None:
    """Compare Classifiers on `images` in the current stage, and a stage for the report."""
    compared = flow.add(
        "HypoNetCompareClassifiers",
        "Compare Classifiers",
        checkpoint=one["classifier"],
        other=other["classifier"],
        images=images,
        name=name,
    )
    show_answer(compared, 200)
    flow.stage(stage)
    results = {"result_1": one["result"], "result_2": other["result"], "result_3": compared["result"]}
    report(flow, name, title, results)


def report(flow: Flow, name: str, title: str, links: dict[str, OutputSlot]) -> None:
    """Report on these results alone."""
    node = flow.add("HypoNetWriteReport", name=name, title=title, results="", **links)
    show_answer(node, 200)
