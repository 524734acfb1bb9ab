"""Parts that several workflows share: the note, sample pictures, a chain of classes, a set and its sheet, a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph import Flow, Node, OutputSlot
from .models import SD15, load_checkpoint, load_classifier

WIDE_NOTE = 360  # of a note over a stage, which would make the graph too tall for letters on 1440x900


def read_me(flow: Flow, shows: str, change: Sequence[str], read: str, *, width: int = 0) -> None:
    """The first stage: what the workflow shows, what to change first, how to read what comes out."""
    flow.stage("Read me")
    steps = "\n".join(f"- {line}" for line in change)
    flow.note(f"# {flow.title}\n\n{shows}\n\n## Change first\n{steps}\n\n## Reading the result\n{read}", width)


def chain_classes(flow: Flow, classes: Sequence[dict[str, Any]]) -> OutputSlot:
    """One Class node for each entry, each linked to the one before; the last one's output."""
    last: Node | None = None
    for widgets in classes:
        inputs = dict(widgets)
        title = f"Class {inputs['class_name']}" if inputs.get("class_name") else ""
        if last is not None:
            inputs["previous"] = last["classes"]
        last = flow.add("HypoNetDefineClass", title, **inputs)
    assert last is not None
    return last["classes"]


def hyponyms_of_pictures(flow: Flow, ancestors: Mapping[str, str], title: str, **widgets: Any) -> dict[str, Node]:
    """Two stages: a sample picture of each name, and the hyponyms below the ancestor named beside it.

    Args:
        title: of the second stage.
        widgets: of every Hyponyms of Image.
    """
    flow.stage("1  Sample pictures")
    pictures = {name: flow.add("LoadImage", f"Picture of {name}", image=f"{name}.png") for name in ancestors}
    flow.stage(title)
    classifier = load_classifier(flow)["classifier"]
    return {
        name: flow.add(
            "HypoNetHyponymsOfImage",
            f"Hyponyms of {name}",
            classifier=classifier,
            image=pictures[name]["IMAGE"],
            ancestor=ancestor,
            **widgets,
        )
        for name, ancestor in ancestors.items()
    }


def chain_kinds(flow: Flow, kinds: Mapping[str, Node], **widgets: Any) -> OutputSlot:
    """`chain_classes` for a class of each name, with the hyponyms of its node."""
    return chain_classes(
        flow, [{"class_name": name, "hyponyms": node["hyponyms"], **widgets} for name, node in kinds.items()]
    )


def show_text(flow: Flow, text: OutputSlot, title: str, *, height: int = 240, width: int = 420) -> Node:
    """A native node that shows `text` in the graph."""
    return flow.add("PreviewAny", title, source=text, box=(width, height))


def show_answer(node: Node, height: int) -> None:
    """Make the box in which `node` answers so high, for a long answer."""
    node.answer_height = height


def collapsed(node: Node) -> Node:
    """The node, as its title bar alone: there is nothing in it to change."""
    node.is_collapsed = True
    return node


def generate(flow: Flow, model: OutputSlot, loader: Node, plan: OutputSlot, name: str, **settings: Any) -> Node:
    """Generate Dataset with the model's CLIP and VAE from `loader`."""
    return flow.add(
        "HypoNetGenerateDataset",
        model=model,
        clip=settings.pop("clip", loader["CLIP"]),
        vae=loader["VAE"],
        plan=plan,
        name=name,
        **settings,
    )


def pictures_stage(flow: Flow, title: str, plan: Node, name: str, **settings: Any) -> Node:
    """A stage with SD 1.5 and Generate Dataset, a column begun for what shows the set; the node of the set."""
    flow.stage(title)
    loader = load_checkpoint(flow, SD15)
    generated = generate(flow, loader["MODEL"], loader, plan["plan"], name, **settings)
    flow.column()
    return generated


def table_stage(flow: Flow, title: str, results: Sequence[Node]) -> None:
    """The last stage: a report on these results alone, and its table as text."""
    flow.stage("4  Table")
    links = {f"result_{number}": node["result"] for number, node in enumerate(results, 1)}
    name = title.lower().replace(" ", "-")
    report = flow.add("HypoNetWriteReport", title, name=name, title=title, results="", **links)
    show_answer(report, 420)


def contact_sheet(flow: Flow, dataset: OutputSlot, *, title: str = "", **settings: Any) -> Node:
    """Contact Sheet, which shows it."""
    return flow.add("HypoNetMakeContactSheet", title, dataset=dataset, **settings)
