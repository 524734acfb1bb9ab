"""Tables 5-9 and 5-10 in small: sets of 5 x 500 pictures by the small model, the fast recipe, real test pictures.

headless/sweeps/table_5_9_small.csv runs them.
"""

from __future__ import annotations

from collections.abc import Callable

from .data import CIFAR10
from .experiments import mapped
from .graph import Flow, Node, OutputSlot, Schemas
from .pieces import read_me, show_answer, table_stage
from .recipes import FAST

PER_CLASS = 500
SEEDS = 3
# synthetic pictures a class beside PER_CLASS real ones -> epochs; all are 600 steps of 128 pictures at most
EPOCHS = {0: 30, 250: 20, 500: 15}
SET = "small-hyponet"


def train(flow: Flow, images: OutputSlot, name: OutputSlot | str, epochs: int, title: str = "") -> Node:
    """Train Classifier by the fast recipe, three seeds."""
    return flow.add("HypoNetTrainClassifier", title, images=images, name=name, runs=SEEDS, **{**FAST, "epochs": epochs})


def table_5_9(schemas: Schemas) -> Flow:
    """Train on one set, test on real pictures."""
    flow = Flow(
        "hyponet_thesis_table_5_9_small", "Table 5-9 in small: train on 5 x 500 pictures, test on real ones", schemas
    )
    read_me(
        flow,
        "Table 5-9 at a size for a processor: a set of 500 pictures a class, a ResNet-18 at 32 pixels by a fast recipe "
        "(SGD, one-cycle, flips and shifts), three seeds, tested on CIFAR-10's five classes. "
        "`headless/sweeps/table_5_9_small.csv` makes the sets with hyponet-small and runs this for each.",
        [
            "**Training set**: path of your set below `output/datasets`; and **Name in tables**.",
            "**CIFAR-10 test**: where it lies below `input`, or its download switch.",
            f"**Train**: epochs. {EPOCHS[0]} of 2,500 pictures are as many steps as 15 of 5,000.",
        ],
        "*Test Classifier* has mean and deviation of three trainings on the same pictures; another set drawn alike "
        "would differ as well. The recipe is not the thesis's, so no figure of Table 5-9 stands beside it.",
    )
    flow.stage("1  Training pictures")
    images = flow.add("HypoNetLoadLabelledImages", "Training set", source="HypoNet set", path=SET)["images"]
    name = flow.add("PrimitiveString", "Name in tables", value="small/HypoNet")["STRING"]
    flow.stage("2  Test pictures")
    test = mapped(flow, "CIFAR-10 test", "CIFAR-10", CIFAR10, "test", "thesis: cifar10")
    flow.stage("3  Train by the fast recipe")
    trained = train(flow, images, name, EPOCHS[0])
    flow.stage("4  Test")
    tested = flow.add("HypoNetTestClassifier", checkpoint=trained["classifier"], images=test["images"], name=name)
    show_answer(tested, 220)
    return flow


def table_5_10(schemas: Schemas) -> Flow:
    """Real pictures, and generated ones beside them, in equally many steps."""
    flow = Flow(
        "hyponet_thesis_table_5_10_small", "Table 5-10 in small: 500 real pictures a class and 0 to 500 more", schemas
    )
    read_me(
        flow,
        "What generated pictures add where real ones are few: 500 real ones a class with 0, 250 and 500 generated, "
        "tested on CIFAR-10's five classes. Every training has 600 steps, so what differs is the pictures.",
        [
            "**Synthetic set**: path of your set below `output/datasets`, 500 a class.",
            "**CIFAR-10**: where it lies below `input`, or its download switch.",
            "**Real + 250**, **Real + 500**: per class. Then set the epochs of its **Train** so that the number of "
            "steps stays.",
        ],
        "*Table 5-10* has mean and deviation of three seeds a row. The 500 real pictures are one draw of 5,000; the "
        "thesis's row of the same name has all of them, so its figure does not stand beside ours.",
    )
    flow.stage("1  Pictures")
    real = mapped(flow, "CIFAR-10 train", "CIFAR-10", CIFAR10, "train", "thesis: cifar10", per_class=PER_CLASS)
    test = mapped(flow, "CIFAR-10 test", "CIFAR-10", CIFAR10, "test", "thesis: cifar10")
    synthetic = flow.add("HypoNetLoadLabelledImages", "Synthetic set", source="HypoNet set", path=SET)
    flow.stage("2  Real and n synthetic a class")
    merged = {
        count: flow.add(
            "HypoNetMergeImages",
            f"Real + {count}",
            images=real["images"],
            added=synthetic["images"],
            per_class=count,
            name=_row(count),
        )
        for count in EPOCHS
    }
    flow.stage("3  Train by the fast recipe, and test on CIFAR-10 test")
    tested = []
    for count, epochs in EPOCHS.items():
        model = train(flow, merged[count]["images"], f"small/{_row(count)}", epochs, f"Train on real + {count}")
        tested.append(
            flow.add(
                "HypoNetTestClassifier",
                f"Test real + {count}",
                checkpoint=model["classifier"],
                images=test["images"],
                name=f"small/{_row(count)}",
            )
        )
        flow.column()
    table_stage(flow, "Table 5-10 in small", tested)
    return flow


def _row(count: int) -> str:
    return f"CIFAR-10 Train + {count}" if count else "CIFAR-10 Train"


FLOWS: list[Callable[[Schemas], Flow]] = [table_5_9, table_5_10]
