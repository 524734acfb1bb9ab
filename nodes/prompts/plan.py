"""A plan: which image has which label, prompt, negative, picks and seed; a pure function of (label, rank, attempt)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .wildcards import Library

COVERAGE = ("balanced", "random", "combinatorial")
ORDERS = ("interleaved", "by class")


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


class Plan:
    """Every image of a data set, decided before any is made.

    Args:
        classes: the classes, in order; names are unique.
        template: of each class that has none of its own.
        library: where wildcards are looked up; what is used is kept, so a plan never changes afterwards.
        negative: negative template of each class that has none of its own.
        seed: the plan's seed.
        coverage: how options are dealt, one of COVERAGE.
        images_per_class: of each class without a count of its own.
        order: one of ORDERS.
        shard: (index from 0, count): this plan's schedule holds the ranks r with r % count == index.
    """

    def __init__(
        self,
        classes: Sequence[ClassSpec],
        template: str,
        library: Library,
        *,
        negative: str = "",
        seed: int = 0,
        coverage: str = "balanced",
        images_per_class: int = 100,
        order: str = "interleaved",
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.classes = tuple(classes)
        self.template = template
        self.library = library
        self.negative = negative
        self.seed = seed
        self.coverage = coverage
        self.images_per_class = images_per_class
        self.order = order
        self.shard = shard
        self.labels: tuple[str, ...] = tuple(spec.name for spec in self.classes)
        self._specs = {spec.name: spec for spec in self.classes}

    def count(self, label: str) -> int:
        """Images of `label` in the whole plan, all shards."""
        own = self._specs[label].count
        return self.images_per_class if own is None else own

    def item(self, label: str, rank: int, attempt: int = 0) -> Item:
        """The image of `label` with that rank; another attempt has the same prompt and another seed."""
        spec = self._specs[label]
        picks: list[Pick] = []

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            words = {"class": (label,), "hypernym": (spec.hypernym or label,), "hyponym": spec.hyponyms or (label,)}
            options = words.get(name) or self.library.lines(name)
            option = options[(rank + _hash(self.seed, label, name)) % len(options)]
            picks.append(Pick(name, option, "hyponyms" if name in words else f"{name}.txt"))
            return option

        prompt = re.sub(r"__(.+?)__", fill, spec.template or self.template)
        negative = self.negative if spec.negative is None else spec.negative
        return Item(label, rank, attempt, prompt, negative, tuple(picks), item_seed(self.seed, label, rank, attempt))

    def schedule(self) -> Iterator[tuple[str, int]]:
        """This shard's (label, rank), classes interleaved unless ordered by class."""
        index, count = self.shard
        if self.order == "by class":
            yield from ((label, rank) for label in self.labels for rank in range(index, self.count(label), count))
            return
        for rank in range(index, max(map(self.count, self.labels), default=0), count):
            yield from ((label, rank) for label in self.labels if rank < self.count(label))

    def __len__(self) -> int:
        index, count = self.shard
        return sum(len(range(index, self.count(label), count)) for label in self.labels)

    def to_json(self) -> dict[str, Any]:
        """The whole plan with the wildcards it uses; `from_json` makes the identical items again."""
        return {
            "format": "hyponet.plan",
            "version": 1,
            "seed": self.seed,
            "coverage": self.coverage,
            "images_per_class": self.images_per_class,
            "order": self.order,
            "shard": list(self.shard),
            "template": self.template,
            "negative": self.negative,
            "classes": [asdict(spec) for spec in self.classes],
            "wildcards": {},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        raise NotImplementedError


def item_seed(seed: int, label: str, rank: int, attempt: int) -> int:
    """An image's own seed, below 2**32 since torch's CPU generator uses the low 32 bits only."""
    return _hash(seed, unicodedata.normalize("NFC", label), rank, attempt)


def _hash(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")
