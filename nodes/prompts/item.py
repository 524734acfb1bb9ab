"""What a plan says of one image and of one class; plain records, which readers of a set need without the planner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pick:
    """What one slot of a template chose.

    Args:
        slot: name of the choice point, unique in its template ("thesis/color", "choice 2").
        option: the chosen option's text.
        source: where the option stands: "thesis/color.txt", "template" or "hyponyms".
    """

    slot: str
    option: str
    source: str


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be made. `seed` lies in [0, 2**32); `rank` counts from 0 within the label; `attempt` from 0."""

    label: str
    rank: int
    attempt: int
    prompt: str
    negative: str
    picks: tuple[Pick, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class of a plan; empty or None fields fall back to the plan's own."""

    name: str
    template: str = ""
    negative: str | None = None
    hyponyms: tuple[str, ...] = ()
    hypernym: str = ""
    synset: str = ""  # WordNet 3.0 id such as "n02121808", empty when unknown
    omit: tuple[str, ...] = ()
    count: int | None = None
