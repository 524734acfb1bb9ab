"""The three ways to choose: dealt from decks, drawn independently, or each combination once, in order."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import perm

from ..language.brackets import ends_in_number
from ..language.counting import selections, symmetric
from .compile import Block, Pick, Slot, part_count
from .decks import Deck, UniformDeck, WeightedDeck, shift_tables
from .render import render

_WORD = 64
_LARGEST_FLAT = 1000  # options whose texts are laid out


class Stream:
    """Random numbers that depend on a key alone, 64 bits at a time (BLAKE2b in counter mode)."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode(), digest_size=32).digest()
        self._words: list[int] = []
        self._blocks = 0

    def below(self, size: int) -> int:
        """A whole number in [0, size), each equally likely up to 2**-63."""
        word, bits = self._next(), _WORD
        while size.bit_length() > bits - _WORD + 1:
            word, bits = (word << _WORD) | self._next(), bits + _WORD
        return word * size >> bits

    def _next(self) -> int:
        if not self._words:
            block = hashlib.blake2b(self._key + self._blocks.to_bytes(8, "little"), digest_size=64).digest()
            self._words = [int.from_bytes(block[at : at + 8], "little") for at in range(0, 64, 8)]
            self._blocks += 1
        return self._words.pop()


class Balanced:
    """Every option of a slot equally often; a token is the number of the visit.

    Args:
        key: what the shuffles depend on beside the slot's name.
        shifts: of the decks of the slots whose pairs are planned, by name.
    """

    def __init__(self, key: str, shifts: dict[str, tuple[int, ...]]) -> None:
        self.key = key
        self.shifts = shifts
        self._decks: dict[str, Deck] = {}

    def split(self, block: Block, token: int) -> Sequence[int]:
        return (token,) * len(block.parts)

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        if slot.single:
            return (self.deck(slot).at(token),)
        stream = Stream(f"{self.key}\x1f{slot.name}\x1f{token}")
        return [(index, token) for index in several(slot, stream)]

    def deck(self, slot: Slot) -> Deck:
        """The deck of a slot that takes one option."""
        deck = self._decks.get(slot.name)
        if deck is None:
            key = f"{self.key}\x1f{slot.name}"
            if slot.table.weights is not None:
                deck = WeightedDeck(slot.table.weights, key)
            else:
                deck = UniformDeck(len(slot), key, self.shifts.get(slot.name, ()))
            if len(self._decks) > 100_000:
                self._decks.clear()
            self._decks[slot.name] = deck
        return deck


class Random:
    """Every slot by itself, options by their weights (the thesis's algorithm 3-1); one object for each prompt."""

    def __init__(self, key: str) -> None:
        self.stream = Stream(key)

    def split(self, block: Block, token: None) -> Sequence[None]:
        return (None,) * len(block.parts)

    def pick(self, slot: Slot, token: None) -> Sequence[tuple[int, None]]:
        return [(index, None) for index in several(slot, self.stream)]


class Combinatorial:
    """Each combination once; a token is its number, the last slot changing fastest."""

    def split(self, block: Block, token: int) -> Sequence[int]:
        tokens = []
        for part in reversed(block.parts):
            token, own = divmod(token, 1 if isinstance(part, str) else part_count(part))
            tokens.append(own)
        return tokens[::-1]

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        counts = slot.counts()
        if not slot.single:
            return _selection(counts, len(slot), slot.low, slot.high, token)
        if counts is None:
            return ((token, 0),)
        before = slot.sums
        index = bisect_right(before, token) - 1
        return ((index, token - before[index]),)


def several(slot: Slot, stream: Stream) -> list[int]:
    """The options that an ordered selection takes: how many is drawn evenly, then one after another by weight."""
    shares = slot.shares
    if slot.single:
        return [stream.below(len(slot)) if shares is None else bisect_right(shares, stream.below(shares[-1]))]
    size = slot.low + stream.below(slot.high - slot.low + 1)
    if shares is None:
        moved: dict[int, int] = {}
        picked = []
        for done in range(size):
            at = done + stream.below(len(slot) - done)
            picked.append(moved.get(at, at))
            moved[at] = moved.get(done, done)
        return picked
    whole = [share - before for before, share in zip([0, *shares], shares, strict=False)]
    picked = []
    for _ in range(size):
        sums = list(accumulate(whole))
        index = bisect_right(sums, stream.below(sums[-1]))
        picked.append(index)
        whole[index] = 0
    return picked


def _selection(counts: list[int] | None, size: int, low: int, high: int, token: int) -> list[tuple[int, int]]:
    """Ordered selection number `token`: smaller ones first, then by the first option, what is inside it, the next..."""
    for picked in range(low, high + 1):
        total = selections(counts, size, picked)
        if token < total:
            break
        token -= total
    chosen: list[tuple[int, int]] = []
    if counts is None or len(set(counts)) == 1:
        each = counts[0] if counts else 1
        for done in range(picked):
            left = picked - done - 1
            rest = perm(size - done - 1, left) * each**left
            number, token = divmod(token, each * rest)
            inside, token = divmod(token, rest)
            chosen.append((_nth_free(number, [index for index, _ in chosen]), inside))
        return chosen
    free = list(range(size))
    for done in range(picked):
        left = picked - done - 1
        sums = symmetric([counts[index] for index in free], left)
        for index in free:
            rest = perm(left) * _without(sums, counts[index])[left]
            if token < counts[index] * rest:
                break
            token -= counts[index] * rest
        inside, token = divmod(token, rest)
        chosen.append((index, inside))
        free.remove(index)
    return chosen


def _without(sums: list[int], count: int) -> list[int]:
    """The symmetric polynomials without one of the counts."""
    out = [1]
    for degree in range(1, len(sums)):
        out.append(sums[degree] - count * out[degree - 1])
    return out


def _nth_free(number: int, taken: Sequence[int]) -> int:
    for index in sorted(taken):
        number += index <= number
    return number


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
