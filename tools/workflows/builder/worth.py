"""Workflows 23 and 24: is a set worth it, how many pictures are enough, more of what is weak; captions as prompts."""

from __future__ import annotations

from .graph import Flow, Node, OutputSlot, Schemas
from .models import SD15, load_checkpoint
from .pieces import collapsed, generate, read_me, show_answer
from .recipes import OWN
from .sets import preview_plan
from .uses import NARROW, SET, load_photos

NAME = "hyponet_23_close_the_loop"
WIDE = (420, 0)  # for tables of seven columns, and the nodes above them


def close_the_loop(schemas: Schemas) -> Flow:
    flow = Flow(NAME, "Is the set worth it? More of its weak classes", schemas, width=NARROW)
    read_me(
        flow,
        "A classifier learns a made set, another one real photos; photos that neither saw say what the set is worth "
        "and which classes are weak. These get more pictures: each run is a round.",
        [
            "**Load Dataset** and **Generate Dataset**: the name of your set, with the settings that it was made with.",
            "**Real photos**: a folder below `input` with `<class>/*.jpg`; a half is for training, a quarter steers, a "
            "quarter is reported.",
            "**Top Up Plan**: the budget of a round; its name, and those of the tests, for each round another.",
        ],
        "**Ratio to Real**: 1 would be as good as photos. **Learning Curve**: where it is flat, more of the same will "
        "not help. Report the column of the reported photos: the report marks the others.",
    )
    flow.stage("1  The set so far", below=True)
    opened = flow.add("HypoNetLoadDataset", name=SET)
    made = collapsed(flow.add("HypoNetLoadLabelledImages", "The set's pictures", dataset=opened["dataset"]))
    flow.stage("2  Photos in three")
    photos = load_photos(flow)
    halves = collapsed(flow.add("HypoNetSplitImages", "Half to train", images=photos["images"], share=0.5))
    tests = collapsed(flow.add("HypoNetSplitImages", "Steering, reported", images=halves["rest"], share=0.5))
    flow.stage("3  Learn the set")
    ours = train(flow, made["images"], "the-set", "Train on the set")
    flow.stage("4  Learn photos")
    theirs = train(flow, halves["first"], "photos", "Train on photos")
    flow.stage("5  The set's test")
    weak = test(flow, ours, "the-set", "What is weak", images=tests["first"])
    tested = test(flow, ours, "the-set", "Test of the set", images=tests["rest"])
    flow.stage("6  The photos' test")
    rival = test(flow, theirs, "photos", "Test of photos", images=tests["rest"])
    flow.stage("7  Any photo copied?")
    copies = flow.add("HypoNetFindCopies", images=made["images"], reference=photos["images"], name="set-in-photos")
    flow.stage("8  Worth it? Enough?")
    tests_of = {"synthetic": tested["result"], "real": rival["result"]}
    ratio = flow.add("HypoNetRatioToReal", name="set-to-photos", box=WIDE, **tests_of)
    curve = flow.add(
        "HypoNetLearningCurve",
        checkpoint=ours["classifier"],
        images=made["images"],
        test_images=tests["rest"],
        sizes="10, 20, 50, 100",
        box=WIDE,
    )
    flow.stage("9  More of what is weak", below=True)
    topped = flow.add(
        "HypoNetTopUpPlan",
        plan=opened["plan"],
        result=weak["result"],
        steering=tests["first"],
        reported=tests["rest"],
        budget=100,
        name="round-1",
        box=WIDE,
    )
    show_answer(topped, 240)
    flow.stage("10  The next round's set")
    loader = load_checkpoint(flow, SD15)
    generate(flow, loader["MODEL"], loader, topped["plan"], SET, cfg=2.0)
    flow.stage("11  The report")
    results = [node["result"] for node in (weak, tested, rival, copies, ratio, curve, topped)]
    links = {f"result_{number}": result for number, result in enumerate(results, 1)}
    report = flow.add("HypoNetWriteReport", name="loop", title="Is the set worth it", results="", **links)
    show_answer(report, 200)
    return flow


def train(flow: Flow, images: OutputSlot, name: str, title: str) -> Node:
    """Train Classifier by the recipe for photos, three seeds."""
    return flow.add("HypoNetTrainClassifier", title, images=images, name=name, **{**OWN, "runs": 3})


def test(flow: Flow, trained: Node, name: str, title: str, **images: OutputSlot) -> Node:
    """Test Classifier."""
    return flow.add("HypoNetTestClassifier", title, checkpoint=trained["classifier"], name=name, **images)


def captions_as_prompts(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_24_captions_as_prompts", "Captions of photos as prompts", schemas, width=NARROW)
    read_me(
        flow,
        "What your photos show, told by BLIP, is what the set is asked for: each caption becomes an option of its "
        "class, and each comes equally often.",
        [
            "**Real photos**: a folder below `input` with `<class>/*.jpg`.",
            "**Caption Images**: a BLIP of transformers in `models/captioners`; captions that you edit in "
            "`output/hyponet/lora/photo_captions` are kept.",
            "**Load Checkpoint**: a model that you have; **Dataset Plan**: images per class.",
        ],
        "**Classes from Captions** says how many captions do not name their class: the template names it. **Plan "
        "Preview** warns where a caption names another class. Test photos must not be among those that are captioned.",
    )
    flow.stage("1  Photos", below=True)
    photos = load_photos(flow)
    drawn = flow.add("HypoNetSampleImages", images=photos["images"], per_class=20)
    flow.stage("2  Told in words")
    captioned = flow.add(
        "HypoNetCaptionImages",
        images=drawn["images"],
        labels=drawn["labels"],
        name="photo_captions",
        captioner="BLIP",
    )
    flow.stage("3  Words to classes")
    classes = flow.add("HypoNetClassesFromCaptions", captions=captioned["captions"], labels=drawn["labels"])
    show_answer(classes, 200)
    flow.stage("4  Their plan", below=True)
    plan = flow.add(
        "HypoNetPlanDataset",
        classes=classes["classes"],
        template="a photo of a __class__, __hyponym__",
        images_per_class=100,
    )
    loader = load_checkpoint(flow, SD15)
    flow.stage("5  What it will be")
    preview_plan(flow, plan)
    flow.stage("6  The pictures")
    generate(flow, loader["MODEL"], loader, plan["plan"], "captioned", cfg=2.0)
    return flow


FLOWS = [close_the_loop, captions_as_prompts]
