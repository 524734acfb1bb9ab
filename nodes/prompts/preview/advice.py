"""Warnings about a plan: labels that leak, hyponyms of something else, negatives that undo the prompt, duplicates.

Reads the plan and WordNet (through the hyponet room); returns sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...hyponyms.taxonomy import Taxonomy
from ..drawing.compile import Slot
from ..item import ClassSpec
from ..language import syntax
from ..language.names import key_of
from ..plan import Plan
from ..wildcards.tables import weighted
from .usage import ClassUse

_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_MOST_NAMED = 8
_NEGATIVES = 50  # negative prompts of a class that are compared with its prompts
_MOST_OPTIONS = 20_000  # options of one slot that are compared with other classes
_NOT_TELLING = frozenset(
    {"the", "and", "with", "for", "from", "not", "very", "best", "worst", "high", "low", "quality", "resolution"}
    | {"photo", "picture", "image", "view", "8k", "4k", "a", "an", "of", "in", "on", "at", "or", "to", "by", "as", "no"}
)


def warnings(plan: Plan, uses: Sequence[ClassUse], cfg: float, tree: Taxonomy | None) -> list[str]:
    """What is worth a second look before any GPU time, in the order of the classes."""
    out: list[str] = []
    known = Known(plan.classes, tree)
    for use in uses:
        spec = plan.programs(use.label).spec
        out += [f"**{use.label}**: {text}" for text in _of_class(plan, spec, use, cfg, known)]
    out += _shared_hyponyms(plan)
    if tree is None:
        out.append("WordNet is not there, so hyponyms were not checked against it.")
    return out


class Known:
    """What words mean in WordNet, and which class of the plan they name; no senses where WordNet is not there."""

    def __init__(self, classes: Sequence[ClassSpec], tree: Taxonomy | None) -> None:
        self.tree = tree
        self._ids: dict[str, frozenset[str]] = {}
        self.names = {words_of(spec.name): spec.name for spec in classes}
        self.longest = max(len(name.split()) for name in self.names)
        self.roots: dict[str, set[str]] = {}
        for spec in classes:
            for one in self.of_class(spec):
                self.roots.setdefault(one, set()).add(spec.name)

    def ids(self, words: str) -> frozenset[str]:
        """The synsets that a word or its base form can mean."""
        if words not in self._ids:
            found = self.tree.lookup(words) if self.tree and words and words.isascii() else ()
            self._ids[words] = frozenset(synset.id for synset in found)
        return self._ids[words]

    def of_class(self, spec: ClassSpec) -> frozenset[str]:
        """The synset of a class, or all that its name can mean."""
        return frozenset({spec.synset}) if spec.synset else self.ids(words_of(spec.name))

    def above(self, words: str) -> frozenset[str]:
        """Every synset that a sense of the words is or lies under."""
        assert self.tree is not None
        ids = self.ids(words)
        return ids.union(*(self.tree.ancestors(one) for one in ids))

    def qualifies(self, words: str, roots: frozenset[str]) -> bool:
        """Whether the words are a word of the class with a class word behind it: "tom cat" is a tom, a cat."""
        assert self.tree is not None
        classes = roots.union(*(self.tree.ancestors(one) for one in roots))
        parts = words.split()
        return any(
            not classes.isdisjoint(self.ids(" ".join(parts[at:])))
            and not roots.isdisjoint(self.above(" ".join(parts[:at])))
            for at in range(1, len(parts))
        )

    def named(self, words: str) -> set[str]:
        """The classes whose names stand in the words, also in the plural."""
        parts = words.split()
        runs = [" ".join(parts[at : at + size]) for size in range(1, self.longest + 1) for at in range(len(parts))]
        return {self.names[name] for run in runs for name in (run, run.removesuffix("s")) if name in self.names}

    def holding(self, words: str) -> set[str]:
        """The classes that WordNet puts a sense of the words under."""
        if self.tree is None:
            return set()
        return set().union(*(self.roots.get(one, ()) for one in self.above(words)))


def words_of(text: str) -> str:
    """The words of an option, without weights, brackets and case."""
    text = re.sub(r":\s*[-+]?[\d.]+\s*\)", ")", weighted(text)[0].replace("\\", ""))
    return " ".join(_WORD.findall(text)).casefold()


def _of_class(plan: Plan, spec: ClassSpec, use: ClassUse, cfg: float, known: Known) -> Iterator[str]:
    programs = plan.programs(spec.name)
    slots = list(programs.positive.block.slots())
    for slot in slots:
        yield from _leaks(spec, slot, known)
        if slot.table.duplicates:
            where = slot.table.source(0)
            yield f"slot {slot.name} has {slot.table.duplicates} repeated options in {where}; {_repeats(plan)}."
    yield from _strangers(spec, known)
    if spec.hyponyms and not any(slot.slot.endswith("hyponym") and slot.visits for slot in use.slots):
        yield "its hyponyms are never used: the template has no `__hyponym__`."
    yield from _unused(programs.tree, use)
    negative = " ".join(programs.negative.render(rank)[0] for rank in range(min(use.counted, _NEGATIVES)))
    if negative.strip() and cfg <= 1:
        yield f"a negative prompt has no effect at cfg {cfg:g}; raise it above 1, or leave the negative empty."
    repeated = _repeated_words(negative, use)
    if repeated:
        yield f"the negative repeats words of the prompts: {', '.join(repeated)}; prompts that clash draw artefacts."
    if use.repeated:
        yield f"{use.repeated} of {use.counted} prompts repeat an earlier one of the class, word for word."


def _leaks(spec: ClassSpec, slot: Slot, known: Known) -> Iterator[str]:
    """Options that name another class, and hyponyms that lie under another class and not under their own."""
    own = known.named(words_of(spec.name))
    is_hyponym = slot.table.source(0) == "hyponyms"
    found: dict[str, list[str]] = {}
    for text in slot.table.texts[:_MOST_OPTIONS]:
        words = words_of(text)
        others = known.named(words) - own
        if is_hyponym:
            holding = known.holding(words)
            others |= set() if spec.name in holding else holding
        for other in sorted(others):
            found.setdefault(other, []).append(text)
    for name, texts in found.items():
        yield f"label leak: {_listed(texts)} in slot {slot.name} names or lies under class {name}."


def _strangers(spec: ClassSpec, known: Known) -> Iterator[str]:
    roots = known.of_class(spec)
    if known.tree is None or not roots:
        return
    wrong, unknown = [], []
    for text in spec.hyponyms[:_MOST_OPTIONS]:
        words = words_of(text)
        if not known.ids(words):  # "S.U.V." keeps its dots in WordNet, "tom cat" is tom there
            words = text.casefold()
        if not known.ids(words):
            unknown += [] if known.qualifies(words, roots) else [text]
        elif roots.isdisjoint(known.above(words)):
            wrong.append(text)
    if wrong:
        yield f"WordNet puts no sense of {_listed(wrong)} under {spec.name}."
    if unknown:
        yield f"WordNet does not have {len(unknown)} of its {len(spec.hyponyms)} hyponyms: {_listed(unknown)}."


def _unused(tree: syntax.Nodes, use: ClassUse) -> Iterator[str]:
    for slot in use.slots:
        missing = slot.options - len(slot.counts)
        if slot.visits == 0:
            yield f"slot {slot.slot} is never used."
        elif missing > 0:
            yield f"{missing} of {slot.options} options of slot {slot.slot} are never used in {use.counted} images."
    reached = {slot.slot for slot in use.slots}
    for name in choice_names(tree):
        if not any(name == slot or slot.endswith(f": {name}") for slot in reached):
            yield f"slot {name} is never used."


def choice_names(tree: syntax.Nodes) -> list[str]:
    """The names of the wildcards in a template, as its slots are called when each stands once."""
    names: list[str] = []
    for node in tree:
        if isinstance(node, syntax.Wildcard):
            is_constant = key_of(node.name) in ("class", "hypernym") or "$" in node.name
            names += [] if is_constant else [node.name]
        elif isinstance(node, syntax.Choice | syntax.Assign) and not _selects_lines(node):
            for inner in syntax.children(node):
                names += choice_names(inner)
    return list(dict.fromkeys(names))


def _selects_lines(node: syntax.Node) -> bool:
    """Whether a choice picks from the lines of one wildcard, `{2$$__name__}`; its slot is the choice then."""
    return isinstance(node, syntax.Choice) and (node.low, node.high) != (1, 1) and len(node.options) == 1


def _shared_hyponyms(plan: Plan) -> Iterator[str]:
    owners: dict[str, list[str]] = {}
    for label in plan.labels:
        for text in dict.fromkeys(map(words_of, plan.programs(label).spec.hyponyms)):
            owners.setdefault(text, []).append(label)
    for text, labels in owners.items():
        if len(labels) > 1:
            yield f"hyponym {text} stands in several classes: {', '.join(labels)}."


def _repeated_words(negative: str, use: ClassUse) -> list[str]:
    wanted = {word.casefold() for word in _WORD.findall(negative)} - _NOT_TELLING
    wanted = {word for word in wanted if not word.replace(".", "").isdigit()}
    seen: set[str] = set()
    for prompt in use.prompts:
        seen |= wanted & {word.casefold() for word in _WORD.findall(prompt)}
    for slot in use.slots:
        for option in slot.counts:
            seen |= wanted & set(words_of(option).split())
    return sorted(seen)


def _repeats(plan: Plan) -> str:
    return "each counts" if plan.coverage == "random" else "equal options count once"


def _listed(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_MOST_NAMED])
    return shown + (f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else "")
