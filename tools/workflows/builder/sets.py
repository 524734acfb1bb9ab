"""Workflows 1 to 3, 5 and 6: from a picture or from words to a labelled set, and what to do with a set."""

from __future__ import annotations

from .graph import Flow, Node, OutputSlot, Schemas
from .models import SD15, load_checkpoint, load_classifier
from .pieces import WIDE_NOTE, collapsed, contact_sheet, generate, read_me, show_answer

WORDS = "ship\ntruck\nhorse; omit: color"


def quick_start(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_01_quick_start", "A photo and a word become a checked set", schemas)
    read_me(
        flow,
        "A classifier says what your photo shows, WordNet lists its kinds; a word is a second class. Each picture "
        "has its own prompt; its label is checked.",
        [
            "**Your photo**: one thing, clearly seen. With ComfyUI's `example.png`, a drawing, the run stops.",
            "**Load Checkpoint**: a model that you have.",
            "**Classes from Text**: your words, one a line.",
            "**Dataset Plan**: images per class.",
        ],
        "**Check Labels** says how many pictures show their label; the next Run makes the others again. The set lies "
        "in `output/datasets/quick_start`.",
        width=WIDE_NOTE,
    )
    flow.stage("1  A photo", below=True)
    picture = flow.add("LoadImage", "Your photo", image="example.png")
    flow.stage("2  Its kinds")
    classifier = load_classifier(flow)
    hyponyms = flow.add("HypoNetHyponymsOfImage", classifier=classifier["classifier"], image=picture["IMAGE"])
    show_answer(hyponyms, 150)
    flow.stage("3  A word, the plan")
    photo = collapsed(flow.add("HypoNetDefineClass", "Class of the photo", hyponyms=hyponyms["hyponyms"]))
    classes = flow.add("HypoNetClassesFromText", previous=photo["classes"], text="ship")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    flow.stage("4  The pictures")
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], "quick_start", cfg=2.0)
    flow.stage("5  Checked, shown")
    checked = flow.add("HypoNetCheckLabels", dataset=generated["dataset"], classifier=classifier["classifier"])
    show_answer(checked, 170)
    contact_sheet(flow, checked["dataset"])
    return flow


def words_to_set(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_02_words_to_set", "Words become a set, without any picture", schemas)
    read_me(
        flow,
        "Each line is a noun. WordNet lists its kinds (hyponyms), and prompts take turns with them.",
        [
            "**Classes from Text**: your words. You can name the kinds, `mug: travel mug, beer mug`, or the sense of "
            "a word, `crane; synset: crane.n.05`.",
            "**Load Checkpoint**: a model that you have.",
            "**Dataset Plan**: images per class; the template.",
        ],
        "**Classes from Text** says which sense of each word was taken. **Plan Preview** says what the set will be, "
        "and warns, before a picture is drawn. Stopped? Press Run: only what is missing is made.",
        width=WIDE_NOTE,
    )
    flow.stage("1  Words", below=True)
    classes = flow.add("HypoNetClassesFromText", text=WORDS)
    show_answer(classes, 240)
    flow.stage("2  Plan")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    flow.stage("3  What it will be")
    preview_plan(flow, plan)
    flow.stage("4  The pictures")
    generate(flow, loader["MODEL"], loader, plan["plan"], "words_to_set", cfg=2.0)
    return flow


def pictures_to_set(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_03_pictures_to_set", "A folder of pictures becomes a set of as many classes", schemas)
    read_me(
        flow,
        "One picture for each class (`cat.jpg`), or a folder for each (`cat/*.jpg`). The name is the label.",
        [
            "Put your pictures into `input/samples`, or set **Classes from Pictures**: folder.",
            "**Load Checkpoint**: a model that you have.",
            "**Dataset Plan**: images per class; the template.",
        ],
        "**Classes from Pictures** says for each class what was seen, how surely, and which kinds are used. It stops "
        "at a picture that it is not sure of. **Plan Preview** warns where a kind of one class names another class.",
        width=WIDE_NOTE,
    )
    pictures = flow.stage("1  Pictures", below=True)
    planning = flow.stage("2  Models and plan")
    classifier = load_classifier(flow)
    flow.return_to(pictures)
    classes = flow.add("HypoNetClassesFromPictures", classifier=classifier["classifier"], folder="samples")
    show_answer(classes, 140)
    flow.return_to(planning)
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    flow.stage("3  What it will be")
    preview_plan(flow, plan)
    flow.stage("4  The pictures")
    generate(flow, loader["MODEL"], loader, plan["plan"], "pictures_to_set", cfg=2.0)
    return flow


def cull_and_check(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_05_cull_and_check", "Reject bad pictures, and make them again", schemas)
    read_me(
        flow,
        "A set is checked by eye, by a classifier, and file by file. What is rejected counts as missing, and Run makes "
        "it again with another seed.",
        [
            "**Generate Dataset**: the name of your set, and the settings it was made with.",
            "**Reject Items** shows the set once it has run: click bad pictures, or type numbers (`3, 12-20`, "
            "`cat: 5`) into selection. Raise round to reject the same numbers again.",
            "**Check Labels** only records until you switch reject on.",
        ],
        "Run twice: the first run rejects, the second makes those pictures again. When the attempts are used up, the "
        "best one stays, marked, and exports leave it out unless told otherwise.",
    )
    flow.stage("1  The set", below=True)
    classes = flow.add("HypoNetClassesFromText", text="cat; omit: color\nhorse; omit: color")
    flow.stage("2  Its plan")
    plan = flow.add("HypoNetPlanDataset", classes=classes["classes"], images_per_class=100)
    loader = load_checkpoint(flow, SD15)
    classifier = load_classifier(flow)
    flow.stage("3  Its pictures")
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], "culled", cfg=2.0)
    flow.stage("4  By eye")
    rejected = flow.add("HypoNetRejectItems", dataset=generated["dataset"], selection="")
    flow.stage("5  By a classifier")
    checked = flow.add(
        "HypoNetCheckLabels", dataset=rejected["dataset"], classifier=classifier["classifier"], reject=False
    )
    show_answer(checked, 200)
    flow.stage("6  File by file", below=True)
    verified = flow.add("HypoNetVerifyDataset", dataset=checked["dataset"])
    show_answer(verified, 200)
    return flow


def resume_and_shard(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_06_resume_and_shard", "Stop, resume, and split over machines", schemas)
    read_me(
        flow,
        "Two parts (shards) of one plan, as if made on two machines, then merged into the set that one machine would "
        "have made.",
        [
            "On real machines: open this on each, keep one of the two plans with its **Generate**, and set shard index "
            "(from 0) and shard count.",
            "Copy the finished folders into one `output/datasets`, then merge.",
            "Stop a run whenever you like and press Run again: what is there is not made again.",
        ],
        "**Verify Dataset** reads every file of the merged set. It should say that nothing is missing, corrupt or "
        "changed. With more images per class the shards are cut anew, and the merged set grows.",
        width=WIDE_NOTE,
    )
    flow.stage("1  One plan ...", below=True)
    classes = flow.add("HypoNetClassesFromText", text="cat; omit: color\nship")
    flow.stage("... in two shards")
    plans = [shard(flow, classes["classes"], number) for number in (0, 1)]
    loader = load_checkpoint(flow, SD15)
    generated = []
    for number, plan in enumerate(plans):
        flow.stage(f"2  Machine {number + 1}")
        made = generate(flow, loader["MODEL"], loader, plan["plan"], f"sharded_{number}", cfg=2.0)
        made.title = f"Generate shard {number}"
        generated.append(made)
    flow.stage("3  Merged, verified")
    merged = flow.add(
        "HypoNetMergeDatasets", dataset_1=generated[0]["dataset"], dataset_2=generated[1]["dataset"], name="sharded"
    )
    verified = flow.add("HypoNetVerifyDataset", dataset=merged["dataset"])
    show_answer(verified, 240)
    return flow


def shard(flow: Flow, classes: OutputSlot, number: int) -> Node:
    """The plan of one of two shards."""
    return flow.add(
        "HypoNetPlanDataset",
        f"Plan of shard {number}",
        classes=classes,
        images_per_class=100,
        shard_index=number,
        shard_count=2,
    )


def preview_plan(flow: Flow, plan: Node) -> None:
    """Plan Preview at the guidance of the set."""
    preview = flow.add("HypoNetPreviewPlan", plan=plan["plan"], cfg=2.0)
    show_answer(preview, 360)
