"""Subgraph blueprints: chains of nodes that the editor offers as one node, in its library beside those of ComfyUI.

ComfyUI reads them from `subgraphs/*.json` of a pack, shows a file's name, and takes the one subgraph in it.
"""

from __future__ import annotations

import uuid
from typing import Any

from .forms import PACK, graph_node, wired
from .graph import Flow, Node, OutputSlot, Schemas
from .layout import arrange
from .uses import train

INPUTS, OUTPUTS = -10, -20  # the editor's ids of what stands for a subgraph's own inputs and outputs
SLOT_STEP, EDGE = 20, (120, 60)  # pixels: between two of them; their box, and its distance
OUTER = (300, 200)  # of the one node, before the editor gives it its size


class Blueprint(Flow):
    """A chain under construction.

    Args:
        name: for people: the file's name, and what stands on the node's head.
        about: what it does, in a sentence.
    """

    def __init__(self, name: str, about: str, schemas: Schemas) -> None:
        super().__init__(name, name, schemas)
        self.about = about
        self.taken: list[tuple[str, str]] = []  # name, type
        self.given: list[tuple[str, OutputSlot]] = []
        self.shown: list[tuple[Node, str]] = []

    def take(self, name: str, type_: str) -> OutputSlot:
        """An input of the whole, to link from."""
        self.taken.append((name, type_))
        return OutputSlot(INPUTS, len(self.taken) - 1, type_)

    def give(self, name: str, slot: OutputSlot) -> None:
        """Make an output of a node one of the whole."""
        self.given.append((name, slot))

    def show(self, node: Node, *widgets: str) -> None:
        """Show widgets of a node on the whole."""
        self.shown += [(node, widget) for widget in widgets]


def word_to_plan(schemas: Schemas) -> Blueprint:
    about = "A noun, its hyponyms in WordNet, and the plan of a set of one class, or of one more behind other classes."
    chain = Blueprint("HypoNet Word to Plan", about, schemas)
    word = chain.add("HypoNetHyponymsOfWord", word="crane (bird)")
    previous = chain.take("previous", "HYPONET_CLASSES")
    kinds = chain.add("HypoNetDefineClass", previous=previous, hyponyms=word["hyponyms"])
    chain.column()
    plan = chain.add("HypoNetPlanDataset", classes=kinds["classes"], images_per_class=100)
    chain.give("plan", plan["plan"])
    chain.give("classes", kinds["classes"])
    chain.show(word, "word", "depth")
    chain.show(kinds, "class_name", "omit")
    chain.show(plan, "template", "negative", "images_per_class", "seed")
    return chain


def plan_to_checked_set(schemas: Schemas) -> Blueprint:
    about = "The pictures of a plan, drawn and written to output/datasets, each checked for its label by a classifier."
    chain = Blueprint("HypoNet Plan to Checked Set", about, schemas)
    plan = chain.take("plan", "HYPONET_PLAN")
    models = {name: chain.take(name, name.upper()) for name in ("model", "clip", "vae")}
    classifier = chain.take("classifier", "HYPONET_CLASSIFIER")
    made = chain.add("HypoNetGenerateDataset", plan=plan, name="my_set", **models)
    chain.column()
    checked = chain.add("HypoNetCheckLabels", dataset=made["dataset"], classifier=classifier)
    chain.give("dataset", checked["dataset"])
    chain.show(made, "name", "width", "height", "steps", "cfg", "sampler_name", "scheduler", "batch_size")
    chain.show(checked, "reject", "attempts")
    return chain


def set_to_tested_classifier(schemas: Schemas) -> Blueprint:
    about = "A set, four fifths of it to train a classifier and the rest to test it."
    chain = Blueprint("HypoNet Set to Tested Classifier", about, schemas)
    dataset = chain.take("dataset", "HYPONET_DATASET")
    images = chain.add("HypoNetLoadLabelledImages", dataset=dataset)
    divided = chain.add("HypoNetSplitImages", images=images["images"])
    chain.column()
    trained = train(chain, divided["first"], "my_classifier")
    chain.column()
    tested = chain.add(
        "HypoNetTestClassifier", checkpoint=trained["classifier"], images=divided["rest"], name="my_classifier"
    )
    chain.give("classifier", trained["classifier"])
    chain.give("training", trained["result"])
    chain.give("test", tested["result"])
    chain.show(trained, "name", "architecture", "start", "size", "epochs", "batch_size", "learning_rate", "runs")
    chain.show(divided, "share")
    return chain


def blueprints(schemas: Schemas) -> list[Blueprint]:
    """All of them, for the nodes that the server has."""
    return [make(schemas) for make in (word_to_plan, plan_to_checked_set, set_to_tested_classifier)]


def blueprint_form(chain: Blueprint, version: str) -> dict[str, Any]:
    """A file as the editor reads it: a workflow of one node, and the subgraph that the node is.

    Args:
        version: of this pack.
    """
    identity, number = _uuid(chain.name), len(chain.nodes) + 1  # an id that no node inside has
    outer = {
        "id": number,
        "type": identity,
        "pos": [0, 0],
        "size": list(OUTER),
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": type_, "link": None} for name, type_ in chain.taken],
        "outputs": [{"name": name, "type": slot.type, "links": None} for name, slot in chain.given],
        "title": chain.name,
        "properties": {
            "proxyWidgets": [[str(node.id), widget] for node, widget in chain.shown],
            "cnr_id": PACK,
            "ver": version,
        },
        "widgets_values": [],
    }
    return {
        "revision": 0,
        "last_node_id": number,
        "last_link_id": 0,
        "nodes": [outer],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [_subgraph(chain, identity, version)]},
        "extra": {"BlueprintDescription": chain.about},
    }


def _subgraph(chain: Blueprint, identity: str, version: str) -> dict[str, Any]:
    boxes, _ = arrange(chain)
    links, wires = wired(chain)
    for index, (_, slot) in enumerate(chain.given):
        links.append([len(links) + 1, slot.node, slot.index, OUTPUTS, index, slot.type])
        wires.out_of.setdefault((slot.node, slot.index), []).append(len(links))
    left, right = -EDGE[0] - EDGE[1], max(left + width for left, _, width, _ in boxes.values()) + EDGE[1]
    nodes = [graph_node(chain, node, index, boxes[node.id], wires, version) for index, node in enumerate(chain.nodes)]
    taken = [
        _edge(chain, name, type_, wires.out_of[INPUTS, index], (left + EDGE[0] - SLOT_STEP, SLOT_STEP * (index + 1)))
        for index, (name, type_) in enumerate(chain.taken)
    ]
    leaving = [link[0] for link in links if link[3] == OUTPUTS]
    given = [
        _edge(chain, name, slot.type, [leaving[index]], (right + SLOT_STEP, SLOT_STEP * (index + 1)))
        for index, (name, slot) in enumerate(chain.given)
    ]
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": identity,
        "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": len(nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": chain.name,
        "inputNode": {"id": INPUTS, "bounding": [left, 0, EDGE[0], EDGE[1] + SLOT_STEP * len(taken)]},
        "outputNode": {"id": OUTPUTS, "bounding": [right, 0, EDGE[0], EDGE[1] + SLOT_STEP * len(given)]},
        "inputs": taken,
        "outputs": given,
        "widgets": [],
        "nodes": nodes,
        "groups": [],
        "links": [dict(zip(names, link, strict=True)) for link in links],
        "extra": {},
        "category": "HypoNet",
        "description": chain.about,
    }


def _edge(chain: Blueprint, name: str, type_: str, links: list[int], place: tuple[int, int]) -> dict[str, Any]:
    """An input or output of the whole, as it stands inside."""
    return {
        "id": _uuid(f"{chain.name} {name}"),
        "name": name,
        "type": type_,
        "linkIds": links,
        "pos": list(place),
    }


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
