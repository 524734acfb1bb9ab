"""Hyponyms of a class or a word, ready as a wildcard, with a report of what was kept, dropped and why.

Reads WordNet through taxonomy.py; returns Hyponyms. Mode `exact` names the synset by its wnid and climbs as asked;
mode `thesis` looks the label up as the thesis does (chapter 4 and its published code), made deterministic.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .class_words import short_name
from .kinds import is_broad
from .lemmas import LEMMA_POLICIES, Group, Listing, list_kinds, list_lemmas
from .names import names_of
from .refused_words import check_fit, is_fit_in, may_lead, refusal
from .senses import climb, find_sense
from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy, taxonomy
from .unfit import MARKED, UNFIT_SUBJECT, UNFIT_WORD, is_unfit

__all__ = ["LEMMA_POLICIES", "MODES", "Hyponyms", "HyponymSettings", "hyponyms_of_class", "hyponyms_of_word"]

MODES = ("exact", "thesis")

_ENTITY = "n00001740"
_ENOUGH = 8  # kinds beyond which those whose names may be taken for something else stay out; a judgement
_SHORT = 4  # a list of fewer gets a sentence about how to have more; a judgement


@dataclass(frozen=True, slots=True)
class HyponymSettings:
    """How to climb, what to list and how to word it; the fields are the widgets of the nodes.

    Args:
        mode: one of MODES. In thesis mode only `max_count` and `seed` act besides, and unfit words stay out.
        at_least: climb to broader hypernyms until there are so many words; not used with an ancestor.
        ancestor: the hypernym to climb to: "ship", "ship.n.01" or a wnid; "" climbs by count.
        depth: levels of hyponyms listed below the hypernym.
        lemmas: one of LEMMA_POLICIES.
        include_class: whether the class itself is listed. (A word is listed in any case where its own kinds are not.)
        max_count: at most so many words, chosen by `seed`; 0 keeps all.
        seed: chooses the words when there are too many.
        all_kinds: list also what no picture of the class shows (extinct and fictional kinds, persons, parts and
            substances among things), and climb to hypernyms that are too broad to mean it.
    """

    mode: str = "exact"
    at_least: int = 4
    ancestor: str = ""
    depth: int = 1
    lemmas: str = "unambiguous"
    include_class: bool = True
    max_count: int = 0
    seed: int = 0
    all_kinds: bool = False


@dataclass(frozen=True, slots=True)
class Hyponyms:
    """The subcategories of one class.

    Args:
        word: the short class word ("cat"), for prompts.
        synset: WordNet 3.0 id of the hypernym ("n02121808"); the first where there are several.
        name: its name ("domestic_cat.n.01").
        hypernym: its first lemma ("domestic cat").
        path: first lemmas of the hypernym's own hypernyms, from itself up to "entity".
        words: the hyponyms, one option for each kind ("{kitty|pussycat}" where all names of a kind were asked for).
        report: markdown: what was kept, what was dropped, and why.
        hypernyms: the names of all hypernyms whose hyponyms are listed (38 ImageNet classes have several).
        warning: markdown, in the report too: which of several senses of a word was taken; "" where that is plain.
        kinds: the wnid of each of the words; empty where they come from no WordNet.
    """

    word: str
    synset: str
    name: str
    hypernym: str
    path: tuple[str, ...]
    words: tuple[str, ...]
    report: str
    hypernyms: tuple[str, ...] = ()
    warning: str = ""
    kinds: tuple[str, ...] = ()


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
        remark = f"The model gives no WordNet id for {label!r}, so it was looked up as a word."
        return hyponyms_of_word(label, settings, note=f"{note} {remark}".strip())
    start = taxonomy().synset(synset)
    check_fit(taxonomy(), start, label)
    search = _Search(taxonomy(), start, "", settings)
    return search.climb_until_enough(search.levels() or [(search.start.id,)], [note])


def hyponyms_of_word(word: str, settings: HyponymSettings, note: str = "") -> Hyponyms:
    """The hyponyms of a word itself (mode `exact`), or of its first hypernym (mode `thesis`).

    Args:
        word: a noun; may name its sense: crane.n.05, crane (bird), n02012849.
        settings: see HyponymSettings.
        note: a sentence for the top of the report.

    Raises:
        ValueError: WordNet has no such noun or sense, or the ancestor is none of its hypernyms.
    """
    if settings.mode == "thesis":
        return _thesis(taxonomy(), word, settings, note)
    sense = find_sense(taxonomy(), word)
    check_fit(taxonomy(), sense.synset, sense.word or word)
    search = _Search(taxonomy(), sense.synset, sense.word, settings)
    warning = "\n\n".join(filter(None, (search.renamed(), sense.warning)))
    hyponyms = search.climb_until_enough([(sense.synset.id,), *search.levels()], [note, warning])
    return replace(hyponyms, warning=warning)


@dataclass(frozen=True, slots=True)
class _Search:
    """The hyponyms of one synset in mode `exact`, and the answer of both modes.

    Args:
        tree: WordNet.
        start: the class, or the sense of the word.
        word: that was asked for, "" where a class was.
        settings: see HyponymSettings.
    """

    tree: Taxonomy
    start: Synset
    word: str
    settings: HyponymSettings

    def levels(self) -> list[tuple[str, ...]]:
        """What a climb by count tries: all hypernyms of the class at once, then the first one's first hypernyms by
        turns, up to the first that is too broad to mean the class.

        (All hypernyms of all levels would list dogs for a cat, since a domestic cat is a domestic animal as well.)
        """
        parents = tuple(wnid for wnid in self.start.parents if self._may_climb(wnid))
        if not parents:
            return []
        above = [synset.id for synset in self.tree.path(parents[0])[1:]]
        return [parents, *((wnid,) for wnid in itertools.takewhile(self._may_climb, above))]

    def climb_until_enough(self, levels: Sequence[tuple[str, ...]], notes: Sequence[str]) -> Hyponyms:
        """The hyponyms of the first of the levels that has words enough; of the one that has most, where none has."""
        if self.settings.ancestor:
            levels = [(self._ancestor(),)]
        listings: list[Listing] = []
        for roots in levels:
            listings.append(self._listing(roots))
            if len(listings[-1].words) >= self.settings.at_least:
                break
        steps = max(range(len(listings)), key=lambda level: len(listings[level].words))  # the lowest, of equal ones
        roots, listing = levels[steps], listings[steps]
        notes = [*notes, *self._notes(levels, steps, listing)]
        return _answer(self.tree, self.start, roots, self._class_word(roots[0]), listing, self.settings, notes)

    def _listing(self, roots: Sequence[str]) -> Listing:
        """The kinds below `roots`; the class itself comes first where it is no hyponym at this depth.

        It stays out where that was asked for, but not where its sisters or nothing would stand in its place.
        """
        is_own_list = self.start.id in roots
        is_listed = self.settings.include_class or bool(self.word and not is_own_list)
        visited: set[str] = set(roots)
        groups = []
        for root in roots:
            below = [wnid for wnid in self._below(root, visited) if is_listed or wnid != self.start.id]
            groups.append(Group(tuple(map(self.tree.synset, below)), self._class_word(root)))
        start_group = Group((self.start,), self._class_word(roots[0]))
        if is_listed and not any(self.start.id == synset.id for group in groups for synset in group.synsets):
            groups.insert(0, start_group)
        listing = self._list(groups, roots, is_listed=is_listed)
        return listing if listing.words else self._list([start_group], roots, is_listed=True)

    def _list(self, groups: Sequence[Group], roots: Sequence[str], *, is_listed: bool) -> Listing:
        """`list_kinds` under the settings."""
        return list_kinds(
            self.tree,
            groups,
            roots,
            self.settings.lemmas,
            own=self.start.id if is_listed else "",
            own_word=self._own_word(),
            without="" if is_listed else self.start.id,
            all_kinds=self.settings.all_kinds,
            enough=0 if self.settings.all_kinds else max(_ENOUGH, self.settings.at_least),
        )

    def _may_climb(self, wnid: str) -> bool:
        """Whether a hypernym may stand for the class, by its first name."""
        return self._is_offered(self.tree.synset(wnid)) and (self.settings.all_kinds or not is_broad(wnid))

    def _is_offered(self, synset: Synset) -> bool:
        """Whether a synset may be named to people who did not ask for it."""
        return synset.label in self.tree.fit_names(synset)

    def _below(self, root: str, visited: set[str]) -> list[str]:
        """Hyponyms of `root` down to the depth asked for, nearest first, each once; adds them to `visited`."""
        hyponyms: list[str] = []
        level = [root]
        for _ in range(self.settings.depth):
            level = list(dict.fromkeys(child for wnid in level for child in self.tree.synset(wnid).hyponyms))
            unvisited = [wnid for wnid in level if wnid not in visited]
            hyponyms += unvisited
            visited.update(unvisited)
        return hyponyms

    def _class_word(self, root: str) -> str:
        """What a prompt calls a hypernym: the word that was asked for where that is its own, else its short name."""
        if root != self.start.id:
            return short_name(self.tree, self.tree.synset(root))
        return self._own_word() or self._best_name()

    def _own_word(self) -> str:
        """The lemma that was asked for, as WordNet spells it; "" where it is unfit or none of the start."""
        key = fold(self.word)
        lemmas = (lemma.replace("_", " ") for lemma in self.start.lemmas if fold(lemma) == key)
        return next(lemmas, "") if is_fit_in(self.tree, self.start, self.word) else ""

    def renamed(self) -> str:
        """A warning where the class goes by another name than the word, which is unfit; else ""."""
        if not self.word or is_fit_in(self.tree, self.start, self.word):
            return ""
        word = self.word[:80]
        return (
            f"**Warning**: {word!r} is on the list of words that are left out; it is called {self._best_name()!r} here."
        )

    def _best_name(self) -> str:
        """The name of the class itself."""
        parents = self.start.parents
        broader = short_name(self.tree, self.tree.synset(parents[0])) if parents else self.start.label
        names, _ = names_of(self.tree, self.start, broader, (self.start.id,), "unambiguous", is_own=True)
        return names[0].word

    def _ancestor(self) -> str:
        """The wnid of the nearest hypernym of the class, or itself, that the setting `ancestor` means."""
        name = fold(self.settings.ancestor)
        for level in climb(self.tree, (self.start.id,)):
            for wnid in level:
                if name in self._names(self.tree.synset(wnid)):
                    check_fit(self.tree, self.tree.synset(wnid), self.settings.ancestor, "ancestor")
                    return wnid
        path = " > ".join(synset.name for synset in self.tree.path(self.start.id) if self._is_offered(synset))
        what = f"ancestor is {self.settings.ancestor[:80]!r}"
        raise ValueError(f"{what}; expected a hypernym of {self.start.name}; choose one of: {path}")

    def _names(self, synset: Synset) -> set[str]:
        """How a synset may be named: its wnid, its name, its lemmas, and each of these with the number of the sense."""
        names = {synset.id, fold(synset.name), *map(fold, synset.lemmas)}
        if "." in self.settings.ancestor:
            for lemma in synset.lemmas:
                number = [sense.id for sense in self.tree.senses(lemma)].index(synset.id) + 1
                names.add(fold(f"{lemma}.n.{number:02d}"))
        return names

    def _notes(self, levels: Sequence[Sequence[str]], steps: int, listing: Listing) -> list[str]:
        """What the report says of the climb, and what to do about a short list."""
        at_least = self.settings.at_least
        notes = []
        if steps:
            passed = ", ".join(self.tree.synset(wnid).name for level in levels[:steps] for wnid in level)
            notes.append(f"Climbed past {passed}, which had fewer than {at_least} words.")
        if listing.words and self.start.id in levels[steps] and not self.tree.synset(self.start.id).hyponyms:
            notes.append(f"WordNet has no kinds of {self._class_word(self.start.id)}, so it is listed itself.")
        few = max(at_least, _SHORT)
        if len(listing.words) >= few:
            return notes
        if len(listing.words) < at_least and not self.settings.ancestor:
            depth = self.settings.depth
            notes.append(f"No hypernym has {at_least} words at depth {depth}; this one has the most.")
        broader = next(filter(self._is_offered, self.tree.path(levels[steps][0])[1:]), None)
        hints = [f"set depth to {self.settings.depth + 1}"]
        if broader and broader.id != _ENTITY:
            hints.append(f"name a broader word or ancestor ({broader.label}{', broad' * is_broad(broader.id)})")
        if not self.settings.all_kinds:
            hints.append("turn on all_kinds")
        if not self.settings.include_class and self.start.id not in listing.kinds:
            hints.append("turn on include_class")
        notes.append(f"Only {len(listing.words)} listed. For more: {'; '.join(hints)}.")
        return notes


def _answer(
    tree: Taxonomy,
    start: Synset,
    roots: Sequence[str],
    class_word: str,
    listing: Listing,
    settings: HyponymSettings,
    notes: Sequence[str],
) -> Hyponyms:
    """The hyponyms of `roots` with their report, no more of them than asked for."""
    words = _choose(listing.words, settings.max_count, settings.seed)
    kind_of = dict(zip(listing.words, listing.kinds, strict=True))
    root = tree.synset(roots[0])
    report = "\n\n".join([*filter(None, notes), *_report(tree, start, roots, listing, words)])
    return Hyponyms(
        word=class_word,
        synset=root.id,
        name=root.name,
        hypernym=tree.fit_label(root),
        path=_path(tree, root.id),
        words=words,
        report=report,
        hypernyms=tuple(tree.synset(wnid).name for wnid in roots),
        kinds=tuple(map(kind_of.__getitem__, words)),
    )


def _thesis(tree: Taxonomy, label: str, settings: HyponymSettings, note: str) -> Hyponyms:
    """Every sense of the label, their hypernyms, the first one, the lemmas of its direct hyponyms.

    Source: thesis 4.2, find_hyponyms and get_hyponyms; the published code takes `list(set)[0]`, we WordNet's first.
    """
    senses = tree.lookup(label)
    if not senses:
        raise ValueError(f"{tree.unknown_word(label)}; the mode thesis takes a plain word that names no sense")
    pairs = [(sense, hypernym) for sense in senses for hypernym in sense.hypernyms]
    if not pairs:
        raise ValueError(f"hypernyms of {label[:80]!r} are none; expected at least one; use the mode exact")
    fit = (pair for pair in pairs if tree.fit_names(tree.synset(pair[1])) and may_lead(tree, pair[0], label))
    start, root = next(fit, (None, ""))
    if start is None or not any(map(tree.fit_names, senses)):
        raise refusal(tree, senses[0], label)
    synsets = tuple(tree.synset(wnid) for wnid in tree.synset(root).hyponyms)
    listing = list_lemmas(tree, synsets)
    if not listing.words:
        raise ValueError(f"hyponyms of {label[:80]!r} are none; expected at least one; use the mode exact")
    text = f"Mode thesis: of {len(senses)} noun senses of {label.replace('_', ' ')!r}, {start.name} gave the hypernym."
    class_word = short_name(tree, tree.synset(root))
    return _answer(tree, start, (root,), class_word, listing, settings, [note, text])


def _path(tree: Taxonomy, wnid: str) -> tuple[str, ...]:
    """The first fit names of a synset and of what lies above it, up to entity."""
    return tuple(filter(None, map(tree.fit_label, tree.path(wnid))))


def _is_unnamed(word: str, reason: str) -> bool:
    """Whether a report counts a word that stays out, and does not name it."""
    return is_unfit(word) or reason in (UNFIT_WORD, UNFIT_SUBJECT) or reason.startswith(MARKED)


def _choose(words: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """At most `count` of `words` in their order, chosen by a hash of seed and word; 0 keeps all."""
    if not 0 < count < len(words):
        return tuple(words)
    rank = {word: hashlib.sha256(f"{seed}\n{word}".encode()).digest() for word in words}
    chosen = set(sorted(words, key=rank.__getitem__)[:count])
    return tuple(word for word in words if word in chosen)


def _report(tree: Taxonomy, start: Synset, roots: Sequence[str], listing: Listing, words: Sequence[str]) -> list[str]:
    """The paragraphs of the report: class, hypernyms, what was kept, left out, qualified and dropped, and why."""
    parts = [f"Class: {tree.describe(start)}."]
    for root in roots:
        synset, path = tree.synset(root), " > ".join(_path(tree, root))
        parts.append(f"Hypernym: **{tree.fit_label(synset)}** ({synset.name}, {root}); path: {path}.")
    parts.append(f"Kept {len(words)} of {len(listing.words)}: {', '.join(words)}.")
    if len(words) < len(listing.words):
        unchosen = [word for word in listing.words if word not in set(words)]
        parts.append(f"Over the maximum count, left out by the seed: {', '.join(unchosen)}.")
    if listing.qualified:
        pairs = ", ".join(f"{word} -> {qualified}" for word, qualified in listing.qualified)
        parts.append(f"Qualified with the class word, since they mean something else as well: {pairs}.")
    if listing.synonyms:
        pairs = "; ".join(f"{word}: {', '.join(others)}" for word, others in listing.synonyms)
        parts.append(f"Other names of the same kinds (lemmas `all` lists them): {pairs}.")
    if listing.dropped:
        rows = [f"| {word} | {reason} |" for word, reason in listing.dropped if not _is_unnamed(word, reason)]
        unnamed = len(listing.dropped) - len(rows)
        rows += [f"| {unnamed} more | unfit for prompts, by WordNet's marks or the pack's lists |"] * bool(unnamed)
        parts.append("\n".join(["Dropped:\n", "| word | why |", "|---|---|", *rows]))
    return parts
