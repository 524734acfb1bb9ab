"""What a plan gives, counted over its own items: how often each option of each slot comes, and which pairs meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from ..plan import Plan

MOST_COUNTED = 200_000  # items of all classes together; of larger plans, or of many slots, the first of each class


@dataclass(frozen=True, slots=True)
class SlotUse:
    """How one slot of one class is used.

    Args:
        label, slot: the class and the slot's name.
        options: how many options the slot has.
        counts: how often each option that came was picked.
        visits: how often the slot was reached; a nested one not by every prompt.
    """

    label: str
    slot: str
    options: int
    counts: Counter[str]
    visits: int

    @property
    def fewest(self) -> int:
        """Picks of the option that came least, 0 when one never came."""
        return min(self.counts.values()) if len(self.counts) == self.options else 0

    @property
    def most(self) -> int:
        """Picks of the option that came most."""
        return max(self.counts.values(), default=0)


@dataclass(frozen=True, slots=True)
class PairUse:
    """How many pairs of options of two slots meet, of all there are, and of how many could in so many images."""

    label: str
    slots: tuple[str, str]
    met: int
    pairs: int
    possible: int


@dataclass(frozen=True, slots=True)
class ClassUse:
    """What one class of a plan gives.

    Args:
        counted: the images that were looked at.
        repeated: how many of them have the prompt of an earlier one.
        prompts: their prompts, longest first, at most 200.
    """

    label: str
    images: int
    counted: int
    combinations: int
    slots: tuple[SlotUse, ...]
    pairs: tuple[PairUse, ...]
    repeated: int
    prompts: tuple[str, ...]


def use_of(plan: Plan, label: str) -> ClassUse:
    """What class `label` of `plan` gives."""
    images = plan.count(label)
    program = plan.programs(label).positive
    slots = list(program.block.slots())
    singles = [slot.name for slot in slots if slot.single]
    work = max(1, len(singles) ** 2 // 50)  # the pairs to be looked at in each image
    counted = min(images, max(100, MOST_COUNTED // len(plan.labels) // work))
    options: dict[str, int] = {slot.name: len(slot) for slot in slots}
    counts: dict[str, Counter[str]] = {slot.name: Counter() for slot in slots}
    met: dict[tuple[str, str], set[tuple[str, str]]] = {pair: set() for pair in combinations(singles, 2)}
    prompts: Counter[str] = Counter()
    for rank in range(counted):
        prompt, picks = program.render(rank)
        prompts[prompt] += 1
        chosen: dict[str, str] = {}
        for pick in picks:
            counts.setdefault(pick.slot, Counter())[pick.option] += 1
            chosen[pick.slot] = pick.option
        for pair, seen in met.items():
            seen.add((chosen[pair[0]], chosen[pair[1]]))
    uses = tuple(
        SlotUse(label, slot, options.get(slot, len(count)), count, sum(count.values()))
        for slot, count in counts.items()
    )
    pairs = []
    for pair, seen in met.items():
        there = options[pair[0]] * options[pair[1]]
        pairs.append(PairUse(label, pair, len(seen), there, min(counted, there)))
    longest = tuple(sorted(prompts, key=lambda text: (-len(text), text))[:200])
    return ClassUse(
        label, images, counted, plan.combinations(label), uses, tuple(pairs), counted - len(prompts), longest
    )
