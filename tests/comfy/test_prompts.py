"""The prompts room on a real server: prompts, wildcards, classes, plans, and what makes a node run again."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image
from skimage import data

from headless.client import RunFailed

DYNAMIC = {"template": "", "coverage": "random", "count": 1, "batch_number": 0, "seed": 0}
PLAN = {
    "template": "__view__ of a __color__ (__hyponym__:1.4) in __location__",
    "negative": "worst quality",
    "coverage": "balanced",
    "images_per_class": 10,
    "order": "interleaved",
    "shard_index": 0,
    "shard_count": 1,
    "seed": 1,
}
CLASS = {
    "class_name": "",
    "hyponym_wildcard": "",
    "hypernym": "",
    "template": "",
    "own_negative": False,
    "negative": "",
    "omit": "",
    "image_count": 0,
}
PREVIEW = {"samples": 2, "cfg": 7.5, "width": 512, "height": 512}


def node(kind, **inputs):
    return {"class_type": f"HypoNet{kind}", "inputs": inputs}


def show(source, output=0):
    return {"class_type": "PreviewAny", "inputs": {"source": [source, output]}}


def texts(outputs, name):
    return outputs[name]["text"]


@pytest.fixture(scope="module")
def wildcards(comfy):
    folder = comfy.base / "user" / "default" / "hyponet" / "wildcards"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prompts(comfy, **settings):
    graph = {"1": node("DynamicPrompt", **{**DYNAMIC, **settings}), **{str(n + 2): show("1", n) for n in range(3)}}
    outputs = comfy.run(graph)
    return [texts(outputs, str(n)) for n in (2, 3, 4)] if "2" in outputs else None


def test_one_prompt_or_a_list_with_picks_and_seeds(comfy):
    template = "a {red|blue} \\{x\\} __view__"
    listed, picks, seeds = prompts(comfy, template=template, count=5, seed=7)
    assert len(listed) == len(picks) == len(set(seeds)) == 5
    assert all(re.fullmatch(r"a (red|blue) \{x\} .+ View", prompt) for prompt in listed)
    first = json.loads(picks[0])
    assert [pick["slot"] for pick in first] == ["choice 1", "view"]
    assert first[1]["source"] == "view.txt"
    assert first[1]["option"] in listed[0]
    alone = [prompts(comfy, template=template, batch_number=n, seed=7)[0][0] for n in range(5)]
    assert alone == listed


def test_a_mistake_reaches_the_user_with_its_place(comfy):
    with pytest.raises(RunFailed, match=r"(?s)no wildcard named colr in template.*the nearest is color"):
        prompts(comfy, template="a __colr__")


def test_a_prompt_without_a_class_has_no_reserved_names(comfy, wildcards):
    """Someone's own class.txt is a wildcard like any other, and __hyponym__ never becomes a word by accident."""
    with pytest.raises(RunFailed, match="no wildcard named hyponym"):
        prompts(comfy, template="a __hyponym__")
    for content in ("mage", "rogue"):
        (wildcards / "class.txt").write_text(content, "utf-8")
        graph = {"1": node("DynamicPrompt", **{**DYNAMIC, "template": "a __class__"}), "2": show("1")}
        assert texts(comfy.run(graph), "2") == [f"a {content}"]
    (wildcards / "class.txt").unlink()


def test_only_a_changed_file_makes_the_node_run_again(comfy, wildcards):
    (wildcards / "mood.txt").write_text("calm", "utf-8")
    graph = {"1": node("DynamicPrompt", **{**DYNAMIC, "template": "__mood__ x"}), "2": show("1")}

    def run():
        """The nodes that the server took from its cache."""
        messages = dict(comfy.client.wait(comfy.client.queue(graph))["status"]["messages"])
        return set(messages["execution_cached"]["nodes"])

    run()
    (wildcards / "unrelated.txt").write_text("x", "utf-8")
    assert "1" in run()
    (wildcards / "mood.txt").write_text("wild", "utf-8")
    assert "1" not in run()


def test_a_saved_wildcard_can_be_loaded_and_drawn_from(comfy, wildcards):
    hyponyms = node(
        "HyponymsOfWord",
        word="ship",
        mode="exact",
        at_least=5,
        ancestor="",
        depth=1,
        lemmas="unambiguous",
        include_class=False,
        all_kinds=False,
        max_count=0,
        seed=0,
    )
    save = node("SaveWildcard", hyponyms=["1", 0], words="2::ark (old)", name="my/ships", overwrite=False)
    outputs = comfy.run({"1": hyponyms, "2": save})
    path = wildcards / "my" / "ships.txt"
    assert str(path) in texts(outputs, "2")[0]
    lines = path.read_text("utf-8").splitlines()
    assert lines[-1] == "2::ark (old)"
    with pytest.raises(RunFailed, match="exists; expected a new name"):
        comfy.run({"1": hyponyms, "2": {**save, "inputs": {**save["inputs"], "words": "more"}}})
    loaded = comfy.run({"1": node("LoadWildcard", name="my/ships"), "2": show("1", 1), "3": show("1", 3)})
    assert texts(loaded, "2")[0].splitlines() == lines
    assert texts(loaded, "3") == ["__my/ships__"]
    assert prompts(comfy, template="__my/ships__")[0][0]
    (wildcards / "marked.txt").write_text("2::red\n{dark|light} blue\n(old) tan\n", "utf-8")
    load = node("LoadWildcard", name="marked")
    copy = node("SaveWildcard", hyponyms=["1", 0], words="", name="my/copy", overwrite=False)
    comfy.run({"1": load, "2": copy})
    assert (wildcards / "my" / "copy.txt").read_bytes() == (wildcards / "marked.txt").read_bytes()


def test_what_a_prompt_is_still_to_save_can_be_queued_to_be_loaded(comfy, wildcards):
    """The name stands in no list yet, which newer servers read when a prompt is queued unless the node prevents it."""
    load = {"1": node("LoadWildcard", name="my/trees"), "2": show("1", 1)}
    with pytest.raises(RunFailed, match="no wildcard named my/trees"):
        comfy.run(load)
    comfy.client.queue({"1": node("SaveWildcard", words="oak\nelm", name="my/trees", overwrite=False)})
    assert texts(comfy.run(load), "2") == ["oak\nelm"]


def test_folders_of_other_packs_and_of_the_model_paths_are_read(comfy):
    places = {
        "impact_word": "custom_nodes/ComfyUI-Impact-Pack/custom_wildcards",
        "easy_word": "custom_nodes/ComfyUI-Easy-Use/wildcards/deep",
        "models_word": "models/wildcards",
    }
    for name, place in places.items():
        folder = comfy.base / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(f"from {place}", "utf-8")
    listed, picks, _ = prompts(comfy, template="__impact_word__, __Deep/Easy_Word__, __models_word__")
    assert listed == ["from {}, from {}, from {}".format(*places.values())]
    assert json.loads(picks[0])[1]["source"] == "deep/easy_word.txt"


@pytest.mark.parametrize("name", ["../out", "/tmp/x", "a\\b", "CON", "a/../../b", "x\0y"])
def test_a_wildcard_is_written_nowhere_else(comfy, name):
    graph = {"1": node("SaveWildcard", words="x", name=name, overwrite=True)}
    with pytest.raises(RunFailed, match="name is"):
        comfy.run(graph)


def test_classes_a_plan_and_its_preview(comfy):
    graph = {
        "0": node("LoadWildcard", name="thesis/cat"),
        "1": node("DefineClass", **{**CLASS, "hyponyms": ["0", 0], "omit": "color"}),
        "2": node("DefineClass", **{**CLASS, "previous": ["1", 0], "class_name": "ship", "hyponym_wildcard": "ship"}),
        "3": node(
            "ClassesFromText",
            previous=["2", 0],
            text="automobile: __thesis/automobile__; images: 4\ntruck",
            kinds_of_words=False,
        ),
        "4": node("PlanDataset", classes=["3", 0], **PLAN),
        "5": node("PreviewPlan", plan=["4", 0], **PREVIEW),
        "6": {"class_type": "PreviewImage", "inputs": {"images": ["5", 1]}},
    }
    outputs = comfy.run(graph)
    report = texts(outputs, "5")[0]
    assert "4 classes, 34 images" in report
    assert re.search(r"\| cat \| 10 \| 9000 \| 0 \| \d\d \|", report)  # 5 views x 40 cats x 45 places
    assert "label leak: Pickup Truck" in report
    assert " of a (" in report.split("**cat** 0:")[1].splitlines()[0]
    assert outputs["6"]["images"]


def test_a_class_named_twice_is_refused(comfy):
    graph = {
        "1": node("DefineClass", **{**CLASS, "class_name": "cat"}),
        "2": node("DefineClass", **{**CLASS, "previous": ["1", 0], "class_name": "Cat"}),
        "3": show("2"),
    }
    with pytest.raises(RunFailed, match="name of two classes is Cat"):
        comfy.run(graph)


def test_pictures_of_a_folder_become_classes(comfy):
    folder = comfy.input / "hyponet_samples"
    (folder / "cup").mkdir(parents=True, exist_ok=True)
    Image.fromarray(data.chelsea()).save(folder / "cat.png")
    Image.fromarray(data.coffee()).save(folder / "cup" / "coffee.png")
    graph = {
        "1": node("LoadClassifier", model_name="tf_efficientnet_lite0.safetensors"),
        "2": node(
            "ClassesFromPictures",
            classifier=["1", 0],
            folder="hyponet_samples",
            minimum_confidence=0.3,
            mode="exact",
            climb_to_name=True,
            at_least=4,
            depth=1,
            max_count=0,
            seed=0,
        ),
        "3": node("PlanDataset", classes=["2", 0], **{**PLAN, "template": "a __hyponym__"}),
        "4": node("PreviewPlan", plan=["3", 0], **PREVIEW),
    }
    outputs = comfy.run(graph)
    assert "| cat | 1 | tiger cat |" in texts(outputs, "2")[0]
    assert "| cup | 1 | espresso |" in texts(outputs, "2")[0]
    assert "2 classes, 20 images" in texts(outputs, "4")[0]


def test_the_frontend_is_told_to_leave_templates_alone(comfy):
    info = comfy.client.object_info()
    for name, spec in info.items():
        if not name.startswith("HypoNet") or info[name]["category"] != "HypoNet/Prompts":
            continue
        for widget, options in {**spec["input"].get("required", {}), **spec["input"].get("optional", {})}.items():
            if len(options) > 1 and options[0] == "STRING":
                assert options[1]["dynamicPrompts"] is False, (name, widget)
