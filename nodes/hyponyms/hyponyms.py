"""Hyponyms of a class or a word, ready as a wildcard, with a report of what was kept, dropped and why.

Reads WordNet through taxonomy.py; returns Hyponyms. Mode `exact` names the synset by its wnid and climbs as asked;
mode `thesis` looks the label up as the thesis does (chapter 4 and its published code), made deterministic.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from .lemmas import LEMMA_POLICIES, Group, Listing, fold, list_words, short_name
from .senses import climb, find_sense
from .taxonomy import Synset, Taxonomy, taxonomy

__all__ = ["LEMMA_POLICIES", "MODES", "Hyponyms", "HyponymSettings", "hyponyms_of_class", "hyponyms_of_word"]

MODES = ("exact", "thesis")

log = logging.getLogger("hyponet")


@dataclass(frozen=True, slots=True)
class HyponymSettings:
    """How to climb, what to list and how to word it; the fields are the widgets of the nodes.

    Args:
        mode: one of MODES. In thesis mode only `max_count` and `seed` act besides, and unfit words stay out.
        at_least: climb to broader hypernyms until there are so many words; not used with an ancestor.
        ancestor: the hypernym to climb to: "ship", "ship.n.01" or a wnid; "" climbs by count.
        depth: levels of hyponyms listed below the hypernym.
        lemmas: one of LEMMA_POLICIES.
        include_class: whether the class itself is listed.
        max_count: at most so many words, chosen by `seed`; 0 keeps all.
        seed: chooses the words when there are too many.
    """

    mode: str = "exact"
    at_least: int = 4
    ancestor: str = ""
    depth: int = 1
    lemmas: str = "unambiguous"
    include_class: bool = True
    max_count: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Hyponyms:
    """The subcategories of one class.

    Args:
        word: the short class word ("cat"), for prompts.
        synset: WordNet 3.0 id of the hypernym ("n02121808"); the first where there are several.
        name: its name ("domestic_cat.n.01").
        hypernym: its first lemma ("domestic cat").
        path: first lemmas of the hypernym's own hypernyms, from itself up to "entity".
        words: the hyponyms, one option each.
        report: markdown: what was kept, what was dropped, and why.
        hypernyms: the names of all hypernyms whose hyponyms are listed (38 ImageNet classes have several).
    """

    word: str
    synset: str
    name: str
    hypernym: str
    path: tuple[str, ...]
    words: tuple[str, ...]
    report: str
    hypernyms: tuple[str, ...] = ()


def hyponyms_of_class(synset: str, label: str, settings: HyponymSettings, note: str = "") -> Hyponyms:
    """The hyponyms of the hypernym of a classifier's class.

    Args:
        synset: the class's wnid; "" for a class that is known by name only, which is then looked up as a word.
        label: the class's name, with underscores or spaces.
        settings: see HyponymSettings.
        note: a sentence for the top of the report, such as what the classifier saw.

    Raises:
        ValueError: WordNet has no such synset or noun, or the ancestor is none of the class's hypernyms.
    """
    if settings.mode == "thesis":
        return _thesis(taxonomy(), label, settings, note)
    if not synset:
        named = f"The model gives no WordNet id for {label!r}, so it was looked up as a word."
        return hyponyms_of_word(label, settings, note=f"{note} {named}".strip())
    tree = taxonomy()
    start = tree.synset(synset)
    levels = _levels(tree, start) or [(start.id,)]
    return _exact(tree, start, levels, "", settings, [note])


def hyponyms_of_word(word: str, settings: HyponymSettings, note: str = "") -> Hyponyms:
    """The hyponyms of a word itself (mode `exact`), or of its first hypernym (mode `thesis`).

    Args:
        word: a noun; may name its sense: crane.n.05, crane (bird), n02012849.
        settings: see HyponymSettings.
        note: a sentence for the top of the report.

    Raises:
        ValueError: WordNet has no such noun or sense, or the ancestor is none of its hypernyms.
    """
    tree = taxonomy()
    if settings.mode == "thesis":
        return _thesis(tree, word, settings, note)
    sense = find_sense(tree, word)
    if sense.warning:
        log.warning("%s", sense.warning)
    levels = [(sense.synset.id,), *_levels(tree, sense.synset)]
    return _exact(tree, sense.synset, levels, sense.word, settings, [note, sense.warning])


def _exact(
    tree: Taxonomy,
    start: Synset,
    levels: Sequence[tuple[str, ...]],
    asked: str,
    settings: HyponymSettings,
    notes: Sequence[str],
) -> Hyponyms:
    if settings.ancestor:
        levels = [(_ancestor(tree, start, settings.ancestor),)]
    best: tuple[tuple[str, ...], Listing] | None = None
    for roots in levels:
        listing = _listing(tree, start, roots, asked, settings)
        if best is None or len(listing.words) > len(best[1].words):
            best = (roots, listing)
        if len(listing.words) >= settings.at_least:
            break
    assert best is not None  # there is one level at least
    roots, listing = best
    if not listing.words:
        raise ValueError(f"hyponyms of {start.name} are none; expected one at least; name a broader ancestor or word")
    notes = [*notes, *_climb_notes(tree, levels, roots, listing, settings)]
    return _answer(tree, start, roots, _class_word(tree, start, roots[0], asked), listing, settings, notes)


def _levels(tree: Taxonomy, start: Synset) -> list[tuple[str, ...]]:
    """What a climb by count tries: all hypernyms of the class at once, then the first one's first hypernyms by turns.

    (All hypernyms of all levels would list dogs for a cat, since a domestic cat is a domestic animal as well.)
    """
    above = (*start.hypernyms, *start.instance_hypernyms)
    return [above, *((one.id,) for one in tree.path(above[0])[1:])] if above else []


def _listing(tree: Taxonomy, start: Synset, roots: Sequence[str], asked: str, settings: HyponymSettings) -> Listing:
    """The words below `roots`; the class itself comes first where it is no hyponym at this depth."""
    seen: set[str] = set(roots)
    if not settings.include_class:
        seen.add(start.id)
    groups = []
    for root in roots:
        below = _below(tree, root, settings.depth, seen)
        groups.append(Group(tuple(tree.synset(one) for one in below), _class_word(tree, start, root, asked)))
    listed = any(start.id == one.id for group in groups for one in group.synsets)
    if settings.include_class and not listed:
        groups.insert(0, Group((start,), _class_word(tree, start, roots[0], asked)))
    own = () if settings.include_class else start.lemmas
    listing = list_words(tree, groups, roots, settings.lemmas, without=own)
    for above in tree.path(roots[0])[1:]:
        if listing.words:
            break
        # every word is ambiguous and ends in the class word (spider web, a web): broader words qualify it
        groups = [Group(group.synsets, short_name(tree, above)) for group in groups]
        listing = list_words(tree, groups, roots, settings.lemmas, without=own)
    return listing


def _below(tree: Taxonomy, root: str, depth: int, seen: set[str]) -> list[str]:
    """Hyponyms of `root` down to `depth` levels, nearest first, each once; adds them to `seen`."""
    found: list[str] = []
    level = [root]
    for _ in range(depth):
        level = list(dict.fromkeys(below for one in level for below in tree.synset(one).hyponyms))
        fresh = [one for one in level if one not in seen]
        found += fresh
        seen.update(fresh)
    return found


def _class_word(tree: Taxonomy, start: Synset, root: str, asked: str) -> str:
    named = root == start.id and fold(asked) in {fold(lemma) for lemma in start.lemmas}
    return asked if named else short_name(tree, tree.synset(root))


def _ancestor(tree: Taxonomy, start: Synset, name: str) -> str:
    """The wnid of the nearest hypernym of `start`, or itself, that `name` means."""
    wanted = fold(name)
    for level in climb(tree, (start.id,)):
        for one in level:
            synset = tree.synset(one)
            if wanted in {synset.id, fold(synset.name), *(fold(lemma) for lemma in synset.lemmas)}:
                return one
            if "." in name and wanted in {fold(f"{lemma}.n.{_number(tree, lemma, one)}") for lemma in synset.lemmas}:
                return one
    path = " > ".join(one.name for one in tree.path(start.id))
    raise ValueError(f"ancestor is {name[:80]!a}; expected a hypernym of {start.name}; choose one of: {path}")


def _number(tree: Taxonomy, lemma: str, wnid: str) -> str:
    return f"{[one.id for one in tree.senses(lemma)].index(wnid) + 1:02d}"


def _thesis(tree: Taxonomy, label: str, settings: HyponymSettings, note: str) -> Hyponyms:
    """Every sense of the label, their hypernyms, the first one, the lemmas of its direct hyponyms.

    Source: thesis 4.2, find_hyponyms and get_hyponyms; the published code takes `list(set)[0]`, we WordNet's first.
    """
    senses = tree.lookup(label)
    if not senses:
        raise ValueError(f"{tree.unknown_word(label)}; the mode thesis takes a plain word that names no sense")
    found = next(((sense, up) for sense in senses for up in sense.hypernyms), None)
    if found is None:
        raise ValueError(f"hypernyms of {label[:80]!a} are none; expected one at least; use the mode exact")
    start, root = found
    below = tuple(tree.synset(one) for one in tree.synset(root).hyponyms)
    listing = list_words(tree, [Group(below, "")], (root,), "all")
    if not listing.words:
        raise ValueError(f"hyponyms of {label[:80]!a} are none; expected one at least; use the mode exact")
    text = f"Mode thesis: of {len(senses)} noun senses of {label.replace('_', ' ')!r}, {start.name} gave the hypernym."
    return _answer(tree, start, (root,), short_name(tree, tree.synset(root)), listing, settings, [note, text])


def _answer(
    tree: Taxonomy,
    start: Synset,
    roots: Sequence[str],
    word: str,
    listing: Listing,
    settings: HyponymSettings,
    notes: Sequence[str],
) -> Hyponyms:
    words = _choose(listing.words, settings.max_count, settings.seed)
    root = tree.synset(roots[0])
    report = "\n\n".join([*(note for note in notes if note), *_report(tree, start, roots, listing, words)])
    return Hyponyms(
        word=word,
        synset=root.id,
        name=root.name,
        hypernym=root.label,
        path=tuple(one.label for one in tree.path(root.id)),
        words=words,
        report=report,
        hypernyms=tuple(tree.synset(one).name for one in roots),
    )


def _choose(words: Sequence[str], most: int, seed: int) -> tuple[str, ...]:
    """At most `most` of `words` in their order, chosen by a hash of seed and word; 0 keeps all."""
    if not 0 < most < len(words):
        return tuple(words)
    rank = {word: hashlib.sha256(f"{seed}\n{word}".encode()).digest() for word in words}
    chosen = set(sorted(words, key=rank.__getitem__)[:most])
    return tuple(word for word in words if word in chosen)


def _climb_notes(
    tree: Taxonomy, levels: Sequence[Sequence[str]], roots: Sequence[str], listing: Listing, settings: HyponymSettings
) -> list[str]:
    steps = levels.index(tuple(roots)) if tuple(roots) in levels else 0
    notes = []
    if steps:
        passed = ", ".join(tree.synset(one).name for level in levels[:steps] for one in level)
        notes.append(f"Climbed past {passed}, which had fewer than {settings.at_least} words.")
    if len(listing.words) < settings.at_least and not settings.ancestor:
        notes.append(f"No hypernym has {settings.at_least} words at depth {settings.depth}; this one has the most.")
    return notes


def _report(tree: Taxonomy, start: Synset, roots: Sequence[str], listing: Listing, words: Sequence[str]) -> list[str]:
    parts = [f"Class: {tree.describe(start)}."]
    for root in roots:
        path = " > ".join(one.label for one in tree.path(root))
        parts.append(f"Hypernym: **{tree.synset(root).label}** ({tree.synset(root).name}, {root}); path: {path}.")
    parts.append(f"Kept {len(words)} of {len(listing.words)}: {', '.join(words)}.")
    if len(words) < len(listing.words):
        left = [word for word in listing.words if word not in set(words)]
        parts.append(f"Over the maximum count, left out by the seed: {', '.join(left)}.")
    if listing.qualified:
        pairs = ", ".join(f"{word} -> {longer}" for word, longer in listing.qualified)
        parts.append(f"Qualified with the class word, since they mean something else as well: {pairs}.")
    if listing.dropped:
        rows = "\n".join(f"| {word} | {why} |" for word, why in listing.dropped)
        parts.append(f"Dropped:\n\n| word | why |\n|---|---|\n{rows}")
    return parts
