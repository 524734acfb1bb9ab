"""What newcomers do wrong, one row each: the node is marked, and the message says what is wrong, where, and what to do.

A row is a whole graph on a real server, the smallest that has the mistake. What the server refuses before it runs
(nothing linked, another type, a file that is not on the list) it says in its own words, which are ComfyUI's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from headless.client import Rejected, RunFailed
from headless.run import run_workflow

from .test_hostile_inputs import Graphs

# passes anything on as anything, as reroutes, switches and variables of other packs do
ADAPTER = """
class Adapter:
    CATEGORY, FUNCTION, RETURN_TYPES = "test", "passed", ("*",)
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("*", {})}}
    @classmethod
    def VALIDATE_INPUTS(cls, input_types):
        return True
    def passed(self, value):
        return (value,)

NODE_CLASS_MAPPINGS = {"TestAdapter": Adapter}
"""
FOLDER = {"source": "image folder"}


@dataclass(frozen=True)
class Mistake:
    """One thing done wrong.

    Args:
        what: was done.
        node: the class of the node that has to be marked.
        says: parts of its message, in any order.
        changed: widgets and links of that node.
        without: links that are taken away.
        beside: further nodes of the graph, by id.
        of_others: widgets of the other nodes, by class.
    """

    what: str
    node: str
    says: tuple[str, ...]
    changed: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    beside: dict[str, Any] = field(default_factory=dict)
    of_others: dict[str, dict[str, Any]] = field(default_factory=dict)


def adapted(maker: dict[str, Any]) -> dict[str, Any]:
    """A node, and one that passes what it makes on as any type."""
    return {"maker": maker, "adapter": {"class_type": "TestAdapter", "inputs": {"value": ["maker", 0]}}}


def words(text: str) -> dict[str, Any]:
    """A node with the classes of `text`."""
    return {"class_type": "HypoNetClassesFromText", "inputs": {"text": text, "kinds_of_words": False}}


def folder(path: str) -> dict[str, Any]:
    """A node with the pictures of an image folder."""
    inputs = {"path": path, "split": "all", "per_class": 0, "corrupt": "stop", "download": False, "seed": 0}
    return {"class_type": "HypoNetLoadLabelledImages", "inputs": {**FOLDER, **inputs}}


PICTURE = {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 32, "batch_size": 1, "color": 0}}
TEXT, WORD, PLAN = "HypoNetClassesFromText", "HypoNetHyponymsOfWord", "HypoNetPlanDataset"
GENERATE, LOAD, TRAIN = "HypoNetGenerateDataset", "HypoNetLoadLabelledImages", "HypoNetTrainClassifier"
SHEET, REJECT, FEATURES = "HypoNetMakeContactSheet", "HypoNetRejectItems", "HypoNetExtractFeatures"
CLASSIFIER, CLASSIFY, REPORT = "HypoNetLoadClassifier", "HypoNetClassifyImage", "HypoNetWriteReport"
PICTURES, CLASS, OPEN = "HypoNetClassesFromPictures", "HypoNetDefineClass", "HypoNetOpenClassifier"
BESIDE = {"beside": words("cat")}  # another branch of a graph

NOTHING_LINKED = [
    Mistake("a plan without classes", PLAN, ("Required input is missing", "classes"), without=("classes",)),
    Mistake("generate without a plan", GENERATE, ("Required input is missing", "plan"), without=("plan",)),
    Mistake("generate without a model", GENERATE, ("Required input is missing", "model"), without=("model",)),
    Mistake("train without pictures", TRAIN, ("Required input is missing", "images"), without=("images",)),
    Mistake("features of nothing", FEATURES, ("images and pictures", "both empty", "link a set")),
]
LINKED_TO_THE_WRONG_THING = [
    Mistake(
        "a picture for a plan",
        GENERATE,
        ("Return type mismatch", "plan", "IMAGE", "HYPONET_PLAN"),
        {"plan": ["picture", 0]},
        beside={"picture": PICTURE},
    ),
    Mistake(
        "a trained classifier for one of Load Classifier",
        CLASSIFY,
        ("Return type mismatch", "HYPONET_CHECKPOINT", "HYPONET_CLASSIFIER"),
        {"classifier": ["opened", 0]},
        beside={"opened": {"class_type": OPEN, "inputs": {"file": "x.safetensors"}}},
    ),
    Mistake(
        "a picture for a plan, by an adapter",
        GENERATE,
        ("plan is of type Tensor", "expected a plan", "connect Dataset Plan"),
        {"plan": ["adapter", 0]},
        beside=adapted(PICTURE),
    ),
    Mistake(
        "pictures without labels for labelled ones, by an adapter",
        TRAIN,
        ("images is of type Tensor", "labelled pictures", "connect Load Labelled Images"),
        {"images": ["adapter", 0]},
        beside=adapted(PICTURE),
    ),
    Mistake(
        "a picture for classes, by an adapter",
        PLAN,
        ("classes is of type Tensor", "expected classes", "connect Class, Classes from Text or"),
        {"classes": ["adapter", 0]},
        beside=adapted(PICTURE),
    ),
    Mistake(
        "classes for a picture, by an adapter",
        CLASSIFY,
        ("image is of type tuple", "expected pictures", "connect Load Image"),
        {"image": ["adapter", 0]},
        beside=adapted(words("cat")),
    ),
    Mistake(
        "a picture for a set, by an adapter",
        SHEET,
        ("dataset is of type Tensor", "expected a data set", "connect Generate Dataset or Load Dataset"),
        {"dataset": ["adapter", 0]},
        beside=adapted(PICTURE),
    ),
]
EMPTY = [
    Mistake("no word", WORD, ("word is empty", "expected"), {"word": ""}),
    Mistake("no line of classes", TEXT, ("no class", "expected one a line"), {"text": "\n  \n"}),
    Mistake("a class without a name", CLASS, ("name of a class is empty", "type one"), {"class_name": " "}),
    Mistake("a line without a name", TEXT, ("a class without a name", "line 2"), {"text": "cat\n: Siamese"}),
    Mistake("a set without a name", GENERATE, ("name is ''", "empty", "expected"), {"name": ""}),
    Mistake("a folder without pictures", PICTURES, ("pictures in bare are none", "cat.jpg"), {"folder": "bare"}),
    Mistake(
        "a class folder without pictures",
        TRAIN,
        ("classes is 1", "left out of half", "ship", "no picture"),
        of_others={LOAD: {**FOLDER, "path": "half"}},
    ),
    Mistake("commas where pictures are named", REJECT, ("expected numbers such as 3",), {"selection": ",,"}),
]
NOT_THERE = [
    Mistake(
        "a checkpoint that is not there",
        "CheckpointLoaderSimple",
        ("Value not in list", "ckpt_name", "sd15.safetensors", "tiny_sd15.ckpt"),
        {"ckpt_name": "sd15.safetensors"},
    ),
    Mistake(
        "a classifier that is not there",
        CLASSIFIER,
        ("resnet99.safetensors", "none of the folders searched", "classifiers"),
        {"model_name": "resnet99.safetensors"},
    ),
    Mistake(
        "a classifier that was cut off",
        CLASSIFIER,
        ("torn.safetensors", "cannot be read", "download it again"),
        {"model_name": "torn.safetensors"},
    ),
    Mistake(
        "no Inception weights",
        FEATURES,
        ("weights of", "missing", "get it from", "download"),
        {"pictures": ["picture", 0]},
        beside={"picture": PICTURE},
    ),
    Mistake(
        "no BLIP",
        "HypoNetCaptionImages",
        ("blip_model is blip", "captioners", "download the model there"),
        {"captioner": "BLIP", "blip_model": "blip"},
    ),
    Mistake("no trained classifier", OPEN, ("Train Classifier", "run it first"), {"file": "(nothing trained yet)"}),
]
WRONG_FOLDER = [
    Mistake(
        "a path of the disk",
        LOAD,
        ("path is '/data/imagenet'", "root of the disk", "extra_model_paths.yaml"),
        {**FOLDER, "path": "/data/imagenet"},
    ),
    Mistake(
        "a folder that is not there",
        LOAD,
        ("path is 'no such'", "none of the folders searched", "put it there"),
        {**FOLDER, "path": "no such"},
    ),
    Mistake(
        "pictures without class folders",
        LOAD,
        ("flat", "no class folder", "one folder per class", "flat/<class>/"),
        {**FOLDER, "path": "flat"},
    ),
    Mistake(
        "the folder above train and test",
        LOAD,
        ("parted", "test, train", "choose the split"),
        {**FOLDER, "path": "parted"},
    ),
    Mistake(
        "a split that is not there",
        LOAD,
        ("half/test", "no class folder", "another split"),
        {**FOLDER, "path": "half", "split": "test"},
    ),
    Mistake(
        "an image folder taken for CIFAR-10",
        LOAD,
        ("half", "data_batch_1", "expected"),
        {"path": "half", "source": "CIFAR-10"},
    ),
    Mistake("a file for a folder", PICTURES, ("folder is 'flat/a.png'", "not a file"), {"folder": "flat/a.png"}),
    Mistake("a LoRA of a folder without captions", "HypoNetTrainLora", ("bare", "Caption Images"), {"folder": "bare"}),
]
MISTYPED = [
    Mistake("a wildcard misspelt", PLAN, ("lcoation", "location"), {"template": "a __class__ in __lcoation__"}),
    Mistake("a brace left open", PLAN, ("{", "closed"), {"template": "a {red|blue __class__"}),
    Mistake("a field misspelt", TEXT, ("a field 'imgaes'", "the nearest is images"), {"text": "cat; imgaes: 5"}),
    Mistake("a word misspelt", WORD, ("'automobil'", "the nearest are", "automobile"), {"word": "automobil"}),
    Mistake(
        "an ancestor that is none",
        WORD,
        ("'vehicle'", "choose one of", "feline"),
        {"word": "cat", "ancestor": "vehicle"},
    ),
    Mistake("a class misspelt", SHEET, ("only_class is 'cta'", "cat"), {"only_class": "cta"}),
    Mistake("a wildcard file that is not there", "HypoNetLoadWildcard", ("colours", "color"), {"name": "colours"}),
    Mistake(
        "a sampler by another's name",
        GENERATE,
        ("sampler_name", "DPM++ 2M", "euler"),
        {"sampler_name": "DPM++ 2M"},
    ),
    Mistake("a rule that names no option", PLAN, ("Ocaen",), {"rules": "not Ocaen, Reef"}),
]
TWO_OF_ONE = [
    Mistake("two classes of one name", TEXT, ("two classes", "Cat", "rename one"), {"text": "cat\nship\nCat"}),
    Mistake(
        "a class of a name before it",
        CLASS,
        ("two classes", "cat", "rename one"),
        {"class_name": "cat", "previous": ["classes", 0]},
        beside={"classes": words("cat")},
    ),
    Mistake(
        "two classes on one line", TEXT, ("several classes on one line", "one class a line"), {"text": "mug, bowl"}
    ),
]
NUMBERS = [
    Mistake("no step", GENERATE, ("smaller than min", "steps"), {"steps": 0}),
    Mistake("a side that no latent has", GENERATE, ("width is 500", "multiple of 8", "try 496"), {"width": 500}),
    Mistake("the third of two shards", PLAN, ("shard_index is 2", "0 to 1"), {"shard_index": 2, "shard_count": 2}),
    Mistake("a sheet that is not there", SHEET, ("page is 9", "expected 0 to 0"), {"page": 9}),
    Mistake("a batch that is not there", "HypoNetPlanBatch", ("batch_number is 9", "0 to"), {"batch_number": 9}),
    Mistake("image to image without an image", GENERATE, ("denoise is 0.5", "start image"), {"denoise": 0.5}),
    Mistake(
        "the best epoch of none held out",
        TRAIN,
        ("held-out", "set held_out above 0"),
        {"chosen_epoch": "best held-out epoch"},
    ),
    Mistake("more pictures than there are", "HypoNetMergeImages", ("too few", "ask for fewer"), {"per_class": 99}),
]
SETS_AND_RESULTS = [
    Mistake(
        "the name of another set",
        GENERATE,
        ("data set 'hostile'", "other settings", "width", "another name"),
        {"width": 72},
    ),
    Mistake("numbers that no sheet shows", REJECT, ("selection names '999'", "no picture"), {"selection": "999"}),
    Mistake(
        "words instead of numbers",
        REJECT,
        ("selection has 'the blurred one'", "expected numbers"),
        {"selection": "the blurred one"},
    ),
    Mistake("a set merged with nothing", "HypoNetMergeDatasets", ("at least two sets", "connect"), {"name": "one"}),
    Mistake(
        "a test set of other classes",
        "HypoNetTestClassifier",
        ("mug", "Map Classes"),
        {"images": ["mugs", 0]},
        beside={"mugs": folder("mugs")},
    ),
    Mistake("one class alone", TRAIN, ("classes is 1",), of_others={LOAD: {**FOLDER, "path": "mugs"}}),
    Mistake(
        "rows of the report without a sign",
        REPORT,
        ("line 1 of thesis_rows", "expected: our name ="),
        {"thesis_rows": "mine is SD1.5"},
    ),
    Mistake(
        "a report above its folder", REPORT, ("name is '../mine'", "expected a relative path"), {"name": "../mine"}
    ),
]
MISTAKES = [
    *NOTHING_LINKED,
    *LINKED_TO_THE_WRONG_THING,
    *EMPTY,
    *NOT_THERE,
    *WRONG_FOLDER,
    *MISTYPED,
    *TWO_OF_ONE,
    *NUMBERS,
    *SETS_AND_RESULTS,
]


NO_SET: dict[str, Any] = {}  # what is shown of a graph with a set that was not chosen; the server's first run


@pytest.fixture(scope="module")
def server(start_comfy: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server with the adapter, some folders of pictures, and the set of two classes that the rows open."""
    base = tmp_path_factory.mktemp("newcomer")
    pack = base / "custom_nodes" / "test_adapter"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(ADAPTER, "utf-8")
    running = start_comfy(base, packs=["test_adapter"])
    files = ["flat/a.png", "half/cat/a.png", "half/cat/b.png", "mugs/mug/a.png", "mugs/mug/b.png"]
    files += [f"parted/{split}/{name}/a.png" for split in ("train", "test") for name in ("cat", "ship")]
    for file in files:
        path = running.input / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 40, 3), len(file), np.uint8)).save(path)
    for name in ("bare", "half/ship"):
        (running.input / name).mkdir(parents=True)
    classifiers: Path = running.base / "models" / "classifiers"
    classifiers.mkdir(parents=True, exist_ok=True)
    (classifiers / "torn.safetensors").write_bytes(b"\0" * 100)
    running.graphs = Graphs(running.client.object_info())
    graph = running.graphs.around(SHEET)  # while there is no set
    NO_SET.update(graph=graph, outputs=running.client.run({**graph, **BESIDE}))
    running.run(running.graphs.around(GENERATE))
    running.graphs = Graphs(running.client.object_info())  # its lists name the set now
    assert "TestAdapter" in running.graphs.info
    yield running
    running.server.stop()


def graph_of(graphs: Graphs, mistake: Mistake) -> dict[str, Any]:
    """The smallest graph with that mistake."""
    graph = graphs.around(mistake.node, **mistake.changed)
    graph.update(mistake.beside)
    for node in graph.values():
        node["inputs"].update(mistake.of_others.get(node["class_type"], {}))
        if node["class_type"] == mistake.node:
            for name in mistake.without:
                del node["inputs"][name]
    return graph


def said(server: Any, graph: dict[str, Any]) -> dict[str, str]:
    """Node id -> what was said of it, by the server before the run or by the node in it."""
    try:
        server.client.wait(server.client.queue(graph), timeout=120, poll=0.02)
    except Rejected as refused:
        errors = refused.details.get("node_errors", {})
        return {
            number: " ".join(f"{error['message']}: {error['details']}" for error in entry["errors"])
            for number, entry in errors.items()
        }
    except RunFailed as failed:
        messages = failed.entry["status"]["messages"] if failed.entry else []
        return {
            message["node_id"]: message["exception_message"] for kind, message in messages if kind == "execution_error"
        }
    return {}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what.replace(" ", "-"))
def test_the_node_is_marked_and_the_message_says_what_to_do(server: Any, mistake: Mistake) -> None:
    graph = graph_of(server.graphs, mistake)
    messages = said(server, graph)
    marked = {graph[number]["class_type"] for number in messages}
    assert marked == {mistake.node}, messages
    message = " ".join(messages.values())
    if "(list of length" in message:
        pytest.skip("the server refuses a choice by itself from 0.8 on, and names a long list by its length alone")
    missing = [part for part in mistake.says if part not in message]
    assert not missing, f"{missing} not in: {message}"
    assert "Traceback" not in message


def test_a_set_that_is_not_there_yet_is_told_so_and_stops_only_what_hangs_on_it(server: Any) -> None:
    """The regression: the node, which the page runs whether something hangs on it or not, ended the whole run."""
    answers(NO_SET["graph"], "HypoNetLoadDataset", NO_SET["outputs"], "no data set is chosen", "run Generate Dataset")


def test_an_empty_path_is_told_so_and_stops_only_what_hangs_on_it(server: Any) -> None:
    graph = server.graphs.around("HypoNetMapClasses")
    for node in graph.values():
        if node["class_type"] == LOAD:
            node["inputs"]["path"] = ""
    outputs = server.client.run({**graph, **BESIDE})
    answers(graph, LOAD, outputs, "path is empty", "connect Generate Dataset")
    with pytest.raises(RunFailed, match="did not run: path is empty and no data set is connected"):
        run_workflow(server.client.url, graph)


def answers(graph: dict[str, Any], chooser: str, outputs: dict[str, Any], *says: str) -> None:
    """That the node of class `chooser` alone answered of its graph, and the one beside it."""
    (number,) = (number for number, node in graph.items() if node["class_type"] == chooser)
    assert outputs.keys() == {number, *BESIDE}
    assert all(part in outputs[number]["text"][0] for part in says), outputs[number]


def test_more_than_forty_mistakes_are_listed() -> None:
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES) > 50
