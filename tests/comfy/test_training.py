"""The training room on the server: real files in, results and pictures out; bad files and values refused by name."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import struct
import time

import aiohttp
import numpy as np
import pytest
from PIL import Image

from headless.client import Client, RunFailed
from hyponet.evaluation.training.checkpoint import is_checkpoint, load_checkpoint
from hyponet.tests.tools.choices import REFUSED, no_choice

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}


@pytest.fixture(scope="module")
def pictures(comfy):
    """input/colours/{train,test}/<colour>/: 12 and 4 noisy pictures a class, plain to tell apart."""
    rng = np.random.default_rng(0)
    root = comfy.input / "colours"
    for part, count in (("train", 12), ("test", 4)):
        for name, colour in COLOURS.items():
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                noisy = np.array(colour) + rng.integers(-30, 30, (24, 20, 3))
                Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    yield root
    shutil.rmtree(root)


def load(part, **changes):
    inputs = {
        "source": "image folder",
        "path": "colours",
        "split": part,
        "per_class": 0,
        "corrupt": "stop",
        "download": False,
        "seed": 0,
    }
    return {"class_type": "HypoNetLoadLabelledImages", "inputs": {**inputs, **changes}}


def train(images, **changes):
    inputs = {
        "images": images,
        "name": "colours",
        "architecture": "resnet18",
        "stem": "7x7",
        "start": "scratch",
        "size": 16,
        "filter": "bicubic",
        "crop": "squash",
        "epochs": 3,
        "batch_size": 9,
        "learning_rate": 0.001,
        "optimizer": "AdamW",
        "weight_decay": 0.01,
        "schedule": "constant",
        "label_smoothing": 0.0,
        "augmentation": "none",
        "normalisation": "none",
        "precision": "float32",
        "held_out": 0.0,
        "chosen_epoch": "last epoch",
        "runs": 1,
        "seed": 0,
    }
    return {"class_type": "HypoNetTrainClassifier", "inputs": {**inputs, **changes}}


def preview(image):
    return {"class_type": "PreviewImage", "inputs": {"images": image}}


def test_train_test_and_compare_on_real_files(comfy, pictures):
    shown = comfy.run(
        {
            "train set": load("train"),
            "test set": load("test"),
            "train": train(["train set", 0], runs=2, held_out=0.25, augmentation="flip and crop"),
            "other": train(["train set", 0], runs=2, name="colours/other", stem="3x3 stride 2", epochs=1),
            "test": {
                "class_type": "HypoNetTestClassifier",
                "inputs": {
                    "checkpoint": ["train", 0],
                    "images": ["test set", 0],
                    "images_2": ["train set", 0],
                    "name": "colours",
                    "mistakes": 4,
                },
            },
            "compare": {
                "class_type": "HypoNetCompareClassifiers",
                "inputs": {
                    "checkpoint": ["train", 0],
                    "other": ["other", 0],
                    "images": ["test set", 0],
                    "name": "colours",
                },
            },
            "sheet": preview(["train set", 2]),
            "curves": preview(["train", 1]),
            "confusion": preview(["test", 2]),
            "mistakes": preview(["test", 3]),
        }
    )
    trained = shown["train"]["hyponet_result"]
    assert [result["settings"]["seed"] for result in trained] == [0, 1]
    assert trained[0]["figures"]["held_out"]["count"] == 9, "a quarter of 12 in each of 3 classes"
    assert len(trained[0]["figures"]["history"]) == 3
    tested = shown["test"]["hyponet_result"]
    assert [(entry["name"], entry["count"]) for entry in tested[0]["figures"]["test_sets"]] == [
        ("colours test", 12),
        ("colours train", 36),
    ]
    for entry in tested[0]["figures"]["test_sets"]:
        low, high = entry["interval"]
        assert 0 <= low <= entry["accuracy"] <= high <= 1
        assert sum(map(sum, entry["confusion"])) == entry["count"]
    assert "mean and standard deviation of 2 seeds" in shown["test"]["text"][0]
    assert "colours train: 36 of 36 test pictures are of its training set" in shown["test"]["text"][0]
    assert [entry["shared"] for entry in tested[0]["figures"]["test_sets"]] == [0, 36]
    assert "Over n = 2 training seeds: difference " in shown["compare"]["text"][0]
    assert len(shown["compare"]["hyponet_result"][0]["figures"]["pairs"]) == 2
    assert shown["compare"]["text"][0].startswith("| first | second | accuracy |")
    assert shown["compare"]["text"][0].count("colours train, seed 1, resnet18") == 2, "a row a run, both sides named"
    for result, text in zip(trained, shown["train"]["text"][0].split("\n\n"), strict=True):
        assert f"accuracy, last epoch: {100 * result['figures']['held_out']['accuracy']:.2f} % (" in text
    assert len(shown["confusion"]["images"]) == 2
    assert all(shown[name]["images"] for name in ("sheet", "curves", "mistakes"))
    kept = [json.loads(path.read_text("utf-8")) for path in (comfy.output / "hyponet/results/colours").glob("*.json")]
    assert sorted(result["kind"] for result in kept) == ["comparison", "test", "test", "training", "training"]


def test_the_node_shows_loss_accuracy_speed_and_time_left_while_it_runs(comfy, pictures):
    graph = {"set": load("train"), "train": train(["set", 0], name="watched", epochs=2)}
    texts, steps = asyncio.run(listen(comfy, graph))
    *_, running = (text for text in texts if "images/s" in text)
    assert "epoch 2/2, step 8/8\nloss " in running
    assert re.search(r"training accuracy [\d.]+ %\n[\d,]+ images/s, 0 s left", running)
    assert steps[-1] == (8, 8), "36 pictures in batches of 9, twice"


async def listen(comfy, graph):
    """The texts and (value, max) of the bar that a browser hears of the node `train` while `graph` runs."""
    texts, steps = [], []
    client = Client(comfy.url, "watcher")
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{comfy.url}/ws?clientId=watcher") as socket:
        await asyncio.to_thread(client.queue, graph)
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                kind, length = struct.unpack(">II", message.data[:8])
                node, text = message.data[8 : 8 + length], message.data[8 + length :]
                if kind == 3 and node == b"train":  # protocol.py: BinaryEventTypes.TEXT
                    texts.append(text.decode())
                continue
            event = message.json()
            if event["type"] == "progress" and event["data"]["node"] == "train":
                steps.append((event["data"]["value"], event["data"]["max"]))
            if event["type"] in ("execution_success", "execution_error"):
                return texts, steps


def test_a_finished_run_is_not_trained_again_and_its_file_opens(comfy, pictures):
    graph = {"set": load("train"), "train": train(["set", 0], name="again", epochs=1)}
    first = comfy.run(graph)["train"]["hyponet_result"][0]
    # another limit that changes nothing: the node runs again, the training does not
    second = comfy.run({**graph, "set": load("train", per_class=12)})["train"]["hyponet_result"][0]
    assert second["run"] == first["run"]
    (file,) = (comfy.output / "hyponet/classifiers/again").rglob("last.safetensors")
    name = file.relative_to(comfy.output / "hyponet/classifiers").as_posix()
    opened = {"class_type": "HypoNetOpenClassifier", "inputs": {"file": name}}
    shown = comfy.run({"open": opened, "text": {"class_type": "PreviewAny", "inputs": {"source": ["open", 1]}}})
    about = json.loads(shown["text"]["text"][0])
    assert about["classes"] == ["blue", "green", "red"]
    assert about["complete"] is True


def test_a_checkpoint_of_ours_in_models_is_listed_and_opens(comfy, pictures):
    comfy.run({"set": load("train"), "train": train(["set", 0], name="given away", epochs=1)})
    (file,) = (comfy.output / "hyponet/classifiers/given away").rglob("last.safetensors")
    folder = comfy.base / "models" / "classifiers" / "given"
    folder.mkdir(parents=True)
    try:
        shutil.copy(file, folder / "mine.safetensors")
        schema = comfy.client.object_info()["HypoNetOpenClassifier"]
        listed = schema["input"]["required"]["file"]
        options = listed[0] if isinstance(listed[0], list) else listed[1]["options"]
        opened = {"class_type": "HypoNetOpenClassifier", "inputs": {"file": "given/mine.safetensors"}}
        shown = comfy.run({"open": opened, "text": {"class_type": "PreviewAny", "inputs": {"source": ["open", 1]}}})
    finally:
        shutil.rmtree(folder)
    assert "given/mine.safetensors" in options
    assert not any("efficientnet" in option for option in options), "that network is not one of ours"
    assert json.loads(shown["text"]["text"][0])["kind"] == "last"


def test_interrupt_keeps_a_checkpoint_and_the_state_to_go_on_from(comfy, pictures):
    graph = {"set": load("train"), "train": train(["set", 0], name="stopped", epochs=100_000)}
    runs = comfy.output / "hyponet/classifiers/stopped"
    for patience in (2, 4, 8, 16, 32, 64):  # seconds until the first steps are done differ from machine to machine
        queued = comfy.client.queue(graph)
        time.sleep(patience)
        comfy.client.interrupt()
        with pytest.raises(RunFailed, match="interrupted"):
            comfy.client.wait(queued, timeout=60)
        if runs.exists():
            break
    (state,) = runs.rglob("state.pt")
    assert is_checkpoint(state.with_name("last.safetensors"))
    assert load_checkpoint(state.with_name("last.safetensors")).provenance.complete is False
    state.unlink()


def test_classes_are_mapped_merged_and_split(comfy, pictures):
    shown = comfy.run(
        {
            "set": load("train"),
            "map": {
                "class_type": "HypoNetMapClasses",
                "inputs": {"images": ["set", 0], "mapping": "the text below", "text": "warm = red\ncold = blue, green"},
            },
            "more": {
                "class_type": "HypoNetMergeImages",
                "inputs": {
                    "images": ["map", 0],
                    "added": ["map", 0],
                    "per_class": 5,
                    "draw": "first (thesis)",
                    "name": "",
                    "seed": 0,
                },
            },
            "split": {"class_type": "HypoNetSplitImages", "inputs": {"images": ["more", 0], "share": 0.5, "seed": 1}},
            "map counts": {"class_type": "PreviewAny", "inputs": {"source": ["map", 1]}},
            "more counts": {"class_type": "PreviewAny", "inputs": {"source": ["more", 1]}},
            "split counts": {"class_type": "PreviewAny", "inputs": {"source": ["split", 2]}},
        }
    )
    assert "warm: 12\ncold: 24" in shown["map counts"]["text"][0]
    assert "colours train + 5: 46 pictures\nwarm: 17\ncold: 29" in shown["more counts"]["text"][0]
    assert shown["split counts"]["text"][0].count("pictures") == 2


def test_a_corrupt_picture_stops_by_name_or_is_counted(comfy, pictures):
    broken = pictures / "train" / "red" / "broken.png"
    broken.write_bytes((pictures / "train" / "red" / "0.png").read_bytes()[:60])
    try:
        with pytest.raises(RunFailed, match=r"red/broken\.png"):
            comfy.run({"set": load("train"), "train": train(["set", 0], name="broken")})
        counts = {"class_type": "PreviewAny", "inputs": {"source": ["set", 1]}}
        shown = comfy.run({"set": load("train", corrupt="skip and count"), "counts": counts})
        limited = comfy.run({"set": load("train", corrupt="skip and count", per_class=12), "counts": counts})
    finally:
        broken.unlink()
    assert "red: 12" in shown["counts"]["text"][0]
    assert "left out (corrupt, foreign, empty, without a line): 1: train/red/broken.png" in shown["counts"]["text"][0]
    assert "red: 12" in limited["counts"]["text"][0], "12 good ones exist beside the corrupt one"


def test_a_broken_link_does_not_hide_later_changes(comfy, pictures):
    counts = {"class_type": "PreviewAny", "inputs": {"source": ["set", 1]}}
    graph = {"set": load("train"), "counts": counts}
    link, added = (pictures / "train" / "red" / name for name in ("gone.png", "added.png"))
    link.symlink_to(pictures / "nowhere.png")
    try:
        assert "red: 12" in comfy.run(graph)["counts"]["text"][0]
        shutil.copy(pictures / "train" / "red" / "0.png", added)
        assert "red: 13" in comfy.run(graph)["counts"]["text"][0]
    finally:
        link.unlink()
        added.unlink(missing_ok=True)


def test_a_merge_takes_the_whole_second_set_unless_told_otherwise(comfy):
    described = comfy.client.object_info()["HypoNetMergeImages"]
    assert described["input"]["required"]["per_class"][1]["default"] == -1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "../colours"}, "path is"),
        ({"path": "/etc"}, "path is"),
        ({"path": "nowhere"}, "exists in none"),
        ({"source": "CIFAR-10"}, "data_batch_1 is missing"),
        ({"source": "STL-10"}, "train_X.bin is missing"),
        ({"source": "Parquet"}, r"no \.parquet"),
        ({"source": "no such kind"}, no_choice("source", "no such kind")),
        ({"corrupt": "maybe"}, no_choice("corrupt", "maybe")),
        ({"download": True}, "can be fetched"),
    ],
)
def test_what_cannot_be_loaded_is_said(comfy, pictures, changes, message):
    with pytest.raises(REFUSED, match=message):
        comfy.run({"set": load("train", **changes), "sheet": preview(["set", 2])})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../out"}, "name is"),
        ({"architecture": "resnet1000"}, no_choice("architecture", "resnet1000")),
        ({"stem": "none"}, no_choice("stem", "none")),
        ({"start": "../../weights.pth"}, "start is"),
        ({"learning_rate": float("nan")}, "learning_rate is"),
        ({"chosen_epoch": "best held-out epoch"}, "nothing is held out"),
        ({"optimizer": ["SGD"]}, "optimizer"),
        ({"optimizer": "SGD", "learning_rate": 100.0}, "loss is not a number since epoch"),
        ({"seed": 2**64 - 1, "runs": 2}, "seed is 18446744073709551616; expected 0 to"),
    ],
)
def test_what_cannot_be_trained_is_said(comfy, pictures, changes, message):
    with pytest.raises(REFUSED, match=message):
        comfy.run({"set": load("train"), "train": train(["set", 0], **changes)})


def test_a_round_names_weak_classes_and_extends_the_plan(comfy, pictures):
    """Two parts of the test pictures: one steers, the other is reported; a set of the same plan would be extended."""
    classes = {"class_type": "HypoNetClassesFromText", "inputs": {"text": "red\ngreen\nblue", "kinds_of_words": False}}
    plan = {
        "class_type": "HypoNetPlanDataset",
        "inputs": {
            "classes": ["classes", 0],
            "template": "a __class__",
            "negative": "",
            "coverage": "balanced",
            "images_per_class": 4,
            "order": "interleaved",
            "shard_index": 0,
            "shard_count": 1,
        },
    }
    top_up = {"plan": ["plan", 0], "result": ["test", 0], "steering": ["halves", 0], "reported": ["halves", 1]}
    graph = {
        "classes": classes,
        "plan": plan,
        "train set": load("train"),
        "test set": load("test"),
        "halves": {"class_type": "HypoNetSplitImages", "inputs": {"images": ["test set", 0], "share": 0.5, "seed": 0}},
        "train": train(["train set", 0], name="rounds", runs=2, epochs=2),
        "test": {
            "class_type": "HypoNetTestClassifier",
            "inputs": {"checkpoint": ["train", 0], "images": ["halves", 0], "name": "rounds", "mistakes": 4},
        },
        "top up": {
            "class_type": "HypoNetTopUpPlan",
            "inputs": {**top_up, "budget": 7, "steer_by": "entropy", "name": "rounds"},
        },
        "preview": {
            "class_type": "HypoNetPreviewPlan",
            "inputs": {"plan": ["top up", 0], "samples": 0, "cfg": 2.0, "width": 64, "height": 64},
        },
        "curve": {
            "class_type": "HypoNetLearningCurve",
            "inputs": {
                "checkpoint": ["train", 0],
                "images": ["train set", 0],
                "test_images": ["test set", 0],
                "sizes": "3, 6, 50",
                "name": "rounds",
            },
        },
    }
    shown = comfy.run(graph)
    (decided,) = shown["top up"]["hyponet_result"]
    assert (decided["figures"]["before"], decided["figures"]["added"]) == (12, 7)
    assert sum(entry["added"] for entry in decided["figures"]["per_class"].values()) == 7
    assert decided["inputs"]["steering"]["name"] == "colours test, 0.5 of it"
    assert "19" in shown["preview"]["text"][0], "the plan has 12 + 7 images"
    (curve,) = shown["curve"]["hyponet_result"]
    assert [point["per_class"] for point in curve["figures"]["points"]] == [3, 6, 12]
    assert [point["pictures"] for point in curve["figures"]["points"]] == [9, 18, 36]
    assert all(point["seeds"] == [0, 1] for point in curve["figures"]["points"])
    assert len(shown["curve"]["images"]) == 1
    assert curve["inputs"]["images"]["shared"] == 0
    graph["top up"]["inputs"]["reported"] = ["test set", 0]
    with pytest.raises(RunFailed, match="6 of 6 steering pictures are in colours test, which is reported"):
        comfy.run(graph)
