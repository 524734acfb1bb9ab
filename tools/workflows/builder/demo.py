"""What `dev.py demo` queues."""

from __future__ import annotations

from .graph import Flow, Schemas
from .models import SD15, load_checkpoint
from .pieces import chain_classes, contact_sheet, generate, hyponyms_of_pictures, read_me, show_answer
from .recipes import FAST_FOR_FEW

WORDS = {"automobile": 1, "horse": 1, "ship": 2, "truck": 2}  # depth of their kinds: ship and truck have few at 1
ANIMALS = ("cat", "horse")  # their kinds have colours of their own (Table 5-8)


def demo(schemas: Schemas) -> Flow:
    """What `dev.py demo` queues: a photo and four words, a set, a classifier trained on it, its accuracy, a report."""
    flow = Flow("hyponet_11_demo", "A photo and four words become a classifier, tested on real pictures", schemas)
    read_me(
        flow,
        "A photo is classified, four classes are words; WordNet lists the kinds of each. One plan deals them over "
        "prompts, one node makes the labelled set, and a ResNet-18 learns from nothing else. Its accuracy on real "
        "pictures says what the set is worth.",
        [
            "**Picture of cat**: your photo. **Kinds of automobile** and so on: your words.",
            "**Load Checkpoint**, and the size of the pictures in **Generate Dataset** to match it.",
            "**Real test pictures**: a zip or folder below `input` with `test/<class>/` of the same classes. "
            "`dev.py demo` lays the repository's `data/small_model/test_pictures.zip` there.",
            "**Dataset Plan**: images per class. A larger number later extends the same set.",
        ],
        "*Accuracy* has its 95 % interval; five classes by chance are 20 %. The set lies in `output/datasets/<name>`, "
        "the page in `output/hyponet/reports/<name>`. Look at the contact sheet first: pictures that do not show "
        "their label go to **Reject Items** by number (workflow 5).",
    )
    kinds = hyponyms_of_pictures(flow, {"cat": "domestic cat"}, "2  What they are: kinds")
    for word, depth in WORDS.items():
        kinds[word] = flow.add("HypoNetHyponymsOfWord", f"Kinds of {word}", word=word, depth=depth)
    flow.stage("3  Classes")
    classes = chain_classes(
        flow,
        [
            {"class_name": name, "hyponyms": node["hyponyms"], "omit": "color" if name in ANIMALS else ""}
            for name, node in kinds.items()
        ],
    )
    flow.stage("4  Plan and model")
    plan = flow.add("HypoNetPlanDataset", classes=classes, images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    flow.stage("5  Labelled set")
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], "demo")
    contact_sheet(flow, generated["dataset"], order="interleaved")
    flow.stage("6  A classifier learns from it")
    made = flow.add("HypoNetLoadLabelledImages", "Training pictures", dataset=generated["dataset"])
    trained = flow.add("HypoNetTrainClassifier", images=made["images"], name="demo", **FAST_FOR_FEW)
    flow.stage("7  Tested on real pictures")
    real = flow.add(
        "HypoNetLoadLabelledImages", "Real test pictures", source="image folder", path="test_pictures.zip", split="test"
    )
    tested = flow.add("HypoNetTestClassifier", checkpoint=trained["classifier"], images=real["images"], name="demo")
    show_answer(tested, 220)
    flow.stage("8  Report")
    links = {"result_1": trained["result"], "result_2": tested["result"]}
    report = flow.add("HypoNetWriteReport", name="demo", title="HypoNet: the demo", results="", **links)
    show_answer(report, 300)
    return flow
