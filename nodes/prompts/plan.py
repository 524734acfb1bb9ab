"""A plan: which image has which label, prompt, negative, picks and seed; a pure function of (label, rank, attempt).

Counts, shards and the order of classes are a schedule and no part of an item: a plan with more images or more classes
has the same items as before.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .class_programs import RULES, ClassPrograms
from .drawing.binding import check_named
from .drawing.resolve import RESERVED
from .drawing.shards import Cut, Shard
from .item import ClassSpec, Item
from .language.errors import TemplateError
from .language.names import key_of
from .language.rules import parse_rules
from .wildcards.library import Library, WildcardList
from .wildcards.usable import UsableLists

COVERAGES = ("balanced", "random", "combinatorial")
ORDERS = ("interleaved", "by class")
FORMAT, VERSION = "hyponet.plan", 5  # of what to_json gives

_CHOICE_OR_WILDCARD = re.compile(r"[{}]|__.+__")


class Plan:
    """Every image of a data set, decided before any is made.

    Args:
        classes: the classes, in order; their names differ by more than case.
        template: of each class that has none of its own.
        library: where wildcards are looked up; what is used is kept, so a plan never changes afterwards.
        negative: negative template of each class that has none of its own.
        seed: the plan's seed.
        coverage: how options are dealt, one of COVERAGES.
        images_per_class: of each class without a count of its own.
        order: one of ORDERS.
        shard: (index from 0, count): this plan's schedule holds one of so many parts of each class (see shards.py).
        rules: between the slots of every template (language/rules.py).
        reserved: whether __class__, __hyponym__ and __hypernym__ are the class's own words; else ordinary wildcards,
            for a template without a class. Not saved by `to_json`.

    Raises:
        TemplateError: a template or a wildcard file cannot be used (a ValueError that shows line and column).
        ValueError: there is no class, two have one name, or a number is out of range.
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
        rules: str = "",
        reserved: bool = True,
    ) -> None:
        _check(classes, coverage, order, shard)
        self.classes = tuple(classes)
        self.template = template
        self.library = library
        self.negative = negative
        self.seed = seed
        self.coverage = coverage
        self.images_per_class = images_per_class
        self.order = order
        self.shard = shard
        self.rules = rules
        self.reserved = reserved
        self.labels: tuple[str, ...] = tuple(spec.name for spec in self.classes)
        self._cuts: dict[str, Cut] = {}
        lists = UsableLists(library, RESERVED if reserved else ())
        self._programs = {spec.name: ClassPrograms(self, spec, lists) for spec in self.classes}
        self._check_rules()
        if coverage == "combinatorial":
            for label in self.labels:
                self._check_combinations(label)

    def count(self, label: str) -> int:
        """Images of `label` in the whole plan, all shards."""
        count = self.programs(label).spec.count
        return self.images_per_class if count is None else count

    def item(self, label: str, rank: int, attempt: int = 0) -> Item:
        """The image of `label` with that rank; another attempt has the same prompt and another seed."""
        programs = self._programs.get(label) or self.programs(label)
        prompt, picks = programs.positive.render(rank)
        negative, negative_picks = programs.negative.render(rank)
        seed = _item_seed(programs.seed_key, rank, attempt)
        return Item(label, rank, attempt, prompt, negative, picks + negative_picks if negative_picks else picks, seed)

    def schedule(self) -> Iterator[tuple[str, int]]:
        """This shard's (label, rank), classes interleaved unless ordered by class."""
        if self.order == "by class":
            yield from ((label, rank) for label in self.labels for rank in self.ranks(label))
            return
        for row in itertools.zip_longest(*map(self.ranks, self.labels)):
            yield from ((label, rank) for label, rank in zip(self.labels, row, strict=True) if rank is not None)

    def ranks(self, label: str) -> range | Shard:
        """This shard's ranks of one class, in order."""
        index, count = self.shard
        return range(self.count(label)) if count == 1 else self.cut(label).shards[index]

    def cut(self, label: str) -> Cut:
        """All shards of one class."""
        if label not in self._cuts:
            self._cuts[label] = self.programs(label).positive.cut(self.count(label), self.shard[1])
        return self._cuts[label]

    def __len__(self) -> int:
        return sum(len(self.ranks(label)) for label in self.labels)

    def programs(self, label: str) -> ClassPrograms:
        """The templates of one class."""
        if label not in self._programs:
            raise ValueError(f"label is {label!r}; expected one of the plan's: {', '.join(self.labels)}")
        return self._programs[label]

    def combinations(self, label: str) -> int:
        """How many different picks the positive template of `label` has, exactly."""
        return self.programs(label).combinations

    def wildcards(self) -> dict[str, WildcardList]:
        """Every list that the plan uses, by its name."""
        used: dict[str, WildcardList] = {}
        for programs in self._programs.values():
            used.update(programs.used())
        return {used[key].name: used[key] for key in sorted(used)}

    def left_out(self) -> list[TemplateError]:
        """Why lines of those lists, or parts of their files, cannot be used; in the order of the lists."""
        errors: dict[str, TemplateError] = {}
        for wildcards in self.wildcards().values():
            for error in (*wildcards.left_out, *self.library.broken.get(wildcards.source, ())):
                errors.setdefault(str(error), error)
        return list(errors.values())

    def with_counts(self, counts: Mapping[str, int]) -> Plan:
        """The same plan with so many images of each label; those that both have are the same items."""
        return Plan(
            [replace(spec, count=counts[spec.name]) for spec in self.classes],
            self.template,
            self.library,
            negative=self.negative,
            seed=self.seed,
            coverage=self.coverage,
            images_per_class=self.images_per_class,
            order=self.order,
            shard=self.shard,
            rules=self.rules,
            reserved=self.reserved,
        )

    def to_json(self) -> dict[str, Any]:
        """The whole plan with the wildcards it uses; `from_json` makes the identical items again."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "seed": self.seed,
            "coverage": self.coverage,
            "images_per_class": self.images_per_class,
            "order": self.order,
            "shard": list(self.shard),
            "template": self.template,
            "negative": self.negative,
            "rules": self.rules,
            "classes": [asdict(spec) for spec in self.classes],
            "wildcards": {
                name: {
                    "source": wildcards.source,
                    "lines": list(wildcards.lines),
                    **({"alias": True} if self.library.is_alias(name) else {}),
                }
                for name, wildcards in self.wildcards().items()
            },
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The plan that `to_json` wrote.

        Raises:
            ValueError: it is no plan, or one of another version.
        """
        if data.get("format") != FORMAT or data.get("version") != VERSION:
            what = f"{data.get('format')!r} version {data.get('version')!r}"
            raise ValueError(f"plan is {what}; expected {FORMAT} version {VERSION}; make the plan again")
        lists = {name: (wildcards["source"], wildcards["lines"]) for name, wildcards in data["wildcards"].items()}
        aliases = [name for name, wildcards in data["wildcards"].items() if wildcards.get("alias")]
        classes = [
            ClassSpec(**{**spec, "hyponyms": tuple(spec["hyponyms"]), "omit": tuple(spec["omit"])})
            for spec in data["classes"]
        ]
        return cls(
            classes,
            data["template"],
            Library(lists=lists, aliases=aliases),
            negative=data["negative"],
            rules=data["rules"],
            seed=data["seed"],
            coverage=data["coverage"],
            images_per_class=data["images_per_class"],
            order=data["order"],
            shard=(data["shard"][0], data["shard"][1]),
        )

    def _check_rules(self) -> None:
        """Raises where a rule names what is not there, or leaves nothing."""
        blocks = {label: programs.block() for label, programs in self._programs.items() if programs.has_rules}
        if self.rules:
            check_named(parse_rules(self.rules, RULES), self.labels, list(blocks.values()))
        for label, programs in self._programs.items():
            if programs.own_rules:
                check_named(programs.own_rules, self.labels, [blocks[label]])
            if programs.has_rules:
                assert programs.bound  # made at once, so that rules that leave nothing are told at once

    def _check_combinations(self, label: str) -> None:
        images, combinations = self.count(label), self.combinations(label)
        if images > combinations:
            raise ValueError(
                f"images of class {label} are {images}; expected at most its {combinations} combinations; "
                "ask for fewer images, add options, or choose the coverage balanced"
            )


def ranks_of_batch(plan: Plan, count: int, number: int) -> range:
    """The ranks of batch `number`, of `count` prompts each, of a plan of one template; each combination once.

    Raises:
        ValueError: the combinations end before that batch.
    """
    first, last = number * count, number * count + count
    if plan.coverage == "combinatorial":
        combinations = plan.combinations(plan.labels[0])
        if first >= combinations:
            what = f"batch_number is {number}; expected at most {(combinations - 1) // count}"
            raise ValueError(f"{what}, since the template has {combinations} combinations; set it to 0 to begin again")
        last = min(last, combinations)
    return range(first, last)


def single_plan(template: str, library: Library, *, coverage: str, seed: int) -> Plan:
    """A plan of one template without a class, so that `__class__` is a wildcard like any other; its label is prompt."""
    spec = ClassSpec("prompt")
    return Plan((spec,), template, library, seed=seed, coverage=coverage, images_per_class=1, reserved=False)


def _item_seed(seed_key: str, rank: int, attempt: int) -> int:
    """An image's own seed, below 2**32 since torch's CPU generator uses the low 32 bits only."""
    return _low_word(f"{seed_key}\x1f{rank}\x1f{attempt}")


def _low_word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def _check(classes: Sequence[ClassSpec], coverage: str, order: str, shard: tuple[int, int]) -> None:
    if not classes:
        raise ValueError("classes are none; expected at least one; connect a Class")
    if coverage not in COVERAGES:
        raise ValueError(f"coverage is {coverage!r}; expected one of: {', '.join(COVERAGES)}")
    if order not in ORDERS:
        raise ValueError(f"order is {order!r}; expected one of: {', '.join(ORDERS)}")
    if not 0 <= shard[0] < shard[1]:
        raise ValueError(f"shard_index is {shard[0]}; expected 0 to {shard[1] - 1}, below shard_count")
    names: set[str] = set()
    for spec in classes:
        if not spec.name.strip():
            raise ValueError("name of a class is empty; expected a label such as cat")
        for what, text in (("name", spec.name), ("hypernym", spec.hypernym)):
            if _CHOICE_OR_WILDCARD.search(text):
                how = "expected plain text, since it reaches the model as it is; give the words as hyponyms"
                raise ValueError(f"{what} of class {spec.name[:80]!r} has braces or a wildcard; {how}")
        if key_of(spec.name) in names:
            raise ValueError(
                f"name of two classes is {spec.name}; expected names that differ by more than case; rename one"
            )
        names.add(key_of(spec.name))
