"""Synsets to words for a prompt: which lemmas are listed bare, which with the class word, which not at all.

Reads a Taxonomy and data/unfit_words.txt; returns a Listing of what was kept and what was dropped, and why.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from .taxonomy import DATA, Synset, Taxonomy

LEMMA_POLICIES = ("unambiguous", "first", "all")


@dataclass(frozen=True, slots=True)
class Group:
    """Synsets that came from one hypernym, and the class word that qualifies their ambiguous lemmas."""

    synsets: tuple[Synset, ...]
    class_word: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Words ready for a prompt.

    Args:
        words: what was kept, in WordNet's order, no two equal but for case, spaces and hyphens.
        qualified: (lemma, kept form) of those that got the class word.
        dropped: (lemma, why).
    """

    words: tuple[str, ...]
    qualified: tuple[tuple[str, str], ...]
    dropped: tuple[tuple[str, str], ...]


@dataclass
class _Draft:
    words: dict[str, str] = field(default_factory=dict)
    qualified: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, word: str) -> bool:
        return self.words.setdefault(fold(word), word) == word


def list_words(
    taxonomy: Taxonomy, groups: Sequence[Group], roots: Sequence[str], policy: str, without: Sequence[str] = ()
) -> Listing:
    """The words of `groups` under a lemma policy.

    Args:
        taxonomy: WordNet.
        groups: the synsets to name.
        roots: wnids of the hypernyms whose subtree is the class; a lemma with a sense outside it is ambiguous.
        policy: one of LEMMA_POLICIES.
        without: words that must not be listed, such as the class's own.
    """
    draft = _Draft()
    left_out = {fold(word) for word in without}
    for group in groups:
        for synset in group.synsets:
            lemmas = synset.lemmas[:1] if policy == "first" else synset.lemmas
            words = []
            for word in (lemma.replace("_", " ") for lemma in lemmas):
                if fold(word) in left_out:
                    draft.dropped.append((word, "it names the class itself"))
                else:
                    words.append(word)
            if policy == "unambiguous":
                _add_unambiguous(taxonomy, draft, words, group.class_word, roots)
            else:
                _add_bare(taxonomy, draft, words)
    return Listing(tuple(draft.words.values()), tuple(draft.qualified), tuple(draft.dropped))


def unfit(taxonomy: Taxonomy, word: str, *, exact_case: bool = False) -> str:
    """Why a word stays out of every list; "" when it may stand there.

    With `exact_case` WordNet's marks count for the same spelling only: "Tom" is an ethnic slur, "tom" a male animal.
    """
    marked = taxonomy.unfit(word, exact_case=exact_case)
    if marked:
        return f"a noun sense of it is {marked}"
    exact, beginnings = _unfit_words()
    lowered = word.lower()
    if lowered in exact or any(part.startswith(beginnings) for part in lowered.replace("-", " ").split()):
        return "it is on the pack's list of unfit words"
    return ""


def other_meaning(taxonomy: Taxonomy, word: str, roots: Sequence[str]) -> Synset | None:
    """The most frequent noun sense of `word` outside the subtrees of `roots`, or None."""
    for sense in taxonomy.senses(word):
        if not any(taxonomy.is_under(sense.id, root) for root in roots):
            return sense
    return None


def short_name(taxonomy: Taxonomy, synset: Synset) -> str:
    """The class word: "cat" for domestic cat, whose last word names one of its hypernyms; else its first lemma."""
    words = synset.lemmas[0].split("_")
    if len(words) > 1:
        above = [synset, *(taxonomy.synset(one) for one in taxonomy.ancestors(synset.id))]
        if any(fold(lemma) == fold(words[-1]) for one in above for lemma in one.lemmas):
            return words[-1]
    return synset.label


def fold(word: str) -> str:
    """What two spellings of one word share: no case, no spaces, no hyphens ("tom cat", "tomcat")."""
    return "".join(character for character in word.casefold() if character not in " -_")


def _add_bare(taxonomy: Taxonomy, draft: _Draft, words: Sequence[str]) -> None:
    for word in words:
        reason = unfit(taxonomy, word)
        if reason:
            draft.dropped.append((word, reason))
        else:
            draft.keep(word)


def _add_unambiguous(
    taxonomy: Taxonomy, draft: _Draft, words: Sequence[str], class_word: str, roots: Sequence[str]
) -> None:
    """Adds one synset's words: bare if they mean nothing else, else with the class word, else not at all."""
    doubled = []  # "flagship ship" is better than nothing, but worse than another word of the synset
    kept = 0
    for word in words:
        reason = unfit(taxonomy, word, exact_case=True)
        other = other_meaning(taxonomy, word, roots)
        if reason:
            draft.dropped.append((word, reason))
        elif other is None:
            kept += draft.keep(word)
        elif fold(word).endswith(fold(class_word)):
            doubled.append((word, other))
        else:
            kept += _qualify(taxonomy, draft, word, class_word, other, roots)
    for word, other in doubled:
        if kept or fold(word.split()[-1]) == fold(class_word):
            draft.dropped.append((word, f"it also means {_kind(taxonomy, other)}"))
        else:
            kept += _qualify(taxonomy, draft, word, class_word, other, roots)


def _qualify(
    taxonomy: Taxonomy, draft: _Draft, word: str, class_word: str, other: Synset, roots: Sequence[str]
) -> bool:
    longer = f"{word} {class_word}"
    meaning = f"it also means {_kind(taxonomy, other)}"
    if other_meaning(taxonomy, longer, roots) or unfit(taxonomy, longer):
        draft.dropped.append((word, f"{meaning}, and {longer!r} means something else too"))
    elif draft.keep(longer):
        draft.qualified.append((word, longer))
        return True
    else:
        draft.dropped.append((word, f"{meaning}; {longer!r} is listed"))
    return False


@functools.lru_cache(maxsize=1)
def _unfit_words() -> tuple[frozenset[str], tuple[str, ...]]:
    """The whole words of the list, and the beginnings (those with a trailing *)."""
    lines = (DATA / "unfit_words.txt").read_text(encoding="utf-8").splitlines()
    words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    beginnings = tuple(word.rstrip("*") for word in words if word.endswith("*"))
    return frozenset(word.rstrip("*") for word in words), beginnings


def _kind(taxonomy: Taxonomy, synset: Synset) -> str:
    above = (*synset.hypernyms, *synset.instance_hypernyms)
    return f"{synset.name}, a kind of {taxonomy.synset(above[0]).label}" if above else synset.name
