"""Every workflow of the pack, in the order of the list that people see: by name.

The template browser shows a file's name as its title and sorts by it where *Alphabetical* is chosen; its default is the
order of the file system. A pack has no say in that: the server (0.3.75, /workflow_templates) hands on names as its glob
finds them, and the page (1.32.9 and 1.58.1) reads an index.json, with titles, descriptions and dates, of ComfyUI's own
templates alone.
"""

from __future__ import annotations

from collections.abc import Callable

from . import demo, experiments, families, figures, lists, lora, metrics, sets, small, texts, thesis_sets, uses, worth
from .graph import Flow, Schemas

TEN: list[Callable[[Schemas], Flow]] = [  # named for what they do, and numbered, so that they come first
    sets.quick_start,
    sets.words_to_set,
    sets.pictures_to_set,
    uses.own_classes,
    sets.cull_and_check,
    sets.resume_and_shard,
    uses.augment,
    uses.own_lora,
    uses.metrics,
    uses.two_sets,
]
ALL: list[Callable[[Schemas], Flow]] = [
    *TEN,
    demo.demo,
    *texts.FLOWS,
    experiments.report,
    *families.FLOWS,
    metrics.metrics_of_today,
    *worth.FLOWS,
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
