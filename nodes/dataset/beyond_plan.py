"""The plan of a set, and pictures that the set holds and the plan does not ask for any more: of a class that was
taken off the list, or fewer of one.

Reads an open set and a plan. The pictures stay in the set, and whoever reads the set reads them.
"""

from __future__ import annotations

from collections import Counter

from ..prompts.plan import Plan
from .store.store import DatasetStore

MAX_NAMED = 10  # classes


def plan_or_none(store: DatasetStore) -> Plan | None:
    """The plan in dataset.json; None for a merge of different sets, which has no one plan."""
    try:
        return Plan.from_json(dict(store.description.plan))
    except (ValueError, KeyError, TypeError):
        return None


def beyond_plan(store: DatasetStore, plan: Plan) -> dict[str, int]:
    """label -> how many of its pictures no shard of the plan has; classes without any are left out."""
    planned = {label: plan.count(label) for label in plan.labels}
    return dict(Counter(label for label, rank in store.keys(in_turn=False) if rank >= planned.get(label, 0)))


def beyond_plan_text(store: DatasetStore, plan: Plan) -> str:
    """What a node says of them, "" where there are none."""
    beyond = beyond_plan(store, plan)
    if not beyond:
        return ""
    named = [f"{label}: {count:,}" for label, count in list(beyond.items())[:MAX_NAMED]]
    ellipsis = ", ..." if len(beyond) > MAX_NAMED else ""
    return (
        f"More pictures than the plan asks for: {sum(beyond.values()):,} ({', '.join(named)}{ellipsis}). They stay in "
        "the set, and training reads them too; Reject Items takes them out."
    )
