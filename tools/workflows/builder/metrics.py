"""Chapter 5's metrics: FID (5-11, Figure 5-3), Inception Score (5-12); and those that are asked for today."""

from __future__ import annotations

from .data import CIFAR10
from .graph import Flow, Node, OutputSlot, Schemas
from .models import CLIP_NETWORK, DINO_NETWORK, FID_NETWORK, TORCHVISION_NETWORK
from .pieces import read_me, show_answer, table_stage


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
            "**Features**: convention, network, size. A number means nothing without them; keep them alike.",
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
            "**Features**: the FID network and `torch-fidelity` give the literature's score instead (CIFAR-10 "
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
            "**Figure 5-3**: kinds and strengths, with commas between.",
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


def metrics_of_today(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_22_metrics_of_today", "A set as DINOv2 and CLIP see it", schemas)
    read_me(
        flow,
        "The distances that are asked for beside FID: FD-DINOv2, precision to coverage of each class at equal numbers, "
        "CMMD, and how well pictures agree with their prompts.",
        [
            "**Generated set**: a set of yours.",
            "**Real photos**: a folder below `input` with `<class>/*.jpg`, best as many as the set has.",
            "**The set by**, **Photos by**: folders `dinov2-large` and `clip-vit-large-patch14-336` in "
            "`models/classifiers`, or switch *download* on (1.2 and 1.7 GB). The same in both.",
        ],
        "FD-DINOv2 and CMMD: lower is nearer, at equal numbers of pictures and against the same photos alone. They are "
        "of another scale than FID. **CLIP Score**: agreement with the prompt, nothing more. None says how useful a "
        "set is for training: that is workflow 4.",
    )
    flow.stage("1  Pictures")
    made = flow.add("HypoNetLoadDataset", "Generated set", name="own_classes")
    pictures = flow.add("HypoNetLoadLabelledImages", "Its pictures", dataset=made["dataset"])
    photos = flow.add("HypoNetLoadLabelledImages", "Real photos", source="image folder", path="my_photos")
    flow.stage("2  Seen by DINOv2")
    ours = features(flow, pictures["images"], "The set by DINOv2", DINO_NETWORK, "dgm_eval", size=0)
    real = features(flow, photos["images"], "Photos by DINOv2", DINO_NETWORK, "dgm_eval", size=0)
    flow.stage("3  Seen by CLIP")
    ours_by_clip = features(flow, pictures["images"], "The set by CLIP", CLIP_NETWORK, "transformers", size=0)
    real_by_clip = features(flow, photos["images"], "Photos by CLIP", CLIP_NETWORK, "transformers", size=0)
    flow.stage("4  Near?")
    pair = {"features": ours["features"], "reference": real["features"]}
    distance = flow.add("HypoNetMeasureFID", "FD-DINOv2", **pair)
    shares = flow.add("HypoNetMeasurePrecisionRecall", each_class=True, **pair)
    flow.stage("5  As asked for?")
    cmmd = flow.add("HypoNetMeasureCMMD", features=ours_by_clip["features"], reference=real_by_clip["features"])
    score = flow.add("HypoNetMeasureCLIPScore", dataset=made["dataset"], clip_network=CLIP_NETWORK)
    flow.stage("6  Does the seed vary?")
    same = flow.add("HypoNetMeasureSameness", dataset=made["dataset"], features=ours["features"])
    flow.stage("7  The report")
    results = (distance, shares, cmmd, score, same)
    links = {f"result_{number}": node["result"] for number, node in enumerate(results, 1)}
    show_answer(flow.add("HypoNetWriteReport", name="today", title="Metrics of today", results="", **links), 200)
    return flow


FLOWS = [table_5_11, table_5_12, figure_5_3]
