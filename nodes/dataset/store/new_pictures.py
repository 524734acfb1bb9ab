"""What is said of a picture that was just made: its record for the manifest, and the texts in the picture itself.

Reads and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ....evaluation.pictures.manifest import GOOD, PickedOption, Record
from ...prompts.item import Item
from .encode import parameters_line


def record_of(item: Item, file_name: str, shape: tuple[int, ...], sha256: str) -> Record:
    """The record of the picture of `item`, of `shape` (H, W, 3)."""
    picks = tuple(PickedOption(pick.slot, pick.option, pick.source) for pick in item.picks)
    height, width, _ = shape
    return Record(
        file_name, item.label, item.rank, item.attempt, GOOD, item.prompt, item.negative, picks, item.seed,
        width, height, sha256,
    )  # fmt: skip


def texts_of(item: Item, shape: tuple[int, ...], parameters: Mapping[str, Any]) -> dict[str, str]:
    """keyword -> text that is written into the picture of `item`, of `shape` (H, W, 3).

    Args:
        parameters: settings that are alike in the whole set, as `Provenance.parameters` has them.
    """
    settings = dict(parameters)
    settings.setdefault("Size", f"{shape[1]}x{shape[0]}")
    facts: dict[str, Any] = {"label": item.label, "rank": item.rank, "attempt": item.attempt, "seed": item.seed}
    facts["picks"] = [[pick.slot, pick.option, pick.source] for pick in item.picks]
    return {"parameters": parameters_line(item, settings), "hyponet": json.dumps(facts)}
