"""Generate Dataset and its pieces on a real server, against the native nodes that they stand for."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

SIZE = 64
LONG = "a " + "very " * 90 + "red "  # more than one window of 77 tokens


def plan_graph(images=2, **changes):
    """Nodes 1 and 2: two classes, short and long prompts."""
    values = {
        "template": "photo of a {red|blue|" + LONG + "} __hyponym__",
        "negative": "blurry",
        "coverage": "balanced",
        "images_per_class": images,
        "order": "interleaved",
        "shard_index": 0,
        "shard_count": 1,
        "seed": 5,
    }
    text = "cat: tabby, Persian cat\nship: liner, tug, ferry"
    return {
        "1": {"class_type": "HypoNetClassesFromText", "inputs": {"text": text}},
        "2": {"class_type": "HypoNetPlanDataset", "inputs": {"classes": ["1", 0], **values, **changes}},
    }


def checkpoint(name="tiny_sd15.ckpt", node="3"):
    return {node: {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}}}


def generate(name, model=("3", 0), clip=("3", 1), vae=("3", 2), **changes):
    """Node 4: Generate Dataset."""
    values = {
        "model": list(model),
        "clip": list(clip),
        "vae": list(vae),
        "plan": ["2", 0],
        "name": name,
        "width": SIZE,
        "height": SIZE,
        "steps": 2,
        "cfg": 7.5,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "batch_size": 3,
    }
    return {"4": {"class_type": "HypoNetGenerateDataset", "inputs": {**values, **changes}}}


def summary(outputs):
    return outputs["4"]["hyponet_dataset"][0]


def lines(comfy, name):
    text = (comfy.datasets / name / "metadata.jsonl").read_text("utf-8")
    return sorted((json.loads(line) for line in text.splitlines()), key=lambda line: (line["label"], line["rank"]))


def picture(comfy, name, line):
    with Image.open(comfy.datasets / name / line["file_name"]) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_whole_set_is_made_and_told_in_the_history(comfy):
    graph = {**plan_graph(images=3), **checkpoint(), **generate("whole")}
    shown = summary(comfy.run(graph))
    assert (shown["images"], shown["made"]) == (6, 6)
    assert shown["counts"] == {"cat": 3, "ship": 3}
    assert shown["path"] == str(comfy.datasets / "whole")
    assert shown["seconds"] > 0
    assert [(line["label"], line["rank"]) for line in lines(comfy, "whole")] == [
        *(("cat", rank) for rank in range(3)),
        *(("ship", rank) for rank in range(3)),
    ]
