"""Parts that several workflows share: the note, a chain of classes, a set and its sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .graph import Flow, Node, Slot


def read_me(flow: Flow, shows: str, change: Sequence[str], read: str) -> None:
    """The first stage: what the workflow shows, what to change first, how to read what comes out."""
    flow.stage("Read me")
    steps = "\n".join(f"- {line}" for line in change)
    flow.note(f"# {flow.title}\n\n{shows}\n\n## Change first\n{steps}\n\n## Reading the result\n{read}")


def chain_classes(flow: Flow, classes: Sequence[dict[str, Any]]) -> Slot:
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


def show_text(flow: Flow, text: Slot, title: str, *, height: int = 240, width: int = 420) -> Node:
    """A native node that shows `text` in the graph."""
    return flow.add("PreviewAny", title, source=text, box=(width, height))


def generate(flow: Flow, model: Slot, loader: Node, plan: Slot, name: str, **settings: Any) -> Node:
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


def contact_sheet(flow: Flow, dataset: Slot, *, preview: bool = True, title: str = "", **settings: Any) -> Node:
    """Contact Sheet, and a preview of it."""
    sheet = flow.add("HypoNetMakeContactSheet", title, dataset=dataset, **settings)
    if preview:
        flow.add("PreviewImage", f"{title or 'Contact sheet'}: preview", images=sheet["sheet"])
    return sheet
