"""Warnings about the labels of a plan: whether the pictures of a class will show it, and no other class.

Reads the plan and what its words mean (meanings.py); returns sentences, those of one class without its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..item import ClassSpec, Pick
from ..language import syntax
from ..plan import Plan
from .meanings import Meanings, words_of
from .usage import ClassUse

MAX_LISTED = 8  # words in one warning; a judgement, as the next
_MAX_OPTIONS = 20_000  # of one slot that are compared with the classes; bounds the time
_MAX_RENDERED = 200  # prompts of a class that are searched for a word of it
_OVERLAP = 3  # of the hyponyms of two classes

# What moves on land or in water alone, and where it hardly ever is: synsets of WordNet
_HARDLY = (
    (
        ("wheeled_vehicle.n.01", "public_transport.n.01", "building.n.01", "furniture.n.01"),
        ("body_of_water.n.01",),
    ),
    (
        ("ungulate.n.01", "feline.n.01", "canine.n.02", "rodent.n.01", "lagomorph.n.01", "proboscidean.n.01"),
        ("ocean.n.01", "sea.n.01"),
    ),
    (
        ("vessel.n.02", "fish.n.01", "aquatic_mammal.n.01"),
        ("desert.n.01", "grassland.n.01", "forest.n.01", "forest.n.02", "volcano.n.02", "cave.n.01", "range.n.04"),
    ),
)
_ARTICLE = re.compile(r"(?:(?:in|under|inside|into) )?(?:(?:an?|the) )?")
_NEAR = re.compile(r"\b(?:near|by|beside|above|over|along|at|on|from|to|of|behind|facing)\s+(?:an? |the )?[\s(]*$")


def label_warnings(plan: Plan, spec: ClassSpec, use: ClassUse, meanings: Meanings) -> Iterator[str]:
    """What is wrong with the prompts of one class as pictures of it."""
    programs = plan.programs(spec.name)
    fixed = " ".join(_fixed_texts(programs.tree))
    for name, words in _others(meanings, spec, fixed).items():
        yield f"label leak: the template's own text names class {name} ({words})."
    slots = {slot.name: slot for slot in programs.positive.block.slots()}
    for counted in use.slots:
        slot = slots.get(counted.slot)
        texts = slot.table.texts[:_MAX_OPTIONS] if slot else list(counted.counts)
        is_hyponym = slot.table.source(0) == "hyponyms" if slot else counted.slot.endswith("hyponym")
        yield from _leaks(spec, counted.slot, texts, is_hyponym, meanings)
    without = [prompt for prompt, picks in _rendered(plan, spec, use) if not _has_word(spec, prompt, picks, meanings)]
    without = [prompt for prompt in without if prompt.strip(" ,.;")]
    if without:
        share = f"{len(without)} of {min(use.counted, _MAX_RENDERED)} prompts"
        yield f"{share} have no word of the class, such as its name or __hyponym__: {without[0][:100]}"
    yield from _strangers(spec, meanings)


def of_classes(plan: Plan, meanings: Meanings) -> Iterator[str]:
    """Classes that overlap: one lies under another, or they share hyponyms."""
    for name in plan.labels:
        above = [label for label in plan.labels if label != name and meanings.is_kind_of(name, label)]
        if above:
            yield f"class {name} is a kind of class {listed(above)}, so pictures of one may show the other."
    owners: dict[str, list[str]] = {}
    for label in plan.labels:
        for text in dict.fromkeys(map(words_of, plan.programs(label).spec.hyponyms)):
            owners.setdefault(text, []).append(label)
    shared: dict[tuple[str, ...], list[str]] = {}
    for text, labels in owners.items():
        if len(labels) > 1:
            shared.setdefault(tuple(labels), []).append(text)
    if len(shared) > _OVERLAP:  # many classes from pictures of one kind
        texts = [text for texts in shared.values() for text in texts]
        labels = list(dict.fromkeys(label for labels in shared for label in labels))
        shared = {tuple(labels): texts}
    for classes, texts in shared.items():
        several = f"{len(texts)} hyponyms stand" if len(texts) > 1 else "hyponym stands"
        yield f"{several} in several classes ({', '.join(classes)}): {listed(texts)}."


def unlikely_pairs(plan: Plan, uses: Sequence[ClassUse], meanings: Meanings) -> Iterator[str]:
    """Places in which things of the class hardly ever are: a truck in the ocean, a ship in the desert."""
    tree = meanings.tree
    if tree is None:
        return
    pairs: dict[tuple[str, ...], list[str]] = {}  # from options to the classes that they hardly go with
    for use in uses:
        synset = meanings.synsets[use.label]
        places = [where for what, where in _HARDLY if synset and _is_any(meanings, synset.id, what)]
        if not places:
            continue
        options: dict[str, None] = {}
        for prompt, picks in _rendered(plan, plan.programs(use.label).spec, use):
            for pick in picks:
                words = _ARTICLE.sub("", words_of(pick.option), count=1)
                likeliest = meanings.likeliest(words) if words and pick.source != "hyponyms" else None
                if likeliest is None or not any(_is_any(meanings, likeliest.id, where) for where in places):
                    continue
                before = prompt.partition(pick.option)[0].casefold()  # all of it where the option reads otherwise
                if not _NEAR.search(before):
                    options[pick.option] = None
        if options:
            pairs.setdefault(tuple(sorted(options)), []).append(use.label)
    if pairs:
        sentences = (f"{listed(labels)} with {listed(options)}" for options, labels in pairs.items())
        yield f"pairs that hardly exist: {'; '.join(sentences)}. Forbid them, or leave those options out."


def note_of_unknown(plan: Plan, meanings: Meanings) -> Iterator[str]:
    """How many hyponyms WordNet does not have, such as breeds and brands; one line for all classes."""
    counts = []
    for label in plan.labels:
        spec = plan.programs(label).spec
        unknown, _ = _judged(spec, meanings)
        if unknown:
            counts.append(f"{len(unknown)} of {label}'s {len(_names(spec))} ({listed(unknown, 3)})")
    if counts:
        yield f"WordNet does not have these hyponyms, so they were not checked: {listed(counts)}."


def listed(texts: Sequence[str], most: int = MAX_LISTED) -> str:
    """The first of the texts, and how many more there are."""
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def _leaks(spec: ClassSpec, slot: str, texts: Iterable[str], is_hyponym: bool, meanings: Meanings) -> Iterator[str]:
    """Options that name another class, and hyponyms that lie under another class and not under their own."""
    options: dict[str, list[str]] = {}  # from another class to the options that leak it
    for text in texts:
        if is_hyponym:
            names = {name for name, words in _others(meanings, spec, text).items() if meanings.is_name(words)}
            above = meanings.kinds_of(text)
            names |= set() if spec.name in above else above - {spec.name}
        else:
            names = set(_others(meanings, spec, text))
        for name in sorted(names):
            options.setdefault(name, []).append(text)
    for name, leaking in options.items():
        yield f"label leak: {listed(leaking)} in slot {slot} names or lies under class {name}."


def _others(meanings: Meanings, spec: ClassSpec, text: str) -> dict[str, str]:
    """The classes that a text names beside its own and those that its own is a kind of."""
    return {
        name: words
        for name, words in meanings.named(text).items()
        if name != spec.name and not meanings.is_kind_of(spec.name, name)
    }


def _fixed_texts(nodes: syntax.Nodes) -> Iterator[str]:
    """The texts of a template that are no options."""
    for node in nodes:
        if isinstance(node, syntax.Text):
            yield node.value
        elif not isinstance(node, syntax.Choice):
            for inner in syntax.children(node):
                yield from _fixed_texts(inner)


def _rendered(plan: Plan, spec: ClassSpec, use: ClassUse) -> Iterator[tuple[str, tuple[Pick, ...]]]:
    program = plan.programs(spec.name).positive
    return (program.render(rank) for rank in range(min(use.counted, _MAX_RENDERED)))


def _has_word(spec: ClassSpec, prompt: str, picks: Iterable[Pick], meanings: Meanings) -> bool:
    """Whether a prompt has a word of the class, or an option of a list that is called as the class."""
    for pick in picks:
        name = pick.slot.rpartition("/")[2]
        if pick.source == "hyponyms" or meanings.is_word_of(spec, name.replace("_", " ")):
            return True
    return meanings.is_word_of(spec, prompt)


def _names(spec: ClassSpec) -> list[str]:
    """The hyponyms of a class, each name of one kind by itself."""
    return [name for text in spec.hyponyms[:_MAX_OPTIONS] for name in text.strip("{}").split("|")]


def _strangers(spec: ClassSpec, meanings: Meanings) -> Iterator[str]:
    """Hyponyms of a class that WordNet puts elsewhere."""
    _, elsewhere = _judged(spec, meanings)
    if elsewhere:
        yield f"WordNet puts no sense of {listed(elsewhere)} under {spec.name}."


def _judged(spec: ClassSpec, meanings: Meanings) -> tuple[list[str], list[str]]:
    """The hyponyms that WordNet does not have, and those that it puts elsewhere."""
    roots = meanings.roots[spec.name]
    unknown: list[str] = []
    elsewhere: list[str] = []
    if meanings.tree is None or not roots:
        return unknown, elsewhere
    near = roots | meanings.relatives(spec.name)
    for text in _names(spec):
        words = words_of(text)
        if not meanings.ids(words):  # "S.U.V." keeps its dots in WordNet, "tom cat" is tom there
            words = text.casefold()
        if not meanings.ids(words):
            unknown += [] if meanings.qualifies(words, roots) else [text]
        elif not meanings.is_under(words, near):
            (unknown if meanings.is_proper(words) else elsewhere).append(text)
    return unknown, elsewhere


def _is_any(meanings: Meanings, wnid: str, names: Iterable[str]) -> bool:
    """Whether a synset lies under one of some."""
    tree = meanings.tree
    return tree is not None and any(tree.is_under(wnid, tree.synset(name).id) for name in names)
