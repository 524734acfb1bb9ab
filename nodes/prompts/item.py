"""What a plan says of one image and of one class; plain records, which readers of a set need without the planner."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


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
    """One image to be made.

    Args:
        rank: of the image within its label, from 0.
        attempt: 0, and one more each time the image is made again; it has the same prompt and another seed.
        seed: in [0, 2**32).
    """

    label: str
    rank: int
    attempt: int
    prompt: str
    negative: str
    picks: tuple[Pick, ...]
    seed: int

    def picks_json(self) -> str:
        """What was picked, as a JSON list of objects."""
        return json.dumps([asdict(pick) for pick in self.picks], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class of a plan; empty or None fields fall back to the plan's own.

    Args:
        name: the label, and what `__class__` stands for.
        hyponyms: what `__hyponym__` stands for; none: the name.
        hypernym: what `__hypernym__` stands for; "": the name.
        synset: WordNet 3.0 id such as "n02121808", "" when unknown.
        omit: the names of the slots that this class leaves out of the template.
        count: images of this class.
        rules: between the slots of its template (language/rules.py), beside those of the plan.
    """

    name: str
    template: str = ""
    negative: str | None = None
    hyponyms: tuple[str, ...] = ()
    hypernym: str = ""
    synset: str = ""
    omit: tuple[str, ...] = ()
    count: int | None = None
    rules: str = ""
