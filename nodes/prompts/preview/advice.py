"""Warnings about a plan: options that no image uses, negatives that undo the prompt, duplicates, repeats.

Reads the plan; returns sentences. What is wrong with its labels stands in label_advice.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...hyponyms.taxonomy import Taxonomy
from ..drawing.compile import Slot
from ..drawing.decks import MAX_WEIGHTED, is_rounded
from ..drawing.orders import plannable
from ..item import ClassSpec
from ..language import syntax
from ..language.names import key_of
from ..plan import Plan
from .label_advice import label_warnings, listed, note_of_unknown, of_classes, unlikely_pairs
from .meanings import WORD, Meanings, words_of
from .usage import ClassUse

_MAX_NEGATIVES = 50  # negative prompts of a class that are compared with its prompts; bounds the time, a judgement
# words that a negative may share with the prompts: they say nothing of what is to be seen
_STOP_WORDS = frozenset(
    {"the", "and", "with", "for", "from", "not", "very", "best", "worst", "high", "low", "quality", "resolution"}
    | {"photo", "picture", "image", "view", "8k", "4k", "a", "an", "of", "in", "on", "at", "or", "to", "by", "as", "no"}
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What is worth a second look before any GPU time, one sentence each, and what is only good to know."""

    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def advise(plan: Plan, uses: Sequence[ClassUse], cfg: float, tree: Taxonomy | None) -> Advice:
    """What to say of a plan, in the order of the classes; what holds of several classes is said once.

    Args:
        uses: what each class gives, from `use_of`.
        cfg: the sampler's; at 1 a negative prompt has no effect.
        tree: WordNet, None where it is not there.
    """
    labels: dict[str, list[str]] = {}  # from a sentence to the classes that it holds of
    meanings = Meanings(plan.classes, tree)
    for use in uses:
        spec = plan.programs(use.label).spec
        for text in (*label_warnings(plan, spec, use, meanings), *_of_class(plan, spec, use, cfg, meanings)):
            labels.setdefault(text, []).append(use.label)
    sentences = [f"**{listed(names)}**: {text}" for text, names in labels.items()]
    sentences += [*_repeats(uses), *of_classes(plan, meanings), *unlikely_pairs(plan, uses, meanings)]
    notes = [*note_of_unknown(plan, meanings)]
    if tree is None:
        sentences.append("WordNet is not there, so hyponyms were not checked against it.")
    return Advice(tuple(sentences), tuple(notes))


def _of_class(plan: Plan, spec: ClassSpec, use: ClassUse, cfg: float, meanings: Meanings) -> Iterator[str]:
    programs = plan.programs(spec.name)
    slots = list(programs.positive.block.slots())
    for slot in slots:
        if slot.table.duplicates:
            source = slot.table.source(0)
            yield f"slot {slot.name} has {slot.table.duplicates} repeated options in {source}; {_counted(plan)}."
    if plan.coverage == "balanced":
        yield from _unplanned_pairs(slots, use)
    if spec.hyponyms and not any(slot.slot.endswith("hyponym") and slot.visits for slot in use.slots):
        yield "its hyponyms are never used: the template has no `__hyponym__`."
    yield from _unused(programs.tree, use)
    negative = " ".join(programs.negative.render(rank)[0] for rank in range(min(use.counted, _MAX_NEGATIVES)))
    if negative.strip() and cfg <= 1:
        yield f"a negative prompt has no effect at cfg {cfg:g}; raise it above 1, or leave the negative empty."
    repeated = _repeated_words(negative, use)
    mention = meanings.named(negative).get(spec.name)
    if mention and mention not in repeated:
        yield f"the negative names the class itself: {mention}."
    if repeated:
        yield f"the negative repeats words of the prompts: {', '.join(repeated)}; prompts that clash draw artefacts."
    if use.empty:
        yield f"{use.empty} of {use.counted} prompts are empty."


def _unplanned_pairs(slots: Sequence[Slot], use: ClassUse) -> Iterator[str]:
    """Lists that are too long for their pairs, or for the weights of their options, to be dealt as asked."""
    singles = [slot for slot in slots if slot.single and slot.table.weights is None]
    planned, images = plannable([len(slot) for slot in singles])
    left_out = [slot.name for index, slot in enumerate(singles) if index not in planned and len(slot) > 1]
    if left_out and len(singles) > 1:
        yield f"pairs with {listed(left_out)} meet by chance: the list is too long to plan them."
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


def _repeated_words(negative: str, use: ClassUse) -> list[str]:
    """The words of the negative prompts that the prompts or the options have as well."""
    words = {word.casefold() for word in WORD.findall(negative)} - _STOP_WORDS
    words = {word for word in words if not word.replace(".", "").isdigit()}
    repeated: set[str] = set()
    for prompt in use.prompts:
        repeated |= words & {word.casefold() for word in WORD.findall(prompt)}
    for slot in use.slots:
        for option in slot.counts:
            repeated |= words & set(words_of(option).split())
    return sorted(repeated)


def _counted(plan: Plan) -> str:
    """What becomes of equal options."""
    return "each counts" if plan.coverage == "random" else "equal options count once"


def _repeats(uses: Iterable[ClassUse]) -> Iterator[str]:
    """Prompts that come again within their class."""
    repeated = [f"{use.label} {use.repeated} of {use.counted}" for use in uses if use.repeated]
    if repeated:
        yield f"prompts repeat an earlier one of the class, word for word: {listed(repeated)}."
