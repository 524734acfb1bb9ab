"""Decks under rules: what a deck deals against the rules is exchanged, within the deck wherever that can be.

So counts stay even wherever the rules let them be. Where they do not (a view that goes with one place alone), the
image takes what it may, and what has come too often by that is dealt less elsewhere. Late pairs are kept where they
come, so that those which may exist do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from .rules import Node

_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]
_Worths = np.ndarray[Any, np.dtype[np.float64]]


class Mender:
    """The decks of one slot that rules bind, deck after deck.

    Args:
        groups: of each of the slot's S cards, its group.
        nodes: of each image, what the slots before leave; led on to the next slot here.
    """

    def __init__(self, groups: Sequence[int], nodes: list[Node]) -> None:
        self.groups = np.array(groups, dtype=np.int64)
        self.nodes = nodes
        self.counts = np.zeros(len(groups), dtype=np.int64)  # (S,) how often each card came
        self._allowed: dict[int, _Flags] = {}  # from the id of a node to (S,)

    def mend(self, images: Sequence[int], dealt: _Integers, worth: _Worths, new: _Flags) -> _Integers:
        """The cards of the images of one deck, C of them.

        Args:
            dealt: (C,) the cards as they would come without rules.
            worth: (C, S) of each card in each image.
            new: (C, S) whether it brings one of the last pairs of bound options that have not met.
        """
        allowed = np.array([self._of(self.nodes[image]) for image in images])  # (C, S)
        fixed = new[np.arange(len(images)), dealt]
        deck = _Deck(self.counts, allowed, worth, fixed)
        left = [row for row, card in enumerate(dealt.tolist()) if not deck.take(row, card)]
        left = [row for row in left if not deck.exchange(row)]
        for row in left:
            deck.force(row)
        deck.level()
        self.counts = deck.totals
        for row, image in enumerate(images):
            self.nodes[image] = self.nodes[image].children[int(self.groups[deck.cards[row]])]
        return deck.cards

    def _of(self, node: Node) -> _Flags:
        allowed = self._allowed.get(id(node))
        if allowed is None:
            allowed = self._allowed[id(node)] = np.isin(self.groups, list(node.children))
        return allowed


class _Deck:
    """One deck while it is dealt: which card each row has, and how many of each are left."""

    def __init__(self, counts: _Integers, allowed: _Flags, worth: _Worths, fixed: _Flags) -> None:
        size = len(fixed)
        self.allowed = allowed
        self.worth = worth
        self.fixed = fixed  # (C,) rows that keep what they are dealt, if they may have it
        self.cards: _Integers = np.full(size, -1, dtype=np.int64)
        self.totals = counts.copy()  # (S,) how often each card came, this deck included
        level = int(counts.min()) + 1  # up to which cards are dealt, so that there are enough
        while np.maximum(0, level - counts).sum() < size:
            level += 1
        self.free: _Integers = np.maximum(0, level - counts)  # (S,)

    def take(self, row: int, card: int) -> bool:
        """Give the row that card if it may have it, and one is left or the row keeps it."""
        if not self.allowed[row, card] or not (self.free[card] > 0 or self.fixed[row]):
            self.fixed[row] = False
            return False
        self._put(row, card)
        return True

    def exchange(self, row: int) -> bool:
        """Give the row a card, others changing theirs where need be: the shortest chain (Kuhn 1955)."""
        before: dict[int, tuple[int, int]] = {}  # from a row to the one that takes its card, and that card
        waiting = deque([row])
        ready = (self.cards >= 0) & ~self.fixed  # (C,) rows that have not been asked to change theirs
        while waiting:
            current = waiting.popleft()
            free = np.flatnonzero(self.allowed[current] & (self.free > 0))
            if len(free):
                card = int(free[np.lexsort((-self.worth[current, free], self.totals[free]))[0]])
                while True:
                    old = int(self.cards[current])
                    if old >= 0:
                        self._drop(current)
                    self._put(current, card)
                    if current == row:
                        return True
                    current, card = before[current]
            holders = np.flatnonzero(ready & self.allowed[current, self.cards])
            ready[holders] = False
            before.update((holder, (current, int(self.cards[holder]))) for holder in holders.tolist())
            waiting.extend(holders.tolist())
        return False

    def force(self, row: int) -> None:
        """Give the row the card that came least of those it may have, though none is left."""
        cards = np.flatnonzero(self.allowed[row])
        self._put(row, int(cards[np.lexsort((-self.worth[row, cards], self.totals[cards]))[0]]))

    def level(self) -> None:
        """Give cards that came least to rows whose card came two times more."""
        stuck = np.zeros(len(self.totals), dtype=bool)
        while True:
            lows = np.flatnonzero(~stuck & (self.totals <= self.totals[self.cards].max() - 2))
            if not len(lows):
                return
            card = int(lows[np.argmin(self.totals[lows])])
            excess = self.totals[self.cards] - self.totals[card]
            ready = np.flatnonzero(self.allowed[:, card] & (excess >= 2) & ~self.fixed)
            if not len(ready):
                stuck[card] = True
                continue
            row = int(ready[np.lexsort((-self.worth[ready, card], -excess[ready]))[0]])
            self._drop(row)
            self._put(row, card)

    def _put(self, row: int, card: int) -> None:
        self.cards[row] = card
        self.totals[card] += 1
        self.free[card] -= 1

    def _drop(self, row: int) -> None:
        card = self.cards[row]
        self.cards[row] = -1
        self.totals[card] -= 1
        self.free[card] += 1
