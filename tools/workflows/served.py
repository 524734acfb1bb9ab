"""The ten workflows that come first, as `dev.py serve` offers them beside the pack's own: by the small model at its
size, over what lies there, so that each runs as it opens, without a GPU and without a download.

They are a pack of their own in the server's custom_nodes, which has nothing but these templates. What they read is laid
by inputs.py. Standard library.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.dev.demo import CFG, CLASSIFIER, SMALL, SMALL_SIZE, SMALL_STEPS

from .builder.catalogue import TEN
from .builder.forms import dump, graph_form
from .builder.graph import Flow, Schemas
from .write import pack_version

PACK = "hyponet_on_this_machine"  # what the template browser calls them
PER_CLASS = 6
WIDGETS: dict[str, dict[str, Any]] = {
    "CheckpointLoaderSimple": {"ckpt_name": SMALL},
    "HypoNetLoadClassifier": {"model_name": CLASSIFIER},
    "HypoNetPlanDataset": {"images_per_class": PER_CLASS},
    "HypoNetPreviewPlan": {"width": SMALL_SIZE, "height": SMALL_SIZE},
    "HypoNetGenerateDataset": {"width": SMALL_SIZE, "height": SMALL_SIZE, "steps": SMALL_STEPS, "cfg": CFG},
    "ImageScale": {"width": SMALL_SIZE, "height": SMALL_SIZE},
    "HypoNetTrainLora": {"resolution": SMALL_SIZE, "min_bucket": SMALL_SIZE, "epochs": 2, "rank": 4},
}


def served(schemas: Schemas) -> Iterator[Flow]:
    """The ten at the settings of this machine."""
    for make in TEN:
        flow = make(schemas)
        flow.name = flow.name.replace("hyponet", "small", 1)
        set_for_this_machine(flow)
        yield flow


def set_for_this_machine(flow: Flow) -> None:
    """Give its nodes the values of this machine."""
    for node in flow.nodes:
        values = WIDGETS.get(node.type, {}) | node.served
        assert set(values) <= set(node.values), f"{flow.name}: {node.type} has no such widgets"
        node.values |= values
        node.models.clear()  # it is there


def make_pack(base: Path) -> None:
    """Before the server over `base` starts: the pack, still without its templates."""
    pack = base / "custom_nodes" / PACK
    (pack / "workflows").mkdir(parents=True, exist_ok=True)
    (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n", "utf-8")


def write_templates(schemas: Schemas, base: Path) -> list[str]:
    """When the server over `base` runs: its templates; their names.

    Args:
        schemas: the server's /object_info.
    """
    folder = base / "custom_nodes" / PACK / "workflows"
    for old in folder.glob("*.json"):  # of a workflow that has another name now
        old.unlink()
    names = []
    for flow in served(schemas):
        (folder / f"{flow.name}.json").write_text(dump(graph_form(flow, pack_version())), "utf-8")
        names.append(flow.name)
    return names
