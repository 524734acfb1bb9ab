"""From a block and a draw to a prompt: what was picked, the texts joined, and weights that stay where they were."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from ..item import Pick
from ..language.brackets import ends_in_number, weight_at
from .compile import Block, DrawnVariable, Slot

_DOTS = re.compile(
    r"\.{3,}|[\u1801\u2026\u22ee-\u22f1\ufe19]+"
)  # where a wrapper has what it wraps, as in dynamicprompts


class Draw(Protocol):
    """What decides; a token says which visit, or which of the remaining combinations, it is."""

    def split(self, block: Block, token: Any) -> Sequence[Any]:
        """A token for each part of the block."""
        ...

    def pick(self, slot: Slot, token: Any) -> Sequence[tuple[int, Any]]:
        """The options taken, each with the token of what is inside it."""
        ...


def render(block: Block, token: Any, draw: Draw) -> tuple[str, tuple[Pick, ...]]:
    """A prompt and what was picked for it, in the order of the template."""
    writer = _Writer(draw)
    writer.write(block, token)
    return writer.text(), tuple(writer.picks)


def _part_of(text: str, part: str) -> str:
    """A text, or what stands before or after the first dots in it; without any all of it stands before."""
    if not part:
        return text
    dots = _DOTS.search(text)
    if dots is None:
        return text if part == "before" else ""
    return text[: dots.start()] if part == "before" else text[dots.end() :]


class _Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.pieces: list[str] = []
        self.picks: list[Pick] = []
        self.weight_ends: list[int] = []  # how many pieces there are up to one that could be read as a weight
        self.variables: dict[int, str] = {}

    def write(self, block: Block, token: Any) -> None:
        """Appends the text of a block and what was picked for it."""
        for part, part_token in zip(block.parts, self.draw.split(block, token), strict=True):
            if isinstance(part, str):
                self.pieces.append(part)
            elif isinstance(part, Slot):
                self.slot(part, part_token)
            elif isinstance(part, DrawnVariable):
                self.variable(part, part_token)
            else:
                self.pieces.append(_part_of(self.variables[part.number], part.part))
                self.weight_ends.append(len(self.pieces))

    def variable(self, variable: DrawnVariable, token: Any) -> None:
        """Draws the text of a variable beside the prompt, which gets it at each use; its picks count once."""
        pieces, self.pieces = self.pieces, []
        weight_ends, self.weight_ends = self.weight_ends, []
        self.write(variable.block, token)
        self.variables[variable.number] = "".join(self.pieces)
        self.pieces, self.weight_ends = pieces, weight_ends

    def slot(self, slot: Slot, token: Any) -> None:
        """Appends the options picked for a slot, with its separator between them."""
        for number, (index, option_token) in enumerate(self.draw.pick(slot, token)):
            if number:
                self.pieces.append(slot.separator)
            self.picks.append(slot.pick(index))
            block = slot.block(index)
            if block is None:
                self.pieces.append(slot.piece(index))
            else:
                self.write(block, option_token)
            if slot.table.emphasis is not None:
                self.weight_ends.append(len(self.pieces))

    def text(self) -> str:
        """The pieces joined; an option that would end a bracket as its weight gets the weight that it had without."""
        for end in reversed(self.weight_ends):
            piece = self.pieces[end - 1] if end else ""
            if ":" in piece and ends_in_number(piece):
                before, after = "".join(self.pieces[:end]), "".join(self.pieces[end:])
                if after.lstrip().startswith(")"):
                    weight = weight_at(f"{before},{after}", len(before))
                    self.pieces.insert(end, f":{weight:.6g}")
        return "".join(self.pieces)
