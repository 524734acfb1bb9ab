"""What a plan gives, counted over its own items: how often each option of each slot comes, and which pairs meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from ..plan import Plan

MAX_ITEMS = 200_000  # counted, of all classes together; of larger plans, or of many slots, the first of each class

MAX_PROMPTS = 200  # of a class, longest first, in which words are looked for; bounds the time, a judgement


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
    """How many pairs of options of two slots meet, of all that rules allow, and of how many could in so many images."""

    label: str
    slots: tuple[str, str]
    met: int
    pairs: int
    possible: int


@dataclass(frozen=True, slots=True)
class ClassUse:
    """What one class of a plan gives.

    Args:
        images: of the class in the whole plan.
        counted: the images that were looked at.
        combinations: how many different picks the template has.
        repeated: how many of those looked at have the prompt of an earlier one.
        prompts: their prompts, longest first, at most MAX_PROMPTS.
        empty: how many of those looked at have no prompt.
    """

    label: str
    images: int
    counted: int
    combinations: int
    slots: tuple[SlotUse, ...]
    pairs: tuple[PairUse, ...]
    repeated: int
    prompts: tuple[str, ...]
    empty: int


def use_of(plan: Plan, label: str) -> ClassUse:
    """What class `label` of `plan` gives, by making its first items."""
    images = plan.count(label)
    program = plan.programs(label).positive
    slots = list(program.block.slots())
    singles = [slot.name for slot in slots if slot.single]
    work = max(1, len(singles) ** 2 // 50)  # an image with 10 slots has 45 pairs, about as much work as its prompt
    counted = min(images, max(100, MAX_ITEMS // len(plan.labels) // work))
    joined = plan.coverage != "random"
    sizes = {slot.name: len(slot) - (0 if joined else slot.table.duplicates) for slot in slots}  # options that differ
    counts: dict[str, Counter[str]] = {slot.name: Counter() for slot in slots}
    met: dict[tuple[str, str], set[tuple[str, str]]] = {pair: set() for pair in combinations(singles, 2)}
    prompts: Counter[str] = Counter()
    for rank in range(counted):
        prompt, picks = program.render(rank)
        prompts[prompt] += 1
        options: dict[str, str] = {}
        for pick in picks:
            counts.setdefault(pick.slot, Counter())[pick.option] += 1
            options[pick.slot] = pick.option
        for (first, second), met_options in met.items():
            met_options.add((options[first], options[second]))
    uses = tuple(
        SlotUse(label, slot, sizes.get(slot, len(count)), count, sum(count.values())) for slot, count in counts.items()
    )
    pairs = []
    for (first, second), met_options in met.items():
        allowed = program.rules.pairs(first, second) if program.rules else None
        total = sizes[first] * sizes[second] if allowed is None else allowed
        pairs.append(PairUse(label, (first, second), len(met_options), total, min(counted, total)))
    return ClassUse(
        label=label,
        images=images,
        counted=counted,
        combinations=plan.combinations(label),
        slots=uses,
        pairs=tuple(pairs),
        repeated=counted - len(prompts),
        prompts=tuple(sorted(prompts, key=lambda text: (-len(text), text))[:MAX_PROMPTS]),
        empty=sum(number for prompt, number in prompts.items() if not prompt.strip(" ,.;")),
    )
