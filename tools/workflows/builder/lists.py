"""The thesis's lists of words: Tables 3-1 and 5-3."""

from __future__ import annotations

from .graph import Flow, Schemas
from .pieces import hyponyms_of_pictures, read_me, show_answer, show_text

SYNSETS = {
    "automobile": "car.n.01",
    "cat": "domestic cat",
    "horse": "horse.n.01",
    "ship": "ship.n.01",
    "truck": "truck",
}


def table_3_1(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_table_3_1_lists", "Table 3-1: the lists for view, colour and location", schemas)
    read_me(
        flow,
        "The thesis's three fixed wildcards, as printed, and its algorithm 3-1: each prompt takes one option of each "
        "list at random.",
        [
            "**Dynamic Prompt**: count, seed. coverage `balanced` deals the options evenly instead.",
            "The lists are text files in the pack's `wildcards/thesis`. A file of the same name in your own wildcard "
            "folder takes their place.",
        ],
        "view has 5 options, colour 45, location 45: 10,125 combinations for each hyponym.",
    )
    flow.stage("1  The lists")
    for name in ("view", "color", "location"):
        loaded = flow.add("HypoNetLoadWildcard", f"Wildcard {name}", name=f"thesis/{name}")
        flow.column()
        show_text(flow, loaded["lines"], f"The options of {name}", height=420, width=240)
        if name != "location":
            flow.column()
    flow.stage("2  Algorithm 3-1")
    prompts = flow.add(
        "HypoNetDynamicPrompt",
        template="__thesis/view__ of a __thesis/color__ automobile in __thesis/location__",
        coverage="random",
        count=10,
    )
    show_text(flow, prompts["prompt"], "Ten prompts", height=260)
    return flow


def table_5_3(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_table_5_3_wildcards", "Table 5-3: five sample pictures, five wildcards", schemas)
    read_me(
        flow,
        "One picture of each of the five classes goes through HypoNet, and each list of hyponyms is kept as a "
        "wildcard, the way Table 5-3 came about. The thesis took a random ImageNet training picture of each class.",
        [
            "**Picture of automobile** and the four others: your own pictures.",
            "mode: `exact` climbs to the named ancestor; `thesis` does what the thesis's code did, by the label.",
            "depth: 2 lists the kinds of the kinds as well.",
        ],
        "Table 5-3 as printed is `__thesis/cat__` and so on; it has names that WordNet 3.0 lacks (SUV, Nebelung), so "
        "the lists differ. The five reports say what was kept and dropped.",
    )
    kinds = hyponyms_of_pictures(flow, SYNSETS, "2  Hyponyms", depth=2)
    flow.stage("3  Wildcards")
    for name, node in kinds.items():
        flow.add(
            "HypoNetSaveWildcard",
            f"Save wildcard {name}",
            hyponyms=node["hyponyms"],
            name=f"table_5_3/{name}",
            overwrite=True,
        )
    for node in kinds.values():
        show_answer(node, 220)
    return flow


FLOWS = [table_3_1, table_5_3]
