"""Every workflow of the pack, in the order of the list that people see."""

from __future__ import annotations

from collections.abc import Callable

from . import experiments, figures, lists, lora, quick, small, thesis_sets
from .graph import Flow, Schemas

ALL: list[Callable[[Schemas], Flow]] = [
    *quick.FLOWS,
    *lists.FLOWS,
    *figures.FLOWS,
    *thesis_sets.FLOWS,
    *lora.FLOWS,
    *experiments.FLOWS,
    *small.FLOWS,
]


def build(schemas: Schemas) -> list[Flow]:
    """All workflows, for the nodes that the server has."""
    flows = [make(schemas) for make in ALL]
    names = [flow.name for flow in flows]
    assert len(set(names)) == len(names), "two workflows have one name"
    return flows
