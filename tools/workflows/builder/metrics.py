"""Chapter 5's metrics: FID (5-11, Figure 5-3), Inception Score (5-12)."""

from __future__ import annotations

from .data import CIFAR10
from .graph import Flow, Node, OutputSlot, Schemas
from .models import FID_NETWORK, TORCHVISION_NETWORK
from .pieces import read_me, table_stage


def features(flow: Flow, images: OutputSlot, title: str, network: str, convention: str, size: int = 32) -> Node:
    """Image Features, at the thesis's size by default."""
    return flow.add("HypoNetExtractFeatures", title, images=images, network=network, convention=convention, size=size)


def table_5_11(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_table_5_11_fid", "Table 5-11: FID against CIFAR-10 train", schemas)
    read_me(
        flow,
        "The distance of a set from CIFAR-10's training pictures in Inception's last pooling features, with CIFAR-10 "
        "test beside it for scale and CIFAR-10 train with itself as the zero. Pictures go to 32 pixels first, and the "
        "rest is clean-fid's convention, as in the thesis.",
        [
            "**Synthetic set**: path of your set below `output/datasets`.",
            "**Image Features**: convention, network, size. A number means nothing without them; keep them alike.",
            "Weights: `models/inception`, or switch their download on.",
        ],
        "Lower is nearer. FID falls with the number of pictures, so compare at equal numbers only; five classes "
        "against all ten carry a gap of their own. KID has no such bias, precision and recall tell fidelity from "
        "coverage. None of them measures usefulness for training: that is Table 5-9.",
    )
    flow.stage("1  Pictures")
    synthetic = flow.add("HypoNetLoadLabelledImages", "Synthetic set", source="HypoNet set", path="sd15-hyponet")
    real = flow.add("HypoNetLoadLabelledImages", "CIFAR-10 train", source="CIFAR-10", path=CIFAR10, split="train")
    test = flow.add("HypoNetLoadLabelledImages", "CIFAR-10 test", source="CIFAR-10", path=CIFAR10, split="test")
    flow.stage("2  One Inception pass over each")
    ours = features(flow, synthetic["images"], "Features of the set", FID_NETWORK, "clean-fid")
    reference = features(flow, real["images"], "Features of CIFAR-10 train", FID_NETWORK, "clean-fid")
    held_out = features(flow, test["images"], "Features of CIFAR-10 test", FID_NETWORK, "clean-fid")
    flow.stage("3  Distances")
    pair = {"reference": reference["features"]}
    measured = [
        flow.add("HypoNetMeasureFID", "FID of the set", features=ours["features"], each_class=True, **pair),
        flow.add(
            "HypoNetMeasureFID", "FID of CIFAR-10 test", features=held_out["features"], name="CIFAR-10 Test", **pair
        ),
        flow.add(
            "HypoNetMeasureFID",
            "FID of CIFAR-10 train with itself",
            features=reference["features"],
            name="CIFAR-10 Train",
            **pair,
        ),
    ]
    flow.column()
    measured.append(flow.add("HypoNetMeasureKID", features=ours["features"], **pair))
    measured.append(flow.add("HypoNetMeasurePrecisionRecall", features=ours["features"], **pair))
    table_stage(flow, "Table 5-11", measured)
    return flow


def table_5_12(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_table_5_12_inception_score", "Table 5-12: Inception Score, and diversity", schemas)
    read_me(
        flow,
        "How sure a classifier is of each picture and how evenly a set spreads over its classes. The thesis's way: "
        "torchvision's Inception v3, pictures to 32 and then to 299, softmax over ImageNet's 1,000 classes, 10 splits.",
        [
            "**Synthetic set**: path of your set below `output/datasets`.",
            "**Image Features**: the FID network and `torch-fidelity` give the literature's score instead (CIFAR-10 "
            "train: 11.24 there, 10.23 here).",
        ],
        "Higher is taken for better, but the score knows nothing of the classes that you asked for, and near-copies "
        "of one good picture a class score high. *Diversity* shows those: Vendi score, mean distance within a class.",
    )
    flow.stage("1  Pictures")
    synthetic = flow.add("HypoNetLoadLabelledImages", "Synthetic set", source="HypoNet set", path="sd15-hyponet")
    real = flow.add("HypoNetLoadLabelledImages", "CIFAR-10 train", source="CIFAR-10", path=CIFAR10, split="train")
    flow.stage("2  One Inception pass over each")
    ours = features(flow, synthetic["images"], "Features of the set", TORCHVISION_NETWORK, "thesis")
    reference = features(flow, real["images"], "Features of CIFAR-10 train", TORCHVISION_NETWORK, "thesis")
    flow.stage("3  Scores")
    measured = [
        flow.add("HypoNetMeasureInceptionScore", "Score of the set", features=ours["features"]),
        flow.add(
            "HypoNetMeasureInceptionScore",
            "Score of CIFAR-10 train",
            features=reference["features"],
            name="CIFAR-10 Train",
        ),
        flow.add("HypoNetMeasureDiversity", features=ours["features"]),
    ]
    table_stage(flow, "Table 5-12", measured)
    return flow


def figure_5_3(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_figure_5_3_distortion", "Figure 5-3: FID rises with distortion", schemas)
    read_me(
        flow,
        "The same pictures, distorted more and more by noise, blur, black rectangles, swirl and JPEG, against "
        "themselves undistorted. It shows what FID reacts to.",
        [
            "**Pictures**: any set; per class limits how many. Some thousands give a smooth curve.",
            "**Distortion Curve**: kinds and strengths, with commas between.",
        ],
        "Each curve should rise from near 0. One that hardly rises is a distortion that FID does not see at this size: "
        "at 32 pixels much of JPEG's damage is gone before Inception looks.",
    )
    flow.stage("1  Pictures")
    real = flow.add(
        "HypoNetLoadLabelledImages", "Pictures", source="CIFAR-10", path=CIFAR10, split="test", per_class=500
    )
    flow.stage("2  Distort and measure")
    flow.add("HypoNetPlotDistortion", "Figure 5-3", images=real["images"], convention="clean-fid", size=32)
    return flow


FLOWS = [table_5_11, table_5_12, figure_5_3]
