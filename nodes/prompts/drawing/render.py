"""From a block and a draw to a prompt: what was picked, the texts joined, and weights that stay where they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..item import Pick
from ..language.brackets import ends_in_number, weight_at
from .compile import Block, Slot, Store


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


class _Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.out: list[str] = []
        self.picks: list[Pick] = []
        self.numbers: list[int] = []  # pieces that end in what could be read as a weight
        self.drawn: dict[int, str] = {}

    def write(self, block: Block, token: Any) -> None:
        for part, own in zip(block.parts, self.draw.split(block, token), strict=True):
            if isinstance(part, str):
                self.out.append(part)
            elif isinstance(part, Slot):
                self.slot(part, own)
            elif isinstance(part, Store):
                kept, self.out = self.out, []
                numbers, self.numbers = self.numbers, []
                self.write(part.block, own)
                self.drawn[part.number] = "".join(self.out)
                self.out, self.numbers = kept, numbers
            else:
                self.out.append(self.drawn[part.number])
                self.numbers.append(len(self.out))

    def slot(self, slot: Slot, token: Any) -> None:
        for number, (index, inside) in enumerate(self.draw.pick(slot, token)):
            if number:
                self.out.append(slot.separator)
            self.picks.append(slot.pick(index))
            block = slot.block(index)
            if block is None:
                self.out.append(slot.piece(index))
            else:
                self.write(block, inside)
            if slot.table.emphasis is not None:
                self.numbers.append(len(self.out))

    def text(self) -> str:
        """The pieces joined; an option that would end a bracket as its weight gets the weight that it had without."""
        for end in reversed(self.numbers):
            piece = self.out[end - 1] if end else ""
            if ":" in piece and ends_in_number(piece):
                before, after = "".join(self.out[:end]), "".join(self.out[end:])
                if after.lstrip().startswith(")"):
                    weight = weight_at(f"{before},{after}", len(before))
                    self.out.insert(end, f":{weight:.6g}")
        return "".join(self.out)
