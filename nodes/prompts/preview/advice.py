"""Warnings about a plan: labels that leak, hyponyms of something else, negatives that undo the prompt, duplicates.

Reads the plan and WordNet (through the room of hyponyms); returns sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...hyponyms.shipped_data import kinds_named_by_hand
from ...hyponyms.taxonomy import Taxonomy
from ..drawing.compile import Slot
from ..drawing.decks import MAX_WEIGHTED, is_rounded, plannable
from ..item import ClassSpec
from ..language import syntax
from ..language.names import key_of
from ..plan import Plan
from ..wildcards.tables import weighted
from .usage import ClassUse

_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_MAX_LISTED = 8  # words in one warning; a judgement
_MAX_NEGATIVES = 50  # negative prompts of a class that are compared with its prompts; bounds the time, a judgement
_MAX_OPTIONS = 20_000  # of one slot that are compared with other classes; bounds the time, a judgement
# words that a negative may share with the prompts: they say nothing of what is to be seen
_STOP_WORDS = frozenset(
    {"the", "and", "with", "for", "from", "not", "very", "best", "worst", "high", "low", "quality", "resolution"}
    | {"photo", "picture", "image", "view", "8k", "4k", "a", "an", "of", "in", "on", "at", "or", "to", "by", "as", "no"}
)


def warnings(plan: Plan, uses: Sequence[ClassUse], cfg: float, tree: Taxonomy | None) -> list[str]:
    """What is worth a second look before any GPU time, in the order of the classes.

    Args:
        uses: what each class gives, from `use_of`.
        cfg: the sampler's; at 1 a negative prompt has no effect.
        tree: WordNet, None where it is not there.
    """
    sentences: list[str] = []
    meanings = Meanings(plan.classes, tree)
    for use in uses:
        spec = plan.programs(use.label).spec
        sentences += [f"**{use.label}**: {text}" for text in _of_class(plan, spec, use, cfg, meanings)]
    sentences += _shared_hyponyms(plan)
    if tree is None:
        sentences.append("WordNet is not there, so hyponyms were not checked against it.")
    return sentences


class Meanings:
    """What words mean in WordNet, and which class of the plan they name; no senses where WordNet is not there."""

    def __init__(self, classes: Sequence[ClassSpec], tree: Taxonomy | None) -> None:
        self.tree = tree
        self._ids: dict[str, frozenset[str]] = {}
        self.names = {words_of(spec.name): spec.name for spec in classes}
        self.longest = max(len(name.split()) for name in self.names)  # words of a class's name
        self.classes_of: dict[str, set[str]] = {}  # from a synset to the classes that it is
        for spec in classes:
            for synset in self.of_class(spec):
                self.classes_of.setdefault(synset, set()).add(spec.name)

    def ids(self, words: str) -> frozenset[str]:
        """The synsets that a word or its base form can mean."""
        if words not in self._ids:
            senses = self.tree.lookup(words) if self.tree and words and words.isascii() else ()
            by_hand = kinds_named_by_hand().get(words, frozenset())
            self._ids[words] = frozenset(synset.id for synset in senses) | by_hand
        return self._ids[words]

    def of_class(self, spec: ClassSpec) -> frozenset[str]:
        """The synset of a class, or all that its name can mean."""
        return frozenset({spec.synset}) if spec.synset else self.ids(words_of(spec.name))

    def above(self, words: str) -> frozenset[str]:
        """Every synset that a sense of the words is or lies under."""
        assert self.tree is not None
        ids = self.ids(words)
        return ids.union(*(self.tree.ancestors(synset) for synset in ids))

    def qualifies(self, words: str, roots: frozenset[str]) -> bool:
        """Whether the words are a word of the class with a class word behind it: "tom cat" is a tom, a cat."""
        assert self.tree is not None
        classes = roots.union(*(self.tree.ancestors(root) for root in roots))
        parts = words.split()
        return any(
            not classes.isdisjoint(self.ids(" ".join(parts[split:])))
            and not roots.isdisjoint(self.above(" ".join(parts[:split])))
            for split in range(1, len(parts))
        )

    def named(self, words: str) -> set[str]:
        """The classes whose names stand in the words, also in the plural."""
        parts = words.split()
        phrases = [
            " ".join(parts[start : start + size]) for size in range(1, self.longest + 1) for start in range(len(parts))
        ]
        singulars = [phrase.removesuffix("s") for phrase in phrases]
        return {self.names[phrase] for phrase in (*phrases, *singulars) if phrase in self.names}

    def classes_above(self, words: str) -> set[str]:
        """The classes that WordNet puts a sense of the words under."""
        if self.tree is None:
            return set()
        return set().union(*(self.classes_of.get(synset, ()) for synset in self.above(words)))


def words_of(text: str) -> str:
    """The words of an option, without weights, brackets and case."""
    text = re.sub(r":\s*[-+]?[\d.]+\s*\)", ")", weighted(text)[0].replace("\\", ""))
    return " ".join(_WORD.findall(text)).casefold()


def _of_class(plan: Plan, spec: ClassSpec, use: ClassUse, cfg: float, meanings: Meanings) -> Iterator[str]:
    programs = plan.programs(spec.name)
    slots = list(programs.positive.block.slots())
    for slot in slots:
        yield from _leaks(spec, slot, meanings)
        if slot.table.duplicates:
            source = slot.table.source(0)
            yield f"slot {slot.name} has {slot.table.duplicates} repeated options in {source}; {_repeats(plan)}."
    if plan.coverage == "balanced":
        yield from _unplanned_pairs(slots, use)
    yield from _strangers(spec, meanings)
    if spec.hyponyms and not any(slot.slot.endswith("hyponym") and slot.visits for slot in use.slots):
        yield "its hyponyms are never used: the template has no `__hyponym__`."
    yield from _unused(programs.tree, use)
    negative = " ".join(programs.negative.render(rank)[0] for rank in range(min(use.counted, _MAX_NEGATIVES)))
    if negative.strip() and cfg <= 1:
        yield f"a negative prompt has no effect at cfg {cfg:g}; raise it above 1, or leave the negative empty."
    repeated = _repeated_words(negative, use)
    if repeated:
        yield f"the negative repeats words of the prompts: {', '.join(repeated)}; prompts that clash draw artefacts."
    if use.repeated:
        yield f"{use.repeated} of {use.counted} prompts repeat an earlier one of the class, word for word."


def _leaks(spec: ClassSpec, slot: Slot, meanings: Meanings) -> Iterator[str]:
    """Options that name another class, and hyponyms that lie under another class and not under their own."""
    names = meanings.named(words_of(spec.name))
    is_hyponym = slot.table.source(0) == "hyponyms"
    options: dict[str, list[str]] = {}  # from another class to the options that leak it
    for text in slot.table.texts[:_MAX_OPTIONS]:
        words = words_of(text)
        leaked = meanings.named(words) - names
        if is_hyponym:
            above = meanings.classes_above(words)
            leaked |= set() if spec.name in above else above
        for name in sorted(leaked):
            options.setdefault(name, []).append(text)
    for name, texts in options.items():
        yield f"label leak: {_listed(texts)} in slot {slot.name} names or lies under class {name}."


def _strangers(spec: ClassSpec, meanings: Meanings) -> Iterator[str]:
    """Hyponyms of a class that WordNet puts elsewhere, or does not have."""
    roots = meanings.of_class(spec)
    if meanings.tree is None or not roots:
        return
    elsewhere, unknown = [], []
    names = [name for text in spec.hyponyms[:_MAX_OPTIONS] for name in text.strip("{}").split("|")]  # names of one kind
    for text in names:
        words = words_of(text)
        if not meanings.ids(words):  # "S.U.V." keeps its dots in WordNet, "tom cat" is tom there
            words = text.casefold()
        if not meanings.ids(words):
            unknown += [] if meanings.qualifies(words, roots) else [text]
        elif roots.isdisjoint(meanings.above(words)):
            elsewhere.append(text)
    if elsewhere:
        yield f"WordNet puts no sense of {_listed(elsewhere)} under {spec.name}."
    if unknown:
        yield f"WordNet does not have {len(unknown)} of its {len(names)} hyponyms: {_listed(unknown)}."


def _unplanned_pairs(slots: Sequence[Slot], use: ClassUse) -> Iterator[str]:
    """Lists that are too long for their pairs, or for the weights of their options, to be dealt as asked."""
    singles = [slot for slot in slots if slot.single and slot.table.weights is None]
    planned, images = plannable([len(slot) for slot in singles])
    left_out = [slot.name for index, slot in enumerate(singles) if index not in planned and len(slot) > 1]
    if left_out and len(singles) > 1:
        yield f"pairs with {_listed(left_out)} meet by chance: the list is too long to plan them."
    largest = sorted(len(singles[index]) for index in planned)[-2:]
    if len(largest) == 2 and images < min(use.images, largest[0] * largest[1]):
        yield f"pairs of the longest lists are planned for {images} images, and meet by chance after them."
    for slot in slots:
        if slot.single and slot.table.weights and is_rounded(slot.table.weights):
            yield f"the weights of slot {slot.name} are rounded to {MAX_WEIGHTED} cards."


def _unused(tree: syntax.Nodes, use: ClassUse) -> Iterator[str]:
    """Options and slots that no image uses."""
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
    """The words of the negative prompts that the prompts or the options have as well."""
    words = {word.casefold() for word in _WORD.findall(negative)} - _STOP_WORDS
    words = {word for word in words if not word.replace(".", "").isdigit()}
    repeated: set[str] = set()
    for prompt in use.prompts:
        repeated |= words & {word.casefold() for word in _WORD.findall(prompt)}
    for slot in use.slots:
        for option in slot.counts:
            repeated |= words & set(words_of(option).split())
    return sorted(repeated)


def _repeats(plan: Plan) -> str:
    return "each counts" if plan.coverage == "random" else "equal options count once"


def _listed(texts: Sequence[str]) -> str:
    """The first of the texts, and how many more there are."""
    first = ", ".join(texts[:_MAX_LISTED])
    return first + (f" and {len(texts) - _MAX_LISTED} more" if len(texts) > _MAX_LISTED else "")
