"""Hostile values for every widget of every node: nothing outside the allowed folders is read or written.

The test walks the schemas that the server tells, so a new node is covered by itself. Each widget in turn gets each
value while the others stay at cheap defaults. The values are the classes of hostile input that people send:
absolute paths, `..`, backslashes, NUL, links that lead out, NaN and infinity, wrong types.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headless.client import Rejected, RunFailed
from tools.dev.places import ROOT

SECRET = "only the owner may read this"
TEXT_KINDS = {"STRING", "COMBO"}
NUMBERS = {
    "INT": [-(10**12), 10**30, 1.5, math.nan, math.inf, "many", None],
    "FLOAT": [-1e30, 1e30, math.nan, math.inf, "much", None],
    "BOOLEAN": ["false", 7, None],
}
# what makes a node's honest run cheap, by the widget's name, wherever it stands
CHEAP = {
    "ckpt_name": "tiny_sd15.ckpt",
    "width": 64,
    "height": 64,
    "size": 32,
    "resolution": 64,
    "min_bucket": 64,
    "steps": 1,
    "epochs": 1,
    "sampler_name": "euler",
    "images_per_class": 1,
    "per_class": 1,
    "name": "hostile",
    "dataset": "hostile",
    "word": "cat",
    "text": "cat\ndog",
    "workers": 1,
    "results": "hostile/*",  # a report of all that other tests left takes a second a value
}
# a node that makes a value of each type; (class, its own inputs, which output)
PROVIDERS = {
    "MODEL": ("CheckpointLoaderSimple", {}, 0),
    "CLIP": ("CheckpointLoaderSimple", {}, 1),
    "VAE": ("CheckpointLoaderSimple", {}, 2),
    "IMAGE": ("EmptyImage", {"batch_size": 1}, 0),
    "LATENT": ("EmptyLatentImage", {"batch_size": 1}, 0),
    "SAMPLER": ("KSamplerSelect", {}, 0),
    "HYPONET_CLASSIFIER": ("HypoNetLoadClassifier", {"model_name": "tf_efficientnet_lite0.safetensors"}, 0),
    "HYPONET_HYPONYMS": ("HypoNetHyponymsOfWord", {}, 0),
    "HYPONET_CLASSES": ("HypoNetClassesFromText", {}, 0),
    "HYPONET_PLAN": ("HypoNetPlanDataset", {}, 0),
    "HYPONET_ITEMS": ("HypoNetPlanBatch", {}, 0),
    "HYPONET_DATASET": ("HypoNetLoadDataset", {}, 0),
    "HYPONET_IMAGES": ("HypoNetLoadLabelledImages", {"source": "HypoNet set", "path": "hostile"}, 0),
    "HYPONET_CHECKPOINT": ("HypoNetTrainClassifier", {}, 0),
    "HYPONET_FEATURES": ("HypoNetExtractFeatures", {}, 0),
    "HYPONET_RESULT": ("HypoNetTrainClassifier", {}, 2),
}
# errors that say what is wrong; a TypeError or KeyError would be a crash that the user cannot read
HONEST = (
    "ValueError",
    "FileNotFoundError",
    "FileExistsError",
    "ImportError",
    "TemplateError",
    "OtherSettings",
    "SetIsHeld",
    "CorruptPicture",
)


def hostile_texts(outside: Path, kind: str) -> list[object]:
    paths = [str(outside / "secret.txt"), "../../outside/secret.txt", "door/secret.txt"]
    if kind == "COMBO":  # a list to choose from: what is not on it is refused in one place
        return [*paths, "\ud800", 7, None]
    return [*paths, "..\\..\\outside\\secret.txt", "C:/outside", "a\0b", "\ud800", "CON", "", 7, {"a": 1}, None]


class Graphs:
    """Builds the smallest graph that runs a node, from the schemas alone."""

    def __init__(self, info: dict) -> None:
        self.info = info

    def around(self, node: str, **changed: object) -> dict:
        graph: dict = {}
        self._add(graph, node, changed)
        last = str(len(graph))
        if not self.info[node]["output_node"]:
            graph["99"] = {"class_type": "PreviewAny", "inputs": {"source": [last, 0]}}
        return graph

    def _add(self, graph: dict, node: str, changed: dict) -> str:
        inputs: dict[str, object] = {}
        for name, spec in self.info[node]["input"].get("required", {}).items():
            kind, options = spec[0], spec[1] if len(spec) > 1 else {}
            inputs[name] = self._value(graph, name, kind, options)
        for name, spec in self.info[node]["input"].get("optional", {}).items():
            options = spec[1] if len(spec) > 1 else {}
            if widget_kind(spec[0]) and "default" in options:
                inputs[name] = CHEAP.get(name, options["default"])
        inputs.update(changed)
        number = str(len(graph) + 1)
        graph[number] = {"class_type": node, "inputs": inputs}
        return number

    def _value(self, graph: dict, name: str, kind: object, options: dict) -> object:
        if widget_kind(kind):
            choices = kind if isinstance(kind, list) else options.get("options") or []
            wanted = CHEAP.get(name)
            if wanted is not None and (not choices or wanted in choices):
                return wanted
            return options.get("default", choices[0] if choices else "")
        kind = str(kind).split(",")[0]  # an input that takes several types
        assert kind in PROVIDERS, f"name a node that makes {kind} in PROVIDERS"
        node, own, output = PROVIDERS[kind]
        made = [number for number, other in graph.items() if other["class_type"] == node]
        return [made[0] if made else self._add(graph, node, own), output]


def widget_kind(kind: object) -> str:
    """STRING, COMBO, INT, FLOAT or BOOLEAN; empty for a link."""
    if isinstance(kind, list):
        return "COMBO"
    return str(kind) if kind in TEXT_KINDS or kind in NUMBERS else ""


def listing(folder: Path, leave_out: tuple[Path, ...] = ()) -> dict[str, tuple[int, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if not any(path.is_relative_to(other) for other in leave_out) and path.is_file():
            found[str(path.relative_to(folder))] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def outside(comfy) -> Path:
    """A folder beside the server's, with a secret, and doors to it inside the folders that we may read."""
    folder = comfy.base.parent / "outside"
    folder.mkdir(exist_ok=True)
    (folder / "secret.txt").write_text(SECRET, "utf-8")
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(folder / "secret.png")
    for base in (comfy.input, comfy.datasets, comfy.output / "hyponet"):
        base.mkdir(parents=True, exist_ok=True)
        (base / "door").symlink_to(folder)
    comfy.run(Graphs(comfy.client.object_info()).around("HypoNetGenerateDataset"))  # the set that others open
    yield folder
    for base in (comfy.input, comfy.datasets, comfy.output / "hyponet"):
        (base / "door").unlink()


def our_nodes() -> list[str]:
    """The ids of all nodes, read from the source so that pytest can name a test for each."""
    import re

    sources = (ROOT / "nodes").rglob("nodes*.py")
    return sorted({name for path in sources for name in re.findall(r'node_id="(HypoNet\w+)"', path.read_text("utf-8"))})


@pytest.mark.parametrize("node", our_nodes())
def test_no_value_of_a_widget_leaves_the_folders(comfy, outside, node):
    info = comfy.client.object_info()
    graphs = Graphs(info)
    allowed = (
        comfy.output,
        comfy.base / "temp",
        comfy.base / "user",
        comfy.base / "models" / "loras",
        comfy.base / "server.log",
    )
    before_base = listing(comfy.base, allowed)
    before_outside, before_models = listing(outside), listing(comfy.models)
    before_pack = listing(ROOT / "wildcards"), listing(ROOT / "nodes", tuple((ROOT / "nodes").rglob("__pycache__")))
    crashes = []
    for kind in ("required", "optional"):
        for name, spec in info[node]["input"].get(kind, {}).items():
            widget = widget_kind(spec[0])
            if not widget:
                continue
            values = hostile_texts(outside, widget) if widget in TEXT_KINDS else NUMBERS[widget]
            for value in values:
                answer = tried(comfy, graphs.around(node, **{name: value}))
                assert SECRET not in answer, f"{node}.{name} = {value!r} read a file outside"
                if answer.startswith("crash"):
                    crashes.append(f"{node}.{name} = {value!r}: {answer[:300]}")
    assert not crashes, "\n".join(crashes)
    assert listing(outside) == before_outside
    assert listing(comfy.models) == before_models
    assert listing(comfy.base, allowed) == before_base
    after_pack = listing(ROOT / "wildcards"), listing(ROOT / "nodes", tuple((ROOT / "nodes").rglob("__pycache__")))
    assert after_pack == before_pack
    assert comfy.client.alive()


def tried(comfy, graph: dict) -> str:
    """What came out of a run, as text; it begins with "crash" when the error is none that a person can act on."""
    try:
        prompt_id = comfy.client.queue(graph)
        entry = comfy.client.wait(prompt_id, timeout=120, poll=0.01)
    except Rejected as refused:
        return str(refused)
    except RunFailed as failed:
        for kind, message in failed.entry["status"]["messages"]:
            if kind == "execution_error":
                honest = message["exception_type"].rsplit(".", 1)[-1].endswith(HONEST)
                place = "".join(message["traceback"])[-700:]
                return str(failed) if honest else f"crash: {failed} {place}"
        return str(failed)
    return json.dumps(entry["outputs"])
