"""The pack's own workflows: from a picture or a word to a set, and what to do with one; what to try first."""

from __future__ import annotations

from . import texts
from .graph import Flow, Schemas
from .models import SD15, load_checkpoint, load_classifier
from .pieces import (
    chain_classes,
    chain_kinds,
    contact_sheet,
    generate,
    hyponyms_of_pictures,
    pictures_stage,
    read_me,
    show_answer,
)
from .recipes import FAST_FOR_FEW

WORDS = {"automobile": 1, "horse": 1, "ship": 2, "truck": 2}  # depth of their kinds: ship and truck have few at 1
ANIMALS = ("cat", "horse")  # their kinds have colours of their own (Table 5-8)


def demo(schemas: Schemas) -> Flow:
    """What `dev.py demo` queues: a photo and four words, a set, a classifier trained on it, its accuracy, a report."""
    flow = Flow("hyponet_demo", "A photo and four words become a classifier, tested on real pictures", schemas)
    read_me(
        flow,
        "A photo is classified, four classes are words; WordNet lists the kinds of each. One plan deals them over "
        "prompts, one node makes the labelled set, and a ResNet-18 learns from nothing else. Its accuracy on real "
        "pictures says what the set is worth.",
        [
            "**Load Image**: your photo. **Hyponyms of Word**: your words.",
            "**Load Checkpoint**, and the size of the pictures in **Generate Dataset** to match it.",
            "**Real test pictures**: a zip or folder below `input` with `test/<class>/` of the same classes. "
            "`dev.py demo` lays the repository's `data/small_model/test_pictures.zip` there.",
            "**Dataset Plan**: images per class. A larger number later extends the same set.",
        ],
        "*Accuracy* has its 95 % interval; five classes by chance are 20 %. The set lies in `output/datasets/<name>`, "
        "the page in `output/hyponet/reports/<name>`. Look at the contact sheet first: pictures that do not show "
        "their label go to **Reject Items** by number (workflow *Cull and check labels*).",
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


def quick_start(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_quick_start", "Quick start: one picture becomes a set", schemas)
    read_me(
        flow,
        "One sample picture of one class. The classifier names it, WordNet lists its kinds, and the plan spreads the "
        "prompts evenly over kinds, views, colours and places.",
        [
            "**Load Image**: your picture.",
            "**Load Checkpoint**: the model you have.",
            "**Dataset Plan**: how many images; the template.",
            "**Generate Dataset**: cfg is 2.0, reported to train better classifiers than 7.5 (arXiv 2212.08420).",
        ],
        "*Hyponyms* shows what was kept and dropped, and why; a wrong class there spoils the set, so look first. "
        "The pictures lie in `output/datasets/quick_start`. Queue again after a stop: only what is missing is made.",
    )
    flow.stage("1  From a picture to its kinds")
    picture = flow.add("LoadImage", "Sample picture", image="example.png")
    classifier = load_classifier(flow)
    hyponyms = flow.add("HypoNetHyponymsOfImage", classifier=classifier["classifier"], image=picture["IMAGE"])
    flow.column()
    show_answer(hyponyms, 420)
    flow.stage("2  Class and plan")
    classes = chain_classes(flow, [{"hyponyms": hyponyms["hyponyms"]}])
    plan = flow.add("HypoNetPlanDataset", classes=classes, images_per_class=100)
    generated = pictures_stage(flow, "3  Pictures", plan, "quick_start", cfg=2.0)
    contact_sheet(flow, generated["dataset"])
    return flow


def pictures_to_set(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_pictures_to_set", "A folder of pictures becomes a set of as many classes", schemas)
    read_me(
        flow,
        "For ten classes or a thousand: a folder below ComfyUI's `input` with one picture a class (`cat.jpg`), or one "
        "sub-folder a class (`cat/*.jpg`). The name of the file or folder is the label.",
        [
            "Put your pictures into `input/samples`, or set **Classes from Pictures**: folder.",
            "**Dataset Plan**: images per class, template.",
            "**Load Checkpoint** and the picture size of **Generate Dataset**.",
        ],
        "*What was seen* has a line for each class: what the classifier took the picture for, which hypernym was "
        "climbed to, which hyponyms are used. *Plan Preview* warns where a hyponym of one class names another.",
    )
    flow.stage("1  Classes from pictures")
    classifier = load_classifier(flow)
    classes = flow.add("HypoNetClassesFromPictures", classifier=classifier["classifier"], folder="samples")
    show_answer(classes, 300)
    flow.stage("2  Plan")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=100)
    preview = flow.add("HypoNetPreviewPlan", plan=plan["plan"], cfg=2.0)
    flow.column()
    show_answer(preview, 500)
    generated = pictures_stage(flow, "3  Pictures", plan, "pictures_to_set")
    contact_sheet(flow, generated["dataset"])
    return flow


def word_to_set(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_word_to_set", "Words become a set, without any picture", schemas)
    read_me(
        flow,
        "A noun is enough: its hyponyms in WordNet become the kinds that the prompts draw from. Two words, two "
        "classes; copy a pair of nodes for more.",
        [
            "**Hyponyms of Word**: the word. Name its sense where it has several: `crane (bird)` or `crane.n.05`.",
            "depth 2 or 3 lists the kinds of the kinds as well.",
            "**Load Checkpoint**, **Dataset Plan**: images per class.",
        ],
        "The report lists the senses that were not taken: if the wrong one was, name the right one. Words that mean "
        "something else as well get the class word (tom cat) or are dropped; set lemmas to change that.",
    )
    flow.stage("1  Words")
    words = {"ship": 2, "truck": 2}
    kinds = {
        word: flow.add("HypoNetHyponymsOfWord", f"Kinds of {word}", word=word, depth=depth)
        for word, depth in words.items()
    }
    for node in kinds.values():
        show_answer(node, 300)
    flow.stage("2  Classes and plan")
    classes = chain_kinds(flow, kinds)
    flow.column()
    plan = flow.add("HypoNetPlanDataset", classes=classes, images_per_class=100)
    generated = pictures_stage(flow, "3  Pictures", plan, "word_to_set")
    contact_sheet(flow, generated["dataset"])
    return flow


def resume_and_shard(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_resume_and_shard", "Stop, resume, and split over machines", schemas)
    read_me(
        flow,
        "Two shards of one plan, each a set of its own as if made on two machines, then merged. The merged set is "
        "what one machine would have made, picture for picture.",
        [
            "On real machines: open this on each, keep one of the two branches, and set shard index (from 0) and "
            "shard count in **Dataset Plan**.",
            "Copy the finished folders together under `output/datasets`, then run **Merge Datasets** alone.",
            "Stop a run whenever you like and queue it again: what is there is not made again.",
        ],
        "*Verify* reads every file of the merged set against its manifest and reports what is missing, corrupt or "
        "changed. It should say that nothing is. A plan with more images per class extends the merged set; shards are "
        "cut anew for it.",
    )
    flow.stage("1  One plan, two shards")
    classes = chain_classes(
        flow,
        [
            {"class_name": "cat", "hyponym_wildcard": "cat", "omit": "color"},
            {"class_name": "ship", "hyponym_wildcard": "ship"},
        ],
    )
    flow.column()
    plans = [
        flow.add(
            "HypoNetPlanDataset",
            f"Plan of shard {number}",
            classes=classes,
            images_per_class=100,
            shard_index=number,
            shard_count=2,
        )
        for number in (0, 1)
    ]
    flow.stage("2  Each shard makes its part")
    loader = load_checkpoint(flow, SD15)
    flow.column()
    generated = []
    for number, plan in enumerate(plans):
        generated.append(generate(flow, loader["MODEL"], loader, plan["plan"], f"sharded_{number}"))
        generated[-1].title = f"Generate shard {number}"
    flow.stage("3  Merge and verify")
    merged = flow.add(
        "HypoNetMergeDatasets", dataset_1=generated[0]["dataset"], dataset_2=generated[1]["dataset"], name="sharded"
    )
    verified = flow.add("HypoNetVerifyDataset", dataset=merged["dataset"])
    show_answer(verified, 260)
    flow.column()
    contact_sheet(flow, merged["dataset"])
    return flow


def cull_and_check(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_cull_and_check", "Cull and check labels, then make what is missing", schemas)
    read_me(
        flow,
        "A finished set is looked over: by eye on the contact sheet, by a classifier, and file by file. What is "
        "rejected counts as missing, and queueing again makes exactly that, with another seed.",
        [
            "**Generate Dataset**: the name of your set, with the settings it was made with.",
            "**Reject Items**: the numbers on the contact sheet, such as `3, 12-20` or `cat: 5`. Each is rejected once "
            "a round; raise round to reject the same numbers again.",
            "**Check Labels** records its verdicts and rejects nothing until you switch reject on. Threshold "
            "0 means 1 / number of classes; strict filters cost variety and tend to hurt.",
        ],
        "Queue twice: the first run marks, the second makes the marked ones anew. After the attempts are used up the "
        "best picture stays, marked, and exports leave it out unless asked.",
    )
    flow.stage("1  The set")
    kinds = {word: flow.add("HypoNetHyponymsOfWord", f"Kinds of {word}", word=word) for word in ("cat", "dog")}
    flow.column()
    classes = chain_kinds(flow, kinds, omit="color")
    flow.column()
    plan = flow.add("HypoNetPlanDataset", classes=classes, images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    flow.stage("2  Pictures")
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], "culled")
    contact_sheet(flow, generated["dataset"])
    flow.stage("3  Reject by eye")
    rejected = flow.add("HypoNetRejectItems", dataset=generated["dataset"], selection="")
    show_answer(rejected, 160)
    flow.stage("4  Check by a classifier")
    classifier = load_classifier(flow)
    checked = flow.add(
        "HypoNetCheckLabels", dataset=rejected["dataset"], classifier=classifier["classifier"], reject=False
    )
    show_answer(checked, 300)
    flow.stage("5  Check the files")
    verified = flow.add("HypoNetVerifyDataset", dataset=checked["dataset"])
    show_answer(verified, 300)
    return flow


FLOWS = [
    demo,
    quick_start,
    pictures_to_set,
    word_to_set,
    *texts.FLOWS,
    resume_and_shard,
    cull_and_check,
]
