"""Sets on a real server: saved, culled, verified, split, exported, and killed while they are written."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from hyponet.evaluation.pictures.generated_mark import has_mark
from hyponet.tests.nodes.dataset.sample_sets import item, open_set
from hyponet.tests.tools.choices import REFUSED, no_choice


def plan_graph(images=3, text="cat\nship"):
    """Nodes 1 to 3: classes, plan, and its first batch."""
    values = {
        "template": "a {red|blue} __class__",
        "negative": "",
        "coverage": "balanced",
        "images_per_class": images,
        "order": "interleaved",
        "shard_index": 0,
        "shard_count": 1,
        "seed": 5,
    }
    return {
        "1": {"class_type": "HypoNetClassesFromText", "inputs": {"text": text, "kinds_of_words": False}},
        "2": {"class_type": "HypoNetPlanDataset", "inputs": {"classes": ["1", 0], **values}},
    }


def generate(name, images=3, **changes):
    """A set of two classes by the stand-in model at 64x64."""
    values = {
        "model": ["3", 0],
        "clip": ["3", 1],
        "vae": ["3", 2],
        "plan": ["2", 0],
        "name": name,
        "width": 64,
        "height": 64,
        "steps": 2,
        "cfg": 7.5,
        "sampler_name": "euler",
        "scheduler": "normal",
        "batch_size": 3,
    }
    return {
        **plan_graph(images),
        "3": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd15.ckpt"}},
        "4": {"class_type": "HypoNetGenerateDataset", "inputs": {**values, **changes}},
    }


def save(set_name, batch_number=0, **changes):
    """A native graph's pictures (plain colours) saved as the plan's first items."""
    values = {
        "images": ["11", 0],
        "items": ["10", 0],
        "plan": ["2", 0],
        "name": set_name,
        "image_format": "png",
        "quality": 95,
        "embed_metadata": True,
        "embed_parameters": True,
        "small_copies": "",
        "copy_filter": "area",
    }
    batch = {"plan": ["2", 0], "batch_size": 3, "batch_number": batch_number}
    return {
        **plan_graph(),
        "10": {"class_type": "HypoNetPlanBatch", "inputs": batch},
        "11": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 32, "batch_size": ["10", 5], "color": 255},
        },
        "12": {"class_type": "HypoNetSaveToDataset", "inputs": {**values, **changes}},
    }


def lines(comfy, name):
    text = (comfy.datasets / name / "metadata.jsonl").read_text("utf-8")
    return sorted((json.loads(line) for line in text.splitlines()), key=lambda line: (line["label"], line["rank"]))


def assert_whole(comfy, name, images):
    """Every item once, every file readable and matching its line, no other file."""
    found, root = lines(comfy, name), comfy.datasets / name
    assert [(line["label"], line["rank"]) for line in found] == [
        (label, rank) for label in ("cat", "ship") for rank in range(images)
    ]
    for line in found:
        assert hashlib.sha256((root / line["file_name"]).read_bytes()).hexdigest() == line["sha256"]
        with Image.open(root / line["file_name"]) as image:
            image.load()
            assert json.loads(image.info["hyponet"])["label"] == line["label"]
    assert {path.relative_to(root).as_posix() for path in root.glob("*/*")} == {line["file_name"] for line in found}


def node(kind, **inputs):
    return {"class_type": f"HypoNet{kind}", "inputs": inputs}


def test_a_native_graph_saves_batch_after_batch(comfy):
    workflow = {"nodes": [], "version": 0.4}
    for number in range(2):
        graph = save("saved", number, small_copies="16")
        entry = comfy.client.wait(comfy.client.queue(graph, workflow))
        assert entry["outputs"]["12"]["hyponet"][0]["images"] == 3 * (number + 1)
    assert_whole(comfy, "saved", 3)
    with Image.open(comfy.datasets / "saved" / "cat" / "000000.png") as image:
        assert json.loads(image.info["prompt"])["12"]["class_type"] == "HypoNetSaveToDataset"
        assert json.loads(image.info["workflow"]) == workflow
        assert np.array_equal(np.asarray(image), np.full((32, 64, 3), (0, 0, 255)))
    assert len(list((comfy.datasets / "saved.16px").glob("*/*.png"))) == 6
    comfy.forget()
    shown = comfy.run(save("saved", 0, small_copies="16"))["12"]
    assert shown["text"] == ["0 of 3 pictures were new; the set has 6."]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "../out"}, r"data set name is '\.\./out'"),
        ({"name": "a.rejects"}, "choose another ending"),
        ({"image_format": "gif"}, no_choice("image_format", "gif")),
        ({"small_copies": "x"}, "small_copies has 'x'"),
        ({"images": ["13", 0]}, "images has 1 pictures; expected 3"),
    ],
)
def test_what_cannot_be_saved_is_said(comfy, changes, says):
    one = {"13": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}}
    with pytest.raises(REFUSED, match=says):
        comfy.run({**save("unsaved", **changes), **one})


def test_culling_and_repair_make_exactly_what_is_missing(comfy):
    graph = generate("culled_twice")
    comfy.run(graph)
    before = {(line["label"], line["rank"]): line for line in lines(comfy, "culled_twice")}
    sheet = {"columns": 10, "rows": 10, "page": 0, "cell": 64, "caption": "number and label", "order": "by class"}
    shown = comfy.run({**graph, "5": node("MakeContactSheet", dataset=["4", 0], only_class="", **sheet)})["5"]
    assert os.path.isfile(shown["hyponet"][0]["path"])
    shown = comfy.run(
        {**graph, "6": node("RejectItems", dataset=["4", 0], selection="1, cat: 2", round=1, attempts=5)}
    )["6"]
    assert shown["hyponet"][0]["images"] == 4
    made = comfy.run(graph)["4"]["hyponet_dataset"][0]
    assert made["made"] == 2, "the revision told Generate that items are missing"
    after = {(line["label"], line["rank"]): line for line in lines(comfy, "culled_twice")}
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("ship", 0), ("cat", 2)}  # two classes in turn: number 1 is the first ship
    assert all((before[key]["attempt"], after[key]["attempt"]) == (0, 1) for key in changed)
    assert all(before[key]["seed"] != after[key]["seed"] for key in changed)
    assert_whole(comfy, "culled_twice", 3)

    root = comfy.datasets / "culled_twice"
    (root / "cat" / "000000.png").unlink()
    flipped = bytearray((root / "ship" / "000001.png").read_bytes())
    flipped[-30] ^= 1
    (root / "ship" / "000001.png").write_bytes(flipped)
    check = node("VerifyDataset", dataset=["4", 0], reject=True, near_duplicates=False, attempts=5)
    shown = comfy.run({**graph, "7": check})
    assert shown["4"]["text"][0].endswith("Pictures that had been deleted by hand and were made again: 1.")
    assert "| missing | 0 |" in shown["7"]["text"][0], "Generate Dataset had made it again by then"
    assert "1 items are missing now" in shown["7"]["text"][0]
    assert comfy.run(graph)["4"]["hyponet_dataset"][0]["made"] == 1
    assert_whole(comfy, "culled_twice", 3)
    assert comfy.client.wait(comfy.client.queue(graph))["outputs"]["4"]["hyponet_dataset"][0]["images"] == 6


def checked_graph(name, pictures, reject):
    """Two photos saved as a cat and a motorcycle, then checked by real ImageNet weights."""
    climb = {"mode": "exact", "at_least": 5, "ancestor": "", "depth": 1, "lemmas": "unambiguous"}
    climb |= {"include_class": True, "all_kinds": False, "max_count": 0, "seed": 0}
    of_class = {"class_name": "", "hyponym_wildcard": "", "hypernym": "", "template": "", "own_negative": False}
    of_class |= {"negative": "", "omit": "", "image_count": 0}
    graph = save(name)
    graph["1"] = node("DefineClass", previous=["21", 0], hyponyms=["22", 0], **of_class)
    graph["21"] = node("DefineClass", hyponyms=["23", 0], **of_class)
    graph["22"] = node("HyponymsOfWord", word="motorcycle", **climb)
    graph["23"] = node("HyponymsOfWord", word="domestic_cat.n.01", **climb)
    graph["2"]["inputs"]["images_per_class"] = 1
    for number, picture in enumerate(pictures):
        graph[f"3{number}"] = {"class_type": "LoadImage", "inputs": {"image": picture}}
    graph["11"] = {"class_type": "ImageBatch", "inputs": {"image1": ["30", 0], "image2": ["31", 0]}}
    graph["40"] = node("LoadClassifier", model_name="tf_efficientnet_lite0.safetensors")
    values = {"clip_name": "none", "clip_caption": "a {}", "threshold": 0.0, "reject": reject, "attempts": 5}
    return {**graph, "41": node("CheckLabels", dataset=["12", 0], classifier=["40", 0], **values)}


def test_labels_are_checked_by_a_real_classifier(comfy):
    """scikit-image's cat and motorcycle, under their own labels and exchanged."""
    from skimage import data

    Image.fromarray(data.chelsea()[:, 75:375]).save(comfy.input / "check_cat.png")
    Image.fromarray(data.stereo_motorcycle()[0][:500, 100:600]).save(comfy.input / "check_motorcycle.png")
    right, wrong = ["check_cat.png", "check_motorcycle.png"], ["check_motorcycle.png", "check_cat.png"]
    comfy.run(checked_graph("checked", right, reject=True))
    found = lines(comfy, "checked")
    assert [line["check"] for line in found] == ["passed", "passed"]
    assert all(line["check_probability"] > 0.9 for line in found)
    assert all(line["check_predicted"] == line["label"] for line in found)
    root = comfy.datasets / "checked"
    assert not any(has_mark((root / line["file_name"]).read_bytes()) for line in found), (
        "photos are marked as generated"
    )
    stated = json.loads((root / "croissant.json").read_text("utf-8"))["rai:dataAnnotationProtocol"]
    assert "judged 2 of 2: 2 show their label, 0 do not" in stated
    comfy.run(checked_graph("exchanged", wrong, reject=False))
    found = lines(comfy, "exchanged")
    assert [line["check"] for line in found] == ["failed", "failed"]
    assert all(line["check_predicted"] != line["label"] for line in found)
    shown = comfy.run(checked_graph("exchanged", wrong, reject=True))["41"]["hyponet"][0]
    assert shown["images"] == 0


def test_a_set_is_loaded_split_merged_summarized_and_exported(comfy):
    with open_set(comfy.datasets, "source", labels=("cat", "dog")) as store:
        for number in range(6):  # no two alike, which no split would part
            store.add(item(("cat", "dog")[number % 2], number // 2), np.full((32, 64, 3), number, np.uint8))
    load = node("LoadDataset", name="source", include_marked=False)
    batch = node("LoadDatasetPictures", dataset=["1", 0], batch_number=1, batch_size=4, size=16, include_marked=False)
    shares = {"train": 0.7, "val": 0.0, "test": 0.3}
    split = node("SplitDataset", dataset=["1", 0], name="", include_marked=False, seed=3, **shares)
    merge = node("MergeDatasets", dataset_1=["2", 0], dataset_2=["2", 2], more_sets="source", name="together")
    export = node(
        "ExportDataset", dataset=["3", 0], export_format="WebDataset tar shards", shard_size=4, include_marked=False
    )
    summary = node("SummarizeDataset", dataset=["3", 0])
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
    validation = node("SummarizeDataset", dataset=["2", 1])  # a share of 0: nothing comes, and nothing runs
    graph = {"1": load, "2": split, "3": merge, "4": export, "5": summary, "6": shown, "7": validation, "8": batch}
    outputs = comfy.run(graph)
    assert len(outputs["6"]["images"]) == 2, "batch 1 of four is the last two of six"
    assert "7" not in outputs
    counts = {name: len(lines(comfy, name)) for name in ("source-train", "source-test", "together")}
    assert counts == {"source-train": 4, "source-test": 2, "together": 6}
    assert "together: 6 pictures in 2 classes" in outputs["5"]["text"][0]
    folder = comfy.output / "hyponet" / "exports" / "together" / "webdataset"
    shards = ["together-000000.tar", "together-000001.tar"]
    assert sorted(path.name for path in folder.iterdir()) == ["classes.txt", "croissant.jsonld", *shards]


def test_a_damaged_set_opens_and_is_mended_and_only_its_pictures_ask_for_all_of_them(comfy):
    """In API form, as the page sends a subgraph too: what is read follows from the links alone."""
    comfy.run(save("damaged"))
    (comfy.datasets / "damaged" / "cat" / "000000.png").unlink()
    load = {"1": node("LoadDataset", name="damaged", include_marked=False)}
    batch = {"batch_number": 0, "batch_size": 4, "size": 0, "include_marked": False}
    pictures = {
        "2": node("LoadDatasetPictures", dataset=["1", 0], **batch),
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    with pytest.raises(RuntimeError, match=r"picture cat/000000.png of data set 'damaged' is missing.*Verify Dataset"):
        comfy.run({**load, **pictures})
    checks = {"reject": True, "near_duplicates": False, "mend_lines": False, "attempts": 5}
    shown = comfy.run({**load, "4": node("VerifyDataset", dataset=["1", 0], **checks)})
    assert "1 problems" in shown["4"]["text"][0]
    assert len(comfy.run({**load, **pictures})["3"]["images"]) == 2


def test_dataset_json_alone_makes_the_set_again(comfy):
    comfy.run(generate("first"))
    load = node("LoadDataset", name="first", include_marked=False)
    graph = {**generate("second"), "1": load}
    graph["4"]["inputs"]["plan"] = ["1", 3]
    del graph["2"]
    comfy.run(graph)
    hashes = [[{**line, "sha256": ""} for line in lines(comfy, name)] for name in ("first", "second")]
    assert hashes[0] == hashes[1]


def test_a_set_that_is_only_read_is_not_changed(comfy, tmp_path):
    """A set below models/hyponet_datasets: it can be loaded and looked at; marking it is refused."""
    comfy.run(save("foreign"))
    listed = comfy.base / "models" / "hyponet_datasets"
    listed.mkdir(exist_ok=True)
    (comfy.datasets / "foreign").rename(listed / "foreign")
    load = node("LoadDataset", name="foreign", include_marked=False)
    sheet = {"columns": 2, "rows": 2, "page": 0, "cell": 32, "caption": "none", "order": "by class", "only_class": ""}
    shown = comfy.run({"1": load, "2": node("MakeContactSheet", dataset=["1", 0], **sheet)})
    assert shown["2"]["text"] == ["Not saved: the set is only read."]
    for kind, values in (("RejectItems", {"selection": "0", "round": 1}), ("VerifyDataset", {"reject": True})):
        values |= {"near_duplicates": False} if kind == "VerifyDataset" else {}
        with pytest.raises(RuntimeError, match="which is only read"):
            comfy.run({"1": load, "2": node(kind, dataset=["1", 0], attempts=5, **values)})
    assert {path.name for path in listed.iterdir()} == {"foreign"}


def wait_for_lines(comfy, name, count, patience=240):
    manifest = comfy.datasets / name / "metadata.jsonl"
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if manifest.exists() and manifest.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.01)
    raise TimeoutError(f"{name} has no {count} lines after {patience} s")


def test_a_server_is_killed_three_times_and_another_is_told_who_holds_the_set(comfy, start_comfy, tmp_path):
    images, name = 12, "killed"
    graph = generate(name, images, batch_size=2)
    others = {path: path.read_bytes() for path in comfy.datasets.rglob("*") if path.is_file()}
    for kill, count in enumerate((1, 5, 11)):
        victim = start_comfy(tmp_path, output=comfy.output)
        victim.client.queue(graph)
        wait_for_lines(comfy, name, count)
        if kill == 0:
            with pytest.raises(RuntimeError, match=f"is being written by process {victim.server.process.pid} on "):
                comfy.run(graph)
        os.kill(victim.server.process.pid, signal.SIGKILL)
        victim.server.process.wait()
        assert len(lines_that_parse(comfy, name)) < 2 * images
    comfy.run(graph)
    assert_whole(comfy, name, images)
    assert {path: path.read_bytes() for path in others} == others, "something outside the set was touched"


def test_of_two_servers_that_export_one_set_one_does_it_and_the_other_says_who_is_at_it(comfy, start_comfy, tmp_path):
    """The regression: the second deleted what the first had written, and the first reported success."""
    count = 2000
    with open_set(comfy.datasets, "exported_twice", labels=("cat",)) as store:
        for rank in range(count):
            store.add(item("cat", rank), np.full((8, 8, 3), rank % 256, np.uint8))
    graph = {
        "1": node("LoadDataset", name="exported_twice", include_marked=False),
        "2": node(
            "ExportDataset",
            **{"dataset": ["1", 0], "export_format": "captions for LoRA trainers", "include_marked": False},
            shard_size=1000,
        ),
    }
    other = start_comfy(tmp_path, output=comfy.output)
    exports = comfy.output / "hyponet" / "exports" / "exported_twice"
    queued = other.client.queue(graph)
    end = time.monotonic() + 120
    while not (exports / "captions.part").exists() and time.monotonic() < end:
        time.sleep(0.01)
    other.server.process.send_signal(signal.SIGSTOP)  # in the middle of it, however fast the machine is
    try:
        with pytest.raises(RuntimeError, match=f"is being written by process {other.server.process.pid} on "):
            comfy.run(graph)
    finally:
        other.server.process.send_signal(signal.SIGCONT)
    other.client.wait(queued)
    assert len(list((exports / "captions").glob("1_cat/*"))) == 2 * count
    assert [path.name for path in exports.iterdir()] == ["captions"]
    other.server.stop()


def lines_that_parse(comfy, name):
    whole = (comfy.datasets / name / "metadata.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in whole]
