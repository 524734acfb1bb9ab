"""Chapter 5: training and testing (5-9, 5-10), and the report; its metrics stand in metrics.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import metrics
from .data import CIFAR10, IMAGENET, STL10
from .graph import Flow, Node, OutputSlot, Schemas
from .pieces import read_me, show_answer, table_stage
from .recipes import TABLE_5_2

CONTROLS_5_10 = (1000, 5000)  # the two ends of the table's step; eight results fit the report


@dataclass(frozen=True)
class TestSet:
    """One of the thesis's three test sets, and the size at which its own model works."""

    name: str
    source: str
    path: str
    split: str
    mapping: str
    size: int


TEST_SETS = (
    TestSet("CIFAR-10 test", "CIFAR-10", CIFAR10, "test", "thesis: cifar10", 32),
    TestSet("ImageNet validation", "ImageNet validation", IMAGENET, "all", "thesis: imagenet", 224),
    TestSet("STL-10 test", "STL-10", STL10, "test", "thesis: stl10", 96),
)


def mapped(flow: Flow, name: str, source: str, path: str, split: str, mapping: str, per_class: int = 0) -> Node:
    """Load Labelled Images and the five classes of them."""
    loaded = flow.add("HypoNetLoadLabelledImages", name, source=source, path=path, split=split, per_class=per_class)
    return flow.add("HypoNetMapClasses", f"Five classes of {name}", images=loaded["images"], mapping=mapping)


def load_tests(flow: Flow) -> list[Node]:
    nodes = []
    for test_set in TEST_SETS:
        nodes.append(mapped(flow, test_set.name, test_set.source, test_set.path, test_set.split, test_set.mapping))
    return nodes


def training_set(flow: Flow, *, baseline: bool) -> OutputSlot:
    """The pictures to train on: CIFAR-10 train's five classes, or one of our sets."""
    if baseline:
        return mapped(flow, "CIFAR-10 train", "CIFAR-10", CIFAR10, "train", "thesis: cifar10")["images"]
    return flow.add(
        "HypoNetLoadLabelledImages", "Training set", source="HypoNet set", path="sd15-hyponet", split="all"
    )["images"]


def train(flow: Flow, images: OutputSlot, name: OutputSlot | str, size: int, title: str, runs: int = 1) -> Node:
    """Train Classifier at Table 5-2's settings."""
    return flow.add("HypoNetTrainClassifier", title, images=images, name=name, size=size, runs=runs, **TABLE_5_2)


def _about_sets(baseline: bool) -> list[str]:
    return (
        []
        if baseline
        else ["**Training set**: path of another of your sets below `output/datasets`; and **Name** in tables."]
    )


def train_test(one_model: bool, baseline: bool, schemas: Schemas) -> Flow:
    """Table 5-9 for one training set, in one of SPEC 7's protocols."""
    protocol = "one model at 32" if one_model else "one model per test set"
    what = "the CIFAR-10 baseline" if baseline else "train and test"
    key = ("baseline_" if baseline else "train_test_") + protocol.replace(" ", "_")
    flow = Flow(f"hyponet_thesis_table_5_9_{key}", f"Table 5-9: {what}, {protocol}", schemas)
    row = "cifar10-train" if baseline else "sd15-hyponet"
    how = (
        "One ResNet-18 is trained at 32 pixels and tested on all three test sets: the plainest reading of the text."
        if one_model
        else "Three ResNet-18 are trained, one for each test set at that set's size (CIFAR-10 32, ImageNet 224, STL-10 "
        "96), as the thesis's published code does."
    )
    beside = (
        "the thesis's figure stands beside that of CIFAR-10 alone, for which its code trained a model of 32 pixels too."
        if one_model
        else "the thesis's figure stands beside it where both were made alike."
    )
    read_me(
        flow,
        f"{how} Batch 32, AdamW at 0.001, 50 epochs, no augmentation, last epoch (Table 5-2).",
        [
            *_about_sets(baseline),
            "**CIFAR-10**, **ImageNet**, **STL-10**: where they lie below `input`. CIFAR-10 and STL-10 can be "
            "downloaded by their switch. Delete a branch that you have no data for.",
            "**Train**: runs 3 trains three seeds; tables then show mean and deviation.",
        ],
        "Each test gives accuracy with its 95 % interval, accuracy per class (ImageNet has one class of horses), "
        f"and the surest mistakes. *Report* puts it into the thesis's row; {beside} A difference inside the interval "
        "is none.",
    )
    flow.stage("1  Training pictures")
    images = training_set(flow, baseline=baseline)
    name = flow.add("PrimitiveString", "Name in tables", value=row)["STRING"]
    flow.stage("2  Test pictures: five classes of each")
    tests = load_tests(flow)
    flow.stage("3  Train (Table 5-2)")
    sizes = [32] if one_model else [test_set.size for test_set in TEST_SETS]
    trained = []
    for size in sizes:
        trained.append(train(flow, images, name, size, f"Train at {size}"))
        flow.column()
    flow.stage("4  Test")
    results = []
    if one_model:
        extra = {"images_2": tests[1]["images"], "images_3": tests[2]["images"]}
        results.append(
            flow.add(
                "HypoNetTestClassifier",
                "Test on all three",
                checkpoint=trained[0]["classifier"],
                images=tests[0]["images"],
                name=name,
                **extra,
            )
        )
    else:
        for test_set, model, images_of in zip(TEST_SETS, trained, tests, strict=True):
            results.append(
                flow.add(
                    "HypoNetTestClassifier",
                    f"Test on {test_set.name}",
                    checkpoint=model["classifier"],
                    images=images_of["images"],
                    name=name,
                )
            )
    for tested in results:
        show_answer(tested, 220)
    return flow


def table_5_10(schemas: Schemas) -> Flow:
    flow = Flow(
        "hyponet_thesis_table_5_10_augmentation", "Table 5-10: CIFAR-10 train and 0 to 5,000 synthetic a class", schemas
    )
    read_me(
        flow,
        "Real training pictures with more and more synthetic ones, the first n of each class, tested on CIFAR-10 test, "
        "at 32 pixels. More pictures in 50 epochs are more steps, too: 39,100 with none added, 78,150 with 5,000 a "
        "class. The control *Real + n real again* has as many steps and no new picture. Three seeds: 24 trainings.",
        [
            "**Synthetic set**: path of your set, 5,000 a class for the whole table (SD 1.5 HypoNet in the thesis).",
            "**CIFAR-10**: where it lies below `input`, or its download switch.",
            "**Train**: runs, the number of seeds. One seed alone cannot tell a gain from luck.",
        ],
        "The thesis, one run each: 84.78, 88.22, 87.64, 88.88, 89.24, 88.94 %. Its rows with synthetic pictures differ "
        "by 0.06 to 1.6 points; three seeds of one row alone lie about 0.6 apart. What exceeds the control is due to "
        "the pictures, the rest to longer training: *Control of Table 5-10* has the difference and its paired tests.",
    )
    flow.stage("1  Pictures")
    real = mapped(flow, "CIFAR-10 train", "CIFAR-10", CIFAR10, "train", "thesis: cifar10")
    test = mapped(flow, "CIFAR-10 test", "CIFAR-10", CIFAR10, "test", "thesis: cifar10")
    synthetic = flow.add("HypoNetLoadLabelledImages", "Synthetic set", source="HypoNet set", path="sd15-hyponet")
    flow.stage("2  Real and n synthetic a class")
    counts = (0, 1000, 2000, 3000, 4000, 5000)
    added = [_add(flow, f"Real + {count}", real, synthetic, count, _row_5_10(count)) for count in counts]
    flow.column()
    added += [
        _add(flow, f"Real + {count} real again", real, real, count, f"{_row_5_10(count)} repeated")
        for count in CONTROLS_5_10
    ]
    flow.stage("3  Train (Table 5-2, three seeds) and test on CIFAR-10 test")
    names = [_row_5_10(count) for count in counts] + [f"{_row_5_10(count)} repeated" for count in CONTROLS_5_10]
    tested = []
    for name, images in zip(names, added, strict=True):
        model = train(flow, images["images"], name, 32, f"Train {name}", runs=3)
        tested.append(
            flow.add(
                "HypoNetTestClassifier",
                f"Test {name}",
                checkpoint=model["classifier"],
                images=test["images"],
                name=name,
            )
        )
        flow.column()
    table_stage(flow, "Table 5-10", tested)
    return flow


def _add(flow: Flow, title: str, real: Node, added: Node, per_class: int, name: str) -> Node:
    """The first `per_class` pictures of each class of `added` beside all of `real`."""
    return flow.add(
        "HypoNetMergeImages",
        title,
        images=real["images"],
        added=added["images"],
        per_class=per_class,
        name=name,
    )


def _row_5_10(count: int) -> str:
    return f"CIFAR-10 Train + {count}" if count else "CIFAR-10 Train"


def report(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_14_report", "Report: Tables 5-9 to 5-12 and Figure 5-2 from what has run", schemas)
    read_me(
        flow,
        "Gathers every result in `output/hyponet/results` into one page: our figures in the shape of the thesis's "
        "tables, the thesis's beside those that were made as its own were, and the bar chart of Figure 5-2.",
        [
            "**Report**: results, to take some only (`sd15*`).",
            "rows: lines such as `my set = SD1.5 HypoNet`, where a name does not say by itself which row it is.",
        ],
        "What has not been run stays blank. Brackets are 95 % intervals of the test pictures; several training seeds "
        "show mean and deviation. Each figure names its data, model, seed and settings at the end of the page. "
        "The HTML lies in `output/hyponet/reports/report`.",
    )
    flow.stage("Report")
    report = flow.add("HypoNetWriteReport", name="report", title="HypoNet: chapter 5 again", results="*")
    show_answer(report, 700)
    return flow


FLOWS: list[Callable[[Schemas], Flow]] = [
    partial(train_test, False, True),
    partial(train_test, True, True),
    partial(train_test, False, False),
    partial(train_test, True, False),
    table_5_10,
    *metrics.FLOWS,
]
