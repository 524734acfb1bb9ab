"""One graph in which every node that answers runs, small, over the stand-in models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN")


class Link(NamedTuple):
    """An output of a node of the graph."""

    node: str
    output: int = 0


class Graph:
    """A graph in API form; widgets that are not named keep their defaults."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.schemas = schemas
        self.nodes: dict[str, Any] = {}

    def add(self, kind: str, **values: Any) -> Link:
        """A new node's first output."""
        inputs: dict[str, Any] = {}
        for group in ("required", "optional"):
            for name, (type_name, *options) in self.schemas[kind]["input"].get(group, {}).items():
                given = options[0] if options else {}
                if isinstance(type_name, list):
                    inputs[name] = given.get("default", type_name[0] if type_name else "")
                elif type_name == "COMBO":
                    inputs[name] = given.get("default", given["options"][0])
                elif type_name in WIDGETS and not given.get("forceInput"):
                    inputs[name] = given["default"]
        unknown = set(values) - {name for group in self.schemas[kind]["input"].values() for name in group}
        assert not unknown, f"{kind} has no {unknown}"
        inputs |= {name: list(value) if isinstance(value, Link) else value for name, value in values.items()}
        node = str(len(self.nodes) + 1)
        self.nodes[node] = {"class_type": kind, "inputs": inputs}
        return Link(node)


def earlier_set(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A graph that makes the set `every-earlier`, for the node that opens one by its name."""
    graph = Graph(schemas)
    model = graph.add("CheckpointLoaderSimple", ckpt_name="tiny_sd15.ckpt")
    classes = graph.add("HypoNetClassesFromText", text="tabby")
    plan = graph.add("HypoNetPlanDataset", classes=classes, images_per_class=1)
    models = {"model": model, "clip": Link(model.node, 1), "vae": Link(model.node, 2)}
    graph.add("HypoNetGenerateDataset", **models, plan=plan, name="every-earlier", width=64, height=64, steps=1)
    return graph.nodes


def every_answer(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The graph; it needs `earlier_set`, the pictures of tools/workflows/inputs.py, and random Inception and CLIP."""
    graph = Graph(schemas)
    add = graph.add
    classifier = add("HypoNetLoadClassifier", model_name="tf_efficientnet_lite0.safetensors")
    photo = add("LoadImage", image="cat.png")
    add("HypoNetClassifyImage", classifier=classifier, image=photo)
    add("HypoNetHyponymsOfImage", classifier=classifier, image=photo)
    add("HypoNetClassesFromPictures", classifier=classifier, folder="samples")
    word = add("HypoNetHyponymsOfWord", word="ship", max_count=5)
    add("HypoNetSaveWildcard", hyponyms=word, name="every_answer")
    classes = add("HypoNetClassesFromText", text="tabby: tabby\ntiger: tiger")
    plan = add("HypoNetPlanDataset", classes=classes, images_per_class=5, template="a {small|large} __class__")
    add("HypoNetPreviewPlan", plan=plan)
    model = add("CheckpointLoaderSimple", ckpt_name="tiny_sd15.ckpt")
    clip, vae = Link(model.node, 1), Link(model.node, 2)
    made = add(
        "HypoNetGenerateDataset", model=model, clip=clip, vae=vae, plan=plan, name="every", width=64, height=64, steps=1
    )
    add("HypoNetMakeContactSheet", dataset=made)
    add("HypoNetRejectItems", dataset=made)
    add("HypoNetCheckLabels", dataset=made, classifier=classifier, reject=False)
    add("HypoNetVerifyDataset", dataset=made, near_duplicates=False)
    add("HypoNetSummarizeDataset", dataset=made)
    parts = add("HypoNetSplitDataset", dataset=made, name="every", train=0.5, val=0.0, test=0.5)
    add("HypoNetMergeDatasets", dataset_1=parts, dataset_2=Link(parts.node, 2), name="every-merged")
    add("HypoNetExportDataset", dataset=made)
    items = add("HypoNetPlanBatch", plan=plan, batch_size=4)
    empty = add("EmptyImage", width=64, height=64, batch_size=4)
    add("HypoNetSaveToDataset", images=empty, items=items, plan=plan, name="every-saved")
    add("HypoNetLoadDataset", name="every-earlier")
    images = add("HypoNetLoadLabelledImages", dataset=made)
    add("HypoNetMapClasses", images=images, mapping="the text below", text="cat = tabby, tiger")
    divided = add("HypoNetSplitImages", images=images)
    add("HypoNetMergeImages", images=divided, added=Link(divided.node, 1))
    small = {"images": images, "size": 32, "epochs": 2, "batch_size": 4}
    first, second = (add("HypoNetTrainClassifier", name=f"every-{seed}", seed=seed, **small) for seed in (1, 2))
    add("HypoNetTestClassifier", checkpoint=first, images=images, name="every")
    add("HypoNetCompareClassifiers", checkpoint=first, other=second, images=images, name="every")
    rest = Link(divided.node, 1)
    third = add("HypoNetTrainClassifier", name="every-half", **{**small, "images": divided})
    tested = add("HypoNetTestClassifier", checkpoint=third, images=rest, name="every-half")
    add("HypoNetTopUpPlan", plan=plan, result=tested, steering=rest, reported=divided)
    add("HypoNetLearningCurve", checkpoint=first, images=images, test_images=rest, sizes="2")
    folders = {"source": "image folder", "split": "all"}
    learned_made, real, photos = (
        add("HypoNetLoadLabelledImages", path=f"{name}_pictures", **folders) for name in ("made", "real", "other")
    )
    sides = {}
    for side, learned in (("synthetic", learned_made), ("real", real)):
        side_trained = add("HypoNetTrainClassifier", name=f"every-{side}", **{**small, "images": learned, "epochs": 1})
        sides[side] = add("HypoNetTestClassifier", checkpoint=side_trained, images=photos, name=f"every-{side}")
    add("HypoNetRatioToReal", **sides)
    features = add("HypoNetExtractFeatures", images=images)
    by_clip = add("HypoNetExtractFeatures", images=images, network="CLIP ViT-B/32", convention="transformers")
    add("HypoNetMeasureCMMD", features=by_clip, reference=by_clip)
    add("HypoNetMeasureCLIPScore", dataset=made)
    add("HypoNetFindCopies", images=images, reference=divided)
    add("HypoNetMeasureSameness", dataset=made, features=features)
    add("HypoNetMeasureFID", features=features, reference=features, each_class=True)
    add("HypoNetMeasureInceptionScore", features=features)
    add("HypoNetMeasureKID", features=features, reference=features)
    add("HypoNetMeasurePrecisionRecall", features=features, reference=features)
    add("HypoNetMeasureDiversity", features=features)
    add("HypoNetSaveStatistics", features=features, name="every")
    add("HypoNetPlotDistortion", images=images, kinds="noise", strengths="0.5")
    drawn = add("HypoNetSampleImages", images=images, per_class=2)
    captions = add("HypoNetCaptionImages", images=drawn, labels=Link(drawn.node, 1), name="every")
    add("HypoNetClassesFromCaptions", captions=Link(captions.node, 1), labels=Link(drawn.node, 1))
    lora = {"resolution": 64, "min_bucket": 64, "epochs": 2, "batch_size": 2, "rank": 2}
    add("HypoNetTrainLora", model=model, clip=clip, vae=vae, folder=captions, name="every", **lora)
    add("HypoNetWriteReport", name="every", result_1=tested)  # it waits for this one, and has its bars to draw
    return graph.nodes
