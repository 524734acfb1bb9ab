"""One template of one class as a function: number of the prompt -> its text and what was picked."""

from __future__ import annotations

from ..item import Pick
from ..language.brackets import ends_in_number
from .compile import Block, Slot
from .decks import UniformDeck, shift_tables
from .render import render
from .strategies import Balanced, Combinatorial, Random

_LARGEST_FLAT = 1000  # options whose texts are laid out


class Program:
    """One template of one class, ready to give any of its prompts.

    Args:
        block: the compiled template.
        coverage: "balanced", "random" or "combinatorial".
        key: what every choice depends on beside the number of the prompt.
    """

    def __init__(self, block: Block, coverage: str, key: str) -> None:
        self.block = block
        self.coverage = coverage
        self.key = key
        self.balanced = Balanced(key, _shifts(block) if coverage == "balanced" else {})
        self._frame, self._hands = _flat(block, self.balanced) if coverage == "balanced" else ("", None)

    def render(self, number: int) -> tuple[str, tuple[Pick, ...]]:
        """Prompt `number`, from 0, and what was picked for it."""
        if self._hands is not None:
            return self._dealt(self._hands, number)
        if self.coverage == "balanced":
            return render(self.block, number, self.balanced)
        if self.coverage == "random":
            return render(self.block, None, Random(f"{self.key}\x1f{number}"))
        return render(self.block, number, Combinatorial())

    def _dealt(self, hands: tuple[_Hand, ...], number: int) -> tuple[str, tuple[Pick, ...]]:
        texts = []
        picks = []
        for hand in hands:
            deck, place = divmod(number, hand.size)
            held = hand.held
            if held[0] != deck:
                held = hand.take(deck)
            texts.append(held[1][place])
            picks.append(held[2][place])
        return self._frame % tuple(texts), tuple(picks)


class _Hand:
    """One deck of a plain slot laid out: the texts and picks of its cards in order. A plan of plain slots only is
    dealt from these, four times faster than card by card."""

    def __init__(self, slot: Slot, deck: UniformDeck) -> None:
        self.size = len(slot)
        self.deck = deck
        self.pieces = [slot.piece(index) for index in range(self.size)]
        self.records = [slot.pick(index) for index in range(self.size)]
        self.held: tuple[int, list[str], list[Pick]] = (-1, [], [])

    def take(self, number: int) -> tuple[int, list[str], list[Pick]]:
        """Deck `number`; kept until another is asked for."""
        cards = [self.deck.at(number * self.size + place)[0] for place in range(self.size)]
        self.held = (number, [self.pieces[card] for card in cards], [self.records[card] for card in cards])
        return self.held


def _flat(block: Block, balanced: Balanced) -> tuple[str, tuple[_Hand, ...] | None]:
    """A frame with %s for each slot, and the slots' decks; None where the template has more than plain slots."""
    frame, hands = "", []
    for part in block.parts:
        if isinstance(part, str):
            frame += part.replace("%", "%%")
            continue
        if not isinstance(part, Slot) or not part.single or not part.plain or len(part) > _LARGEST_FLAT:
            return "", None
        deck = balanced.deck(part)
        if not isinstance(deck, UniformDeck):
            return "", None
        hands.append(_Hand(part, deck))
        if part.table.emphasis is not None and any(map(ends_in_number, hands[-1].pieces)):
            return "", None
        frame += "%s"
    return frame, tuple(hands)


def _shifts(block: Block) -> dict[str, tuple[int, ...]]:
    """The planned decks of the slots that every prompt has."""
    slots = [slot for slot in block.slots() if slot.single and slot.table.weights is None]
    tables = shift_tables(tuple(len(slot) for slot in slots))
    return {slot.name: table for slot, table in zip(slots, tables, strict=True)}
